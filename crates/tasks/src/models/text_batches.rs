//! Minibatches of text: which examples, and which slice of each.

use std::sync::Arc;

use taskset_datasets::splits::held_out_size;
use taskset_datasets::text::slice;
use taskset_datasets::{Datasets, IndexStream, Splits, TextData, carve_text};
use taskset_names::{Origin, Split};
use taskset_nn::{BatchMut, NO_LABEL, Scalar, Shape};
use taskset_rng::{Stream, StreamId};
use taskset_trial::Digest;

use super::describe_splits;
use super::network_task::{Batches, Data};
use crate::{Error, Feed};

/// Which texts, and how they become minibatches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextExamples {
    /// Name of the text set, e.g. `lm1b/bytes`.
    pub dataset: String,
    /// Examples of each held-out split.
    pub held_out: usize,
    /// Upper bound of the number of training examples.
    pub num_train: Option<usize>,
    /// Whether all four splits read the training text.
    pub just_train: bool,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Tokens of an example, padded with 0. Padding is a token like others (QUIRK-13, QUIRK-22), except as a label.
    pub patch_length: usize,
    /// Tokens of the model; every higher token counts as the last one (QUIRK-23, QUIRK-24).
    pub vocabulary: usize,
    /// Entries of the shuffle buffers; `None`: as many as the split has examples, those of training before
    /// [`num_train`](Self::num_train) restricts them.
    pub buffer: Option<usize>,
    /// What the labels of a minibatch are.
    pub labels: TextLabels,
}

/// What the labels of a minibatch of text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLabels {
    /// Nothing: the loss reads none. Most sources have no classes.
    None,
    /// The class of the text.
    Class,
    /// At each position but the last, the next token, or no label where that is padding.
    NextToken,
}

impl TextExamples {
    /// The input as networks take it.
    pub const fn shape(&self) -> Shape {
        Shape::Tokens { length: self.patch_length, vocabulary: self.vocabulary }
    }

    /// Loads the text.
    ///
    /// # Errors
    /// [`Error::Data`] if it cannot be loaded.
    pub(crate) fn load(&self, data: &Datasets) -> Result<TextTask, Error> {
        let data = data.text(&self.dataset)?;
        let splits = carve_text(&data, self.held_out, self.num_train);
        let whole = |split| match split {
            Split::Train => data.source_sizes().train - 2 * held_out_size(&data, self.held_out),
            _ => splits.get(split).len(),
        };
        Ok(TextTask {
            buffers: Split::ALL.map(|split| self.buffer.unwrap_or_else(|| whole(split))),
            splits: if self.just_train { splits.just_train() } else { splits },
            data,
            batch_size: self.batch_size,
            patch_length: self.patch_length,
            vocabulary: self.vocabulary,
            labels: self.labels,
        })
    }
}

/// The text of a task: shared by its replicas.
#[derive(Clone, Debug)]
pub(crate) struct TextTask {
    pub(super) data: Arc<TextData>,
    pub(super) splits: Splits,
    pub(super) batch_size: usize,
    /// Tokens of an example, padded with 0. Padding is a token like others (QUIRK-13, QUIRK-22), except as a label.
    pub(super) patch_length: usize,
    /// Tokens of the model; every higher token counts as the last one (QUIRK-23, QUIRK-24).
    pub(super) vocabulary: usize,
    /// Entries of the shuffle buffer of each split, in the order of [`Split::ALL`].
    pub(super) buffers: [usize; 4],
    pub(super) labels: TextLabels,
}

