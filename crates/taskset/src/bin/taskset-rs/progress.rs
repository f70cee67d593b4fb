//! Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere, with the time left.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use taskset::figures;
use taskset::repro::{FigureRow, Observer};
use taskset::sweep::{SweepObserver, TaskCount, TrialReport};
use taskset::train::TrialObserver;
use taskset::trial::Curve;

use crate::output::{duration, short};

/// Seconds between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The same while no trial finishes.
const QUIET_LINE_EVERY: Duration = Duration::from_secs(30);

fn count(n: usize) -> String {
    figures::count(n as u64)
}

/// Shows how far a sweep is.
pub(crate) struct SweepProgress {
    bar: Option<ProgressBar>,
    start: Instant,
    last_line: Instant,
    total: usize,
    reused: usize,
    finished: usize,
    diverged: usize,
    share: f64,
    /// By task: trials that are done, and all.
    tasks: BTreeMap<String, (u64, u64)>,
    /// The task of the last trial.
    last_task: String,
}

impl SweepProgress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            bar: None,
            start: now,
            last_line: now,
            total: 0,
            reused: 0,
            finished: 0,
            diverged: 0,
            share: 0.0,
            tasks: BTreeMap::new(),
            last_task: String::new(),
        }
    }

    fn state(&self) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        // The first per cent says little about the rest.
        let left = if self.reused + self.finished == self.total {
            format!(", {}", duration(elapsed))
        } else if self.share > 0.01 {
            format!(", about {} left", duration(elapsed / self.share * (1.0 - self.share).max(0.0)))
        } else {
            String::new()
        };
        let done = self.reused + self.finished;
        let task = match self.tasks.get(&self.last_task) {
            Some((done, all)) if self.tasks.len() > 1 => {
                format!("; {} {} of {}", self.last_task, figures::count(*done), figures::count(*all))
            }
            _ => String::new(),
        };
        format!(
            "{} of {} trials, {} diverged{left}{task}",
            count(done),
            count(self.total),
            count(self.diverged)
        )
    }

    fn line(&mut self) {
        self.last_line = Instant::now();
        say!("{:3.0} % of the work, {}", self.share * 100.0, self.state());
    }

    /// A note, which a bar must not overwrite.
    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say!("{text}")),
            None => say!("{text}"),
        }
    }
}

impl Observer for SweepProgress {
    fn scored(&mut self, tasks: usize) {
        if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            say!("read and scored {}", figures::counted(tasks as u64, "task"));
        }
    }

    fn analysing(&mut self, figure: &FigureRow) {
        if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            say!("analysing {}", figure.label);
        }
    }
}

impl SweepObserver for SweepProgress {
    fn tasks(&mut self, tasks: &[TaskCount]) {
        self.tasks = tasks.iter().map(|task| (task.task.clone(), (task.stored, task.total))).collect();
    }

    fn started(&mut self, total: usize, stored: usize) {
        (self.total, self.reused) = (total, stored);
        if stored == total {
            say!(
                "everything is stored already ({}); nothing to train",
                figures::counted(total as u64, "trial")
            );
            return;
        }
        let again =
            if stored > 0 { format!("; {} are stored already", count(stored)) } else { String::new() };
        say!("training {}{again}", figures::counted((total - stored) as u64, "trial"));
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(1000);
            if let Ok(style) = ProgressStyle::with_template("[{bar:40}] {percent}% of the work, {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            self.bar = Some(bar);
        }
    }

    fn finished(&mut self, report: &TrialReport<'_>) {
        self.finished += 1;
        self.diverged += usize::from(report.diverged_at.is_some());
        self.share += report.share;
        let task = report.trial.task.name.as_str();
        if let Some((done, _)) = self.tasks.get_mut(task) {
            *done += 1;
        }
        if self.last_task != task {
            task.clone_into(&mut self.last_task);
        }
        let done = self.reused + self.finished == self.total;
        if let Some(bar) = &self.bar {
            bar.set_position((self.share * 1000.0) as u64);
            bar.set_message(self.state());
            if done {
                bar.finish();
            }
        } else if done || self.last_line.elapsed() >= LINE_EVERY {
            self.line();
        }
    }

    fn stored(&mut self, _count: usize) {}

