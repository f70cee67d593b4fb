//! The one table of optimizer families. Listings, name lookup and contract tests come from it.
//!
//! A new family is one file in `families/` that implements [`Hyperparameters`], and one row below.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use taskset_names::{PatternError, SEEDS, seed_of};

use crate::families::{Adagrad, AdagradLr, Adam1p, Adam4p, Adam6p, Adam8p, AdamLr, Nadamw, Zero};
use crate::{Dimension, Error, Hint, Mode, Rule, Switches};

/// What a family must say of itself; implemented by its hyperparameter object.
pub(crate) trait Hyperparameters: Copy + Serialize + DeserializeOwned {
    const NAME: &'static str;
    const PREFIX: &'static str;
    const NAMING: Naming;
    /// See [`FamilyInfo::revision`].
    const REVISION: u32;
    const SUMMARY: &'static str;
    /// In the order of the object's keys.
    const SPACE: &'static [Dimension];

    /// The hyperparameters of the member with this seed or index.
    fn member(index: u32) -> Self;

    /// The update rule.
    fn rule(&self, switches: &Switches, training_steps: u64) -> Rule;
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
/// Largest seed that can be drawn from: families add up to 123,455 to it, and NumPy's generator takes 32 bits.
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
    member: fn(u32) -> Config,
    parse: fn(Value) -> Result<Config, serde_json::Error>,
}

