//! Sweeps under Slurm: an array job whose tasks share the shards, and its state.
//!
//! Each array task is one `sweep run` on the whole sweep. It takes one shard after the other that nobody has, until none is
//! left. So it does not matter how many tasks there are, which of them start, and which are killed: a claim ends with its
//! process. A task that is preempted, or whose node fails, is put back into the queue (`--requeue`), and goes on from
//! what was saved. A task whose time is over saves what it can and is not started again: submit the sweep once more.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskset_trial::Arithmetic;

use crate::environment_record::timestamp;
use crate::storage::Storage;
use crate::{Directory, Error};

/// Folder of the script, the logs, and the list of jobs.
const FOLDER: &str = "slurm";
const JOBS: &str = "slurm/jobs.json";
const SCRIPT: &str = "slurm/job.sh";

/// What a job asks for.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Array tasks; none: as many as are worth it, at most 100.
    pub array: Option<usize>,
    /// Trials at once in each task: its processors.
    pub jobs: usize,
    /// Minutes that each array task asks for; none: twice the estimate, plus ten minutes.
    pub minutes: Option<u64>,
    /// Megabytes of memory that each array task asks for; none: twice the estimate, plus 1,800.
    pub memory_mb: Option<u64>,
    /// The program that the tasks run, as the nodes know it.
    pub program: PathBuf,
    /// Arguments that are added to `sweep run`, for example the data directory.
    pub arguments: Vec<String>,
    /// Arguments that are added to `sbatch`.
    pub sbatch: Vec<String>,
}

/// A submitted array job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Slurm's number.
    pub job: String,
    /// Array tasks.
    pub tasks: usize,
    /// When it was submitted, in UTC.
    pub submitted: String,
}

/// The state of the jobs of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SlurmStatus {
    /// Array tasks that wait.
    pub pending: usize,
    /// Array tasks that run.
    pub running: usize,
    /// Array tasks in another state that have not ended, for example completing.
    pub other: usize,
    /// The jobs of which Slurm still knows a task that has not ended.
    pub jobs: Vec<String>,
    /// Why the state is not known, if `squeue` does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// What was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// The job.
    pub job: Job,
    /// Its script.
    pub script: String,
    /// Minutes that each task asks for.
    pub minutes: u64,
    /// Megabytes that each task asks for.
    pub memory_mb: u64,
}

/// Most array tasks of a job, unless more are asked for.
const MOST_TASKS: usize = 100;
/// Minutes that a task has in any case: data must be loaded.
const LEAST_MINUTES: f64 = 10.0;
/// Megabytes of the program itself, without data.
const PROGRAM_MB: f64 = 300.0;
/// Megabytes for data and activations, of which the estimate knows nothing.
const DATA_MB: f64 = 1500.0;

