//! Newton-Schulz steps: the singular values of a matrix brought near 1.

use taskset_kernels::{MatrixRef, Scalar, Scratch, Start};
use taskset_params::Matrix;
use taskset_simd::Backend;

use crate::norm::norm;
use crate::{Real, real};

/// The coefficients of the quintic step. They rise small singular values as fast as possible, and do not converge to 1: after
/// five steps values that were above 0.01 of the norm lie between 0.68 and 1.14.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
/// Keeps a matrix of zeros at zero.
const EPSILON: f64 = 1e-7;

/// How a tensor is read as a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    matrix: Matrix,
    rows: usize,
    columns: usize,
}

impl View {
    /// Outputs and all other axes, in the order in which they are stored.
    pub(crate) fn of(matrix: Matrix) -> Self {
        let Matrix { outer, outputs, inner } = matrix;
        // Only an output axis in the middle needs another order.
        let (rows, columns) = if inner == 1 { (outer, outputs) } else { (outputs, outer * inner) };
        Self { matrix, rows, columns }
    }

    /// Whether elements are stored in the order of the matrix.
    fn is_contiguous(self) -> bool {
        self.matrix.inner == 1 || self.matrix.outer == 1
    }

    /// Copies runs of `inner` elements between the tensor (a range there) and the matrix (a range there).
    fn for_runs(self, mut copy: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>)) {
        let Matrix { outer, outputs, inner } = self.matrix;
        for o in 0..outer {
            for output in 0..outputs {
                let (from, to) = ((o * outputs + output) * inner, (output * outer + o) * inner);
                copy(from..from + inner, to..to + inner);
            }
        }
    }
}

/// Buffers of the steps; they grow to the largest matrix once.
#[derive(Debug, Default)]
pub(crate) struct Orthogonaliser<T: Scalar> {
    x: Vec<T>,
    next: Vec<T>,
    square: Vec<T>,
    fourth: Vec<T>,
    scratch: Scratch<T>,
}

impl<T: Real + Scalar> Orthogonaliser<T> {
    /// Replaces a tensor by the matrix that `steps` steps make of it. With X of norm 1, a step is
    /// `X = a X + (b A + c A²) X` with `A = X Xᵀ`; of a matrix with more rows than columns, the same from the right.
    pub(crate) fn run(&mut self, backend: Backend, view: View, steps: u64, tensor: &mut [T]) {
        let View { rows, columns, .. } = view;
        let side = rows.min(columns);
        resize(&mut self.x, rows * columns);
        resize(&mut self.next, rows * columns);
        resize(&mut self.square, side * side);
        resize(&mut self.fourth, side * side);
        let scale = real::<T>(1.0 / (norm(tensor) + EPSILON));
        if view.is_contiguous() {
            self.x.iter_mut().zip(&*tensor).for_each(|(x, &u)| *x = u * scale);
        } else {
            let x = &mut self.x;
            view.for_runs(|from, to| {
                x[to].iter_mut().zip(&tensor[from]).for_each(|(x, &u)| *x = u * scale);
            });
        }
        for _ in 0..steps {
            self.step(backend, rows, columns);
        }
        if view.is_contiguous() {
            tensor.copy_from_slice(&self.x);
        } else {
            view.for_runs(|from, to| tensor[from].copy_from_slice(&self.x[to]));
        }
    }

    fn step(&mut self, backend: Backend, rows: usize, columns: usize) {
        let [a, b, c] = COEFFICIENTS.map(real::<T>);
        let Self { x, next, square, fourth, scratch } = self;
        let side = rows.min(columns);
        let wide = MatrixRef::new(x, rows, columns);
        let (left, right) =
            if rows <= columns { (wide, wide.transposed()) } else { (wide.transposed(), wide) };
        T::gemm(backend, left, right, Start::Zero, false, square, scratch);
        let of_side = |values| MatrixRef::new(values, side, side);
        T::gemm(backend, of_side(square), of_side(square), Start::Zero, false, fourth, scratch);
        fourth.iter_mut().zip(&*square).for_each(|(f, &s)| *f = b * s + c * *f);
        next.iter_mut().zip(&*x).for_each(|(n, &x)| *n = a * x);
        let (left, right) = if rows <= columns { (of_side(fourth), wide) } else { (wide, of_side(fourth)) };
        T::gemm(backend, left, right, Start::Accumulate, false, next, scratch);
        std::mem::swap(x, next);
    }
}