impl FamilyInfo {
    const fn of<H: Hyperparameters + Into<Config>>(family: Family) -> Self {
        Self {
            family,
            name: H::NAME,
            prefix: H::PREFIX,
            naming: H::NAMING,
            revision: H::REVISION,
            summary: H::SUMMARY,
            space: H::SPACE,
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

    /// The configuration at `index`, counted round the members.
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
                self.check()?;
                let rule = match self {
                    $(Self::$variant(c) => c.rule(switches, training_steps),)*
                };
                match rule.divides_by() {
                    Some((name, value)) => Err(Error::Divides { family: self.family(), name, value }),
                    None => Ok(rule),
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

impl Config {
    /// The update rule in a mode, for a run of `training_steps` steps (0 is taken as 1). Only nadamw and, depending on
    /// the mode, adam6p and adam8p look at the number of steps; upstream's own is
    /// [`UPSTREAM_TRAINING_STEPS`](crate::UPSTREAM_TRAINING_STEPS), however long the run.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a value for which the equations make no sense, such as `beta1 = 1` or a rate that is NaN;
    /// [`Error::Divides`] for an epsilon of 0 where the mode's equations divide by it.
    pub fn rule(&self, mode: Mode, training_steps: u64) -> Result<Rule, Error> {
        self.rule_with(&mode.switches(), training_steps)
    }

    /// Whether every value is one for which the equations make sense.
    fn check(&self) -> Result<(), Error> {
        let family = self.family();
        for dimension in family.info().space {
            let value = self.value(dimension.name).unwrap_or(f64::NAN);
            if !(dimension.valid[0] <= value && value <= dimension.valid[1]) {
                return Err(Error::OutOfRange {
                    family,
                    name: dimension.name,
                    value,
                    valid: dimension.valid,
                });
            }
        }
        Ok(())
    }

    /// Reads a hyperparameter object that has all keys of the family and no others.
    ///
    /// # Errors
    /// [`Error::UnknownHyperparameter`], [`Error::MissingHyperparameter`], [`Error::HyperparameterType`] and
    /// [`Error::OutOfRange`] name the key; [`Error::Hyperparameters`] for what is no object.
    pub fn from_hyperparameters(family: Family, object: &Value) -> Result<Self, Error> {
        let info = family.info();
        for (key, value) in object.as_object().into_iter().flatten() {
            let Some(dimension) = info.space.iter().find(|dimension| dimension.name == key) else {
                return Err(Error::UnknownHyperparameter { family, key: key.clone() });
            };
            let is_flag = dimension.scale == crate::Scale::Switch;
            if if is_flag { !value.is_boolean() } else { !value.is_number() } {
                let expected = if is_flag { "true or false" } else { "a number" };
                let (key, value) = (dimension.name, value.to_string());
                return Err(Error::HyperparameterType { family, key, value, expected });
            }
        }
        let missing = |dimension: &&Dimension| object.is_object() && object.get(dimension.name).is_none();
        if let Some(dimension) = info.space.iter().find(missing) {
            return Err(Error::MissingHyperparameter { family, key: dimension.name });
        }
        let config =
            (info.parse)(object.clone()).map_err(|source| Error::Hyperparameters { family, source })?;
        config.check()?;
        Ok(config)
    }

    /// The same hyperparameters with those in `object` (all or some of the family's keys) replaced.
    ///
    /// # Errors
    /// As [`Config::from_hyperparameters`], except for missing keys.
    pub fn with_hyperparameters(&self, object: &Value) -> Result<Self, Error> {
        let mut whole = self.to_value();
        match (whole.as_object_mut(), object.as_object()) {
            (Some(whole), Some(object)) => whole.extend(object.clone()),
            _ => whole = object.clone(),
        }
        Self::from_hyperparameters(self.family(), &whole)
    }

    /// The value of a hyperparameter, `true` as 1 and `false` as 0; `None` if the family has none of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        match self.to_value().get(name)? {
            Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
            value => value.as_f64(),
        }
    }

    pub(crate) fn to_value(self) -> Value {
        serde_json::to_value(self).expect("hyperparameters are plain numbers and flags")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_agree_with_their_objects() {
        for info in families() {
            assert_eq!(info.family.info().name, info.name);
            assert_eq!(info.name.parse::<Family>().unwrap(), info.family);
            assert_eq!(info.names().count() as u32, info.len());
            let config = info.config(0).unwrap();
            assert_eq!(config.family(), info.family);
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

    fn check_refused(family: Family, object: &Value, words: &[&str]) {
        let message = Config::from_hyperparameters(family, object).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }

    #[test]
    fn broken_objects_say_what_is_wrong() {
        let adam = |beta1: f64| json!({"learning_rate": 0.1, "beta1": beta1, "beta2": 0.9, "epsilon": 0.0});
        assert!(Config::from_hyperparameters(Family::Adam4p, &adam(0.0)).is_ok());
        check_refused(Family::Adam4p, &adam(1.0), &["adam4p", "beta1 = 1"]);
        check_refused(Family::Adam4p, &adam(-0.1), &["beta1"]);
        check_refused(Family::Adam1p, &adam(0.5), &["adam1p", "`beta1`", "its keys are learning_rate"]);
        check_refused(Family::Adam8p, &adam(0.5), &["adam8p", "`l1` is missing"]);
        check_refused(
            Family::Adam1p,
            &json!({"learning_rate": "x"}),
            &["learning_rate is \"x\"", "a number"],
        );
        check_refused(Family::Adam1p, &json!({"learning_rate": -1.0}), &["learning_rate = -1"]);
        check_refused(Family::Adam1p, &json!([]), &["adam1p"]);
        check_refused(
            Family::Adagrad,
            &json!({"learning_rate": 1.0, "initial_accumulator_value": 0.0}),
            &["initial_accumulator_value"],
        );
    }

    #[test]
    fn no_rule_is_made_of_impossible_values() {
        let good = Adam4p { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        let check = |config: Config, mode, words: &[&str]| {
            let message = config.rule(mode, 10).unwrap_err().to_string();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        };
        for mode in Mode::ALL {
            assert!(Config::from(good).rule(mode, 10).is_ok());
            let with = |change: fn(&mut Adam4p)| {
                let mut config = good;
                change(&mut config);
                Config::from(config)
            };
            check(with(|c| c.epsilon = 0.0), mode, &["adam4p", "epsilon = 0", "divides"]);
            check(with(|c| c.epsilon = 1e-50), mode, &["epsilon", "divides"]);
            check(with(|c| c.epsilon = -1.0), mode, &["epsilon = -1"]);
            check(with(|c| c.beta1 = 1.0), mode, &["beta1 = 1"]);
            check(with(|c| c.beta2 = -0.1), mode, &["beta2 = -0.1"]);
            check(with(|c| c.learning_rate = f64::NAN), mode, &["learning_rate = NaN or infinite"]);
            check(with(|c| c.learning_rate = f64::INFINITY), mode, &["learning_rate = NaN or infinite"]);
        }
        // Something is added under the root but in the mode `paper`.
        let Config::Adam8p(mut adam) = Family::Adam8p.info().config(0).unwrap() else { unreachable!() };
        adam.epsilon = 0.0;
        assert!(Config::from(adam).rule(Mode::Upstream, 10).is_ok());
        check(adam.into(), Mode::Paper, &["adam8p", "epsilon = 0", "divides"]);
    }

    #[test]
    fn some_values_can_be_replaced() {
        let config = Family::Adam4p.info().config(3).unwrap();
        let changed = config.with_hyperparameters(&json!({"beta1": 0.25})).unwrap();
        assert_eq!(changed.value("beta1"), Some(0.25));
        assert_eq!(changed.value("beta2"), config.value("beta2"));
        assert_eq!(changed.value("l1"), None);
        assert!(config.with_hyperparameters(&json!({"l1": 1.0})).is_err());
        assert!(config.with_hyperparameters(&json!(1.0)).is_err());
    }
}
