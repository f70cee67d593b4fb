//! Minibatches of made-up sequences: pairs to be retrieved, tokens to be repeated.

use taskset_names::Split;
use taskset_nn::{BatchMut, NO_LABEL, Scalar};
use taskset_rng::Stream;

use crate::Draw;

/// Examples of a minibatch.
pub(crate) const BATCH_SIZE: usize = 128;

/// Sequences that are drawn anew for each minibatch, in the same way for all four splits. With N tokens, N is the blank or
/// the separator, and N + 1 the marker of the query or of the repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceExamples {
    /// Input `k₁ v₁ … k_P v_P`, N + 1, `k_q`; the label of the last position is `v_q`. The keys are P different tokens,
    /// uniform without replacement; values are uniform with replacement, and q is uniform.
    Associative {
        /// P.
        pairs: usize,
        /// N.
        tokens: usize,
    },
    /// Input: L tokens, uniform with replacement, N, and L times N + 1; the labels of the last L positions are the tokens.
    Copy {
        /// L.
        length: usize,
        /// N.
        tokens: usize,
    },
}

impl SequenceExamples {
    /// Tokens of the model, the two special ones included.
    pub const fn vocabulary(self) -> usize {
        match self {
            Self::Associative { tokens, .. } | Self::Copy { tokens, .. } => tokens + 2,
        }
    }

    /// Length of an input.
    pub const fn steps(self) -> usize {
        match self {
            Self::Associative { pairs, .. } => 2 * pairs + 2,
            Self::Copy { length, .. } => 2 * length + 1,
        }
    }

    /// Positions with labels: the last ones.
    pub const fn labelled(self) -> usize {
        match self {
            Self::Associative { .. } => 1,
            Self::Copy { length, .. } => length,
        }
    }
}

impl Draw for SequenceExamples {
    fn batch_size(&self) -> usize {
        BATCH_SIZE
    }

    fn description(&self) -> Option<String> {
        Some(format!("sequences {self:?}, batch {BATCH_SIZE}"))
    }

    fn draw<T: Scalar>(&self, _: Split, stream: &mut Stream, batch: BatchMut<'_, T>) {
        let rows = batch.tokens.chunks_exact_mut(self.steps());
        let rows = rows.zip(batch.labels.chunks_exact_mut(self.labelled()));
        match *self {
            Self::Associative { pairs, tokens } => {
                let mut order: Vec<u16> = (0..tokens as u16).collect();
                for (input, label) in rows {
                    // The first places of a shuffle: any order may be shuffled again.
                    for (i, pair) in input.chunks_exact_mut(2).take(pairs).enumerate() {
                        order.swap(i, i + stream.below((tokens - i) as u64) as usize);
                        pair.copy_from_slice(&[order[i], stream.below(tokens as u64) as u16]);
                    }
                    let query = stream.below(pairs as u64) as usize;
                    input[2 * pairs] = tokens as u16 + 1;
                    input[2 * pairs + 1] = input[2 * query];
                    label[0] = input[2 * query + 1];
                }
            }
            Self::Copy { length, tokens } => {
                for (input, labels) in rows {
                    labels.iter_mut().for_each(|token| *token = stream.below(tokens as u64) as u16);
                    input[..length].copy_from_slice(labels);
                    input[length] = tokens as u16;
                    input[length + 1..].fill(tokens as u16 + 1);
                }
            }
        }
        debug_assert!(!batch.labels.contains(&NO_LABEL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_rng::StreamId;

    /// Tokens and labels of a minibatch of 40 rows.
    fn draw(examples: SequenceExamples) -> (Vec<Vec<u16>>, Vec<Vec<u16>>) {
        let (steps, labelled) = (examples.steps(), examples.labelled());
        let (mut tokens, mut labels) = (vec![9999; 40 * steps], vec![9999; 40 * labelled]);
        let batch =
            BatchMut::<f32> { row_count: 40, features: &mut [], tokens: &mut tokens, labels: &mut labels };
        examples.draw(Split::Train, &mut StreamId::root("sequences").stream(), batch);
        let rows = |all: &[u16], width| all.chunks_exact(width).map(<[u16]>::to_vec).collect();
        (rows(&tokens, steps), rows(&labels, labelled))
    }

    #[test]
    fn the_value_of_the_queried_key_is_asked_for() {
        let (inputs, labels) = draw(SequenceExamples::Associative { pairs: 5, tokens: 20 });
        let mut queried = std::collections::HashSet::new();
        for (input, label) in inputs.iter().zip(labels) {
            let keys: Vec<u16> = input[..10].iter().copied().step_by(2).collect();
            let mut different = keys.clone();
            different.sort_unstable();
            different.dedup();
            assert_eq!(different.len(), 5, "{keys:?}");
            assert!(input[..10].iter().all(|&token| token < 20));
            assert_eq!(input[10], 21);
            let place = keys.iter().position(|&key| key == input[11]).unwrap();
            assert_eq!(label, [input[2 * place + 1]]);
            queried.insert(place);
        }
        assert_eq!(queried.len(), 5);
    }

    #[test]
    fn the_tokens_are_to_be_repeated() {
        let (inputs, labels) = draw(SequenceExamples::Copy { length: 4, tokens: 10 });
        for (input, labels) in inputs.iter().zip(labels) {
            assert_eq!(input[..4], labels);
            assert!(labels.iter().all(|&token| token < 10));
            assert_eq!(input[4..], [10, 11, 11, 11, 11]);
        }
        assert!(inputs.iter().any(|input| input[..4] != inputs[0][..4]));
    }
}
