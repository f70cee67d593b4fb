//! Row groups that are decoded ahead, on all cores, while what was decoded before is worked on.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use crate::Error;
use crate::decode_rows::Decoder;
use crate::parquet_file::CurveFile;
use crate::query::Choice;
use crate::scan::{Row, decode};

/// A row group: number of its file, and its number in the file.
pub(crate) type Place = (usize, usize);

/// What decoding a row group gave: its chosen rows, an error, or a panic.
type Outcome = Result<Result<Vec<Row>, Error>, Box<dyn Any + Send>>;

/// How long a result is waited for before it is looked whether this thread could help.
const PATIENCE: Duration = Duration::from_millis(1);

/// Decodes row groups in the order in which they are asked for, a few of them ahead.
pub(crate) struct Ahead {
    work: Arc<Work>,
    /// Not begun yet.
    left: VecDeque<Place>,
    /// Begun and not given yet.
    begun: VecDeque<Place>,
    /// Finished before it was their turn.
    finished: HashMap<Place, Outcome>,
    sender: Sender<(Place, Outcome)>,
    receiver: Receiver<(Place, Outcome)>,
}

/// What all threads share.
struct Work {
    files: Arc<[CurveFile]>,
    choice: Choice,
    decoder: Decoder,
}

impl Ahead {
    pub(crate) fn new(files: Arc<[CurveFile]>, choice: Choice, places: VecDeque<Place>) -> Self {
        let (sender, receiver) = mpsc::channel();
        let work = Arc::new(Work { files, choice, decoder: Decoder::default() });
        let (begun, finished) = (VecDeque::new(), HashMap::new());
        Self { work, left: places, begun, finished, sender, receiver }
    }

    /// The rows of the next row group; none behind the last.
    pub(crate) fn next(&mut self) -> Option<(Place, Result<Vec<Row>, Error>)> {
        self.begin_more();
        let place = self.begun.pop_front()?;
        while !self.finished.contains_key(&place) {
            let (other, outcome) = self.receive();
            self.finished.insert(other, outcome);
        }
        let outcome = self.finished.remove(&place)?;
        self.begin_more();
        Some((place, outcome.unwrap_or_else(|panic| resume_unwind(panic))))
    }

    /// Keeps all cores at work, and one row group in store.
    fn begin_more(&mut self) {
        while self.begun.len() <= rayon::current_num_threads()
            && let Some(place) = self.left.pop_front()
        {
            self.begun.push_back(place);
            let (work, sender) = (Arc::clone(&self.work), self.sender.clone());
            rayon::spawn(move || {
                let (number, group) = place;
                let rows = || decode(&work.files[number], number as u32, group, &work.choice, &work.decoder);
                // A panic is passed on to whoever reads. Nobody may be reading any more.
                let _ = sender.send((place, catch_unwind(AssertUnwindSafe(rows))));
            });
        }
    }

    /// Waits for a result. A thread of the pool helps meanwhile: it may be the only one.
    fn receive(&self) -> (Place, Outcome) {
        loop {
            match self.receiver.try_recv() {
                Ok(result) => return result,
                Err(TryRecvError::Disconnected) => unreachable!("this holds a sender"),
                Err(TryRecvError::Empty) => {}
            }
            if rayon::yield_now() == Some(rayon::Yield::Executed) {
                continue;
            }
            match self.receiver.recv_timeout(PATIENCE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => unreachable!("this holds a sender"),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
