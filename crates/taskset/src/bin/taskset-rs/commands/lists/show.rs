//! `lists show`: the entries of a list, and how one is tried.

use taskset::meta::HyperparameterList;
use taskset::optim;

use crate::output;

pub(super) fn run(list: &HyperparameterList, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(list);
    }
    print(list)?;
    say_how(list);
    Ok(())
}

/// One line per entry: place, name, score, hyperparameters.
pub(super) fn print(list: &HyperparameterList) -> anyhow::Result<()> {
    let mut keys: Vec<String> = Vec::new();
    for object in list.entries.iter().filter_map(|e| e.hyperparameters.as_ref()?.as_object()) {
        for key in object.keys() {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    let value = |v: &serde_json::Value| match (v.as_f64(), v.as_str()) {
        (Some(x), _) => format!("{x:.4e}"),
        (None, Some(text)) => text.to_owned(),
        (None, None) => v.to_string(),
    };
    let rows: Vec<Vec<String>> = list
        .entries
        .iter()
        .enumerate()
        .map(|(i, entry)| {
            let score = entry.train_score_after.map_or("-".to_owned(), |s| format!("{s:.4}"));
            let cells = keys.iter().map(|key| {
                entry.hyperparameters.as_ref().and_then(|h| h.get(key)).map_or("-".to_owned(), value)
            });
            [i.to_string(), entry.name.clone(), score].into_iter().chain(cells).collect()
        })
        .collect();
    let mut header = vec!["entry", "name", "mean score of the list so far"];
    header.extend(keys.iter().map(String::as_str));
    let mut right = vec![true; header.len()];
    right[1] = false;
    output::table(&header, &right, &rows)
}

/// In which mode the entries are to be tried, and the command that tries the first one.
pub(super) fn say_how(list: &HyperparameterList) {
    if let Some(reason) = &list.ends_because {
        say!(
            "the list ends after {}: {reason}",
            if list.entries.len() == 1 {
                "1 entry".to_owned()
            } else {
                format!("{} entries", list.entries.len())
            }
        );
    }
    let Some(first) = list.entries.first() else { return };
    let Ok(named) = optim::named(&first.name) else {
        say!(
            "Try entry 0 first, then 1, 2, …, with the program that made the curves: this one has no optimizer `{}`.",
            first.name
        );
        return;
    };
    let info = named.family.info();
    let mode = first.mode.as_ref().or(list.mode.as_ref());
    let steps = first.schedule_steps.or(list.schedule_steps);
    if (info.has_modes && mode.is_none()) || (info.needs_horizon && mode.is_none() && steps.is_none()) {
        // The entries were trained in different ways: there is no one answer.
        return;
    }
    let place = mode.map_or_else(String::new, |mode| format!(", in mode {mode}"));
    let option = mode.map_or_else(String::new, |mode| format!(" --mode {mode}"));
    match (steps, mode) {
        (None, None) => say!(
            "Try entry 0 first, then 1, 2, …. For entry 0:\n  taskset-rs train TASK {} --steps STEPS",
            first.name
        ),
        (None, Some(_)) => say!(
            "Try entry 0 first, then 1, 2, …{place}: schedules run over the steps of your own training, as in the \
             published package. For entry 0:\n  taskset-rs train TASK {}{option} --steps STEPS",
            first.name
        ),
        (Some(steps), _) => say!(
            "Try entry 0 first, then 1, 2, …{place}{} schedules over {steps} steps, as in the curves that the list \
             was learned from. For entry 0:\n  taskset-rs train TASK {}{option} --schedule-steps {steps}",
            if mode.is_some() { " with" } else { ", with" },
            first.name
        ),
    }
    if list.entries.iter().any(|entry| entry.mode.is_some() || entry.schedule_steps.is_some()) {
        say!(
            "The entries were trained in different ways: the list has the mode and the steps of the schedule of each."
        );
    }
}
