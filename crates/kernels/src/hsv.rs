//! Changes of colour as they are defined, through hue, saturation and value: what the vectorised [`color`](super::color_augment)
//! is tested against.
//!
//! Value is a pixel's largest channel, saturation the range of the channels over the value, hue the place on the colour
//! circle, here in sixths of a turn from red.

/// Converts to hue, saturation and value, multiplies the saturation and clips it to `[0, 1]`, and converts back.
pub(super) fn scale_saturation([r, g, b]: &mut [f64; 3], factor: f64) {
    let (max, min) = (r.max(*g).max(*b), r.min(*g).min(*b));
    let range = max - min;
    // A negative minimum gives a saturation above 1, which the clipping below cuts.
    let saturation = if max > 0.0 { range / max } else { 0.0 };
    let sixths = if range > 0.0 {
        // Equality with the largest channel picks the sector; red goes before green before blue.
        let sector = if *r >= max {
            (*g - *b) / range
        } else if *g >= max {
            (*b - *r) / range + 2.0
        } else {
            (*r - *g) / range + 4.0
        };
        if sector < 0.0 { sector + 6.0 } else { sector }
    } else {
        0.0
    };
    let saturation = (saturation * factor).clamp(0.0, 1.0);
    let chroma = saturation * max;
    let floor = max - chroma;
    let within = sixths - 2.0 * (sixths / 2.0).floor();
    let middle = chroma * (1.0 - (within - 1.0).abs());
    let [x, y, z] = sector(sixths, [chroma, middle, 0.0]);
    (*r, *g, *b) = (x + floor, y + floor, z + floor);
}

/// Turns the hue by a fraction of a full turn; the pixel keeps its largest and smallest value.
pub(super) fn turn_hue(pixel: &mut [f64; 3], turns: f64) {
    let [r, g, b] = *pixel;
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max <= min {
        return;
    }
    let range = max - min;
    // The sector between two primaries, and how far the middle value has come.
    let (sector_start, rising, middle) = match (r >= g, g >= b, r >= b) {
        (true, true, _) => (0.0, true, g),
        (false, _, true) => (1.0, false, r),
        (false, true, false) => (2.0, true, b),
        (false, false, false) => (3.0, false, g),
        (true, false, false) => (4.0, true, r),
        (true, false, true) => (5.0, false, b),
    };
    let ratio = (middle - min) / range;
    let hue = sector_start + if rising { ratio } else { 1.0 - ratio } + 6.0 * turns;
    let hue = hue - 6.0 * (hue / 6.0).floor();
    // Distance of the middle value from the smallest: a triangle wave over the circle.
    let within = hue - 2.0 * (hue / 2.0).floor();
    let ratio = 1.0 - (within - 1.0).abs();
    *pixel = sector(hue, [max, min + ratio * range, min]);
}

/// Orders largest, middle and smallest value to red, green and blue by the sixth of the colour circle.
fn sector(sixths: f64, [large, middle, small]: [f64; 3]) -> [f64; 3] {
    match sixths as i32 {
        1 => [middle, large, small],
        2 => [small, large, middle],
        3 => [small, middle, large],
        4 => [middle, small, large],
        5 => [large, small, middle],
        // Rounding may give a full turn, 6, which is 0.
        6 => [large, small, small],
        _ => [large, middle, small],
    }
}

/// `(x − m) factor + m` with each channel's mean `m` over the pixels.
pub(super) fn scale_contrast(pixels: &mut [[f64; 3]], factor: f64) {
    for channel in 0..3 {
        let mean = pixels.iter().map(|pixel| pixel[channel]).sum::<f64>() / pixels.len() as f64;
        for pixel in &mut *pixels {
            pixel[channel] = (pixel[channel] - mean) * factor + mean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: &[f64], b: &[f64], bound: f64) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= bound), "{a:?}\n{b:?}");
    }

    #[test]
    fn colours_of_known_pixels() {
        let saturated = |pixel: &[f64; 3], factor: f64| {
            let mut changed = *pixel;
            scale_saturation(&mut changed, factor);
            changed
        };
        let turned = |pixel: &[f64; 3], turns: f64| {
            let mut changed = *pixel;
            turn_hue(&mut changed, turns);
            changed
        };
        // Python: colorsys.rgb_to_hsv and hsv_to_rgb with the saturation halved, or the hue moved.
        close(&saturated(&[0.8, 0.4, 0.2], 0.5), &[0.8, 0.6, 0.5], 1e-12);
        close(&saturated(&[0.2, 0.4, 0.8], 0.0), &[0.8; 3], 1e-12);
        close(&saturated(&[0.8, 0.4, 0.2], 10.0), &[0.8, 0.8 / 3.0, 0.0], 1e-12);
        // A negative minimum is clipped away, an image darker than black becomes grey.
        close(&saturated(&[0.5, 0.25, -0.5], 1.0), &[0.5, 0.375, 0.0], 1e-12);
        close(&saturated(&[-0.1, -0.2, -0.3], 1.0), &[-0.1; 3], 1e-12);
        close(&turned(&[1.0, 0.0, 0.0], 1.0 / 3.0), &[0.0, 1.0, 0.0], 1e-12);
        close(&turned(&[1.0, 0.0, 0.0], -1.0 / 3.0), &[0.0, 0.0, 1.0], 1e-12);
        close(&turned(&[0.8, 0.4, 0.2], 0.5), &[0.2, 0.6, 0.8], 1e-12);
        close(&turned(&[0.5, 0.25, -0.5], 1.0 / 3.0), &[-0.5, 0.5, 0.25], 1e-12);
        close(&turned(&[0.3; 3], 0.4), &[0.3; 3], 0.0);
    }

    #[test]
    fn contrast_keeps_the_mean_of_each_channel() {
        let mut image = [[0.0, 1.0, 0.5], [1.0, 3.0, 0.5]];
        scale_contrast(&mut image, 0.5);
        close(image.as_flattened(), &[0.25, 1.5, 0.5, 0.75, 2.5, 0.5], 1e-12);
    }

    proptest! {
        #[test]
        fn colour_changes_are_undone_by_their_opposites(
            pixel in prop::array::uniform3(0.0f64..1.0), turns in -0.5f64..0.5, factor in 0.1f64..1.0,
        ) {
            let mut turned = pixel;
            turn_hue(&mut turned, turns);
            let extremes = |p: [f64; 3]| (p[0].max(p[1]).max(p[2]), p[0].min(p[1]).min(p[2]));
            prop_assert_eq!(extremes(turned), extremes(pixel));
            turn_hue(&mut turned, -turns);
            let mut faded = pixel;
            scale_saturation(&mut faded, factor);
            scale_saturation(&mut faded, 1.0 / factor);
            for i in 0..3 {
                prop_assert!((turned[i] - pixel[i]).abs() < 1e-9);
                prop_assert!((faded[i] - pixel[i]).abs() < 1e-9);
            }
        }
    }
}
