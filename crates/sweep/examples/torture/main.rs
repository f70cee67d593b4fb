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

use program::Program;
use rounds::Torture;

const HELP: &str = "\
cargo xtask torture [options]

Trains a sweep with the release binary while its processes are killed, interrupted and stopped at random moments. Then it
trains the same sweep without disturbance and compares both.

  --minutes M   minutes in which processes are killed (default 30)
  --trials N    small trials of the first plan, about (default 3000)
  --seed S      seed of the random moments (default: from the clock; it is printed)
  --dir DIR     where the temporary directory is made (default: where the system has such directories)
";

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What was asked for.
struct Options {
    /// The binary `taskset-rs`.
    program: PathBuf,
    minutes: f64,
    trials: u64,
    seed: u64,
    directory: PathBuf,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let options = match options(args.into_iter()) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut options = Options {
        program: PathBuf::new(),
        minutes: 30.0,
        trials: 3000,
        seed: clock.as_secs(),
        directory: std::env::temp_dir(),
    };
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        let wrong = |text: &str| format!("{name} {text}: not a number that can be used here");
        match name.as_str() {
            "--program" => options.program = value()?.into(),
            "--dir" => options.directory = value()?.into(),
            "--minutes" => {
                let text = value()?;
                let minutes = text.parse().ok().filter(|minutes| (0.1..=1e4).contains(minutes));
                options.minutes = minutes.ok_or_else(|| wrong(&text))?;
            }
            "--trials" => {
                let text = value()?;
                options.trials = text.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong(&text))?;
            }
            "--seed" => {
                let text = value()?;
                options.seed = text.parse().map_err(|_| wrong(&text))?;
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    if options.program.as_os_str().is_empty() {
        return Err("--program PATH is missing; `cargo xtask torture` gives it".to_owned());
    }
    Ok(options)
}

/// Does what was asked, and returns whether everything was as it must be.
fn run(options: &Options) -> Result<bool, Failure> {
    let temporary = tempfile::Builder::new().prefix("taskset-torture-").tempdir_in(&options.directory)?;
    let place = temporary.path().to_owned();
    println!(
        "seed {}, {} minutes, in {}; after an interruption, remove that directory",
        options.seed,
        options.minutes,
        place.display()
    );
    let ended = torture(options, &place);
    let good = matches!(ended, Ok(true));
    if !good {
        println!("the directory is kept: {}", temporary.keep().display());
    }
    ended
}

fn torture(options: &Options, place: &Path) -> Result<bool, Failure> {
    let program = Program::new(&options.program, place)?;
    let time = Duration::from_secs_f64(60.0 * options.minutes);
    let (tally, plans) = Torture::new(&program, options.seed, options.trials, time).run()?;
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
