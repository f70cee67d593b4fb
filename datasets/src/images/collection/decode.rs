//! Decoding and resizing pictures on several threads, in bounded memory.

use std::sync::{Condvar, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;
use crate::formats::container::Container;
use crate::images::{picture, resize_cubic};
use crate::manifest::Manifest;

/// Encoded pictures that are decoded at a time: at most so many, and no more when they have so many bytes together.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 << 20;
/// Bytes that decoding may take at a time on all threads together. A picture that takes more is decoded alone.
const DECODING: u64 = 256 << 20;

/// Encoded pictures that wait to be decoded together, and the pixels of those that were.
pub(super) struct Batch<'a> {
    container: &'a Container,
    manifest: &'a Manifest,
    /// The threads that decode; none if this one does.
    pool: Option<ThreadPool>,
    waiting: Vec<(String, Vec<u8>)>,
    waiting_bytes: usize,
    /// Resized, one picture after the other.
    pub(super) pixels: Vec<u8>,
    /// Pictures that were decoded and have other sides than the originals.
    pub(super) of_other_sides: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(container: &'a Container, manifest: &'a Manifest, threads: usize) -> Self {
        let (pool, waiting, pixels) = (pool(threads), Vec::new(), Vec::new());
        Self { container, manifest, pool, waiting, waiting_bytes: 0, pixels, of_other_sides: 0 }
    }

    /// Adds a picture; if there are enough then, decodes all that wait. Returns whether it did.
    pub(super) fn add(&mut self, name: String, encoded: Vec<u8>) -> Result<bool, Error> {
        self.waiting_bytes += encoded.len();
        self.waiting.push((name, encoded));
        let enough = self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES;
        if enough {
            self.decode()?;
        }
        Ok(enough)
    }

    /// Decodes and resizes the pictures that wait, in order.
    pub(super) fn decode(&mut self) -> Result<(), Error> {
        let (container, manifest, budget) = (self.container, self.manifest, Budget::new(DECODING));
        let other_sides = |shape: crate::images::ImageShape| {
            manifest.original.is_some_and(|sides| (sides.height, sides.width) != (shape.height, shape.width))
        };
        let one = |(name, bytes): &(String, Vec<u8>)| {
            let broken = |problem| Error::Undecodable { path: container.member(name), problem };
            let header = picture::header(bytes).map_err(broken)?;
            let _taken = budget.take(header.cost);
            let picture = picture::decode(bytes, &header).map_err(broken)?;
            let mut resized = Vec::with_capacity(manifest.shape.len());
            let (height, width) = (manifest.shape.height, manifest.shape.width);
            resize_cubic(&picture.pixels, picture.shape, height, width, &mut resized);
            Ok((resized, other_sides(picture.shape)))
        };
        // All are collected, so that the first broken picture is named, not any one.
        let decoded: Vec<Result<(Vec<u8>, bool), Error>> = match &self.pool {
            Some(pool) => pool.install(|| self.waiting.par_iter().map(one).collect()),
            None => self.waiting.iter().map(one).collect(),
        };
        for picture in decoded {
            let (pixels, of_other_sides) = picture?;
            self.pixels.extend(pixels);
            self.of_other_sides += usize::from(of_other_sides);
        }
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }
}

/// So many threads, or fewer where the system refuses more; none if one is enough.
fn pool(threads: usize) -> Option<ThreadPool> {
    let fewer = std::iter::successors(Some(threads), |n| Some(n / 2)).take_while(|&n| n > 1);
    fewer.map(|n| ThreadPoolBuilder::new().num_threads(n).build()).find_map(Result::ok)
}

/// Bytes that threads may take together; who wants more than is left waits.
struct Budget {
    all: u64,
    left: Mutex<u64>,
    given_back: Condvar,
}

/// Bytes that are given back at its end.
struct Taken<'a>(&'a Budget, u64);

impl Budget {
    fn new(all: u64) -> Self {
        Self { all, left: Mutex::new(all), given_back: Condvar::new() }
    }

    /// Takes so many bytes; who wants more than there are waits for all of them.
    fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.all);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        while *left < bytes {
            left = self.given_back.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= bytes;
        Taken(self, bytes)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += self.1;
        self.0.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn threads_together_take_no_more_than_the_budget() {
        let (budget, now, most) = (Budget::new(100), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for bytes in [30, 60, 100, 5000, 1, 45] {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _taken = budget.take(bytes);
                        let counted = bytes.min(100);
                        most.fetch_max(now.fetch_add(counted, Ordering::SeqCst) + counted, Ordering::SeqCst);
                        now.fetch_sub(counted, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(*budget.left.lock().unwrap(), 100);
    }
}
