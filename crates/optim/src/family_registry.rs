//! The one table of optimizer families. Listings, name lookup and contract tests come from it.
//!
//! A new family is one file in `families/` that implements [`FamilyMember`], and one row below.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use taskset_names::{PatternError, SEEDS, seed_of};

use crate::families::{
    Adagrad, AdagradLr, Adam1p, Adam4p, Adam6p, Adam8p, AdamLr, AdamW, Lamb, Muon, Nadamw, ScheduleFreeAdamW,
    Sgd, Zero,
};
use crate::unnamed_optimizer::Method;
use crate::{Dimension, Error, Hint, Rule, Switches};

/// What a family must say about itself. The type of its hyperparameters implements it.
pub(crate) trait FamilyMember: Copy + Serialize + DeserializeOwned {
    const NAME: &'static str;
    const PREFIX: &'static str;
    const NAMING: Naming;
    /// See [`FamilyInfo::revision`].
    const REVISION: u32;
    const SUMMARY: &'static str;
    /// In the order of the object's keys.
    const SPACE: &'static [Dimension];
    /// See [`FamilyInfo::has_modes`].
    const HAS_MODES: bool = true;
    /// See [`FamilyInfo::needs_horizon`].
    const NEEDS_HORIZON: bool = true;
    /// See [`FamilyInfo::default_config`].
    const DEFAULT: Option<Self> = None;

    /// The hyperparameters of the member with this seed or index.
    fn member(index: u32) -> Self;

    /// What an update does. Schedules run over `training_steps` steps.
    fn method(&self, switches: &Switches, training_steps: u64) -> Arc<dyn Method>;

    /// The hyperparameter by which the method divides although it is 0 (in f32 at least), with its value.
    fn divides_by(&self, method: &dyn Method) -> Option<(&'static str, f64)> {
        method.as_rule().and_then(Rule::divides_by)
    }
}

/// How the members of a family are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// `<prefix>_seed<i>`; seeds 0 to 999 were published and make up the set.
    Seeds {
        /// The name of the published set.
        set: &'static str,
    },
    /// `<prefix>_<x>` with x = -7.00, -6.50, …, 1.00.
    HalfOrders,
    /// The prefix itself.
    Single,
}

/// Number of members of [`Naming::HalfOrders`].
const HALF_ORDERS: u32 = 17;
/// Largest seed that can be drawn from: families add up to 205,001 to it, and NumPy's generator takes 32 bits.
const MAX_SEED: u32 = u32::MAX - 0xf_ffff;

/// The exponent of the member `index` of [`Naming::HalfOrders`].
pub(crate) fn half_order(index: u32) -> f64 {
    -7.0 + 0.5 * f64::from(index)
}

/// A row of the registry.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FamilyInfo {
    /// The family.
    pub family: Family,
    /// Its short name, e.g. `adam8p`.
    pub name: &'static str,
    /// What the names of its members begin with, e.g. `adam8p_wide_grid`.
    pub prefix: &'static str,
    /// How its members are named.
    pub naming: Naming,
    /// Revision of its rule, from 1. It is part of every trial's identity: raise it with any change that changes a bit of the
    /// family's updates, in any mode (a golden digest in `taskset-train` fails until then).
    pub revision: u32,
    /// One line for listings.
    pub summary: &'static str,
    /// The search space, in the order of the hyperparameter object's keys.
    pub space: &'static [Dimension],
    /// Whether its equations depend on the [`Mode`](crate::Mode): so it is for the families of the paper. The others are
    /// the same in every mode, and their curves say no mode.
    pub has_modes: bool,
    /// Whether schedules of it run over the number of training steps. Curves of the paper's families say that number
    /// even where it changes nothing.
    pub needs_horizon: bool,
    default: fn() -> Option<Config>,
    member: fn(u32) -> Config,
    pub(crate) parse: fn(Value) -> Result<Config, serde_json::Error>,
}

impl FamilyInfo {
    const fn of<H: FamilyMember + Into<Config>>(family: Family) -> Self {
        Self {
            family,
            name: H::NAME,
            prefix: H::PREFIX,
            naming: H::NAMING,
            revision: H::REVISION,
            summary: H::SUMMARY,
            space: H::SPACE,
            has_modes: H::HAS_MODES,
            needs_horizon: H::NEEDS_HORIZON,
            default: || H::DEFAULT.map(Into::into),
            member: |index| H::member(index).into(),
            parse: |value| serde_json::from_value::<H>(value).map(Into::into),
        }
    }

