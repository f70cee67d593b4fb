//! Finds the sampled tasks of the set and writes the list. `cargo xtask task-set` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Parser;
use taskset_sweep::choose_task_set::{FamilySearch, Search};
use taskset_sweep::{RunOptions, SweepObserver, TrialReport};
use taskset_tasks::task_set;
use taskset_train::available_threads;

/// Time between two lines about trials.
const LINE_EVERY: Duration = Duration::from_secs(30);

type Failure = Box<dyn Error + Send + Sync>;

/// Takes the seeds of each sampled family in order, until the family has its share of the set of tasks. What a name needs is
/// trained on stand-ins, as sweeps in DIR. The rule is in docs/task-set.md. At the end the list of all names that were decided
/// is written to a file. Stop the command at any time: the same line goes on, and trains only what is not stored.
#[derive(Parser)]
#[command(bin_name = "cargo xtask task-set")]
struct Options {
    /// Where the sweeps are, one folder for each family.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Families, divided by commas [default: all, those with the least work first].
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = family())]
    families: Option<Vec<String>>,
    /// At most N tasks of each family, to try the command out.
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Train nothing; write the list of what is stored.
    #[arg(long)]
    list_only: bool,
    /// Where the list is written [default: v1.csv in DIR].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Options {
    fn jobs(&self) -> usize {
        self.jobs.map_or_else(available_threads, NonZeroUsize::get)
    }
}

/// The names of all families.
fn family() -> clap::builder::PossibleValuesParser {
    taskset_tasks::families().iter().map(|family| family.name).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let search = Search::new(options.dir.clone(), RunOptions::new(options.jobs()));
    if !options.list_only {
        let limited = search.clone().with_most(options.limit.map_or(usize::MAX, NonZeroUsize::get));
        train(&limited, options)?;
    }
    let entries = search.stored()?;
    let out = options.out.clone().unwrap_or_else(|| options.dir.join(format!("v{}.csv", task_set::VERSION)));
    taskset_files::write_atomically(&out, task_set::text(&entries).as_bytes())?;
    for standing in task_set::standing_of(&entries) {
        let rejected: Vec<String> =
            standing.rejected.iter().map(|(reason, count)| format!("{count} {}", reason.word())).collect();
        println!(
            "{:<32} {:>3} of {:>3} kept; rejected: {}",
            standing.family,
            standing.kept,
            standing.share,
            if rejected.is_empty() { "none".to_owned() } else { rejected.join(", ") }
        );
    }
    println!("{} names in {}", entries.len(), out.display());
    Ok(())
}

/// Trains family after family, those with the least work first.
fn train(search: &Search, options: &Options) -> Result<(), Failure> {
    let wanted = |name: &str| options.families.as_ref().is_none_or(|names| names.iter().any(|n| n == name));
    let mut families: Vec<(f64, FamilySearch)> = Vec::new();
    for family in taskset_tasks::families().iter().filter(|family| wanted(family.name)) {
        let start = search.start(family);
        families.push((start.seconds_left()?, start));
    }
    families.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut left: f64 = families.iter().map(|(seconds, _)| seconds).sum();
    let jobs = options.jobs() as f64;
    eprintln!("about {} of work in all, at the assumed speed of a core", time(left / jobs));
    // What is stored takes nearly no time and says nothing about the rest, so only trained work counts.
    let (mut seconds, mut work) = (0.0, 0.0);
    for (_, mut family) in families {
        while !family.is_complete() {
            let before = family.seconds_left()?;
            let mut progress = Lines { family: family.family.name, ..Lines::default() };
            let start = Instant::now();
            search.advance(&mut family, Some(&mut progress), &AtomicBool::new(false))?;
            let after = family.seconds_left()?;
            left += after - before;
            if progress.trained > 0 {
                seconds += start.elapsed().as_secs_f64();
                work += before - after;
            }
            let speed = if work > 0.0 { seconds / work } else { 1.0 / jobs };
            eprintln!(
                "{}: {} of {} kept, {} rejected; {} passed, about {} left for all families",
                family.family.name,
                family.kept(),
                family.wanted,
                family.entries.len() - family.kept(),
                time(seconds),
                time(left * speed)
            );
        }
    }
    Ok(())
}

/// Says from time to time how far the trials are.
#[derive(Default)]
struct Lines {
    family: &'static str,
    total: usize,
    done: usize,
    trained: usize,
    last: Option<Instant>,
}

impl SweepObserver for Lines {
    fn started(&mut self, total: usize, stored: usize) {
        (self.total, self.done) = (total, stored);
        self.last.get_or_insert_with(Instant::now);
    }

    fn finished(&mut self, report: &TrialReport<'_>) {
        self.done += 1;
        self.trained += 1;
        if self.last.is_some_and(|last| last.elapsed() >= LINE_EVERY) {
            self.last = Some(Instant::now());
            let Self { family, total, done, .. } = self;
            eprintln!("{family}: {done} of {total} trials; the last one is of {}", report.trial.task.name);
        }
    }

    fn stored(&mut self, _count: usize) {}
}

/// A time, rounded.
fn time(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
