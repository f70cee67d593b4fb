//! The gradient of t-SNE, and the divergence that it descends.

use rayon::prelude::*;

/// Numbers that are summed at once, so that the processor can use its vector registers. Sums over points are made of this
/// many interleaved ones and are the same on every machine.
const LANES: usize = 4;

/// Positions on the map, by coordinate.
pub(super) struct Points {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

/// The gradient at each point: 4 Σ_j (e p_ij - q_ij) w_ij (y_i - y_j) with w_ij = 1 / (1 + ‖y_i - y_j‖²), q_ij = w_ij / Σ w
/// and the exaggeration e (van der Maaten and Hinton 2008, equations 4 and 5).
pub(super) fn gradient(p: &[f64], points: &Points, exaggeration: f64) -> Vec<[f64; 2]> {
    let n = points.x.len();
    // With Z = Σ w, the part of q is Σ_j w² (y_i - y_j) / Z. So one pass over the pairs is enough.
    let rows: Vec<Row> = p
        .par_chunks(n)
        .enumerate()
        .map(|(i, p)| {
            let mut row = Row::default();
            let at = (points.x[i], points.y[i]);
            row.add(&p[..i], &points.x[..i], &points.y[..i], at);
            row.add(&p[i + 1..], &points.x[i + 1..], &points.y[i + 1..], at);
            row
        })
        .collect();
    let z: f64 = rows.iter().map(|row| total(&row.weights)).sum();
    let side = |attraction: &[f64; LANES], repulsion: &[f64; LANES]| {
        4.0 * (exaggeration * total(attraction) - total(repulsion) / z)
    };
    rows.iter()
        .map(|row| [side(&row.attraction[0], &row.repulsion[0]), side(&row.attraction[1], &row.repulsion[1])])
        .collect()
}

/// Sums over the pairs of one point.
#[derive(Default)]
struct Row {
    weights: [f64; LANES],
    /// Σ p w (y_i - y_j), for both coordinates.
    attraction: [[f64; LANES]; 2],
    /// Σ w² (y_i - y_j).
    repulsion: [[f64; LANES]; 2],
}

impl Row {
    fn add(&mut self, p: &[f64], x: &[f64], y: &[f64], at: (f64, f64)) {
        let (p4, x4, y4) = (p.chunks_exact(LANES), x.chunks_exact(LANES), y.chunks_exact(LANES));
        let rest = p4.remainder().iter().zip(x4.remainder()).zip(y4.remainder());
        let rest = rest.enumerate().map(|(lane, ((&p, &x), &y))| (lane, p, x, y));
        for ((p, x), y) in p4.zip(x4).zip(y4) {
            for lane in 0..LANES {
                self.add_pair(lane, p[lane], at.0 - x[lane], at.1 - y[lane]);
            }
        }
        for (lane, p, x, y) in rest {
            self.add_pair(lane, p, at.0 - x, at.1 - y);
        }
    }

    #[inline]
    fn add_pair(&mut self, lane: usize, p: f64, dx: f64, dy: f64) {
        let w = 1.0 / (1.0 + (dx * dx + dy * dy));
        let (attraction, repulsion) = (p * w, w * w);
        self.weights[lane] += w;
        self.attraction[0][lane] += attraction * dx;
        self.attraction[1][lane] += attraction * dy;
        self.repulsion[0][lane] += repulsion * dx;
        self.repulsion[1][lane] += repulsion * dy;
    }
}

fn total(lanes: &[f64; LANES]) -> f64 {
    lanes.iter().sum()
}

/// The Kullback-Leibler divergence Σ p ln(p / q) of a map from joint probabilities, row-major n × n (van der Maaten and
/// Hinton 2008, equation 2). Pairs with p = 0 count nothing.
///
/// # Panics
/// If there are not n × n probabilities for n points.
pub fn kl_divergence(p: &[f64], points: &[[f64; 2]]) -> f64 {
    let n = points.len();
    assert_eq!(p.len(), n * n, "n points have n × n joint probabilities");
    let weight = |i: usize, j: usize| {
        let [dx, dy] = [0, 1].map(|side| points[i][side] - points[j][side]);
        1.0 / (1.0 + (dx * dx + dy * dy))
    };
    let others = |i: usize| (0..n).filter(move |&j| j != i);
    let rows: Vec<f64> = (0..n).into_par_iter().map(|i| others(i).map(|j| weight(i, j)).sum()).collect();
    let z: f64 = rows.iter().sum();
    let term = |i: usize, j: usize| match p[i * n + j] {
        p if p > 0.0 => p * libm::log(p / (weight(i, j) / z)),
        _ => 0.0,
    };
    let rows: Vec<f64> = (0..n).into_par_iter().map(|i| others(i).map(|j| term(i, j)).sum()).collect();
    rows.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// Joint probabilities and positions of 11 points, made up.
    fn problem() -> (Vec<f64>, Vec<[f64; 2]>) {
        let n = 11;
        let mut p: Vec<f64> = (0..n * n)
            .map(|at| if at / n == at % n { 0.0 } else { noise(at / n, at % n) + noise(at % n, at / n) })
            .collect();
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= sum);
        (p, (0..n).map(|i| [3.0 * noise(i, 90), -2.0 * noise(i, 91)]).collect())
    }

    fn by_coordinate(points: &[[f64; 2]]) -> Points {
        Points { x: points.iter().map(|p| p[0]).collect(), y: points.iter().map(|p| p[1]).collect() }
    }

    #[test]
    fn the_gradient_is_the_derivative_of_the_divergence() {
        let (p, points) = problem();
        let found = gradient(&p, &by_coordinate(&points), 1.0);
        for i in 0..points.len() {
            for side in 0..2 {
                let moved = |by: f64| {
                    let mut points = points.clone();
                    points[i][side] += by;
                    kl_divergence(&p, &points)
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                // Central differences are exact to about h² = 1e-10.
                assert!(
                    (found[i][side] - expected).abs() < 1e-8,
                    "{i} {side}: {} {expected}",
                    found[i][side]
                );
            }
        }
    }

    #[test]
    fn exaggeration_multiplies_the_attraction() {
        let (p, points) = problem();
        let points = by_coordinate(&points);
        let exaggerated: Vec<f64> = p.iter().map(|p| 12.0 * p).collect();
        let (found, expected) = (gradient(&p, &points, 12.0), gradient(&exaggerated, &points, 1.0));
        for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn a_map_with_the_same_distribution_has_no_divergence() {
        // An equilateral triangle: all q are 1 / 6.
        let points = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.75f64.sqrt()]];
        let sixth = 1.0 / 6.0;
        let p = [0.0, sixth, sixth, sixth, 0.0, sixth, sixth, sixth, 0.0];
        assert!(kl_divergence(&p, &points).abs() < 1e-12);
        let all_in_one_pair = [0.0, 0.5, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!((kl_divergence(&all_in_one_pair, &points) - 3f64.ln()).abs() < 1e-12);
    }
}