    /// Number of published members.
    pub const fn len(&self) -> u32 {
        match self.naming {
            Naming::Seeds { .. } => SEEDS,
            Naming::HalfOrders => HALF_ORDERS,
            Naming::Single => 1,
        }
    }

    /// Never: every family has members.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the published set, e.g. `adam8p_wide_grid_1k`; that of the released curve file.
    pub const fn set(&self) -> Option<&'static str> {
        match self.naming {
            Naming::Seeds { set } => Some(set),
            Naming::HalfOrders | Naming::Single => None,
        }
    }

    /// Whether the family has this name: its short name (`adam8p`), its prefix (`adam8p_wide_grid`) or its set
    /// (`adam8p_wide_grid_1k`). All three mean the same everywhere.
    pub fn is_called(&self, name: &str) -> bool {
        name == self.name || name == self.prefix || Some(name) == self.set()
    }

    /// The configuration that the authors of the rule recommend, and its name, `<prefix>_default`; none in the families of the
    /// paper.
    pub fn default_config(&self) -> Option<(String, Config)> {
        (self.default)().map(|config| (format!("{}_default", self.prefix), config))
    }

    /// The published members' names, in order.
    pub fn names(&self) -> impl Iterator<Item = String> + use<> {
        let info = *self;
        (0..self.len()).map(move |index| info.member_name(index))
    }

    /// The configuration of a member: the one with this seed, or the one at this place among the published ones. Seeds
    /// beyond 999 are drawn alike, but were not published and have no name; other families have no members beyond.
    pub fn config(&self, index: u32) -> Option<Config> {
        (index <= self.last()).then(|| (self.member)(index))
    }

    /// The configuration at `index`, modulo the number of members.
    #[cfg(feature = "contract")]
    pub(crate) fn config_wrapped(&self, index: u32) -> Config {
        (self.member)(index % (self.last() + 1))
    }

    /// The largest index of a member.
    const fn last(&self) -> u32 {
        match self.naming {
            Naming::Seeds { .. } => MAX_SEED,
            Naming::HalfOrders | Naming::Single => self.len() - 1,
        }
    }

    pub(crate) fn member_name(&self, index: u32) -> String {
        match self.naming {
            Naming::Seeds { .. } => format!("{}_seed{index}", self.prefix),
            Naming::HalfOrders => format!("{}_{:.2}", self.prefix, half_order(index)),
            Naming::Single => self.prefix.to_owned(),
        }
    }

    /// What was meant by a name with the right beginning and a number that no member has; for
    /// [`Naming::HalfOrders`] alone, where the same number can be written in several ways.
    pub(crate) fn exponent_hint(&self, name: &str) -> Option<Hint> {
        if self.naming != Naming::HalfOrders {
            return None;
        }
        let exponent: f64 = name.strip_prefix(self.prefix)?.strip_prefix('_')?.parse().ok()?;
        let member = (0..self.len()).find(|&index| (half_order(index) - exponent).abs() < 1e-9);
        Some(member.map_or(Hint::Exponent, |index| Hint::Nearest(self.member_name(index))))
    }

    /// The seed or index of the member with this name; an error for a seed that was not published.
    pub(crate) fn index_of(&self, name: &str) -> Result<Option<u32>, PatternError> {
        match self.naming {
            Naming::Seeds { .. } => seed_of(self.prefix, name),
            Naming::HalfOrders | Naming::Single if name.starts_with(self.prefix) => {
                Ok((0..self.len()).find(|&index| self.member_name(index) == name))
            }
            Naming::HalfOrders | Naming::Single => Ok(None),
        }
    }
}

