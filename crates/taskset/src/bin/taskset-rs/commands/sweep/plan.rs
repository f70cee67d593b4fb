//! `sweep plan PLAN.toml --out DIR`.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use taskset::figures::{count, counted};
use taskset::sweep::{Directory, Error, PlanBlock, PlanFile, PlanReport};

use super::{directory, megabytes, on_one_core, sources, with_data};
use crate::failure::Interrupted;
use crate::options::DataOption;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(after_help = "A plan file has one or more blocks, each of tasks × optimizers × replicas:\n\n  \
    [[trials]]\n  \
    tasks = [\"TwoD_*\", \"mlp_family_seed{0..9}\"]      # names, ranges, patterns, families\n  \
    optimizers = [\"adam_lr_*\", \"adam8p_wide_grid_1k\"]  # the same kinds of names, and sets\n  \
    replicas = 5             # default 1\n  \
    steps = 10000            # the protocol; these are the defaults\n  \
    eval_every = 200\n  \
    eval_batches = 50\n  \
    mode = \"upstream\"        # or opt_list, paper; default upstream\n  \
    schedule_steps = 10000   # optional: steps over which schedules run\n  \
    data = \"synthetic\"       # or real, partial; default: what --data and --allow-partial say\n  \
    max_minutes = 60         # optional: leaves out tasks whose trials are estimated to take longer\n\n\
    Examples:\n  taskset-rs sweep plan plan.toml --out sweep --data synthetic\n  \
    taskset-rs sweep run sweep\n\n\
    Planning again into the same directory adds what is new. If a task from a range or a pattern cannot be built, it is left out \
    and listed. If a task that you named explicitly cannot be built, that is an error.\n\n\
    In a program that was built with the feature `remote`, the directory may be a place in an object store: \
    s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.")]
pub(crate) struct Arguments {
    /// The plan file.
    #[arg(value_name = "PLAN.toml")]
    plan: PathBuf,
    /// The directory of the sweep; it is created if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: String,
    /// Print one JSON document: trials and estimates by task.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let blocks = with_data(PlanFile::read(Path::new(&arguments.plan))?.trials, &arguments.data);
    let directory = directory(&arguments.out)?;
    let report = plan(&directory, &blocks, &arguments.data)?;
    if arguments.json {
        return output::json(&report);
    }
    tell(&report, &directory);
    table(&report)
}

/// How long to wait for another process that is planning in the same directory.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plans blocks, after whoever plans there now.
pub(super) fn plan(
    directory: &Directory,
    blocks: &[PlanBlock],
    data: &DataOption,
) -> anyhow::Result<PlanReport> {
    let start = Instant::now();
    loop {
        match directory.plan(blocks, &sources(data), interrupt::flag()) {
            Err(Error::Planning { .. })
                if start.elapsed() < PATIENCE && !interrupt::flag().load(Ordering::Relaxed) =>
            {
                std::thread::sleep(Duration::from_millis(200));
            }
            report => {
                let report = report?;
                return Ok(
                    report.ok_or_else(|| Interrupted("while planning; the plan is as it was".to_owned()))?
                );
            }
        }
    }
}

/// What was planned, on stderr.
pub(super) fn tell(report: &PlanReport, directory: &Directory) {
    /// Tasks that are listed one by one.
    const LISTED: usize = 20;
    for (task, reason) in report.left_out.iter().take(LISTED) {
        say!("left out: {task}: {reason}");
    }
    if report.left_out.len() > LISTED {
        say!("… and {} more that are left out", count((report.left_out.len() - LISTED) as u64));
    }
    if report.other_blocks > 0 {
        let blocks = counted(report.other_blocks as u64, "block");
        say!("{blocks} of earlier plans stay planned");
    }
    if report.new_trials == 0 {
        let all = counted(report.trials, "trial");
        say!("nothing new; {all} are planned in {}", directory.place());
        return;
    }
    let known = if report.known_trials > 0 {
        format!("; {} more are planned or stored already", count(report.known_trials))
    } else {
        String::new()
    };
    say!(
        "planned {} in {} in {}{known}",
        counted(report.new_trials, "trial"),
        counted(report.new_shards as u64, "shard"),
        directory.place()
    );
    say!(
        "estimate for this machine, good to a factor of about two: {}, {} of curves, {} of parameters and states for each \
         worker besides data",
        on_one_core(report.core_hours),
        megabytes(report.disk_mb),
        megabytes(report.memory_mb)
    );
}

fn table(report: &PlanReport) -> anyhow::Result<()> {
    if report.tasks.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = report
        .tasks
        .iter()
        .map(|task| {
            vec![
                task.task.clone(),
                task.trials.to_string(),
                fine_duration(60.0 * task.minutes_per_trial),
                output::duration(3600.0 * task.core_hours),
                megabytes(task.memory_mb),
                megabytes(task.disk_mb),
            ]
        })
        .collect();
    let header = ["task", "new trials", "a trial", "on one core", "memory", "disk"];
    output::table(&header, &[false, true, true, true, true, true], &rows)
}

/// A duration that may be much shorter than a second.
fn fine_duration(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => output::duration(s),
        s if s >= 1e-3 => format!("{:.0} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}
