//! From original files to tokens: reading, building the vocabulary, tokenising, caching.

use std::path::{Path, PathBuf};

use taskset_names::Origin;
use taskset_rng::{Stream, StreamId};

use crate::sealed::{self, Place};
use crate::{Error, SourceSizes, SourceSplit, files, prepared, text_info};

use super::cache::Rest;
use super::collect::{Collected, Collector, Tokens};
use super::data::Texts;
use super::manifest::TextDecoder;
use super::source::Found;
use super::subwords::{SubwordEncoder, TokenCounts};
use super::visit::Visitor;
use super::{BYTE_VOCABULARY, Encoding, TextData, TextInfo, cache, encode_bytes};

/// Size of the vocabulary that is aimed at, ids in all.
const TARGET: usize = 8192;
/// Training examples of Wikipedia and of Amazon's reviews from which a vocabulary is built.
const SAMPLE: usize = 200_000;
/// Examples between two reports of progress.
const REPORT_EVERY: u64 = 20_000;

/// What preparing a data set is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrepareEvent {
    /// Reading examples for the vocabulary.
    Counting {
        /// Examples read.
        examples: u64,
        /// Files read to their end.
        files: usize,
        /// Files in all.
        of: usize,
    },
    /// A threshold of the vocabulary was tried.
    Tried {
        /// Least count of a subword.
        threshold: u64,
        /// Size of the vocabulary that it gave.
        vocabulary: usize,
    },
    /// Turning examples into tokens.
    Tokenising {
        /// Examples done.
        examples: u64,
        /// Files read to their end.
        files: usize,
        /// Files in all.
        of: usize,
    },
}

/// Who is told how preparing a data set goes on.
pub trait PrepareProgress {
    /// Something was done.
    fn event(&mut self, event: PrepareEvent);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl PrepareProgress for Quiet {
    fn event(&mut self, _: PrepareEvent) {}
}

/// A data set in the cache.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreparedText {
    /// Its file.
    pub path: PathBuf,
    /// Whether it was there before.
    pub found: bool,
    /// Whether it is all of the source.
    pub origin: Origin,
    /// Number of ids.
    pub vocabulary: usize,
    /// Examples.
    pub sizes: SourceSizes,
    /// Tokens of all examples.
    pub tokens: usize,
}

/// Tokenises a text data set of the directory `root` and keeps the tokens in the directory `cache`, unless they are there
/// already. Of subwords, the vocabulary is kept beside them, in the format of TFDS.
///
/// What is kept is found again by the names, sizes and times of change of the original files, and by their contents where
/// these leave doubts. A copy of what lay in the same
/// folder before is removed when a new one is made. Several processes may
/// prepare the same data set at once: each writes a file of its own, and the last takes its place whole.
///
/// # Errors
/// [`Error::UnknownDataset`], [`Error::Partial`] unless `allow_partial`, and everything that can be wrong with files.
pub fn prepare_text(
    root: &Path,
    name: &str,
    cache: &Path,
    allow_partial: bool,
    progress: &mut dyn PrepareProgress,
) -> Result<PreparedText, Error> {
    let info = text_info(name)?;
    let Loaded { data, path, found } = load_or_make(root, info, allow_partial, Some(cache), true, progress)?;
    Ok(PreparedText {
        path,
        found,
        origin: data.origin(),
        vocabulary: data.vocabulary(),
        sizes: data.source_sizes(),
        tokens: data.all_tokens().len(),
    })
}

/// Loads a text data set of the directory `root`: from the cache, if it holds the set, otherwise from the original files.
/// In a cache that was named the result is kept; if none was, the folder `prepared` of `root` is only looked into.
pub(crate) fn load(
    root: &Path,
    info: &'static TextInfo,
    allow_partial: bool,
    cache: Option<&Path>,
    progress: &mut dyn PrepareProgress,
) -> Result<TextData, Error> {
    load_or_make(root, info, allow_partial, cache, false, progress).map(|loaded| loaded.data)
}

struct Loaded {
    data: TextData,
    /// Where it is kept, if anywhere.
    path: PathBuf,
    /// Whether the cache held it.
    found: bool,
}

