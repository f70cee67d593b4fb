//! `optimizers trace`: an update rule in f64 on given gradients.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use taskset::optim::{self, Mode, Trace, WarmupRule};

use crate::failure::Usage;
use crate::output;

/// The file of `--problem`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `initial_params` and `grads`")]
struct Problem {
    initial_params: Vec<f64>,
    grads: Vec<Vec<f64>>,
    #[serde(default)]
    hparams: Hparams,
    #[serde(default, deserialize_with = "given")]
    training_steps: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    mode: Option<String>,
}

/// A key may be left out; what is given must be a value, not `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An object of hyperparameters that gives no key twice.
#[derive(Default)]
struct Hparams(Map<String, Value>);

impl<'de> Deserialize<'de> for Hparams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Hparams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of hyperparameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Hparams, A::Error> {
                let mut map = Map::new();
                while let Some((key, value)) = entries.next_entry::<String, Value>()? {
                    if map.contains_key(&key) {
                        return Err(de::Error::custom(format!("`{key}` is given twice")));
                    }
                    map.insert(key, value);
                }
                Ok(Hparams(map))
            }
        }
        deserializer.deserialize_any(Object)
    }
}

impl Problem {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let wrong = || format!("{} is not a problem file", path.display());
        // Some editors begin a file with a byte order mark.
        let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
        let problem: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let (at, error) = (error.path().to_string(), error.into_inner());
            // A path of `.` is the whole document.
            let field = if at == "." { String::new() } else { format!("{at}: ") };
            anyhow::anyhow!("{field}{error}").context(wrong())
        })?;
        json.end().with_context(wrong)?;
        Ok(problem)
    }
}

pub(crate) fn run(name: &str, path: &Path, json: bool) -> anyhow::Result<()> {
    let named = optim::named(name)?;
    let problem = Problem::read(path)?;
    let trace =
        problem.trace(named.config).with_context(|| format!("{} cannot be traced", path.display()))?;
    if json {
        return output::json(&trace);
    }
    let rows: Vec<Vec<String>> = trace
        .params
        .iter()
        .zip(&trace.lr)
        .enumerate()
        .map(|(step, (params, lr))| {
            let params = params.iter().map(|p| format!("{p:.9}")).collect::<Vec<_>>().join("  ");
            vec![step.to_string(), format!("{lr:.6e}"), params]
        })
        .collect();
    output::table(&["step", "lr", "params"], &[true, true, false], &rows)
}

impl Problem {
    fn trace(self, config: optim::Config) -> anyhow::Result<Trace> {
        let Hparams(mut hparams) = self.hparams;
        // Published trajectories keep these beside the hyperparameters.
        let inner_steps = hparams.remove("training_steps");
        let warmup = hparams.remove("warmup_rule");
        if let Some(index) = hparams.remove("opt_list_idx") {
            whole_number("hparams.opt_list_idx", &index)?;
        }
        let inner_steps =
            inner_steps.map(|value| whole_number("hparams.training_steps", &value)).transpose()?;
        let steps = match (self.training_steps, inner_steps) {
            (Some(outer), Some(inner)) if outer != inner => {
                anyhow::bail!(
                    "training_steps is {outer}, and hparams.training_steps is {inner}; leave out one"
                )
            }
            (outer, inner) => outer.or(inner).unwrap_or(optim::UPSTREAM_TRAINING_STEPS),
        };
        anyhow::ensure!(steps > 0, "training_steps is 0; it must be at least 1");
        let mode: Mode = self
            .mode
            .as_deref()
            .unwrap_or("upstream")
            .parse()
            .map_err(|error: optim::Error| Usage(format!("mode: {error}")))?;
        let mut switches = mode.switches();
        if warmup.is_some() && config.family() != optim::Family::Nadamw {
            anyhow::bail!("hparams.warmup_rule: {} has no warm-up; leave it out", config.family());
        }
        match &warmup {
            None => {}
            Some(Value::String(rule)) if rule == "min" => switches.warmup = WarmupRule::Min,
            Some(Value::String(rule)) if rule == "max" => switches.warmup = WarmupRule::Max,
            Some(other) => {
                let message = format!("hparams.warmup_rule is {other}; it must be \"min\" or \"max\"");
                return Err(Usage(message).into());
            }
        }
        let config = config.with_hyperparameters(&Value::Object(hparams)).context("hparams")?;
        let rule = config.rule_with(&switches, steps)?;
        let trace = optim::trace(&rule, &self.initial_params, &self.grads).context("grads")?;
        finite(&trace)?;
        Ok(trace)
    }
}

/// A value that must be a whole number, not negative.
fn whole_number(key: &str, value: &Value) -> anyhow::Result<u64> {
    value.as_u64().with_context(|| format!("{key} is {value}; it must be a whole number, e.g. 10"))
}

/// Refuses a trace that left the range of f64: JSON has no word for what is there, and nobody can compare it.
fn finite(trace: &Trace) -> anyhow::Result<()> {
    let rows = [("params", Some(&trace.params)), ("m", trace.m.as_ref()), ("v", trace.v.as_ref())];
    let first = |(name, rows): (&'static str, Option<&Vec<Vec<f64>>>)| {
        let step = rows?.iter().position(|row| row.iter().any(|x| !x.is_finite()))?;
        let index = rows?[step].iter().position(|x| !x.is_finite())?;
        Some((step, name, index, rows?[step][index]))
    };
    match rows.into_iter().filter_map(first).min_by_key(|(step, ..)| *step) {
        Some((step, name, index, value)) => anyhow::bail!(
            "the numbers are too large for f64: after step {step}, {name}[{index}] is {value}; give smaller gradients or rates"
        ),
        None => Ok(()),
    }
}