/// Writes the script of an array job and gives it to `sbatch`.
///
/// # Errors
/// [`Error::Scheduler`] if there is no `sbatch` here, it refuses the job, or every trial is stored already; errors of
/// [`Directory::status`].
pub fn submit(directory: &Directory, submission: &Submission) -> Result<Submitted, Error> {
    let failed = |reason: String| Error::Scheduler { scheduler: "slurm", reason };
    let status = directory.status()?;
    if status.is_complete() {
        return Err(failed("every trial is stored already; there is nothing to submit".to_owned()));
    }
    let open = (status.shards.total - status.shards.done) as usize;
    let jobs = submission.jobs.max(1);
    let tasks = submission.array.unwrap_or_else(|| open.div_ceil(jobs).min(MOST_TASKS)).max(1);
    let place = absolute(directory.local()?)?;
    let longest = status.tasks.iter().map(|task| 60.0 * task.core_hours_left / task.total.max(1) as f64);
    let longest = longest.fold(0.0, f64::max);
    let each = 60.0 * status.core_hours_left / (tasks * jobs) as f64;
    let minutes = submission.minutes.unwrap_or((LEAST_MINUTES + 2.0 * (each + longest)).ceil() as u64);
    let (_, manifest) = directory.planned()?;
    let states = manifest.memory_mb() * jobs as f64;
    let memory_mb = submission.memory_mb.unwrap_or((PROGRAM_MB + DATA_MB + 2.0 * states).ceil() as u64);

    // The shards are planned for one class of arithmetic; the nodes' own kernels may be of the other.
    let mut submission = submission.clone();
    if manifest.arithmetic == Arithmetic::Portable.name() {
        submission.arguments.extend(["--kernels".to_owned(), "portable".to_owned()]);
    }
    let submission = &submission;
    let script = script(&place, submission, Size { tasks, jobs, minutes, memory_mb });
    let path = place.join(SCRIPT);
    std::fs::create_dir_all(place.join(FOLDER)).map_err(Error::file("create", &place.join(FOLDER)))?;
    taskset_files::write_atomically(&path, script.as_bytes()).map_err(Error::file("write", &path))?;

    let output = Command::new("sbatch").arg("--parsable").args(&submission.sbatch).arg(&path).output();
    let output = output.map_err(|e| {
        failed(format!(
            "`sbatch` cannot be started here ({e}); run this on a machine from which jobs are submitted. The script is in {}",
            path.display()
        ))
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        return Err(failed(format!("sbatch refused the job: {}", text(&output.stderr).replace('\n', "; "))));
    }
    // `--parsable` prints the number and, on some clusters, the cluster's name behind a semicolon.
    let answer = text(&output.stdout);
    let number = answer.split(';').next().unwrap_or_default().trim().to_owned();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(failed(format!("sbatch answered `{answer}`, which is no job number")));
    }
    let job = Job { job: number, tasks, submitted: timestamp(chrono::Utc::now()) };
    let mut all = jobs_of(directory.storage())?;
    all.push(job.clone());
    directory.storage().write(JOBS, &serde_json::to_vec_pretty(&all).unwrap_or_default())?;
    Ok(Submitted { job, script: path.display().to_string(), minutes, memory_mb })
}

/// What the script asks for.
#[derive(Clone, Copy)]
struct Size {
    tasks: usize,
    jobs: usize,
    minutes: u64,
    memory_mb: u64,
}

fn script(place: &Path, submission: &Submission, size: Size) -> String {
    let Size { tasks, jobs, minutes, memory_mb } = size;
    let logs = place.join(FOLDER);
    let mut text =
        String::from("#!/bin/bash\n# Written by `taskset-rs sweep submit`; written anew by the next one.\n");
    let options = [
        "--job-name=taskset-sweep".to_owned(),
        format!("--array=0-{}", tasks - 1),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={jobs}"),
        format!("--time={minutes}"),
        format!("--mem={memory_mb}M"),
        // A task that is preempted, or whose node fails, waits in the queue again and goes on from what was saved.
        "--requeue".to_owned(),
        "--open-mode=append".to_owned(),
        // About a minute before the time is over, running trials are saved.
        "--signal=B:TERM@60".to_owned(),
        // Slurm replaces %A by the job and %a by the task; any other % is one that belongs to a name.
        format!("--output=\"{}/%A_%a.log\"", logs.display().to_string().replace('%', "%%")),
    ];
    for option in options {
        let _ = writeln!(text, "#SBATCH {option}");
    }
    let words =
        [submission.program.display().to_string(), "sweep".into(), "run".into(), place.display().to_string()];
    let rest = ["--jobs".to_owned(), jobs.to_string(), "--no-wait".to_owned()];
    let command: Vec<String> =
        words.iter().chain(&rest).chain(&submission.arguments).map(|word| quoted(word)).collect();
    // Slurm sends that signal to the script only. With `exec` the program takes the place of the script; without it, the program
    // would be killed together with the script, and could save nothing.
    let _ = writeln!(text, "\nexec {}", command.join(" "));
    text
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::fs::canonicalize(path).map_err(Error::file("find", path))
}

