//! Resizing as OpenCV's `INTER_CUBIC` does on 8-bit images.
//!
//! The cubic convolution kernel with a = −0.75 over 4 × 4 pixels around the half-pixel centre, borders replicated, no
//! antialiasing when shrinking. Bit for bit what OpenCV's own code computes on x86-64 (`resize.cpp`, versions 4 and 5):
//! coefficients are rounded to multiples of 1/2048, rows are integers, and the sum over columns is rounded either in
//! single precision (its vector loop over eight values at a time) or in fixed point (the rest of a row). The two differ in
//! ties only.

use crate::images::ImageShape;

/// Fixed-point one of a coefficient: `INTER_RESIZE_COEF_SCALE`.
const ONE: f32 = 2048.0;
/// Bits behind the point of a product of two coefficients.
const BITS: u32 = 22;
/// Values that OpenCV's vector loop takes at a time.
const LANES: usize = 8;

/// The four source positions and their coefficients (in 1/2048) of one target position.
#[derive(Clone, Copy)]
struct Taps {
    positions: [usize; 4],
    weights: [i32; 4],
}

/// The taps of every target position of an axis that is resized `from` to `to` pixels.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = 1.0 / (to as f64 / from as f64);
    let tap = |target: usize| {
        let centre = ((target as f64 + 0.5) * scale - 0.5) as f32;
        let first = centre.floor();
        let weights = coefficients(centre - first).map(|c| (c * ONE).round_ties_even() as i32);
        let last = from as isize - 1;
        let positions = [-1, 0, 1, 2].map(|k| (first as isize + k).clamp(0, last) as usize);
        Taps { positions, weights }
    };
    (0..to).map(tap).collect()
}

/// Keys' cubic convolution kernel with a = −0.75 at distances 1 + x, x, 1 − x, 2 − x.
fn coefficients(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let outer = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let inner = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let (left, right) = (inner(x), inner(1.0 - x));
    [outer, left, right, 1.0 - outer - left - right]
}

/// Resizes an image (height × width × channels) to `height` × `width`; the aspect ratio is not kept. The result is
/// appended to `out`.
///
/// # Panics
/// If `pixels` is not of the shape `from`, or if a side of either image is 0.
pub fn resize_cubic(pixels: &[u8], from: ImageShape, height: usize, width: usize, out: &mut Vec<u8>) {
    assert_eq!(pixels.len(), from.len(), "pixels of another shape than {from}");
    assert!(!from.is_empty() && height > 0 && width > 0, "cannot resize {from} to {height}×{width}");
    let channels = from.channels;
    let (columns, rows) = (taps(from.width, width), taps(from.height, height));
    let row_len = width * channels;
    // Source row r, resized along its width, waits in slot r mod 4: any four neighbours have slots of their own.
    let mut slots: [Vec<i32>; 4] = std::array::from_fn(|_| vec![0; row_len]);
    let mut held = [usize::MAX; 4];
    for taps in &rows {
        for row in taps.positions {
            if held[row % 4] != row {
                let source = &pixels[row * from.width * channels..][..from.width * channels];
                resize_row(source, channels, &columns, &mut slots[row % 4]);
                held[row % 4] = row;
            }
        }
        mix_rows(taps.positions.map(|row| &*slots[row % 4]), taps.weights, out);
    }
}

/// One row along its width: values in 1/2048 of a grey level.
fn resize_row(source: &[u8], channels: usize, columns: &[Taps], row: &mut [i32]) {
    for (target, taps) in row.chunks_exact_mut(channels).zip(columns) {
        for (channel, value) in target.iter_mut().enumerate() {
            let products = taps.positions.iter().zip(taps.weights);
            *value = products.map(|(&x, weight)| i32::from(source[x * channels + channel]) * weight).sum();
        }
    }
}

/// Appends a target row, the weighted sum of four resized source rows.
fn mix_rows(rows: [&[i32]; 4], weights: [i32; 4], out: &mut Vec<u8>) {
    let len = rows[0].len();
    let vectorised = len - len % LANES;
    let scaled = weights.map(|weight| weight as f32 * (1.0 / (1u32 << BITS) as f32));
    out.extend((0..vectorised).map(|i| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| rows[k][i] as f32 * scaled[k]);
        // A cast of a float saturates.
        (a + (b + (c + d))).round_ties_even() as u8
    }));
    out.extend((vectorised..len).map(|i| {
        let sum: i32 = (0..4).map(|k| rows[k][i] * weights[k]).sum();
        ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8
    }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resized(pixels: &[u8], from: [usize; 3], height: usize, width: usize) -> Vec<u8> {
        let [h, w, channels] = from;
        let mut out = Vec::new();
        resize_cubic(pixels, ImageShape { height: h, width: w, channels }, height, width, &mut out);
        out
    }

    /// The source image of a golden case, as the fixture's script makes it.
    fn source(pattern: usize, len: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let value = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [(state >> 24) as u8, 255 * (state >> 31) as u8, (i * 7) as u8][pattern]
        };
        (0..len).map(value).collect()
    }

    #[test]
    fn golden_images_of_opencv_are_met_bit_for_bit() {
        let mut golden = &include_bytes!("../../tests/fixtures/opencv_cubic/golden.bin")[..];
        let mut cases = 0;
        while let Some((header, rest)) = golden.split_at_checked(12) {
            let numbers: Vec<usize> =
                header.as_chunks().0.iter().map(|&word| usize::from(u16::from_le_bytes(word))).collect();
            let [pattern, h, w, channels, height, width] = numbers[..] else { unreachable!() };
            let (expected, rest) = rest.split_at(height * width * channels);
            let pixels = source(pattern, h * w * channels, cases);
            let got = resized(&pixels, [h, w, channels], height, width);
            assert!(got == expected, "case {cases}: {h}×{w}×{channels} to {height}×{width}");
            (golden, cases) = (rest, cases + 1);
        }
        assert!(cases >= 20 && golden.is_empty());
    }

    proptest! {
        #[test]
        fn the_same_size_changes_nothing(h in 1usize..20, w in 1usize..20, c in 1usize..4, seed: u32) {
            let pixels = source(0, h * w * c, seed);
            prop_assert_eq!(resized(&pixels, [h, w, c], h, w), pixels);
        }

        #[test]
        fn a_constant_image_stays_constant(
            h in 1usize..40, w in 1usize..40, height in 1usize..40, width in 1usize..40, value: u8,
        ) {
            let got = resized(&vec![value; h * w * 3], [h, w, 3], height, width);
            // Rounded coefficients may miss one by a few parts in 2048.
            prop_assert!(got.iter().all(|&v| v.abs_diff(value) <= 1), "{:?}", got);
        }
    }
}
