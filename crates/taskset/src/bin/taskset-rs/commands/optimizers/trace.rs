//! `optimizers trace`: an update rule in f64 on given gradients.

mod optimizer;
mod tensors;

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use taskset::optim::{self, Family, Mode, Named, Trace, WarmupRule};

use self::optimizer::Asked;
use self::tensors::{Description, Numbers, Object, Parameters, Row};
use crate::failure::Usage;
use crate::output;

/// The file of `--problem`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `initial_params` and `grads`")]
struct Problem {
    initial_params: Numbers,
    grads: Vec<Numbers>,
    #[serde(default, deserialize_with = "given")]
    optimizer: Option<String>,
    #[serde(default)]
    hparams: Hparams,
    #[serde(default, deserialize_with = "given")]
    tensors: Option<Object<Description>>,
    #[serde(default, deserialize_with = "given")]
    noise: Option<de::IgnoredAny>,
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

pub(crate) fn run(name: Option<&str>, path: &Path, json: bool) -> anyhow::Result<()> {
    let named = name.map(optim::named).transpose()?;
    let problem = Problem::read(path)?;
    let (trace, parameters) =
        problem.trace(named).with_context(|| format!("{} cannot be traced", path.display()))?;
    if json { output::json(&Document::of(&trace, &parameters)) } else { print(&trace, &parameters) }
}

/// The trace with its rows as the problem gives parameters.
#[derive(Serialize)]
struct Document<'a> {
    params: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lr: Option<&'a [f64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    m: Option<Vec<Row<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<Vec<Row<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eval_params: Option<Vec<Row<'a>>>,
}

impl<'a> Document<'a> {
    fn of(trace: &'a Trace, parameters: &'a Parameters) -> Self {
        let rows = |rows: &'a Vec<Vec<f64>>| rows.iter().map(|values| Row { parameters, values }).collect();
        Self {
            params: rows(&trace.params),
            lr: trace.lr.as_deref(),
            m: trace.m.as_ref().map(rows),
            v: trace.v.as_ref().map(rows),
            eval_params: trace.eval_params.as_ref().map(rows),
        }
    }
}

/// One line per step, one column per tensor.
fn print(trace: &Trace, parameters: &Parameters) -> anyhow::Result<()> {
    let mut header = vec!["step".to_owned()];
    header.extend(trace.lr.iter().map(|_| "lr".to_owned()));
    let mut right = vec![true; header.len()];
    let mut columns = Vec::new();
    for (rows, title) in [(Some(&trace.params), "params"), (trace.eval_params.as_ref(), "eval_params")] {
        for tensor in rows.iter().flat_map(|_| parameters.layout.tensors()) {
            columns.push((rows, tensor));
            right.push(false);
            header.push(match title {
                _ if !parameters.named => title.to_owned(),
                "params" => tensor.name.clone(),
                _ => format!("{title}.{}", tensor.name),
            });
        }
    }
    let numbers = |values: &[f64]| values.iter().map(|x| format!("{x:.9}")).collect::<Vec<_>>().join("  ");
    let rows: Vec<Vec<String>> = (0..trace.params.len())
        .map(|step| {
            let lr = trace.lr.as_ref().map(|lr| format!("{:.6e}", lr[step]));
            let cells = columns
                .iter()
                .filter_map(|(rows, tensor)| Some(numbers(&rows.as_ref()?.get(step)?[tensor.range()])));
            std::iter::once(step.to_string()).chain(lr).chain(cells).collect()
        })
        .collect();
    output::table(&header.iter().map(String::as_str).collect::<Vec<_>>(), &right, &rows)
}

impl Problem {
    fn trace(self, named: Option<Named>) -> anyhow::Result<(Trace, Parameters)> {
        let asked = asked(named, self.optimizer.as_deref())?;
        let family = asked.family();
        anyhow::ensure!(
            self.noise.is_none(),
            "noise: the family {family} draws no random numbers; leave out `noise`"
        );
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
        let mode = self.mode.as_deref().map(str::parse::<Mode>).transpose();
        let mode = mode.map_err(|error| Usage(format!("mode: {error}")))?;
        anyhow::ensure!(
            mode.is_none() || family.info().has_modes,
            "mode: the family {family} has no modes; leave out `mode`"
        );
        let mut switches = mode.unwrap_or_default().switches();
        if warmup.is_some() && family != Family::Nadamw {
            anyhow::bail!("hparams.warmup_rule: only nadamw has one, and this is {family}; leave it out");
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
        let config = asked.config(&Value::Object(hparams)).context("hparams")?;
        let optimizer = config.configured_with(&switches, steps)?;
        let descriptions = self.tensors.unwrap_or_else(|| Object(Vec::new()));
        let parameters = Parameters::new(self.initial_params, descriptions)?;
        let grads = self.grads.into_iter().enumerate();
        let grads: Vec<Vec<f64>> =
            grads.map(|(step, given)| parameters.gradient(step, given)).collect::<anyhow::Result<_>>()?;
        let trace =
            optim::trace(&optimizer, &parameters.layout, &parameters.values, &grads).context("grads")?;
        finite(&trace, &parameters)?;
        Ok((trace, parameters))
    }
}

/// The optimizer of the command line and the one of the file, which must agree.
fn asked(named: Option<Named>, text: Option<&str>) -> anyhow::Result<Asked> {
    let asked = text.map(Asked::read).transpose().context("optimizer")?;
    match (named, asked) {
        (Some(named), Some(asked)) => {
            anyhow::ensure!(
                asked.is(&named),
                "its `optimizer` is `{}`, and the command line names `{}`; leave out one",
                text.unwrap_or_default(),
                named.name
            );
            Ok(Asked::One(named))
        }
        (Some(named), None) => Ok(Asked::One(named)),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Err(Usage(
            "no optimizer is named; name one on the command line, or give its family as `optimizer` in the file".to_owned(),
        )
        .into()),
    }
}

/// A value that must be a whole number, not negative.
fn whole_number(key: &str, value: &Value) -> anyhow::Result<u64> {
    value.as_u64().with_context(|| format!("{key} is {value}; it must be a whole number, e.g. 10"))
}

/// Refuses a trace that left the range of f64: JSON has no word for what is there, and nobody can compare it.
fn finite(trace: &Trace, parameters: &Parameters) -> anyhow::Result<()> {
    let rows = [
        ("params", Some(&trace.params)),
        ("m", trace.m.as_ref()),
        ("v", trace.v.as_ref()),
        ("eval_params", trace.eval_params.as_ref()),
    ];
    let first = |(name, rows): (&'static str, Option<&Vec<Vec<f64>>>)| {
        let step = rows?.iter().position(|row| row.iter().any(|x| !x.is_finite()))?;
        let index = rows?[step].iter().position(|x| !x.is_finite())?;
        Some((step, name, index, rows?[step][index]))
    };
    match rows.into_iter().filter_map(first).min_by_key(|(step, ..)| *step) {
        Some((step, name, index, value)) => anyhow::bail!(
            "the numbers are too large for f64: after step {step}, {name}{} is {value}; give smaller gradients or rates",
            parameters.place(index)
        ),
        None => Ok(()),
    }
}
