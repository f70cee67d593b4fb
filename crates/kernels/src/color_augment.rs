//! Bytes of a colour image to numbers, with brightness, saturation, hue and contrast changed: two passes without
//! branches over blocks of pixels.
//!
//! Saturation and hue share one conversion. Scaling the saturation keeps a pixel's hue and its largest channel `max`,
//! and shrinks the range of its channels, `max − min`, by a factor that only clipping makes other than the one asked
//! for: with `S = range / max`,
//!
//! `clip(S factor, 0, 1) max = range · max(0, min(factor, max / range))` for `max > 0`, and 0 below.
//!
//! Turning the hue keeps largest channel and range, and turns the hue that the pixel had from the beginning. What is
//! left of the way back is `channel = max − range · share(hue)` with a piecewise linear `share` between 0 and 1 a
//! channel. A grey pixel has no hue, and range 0, so that any hue will do.
//!
//! No product is fused with a sum where that would change a bit, and every sum has a fixed order: all instruction sets
//! give the same bits. Single precision stays within 5e-6 of the definition in double precision; the tests assert both.

use super::math::{Exact, Math};
use super::pixels::unit;
use super::vectorised::vectorised;
use super::{Backend, Scalar, hsv};

/// Amounts of the four colour changes of an image, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorChange {
    /// Added to all values.
    pub brightness: f64,
    /// Multiplies the saturation, which is then clipped to `[0, 1]`.
    pub saturation: f64,
    /// Added to the hue, in turns. Every pixel keeps its largest and smallest value.
    pub hue: f64,
    /// Multiplies the distance to the channel's mean over the image.
    pub contrast: f64,
}

/// The kernel of colour images.
pub trait Color: Sized {
    /// The bytes of one image, red, green and blue of a pixel side by side, to numbers `byte / 255` with their colours
    /// changed; and then `2x − 1` if `centre`. Results may leave `[0, 1]`: nothing but the saturation is clipped.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of three.
    fn from_recolored(backend: Backend, bytes: &[u8], change: &ColorChange, centre: bool, out: &mut [Self]);
}

fn check(bytes: usize, numbers: usize) {
    assert_eq!(bytes, numbers, "one number per byte");
    assert!(bytes.is_multiple_of(3), "three channels per pixel");
}

impl Color for f32 {
    fn from_recolored(backend: Backend, bytes: &[u8], change: &ColorChange, centre: bool, out: &mut [Self]) {
        check(bytes.len(), out.len());
        vectorised!(backend, recolor(bytes: &[u8], change: &ColorChange, centre: bool, out: &mut [Self]));
    }
}

/// The definition, step by step.
impl Color for f64 {
    fn from_recolored(_: Backend, bytes: &[u8], change: &ColorChange, centre: bool, out: &mut [Self]) {
        check(bytes.len(), out.len());
        super::pixels::to_unit::<Self, Exact>(bytes, false, out);
        let (pixels, _) = out.as_chunks_mut::<3>();
        for pixel in &mut *pixels {
            pixel.iter_mut().for_each(|x| *x += change.brightness);
            hsv::scale_saturation(pixel, change.saturation);
            hsv::turn_hue(pixel, change.hue);
        }
        hsv::scale_contrast(pixels, change.contrast);
        if centre {
            out.iter_mut().for_each(|x| *x = 2.0 * *x - 1.0);
        }
    }
}

/// Pixels that are handled together.
const BLOCK: usize = 64;
/// Pixels whose sums are kept apart.
const LANES: usize = 16;

type Plane<T> = [T; BLOCK];

/// What happens to each pixel by itself.
#[derive(Clone, Copy)]
struct Amounts<T> {
    brightness: T,
    saturation: T,
    /// Where the three primaries come to lie on the colour circle, in sixths, in `[1, 7]`.
    red: T,
    green: T,
    blue: T,
}

impl<T: Scalar> Amounts<T> {
    #[inline(always)]
    fn new(change: &ColorChange) -> Self {
        let [red, green, blue] = [0.0, 2.0, 4.0].map(|primary| {
            let turned = T::of((primary + 6.0 * change.hue).rem_euclid(6.0));
            if turned < T::one() { turned + T::of(6.0) } else { turned }
        });
        let [brightness, saturation] = [change.brightness, change.saturation].map(T::of);
        Self { brightness, saturation, red, green, blue }
    }
}

