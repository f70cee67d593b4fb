//! Independent random elements: initial parameters and matrices.

use taskset_rng::Stream;

use super::real::Real;

/// The distribution of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ElementDraw {
    /// Normal.
    Normal { mean: f64, std: f64 },
    /// Uniform on `[lo, hi)`.
    Uniform { lo: f64, hi: f64 },
}

impl ElementDraw {
    /// N(0, 1), the default start of losg problems.
    pub(crate) const STANDARD_NORMAL: Self = Self::Normal { mean: 0.0, std: 1.0 };

    /// The distribution of `factor` times an element.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Normal { mean, std } => Self::Normal { mean: factor * mean, std: factor * std },
            Self::Uniform { lo, hi } => Self::Uniform { lo: factor * lo, hi: factor * hi },
        }
    }

    /// One element. It is drawn in f64, so that f32 and f64 replicas agree up to rounding.
    #[inline]
    pub(crate) fn one(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Normal { mean, std } => mean + std * stream.normal(),
            Self::Uniform { lo, hi } => stream.uniform(lo, hi),
        }
    }

    /// Overwrites a slice with independent elements.
    pub(crate) fn fill<T: Real>(self, stream: &mut Stream, out: &mut [T]) {
        for x in out {
            *x = T::of(self.one(stream));
        }
    }

    /// `out ← a +` independent elements, each rounded before it is added.
    pub(crate) fn add<T: Real>(self, stream: &mut Stream, a: &[T], out: &mut [T]) {
        for (out, &a) in out.iter_mut().zip(a) {
            *out = a + T::of(self.one(stream));
        }
    }

    /// `count` independent elements.
    pub(crate) fn many(self, stream: &mut Stream, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.one(stream)).collect()
    }
}
