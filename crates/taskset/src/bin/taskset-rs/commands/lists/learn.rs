//! `lists learn`: a greedy list from curves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use taskset::curves::{NamePatterns, Query, Reader};
use taskset::files;
use taskset::meta::{HyperparameterList, ListEntry, ScoreMatrix, TaskScores};
use taskset::names::{Split, closest};
use taskset::optim;

use super::{explain, origin, score, show};
use crate::commands::optimizers::unknown_family;
use crate::commands::table_file::checked_ending;
use crate::failure::Usage;
use crate::options::SelectionOption;
use crate::output;

pub(super) fn run(
    path: &Path,
    families: &[String],
    k: usize,
    normalizer: &str,
    out: Option<&Path>,
    json: bool,
    selection: &SelectionOption,
) -> anyhow::Result<()> {
    let unknown = unknown(families)?;
    out.map_or(Ok(()), check_out)?;
    if !unknown.is_empty() {
        check(unknown, path, selection)?;
    }
    let scores = score(path, normalizer, selection)?;
    let mut configs: Vec<String> = Vec::new();
    for pattern in families {
        let found = matching(&scores, pattern)?;
        anyhow::ensure!(
            !found.is_empty(),
            "there are no curves of `{pattern}` in {}{}; `curves info {}` says what is there",
            path.display(),
            if selection.is_empty() { "" } else { " among those that the options choose" },
            path.display()
        );
        configs.extend(found.into_iter().filter(|name| !configs.contains(name)).collect::<Vec<_>>());
    }
    let matrix = ScoreMatrix::from_scores(&scores, &configs)
        .map_err(|error| explain(error, path, &scores, None, ", or leave it out of the candidates"))?;
    let protocol = scores.iter().find_map(|score| score.shared.protocol());
    let protocol = protocol.map_or_else(String::new, |protocol| format!(", {protocol}"));
    let source = format!("{} data{protocol}", origin(&scores));
    let mut list = HyperparameterList::learn(&matrix, k, &family_of(&scores, &configs), normalizer, &source);
    complete(&mut list, &scores)?;
    if let Some(out) = out {
        let replaced = out.exists();
        files::write_atomically(out, (list.to_json()? + "\n").as_bytes())
            .with_context(|| format!("the list could not be written to {}", out.display()))?;
        let replaced = if replaced { ", in place of an older list" } else { "" };
        say!("list of {} written to {}{replaced}", list.entries.len(), out.display());
    }
    if json {
        return output::json(&list);
    }
    show::print(&list)?;
    show::say_how(&list);
    Ok(())
}

/// A list may replace an older one, and nothing else.
fn check_out(out: &Path) -> anyhow::Result<()> {
    checked_ending(out, "--out", &["json"])?;
    let is_list = |text: String| HyperparameterList::from_json(&text).is_ok();
    if out.exists() && !std::fs::read_to_string(out).is_ok_and(is_list) {
        let message = format!("--out {}: what is there is not a list, and is not replaced", out.display());
        return Err(Usage(message).into());
    }
    Ok(())
}

/// A pattern that means nothing to the registry, with the registry's error.
struct Unknown<'a> {
    pattern: &'a str,
    error: optim::Error,
}

/// The patterns that no optimizer of the registry matches: curves may be of somebody's own optimizers.
///
/// # Errors
/// For patterns that cannot be expanded and for seeds that no family has, before anything is read.
fn unknown(patterns: &[String]) -> anyhow::Result<Vec<Unknown<'_>>> {
    let mut unknown = Vec::new();
    for pattern in patterns {
        match optim::select(&[pattern]) {
            Ok(_) => {}
            Err(error @ optim::Error::Pattern(_)) => return Err(error.into()),
            Err(error) => unknown.push(Unknown { pattern, error }),
        }
    }
    Ok(unknown)
}

