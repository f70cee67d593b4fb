//! `tasks show`: what one task is.

use serde::Serialize;
use taskset::tasks::task_set::{self, Verdict};
use taskset::tasks::{self, Description};

use crate::output;

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    family: &'a str,
    config: &'a Option<serde_json::Value>,
    dataset: &'a Option<String>,
    num_params: u64,
    feasible: bool,
    reason: &'a Option<String>,
    /// Where the name misleads, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// Whether it is in the set of tasks.
    in_set: bool,
    /// Why it is not in the set, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_in_set_because: Option<&'a str>,
}

/// Whether a task is in the set, why it is not in a word, and both as a text.
fn in_set(d: &Description) -> (bool, Option<&'static str>, String) {
    // Only sampled tasks have a configuration; all others are fixed.
    let verdict = if d.config.is_none() {
        Some(Verdict::Kept)
    } else {
        task_set::entry(&d.name).map(|entry| entry.verdict)
    };
    match verdict {
        Some(Verdict::Kept) => (true, None, "yes".to_owned()),
        Some(Verdict::Rejected(reason)) => (false, Some(reason.word()), format!("no: {reason}")),
        // Behind the last seed of its family.
        None => (false, Some("not_needed"), "no: its family has its share without it".to_owned()),
    }
}

pub(super) fn run(name: &str, json: bool) -> anyhow::Result<()> {
    let d = tasks::describe(name)?;
    let (in_set, not_in_set_because, in_set_words) = in_set(&d);
    if json {
        return output::json(&Shown {
            name: &d.name,
            family: &d.family,
            config: &d.config,
            dataset: &d.dataset,
            num_params: d.num_params,
            feasible: d.feasible,
            reason: &d.reason,
            note: d.note,
            in_set,
            not_in_set_because,
        });
    }
    let config = d.config.as_ref().map_or_else(|| "none (a fixed task)".to_owned(), ToString::to_string);
    let feasible = match &d.reason {
        Some(reason) => format!("no: {reason}"),
        None => "yes".to_owned(),
    };
    let mut lines = vec![
        format!("name        {}", d.name),
        format!("family      {}", d.family),
        format!("task        {}", d.summary),
        format!("config      {config}"),
        format!("data set    {}", d.dataset.as_deref().unwrap_or("none")),
        format!("parameters  {}", d.num_params),
        format!("feasible    {feasible}"),
        format!("in the set  {in_set_words}"),
    ];
    lines.extend(d.note.map(|note| format!("note        {note}")));
    output::lines(lines)
}
