//! `cargo xtask readers`: many versions of other programs read our curve files, each in a Python environment of its own.
//!
//! `crates/curves/tests/readers/versions.tsv` lists the versions. The test `read_elsewhere` of `taskset-curves` writes the
//! files and what they hold; `read_one.py` beside the list opens them with one reader and compares every value.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use self::environment::{Ended, Installing};
use crate::{cargo, metadata, root};

mod environment;

/// What `cargo xtask readers --help` says.
const HELP: &str = "\
cargo xtask readers [PATTERN…] [--keep DIR]
cargo xtask readers --quick

Makes a virtual environment for each row of crates/curves/tests/readers/versions.tsv whose name contains a
PATTERN (all rows without one), and lets its readers open curve files there and compare every value. Needs
the Python package index (PyPI) and the Python versions that the rows name; rows whose version is absent are
not tested, and rows whose packages cannot be installed are named. Fails if a reader reads anything else
than what was written.

  --keep DIR   keep the environments in DIR and use them again; else each is removed after its row
  --quick      two rows, as `cargo xtask validate` tries them: in the target directory, and without failing
               where Python or the index is missing
";

/// The rows that `cargo xtask validate` tries: quickly installed, and on most versions of Python.
const QUICK: [&str; 2] = ["polars-1.42.1", "duckdb-2.0.1"];

/// Time for the packages of a row.
const INSTALLING: Duration = Duration::from_secs(1800);

/// Time for the packages of all rows of [`QUICK`].
const INSTALLING_QUICK: Duration = Duration::from_secs(40);

/// Time for a reader.
const READING: Duration = Duration::from_secs(300);

/// Exit status of `read_one.py` where the environment lacks the reader.
const ABSENT: i32 = 3;

/// A row of the list.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    python: String,
    packages: String,
    readers: Vec<String>,
}

/// What became of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Failed,
    NotInstalled,
    NotTested,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Failed => "FAILED",
            Self::NotInstalled => "not installed",
            Self::NotTested => "not tested",
        })
    }
}

/// The command.
pub(crate) fn run_all(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    if args == ["--quick"] {
        return run_quick().map(drop);
    }
    let Options { patterns, keep } = Options::parse(args)?;
    let mut rows = rows()?;
    rows.retain(|row| patterns.is_empty() || patterns.iter().any(|pattern| row.name.contains(pattern)));
    anyhow::ensure!(!rows.is_empty(), "no row of {} has a name with {patterns:?}", list().display());
    let temporary = tempfile::tempdir().context("no temporary directory could be made")?;
    let files = files(temporary.path())?;
    let mut outcomes = Vec::new();
    for row in &rows {
        let directory = keep.as_deref().unwrap_or(temporary.path()).join(&row.name);
        let installing = Installing { deadline: Instant::now() + INSTALLING, patient: true };
        for (reader, outcome, said) in try_row(row, &files, &directory, &installing) {
            println!("{outcome:<13}  {:<21}  {reader:<18}  {said}", row.name);
            outcomes.push(outcome);
        }
        if keep.is_none() {
            // One after another they would fill a small disk. What cannot be removed now goes with the temporary directory.
            drop(std::fs::remove_dir_all(&directory));
        }
    }
    let count = |outcome| outcomes.iter().filter(|found| **found == outcome).count();
    let all = [Outcome::Ok, Outcome::Failed, Outcome::NotInstalled, Outcome::NotTested];
    println!("{}", all.map(|outcome| format!("{} {outcome}", count(outcome))).join(", "));
    anyhow::ensure!(count(Outcome::Failed) == 0, "{} reader(s) failed", count(Outcome::Failed));
    Ok(())
}

/// Two rows, for `cargo xtask validate`. What the machine lacks is said and returned, and is no failure; the environments
/// stay in the target directory.
pub(crate) fn run_quick() -> Result<Option<String>> {
    let target = metadata(&["--no-deps"])?["target_directory"].as_str().map(PathBuf::from);
    let target = target.context("cargo metadata names no target directory")?.join("readers");
    let temporary = tempfile::tempdir().context("no temporary directory could be made")?;
    let files = files(temporary.path())?;
    let installing = Installing { deadline: Instant::now() + INSTALLING_QUICK, patient: false };
    for row in rows()?.iter().filter(|row| QUICK.contains(&row.name.as_str())) {
        for (reader, outcome, said) in try_row(row, &files, &target.join(&row.name), &installing) {
            match outcome {
                Outcome::Ok => eprintln!("readers: {said}"),
                Outcome::Failed => {
                    anyhow::bail!("{reader} of {} does not read curve files: {said}", row.name)
                }
                Outcome::NotInstalled | Outcome::NotTested => {
                    // The other row would meet the same lack of Python or of the network.
                    let reason = format!("{} {outcome}: {said}", row.name);
                    eprintln!("readers: skipped: {reason}");
                    return Ok(Some(reason));
                }
            }
        }
    }
    Ok(None)
}

