//! NumPy's formats for hostile input: arrays of integers in `.npy` bytes, and the members of an `.npz` archive.
//!
//! Only plain integer arrays are read, of either order of bytes and of values. Arrays of Python objects, which NumPy stores as pickles that can run code, are
//! refused by their header.

use std::io::{Read, Seek};

use crate::formats::zip::Zip;

/// Longest header of an array.
const MAX_HEADER: usize = 1 << 16;

/// An array of integers: its dimensions, and its values in C order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// Values by their type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Values {
    U8(Vec<u8>),
    I64(Vec<i64>),
}

/// The array `name` of an archive; its file may have at most `limit` bytes.
///
/// # Errors
/// The byte of the archive (or, within the array, of the array) and what is wrong, in words.
pub(crate) fn member<R: Read + Seek>(
    zip: &mut Zip<R>,
    name: &str,
    limit: u64,
) -> Result<Array, (u64, String)> {
    let file = format!("{name}.npy");
    let Some(entry) = zip.entries.iter().find(|entry| entry.name == file).cloned() else {
        return Err((0, format!("there is no array `{name}`")));
    };
    let bytes = zip.read(&entry, limit).map_err(|e| (e.offset, e.problem))?;
    parse(bytes).map_err(|problem| (0, format!("array `{name}`: {problem}")))
}

/// Parses the bytes of a `.npy` file. They are kept as the values where that is possible: there is no second copy.
pub(crate) fn parse(mut bytes: Vec<u8>) -> Result<Array, String> {
    let Some((start, rest)) = bytes.split_first_chunk::<8>() else { return Err("too short".to_owned()) };
    let (magic, version) = start.split_at(6);
    if magic != b"\x93NUMPY" {
        return Err("not a NumPy array".to_owned());
    }
    let (len, skipped) = match (version[0], rest) {
        (1, [a, b, ..]) => (usize::from(u16::from_le_bytes([*a, *b])), 10),
        (2 | 3, [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12),
        _ => return Err(format!("format version {} or too short", version[0])),
    };
    let body = skipped + len.min(MAX_HEADER);
    let Some(header) = bytes.get(skipped..body).filter(|_| len <= MAX_HEADER) else {
        return Err("the header ends early or is too long".to_owned());
    };
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text".to_owned())?;
    let kind = quoted(header, "descr").ok_or("the header names no plain type")?.to_owned();
    let fortran = match field(header, "fortran_order") {
        Some("False") => false,
        Some("True") => true,
        _ => return Err("the header does not say in which order the values are".to_owned()),
    };
    let shape = dimensions(header).ok_or("the header names no shape")?;
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or("impossible shape")?;
    let (big_endian, plain) = (kind.starts_with('>'), kind.trim_start_matches(['<', '>', '|', '=']));
    let width = match plain {
        "u1" | "i1" => 1,
        "u2" | "i2" => 2,
        "u4" | "i4" => 4,
        "u8" | "i8" => 8,
        plain if plain.contains('O') => {
            return Err("an array of Python objects (a pickle), which could run code; not read".to_owned());
        }
        plain => {
            let what = match plain.as_bytes().first() {
                Some(b'f') => "floating-point numbers",
                Some(b'c') => "complex numbers",
                Some(b'S' | b'U' | b'a') => "texts",
                Some(b'b' | b'?') => "truth values",
                _ => "something else",
            };
            return Err(format!(
                "values of type `{kind}`, {what}; only integers of 1, 2, 4 or 8 bytes are read"
            ));
        }
    };
    let got = bytes.len() - body;
    if count.checked_mul(width) != Some(got) {
        return Err(format!("{got} bytes of values for the shape {shape:?} of `{kind}`"));
    }
    let signed = plain.starts_with('i');
    let values = if plain == "u1" {
        bytes.drain(..body);
        Values::U8(if fortran { in_c_order(&bytes, &shape) } else { bytes })
    } else {
        let number = |chunk: &[u8]| {
            let push = |n: u64, &byte: &u8| n << 8 | u64::from(byte);
            let unsigned =
                if big_endian { chunk.iter().fold(0, push) } else { chunk.iter().rev().fold(0, push) };
            let unused = 64 - 8 * width as u32;
            if signed { (unsigned << unused) as i64 >> unused } else { unsigned as i64 }
        };
        let values: Vec<i64> = bytes[body..].chunks_exact(width).map(number).collect();
        Values::I64(if fortran { in_c_order(&values, &shape) } else { values })
    };
    Ok(Array { shape, values })
}

/// Values in C order (the last dimension fastest), given in Fortran's (the first one fastest).
fn in_c_order<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    // Step in `values` of each dimension, and where the next value is.
    let steps: Vec<usize> = (0..shape.len()).map(|d| shape[..d].iter().product()).collect();
    let (mut place, mut at) = (vec![0; shape.len()], 0);
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[at]);
        for d in (0..shape.len()).rev() {
            place[d] += 1;
            at += steps[d];
            if place[d] < shape[d] {
                break;
            }
            at -= steps[d] * shape[d];
            place[d] = 0;
        }
    }
    ordered
}

/// The text after `'key':` in the header, which is a Python dictionary.
fn after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}':"))?;
    Some(rest.trim_start())
}

