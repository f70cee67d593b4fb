//! Augmentation of one image: crop, flips, colour (specification 5.2), as TensorFlow's image operations compute them.

use taskset_datasets::ImageShape;
use taskset_nn::Scalar;
use taskset_rng::Stream;

use crate::families::Augmentation;

/// The random numbers of one image. Only those that have an effect are drawn, in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Draws {
    /// First row and column kept.
    offset: (usize, usize),
    reverse_width: bool,
    reverse_height: bool,
    color: Option<Color>,
}

/// Amounts of the four colour changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Color {
    /// Added to all values.
    brightness: f64,
    /// Multiplies the saturation.
    saturation: f64,
    /// Turns of the hue.
    hue: f64,
    /// Multiplies the distance to the channel's mean.
    contrast: f64,
}

impl Draws {
    fn new(augmentation: &Augmentation, channels: usize, stream: &mut Stream) -> Self {
        let mut draws = Self::default();
        if augmentation.crop_amount > 0 {
            let offsets = augmentation.crop_amount as u64 + 1;
            draws.offset = (stream.below(offsets) as usize, stream.below(offsets) as usize);
        }
        draws.reverse_width = augmentation.flip_left_right && stream.bernoulli(0.5);
        draws.reverse_height = augmentation.flip_up_down && stream.bernoulli(0.5);
        if augmentation.do_color_aug && channels == 3 {
            let Augmentation { brightness, saturation, hue, contrast, .. } = *augmentation;
            draws.color = Some(Color {
                brightness: stream.uniform(-brightness, brightness),
                saturation: stream.uniform(1.0 - saturation, 1.0 + saturation),
                hue: stream.uniform(-hue, hue),
                contrast: stream.uniform(1.0 - contrast, 1.0 + contrast),
            });
        }
        draws
    }
}

/// Augments an image of `shape` with values in `[0, 1]`, row-major height × width × channels, into `out`, which has
/// `crop_amount` rows and columns less. Results may leave `[0, 1]`: nothing is clipped. Numbers are drawn in double
/// precision, so both precisions see the same changes.
pub(super) fn augment<T: Scalar>(
    augmentation: &Augmentation,
    shape: ImageShape,
    image: &[T],
    out: &mut [T],
    stream: &mut Stream,
) {
    let draws = Draws::new(augmentation, shape.channels, stream);
    apply(&draws, augmentation.crop_amount, shape, image, out);
}

fn apply<T: Scalar>(draws: &Draws, crop: usize, shape: ImageShape, image: &[T], out: &mut [T]) {
    let channels = shape.channels;
    let (height, width) = (shape.height - crop, shape.width - crop);
    for (row, line) in out.chunks_exact_mut(width * channels).enumerate() {
        let row = if draws.reverse_height { height - 1 - row } else { row };
        let from = ((row + draws.offset.0) * shape.width + draws.offset.1) * channels;
        let source = &image[from..from + width * channels];
        if draws.reverse_width {
            for (to, from) in line.chunks_exact_mut(channels).zip(source.chunks_exact(channels).rev()) {
                to.copy_from_slice(from);
            }
        } else {
            line.copy_from_slice(source);
        }
    }
    if let Some(color) = &draws.color {
        let brightness = T::of(color.brightness);
        out.iter_mut().for_each(|x| *x = *x + brightness);
        let (pixels, _) = out.as_chunks_mut::<3>();
        let (saturation, hue) = (T::of(color.saturation), T::of(color.hue));
        for pixel in pixels {
            scale_saturation(pixel, saturation);
            turn_hue(pixel, hue);
        }
        scale_contrast(out, channels, color.contrast);
    }
}

/// Converts to hue, saturation and value, multiplies the saturation and clips it to `[0, 1]`, and converts back.
fn scale_saturation<T: Scalar>([r, g, b]: &mut [T; 3], factor: T) {
    let (zero, one, six) = (T::zero(), T::one(), T::of(6.0));
    let (max, min) = (r.max(*g).max(*b), r.min(*g).min(*b));
    let range = max - min;
    // A negative minimum gives a saturation above 1, which the clipping below cuts.
    let saturation = if max > zero { range / max } else { zero };
    let sixths = if range > zero {
        // Equality with the largest channel picks the sector; red goes before green before blue.
        let sector = if *r >= max {
            (*g - *b) / range
        } else if *g >= max {
            (*b - *r) / range + T::of(2.0)
        } else {
            (*r - *g) / range + T::of(4.0)
        };
        if sector < zero { sector + six } else { sector }
    } else {
        zero
    };
    let saturation = (saturation * factor).max(zero).min(one);
    let chroma = saturation * max;
    let floor = max - chroma;
    let within = sixths - T::of(2.0) * (sixths / T::of(2.0)).floor();
    let middle = chroma * (one - (within - one).abs());
    let [x, y, z] = sector(sixths, [chroma, middle, zero]);
    (*r, *g, *b) = (x + floor, y + floor, z + floor);
}

