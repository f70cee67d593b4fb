//! Prototypes of the classes of a stand-in: random smooth pictures, larger than an image so that they can be shifted.

use taskset_rng::Stream;

use crate::images::ImageShape;
use crate::manifest::StandIn;

/// Prototypes of all classes, `modes` a class.
pub(super) struct Prototypes {
    pub(super) kind: StandIn,
    pub(super) shape: ImageShape,
    pub(super) classes: usize,
    modes: usize,
    /// Largest shift of an image from the middle of its canvas, in pixels, in every direction.
    margin: usize,
    /// The canvases, one after the other: class slowest, then mode, row, column, channel.
    canvases: Vec<u8>,
}

/// An image-sized window on a canvas.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    canvas: &'a [u8],
    /// Values a canvas row.
    stride: usize,
    /// Position in the canvas of the window's first value.
    start: usize,
    /// Values a window row, and rows.
    row_len: usize,
    rows: usize,
}

impl<'a> View<'a> {
    /// The rows of the window from the top.
    pub(super) fn rows(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.rows).map(move |row| &self.canvas[self.start + row * self.stride..][..self.row_len])
    }
}

impl Prototypes {
    /// Draws the prototypes. Up to ten classes have three modes each; more have one, for want of examples.
    pub(super) fn new(kind: StandIn, shape: ImageShape, classes: usize, stream: &mut Stream) -> Self {
        let modes = (30 / classes).clamp(1, 3);
        let margin = shape.height / 12;
        let (height, width) = (shape.height + 2 * margin, shape.width + 2 * margin);
        let mut canvases = Vec::with_capacity(classes * modes * height * width * shape.channels);
        for _ in 0..classes * modes {
            match kind {
                StandIn::Strokes => strokes(height, width, stream, &mut canvases),
                StandIn::Shapes => shapes(height, width, stream, &mut canvases),
                StandIn::Fields => fields(height, width, shape.channels, stream, &mut canvases),
            }
        }
        Self { kind, shape, classes, modes, margin, canvases }
    }

    /// A random mode of a class, randomly shifted.
    pub(super) fn view(&self, class: usize, stream: &mut Stream) -> View<'_> {
        let mode = stream.below(self.modes as u64) as usize;
        let mut shift = || stream.below(2 * self.margin as u64 + 1) as usize;
        let (dy, dx) = (shift(), shift());
        let ImageShape { height, width, channels } = self.shape;
        let stride = (width + 2 * self.margin) * channels;
        let canvas_len = (height + 2 * self.margin) * stride;
        let canvas = &self.canvases[(class * self.modes + mode) * canvas_len..][..canvas_len];
        View { canvas, stride, start: dy * stride + dx * channels, row_len: width * channels, rows: height }
    }
}

/// A pen stroke: a smooth curve (quadratic B-spline) through the middles of a random polygon's sides.
fn strokes(height: usize, width: usize, stream: &mut Stream, out: &mut Vec<u8>) {
    const CORNERS: usize = 6;
    const STEPS: usize = 12;
    let mut corner = || [stream.uniform(0.15, 0.85), stream.uniform(0.15, 0.85)];
    let corners: [[f64; 2]; CORNERS] = std::array::from_fn(|_| corner());
    let mut curve = Vec::with_capacity((CORNERS - 2) * STEPS);
    for window in corners.windows(3) {
        for step in 0..STEPS {
            let t = step as f64 / STEPS as f64;
            let weights = [0.5 * (1.0 - t) * (1.0 - t), 0.5 + t * (1.0 - t), 0.5 * t * t];
            let mix = |axis: usize| window.iter().zip(weights).map(|(c, w)| w * c[axis]).sum::<f64>();
            curve.push([mix(0) * height as f64, mix(1) * width as f64]);
        }
    }
    let (pen, soft) = (height as f64 / 26.0, height as f64 / 26.0);
    for y in 0..height {
        for x in 0..width {
            let squared = |p: &[f64; 2]| square(p[0] - y as f64) + square(p[1] - x as f64);
            let distance = curve.iter().map(squared).fold(f64::INFINITY, f64::min).sqrt();
            out.push(level(1.0 - (distance - pen) / soft));
        }
    }
}

/// A textured shape on black: where a coarse field, lifted in the middle, is positive.
fn shapes(height: usize, width: usize, stream: &mut Stream, out: &mut Vec<u8>) {
    let outline = Field::new(4, stream);
    let texture = Field::new(7, stream);
    for y in 0..height {
        for x in 0..width {
            let (v, u) = (y as f64 / height as f64, x as f64 / width as f64);
            let from_middle = square(v - 0.5) + square(u - 0.5);
            let inside = 0.75 + outline.at(v, u) - 9.0 * from_middle;
            let grey = 0.6 + 0.6 * texture.at(v, u);
            out.push(level((6.0 * inside).clamp(0.0, 1.0) * grey.clamp(0.15, 1.0)));
        }
    }
}

/// A coloured field: luminance with coarse and finer parts, and a tint that varies slowly.
fn fields(height: usize, width: usize, channels: usize, stream: &mut Stream, out: &mut Vec<u8>) {
    let coarse = Field::new(4, stream);
    let fine = Field::new(8, stream);
    let tints: Vec<Field> = (0..channels).map(|_| Field::new(3, stream)).collect();
    for y in 0..height {
        for x in 0..width {
            let (v, u) = (y as f64 / height as f64, x as f64 / width as f64);
            let light = 0.30 * coarse.at(v, u) + 0.22 * fine.at(v, u);
            for tint in &tints {
                out.push(level(0.5 + light + 0.18 * tint.at(v, u)));
            }
        }
    }
}

/// By a multiplication, because the result of `powi` is not promised to be the same everywhere.
fn square(x: f64) -> f64 {
    x * x
}

/// A grey level of 0 to 255 from a brightness of 0 to 1.
fn level(brightness: f64) -> u8 {
    (brightness.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

/// A smooth random function on the unit square: uniform values in [-1, 1] on a grid, smoothly interpolated.
struct Field {
    cells: usize,
    values: Vec<f64>,
}

impl Field {
    fn new(cells: usize, stream: &mut Stream) -> Self {
        let values = (0..(cells + 1) * (cells + 1)).map(|_| stream.uniform(-1.0, 1.0)).collect();
        Self { cells, values }
    }

    /// The value at `(v, u)`, both in [0, 1).
    fn at(&self, v: f64, u: f64) -> f64 {
        let place = |x: f64| {
            let scaled = x * self.cells as f64;
            let cell = (scaled as usize).min(self.cells - 1);
            let t = scaled - cell as f64;
            (cell, t * t * (3.0 - 2.0 * t))
        };
        let ((row, a), (column, b)) = (place(v), place(u));
        let value = |r: usize, c: usize| self.values[(row + r) * (self.cells + 1) + column + c];
        let top = value(0, 0) + b * (value(0, 1) - value(0, 0));
        let bottom = value(1, 0) + b * (value(1, 1) - value(1, 0));
        top + a * (bottom - top)
    }
}
