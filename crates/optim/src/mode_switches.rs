//! Which reading of the equations: the released code, the published package, or the paper.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A preset of [`Switches`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The released `task_set` code, which produced the published curves: the default.
    #[default]
    Upstream,
    /// The published `opt_list` package for torch and jax: nesterov honoured, warm-up `max`, the caller's steps.
    OptList,
    /// The paper's equations (appendix C), with obvious sign errors corrected.
    Paper,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Upstream, Self::OptList, Self::Paper];

    /// The word in files and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::OptList => "opt_list",
            Self::Paper => "paper",
        }
    }

    /// What this mode chooses in each place where code and paper differ.
    pub const fn switches(self) -> Switches {
        let upstream = Switches {
            epsilon: EpsilonPlacement::Hat,
            root_epsilon: 1e-10,
            l2_multiplier: -1.0,
            correct_weight_decay: true,
            nesterov: Nesterov::Ignored,
            warmup: WarmupRule::Min,
            adam6p_rescales_clock: true,
            adam8p_rescales_clock: false,
        };
        match self {
            Self::Upstream => upstream,
            Self::OptList => Switches {
                nesterov: Nesterov::Corrected,
                warmup: WarmupRule::Max,
                adam8p_rescales_clock: true,
                ..upstream
            },
            Self::Paper => Switches {
                epsilon: EpsilonPlacement::Corrected,
                root_epsilon: 0.0,
                l2_multiplier: 2.0,
                correct_weight_decay: false,
                nesterov: Nesterov::Plain,
                warmup: WarmupRule::Min,
                adam6p_rescales_clock: false,
                adam8p_rescales_clock: false,
            },
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Error::UnknownMode(name.to_owned()))
    }
}

/// Every point in which the released code, the published package and the paper differ: one field per point.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Switches {
    /// adam1p, adam4p, `adam_lr`, nadamw: where epsilon stands.
    pub epsilon: EpsilonPlacement,
    /// adam6p, adam8p: what is added to the bias-corrected second moment under the root. 1e-10 upstream, 0 in the paper.
    pub root_epsilon: f64,
    /// nadamw: the gradient gets `l2_multiplier * l2_weight_decay * p`. Upstream -1 (a sign error: it pushes weights away
    /// from zero), in the paper +2 (the gradient of the squared norm).
    pub l2_multiplier: f64,
    /// nadamw: whether the decoupled weight decay is multiplied by the bias correction too, as upstream does.
    pub correct_weight_decay: bool,
    /// nadamw: what `use_nesterov` does.
    pub nesterov: Nesterov,
    /// nadamw: where the warm-up ends.
    pub warmup: WarmupRule,
    /// adam6p: whether the decays' clock runs over 10,000 ticks in the given training steps (else one tick per step).
    pub adam6p_rescales_clock: bool,
    /// The same for adam8p. Upstream's constructor of adam8p drops the number of training steps.
    pub adam8p_rescales_clock: bool,
}

/// Where Adam's epsilon stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpsilonPlacement {
    /// Beside the uncorrected root, `√v + ε`: "epsilon hat" of Kingma and Ba, and TensorFlow's.
    Hat,
    /// Beside the bias-corrected root, `√v̂ + ε`: the textbook's.
    Corrected,
}

/// What nadamw's `use_nesterov` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesterov {
    /// Nothing: upstream's constructor is never told, so all released curves are of heavy-ball momentum.
    Ignored,
    /// The numerator is `(β₁ m + (1 - β₁) G) / (1 - β₁ᵗ⁺¹)`, as in upstream's class.
    Corrected,
    /// The numerator is `β₁ m / (1 - β₁ᵗ⁺¹) + (1 - β₁) G`, as in the paper.
    Plain,
}

/// Where nadamw's warm-up ends, as a fraction of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmupRule {
    /// At `min(warmup_fraction, constant_fraction)`: TensorFlow, hence the released curves.
    Min,
    /// At `max(warmup_fraction, constant_fraction)`: torch, jax and learned_optimization, whose comment says "min".
    Max,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse::<Mode>().unwrap(), mode);
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert!("Upstream".parse::<Mode>().unwrap_err().to_string().contains("opt_list"));
    }
}
