//! The windows of convolutions: padding, output sizes, and the tables through which gathered products read them.
//!
//! Pixels whose windows hold the same taps of the kernel form a group (the inner ones; those at each edge; the corners),
//! and each group is one matrix product. So zeros of the padding are never stored nor multiplied, and the gradient with
//! respect to the input, whose windows have gaps where the stride is above 1, is such a product, too.

use crate::kernels::Entry;

/// What happens at the border of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zeros around, so that the output has `ceil(n / stride)` rows. With an odd number of them, the last is at the
    /// bottom and the right (TensorFlow).
    Same,
    /// Nothing around: the output has `floor((n − kernel) / stride) + 1` rows, and an input smaller than the kernel is
    /// an error.
    Valid,
}

impl Padding {
    /// Outputs along a dimension of `input` pixels; `None` where there are none.
    pub const fn output_size(self, input: usize, kernel: usize, stride: usize) -> Option<usize> {
        if input == 0 || kernel == 0 || stride == 0 {
            return None;
        }
        match self {
            Self::Same => Some(input.div_ceil(stride)),
            Self::Valid if input < kernel => None,
            Self::Valid => Some((input - kernel) / stride + 1),
        }
    }
}

/// One dimension of a convolution: the tap `t` of output `o` is the input `o · stride + t − before`, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Zeros before the first input.
    pub(crate) before: usize,
}

/// Which way values flow through a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs, as gradients do.
    Transposed,
}

/// A place along an axis in one direction, and what reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Class {
    /// Taps, and their sources relative to the place's base.
    taps: Vec<[usize; 2]>,
    /// Places with exactly these taps, and their bases: their first sources.
    places: Vec<[usize; 2]>,
}

impl Axis {
    /// `None` where a convolution has no output.
    pub(crate) fn new(input: usize, kernel: usize, stride: usize, padding: Padding) -> Option<Self> {
        let output = padding.output_size(input, kernel, stride)?;
        let before = match padding {
            Padding::Same => ((output - 1) * stride + kernel).saturating_sub(input) / 2,
            Padding::Valid => 0,
        };
        Some(Self { input, output, kernel, stride, before })
    }

    /// Taps and sources of a place, sources ascending.
    fn sources(&self, direction: Direction, place: usize) -> Vec<[usize; 2]> {
        let mut sources: Vec<[usize; 2]> = match direction {
            Direction::Forward => (0..self.kernel)
                .filter_map(|tap| {
                    let input = (place * self.stride + tap).checked_sub(self.before)?;
                    (input < self.input).then_some([tap, input])
                })
                .collect(),
            Direction::Transposed => (0..self.kernel)
                .filter_map(|tap| {
                    let start = (place + self.before).checked_sub(tap)?;
                    let output = start / self.stride;
                    (start.is_multiple_of(self.stride) && output < self.output).then_some([tap, output])
                })
                .collect(),
        };
        sources.sort_by_key(|&[_, source]| source);
        sources
    }

    fn classes(&self, direction: Direction) -> Vec<Class> {
        let mut classes: Vec<Class> = Vec::new();
        let places = match direction {
            Direction::Forward => self.output,
            Direction::Transposed => self.input,
        };
        for place in 0..places {
            let mut taps = self.sources(direction, place);
            let base = taps.first().map_or(0, |&[_, source]| source);
            taps.iter_mut().for_each(|[_, source]| *source -= base);
            match classes.iter_mut().find(|class| class.taps == taps) {
                Some(class) => class.places.push([place, base]),
                None => classes.push(Class { taps, places: vec![[place, base]] }),
            }
        }
        classes
    }
}

/// One group of pixels: a matrix product from the source's pixels to these.
///
/// For [`Direction::Forward`], the element (i, k) of the left operand is the input number
/// `rows[i].offset + depth[k].offset`; `rows[i].row` is a pixel of the output, and `depth[k].row` a row of the kernel
/// as a matrix `[height · width · inputs, outputs]`. For [`Direction::Transposed`] the same holds with the roles of
/// inputs and outputs exchanged, the kernel being `[height · width · outputs, inputs]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PixelGroup {
    /// The pixels, image by image.
    pub(crate) rows: Vec<Entry>,
    /// Pixels of an image.
    pub(crate) per_image: usize,
    /// The taps that reach them, channel by channel.
    pub(crate) depth: Vec<Entry>,
}

