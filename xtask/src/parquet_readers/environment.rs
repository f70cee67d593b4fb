//! Virtual environments of Python, and programs that may not run for ever.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How packages are installed.
pub(super) struct Installing {
    /// Until when an environment must be whole.
    pub(super) deadline: Instant,
    /// Whether pip may try again, and wait long for an answer, where the network is slow.
    pub(super) patient: bool,
}

/// Makes a virtual environment with packages in a directory, or takes the one that lies there if it has the same packages.
/// Returns its interpreter, or says why there is none.
pub(super) fn prepare(
    python: &Path,
    packages: &str,
    directory: &Path,
    installing: &Installing,
) -> Result<PathBuf, String> {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    let own = directory.join(folder).join(format!("python{}", std::env::consts::EXE_SUFFIX));
    // Written last, so that an environment in the making is not taken for a whole one.
    let stamp = directory.join("packages.txt");
    let log = directory.join("log.txt");
    let whole = fs::read_to_string(&stamp).is_ok_and(|found| found == packages);
    // The interpreter that it was made from may be gone.
    if whole && finished(Command::new(&own).arg("--version"), &log, installing).is_ok() {
        return Ok(own);
    }
    let made = match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(directory),
    };
    made.map_err(|error| format!("{} cannot be made anew: {error}", directory.display()))?;
    finished(Command::new(python).args(["-m", "venv"]).arg(directory), &log, installing)?;
    let mut pip = Command::new(&own);
    // Packages that would have to be compiled first are not what users of these versions had.
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--only-binary", ":all:"]);
    if !installing.patient {
        pip.args(["--retries", "0", "--timeout", "10"]);
    }
    finished(pip.args(packages.split_whitespace()), &log, installing)?;
    fs::write(&stamp, packages).map_err(|error| format!("{} cannot be written: {error}", stamp.display()))?;
    Ok(own)
}

/// Runs a program that must succeed; otherwise says in a line why it did not.
fn finished(command: &mut Command, log: &Path, installing: &Installing) -> Result<(), String> {
    let limit = installing.deadline.saturating_duration_since(Instant::now());
    let Ended { status, said } = run_limited(command, log, limit).map_err(|error| format!("{error:#}"))?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let mut lines = said.lines().filter(|line| !line.trim().is_empty());
            let error = lines.clone().find(|line| line.starts_with("ERROR:")).or_else(|| lines.next_back());
            let reason = error.map_or_else(|| status.to_string(), |line| line.trim().to_owned());
            // pip says the same of an index that does not answer.
            let unreachable = reason.ends_with("(from versions: none)");
            let hint = if unreachable { "; perhaps the package index cannot be reached" } else { "" };
            // pip names every version that there is.
            Err(reason.chars().take(200).collect::<String>() + hint)
        }
        None => Err("it was not finished in the time that was left".to_owned()),
    }
}

/// What a program said, on both streams, and how it ended; no status if it was stopped at its time limit.
pub(super) struct Ended {
    pub(super) status: Option<ExitStatus>,
    pub(super) said: String,
}

/// Runs a program until it ends or its time is over. What it says goes through a file, because a pipe may be kept open by
/// what a stopped program has started.
pub(super) fn run_limited(command: &mut Command, log: &Path, limit: Duration) -> Result<Ended> {
    let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stderr(file.try_clone()?).stdout(file);
    let mut child = command.spawn().with_context(|| format!("{program} could not be started"))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read(log).with_context(|| format!("{} cannot be read", log.display()))?;
    Ok(Ended { status, said: String::from_utf8_lossy(&said).into_owned() })
}

/// The interpreter of a minor version such as `3.11`, or of `any`; none where there is none on this machine.
pub(super) fn interpreter(version: &str) -> Option<PathBuf> {
    if version == "any" {
        return ["python3", "python"]
            .into_iter()
            .find_map(|name| executable(&mut Command::new(name), version));
    }
    let mut direct = Command::new(format!("python{version}"));
    // Where pyenv manages interpreters, the commands of those that are not its choice fail unless this names them.
    direct.env("PYENV_VERSION", version);
    // Windows has one launcher for all.
    let mut launcher = Command::new("py");
    launcher.arg(format!("-{version}"));
    executable(&mut direct, version).or_else(|| executable(&mut launcher, version))
}

fn executable(python: &mut Command, version: &str) -> Option<PathBuf> {
    const QUESTION: &str = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)";
    let output = python.args(["-c", QUESTION]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let (found, path) = text.split_once('\n')?;
    let fits = if version == "any" { found.starts_with("3.") } else { found.trim() == version };
    fits.then(|| path.trim().into())
}
