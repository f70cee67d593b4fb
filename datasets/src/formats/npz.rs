//! NumPy's formats for hostile input: arrays of integers in `.npy` bytes, and the members of an `.npz` archive.
//!
//! Only plain integer arrays are read, of either order of bytes and of values.

use std::io::{Read, Seek};

use taskset_guard::NpyArray;

use crate::formats::zip::Zip;

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

/// Parses the bytes of a `.npy` file. Bytes are kept as the values where that is possible: there is no second copy.
pub(crate) fn parse(bytes: Vec<u8>) -> Result<Array, String> {
    let array = NpyArray::parse(bytes)?;
    let shape = array.shape().to_vec();
    let values = match array.into_bytes() {
        Ok(bytes) => Values::U8(bytes),
        Err(array) => Values::I64(array.integers()?),
    };
    Ok(Array { shape, values })
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
        check(npy(">i3", "1,", &[0; 3]), "'>i3' has invalid size");
        check(npy("|u1", "3,", &[0; 2]), "2 bytes of values");
        check(npy("|u1", "4294967296, 4294967296, 4294967296", &[0; 2]), "shape is impossible");
        check(npy("<i8", "2305843009213693952,", &[]), "shape is impossible");
        check(npy("<i8", "230584300921369395,", &[]), "0 bytes of values");
        check(b"\x93NUMPX\x01\0\0\0".to_vec(), "not a NumPy array");
        check(b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "too long");
        check(vec![], "not a NumPy array");
        check(b"\x93NUMPY\x01".to_vec(), "too short");
        let array = npy("|u1", "2,", &[0; 2]);
        let text = String::from_utf8_lossy(&array[10..]).replace("False", "Maybe").into_bytes();
        check([&array[..10], &text].concat(), "not the dictionary that NumPy writes");
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
