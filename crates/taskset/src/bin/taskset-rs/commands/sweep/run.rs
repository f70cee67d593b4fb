//! `sweep run`: trains what is missing.

use std::time::Duration;

use serde::Serialize;
use taskset::figures::{count, counted};
use taskset::sweep::{Directory, Outcome, PlanBlock, RunOptions, Slice, Sweep};
use taskset::train::Protocol;

use super::{directory, planned_data, program, with_data};
use crate::failure::{Interrupted, Usage};
use crate::options::{self, DataOption};
use crate::progress::SweepProgress;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  taskset-rs sweep run sweep\n  \
    taskset-rs sweep run --tasks 'TwoD_*' --optimizers 'adam_lr_*' --replicas 5 --steps 1000 --out sweep --data synthetic\n  \
    taskset-rs sweep run sweep --shard $SLURM_ARRAY_TASK_ID/8 --jobs 4\n\n\
    Any number of processes, on any machines that can use the directory, may run the same sweep at the same time. Each process \
    takes free shards, that is, shards that no other process has taken. A shard is stored as a whole or not at all. After an \
    interruption or a crash, the same command continues: stored trials are not trained again, and long trials continue from \
    their last checkpoint.\n\n\
    The command ends with exit code 0 when every trial is stored, including the trials that other processes train. With \
    --no-wait, it ends as soon as no free shard is left. The exit code is also 0 then, although some trials may not be \
    stored yet.")]
pub(crate) struct Arguments {
    /// The directory of a planned sweep.
    #[arg(value_name = "DIR", required_unless_present = "tasks", conflicts_with_all = ["tasks", "out"])]
    directory: Option<String>,
    /// Plan trials of these tasks first: names, ranges, patterns, families.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', requires_all = ["optimizers", "out"])]
    tasks: Vec<String>,
    /// The optimizers of the trials that --tasks plans: names, ranges, patterns, sets, families.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', requires = "tasks")]
    optimizers: Vec<String>,
    /// Number of replicas of each pair of task and optimizer.
    #[arg(long, default_value_t = 1, requires = "tasks", value_parser = clap::value_parser!(u32).range(1..))]
    replicas: u32,
    /// Training steps.
    #[arg(long, default_value_t = Protocol::PAPER.steps, requires = "tasks")]
    steps: u32,
    /// Number of steps between evaluations. The first and the last step are always evaluated.
    #[arg(long, default_value_t = Protocol::PAPER.eval_every, requires = "tasks", value_parser = clap::value_parser!(u32).range(1..))]
    eval_every: u32,
    /// Number of minibatches of each split in an evaluation. The loss is the mean over these minibatches.
    #[arg(long, default_value_t = Protocol::PAPER.eval_batches, requires = "tasks", value_parser = clap::value_parser!(u32).range(1..))]
    eval_batches: u32,
    /// Optimizer mode: upstream, opt_list or paper.
    #[arg(long, default_value = "upstream", requires = "tasks")]
    mode: String,
    /// Steps over which learning rate schedules run [default: 10000 in mode upstream, as in the released curves; otherwise
    /// --steps].
    #[arg(long, value_name = "T", requires = "tasks", value_parser = clap::value_parser!(u64).range(1..))]
    schedule_steps: Option<u64>,
    /// The directory of the sweep that --tasks plans; it is created if it does not exist.
    #[arg(long, value_name = "DIR", requires = "tasks")]
    out: Option<String>,
    /// Train only part i of the shards, which are divided into N equal parts (i from 0 to N - 1). Without this option,
    /// each process takes the next free shard.
    #[arg(long, value_name = "i/N")]
    shard: Option<String>,
    /// Number of trials, or of groups of trials in lockstep, that run at the same time, each on one thread [default: the number
    /// of cores].
    #[arg(long, value_parser = options::jobs())]
    jobs: Option<u32>,
    /// End when no free shard is left, and do not wait until other processes have finished their shards.
    #[arg(long)]
    no_wait: bool,
    /// Minutes between two checkpoints of a long trial.
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0, value_parser = crate::commands::positive)]
    checkpoint_every: f64,
    /// For a sweep in an object store: minutes after which other processes may take a shard that this process has not stored yet
    /// [default: four times the estimated time of the shard, plus ten minutes].
    #[arg(long, value_name = "MINUTES", value_parser = crate::commands::positive)]
    lease: Option<f64>,
    /// Print one JSON document: how many trials were trained and reused.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
}

