//! Training what is not stored yet, on many threads, beside any number of other processes.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use taskset_trial::{Curve, Identifier, TrialId, TrialSpec};

use crate::committed_shards;
use crate::environment_record::{self, ProgramInfo};
use crate::run_shard::ShardRun;
use crate::shard::Shard;
use crate::storage::{CHECKPOINTS, CLAIMS, Claim, Claimant, PLANNING, Storage, hold, shard_of};
use crate::{Error, Sweep, SweepObserver, TaskCount, TrialReport};

/// Longest wait for a message of a worker. Then the observer is told.
const TICK: Duration = Duration::from_millis(250);
/// How often a waiting worker looks whether it should stop.
const NAP: Duration = Duration::from_millis(50);

/// How a sweep is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Trials, or groups of trials in lockstep, at once.
    pub jobs: usize,
    /// Only every n-th shard.
    pub slice: Option<Slice>,
    /// Whether to wait for the shards that other workers have, and to take over those of workers that die. If not, the run
    /// ends when nothing is left to take.
    pub wait: bool,
    /// Time between two checkpoints of a long trial, and between two copies of the finished curves of a long shard.
    pub checkpoint_every: Duration,
    /// How long a claim on a shard holds where nothing tells whether its worker lives, so in object stores. `None`: four times
    /// the estimated time of the shard, and ten minutes.
    pub lease: Option<Duration>,
    /// For the environment record of each shard.
    pub program: ProgramInfo,
}

impl RunOptions {
    /// On so many threads; everything else as usual: all shards, waiting, checkpoints every five minutes.
    pub fn new(jobs: usize) -> Self {
        Self {
            jobs: jobs.max(1),
            slice: None,
            wait: true,
            checkpoint_every: Duration::from_secs(300),
            lease: None,
            program: ProgramInfo::default(),
        }
    }
}

/// One of `of` equal parts of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which, from 0.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Trials of this run: of the plan, or of a slice of it.
    pub total: usize,
    /// Trials that were already stored.
    pub reused: usize,
    /// Trials trained and stored now.
    pub trained: usize,
    /// Trials that other processes stored meanwhile.
    pub elsewhere: usize,
    /// Whether it was stopped on request before the end.
    pub interrupted: bool,
}

impl Outcome {
    /// Trials that are not stored yet: after an interruption, or because other workers have them.
    pub fn missing(&self) -> usize {
        self.total - self.reused - self.trained - self.elsewhere
    }
}

/// What workers tell the thread that runs the sweep.
pub(crate) enum Message {
    Finished { spec: TrialSpec, diverged_at: Option<u32>, restored: bool, share: f64 },
    Committed { trials: usize, by_us: bool, share: f64 },
    Waiting { shards: usize },
    Note(String),
    Failed(Error),
}

/// Where a shard stands, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A worker of this process has it.
    Ours,
    /// Another process has it.
    Theirs,
    Done,
}

/// Where all shards stand.
struct States {
    of: Vec<State>,
    /// No shard before this one is open: with 100,000 shards, looking through all of them each time would take long.
    from: usize,
}

impl States {
    /// The next open shard, which is ours from now on.
    fn take(&mut self) -> Option<usize> {
        let open = self.of[self.from..].iter().position(|state| *state == State::Open);
        self.from = open.map_or(self.of.len(), |open| self.from + open);
        let state = self.of.get_mut(self.from)?;
        *state = State::Ours;
        Some(self.from)
    }

    fn set(&mut self, shard: usize, state: State) {
        self.of[shard] = state;
        if state == State::Open {
            self.from = self.from.min(shard);
        }
    }

    /// Those of other processes are looked at again: they may have finished, or died. How many they are.
    fn reopen(&mut self) -> usize {
        let theirs: Vec<usize> =
            (0..self.of.len()).filter(|&shard| self.of[shard] == State::Theirs).collect();
        theirs.iter().for_each(|&shard| self.set(shard, State::Open));
        theirs.len()
    }
}

/// What a worker does next.
enum Next {
    Train(usize, Claim),
    /// Others have everything that is left.
    Wait(usize),
    End,
}

/// What the workers of a run share.
pub(crate) struct Runner<'a> {
    pub(crate) sweep: &'a Sweep,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) options: &'a RunOptions,
    pub(crate) claimant: Claimant,
    states: Mutex<States>,
    /// Trials that lie in other files already: they are not trained again.
    pub(crate) stored: HashSet<TrialId>,
    /// Seconds of all the work of this run, on the made-up machine.
    seconds: f64,
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
    /// Whether the observer was told that this run waits.
    said_waiting: AtomicBool,
}

/// A trial of a shard.
pub(crate) struct Planned {
    pub(crate) id: TrialId,
    /// Its number in its block.
    pub(crate) number: u64,
    pub(crate) spec: TrialSpec,
}