/// Changes the length; memory is kept.
fn resize<T: Scalar>(values: &mut Vec<T>, n: usize) {
    values.resize(n, T::zero());
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_rng::StreamId;

    fn orthogonal(matrix: Matrix, values: &[f64]) -> Vec<f64> {
        let mut values = values.to_vec();
        Orthogonaliser::default().run(Backend::portable(), View::of(matrix), 5, &mut values);
        values
    }

    /// A matrix of outputs × inputs, stored with the outputs as the middle axis and split as given.
    fn stored(values: &[f64], outputs: usize, [outer, inner]: [usize; 2]) -> Vec<f64> {
        let inputs = outer * inner;
        let mut stored = vec![0.0; values.len()];
        for output in 0..outputs {
            for input in 0..inputs {
                let (o, i) = (input / inner, input % inner);
                stored[(o * outputs + output) * inner + i] = values[output * inputs + input];
            }
        }
        stored
    }

    #[test]
    fn the_place_of_the_output_axis_changes_nothing() {
        let mut stream = StreamId::root("optim").child("newton-schulz").stream();
        for (outputs, inputs) in [(2, 6), (6, 6), (7, 6)] {
            let values: Vec<f64> = (0..outputs * inputs).map(|_| stream.normal()).collect();
            let whole = orthogonal(Matrix { outer: 1, outputs, inner: inputs }, &values);
            for [outer, inner] in [[inputs, 1], [2, 3], [3, 2]] {
                let found =
                    orthogonal(Matrix { outer, outputs, inner }, &stored(&values, outputs, [outer, inner]));
                for (a, b) in found.iter().zip(stored(&whole, outputs, [outer, inner])) {
                    assert!((a - b).abs() < 1e-12, "{outputs} {outer} {inner}");
                }
            }
        }
    }

    #[test]
    fn singular_values_come_near_one() {
        // Of a diagonal matrix they are its entries.
        let mut values = vec![0.0; 9];
        (values[0], values[4], values[8]) = (3.0, 1.0, -0.1);
        let found = orthogonal(Matrix { outer: 1, outputs: 3, inner: 3 }, &values);
        for (i, x) in found.into_iter().enumerate() {
            if i % 4 == 0 {
                assert!((0.68..=1.14).contains(&x.abs()) && (x < 0.0) == (i == 8), "{i}: {x}");
            } else {
                assert!(x.abs() < 1e-15, "{i}: {x}");
            }
        }
        let zeros = orthogonal(Matrix { outer: 1, outputs: 2, inner: 2 }, &[0.0; 4]);
        assert!(zeros.iter().all(|x| x.abs() < 1e-15), "a matrix of zeros stays one");
    }

    #[test]
    fn every_kind_of_arithmetic_gives_nearly_the_same() {
        let mut stream = StreamId::root("optim").child("newton-schulz-f32").stream();
        let values: Vec<f64> = (0..33 * 17).map(|_| stream.normal()).collect();
        let matrix = Matrix { outer: 33, outputs: 17, inner: 1 };
        let exact = orthogonal(matrix, &values);
        for backend in Backend::available() {
            let mut single: Vec<f32> = values.iter().map(|&x| x as f32).collect();
            Orthogonaliser::default().run(backend, View::of(matrix), 5, &mut single);
            for (a, b) in single.iter().zip(&exact) {
                assert!((f64::from(*a) - b).abs() < 1e-4, "{}: {a} {b}", backend.name());
            }
        }
    }
}
