//! Augmentation of one image: crop, flips, colour, as TensorFlow's image operations compute them.

use taskset_datasets::images::ImageShape;
use taskset_nn::kernels::ColorChange;
use taskset_nn::{Backend, Scalar};
use taskset_rng::Stream;

/// Random changes of each image, drawn freshly each time it is used, applied in the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Rows and columns cut off (0, 1 or 2): the model's input shrinks by as much.
    pub crop_amount: usize,
    /// Reverse the width with probability one half.
    pub flip_left_right: bool,
    /// Reverse the height with probability one half.
    pub flip_up_down: bool,
    /// Whether the four colour changes apply (they never do to images of one channel).
    pub do_color_aug: bool,
    /// An amount from `U(-b, b)` is added to all values.
    pub brightness: f64,
    /// The saturation is multiplied by a factor from `U(1-s, 1+s)`.
    pub saturation: f64,
    /// The hue is turned by an amount from `U(-h, h)`, in turns.
    pub hue: f64,
    /// The distance to the channel's mean is multiplied by a factor from `U(1-c, 1+c)`.
    pub contrast: f64,
}

/// The random numbers of one image. Only those that have an effect are drawn, in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Draws {
    /// First row and column kept.
    offset: (usize, usize),
    reverse_width: bool,
    reverse_height: bool,
    color: Option<ColorChange>,
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
            draws.color = Some(ColorChange {
                brightness: stream.uniform(-brightness, brightness),
                saturation: stream.uniform(1.0 - saturation, 1.0 + saturation),
                hue: stream.uniform(-hue, hue),
                contrast: stream.uniform(1.0 - contrast, 1.0 + contrast),
            });
        }
        draws
    }
}

/// Augments the images of a data set, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Augmenter {
    augmentation: Augmentation,
    shape: ImageShape,
    centre: bool,
    /// Bytes of the current image, cropped and flipped.
    view: Vec<u8>,
}

impl Augmenter {
    /// For images of `shape`; after augmentation comes `2x − 1` if `centre`.
    pub(super) fn new(augmentation: Augmentation, shape: ImageShape, centre: bool) -> Self {
        let crop = augmentation.crop_amount;
        let view = vec![0; (shape.height - crop) * (shape.width - crop) * shape.channels];
        Self { augmentation, shape, centre, view }
    }

    /// Augments an image, row-major height × width × channels, into `out`, which has `crop_amount` rows and columns
    /// less. Results may leave `[0, 1]`: nothing is clipped. Numbers are drawn in double precision, so both precisions
    /// see the same changes.
    pub(super) fn augment<T: Scalar>(
        &mut self,
        backend: Backend,
        pixels: &[u8],
        stream: &mut Stream,
        out: &mut [T],
    ) {
        let Self { augmentation, shape, centre, view } = self;
        let draws = Draws::new(augmentation, shape.channels, stream);
        // Changes of colour do not depend on a pixel's place. So bytes are moved, which are a quarter of the size of numbers.
        crop_and_flip(&draws, augmentation.crop_amount, *shape, pixels, view);
        match &draws.color {
            Some(change) => T::from_recolored(backend, view, change, *centre, out),
            None => T::from_bytes(backend, view, *centre, out),
        }
    }
}

fn crop_and_flip(draws: &Draws, crop: usize, shape: ImageShape, pixels: &[u8], view: &mut [u8]) {
    let channels = shape.channels;
    let (height, width) = (shape.height - crop, shape.width - crop);
    for (row, line) in view.chunks_exact_mut(width * channels).enumerate() {
        let row = if draws.reverse_height { height - 1 - row } else { row };
        let from = ((row + draws.offset.0) * shape.width + draws.offset.1) * channels;
        let source = &pixels[from..from + width * channels];
        match (draws.reverse_width, channels) {
            (false, _) => line.copy_from_slice(source),
            (true, 1) => reverse::<1>(source, line),
            (true, 3) => reverse::<3>(source, line),
            (true, _) => {
                for (to, from) in line.chunks_exact_mut(channels).zip(source.chunks_exact(channels).rev()) {
                    to.copy_from_slice(from);
                }
            }
        }
    }
}

/// Reverses the order of the pixels.
fn reverse<const CHANNELS: usize>(from: &[u8], to: &mut [u8]) {
    let (from, _) = from.as_chunks::<CHANNELS>();
    let (to, _) = to.as_chunks_mut::<CHANNELS>();
    for (to, from) in to.iter_mut().zip(from.iter().rev()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_rng::StreamId;

    /// An image of 3 × 4 whose bytes are 0, 1, … in order, geometrically changed; `expected` are the pixels.
    fn check_geometry(draws: Draws, crop: usize, expected: &[u8]) {
        for channels in [1, 2, 3] {
            let shape = ImageShape { height: 3, width: 4, channels };
            let image: Vec<u8> = (0..shape.len() as u8).collect();
            let mut view = vec![u8::MAX; (3 - crop) * (4 - crop) * channels];
            crop_and_flip(&draws, crop, shape, &image, &mut view);
            let channels = channels as u8;
            let expected: Vec<u8> =
                expected.iter().flat_map(|pixel| pixel * channels..(pixel + 1) * channels).collect();
            assert_eq!(view, expected);
        }
    }

    #[test]
    fn crops_and_flips() {
        let none = Draws::default();
        let all: Vec<u8> = (0..12).collect();
        check_geometry(none, 0, &all);
        check_geometry(Draws { offset: (1, 0), ..none }, 1, &[4, 5, 6, 8, 9, 10]);
        check_geometry(Draws { offset: (0, 2), ..none }, 2, &[2, 3]);
        let reversed = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8];
        check_geometry(Draws { reverse_width: true, ..none }, 0, &reversed);
        let upside_down = Draws { offset: (1, 1), reverse_height: true, reverse_width: true, ..none };
        check_geometry(upside_down, 1, &[11, 10, 9, 7, 6, 5]);
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

    #[test]
    fn both_precisions_see_the_same_changes() {
        let shape = ImageShape { height: 9, width: 8, channels: 3 };
        let augmentation = Augmentation {
            crop_amount: 1,
            flip_left_right: true,
            flip_up_down: true,
            do_color_aug: true,
            brightness: 0.2,
            saturation: 0.9,
            hue: 0.4,
            contrast: 0.8,
        };
        let mut stream = StreamId::root("augment-precisions").stream();
        let pixels: Vec<u8> = (0..shape.len()).map(|_| stream.below(256) as u8).collect();
        let mut augmenter = Augmenter::new(augmentation, shape, true);
        let mut other = stream.clone();
        let mut seen = Vec::new();
        for _ in 0..20 {
            let (mut single, mut double) = ([f32::NAN; 8 * 7 * 3], [f64::NAN; 8 * 7 * 3]);
            augmenter.augment(Backend::detect(), &pixels, &mut stream, &mut single);
            augmenter.augment(Backend::detect(), &pixels, &mut other, &mut double);
            assert!(single.iter().zip(&double).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5));
            seen.push(single.map(f32::to_bits));
        }
        assert_eq!(stream, other);
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "every image is changed anew");
    }
}