/// How a run ended, for other programs.
#[derive(Serialize)]
struct Report {
    trials: usize,
    trained: usize,
    reused: usize,
    elsewhere: usize,
    missing: usize,
    directory: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let slice = arguments.shard.as_deref().map(slice).transpose()?;
    let directory = match (&arguments.directory, &arguments.out) {
        (Some(place), _) => directory(place)?,
        (None, Some(out)) => planned_now(arguments, out)?,
        (None, None) => {
            return Err(Usage(
                "name the directory of a sweep, or --tasks, --optimizers and --out".to_owned(),
            )
            .into());
        }
    };
    let load = || directory.load(|planned| planned_data(&arguments.data, planned));
    let mut sweep = load()?;
    let options = RunOptions {
        slice,
        wait: !arguments.no_wait,
        checkpoint_every: Duration::from_secs_f64((60.0 * arguments.checkpoint_every).min(1e9)),
        lease: arguments.lease.map(|minutes| Duration::from_secs_f64((60.0 * minutes).min(1e9))),
        program: program(),
        ..RunOptions::new(options::threads(arguments.jobs))
    };
    if !directory.is_local() {
        interrupt::keep_remotely();
    }
    interrupt::keep(format!("finished shards are kept in {}; the same command continues", directory.place()));
    let run = |sweep: &Sweep| directory.run(sweep, &options, &mut SweepProgress::new(), interrupt::flag());
    let mut outcome = run(&sweep)?;
    // The plan may have grown meanwhile, and the end of this command means that every trial is stored.
    while outcome.missing() == 0 && slice.is_none() {
        let now = load()?;
        if now.len() <= sweep.len() {
            break;
        }
        say!("the plan has grown meanwhile; going on with the new trials");
        sweep = now;
        let more = run(&sweep)?;
        let (trained, elsewhere) = (outcome.trained + more.trained, outcome.elsewhere + more.elsewhere);
        outcome =
            Outcome { reused: more.total - trained - elsewhere - more.missing(), trained, elsewhere, ..more };
    }
    if outcome.interrupted {
        return Err(Interrupted(kept(&outcome, &directory)).into());
    }
    if arguments.json {
        return output::json(&Report {
            trials: outcome.total,
            trained: outcome.trained,
            reused: outcome.reused,
            elsewhere: outcome.elsewhere,
            missing: outcome.missing(),
            directory: directory.place(),
        });
    }
    tell(&outcome, slice, &directory);
    Ok(())
}

/// Plans what the options ask for.
fn planned_now(arguments: &Arguments, out: &str) -> anyhow::Result<Directory> {
    let block = PlanBlock {
        replicas: arguments.replicas,
        steps: arguments.steps,
        eval_every: arguments.eval_every,
        eval_batches: arguments.eval_batches,
        mode: arguments.mode.clone(),
        schedule_steps: arguments.schedule_steps,
        ..PlanBlock::new(arguments.tasks.clone(), arguments.optimizers.clone())
    };
    let blocks = with_data(vec![block], &arguments.data);
    let directory = directory(out)?;
    let report = super::plan::plan(&directory, &blocks, &arguments.data)?;
    super::plan::tell(&report, &directory);
    Ok(directory)
}

/// Which part: `i/N`.
fn slice(text: &str) -> anyhow::Result<Slice> {
    let wrong = |what: String| anyhow::Error::from(Usage(format!("--shard {text}: {what}")));
    let Some((number, of)) = text.split_once('/') else {
        return Err(wrong("write i/N, for example 0/8 for the first of eight parts".to_owned()));
    };
    if number.is_empty() {
        return Err(wrong(
            "there is no number before the slash. If it comes from SLURM_ARRAY_TASK_ID, that variable is unset or empty: start \
             an array job (sbatch --array=0-7 for eight parts)"
                .to_owned(),
        ));
    }
    let parse = |text: &str| text.parse::<usize>().ok();
    let (Some(number), Some(of)) = (parse(number), parse(of)) else {
        let from = "if i comes from SLURM_ARRAY_TASK_ID, look at that variable";
        return Err(wrong(format!("write two whole numbers, for example 0/8; {from}")));
    };
    if of == 0 {
        return Err(wrong("there must be at least one part".to_owned()));
    }
    if number >= of {
        return Err(wrong(format!(
            "parts are counted from 0, so the last one of {of} is {}/{of}. If i comes from SLURM_ARRAY_TASK_ID, start the job with \
             --array=0-{}",
            of - 1,
            of - 1
        )));
    }
    Ok(Slice { number, of })
}

fn kept(outcome: &Outcome, directory: &Directory) -> String {
    format!(
        "{} of {} are stored in {}; the same command continues, from checkpoints where trials are long",
        count((outcome.total - outcome.missing()) as u64),
        counted(outcome.total as u64, "trial"),
        directory.place()
    )
}

fn tell(outcome: &Outcome, slice: Option<Slice>, directory: &Directory) {
    let part = slice.map(|Slice { number, of }| format!(" of part {number}/{of}")).unwrap_or_default();
    let elsewhere = if outcome.elsewhere > 0 {
        format!(", {} by other workers", count(outcome.elsewhere as u64))
    } else {
        String::new()
    };
    let done = format!(
        "{} trained now{elsewhere}, {} stored before",
        count(outcome.trained as u64),
        count(outcome.reused as u64)
    );
    if outcome.missing() == 0 {
        let all = match outcome.total {
            1 => "the only trial".to_owned(),
            total => format!("all {}", counted(total as u64, "trial")),
        };
        let is = if outcome.total == 1 { "is" } else { "are" };
        say!("{all}{part} {is} stored in {}: {done}", directory.place());
    } else {
        say!(
            "nothing is left to take: {} of {}{part} are in the hands of other workers ({done}); `sweep status {}` shows them",
            count(outcome.missing() as u64),
            counted(outcome.total as u64, "trial"),
            directory.place()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_0() {
        assert_eq!(slice("0/1").unwrap(), Slice { number: 0, of: 1 });
        assert_eq!(slice("7/8").unwrap(), Slice { number: 7, of: 8 });
        for (text, expected) in [
            ("8/8", "--array=0-7"),
            ("/8", "SLURM_ARRAY_TASK_ID"),
            ("3", "write i/N"),
            ("a/8", "whole numbers"),
            ("-1/8", "whole numbers"),
            ("0/0", "at least one part"),
            ("1/", "whole numbers"),
        ] {
            let message = slice(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
