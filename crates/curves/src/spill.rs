//! Curves of unfinished tasks in a temporary file, where memory must not hold them all.
//!
//! The file has no name: it is gone with the process, however that ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use taskset_trial::{Arithmetic, Curve, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};

use crate::Error;
use crate::scan::Row;

/// Where some rows of one task lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    start: u64,
    bytes: u64,
}

/// The temporary file, and what its rows share.
#[derive(Debug, Default)]
pub(crate) struct Spill {
    file: Mutex<Option<File>>,
    length: u64,
    tasks: Kept<TaskIdentity>,
    optimizers: Kept<OptimizerIdentity>,
    steps: Kept<[u32]>,
    settings: Vec<(Protocol, Arithmetic, Source)>,
}

/// Shared values by number. A value that stands at two places in memory may have two numbers.
#[derive(Debug)]
struct Kept<T: ?Sized> {
    values: Vec<Arc<T>>,
    numbers: HashMap<usize, u32>,
}

impl<T: ?Sized> Default for Kept<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: ?Sized> Kept<T> {
    fn number(&mut self, value: &Arc<T>) -> u32 {
        // Values are kept, so no address is used again.
        let address = Arc::as_ptr(value).cast::<()>() as usize;
        *self.numbers.entry(address).or_insert_with(|| {
            self.values.push(Arc::clone(value));
            (self.values.len() - 1) as u32
        })
    }
}

/// Where curves are put that memory cannot hold.
fn failed(source: io::Error) -> Error {
    Error::Temporary { directory: std::env::temp_dir(), source }
}

