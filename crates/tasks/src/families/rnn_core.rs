//! The recurrent core of the three text families.

use serde_json::{Value, json};
use taskset_nn::{Activation, Core, Gru, Initializer, Lstm, Recurrent, Vrnn};

use super::json::initializer;
use crate::config_sampling::Sampler;

/// The kinds in the order in which they are drawn.
#[derive(Clone, Copy)]
enum CoreKind {
    Vrnn,
    Gru,
    Lstm,
}

/// A recurrent core with an initialiser for each of its weight matrices.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are upstream's keys; the kinds say what they mean")]
pub enum RnnCore {
    /// `h' = act(x W + b + h U + c)`.
    Vrnn { hidden_to_hidden: Initializer, in_to_hidden: Initializer, act_fn: Activation, core_dim: usize },
    /// Gated recurrent unit: `w*` act on the input, `u*` on the state.
    Gru {
        core_dim: usize,
        wh: Initializer,
        wz: Initializer,
        wr: Initializer,
        uh: Initializer,
        uz: Initializer,
        ur: Initializer,
    },
    /// Long short-term memory, all gates in one matrix.
    Lstm { w_gates: Initializer, core_dim: usize },
}

impl RnnCore {
    /// Draws a core.
    pub fn sample(r: &mut Sampler) -> Self {
        let kind = r.choice(&[CoreKind::Vrnn, CoreKind::Gru, CoreKind::Lstm]);
        // Whether all matrices share one initialiser; drawn for LSTM too, which has only one.
        let linked = r.choice(&[true, true, true, true, false]);
        match kind {
            CoreKind::Vrnn => {
                let hidden_to_hidden = r.initializer();
                let in_to_hidden = if linked { hidden_to_hidden } else { r.initializer() };
                Self::Vrnn {
                    hidden_to_hidden,
                    in_to_hidden,
                    act_fn: r.activation(),
                    core_dim: r.log_int(32, 128),
                }
            }
            CoreKind::Gru => {
                let core_dim = r.log_int(32, 128);
                let shared = linked.then(|| r.initializer());
                let mut next = || shared.unwrap_or_else(|| r.initializer());
                Self::Gru { core_dim, wh: next(), wz: next(), wr: next(), uh: next(), uz: next(), ur: next() }
            }
            CoreKind::Lstm => Self::Lstm { w_gates: r.initializer(), core_dim: r.log_int(32, 128) },
        }
    }

    /// The layer that runs this core over a sequence.
    pub(crate) const fn layer(&self, trainable_init: bool) -> Recurrent {
        let core = match *self {
            Self::Vrnn { hidden_to_hidden, in_to_hidden, act_fn, core_dim } => Core::Vrnn(Vrnn {
                units: core_dim,
                activation: act_fn,
                w_in: in_to_hidden,
                w_h: hidden_to_hidden,
            }),
            Self::Gru { core_dim, wh, wz, wr, uh, uz, ur } => {
                Core::Gru(Gru { units: core_dim, wz, uz, wr, ur, wh, uh })
            }
            Self::Lstm { w_gates, core_dim } => Core::Lstm(Lstm { units: core_dim, w_gates }),
        };
        Recurrent { core, trainable_init }
    }

    /// `[kind, {…}]`.
    pub(crate) fn to_json(&self) -> Value {
        match *self {
            Self::Vrnn { hidden_to_hidden, in_to_hidden, act_fn, core_dim } => json!(["vrnn", {
                "hidden_to_hidden": initializer(hidden_to_hidden),
                "in_to_hidden": initializer(in_to_hidden),
                "act_fn": act_fn.name(),
                "core_dim": core_dim,
            }]),
            Self::Gru { core_dim, wh, wz, wr, uh, uz, ur } => json!(["gru", {
                "core_dim": core_dim,
                "wh": initializer(wh),
                "wz": initializer(wz),
                "wr": initializer(wr),
                "uh": initializer(uh),
                "uz": initializer(uz),
                "ur": initializer(ur),
            }]),
            Self::Lstm { w_gates, core_dim } => {
                json!(["lstm", {"w_gates": initializer(w_gates), "core_dim": core_dim}])
            }
        }
    }
}
