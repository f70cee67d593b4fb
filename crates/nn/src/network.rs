//! Descriptions of models: typed layers in sequence, a loss, and the parameters they have.

use taskset_rng::Stream;

use crate::{Activation, Dense, Initializer, Layer, Loss, Parameter, Scalar, Shape};

/// A model as data: layers in sequence over rows of inputs, and a loss on the last layer's outputs (plus what layers
/// add to the loss themselves).
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Shape of an input row.
    pub input: Shape,
    /// The layers, first to last.
    pub layers: Vec<Layer>,
    /// The loss.
    pub loss: Loss,
    /// Initialiser of the weight matrices and kernels.
    pub weights: Initializer,
}

/// A network whose parts do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct InvalidNetwork {
    /// `layer <i>` (counting from 0) or `the loss`.
    pub place: String,
    /// What does not fit.
    pub reason: String,
}

impl Network {
    /// A network with weights by Glorot's normal initialiser.
    pub fn new(input: Shape, layers: Vec<Layer>, loss: Loss) -> Self {
        Self { input, layers, loss, weights: Initializer::GlorotNormal }
    }

    /// Dense layers of the given sizes, with the activation after every one but the last.
    pub fn mlp(inputs: usize, sizes: &[usize], activation: Activation, loss: Loss) -> Self {
        Self::new(Shape::Features(inputs), mlp_layers(sizes, activation), loss)
    }

    /// The same with another initialiser of weights.
    #[must_use]
    pub fn with_weights(self, weights: Initializer) -> Self {
        Self { weights, ..self }
    }

    /// A text that is the same for networks that compute the same: input, layers, loss and initialisers, with all their
    /// numbers. Renaming a part changes it, too.
    pub fn description(&self) -> String {
        format!("{self:?}")
    }

    /// The shapes before the first layer, after it, …, after the last.
    ///
    /// # Errors
    /// If a layer, or the loss, cannot take the output of the layer before it; names the first one.
    pub fn shapes(&self) -> Result<Vec<Shape>, InvalidNetwork> {
        let mut shapes = vec![self.input];
        let mut shape = self.input;
        for (i, layer) in self.layers.iter().enumerate() {
            let invalid = |reason| InvalidNetwork { place: format!("layer {i}"), reason };
            shape = layer.output(shape).map_err(invalid)?;
            shapes.push(shape);
        }
        let invalid = |reason| InvalidNetwork { place: "the loss".to_owned(), reason };
        self.loss.check(self.input, shape).map_err(invalid)?;
        Ok(shapes)
    }

    /// The layers with the shapes of their inputs, up to the first one that does not fit.
    fn with_inputs(&self) -> impl Iterator<Item = (&Layer, Shape)> {
        let mut shape = Some(self.input);
        self.layers.iter().map_while(move |layer| {
            let input = shape?;
            shape = layer.output(input).ok();
            shape.map(|_| (layer, input))
        })
    }

