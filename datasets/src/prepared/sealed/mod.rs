//! Files of prepared copies, of images and of texts: a header that is checked when a file is opened, and a payload that is
//! mapped into memory.
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 0..12 | magic (8 bytes) and format version (u32) of the kind |
//! | 12..200 | fields of the kind |
//! | 200..232 | SHA-256 of the payload |
//! | 232..264 | SHA-256 of the bytes before |
//! | 264.. | the payload, and behind it what else the kind has |
//!
//! A file is whole or absent (`taskset_files::AtomicFile`), and processes that prepare the same data set at once do not disturb
//! each other: they write the same bytes, and the last one stays. What a killed writer left is removed by the next one.
//!
//! No payload is used before it was compared with its checksum: once a process, for a file that stays as it is.

mod map;
mod write;

use std::ops::Range;

use sha2::{Digest, Sha256};

pub(crate) use map::{Mapped, Place};
pub(crate) use write::{Writer, write_whole};

/// Bytes of the header.
pub(crate) const HEADER: usize = 264;
/// Where the fields of a kind are.
const FIELDS: Range<usize> = 12..200;
/// Where the SHA-256 of the payload is.
const PAYLOAD: Range<usize> = 200..232;
/// A SHA-256.
pub(crate) type Digest256 = [u8; 32];

/// A kind of prepared copy.
pub(crate) struct Kind {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u32,
    /// In words.
    pub(crate) name: &'static str,
}

impl Kind {
    /// The header with these fields, at most 188 bytes.
    pub(crate) fn header(&self, fields: &[u8], payload: &Digest256) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&self.magic);
        header[8..12].copy_from_slice(&self.version.to_le_bytes());
        header[FIELDS][..fields.len()].copy_from_slice(fields);
        header[PAYLOAD].copy_from_slice(payload);
        seal(&mut header);
        header
    }

    /// The header that a file of this kind begins with.
    ///
    /// # Errors
    /// Why it has none, in words.
    pub(crate) fn parse(&self, bytes: &[u8]) -> Result<Fields, String> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Err("truncated: shorter than a header".to_owned());
        };
        if header[..8] != self.magic {
            return Err(format!("not a prepared copy of {}", self.name));
        }
        let (fields, version) = (Fields(*header), Fields(*header).word(8));
        if version != self.version {
            return Err(format!(
                "format version {version}, this version of the program reads {}",
                self.version
            ));
        }
        let mut sealed = *header;
        seal(&mut sealed);
        if sealed != *header { Err("wrong checksum of the header".to_owned()) } else { Ok(fields) }
    }

    /// Whether a file of this kind, in an older version, begins with these bytes.
    pub(crate) fn is_older(&self, bytes: &[u8]) -> bool {
        let header = bytes.first_chunk::<HEADER>().filter(|header| header[..8] == self.magic);
        header.is_some_and(|header| Fields(*header).word(8) < self.version)
    }
}

/// Puts the right checksum into the header at the start of any bytes.
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some(header) = bytes.first_chunk_mut::<HEADER>() {
        let own: Digest256 = Sha256::digest(&header[..HEADER - 32]).into();
        header[HEADER - 32..].copy_from_slice(&own);
    }
}

/// Puts the right checksums into the header at the start of any bytes: of all that follows it, and of itself; of texts, of
/// no notes, too.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn seal_whole(bytes: &mut [u8]) {
    if let Some((header, payload)) = bytes.split_first_chunk_mut::<HEADER>() {
        if header.starts_with(b"TSKSTXT") {
            header[104..136].copy_from_slice(&Sha256::digest([]));
        }
        header[PAYLOAD].copy_from_slice(&Sha256::digest(payload));
    }
    seal(bytes);
}

/// A header, read by the places of its fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields([u8; HEADER]);

impl Fields {
    pub(crate) fn word(&self, at: usize) -> u32 {
        self.0[at..at + 4].iter().rev().fold(0, |n, &byte| n << 8 | u32::from(byte))
    }

    pub(crate) fn long(&self, at: usize) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32
    }

    /// A number of things in memory.
    ///
    /// # Errors
    /// In words, that there cannot be so many.
    pub(crate) fn size(&self, at: usize) -> Result<usize, String> {
        usize::try_from(self.long(at)).map_err(|_| "impossible sizes".to_owned())
    }

    pub(crate) fn digest(&self, at: usize) -> Digest256 {
        std::array::from_fn(|i| self.0[at + i])
    }

    /// SHA-256 of the payload.
    pub(crate) fn payload(&self) -> Digest256 {
        self.digest(PAYLOAD.start)
    }
}
