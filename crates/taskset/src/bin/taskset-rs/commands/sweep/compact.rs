//! `sweep compact DIR --out DIR2`.

use std::path::PathBuf;

use taskset::figures::{count, counted};

use super::{directory, megabytes};
use crate::failure::Interrupted;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  taskset-rs sweep compact sweep --out curves\n\n\
    The files are sorted and have statistics, so that other programs need to read only the parts that they use. Except for the \
    measured times, their bytes do not depend on the history of the sweep. The sweep itself is not changed.")]
pub(crate) struct Arguments {
    /// The directory of a sweep, or of curve files.
    #[arg(value_name = "DIR")]
    directory: String,
    /// Directory of the compacted files; it is created if it does not exist.
    #[arg(long, value_name = "DIR2")]
    out: PathBuf,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = directory(&arguments.directory)?;
    interrupt::keep("each file that was written is whole; the same command writes all of them again");
    if directory.is_planned()? {
        let trials = directory.status()?.trials;
        if trials.done < trials.total {
            let all = counted(trials.total, "trial");
            say!("note: the sweep is not complete: {} of {all} are stored", count(trials.done));
        }
    }
    let done = directory.compact(&arguments.out, &mut |_| {}, interrupt::flag())?;
    if done.interrupted {
        let files = counted(done.files as u64, "file");
        return Err(Interrupted(format!(
            "{files} in {} are whole; the same command writes all of them",
            arguments.out.display()
        ))
        .into());
    }
    if arguments.json {
        return output::json(&done);
    }
    say!(
        "{} in {} ({}) in {}",
        counted(done.trials, "trial"),
        counted(done.files as u64, "file"),
        megabytes(done.bytes as f64 / 1e6),
        arguments.out.display()
    );
    Ok(())
}
