//! Standard normal numbers by the ziggurat method (Marsaglia and Tsang 2000; Doornik 2005, "ZIGNOR").

use std::sync::OnceLock;

use crate::Stream;

const LAYERS: usize = 256;
/// Start of the tail, and the common area of the layers, for 256 layers.
const TAIL: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_997_087;

struct Tables {
    /// Right edge of each layer, widest (the tail's pseudo-layer) first; `edge[LAYERS] = 0`.
    edge: [f64; LAYERS + 1],
    /// `edge[i + 1] / edge[i]`: below it a point of the layer is under the curve without a test.
    ratio: [f64; LAYERS],
    /// Density (without its constant) at each edge.
    density: [f64; LAYERS + 1],
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut edge = [0.0; LAYERS + 1];
        let mut f = libm::exp(-0.5 * TAIL * TAIL);
        edge[0] = AREA / f;
        edge[1] = TAIL;
        for i in 2..LAYERS {
            edge[i] = (-2.0 * libm::log(AREA / edge[i - 1] + f)).sqrt();
            f = libm::exp(-0.5 * edge[i] * edge[i]);
        }
        let mut ratio = [0.0; LAYERS];
        for i in 0..LAYERS {
            ratio[i] = edge[i + 1] / edge[i];
        }
        let density = edge.map(|x| libm::exp(-0.5 * x * x));
        Tables { edge, ratio, density }
    })
}

/// One standard normal number. Uses 64 bits in 98.8 % of the draws: the low 8 choose the layer, the high 53 the point.
#[inline]
pub(crate) fn ziggurat(stream: &mut Stream) -> f64 {
    let t = tables();
    loop {
        let bits = stream.next_u64();
        let layer = (bits & 0xff) as usize;
        let u = 2.0 * ((bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)) - 1.0;
        if u.abs() < t.ratio[layer] {
            return u * t.edge[layer];
        }
        if layer == 0 {
            return tail(stream, u < 0.0);
        }
        let x = u * t.edge[layer];
        let (f0, f1) = (t.density[layer], t.density[layer + 1]);
        if f0 + stream.unit_f64() * (f1 - f0) < libm::exp(-0.5 * x * x) {
            return x;
        }
    }
}

/// A normal number beyond [`TAIL`] (Marsaglia 1964).
#[cold]
fn tail(stream: &mut Stream, negative: bool) -> f64 {
    loop {
        // 1 - u lies in (0, 1], so that the logarithms are finite.
        let x = libm::log(1.0 - stream.unit_f64()) / TAIL;
        let y = libm::log(1.0 - stream.unit_f64());
        if -2.0 * y >= x * x {
            return if negative { x - TAIL } else { TAIL - x };
        }
    }
}
