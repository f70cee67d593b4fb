//! Initialisers of weight matrices.

use taskset_rng::Stream;

use crate::Scalar;

/// An initialiser of a weight tensor (TaskSet's sampled ones, and Sonnet's default of the fixed tasks).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// Truncated normal with variance `2 / (fan_in + fan_out)` after truncation.
    GlorotNormal,
    /// Uniform with half-width `sqrt(6 / (fan_in + fan_out))`.
    GlorotUniform,
    /// Truncated normal with variance `2 / fan_in` after truncation.
    HeNormal,
    /// Uniform with half-width `sqrt(6 / fan_in)`.
    HeUniform,
    /// Random orthonormal rows or columns times a gain.
    Orthogonal {
        /// The factor.
        gain: f64,
    },
    /// Normal with this standard deviation.
    RandomNormal {
        /// Standard deviation.
        std: f64,
    },
    /// Uniform on `[-half_width, half_width)`.
    RandomUniform {
        /// Half the width of the interval.
        half_width: f64,
    },
    /// Despite its name a plain normal with this standard deviation (QUIRK-3).
    TruncatedNormal {
        /// Standard deviation.
        std: f64,
    },
    /// Truncated normal with variance `scale / fan_in` after truncation.
    VarianceScaling {
        /// The scale.
        scale: f64,
    },
    /// Sonnet's default for fixed tasks: normal with standard deviation `1 / sqrt(fan_in)`, redrawn until within two
    /// standard deviations.
    SonnetDefault,
    /// 1 where the last index equals the position in all axes before it, else 0: the identity matrix.
    Identity,
    /// All zeros: biases.
    Zeros,
}

/// Standard deviation of a standard normal number that is redrawn until within two standard deviations.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// Fills a tensor of a shape (row-major) from a stream. Drawn in double precision and rounded, so the f32 and the
    /// f64 replica of a task start from the same numbers. Orthogonal matrices allocate; the others do not.
    ///
    /// Fans: `[n]` has fan-in and fan-out `n`; `[in, out]`; convolutions `[height, width, in, out]` have
    /// `height · width · in` and `height · width · out`. Both count as 1 at least.
    ///
    /// # Panics
    /// If the shape and `out` have different numbers of elements.
    pub fn fill<T: Scalar>(&self, shape: &[usize], out: &mut [T], stream: &mut Stream) {
        self.fill_oriented(shape, shape.len().saturating_sub(1), out, stream);
    }

    /// As [`fill`](Initializer::fill) for a tensor whose outputs are the axis `output_axis`: the last one, or the one
    /// before it, as in the kernels `[height, width, out, in]` of transposed convolutions. The other one of the two are
    /// the inputs. The axis has no meaning below two axes. Only the fans depend on it.
    ///
    /// # Panics
    /// If the shape and `out` have different numbers of elements, or the axis is neither.
    pub fn fill_oriented<T: Scalar>(
        &self,
        shape: &[usize],
        output_axis: usize,
        out: &mut [T],
        stream: &mut Stream,
    ) {
        assert_eq!(shape.iter().product::<usize>(), out.len(), "shape {shape:?} does not fit");
        let (fan_in, fan_out) = fans(shape, output_axis);
        let normal = |out: &mut [T], stream: &mut Stream, std: f64| {
            out.iter_mut().for_each(|x| *x = T::of(std * stream.normal()));
        };
        let truncated = |out: &mut [T], stream: &mut Stream, std: f64| {
            out.iter_mut().for_each(|x| *x = T::of(std * stream.truncated_normal()));
        };
        let uniform = |out: &mut [T], stream: &mut Stream, half: f64| {
            out.iter_mut().for_each(|x| *x = T::of(stream.uniform(-half, half)));
        };
        match *self {
            Self::GlorotNormal => truncated(out, stream, (2.0 / (fan_in + fan_out)).sqrt() / TRUNCATED_STD),
            Self::GlorotUniform => uniform(out, stream, (6.0 / (fan_in + fan_out)).sqrt()),
            Self::HeNormal => truncated(out, stream, (2.0 / fan_in).sqrt() / TRUNCATED_STD),
            Self::HeUniform => uniform(out, stream, (6.0 / fan_in).sqrt()),
            Self::Orthogonal { gain } => orthogonal(shape, gain, out, stream),
            Self::RandomNormal { std } | Self::TruncatedNormal { std } => normal(out, stream, std),
            Self::RandomUniform { half_width } => uniform(out, stream, half_width),
            Self::VarianceScaling { scale } => {
                truncated(out, stream, (scale / fan_in).sqrt() / TRUNCATED_STD);
            }
            Self::SonnetDefault => truncated(out, stream, 1.0 / fan_in.sqrt()),
            Self::Identity => {
                let columns = shape.last().copied().unwrap_or(1).max(1);
                for (i, row) in out.chunks_exact_mut(columns).enumerate() {
                    row.fill(T::zero());
                    if let Some(x) = row.get_mut(i) {
                        *x = T::one();
                    }
                }
            }
            Self::Zeros => out.fill(T::zero()),
        }
    }
}

