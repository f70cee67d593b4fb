//! `taskset-rs`: the command line. Parses, dispatches, and turns errors into messages and exit codes.

/// Prints a message to stderr, control characters of names escaped; a reader that has gone is no reason to stop working.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "{}", taskset::names::visible_lines(&format!($($arg)*)));
    }};
}

mod commands;
mod failure;
mod interrupt;
mod options;
mod output;
mod progress;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;

use clap::{CommandFactory, Parser, Subcommand};
use taskset::nn::{Backend, CacheLines};

#[global_allocator]
static ALLOCATOR: CacheLines = CacheLines;

/// TaskSet in Rust: optimisation tasks, training curves, learned hyperparameter lists.
#[derive(Parser)]
#[command(
    name = "taskset-rs",
    version,
    after_help = "Start here:\n  \
                  taskset-rs reproduce sec5            Figures 3 to 6 of the paper, in minutes (on stand-ins without real data)\n  \
                  taskset-rs tasks list 'TwoD_*'\n  \
                  taskset-rs train TwoD_Rosenbrock adam_lr_-2.00 --steps 1000\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Kernels for training: portable, avx2 or avx512 [default: the best that this machine supports].
    #[arg(long, global = true, value_name = "NAME", value_parser = Backend::named)]
    kernels: Option<Backend>,
}

#[derive(Subcommand)]
enum Command {
    /// List, show and check optimisation tasks.
    #[command(subcommand)]
    Tasks(commands::tasks::Command),
    /// List, show and trace optimizers.
    #[command(subcommand)]
    Optimizers(commands::optimizers::Command),
    /// List, verify, download and prepare data sets.
    #[command(subcommand)]
    Data(commands::data::Command),
    /// Train one task with one optimizer and print or store its curve.
    Train(commands::train::Arguments),
    /// Inspect, select, plot, export and compare curves.
    #[command(subcommand)]
    Curves(commands::curves::Command),
    /// Learn, evaluate and show hyperparameter lists.
    #[command(subcommand)]
    Lists(commands::lists::Command),
    /// Reproduce figures of the paper.
    Reproduce(commands::reproduce::Arguments),
    /// Plan, run and watch many trials, on one machine or many.
    #[command(subcommand)]
    Sweep(commands::sweep::Command),
    /// Not built yet: a ranking of optimizers over several tasks.
    #[command(hide = true)]
    Rank(commands::planned::Arguments),
    /// Not built yet: the Optimizer Baselines system.
    #[command(hide = true)]
    Baselines(commands::planned::Arguments),
}

/// Starts the threads that read and score curves: as many as there are cores (or `RAYON_NUM_THREADS`), or fewer where the
/// system refuses more.
fn threads() {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
    let asked = asked.unwrap_or_else(taskset::train::available_threads);
    // The pool can be asked for once only and fails as a whole, so the threads are started first and then get their work.
    let mut waiting: Vec<mpsc::Sender<rayon::ThreadBuilder>> = Vec::new();
    while waiting.len() < asked {
        let (sender, receiver) = mpsc::channel::<rayon::ThreadBuilder>();
        let thread = std::thread::Builder::new().name(format!("pool {}", waiting.len()));
        let work = move || receiver.recv().into_iter().for_each(rayon::ThreadBuilder::run);
        if thread.spawn(work).is_err() {
            break;
        }
        waiting.push(sender);
    }
    let pool = rayon::ThreadPoolBuilder::new();
    let started = if waiting.is_empty() {
        pool.num_threads(1).use_current_thread().build_global()
    } else {
        pool.num_threads(waiting.len())
            .spawn_handler(|thread| match waiting.pop() {
                Some(sender) => sender.send(thread).map_err(|_| io::Error::other("a thread has ended")),
                None => Err(io::Error::other("there are fewer threads")),
            })
            .build_global()
    };
    if let Err(error) = started {
        say!("note: the threads that read curves could not be started: {error}");
    }
}

/// The words of the command line; `help` after a command, where nothing else can be meant, asks for its help.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let [_, commands @ .., last] = &words[..] else { return words };
    if last != "help" || commands.is_empty() {
        return words;
    }
    let all = Cli::command();
    let mut command = &all;
    for word in commands {
        let Some(next) = word.to_str().and_then(|word| command.find_subcommand(word)) else { return words };
        command = next;
    }
    // Commands of commands have a `help` of their own.
    if !command.has_subcommands() {
        words.pop();
        words.push("--help".into());
    }
    words
}

fn main() -> ExitCode {
    match Cli::try_parse_from(words()) {
        Ok(cli) => end(interrupt::run(move || execute(cli))),
        // Errors of usage; clap prints them to stderr.
        Err(error) if error.use_stderr() => {
            let _ = error.print();
            ExitCode::from(2)
        }
        // Help and version are results.
        Err(text) => end(output::write(|out| write!(out, "{}", styled(&text)))),
    }
}

/// A help text: in colour where clap would print it so.
fn styled(text: &clap::Error) -> String {
    let text = text.render();
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

fn execute(cli: Cli) -> anyhow::Result<()> {
    Backend::choose(cli.kernels);
    threads();
    match cli.command {
        Command::Tasks(command) => commands::tasks::run(command),
        Command::Optimizers(command) => commands::optimizers::run(command),
        Command::Data(command) => commands::data::run(command),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Curves(command) => commands::curves::run(command),
        Command::Lists(command) => commands::lists::run(command),
        Command::Reproduce(arguments) => commands::reproduce::run(&arguments),
        Command::Sweep(command) => commands::sweep::run(command),
        Command::Rank(_) => commands::planned::run("rank"),
        Command::Baselines(_) => commands::planned::run("baselines"),
    }
}

/// From what a command gives to messages and the exit code.
fn end(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say!("{}", failure::message(&error));
            failure::exit_code(&error)
        }
    }
}
