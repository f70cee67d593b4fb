//! `cargo xtask mutants`: small faults are put into a crate one by one, and its tests must notice each of them.

use anyhow::{Context, Result};

use crate::{cargo, metadata, run};

/// What `cargo xtask mutants --help` says.
const HELP: &str = "\
cargo xtask mutants CRATE [OPTION…]

Runs cargo-mutants (`cargo install cargo-mutants --locked`) on a crate with only this crate's own tests:
`trial`, `meta` and so on stand for `taskset-trial`, `taskset-meta`. Options are those of cargo-mutants, for example
`--file crates/meta/src/greedy.rs` or `--list`. docs/testing.md says how to read the result.
";

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    let Some((name, options)) = args.split_first().filter(|(name, _)| !name.starts_with('-')) else {
        print!("{HELP}");
        return Ok(());
    };
    let found = cargo().args(["mutants", "--version"]).output().context("cargo could not be started")?;
    anyhow::ensure!(
        found.status.success(),
        "cargo-mutants is not installed: `cargo install cargo-mutants --locked` installs it"
    );
    let metadata = metadata(&["--no-deps"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let names: Vec<&str> = packages.filter_map(|package| package["name"].as_str()).collect();
    let package = package(name, &names)?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    run(cargo().args(["mutants", "--package", package, "--output", target]).args(options))
}

/// The package that a short or a whole name stands for.
fn package<'a>(name: &str, names: &[&'a str]) -> Result<&'a str> {
    let whole = format!("taskset-{name}");
    let found = names.iter().find(|known| **known == name || **known == whole);
    found.copied().with_context(|| format!("there is no crate `{name}`; there are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_have_short_names() {
        let names = ["taskset", "taskset-meta", "xtask"];
        let found = ["meta", "taskset-meta", "taskset", "xtask"].map(|name| package(name, &names).unwrap());
        assert_eq!(found, ["taskset-meta", "taskset-meta", "taskset", "xtask"]);
        assert!(package("mata", &names).unwrap_err().to_string().contains("there is no crate `mata`"));
    }
}