/// Fan-in and fan-out of a shape with this axis of outputs, each at least 1.
fn fans(shape: &[usize], output_axis: usize) -> (f64, f64) {
    let (fan_in, fan_out) = match *shape {
        [] => (1, 1),
        [n] => (n, n),
        [ref window @ .., before, last] => {
            let from_end = shape.len().checked_sub(output_axis);
            let (inputs, outputs) = match from_end {
                Some(1) => (before, last),
                Some(2) => (last, before),
                _ => panic!("axis {output_axis} of {shape:?} cannot be that of the outputs"),
            };
            let window: usize = window.iter().product();
            (window * inputs, window * outputs)
        }
    };
    (fan_in.max(1) as f64, fan_out.max(1) as f64)
}

/// An orthonormal matrix by thin QR of a normal one, with TaskSet's convention that R has a positive diagonal (its Q is
/// then unique, and uniformly distributed). The tensor is flattened to rows × last dimension; if it has more columns
/// than rows, the transpose is drawn. Gram-Schmidt, each vector orthogonalised twice (Giraud et al. 2005).
fn orthogonal<T: Scalar>(shape: &[usize], gain: f64, out: &mut [T], stream: &mut Stream) {
    let cols = shape.last().copied().unwrap_or(1);
    if out.is_empty() {
        return;
    }
    let rows = out.len() / cols;
    let (long, short) = (rows.max(cols), rows.min(cols));
    // q holds the columns of the long × short matrix one after the other; it is drawn row by row.
    let mut q = vec![0.0; long * short];
    for i in 0..long {
        for j in 0..short {
            q[j * long + i] = stream.normal();
        }
    }
    for j in 0..short {
        let (done, rest) = q.split_at_mut(j * long);
        let v = &mut rest[..long];
        for _ in 0..2 {
            for u in done.chunks_exact(long) {
                let projection = dot(u, v);
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= projection * u);
            }
        }
        let norm = dot(v, v).sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
    }
    for i in 0..rows {
        for j in 0..cols {
            let x = if rows >= cols { q[j * long + i] } else { q[i * long + j] };
            out[i * cols + j] = T::of(gain * x);
        }
    }
}

