//! Many numbers at once: eight interleaved generators and transformations without branches, for vector units.
//!
//! The arithmetic is IEEE addition, multiplication, fused multiply-add and square root, so all instruction sets give the
//! same bits; the code is only compiled several times. A machine without fused multiply-add (x86-64 before 2013) calls a
//! function for each of them: it gets the same bits, but slowly.

use std::ops::Mul;

use taskset_simd::{Backend, InstructionSet};

use crate::Stream;

/// Interleaved generators (xoshiro256++): a 512-bit vector holds one word of each.
const LANES: usize = 8;
/// Numbers of one step of all generators: two per word.
const HALVES: usize = 2 * LANES;
/// Numbers of a block: two steps.
const BLOCK: usize = 2 * HALVES;

/// The state of the interleaved generators, word by word.
struct Lanes([[u64; LANES]; 4]);

impl Lanes {
    /// Seeds every generator with 256 bits of the stream.
    fn new(stream: &mut Stream) -> Self {
        let mut state = [[0; LANES]; 4];
        for word in state.iter_mut().flatten() {
            *word = stream.next_u64();
        }
        Self(state)
    }

    /// The halves of the next words of all generators, the lower half of a word before its upper one.
    #[inline(always)]
    fn halves(&mut self) -> [u32; HALVES] {
        let mut halves = [0; HALVES];
        let [a, b, c, d] = &mut self.0;
        for i in 0..LANES {
            let word = a[i].wrapping_add(d[i]).rotate_left(23).wrapping_add(a[i]);
            // A vector of words has this order in the memory of little-endian machines, so nothing has to be moved.
            (halves[2 * i], halves[2 * i + 1]) = (word as u32, (word >> 32) as u32);
            let t = b[i] << 17;
            c[i] ^= a[i];
            d[i] ^= b[i];
            b[i] ^= c[i];
            a[i] ^= d[i];
            c[i] ^= t;
            d[i] = d[i].rotate_left(45);
        }
        halves
    }
}

