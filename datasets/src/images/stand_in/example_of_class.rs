//! An example of a stand-in: its class's prototype, shifted, mixed with a fainter one, with noise, partly hidden.

use taskset_rng::Stream;

use super::class_prototypes::Prototypes;
use crate::manifest::StandIn;

/// How examples of a kind of stand-in vary. Weights are in 1/256.
struct Variation {
    /// Contrast of the prototype: lowest and highest weight.
    contrast: (i32, i32),
    /// Highest weight of the overlaid prototype.
    overlay: i32,
    /// Share of the examples in which the prototype is inverted (dark for bright).
    inverted: f64,
    /// Largest shift of the brightness, up or down, in grey levels.
    brightness: i32,
    /// Largest noise of a pixel, up or down, in grey levels.
    noise: i32,
    /// Whether black pixels stay black (no noise, black rectangles).
    dark: bool,
}

impl Variation {
    fn of(kind: StandIn) -> Self {
        match kind {
            StandIn::Strokes => Self {
                contrast: (150, 256),
                overlay: 90,
                inverted: 0.0,
                brightness: 0,
                noise: 25,
                dark: true,
            },
            StandIn::Shapes => Self {
                contrast: (130, 256),
                overlay: 90,
                inverted: 0.0,
                brightness: 0,
                noise: 25,
                dark: true,
            },
            StandIn::Fields => Self {
                contrast: (130, 256),
                overlay: 110,
                inverted: 0.25,
                brightness: 30,
                noise: 40,
                dark: false,
            },
        }
    }
}

/// A uniform integer between `lo` and `hi`, both included.
fn between(stream: &mut Stream, lo: i32, hi: i32) -> i32 {
    lo + stream.below((hi - lo + 1) as u64) as i32
}

impl Prototypes {
    /// Appends one example of a class to `pixels`.
    pub(super) fn example(&self, class: u16, stream: &mut Stream, pixels: &mut Vec<u8>) {
        let variation = Variation::of(self.kind);
        let main = self.view(usize::from(class), stream);
        let other = stream.below(self.classes as u64) as usize;
        let overlay = self.view(other, stream);
        let sign = if stream.bernoulli(variation.inverted) { -1 } else { 1 };
        let contrast = sign * between(stream, variation.contrast.0, variation.contrast.1);
        let overlay_weight = between(stream, 0, variation.overlay);
        // Fields are centred on grey, so that weights change the contrast and not the brightness.
        let grey = if variation.dark { 0 } else { 128 };
        let level = grey + between(stream, -variation.brightness, variation.brightness);

        let start = pixels.len();
        for (main, overlay) in main.rows().zip(overlay.rows()) {
            let mut noise = 0;
            for (i, (&p, &q)) in main.iter().zip(overlay).enumerate() {
                if i % 8 == 0 {
                    noise = stream.next_u64();
                }
                let mixed = contrast * (i32::from(p) - grey) + overlay_weight * (i32::from(q) - grey);
                let eps = (i32::from(noise as u8) - 128) * variation.noise / 128;
                noise >>= 8;
                let value = if variation.dark && mixed < 256 { 0 } else { level + mixed / 256 + eps };
                pixels.push(value.clamp(0, 255) as u8);
            }
        }
        if stream.bernoulli(0.5) {
            let value = if variation.dark { 0 } else { stream.below(256) as u8 };
            self.hide(stream, value, &mut pixels[start..]);
        }
    }

    /// Fills a rectangle of up to half the height and width with one value.
    fn hide(&self, stream: &mut Stream, value: u8, image: &mut [u8]) {
        let shape = self.shape;
        let mut extent = |size: usize| {
            let length = between(stream, size as i32 / 6, size as i32 / 2) as usize;
            let first = stream.below((size - length + 1) as u64) as usize;
            first..first + length
        };
        let (rows, columns) = (extent(shape.height), extent(shape.width));
        for row in rows {
            let from = (row * shape.width + columns.start) * shape.channels;
            image[from..][..columns.len() * shape.channels].fill(value);
        }
    }
}