    fn stored_elsewhere(&mut self, count: usize, share: f64) {
        self.reused += count;
        self.share += share;
    }

    fn waiting(&mut self, shards: usize) {
        let shards = figures::counted(shards as u64, "shard");
        self.say(&format!("what is left ({shards}) is in the hands of other workers; waiting for them"));
    }

    fn note(&mut self, text: &str) {
        self.say(&format!("note: {text}"));
    }

    fn fewer_threads(&mut self, started: usize, asked: usize) {
        self.say(&format!(
            "note: the system starts no more than {started} of {asked} threads; these train all trials"
        ));
    }

    /// Long trials: shows that time goes by.
    fn tick(&mut self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.state());
        } else if self.last_line.elapsed() >= QUIET_LINE_EVERY {
            self.line();
        }
    }
}

/// Lines of any wording about a long command, at most one in a second.
pub(crate) struct LineProgress {
    last_line: Instant,
}

impl LineProgress {
    pub(crate) fn new() -> Self {
        Self { last_line: Instant::now() }
    }

    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        if self.last_line.elapsed() >= Duration::from_secs(1) {
            say!("{}", line());
            self.last_line = Instant::now();
        }
    }
}

/// Shows how far a list of items of known work is: one line that is written again on a terminal, else one every few seconds.
pub(crate) struct ListProgress {
    what: &'static str,
    total: usize,
    work: f64,
    done: usize,
    worked: f64,
    start: Instant,
    last_line: Instant,
    terminal: bool,
}

impl ListProgress {
    /// For so many items, called `what`, which together are this much work in any unit.
    pub(crate) fn new(what: &'static str, total: usize, work: f64) -> Self {
        let (now, terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Self { what, total, work, done: 0, worked: 0.0, start: now, last_line: now, terminal }
    }

    /// An item of this work is done.
    pub(crate) fn finished(&mut self, work: f64) {
        self.done += 1;
        self.worked += work;
        let last = self.done == self.total;
        if !(self.terminal || self.last_line.elapsed() >= LINE_EVERY) {
            return;
        }
        self.last_line = Instant::now();
        let share = self.worked / self.work;
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = if share > 0.01 && !last {
            format!(", about {} left", duration(elapsed / share * (1.0 - share).max(0.0)))
        } else {
            String::new()
        };
        let line = format!("{} of {} {}{left}", count(self.done), count(self.total), self.what);
        if self.terminal {
            let end = if last { "\r\x1b[2K" } else { "" };
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r\x1b[2K{line}{end}").and_then(|()| stderr.flush());
        } else {
            say!("{line}");
        }
    }
}

/// Shows a single trial: its losses as they are evaluated.
pub(crate) struct TrialProgress {
    steps: u32,
    start: Instant,
    last_line: Option<Instant>,
    terminal: bool,
}

impl TrialProgress {
    pub(crate) fn new(steps: u32) -> Self {
        Self { steps, start: Instant::now(), last_line: None, terminal: std::io::stderr().is_terminal() }
    }
}

impl TrialObserver for TrialProgress {
    fn evaluated(&mut self, curve: &Curve) {
        let point = curve.losses[0].len().saturating_sub(1);
        let step = curve.steps.get(point).copied().unwrap_or_default();
        let last = step == self.steps;
        let due = self.last_line.is_none_or(|line| line.elapsed() >= LINE_EVERY);
        if !(self.terminal || last || due) {
            return;
        }
        self.last_line = Some(Instant::now());
        let elapsed = self.start.elapsed().as_secs_f64();
        let left = if step > 0 && !last {
            format!("  about {} left", duration(elapsed * f64::from(self.steps - step) / f64::from(step)))
        } else {
            String::new()
        };
        let [train, inner, outer, test] = curve
            .losses
            .each_ref()
            .map(|losses| losses.get(point).map_or_else(String::new, |&l| short(f64::from(l))));
        let line = format!(
            "step {step:>6} of {}  train {train}  valid_inner {inner}  valid_outer {outer}  test {test}{left}",
            self.steps
        );
        if self.terminal && !last {
            {
                let mut stderr = std::io::stderr();
                let _ = write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush());
            }
        } else if self.terminal {
            say!("\r\x1b[2K{line}");
        } else {
            say!("{line}");
        }
    }
}
