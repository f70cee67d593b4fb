//! How near points are to each other in the original space: the joint probabilities p of t-SNE.

use rayon::prelude::*;

use crate::Error;

/// How far the logarithm of the perplexity of a point may be from the wanted one.
const TOLERANCE: f64 = 1e-10;
/// Steps of the search for the width of a point's neighbourhood. Doubling it 200 times stays within the range of f64.
const STEPS: usize = 200;

/// The joint probabilities of n points, row-major n × n, and the perplexity that was used: the given one, or (n - 1) / 3 if
/// that is lower.
///
/// Of point i, the conditional probability of j is proportional to exp(-β ‖x_i - x_j‖²), with β such that the entropy is the
/// logarithm of the perplexity; p_ij = (p_j|i + p_i|j) / 2n (van der Maaten and Hinton 2008, equations 1 and 4 and section
/// 3.1). Multiplying all coordinates by a number changes nothing, so they are first divided by the largest one.
///
/// # Errors
/// As [`Tsne::embed`](super::Tsne::embed).
///
/// # Panics
/// If the perplexity is NaN.
pub fn joint_probabilities(points: &[&[f64]], perplexity: f64) -> Result<(Vec<f64>, f64), Error> {
    let n = points.len();
    if n < 4 {
        return Err(Error::TooFewPoints { found: n });
    }
    let dimension = points[0].len();
    for (index, point) in points.iter().enumerate() {
        if point.len() != dimension {
            let (found, expected) = (point.len(), dimension);
            return Err(Error::Size { what: "coordinates of a point", found, expected });
        }
        if let Some(&value) = point.iter().find(|v| !v.is_finite()) {
            return Err(Error::NotANumber { what: "coordinate of point", index, value });
        }
    }
    assert!(!perplexity.is_nan(), "the perplexity is a number");
    let perplexity = perplexity.clamp(1.0, (n - 1) as f64 / 3.0);
    let largest = points.iter().copied().flatten().fold(0.0f64, |m, v| m.max(v.abs()));
    let scaled: Vec<Vec<f64>> = points
        .iter()
        .map(|row| row.iter().map(|v| if largest > 0.0 { v / largest } else { 0.0 }).collect())
        .collect();
    let conditional: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| {
            let mut row: Vec<f64> = scaled.iter().map(|other| squared_distance(&scaled[i], other)).collect();
            to_probabilities(&mut row, i, libm::log(perplexity));
            row
        })
        .collect();
    let p = |i: usize, j: usize| (conditional[i][j] + conditional[j][i]) / (2 * n) as f64;
    Ok(((0..n * n).map(|at| p(at / n, at % n)).collect(), perplexity))
}

/// In a fixed order of eight interleaved sums. Equal for (a, b) and (b, a).
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let square = |x: f64, y: f64| (x - y) * (x - y);
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(&x, &y)| square(x, y)).sum();
    for (a, b) in a8.zip(b8) {
        for ((part, &x), &y) in parts.iter_mut().zip(a).zip(b) {
            *part += square(x, y);
        }
    }
    parts.iter().sum::<f64>() + rest
}

/// Turns the squared distances of a point into its conditional probabilities, that of itself being 0. Finds β by bisection.
fn to_probabilities(distances: &mut [f64], own: usize, log_perplexity: f64) {
    let others = |row: &[f64]| -> Vec<f64> {
        row.iter().enumerate().filter(|(j, _)| *j != own).map(|(_, d)| *d).collect()
    };
    let mut d = others(distances);
    // The nearest one has the weight 1, so the weights cannot all become 0.
    let nearest = d.iter().copied().fold(f64::INFINITY, f64::min);
    d.iter_mut().for_each(|d| *d -= nearest);
    let mut weights = vec![0.0; d.len()];
    let (mut beta, mut low, mut high) = (1.0, 0.0, f64::INFINITY);
    let mut total = 0.0;
    for _ in 0..STEPS {
        total = 0.0;
        let mut weighted = 0.0;
        for (weight, d) in weights.iter_mut().zip(&d) {
            *weight = libm::exp(-beta * d);
            total += *weight;
            weighted += *weight * d;
        }
        // H = -Σ p ln p with p = exp(-β d) / total.
        let difference = libm::log(total) + beta * weighted / total - log_perplexity;
        if difference.abs() <= TOLERANCE {
            break;
        }
        if difference > 0.0 {
            low = beta;
            beta = if high.is_infinite() { beta * 2.0 } else { (beta + high) / 2.0 };
        } else {
            high = beta;
            beta = (beta + low) / 2.0;
        }
    }
    let (before, after) = weights.split_at(own);
    for (out, weight) in distances.iter_mut().zip(before.iter().chain(&[0.0]).chain(after)) {
        *out = weight / total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(values: &[f64], dimension: usize) -> (Vec<f64>, f64) {
        joint_probabilities(&values.chunks(dimension).collect::<Vec<_>>(), 30.0).unwrap()
    }

    #[test]
    fn points_at_equal_distances_are_equally_near() {
        // The corners of a simplex: every pair has 1 / (4 * 3), whatever the perplexity.
        let (p, perplexity) = rows(&[1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.], 4);
        assert!((perplexity - 1.0).abs() < 1e-12);
        for (at, p) in p.iter().enumerate() {
            let expected = if at % 5 == 0 { 0.0 } else { 1.0 / 12.0 };
            assert!((p - expected).abs() < 1e-12, "{at}: {p}");
        }
    }

    #[test]
    fn with_perplexity_1_the_nearest_one_gets_everything() {
        let (p, _) = rows(&[0.0, 1.0, 10.0, 12.0], 1);
        assert!((p[1] - 0.25).abs() < 1e-6 && (p[2 * 4 + 3] - 0.25).abs() < 1e-6, "{p:?}");
    }

    proptest! {
        #[test]
        fn probabilities_are_symmetric_and_sum_to_1(
            values in proptest::collection::vec(-1.0f64..1.0, 24..90), dimension in 1usize..6,
        ) {
            let n = values.len() / dimension;
            let (p, perplexity) = rows(&values[..n * dimension], dimension);
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for i in 0..n {
                prop_assert!(p[i * n + i] <= 0.0);
                for j in 0..i {
                    prop_assert_eq!(p[i * n + j].to_bits(), p[j * n + i].to_bits());
                }
            }
            prop_assert!(perplexity <= 30.0);
        }

        #[test]
        fn the_entropy_of_a_point_is_the_logarithm_of_the_perplexity(
            distances in proptest::collection::vec(0.01f64..4.0, 12..40), own in 0usize..12,
        ) {
            let mut p = distances;
            p[own] = 0.0;
            to_probabilities(&mut p, own, 3f64.ln());
            let entropy: f64 = p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
            prop_assert!((entropy - 3f64.ln()).abs() < 1e-8, "{entropy}");
            prop_assert!(p[own] <= 0.0);
        }
    }
}
