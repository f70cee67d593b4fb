//! Image classification with fully connected networks (paper G.3, `FixedMLP_*`).

use taskset_nn::{
    Activation, Dense, Dropout, Flatten, FrozenBatchNorm, Initializer, Layer, LayerNorm, Loss, Network,
};

use super::{FixedModel, Images, group, join};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Fully connected layers; weights start by Sonnet's default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mlp {
    /// The images.
    pub images: Images,
    /// Widths of the hidden layers.
    pub hidden: &'static [usize],
    /// Activation behind every hidden layer.
    pub activation: Activation,
    /// What stands between each hidden layer and its activation.
    pub between: Between,
    /// The loss.
    pub loss: MlpLoss,
}

/// Normalisation or noise between a layer and its activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Between {
    /// Nothing.
    Nothing,
    /// Upstream's "batch norm" without any statistics: a fixed factor of `1 / sqrt(1.001)` and an offset.
    Offset,
    /// Layer normalisation with scale and offset.
    LayerNorm,
    /// Dropout, on in every split, with this probability to *keep* an element.
    Dropout(f64),
}

/// The loss of a classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlpLoss {
    /// Mean softmax cross-entropy (nats).
    CrossEntropy,
    /// Mean over classes and minibatch of the squared difference of sigmoids and one-hot labels.
    SquaredError,
}

impl Between {
    fn layer(self) -> Option<Layer> {
        match self {
            Self::Nothing => None,
            Self::Offset => Some(FrozenBatchNorm.into()),
            Self::LayerNorm => Some(LayerNorm.into()),
            Self::Dropout(keep) => Some(Dropout { keep }.into()),
        }
    }

    fn summary(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Offset => ", offsets".to_owned(),
            Self::LayerNorm => ", layer norm".to_owned(),
            Self::Dropout(keep) => format!(", dropout keeping {keep}"),
        }
    }
}

impl FixedModel for Mlp {
    const GROUP: Group = group("fixed_mlp");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let loss = match self.loss {
            MlpLoss::CrossEntropy => "cross-entropy",
            MlpLoss::SquaredError => "squared error",
        };
        let (hidden, between) = (join(self.hidden), self.between.summary());
        format!("MLP {hidden} {}{between}, {loss}, {}", self.activation.name(), self.images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let examples = self.images.examples(false);
        let input = examples.input()?;
        let mut layers: Vec<Layer> = vec![Flatten.into()];
        for &outputs in self.hidden {
            layers.push(Dense { outputs }.into());
            layers.extend(self.between.layer());
            layers.push(self.activation.into());
        }
        layers.push(Dense { outputs: input.classes }.into());
        let loss = match self.loss {
            MlpLoss::CrossEntropy => Loss::SoftmaxCrossEntropy,
            MlpLoss::SquaredError => Loss::SigmoidSquaredError,
        };
        let network = Network::new(input.shape(), layers, loss).with_weights(Initializer::SonnetDefault);
        Ok(Body::network(network, Examples::Images(examples)))
    }
}
