//! The torture itself: rounds of some workers, who are killed, interrupted and stopped at random moments.

use std::process::Child;
use std::time::{Duration, Instant};

use taskset_rng::{Stream, StreamId};

use crate::program::{Program, shown, words};
use crate::worker::{Ended, Request, Worker};
use crate::{Failure, plans};

/// Time between two disturbances, in seconds. Its logarithm is uniform.
const PAUSE: (f64, f64) = (0.02, 4.0);
/// Seconds of a round.
const ROUND: (f64, f64) = (5.0, 45.0);
/// Minutes between two checkpoints.
const CHECKPOINT_EVERY: (f64, f64) = (0.003, 0.03);
/// A process that is asked to end must do so within this time.
const END_LIMIT: Duration = Duration::from_secs(2);
/// In the last part of the time, the plan does not grow any more.
const GROWS_UNTIL: f64 = 0.8;

/// What has happened.
#[derive(Default)]
pub(crate) struct Tally {
    kills: u64,
    kills_of_planning: u64,
    interrupts: u64,
    terminations: u64,
    stops: u64,
    restarts: u64,
    rounds: u64,
    looks: u64,
    most_checkpoints: u64,
    /// Longest time from SIGINT or SIGTERM to the end.
    slowest_end: Duration,
    pub(crate) longest_life: Duration,
    time: Duration,
    pub(crate) problems: Vec<String>,
}

impl Tally {
    pub(crate) fn words(&self) -> String {
        format!(
            "{} kills: {} SIGKILL of workers, {} SIGKILL of planning, {} SIGINT, {} SIGTERM (the slowest end took {:.2} s); {} \
             SIGSTOP with SIGCONT; {} restarts in {} rounds, {} looks at the status (at most {} checkpoints); {:.1} minutes",
            self.kills + self.kills_of_planning + self.interrupts + self.terminations,
            self.kills,
            self.kills_of_planning,
            self.interrupts,
            self.terminations,
            self.slowest_end.as_secs_f64(),
            self.stops,
            self.restarts,
            self.rounds,
            self.looks,
            self.most_checkpoints,
            self.time.as_secs_f64() / 60.0
        )
    }

    fn lived(&mut self, ended: &Ended) {
        self.longest_life = self.longest_life.max(ended.life);
    }
}

/// The state of the torture.
pub(crate) struct Torture<'a> {
    program: &'a Program,
    moments: Stream,
    trials: u64,
    time: Duration,
    started: Instant,
    tally: Tally,
    /// Plans made so far.
    plans: u32,
    /// Stored and planned trials at the last look.
    seen: (u64, u64),
    /// Shells that will continue a stopped worker.
    shells: Vec<Child>,
}

impl<'a> Torture<'a> {
    pub(crate) fn new(program: &'a Program, seed: u64, trials: u64, time: Duration) -> Self {
        Self {
            program,
            moments: StreamId::root("torture").index(seed).stream(),
            trials,
            time,
            started: Instant::now(),
            tally: Tally::default(),
            plans: 0,
            seen: (0, 0),
            shells: Vec::new(),
        }
    }

    /// Does it, and returns what has happened and the number of plans.
    pub(crate) fn run(mut self) -> Result<(Tally, u32), Failure> {
        self.plan(true)?;
        while self.left() > Duration::ZERO {
            if self.look()? {
                if self.part() > GROWS_UNTIL {
                    break;
                }
                // Every other growth is disturbed. Nobody works meanwhile: a plan that is half made cannot be run.
                self.plan(self.plans.is_multiple_of(2))?;
            }
            self.round()?;
            self.tally.rounds += 1;
        }
        for mut shell in self.shells {
            shell.wait()?;
        }
        self.tally.time = self.started.elapsed();
        Ok((self.tally, self.plans))
    }

    fn left(&self) -> Duration {
        self.time.saturating_sub(self.started.elapsed())
    }

    /// The part of the time that is over.
    fn part(&self) -> f64 {
        self.started.elapsed().as_secs_f64() / self.time.as_secs_f64()
    }

    fn log_uniform(&mut self, (least, most): (f64, f64)) -> f64 {
        self.moments.uniform(least.ln(), most.ln()).exp()
    }

