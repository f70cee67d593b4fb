//! Whether anything was lost: the tortured sweep is finished, and compared with one that nobody disturbed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use taskset_curves::Metadata;
use taskset_sweep::Directory;
use taskset_trial::Curve;

use crate::Failure;
use crate::program::{Program, shown, words};

/// What was found.
pub(crate) struct Verdict {
    pub(crate) trials: usize,
    /// Trials that only the undisturbed sweep has.
    pub(crate) losses: usize,
    /// Rows of trials that are stored more than once.
    pub(crate) doubles: u64,
    /// Trials whose seconds of work are more than the longest life of a process, when the torture ended: they went on from
    /// checkpoints.
    pub(crate) outlived: usize,
    pub(crate) problems: Vec<String>,
}

/// Words of a worker that say that it could not use something, or that it failed.
const BAD_WORDS: [&str; 6] =
    ["panicked", "cannot be used", "not used", "could not be saved", "no checkpoint could be saved", "stays"];

/// Finishes the tortured sweep, trains the same plans elsewhere, and compares.
pub(crate) fn judge(program: &Program, plans: u32, longest_life: Duration) -> Result<Verdict, Failure> {
    let mut problems = Vec::new();
    let (tortured, undisturbed) = (program.tortured(), program.at("undisturbed"));
    let before = Directory::at(&tortured).reader()?.read_all()?;
    let seconds = |curve: &Curve| curve.train_seconds + curve.eval_seconds;
    let outlived = before.iter().filter(|curve| seconds(curve) > longest_life.as_secs_f64()).count();
    program.ok(&words(&["sweep", "run", &shown(&tortured)]))?;
    let status = program.ok(&words(&["sweep", "status", &shown(&tortured), "--json"]))?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    if status["trials"]["done"] != status["trials"]["total"] {
        problems.push(format!("after the last run, not everything is stored: {}", status["trials"]));
    }
    problems.extend(left_behind(&tortured)?);
    problems.extend(bad_words(&program.logs())?);
    for plan in 0..plans {
        program.ok(&program.planning(plan, &undisturbed))?;
    }
    program.ok(&words(&["sweep", "run", &shown(&undisturbed)]))?;
    let diff = program.output(&words(&["curves", "diff", &shown(&undisturbed), &shown(&tortured)]))?;
    if diff.status.code() != Some(0) {
        problems.push(format!("`curves diff` finds differences: {}", String::from_utf8_lossy(&diff.stdout)));
    }
    let (stored, expected) = (Directory::at(&tortured).reader()?, Directory::at(&undisturbed).reader()?);
    let (ids, all) = (stored.ids()?, expected.ids()?);
    let losses = all.difference(&ids).count();
    let doubles = stored.rows() - ids.len() as u64;
    if losses > 0 || doubles > 0 || ids.len() != all.len() {
        problems.push(format!(
            "{} trials are stored in {} rows, and {} were expected; {losses} of these are lost",
            ids.len(),
            stored.rows(),
            all.len()
        ));
    }
    problems.extend(compare_compacted(program, [&tortured, &undisturbed])?);
    Ok(Verdict { trials: all.len(), losses, doubles, outlived, problems })
}

/// Files that nobody needs after the last run.
fn left_behind(directory: &Path) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    for folder in ["", "shards", "claims", "checkpoints"] {
        for entry in std::fs::read_dir(directory.join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if folder == "claims" || folder == "checkpoints" || name.starts_with('.') {
                problems.push(format!("{folder}/{name} is left after the last run"));
            }
        }
    }
    Ok(problems)
}

/// Lines of workers that say that something is wrong.
fn bad_words(logs: &Path) -> Result<Vec<String>, Failure> {
    let mut lines = BTreeSet::new();
    for entry in std::fs::read_dir(logs)? {
        let text = std::fs::read(entry?.path())?;
        for line in String::from_utf8_lossy(&text).lines() {
            if BAD_WORDS.iter().any(|words| line.contains(words)) {
                lines.insert(format!("a worker said: {line}"));
            }
        }
    }
    Ok(lines.into_iter().collect())
}

/// Compacts both, and compares the files in everything but the clocks.
fn compare_compacted(program: &Program, directories: [&Path; 2]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for directory in directories {
        let compacted = directory.with_extension("compacted");
        program.ok(&words(&["sweep", "compact", &shown(directory), "--out", &shown(&compacted)]))?;
        names.push(taskset_curves::open(&compacted)?.paths().map(Path::to_owned).collect::<Vec<_>>());
    }
    let file_names = |n: usize| names[n].iter().map(|path| path.file_name()).collect::<Vec<_>>();
    if file_names(0) != file_names(1) {
        return Ok(vec!["the compacted directories have files of different names".to_owned()]);
    }
    let mut problems = Vec::new();
    for (first, second) in names[0].iter().zip(&names[1]) {
        if without_clocks(first)? != without_clocks(second)? {
            problems.push(format!("the compacted files {} and {} differ", first.display(), second.display()));
        }
    }
    Ok(problems)
}

/// The bytes of a file whose clocks all show 0.
fn without_clocks(path: &Path) -> Result<Vec<u8>, Failure> {
    let (metadata, mut curves): (Metadata, Vec<Curve>) = taskset_curves::read(path)?;
    for curve in &mut curves {
        (curve.train_seconds, curve.eval_seconds) = (0.0, 0.0);
    }
    Ok(taskset_curves::encode(&curves, &metadata)?)
}
