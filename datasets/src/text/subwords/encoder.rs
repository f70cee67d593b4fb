//! The subword encoder: text to ids of a vocabulary, with bytes for what the vocabulary lacks.

use crate::Error;

use super::split_words::{ESCAPE, Reserved, is_mixed, prepare};
use super::trie::{Node, Trie};

/// Largest number of subwords: every id must be below 30,000.
pub(crate) const MAX_SUBWORDS: usize = 30_000 - 1 - 256;

/// An invertible encoder of text into subwords, the `SubwordTextEncoder` of TFDS (version 1.3.0).
///
/// Ids, for S subwords: 0 is padding, `1..=S` are the subwords in vocabulary order, `S + 1..=S + 256` are the bytes.
/// A trailing `_` of a subword is a space. Texts are cut into runs of word characters and of others; each run is split
/// greedily into the longest subwords, and a character that begins none is written as its UTF-8 bytes.
#[derive(Clone, Debug)]
pub struct SubwordEncoder {
    subwords: Vec<String>,
    trie: Trie,
    /// Id of each node of the trie; 0 if it is no subword.
    ids: Vec<u16>,
    escape: Node,
    reserved: Reserved,
}

impl SubwordEncoder {
    /// The encoder of a vocabulary, most frequent subword first. Empty subwords are left out.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if there are so many subwords that ids would reach 30,000, or if one occurs twice.
    pub fn new(subwords: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let subwords: Vec<String> = subwords.into_iter().filter(|subword| !subword.is_empty()).collect();
        if subwords.len() > MAX_SUBWORDS {
            let problem = format!("{} subwords, at most {MAX_SUBWORDS} can be numbered", subwords.len());
            return Err(Error::Vocabulary { problem });
        }
        let mut trie = Trie::new();
        let escape = trie.insert(ESCAPE);
        let mut ids = Vec::new();
        for (i, subword) in subwords.iter().enumerate() {
            let node = trie.insert(subword) as usize;
            ids.resize(trie.len(), 0);
            if ids[node] != 0 {
                return Err(Error::Vocabulary { problem: format!("the subword {subword:?} occurs twice") });
            }
            ids[node] = i as u16 + 1;
        }
        ids.resize(trie.len(), 0);
        // Upstream reserves subwords with an escape in them too, which makes a literal one ambiguous.
        let reserved = subwords.iter().map(String::as_str);
        let reserved = Reserved::new(reserved.filter(|s| is_mixed(s) && !s.contains(&ESCAPE[..2])));
        Ok(Self { subwords, trie, ids, escape, reserved })
    }

    /// The subwords, in the order of their ids from 1.
    pub fn subwords(&self) -> &[String] {
        &self.subwords
    }

    /// Number of ids: padding, subwords and bytes.
    pub fn vocabulary(&self) -> usize {
        1 + self.subwords.len() + 256
    }

    /// Appends the ids of a text.
    pub fn encode(&self, text: &str, out: &mut Vec<u16>) {
        prepare(text, &self.reserved, |token| self.encode_token(token, out));
    }

    /// Appends the ids of a prepared token.
    fn encode_token(&self, token: &str, out: &mut Vec<u16>) {
        let mut rest = token;
        let marked = |node| node == self.escape || self.ids[node as usize] != 0;
        while let Some(first) = rest.chars().next() {
            let length = match self.trie.longest(rest, marked) {
                // The escape is the underscore's byte even if a vocabulary holds it.
                Some((node, length)) if node == self.escape => {
                    out.push(self.byte_id(b'_'));
                    length
                }
                Some((node, length)) => {
                    out.push(self.ids[node as usize]);
                    length
                }
                None if first == '_' => {
                    out.push(self.byte_id(b' '));
                    1
                }
                None => {
                    let length = first.len_utf8();
                    out.extend(rest.as_bytes()[..length].iter().map(|&byte| self.byte_id(byte)));
                    length
                }
            };
            rest = &rest[length..];
        }
    }

    fn byte_id(&self, byte: u8) -> u16 {
        (1 + self.subwords.len()) as u16 + u16::from(byte)
    }

