//! `mlp_ae_family`: fully connected autoencoders of images (paper G.1).

use serde_json::{Value, json};
use taskset_nn::{
    Activation, Distance, Flatten, Initializer, Loss, Network, Output, Reconstruction, Reduction, mlp_layers,
};

use super::{ImageDatasetConfig, TaskConfig, json};
use crate::config_sampling::Sampler;
use crate::spec::{Body, Examples, Infeasible};

/// A configuration of `mlp_ae_family`.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpAeConfig {
    /// Widths of the hidden layers, 1 to 6 of them, each 32 to 128 (DISAGREES-7).
    pub hidden_units: Vec<usize>,
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// Initialiser of every weight matrix.
    pub w_init: Initializer,
    /// The images.
    pub dataset: ImageDatasetConfig,
    /// What is done to the last layer's output.
    pub output_type: OutputType,
    /// Distance of output and input.
    pub loss_type: LossType,
    /// How the distances of the pixels become one number.
    pub reduction_type: LossReduction,
}

/// What is done to the last layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputType {
    /// Hyperbolic tangent, with images in `[-1, 1]`.
    Tanh,
    /// Sigmoid, with images in `[0, 1]`.
    Sigmoid,
    /// Nothing, with images in `[-1, 1]`.
    LinearCenter,
    /// Nothing, with images in `[0, 1]`.
    Linear,
}

/// Distance of a pixel and its reconstruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossType {
    /// The square of the difference, without ½.
    L2,
    /// The absolute difference.
    L1,
}

/// Reduction over the pixels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReduction {
    /// Mean.
    Mean,
    /// Sum.
    Sum,
}

impl OutputType {
    /// Whether pixels go to `[-1, 1]`.
    const fn centres(self) -> bool {
        matches!(self, Self::Tanh | Self::LinearCenter)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::LinearCenter => "linear_center",
            Self::Linear => "linear",
        }
    }
}

impl LossType {
    const fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L1 => "l1",
        }
    }
}

impl LossReduction {
    const fn name(self) -> &'static str {
        match self {
            Self::Mean => "reduce_mean",
            Self::Sum => "reduce_sum",
        }
    }
}

impl MlpAeConfig {
    /// Draws a configuration.
    pub fn sample(r: &mut Sampler) -> Self {
        use OutputType::{Linear, LinearCenter, Sigmoid, Tanh};
        let n = r.choice(&[1, 2, 3, 4, 5, 6]);
        Self {
            hidden_units: r.log_ints(n, 32, 128),
            activation: r.activation(),
            w_init: r.initializer(),
            dataset: ImageDatasetConfig::sample(r),
            output_type: r.choice(&[Tanh, Tanh, Sigmoid, Sigmoid, LinearCenter, Linear]),
            loss_type: r.choice(&[LossType::L2, LossType::L2, LossType::L1]),
            reduction_type: r.choice(&[LossReduction::Mean, LossReduction::Sum]),
        }
    }
}

impl TaskConfig for MlpAeConfig {
    fn to_json(&self) -> Value {
        json!({
            "hidden_units": self.hidden_units,
            "activation": self.activation.name(),
            "w_init": json::initializer(self.w_init),
            "dataset": self.dataset.to_json(),
            "output_type": self.output_type.name(),
            "loss_type": self.loss_type.name(),
            "reduction_type": self.reduction_type.name(),
        })
    }

    fn dataset(&self) -> Option<&str> {
        Some(&self.dataset.name)
    }

