//! Many numbers at once: eight interleaved generators and transformations without branches, for vector units.
//!
//! The arithmetic is IEEE addition, multiplication and square root, never fused, so all instruction sets give the same
//! bits; the code is only compiled several times.

use crate::Stream;

/// Interleaved generators (xoshiro256++): a 512-bit vector holds one word of each.
const LANES: usize = 8;
/// Steps of all generators in a block.
const STEPS: usize = 16;
/// 64-bit words of a block.
const WORDS: usize = LANES * STEPS;
/// Numbers of a block: two a word, first those of the upper halves.
const BLOCK: usize = 2 * WORDS;

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

    /// The upper and lower halves of the next words of all generators.
    #[inline(always)]
    fn halves(&mut self) -> [[u32; WORDS]; 2] {
        let mut words = [0; WORDS];
        let [mut a, mut b, mut c, mut d] = self.0;
        for out in words.chunks_exact_mut(LANES) {
            for i in 0..LANES {
                out[i] = a[i].wrapping_add(d[i]).rotate_left(23).wrapping_add(a[i]);
                let t = b[i] << 17;
                c[i] ^= a[i];
                d[i] ^= b[i];
                b[i] ^= c[i];
                a[i] ^= d[i];
                c[i] ^= t;
                d[i] = d[i].rotate_left(45);
            }
        }
        self.0 = [a, b, c, d];
        let (mut upper, mut lower) = ([0; WORDS], [0; WORDS]);
        for ((&word, upper), lower) in words.iter().zip(&mut upper).zip(&mut lower) {
            (*upper, *lower) = ((word >> 32) as u32, word as u32);
        }
        [upper, lower]
    }
}

/// A number of `[0, 1)` from the upper 24 bits.
#[inline(always)]
fn unit(bits: u32) -> f32 {
    // The conversion of signed integers is the one that all vector units have.
    (bits >> 8) as i32 as f32 * (1.0 / (1u32 << 24) as f32)
}

/// Natural logarithm of a positive normal number (polynomial of the Cephes library, Moshier 1989).
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "the constants stand as in their source")]
fn ln(x: f32) -> f32 {
    // x = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt(2).
    let bits = x.to_bits();
    let n = bits.wrapping_sub(0x3f35_04f3) as i32 >> 23;
    let f = f32::from_bits(bits.wrapping_sub((n << 23) as u32)) - 1.0;
    let n = n as f32;
    let mut p = 7.037_683_629_2e-2;
    for c in [
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ] {
        p = p * f + c;
    }
    let z = f * f;
    let low = p * f * z + n * -2.121_944_40e-4 - 0.5 * z;
    n * 0.693_359_375 + (f + low)
}

/// Cosine and sine of `bits / 2³²` turns (polynomials of the Cephes library).
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "the constants stand as in their source")]
fn cos_sin(bits: u32) -> (f32, f32) {
    // The nearest quarter turn, and the rest in radians, |r| <= π/4.
    let quarter = bits.wrapping_add(1 << 29) >> 30;
    let rest = bits.wrapping_sub(quarter << 30) as i32;
    let r = rest as f32 * (std::f32::consts::PI / (1u32 << 31) as f32);
    let z = r * r;
    let sin = (-1.951_529_589_1e-4 * z + 8.332_160_873_6e-3) * z - 1.666_665_461_1e-1;
    let sin = sin * z * r + r;
    let cos = (2.443_315_711_809_948e-5 * z - 1.388_731_625_493_765e-3) * z + 4.166_664_568_298_827e-2;
    let cos = cos * z * z + (1.0 - 0.5 * z);
    let (x, y) = if quarter & 1 == 1 { (sin, cos) } else { (cos, sin) };
    let sign_x = (quarter.wrapping_add(1) & 2) << 30;
    let sign_y = (quarter & 2) << 30;
    (f32::from_bits(x.to_bits() ^ sign_x), f32::from_bits(y.to_bits() ^ sign_y))
}

/// Two independent standard normal numbers (Box and Muller 1958).
#[inline(always)]
fn normal_pair(upper: u32, lower: u32) -> (f32, f32) {
    // In (0, 1] with steps that shrink towards 0: the radius reaches sqrt(62 ln 2) = 6.56.
    let u = ((upper >> 1) as i32 as f32 + 1.0) * (1.0 / (1u32 << 31) as f32);
    let radius = (-2.0 * ln(u)).sqrt();
    let (cos, sin) = cos_sin(lower);
    (radius * cos, radius * sin)
}

#[inline(always)]
fn unit_block(lanes: &mut Lanes, out: &mut [f32; BLOCK]) {
    for (half, out) in lanes.halves().iter().zip(out.chunks_exact_mut(WORDS)) {
        for (&bits, x) in half.iter().zip(out) {
            *x = unit(bits);
        }
    }
}

#[inline(always)]
fn normal_block(lanes: &mut Lanes, out: &mut [f32; BLOCK]) {
    let [upper, lower] = lanes.halves();
    let (first, second) = out.split_at_mut(WORDS);
    for i in 0..WORDS {
        (first[i], second[i]) = normal_pair(upper[i], lower[i]);
    }
}

