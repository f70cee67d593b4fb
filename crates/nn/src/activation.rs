//! Activation functions of the sampled and fixed tasks, with TensorFlow's subgradients.

/// An elementwise activation; names and definitions are TaskSet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `cos x`.
    Cos,
    /// `x` for `x >= 0`, else `exp(x) - 1`.
    Elu,
    /// `x` for `x > 0`, else `0.1 x`.
    LeakyRelu1,
    /// `x` for `x > 0`, else `0.2 x`.
    LeakyRelu2,
    /// `x` for `x > 0`, else `0.4 x`.
    LeakyRelu4,
    /// `max(x, 0)`, gradient 0 at 0.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x · sigmoid(x)`.
    Swish,
    /// `tanh x`.
    Tanh,
}

impl Activation {
    /// All activations in TaskSet's sampling (alphabetical) order.
    pub const ALL: [Self; 9] = [
        Self::Cos,
        Self::Elu,
        Self::LeakyRelu1,
        Self::LeakyRelu2,
        Self::LeakyRelu4,
        Self::Relu,
        Self::Sigmoid,
        Self::Swish,
        Self::Tanh,
    ];

    /// TaskSet's name, as it stands in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cos => "cos",
            Self::Elu => "elu",
            Self::LeakyRelu1 => "leaky_relu1",
            Self::LeakyRelu2 => "leaky_relu2",
            Self::LeakyRelu4 => "leaky_relu4",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Swish => "swish",
            Self::Tanh => "tanh",
        }
    }

    /// The activation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }

    /// Whether the derivative is computed from the input (`cos`, `swish`); for the others the output suffices.
    pub const fn derivative_needs_input(self) -> bool {
        matches!(self, Self::Cos | Self::Swish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_in_alphabetical_order() {
        for activation in Activation::ALL {
            assert_eq!(Activation::from_name(activation.name()), Some(activation));
        }
        assert!(Activation::ALL.is_sorted_by_key(|activation| activation.name()));
        assert_eq!(Activation::from_name("gelu"), None);
    }
}
