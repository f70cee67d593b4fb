//! SIGINT (Ctrl-C) and SIGTERM: every command ends within two seconds (ten, if it must upload what it keeps), with exit code
//! 130, and says what is kept.
//!
//! A command runs on a thread of its own while the main thread waits for its end or for a signal. Work that can stop by
//! itself watches [`flag`] and gets [`PATIENCE`] to do so. Whoever has something to keep says so with [`keep`]; what it has
//! saved by then is saved by the main thread where the work itself is busy (one step of a large task takes seconds). The
//! second signal ends the process at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::Interrupted;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// What an interruption leaves.
static KEPT: Mutex<Kept> = Mutex::new(Kept::Nothing);

/// How long work that keeps something may take to stop by itself.
const PATIENCE: Duration = Duration::from_millis(1200);
/// The same for work that keeps something in an object store. Kubernetes gives a process 30 seconds.
const UPLOADING: Duration = Duration::from_secs(10);
/// Milliseconds of patience now.
static PATIENT: AtomicU64 = AtomicU64::new(PATIENCE.as_millis() as u64);
/// How often the main thread looks for a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The stack of the thread that works: as large as the main thread's usually is.
const STACK: usize = 8 << 20;

/// Saves what there is, and says where.
type Save = Box<dyn FnMut() -> String + Send>;

enum Kept {
    /// Files get their names when they are complete, so there is none.
    Nothing,
    /// What is kept, in words.
    Said(String),
    /// Something that has to be saved first.
    Unsaved(Save),
}

/// Becomes true when the user or the system asks the program to stop.
pub(crate) fn flag() -> &'static AtomicBool {
    &REQUESTED
}

/// From now on an interruption says that this is kept.
pub(crate) fn keep(what: impl Into<String>) {
    *kept() = Kept::Said(what.into());
}

/// From now on the work keeps what it has in an object store, which takes longer.
pub(crate) fn keep_remotely() {
    PATIENT.store(UPLOADING.as_millis() as u64, Ordering::Relaxed);
}

/// Something that an interruption must save: a trial's points so far, say.
pub(crate) struct Unsaved(());

impl Unsaved {
    /// From now on an interruption calls `save`, which stores what there is and says where.
    pub(crate) fn new(save: impl FnMut() -> String + Send + 'static) -> Self {
        *kept() = Kept::Unsaved(Box::new(save));
        Self(())
    }

    /// The work has stopped at the request: saves what there is, once, and gives the error that says so.
    pub(crate) fn interrupted(self) -> Interrupted {
        let mut kept = kept();
        Interrupted(kept.save())
    }

    /// The work is done: stores its result. An interruption waits for that and then says `what`.
    pub(crate) fn finish<T>(self, what: &str, store: impl FnOnce() -> T) -> T {
        let mut kept = kept();
        let stored = store();
        *kept = Kept::Said(what.to_owned());
        stored
    }
}

impl Kept {
    /// Saves what is unsaved; what is kept, in words.
    fn save(&mut self) -> String {
        if let Self::Unsaved(save) = self {
            *self = Self::Said(save());
        }
        match self {
            Self::Said(what) => what.clone(),
            _ => "no file was written".to_owned(),
        }
    }
}

fn kept() -> MutexGuard<'static, Kept> {
    // Each state is whole, whoever panicked.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a command to its end or to a signal.
///
/// # Errors
/// Those of the work, and [`Interrupted`].
pub(crate) fn run(work: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> anyhow::Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The order matters: the first signal finds the flag unset, the second one ends the process.
        let registered =
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&REQUESTED))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&REQUESTED)));
        if let Err(error) = registered {
            say!("note: signal {signal} will end the program at once: {error}");
        }
    }
    // Writing past a limit on the size of files is then an error of the write, with the file's name, and no sudden end.
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(rustix::process::Signal::XFSZ.as_raw(), Arc::default()) {
        say!("note: a limit on the size of files will end the program at once: {error}");
    }
    let (sender, receiver) = mpsc::channel();
    // In a shared place, so that the main thread can do the work where no thread can be started.
    let work = Arc::new(Mutex::new(Some(work)));
    let run = {
        let work = Arc::clone(&work);
        move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            work.map(|work| sender.send(work()))
        }
    };
    let Ok(thread) = std::thread::Builder::new().name("command".to_owned()).stack_size(STACK).spawn(run)
    else {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        return work.map_or(Ok(()), |work| work());
    };
    let mut asked: Option<Instant> = None;
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(_) => return Ok(()),
            },
            Err(RecvTimeoutError::Timeout) => {}
        }
        if flag().load(Ordering::Relaxed) {
            let since = asked.get_or_insert_with(Instant::now).elapsed();
            let mut kept = kept();
            let patience = Duration::from_millis(PATIENT.load(Ordering::Relaxed));
            if matches!(*kept, Kept::Nothing) || since >= patience {
                let interrupted = Interrupted(kept.save());
                // Held until the process ends: nothing is saved twice.
                std::mem::forget(kept);
                taskset::files::give_up_unfinished();
                return Err(interrupted.into());
            }
        }
    }
}
