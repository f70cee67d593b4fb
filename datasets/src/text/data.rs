//! Text data sets: one buffer of tokens, cut into examples.

use std::sync::OnceLock;

use taskset_names::Origin;

use crate::Error;
use crate::buffer::Buffer;
use crate::digest::{Body, Fields};
use crate::prepared::sealed::Digest256;
use crate::splits::SourceSizes;

use super::{Encoding, TextInfo};

/// Every id of every tokeniser is below this.
pub(crate) const MAX_VOCABULARY: usize = 30_000;

/// The tokens of many texts, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) tokens: Vec<u16>,
    /// Where each text ends in `tokens`.
    pub(crate) ends: Vec<u64>,
}

impl Texts {
    /// Ends the text that was appended to `tokens`.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.tokens.len() as u64);
    }
}

/// The tokens and labels of a text data set, all source splits, in the source's order.
///
/// Examples are numbered from 0 through the source splits: train, then test. A token is an id below
/// [`vocabulary`](Self::vocabulary); 0 is padding and occurs in no example. An example may be empty.
#[derive(Clone, Debug)]
pub struct TextData {
    name: String,
    info: &'static TextInfo,
    origin: Origin,
    vocabulary: usize,
    tokens: Buffer<u16>,
    /// Where each example ends in `tokens`.
    ends: Buffer<u64>,
    /// One an example, or none at all.
    labels: Buffer<u8>,
    sizes: SourceSizes,
    /// SHA-256 of tokens, ends and labels, once it is known.
    body: OnceLock<Digest256>,
}

impl TextData {
    /// Puts a data set together: `texts` and `labels` of `train` training examples, then of the test examples.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the parts do not fit together, if a split is too small to be carved, or if there are
    /// 2³² examples or more.
    pub(crate) fn new(
        info: &'static TextInfo,
        origin: Origin,
        vocabulary: usize,
        texts: Texts,
        labels: Vec<u8>,
        train: usize,
    ) -> Result<Self, Error> {
        let foreign = |&&token: &&u16| token == 0 || usize::from(token) >= vocabulary;
        if let Some(token) = texts.tokens.iter().find(foreign) {
            let problem = format!("token {token} in a vocabulary of {vocabulary}");
            return Err(Error::Inconsistent { name: info.name.clone(), problem });
        }
        let (tokens, ends) = (texts.tokens.into(), texts.ends.into());
        Self::assemble(info, origin, vocabulary, tokens, ends, labels.into(), train)
    }

    /// As [`new`](Self::new), wherever the tokens are; they are not read, so that this takes no longer for more of them.
    pub(crate) fn assemble(
        info: &'static TextInfo,
        origin: Origin,
        vocabulary: usize,
        tokens: Buffer<u16>,
        ends: Buffer<u64>,
        labels: Buffer<u8>,
        train: usize,
    ) -> Result<Self, Error> {
        let name = info.name.clone();
        let examples = ends.len();
        let problem = if u32::try_from(examples).is_err() {
            Some(format!("{examples} examples, more than can be numbered"))
        } else if train < 3 || examples <= train {
            Some(format!("{train} training and {} test examples", examples.saturating_sub(train)))
        } else if ends.last() != Some(&(tokens.len() as u64)) || !ends.is_sorted() {
            Some("examples do not cover the tokens".to_owned())
        } else if vocabulary > MAX_VOCABULARY {
            Some(format!("a vocabulary of {vocabulary} ids, the limit is {MAX_VOCABULARY}"))
        } else if labels.len() != info.classes.map_or(0, |_| examples) {
            Some(format!("{} labels for {examples} examples", labels.len()))
        } else {
            let classes = info.classes.unwrap_or(0);
            labels.iter().find(|&&label| usize::from(label) >= classes).map(|label| format!("label {label}"))
        };
        if let Some(problem) = problem {
            return Err(Error::Inconsistent { name, problem });
        }
        let sizes = SourceSizes { train, validation: None, test: Some(examples - train) };
        Ok(Self { name, info, origin, vocabulary, tokens, ends, labels, sizes, body: OnceLock::new() })
    }

    /// Remembers the SHA-256 of tokens, ends and labels, which is known.
    pub(crate) fn with_body(self, body: Digest256) -> Self {
        Self { body: OnceLock::from(body), ..self }
    }

