//! `sweep status DIR`.

use taskset::figures::{count, counted};

use super::{directory, on_one_core};
use crate::output;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  taskset-rs sweep status sweep\n  taskset-rs sweep status sweep --json")]
pub(crate) struct Arguments {
    /// The directory of a planned sweep.
    #[arg(value_name = "DIR")]
    directory: String,
    /// Also list the tasks that are finished.
    #[arg(long)]
    all: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let status = directory(&arguments.directory)?.status()?;
    if arguments.json {
        return output::json(&status);
    }
    let mut lines = vec![format!(
        "{} of {} are stored, in {} of {}",
        count(status.trials.done),
        counted(status.trials.total, "trial"),
        count(status.shards.done),
        counted(status.shards.total, "shard"),
    )];
    if !status.is_complete() {
        lines.push(format!(
            "about {} are left, by the estimate of the machine that planned",
            on_one_core(status.core_hours_left)
        ));
        let working = if status.workers.is_empty() { "nobody works on it now" } else { "working now:" };
        lines.push(working.to_owned());
    }
    for worker in &status.workers {
        lines.push(format!(
            "  {}: {} with {}",
            worker.claimant,
            counted(worker.shards as u64, "shard"),
            counted(worker.trials, "trial")
        ));
    }
    if status.checkpoints > 0 {
        lines.push(format!("{} of long trials", counted(status.checkpoints as u64, "checkpoint")));
    }
    if status.damaged > 0 {
        lines.push(format!(
            "{} whose files are cut off or not theirs: `sweep run` puts these aside and trains their trials again",
            counted(status.damaged as u64, "shard")
        ));
    }
    if status.other_files > 0 {
        lines.push(format!(
            "{} of curves that belong to no planned shard; their trials count, and readers read them, too",
            counted(status.other_files as u64, "file")
        ));
    }
    if let Some(slurm) = &status.slurm {
        lines.push(match &slurm.unknown {
            Some(why) => format!("the state of the Slurm jobs is not known: {why}"),
            None => format!(
                "Slurm: {} running, {} waiting, {} in another state{}",
                counted(slurm.running as u64, "task"),
                count(slurm.pending as u64),
                count(slurm.other as u64),
                if slurm.jobs.is_empty() {
                    String::new()
                } else {
                    format!(" (jobs {})", slurm.jobs.join(", "))
                }
            ),
        });
    }
    output::lines(&lines)?;
    let rows: Vec<Vec<String>> = status
        .tasks
        .iter()
        .filter(|task| arguments.all || task.done < task.total)
        .map(|task| {
            vec![
                task.task.clone(),
                task.done.to_string(),
                task.total.to_string(),
                task.claimed.to_string(),
                output::duration(3600.0 * task.core_hours_left),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let header = ["task", "stored", "trials", "shards in work", "left on one core"];
    output::table(&header, &[false, true, true, true, true], &rows)
}