// Comparisons, because min and max also handle NaN, which bytes cannot give.
#[inline(always)]
fn larger<T: Scalar>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller<T: Scalar>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// Brightness, saturation and hue of a pixel with channels in `[0, 1]`.
#[inline(always)]
fn change_pixel<T: Scalar>(amounts: Amounts<T>, pixel: [T; 3]) -> [T; 3] {
    let (zero, one, two, six) = (T::zero(), T::one(), T::of(2.0), T::of(6.0));
    let [r, g, b] = pixel.map(|x| x + amounts.brightness);
    let max = larger(larger(r, g), b);
    let range = max - smaller(smaller(r, g), b);
    let inverse = if range > zero { one / range } else { zero };
    // The next primary's place plus the way from it, in [0, 8].
    let (way, primary) = if r >= max {
        (g - b, amounts.red)
    } else if g >= max {
        (b - r, amounts.green)
    } else {
        (r - g, amounts.blue)
    };
    let hue = primary + way * inverse;
    let hue = if hue >= six { hue - six } else { hue };
    let range = range * larger(smaller(amounts.saturation, max * inverse), zero);
    let channel = |share: T| max - range * smaller(larger(share, zero), one);
    [
        channel(two - (hue - T::of(3.0)).abs()),
        channel((hue - two).abs() - one),
        channel((hue - T::of(4.0)).abs() - one),
    ]
}

/// Changes the pixels of a block one by one and adds the first `pixels` of them to the sums of the channels.
#[inline(always)]
fn change_block<T: From<u8> + Scalar, M: Math<T>>(
    amounts: Amounts<T>,
    pixels: usize,
    bytes: &[u8; 3 * BLOCK],
    out: &mut [T; 3 * BLOCK],
    sums: &mut [[T; LANES]; 3],
) {
    let [mut red, mut green, mut blue]: [Plane<T>; 3] = [[T::zero(); BLOCK]; 3];
    for i in 0..BLOCK {
        red[i] = unit::<T, M>(bytes[3 * i]);
        green[i] = unit::<T, M>(bytes[3 * i + 1]);
        blue[i] = unit::<T, M>(bytes[3 * i + 2]);
    }
    for i in 0..BLOCK {
        [red[i], green[i], blue[i]] = change_pixel(amounts, [red[i], green[i], blue[i]]);
    }
    for (plane, sums) in [&red, &green, &blue].into_iter().zip(sums) {
        for lanes in plane[..pixels].chunks(LANES) {
            for (sum, &x) in sums.iter_mut().zip(lanes) {
                *sum = *sum + x;
            }
        }
    }
    for i in 0..BLOCK {
        out[3 * i] = red[i];
        out[3 * i + 1] = green[i];
        out[3 * i + 2] = blue[i];
    }
}

