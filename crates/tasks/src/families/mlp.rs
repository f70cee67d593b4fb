//! `mlp_family`: image classification with a fully connected network (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{Activation, Flatten, Initializer, Loss, Network, mlp_layers};

use super::{ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::spec::{Body, Examples, Infeasible};

/// A configuration of `mlp_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpConfig {
    /// Widths of the hidden layers, 1 to 6 of them, each 16 to 128.
    pub layer_sizes: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every weight matrix; biases start at 0.
    pub w_init: Initializer,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// Whether pixels go from `[0, 1]` to `[-1, 1]`, after augmentation.
    pub center_data: bool,
}

impl MlpConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        let n = r.choice(&[1, 2, 3, 4, 5, 6]);
        Self {
            layer_sizes: r.log_ints(n, 16, 128),
            activation: r.activation(),
            w_init: r.initializer(),
            dataset: ImageDatasetConfig::sample(r),
            center_data: r.true_or_false(),
        }
    }
}

impl TaskConfig for MlpConfig {
    fn to_json(&self) -> Value {
        json!({
            "layer_sizes": self.layer_sizes,
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "center_data": self.center_data,
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    /// Flatten, fully connected layers, softmax cross-entropy.
    ///
    /// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels
    /// and hidden layers of `H` units together: `B (D + 2H)`; for evaluation `R (D + H)` with
    /// `R = max(B, min(512, 2¹⁶ / (D + H)))` images.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(self.center_data);
        let input = examples.input()?;
        let sizes = [&self.layer_sizes[..], &[input.classes]].concat();
        let layers = [vec![Flatten.into()], mlp_layers(&sizes, self.activation)].concat();
        let network =
            Network::new(input.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::families::Augmentation;
    use crate::families::testing::build;
    use taskset_datasets::{Datasets, Source};
    use taskset_names::{Origin, Split};
    use taskset_rng::StreamId;

    fn config(name: &str, crop_amount: usize) -> MlpConfig {
        let augmentation = Augmentation {
            crop_amount,
            flip_left_right: true,
            flip_up_down: false,
            do_color_aug: true,
            brightness: 0.01,
            saturation: 0.1,
            hue: 0.1,
            contrast: 0.1,
        };
        MlpConfig {
            layer_sizes: vec![17, 30],
            activation: Activation::Swish,
            w_init: Initializer::RandomNormal { std: 1e-3 },
            dataset: ImageDatasetConfig {
                name: name.to_owned(),
                batch_size: 40,
                num_train: Some(55_000),
                num_classes: None,
                just_train: true,
                augmentation: (crop_amount > 0).then_some(augmentation),
            },
            center_data: true,
        }
    }

    #[test]
    fn every_image_set_builds_and_starts_near_the_logarithm_of_its_classes() {
        let data = Datasets::new(Source::Synthetic);
        for (name, crop, inputs, classes) in
            [("mnist", 1, 27 * 27, 10), ("cifar100", 2, 30 * 30 * 3, 100), ("coil100_32x32", 0, 3072, 72)]
        {
            let task = build(&config(name, crop), &data).unwrap();
            assert_eq!(task.layout().len(), inputs * 17 + 17 + 17 * 30 + 30 + 30 * classes + classes);
            assert_eq!(task.origin(), Origin::Synthetic);
            let mut problem = task.start(&StreamId::root("mlp-tests"));
            let mut params = vec![0.0; task.layout().len()];
            problem.init(&mut params);
            for split in Split::ALL {
                let loss = problem.mean_loss(split, &params, 2);
                assert!((loss - (classes as f64).ln()).abs() < 1e-3, "{name} {split} {loss}");
            }
        }
    }

    #[test]
    fn minibatches_are_shared_where_colours_change_and_the_model_is_small() {
        let data = Datasets::new(Source::Synthetic);
        let lockstep = |config: &MlpConfig| build(config, &data).unwrap().capabilities().lockstep;
        let small = config("cifar10", 1);
        assert!(lockstep(&small) > 1);
        assert_eq!(lockstep(&MlpConfig { layer_sizes: vec![128], ..small }), 1);
        assert_eq!(lockstep(&config("cifar10", 0)), 1);
        assert_eq!(lockstep(&config("mnist", 1)), 1, "grey images have no colours");
    }

    #[test]
    fn a_crop_of_the_whole_image_is_infeasible() {
        let data = Datasets::new(Source::Synthetic);
        let error = build(&config("mnist", 28), &data).err().unwrap();
        assert!(matches!(error, Error::Infeasible { .. }), "{error}");
    }
}
