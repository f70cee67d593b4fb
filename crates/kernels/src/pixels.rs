//! Pixels to numbers.

use super::Scalar;
use super::math::Math;

/// `byte / 255`, correctly rounded.
#[inline(always)]
pub(super) fn unit<T: From<u8> + Scalar, M: Math<T>>(byte: u8) -> T {
    M::per_255(<T as From<u8>>::from(byte))
}

/// `byte / 255` or `2 (byte / 255) − 1`, in both rounded as TensorFlow rounds them.
#[inline(always)]
pub(super) fn to_unit<T: From<u8> + Scalar, M: Math<T>>(bytes: &[u8], centre: bool, out: &mut [T]) {
    if centre {
        for (x, &byte) in out.iter_mut().zip(bytes) {
            // Doubling is exact: fused or not gives the same.
            *x = M::mul_add(T::of(2.0), unit::<T, M>(byte), -T::one());
        }
    } else {
        for (x, &byte) in out.iter_mut().zip(bytes) {
            *x = unit::<T, M>(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Scalar};

    #[test]
    fn every_byte_is_the_rounded_quotient() {
        let bytes: Vec<u8> = (0..=255).collect();
        for backend in Backend::available() {
            for centre in [false, true] {
                let (mut single, mut double) = ([0f32; 256], [0f64; 256]);
                f32::from_bytes(backend, &bytes, centre, &mut single);
                f64::from_bytes(backend, &bytes, centre, &mut double);
                for i in 0..256 {
                    let unit = i as f32 / 255.0;
                    let expected = if centre { 2.0 * unit - 1.0 } else { unit };
                    assert_eq!(single[i].to_bits(), expected.to_bits(), "{i}");
                    assert!((double[i] - f64::from(expected)).abs() < 1.2e-7);
                }
            }
        }
    }
}
