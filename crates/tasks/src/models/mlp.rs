//! Builder of `mlp_family`: flatten, fully connected layers, softmax cross-entropy (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::{Flatten, Loss, Network, mlp_layers};

use super::image_batches::ImageTask;
use super::network_task::NetworkTask;
use crate::families::mlp::MlpConfig;
use crate::{Error, Task};

/// The task of a configuration of `mlp_family`.
///
/// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels and
/// hidden layers of `H` units together: `B (D + 2H)`; for evaluation `R (D + H)` with `R = max(B, min(512, 2¹⁶ / (D + H)))`
/// images.
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them.
pub fn build(name: &str, config: &MlpConfig, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
    let images = ImageTask::sampled(name, &config.dataset, config.center_data, data)?;
    let mut sizes = config.layer_sizes.clone();
    sizes.push(images.data.classes());
    let layers = [vec![Flatten.into()], mlp_layers(&sizes, config.activation)].concat();
    let network = Network::new(images.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(config.w_init);
    Ok(Arc::new(NetworkTask::new(name, network, images)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{Augmentation, ImageDatasetConfig};
    use taskset_datasets::Source;
    use taskset_names::{Origin, Split};
    use taskset_nn::{Activation, Initializer};
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
            let task = build("t", &config(name, crop), &data).unwrap();
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
        let lockstep = |config: &MlpConfig| build("t", config, &data).unwrap().lockstep();
        let small = config("cifar10", 1);
        assert!(lockstep(&small) > 1);
        assert_eq!(lockstep(&MlpConfig { layer_sizes: vec![128], ..small }), 1);
        assert_eq!(lockstep(&config("cifar10", 0)), 1);
        assert_eq!(lockstep(&config("mnist", 1)), 1, "grey images have no colours");
    }

    #[test]
    fn a_crop_of_the_whole_image_is_infeasible() {
        let data = Datasets::new(Source::Synthetic);
        let error = build("t", &config("mnist", 28), &data).err().unwrap();
        assert!(matches!(error, Error::Infeasible { .. }), "{error}");
    }
}
