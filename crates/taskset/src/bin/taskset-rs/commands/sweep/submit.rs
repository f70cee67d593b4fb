//! `sweep submit DIR --scheduler slurm`.

use std::path::PathBuf;

use anyhow::Context;
use taskset::figures::counted;
use taskset::sweep::slurm::{self, Submission};

use super::directory;
use crate::options::DataOption;
use crate::output;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  taskset-rs sweep submit sweep --scheduler slurm --array 20 --jobs 4\n  \
    taskset-rs sweep submit sweep --scheduler slurm -- --partition=long --account=lab\n\n\
    Each array task runs `sweep run DIR --no-wait`: it takes shards that nobody has, until none is left. So the number of \
    tasks need not fit the number of shards. A task that is preempted or whose node fails is started again by Slurm, and goes \
    on from what was saved. The nodes must see the directory, the data and the program under the same names. What follows -- \
    is given to sbatch."
)]
pub(crate) struct Arguments {
    /// The directory of a planned sweep.
    #[arg(value_name = "DIR")]
    directory: String,
    /// The scheduler.
    #[arg(long, value_parser = ["slurm"])]
    scheduler: String,
    /// Array tasks [default: as many as the missing shards keep busy, at most 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    array: Option<u32>,
    /// Trials at a time in each task, which asks for as many processors.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: u32,
    /// Minutes that each task asks for [default: twice the estimate].
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,
    /// Megabytes of memory that each task asks for [default: twice the estimate].
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// The program that the tasks run, as the nodes know it [default: this one].
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print one JSON document: the job, its script, what it asks for.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
    /// Arguments for sbatch.
    #[arg(last = true, value_name = "SBATCH ARGUMENT")]
    sbatch: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()
            .context("where this program lies cannot be found; name it with --program")?,
    };
    let DataOption { data, allow_partial, cache } = &arguments.data;
    let mut passed: Vec<String> = Vec::new();
    for (name, path) in [("--data", data), ("--cache", cache)] {
        if let Some(path) = path {
            passed.extend([name.to_owned(), path.display().to_string()]);
        }
    }
    if *allow_partial {
        passed.push("--allow-partial".to_owned());
    }
    let submitted = slurm::submit(
        &directory(&arguments.directory)?,
        &Submission {
            array: arguments.array.map(|n| n as usize),
            jobs: arguments.jobs as usize,
            minutes: arguments.minutes,
            memory_mb: arguments.memory,
            program,
            arguments: passed,
            sbatch: arguments.sbatch.clone(),
        },
    )?;
    if arguments.json {
        return output::json(&submitted);
    }
    say!(
        "submitted Slurm job {}: {}, {} and {} MB each; its script is {}",
        submitted.job.job,
        counted(submitted.job.tasks as u64, "task"),
        counted(submitted.minutes, "minute"),
        submitted.memory_mb,
        submitted.script
    );
    output::lines([&submitted.job.job])
}
