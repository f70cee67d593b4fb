//! The recurrent cores of the fixed tasks, with Sonnet's default initialisers.

use taskset_nn::{Activation, Core, Gru, Initializer, Lstm, Recurrent, Vrnn};

/// A recurrent core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedCore {
    /// Vanilla, with tanh.
    Vrnn,
    /// Vanilla, with relu.
    VrnnRelu,
    /// Vanilla, with relu and an identity as the initial recurrent matrix.
    Irnn,
    /// Gated recurrent unit.
    Gru,
    /// Long short-term memory.
    Lstm,
}

impl FixedCore {
    /// The layer of this width. The initial state is zero; if it is trained, it is a parameter that starts there.
    pub(super) fn layer(self, units: usize, trainable_init: bool) -> Recurrent {
        use Initializer::{GlorotUniform, Identity, SonnetDefault};
        let vanilla = |activation, w_h| Core::Vrnn(Vrnn { units, activation, w_in: SonnetDefault, w_h });
        let core = match self {
            Self::Vrnn => vanilla(Activation::Tanh, SonnetDefault),
            Self::VrnnRelu => vanilla(Activation::Relu, SonnetDefault),
            Self::Irnn => vanilla(Activation::Relu, Identity),
            Self::Gru => Core::Gru(Gru {
                units,
                wz: GlorotUniform,
                uz: GlorotUniform,
                wr: GlorotUniform,
                ur: GlorotUniform,
                wh: GlorotUniform,
                uh: GlorotUniform,
            }),
            Self::Lstm => Core::Lstm(Lstm { units, w_gates: SonnetDefault }),
        };
        Recurrent { core, trainable_init }
    }

    /// As summaries show it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Vrnn => "tanh RNN",
            Self::VrnnRelu => "relu RNN",
            Self::Irnn => "identity RNN",
            Self::Gru => "GRU",
            Self::Lstm => "LSTM",
        }
    }
}
