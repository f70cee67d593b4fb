//! The endless stream of shuffled minibatches of a split.

use std::sync::Arc;

use taskset_rng::Stream;

/// An endless stream of example numbers: repeat the examples for ever, pass them through a shuffle buffer, cut the
/// result into full batches.
///
/// The buffer holds `buffer` entries of the repeated sequence; each step emits a uniformly chosen one and replaces it by
/// the next of the sequence. Repeating comes *before* shuffling, as upstream has it: epochs blend, an example can occur
/// twice before another occurs once (more than once in the buffer, if that is larger than the split), and a split smaller
/// than the batch still fills it. The sequence of examples does not depend on how it is cut into batches.
///
/// One number costs one draw and no allocation.
#[derive(Clone, Debug)]
pub struct IndexStream {
    indices: Arc<[u32]>,
    /// Position in `indices` of the next example to enter the buffer.
    position: usize,
    buffer: Vec<u32>,
    stream: Stream,
}

impl IndexStream {
    /// The start of the stream over `indices`, which are taken in their given order, with a shuffle buffer of `buffer`
    /// entries (0 and 1 both mean no shuffling). Sampled tasks use 10,000, fixed tasks the size of the split unless
    /// their table says otherwise.
    ///
    /// # Panics
    /// If `indices` is empty: there is nothing to repeat. [`carve`](crate::carve) never gives an empty split.
    pub fn new(indices: Arc<[u32]>, buffer: usize, stream: Stream) -> Self {
        assert!(!indices.is_empty(), "a stream of batches needs at least one example");
        let size = buffer.max(1);
        let buffer = indices.iter().copied().cycle().take(size).collect();
        Self { position: size % indices.len(), indices, buffer, stream }
    }

    /// Fills `out` with the next examples.
    pub fn next_batch(&mut self, out: &mut [u32]) {
        let size = self.buffer.len() as u64;
        for slot in out {
            let chosen = self.stream.below(size) as usize;
            *slot = std::mem::replace(&mut self.buffer[chosen], self.indices[self.position]);
            self.position += 1;
            if self.position == self.indices.len() {
                self.position = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    use super::*;

    fn stream(examples: u32, buffer: usize, seed: u64) -> IndexStream {
        let id = StreamId::root("index stream test").index(seed);
        IndexStream::new((0..examples).map(|i| i * 10).collect(), buffer, id.stream())
    }

    fn take(stream: &mut IndexStream, n: usize) -> Vec<u32> {
        let mut out = vec![u32::MAX; n];
        stream.next_batch(&mut out);
        out
    }

    proptest! {
        #[test]
        fn batches_are_full_and_their_size_does_not_matter(
            examples in 1u32..50, buffer in 0usize..80, seed: u64, sizes in proptest::collection::vec(0usize..70, 1..8),
        ) {
            let mut batched = stream(examples, buffer, seed);
            let cut: Vec<u32> = sizes.iter().flat_map(|&n| take(&mut batched, n)).collect();
            let whole = take(&mut stream(examples, buffer, seed), sizes.iter().sum());
            prop_assert!(whole.iter().all(|&i| i % 10 == 0 && i / 10 < examples));
            prop_assert_eq!(cut, whole);
        }

        #[test]
        fn nothing_is_lost_or_invented(examples in 1u32..50, buffer in 1usize..80, seed: u64, n in 0usize..400) {
            // What was emitted and what waits in the buffer are together the first entries of the repeated sequence.
            let mut s = stream(examples, buffer, seed);
            let mut all = take(&mut s, n);
            all.extend(&s.buffer);
            all.sort_unstable();
            let mut entered: Vec<u32> = (0..examples).map(|i| i * 10).cycle().take(n + buffer).collect();
            entered.sort_unstable();
            prop_assert_eq!(all, entered);
        }
    }

    #[test]
    fn without_a_buffer_the_order_is_kept() {
        for buffer in [0, 1] {
            assert_eq!(take(&mut stream(3, buffer, 0), 7), [0, 10, 20, 0, 10, 20, 0]);
        }
    }

    #[test]
    fn the_order_is_shuffled_and_depends_on_the_stream_alone() {
        let a = take(&mut stream(100, 50, 1), 40);
        assert_eq!(a, take(&mut stream(100, 50, 1), 40));
        assert_ne!(a, take(&mut stream(100, 50, 2), 40));
        assert_ne!(a, (0..40).map(|i| i * 10).collect::<Vec<_>>());
    }

    #[test]
    fn every_example_of_the_buffer_is_equally_likely_to_be_first() {
        let mut counts = [0u32; 8];
        for seed in 0..8000 {
            counts[take(&mut stream(8, 8, seed), 1)[0] as usize / 10] += 1;
        }
        // Expected 1000 each, standard deviation 30; the seeds are fixed, so this cannot fail by chance.
        assert!(counts.iter().all(|&c| (850..1150).contains(&c)), "{counts:?}");
    }

    #[test]
    fn in_the_long_run_every_example_occurs_equally_often() {
        let (examples, epochs, buffer) = (20u32, 500u32, 30);
        let mut counts = [0u32; 20];
        take(&mut stream(examples, buffer, 3), (examples * epochs) as usize)
            .iter()
            .for_each(|&i| counts[i as usize / 10] += 1);
        // At most the whole buffer lags behind.
        assert!(counts.iter().all(|&c| c.abs_diff(epochs) <= buffer as u32), "{counts:?}");
    }
}
