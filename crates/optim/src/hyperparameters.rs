//! The hyperparameters of one optimizer: checking, reading and changing them.

use serde_json::Value;

use crate::family_registry::{Config, Family};
use crate::{Dimension, Error, Mode, Rule, Scale};

impl Config {
    /// The update rule in a mode, for a run of `training_steps` steps (0 is taken as 1). Only nadamw and, depending on
    /// the mode, adam6p and adam8p look at the number of steps; upstream's own is
    /// [`UPSTREAM_TRAINING_STEPS`](crate::UPSTREAM_TRAINING_STEPS), however long the run.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a value for which the equations make no sense, such as `beta1 = 1` or a rate that is NaN;
    /// [`Error::Divides`] for an epsilon of 0 where the mode's equations divide by it; [`Error::NotARule`] for a family that
    /// is not an elementwise rule of the paper: [`configured`](Config::configured) is there for all.
    pub fn rule(&self, mode: Mode, training_steps: u64) -> Result<Rule, Error> {
        self.rule_with(&mode.switches(), training_steps)
    }

    /// Whether every value is one for which the equations make sense.
    pub(crate) fn check_values(&self) -> Result<(), Error> {
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
    /// [`Error::OutOfRange`] name the key; [`Error::Hyperparameters`] if it is not an object.
    pub fn from_hyperparameters(family: Family, object: &Value) -> Result<Self, Error> {
        let info = family.info();
        for (key, value) in object.as_object().into_iter().flatten() {
            let Some(dimension) = info.space.iter().find(|dimension| dimension.name == key) else {
                return Err(Error::UnknownHyperparameter { family, key: key.clone() });
            };
            let (fits, expected) = match dimension.scale {
                Scale::Switch => (value.is_boolean(), "true or false".to_owned()),
                Scale::Choice(words) => {
                    let fits = value.as_str().is_some_and(|word| words.contains(&word));
                    (fits, format!("one of \"{}\"", words.join("\", \"")))
                }
                _ => (value.is_number(), "a number".to_owned()),
            };
            if !fits {
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
        config.check_values()?;
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

    /// The value of a hyperparameter, `true` as 1 and `false` as 0, a word as its place among the possible ones; `None` if
    /// the family has none of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        match self.to_value().get(name)? {
            Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Value::String(word) => {
                let space = self.family().info().space;
                let dimension = space.iter().find(|dimension| dimension.name == name)?;
                dimension.choice(word).map(|place| place as f64)
            }
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
    use crate::{Adam4p, families};
    use serde_json::json;

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
        // Every mode except `paper` adds something under the root.
        let Config::Adam8p(mut adam) = Family::Adam8p.info().config(0).unwrap() else { unreachable!() };
        adam.epsilon = 0.0;
        assert!(Config::from(adam).rule(Mode::Upstream, 10).is_ok());
        check(adam.into(), Mode::Paper, &["adam8p", "epsilon = 0", "divides"]);
    }

    #[test]
    fn means_decay_in_every_family() {
        let is_decay = |name: &&str| name.contains("momentum") || name.contains("beta");
        for info in families() {
            for name in info.space.iter().map(|dimension| dimension.name).filter(is_decay) {
                let error = info.config(0).unwrap().with_hyperparameters(&json!({name: 1.0})).unwrap_err();
                assert!(matches!(error, Error::OutOfRange { .. }), "{} {name}: {error}", info.name);
            }
        }
    }

    #[test]
    fn no_optimizer_divides_by_zero() {
        let mut checked = Vec::new();
        for info in families() {
            let Some(key) = ["epsilon", "aux_epsilon"]
                .into_iter()
                .find(|key| info.space.iter().any(|dimension| dimension.name == *key))
            else {
                continue;
            };
            let config = info.config(0).unwrap().with_hyperparameters(&json!({key: 0.0})).unwrap();
            let error = config.configured(Mode::Paper, 10).unwrap_err();
            assert!(matches!(error, Error::Divides { name, .. } if name == key), "{}: {error}", info.name);
            checked.push(info.name);
        }
        for name in ["adam4p", "adam8p", "nadamw", "adamw", "lamb", "muon", "schedule_free_adamw"] {
            assert!(checked.contains(&name), "{checked:?}");
        }
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
