//! `sweep …`: many trials, planned once, run anywhere, stopped and continued at will.

mod compact;
mod plan;
mod run;
mod status;
mod submit;

use taskset::datasets::{Datasets, Source};
use taskset::names::Origin;
use taskset::sweep::{DataSources, Directory, PlanBlock, ProgramInfo};

use crate::options::{DataOption, cache_directory};
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Plan trials: check them, estimate their cost, divide them into shards, and write the plan to a directory.
    Plan(plan::Arguments),
    /// Train every planned trial that is not stored yet. Any number of other processes may do the same at the same time.
    Run(run::Arguments),
    /// Show how much of a sweep is done, and which workers run.
    Status(status::Arguments),
    /// Write the curves of a sweep as one sorted file per task.
    Compact(compact::Arguments),
    /// Submit a sweep to a scheduler as an array job.
    Submit(submit::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Compact(arguments) => compact::run(&arguments),
        Command::Submit(arguments) => submit::run(&arguments),
    }
}

/// Says in each block which data it is on, where its file does not.
fn with_data(mut blocks: Vec<PlanBlock>, option: &DataOption) -> Vec<PlanBlock> {
    let origin = match option.named() {
        Some(Source::Synthetic) => Origin::Synthetic,
        _ if option.allow_partial => Origin::Partial,
        _ => Origin::Real,
    };
    for block in &mut blocks {
        block.data.get_or_insert_with(|| origin.name().to_owned());
    }
    blocks
}

/// The real data sets of a planned sweep: those that were named now, else those that it was planned with, else the cache.
fn planned_data(option: &DataOption, planned: Option<&std::path::Path>) -> Datasets {
    let source = option.named().unwrap_or_else(|| match planned {
        Some(directory) if directory.is_dir() => Source::Directory(directory.to_owned()),
        Some(directory) => {
            let cache = cache_directory();
            say!(
                "note: the sweep was planned with data in {}, which is not here; looking into {}",
                directory.display(),
                cache.display()
            );
            Source::Directory(cache)
        }
        None => Source::Directory(cache_directory()),
    });
    option.datasets_of(source)
}

fn sources(option: &DataOption) -> DataSources {
    DataSources::new(option.datasets())
}

/// What only the program knows of itself.
fn program() -> ProgramInfo {
    let features = [
        ("cli", cfg!(feature = "cli")),
        ("parquet", cfg!(feature = "parquet")),
        ("hub", cfg!(feature = "hub")),
        ("candle", cfg!(feature = "candle")),
        ("remote", cfg!(feature = "remote")),
    ];
    ProgramInfo {
        commit: option_env!("TASKSET_COMMIT").map(str::to_owned),
        features: features.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect(),
    }
}

fn directory(place: &str) -> anyhow::Result<Directory> {
    Ok(Directory::open(place)?)
}

/// Hours of one core in words.
fn on_one_core(hours: f64) -> String {
    format!("{} on one core", output::duration(3600.0 * hours))
}

/// Megabytes in words.
fn megabytes(mb: f64) -> String {
    match mb {
        mb if mb >= 1000.0 => format!("{:.1} GB", mb / 1000.0),
        mb if mb >= 1.0 => format!("{mb:.0} MB"),
        mb => format!("{:.0} kB", mb * 1000.0),
    }
}
