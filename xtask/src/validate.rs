//! `cargo xtask validate`: what continuous integration runs, cheapest check first.

use anyhow::{Context, Result};

use crate::skipped::Skipped;
use crate::{cargo, metadata, parquet_readers, root, run, tidy};

/// The README's test command, without `cargo`.
const TEST: [&str; 3] = ["test", "--workspace", "--all-features"];

/// Crates outside the workspace, as users would have them: they prove that what is promised to users serves them.
const EXAMPLES: [&str; 3] = ["your-own-optimizer", "your-own-task-candle", "your-own-task-layers"];

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => everything(),
        ["--features"] => features(),
        ["--package"] => run(cargo().args(["package", "--workspace", "--exclude", "xtask"])),
        _ => anyhow::bail!("validate takes no argument, or one of --features and --package"),
    }
}

fn everything() -> Result<()> {
    tidy::run()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut skipped = Skipped::default();
    skipped.run(cargo().args(TEST))?;
    if let Some(reason) = parquet_readers::run_quick()? {
        skipped.add(&reason);
    }
    examples(&mut skipped)?;
    eprintln!("{skipped}");
    Ok(())
}

/// Checks each crate without features, and with each of its features alone: what a user may ask for must compile.
fn features() -> Result<()> {
    let metadata = metadata(&["--no-deps"])?;
    for (package, features) in packages_and_features(&metadata) {
        run(cargo().args(["check", "--package", &package, "--no-default-features"]))?;
        for feature in features {
            let only = ["--no-default-features", "--features", &feature];
            run(cargo().args(["check", "--package", &package]).args(only))?;
        }
    }
    Ok(())
}

/// The packages of the workspace with their features but `default`, in order.
fn packages_and_features(metadata: &serde_json::Value) -> Vec<(String, Vec<String>)> {
    let name = |package: &serde_json::Value| package["name"].as_str().unwrap_or_default().to_owned();
    let features = |package: &serde_json::Value| {
        let all = package["features"].as_object().into_iter().flat_map(|features| features.keys().cloned());
        all.filter(|feature| feature != "default").collect()
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.map(|package| (name(package), features(package))).collect()
}

/// Tests the examples with the workspace's locked versions and in its target directory, so that little is built anew.
fn examples(skipped: &mut Skipped) -> Result<()> {
    let metadata = metadata(&["--no-deps"])?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    for example in EXAMPLES {
        let directory = root().join("examples").join(example);
        std::fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock"))
            .with_context(|| format!("Cargo.lock could not be copied to {}", directory.display()))?;
        let manifest = format!("examples/{example}/Cargo.toml");
        skipped.run(cargo().args(["test", "--manifest-path", &manifest, "--target-dir", target]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_found() {
        let metadata = metadata(&["--no-deps"]).unwrap();
        let all = packages_and_features(&metadata);
        let of = |name: &str| &all.iter().find(|(package, _)| package == name).unwrap().1;
        assert!(
            ["cli", "hub", "candle"].iter().all(|feature| of("taskset").contains(&(*feature).to_owned()))
        );
        assert!(of("taskset-names").is_empty());
        assert!(all.iter().all(|(_, features)| !features.contains(&"default".to_owned())));
    }
}