/// A number of `[0, 1)` from the upper 24 bits.
#[inline(always)]
fn unit(bits: u32) -> f32 {
    // Signed, because all vector units can convert signed integers.
    (bits >> 8) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

/// `-2 ln(x / 2³¹)` for `1 <= x <= 2³¹`, within 3e-6 of its value: noise needs no more.
#[inline(always)]
fn squared_radius(x: f32) -> f32 {
    // x = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2).
    let bits = x.to_bits();
    let n = bits.wrapping_sub(0x3f35_04f3) as i32 >> 23;
    let f = f32::from_bits(bits.wrapping_sub((n << 23) as u32)) - 1.0;
    // The polynomial of degree 6 that is nearest to -2 ln(1 + f) / f.
    let mut p = -0.244_219_65_f32;
    for c in [0.375_654_7, -0.409_095_14, 0.497_935_83, -0.666_320_56, 1.000_028, -2.000_001_7] {
        p = p.mul_add(f, c);
    }
    p.mul_add(f, (31 - n) as f32 * (2.0 * std::f32::consts::LN_2))
}

/// Cosine and sine of an angle that is uniform in a circle, within 8e-6.
#[inline(always)]
fn cos_sin(bits: u32) -> (f32, f32) {
    // The angle is t quarter turns, t from -1 to 1, or its mirror image in the other half of the circle. The lowest bit
    // decides which; t is hardly precise enough to depend on it.
    let t = bits as i32 as f32 * (1.0 / (1u32 << 31) as f32);
    let z = t * t;
    // The polynomials in t² that are nearest to sin(π t / 2) / t and cos(π t / 2).
    let polynomial = |[a, b, c, d]: &[f32; 4]| a.mul_add(z, *b).mul_add(z, *c).mul_add(z, *d);
    let sin = polynomial(&[-0.004_371_015, 0.079_500_65, -0.645_925_94, 1.570_795_2]);
    let cos = polynomial(&[-0.019_095_736, 0.252_580_23, -1.233_484_5, 0.999_993_3]);
    (f32::from_bits(cos.to_bits() ^ bits << 31), sin * t)
}

/// Two independent standard normal numbers (Box and Muller 1958).
#[inline(always)]
fn normal_pair(for_radius: u32, for_angle: u32) -> (f32, f32) {
    // Uniform in (0, 1], times 2³¹, with steps that shrink towards 0: the radius reaches sqrt(62 ln 2) = 6.56.
    let radius = squared_radius((for_radius & (i32::MAX as u32) | 1) as i32 as f32).sqrt();
    let (cos, sin) = cos_sin(for_angle);
    (radius * cos, radius * sin)
}

/// Two numbers of `[0, 1)`.
#[inline(always)]
fn unit_pair(first: u32, second: u32) -> (f32, f32) {
    (unit(first), unit(second))
}

/// The type of the numbers: f32 or f64.
pub(crate) trait Number: Copy + From<f32> + Mul<Output = Self> {}

impl<T: Copy + From<f32> + Mul<Output = T>> Number for T {}

/// A function that makes two numbers from two random words; always inlined.
trait Pair: Fn(u32, u32) -> (f32, f32) + Copy {}

impl<F: Fn(u32, u32) -> (f32, f32) + Copy> Pair for F {}

#[inline(always)]
fn block<T: Number>(pair: impl Pair, lanes: &mut Lanes, scale: T, out: &mut [T; BLOCK]) {
    let (first, second) = (lanes.halves(), lanes.halves());
    for i in 0..HALVES {
        let (x, y) = pair(first[i], second[i]);
        (out[i], out[HALVES + i]) = (scale * T::from(x), scale * T::from(y));
    }
}

#[inline(always)]
fn blocks<T: Number>(pair: impl Pair, mut lanes: Lanes, scale: T, out: &mut [T]) {
    let (whole, rest) = out.as_chunks_mut();
    for out in whole {
        block(pair, &mut lanes, scale, out);
    }
    if !rest.is_empty() {
        let mut last = [scale; BLOCK];
        block(pair, &mut lanes, scale, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// [`blocks`] for wider vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn blocks_avx2<T: Number>(pair: impl Pair, lanes: Lanes, scale: T, out: &mut [T]) {
    blocks(pair, lanes, scale, out);
}

/// [`blocks`] for the widest vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,fma")]
fn blocks_avx512<T: Number>(pair: impl Pair, lanes: Lanes, scale: T, out: &mut [T]) {
    blocks(pair, lanes, scale, out);
}

/// What a slice is filled with.
#[derive(Clone, Copy)]
pub(crate) enum Numbers {
    Unit,
    Normal,
}

/// Fills a slice with numbers times `scale`; takes 32 words of the stream, whatever the length.
pub(crate) fn fill<T: Number>(stream: &mut Stream, numbers: Numbers, scale: T, out: &mut [T]) {
    fill_with(Backend::best(), stream, numbers, scale, out);
}

fn fill_with<T: Number>(backend: Backend, stream: &mut Stream, numbers: Numbers, scale: T, out: &mut [T]) {
    let lanes = Lanes::new(stream);
    match numbers {
        Numbers::Unit => run(backend, unit_pair, lanes, scale, out),
        Numbers::Normal => run(backend, normal_pair, lanes, scale, out),
    }
}

/// [`blocks`] on some instruction set. This is not a [`taskset_simd::Kernel`], because uniform numbers then took two and a
/// half times as long: the compiler kept less in registers.
fn run<T: Number>(backend: Backend, pair: impl Pair, lanes: Lanes, scale: T, out: &mut [T]) {
    match backend.instruction_set() {
        InstructionSet::Portable => blocks(pair, lanes, scale, out),
        // SAFETY: a backend of this set exists only where the features were detected.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { blocks_avx2(pair, lanes, scale, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { blocks_avx512(pair, lanes, scale, out) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamId;
    use proptest::prelude::*;

    fn stream(label: &str) -> Stream {
        StreamId::root("bulk-tests").child(label).stream()
    }

    fn filled(label: &str, numbers: Numbers, n: usize) -> Vec<f64> {
        let mut out = vec![0f64; n];
        fill(&mut stream(label), numbers, 1.0, &mut out);
        out
    }

    #[test]
    fn golden_values() {
        let bits = |numbers| {
            let mut out = [0f32; 300];
            fill(&mut stream("golden"), numbers, 1.0, &mut out);
            [0, 1, 8, 127, 128, 255, 256, 299].map(|i| format!("{:08x}", out[i].to_bits()))
        };
        assert_eq!([bits(Numbers::Unit), bits(Numbers::Normal)], GOLDEN);
    }

    /// Made by this crate, version 0.1.0, on x86-64; frozen so that no later change moves a curve unnoticed.
    const GOLDEN: [[&str; 8]; 2] = [
        ["3f411e07", "3ecb499a", "3f5b9f40", "3da908f8", "3ec76ee6", "3ec610b8", "3e349c24", "3f56f0a6"],
        ["3f238aca", "bd956b04", "3e21da34", "3e646b80", "3f103b14", "3f0c20f8", "3fa45d42", "3f3d2a7b"],
    ];

    #[test]
    fn a_lane_is_the_generator_of_a_stream() {
        let mut seeds = stream("lane");
        let words: Vec<u64> = (0..32).map(|_| seeds.next_u64()).collect();
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip(0..4) {
            bytes.copy_from_slice(&words[LANES * word + 3].to_le_bytes());
        }
        let (mut lanes, mut third) = (Lanes::new(&mut stream("lane")), Stream::from_key(&key));
        for _ in 0..20 {
            let halves = lanes.halves();
            for word in halves.as_chunks::<2>().0.iter().skip(3).step_by(LANES) {
                assert_eq!(u64::from(word[1]) << 32 | u64::from(word[0]), third.next_u64());
            }
        }
    }

    proptest! {
        #[test]
        fn bits_depend_on_the_stream_alone(seed in any::<u64>(), n in 0usize..1500) {
            let start = StreamId::root("bulk-tests").index(seed).stream();
            for numbers in [Numbers::Unit, Numbers::Normal] {
                let mut expected = vec![0f32; 1500];
                let mut used = start.clone();
                fill_with(Backend::portable(), &mut used, numbers, 1.0, &mut expected);
                for backend in Backend::available() {
                    // Shorter fills are beginnings of longer ones, and leave the stream at the same place.
                    let (mut single, mut double) = (vec![0f32; n], vec![0f64; n]);
                    let mut again = start.clone();
                    fill_with(backend, &mut again, numbers, 1.0, &mut single);
                    prop_assert_eq!(&again, &used);
                    fill_with(backend, &mut start.clone(), numbers, 0.3, &mut double);
                    for ((a, b), c) in single.iter().zip(&double).zip(&expected) {
                        prop_assert_eq!(a.to_bits(), c.to_bits());
                        prop_assert_eq!(b.to_bits(), (0.3 * f64::from(*c)).to_bits());
                    }
                }
            }
        }

        #[test]
        fn pairs_are_those_of_double_precision(for_radius: u32, for_angle: u32) {
            let (x, y) = normal_pair(for_radius, for_angle);
            // With u rounded in the same way, because near 1 the radius amplifies the rounding.
            let u = f64::from((for_radius & 0x7fff_ffff | 1) as f32) / f64::from(1u32 << 31);
            let radius = (-2.0 * libm::log(u)).sqrt();
            let angle = std::f64::consts::FRAC_PI_2 * f64::from(for_angle as i32) / f64::from(1u32 << 31);
            let sign = if for_angle & 1 == 1 { -1.0 } else { 1.0 };
            prop_assert!((f64::from(x) - sign * radius * libm::cos(angle)).abs() < 1e-5 * radius);
            prop_assert!((f64::from(y) - radius * libm::sin(angle)).abs() < 1e-5 * radius);
        }
    }

    #[test]
    fn extreme_words_give_finite_numbers() {
        for lower in [0, u32::MAX, 1 << 31, 1 << 30, 1 << 29] {
            let (x, y) = normal_pair(0, lower);
            assert!((x.hypot(y) - 6.556).abs() < 1e-3, "{x} {y}");
            let (x, y) = normal_pair(u32::MAX, lower);
            assert!(x.hypot(y) < 1e-3, "{x} {y}");
        }
        assert!(unit(u32::MAX) < 1.0);
    }

    /// Largest distance of the empirical distribution from the exact one, times the root of the count.
    fn kolmogorov(mut x: Vec<f64>, distribution: fn(f64) -> f64) -> f64 {
        x.sort_unstable_by(f64::total_cmp);
        let n = x.len() as f64;
        let distance = x.iter().enumerate().map(|(i, &x)| {
            let exact = distribution(x);
            (exact - i as f64 / n).abs().max((exact - (i + 1) as f64 / n).abs())
        });
        distance.fold(0.0, f64::max) * n.sqrt()
    }

    #[test]
    fn distributions_are_uniform_and_normal() {
        let n = 400_000;
        let normal = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        // A correct generator exceeds this with probability 1e-5.
        assert!(kolmogorov(filled("ks", Numbers::Unit, n), |x| x) < 2.47);
        let x = filled("ks", Numbers::Normal, n);
        let count = |f: fn(f64) -> bool| x.iter().filter(|&&x| f(x)).count() as f64;
        for (found, p) in [
            (count(|x| x.abs() > 3.0), 2.699_796e-3),
            (count(|x| x > 4.0), 3.167e-5),
            (count(|x| x < -4.0), 3.167e-5),
        ] {
            assert!((found - n as f64 * p).abs() < 5.0 * (n as f64 * p).sqrt(), "{found}");
        }
        assert!(kolmogorov(x, normal) < 2.47);
    }

    #[test]
    fn neighbours_are_uncorrelated() {
        let n = 400_000;
        for numbers in [Numbers::Unit, Numbers::Normal] {
            let x = filled("lags", numbers, n);
            let mean = x.iter().sum::<f64>() / n as f64;
            let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
            for lag in [1, 2, LANES, HALVES, HALVES + 1, BLOCK, 2 * BLOCK] {
                // Of the numbers and of their squares, because both numbers of a pair share a radius.
                for squares in [false, true] {
                    let f = |x: &f64| if squares { (x - mean).powi(2) - variance } else { x - mean };
                    let scale = x.iter().map(|x| f(x) * f(x)).sum::<f64>();
                    let product: f64 = x.iter().zip(&x[lag..]).map(|(a, b)| f(a) * f(b)).sum();
                    assert!(
                        (product / scale * (n as f64).sqrt()).abs() < 5.0,
                        "lag {lag}, squares {squares}"
                    );
                }
            }
        }
    }
}
