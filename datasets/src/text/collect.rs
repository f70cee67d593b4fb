//! Gathering the tokens of a source: examples may come in another order than they are kept in.

use std::path::PathBuf;

use crate::SourceSplit;

use super::data::Texts;

/// Tokens and labels of examples, in the order of their splits, groups of files and files, however they came.
#[derive(Default)]
pub(crate) struct Collector {
    parts: Vec<Part>,
    /// The group and the path of the member that is read, if an archive is.
    member: (usize, PathBuf),
    /// The parts of training and test examples that are added to.
    open: [Option<usize>; 2],
}

/// Examples of one split, of one member of an archive or of all files in a folder.
struct Part {
    place: (SourceSplit, usize, PathBuf),
    texts: Texts,
    labels: Vec<u8>,
}

/// All examples of a source: first those for training.
pub(crate) struct Collected {
    pub(crate) texts: Texts,
    pub(crate) labels: Vec<u8>,
    pub(crate) train: usize,
}

impl Collector {
    /// The examples that follow are of this member of an archive.
    pub(crate) fn member(&mut self, group: usize, path: &str) {
        self.member = (group, PathBuf::from(path));
        self.open = [None; 2];
    }

    /// Adds an example, whose tokens `encode` appends.
    pub(crate) fn example(
        &mut self,
        split: SourceSplit,
        label: Option<u8>,
        encode: impl FnOnce(&mut Vec<u16>),
    ) {
        let open = &mut self.open[usize::from(split != SourceSplit::Train)];
        let at = *open.get_or_insert_with(|| {
            let (group, path) = self.member.clone();
            self.parts.push(Part {
                place: (split, group, path),
                texts: Texts::default(),
                labels: Vec::new(),
            });
            self.parts.len() - 1
        });
        let part = &mut self.parts[at];
        encode(&mut part.texts.tokens);
        part.texts.end();
        part.labels.extend(label);
    }

    /// All examples, in order.
    pub(crate) fn finish(mut self) -> Collected {
        self.parts.sort_by(|a, b| a.place.cmp(&b.place));
        let examples = |part: &Part| part.texts.ends.len();
        let train = self.parts.iter().filter(|part| part.place.0 == SourceSplit::Train).map(examples).sum();
        let total = self.parts.iter().map(|part| part.texts.tokens.len()).sum::<usize>();
        let mut parts = self.parts.into_iter();
        let Some(Part { mut texts, mut labels, .. }) = parts.next() else {
            return Collected { texts: Texts::default(), labels: Vec::new(), train };
        };
        texts.tokens.reserve_exact(total - texts.tokens.len());
        for part in parts {
            let offset = texts.tokens.len() as u64;
            texts.tokens.extend(part.texts.tokens);
            texts.ends.extend(part.texts.ends.iter().map(|end| end + offset));
            labels.extend(part.labels);
        }
        Collected { texts, labels, train }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_kept_in_the_order_of_splits_groups_and_paths() {
        use SourceSplit::{Test, Train};
        let mut collector = Collector::default();
        // `b/c` is before `b-c`: components are compared, as in a folder.
        for (group, path, split) in [(1, "a", Test), (0, "b-c", Train), (0, "b/c", Train), (1, "z", Train)] {
            collector.member(group, path);
            for token in [1, 2] {
                collector
                    .example(split, Some(group as u8), |tokens| tokens.extend([token, path.len() as u16]));
            }
        }
        let Collected { texts, labels, train } = collector.finish();
        assert_eq!(texts.tokens, [1, 3, 2, 3, 1, 3, 2, 3, 1, 1, 2, 1, 1, 1, 2, 1]);
        assert_eq!((texts.ends, train), ((1..=8).map(|i| 2 * i).collect::<Vec<u64>>(), 6));
        assert_eq!(labels, [0, 0, 0, 0, 1, 1, 1, 1]);
    }
}
