//! Stand-ins for text sources: invented texts in the script of the language, with the lengths of the source.
//!
//! Words are invented, sentences follow a small grammar: nouns belong to the topic of the document, verbs and adjectives
//! go with their nouns, and in reviews some adjectives judge, more often than not as the label says. So a language model
//! gains from longer context, and a bag of words tells the label far better than chance but not always: a part of the
//! labels is wrong. Everything comes from fixed streams with integer arithmetic and comparisons of draws; a test pins the
//! tokens.

mod words;
mod writer;

use taskset_names::Origin;
use taskset_rng::{Stream, StreamId};

use super::data::Texts;
use super::subwords::{SubwordEncoder, TokenCounts};
use super::{Encoding, TextData, TextInfo, encode_bytes};
use crate::Error;
use crate::manifest::TextDecoder;
use writer::Writer;

/// Share of the labels that are replaced by a uniformly drawn class.
const LABEL_NOISE: f64 = 0.06;
/// Share of Amazon's reviews with one to five stars, in percent.
const STARS: [u64; 5] = [8, 5, 8, 18, 61];

/// Training and test examples of a stand-in.
const fn sizes(decoder: TextDecoder) -> [usize; 2] {
    match decoder {
        TextDecoder::AclImdb => [4000, 1000],
        TextDecoder::Lm1b => [20_000, 2000],
        TextDecoder::WikiExtractor => [8000, 2000],
        TextDecoder::AmazonReviews => [7000, 3000],
    }
}

/// Generates the stand-in of a text data set. Bytes and subwords of a source have the same texts.
pub(crate) fn stand_in(info: &'static TextInfo) -> Result<TextData, Error> {
    let manifest = info.manifest;
    let id = StreamId::root("taskset-rs/datasets").child(&manifest.name).child("stand-in");
    let tokenised = manifest.decoder == TextDecoder::Lm1b;
    let writer = Writer::new(manifest.language, tokenised, &mut id.child("words").stream());
    let [train, test] = sizes(manifest.decoder);
    let (mut examples, mut labels) = (Vec::with_capacity(train + test), Vec::new());
    for (split, count) in [("train", train), ("test", test)] {
        let mut stream = id.child(split).stream();
        for _ in 0..count {
            let label = manifest.classes.map(|classes| label(classes, &mut stream));
            examples.push(example(manifest.decoder, &writer, label, &mut stream));
            if let (Some(label), Some(classes)) = (label, manifest.classes) {
                let wrong = stream.bernoulli(LABEL_NOISE);
                labels.push(if wrong { stream.below(classes as u64) as u8 } else { label });
            }
        }
    }
    let mut texts = Texts::default();
    let vocabulary = match info.encoding {
        Encoding::Bytes => {
            for text in &examples {
                encode_bytes(text, &mut texts.tokens);
                texts.end();
            }
            super::BYTE_VOCABULARY
        }
        Encoding::Subwords8k => {
            let mut counts = TokenCounts::default();
            examples[..train].iter().for_each(|text| counts.add(text));
            let encoder = SubwordEncoder::new(counts.best(info.vocabulary - super::BYTE_VOCABULARY))?;
            for text in &examples {
                encoder.encode(text, &mut texts.tokens);
                texts.end();
            }
            encoder.vocabulary()
        }
    };
    TextData::new(info, Origin::Synthetic, vocabulary, texts, labels, train)
}

fn label(classes: usize, stream: &mut Stream) -> u8 {
    if classes != STARS.len() {
        return stream.below(classes as u64) as u8;
    }
    let mut at = stream.below(STARS.iter().sum());
    STARS
        .iter()
        .take_while(|&&share| {
            at >= share && {
                at -= share;
                true
            }
        })
        .count() as u8
}

