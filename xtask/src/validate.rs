//! `cargo xtask validate`: what continuous integration runs, cheapest check first.

use anyhow::{Context, Result};

use crate::{cargo, metadata, readers, root, run, tidy};

/// The README's test command, without `cargo`.
const TEST: [&str; 3] = ["test", "--workspace", "--all-features"];

/// Crates outside the workspace, as users would have them: they prove that what is promised to users serves them.
const EXAMPLES: [&str; 3] = ["property-test-your-optimizer", "your-own-task-candle", "your-own-task-layers"];

/// The command.
pub(crate) fn run_all() -> Result<()> {
    tidy::run()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    run(cargo().args(TEST))?;
    readers::run_quick()?;
    examples()
}

/// Tests the examples with the workspace's locked versions and in its target directory, so that little is built anew.
fn examples() -> Result<()> {
    let metadata = metadata(&["--no-deps"])?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    for example in EXAMPLES {
        let directory = root().join("examples").join(example);
        std::fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock"))
            .with_context(|| format!("Cargo.lock could not be copied to {}", directory.display()))?;
        let manifest = format!("examples/{example}/Cargo.toml");
        run(cargo().args(["test", "--manifest-path", &manifest, "--target-dir", target]))?;
    }
    Ok(())
}
