//! `taskset-rs`: the command line. Parses, dispatches, and turns errors into messages and exit codes.

/// Prints a line to stderr; a reader that has gone is no reason to stop working.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arg)*);
    }};
}

mod commands;
mod failure;
mod interrupt;
mod options;
mod output;
mod progress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use taskset::nn::{Backend, CacheLines};

#[global_allocator]
static ALLOCATOR: CacheLines = CacheLines;

/// TaskSet in Rust: optimisation tasks, training curves, learned hyperparameter lists.
#[derive(Parser)]
#[command(
    name = "taskset-rs",
    version,
    after_help = "Start here:\n  taskset-rs reproduce sec5            Figure 3 of the paper, on stand-in data, in minutes\n  \
                  taskset-rs tasks list 'TwoD_*'\n  \
                  taskset-rs train TwoD_Rosenbrock adam_lr_-2.00 --steps 1000\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Kernels that train: portable, avx2 or avx512 [default: the best of this machine].
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
    /// See which data sets are here, and verify them.
    #[command(subcommand)]
    Data(commands::data::Command),
    /// Train one task with one optimizer and print or store its curve.
    Train(commands::train::Arguments),
    /// Look into curve files and slice them.
    #[command(subcommand)]
    Curves(commands::curves::Command),
    /// Learn and show hyperparameter lists.
    #[command(subcommand)]
    Lists(commands::lists::Command),
    /// Re-make figures of the paper.
    Reproduce(commands::reproduce::Arguments),
    /// Not in this version: many trials over many machines.
    Sweep(Later),
    /// Not in this version: the Optimizer Baselines system.
    Baselines(Later),
}

/// The arguments of a command that does not exist yet.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

/// Starts the threads that read and score curves: as many as there are cores (or `RAYON_NUM_THREADS`), or fewer where the
/// system refuses more.
fn threads() {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
    let mut count = asked.unwrap_or_else(taskset::train::available_threads);
    let pool = |count| rayon::ThreadPoolBuilder::new().num_threads(count);
    // The global pool can be asked for once only, so a pool that is thrown away tells how many threads can be had.
    while count > 1 && pool(count).build().is_err() {
        count /= 2;
    }
    let started = if count > 1 { pool(count) } else { pool(1).use_current_thread() };
    if let Err(error) = started.build_global() {
        say!("note: {error}");
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; clap prints each where it belongs.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    Backend::choose(cli.kernels);
    threads();
    let result = match cli.command {
        Command::Tasks(command) => commands::tasks::run(command),
        Command::Optimizers(command) => commands::optimizers::run(command),
        Command::Data(command) => commands::data::run(command),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Curves(command) => commands::curves::run(command),
        Command::Lists(command) => commands::lists::run(command),
        Command::Reproduce(arguments) => commands::reproduce::run(&arguments),
        Command::Sweep(_) => Err(anyhow::anyhow!(
            "sweeps over several machines are not built yet; `reproduce sec5` trains on all cores of this one"
        )),
        Command::Baselines(_) => Err(anyhow::anyhow!("the Optimizer Baselines system is not built yet")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say!("{}", failure::message(&error));
            failure::exit_code(&error)
        }
    }
}
