//! Tells the program the commit that it is built from, for the environment record of a sweep's shards. Without git, or outside
//! of a checkout, the record says nothing of it.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A package from a registry may lie inside of a repository that has nothing to do with it.
    let git = repository.join(".git");
    if !git.exists() {
        return;
    }
    // The log of HEAD grows with every commit and every change of the branch. In a linked checkout `.git` is a file.
    for file in ["logs/HEAD", "HEAD"] {
        if git.join(file).exists() {
            println!("cargo:rerun-if-changed={}", git.join(file).display());
        }
    }
    let output = Command::new("git").arg("-C").arg(&repository).args(["rev-parse", "HEAD"]).output();
    if let Some(output) = output.ok().filter(|output| output.status.success()) {
        println!("cargo:rustc-env=TASKSET_COMMIT={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}
