//! Random symmetric matrices `Q diag(λ) Qᵀ` through the Householder QR of a random matrix.

use taskset_rng::Stream;

use super::linalg::{axpy, dot};
use super::real::Real;

/// Columns that are factored before they are applied to the rest: each later column then stays in the cache for this
/// many reflections.
const PANEL: usize = 32;
/// Rows of the product `Q diag(λ) Qᵀ` that are formed together.
const TILE: usize = 8;

/// The orthogonal factor Q of the QR decomposition of an n×n matrix, as Householder reflections
/// `Q = H_0 H_1 … H_{n-1}`, `H_k = I − τ_k v_k v_kᵀ`, where `v_k` is zero above its element k.
///
/// TaskSet multiplies the columns of Q by the signs of the diagonal of R. In `Q diag(λ) Qᵀ` those signs cancel, so they
/// are left out here.
#[derive(Clone, Debug)]
pub(crate) struct Orthogonal<T> {
    n: usize,
    /// Column-major; column k holds `v_k` from its element k on. (Above it lies what is left of R.)
    vectors: Vec<T>,
    tau: Vec<T>,
}

impl<T: Real> Orthogonal<T> {
    /// The identity.
    pub(crate) fn new(n: usize) -> Self {
        Self { n, vectors: vec![T::zero(); n * n], tau: vec![T::zero(); n] }
    }

    /// Becomes the Q of a matrix with independent elements, uniform on [-1, 1). (QUIRK-25: uniform elements, not normal
    /// ones, so Q is not exactly Haar distributed.) Costs `4/3 n³` operations.
    pub(crate) fn redraw(&mut self, stream: &mut Stream) {
        for x in &mut self.vectors {
            *x = T::of(stream.uniform(-1.0, 1.0));
        }
        self.factor();
    }

    fn factor(&mut self) {
        let n = self.n;
        for start in (0..n).step_by(PANEL) {
            let end = (start + PANEL).min(n);
            for k in start..end {
                let (done, rest) = self.vectors.split_at_mut(k * n);
                let column = &mut rest[..n];
                for i in start..k {
                    reflect(self.tau[i], &done[i * n + i..(i + 1) * n], &mut column[i..]);
                }
                self.tau[k] = make_reflection(&mut column[k..]);
            }
            let (done, rest) = self.vectors.split_at_mut(end * n);
            for column in rest.chunks_exact_mut(n) {
                for i in start..end {
                    reflect(self.tau[i], &done[i * n + i..(i + 1) * n], &mut column[i..]);
                }
            }
        }
    }

    /// `x ← Q diag(λ) Qᵀ x` without forming the matrix: `8 n²` operations.
    pub(crate) fn apply_symmetric(&self, eigenvalues: &[T], x: &mut [T]) {
        let n = self.n;
        for k in 0..n {
            reflect(self.tau[k], self.vector(k), &mut x[k..]);
        }
        for (x, &value) in x.iter_mut().zip(eigenvalues) {
            *x *= value;
        }
        for k in (0..n).rev() {
            reflect(self.tau[k], self.vector(k), &mut x[k..]);
        }
    }

    /// The matrix `Q diag(λ) Qᵀ`, row-major: `7/3 n³` operations.
    pub(crate) fn into_symmetric(self, eigenvalues: &[T]) -> Vec<T> {
        let n = self.n;
        let rows = self.into_rows();
        let mut matrix = vec![T::zero(); n * n];
        let mut scaled = vec![T::zero(); TILE.min(n) * n];
        for start in (0..n).step_by(TILE) {
            let end = (start + TILE).min(n);
            for (s, (&q, &value)) in
                scaled.iter_mut().zip(rows[start * n..end * n].iter().zip(eigenvalues.iter().cycle()))
            {
                *s = q * value;
            }
            for j in 0..end {
                let row = &rows[j * n..(j + 1) * n];
                for i in start.max(j)..end {
                    let element = dot(&scaled[(i - start) * n..(i - start + 1) * n], row);
                    matrix[i * n + j] = element;
                    matrix[j * n + i] = element;
                }
            }
        }
        matrix
    }