    fn wrong(&mut self, problem: String) {
        println!("after {:.1} minutes: WRONG: {problem}", self.started.elapsed().as_secs_f64() / 60.0);
        self.tally.problems.push(problem);
    }

    /// Writes the next plan file. Returns the command that plans it.
    fn next_plan(&self) -> Result<Vec<String>, Failure> {
        let minutes = self.time.as_secs_f64() / 60.0;
        std::fs::write(self.program.plan_file(self.plans), plans::text(self.plans, self.trials, minutes))?;
        Ok(self.program.planning(self.plans, &self.program.tortured()))
    }

    /// Makes the next plan while workers are killed and started again.
    fn plan_beside(&mut self, workers: &mut [Worker]) -> Result<(), Failure> {
        let log = self.program.logs().join("plan");
        let mut planning = self.program.start(&self.next_plan()?, &log)?;
        while planning.try_wait()?.is_none() {
            for worker in &mut *workers {
                self.kill(worker, true)?;
                std::thread::sleep(Duration::from_secs_f64(self.log_uniform((0.002, 0.2))));
            }
        }
        let status = planning.wait()?;
        if !status.success() {
            return Err(format!("planning beside workers ended with {status}; see {}", log.display()).into());
        }
        self.plans += 1;
        Ok(())
    }

    /// Makes the next plan. Where it is disturbed, it is killed some times first.
    fn plan(&mut self, disturbed: bool) -> Result<(), Failure> {
        let args = self.next_plan()?;
        if disturbed {
            for _ in 0..1 + self.moments.below(4) {
                let mut child = self.program.start(&args, &self.program.logs().join("plan"))?;
                std::thread::sleep(Duration::from_secs_f64(self.log_uniform((0.02, 2.0))));
                if child.try_wait()?.is_none() {
                    child.kill()?;
                    self.tally.kills_of_planning += 1;
                }
                child.wait()?;
            }
        }
        self.program.ok(&args)?;
        self.plans += 1;
        Ok(())
    }