impl Spill {
    /// Appends rows of one task.
    pub(crate) fn write(&mut self, rows: &[Row]) -> Result<Segment, Error> {
        let mut bytes = Vec::new();
        for row in rows {
            self.encode(row, &mut bytes);
        }
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = Some(tempfile::tempfile().map_err(failed)?);
        }
        if let Some(file) = file {
            file.seek(SeekFrom::Start(self.length)).and_then(|_| file.write_all(&bytes)).map_err(failed)?;
        }
        let segment = Segment { start: self.length, bytes: bytes.len() as u64 };
        self.length += segment.bytes;
        Ok(segment)
    }

    /// The rows of a segment.
    pub(crate) fn read(&self, segment: Segment, rows: &mut Vec<Row>) -> Result<(), Error> {
        let mut bytes = vec![0; segment.bytes as usize];
        self.read_at(segment.start, &mut bytes).map_err(failed)?;
        let mut left = Bytes(&bytes);
        while !left.0.is_empty() {
            let row = self.decode(&mut left);
            rows.push(row.ok_or_else(|| failed(io::ErrorKind::UnexpectedEof.into()))?);
        }
        Ok(())
    }

    #[cfg(unix)]
    fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        // Threads read side by side; nobody writes while tasks are finished.
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(File::try_clone);
        file.transpose()?.map_or(Ok(()), |file| file.read_exact_at(bytes, start))
    }

    #[cfg(not(unix))]
    fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        use std::io::Read;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *file {
            Some(file) => file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(bytes)),
            None => Ok(()),
        }
    }

    fn encode(&mut self, row: &Row, out: &mut Vec<u8>) {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Row { curve, file, content } = row;
        let Curve { spec, steps, losses, diverged_at, num_params, train_seconds, eval_seconds } = curve;
        let TrialSpec { task, optimizer, replica, protocol, arithmetic, source } = spec;
        let same = |(p, a, s): &(Protocol, Arithmetic, Source)| (p, a, s) == (protocol, arithmetic, source);
        let setting = self.settings.iter().position(same).unwrap_or_else(|| {
            self.settings.push((*protocol, *arithmetic, source.clone()));
            self.settings.len() - 1
        });
        let words = [
            self.tasks.number(task),
            self.optimizers.number(optimizer),
            self.steps.number(steps),
            setting as u32,
            *replica,
            *file,
        ];
        out.extend(
            words.iter().chain(&losses.each_ref().map(|l| l.len() as u32)).flat_map(|w| w.to_le_bytes()),
        );
        let diverged = diverged_at.map_or(u64::MAX, u64::from);
        let longs = [diverged, *num_params, train_seconds.to_bits(), eval_seconds.to_bits(), *content];
        out.extend(longs.iter().flat_map(|long| long.to_le_bytes()));
        for losses in losses {
            // Room first: so the loop becomes a copy.
            let start = out.len();
            out.resize(start + 4 * losses.len(), 0);
            for (bytes, loss) in out[start..].chunks_exact_mut(4).zip(losses) {
                bytes.copy_from_slice(&loss.to_le_bytes());
            }
        }
    }

    fn decode(&self, bytes: &mut Bytes<'_>) -> Option<Row> {
        let [task, optimizer, steps, setting, replica, file] = bytes.words()?;
        let lengths: [u32; 4] = bytes.words()?;
        let [diverged, num_params, train_seconds, eval_seconds, content] = bytes.longs()?;
        let (protocol, arithmetic, source) = self.settings.get(setting as usize)?.clone();
        let spec = TrialSpec {
            task: Arc::clone(self.tasks.values.get(task as usize)?),
            optimizer: Arc::clone(self.optimizers.values.get(optimizer as usize)?),
            replica,
            protocol,
            arithmetic,
            source,
        };
        let mut losses: [Vec<f32>; 4] = Default::default();
        for (losses, length) in losses.iter_mut().zip(lengths) {
            let numbers = bytes.take(4 * length as usize)?.chunks_exact(4);
            *losses = numbers.map(|n| f32::from_le_bytes([n[0], n[1], n[2], n[3]])).collect();
        }
        let curve = Curve {
            spec,
            steps: Arc::clone(self.steps.values.get(steps as usize)?),
            losses,
            diverged_at: u32::try_from(diverged).ok(),
            num_params,
            train_seconds: f64::from_bits(train_seconds),
            eval_seconds: f64::from_bits(eval_seconds),
        };
        Some(Row { curve, file, content })
    }
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn words<const N: usize>(&mut self) -> Option<[u32; N]> {
        let bytes = self.take(4 * N)?;
        Some(std::array::from_fn(|i| {
            u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
        }))
    }

    fn longs<const N: usize>(&mut self) -> Option<[u64; N]> {
        let bytes = self.take(8 * N)?;
        Some(std::array::from_fn(|i| {
            let long: [u8; 8] = std::array::from_fn(|b| bytes[8 * i + b]);
            u64::from_le_bytes(long)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::curve;

    #[test]
    fn what_is_put_aside_comes_back() {
        let mut spill = Spill::default();
        let mut odd = curve("b", "o2", 7);
        odd.losses = [vec![f32::NAN, f32::INFINITY, -0.0], vec![], vec![1.0, 2.0, 3.0], vec![]];
        (odd.diverged_at, odd.num_params) = (Some(u32::MAX), u64::MAX);
        odd.spec.source = Source::External("elsewhere".into());
        let rows = [
            Row { curve: curve("a", "o", 0), file: 3, content: 5 },
            Row { curve: odd, file: 0, content: u64::MAX },
            Row { curve: curve("a", "o", 1), file: 1, content: 0 },
        ];
        let segments = [&rows[..2], &rows[2..]].map(|rows| spill.write(rows).unwrap());
        let mut back = Vec::new();
        for segment in segments {
            spill.read(segment, &mut back).unwrap();
        }
        assert_eq!(back.len(), 3);
        for (a, b) in rows.iter().zip(&back) {
            assert_eq!(a.curve.difference(&b.curve), None);
            assert_eq!(
                (a.file, a.content, a.curve.train_seconds),
                (b.file, b.content, b.curve.train_seconds)
            );
        }
        assert_eq!(back[1].curve.losses[0][2].to_bits(), (-0.0f32).to_bits());
    }
}