    /// Q itself, row-major.
    fn into_rows(self) -> Vec<T> {
        let n = self.n;
        let mut q = vec![T::zero(); n * n];
        for j in 0..n {
            q[j * n + j] = T::one();
        }
        // Column j is H_0 … H_j e_j: later reflections leave e_j alone.
        for start in (0..n).step_by(PANEL).rev() {
            let end = (start + PANEL).min(n);
            for j in start..n {
                let column = &mut q[j * n..(j + 1) * n];
                for k in (start..end.min(j + 1)).rev() {
                    reflect(self.tau[k], self.vector(k), &mut column[k..]);
                }
            }
        }
        for i in 0..n {
            for j in 0..i {
                q.swap(i * n + j, j * n + i);
            }
        }
        q
    }

    fn vector(&self, k: usize) -> &[T] {
        &self.vectors[k * self.n + k..(k + 1) * self.n]
    }
}

/// `x ← (I − τ v vᵀ) x`.
#[inline]
fn reflect<T: Real>(tau: T, v: &[T], x: &mut [T]) {
    axpy(-tau * dot(v, x), v, x);
}

/// Replaces x by the `v` of the reflection that maps x to a multiple of the first unit vector; returns its τ.
fn make_reflection<T: Real>(x: &mut [T]) -> T {
    let norm = dot(x, x).sqrt();
    if norm == T::zero() {
        return T::zero();
    }
    let first = x[0];
    // The sign that avoids cancellation.
    x[0] = if first < T::zero() { first - norm } else { first + norm };
    (norm * (norm + first.abs())).recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_rng::StreamId;

    fn random(n: usize) -> Orthogonal<f64> {
        let mut q = Orthogonal::new(n);
        q.redraw(&mut StreamId::root("orthogonal").index(n as u64).stream());
        q
    }

    #[test]
    fn rows_are_orthonormal_across_panels_and_tiles() {
        for n in [1, 2, 3, TILE + 1, PANEL, PANEL + 1, 2 * PANEL + 5] {
            let rows = random(n).into_rows();
            for i in 0..n {
                for j in 0..n {
                    let product = dot(&rows[i * n..(i + 1) * n], &rows[j * n..(j + 1) * n]);
                    let expected = f64::from(u8::from(i == j));
                    assert!((product - expected).abs() < 1e-13, "{n} {i} {j} {product}");
                }
            }
        }
    }

    #[test]
    fn the_factor_makes_the_matrix_triangular() {
        let n = PANEL + 7;
        let q = random(n);
        let mut stream = StreamId::root("orthogonal").index(n as u64).stream();
        // The same matrix again, column by column; Qᵀ times it must vanish below the diagonal.
        for j in 0..n {
            let mut column: Vec<f64> = (0..n).map(|_| stream.uniform(-1.0, 1.0)).collect();
            for k in 0..n {
                reflect(q.tau[k], q.vector(k), &mut column[k..]);
            }
            assert!(column[j + 1..].iter().all(|x| x.abs() < 1e-13), "{j}");
        }
    }

    #[test]
    fn the_formed_matrix_and_the_reflections_agree() {
        for n in [1, 2, 21, PANEL + 9] {
            let eigenvalues: Vec<f64> = (0..n).map(|i| 0.5 + i as f64).collect();
            let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let mut applied = x.clone();
            let q = random(n);
            q.apply_symmetric(&eigenvalues, &mut applied);
            let matrix = q.into_symmetric(&eigenvalues);
            for (i, expected) in applied.iter().enumerate() {
                assert!(
                    (dot(&matrix[i * n..(i + 1) * n], &x) - expected).abs() < 1e-11 * n as f64,
                    "{n} {i}"
                );
            }
            let trace: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
            assert!((trace - eigenvalues.iter().sum::<f64>()).abs() < 1e-10 * n as f64);
        }
    }
}