/// Runs a sweep at a place; see [`Directory::run`](crate::Directory::run).
pub(crate) fn run(
    sweep: &Sweep,
    storage: &dyn Storage,
    stored: impl FnOnce() -> Result<HashSet<TrialId>, Error>,
    options: &RunOptions,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Result<Outcome, Error> {
    storage.prepare()?;
    let planned = sweep.shards.iter().map(|shard| (shard.id.as_str(), shard.len()));
    let found = committed_shards::look(storage, planned)?;
    for note in committed_shards::put_aside(storage, &found.damaged)? {
        observer.note(&note);
    }
    // A plan says by itself which shards hold its trials. Other files are asked only if there are some.
    let stored = if sweep.planned && found.others == 0 { HashSet::new() } else { stored()? };
    let committed = found.shards;
    let of_slice = |shard: &Shard| options.slice.is_none_or(|slice| shard.number % slice.of == slice.number);
    let mut outcome = Outcome::default();
    let mut seconds = 0.0;
    let mut tasks: BTreeMap<&str, TaskCount> = BTreeMap::new();
    let mut identifier = Identifier::default();
    let mut states = Vec::with_capacity(sweep.shards.len());
    for shard in &sweep.shards {
        if !of_slice(shard) {
            states.push(State::Done);
            continue;
        }
        let trials = shard.len() as usize;
        outcome.total += trials;
        let mut left = if committed.contains(&shard.id) { 0 } else { trials };
        if left > 0 && !stored.is_empty() {
            let block = &sweep.blocks[shard.block];
            let missing = |&trial: &u64| !stored.contains(&identifier.id(&block.spec(shard.task, trial)));
            left = shard.numbers().filter(missing).count();
        }
        outcome.reused += trials - left;
        let name = &sweep.blocks[shard.block].tasks[shard.task].identity.name;
        let count =
            tasks.entry(name).or_insert_with(|| TaskCount { task: name.clone(), total: 0, stored: 0 });
        count.total += trials as u64;
        count.stored += (trials - left) as u64;
        seconds += shard.seconds * left as f64 / trials.max(1) as f64;
        states.push(if left == 0 { State::Done } else { State::Open });
    }
    observer.tasks(&tasks.into_values().collect::<Vec<_>>());
    observer.started(outcome.total, outcome.reused);
    remove_left_overs(sweep, storage, &committed, &stored)?;

    // Set when storing fails or the observer panics: the workers must stop, but the sweep was not cancelled by its user.
    let abandon = AtomicBool::new(false);
    let stop = || cancel.load(Ordering::Relaxed) || abandon.load(Ordering::Relaxed);
    let open = states.iter().filter(|state| **state == State::Open).count();
    let runner = Runner {
        sweep,
        storage,
        options,
        claimant: environment_record::claimant(),
        states: Mutex::new(States { of: states, from: 0 }),
        stored,
        seconds: seconds.max(f64::MIN_POSITIVE),
        stop: &stop,
        said_waiting: AtomicBool::new(false),
    };
    let (sender, receiver) = mpsc::channel::<Message>();
    std::thread::scope(|scope| {
        // Stops the workers however this closure is left, because the scope waits for them.
        let _abandon = SetOnDrop(&abandon);
        for thread in 0..options.jobs.clamp(1, open.max(1)) {
            let (sender, runner) = (sender.clone(), &runner);
            let work = move || {
                if let Err(error) = runner.work(&sender) {
                    // Whoever receives it stops the other threads.
                    let _ = sender.send(Message::Failed(error));
                }
            };
            // The system may refuse threads (limits of a user or a container). Fewer threads train the same curves.
            match std::thread::Builder::new().spawn_scoped(scope, work) {
                Ok(_) => {}
                Err(source) if thread == 0 => return Err(Error::Thread(source)),
                Err(_) => {
                    observer.fewer_threads(thread, options.jobs);
                    break;
                }
            }
        }
        drop(sender);
        let mut failure = None;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Message::Finished { spec, diverged_at, restored, share }) => {
                    observer.finished(&TrialReport { trial: &spec, diverged_at, restored, share });
                }
                Ok(Message::Committed { trials, by_us: true, .. }) => {
                    outcome.trained += trials;
                    observer.stored(trials);
                }
                Ok(Message::Committed { trials, by_us: false, share }) => {
                    outcome.elsewhere += trials;
                    observer.stored_elsewhere(trials, share);
                }
                Ok(Message::Waiting { shards }) => observer.waiting(shards),
                Ok(Message::Note(text)) => observer.note(&text),
                Ok(Message::Failed(error)) => {
                    // What was received before is written, as on a request to stop.
                    abandon.store(true, Ordering::Relaxed);
                    failure = failure.or(Some(error));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => observer.tick(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        outcome.interrupted = cancel.load(Ordering::Relaxed) && outcome.missing() > 0;
        failure.map_or(Ok(outcome), Err)
    })
}

/// Removes what killed processes left and nobody needs: claims on committed shards and on planning, and what was saved of
/// trials that are stored.
fn remove_left_overs(
    sweep: &Sweep,
    storage: &dyn Storage,
    committed: &HashSet<String>,
    stored: &HashSet<TrialId>,
) -> Result<(), Error> {
    for name in storage.list(CLAIMS)? {
        if committed.contains(shard_of(&name)) {
            // Whoever still works on it will find it committed.
            storage.remove(&format!("{CLAIMS}/{name}"))?;
        } else if name == PLANNING
            && let Some(claim) = storage.claim(PLANNING, &environment_record::claimant(), Duration::ZERO)?
        {
            claim.done();
        }
    }
    let mut left = Vec::new();
    let mut saved: HashSet<TrialId> = HashSet::new();
    for name in storage.list(CHECKPOINTS)? {
        let trial: Option<TrialId> = name.strip_suffix(".safetensors").and_then(|id| id.parse().ok());
        let of_shard = name.strip_suffix(".parquet").is_some_and(|id| committed.contains(id));
        if of_shard || trial.is_some_and(|trial| stored.contains(&trial)) {
            left.push(name);
        } else {
            saved.extend(trial);
        }
    }
    let mut identifier = Identifier::default();
    for shard in &sweep.shards {
        if saved.is_empty() {
            break;
        }
        if committed.contains(&shard.id) {
            let block = &sweep.blocks[shard.block];
            let ids = shard.numbers().map(|trial| identifier.id(&block.spec(shard.task, trial)));
            left.extend(ids.filter(|id| saved.remove(id)).map(|id| format!("{id}.safetensors")));
        }
    }
    left.iter().try_for_each(|name| storage.remove(&format!("{CHECKPOINTS}/{name}")))
}

/// Sets a flag when it goes out of scope, by a return, an error or a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Runner<'_> {
    /// One worker: shard after shard, until none is left.
    fn work(&self, sender: &mpsc::Sender<Message>) -> Result<(), Error> {
        // How often in a row nothing was left to take.
        let mut passes = 0;
        // The next shard is often one of the same task, whose data need not be divided again.
        let mut held = None;
        while !(self.stop)() {
            match self.next(sender)? {
                Next::Train(number, claim) => {
                    passes = 0;
                    let shard = &self.sweep.shards[number];
                    let run = ShardRun::new(self, shard, sender)?;
                    drop(held.replace(run.task()));
                    if let Some(by_us) = run.run()? {
                        self.states().set(number, State::Done);
                        self.committed(shard, by_us, sender);
                        claim.done();
                    }
                }
                // Looked at twice: whoever reads the claims, to show them, holds each for an instant.
                Next::Wait(_) if !self.options.wait && passes > 0 => break,
                Next::Wait(shards) => {
                    passes += 1;
                    if self.options.wait && !self.said_waiting.swap(true, Ordering::Relaxed) {
                        let _ = sender.send(Message::Waiting { shards });
                    }
                    let asleep = Instant::now();
                    while asleep.elapsed() < self.storage.look_every() && !(self.stop)() {
                        std::thread::sleep(NAP);
                    }
                }
                Next::End => break,
            }
        }
        Ok(())
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next shard that nobody has.
    fn next(&self, sender: &mpsc::Sender<Message>) -> Result<Next, Error> {
        loop {
            let taken = self.states().take();
            let Some(number) = taken else {
                return Ok(match self.states().reopen() {
                    0 => Next::End,
                    theirs => Next::Wait(theirs),
                });
            };
            let shard = &self.sweep.shards[number];
            let set = |state| self.states().set(number, state);
            let hold = self.options.lease.unwrap_or_else(|| hold(shard.seconds));
            let claim = match self.storage.claim(&shard.id, &self.claimant, hold) {
                Ok(claim) => claim,
                Err(error) => {
                    set(State::Open);
                    return Err(error);
                }
            };
            // Looked for after it was claimed: whoever had it before may have committed it.
            if self.storage.exists(&shard.file())? {
                set(State::Done);
                if let Some(claim) = claim {
                    claim.done();
                }
                self.committed(shard, false, sender);
                continue;
            }
            match claim {
                Some(claim) => return Ok(Next::Train(number, claim)),
                None => set(State::Theirs),
            }
        }
    }

    fn committed(&self, shard: &Shard, by_us: bool, sender: &mpsc::Sender<Message>) {
        let trials = if self.stored.is_empty() {
            shard.len() as usize
        } else {
            self.trials_of(shard).iter().filter(|trial| !self.stored.contains(&trial.id)).count()
        };
        let share = shard.seconds * trials as f64 / shard.len().max(1) as f64 / self.seconds;
        let _ = sender.send(Message::Committed { trials, by_us, share });
    }

    /// The trials of a shard, stored ones included.
    pub(crate) fn trials_of(&self, shard: &Shard) -> Vec<Planned> {
        let block = &self.sweep.blocks[shard.block];
        let mut identifier = Identifier::default();
        let trial = |number: u64| {
            let spec = block.spec(shard.task, number);
            Planned { id: identifier.id(&spec), number, spec }
        };
        shard.numbers().map(trial).collect()
    }

    /// Tells the observer of a trial.
    pub(crate) fn finished(
        &self,
        curve: &Curve,
        seconds: f64,
        restored: bool,
        sender: &mpsc::Sender<Message>,
    ) {
        let (spec, diverged_at, share) = (curve.spec.clone(), curve.diverged_at, seconds / self.seconds);
        let _ = sender.send(Message::Finished { spec, diverged_at, restored, share });
    }
}
