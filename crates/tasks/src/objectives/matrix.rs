//! A fixed square matrix that the parameters of one or many trials are multiplied by.

use std::sync::Arc;

use taskset_nn::Backend;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};

use super::linalg::transpose;
use super::real::Real;

/// An n×n matrix A for products with K vectors, the rows of row-major `[K, n]` matrices.
///
/// Both A and its transpose are kept, so that neither product rearranges anything. Every element of a result is one chain
/// of multiply-adds in the order of the inner index: a row has the same bits whatever the other rows.
pub(crate) struct Matrix<T> {
    n: usize,
    /// Row-major; may be longer than n².
    rows: Arc<[T]>,
    transposed: Arc<[T]>,
    products: Products<T>,
}

/// Matrix products and what they need.
pub(crate) struct Products<T> {
    backend: Backend,
    scratch: Scratch<T>,
}

impl<T: Real> Products<T> {
    pub(crate) fn new() -> Self {
        Self { backend: Backend::detect(), scratch: Scratch::default() }
    }

    /// `out ← start + a · b`.
    pub(crate) fn gemm(
        &mut self,
        a: MatrixRef<'_, T>,
        b: MatrixRef<'_, T>,
        start: Start<'_, T>,
        out: &mut [T],
    ) {
        T::gemm(self.backend, a, b, start, false, out, &mut self.scratch);
    }
}

impl<T: Real> Matrix<T> {
    /// The matrix of the first n² elements, row-major.
    pub(crate) fn new(n: usize, rows: Arc<[T]>) -> Self {
        let mut transposed = vec![T::zero(); n * n];
        transpose(&rows[..n * n], n, &mut transposed);
        Self { n, rows, transposed: transposed.into(), products: Products::new() }
    }

    /// A symmetric matrix, which is kept once.
    pub(crate) fn symmetric(n: usize, rows: Arc<[T]>) -> Self {
        Self { n, transposed: Arc::clone(&rows), rows, products: Products::new() }
    }

    /// All elements that were given, row-major.
    pub(crate) fn elements(&self) -> &[T] {
        &self.rows
    }

    /// `out ← start + X Aᵀ`: A times each row of X.
    pub(crate) fn times(&mut self, x: &[T], start: Start<'_, T>, out: &mut [T]) {
        let n = self.n;
        let x = MatrixRef::new(x, out.len() / n.max(1), n);
        self.products.gemm(x, MatrixRef::new(&self.transposed, n, n), start, out);
    }

    /// `out ← start + X A`: the transpose of A times each row of X.
    pub(crate) fn transposed_times(&mut self, x: &[T], start: Start<'_, T>, out: &mut [T]) {
        let n = self.n;
        let x = MatrixRef::new(x, out.len() / n.max(1), n);
        self.products.gemm(x, MatrixRef::new(&self.rows, n, n), start, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_products_on_one_and_on_two_rows() {
        let rows: Arc<[f64]> = Arc::from([1.0, 2.0, 3.0, 4.0, 99.0]);
        let mut matrix = Matrix::new(2, rows);
        let mut out = [0.0; 4];
        matrix.times(&[1.0, -1.0, 0.0, 2.0], Start::Zero, &mut out);
        assert!(out.iter().zip([-1.0, -1.0, 4.0, 8.0]).all(|(a, b)| (a - b).abs() < 1e-15));
        matrix.transposed_times(&[1.0, -1.0], Start::Accumulate, &mut out[..2]);
        assert!(out.iter().zip([-3.0, -3.0, 4.0, 8.0]).all(|(a, b)| (a - b).abs() < 1e-15));
    }
}
