//! Kills the processes of a sweep at random moments, hundreds of times, and checks that nothing is lost. `cargo xtask torture`
//! runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod plans;
mod program;
mod rounds;
mod verdict;
mod worker;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use program::Program;
use rounds::Torture;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Trains a sweep with the release binary while its processes are killed, interrupted and stopped at random moments. Then it
/// trains the same sweep without disturbance and compares both.
#[derive(Parser)]
#[command(bin_name = "cargo xtask torture")]
struct Options {
    /// The binary `taskset-rs`; `cargo xtask torture` gives it.
    #[arg(long, value_name = "PATH", hide = true)]
    program: PathBuf,
    /// Minutes in which processes are killed.
    #[arg(long, value_name = "M", default_value_t = 30.0, value_parser = minutes)]
    minutes: f64,
    /// Small trials of the first plan, about.
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    trials: u64,
    /// Seed of the random moments [default: from the clock; it is printed].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Where the temporary directory is made [default: where the system has such directories].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.1..=1e4).contains(minutes));
    minutes.ok_or_else(|| "not a number from 0.1 to 10000".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked, and returns whether everything was as it must be.
fn run(options: &Options) -> Result<bool, Failure> {
    let directory = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let temporary = tempfile::Builder::new().prefix("taskset-torture-").tempdir_in(directory)?;
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seed = options.seed.unwrap_or_else(clock);
    let place = temporary.path().to_owned();
    println!(
        "seed {seed}, {} minutes, in {}; after an interruption, remove that directory",
        options.minutes,
        place.display()
    );
    let ended = torture(options, seed, &place);
    let good = matches!(ended, Ok(true));
    if !good {
        println!("the directory is kept: {}", temporary.keep().display());
    }
    ended
}

fn torture(options: &Options, seed: u64, place: &Path) -> Result<bool, Failure> {
    let program = Program::new(&options.program, place)?;
    let time = Duration::from_secs_f64(60.0 * options.minutes);
    let (tally, plans) = Torture::new(&program, seed, options.trials, time).run()?;
    println!("the kills are over; now a last run, and the same trials without disturbance");
    let started = Instant::now();
    let verdict = verdict::judge(&program, plans, tally.longest_life)?;
    let undisturbed = started.elapsed();
    let problems: Vec<&String> = tally.problems.iter().chain(&verdict.problems).collect();
    for problem in &problems {
        println!("WRONG: {problem}");
    }
    println!("{}", tally.words());
    println!(
        "{} trials in {} plans, {} losses, {} doubles, {} problems; {} trials took longer than any process lived ({:.1} s); \
         the checks took {:.1} minutes",
        verdict.trials,
        plans,
        verdict.losses,
        verdict.doubles,
        problems.len(),
        verdict.outlived,
        tally.longest_life.as_secs_f64(),
        undisturbed.as_secs_f64() / 60.0
    );
    Ok(problems.is_empty())
}
