//! Digests that tell whether a file still has the bytes that were written.
//!
//! Parquet's own checksums of pages are written by few programs and read by fewer, so a flipped bit changes a loss silently.
//! A curve file therefore carries, in its key-value metadata,
//!
//! - `taskset.chunk_digests`: a JSON list with a list for each row group: the SHA-256 of the bytes of each column chunk, in
//!   the order of the columns;
//! - `taskset.footer_digest`: the SHA-256 of everything behind the last column chunk (the footer, its length and the closing
//!   magic), taken with 64 zeros in place of this digest. As the footer holds the digests of the chunks, this is one digest
//!   over all of the file.
//!
//! The footer is verified when a file is opened, and each chunk when it is read.

use parquet::file::metadata::KeyValue;
use sha2::{Digest as _, Sha256};
use taskset_trial::Digest;

pub(crate) const CHUNK_DIGESTS: &str = "taskset.chunk_digests";
pub(crate) const FOOTER_DIGEST: &str = "taskset.footer_digest";

/// What stands in place of the digest while it is computed.
const ZEROS: [u8; 64] = [b'0'; 64];

/// How Parquet's footer (Thrift, compact protocol) stores a value of 64 bytes behind its key: the next field, a text, its
/// length.
const VALUE_OF_64: [u8; 2] = [0x18, 64];

/// The pairs that a file needs besides its metadata: the chunks' digests, and room for the footer's.
pub(crate) fn pairs(chunks: &[Vec<Digest>]) -> [KeyValue; 2] {
    let group = |chunks: &Vec<Digest>| {
        let texts: Vec<String> = chunks.iter().map(|digest| format!("\"{digest}\"")).collect();
        format!("[{}]", texts.join(","))
    };
    let groups: Vec<String> = chunks.iter().map(group).collect();
    let zeros = String::from_utf8_lossy(&ZEROS).into_owned();
    [
        KeyValue::new(CHUNK_DIGESTS.to_owned(), format!("[{}]", groups.join(","))),
        KeyValue::new(FOOTER_DIGEST.to_owned(), zeros),
    ]
}

/// The digests that a text of [`pairs`] holds, group by group.
pub(crate) fn parse_chunks(text: &str) -> Option<Vec<Vec<Digest>>> {
    let groups: Vec<Vec<String>> = serde_json::from_str(text).ok()?;
    let parse = |group: &Vec<String>| group.iter().map(|text| text.parse().ok()).collect::<Option<Vec<_>>>();
    groups.iter().map(parse).collect()
}

/// What a footer says of its own digest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Footer {
    /// It has the digest that it should have.
    Intact,
    /// It has another one.
    Damaged,
    /// It has none.
    Unsealed,
}

/// Where the footer's digest stands in the bytes behind the last chunk.
fn place(footer: &[u8]) -> Option<usize> {
    let needle = [FOOTER_DIGEST.as_bytes(), &VALUE_OF_64].concat();
    let at = footer.windows(needle.len()).position(|window| window == needle)? + needle.len();
    (footer.len() >= at + ZEROS.len()).then_some(at)
}

/// The digest of the bytes behind the last chunk, with zeros in place of the digest at `at`.
fn digest(footer: &[u8], at: usize) -> Digest {
    let mut hash = Sha256::new();
    hash.update(&footer[..at]);
    hash.update(ZEROS);
    hash.update(&footer[at + ZEROS.len()..]);
    Digest(hash.finalize().into())
}

/// Where the digest belongs that the bytes behind the last chunk must carry, and what it is.
pub(crate) fn seal(footer: &[u8]) -> Option<(usize, Digest)> {
    place(footer).map(|at| (at, digest(footer, at)))
}

/// Compares the bytes behind the last chunk with the digest that they carry. Of `file`, only the part that begins at the
/// footer is hashed.
pub(crate) fn verify(footer: &[u8]) -> Footer {
    let Some(at) = place(footer) else { return Footer::Unsealed };
    let stored = &footer[at..at + ZEROS.len()];
    if digest(footer, at).to_string().as_bytes() == stored { Footer::Intact } else { Footer::Damaged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_footer_is_intact_and_every_flipped_bit_is_noticed() {
        let chunks = vec![vec![Digest([1; 32]), Digest([2; 32])], vec![Digest([3; 32]), Digest([4; 32])]];
        let [chunk_pair, own] = pairs(&chunks);
        assert_eq!(parse_chunks(&chunk_pair.value.unwrap()).unwrap(), chunks);
        let mut footer = b"before".to_vec();
        footer.extend(FOOTER_DIGEST.as_bytes());
        footer.extend(VALUE_OF_64);
        footer.extend(own.value.unwrap().as_bytes());
        footer.extend(b"behind");
        assert_eq!(verify(&footer), Footer::Damaged, "nothing was put in yet");
        let (at, digest) = seal(&footer).unwrap();
        footer[at..at + 64].copy_from_slice(digest.to_string().as_bytes());
        assert_eq!(verify(&footer), Footer::Intact);
        for bit in 0..8 * footer.len() {
            let mut flipped = footer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(verify(&flipped), Footer::Intact, "bit {bit}");
        }
        assert_eq!(verify(&footer[..at + 63]), Footer::Unsealed);
        assert!(parse_chunks("[[\"xy\"]]").is_none() && parse_chunks("{}").is_none());
    }
}