#[inline(always)]
fn recolor<T: From<u8> + Scalar, M: Math<T>>(
    bytes: &[u8],
    change: &ColorChange,
    centre: bool,
    out: &mut [T],
) {
    let amounts = Amounts::new(change);
    let mut sums = [[T::zero(); LANES]; 3];
    let (blocks, rest) = bytes.as_chunks::<{ 3 * BLOCK }>();
    let (out_blocks, out_rest) = out.as_chunks_mut::<{ 3 * BLOCK }>();
    for (bytes, out) in blocks.iter().zip(out_blocks) {
        change_block::<T, M>(amounts, BLOCK, bytes, out, &mut sums);
    }
    if !rest.is_empty() {
        let (mut bytes, mut numbers) = ([0; 3 * BLOCK], [T::zero(); 3 * BLOCK]);
        bytes[..rest.len()].copy_from_slice(rest);
        change_block::<T, M>(amounts, rest.len() / 3, &bytes, &mut numbers, &mut sums);
        out_rest.copy_from_slice(&numbers[..rest.len()]);
    }
    // (x − m) f + m = f x + (1 − f) m, and the centring, in one product.
    let (scale, shift) = if centre { (2.0, -1.0) } else { (1.0, 0.0) };
    let pixels = (out.len() / 3) as f64;
    let offsets = sums.each_ref().map(|lanes| {
        let mean = lanes.iter().map(|x| x.wide()).sum::<f64>() / pixels;
        T::of(scale * (1.0 - change.contrast) * mean + shift)
    });
    let offsets: [T; 3 * LANES] = std::array::from_fn(|i| offsets[i % 3]);
    let scale = T::of(scale * change.contrast);
    for numbers in out.chunks_mut(3 * LANES) {
        for (x, &offset) in numbers.iter_mut().zip(&offsets) {
            *x = *x * scale + offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The kernel's algebra agrees with the definition to double precision, its single precision within 5e-6, and all
    /// instruction sets agree to the bit.
    fn check_against_definition(bytes: &[u8], change: &ColorChange) {
        for centre in [false, true] {
            let mut expected = vec![f64::NAN; bytes.len()];
            f64::from_recolored(Backend::portable(), bytes, change, centre, &mut expected);
            let mut double = vec![f64::NAN; bytes.len()];
            recolor::<f64, Exact>(bytes, change, centre, &mut double);
            let near = |i: usize, x: f64, bound: f64, name: &str| {
                let y = expected[i];
                assert!((x - y).abs() <= bound, "{name} {i}: {x} for {y}\n{change:?} {bytes:?}");
            };
            (0..bytes.len()).for_each(|i| near(i, double[i], 1e-12, "f64"));
            let singles = Backend::available().into_iter().map(|backend| {
                let mut single = vec![f32::NAN; bytes.len()];
                f32::from_recolored(backend, bytes, change, centre, &mut single);
                single
            });
            let singles: Vec<Vec<f32>> = singles.collect();
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            for single in &singles {
                (0..bytes.len()).for_each(|i| near(i, f64::from(single[i]), 5e-6, "f32"));
                assert_eq!(bits(single), bits(&singles[0]), "{change:?} {bytes:?}");
            }
        }
    }

    const NONE: ColorChange = ColorChange { brightness: 0.0, saturation: 1.0, hue: 0.0, contrast: 1.0 };

    #[test]
    fn edges_of_the_colour_circle_clipping_and_grey() {
        // Pixels of all orders and ties of three values: primaries, their mixtures, greys.
        let values = [0, 1, 128, 255];
        let mut bytes = Vec::new();
        for r in values {
            for g in values {
                values.iter().for_each(|&b| bytes.extend([r, g, b]));
            }
        }
        for brightness in [0.0, -0.25, 0.25, -0.5, -1.0] {
            for saturation in [0.0, 0.5, 1.0, 2.0] {
                for sixths in -6..=6 {
                    for contrast in [1.0, 2.0] {
                        let hue = f64::from(sixths) / 12.0;
                        check_against_definition(
                            &bytes,
                            &ColorChange { brightness, saturation, hue, contrast },
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_change_gives_the_image_back() {
        let bytes: Vec<u8> = (0..=254).collect();
        for backend in Backend::available() {
            for centre in [false, true] {
                let (mut plain, mut recolored) = ([0f32; 255], [0f32; 255]);
                f32::from_bytes(backend, &bytes, centre, &mut plain);
                f32::from_recolored(backend, &bytes, &NONE, centre, &mut recolored);
                for (a, b) in plain.iter().zip(&recolored) {
                    assert!((a - b).abs() < 1e-6, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn bits_depend_on_nothing_but_the_pixel_as_long_as_the_contrast_stays() {
        // The same pixel in whole blocks and in the padded rest.
        let bytes = [200, 10, 70].repeat(3 * BLOCK + 5);
        let change = ColorChange { brightness: 0.1, saturation: 1.3, hue: 0.2, ..NONE };
        for backend in Backend::available() {
            let mut out = vec![0f32; bytes.len()];
            f32::from_recolored(backend, &bytes, &change, false, &mut out);
            let (pixels, _) = out.as_chunks::<3>();
            assert!(pixels.iter().all(|pixel| pixel.map(f32::to_bits) == pixels[0].map(f32::to_bits)));
        }
    }

    proptest! {
        #[test]
        fn single_precision_follows_the_definition(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(255), 100u8..104], 3..900),
            brightness in -0.3f64..0.3, saturation in 0.0f64..2.0, hue in -0.5f64..0.5, contrast in 0.0f64..2.0,
        ) {
            let whole = bytes.len() / 3 * 3;
            check_against_definition(&bytes[..whole], &ColorChange { brightness, saturation, hue, contrast });
        }
    }
}
