//! Descriptions of models: typed layers in sequence, a loss, and the parameters they have.

use std::collections::BTreeMap;
use std::fmt;

use taskset_rng::Stream;

use crate::parameter::Initial;
use crate::step::TokenInput;
use crate::{Activation, Dense, Initializer, Layer, Loss, Parameter, Position, Scalar, Shape};

/// A model as data: layers in sequence over rows of inputs, and a loss on the last layer's outputs (plus what layers
/// add to the loss themselves).
#[derive(Clone, PartialEq)]
pub struct Network {
    /// Shape of an input row.
    pub input: Shape,
    /// The layers, first to last.
    pub layers: Vec<Layer>,
    /// The loss.
    pub loss: Loss,
    /// Initialiser of the weight matrices and kernels.
    pub weights: Initializer,
    /// Initialisers of the weights of single layers, by their positions in `layers`, in place of `weights`. Layers whose
    /// descriptions contain initialisers keep these.
    pub weights_of: BTreeMap<usize, Initializer>,
}

impl fmt::Debug for Network {
    /// As derived. But the initialisers of single layers are left out where there are none: networks without them keep
    /// their [descriptions](Network::description), and their curves keep their identities.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, layers, loss, weights, weights_of } = self;
        let mut fields = f.debug_struct("Network");
        fields.field("input", input).field("layers", layers).field("loss", loss).field("weights", weights);
        if !weights_of.is_empty() {
            fields.field("weights_of", weights_of);
        }
        fields.finish()
    }
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
        Self { input, layers, loss, weights: Initializer::GlorotNormal, weights_of: BTreeMap::new() }
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

    /// The same with another initialiser of the weights of the layer at this position in `layers`.
    #[must_use]
    pub fn with_weights_of(mut self, layer: usize, weights: Initializer) -> Self {
        self.weights_of.insert(layer, weights);
        self
    }

    /// A text that is the same for networks that compute the same: input, layers, loss and initialisers, with all their
    /// numbers. Renaming a part changes it, too.
    pub fn description(&self) -> String {
        format!("{self:?}")
    }

    /// The shapes before the first layer, after it, …, after the last.
    ///
    /// # Errors
    /// If a layer, or the loss, cannot take the output of the layer before it; names the first one. If there is an
    /// initialiser for a layer that does not exist.
    pub fn shapes(&self) -> Result<Vec<Shape>, InvalidNetwork> {
        let mut shapes = vec![self.input];
        let mut shape = self.input;
        for (i, layer) in self.layers.iter().enumerate() {
            let invalid = |reason| InvalidNetwork { place: format!("layer {i}"), reason };
            shape = layer.output(shape).map_err(invalid)?;
            shapes.push(shape);
        }
        if let Some(layer) = self.weights_of.keys().find(|&&layer| layer >= self.layers.len()) {
            let reason = "has an initialiser of its own, but there is no such layer".to_owned();
            return Err(InvalidNetwork { place: format!("layer {layer}"), reason });
        }
        let invalid = |reason| InvalidNetwork { place: "the loss".to_owned(), reason };
        self.loss.check(self.input, shape).map_err(invalid)?;
        Ok(shapes)
    }

    /// Labels of a row of the minibatch: one per time step with labels for [`Loss::SequenceCrossEntropy`], else 1.
    pub const fn labels_per_row(&self) -> usize {
        self.loss.labels_per_row()
    }

    /// Whether the loss of several minibatches of equal size, taken as one, is the mean of their losses (up to rounding), so
    /// that an evaluation may join them: no row depends on the other rows of its minibatch, and the loss is a mean over rows.
    pub fn minibatches_may_be_fused(&self) -> bool {
        self.loss.is_mean_over_rows() && !self.layers.iter().any(Layer::mixes_rows)
    }

    /// What the layer behind the one of this number takes in of it, if that turns tokens into numbers.
    pub(crate) fn token_input(&self, layer: usize) -> Option<TokenInput> {
        let Shape::Tokens { vocabulary, .. } = self.input else { return None };
        let kind = match self.layers[layer] {
            Layer::Embed(_) => TokenInput::Embedding { vocabulary },
            Layer::OneHot(_) => TokenInput::OneHot,
            _ => return None,
        };
        self.layers.get(layer + 1).is_some_and(Layer::takes_tokens).then_some(kind)
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
    ///
    /// Positions of their roles count the layers with weights; a norm has the position of the layer before it. Encoder and
    /// decoder of a variational autoencoder count by themselves: one ends before the [latent layer](crate::Latent), the
    /// other begins behind it. So does the network inside each bijector of a flow. Nothing says where the encoder of a plain
    /// autoencoder ends, so it is one network.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (mut parameters, mut weighted) = (Vec::new(), 0);
        // Layers with weights of every network so far; network and layer of each parameter that has not got its position.
        let (mut networks, mut places) = (vec![0usize], Vec::new());
        for (i, (layer, input)) in self.with_inputs().enumerate() {
            if layer.divides_network() {
                networks.push(0);
            }
            let own = layer.parameters(input);
            if own.is_empty() {
                continue;
            }
            if !layer.follows() || weighted == 0 {
                weighted += 1;
            }
            let network = networks.len() - 1;
            if !layer.holds_network() && own.iter().any(Parameter::is_weights) {
                networks[network] += 1;
            }
            let place = (!layer.holds_network()).then(|| (network, networks[network].saturating_sub(1)));
            places.resize(places.len() + own.len(), place);
            parameters.extend(own.into_iter().map(|parameter| Parameter {
                name: format!("layer{}/{}", weighted - 1, parameter.name),
                start: match (parameter.start, self.weights_of.get(&i)) {
                    (Initial::Weights, Some(&initializer)) => Initial::By(initializer),
                    (start, _) => start,
                },
                ..parameter
            }));
        }
        for (parameter, place) in parameters.iter_mut().zip(places) {
            if let Some((network, layer)) = place {
                parameter.role.position = Position::of(layer, networks[network]);
            }
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

    /// Multiply-adds per row of each layer's matrix products: less what is gathered in place of being multiplied (one-hot
    /// tokens), and the logits that the loss does not compute.
    fn macs(&self) -> impl Iterator<Item = f64> {
        self.with_inputs().enumerate().map(|(i, (layer, input))| match (layer, input) {
            (_, Shape::Sequence { length, .. })
                if i > 0 && self.token_input(i - 1) == Some(TokenInput::OneHot) =>
            {
                layer.macs(Shape::Sequence { length, width: 0 })
            }
            (Layer::Dense(_), Shape::Sequence { length, .. }) if i + 1 == self.layers.len() => {
                layer.macs(input) * self.loss.computed_steps(length) as f64 / length.max(1) as f64
            }
            _ => layer.macs(input),
        })
    }

    /// Floating-point operations of a forward pass over a number of rows: the matrix products.
    pub fn forward_flops(&self, rows: usize) -> f64 {
        2.0 * rows as f64 * self.macs().sum::<f64>()
    }

    /// Floating-point operations of one training step on a number of rows: the matrix products, forward and backward.
    pub fn flops_per_step(&self, rows: usize) -> f64 {
        let (mut first, mut macs) = (true, 0.0);
        for ((layer, input), own) in self.with_inputs().zip(self.macs()) {
            // Forward and the gradient of the weights; the gradient of the input for all but the first.
            macs += if first { 2.0 } else { 3.0 } * own;
            // Behind one-hot tokens only the recurrent weights are multiplied, whose input has a gradient.
            first &= layer.parameters(input).is_empty() && !matches!(layer, Layer::OneHot(_));
        }
        2.0 * rows as f64 * macs
    }

    /// Of [`flops_per_step`](Self::flops_per_step), the operations that are not done because tokens occur several times in a
    /// minibatch: behind an embedding, a recurrent core multiplies each different token once. English text of n tokens has
    /// about `10 n^0.6` different ones (Heaps' law).
    pub fn repeated_flops(&self, rows: usize) -> f64 {
        let repeated = |(i, (layer, input)): (usize, (&Layer, Shape))| {
            let Shape::Sequence { length, .. } = input else { return 0.0 };
            let Some(TokenInput::Embedding { vocabulary }) =
                i.checked_sub(1).and_then(|i| self.token_input(i))
            else {
                return 0.0;
            };
            let tokens = (rows * length) as f64;
            let different = (10.0 * tokens.powf(0.6)).min(vocabulary as f64).min(tokens);
            let of_the_input = layer.macs(input) - layer.macs(Shape::Sequence { length, width: 0 });
            // Forward, and the gradients of the weights and of the embedding.
            2.0 * 3.0 * (rows as f64 - different / length.max(1) as f64) * of_the_input
        };
        self.with_inputs().enumerate().map(repeated).sum()
    }

    /// Numbers that a forward pass stores per row: the outputs of all layers, except for an embedding (or one-hot tokens) that
    /// is part of the next layer's step, a dense layer that is part of the loss, and vectors that are only read as images.
    pub fn values_per_row(&self) -> usize {
        let mut values = self.input.len();
        for (i, (layer, input)) in self.with_inputs().enumerate() {
            let last = i + 1 == self.layers.len();
            let taken = self.token_input(i).is_some()
                || matches!(layer, Layer::Unflatten(_))
                || (last && self.loss.takes_dense() && matches!(layer, Layer::Dense(_)));
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
mod description_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Conv, Core, Coupling, Dropout, Embed, Flatten, FrozenBatchNorm, GaussianLikelihood, Gru, Kind,
        Latent, LayerNorm, Padding, Recurrent, Role, SpatialPool,
    };

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

    fn check_roles(network: &Network, expected: &[&str]) {
        let roles = network.parameters().into_iter().map(|p| format!("{}: {}", p.name, p.role));
        assert_eq!(roles.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn roles_in_plain_networks() {
        let mlp = |sizes: &[usize]| Network::mlp(4, sizes, Activation::Relu, Loss::SoftmaxCrossEntropy);
        check_roles(&mlp(&[2]), &["layer0/w: only dense", "layer0/b: only bias"]);
        check_roles(
            &mlp(&[3, 3, 2]),
            &[
                "layer0/w: first dense",
                "layer0/b: first bias",
                "layer1/w: hidden dense",
                "layer1/b: hidden bias",
                "layer2/w: last dense",
                "layer2/b: last bias",
            ],
        );
        let conv = Conv { outputs: 2, kernel: 3, stride: 1, padding: Padding::Same, bias: true };
        let image = Shape::Image { height: 4, width: 4, channels: 3 };
        let layers = vec![
            conv.into(),
            Activation::Relu.into(),
            SpatialPool::Mean.into(),
            Dense { outputs: 3 }.into(),
            LayerNorm.into(),
            Activation::Relu.into(),
            Dense { outputs: 2 }.into(),
        ];
        check_roles(
            &Network::new(image, layers, Loss::SoftmaxCrossEntropy),
            &[
                "layer0/w: first kernel",
                "layer0/b: first bias",
                "layer1/w: hidden dense",
                "layer1/b: hidden bias",
                "layer1/gamma: hidden gain",
                "layer1/beta: hidden bias",
                "layer2/w: last dense",
                "layer2/b: last bias",
            ],
        );
    }

    #[test]
    fn a_norm_before_all_layers_belongs_to_the_first() {
        let layers = vec![LayerNorm.into(), Dense { outputs: 3 }.into(), Dense { outputs: 2 }.into()];
        let network = Network::new(Shape::Features(4), layers, Loss::SoftmaxCrossEntropy);
        let positions = network.parameters().into_iter().map(|p| p.role.position).collect::<Vec<_>>();
        use Position::{First, Last};
        assert_eq!(positions, [First, First, First, First, Last, Last]);
    }

    #[test]
    fn roles_of_a_recurrent_language_model() {
        let w = Initializer::Zeros;
        let core = Core::Gru(Gru { units: 3, wz: w, uz: w, wr: w, ur: w, wh: w, uh: w });
        let layers = vec![
            Embed { width: 2 }.into(),
            Recurrent { core, trainable_init: true }.into(),
            Dense { outputs: 5 }.into(),
        ];
        let tokens = Shape::Tokens { length: 4, vocabulary: 5 };
        let network = Network::new(tokens, layers, Loss::NextToken);
        check_roles(
            &network,
            &[
                "layer0/table: first embedding",
                "layer1/h0: hidden bias",
                "layer1/wz: hidden recurrent",
                "layer1/uz: hidden recurrent",
                "layer1/bz: hidden bias",
                "layer1/wr: hidden recurrent",
                "layer1/ur: hidden recurrent",
                "layer1/br: hidden bias",
                "layer1/wh: hidden recurrent",
                "layer1/uh: hidden recurrent",
                "layer1/bh: hidden bias",
                "layer2/w: last dense",
                "layer2/b: last bias",
            ],
        );
    }

    #[test]
    fn networks_inside_a_network_count_by_themselves() {
        let encoder = mlp_layers(&[5, 4], Activation::Tanh);
        let decoder = mlp_layers(&[5, 6, 12], Activation::Tanh);
        let layers = [vec![Flatten.into()], encoder, vec![Latent.into()], decoder].concat();
        let image = Shape::Image { height: 3, width: 2, channels: 1 };
        let loss = Loss::GaussianLikelihood(GaussianLikelihood { clip: 10.0, dequantize: None });
        let dense = |network: &Network| {
            let parameters = network.parameters().into_iter().filter(Parameter::is_weights);
            parameters.map(|p| p.role.position).collect::<Vec<_>>()
        };
        use Position::{First, Hidden, Last, Only};
        assert_eq!(dense(&Network::new(image, layers, loss)), [First, Last, First, Hidden, Last]);

        let coupling = |hidden: &[usize]| -> Layer {
            Coupling { hidden: hidden.to_vec(), activation: Activation::Relu }.into()
        };
        let layers = vec![Dense { outputs: 4 }.into(), coupling(&[]), coupling(&[3, 3]), coupling(&[3])];
        let flow = Network::new(Shape::Features(4), layers, Loss::StandardNormal);
        assert_eq!(dense(&flow), [Only, Only, First, Hidden, Last, First, Last]);
        let biases = flow.parameters().into_iter().skip(1).step_by(2);
        assert!(
            biases.zip(dense(&flow)).all(|(bias, position)| bias.role == Role::new(Kind::Bias, position))
        );
    }

    /// The last layer of the fixed convolutional tasks keeps Sonnet's default.
    #[test]
    fn single_layers_have_their_own_initialisers() {
        let network = Network::mlp(50, &[40, 10], Activation::Tanh, Loss::SoftmaxCrossEntropy)
            .with_weights(Initializer::HeNormal)
            .with_weights_of(2, Initializer::SonnetDefault);
        let starts = network.parameters().into_iter().map(|p| p.start).collect::<Vec<_>>();
        let zero = Initial::Constant(0.0);
        assert_eq!(starts, [Initial::Weights, zero, Initial::By(Initializer::SonnetDefault), zero]);
        let mut params = vec![f64::NAN; network.parameter_count()];
        network.init(&mut params, &mut taskset_rng::StreamId::root("t").stream());
        let mut stream = taskset_rng::StreamId::root("t").stream();
        let mut expected = vec![0f64; 2000];
        Initializer::HeNormal.fill(&[50, 40], &mut expected, &mut stream);
        let mut last = vec![0.0; 400];
        Initializer::SonnetDefault.fill(&[40, 10], &mut last, &mut stream);
        let expected = [expected, vec![0.0; 40], last, vec![0.0; 10]].concat();
        assert!(params.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
        let error = network.with_weights_of(3, Initializer::Zeros).shapes().unwrap_err().to_string();
        assert_eq!(error, "layer 3: has an initialiser of its own, but there is no such layer");
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
