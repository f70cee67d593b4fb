//! `cargo xtask tidy`: floors and absences of the crates, file headers, habits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::root;

/// The floor of each crate: it may depend only on lower ones (`docs/architecture.md`).
const FLOORS: [(&str, u32); 21] = [
    ("taskset-names", 0),
    ("taskset-simd", 0),
    ("taskset-files", 1),
    ("taskset-guard", 1),
    ("taskset-kernels", 1),
    ("taskset-params", 1),
    ("taskset-rng", 1),
    ("taskset-trial", 1),
    ("taskset-curves", 2),
    ("taskset-datasets", 2),
    ("taskset-nn", 2),
    ("taskset-optim", 2),
    ("taskset-normalize", 3),
    ("taskset-tasks", 3),
    ("taskset-figures", 4),
    ("taskset-meta", 4),
    ("taskset-train", 4),
    ("taskset-sweep", 5),
    ("taskset-repro", 6),
    ("taskset", 7),
    ("xtask", 8),
];

/// What must not be reached: (crate, package that it must not depend on, however indirectly).
const ABSENCES: [(&str, &str); 22] = [
    ("taskset-normalize", "parquet"),
    ("taskset-meta", "parquet"),
    ("taskset-trial", "parquet"),
    ("taskset-curves", "taskset-nn"),
    ("taskset-normalize", "taskset-nn"),
    ("taskset-meta", "taskset-nn"),
    ("taskset-figures", "taskset-nn"),
    ("taskset-curves", "candle-core"),
    ("taskset-normalize", "candle-core"),
    ("taskset-meta", "candle-core"),
    ("taskset-figures", "candle-core"),
    ("taskset-datasets", "candle-core"),
    ("taskset-datasets", "taskset-nn"),
    ("taskset-optim", "taskset-tasks"),
    ("taskset-optim", "taskset-datasets"),
    ("taskset-tasks", "taskset-optim"),
    ("taskset-figures", "taskset-curves"),
    ("taskset-repro", "anyhow"),
    ("taskset-train", "anyhow"),
    ("taskset-tasks", "rand"),
    ("taskset-train", "rand"),
    ("xtask", "taskset"),
];

/// Text that no source file may hold, and why. Written in two pieces so that this file passes its own check.
const HABITS: [(&str, &str, &str); 4] = [
    ("#[ign", "ore", "slow tests run behind a named switch instead"),
    ("#[should_", "panic", "return the error and check it"),
    ("TO", "DO", "finish it or file it"),
    ("FIX", "ME", "finish it or file it"),
];

/// What asks the processor for its instruction sets, and the only place where that may stand. In two pieces, as above.
const DETECTION: (&str, &str, &str) = ("_feature_", "detected!", "crates/simd/");

/// The command.
pub(crate) fn run() -> Result<()> {
    let mut problems = Vec::new();
    let packages = packages()?;
    floors(&packages, &mut problems);
    absences(&packages, &mut problems);
    manifests(&packages, &mut problems)?;
    files(&mut problems)?;
    for problem in &problems {
        eprintln!("tidy: {problem}");
    }
    anyhow::ensure!(problems.is_empty(), "tidy found {} problem(s)", problems.len());
    eprintln!("tidy: {} crates on their floors, all files in order", FLOORS.len());
    Ok(())
}

/// A package of the dependency graph.
struct Package {
    manifest: PathBuf,
    member: bool,
    /// Names of its dependencies that are always built with it: neither optional nor for tests.
    dependencies: Vec<String>,
    /// Names of those that a feature adds.
    optional: Vec<String>,
}

fn packages() -> Result<BTreeMap<String, Package>> {
    let metadata = crate::metadata(&["--all-features"])?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    Ok(list(&metadata["packages"])
        .iter()
        .map(|package| {
            let dependencies = list(&package["dependencies"]);
            let names = |optional: bool| {
                dependencies
                    .iter()
                    .filter(|d| {
                        d["kind"].as_str() != Some("dev") && (d["optional"] == Value::Bool(true)) == optional
                    })
                    .map(|d| text(&d["name"]))
                    .collect()
            };
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let member = members.contains(&text(&package["id"]));
            (
                text(&package["name"]),
                Package { manifest, member, dependencies: names(false), optional: names(true) },
            )
        })
        .collect())
}

fn floors(packages: &BTreeMap<String, Package>, problems: &mut Vec<String>) {
    let floors: BTreeMap<&str, u32> = FLOORS.into_iter().collect();
    for (name, package) in packages.iter().filter(|(_, package)| package.member) {
        let Some(floor) = floors.get(name.as_str()) else {
            problems.push(format!("crate {name} has no floor: give it one in xtask/src/tidy.rs"));
            continue;
        };
        for dependency in package.dependencies.iter().chain(&package.optional) {
            if let Some(below) = floors.get(dependency.as_str())
                && below >= floor
            {
                problems.push(format!(
                    "{name} (floor {floor}) depends on {dependency} (floor {below}): only lower floors are allowed"
                ));
            }
        }
    }
}