/// A convolution of images: both dimensions, and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Height.
    pub(crate) y: Axis,
    /// Width.
    pub(crate) x: Axis,
    /// Channels before.
    pub(crate) inputs: usize,
    /// Channels behind.
    pub(crate) outputs: usize,
}

impl Windows {
    /// Numbers of an input image.
    pub(crate) const fn input_len(&self) -> usize {
        self.y.input * self.x.input * self.inputs
    }

    /// Pixels of an output image.
    pub(crate) const fn output_pixels(&self) -> usize {
        self.y.output * self.x.output
    }

    /// Numbers of an output image.
    pub(crate) const fn output_len(&self) -> usize {
        self.output_pixels() * self.outputs
    }

    /// Taps of the kernel.
    pub(crate) const fn taps(&self) -> usize {
        self.y.kernel * self.x.kernel
    }

    /// Numbers of the kernel.
    pub(crate) const fn kernel_len(&self) -> usize {
        self.taps() * self.inputs * self.outputs
    }

    /// The groups of a block of images, which together hold every pixel behind it (in this direction) once.
    ///
    /// # Panics
    /// If an image of the block begins beyond 2³² numbers.
    pub(crate) fn groups(&self, direction: Direction, images: usize) -> Vec<PixelGroup> {
        let (height, width, channels, to) = match direction {
            Direction::Forward => (self.y.output, self.x.output, self.inputs, [self.y.input, self.x.input]),
            Direction::Transposed => {
                (self.y.input, self.x.input, self.outputs, [self.y.output, self.x.output])
            }
        };
        let [source_height, source_width] = to;
        let at = |x: usize| u32::try_from(x).expect("a block of images is small");
        let (ys, xs) = (self.y.classes(direction), self.x.classes(direction));
        let mut groups = Vec::with_capacity(ys.len() * xs.len());
        for (y, x) in ys.iter().flat_map(|y| xs.iter().map(move |x| (y, x))) {
            let per_image = y.places.len() * x.places.len();
            let mut rows = Vec::with_capacity(images * per_image);
            for image in 0..images {
                for &[row, base_y] in &y.places {
                    for &[column, base_x] in &x.places {
                        let source = (image * source_height + base_y) * source_width + base_x;
                        let target = (image * height + row) * width + column;
                        rows.push(Entry { offset: at(source * channels), row: at(target) });
                    }
                }
            }
            let mut depth = Vec::with_capacity(y.taps.len() * x.taps.len() * channels);
            for &[tap_y, source_y] in &y.taps {
                for &[tap_x, source_x] in &x.taps {
                    let offset = (source_y * source_width + source_x) * channels;
                    let row = (tap_y * self.x.kernel + tap_x) * channels;
                    depth.extend((0..channels).map(|c| Entry { offset: at(offset + c), row: at(row + c) }));
                }
            }
            groups.push(PixelGroup { rows, per_image, depth });
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn axis(input: usize, kernel: usize, stride: usize, padding: Padding) -> [usize; 3] {
        let axis = Axis::new(input, kernel, stride, padding).unwrap();
        let after = ((axis.output - 1) * stride + kernel).saturating_sub(input + axis.before);
        [axis.output, axis.before, after]
    }

    /// TensorFlow's rules: outputs, zeros before, zeros after.
    #[test]
    fn sizes_and_padding() {
        let check = |input, kernel, stride, padding, expected: [usize; 3]| {
            assert_eq!(
                axis(input, kernel, stride, padding),
                expected,
                "{input} {kernel} {stride} {padding:?}"
            );
        };
        check(32, 3, 1, Padding::Same, [32, 1, 1]);
        // Stride 2 on an even size pads only behind.
        check(32, 3, 2, Padding::Same, [16, 0, 1]);
        check(15, 3, 2, Padding::Same, [8, 1, 1]);
        check(1, 3, 2, Padding::Same, [1, 1, 1]);
        check(28, 5, 2, Padding::Same, [14, 1, 2]);
        check(28, 4, 1, Padding::Same, [28, 1, 2]);
        check(7, 1, 2, Padding::Same, [4, 0, 0]);
        check(32, 3, 2, Padding::Valid, [15, 0, 0]);
        check(32, 3, 1, Padding::Valid, [30, 0, 0]);
        check(3, 3, 2, Padding::Valid, [1, 0, 0]);
        assert_eq!(Padding::Valid.output_size(2, 3, 1), None);
        assert_eq!(Padding::Same.output_size(0, 3, 1), None);
        assert_eq!(Padding::Same.output_size(3, 3, 0), None);
    }

    #[test]
    fn groups_of_a_small_image() {
        let axis = Axis::new(4, 3, 1, Padding::Same).unwrap();
        let windows = Windows { y: axis, x: axis, inputs: 2, outputs: 1 };
        let mut sizes: Vec<(usize, usize)> =
            windows.groups(Direction::Forward, 5).iter().map(|g| (g.rows.len(), g.depth.len())).collect();
        sizes.sort_unstable();
        // Four corners with 2 × 2 taps, four edges with 2 × 3, the inside with 3 × 3.
        let expected = [[(5, 8); 4], [(10, 12); 4]].concat();
        assert_eq!(sizes, [expected, vec![(20, 18)]].concat());
    }

    /// Which (input number, kernel row, output pixel) meet, as the definition has it.
    fn definition(w: &Windows, images: usize) -> BTreeMap<(usize, usize, usize), usize> {
        let mut all = BTreeMap::new();
        for image in 0..images {
            for (oy, ox) in (0..w.y.output).flat_map(|y| (0..w.x.output).map(move |x| (y, x))) {
                for (ty, tx) in (0..w.y.kernel).flat_map(|y| (0..w.x.kernel).map(move |x| (y, x))) {
                    let (iy, ix) = (oy * w.y.stride + ty, ox * w.x.stride + tx);
                    let (Some(iy), Some(ix)) = (iy.checked_sub(w.y.before), ix.checked_sub(w.x.before))
                    else {
                        continue;
                    };
                    if iy < w.y.input && ix < w.x.input {
                        let input = (image * w.y.input + iy) * w.x.input + ix;
                        let output = (image * w.y.output + oy) * w.x.output + ox;
                        *all.entry((input, ty * w.x.kernel + tx, output)).or_default() += 1;
                    }
                }
            }
        }
        all
    }

    fn met(w: &Windows, direction: Direction, images: usize) -> BTreeMap<(usize, usize, usize), usize> {
        let mut all = BTreeMap::new();
        let channels = if direction == Direction::Forward { w.inputs } else { w.outputs };
        for group in w.groups(direction, images) {
            assert_eq!(group.rows.len(), images * group.per_image);
            for row in &group.rows {
                for k in group.depth.iter().step_by(channels) {
                    let source = (row.offset + k.offset) as usize / channels;
                    let (tap, target) = (k.row as usize / channels, row.row as usize);
                    let met = match direction {
                        Direction::Forward => (source, tap, target),
                        Direction::Transposed => (target, tap, source),
                    };
                    *all.entry(met).or_default() += 1;
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn both_directions_are_the_definition(
            size in [1usize..9, 1usize..9], kernel in [1usize..6, 1usize..6], stride in [1usize..4, 1usize..4],
            same: bool, images in 1usize..3,
        ) {
            let padding = if same { Padding::Same } else { Padding::Valid };
            let axes = [0, 1].map(|i| Axis::new(size[i], kernel[i], stride[i], padding));
            let [Some(y), Some(x)] = axes else { return Ok(()) };
            let windows = Windows { y, x, inputs: 2, outputs: 3 };
            let definition = definition(&windows, images);
            prop_assert!(definition.values().all(|&times| times == 1));
            for direction in [Direction::Forward, Direction::Transposed] {
                prop_assert_eq!(&met(&windows, direction, images), &definition);
                let pixels: usize = windows.groups(direction, images).iter().map(|g| g.rows.len()).sum();
                let all = if direction == Direction::Forward { y.output * x.output } else { y.input * x.input };
                prop_assert_eq!(pixels, images * all, "every pixel is in one group");
            }
        }
    }
}