/// A word up to the next comma or the end of the dictionary.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    Some(after(header, key)?.split([',', '}']).next()?.trim())
}

/// A value in quotes.
fn quoted<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let rest = after(header, key)?.strip_prefix('\'')?;
    rest.split_once('\'').map(|(value, _)| value)
}

/// The tuple of dimensions.
fn dimensions(header: &str) -> Option<Vec<usize>> {
    let (tuple, _) = after(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    let parts = tuple.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.trim_end_matches('L').parse().ok()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::formats::zip::tests::archive;

    /// The bytes of an array as NumPy writes them.
    pub(crate) fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
    }

    #[test]
    fn integer_arrays_are_read() {
        let check = |kind: &str, shape: &str, bytes: &[u8], dims: &[usize], values: Values| {
            assert_eq!(parse(npy(kind, shape, bytes)), Ok(Array { shape: dims.to_vec(), values }));
        };
        check("|u1", "2, 3", &[1, 2, 3, 4, 5, 6], &[2, 3], Values::U8(vec![1, 2, 3, 4, 5, 6]));
        check("<i8", "2,", &[[1, 0, 0, 0, 0, 0, 0, 0], [255; 8]].concat(), &[2], Values::I64(vec![1, -1]));
        check("<i4", "1,", &[254, 255, 255, 255], &[1], Values::I64(vec![-2]));
        check("<u2", "1L,", &[255, 255], &[1], Values::I64(vec![65_535]));
        check("|i1", "2,", &[1, 255], &[2], Values::I64(vec![1, -1]));
        // The other order of bytes.
        check(
            ">i8",
            "2,",
            &[&[0, 0, 0, 0, 0, 0, 3, 232][..], &[255; 8]].concat(),
            &[2],
            Values::I64(vec![1000, -1]),
        );
        check(">u4", "1,", &[0, 1, 0, 0], &[1], Values::I64(vec![65_536]));
        check(">i2", "1,", &[255, 254], &[1], Values::I64(vec![-2]));
        check(">u1", "1,", &[7], &[1], Values::U8(vec![7]));
    }

    #[test]
    fn values_in_fortran_s_order_are_put_in_order() {
        let check = |kind: &str, shape: &str, bytes: &[u8], expected: Values| {
            let array = npy(kind, shape, bytes);
            let text = String::from_utf8_lossy(&array[10..10 + 118]).replace("False", "True ").into_bytes();
            let bytes = [&array[..10], &text, &array[10 + 118..]].concat();
            assert_eq!(parse(bytes).unwrap().values, expected, "{shape}");
        };
        // Rows [1, 2, 3] and [4, 5, 6], column by column.
        check("|u1", "2, 3", &[1, 4, 2, 5, 3, 6], Values::U8(vec![1, 2, 3, 4, 5, 6]));
        check(">i2", "2, 2", &[0, 1, 0, 3, 0, 2, 0, 4], Values::I64(vec![1, 2, 3, 4]));
        check("|u1", "2, 2, 2", &[0, 4, 2, 6, 1, 5, 3, 7], Values::U8((0..8).collect()));
        check("|u1", "3,", &[1, 2, 3], Values::U8(vec![1, 2, 3]));
        check("|u1", "2, 0", &[], Values::U8(vec![]));
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |bytes: Vec<u8>, word: &str| {
            let problem = parse(bytes).unwrap_err();
            assert!(problem.contains(word), "`{word}` is not in: {problem}");
        };
        check(npy("|O", "1,", b"\x80\x02N."), "pickle");
        check(npy("<f8", "1,", &[0; 8]), "type `<f8`, floating-point numbers; only integers");
        check(npy("|b1", "1,", &[1]), "truth values");
        check(npy(">i3", "1,", &[0; 3]), "type `>i3`");
        check(npy("|u1", "3,", &[0; 2]), "2 bytes of values");
        check(npy("|u1", "4294967296, 4294967296, 4294967296", &[0; 2]), "impossible shape");
        check(npy("<i8", "2305843009213693952,", &[]), "0 bytes of values");
        check(b"\x93NUMPX\x01\0\0\0".to_vec(), "not a NumPy array");
        check(b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "too long");
        check(vec![], "too short");
        let array = npy("|u1", "2,", &[0; 2]);
        let text = String::from_utf8_lossy(&array[10..]).replace("False", "Maybe").into_bytes();
        check([&array[..10], &text].concat(), "in which order");
    }

    #[test]
    fn arrays_are_found_in_archives() {
        let bytes = archive(&[("labels.npy", &npy("|u1", "1,", &[9])), ("other.txt", b"")], true);
        let mut zip = Zip::open(Cursor::new(bytes)).unwrap();
        assert_eq!(member(&mut zip, "labels", 1000).unwrap().values, Values::U8(vec![9]));
        assert!(member(&mut zip, "data", 1000).unwrap_err().1.contains("no array `data`"));
        assert!(member(&mut zip, "labels", 10).unwrap_err().1.contains("more than 10"));
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..140, value: u8, cut in 0usize..140) {
            let mut bytes = npy("<i4", "3, 1", &[7; 12]);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = parse(bytes.clone());
            bytes.truncate(cut);
            let _ = parse(bytes);
        }
    }
}
