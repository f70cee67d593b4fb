//! Transposing blocks of 8 × 8, of which packed operands are made.

use super::Scalar;

/// Side of a block.
pub(super) const SIDE: usize = 8;

/// `to[i · to_stride + j] = from[j · from_stride + i]` for `i` and `j` below [`SIDE`], in plain Rust.
///
/// # Safety
/// The elements named are readable in `from` and writable in `to`, and the two do not overlap.
pub(super) unsafe fn portable<T: Scalar>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
    for j in 0..SIDE {
        for i in 0..SIDE {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i * to_stride + j) = *from.add(j * from_stride + i) };
        }
    }
}

/// [`portable`] in registers: pairs of rows, then of pairs, then of halves change places.
///
/// # Safety
/// As there.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
        _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    };
    let mut rows = [_mm256_setzero_ps(); SIDE];
    for (j, row) in rows.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *row = unsafe { _mm256_loadu_ps(from.add(j * from_stride)) };
    }
    let [a, b, c, d, e, f, g, h] = rows;
    let pair = |x, y| [_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y)];
    let ([ab0, ab1], [cd0, cd1], [ef0, ef1], [gh0, gh1]) = (pair(a, b), pair(c, d), pair(e, f), pair(g, h));
    let four = |x, y| [_mm256_shuffle_ps::<0x44>(x, y), _mm256_shuffle_ps::<0xee>(x, y)];
    let low = [four(ab0, cd0), four(ab1, cd1)];
    let high = [four(ef0, gh0), four(ef1, gh1)];
    for (i, (&low, &high)) in low.as_flattened().iter().zip(high.as_flattened()).enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            _mm256_storeu_ps(to.add(i * to_stride), _mm256_permute2f128_ps::<0x20>(low, high));
            _mm256_storeu_ps(to.add((i + SIDE / 2) * to_stride), _mm256_permute2f128_ps::<0x31>(low, high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_changes_places() {
        let (from_stride, to_stride) = (11, 9);
        let from: Vec<f32> = (0..SIDE * from_stride).map(|i| i as f32).collect();
        let check = |transpose: unsafe fn(*const f32, usize, *mut f32, usize)| {
            let mut to = vec![-1.0; SIDE * to_stride];
            // SAFETY: both hold eight rows of their stride.
            unsafe { transpose(from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) };
            let expected = |k: usize| match (k / to_stride, k % to_stride) {
                (i, j) if j < SIDE => from[j * from_stride + i],
                _ => -1.0,
            };
            let expected: Vec<f32> = (0..to.len()).map(expected).collect();
            assert_eq!(to, expected);
        };
        check(portable::<f32>);
        #[cfg(target_arch = "x86_64")]
        if crate::Backend::named("avx2").is_ok() {
            check(avx2);
        }
    }
}