/// Takes the data set from the cache, or makes it: by `anew` in the place of a copy that cannot be used, too.
fn load_or_make(
    root: &Path,
    info: &'static TextInfo,
    allow_partial: bool,
    cache: Option<&Path>,
    anew: bool,
    progress: &mut dyn PrepareProgress,
) -> Result<Loaded, Error> {
    let check = |problems: &[String]| {
        if problems.is_empty() || allow_partial {
            return Ok(());
        }
        Err(Error::Partial {
            name: info.name.clone(),
            directory: info.manifest.folder(root),
            problems: problems.to_vec(),
            site: info.manifest.site.clone(),
        })
    };
    let found = Found::new(root, info.manifest)?;
    check(&found.problems)?;
    let folder = cache.map_or_else(|| root.join(prepared::FOLDER), Path::to_owned);
    let listing = cache::listing(root, info, &found)?;
    let key = cache::key(&listing);
    let file = |extension| cache::path(&folder, info, &key, extension);
    let path = file("tokens");
    let recorded = cache::originals(&path, info);
    let stale = !recorded.map_or(Ok(true), |recorded| listing.is(&recorded))?;
    match if stale { Ok(None) } else { cache::open(&path, info) } {
        Ok(Some((data, problems))) => {
            check(&problems)?;
            if anew && !recorded.is_some_and(|recorded| listing.has_times(&recorded)) {
                // Where that cannot be noted, the originals are read again next time.
                let _ = cache::renew(&path, info, listing.record()?);
            }
            return Ok(Loaded { data, path, found: true });
        }
        Ok(None) => {}
        Err(Error::Cache { .. }) if anew => {}
        Err(error) => return Err(error),
    }
    cache.map_or(Ok(()), files::check_writable)?;
    // What is recorded of the originals is so before they are read for the copy.
    let originals = cache.map(|_| listing.record()).transpose()?;
    let tokeniser = match info.encoding {
        Encoding::Bytes => Tokeniser::Bytes,
        Encoding::Subwords8k => {
            let kept = file("subwords");
            // A vocabulary of other contents is not that of these.
            let encoder = if !stale && kept.is_file() {
                SubwordEncoder::read_file(&kept)
            } else {
                build(info, &found, progress)
            };
            Tokeniser::Subwords(Box::new(encoder?))
        }
    };
    let collector = if cache.is_some() { Collector::into_file(&path)? } else { Collector::default() };
    let (collected, problems) = tokenise(info, &found, &tokeniser, collector, progress)?;
    check(&problems)?;
    let Collected { tokens, ends, labels, train } = collected;
    let test = ends.len() - train;
    if train < 3 || test == 0 {
        let directory = info.manifest.folder(root);
        return Err(Error::TooFewExamples { name: info.name.clone(), directory, train, test });
    }
    let vocabulary = tokeniser.vocabulary();
    let data = match tokens {
        Tokens::Written(writer) => {
            if let Tokeniser::Subwords(encoder) = &tokeniser {
                sealed::write_whole(&file("subwords"), encoder.to_file_contents()?.as_bytes())?;
            }
            let folder_of_origin = cache::folder_of_origin(root, info);
            let originals = originals.map_or_else(|| listing.record(), Ok)?;
            let (ends, labels, notes) = (&ends, &labels, &problems);
            let rest = Rest { vocabulary, train, ends, labels, notes, folder: folder_of_origin, originals };
            cache::finish(*writer, info, &rest)?;
            cache::remove_outdated(&folder, info, &key, folder_of_origin);
            cache::open(&path, info)?.ok_or_else(|| Place::new(&path, &info.name).broken("it is gone"))?.0
        }
        Tokens::Held(tokens) => {
            let origin = if problems.is_empty() { Origin::Real } else { Origin::Partial };
            TextData::new(info, origin, vocabulary, Texts { tokens, ends }, labels, train)?
        }
    };
    Ok(Loaded { data, path, found: false })
}

enum Tokeniser {
    Bytes,
    Subwords(Box<SubwordEncoder>),
}

impl Tokeniser {
    fn encode(&self, text: &str, tokens: &mut Vec<u16>) {
        match self {
            Self::Bytes => encode_bytes(text, tokens),
            Self::Subwords(encoder) => encoder.encode(text, tokens),
        }
    }

    fn vocabulary(&self) -> usize {
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
fn build(
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
fn tokenise(
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
