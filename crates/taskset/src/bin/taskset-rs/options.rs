//! Options that several commands share.

use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use taskset::curves::Selection;
use taskset::datasets::{Datasets, Source};
use taskset::names::Origin;
use taskset::trial::{Arithmetic, Protocol};

/// The largest number that `--jobs` can have: more threads than any machine that this was tried on.
const MOST_JOBS: i64 = 1024;

/// Reads the number after `--jobs`.
pub(crate) fn jobs() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=MOST_JOBS)
}

/// The number of threads that `--jobs` asks for: without this option, one for each core.
pub(crate) fn threads(jobs: Option<u32>) -> usize {
    jobs.map_or_else(taskset::train::available_threads, |jobs| jobs as usize)
}

/// Where data comes from.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DataOption {
    /// Data directory with one folder of original files per data set, or `synthetic` for the embedded stand-ins
    /// (generated data) [default: the environment variable TASKSET_DATA; if it is not set, ~/.cache/taskset-rs, where
    /// `data fetch` writes].
    #[arg(long, value_name = "DIR|synthetic")]
    pub(crate) data: Option<PathBuf>,
    /// Accept a data set of which only a part is there. All results from it are labelled partial.
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Directory of prepared copies (resized images, tokenised texts) [default: `prepared` in the data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
}

impl DataOption {
    /// The source that was named, if one was.
    pub(crate) fn named(&self) -> Option<Source> {
        let from_environment =
            || std::env::var_os("TASKSET_DATA").filter(|data| !data.is_empty()).map(PathBuf::from);
        self.data.clone().or_else(from_environment).map(|data| {
            if data.as_os_str() == "synthetic" { Source::Synthetic } else { Source::Directory(data) }
        })
    }

    /// The source that was named, else the cache directory; nothing falls back to stand-ins silently.
    pub(crate) fn source(&self) -> Source {
        self.named().unwrap_or_else(|| Source::Directory(cache_directory()))
    }

    /// The data sets of [`DataOption::source`].
    pub(crate) fn datasets(&self) -> Datasets {
        self.datasets_of(self.source())
    }

    /// Data sets of a source, by the other options.
    pub(crate) fn datasets_of(&self, source: Source) -> Datasets {
        Datasets::new(source).allow_partial(self.allow_partial).cache(self.cache.clone())
    }
}

/// `$XDG_CACHE_HOME/taskset-rs` or `~/.cache/taskset-rs`: where downloads lie if no directory is named.
pub(crate) fn cache_directory() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.unwrap_or_else(|| PathBuf::from(".")).join("taskset-rs")
}

/// Chooses among trials of the same task, optimizer and replica.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "To choose between trials with the same names")]
pub(crate) struct SelectionOption {
    /// Only trials in this optimizer mode. `none` stands for optimizers without modes.
    #[arg(long, value_name = "MODE", value_parser = ["upstream", "opt_list", "paper", "none"])]
    mode: Option<String>,
    /// Only trials whose schedules run over this many steps.
    #[arg(long, value_name = "T")]
    schedule_steps: Option<u64>,
    /// Only trials under this protocol, e.g. 10000/200/50.
    #[arg(long, value_name = "STEPS/EVERY/BATCHES", value_parser = protocol)]
    protocol: Option<Protocol>,
    /// Only trials on data of this origin: real, partial or synthetic (and those that need no data).
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    origin: Option<Origin>,
    /// Only trials on data whose digest begins with these digits (and those that need no data).
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    data_digest: Option<String>,
    /// Only trials of this class of arithmetic: fma or portable.
    #[arg(long, value_name = "CLASS", value_parser = arithmetic)]
    arithmetic: Option<Arithmetic>,
    /// Only trials whose column `revisions` contains this text, e.g. '"rule":1,' or external:task_set.
    #[arg(long, value_name = "TEXT")]
    revisions: Option<String>,
    /// Only trials whose identity begins with these digits.
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    trial: Option<String>,
}

impl SelectionOption {
    pub(crate) fn selection(&self) -> Selection {
        let Self { mode, schedule_steps, protocol, origin, data_digest, arithmetic, revisions, trial } = self;
        Selection {
            mode: mode.clone(),
            schedule_steps: *schedule_steps,
            data: *origin,
            data_digest: data_digest.clone(),
            protocol: *protocol,
            arithmetic: *arithmetic,
            revisions: revisions.clone(),
            trial: trial.clone(),
        }
    }

    /// Whether anything is chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.selection() == Selection::default()
    }

    /// What can be done where curves differ in a column: the option that chooses by it.
    pub(crate) fn option_of(column: &str) -> Option<&'static str> {
        Some(match column {
            "mode" => "--mode MODE",
            "schedule_steps" => "--schedule-steps T",
            "protocol" => "--protocol STEPS/EVERY/BATCHES",
            "data" => "--origin real|partial|synthetic",
            "data_digest" => "--data-digest DIGITS",
            "arithmetic" => "--arithmetic fma|portable",
            "revisions" => "--revisions TEXT",
            // A choice by anything else would leave one trial, or none.
            _ => return None,
        })
    }
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let numbers: Option<Vec<u32>> = text.split('/').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[steps, eval_every, eval_batches]) => Ok(Protocol { steps, eval_every, eval_batches }),
        _ => Err("write STEPS/EVERY/BATCHES, e.g. 10000/200/50".to_owned()),
    }
}

fn digits(text: &str) -> Result<String, String> {
    let digits = text.to_ascii_lowercase();
    let valid = !digits.is_empty() && digits.len() <= 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if valid { Ok(digits) } else { Err("write up to 64 hexadecimal digits".to_owned()) }
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::from_name(text).ok_or_else(|| "write real, partial or synthetic".to_owned())
}

fn arithmetic(text: &str) -> Result<Arithmetic, String> {
    Arithmetic::from_name(text).ok_or_else(|| "write fma or portable".to_owned())
}