    /// The parameters in the order of the flat vector: layer by layer.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (mut parameters, mut weighted) = (Vec::new(), 0);
        for (layer, input) in self.with_inputs() {
            let own = layer.parameters(input);
            if own.is_empty() {
                continue;
            }
            if !layer.follows() || weighted == 0 {
                weighted += 1;
            }
            parameters.extend(own.into_iter().map(|parameter| Parameter {
                name: format!("layer{}/{}", weighted - 1, parameter.name),
                ..parameter
            }));
        }
        parameters
    }

    /// Number of parameters of each layer.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let count = |(layer, input): (&Layer, Shape)| {
            layer.parameters(input).iter().map(Parameter::count).sum::<usize>()
        };
        self.with_inputs().map(count).collect()
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.counts().iter().sum()
    }

    /// Writes initial parameters, tensor after tensor from the stream.
    ///
    /// # Panics
    /// If `params` does not have [`parameter_count`](Network::parameter_count) elements.
    pub fn init<T: Scalar>(&self, params: &mut [T], stream: &mut Stream) {
        assert_eq!(params.len(), self.parameter_count(), "length of the parameter vector");
        let mut rest = params;
        for parameter in self.parameters() {
            let (tensor, behind) = rest.split_at_mut(parameter.count());
            parameter.init(self.weights, tensor, stream);
            rest = behind;
        }
    }

    /// 1 where a projecting optimizer must keep a parameter, 0 where it must reset it to 0 after every update; `None`
    /// if no parameter is constrained.
    pub fn constraint_mask<T: Scalar>(&self) -> Option<Vec<T>> {
        let mut mask = vec![T::one(); self.parameter_count()];
        let (mut offset, mut any) = (0, false);
        for parameter in self.parameters() {
            parameter.for_masked(|i| {
                mask[offset + i] = T::zero();
                any = true;
            });
            offset += parameter.count();
        }
        any.then_some(mask)
    }

    /// Floating-point operations of a forward pass over a number of rows: the matrix products.
    pub fn forward_flops(&self, rows: usize) -> f64 {
        2.0 * rows as f64 * self.with_inputs().map(|(layer, input)| layer.macs(input)).sum::<f64>()
    }

    /// Floating-point operations of one training step on a number of rows: the matrix products, forward and backward.
    pub fn flops_per_step(&self, rows: usize) -> f64 {
        let (mut first, mut macs) = (true, 0.0);
        for (layer, input) in self.with_inputs() {
            let own = layer.macs(input);
            // Forward and the gradient of the weights; the gradient of the input for all but the first.
            macs += if first { 2.0 } else { 3.0 } * own;
            first &= layer.parameters(input).is_empty();
        }
        2.0 * rows as f64 * macs
    }

    /// Numbers that a forward pass stores per row: the outputs of all layers, except for an embedding that is part of the
    /// next layer's step, and a dense layer that is part of the loss.
    pub fn values_per_row(&self) -> usize {
        let mut layers = self.with_inputs().peekable();
        let mut values = self.input.len();
        while let Some((layer, input)) = layers.next() {
            let taken = match (layer, layers.peek()) {
                (Layer::Embed(_), Some((next, _))) => next.takes_embedding(),
                (Layer::Dense(_), None) => self.loss.takes_dense(),
                _ => false,
            };
            values += layer.output(input).map_or(0, |shape| if taken { 0 } else { shape.len() });
        }
        values
    }
}

/// Dense layers of the given sizes, with the activation after every one but the last.
pub fn mlp_layers(sizes: &[usize], activation: Activation) -> Vec<Layer> {
    let mut layers = Vec::with_capacity(2 * sizes.len());
    for (i, &outputs) in sizes.iter().enumerate() {
        layers.push(Dense { outputs }.into());
        if i + 1 < sizes.len() {
            layers.push(activation.into());
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dropout, FrozenBatchNorm, LayerNorm};

    #[test]
    fn parameters_of_an_mlp() {
        let network = Network::mlp(784, &[128, 128, 128, 10], Activation::Relu, Loss::SoftmaxCrossEntropy);
        // The parameter count of FixedMLP_mnist_ce_128x128x128_relu_bs128.
        assert_eq!(network.parameter_count(), 134_794);
        let names: Vec<String> = network.parameters().into_iter().map(|p| p.name).collect();
        assert_eq!(names[..4], ["layer0/w", "layer0/b", "layer1/w", "layer1/b"]);
        let products = 2 * 784 * 128 + 3 * (128 * 128 * 2 + 128 * 10);
        assert!((network.flops_per_step(1) - 2.0 * f64::from(products)).abs() < 0.5);
    }

    #[test]
    fn norms_add_their_parameters_to_their_layer() {
        let layers = vec![
            Dense { outputs: 3 }.into(),
            LayerNorm.into(),
            Dense { outputs: 2 }.into(),
            FrozenBatchNorm.into(),
            Dropout { keep: 0.5 }.into(),
        ];
        let network = Network::new(Shape::Features(2), layers, Loss::SoftmaxCrossEntropy)
            .with_weights(Initializer::Zeros);
        let names: Vec<String> = network.parameters().into_iter().map(|p| p.name).collect();
        let expected =
            ["layer0/w", "layer0/b", "layer0/gamma", "layer0/beta", "layer1/w", "layer1/b", "layer1/beta"];
        assert_eq!(names, expected);
        let mut params = vec![9f32; network.parameter_count()];
        network.init(&mut params, &mut taskset_rng::StreamId::root("t").stream());
        assert_eq!(params.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()[9..12], [1.0; 3]);
        assert!((params.iter().sum::<f32>() - 3.0).abs() < 1e-9);
        assert!(network.constraint_mask::<f32>().is_none());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let image = Shape::Image { height: 3, width: 3, channels: 1 };
        let layers = vec![Activation::Relu.into(), Dense { outputs: 2 }.into()];
        let error = Network::new(image, layers, Loss::SoftmaxCrossEntropy).shapes().unwrap_err();
        assert_eq!(error.to_string(), "layer 1: takes vectors, not 3x3x1 images");
        let error = Network::new(image, Vec::new(), Loss::NextToken).shapes().unwrap_err();
        assert!(error.to_string().starts_with("the loss: NextToken is not defined for"), "{error}");
    }
}
