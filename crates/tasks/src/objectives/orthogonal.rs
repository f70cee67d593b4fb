//! Random symmetric matrices `Q diag(λ) Qᵀ` through the blocked Householder QR of a random matrix.

use taskset_nn::Backend;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_rng::Stream;

use super::linalg::{axpy, dot, transpose};
use super::real::Real;

/// Reflections of a panel. They are applied to later columns together, as matrix products.
const PANEL: usize = 32;
/// The same below [`SMALL`] columns, where panels are a larger share of the work.
const SMALL_PANEL: usize = 16;
const SMALL: usize = 128;
/// Columns that are factored one reflection after the other.
const LEAF: usize = 8;

/// The orthogonal factor Q of the QR decomposition of an n×n matrix, as Householder reflections
/// `Q = H_0 H_1 … H_{n-1}`, `H_k = I − τ_k v_k v_kᵀ`, where `v_k` is zero above its element k.
///
/// The reflections are kept in panels of b, in the compact form `H_i … H_{i+b-1} = I − Vᵀ T V` (Schreiber and Van Loan
/// 1989; the rows of V are the `v_k`), so that drawing Q and multiplying by it are matrix products: a draw costs
/// `4/3 n³` operations at the speed of those, a product with Q `2 n²` a vector. Q itself is never formed for the
/// noise of a step.
///
/// TaskSet multiplies the columns of Q by the signs of the diagonal of R. In `Q diag(λ) Qᵀ` those signs cancel, so they
/// are left out here. A cheaper draw of the same distribution is not known: for normal elements the `v_k` would be
/// independent and Q would cost `n²` random numbers (Stewart 1980), but upstream's elements are uniform (QUIRK-25).
#[derive(Clone, Debug)]
pub(crate) struct Orthogonal<T> {
    n: usize,
    panels: Vec<Panel<T>>,
    /// What is left to factor while a matrix is drawn: columns of the matrix, one after the other.
    columns: Vec<T>,
    work: Workspace<T>,
}

/// Some consecutive reflections, `I + Vᵀ T V` with `T` negated.
#[derive(Clone, Debug)]
struct Panel<T> {
    /// Number of the first reflection, and of the first element that the panel changes.
    start: usize,
    /// `[b, n − start]`; row i is zero before its element i.
    v: Vec<T>,
    /// `[b, b]`, upper triangular: minus the T of the compact form; its diagonal holds the `−τ`.
    t: Vec<T>,
}

/// Buffers of the products.
#[derive(Clone, Debug)]
struct Workspace<T> {
    backend: Backend,
    scratch: Scratch<T>,
    y: Vec<T>,
    z: Vec<T>,
}

impl<T: Real> Workspace<T> {
    /// `out ← start + a · b`, row-major and contiguous.
    fn gemm(&mut self, a: MatrixRef<'_, T>, b: MatrixRef<'_, T>, start: Start<'_, T>, out: &mut [T]) {
        T::gemm(self.backend, a, b, start, false, out, &mut self.scratch);
    }

    /// Each row x of `rows`, of the length of the rows of V, becomes `x + x Vᵀ T V`: the transpose of the panel's
    /// reflections, in order, applied to it.
    fn reflect_rows(&mut self, v: &[T], t: &[T], width: usize, rows: &mut [T]) {
        let len = v.len() / width;
        let count = rows.len() / len;
        let (mut y, mut z) = (std::mem::take(&mut self.y), std::mem::take(&mut self.z));
        resize(&mut y, count * width);
        resize(&mut z, count * width);
        let v = MatrixRef::new(v, width, len);
        self.gemm(MatrixRef::new(rows, count, len), v.transposed(), Start::Zero, &mut y);
        self.gemm(MatrixRef::new(&y, count, width), MatrixRef::new(t, width, width), Start::Zero, &mut z);
        self.gemm(MatrixRef::new(&z, count, width), v, Start::Accumulate, rows);
        (self.y, self.z) = (y, z);
    }

    /// The T (negated) of reflections whose `−τ` stand on its diagonal already.
    fn compact(&mut self, v: &[T], width: usize, t: &mut [T]) {
        let v = MatrixRef::new(v, width, v.len() / width);
        let mut gram = std::mem::take(&mut self.y);
        resize(&mut gram, width * width);
        self.gemm(v, v.transposed(), Start::Zero, &mut gram);
        // Column j is −τ_j T w, where w holds the products of v_j with the earlier vectors.
        for j in 1..width {
            let w = &gram[j * width..][..j];
            for i in 0..j {
                t[i * width + j] = t[j * width + j] * dot(&t[i * width + i..i * width + j], &w[i..]);
            }
        }
        self.y = gram;
    }
}

fn resize<T: Real>(buffer: &mut Vec<T>, len: usize) {
    buffer.resize(len, T::zero());
}

impl<T: Real> Panel<T> {
    fn width(&self, n: usize) -> usize {
        self.v.len() / (n - self.start).max(1)
    }