    /// Looks at the status, whose counts must not fall. Returns whether everything is stored.
    fn look(&mut self) -> Result<bool, Failure> {
        self.tally.looks += 1;
        let args = words(&["sweep", "status", &shown(&self.program.tortured()), "--json"]);
        let output = self.program.output(&args)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let Ok(status) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
            self.wrong(format!(
                "`sweep status --json` ended with {} and printed no JSON: {said}",
                output.status
            ));
            return Ok(false);
        };
        let number = |value: &serde_json::Value| value.as_u64();
        let (done, total) = (number(&status["trials"]["done"]), number(&status["trials"]["total"]));
        let (Some(done), Some(total)) = (done, total) else {
            self.wrong(format!("`sweep status --json` has no counts: {status}"));
            return Ok(false);
        };
        if done < self.seen.0 || total < self.seen.1 || done > total {
            self.wrong(format!("the counts fell from {:?} to {:?}", self.seen, (done, total)));
        }
        self.seen = (done, total);
        let checkpoints = number(&status["checkpoints"]).unwrap_or_default();
        self.tally.most_checkpoints = self.tally.most_checkpoints.max(checkpoints);
        Ok(done == total)
    }

    /// The commands of a round: how many workers, and who has which part.
    fn commands(&mut self) -> Vec<Vec<String>> {
        let workers = [1, 2, 4][self.moments.below(3) as usize];
        let directory = shown(&self.program.tortured());
        // All share, each has a part, or both kinds are there.
        let kind = self.moments.below(3);
        (0..workers)
            .map(|worker| {
                let mut args = words(&["sweep", "run", &directory]);
                if kind == 1 || kind == 2 && worker % 2 == 0 {
                    args.extend(["--shard".to_owned(), format!("{worker}/{workers}")]);
                }
                if self.moments.bernoulli(0.2) {
                    args.push("--no-wait".to_owned());
                }
                let jobs = 1 + self.moments.below(2);
                let every = self.log_uniform(CHECKPOINT_EVERY);
                args.extend(["--jobs".to_owned(), jobs.to_string()]);
                args.extend(["--checkpoint-every".to_owned(), format!("{every:.4}")]);
                args
            })
            .collect()
    }

    /// One round: workers are started, disturbed, started again, and killed at the end.
    fn round(&mut self) -> Result<(), Failure> {
        let length = Duration::from_secs_f64(self.moments.uniform(ROUND.0, ROUND.1)).min(self.left());
        let until = Instant::now() + length;
        let mut workers = Vec::new();
        for (number, args) in self.commands().into_iter().enumerate() {
            let log = self.program.logs().join(format!("worker-{number}"));
            workers.push(Worker::start(self.program, args, log)?);
        }
        while Instant::now() < until {
            std::thread::sleep(Duration::from_secs_f64(self.log_uniform(PAUSE)));
            self.reap(&mut workers)?;
            let living: Vec<usize> = (0..workers.len()).filter(|&n| workers[n].lives()).collect();
            if living.is_empty() {
                break;
            }
            let one = living[self.moments.below(living.len() as u64) as usize];
            match self.moments.below(100) {
                0..60 => self.kill(&mut workers[one], true)?,
                60..67 => {
                    // All at the same moment, as when a machine fails; then all are started again.
                    for &worker in &living {
                        self.kill(&mut workers[worker], false)?;
                    }
                    for &worker in &living {
                        self.start_again(&mut workers[worker])?;
                    }
                }
                67..74 => self.ask(&mut workers[one], Request::Interrupt)?,
                74..81 => self.ask(&mut workers[one], Request::Terminate)?,
                81..90 => self.stop(&mut workers[one])?,
                _ => drop(self.look()?),
            }
            // The first growth comes while workers work and start.
            if self.plans == 1 && self.part() > 0.4 {
                self.plan_beside(&mut workers)?;
            }
        }
        for worker in &mut workers {
            self.kill(worker, false)?;
        }
        Ok(())
    }

    /// Looks for workers that have ended by themselves: with success, because nothing was left for them.
    fn reap(&mut self, workers: &mut [Worker]) -> Result<(), Failure> {
        for worker in workers {
            if let Some(ended) = worker.ended()? {
                self.check_end(worker, &ended);
            }
        }
        self.shells.retain_mut(|shell| matches!(shell.try_wait(), Ok(None)));
        Ok(())
    }

    fn check_end(&mut self, worker: &Worker, ended: &Ended) {
        self.tally.lived(ended);
        if !ended.status.success() {
            let (command, said) = (worker.command(), worker.said());
            self.wrong(format!("`{command}` ended with {}: {said}", ended.status));
        }
    }

    fn start_again(&mut self, worker: &mut Worker) -> Result<(), Failure> {
        self.tally.restarts += 1;
        worker.start_again(self.program)
    }

    fn kill(&mut self, worker: &mut Worker, again: bool) -> Result<(), Failure> {
        let Some(ended) = worker.kill()? else { return Ok(()) };
        // It may have ended by itself just before. Then it has a code.
        if ended.status.code().is_some() {
            self.check_end(worker, &ended);
            return Ok(());
        }
        self.tally.lived(&ended);
        self.tally.kills += 1;
        if again { self.start_again(worker) } else { Ok(()) }
    }

    /// Sends a signal that asks for the end.
    fn ask(&mut self, worker: &mut Worker, request: Request) -> Result<(), Failure> {
        if !worker.answers() {
            return self.kill(worker, true);
        }
        let Some((ended, took)) = worker.ask(request)? else { return Ok(()) };
        // It may have come to its end before the signal.
        if ended.status.success() {
            self.check_end(worker, &ended);
            return Ok(());
        }
        self.tally.lived(&ended);
        match request {
            Request::Interrupt => self.tally.interrupts += 1,
            Request::Terminate => self.tally.terminations += 1,
        }
        self.tally.slowest_end = self.tally.slowest_end.max(took);
        if ended.status.code() != Some(130) || took > END_LIMIT {
            let said = worker.said();
            let name = request.name();
            let seconds = took.as_secs_f64();
            self.wrong(format!("SIG{name}: it ended after {seconds:.2} s with {}: {said}", ended.status));
        }
        self.start_again(worker)
    }

    fn stop(&mut self, worker: &mut Worker) -> Result<(), Failure> {
        let time = Duration::from_secs_f64(self.log_uniform((0.1, 5.0)));
        if let Some(shell) = worker.stop(time)? {
            self.shells.push(shell);
            self.tally.stops += 1;
        }
        Ok(())
    }
}
