//! `cargo xtask candle-datasets`: our readers of MNIST, Fashion-MNIST and CIFAR-10 against those of `candle-datasets`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{cargo, metadata, run};

/// What `cargo xtask candle-datasets --help` says.
const HELP: &str = "\
cargo xtask candle-datasets [--data DIR]

Builds checks/candle-datasets, which is not a part of the workspace, and lets it read the same files with both
libraries. It compares every pixel and every label, and says which data sets it compared, which it skipped, and
which are there only in part. Fails if anything differs.

  --data DIR   the folder with mnist, fashion_mnist and cifar10 [default: the environment variable TASKSET_DATA]
";

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    let named = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h"] => {
            print!("{HELP}");
            return Ok(());
        }
        ["--data", directory] => Some(PathBuf::from(directory)),
        [] => std::env::var_os("TASKSET_DATA").filter(|value| value != "synthetic").map(PathBuf::from),
        _ => anyhow::bail!("candle-datasets takes no argument but --data DIR"),
    };
    let Some(directory) = named else {
        println!(
            "skipped: neither --data nor TASKSET_DATA names a folder with mnist, fashion_mnist or cifar10"
        );
        return Ok(());
    };
    // The check runs at the root of the checkout, not where the caller is.
    let directory = directory.canonicalize().with_context(|| directory.display().to_string())?;
    let metadata = metadata(&["--no-deps"])?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    // A directory of its own: other features of shared crates would build the workspace anew each time.
    let target = PathBuf::from(target).join("candle-datasets");
    run(cargo()
        .args(["run", "--locked", "--manifest-path", "checks/candle-datasets/Cargo.toml", "--target-dir"])
        .arg(target)
        .arg("--")
        .arg(directory))
}