fn absences(packages: &BTreeMap<String, Package>, problems: &mut Vec<String>) {
    for (name, absent) in ABSENCES {
        if !packages.contains_key(name) {
            problems.push(format!("ABSENCES in xtask/src/tidy.rs names {name}, which does not exist"));
        }
        let mut seen = BTreeSet::from([name.to_owned()]);
        let mut stack = vec![name.to_owned()];
        while let Some(next) = stack.pop() {
            let reached = packages.get(&next).map(|p| p.dependencies.as_slice()).unwrap_or_default();
            stack.extend(reached.iter().filter(|d| seen.insert((*d).clone())).cloned());
        }
        if seen.contains(absent) {
            problems.push(format!("{name} reaches {absent}, which its place in the architecture forbids"));
        }
    }
}

fn manifests(packages: &BTreeMap<String, Package>, problems: &mut Vec<String>) -> Result<()> {
    for (name, package) in packages.iter().filter(|(_, package)| package.member) {
        let text = read(&package.manifest)?;
        if !text.contains("[lints]\nworkspace = true") {
            problems.push(format!("crate {name} does not take the workspace's lints"));
        }
    }
    Ok(())
}

fn files(problems: &mut Vec<String>) -> Result<()> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .output()
        .context("git could not be started")?;
    for file in String::from_utf8_lossy(&output.stdout).lines() {
        let path = root().join(file);
        if !path.exists() {
            continue;
        }
        source(file, &read(&path)?, problems);
    }
    Ok(())
}

/// What is wrong with one source file.
fn source(file: &str, text: &str, problems: &mut Vec<String>) {
    if !text.starts_with("//! ") {
        problems.push(format!("{file} does not open with a `//!` line that says what lives there"));
    }
    let (head, tail, home) = DETECTION;
    if text.contains(&format!("{head}{tail}")) && !file.starts_with(home) {
        problems.push(format!("{file} asks for instruction sets by itself: use taskset-simd's `Backend`"));
    }
    for (head, tail, why) in HABITS {
        let habit = format!("{head}{tail}");
        if let Some(line) = text.lines().position(|line| line.contains(&habit)) {
            problems.push(format!("{file}:{}: `{habit}`: {why}", line + 1));
        }
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member with these dependencies, some of them optional.
    fn member(name: &str, dependencies: &[&str], optional: &[&str]) -> (String, Package) {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let package = Package {
            manifest: PathBuf::new(),
            member: true,
            dependencies: names(dependencies),
            optional: names(optional),
        };
        (name.to_owned(), package)
    }

    fn check_floors(package: (String, Package), expected: &[&str]) {
        let mut problems = Vec::new();
        floors(&BTreeMap::from([package]), &mut problems);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        assert!(
            problems.iter().zip(expected).all(|(problem, words)| problem.contains(words)),
            "{problems:?}"
        );
    }

    #[test]
    fn a_crate_may_use_lower_floors_only() {
        check_floors(member("taskset-nn", &["taskset-rng", "serde"], &[]), &[]);
        check_floors(
            member("taskset-nn", &["taskset-optim"], &[]),
            &["taskset-nn (floor 2) depends on taskset-optim"],
        );
        check_floors(member("taskset-rng", &[], &["taskset-train"]), &["taskset-rng (floor 1)"]);
        check_floors(member("taskset-new", &[], &[]), &["taskset-new has no floor"]);
    }

    #[test]
    fn what_must_not_be_reached_is_found_through_others() {
        let all: BTreeMap<String, Package> = ABSENCES
            .iter()
            .map(|(name, _)| member(name, &[], &[]))
            .chain([
                member("taskset-meta", &["between"], &[]),
                member("between", &["parquet"], &["candle-core"]),
            ])
            .collect();
        let mut problems = Vec::new();
        absences(&all, &mut problems);
        // Through an optional dependency nothing is reached: nobody asked for it.
        assert_eq!(problems, ["taskset-meta reaches parquet, which its place in the architecture forbids"]);
        absences(&BTreeMap::new(), &mut problems);
        assert!(problems[1].contains("does not exist"), "{problems:?}");
    }

    #[test]
    fn files_say_what_lives_there_and_have_no_bad_habits() {
        let check = |text: &str, words: &[&str]| {
            let mut problems = Vec::new();
            source("a.rs", text, &mut problems);
            assert_eq!(problems.len(), words.len(), "{problems:?}");
            assert!(problems.iter().zip(words).all(|(problem, word)| problem.contains(word)), "{problems:?}");
        };
        check("//! Adam.\n", &[]);
        check("use std::fmt;\n", &["does not open"]);
        for (head, tail, why) in HABITS {
            check(&format!("//! A.\n\n// {head}{tail}\n"), &[&format!("a.rs:3: `{head}{tail}`: {why}")]);
        }
    }
}
