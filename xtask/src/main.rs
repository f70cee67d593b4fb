//! Maintenance commands: `cargo xtask reproduce|validate|tidy|bench|…`. Dispatches; one file a command.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod bench;
mod browser;
mod candle_datasets;
mod fixed_check;
mod hand_over;
mod mutants;
mod object_store_check;
mod parquet_readers;
mod peers;
mod probe;
mod report_check;
mod reproduce;
mod skipped;
mod sweep_check;
mod task_set;
mod tidy;
mod torture;
mod validate;

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};

const HELP: &str = "\
cargo xtask <COMMAND>

Commands:
  reproduce …   build the release binary and run `taskset-rs reproduce …` with the same arguments
  validate      what continuous integration runs: tidy, format, lints, docs, tests (cheapest first); at the end it
                says how many tests were skipped, and why
  validate --features
                check each crate without features and with each of its features alone
  validate --package
                make and build the packages that would be published
  tidy          check the crates' floors and absences, file headers, and habits
  bench [NAME…] microseconds a training step, in a release build
  bench --peers the same beside JAX and PyTorch (benches/peers/README.md): [--python PATH] [--rounds 9] [--core 0]
                [W0…W11]
  bench --protocol [TASK…]
                whole trainings with evaluations, beside jitted scans in JAX: one task of each family and group, or
                those named; [--steps 1000] [--python PATH] [--rounds 5] [--core 0]
  bench --same-loss [TASK…]
                whether losses and gradients of these tasks are the same in JAX; [--python PATH]
  sweep-check   build every feasible sampled task and take three steps; --count N: some at random;
                --min-gflop 400: those that are skipped by default
  fixed-check [PATTERN…] [--data DIR]
                train the fixed tasks for 300 steps and say which learn; --estimates: compare estimated with measured
                times; `fixed-check --help` says more
  task-set --dir DIR [--families NAMES] [--limit N] [--jobs J] [--list-only] [--out FILE]
                find the sampled tasks of the set (docs/task-set.md): core-hours of short trainings, which can be
                stopped and continued; `task-set --help` says more
  probe FILE… [--task PATTERN] [--precision f64|f32]
                compare our losses and gradients with those of another implementation, at the same parameters,
                minibatch and random numbers; `probe --help` says more
  readers [PATTERN…] [--keep DIR]
                many versions of Polars, DuckDB, pyarrow, pandas, fastparquet and datasets read our curve files;
                needs Python and the Python package index (PyPI); `readers --help` says more
  report-check DIR… [--pictures OUT]
                open reports in Chromium at two widths, light, dark and printed, and look for what is cut, broken or
                hard to read; needs Chromium; `report-check --help` says more
  candle-datasets [--data DIR]
                read MNIST, Fashion-MNIST and CIFAR-10 with the crate candle-datasets too, and compare every pixel
  torture [--minutes M] [--trials N] [--seed S] [--dir DIR]
                train a sweep while its processes are killed at random moments, and check that nothing is lost;
                30 minutes by default, and then the same trials without disturbance; `torture --help` says more
  object-store-check
                sweeps in an imitation of S3, with cut connections, killed workers and races; needs Python and the
                Python package index (PyPI); `object-store-check --help` says more
  mutants CRATE put small faults into a crate one by one: its tests must notice them; needs cargo-mutants

Examples:
  cargo xtask reproduce sec5
  cargo xtask reproduce sec5 --data /path/to/data --out my-figure
  cargo xtask probe xtask/tests/fixtures/tensorflow_cases.json --task 'FixedMLP_*'
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "reproduce" => return reproduce::run(&rest),
        "probe" => return probe::run(&rest),
        "torture" => return torture::run(&rest),
        "validate" => validate::run_all(&rest),
        "tidy" => tidy::run(),
        "bench" => bench::run_all(&rest),
        "fixed-check" => fixed_check::run_all(&rest),
        "sweep-check" => sweep_check::run_all(&rest),
        "task-set" => task_set::run_all(&rest),
        "readers" => parquet_readers::run_all(&rest),
        "candle-datasets" => candle_datasets::run_all(&rest),
        "object-store-check" => object_store_check::run_all(&rest),
        "mutants" => mutants::run_all(&rest),
        "report-check" => report_check::run_all(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("error: there is no command `{other}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout whose cargo started us: a target directory that checkouts share may hold the build of another.
fn root() -> PathBuf {
    let built_from = || env!("CARGO_MANIFEST_DIR").into();
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(built_from));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// The cargo that started us, at the root of the checkout.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What `cargo metadata` says of the workspace.
fn metadata(options: &[&str]) -> Result<serde_json::Value> {
    let output = cargo()
        .args(["metadata", "--format-version", "1"])
        .args(options)
        .output()
        .context("cargo metadata could not be started")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")
}

/// Runs a command of cargo that must succeed, saying what runs.
fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ cargo {}", arguments(command));
    let status = command.status().context("cargo could not be started")?;
    succeeded(command, status)
}

/// An error if a command of cargo failed.
fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    anyhow::ensure!(status.success(), "cargo {} failed ({status})", arguments(command));
    Ok(())
}

/// The arguments of a command, to be shown.
fn arguments(command: &Command) -> String {
    let shown: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
    shown.join(" ")
}
