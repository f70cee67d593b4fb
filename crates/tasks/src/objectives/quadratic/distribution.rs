//! Random square matrices of the quadratic family: independent elements, or random eigenvectors with given eigenvalues.

use taskset_rng::Stream;

use super::problem::Distribution;
use crate::objectives::element_draw::ElementDraw;
use crate::objectives::orthogonal::Orthogonal;

/// What the two sorts of matrix distribution need: independent elements, or the eigenvalues of a symmetric matrix.
pub(super) enum MatrixKind {
    Elements(ElementDraw),
    Eigen(Vec<f64>),
}

pub(super) fn matrix_kind(distribution: Distribution, n: usize) -> MatrixKind {
    match distribution {
        Distribution::Normal { mean, std } => MatrixKind::Elements(ElementDraw::Normal { mean, std }),
        Distribution::Uniform { min, max } => MatrixKind::Elements(ElementDraw::Uniform { lo: min, hi: max }),
        Distribution::LinspaceEigen { min, max } => MatrixKind::Eigen(linspace(min, max, n)),
        Distribution::LogspaceEigen { min, max } => {
            let exponents = linspace(libm::log10(min), libm::log10(max), n);
            MatrixKind::Eigen(exponents.into_iter().map(libm::exp10).collect())
        }
    }
}

/// `n` equally spaced numbers, both ends included; one number is `min`.
fn linspace(min: f64, max: f64, n: usize) -> Vec<f64> {
    let last = n.saturating_sub(1).max(1) as f64;
    (0..n).map(|i| min + (max - min) * (i as f64 / last)).collect()
}

/// A row-major n×n matrix, in f64.
pub(super) fn draw_matrix(distribution: Distribution, n: usize, mut stream: Stream) -> Vec<f64> {
    match matrix_kind(distribution, n) {
        MatrixKind::Elements(draw) => draw.many(&mut stream, n * n),
        MatrixKind::Eigen(eigenvalues) => {
            let mut q = Orthogonal::new(n);
            q.redraw(&mut stream);
            q.into_symmetric(&eigenvalues)
        }
    }
}

/// Whether the matrices of a distribution are symmetric.
pub(super) fn is_symmetric(distribution: Distribution) -> bool {
    matches!(distribution, Distribution::LinspaceEigen { .. } | Distribution::LogspaceEigen { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::linalg::dot;
    use crate::objectives::testing::assert_close;
    use taskset_rng::StreamId;

    #[test]
    fn elements_and_eigenvalues_have_their_moments() {
        let n = 60;
        let draw = |distribution| draw_matrix(distribution, n, StreamId::root("t").stream());
        let mean = |m: &[f64]| m.iter().sum::<f64>() / m.len() as f64;
        let normal = draw(Distribution::Normal { mean: 0.3, std: 1.2 });
        assert!((mean(&normal) - 0.3).abs() < 5.0 * 1.2 / n as f64);
        let variance = normal.iter().map(|x| (x - 0.3) * (x - 0.3)).sum::<f64>() / (n * n) as f64;
        assert!((variance - 1.44).abs() < 5.0 * 1.44 * 2f64.sqrt() / n as f64);
        let uniform = draw(Distribution::Uniform { min: -1.0, max: 2.0 });
        assert!((mean(&uniform) - 0.5).abs() < 5.0 * 0.87 / n as f64);
        let trace = |m: &[f64]| (0..n).map(|i| m[i * n + i]).sum::<f64>();
        let linear = draw(Distribution::LinspaceEigen { min: 0.5, max: 4.0 });
        assert_close(trace(&linear), 2.25 * n as f64, 1e-12);
        // Squared Frobenius norm: the sum of squared eigenvalues.
        let logarithmic = draw(Distribution::LogspaceEigen { min: 1e-5, max: 10.0 });
        let squares: f64 = (0..n).map(|i| 10f64.powf(2.0 * (-5.0 + 6.0 * i as f64 / (n - 1) as f64))).sum();
        assert_close(dot(&logarithmic, &logarithmic), squares, 1e-10);
    }
}