#[derive(Debug, PartialEq)]
struct Options {
    patterns: Vec<String>,
    keep: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { patterns: Vec::new(), keep: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--keep" => {
                    options.keep = Some(args.next().context("--keep needs a directory")?.into());
                }
                option if option.starts_with('-') => {
                    anyhow::bail!("readers has no option `{option}`\n\n{HELP}")
                }
                pattern => options.patterns.push(pattern.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Where the list and the script lie.
fn list() -> PathBuf {
    root().join("crates").join("curves").join("tests").join("readers").join("versions.tsv")
}

fn rows() -> Result<Vec<Row>> {
    let path = list();
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Row>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, python, packages, readers] = columns[..] else {
                anyhow::bail!("`{line}` has {} columns, not 4, between tabulators", columns.len());
            };
            let readers = readers.split(' ').map(str::to_owned).collect();
            Ok(Row { name: name.into(), python: python.into(), packages: packages.into(), readers })
        })
        .collect()
}

/// Lets the test write its files into a directory; returns the curve files.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    // All of the workspace with all features, as `cargo xtask validate` tests it: nothing is built a second time.
    let arguments = [
        "test",
        "--workspace",
        "--all-features",
        "--test",
        "read_elsewhere",
        "--no-run",
        "--message-format",
        "json",
    ];
    let output =
        cargo().args(arguments).stderr(Stdio::inherit()).output().context("cargo could not be started")?;
    anyhow::ensure!(
        output.status.success(),
        "the test read_elsewhere could not be built ({})",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let test = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "read_elsewhere")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo names no executable of the test read_elsewhere")?;
    let output = Command::new(test).env("TASKSET_READERS_FILES", directory).output();
    let output = output.context("the test read_elsewhere could not be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "the test read_elsewhere wrote no files:\n{said}");
    let entries = std::fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    files.sort();
    anyhow::ensure!(!files.is_empty(), "the test read_elsewhere wrote no files");
    Ok(files)
}

/// What became of each reader of a row, and why.
fn try_row(
    row: &Row,
    files: &[PathBuf],
    directory: &Path,
    installing: &Installing,
) -> Vec<(String, Outcome, String)> {
    let all = |outcome, said: &str| {
        row.readers.iter().map(|reader| (reader.clone(), outcome, said.to_owned())).collect()
    };
    let Some(python) = environment::interpreter(&row.python) else {
        let version = if row.python == "any" { "3" } else { &row.python };
        return all(Outcome::NotTested, &format!("there is no Python {version} here"));
    };
    match environment::prepare(&python, &row.packages, directory, installing) {
        Ok(python) => row.readers.iter().map(|reader| read(&python, reader, files, directory)).collect(),
        Err(reason) => all(Outcome::NotInstalled, &reason),
    }
}

fn read(python: &Path, reader: &str, files: &[PathBuf], directory: &Path) -> (String, Outcome, String) {
    let script = list().with_file_name("read_one.py");
    let mut command = Command::new(python);
    // Isolated: no packages but those of the environment.
    command.arg("-I").arg(script).arg(reader).args(files);
    let log = directory.join(format!("{reader}.txt"));
    let (outcome, said) = match environment::run_limited(&mut command, &log, READING) {
        Ok(Ended { status: Some(status), said }) => match status.code() {
            Some(0) => (Outcome::Ok, said),
            Some(ABSENT) => (Outcome::NotInstalled, said),
            Some(1) => (Outcome::Failed, said),
            _ => (Outcome::Failed, format!("{status}: {said}")),
        },
        Ok(Ended { status: None, .. }) => {
            (Outcome::Failed, format!("it was not finished in {} seconds", READING.as_secs()))
        }
        Err(error) => (Outcome::Failed, format!("{error:#}")),
    };
    // The script ends with the line that counts; before it may come warnings of the libraries.
    let line = said.lines().next_back().unwrap_or_default().trim();
    (reader.to_owned(), outcome, line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_each_row_once_and_the_quick_ones() {
        let rows = rows().unwrap();
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert!(QUICK.iter().all(|quick| names.contains(quick)), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rows.len());
        for row in &rows {
            let fixed = row.packages.split(' ').all(|package| package.contains("=="));
            assert_eq!(fixed, !row.name.ends_with("-newest"), "{row:?}");
            assert!(row.python == "any" || row.python.starts_with("3."), "{row:?}");
        }
    }

    #[test]
    fn rows_are_four_columns() {
        let row = Row {
            name: "a".into(),
            python: "any".into(),
            packages: "a==1 b==2".into(),
            readers: vec!["x".into(), "y".into()],
        };
        assert_eq!(parse("# comment\n\na\tany\ta==1 b==2\tx y\n").unwrap(), [row]);
        assert!(parse("a any a==1 x").unwrap_err().to_string().contains("1 columns"));
    }

    #[test]
    fn options_are_checked() {
        let parse =
            |text: &str| Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let expected =
            Options { patterns: vec!["polars".into(), "duckdb".into()], keep: Some("here".into()) };
        assert_eq!(parse("polars --keep here duckdb").unwrap(), expected);
        for wrong in ["--keep", "--kepe here"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
