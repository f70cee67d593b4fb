//! Gathering the tokens of a source: in memory, or in the file of its prepared copy. Examples may come in another order than
//! they are kept in.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::prepared::sealed::Writer;
use crate::splits::SourceSplit;

/// Tokens that are held before they are written.
const HELD: usize = 1 << 21;

/// Tokens and labels of examples, in the order of their splits, groups of files and files, however they came.
#[derive(Default)]
pub(crate) struct Collector {
    parts: Vec<Part>,
    /// The group and the path of the member that is read, if an archive is.
    member: (usize, PathBuf),
    /// The parts of training and test examples that are added to.
    open: [Option<usize>; 2],
    spool: Option<Spool>,
}

/// Examples of one split, of one member of an archive or of all files in a folder.
struct Part {
    place: (SourceSplit, usize, PathBuf),
    /// Those that have not been written.
    tokens: Vec<u16>,
    lengths: Vec<u32>,
    labels: Vec<u8>,
}

/// Where tokens go that are not held.
struct Spool {
    writer: Writer,
    held: usize,
    /// Of what has been written: which part it is of, and its bytes.
    pieces: Vec<(usize, u64)>,
}

/// All examples of a source: first those for training.
pub(crate) struct Collected {
    pub(crate) tokens: Tokens,
    /// Where each example ends among the tokens.
    pub(crate) ends: Vec<u64>,
    pub(crate) labels: Vec<u8>,
    pub(crate) train: usize,
}

/// Where the tokens are.
pub(crate) enum Tokens {
    Held(Vec<u16>),
    /// They are the beginning of a prepared copy.
    Written(Box<Writer>),
}

impl Collector {
    /// Collects into the beginning of the prepared copy `target`. Held are at most 2²¹ tokens and the longest example; and
    /// of every example its length and label.
    pub(crate) fn into_file(target: &Path) -> Result<Self, Error> {
        let spool = Spool { writer: Writer::create(target)?, held: 0, pieces: Vec::new() };
        Ok(Self { spool: Some(spool), ..Self::default() })
    }

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
    ) -> Result<(), Error> {
        let open = &mut self.open[usize::from(split != SourceSplit::Train)];
        let at = *open.get_or_insert_with(|| {
            let (group, path) = self.member.clone();
            let place = (split, group, path);
            self.parts.push(Part { place, tokens: Vec::new(), lengths: Vec::new(), labels: Vec::new() });
            self.parts.len() - 1
        });
        let part = &mut self.parts[at];
        let before = part.tokens.len();
        encode(&mut part.tokens);
        let length = part.tokens.len() - before;
        part.lengths.push(length as u32);
        part.labels.extend(label);
        if let Some(spool) = &mut self.spool {
            spool.held += length;
            if spool.held >= HELD {
                spool.write(&mut self.parts)?;
            }
        }
        Ok(())
    }

    /// All examples, in order.
    pub(crate) fn finish(mut self) -> Result<Collected, Error> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by(|&a, &b| self.parts[a].place.cmp(&self.parts[b].place));
        let tokens = match self.spool.take() {
            Some(mut spool) => {
                spool.write(&mut self.parts)?;
                Tokens::Written(Box::new(spool.in_order(&order)?))
            }
            None => Tokens::Held(held(&mut self.parts, &order)),
        };
        let parts = || order.iter().map(|&at| &self.parts[at]);
        let ends = parts().flat_map(|part| &part.lengths).scan(0, |end, &length| {
            *end += u64::from(length);
            Some(*end)
        });
        let train = parts().filter(|part| part.place.0 == SourceSplit::Train).map(|part| part.lengths.len());
        let labels = parts().flat_map(|part| &part.labels).copied().collect();
        Ok(Collected { tokens, ends: ends.collect(), labels, train: train.sum() })
    }
}

