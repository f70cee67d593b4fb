//! The IDX format of MNIST: a big-endian header (magic number, dimensions) and unsigned bytes.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::Error;
use crate::files::{self, Located};

/// Magic number of an IDX file of unsigned bytes: type 0x08 in the third byte, number of dimensions in the fourth.
const UNSIGNED_BYTES: u32 = 0x0800;

/// Reads an IDX file of unsigned bytes whose dimensions are known, first dimension slowest. Of the first, which counts
/// examples, there may be less.
///
/// The dimensions of the header must be the known ones, so that neither a broken header nor a gzip bomb makes us
/// allocate or read more than the data set holds. The contents must end where the header says.
///
/// # Errors
/// Wrong magic number, wrong counts, truncated, trailing data, damaged gzip, or a failure of the system.
pub(crate) fn read(file: &Located, dims: &[u32]) -> Result<Vec<u8>, Error> {
    parse(&mut *file.contents()?, file, dims)
}

/// Reads the unpacked contents; `file` is only named in errors.
pub(crate) fn parse(mut contents: &mut dyn Read, file: &Located, dims: &[u32]) -> Result<Vec<u8>, Error> {
    let path = || file.path.clone();
    let header_len = 4 + 4 * dims.len() as u64;
    let body_len: u64 = dims.iter().map(|&d| u64::from(d)).product();
    let expected = header_len + body_len;

    let header = read_exactly(&mut contents, 4, file, expected, 0)?;
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.as_chunks().0.iter().map(|&word| u32::from_be_bytes(word)).collect()
    };
    let magic = UNSIGNED_BYTES | dims.len() as u32;
    let got = words(&header)[0];
    if got != magic {
        return Err(Error::WrongMagic { path: path(), expected: magic, got });
    }
    let got = words(&read_exactly(&mut contents, header_len - 4, file, expected, 4)?);
    if got[0] > dims[0] || got[0] == 0 && dims[0] > 0 || got[1..] != dims[1..] {
        return Err(Error::WrongCounts { path: path(), expected: dims.to_vec(), got });
    }
    let body_len: u64 = got.iter().map(|&d| u64::from(d)).product();
    let expected = header_len + body_len;
    let body = read_exactly(&mut contents, body_len, file, expected, header_len)?;
    // Reading on to the end also makes the decompressor compare gzip's own checksum.
    let mut more = Vec::new();
    read_to(&mut contents, 1, &mut more).map_err(|source| file.io(source))?;
    match more.is_empty() {
        true => Ok(body),
        // More examples than the header promises: it is wrong.
        false if got != dims => Err(Error::WrongCounts { path: path(), expected: dims.to_vec(), got }),
        false => Err(Error::TrailingData { path: path(), expected }),
    }
}

/// SHA-256 in hexadecimal of the unpacked file from which [`read`] got `body`: header and body are all that it accepts.
pub(crate) fn sha256(dims: &[u32], body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update((UNSIGNED_BYTES | dims.len() as u32).to_be_bytes());
    dims.iter().for_each(|dim| hash.update(dim.to_be_bytes()));
    hash.update(body);
    files::hex(&hash.finalize())
}

/// Reads `len` bytes that start at `offset` of the `expected` bytes of the contents.
fn read_exactly(
    contents: &mut dyn Read,
    len: u64,
    file: &Located,
    expected: u64,
    offset: u64,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(len as usize);
    let result = read_to(contents, len, &mut bytes);
    let truncated = matches!(&result, Err(e) if e.kind() == io::ErrorKind::UnexpectedEof)
        || (result.is_ok() && (bytes.len() as u64) < len);
    if truncated {
        let got = offset + bytes.len() as u64;
        return Err(Error::Truncated { path: file.path.clone(), expected, got });
    }
    result.map_err(|source| file.io(source))?;
    Ok(bytes)
}

/// Appends up to `len` bytes; what was read before an error is kept.
fn read_to(contents: &mut dyn Read, len: u64, bytes: &mut Vec<u8>) -> io::Result<usize> {
    contents.take(len).read_to_end(bytes)
}