macro_rules! registry {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// A family of optimizers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Family {
            $($(#[$doc])* $variant,)*
        }

        /// The hyperparameters of one optimizer. Serialises as upstream's object: its keys in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Config {
            $($(#[$doc])* $variant($variant),)*
        }

        $(impl From<$variant> for Config {
            fn from(hyperparameters: $variant) -> Self {
                Self::$variant(hyperparameters)
            }
        })*

        static FAMILIES: &[FamilyInfo] = &[$(FamilyInfo::of::<$variant>(Family::$variant)),*];

        impl Config {
            /// The family.
            pub fn family(&self) -> Family {
                match self {
                    $(Self::$variant(_) => Family::$variant,)*
                }
            }

            /// The update rule with every switch set by hand; [`Config::rule`] sets them by mode.
            ///
            /// # Errors
            /// As [`Config::rule`].
            pub fn rule_with(&self, switches: &Switches, training_steps: u64) -> Result<Rule, Error> {
                let method = self.method(switches, training_steps)?;
                method.as_rule().copied().ok_or(Error::NotARule { family: self.family() })
            }

            /// The checked update in any form.
            pub(crate) fn method(
                &self,
                switches: &Switches,
                training_steps: u64,
            ) -> Result<Arc<dyn Method>, Error> {
                self.check_values()?;
                let (method, divides_by) = match self {
                    $(Self::$variant(c) => {
                        let method = c.method(switches, training_steps);
                        let divides_by = c.divides_by(&*method);
                        (method, divides_by)
                    })*
                };
                match divides_by {
                    Some((name, value)) => Err(Error::Divides { family: self.family(), name, value }),
                    None => Ok(method),
                }
            }
        }
    };
}

registry! {
    /// Adam with a tuned learning rate.
    Adam1p,
    /// Adam with all four of its hyperparameters tuned.
    Adam4p,
    /// Adam with learning rate decays.
    Adam6p,
    /// Adam with learning rate decays and penalties.
    Adam8p,
    /// Nesterov Adam with weight decays, warm-up and cosine decay.
    Nadamw,
    /// Adagrad; not in the paper.
    Adagrad,
    /// Default Adam at half orders of learning rate.
    AdamLr,
    /// Default Adagrad at half orders of learning rate.
    AdagradLr,
    /// Sets all parameters to 0.
    Zero,
    /// Gradient descent with momentum; not in the paper.
    Sgd,
    /// Adam with decoupled weight decay, warm-up and cosine decay; not in the paper.
    AdamW,
    /// Adam whose step is scaled to the norm of each tensor; not in the paper.
    Lamb,
    /// AdamW that is evaluated at a mean of its iterates; not in the paper.
    ScheduleFreeAdamW,
    /// Orthogonalised momentum for matrices, AdamW for all other tensors; not in the paper.
    Muon,
}

/// All families, one row each.
pub fn families() -> &'static [FamilyInfo] {
    FAMILIES
}

impl Family {
    /// The family's row of the registry.
    pub fn info(self) -> &'static FamilyInfo {
        // Rows stand in the order of the enum: both come from one list.
        &FAMILIES[self as usize]
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

impl FromStr for Family {
    type Err = Error;

    /// By short name (`adam8p`), prefix (`adam8p_wide_grid`) or set (`adam8p_wide_grid_1k`).
    fn from_str(name: &str) -> Result<Self, Error> {
        FAMILIES
            .iter()
            .find(|info| info.is_called(name))
            .map(|info| info.family)
            .ok_or_else(|| Error::UnknownFamily(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_their_objects() {
        for info in families() {
            assert_eq!(info.family.info().name, info.name);
            assert_eq!(info.name.parse::<Family>().unwrap(), info.family);
            assert_eq!(info.names().count() as u32, info.len());
            let config = info.config(0).unwrap();
            assert_eq!(config.family(), info.family);
            // Only seeds go on beyond the published members.
            let seeds = matches!(info.naming, Naming::Seeds { .. });
            assert_eq!(info.config(info.len()).is_some(), seeds, "{}", info.name);
            // The space lists the object's keys, in its order.
            let text = serde_json::to_string(&config).unwrap();
            let places: Vec<usize> =
                info.space.iter().map(|d| text.find(&format!("\"{}\"", d.name)).unwrap()).collect();
            assert!(places.is_sorted(), "{text}");
            assert_eq!(config.to_value().as_object().unwrap().len(), info.space.len());
        }
    }

    #[test]
    fn every_published_configuration_lies_in_its_space_and_survives_json() {
        for info in families() {
            for index in 0..info.len() {
                let config = info.config(index).unwrap();
                for dimension in info.space {
                    let value = config.value(dimension.name).unwrap();
                    assert!(
                        dimension.contains(value),
                        "{} {} {value}",
                        info.member_name(index),
                        dimension.name
                    );
                }
                let text = serde_json::to_string(&config).unwrap();
                let value = serde_json::from_str(&text).unwrap();
                assert_eq!(Config::from_hyperparameters(info.family, &value).unwrap(), config);
            }
        }
    }
}
