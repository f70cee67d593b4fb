//! An optimizer of the registry that is ready to train, with the identity by which its curves are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use taskset_params::Layout;
use taskset_rng::StreamId;
use taskset_trial::{HyperparameterValue, Hyperparameters, OptimizerIdentity};

use crate::unnamed_optimizer::Method;
use crate::{Config, Error, Facts, Mode, Named, Optimizer, Run, Switches};

/// An optimizer of the registry that is ready to train: hyperparameters in a mode, and the identity by which its curves are
/// known.
///
/// ```
/// use taskset_optim::{Mode, Optimizer, named};
/// let adam = named("adam_lr_-3.00")?.configured(Mode::Upstream, 10_000)?;
/// let identity = adam.identity();
/// assert_eq!((identity.family.as_str(), identity.schedule_steps), ("adam_lr", Some(10_000)));
/// # Ok::<(), taskset_optim::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Configured {
    identity: Arc<OptimizerIdentity>,
    method: Arc<dyn Method>,
}

impl Configured {
    /// The name.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// The same optimizer, whose curves are stored under another name.
    #[must_use]
    pub fn with_name(self, name: &str) -> Self {
        let identity = OptimizerIdentity { name: name.to_owned(), ..(*self.identity).clone() };
        Self { identity: Arc::new(identity), ..self }
    }
}

impl Optimizer for Configured {
    fn identity(&self) -> OptimizerIdentity {
        (*self.identity).clone()
    }

    fn facts(&self) -> Facts {
        self.method.facts()
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        self.method.state_bytes(layout)
    }

    fn start(
        &self,
        layout: &Arc<Layout>,
        params: &[f32],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f32>>, Error> {
        self.method.start(layout, params, noise)
    }

    fn start_f64(
        &self,
        layout: &Arc<Layout>,
        params: &[f64],
        noise: &StreamId,
    ) -> Result<Box<dyn Run<f64>>, Error> {
        self.method.start_f64(layout, params, noise)
    }
}

impl Named {
    /// The optimizer in a mode, with schedules over `schedule_steps` steps. Families [without modes](crate::FamilyInfo::has_modes)
    /// are the same in all of them.
    ///
    /// # Errors
    /// As [`Config::rule`], for hyperparameters that were changed by hand.
    pub fn configured(&self, mode: Mode, schedule_steps: u64) -> Result<Configured, Error> {
        Ok(self.config.configured(mode, schedule_steps)?.with_name(&self.name))
    }
}

impl Config {
    /// The optimizer with these hyperparameters, in a mode, with schedules over `schedule_steps` steps. Its name is made of the
    /// family and the hyperparameters.
    ///
    /// ```
    /// use taskset_optim::{Config, Lamb, Mode, Optimizer};
    /// let lamb = Config::from(Lamb { learning_rate: 0.02, ..Lamb::DEFAULT }).configured(Mode::default(), 1_000)?;
    /// assert!(lamb.name().starts_with("lamb:") && lamb.name().contains(":learning_rate=0.02:"));
    /// # Ok::<(), taskset_optim::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Config::rule`].
    pub fn configured(&self, mode: Mode, schedule_steps: u64) -> Result<Configured, Error> {
        self.configured_with(&mode.switches(), schedule_steps)
    }

    /// The same with every switch set by hand. Curves of switches that are no mode's say all of them in place of the mode.
    ///
    /// # Errors
    /// As [`Config::rule`].
    pub fn configured_with(&self, switches: &Switches, schedule_steps: u64) -> Result<Configured, Error> {
        let info = self.family().info();
        let hyperparameters = hyperparameters(self);
        let values = hyperparameters.0.iter().map(|(name, value)| {
            let value = match value {
                HyperparameterValue::Flag(flag) => flag.to_string(),
                HyperparameterValue::Number(number) => format!("{number:?}"),
                HyperparameterValue::Text(text) => text.clone(),
            };
            format!(":{name}={value}")
        });
        let mut identity = OptimizerIdentity {
            name: values.fold(info.name.to_owned(), |name, value| name + &value),
            family: info.name.to_owned(),
            hyperparameters,
            mode: None,
            schedule_steps: None,
            revision: Some(info.revision),
        };
        if info.has_modes {
            let mode = Mode::ALL.into_iter().find(|mode| mode.switches() == *switches);
            identity.mode = Some(mode.map_or_else(|| format!("{switches:?}"), |mode| mode.name().to_owned()));
        }
        if info.needs_horizon {
            identity.schedule_steps = Some(schedule_steps);
        }
        let method = self.method(switches, schedule_steps)?;
        Ok(Configured { identity: Arc::new(identity), method })
    }
}

/// Hyperparameters as an identity has them.
fn hyperparameters(config: &Config) -> Hyperparameters {
    let value = |value: &Value| match value {
        Value::Bool(flag) => HyperparameterValue::Flag(*flag),
        Value::Number(number) => HyperparameterValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => HyperparameterValue::Text(text.clone()),
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
    fn switches_of_no_mode_are_said_whole() {
        let config = named("nadamw_grid_seed0").unwrap().config;
        for mode in Mode::ALL {
            let by_hand = config.configured_with(&mode.switches(), 20).unwrap().identity();
            assert_eq!(by_hand, config.configured(mode, 20).unwrap().identity());
        }
        let own = Switches { root_epsilon: 1e-9, ..Mode::Upstream.switches() };
        let mode = config.configured_with(&own, 20).unwrap().identity().mode.unwrap();
        assert!(mode.contains("root_epsilon: 1e-9"), "{mode}");
    }

    #[test]
    fn identities_hold_all_hyperparameters_to_the_bit() {
        for info in families() {
            let name = info.names().next().unwrap();
            let named = named(&name).unwrap();
            let identity = named.configured(Mode::Paper, 20).unwrap().identity();
            let found = &identity.hyperparameters;
            assert_eq!(found.0.len(), info.space.len(), "{name}");
            for dimension in info.space {
                let expected = named.config.value(dimension.name).unwrap();
                let found = match &found.0[dimension.name] {
                    HyperparameterValue::Number(number) => *number,
                    HyperparameterValue::Flag(flag) => f64::from(u8::from(*flag)),
                    HyperparameterValue::Text(text) => dimension.choice(text).unwrap() as f64,
                };
                assert_eq!(found.to_bits(), expected.to_bits(), "{name} {}", dimension.name);
            }
            let text = found.to_json().unwrap();
            assert_eq!(Hyperparameters::from_json(&text).unwrap(), *found);
            assert_eq!(identity.mode.as_deref(), info.has_modes.then_some("paper"));
            assert_eq!(identity.schedule_steps, info.needs_horizon.then_some(20));
        }
    }
}
