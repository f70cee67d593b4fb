//! Image classification with convolutions (paper G.3): then global pooling, or fully connected layers.

use taskset_nn::{
    Activation, BatchNorm, Conv, Dense, Flatten, Layer, Loss, Network, Padding, SpatialPool, mlp_layers,
};

use super::{ConvInitializer, FixedModel, Images, group, join};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Convolutions 3×3, the first of stride 2, a mean or maximum over all positions, a linear layer; mean softmax
/// cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvPooling {
    /// The images.
    pub images: Images,
    /// Channels behind each convolution.
    pub widths: &'static [usize],
    /// Activation behind each convolution, the last included.
    pub activation: Activation,
    /// Initialiser of the convolutions; the linear layer always has Sonnet's.
    pub init: ConvInitializer,
    /// How the last maps become one number each.
    pub pool: SpatialPool,
    /// Whether batch norm with the statistics of the minibatch stands before each activation. The biases of the
    /// convolutions are kept, as upstream does; they then have no effect.
    pub batch_norm: bool,
}

/// The same convolutions, then fully connected layers on all that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvFc {
    /// The images.
    pub images: Images,
    /// Channels behind each convolution.
    pub widths: &'static [usize],
    /// Widths of the hidden fully connected layers.
    pub fc: &'static [usize],
    /// Activation behind every layer but the last.
    pub activation: Activation,
    /// Initialiser of all weights, the last layer's included.
    pub init: ConvInitializer,
}

/// The convolutions: the first of stride 2, the others of stride 1.
fn convolutions(widths: &[usize], activation: Activation, batch_norm: bool) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (i, &outputs) in widths.iter().enumerate() {
        let stride = if i == 0 { 2 } else { 1 };
        layers.push(Conv { outputs, kernel: 3, stride, padding: Padding::Same, bias: true }.into());
        layers.extend(batch_norm.then(|| BatchNorm.into()));
        layers.push(activation.into());
    }
    layers
}

impl FixedModel for ConvPooling {
    const GROUP: Group = group("fixed_conv_pooling");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let norm = if self.batch_norm { ", batch norm" } else { "" };
        let pool = match self.pool {
            SpatialPool::Mean => "mean",
            SpatialPool::Max => "max",
            SpatialPool::SquaredMean => "squared mean",
        };
        format!(
            "conv {} {}, {} init{norm}, {pool} pooling, {}",
            join(self.widths),
            self.activation.name(),
            self.init.name(),
            self.images.summary()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(false);
        let input = examples.input()?;
        let mut layers = convolutions(self.widths, self.activation, self.batch_norm);
        layers.push(self.pool.into());
        let last = layers.len();
        layers.push(Dense { outputs: input.classes }.into());
        let network = Network::new(input.shape(), layers, Loss::SoftmaxCrossEntropy)
            .with_weights(self.init.initializer())
            .with_weights_of(last, ConvInitializer::Sonnet.initializer());
        Ok(Body::network(network, Examples::Images(examples)))
    }
}

impl FixedModel for ConvFc {
    const GROUP: Group = group("fixed_conv_fc");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let dense =
            if self.fc.is_empty() { "flattened".to_owned() } else { format!("dense {}", join(self.fc)) };
        format!(
            "conv {} {}, {} init, {dense}, {}",
            join(self.widths),
            self.activation.name(),
            self.init.name(),
            self.images.summary()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(false);
        let input = examples.input()?;
        let sizes = [self.fc, &[input.classes]].concat();
        let layers = [
            convolutions(self.widths, self.activation, false),
            vec![Flatten.into()],
            mlp_layers(&sizes, self.activation),
        ];
        let network = Network::new(input.shape(), layers.concat(), Loss::SoftmaxCrossEntropy)
            .with_weights(self.init.initializer());
        Ok(Body::network(network, Examples::Images(examples)))
    }
}
