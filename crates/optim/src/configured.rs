//! An optimizer that is ready to train, with the identity by which its curves are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use taskset_trial::{HyperparameterValue, Hyperparameters, OptimizerIdentity};

use crate::{Config, Error, Mode, Named, Rule};

/// An optimizer that is ready to train: a rule, and the identity by which its curves are known.
///
/// ```
/// use taskset_optim::{Mode, named};
/// let adam = named("adam_lr_-3.00")?.configured(Mode::Upstream, 10_000)?;
/// assert_eq!((adam.identity.family.as_str(), adam.identity.schedule_steps), ("adam_lr", Some(10_000)));
/// # Ok::<(), taskset_optim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Configured {
    /// Name, family, hyperparameters, mode, schedule and revision.
    pub identity: Arc<OptimizerIdentity>,
    /// The update.
    pub rule: Rule,
}

impl Configured {
    /// The name.
    pub fn name(&self) -> &str {
        &self.identity.name
    }
}

impl Named {
    /// The optimizer in a mode, with schedules over `schedule_steps` steps.
    ///
    /// # Errors
    /// As [`Config::rule`], for hyperparameters that were changed by hand.
    pub fn configured(&self, mode: Mode, schedule_steps: u64) -> Result<Configured, Error> {
        let info = self.family.info();
        let identity = OptimizerIdentity {
            name: self.name.clone(),
            family: info.name.to_owned(),
            hyperparameters: hyperparameters(&self.config),
            mode: Some(mode.name().to_owned()),
            schedule_steps: Some(schedule_steps),
            revision: Some(info.revision),
        };
        let rule = self.config.rule(mode, schedule_steps)?;
        Ok(Configured { identity: Arc::new(identity), rule })
    }
}

/// Hyperparameters as an identity has them.
fn hyperparameters(config: &Config) -> Hyperparameters {
    let value = |value: &Value| match value {
        Value::Bool(flag) => HyperparameterValue::Flag(*flag),
        Value::Number(number) => HyperparameterValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        other => HyperparameterValue::Text(other.to_string()),
    };
    let object = config.to_value();
    let entries = object.as_object().into_iter().flatten();
    let entries: BTreeMap<String, HyperparameterValue> =
        entries.map(|(name, v)| (name.clone(), value(v))).collect();
    Hyperparameters(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{families, named};

    #[test]
    fn identities_hold_all_hyperparameters_to_the_bit() {
        for info in families() {
            let name = info.names().next().unwrap();
            let named = named(&name).unwrap();
            let identity = named.configured(Mode::Paper, 20).unwrap().identity;
            let found = &identity.hyperparameters;
            assert_eq!(found.0.len(), info.space.len(), "{name}");
            for dimension in info.space {
                let expected = named.config.value(dimension.name).unwrap();
                let found = match &found.0[dimension.name] {
                    HyperparameterValue::Number(number) => *number,
                    HyperparameterValue::Flag(flag) => f64::from(u8::from(*flag)),
                    HyperparameterValue::Text(text) => panic!("{text}"),
                };
                assert_eq!(found.to_bits(), expected.to_bits(), "{name} {}", dimension.name);
            }
            let text = found.to_json().unwrap();
            assert_eq!(Hyperparameters::from_json(&text).unwrap(), *found);
            assert_eq!((identity.mode.as_deref(), identity.schedule_steps), (Some("paper"), Some(20)));
        }
    }
}