    /// Factors the rows of `v`, which hold columns of a matrix, and sets `t`.
    fn factor(&mut self, len: usize, work: &mut Workspace<T>) {
        let width = self.v.len() / len;
        let mut taus = [T::zero(); PANEL];
        factor_rows(&mut self.v, len, 0..width, &mut taus, work);
        diagonal(&taus[..width], &mut self.t);
        work.compact(&self.v, width, &mut self.t);
    }

    /// `X ← Q X`, or `Qᵀ X` if `transposed`, for the Q of this panel and the elements that it changes, `[len, count]`.
    fn apply(&self, len: usize, count: usize, transposed: bool, x: &mut [T], work: &mut Workspace<T>) {
        let width = self.v.len() / len;
        let (mut y, mut z) = (std::mem::take(&mut work.y), std::mem::take(&mut work.z));
        resize(&mut y, width * count);
        resize(&mut z, width * count);
        let v = MatrixRef::new(&self.v, width, len);
        let t = MatrixRef::new(&self.t, width, width);
        let t = if transposed { t.transposed() } else { t };
        work.gemm(v, MatrixRef::new(x, len, count), Start::Zero, &mut y);
        work.gemm(t, MatrixRef::new(&y, width, count), Start::Zero, &mut z);
        work.gemm(v.transposed(), MatrixRef::new(&z, width, count), Start::Accumulate, x);
        (work.y, work.z) = (y, z);
    }
}

/// A matrix with `−τ` on the diagonal.
fn diagonal<T: Real>(taus: &[T], t: &mut [T]) {
    t.fill(T::zero());
    for (i, &tau) in taus.iter().enumerate() {
        t[i * taus.len() + i] = -tau;
    }
}

/// Factors some of the rows of `v`, by halves: the first half, its reflections of the second as products, the second.
fn factor_rows<T: Real>(
    v: &mut [T],
    len: usize,
    rows: std::ops::Range<usize>,
    taus: &mut [T; PANEL],
    work: &mut Workspace<T>,
) {
    if rows.len() <= LEAF {
        for k in rows.clone() {
            let (done, row) = v.split_at_mut(k * len);
            let row = &mut row[..len];
            for i in rows.start..k {
                reflect(taus[i], &done[i * len + i..(i + 1) * len], &mut row[i..]);
            }
            taus[k] = make_reflection(&mut row[k..]);
            // Above lies what R would keep.
            row[..k].fill(T::zero());
        }
        return;
    }
    let middle = rows.start + rows.len() / 2;
    factor_rows(v, len, rows.start..middle, taus, work);
    let width = middle - rows.start;
    let mut t = [T::zero(); PANEL * PANEL / 4];
    let t = &mut t[..width * width];
    diagonal(&taus[rows.start..middle], t);
    let (first, second) = v[rows.start * len..rows.end * len].split_at_mut(width * len);
    work.compact(first, width, t);
    work.reflect_rows(first, t, width, second);
    factor_rows(v, len, middle..rows.end, taus, work);
}

impl<T: Real> Orthogonal<T> {
    /// The identity.
    pub(crate) fn new(n: usize) -> Self {
        let width = if n < SMALL { SMALL_PANEL } else { PANEL };
        let panels = (0..n).step_by(width).map(|start| {
            let width = width.min(n - start);
            Panel { start, v: vec![T::zero(); width * (n - start)], t: vec![T::zero(); width * width] }
        });
        Self {
            n,
            panels: panels.collect(),
            columns: vec![T::zero(); n * n],
            work: Workspace {
                backend: Backend::detect(),
                scratch: Scratch::default(),
                y: Vec::new(),
                z: Vec::new(),
            },
        }
    }

    /// Becomes the Q of a matrix with independent elements, uniform on [-1, 1). (QUIRK-25: uniform elements, not normal
    /// ones, so Q is not exactly Haar distributed.)
    pub(crate) fn redraw(&mut self, stream: &mut Stream) {
        for x in &mut self.columns {
            *x = T::of(stream.uniform(-1.0, 1.0));
        }
        self.factor();
    }

    fn factor(&mut self) {
        let Self { n, panels, columns, work } = self;
        for panel in panels {
            let len = *n - panel.start;
            let width = panel.width(*n);
            let (first, rest) = columns[..len * len].split_at_mut(width * len);
            panel.v.copy_from_slice(first);
            panel.factor(len, work);
            if rest.is_empty() {
                return;
            }
            work.reflect_rows(&panel.v, &panel.t, width, rest);
            // The elements of R are left out, so that what remains is contiguous.
            let left = len - width;
            for row in 0..left {
                let from = (width + row) * len + width;
                columns.copy_within(from..from + left, row * left);
            }
        }
    }