/// Scalar product in eight interleaved parts: vectorises, and the same on every platform.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        for i in 0..8 {
            parts[i] += a[i] * b[i];
        }
    }
    parts.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    fn draw(initializer: Initializer, shape: &[usize]) -> Vec<f64> {
        let mut out = vec![f64::NAN; shape.iter().product()];
        initializer.fill(shape, &mut out, &mut StreamId::root("initializer-tests").stream());
        out
    }

    /// Standard deviation and largest magnitude of many draws.
    fn check(initializer: Initializer, shape: &[usize], std: f64, bound: f64) {
        let x = draw(initializer, shape);
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let measured = (x.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
        // Six standard errors: of the mean std/√n, of the standard deviation at most std/√(2n).
        assert!(mean.abs() <= 6.0 * std / n.sqrt(), "{initializer:?} {shape:?} {mean}");
        assert!(
            (measured - std).abs() <= 6.0 * std / (2.0 * n).sqrt(),
            "{initializer:?} {shape:?} {measured} {std}"
        );
        let largest = x.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
        assert!(
            largest <= bound && largest > 0.97 * bound.min(3.0 * std),
            "{initializer:?} {shape:?} {largest} {bound}"
        );
    }

    #[test]
    fn spreads_follow_the_fans() {
        let unbounded = f64::INFINITY;
        for (shape, fan_in, fan_out) in [
            (vec![300, 70], 300.0, 70.0),
            (vec![3, 3, 40, 60], 360.0, 540.0),
            (vec![20_000], 20_000.0, 20_000.0),
        ] {
            let both = fan_in + fan_out;
            let cut = 2.0 / TRUNCATED_STD;
            let root = f64::sqrt;
            check(Initializer::GlorotNormal, &shape, root(2.0 / both), cut * root(2.0 / both));
            check(Initializer::GlorotUniform, &shape, root(2.0 / both), root(6.0 / both));
            check(Initializer::HeNormal, &shape, root(2.0 / fan_in), cut * root(2.0 / fan_in));
            check(Initializer::HeUniform, &shape, root(2.0 / fan_in), root(6.0 / fan_in));
            check(
                Initializer::VarianceScaling { scale: 3.0 },
                &shape,
                root(3.0 / fan_in),
                cut * root(3.0 / fan_in),
            );
            check(Initializer::SonnetDefault, &shape, TRUNCATED_STD / root(fan_in), 2.0 / root(fan_in));
            check(Initializer::RandomNormal { std: 0.3 }, &shape, 0.3, unbounded);
            check(Initializer::TruncatedNormal { std: 0.3 }, &shape, 0.3, unbounded);
            check(Initializer::RandomUniform { half_width: 0.3 }, &shape, 0.3 / root(3.0), 0.3);
        }
        assert!(draw(Initializer::Zeros, &[3, 4]).iter().all(|x| x.to_bits() == 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn orthogonal_rows_or_columns(rows in 1usize..40, cols in 1usize..40, window in 1usize..3, gain in 0.1f64..5.0) {
            let q = draw(Initializer::Orthogonal { gain }, &[window, rows, cols]);
            let rows = window * rows;
            let at = |i: usize, j: usize| q[i * cols + j];
            let (long, short) = (rows.max(cols), rows.min(cols));
            let element = |i: usize, j: usize| if rows >= cols { at(i, j) } else { at(j, i) };
            for a in 0..short {
                for b in 0..short {
                    let product: f64 = (0..long).map(|i| element(i, a) * element(i, b)).sum();
                    let expected = if a == b { gain * gain } else { 0.0 };
                    prop_assert!((product - expected).abs() < 1e-12 * gain * gain, "{} {}", product, expected);
                }
            }
        }

        #[test]
        fn precisions_start_from_the_same_numbers(rows in 1usize..20, cols in 1usize..20) {
            for initializer in [
                Initializer::HeNormal,
                Initializer::GlorotUniform,
                Initializer::Orthogonal { gain: 1.5 },
                Initializer::SonnetDefault,
            ] {
                let double = draw(initializer, &[rows, cols]);
                let mut single = vec![0f32; rows * cols];
                initializer.fill(&[rows, cols], &mut single, &mut StreamId::root("initializer-tests").stream());
                prop_assert!(single.iter().zip(&double).all(|(a, b)| a.to_bits() == (*b as f32).to_bits()));
            }
        }
    }

    /// Transposed kernels are drawn as the kernels of convolutions with as many inputs and outputs.
    #[test]
    fn fans_follow_the_axis_of_the_outputs() {
        let oriented = |initializer: Initializer, shape: &[usize], axis: usize| {
            let mut out = vec![f64::NAN; shape.iter().product()];
            initializer.fill_oriented(
                shape,
                axis,
                &mut out,
                &mut StreamId::root("initializer-tests").stream(),
            );
            out
        };
        for initializer in [
            Initializer::GlorotNormal,
            Initializer::GlorotUniform,
            Initializer::HeNormal,
            Initializer::HeUniform,
            Initializer::SonnetDefault,
            Initializer::VarianceScaling { scale: 2.6 },
        ] {
            let plain = draw(initializer, &[3, 3, 4, 7]);
            let transposed = oriented(initializer, &[3, 3, 7, 4], 2);
            assert!(
                plain.iter().zip(&transposed).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{initializer:?}"
            );
            let last = oriented(initializer, &[3, 3, 7, 4], 3);
            assert!(
                last.iter().zip(&draw(initializer, &[3, 3, 7, 4])).all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }

    #[test]
    fn identities() {
        assert_eq!(draw(Initializer::Identity, &[2, 2]), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(draw(Initializer::Identity, &[2, 3]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(draw(Initializer::Identity, &[3, 1]), [1.0, 0.0, 0.0]);
        assert_eq!(draw(Initializer::Identity, &[0]), [0.0; 0]);
    }

    #[test]
    fn the_first_column_of_an_orthogonal_matrix_is_the_first_draw_normalised() {
        // R has a positive diagonal: no sign flips.
        let q = draw(Initializer::Orthogonal { gain: 1.0 }, &[6, 3]);
        let normal = draw(Initializer::RandomNormal { std: 1.0 }, &[6, 3]);
        let norm = (0..6).map(|i| normal[3 * i] * normal[3 * i]).sum::<f64>().sqrt();
        for i in 0..6 {
            assert!((q[3 * i] - normal[3 * i] / norm).abs() < 1e-14);
        }
    }
}