/// Refuses patterns that neither the registry nor the curves know, before the curves are scored. One split is read, and only
/// up to the first task on which all patterns match, which is most often the first.
fn check(mut unknown: Vec<Unknown<'_>>, path: &Path, selection: &SelectionOption) -> anyhow::Result<()> {
    let query = Query { splits: vec![Split::Test], selection: selection.selection(), ..Query::default() };
    let reader: Reader = crate::commands::curves::open(path)?.whole()?;
    let mut names = BTreeSet::new();
    for curves in reader.query_by_task(&query) {
        for curve in curves? {
            let (name, family) = (curve.optimizer(), curve.spec.optimizer.family.as_str());
            let mut error = None;
            unknown.retain(|unknown| match NamePatterns::new(&[unknown.pattern]) {
                Ok(pattern) => !pattern.matches_optimizer(name, family),
                Err(broken) => {
                    error = Some(broken);
                    true
                }
            });
            if let Some(error) = error {
                return Err(error.into());
            }
            names.extend([name.to_owned(), family.to_owned()]);
        }
        if unknown.is_empty() {
            return Ok(());
        }
    }
    let Some(Unknown { pattern, error }) = unknown.into_iter().next() else { return Ok(()) };
    Err(match closest(pattern, names.iter().map(String::as_str)) {
        Some(near) => Usage(format!(
            "no curve in {} is of an optimizer or a family `{pattern}`; did you mean `{near}`?",
            path.display()
        ))
        .into(),
        None => unknown_family(pattern, error)
            .context(format!("no curve in {} is of `{pattern}`", path.display())),
    })
}

/// The configurations of a pattern that any of the tasks has, in the order of their seeds.
fn matching(scores: &[TaskScores], pattern: &str) -> anyhow::Result<Vec<String>> {
    let chosen = NamePatterns::new(&[pattern])?;
    let mut names = BTreeSet::new();
    // Most tasks have the same optimizers as the one before.
    for same in scores.chunk_by(|a, b| a.optimizers == b.optimizers) {
        let TaskScores { optimizers, shared, .. } = &same[0];
        let family = |name: &str| shared.optimizer(name).map_or("", |optimizer| optimizer.family.as_str());
        let is_chosen = |name: &&String| chosen.matches_optimizer(name, family(name));
        names.extend(optimizers.iter().filter(is_chosen).cloned());
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    Ok(names)
}

/// The families of some configurations, in words.
fn family_of(scores: &[TaskScores], configs: &[String]) -> String {
    let mut families: Vec<&str> = Vec::new();
    for name in configs {
        let optimizer = scores.iter().find_map(|score| score.shared.optimizer(name));
        let family = optimizer.map_or("unknown", |optimizer| optimizer.family.as_str());
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families.join(", ")
}

/// Whether two objects of hyperparameters have the same values. Curves store whole numbers as others.
fn same(a: &Value, b: &Value) -> bool {
    let values = |object: &Value| -> BTreeMap<String, Result<u64, String>> {
        let value = |value: &Value| value.as_f64().map(f64::to_bits).ok_or_else(|| value.to_string());
        object.as_object().into_iter().flatten().map(|(key, v)| (key.clone(), value(v))).collect()
    };
    values(a) == values(b)
}

/// Hyperparameters, mode and schedule of the entries, as they were trained.
fn complete(list: &mut HyperparameterList, scores: &[TaskScores]) -> anyhow::Result<()> {
    for entry in &mut list.entries {
        let trained = scores.iter().find_map(|score| score.shared.optimizer(&entry.name));
        if let Some(trained) = trained {
            (entry.mode, entry.schedule_steps) = (trained.mode.clone(), trained.schedule_steps);
        }
        // Those that were trained, in upstream's order where they are what the name stands for.
        let trained =
            trained.map(|optimizer| serde_json::to_value(&optimizer.hyperparameters)).transpose()?;
        let known =
            optim::named(&entry.name).ok().map(|named| serde_json::to_value(named.config)).transpose()?;
        let is_known = match (&trained, &known) {
            (Some(trained), Some(known)) => same(trained, known),
            (trained, _) => trained.is_none(),
        };
        entry.hyperparameters = if is_known { known } else { trained };
    }
    // Where all entries agree, the list says it once. Families may differ; then each entry says it.
    let setting = |entry: &ListEntry| (entry.mode.clone(), entry.schedule_steps);
    let first = list.entries.first().map(setting).unwrap_or_default();
    if list.entries.iter().all(|entry| setting(entry) == first) {
        (list.mode, list.schedule_steps) = first;
        for entry in &mut list.entries {
            (entry.mode, entry.schedule_steps) = (None, None);
        }
    }
    Ok(())
}