/// Turns the hue by a fraction of a full turn; the pixel keeps its largest and smallest value.
fn turn_hue<T: Scalar>(pixel: &mut [T; 3], turns: T) {
    let six = T::of(6.0);
    let [r, g, b] = *pixel;
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max <= min {
        return;
    }
    let range = max - min;
    // Place on the colour circle, in sixths: the sector between two primaries, and how far the middle value has come.
    let (sector_start, rising, middle) = match (r >= g, g >= b, r >= b) {
        (true, true, _) => (0.0, true, g),
        (false, _, true) => (1.0, false, r),
        (false, true, false) => (2.0, true, b),
        (false, false, false) => (3.0, false, g),
        (true, false, false) => (4.0, true, r),
        (true, false, true) => (5.0, false, b),
    };
    let ratio = (middle - min) / range;
    let hue = T::of(sector_start) + if rising { ratio } else { T::one() - ratio } + turns * six;
    let hue = hue - six * (hue / six).floor();
    // Distance of the middle value from the smallest: a triangle wave over the circle.
    let within = hue - T::of(2.0) * (hue / T::of(2.0)).floor();
    let ratio = T::one() - (within - T::one()).abs();
    *pixel = sector(hue, [max, min + ratio * range, min]);
}

/// Orders largest, middle and smallest value to red, green and blue by the sixth of the colour circle.
fn sector<T: Scalar>(sixths: T, [large, middle, small]: [T; 3]) -> [T; 3] {
    match sixths.to_i32().unwrap_or(0) {
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

/// `(x − m) factor + m` with each channel's mean `m` over the image.
fn scale_contrast<T: Scalar>(image: &mut [T], channels: usize, factor: f64) {
    let factor = T::of(factor);
    let pixels = (image.len() / channels) as f64;
    for channel in 0..channels {
        let sum: f64 = image.iter().skip(channel).step_by(channels).map(|x| x.wide()).sum();
        let mean = T::of(sum / pixels);
        image.iter_mut().skip(channel).step_by(channels).for_each(|x| *x = (*x - mean) * factor + mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    const SHAPE: ImageShape = ImageShape { height: 3, width: 4, channels: 1 };

    fn close(a: &[f64], b: &[f64], bound: f64) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= bound), "{a:?}\n{b:?}");
    }

    /// A grey image of 3 × 4 with values 0 to 11, geometrically changed.
    fn check_geometry(draws: Draws, crop: usize, expected: &[f64]) {
        let image: Vec<f64> = (0..12).map(f64::from).collect();
        let mut out = vec![f64::NAN; (3 - crop) * (4 - crop)];
        apply(&draws, crop, SHAPE, &image, &mut out);
        close(&out, expected, 0.0);
    }

    #[test]
    fn crops_and_flips() {
        let none = Draws::default();
        let all: Vec<f64> = (0..12).map(f64::from).collect();
        check_geometry(none, 0, &all);
        check_geometry(Draws { offset: (1, 0), ..none }, 1, &[4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
        check_geometry(Draws { offset: (0, 2), ..none }, 2, &[2.0, 3.0]);
        let reversed = [3.0, 2.0, 1.0, 0.0, 7.0, 6.0, 5.0, 4.0, 11.0, 10.0, 9.0, 8.0];
        check_geometry(Draws { reverse_width: true, ..none }, 0, &reversed);
        let upside_down = Draws { offset: (1, 1), reverse_height: true, reverse_width: true, ..none };
        check_geometry(upside_down, 1, &[11.0, 10.0, 9.0, 7.0, 6.0, 5.0]);
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
        let mut image = [0.0, 1.0, 0.5, 1.0, 3.0, 0.5];
        scale_contrast(&mut image, 3, 0.5);
        close(&image, &[0.25, 1.5, 0.5, 0.75, 2.5, 0.5], 1e-12);
    }

    #[test]
    fn grey_images_have_no_colour_and_every_offset_and_flip_occurs() {
        let augmentation = Augmentation {
            crop_amount: 2,
            flip_left_right: true,
            flip_up_down: true,
            do_color_aug: true,
            brightness: 0.1,
            saturation: 0.2,
            hue: 0.3,
            contrast: 0.4,
        };
        let mut stream = StreamId::root("augment-tests").stream();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            let draws = Draws::new(&augmentation, 1, &mut stream);
            assert_eq!(draws.color, None);
            seen.insert((draws.offset, draws.reverse_width, draws.reverse_height));
        }
        assert_eq!(seen.len(), 9 * 4);
        for _ in 0..2000 {
            let color = Draws::new(&augmentation, 3, &mut stream).color.unwrap();
            assert!(color.brightness.abs() <= 0.1 && (color.saturation - 1.0).abs() <= 0.2);
            assert!(color.hue.abs() <= 0.3 && (color.contrast - 1.0).abs() <= 0.4);
        }
        let none =
            Augmentation { crop_amount: 0, flip_left_right: false, flip_up_down: false, ..augmentation };
        let before = stream.clone();
        Draws::new(&none, 1, &mut stream);
        assert_eq!(stream, before, "what has no effect takes no number");
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
