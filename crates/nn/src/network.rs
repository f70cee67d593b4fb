//! Descriptions of models: typed layers in sequence, a loss, and the parameters they have.

use taskset_rng::Stream;

use crate::{Activation, Initializer, Scalar};

/// One layer of a [`Network`], applied to rows of features.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// `y = x W + b` with `W` of shape `[in, out]`.
    Dense {
        /// Number of outputs.
        outputs: usize,
    },
    /// An elementwise activation.
    Activation(Activation),
    /// "Batch norm" of the fixed MLP tasks, which never updates its moving averages: `y = x / sqrt(1 + 1e-3) + β`.
    FrozenBatchNorm,
    /// `y = (x − mean) / sqrt(variance + 1e-5) γ + β` over the features of a row.
    LayerNorm,
    /// Each element is kept with this probability and divided by it, else 0; also in evaluation.
    Dropout {
        /// Probability of keeping an element.
        keep: f64,
    },
}

/// What a classifier's logits are compared to their labels by; the mean over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Softmax cross-entropy in nats.
    SoftmaxCrossEntropy,
    /// Mean over classes of `(onehot − sigmoid(logit))²`.
    SigmoidSquaredError,
}

/// One named parameter tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `layer<i>/w`, `/b`, `/gamma` or `/beta`, `i` counting the dense layers.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Weight,
    Zero,
    One,
}

impl Parameter {
    fn new(layer: usize, name: &str, shape: Vec<usize>, role: Role) -> Self {
        Self { name: format!("layer{layer}/{name}"), shape, role }
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A model as data: layers in sequence over rows of inputs, and a loss on the last layer's outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Features of an input row.
    pub inputs: usize,
    /// The layers, first to last. The first layer with parameters or randomness must be [`Layer::Dense`].
    pub layers: Vec<Layer>,
    /// The loss.
    pub loss: Loss,
}

impl Network {
    /// Dense layers of the given sizes, with the activation after every one but the last.
    pub fn mlp(inputs: usize, sizes: &[usize], activation: Activation, loss: Loss) -> Self {
        let mut layers = Vec::with_capacity(2 * sizes.len());
        for (i, &outputs) in sizes.iter().enumerate() {
            layers.push(Layer::Dense { outputs });
            if i + 1 < sizes.len() {
                layers.push(Layer::Activation(activation));
            }
        }
        Self { inputs, layers, loss }
    }

    /// Features of an output row: the number of classes.
    pub fn outputs(&self) -> usize {
        let dense = self.layers.iter().rev().find_map(|layer| match *layer {
            Layer::Dense { outputs } => Some(outputs),
            _ => None,
        });
        dense.unwrap_or(self.inputs)
    }

    /// The parameters in the order of the flat vector: layer by layer, kernel before bias.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let (mut width, mut dense) = (self.inputs, 0);
        for layer in &self.layers {
            let last = usize::saturating_sub(dense, 1);
            match *layer {
                Layer::Dense { outputs } => {
                    parameters.push(Parameter::new(dense, "w", vec![width, outputs], Role::Weight));
                    parameters.push(Parameter::new(dense, "b", vec![outputs], Role::Zero));
                    (width, dense) = (outputs, dense + 1);
                }
                Layer::FrozenBatchNorm => {
                    parameters.push(Parameter::new(last, "beta", vec![width], Role::Zero));
                }
                Layer::LayerNorm => {
                    parameters.push(Parameter::new(last, "gamma", vec![width], Role::One));
                    parameters.push(Parameter::new(last, "beta", vec![width], Role::Zero));
                }
                Layer::Activation(_) | Layer::Dropout { .. } => {}
            }
        }
        parameters
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(Parameter::count).sum()
    }

    /// Writes initial parameters: weights by the initialiser, each layer drawing on from the stream; biases and offsets
    /// 0, scales 1.
    ///
    /// # Panics
    /// If `params` has not [`parameter_count`](Network::parameter_count) elements.
    pub fn init<T: Scalar>(&self, weights: Initializer, params: &mut [T], stream: &mut Stream) {
        assert_eq!(params.len(), self.parameter_count(), "length of the parameter vector");
        let mut rest = params;
        for parameter in self.parameters() {
            let (tensor, behind) = rest.split_at_mut(parameter.count());
            match parameter.role {
                Role::Weight => weights.fill(&parameter.shape, tensor, stream),
                Role::Zero => tensor.fill(T::zero()),
                Role::One => tensor.fill(T::one()),
            }
            rest = behind;
        }
    }

    /// Floating-point operations of one training step on a number of rows: the matrix products, forward and backward.
    pub fn flops_per_step(&self, rows: usize) -> f64 {
        let (mut width, mut first, mut sum) = (self.inputs, true, 0.0);
        for layer in &self.layers {
            if let Layer::Dense { outputs } = *layer {
                // Forward and the weights' gradient; the input's gradient for all but the first.
                let products = if first { 2.0 } else { 3.0 };
                sum += products * 2.0 * (rows * width * outputs) as f64;
                (width, first) = (outputs, false);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_an_mlp() {
        let network = Network::mlp(784, &[128, 128, 128, 10], Activation::Relu, Loss::SoftmaxCrossEntropy);
        // The parameter count of FixedMLP_mnist_ce_128x128x128_relu_bs128.
        assert_eq!(network.parameter_count(), 134_794);
        assert_eq!(network.outputs(), 10);
        let names: Vec<String> = network.parameters().into_iter().map(|p| p.name).collect();
        assert_eq!(names[..4], ["layer0/w", "layer0/b", "layer1/w", "layer1/b"]);
        let products = 2 * 784 * 128 + 3 * (128 * 128 * 2 + 128 * 10);
        assert!((network.flops_per_step(1) - 2.0 * f64::from(products)).abs() < 0.5);
    }

    #[test]
    fn norms_add_their_parameters_to_their_layer() {
        let layers = vec![
            Layer::Dense { outputs: 3 },
            Layer::LayerNorm,
            Layer::Dense { outputs: 2 },
            Layer::FrozenBatchNorm,
            Layer::Dropout { keep: 0.5 },
        ];
        let network = Network { inputs: 2, layers, loss: Loss::SoftmaxCrossEntropy };
        let names: Vec<String> = network.parameters().into_iter().map(|p| p.name).collect();
        let expected =
            ["layer0/w", "layer0/b", "layer0/gamma", "layer0/beta", "layer1/w", "layer1/b", "layer1/beta"];
        assert_eq!(names, expected);
        let mut params = vec![9f32; network.parameter_count()];
        network.init(Initializer::Zeros, &mut params, &mut taskset_rng::StreamId::root("t").stream());
        assert_eq!(params.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()[9..12], [1.0; 3]);
        assert!((params.iter().sum::<f32>() - 3.0).abs() < 1e-9);
    }
}