    /// Name in configurations, e.g. `imdb_reviews/subwords8k`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is known of the data set without its files. A stand-in or a partial copy has fewer examples than this says.
    pub fn info(&self) -> &'static TextInfo {
        self.info
    }

    /// Whether these are the original texts, a part of them, or a stand-in.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Number of ids, padding included; every token is below it. 257 for bytes.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Number of classes, if the source has labels.
    pub fn classes(&self) -> Option<usize> {
        self.info.classes
    }

    /// Examples of each source split that are held here: train and test.
    pub fn source_sizes(&self) -> SourceSizes {
        self.sizes
    }

    /// Number of examples, all source splits together.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no example; never so.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The tokens of an example, without padding.
    ///
    /// # Panics
    /// If there is no such example.
    #[inline]
    pub fn tokens(&self, example: u32) -> &[u16] {
        let (example, ends) = (example as usize, &*self.ends);
        let start = if example == 0 { 0 } else { ends[example - 1] };
        &self.tokens[start as usize..ends[example] as usize]
    }

    /// The label of an example, below [`classes`](Self::classes): 0 negative and 1 positive for `imdb_reviews`, stars
    /// less one for Amazon's reviews.
    ///
    /// # Panics
    /// If there is no such example, or if the source has no labels.
    #[inline]
    pub fn label(&self, example: u32) -> u16 {
        u16::from(self.labels[example as usize])
    }

    /// The labels of all examples; none if the source has none.
    #[cfg(test)]
    pub(crate) fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All tokens, one example after the other.
    pub fn all_tokens(&self) -> &[u16] {
        &self.tokens
    }

    /// SHA-256 over encoding, vocabulary size, classes, sizes of the source splits, tokens, ends of examples and labels. Data
    /// with the same digest are the same to a task, whether they were read from original files in any packing or from a
    /// prepared copy, or were generated; name and origin are no part of it. The layout of what is hashed stands at the head
    /// of `datasets/src/digest.rs`.
    ///
    /// The first call reads all tokens, unless they came from a prepared copy, which was verified when it was opened.
    pub fn digest(&self) -> [u8; 32] {
        let body = self.body.get_or_init(|| {
            let padding = padding(self.tokens.len());
            let body = Body::new().numbers(&self.tokens).numbers(padding);
            body.numbers(&self.ends).numbers(&self.labels).finish()
        });
        let encoding: &[u8] = match self.info.encoding {
            Encoding::Bytes => b"bytes",
            Encoding::Subwords8k => b"subwords8k",
        };
        Fields::of("taskset-rs texts 1")
            .bytes(encoding)
            .number(self.vocabulary)
            .number(self.info.classes)
            .number(self.sizes.train)
            .number(self.sizes.validation)
            .number(self.sizes.test)
            .number(self.tokens.len())
            .number(self.labels.len())
            .bytes(body)
            .finish()
    }
}

/// The zeros behind so many tokens, up to a multiple of eight bytes.
pub(crate) fn padding(tokens: usize) -> &'static [u8] {
    &[0; 6][..2 * (tokens.wrapping_neg() % 4)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::text_info;

    fn texts(examples: &[&[u16]]) -> Texts {
        let mut texts = Texts::default();
        for example in examples {
            texts.tokens.extend(*example);
            texts.end();
        }
        texts
    }

    #[test]
    fn examples_lie_one_after_the_other() {
        let texts = texts(&[&[1, 2], &[], &[3], &[4, 5, 6]]);
        let info = text_info("imdb_reviews/bytes").unwrap();
        let data = TextData::new(info, Origin::Real, 257, texts, vec![0, 1, 0, 1], 3).unwrap();
        let all: Vec<&[u16]> = (0..4).map(|i| data.tokens(i)).collect();
        assert_eq!(all, [&[1, 2][..], &[], &[3], &[4, 5, 6]]);
        assert_eq!((data.label(3), data.len(), data.source_sizes().test), (1, 4, Some(1)));
    }

    #[test]
    fn inconsistent_parts_are_refused() {
        let check = |name: &str, examples: &[&[u16]], labels: &[u8], train: usize, word: &str| {
            let info = text_info(name).unwrap();
            let data = TextData::new(info, Origin::Real, 257, texts(examples), labels.to_vec(), train);
            let message = data.unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        let four: [&[u16]; 4] = [&[1], &[2], &[3], &[4]];
        check("imdb_reviews/bytes", &four, &[0; 3], 3, "3 labels");
        check("imdb_reviews/bytes", &four, &[0, 1, 2, 0], 3, "label 2");
        check("lm1b/bytes", &four, &[0; 4], 3, "4 labels");
        check("lm1b/bytes", &four, &[], 4, "4 training and 0 test");
        check("lm1b/bytes", &[&[1], &[2], &[257], &[3]], &[], 3, "token 257");
        check("lm1b/bytes", &[&[1], &[2], &[0], &[3]], &[], 3, "token 0");
    }
}