/// The tokens of all parts, in this order.
fn held(parts: &mut [Part], order: &[usize]) -> Vec<u16> {
    let total: usize = parts.iter().map(|part| part.tokens.len()).sum();
    let mut order = order.iter().map(|&at| std::mem::take(&mut parts[at].tokens));
    let mut tokens = order.next().unwrap_or_default();
    tokens.reserve_exact(total - tokens.len());
    order.for_each(|part| tokens.extend(part));
    tokens
}

impl Spool {
    /// Writes what is held, in the order of places.
    fn write(&mut self, parts: &mut [Part]) -> Result<(), Error> {
        let mut held: Vec<usize> = (0..parts.len()).filter(|&at| !parts[at].tokens.is_empty()).collect();
        held.sort_by(|&a, &b| parts[a].place.cmp(&parts[b].place));
        for at in held {
            let part = &mut parts[at];
            for tokens in part.tokens.chunks(1 << 14) {
                let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
                self.writer.put(&bytes)?;
            }
            self.pieces.push((at, 2 * part.tokens.len() as u64));
            part.tokens.clear();
        }
        self.held = 0;
        Ok(())
    }

    /// The writer with the tokens of all parts in this order: as they were written, if that is it.
    fn in_order(self, order: &[usize]) -> Result<Writer, Error> {
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(i, &at)| rank[at] = i);
        if self.pieces.is_sorted_by_key(|&(at, _)| rank[at]) {
            return Ok(self.writer);
        }
        let mut start = 0;
        let place = |&(at, bytes): &(usize, u64)| {
            start += bytes;
            (rank[at], start - bytes, bytes)
        };
        let mut pieces: Vec<_> = self.pieces.iter().map(place).collect();
        pieces.sort_unstable();
        self.writer.rearranged(pieces.into_iter().map(|(_, start, bytes)| (start, bytes)))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// Members in an order that is not theirs; a token of each is the length of its path.
    fn collect(mut collector: Collector, repeats: usize) -> Collected {
        use SourceSplit::{Test, Train};
        // `b/c` is before `b-c`: components are compared, as in a folder.
        for (group, path, split) in [(1, "a", Test), (0, "b-c", Train), (0, "b/c", Train), (1, "zz", Train)] {
            collector.member(group, path);
            for token in [1, 2] {
                let example = [token, path.len() as u16].repeat(repeats);
                collector.example(split, Some(group as u8), |tokens| tokens.extend(example)).unwrap();
            }
        }
        collector.finish().unwrap()
    }

    #[test]
    fn members_are_kept_in_the_order_of_splits_groups_and_paths() {
        let Collected { tokens, ends, labels, train } = collect(Collector::default(), 1);
        let Tokens::Held(tokens) = tokens else { panic!("tokens were written") };
        assert_eq!(tokens, [1, 3, 2, 3, 1, 3, 2, 3, 1, 2, 2, 2, 1, 1, 2, 1]);
        assert_eq!((ends, train), ((1..=8).map(|i| 2 * i).collect::<Vec<u64>>(), 6));
        assert_eq!(labels, [0, 0, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn what_is_written_is_what_would_be_held() {
        let folder = TempDir::new().unwrap();
        // All is written at once; or in pieces, of several parts and of one.
        for repeats in [1, HELD / 5, HELD] {
            let target = folder.path().join("x.tokens");
            let written = collect(Collector::into_file(&target).unwrap(), repeats);
            let held = collect(Collector::default(), repeats);
            assert_eq!(
                (&written.ends, &written.labels, written.train),
                (&held.ends, &held.labels, held.train)
            );
            let (Tokens::Written(writer), Tokens::Held(tokens)) = (written.tokens, held.tokens) else {
                panic!("held and written are exchanged")
            };
            writer.finish(|_| [0; crate::prepared::sealed::HEADER]).unwrap();
            let bytes = std::fs::read(&target).unwrap();
            let kept = bytes[crate::prepared::sealed::HEADER..]
                .as_chunks()
                .0
                .iter()
                .map(|&token| u16::from_le_bytes(token));
            assert!(kept.eq(tokens), "{repeats}");
        }
    }
}
