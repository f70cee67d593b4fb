//! The initialisers of the convolutional classifiers.

use taskset_nn::Initializer;

/// How the weights of a convolutional classifier start; biases start at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConvInitializer {
    /// Sonnet's: a truncated normal of deviation `1 / sqrt(fan_in)`.
    Sonnet,
    /// A truncated normal whose variance is `2 / fan_in`.
    HeNormal,
    /// That of `tf.contrib` with its factor of 2: a normal of deviation `sqrt(1.3 · 2 / fan_in)`, then truncated.
    VarianceScaling,
    /// A normal of this deviation, not truncated.
    Normal(f64),
}

/// Standard deviation of a standard normal number that is redrawn until within two standard deviations.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

impl ConvInitializer {
    /// The same as networks take it.
    pub const fn initializer(self) -> Initializer {
        match self {
            Self::Sonnet => Initializer::SonnetDefault,
            Self::HeNormal => Initializer::HeNormal,
            // `VarianceScaling` states the variance behind the truncation.
            Self::VarianceScaling => {
                Initializer::VarianceScaling { scale: 2.6 * TRUNCATED_STD * TRUNCATED_STD }
            }
            Self::Normal(std) => Initializer::RandomNormal { std },
        }
    }

    /// As summaries show it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Sonnet => "default".to_owned(),
            Self::HeNormal => "he_normal".to_owned(),
            Self::VarianceScaling => "variance_scaling".to_owned(),
            Self::Normal(std) => format!("normal({std})"),
        }
    }
}