fn example(decoder: TextDecoder, writer: &Writer, label: Option<u8>, stream: &mut Stream) -> String {
    let mut subject = writer.subject(None, stream);
    match decoder {
        TextDecoder::AclImdb => {
            subject.praise = label.map(|label| if label == 1 { 0.85 } else { 0.15 });
            let sentences = 3 + stream.below(10) + stream.below(2) * stream.below(20);
            writer.document(subject, sentences, true, stream)
        }
        TextDecoder::AmazonReviews => {
            subject.praise = label.map(|label| 0.1 + 0.2 * f64::from(label));
            // Some of the real reviews are empty, too.
            let sentences = u64::from(!stream.bernoulli(0.003))
                * (1 + stream.below(5) + stream.below(2) * stream.below(8));
            writer.document(subject, sentences, false, stream)
        }
        TextDecoder::Lm1b => writer.document(subject, 1, false, stream),
        TextDecoder::WikiExtractor if stream.bernoulli(0.15) => writer.heading(subject, stream),
        TextDecoder::WikiExtractor => {
            let sentences = 1 + stream.below(6);
            writer.document(subject, sentences, false, stream)
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::text::{text_info, text_infos};

    /// Mean bits a byte of the test texts under add-one counts of the training texts: alone, and after another.
    fn bits(data: &TextData) -> [f64; 2] {
        let (train, v) = (data.source_sizes().train as u32, data.vocabulary());
        let mut pairs = vec![0u32; v * v];
        for pair in (0..train).flat_map(|i| data.tokens(i).windows(2)) {
            pairs[usize::from(pair[0]) * v + usize::from(pair[1])] += 1;
        }
        let firsts: Vec<f64> = pairs.chunks(v).map(|row| f64::from(row.iter().sum::<u32>())).collect();
        let total: f64 = firsts.iter().sum();
        let (mut sums, mut n) = ([0.0; 2], 0.0);
        for pair in (train..data.len() as u32).flat_map(|i| data.tokens(i).windows(2)) {
            let [a, b] = [usize::from(pair[0]), usize::from(pair[1])];
            sums[0] -= f64::log2((firsts[a] + 1.0) / (total + v as f64));
            sums[1] -= f64::log2((f64::from(pairs[a * v + b]) + 1.0) / (firsts[a] + v as f64));
            n += 1.0;
        }
        sums.map(|sum| sum / n)
    }

    #[test]
    fn every_data_set_has_a_stand_in_with_its_vocabulary() {
        for info in text_infos() {
            let data = stand_in(info).unwrap();
            assert_eq!(
                (data.vocabulary(), data.origin()),
                (info.vocabulary, Origin::Synthetic),
                "{}",
                info.name
            );
            let sizes = data.source_sizes();
            assert_eq!(
                [sizes.train, sizes.test.unwrap()],
                super::sizes(info.manifest.decoder),
                "{}",
                info.name
            );
            let mean = data.all_tokens().len() as f64 / data.len() as f64;
            let (low, high) = match (info.encoding, info.manifest.decoder) {
                (Encoding::Bytes, TextDecoder::AclImdb) => (600.0, 1400.0),
                (Encoding::Bytes, TextDecoder::Lm1b) => (100.0, 160.0),
                (Encoding::Bytes, _) => (150.0, 450.0),
                (Encoding::Subwords8k, TextDecoder::AclImdb) => (120.0, 300.0),
                (Encoding::Subwords8k, _) => (18.0, 90.0),
            };
            assert!(mean > low && mean < high, "{}: {mean} tokens an example", info.name);
            let mut seen = vec![false; data.vocabulary()];
            data.all_tokens().iter().for_each(|&token| seen[usize::from(token)] = true);
            let seen = seen.iter().filter(|&&s| s).count() as f64 / data.vocabulary() as f64;
            assert!(
                info.encoding == Encoding::Bytes || seen > 0.7,
                "{}: {seen} of the vocabulary occurs",
                info.name
            );
            if let Some(classes) = data.classes() {
                let counted: Vec<usize> = (0..classes as u16)
                    .map(|c| (0..data.len() as u32).filter(|&i| data.label(i) == c).count())
                    .collect();
                assert!(counted.iter().all(|&n| n * 25 > data.len()), "{}: {counted:?}", info.name);
            }
        }
    }

    #[test]
    fn texts_of_bytes_are_in_the_script_of_the_language() {
        let check = |name: &str, share: std::ops::Range<f64>, ends: &str| {
            let data = stand_in(text_info(name).unwrap()).unwrap();
            let text = crate::text::decode_bytes(data.all_tokens()).unwrap();
            let multi = text.chars().filter(|c| !c.is_ascii()).count() as f64 / text.chars().count() as f64;
            assert!(share.contains(&multi), "{name}: {multi}");
            assert!(text.contains(ends), "{name}");
        };
        check("tokenized_wikipedia/20190301.zh_bytes", 0.9..1.0, "。");
        check("tokenized_wikipedia/20190301.ja_bytes", 0.9..1.0, "。");
        check("tokenized_wikipedia/20190301.ru_bytes", 0.7..0.9, ". ");
        check("tokenized_wikipedia/20190301.hsb_bytes", 0.1..0.4, ". ");
        check("tokenized_wikipedia/20190301.en_bytes", 0.0..1e-9, ". ");
        check("lm1b/bytes", 0.0..1e-9, " .");
        check("imdb_reviews/bytes", 0.0..1e-9, "<br /><br />");
    }

    #[test]
    fn a_byte_tells_something_about_the_next() {
        let check = |name: &str, expected: [std::ops::Range<f64>; 2]| {
            let bits = bits(&stand_in(text_info(name).unwrap()).unwrap());
            assert!(
                expected.iter().zip(&bits).all(|(range, bits)| range.contains(bits)),
                "{name}: {bits:?} bits"
            );
        };
        // Real English is near 4.5 and 3.5 bits.
        check("lm1b/bytes", [4.0..4.8, 3.0..3.8]);
        check("tokenized_wikipedia/20190301.zh_bytes", [5.2..6.5, 3.5..5.0]);
    }

    /// Mean over the classes of the share of their test reviews that naive Bayes (add-one) finds from the first `length`
    /// tokens.
    fn recall(data: &TextData, length: usize) -> f64 {
        let (train, classes) = (data.source_sizes().train as u32, data.classes().unwrap());
        let words = |i: u32| data.tokens(i).iter().take(length).map(|&token| usize::from(token));
        let mut counts = vec![vec![1.0; data.vocabulary()]; classes];
        for i in 0..train {
            words(i).for_each(|word| counts[usize::from(data.label(i))][word] += 1.0);
        }
        for counts in &mut counts {
            let total: f64 = counts.iter().sum();
            counts.iter_mut().for_each(|count| *count = f64::ln(*count / total));
        }
        let (mut right, mut all) = (vec![0.0; classes], vec![0.0; classes]);
        for i in train..data.len() as u32 {
            let score = |class: usize| words(i).map(|word| counts[class][word]).sum::<f64>();
            let best = (0..classes).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap();
            let label = usize::from(data.label(i));
            all[label] += 1.0;
            right[label] += f64::from(u8::from(best == label));
        }
        right.iter().zip(&all).map(|(right, all)| right / all).sum::<f64>() / classes as f64
    }

    #[test]
    fn labels_can_be_told_often_but_not_always() {
        let check = |data: &TextData, length: usize, range: std::ops::Range<f64>| {
            let recall = recall(data, length);
            assert!(range.contains(&recall), "{}, {length} tokens: {recall}", data.name());
        };
        let imdb = stand_in(text_info("imdb_reviews/subwords8k").unwrap()).unwrap();
        check(&imdb, usize::MAX, 0.85..0.95);
        check(&imdb, 32, 0.65..0.85);
        let books = text_info("tokenized_amazon_reviews/Books_v1_02_subwords8k").unwrap();
        check(&stand_in(books).unwrap(), usize::MAX, 0.25..0.7);
    }

    #[test]
    fn tokens_are_pinned() {
        // SHA-256 of tokens (u16 little-endian), then labels, first 8 bytes. Made by this crate, version 0.1.0, on
        // x86-64; a change moves every curve that was trained on stand-ins.
        let digest = |name: &str| {
            let data = stand_in(text_info(name).unwrap()).unwrap();
            let mut hash = Sha256::new();
            data.all_tokens().iter().for_each(|token| hash.update(token.to_le_bytes()));
            hash.update(data.labels());
            crate::files::hex(&hash.finalize()[..8])
        };
        assert_eq!(
            ["imdb_reviews/bytes", "imdb_reviews/subwords8k"].map(digest),
            ["7f3e3cc4bdb2a05f", "df1644fb1caf2fd4"]
        );
        assert_eq!(
            ["tokenized_wikipedia/20190301.ja_bytes", "lm1b/subwords8k"].map(digest),
            ["d24be08f11819539", "1941e755fe04fc3a"]
        );
    }
}