impl Data for TextTask {
    fn origin(&self) -> Origin {
        self.data.origin()
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn description(&self) -> Option<String> {
        let Self { data: _, splits, batch_size, patch_length, vocabulary, buffers, labels } = self;
        let splits = describe_splits(splits);
        // Curves are known by this text: it stays as it is for the two older kinds.
        let labelled = match labels {
            TextLabels::None => "false",
            TextLabels::Class => "true",
            TextLabels::NextToken => "with the next tokens",
        };
        Some(format!(
            "texts of {splits}, batch {batch_size}, length {patch_length}, vocabulary {vocabulary}, buffers {buffers:?}, \
             labelled {labelled}"
        ))
    }

    fn digest(&self) -> Option<Digest> {
        Some(Digest(self.data.digest()))
    }

    fn open<T: Scalar>(self: &Arc<Self>, replica: &StreamId) -> Box<dyn Batches<T>> {
        Box::new(TextBatches::new(Arc::clone(self), replica))
    }
}

/// The random streams of one feed: examples and slices are siblings, so that neither shifts the other. Text models
/// have no noise of their own; the stream is there for all models alike.
#[derive(Clone, Debug)]
struct FeedStreams {
    batches: IndexStream,
    slices: Stream,
    noise: Stream,
}

/// The minibatch streams of one replica. Names: `train/…` and `eval/<split>/…`, each with `batches`, `slices` and
/// `noise` below the replica's.
#[derive(Clone, Debug)]
struct TextBatches {
    text: Arc<TextTask>,
    training: FeedStreams,
    evaluation: [FeedStreams; 4],
    examples: Vec<u32>,
}

impl TextBatches {
    fn new(text: Arc<TextTask>, replica: &StreamId) -> Self {
        let open = |split: Split, id: StreamId| {
            let indices = Arc::clone(text.splits.get(split));
            let order = id.child("batches").stream();
            FeedStreams {
                batches: IndexStream::new(indices, text.buffers[split.index()], order),
                slices: id.child("slices").stream(),
                noise: id.child("noise").stream(),
            }
        };
        let evaluation = replica.child("eval");
        Self {
            training: open(Split::Train, replica.child("train")),
            evaluation: Split::ALL.map(|split| open(split, evaluation.child(split.name()))),
            examples: vec![0; text.batch_size],
            text,
        }
    }
}

impl<T: Scalar> Batches<T> for TextBatches {
    /// Tokens are `[batch, patch length]`. The slice of an example is drawn anew at every visit.
    fn next(&mut self, feed: Feed, batch: BatchMut<'_, T>) -> &mut Stream {
        let BatchMut { tokens, labels, .. } = batch;
        let streams = match feed {
            Feed::Training => &mut self.training,
            Feed::Evaluation(split) => &mut self.evaluation[split.index()],
        };
        let TextTask { data, patch_length, vocabulary, labels: kind, .. } = &*self.text;
        streams.batches.next_batch(&mut self.examples);
        let last = u16::try_from(vocabulary.saturating_sub(1)).unwrap_or(u16::MAX);
        let labels_per_row = labels.len() / self.examples.len().max(1);
        let rows = tokens.chunks_exact_mut(*patch_length).zip(labels.chunks_exact_mut(labels_per_row.max(1)));
        for (&example, (row, labels)) in self.examples.iter().zip(rows) {
            let text = data.tokens(example);
            slice(text, row, &mut streams.slices);
            row.iter_mut().for_each(|token| *token = (*token).min(last));
            match kind {
                TextLabels::None => labels.fill(0),
                TextLabels::Class => labels.fill(data.label(example)),
                TextLabels::NextToken => {
                    let next = text.len().min(row.len()).saturating_sub(1);
                    labels[..next].copy_from_slice(&row[1..=next]);
                    labels[next..].fill(NO_LABEL);
                }
            }
        }
        &mut streams.noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_datasets::Source;

    fn task(name: &str, patch_length: usize, vocabulary: usize, labels: TextLabels) -> Arc<TextTask> {
        let data = Datasets::new(Source::Synthetic).text(name).unwrap();
        let splits = carve_text(&data, 3000, Some(200));
        let buffers = [50; 4];
        Arc::new(TextTask { data, splits, batch_size: 30, patch_length, vocabulary, buffers, labels })
    }

    /// Tokens and labels of the next minibatch.
    fn next(batches: &mut TextBatches, feed: Feed) -> (Vec<u16>, Vec<u16>) {
        let length = batches.text.patch_length;
        let labels = if batches.text.labels == TextLabels::NextToken { 30 * (length - 1) } else { 30 };
        let (mut tokens, mut labels) = (vec![u16::MAX; 30 * length], vec![u16::MAX; labels]);
        let batch =
            BatchMut::<f32> { row_count: 30, features: &mut [], tokens: &mut tokens, labels: &mut labels };
        batches.next(feed, batch);
        (tokens, labels)
    }

    #[test]
    fn the_next_tokens_are_labels_and_padding_has_none() {
        for (name, length) in [("lm1b/bytes", 12), ("lm1b/bytes", 400)] {
            let task = task(name, length, 256, TextLabels::NextToken);
            let (tokens, labels) = next(&mut TextBatches::new(task, &StreamId::root("next")), Feed::Training);
            let padding = tokens.iter().filter(|&&token| token == 0).count();
            assert_eq!(padding > 0, length == 400);
            for (row, labels) in tokens.chunks(length).zip(labels.chunks(length - 1)) {
                for (&label, &token) in labels.iter().zip(&row[1..]) {
                    assert_eq!(label, if token == 0 { NO_LABEL } else { token });
                }
            }
        }
    }

    #[test]
    fn rows_are_slices_of_examples_with_their_labels_and_high_tokens_become_the_last() {
        for (name, length, vocabulary, kind) in [
            ("imdb_reviews/bytes", 12, 100, TextLabels::Class),
            ("lm1b/subwords8k", 40, 300, TextLabels::None),
        ] {
            let task = task(name, length, vocabulary, kind);
            let mut batches = TextBatches::new(Arc::clone(&task), &StreamId::root("text-batches"));
            for feed in [Feed::Training, Feed::Evaluation(Split::Test)] {
                let (tokens, labels) = next(&mut batches, feed);
                assert!(tokens.iter().all(|&token| usize::from(token) < vocabulary));
                assert!(tokens.iter().any(|&token| usize::from(token) == vocabulary - 1));
                let split = if feed == Feed::Training { Split::Train } else { Split::Test };
                for (row, &label) in tokens.chunks(length).zip(&labels) {
                    let clamp = |&token: &u16| token.min(vocabulary as u16 - 1);
                    let is_source = |&example: &u32| {
                        let mut text: Vec<u16> = task.data.tokens(example).iter().map(clamp).collect();
                        text.resize(text.len().max(length), 0);
                        let labelled = kind == TextLabels::Class;
                        let expected = if labelled { task.data.label(example) } else { 0 };
                        label == expected && text.windows(length).any(|window| window == row)
                    };
                    assert!(task.splits.get(split).iter().any(is_source), "{name}");
                }
            }
        }
    }

    #[test]
    fn feeds_are_independent_and_repeat() {
        let task = task("imdb_reviews/bytes", 12, 256, TextLabels::Class);
        let start = || TextBatches::new(Arc::clone(&task), &StreamId::root("text-batches"));
        let (mut a, mut b) = (start(), start());
        for split in Split::ALL {
            next(&mut a, Feed::Evaluation(split));
        }
        let (first, second) = (next(&mut a, Feed::Training), next(&mut a, Feed::Training));
        assert_eq!(first, next(&mut b, Feed::Training));
        assert_eq!(second, next(&mut b, Feed::Training));
        assert_ne!(first, second);
        assert_ne!(next(&mut a, Feed::Evaluation(Split::Train)), next(&mut b, Feed::Training));
    }

    #[test]
    fn a_visit_draws_a_new_slice() {
        let task = task("imdb_reviews/bytes", 12, 256, TextLabels::Class);
        let splits = Splits::clone(&task.splits);
        let longest = splits.get(Split::Train).iter().max_by_key(|&&i| task.data.tokens(i).len()).copied();
        let mut one = TextTask::clone(&task);
        one.data = Arc::clone(&task.data);
        // The labels of all rows: whichever example, slices of the same text differ.
        let mut batches = TextBatches::new(Arc::new(one), &StreamId::root("slices"));
        let only: Arc<[u32]> = Arc::from([longest.unwrap()]);
        batches.training.batches = IndexStream::new(only, 1, StreamId::root("one").stream());
        let (tokens, _) = next(&mut batches, Feed::Training);
        let distinct: std::collections::BTreeSet<&[u16]> = tokens.chunks(12).collect();
        assert!(distinct.len() > 15, "{}", distinct.len());
    }
}
