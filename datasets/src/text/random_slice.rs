//! A random slice of a text, as long as a task's patch.

use taskset_rng::Stream;

/// Fills `out` (length L, the patch length) with a window of the n tokens of a text.
///
/// - n ≤ L: all tokens, then 0 (padding) up to L; nothing is drawn.
/// - n > L: L tokens from a start drawn uniformly from `0..n - L`. The last window, which starts at n − L, is never
///   chosen: upstream leaves it out, and so do we (QUIRK-12 in docs/fidelity.md).
///
/// Upstream also makes a mask of the real tokens, which only the fixed language models use (QUIRK-13); theirs follows from n.
pub fn slice(tokens: &[u16], out: &mut [u16], stream: &mut Stream) {
    let (n, length) = (tokens.len(), out.len());
    if n > length {
        let start = stream.below((n - length) as u64) as usize;
        out.copy_from_slice(&tokens[start..start + length]);
    } else {
        out[..n].copy_from_slice(tokens);
        out[n..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use taskset_rng::StreamId;

    use super::*;

    fn check(n: u16, length: usize) -> Vec<u16> {
        let tokens: Vec<u16> = (1..=n).collect();
        let mut out = vec![u16::MAX; length];
        slice(&tokens, &mut out, &mut StreamId::root("slice").index(u64::from(n)).stream());
        out
    }

    #[test]
    fn short_texts_are_padded_on_the_right_and_draw_nothing() {
        assert_eq!(check(0, 3), [0, 0, 0]);
        assert_eq!(check(2, 5), [1, 2, 0, 0, 0]);
        assert_eq!(check(4, 4), [1, 2, 3, 4]);
        let mut stream = StreamId::root("slice").stream();
        let before = stream.clone();
        slice(&[1, 2], &mut [0; 2], &mut stream);
        assert_eq!(stream, before);
    }

    #[test]
    fn every_window_but_the_last_is_equally_likely() {
        let (tokens, mut stream) = ([10, 11, 12, 13, 14, 15, 16], StreamId::root("windows").stream());
        let mut counts = [0; 5];
        let mut out = [0; 3];
        for _ in 0..4000 {
            slice(&tokens, &mut out, &mut stream);
            assert!(out.windows(2).all(|pair| pair[1] == pair[0] + 1), "{out:?}");
            counts[usize::from(out[0]) - 10] += 1;
        }
        assert_eq!(counts[4], 0, "the window at n − L is never chosen");
        // Expected 1000 each, standard deviation 27; the seed is fixed.
        assert!(counts[..4].iter().all(|c| (880..1120).contains(c)), "{counts:?}");
        // One window more than the patch: the first is the only choice.
        assert_eq!(check(5, 4), [1, 2, 3, 4]);
    }
}