/// The same code for wider vectors.
#[cfg(target_arch = "x86_64")]
macro_rules! wider {
    ($name:ident, $body:ident, $features:literal) => {
        #[target_feature(enable = $features)]
        fn $name(lanes: &mut Lanes, out: &mut [f32; BLOCK]) {
            $body(lanes, out);
        }
    };
}
#[cfg(target_arch = "x86_64")]
wider!(unit_avx2, unit_block, "avx2");
#[cfg(target_arch = "x86_64")]
wider!(normal_avx2, normal_block, "avx2");
#[cfg(target_arch = "x86_64")]
wider!(unit_avx512, unit_block, "avx512f,avx512dq,avx512vl,avx512bw");
#[cfg(target_arch = "x86_64")]
wider!(normal_avx512, normal_block, "avx512f,avx512dq,avx512vl,avx512bw");

/// What a block is filled with.
#[derive(Clone, Copy)]
pub(crate) enum Numbers {
    Unit,
    Normal,
}

/// Vectors that the code may be compiled for; all give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Width {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Width {
    /// The widest that this machine has.
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    fn block(self, numbers: Numbers, lanes: &mut Lanes, out: &mut [f32; BLOCK]) {
        match (self, numbers) {
            (Self::Baseline, Numbers::Unit) => unit_block(lanes, out),
            (Self::Baseline, Numbers::Normal) => normal_block(lanes, out),
            // SAFETY: no width beyond the detected one is used.
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, Numbers::Unit) => unsafe { unit_avx2(lanes, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, Numbers::Normal) => unsafe { normal_avx2(lanes, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, Numbers::Unit) => unsafe { unit_avx512(lanes, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, Numbers::Normal) => unsafe { normal_avx512(lanes, out) },
        }
    }
}

/// Fills a slice; takes 32 words of the stream, whatever the length.
pub(crate) fn fill<T: From<f32>>(stream: &mut Stream, numbers: Numbers, out: &mut [T]) {
    fill_with(Width::detect(), stream, numbers, out);
}

fn fill_with<T: From<f32>>(width: Width, stream: &mut Stream, numbers: Numbers, out: &mut [T]) {
    let mut lanes = Lanes::new(stream);
    let mut block = [0f32; BLOCK];
    for out in out.chunks_mut(BLOCK) {
        width.block(numbers, &mut lanes, &mut block);
        for (out, &x) in out.iter_mut().zip(&block) {
            *out = T::from(x);
        }
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
        fill(&mut stream(label), numbers, &mut out);
        out
    }

    #[test]
    fn golden_values() {
        let bits = |numbers| {
            let mut out = [0f32; 300];
            fill(&mut stream("golden"), numbers, &mut out);
            [0, 1, 8, 127, 128, 255, 256, 299].map(|i| format!("{:08x}", out[i].to_bits()))
        };
        assert_eq!([bits(Numbers::Unit), bits(Numbers::Normal)], GOLDEN);
    }

    /// Made by this crate, version 0.1.0, on x86-64; frozen so that no later change moves a curve unnoticed.
    const GOLDEN: [[&str; 8]; 2] = [
        ["3ecb499a", "3f6c65a5", "3eee7500", "3ec610b8", "3f411e07", "3e56add4", "3e971800", "3f22f130"],
        ["3d18a682", "bea56ac3", "befabb44", "3eb0ffdc", "bfade94d", "3faac54c", "3f327c57", "bda3782e"],
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
        for _ in 0..2 {
            let [upper, lower] = lanes.halves();
            for i in (3..WORDS).step_by(LANES) {
                assert_eq!(u64::from(upper[i]) << 32 | u64::from(lower[i]), third.next_u64());
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
                fill_with(Width::Baseline, &mut used, numbers, &mut expected);
                #[cfg(target_arch = "x86_64")]
                let widths = [Width::Baseline, Width::Avx2, Width::Avx512];
                #[cfg(not(target_arch = "x86_64"))]
                let widths = [Width::Baseline];
                for width in widths.into_iter().filter(|width| *width <= Width::detect()) {
                    // Shorter fills are beginnings of longer ones, and leave the stream at the same place.
                    let (mut single, mut double) = (vec![0f32; n], vec![0f64; n]);
                    let mut again = start.clone();
                    fill_with(width, &mut again, numbers, &mut single);
                    prop_assert_eq!(&again, &used);
                    fill_with(width, &mut start.clone(), numbers, &mut double);
                    for ((a, b), c) in single.iter().zip(&double).zip(&expected) {
                        prop_assert_eq!(a.to_bits(), c.to_bits());
                        prop_assert_eq!(b.to_bits(), f64::from(*c).to_bits());
                    }
                }
            }
        }

        #[test]
        fn pairs_are_those_of_double_precision(upper: u32, lower: u32) {
            let (x, y) = normal_pair(upper, lower);
            // With u as it was rounded: near 1 the radius amplifies that.
            let u = f64::from((upper >> 1) as f32 + 1.0) / f64::from(1u32 << 31);
            let radius = (-2.0 * libm::log(u)).sqrt();
            let angle = std::f64::consts::TAU * f64::from(lower) / (1u64 << 32) as f64;
            prop_assert!((f64::from(x) - radius * libm::cos(angle)).abs() < 2e-6);
            prop_assert!((f64::from(y) - radius * libm::sin(angle)).abs() < 2e-6);
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
        // Larger with probability 1e-5.
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
            for lag in [1, 2, LANES, 2 * LANES, WORDS, WORDS + 1, BLOCK] {
                // Of the numbers and of their squares: the halves of a pair share their radius.
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
