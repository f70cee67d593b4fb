//! `curves recheck`: trains some stored trials again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use serde_json::json;
use taskset::curves::Query;
use taskset::nn::Backend;
use taskset::train::{self, Recheck, TrialError};
use taskset::trial::{Arithmetic, Curve};

use crate::failure::{Differences, Interrupted};
use crate::options::DataOption;
use crate::{interrupt, output};

pub(super) fn run(path: &Path, sample: usize, json: bool, data: &DataOption) -> anyhow::Result<()> {
    let reader = super::open(path)?.whole()?;
    super::note_left_out(&reader);
    // Identities are hashes: the smallest ones are a random sample, and the same one every time.
    let mut ids: Vec<_> = reader.ids()?.into_iter().collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.truncate(sample);
    let query = Query { ids: Some(Arc::new(ids.into_iter().collect())), ..Query::default() };
    let chosen = reader.query(&query)?;
    anyhow::ensure!(!chosen.is_empty(), "there is no trial in {}", path.display());
    say!("training {} of {all} trials again", chosen.len());
    let cancel = interrupt::flag();
    let datasets = data.datasets();
    let chosen_kernels = Backend::detect();
    let mut found: Vec<(Curve, Recheck)> = Vec::new();
    // Kernels are chosen for all threads, so one class of arithmetic comes after the other.
    let mut classes: BTreeMap<Arithmetic, Vec<Curve>> = BTreeMap::new();
    for curve in chosen {
        classes.entry(curve.spec.arithmetic).or_default().push(curve);
    }
    for (class, curves) in classes {
        // Those that were chosen, where they are of the class.
        let chosen = Some(chosen_kernels).filter(|&kernels| train::arithmetic(kernels) == class);
        let Some(kernels) = chosen.or_else(|| train::kernels_of(class)) else {
            let reason = format!("this machine has no kernels of arithmetic {class}");
            found.extend(curves.into_iter().map(|c| (c, Recheck::Impossible { reason: reason.clone() })));
            continue;
        };
        Backend::choose(Some(kernels));
        let again = curves.into_par_iter().map(|curve| {
            let result = train::recheck(&curve, &datasets, cancel);
            result.map(|result| (curve, result))
        });
        let again: Result<Vec<_>, _> = again.collect();
        found.extend(again.map_err(|error| match error {
            TrialError::Cancelled => Interrupted("nothing was changed".to_owned()).into(),
            other => anyhow::Error::from(other),
        })?);
    }
    if cancel.load(Ordering::Relaxed) {
        return Err(Interrupted("nothing was changed".to_owned()).into());
    }
    found.sort_by(|(a, _), (b, _)| a.order(b));
    report(&found, json)
}

fn report(found: &[(Curve, Recheck)], json: bool) -> anyhow::Result<()> {
    let count = |kind: fn(&Recheck) -> bool| found.iter().filter(|(_, result)| kind(result)).count();
    let holds = count(|r| matches!(r, Recheck::Holds));
    let equal = count(|r| matches!(r, Recheck::OtherRevision { equal: true, .. }));
    let differs = count(|r| matches!(r, Recheck::Differs { .. }));
    let moved = count(|r| matches!(r, Recheck::OtherRevision { equal: false, .. }));
    let impossible = count(|r| matches!(r, Recheck::Impossible { .. }));
    if json {
        let trials: Vec<_> = found
            .iter()
            .map(|(curve, result)| {
                json!({
                    "trial_id": curve.id().to_string(), "task": curve.task(), "optimizer": curve.optimizer(),
                    "replica": curve.replica(), "result": word(result), "detail": words(result),
                })
            })
            .collect();
        output::json(&json!({
            "holds": holds, "differs": differs, "other_revision_equal": equal, "other_revision_differs": moved,
            "impossible": impossible, "trials": trials
        }))?;
    } else {
        let line = |(curve, result): &(Curve, Recheck)| {
            let names = format!("{} {} {}", curve.task(), curve.optimizer(), curve.replica());
            format!("{:<14} {names}: {}", word(result), words(result))
        };
        output::lines(found.iter().map(line))?;
        say!(
            "trials: {holds} hold, {differs} differ; of another revision {equal} are equal and {moved} differ; {impossible} could \
             not be trained here"
        );
    }
    anyhow::ensure!(
        impossible == 0,
        "{impossible} of {} chosen trials could not be trained here",
        found.len()
    );
    if differs + moved > 0 { Err(Differences.into()) } else { Ok(()) }
}

fn word(result: &Recheck) -> &'static str {
    match result {
        Recheck::Holds => "holds",
        Recheck::Differs { .. } => "differs",
        Recheck::OtherRevision { .. } => "other revision",
        Recheck::Impossible { .. } => "not trained",
    }
}

fn words(result: &Recheck) -> String {
    match result {
        Recheck::Holds => "the same curve, bit for bit".to_owned(),
        Recheck::Differs { column, step } => {
            let step = step.map_or_else(String::new, |step| format!(", from step {step} on"));
            format!("another curve: {column} differs{step}")
        }
        Recheck::OtherRevision { stored, here, equal } => {
            let what = if *equal { "the same curve" } else { "another curve" };
            format!("made by {stored}, this program is {here}; {what}")
        }
        Recheck::Impossible { reason } => reason.clone(),
    }
}