    /// Fully connected layers back to the image. Input and target are the same images, both in `[-1, 1]` where the output
    /// is `tanh` or centred, and else in `[0, 1]`.
    ///
    /// Memory of a trial besides parameters, gradients and optimizer, in numbers, for batches of `B` images of `D` pixels
    /// and hidden layers of `H` units together: `B (D + 2H)`, a block of `D min(B, max(128, 2¹⁷ / D))` outputs, and packed
    /// operands of about `D` times the larger of `B` and the widest layer. Evaluations hold as much again for
    /// `max(B, min(512, 2¹⁶ / (2D + H)))` images.
    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.dataset.examples(self.output_type.centres());
        let shape = examples.input()?.shape();
        let loss = Reconstruction {
            output: match self.output_type {
                OutputType::Tanh => Output::Tanh,
                OutputType::Sigmoid => Output::Sigmoid,
                OutputType::LinearCenter | OutputType::Linear => Output::Linear,
            },
            distance: match self.loss_type {
                LossType::L2 => Distance::Squared,
                LossType::L1 => Distance::Absolute,
            },
            reduction: match self.reduction_type {
                LossReduction::Mean => Reduction::Mean,
                LossReduction::Sum => Reduction::Sum,
            },
        };
        let sizes = [&self.hidden_units[..], &[shape.len()]].concat();
        let layers = [vec![Flatten.into()], mlp_layers(&sizes, self.activation)].concat();
        let network = Network::new(shape, layers, Loss::Reconstruction(loss)).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_sampling::Sampler;
    use crate::families::testing::{build, dense};
    use crate::families::{ImageDatasetConfig, TaskConfig};
    use crate::models::testing::{check, initial_loss, train};
    use taskset_datasets::Datasets;
    use taskset_datasets::Source;
    use taskset_nn::{Activation, Initializer};

    fn config(output_type: OutputType, loss_type: LossType, reduction_type: LossReduction) -> MlpAeConfig {
        MlpAeConfig {
            hidden_units: vec![20, 12],
            activation: Activation::Elu,
            w_init: Initializer::GlorotNormal,
            dataset: ImageDatasetConfig {
                name: "mnist".to_owned(),
                batch_size: 16,
                num_train: Some(2000),
                num_classes: Some(10),
                just_train: false,
                augmentation: None,
            },
            output_type,
            loss_type,
            reduction_type,
        }
    }

    #[test]
    fn parameters_follow_from_the_widths() {
        for seed in 0..150 {
            let config = MlpAeConfig::sample(&mut Sampler::new(seed));
            let pixels = config.dataset.examples(false).input().unwrap().len();
            let widths = [&[pixels], &config.hidden_units[..], &[pixels]].concat();
            assert_eq!(config.body().unwrap().num_params(), dense(&widths), "{seed}");
        }
    }

    #[test]
    fn problems_keep_the_contract_and_train() {
        let data = Datasets::new(Source::Synthetic);
        for (output, loss, reduction) in [
            (OutputType::Tanh, LossType::L2, LossReduction::Mean),
            (OutputType::Sigmoid, LossType::L2, LossReduction::Sum),
            (OutputType::LinearCenter, LossType::L2, LossReduction::Sum),
            (OutputType::Linear, LossType::L1, LossReduction::Mean),
        ] {
            let task = build(&config(output, loss, reduction), &data).unwrap();
            if loss == LossType::L2 {
                // Finite differences of |x| meet its kinks.
                check(&*task);
            }
            let (before, after) = train(&*task, 60, 1e-2);
            assert!(after < 0.8 * before, "{output:?} {loss:?}: {before} {after}");
        }
    }

    /// With outputs near 0 the losses of the same minibatches are moments of the pixels, and so tied to each other.
    #[test]
    fn initial_losses_are_moments_of_the_pixels() {
        let data = Datasets::new(Source::Synthetic);
        let initial = |output, loss, reduction| {
            let mut config = config(output, loss, reduction);
            config.w_init = Initializer::RandomNormal { std: 1e-6 };
            initial_loss(&*build(&config, &data).unwrap())
        };
        use OutputType::{Linear, LinearCenter, Sigmoid, Tanh};
        let (squares, sum) = (
            initial(Linear, LossType::L2, LossReduction::Sum),
            initial(Linear, LossType::L1, LossReduction::Sum),
        );
        let pixels = 784.0;
        assert!(squares > 0.0 && squares < sum && sum < pixels);
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-4, "{a} {b}");
        near(initial(Linear, LossType::L1, LossReduction::Mean), sum / pixels);
        near(initial(Sigmoid, LossType::L2, LossReduction::Sum), squares - sum + 0.25 * pixels);
        let centred = 4.0 * squares - 4.0 * sum + pixels;
        near(initial(LinearCenter, LossType::L2, LossReduction::Sum), centred);
        near(initial(Tanh, LossType::L2, LossReduction::Mean), centred / pixels);
    }
}