    /// The text of ids: the inverse of [`encode`](Self::encode) for any text and any vocabulary that was built from a
    /// corpus. Padding (0) is left out; bytes that are not UTF-8 become U+FFFD.
    ///
    /// Upstream leaves an escaped underscore inside a subword escaped; here it becomes an underscore again.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if an id is not of this vocabulary.
    pub fn decode(&self, ids: &[u16]) -> Result<String, Error> {
        let mut bytes = Vec::new();
        // Where pieces begin: an escape that begins there but ends in another piece is a literal one of the text.
        let mut pieces = Vec::new();
        for &id in ids.iter().filter(|&&id| id != 0) {
            let index = usize::from(id) - 1;
            pieces.push(bytes.len());
            match (self.subwords.get(index), u8::try_from(index.saturating_sub(self.subwords.len()))) {
                (Some(subword), _) => match subword.strip_suffix('_') {
                    Some(word) => bytes.extend(word.bytes().chain([b' '])),
                    None => bytes.extend(subword.bytes()),
                },
                (None, Ok(byte)) => bytes.push(byte),
                (None, Err(_)) => {
                    let problem = format!("id {id} in a vocabulary of {} ids", self.vocabulary());
                    return Err(Error::Vocabulary { problem });
                }
            }
        }
        pieces.push(bytes.len());
        Ok(String::from_utf8_lossy(&unescape(&bytes, &pieces)).into_owned())
    }
}

/// Turns escapes into underscores, except those that begin with a piece and do not end in it.
fn unescape(bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
    let escape = ESCAPE.as_bytes();
    let (mut out, mut at, mut piece) = (Vec::with_capacity(bytes.len()), 0, 0);
    while at < bytes.len() {
        while pieces[piece + 1] <= at {
            piece += 1;
        }
        let end = at + escape.len();
        let literal = pieces[piece] == at && end > pieces[piece + 1];
        if bytes[at..].starts_with(escape) && !literal {
            out.push(b'_');
            at = end;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoder(subwords: &[&str]) -> SubwordEncoder {
        SubwordEncoder::new(subwords.iter().map(|&s| s.to_owned())).unwrap()
    }

    fn encode(encoder: &SubwordEncoder, text: &str) -> Vec<u16> {
        let mut ids = Vec::new();
        encoder.encode(text, &mut ids);
        ids
    }

    #[test]
    fn the_longest_subword_wins_and_bytes_fill_the_gaps() {
        let encoder = encoder(&["the_", "th", "ing", "s", ", ", "é"]);
        assert_eq!(encoder.vocabulary(), 1 + 6 + 256);
        let byte = |b: u8| 7 + u16::from(b);
        let check = |text: &str, expected: &[u16]| {
            assert_eq!(encode(&encoder, text), expected, "{text}");
            assert_eq!(encoder.decode(expected).unwrap(), text);
        };
        check("the things, é", &[1, 2, 3, 4, 5, 6]);
        check("thé thez", &[2, 6, byte(b' '), 2, byte(b'e'), byte(b'z')]);
        check("a_s", &[byte(b'a'), byte(b'_'), 4]);
        check("ü", &[byte(0xc3), byte(0xbc)]);
        check("\\&undsc", &[byte(b'\\'), byte(b'&'), byte(b'u'), byte(b'n'), byte(b'd'), 4, byte(b'c')]);
        assert_eq!(encoder.decode(&[0, 1, 0, byte(0xff)]).unwrap(), "the \u{fffd}");
        assert!(encoder.decode(&[263]).unwrap_err().to_string().contains("id 263 in a vocabulary of 263"));
    }

    #[test]
    fn mixed_subwords_are_reserved() {
        let encoder = encoder(&["<EOS>", "<EOS>_", "a"]);
        assert_eq!(encode(&encoder, "a<EOS>a<EOS> a"), [3, 1, 3, 2, 3]);
        // `_` in a text is an underscore, not the space of the second subword, which is split out whole all the same.
        assert_eq!(encode(&encoder, "<EOS>_"), [1, 4 + u16::from(b'_')]);
    }

    #[test]
    fn hopeless_vocabularies_are_refused() {
        let error = |subwords: Vec<String>| SubwordEncoder::new(subwords).unwrap_err().to_string();
        assert!(error(vec!["ab".into(), "c".into(), "ab".into()]).contains("\"ab\" occurs twice"));
        assert!(error((0..29_744).map(|i| i.to_string()).collect()).contains("29744 subwords"));
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(
            text in "([a-d_ \\\\&.]|undsc|\\\\&undsc|é|東|\\PC|\n){0,40}",
            subwords in proptest::collection::btree_set("([abcé東]{1,3}_?|[.& ]{2}|[ab]?\\\\&undsc[ab_]?|[ab]?\\\\&u?n?d?)", 0..12),
        ) {
            let encoder = SubwordEncoder::new(subwords).unwrap();
            let ids = encode(&encoder, &text);
            prop_assert!(ids.iter().all(|&id| id > 0 && usize::from(id) < encoder.vocabulary()));
            prop_assert_eq!(encoder.decode(&ids).unwrap(), text);
        }
    }
}
