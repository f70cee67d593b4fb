//! Turning the texts of a source into tokens: building the vocabulary of subwords, and encoding every example.

use taskset_rng::{Stream, StreamId};

use super::collect_tokens::{Collected, Collector};
use super::example_visitor::Visitor;
use super::source::Found;
use super::subwords::{SubwordEncoder, TokenCounts};
use super::{BYTE_VOCABULARY, TextInfo, encode_bytes};
use crate::Error;
use crate::manifest::TextDecoder;
use crate::prepared::{PrepareEvent, PrepareProgress};
use crate::splits::SourceSplit;

/// Size of the vocabulary that is aimed at, ids in all.
const TARGET: usize = 8192;
/// Training examples of Wikipedia and of Amazon's reviews from which a vocabulary is built.
const SAMPLE: usize = 200_000;
/// Examples between two reports of progress.
const REPORT_EVERY: u64 = 20_000;

/// Turns a text into tokens.
pub(super) enum Tokeniser {
    Bytes,
    Subwords(Box<SubwordEncoder>),
}

impl Tokeniser {
    pub(super) fn encode(&self, text: &str, tokens: &mut Vec<u16>) {
        match self {
            Self::Bytes => encode_bytes(text, tokens),
            Self::Subwords(encoder) => encoder.encode(text, tokens),
        }
    }

    pub(super) fn vocabulary(&self) -> usize {
        match self {
            Self::Bytes => BYTE_VOCABULARY,
            Self::Subwords(encoder) => encoder.vocabulary(),
        }
    }
}

/// How far a reading of the files is, told now and then.
struct Reading<'a> {
    progress: &'a mut dyn PrepareProgress,
    event: fn(u64, usize, usize) -> PrepareEvent,
    examples: u64,
    files: usize,
    of: usize,
}

impl<'a> Reading<'a> {
    fn new(
        info: &TextInfo,
        found: &Found,
        progress: &'a mut dyn PrepareProgress,
        event: fn(u64, usize, usize) -> PrepareEvent,
    ) -> Self {
        Self { progress, event, examples: 0, files: 0, of: found.count(info.manifest) }
    }

    fn example(&mut self) {
        self.examples += 1;
        if self.examples.is_multiple_of(REPORT_EVERY) {
            self.report();
        }
    }

    fn report(&mut self) {
        self.progress.event((self.event)(self.examples, self.files, self.of));
    }
}

/// Counts the words of training examples.
struct Counting<'a> {
    reading: Reading<'a>,
    counts: TokenCounts,
    /// Where examples are drawn from, and those drawn so far; none if all are counted.
    sample: Option<(Stream, Vec<Box<str>>)>,
    seen: u64,
}

impl Visitor for Counting<'_> {
    fn example(&mut self, split: SourceSplit, _: Option<u8>, text: &str) -> Result<(), Error> {
        self.reading.example();
        if split != SourceSplit::Train {
            return Ok(());
        }
        // Reservoir sampling (Vitter 1985, algorithm R).
        self.seen += 1;
        match &mut self.sample {
            None => self.counts.add(text),
            Some((_, sample)) if sample.len() < SAMPLE => sample.push(text.into()),
            Some((stream, sample)) => {
                if let Ok(at) = usize::try_from(stream.below(self.seen))
                    && let Some(slot) = sample.get_mut(at)
                {
                    *slot = text.into();
                }
            }
        }
        Ok(())
    }

    fn file_done(&mut self) {
        self.reading.files += 1;
    }
}

/// Builds the vocabulary from the training examples: of Wikipedia and Amazon's reviews from 200,000 of them, drawn by a
/// fixed stream (upstream takes the first in an order that is pseudo-random, too); of the others from all.
pub(super) fn build(
    info: &TextInfo,
    found: &Found,
    progress: &mut dyn PrepareProgress,
) -> Result<SubwordEncoder, Error> {
    let all = matches!(info.manifest.decoder, TextDecoder::AclImdb | TextDecoder::Lm1b);
    let id = StreamId::root("taskset-rs/datasets").child(&info.manifest.name).child("vocabulary");
    let mut counting = Counting {
        reading: Reading::new(info, found, progress, |examples, files, of| PrepareEvent::Counting {
            examples,
            files,
            of,
        }),
        counts: TokenCounts::default(),
        sample: (!all).then(|| (id.stream(), Vec::new())),
        seen: 0,
    };
    found.visit(info.manifest, &mut counting)?;
    let Counting { mut reading, mut counts, sample, .. } = counting;
    reading.report();
    for text in sample.into_iter().flat_map(|(_, sample)| sample) {
        counts.add(&text);
    }
    counts.build(TARGET, |threshold, vocabulary| {
        reading.progress.event(PrepareEvent::Tried { threshold, vocabulary });
    })
}

/// Turns examples into tokens.
struct Tokenising<'a> {
    reading: Reading<'a>,
    tokeniser: &'a Tokeniser,
    collector: Collector,
}

impl Visitor for Tokenising<'_> {
    fn member(&mut self, group: usize, path: &str) {
        self.collector.member(group, path);
    }

    fn example(&mut self, split: SourceSplit, label: Option<u8>, text: &str) -> Result<(), Error> {
        self.reading.example();
        self.collector.example(split, label, |tokens| self.tokeniser.encode(text, tokens))
    }

    fn file_done(&mut self) {
        self.reading.files += 1;
    }
}

/// Turns all examples into tokens. Returns them, and what makes the copy a partial one.
pub(super) fn tokenise(
    info: &TextInfo,
    found: &Found,
    tokeniser: &Tokeniser,
    collector: Collector,
    progress: &mut dyn PrepareProgress,
) -> Result<(Collected, Vec<String>), Error> {
    let reading = Reading::new(info, found, progress, |examples, files, of| PrepareEvent::Tokenising {
        examples,
        files,
        of,
    });
    let mut tokenising = Tokenising { reading, tokeniser, collector };
    let judgement = found.read(info.manifest, &mut tokenising)?;
    tokenising.reading.report();
    Ok((tokenising.collector.finish()?, judgement.problems))
}
