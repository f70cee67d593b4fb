//! NumPy arrays of plain values (`.npy`) that others made, read by the crate `npyz` within our limits.
//!
//! Three things in a header can do harm while `npyz` reads it, so they are checked before:
//!
//! - It reserves as many bytes as the header says that it has.
//! - It reads the last value in a pair of brackets twice. So each level of nested brackets doubles the time: 18 levels take two
//!   seconds, 32 would take hours. The header of an array of plain values has two pairs: of the dictionary and of the shape.
//! - It multiplies the dimensions without a check.
//!
//! Arrays of Python objects, which NumPy stores as pickles that can run code, are refused by their header.

use std::fmt;

use npyz::{DType, Deserialize, Endianness, NpyFile, NpyHeader, Order, TypeChar, TypeStr};

use crate::caught;

/// Most bytes of a header.
const MAX_HEADER: usize = 1 << 16;

/// An array whose header was read, and which has exactly as many bytes as its shape needs.
pub struct NpyArray {
    header: NpyHeader,
    kind: TypeStr,
    shape: Vec<usize>,
    /// The whole file, and where the values begin in it.
    bytes: Vec<u8>,
    start: usize,
}

impl fmt::Debug for NpyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "array of shape {:?} and type {}", self.shape, self.kind)
    }
}

