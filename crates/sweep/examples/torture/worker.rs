//! One worker process: started, killed, stopped, and started again by the same command.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::program::Program;

/// Longest wait for a process that was asked to end.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Interrupt,
    Terminate,
}

impl Request {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
        }
    }
}

/// A worker and the command that starts it.
pub(crate) struct Worker {
    args: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
    started: Instant,
    /// Bytes of its log when it was started.
    said_before: u64,
    stopped_until: Instant,
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) life: Duration,
}

impl Worker {
    pub(crate) fn start(program: &Program, args: Vec<String>, log: PathBuf) -> Result<Self, Failure> {
        let now = Instant::now();
        let mut worker = Self { args, log, child: None, started: now, said_before: 0, stopped_until: now };
        worker.start_again(program)?;
        Ok(worker)
    }

    /// Starts it by the same command.
    pub(crate) fn start_again(&mut self, program: &Program) -> Result<(), Failure> {
        self.said_before = self.log_length();
        self.child = Some(program.start(&self.args, &self.log)?);
        (self.started, self.stopped_until) = (Instant::now(), Instant::now());
        Ok(())
    }

    pub(crate) fn lives(&self) -> bool {
        self.child.is_some()
    }

    /// Whether it can answer a signal at once: it is not stopped, and it has said something, so that it handles signals.
    pub(crate) fn answers(&self) -> bool {
        self.lives() && Instant::now() > self.stopped_until && self.log_length() > self.said_before
    }

    fn log_length(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }

    /// What it has said since it was started.
    pub(crate) fn said(&self) -> String {
        let all = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(all.get(self.said_before as usize..).unwrap_or_default()).into_owned()
    }

    pub(crate) fn command(&self) -> String {
        format!("taskset-rs {}", self.args.join(" "))
    }

    /// How it ended, if it has ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<Ended>, Failure> {
        let Some(child) = &mut self.child else { return Ok(None) };
        let Some(status) = child.try_wait()? else { return Ok(None) };
        self.child = None;
        Ok(Some(Ended { status, life: self.started.elapsed() }))
    }

    /// Kills it with SIGKILL, at this moment, whatever it does.
    pub(crate) fn kill(&mut self) -> Result<Option<Ended>, Failure> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        child.kill()?;
        Ok(Some(Ended { status: child.wait()?, life: self.started.elapsed() }))
    }

    /// Asks it to end, and waits for the end. Returns how it ended and how long that took.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Option<(Ended, Duration)>, Failure> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        let asked = Instant::now();
        Command::new("kill").args(["-s", request.name(), &child.id().to_string()]).status()?;
        while asked.elapsed() < ENDS_WITHIN {
            if let Some(status) = child.try_wait()? {
                return Ok(Some((Ended { status, life: self.started.elapsed() }, asked.elapsed())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill()?;
        Ok(Some((Ended { status: child.wait()?, life: self.started.elapsed() }, asked.elapsed())))
    }

    /// Stops it for a while with SIGSTOP. A shell continues it with SIGCONT, even if this program ends meanwhile.
    pub(crate) fn stop(&mut self, time: Duration) -> Result<Option<Child>, Failure> {
        let Some(child) = &self.child else { return Ok(None) };
        let script = "trap '' INT TERM HUP; kill -s STOP $0; sleep $1; kill -s CONT $0";
        let (process, seconds) = (child.id().to_string(), format!("{:.2}", time.as_secs_f64()));
        let shell = Command::new("sh")
            .args(["-c", script, &process, &seconds])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.stopped_until = Instant::now() + time + Duration::from_secs(2);
        Ok(Some(shell))
    }
}

impl Drop for Worker {
    /// Nobody is left behind when the torture ends by an error.
    fn drop(&mut self) {
        drop(self.kill());
    }
}