    /// `X ← Q diag(λ) Qᵀ X` for `count` vectors, the columns of the row-major `[n, count]` matrix X, without forming the
    /// matrix: `8 n²` operations per vector. The bits of a column do not depend on the other columns.
    pub(crate) fn apply_symmetric(&mut self, eigenvalues: &[T], count: usize, x: &mut [T]) {
        for panel in &self.panels {
            panel.apply(self.n - panel.start, count, true, &mut x[panel.start * count..], &mut self.work);
        }
        for (row, &value) in x.chunks_exact_mut(count).zip(eigenvalues) {
            row.iter_mut().for_each(|x| *x *= value);
        }
        self.apply(count, x);
    }

    /// `X ← Q X` for a row-major `[n, count]` matrix.
    fn apply(&mut self, count: usize, x: &mut [T]) {
        for panel in self.panels.iter().rev() {
            panel.apply(self.n - panel.start, count, false, &mut x[panel.start * count..], &mut self.work);
        }
    }

    /// The matrix `Q diag(λ) Qᵀ`, row-major and exactly symmetric: `4 n³` operations.
    pub(crate) fn into_symmetric(mut self, eigenvalues: &[T]) -> Vec<T> {
        let n = self.n;
        let mut matrix = vec![T::zero(); n * n];
        for (i, &value) in eigenvalues.iter().enumerate() {
            matrix[i * n + i] = value;
        }
        self.apply(n, &mut matrix);
        // (Q Λ)ᵀ = Λ Qᵀ.
        let mut product = std::mem::take(&mut self.columns);
        transpose(&matrix, n, &mut product);
        self.apply(n, &mut product);
        for i in 0..n {
            for j in 0..i {
                product[j * n + i] = product[i * n + j];
            }
        }
        product
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
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    const SIZES: [usize; 8] =
        [1, 2, 3, LEAF + 1, SMALL_PANEL + 1, 2 * SMALL_PANEL + 5, SMALL - 1, SMALL + 33];

    fn stream(n: usize) -> Stream {
        StreamId::root("orthogonal").index(n as u64).stream()
    }

    fn random<T: Real>(n: usize) -> Orthogonal<T> {
        let mut q = Orthogonal::new(n);
        q.redraw(&mut stream(n));
        q
    }

    /// Row-major.
    fn identity(n: usize) -> Vec<f64> {
        (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect()
    }

    #[test]
    fn q_is_orthogonal() {
        for n in SIZES {
            let mut q = identity(n);
            random(n).apply(n, &mut q);
            for i in 0..n {
                for j in 0..n {
                    let product = dot(&q[i * n..(i + 1) * n], &q[j * n..(j + 1) * n]);
                    let expected = f64::from(u8::from(i == j));
                    assert!((product - expected).abs() < 1e-13, "{n} {i} {j} {product}");
                }
            }
        }
    }

    #[test]
    fn the_factor_makes_the_matrix_triangular() {
        for n in SIZES {
            let mut q = random::<f64>(n);
            let mut stream = stream(n);
            let columns: Vec<f64> = (0..n * n).map(|_| stream.uniform(-1.0, 1.0)).collect();
            // Qᵀ times the matrix must vanish below the diagonal.
            let mut matrix = columns.clone();
            transpose(&columns, n, &mut matrix);
            for panel in &q.panels {
                panel.apply(n - panel.start, n, true, &mut matrix[panel.start * n..], &mut q.work);
            }
            for i in 0..n {
                assert!(matrix[i * n..i * n + i].iter().all(|x| x.abs() < 1e-13 * n as f64), "{n} {i}");
            }
        }
    }

    #[test]
    fn the_formed_matrix_and_the_reflections_agree() {
        for n in SIZES {
            let eigenvalues: Vec<f64> = (0..n).map(|i| 0.5 + i as f64).collect();
            let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let mut applied = x.clone();
            let mut q = random(n);
            q.apply_symmetric(&eigenvalues, 1, &mut applied);
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

    #[test]
    fn single_precision_draws_the_same_matrix() {
        for n in SIZES {
            let eigenvalues: Vec<f64> = (0..n).map(|i| 1.0 + i as f64 / n as f64).collect();
            let single: Vec<f32> = eigenvalues.iter().map(|&x| x as f32).collect();
            let (a, b) = (random::<f64>(n), random::<f32>(n));
            for (a, b) in a.into_symmetric(&eigenvalues).iter().zip(b.into_symmetric(&single)) {
                assert!((a - f64::from(b)).abs() < 2e-5 * (n as f64).sqrt(), "{n}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_column_does_not_depend_on_its_company(n in 1usize..200, count in 2usize..20) {
            let eigenvalues: Vec<f32> = (0..n).map(|i| i as f32 - 3.0).collect();
            let mut stream = stream(n);
            let x: Vec<f32> = (0..n * count).map(|_| stream.normal() as f32).collect();
            let mut q = random(n);
            let mut all = x.clone();
            q.apply_symmetric(&eigenvalues, count, &mut all);
            for column in [0, count - 1] {
                let mut alone: Vec<f32> = x.iter().skip(column).step_by(count).copied().collect();
                q.apply_symmetric(&eigenvalues, 1, &mut alone);
                let same = all.iter().skip(column).step_by(count).zip(&alone);
                prop_assert!(same.clone().all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }
}