fn jobs_of(storage: &dyn Storage) -> Result<Vec<Job>, Error> {
    let bytes = storage.read(JOBS)?.unwrap_or_else(|| b"[]".to_vec());
    serde_json::from_slice(&bytes).map_err(|e| Error::PlanChanged {
        place: storage.place(JOBS),
        reason: format!(
            "it cannot be understood ({e}); remove it, and only the state of the jobs is no longer shown"
        ),
    })
}

/// The state of the submitted jobs, if there are any.
pub(crate) fn status(storage: &dyn Storage) -> Result<Option<SlurmStatus>, Error> {
    let jobs = jobs_of(storage)?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let mut status = SlurmStatus::default();
    for Job { job, .. } in jobs {
        match squeue(&job) {
            Ok(lines) => status.add(&job, &lines),
            Err(why) => status.unknown = Some(why),
        }
    }
    Ok(Some(status))
}

impl SlurmStatus {
    /// Takes in what `squeue` says of a job: a state in short form on each line.
    fn add(&mut self, job: &str, lines: &str) {
        let before = self.pending + self.running + self.other;
        for state in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match state {
                "PD" | "RQ" | "RF" | "RH" => self.pending += 1,
                "R" => self.running += 1,
                _ => self.other += 1,
            }
        }
        if self.pending + self.running + self.other > before {
            self.jobs.push(job.to_owned());
        }
    }
}

/// Longest wait for `squeue`. Without its controller it would take minutes to say so.
const PATIENCE: Duration = Duration::from_secs(10);

/// The states of the tasks of a job that have not ended, one a line.
fn squeue(job: &str) -> Result<String, String> {
    let mut child = Command::new("squeue")
        .args(["--noheader", "--array", "--format=%t", "--jobs", job])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("squeue cannot be started here: {e}"))?;
    // Read by threads, so that a long answer does not block the program that gives it.
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            pipe.and_then(|mut pipe| pipe.read_to_string(&mut text).ok()).map(|_| text).unwrap_or_default()
        })
    };
    let output = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let error = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let asked = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if asked.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(format!("squeue did not answer within {} seconds", PATIENCE.as_secs()));
            }
            Err(e) => return Err(format!("squeue: {e}")),
        }
    };
    let error = error.join().unwrap_or_default();
    if status.success() {
        Ok(output.join().unwrap_or_default())
    } else if error.contains("Invalid job id") {
        // It ended long ago: Slurm forgets jobs after some minutes.
        Ok(String::new())
    } else {
        Err(format!("squeue: {}", error.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission() -> Submission {
        Submission {
            array: None,
            jobs: 4,
            minutes: None,
            memory_mb: None,
            program: "/opt/task set/taskset-rs".into(),
            arguments: vec!["--data".into(), "/data/it's here".into()],
            sbatch: Vec::new(),
        }
    }

    #[test]
    fn the_script_asks_for_what_it_needs_and_quotes_names() {
        let size = Size { tasks: 8, jobs: 4, minutes: 90, memory_mb: 2000 };
        let script = script(Path::new("/lab/sweep"), &submission(), size);
        for line in
            ["#SBATCH --array=0-7", "#SBATCH --cpus-per-task=4", "#SBATCH --time=90", "#SBATCH --mem=2000M"]
        {
            assert!(script.lines().any(|found| found == line), "{line}\n{script}");
        }
        let command = script.lines().last().unwrap();
        let expected = "exec '/opt/task set/taskset-rs' sweep run /lab/sweep --jobs 4 --no-wait --data '/data/it'\\''s here'";
        assert_eq!(command, expected);
    }

    #[test]
    fn states_of_array_tasks_are_counted() {
        let mut status = SlurmStatus::default();
        status.add("7", "PD\n R \nR\nCG\n");
        status.add("8", "");
        let expected =
            SlurmStatus { pending: 1, running: 2, other: 1, jobs: vec!["7".into()], unknown: None };
        assert_eq!(status, expected);
    }
}