impl NpyArray {
    /// From the bytes of a `.npy` file.
    ///
    /// # Errors
    /// What is wrong with the array, in words that begin with "it" or "its".
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let (header, start) = read_header(&bytes)?;
        let DType::Plain(kind) = header.dtype() else {
            return Err("it is no array of plain values".to_owned());
        };
        if kind.uses_pickled_array() {
            return Err("it is an array of Python objects (a pickle), which could run code; it is not read"
                .to_owned());
        }
        let impossible = "its shape is impossible";
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&n| usize::try_from(n).ok()).collect();
        let shape = shape.ok_or(impossible)?;
        let count = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).ok_or(impossible)?;
        // A value of no bytes could be repeated without end.
        let width = kind.num_bytes().filter(|&width| width > 0).ok_or("its values have no bytes")?;
        let needed = count.checked_mul(width).ok_or(impossible)?;
        let found = bytes.len() - start;
        if found != needed {
            return Err(format!(
                "it has {found} bytes of values, and the shape {shape:?} of type `{kind}` needs {needed}"
            ));
        }
        Ok(Self { header, kind, shape, bytes, start })
    }

    /// The type of the values.
    pub fn kind(&self) -> &TypeStr {
        &self.kind
    }

    /// The dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in C order (the last dimension fastest), if they are unsigned bytes (`u1`). They are not copied, unless they
    /// are in Fortran's order.
    ///
    /// # Errors
    /// The array as it was, if its values have another type.
    pub fn into_bytes(mut self) -> Result<Vec<u8>, Box<Self>> {
        if (self.kind.type_char(), self.kind.size_field()) != (TypeChar::Uint, 1) {
            return Err(Box::new(self));
        }
        let mut values = std::mem::take(&mut self.bytes);
        values.drain(..self.start);
        Ok(self.in_c_order(values))
    }

    /// The values of a type that `T` can hold, in C order.
    ///
    /// # Errors
    /// If `T` is for values of another type, or a value is not allowed in its type.
    pub fn values<T: Deserialize + Clone>(&self) -> Result<Vec<T>, String> {
        let file = NpyFile::with_header(self.header.clone(), &self.bytes[self.start..]);
        let values = file.into_vec().map_err(|e| format!("its values cannot be read ({e})"))?;
        Ok(self.in_c_order(values))
    }

    /// The bytes of the values, if they are in single precision (`f4`), little-endian and in C order, as nearly all programs write
    /// them. Who has much to read can take them from here side by side: [`values`](Self::values) reads one after the other,
    /// which would take a quarter of the time of reading the 24 GB of released curves.
    pub fn plain_singles(&self) -> Option<&[[u8; 4]]> {
        let plain = (self.kind.type_char(), self.kind.size_field()) == (TypeChar::Float, 4)
            && self.kind.endianness() == Endianness::Little
            && self.header.order() == Order::C;
        plain.then(|| self.bytes[self.start..].as_chunks().0)
    }

    /// The values of any type of integers, in C order.
    ///
    /// # Errors
    /// If they have another type, or one of them is larger than any `i64`.
    pub fn integers(&self) -> Result<Vec<i64>, String> {
        match (self.kind.type_char(), self.kind.size_field()) {
            (TypeChar::Int, 1) => self.wide::<i8>(),
            (TypeChar::Int, 2) => self.wide::<i16>(),
            (TypeChar::Int, 4) => self.wide::<i32>(),
            (TypeChar::Int, 8) => self.values(),
            (TypeChar::Uint, 1) => self.wide::<u8>(),
            (TypeChar::Uint, 2) => self.wide::<u16>(),
            (TypeChar::Uint, 4) => self.wide::<u32>(),
            (TypeChar::Uint, 8) => {
                let values = self.values::<u64>()?.into_iter().map(i64::try_from).collect::<Result<_, _>>();
                values.map_err(|_| "one of its values has more than 63 bits".to_owned())
            }
            (other, _) => {
                let what = match other {
                    TypeChar::Float => "floating-point numbers",
                    TypeChar::Complex => "complex numbers",
                    TypeChar::ByteStr | TypeChar::UnicodeStr => "texts",
                    TypeChar::Bool => "truth values",
                    _ => "something else",
                };
                Err(format!(
                    "its values have the type `{}`, {what}; only integers of 1, 2, 4 or 8 bytes are read",
                    self.kind
                ))
            }
        }
    }

    fn wide<T: Deserialize + Clone + Into<i64>>(&self) -> Result<Vec<i64>, String> {
        Ok(self.values::<T>()?.into_iter().map(Into::into).collect())
    }

    /// Values as they follow each other in the file, in C order.
    fn in_c_order<T: Clone>(&self, values: Vec<T>) -> Vec<T> {
        if self.header.order() == Order::C {
            return values;
        }
        // Step in `values` of each dimension, and where the next value is.
        let shape = &self.shape;
        let steps: Vec<usize> = (0..shape.len()).map(|d| shape[..d].iter().product()).collect();
        let (mut place, mut at) = (vec![0; shape.len()], 0);
        let mut ordered = Vec::with_capacity(values.len());
        for _ in 0..values.len() {
            ordered.push(values[at].clone());
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
}

/// The header of a file, and where the values begin.
fn read_header(bytes: &[u8]) -> Result<(NpyHeader, usize), String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it is not a NumPy array")?;
    let (len, before) = match *rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 10),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        [0 | 4.., minor, ..] => {
            return Err(format!("its format has the unknown version {}.{minor}", rest[0]));
        }
        _ => return Err("it is too short to be a NumPy array".to_owned()),
    };
    if len > MAX_HEADER {
        return Err(format!("its header is too long: {len} bytes, and at most {MAX_HEADER} are read"));
    }
    let start = before + len;
    let mut head = bytes.get(..start).ok_or("its header ends early")?.to_vec();
    if head[before..].iter().filter(|byte| b"([{".contains(byte)).count() > 2 {
        return Err("it is no array of plain values: there are more brackets in its header".to_owned());
    }
    // Under Python 2, NumPy wrote `2L` for 2, and `npyz` does not read it.
    for at in before + 1..start {
        if head[at] == b'L' && head[at - 1].is_ascii_digit() {
            head[at] = b' ';
        }
    }
    match caught(|| NpyHeader::from_reader(&head[..])) {
        Some(Ok(header)) => Ok((header, start)),
        Some(Err(error)) => {
            let error = error.to_string();
            // What is no expression of Python is drawn on several lines.
            let reason =
                if error.contains('\n') { "it is not the dictionary that NumPy writes" } else { &error };
            Err(format!("its header cannot be read ({reason})"))
        }
        // The product of the dimensions is too large.
        None => Err("its shape is impossible".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of an array with this dictionary as its header.
    fn with_header(dictionary: &str, values: &[u8]) -> Vec<u8> {
        let mut header = dictionary.to_owned();
        while !(10 + header.len() + 1).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
    }

    fn npy(kind: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let dictionary = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
        with_header(&dictionary, values)
    }

    #[test]
    fn integers_of_all_widths_and_orders_of_bytes() {
        let check = |kind: &str, bytes: &[u8], expected: i64| {
            let array = NpyArray::parse(npy(kind, "False", "1,", bytes)).unwrap();
            assert_eq!((array.shape(), array.integers()), (&[1][..], Ok(vec![expected])), "{kind}");
        };
        check("|u1", &[200], 200);
        check("|i1", &[200], -56);
        check("<u2", &[1, 255], 65_281);
        check(">u2", &[1, 255], 511);
        check("<i2", &[1, 255], -255);
        check(">i2", &[255, 1], -255);
        check("<u4", &[0, 0, 1, 255], 0xff01_0000);
        check(">i4", &[255, 255, 255, 1], -255);
        check("<i8", &[0, 0, 0, 0, 0, 0, 0, 128], i64::MIN);
        check(">u8", &[127, 255, 255, 255, 255, 255, 255, 255], i64::MAX);
        let array = NpyArray::parse(npy("<u8", "False", "1,", &[255; 8])).unwrap();
        assert!(array.integers().unwrap_err().contains("more than 63 bits"));
    }

    #[test]
    fn only_bytes_are_given_as_bytes() {
        let bytes = |kind: &str| {
            let array = NpyArray::parse(npy(kind, "False", "2, 1", &[1, 2])).unwrap();
            array.into_bytes().map_err(|array| array.kind().to_string())
        };
        assert_eq!(bytes("|u1"), Ok(vec![1, 2]));
        assert_eq!(bytes("|i1"), Err("|i1".to_owned()));
        assert_eq!(bytes("|b1"), Err("|b1".to_owned()));
    }

    #[test]
    fn fortran_s_order_is_turned() {
        let read = |shape: &str, values: &[u8]| NpyArray::parse(npy("|u1", "True", shape, values)).unwrap();
        // Rows [1, 2, 3] and [4, 5, 6], column by column.
        assert_eq!(read("2, 3", &[1, 4, 2, 5, 3, 6]).into_bytes().unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read("2, 2, 2", &[0, 4, 2, 6, 1, 5, 3, 7]).integers().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(read("2, 0", &[]).into_bytes().unwrap(), []);
        assert_eq!(read("", &[9]).into_bytes().unwrap(), [9]);
    }

    #[test]
    fn texts_and_floats_are_decoded() {
        let texts = |kind: &str, bytes: &[u8]| {
            NpyArray::parse(npy(kind, "False", "2,", bytes)).unwrap().values::<String>()
        };
        assert_eq!(texts("|S2", b"a\0bc").unwrap(), ["a", "bc"]);
        assert_eq!(texts(">U1", &[0, 0, 4, 0x38, 0, 0, 0, 0]).unwrap(), ["и", ""]);
        assert!(texts("|S1", &[0xff, 0xfe]).unwrap_err().contains("its values cannot be read"));
        let floats = NpyArray::parse(npy(">f4", "False", "2,", &[63, 128, 0, 0, 192, 0, 0, 0])).unwrap();
        assert_eq!(floats.values::<f32>().unwrap(), [1.0, -2.0]);
        // The bytes are in the other order.
        assert_eq!(floats.plain_singles(), None);
        assert!(floats.values::<f64>().is_err());
        // Rows [1, -2] and [0, 1], column by column.
        let bytes = [[0, 0, 128, 63], [0; 4], [0, 0, 0, 192], [0, 0, 128, 63]].concat();
        let columns = NpyArray::parse(npy("<f4", "True", "2, 2", &bytes)).unwrap();
        assert_eq!(columns.values::<f32>().unwrap(), [1.0, -2.0, 0.0, 1.0]);
        assert_eq!(columns.plain_singles(), None);
        let rows = NpyArray::parse(npy("<f4", "False", "2, 2", &bytes)).unwrap();
        assert_eq!(rows.plain_singles().map(<[_]>::concat), Some(bytes));
        assert_eq!(NpyArray::parse(npy("<f8", "False", "1,", &[0; 8])).unwrap().plain_singles(), None);
    }

    #[test]
    fn versions_and_long_integers_of_old_files() {
        let first = npy("<u2", "False", "1L, 1L", &[255, 255]);
        assert_eq!(NpyArray::parse(first.clone()).unwrap().shape(), [1, 1]);
        for version in [2, 3] {
            let len = u32::from(first[8]).to_le_bytes();
            let bytes = [&first[..6], &[version, 0], &len, &first[10..]].concat();
            assert_eq!(NpyArray::parse(bytes).unwrap().integers(), Ok(vec![65_535]), "{version}");
        }
        let unknown = [&first[..6], &[4, 1], &first[8..]].concat();
        assert!(NpyArray::parse(unknown).unwrap_err().contains("unknown version 4.1"));
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |bytes: Vec<u8>, words: &str| {
            let problem = NpyArray::parse(bytes).and_then(|array| array.integers()).unwrap_err();
            assert!(problem.contains(words), "`{words}` is not in: {problem}");
            assert!(
                problem.starts_with("it ") || problem.starts_with("its ") || problem.starts_with("one of")
            );
            assert!(!problem.contains('\n'), "{problem}");
        };
        let plain = |kind: &str, shape: &str, values: &[u8]| npy(kind, "False", shape, values);
        check(plain("|O", "1,", b"\x80\x02N."), "pickle");
        check(plain("<f8", "1,", &[0; 8]), "type `<f8`, floating-point numbers; only integers");
        check(plain("<c8", "1,", &[0; 8]), "complex");
        check(plain("|S2", "1,", &[0; 2]), "texts");
        check(plain("|b1", "1,", &[1]), "truth values");
        check(plain("|V1", "1,", &[1]), "something else");
        check(plain(">i3", "1,", &[0; 3]), "'>i3' has invalid size");
        check(plain("|u1", "3,", &[0; 2]), "2 bytes of values, and the shape [3] of type `|u1` needs 3");
        check(plain("|u1", "3,", &[0; 4]), "4 bytes of values");
        check(plain("|u1", "-3,", &[]), "negative");
        check(plain("|u1", "4294967296, 4294967296, 4294967296", &[0; 2]), "impossible");
        check(plain("|u1", "9223372036854775808, 2, 0", &[]), "impossible");
        check(plain("|u1", "99999999999999999999,", &[]), "larger than u64");
        check(plain("<i8", "2305843009213693952,", &[]), "impossible");
        check(plain("|S0", "1000000000000000,", &[]), "no bytes");
        check(plain("|u1", "1,), 'more': ((1,", &[1]), "more brackets");
        check(npy("|u1", "Maybe", "1,", &[1]), "not the dictionary that NumPy writes");
        check(npy("|u1", "0", "1,", &[1]), "'fortran_order' value is not a bool");
        check(with_header("{'descr': '|u1', 'fortran_order': False}", &[]), "missing key 'shape'");
        check(b"\x93NUMPX\x01\0\0\0".to_vec(), "not a NumPy array");
        check(b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "too long: 4294967295 bytes");
        check(b"\x93NUMPY\x01\0\x05\0{}".to_vec(), "ends early");
        check(b"\x93NUMPY\x01\0\x05".to_vec(), "too short");
        check(vec![], "not a NumPy array");
    }

    /// Without the count of brackets, the first header would take hours.
    #[test]
    fn nested_headers_take_no_time() {
        for levels in [32, 30_000] {
            let nested = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
            let problem = NpyArray::parse(with_header(&nested, &[])).unwrap_err();
            assert!(problem.contains("more brackets"), "{problem}");
        }
    }
}
