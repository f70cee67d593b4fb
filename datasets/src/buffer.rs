//! Numbers in memory, or in a file that is mapped into memory and shared by all processes that use it.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;

/// A number that every pattern of its bytes stands for.
pub(crate) trait Number: Copy + 'static {
    /// Little-endian bytes as numbers.
    fn read(bytes: &[u8]) -> Vec<Self>;
    /// Numbers as little-endian bytes.
    fn write(numbers: &[Self]) -> Vec<u8>;
}

macro_rules! number {
    ($($number:ty)*) => {$(
        impl Number for $number {
            fn read(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|&bytes| Self::from_le_bytes(bytes)).collect()
            }

            fn write(numbers: &[Self]) -> Vec<u8> {
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            }
        }
    )*};
}

number!(u8 u16 u64);

/// Hands over the little-endian bytes of numbers, in order, in one or more pieces. They are copied only where numbers have
/// another order of bytes.
pub(crate) fn little_endian<T: Number>(numbers: &[T], take: &mut dyn FnMut(&[u8])) {
    if cfg!(target_endian = "little") {
        // SAFETY: `T` is u8, u16 or u64, which have no padding, and bytes need no alignment.
        take(unsafe { numbers.align_to::<u8>() }.1);
    } else {
        numbers.chunks(1 << 13).for_each(|numbers| take(&T::write(numbers)));
    }
}

/// Numbers that are read only.
#[derive(Clone)]
pub(crate) enum Buffer<T: Number> {
    Owned(Vec<T>),
    /// Little-endian numbers in these bytes of a file; their start is aligned, and this machine is little-endian.
    Mapped {
        map: Arc<Mmap>,
        range: Range<usize>,
    },
}

impl<T: Number> Buffer<T> {
    /// The numbers in these bytes of a file; none if the file is shorter or they are not aligned. They are copied only
    /// where numbers have another order of bytes.
    pub(crate) fn mapped(map: &Arc<Mmap>, range: Range<usize>) -> Option<Self> {
        let bytes = map.get(range.clone())?;
        let whole = bytes.len().is_multiple_of(size_of::<T>()) && bytes.as_ptr().cast::<T>().is_aligned();
        let little = cfg!(target_endian = "little");
        match (whole, little) {
            (false, _) => None,
            (true, false) => Some(Self::Owned(T::read(bytes))),
            (true, true) => Some(Self::Mapped { map: Arc::clone(map), range }),
        }
    }
}

impl<T: Number> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(numbers) => numbers,
            Self::Mapped { map, range } => {
                // SAFETY: `T` is u8, u16 or u64, of which every pattern of bytes is a value.
                unsafe { map[range.clone()].align_to() }.1
            }
        }
    }
}

impl<T: Number> From<Vec<T>> for Buffer<T> {
    fn from(numbers: Vec<T>) -> Self {
        Self::Owned(numbers)
    }
}

impl<T: Number> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn numbers_of_a_file_are_those_that_were_written() {
        let root = TempDir::new().unwrap();
        let path = root.path().join("numbers");
        let bytes: Vec<u8> = (0..32).collect();
        std::fs::write(&path, &bytes).unwrap();
        // SAFETY: nobody changes the file.
        let map = Arc::new(unsafe { Mmap::map(&File::open(&path).unwrap()) }.unwrap());
        let mapped = Buffer::<u16>::mapped(&map, 2..8).unwrap();
        assert_eq!(&*mapped, &[0x0302, 0x0504, 0x0706]);
        assert_eq!(&*Buffer::<u64>::mapped(&map, 8..16).unwrap(), &[0x0f0e_0d0c_0b0a_0908]);
        assert_eq!(&*mapped, &*u16::read(&bytes[2..8]));
        assert_eq!(Buffer::<u8>::mapped(&map, 32..32).unwrap().len(), 0);
        for range in [8..8, 2..32] {
            let (numbers, mut written) = (Buffer::<u16>::mapped(&map, range.clone()).unwrap(), Vec::new());
            little_endian(&numbers, &mut |bytes| written.extend_from_slice(bytes));
            assert_eq!((&written[..], &u16::write(&numbers)[..]), (&bytes[range.clone()], &bytes[range]));
        }
        // Beyond the end, not aligned, not whole.
        assert!(Buffer::<u8>::mapped(&map, 31..33).is_none());
        assert!(Buffer::<u16>::mapped(&map, 1..3).is_none());
        assert!(Buffer::<u64>::mapped(&map, 8..20).is_none());
    }
}
