//! `sweep submit DIR --scheduler slurm`.

use std::path::PathBuf;

use anyhow::Context;
use taskset::figures::counted;
use taskset::sweep::slurm::{self, Submission};

use super::directory;
use crate::options::{self, DataOption};
use crate::output;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  taskset-rs sweep submit sweep --scheduler slurm --array 20 --jobs 4\n  \
    taskset-rs sweep submit sweep --scheduler slurm -- --partition=long --account=lab\n\n\
    Each array task runs `sweep run DIR --no-wait`: it takes free shards until none is left. So you can choose any number of \
    array tasks. If an array task is preempted or its node fails, Slurm starts it again, and it continues from what was saved. \
    The directory and the data must have the same paths on all nodes as on this machine. So must the program, unless --program \
    gives its path on the nodes. The arguments after -- are passed to sbatch."
)]
pub(crate) struct Arguments {
    /// The directory of a planned sweep.
    #[arg(value_name = "DIR")]
    directory: String,
    /// The scheduler.
    #[arg(long, value_parser = ["slurm"])]
    scheduler: String,
    /// Number of array tasks [default: the number of missing shards divided by --jobs, at most 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    array: Option<u32>,
    /// Number of trials that run at the same time in each array task. Each array task asks for this number of processors.
    #[arg(long, default_value_t = 1, value_parser = options::jobs())]
    jobs: u32,
    /// Minutes that each array task asks for [default: twice the estimate, plus ten minutes].
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,
    /// Megabytes of memory that each array task asks for [default: twice the estimate, plus 1800].
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// Path, on the nodes, of the program that the array tasks run [default: the path of this program].
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print one JSON document: the job, its script, and the time and memory that it asks for.
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
