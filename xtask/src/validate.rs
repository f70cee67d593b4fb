//! `cargo xtask validate`: what continuous integration runs, cheapest check first.

use anyhow::Result;

use crate::{cargo, run, tidy};

/// The README's test command, without `cargo`.
const TEST: [&str; 3] = ["test", "--workspace", "--all-features"];

/// The command.
pub(crate) fn run_all() -> Result<()> {
    tidy::run()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    run(cargo().args(TEST))?;
    // A crate outside the workspace, as a user would have it: it proves that the contract tests serve others.
    run(cargo().args(["test", "--manifest-path", "examples/property-test-your-optimizer/Cargo.toml"]))
}
