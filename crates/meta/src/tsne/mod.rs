//! t-SNE to two dimensions (van der Maaten and Hinton 2008), for the map of the tasks in Figure 1.
//!
//! A task is a point whose coordinates are its scores under all configurations. This is the exact algorithm, without the
//! approximation of Barnes and Hut, which a thousand points do not need. It is our own because results must be the same
//! bits every time: the crates that exist draw their starting points from the generator of the thread, and add up the
//! gradient in an order that depends on the threads. Here every sum has a fixed order.
//!
//! Starting points are random, as in the original algorithm, and come from a named stream. Starting from principal
//! components would show one map only; with another stream one can see which parts of the map depend on the start.

mod affinities;
mod gradient;
mod settings;

use taskset_rng::StreamId;

use crate::Error;
pub use affinities::joint_probabilities;
pub use gradient::kl_divergence;
use gradient::{Points, gradient};
pub use settings::Tsne;

/// Standard deviation of the starting points, as in scikit-learn.
const START: f64 = 1e-4;
/// Momentum while attraction is exaggerated, and after that.
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// What is added to the gain of a coordinate that keeps its direction, and what it is multiplied by otherwise.
const GAIN: (f64, f64) = (0.2, 0.8);
const LOWEST_GAIN: f64 = 0.01;

/// A map of the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The two coordinates of each point, in the order of the input. Only distances have a meaning, and only near ones.
    pub points: Vec<[f64; 2]>,
    /// The Kullback-Leibler divergence that t-SNE minimises; of two maps of the same points the lower one is better.
    pub kl_divergence: f64,
    /// The perplexity that was used.
    pub perplexity: f64,
}

impl Tsne {
    /// Maps n points of equal dimension. Starting points come from the stream of `id`. The result is the same for any number
    /// of threads.
    ///
    /// # Errors
    /// [`Error::TooFewPoints`] for fewer than 4 points, [`Error::Size`] if they differ in dimension,
    /// [`Error::NotANumber`] if a coordinate is NaN or infinite.
    ///
    /// # Panics
    /// If the perplexity is NaN, or if the exaggeration or the learning rate is not positive and finite.
    pub fn embed(&self, points: &[&[f64]], id: &StreamId) -> Result<Embedding, Error> {
        let n = points.len();
        let (p, perplexity) = joint_probabilities(points, self.perplexity)?;
        let mut stream = id.stream();
        let mut y = Points { x: Vec::with_capacity(n), y: Vec::with_capacity(n) };
        for _ in 0..n {
            y.x.push(START * stream.normal());
            y.y.push(START * stream.normal());
        }
        let learning_rate = self.learning_rate_of(n);
        let positive = |v: f64| v > 0.0 && v.is_finite();
        assert!(
            positive(self.exaggeration) && positive(learning_rate),
            "t-SNE needs positive steps: {self:?}"
        );
        let (mut x_motion, mut y_motion) = (Motion::new(n), Motion::new(n));
        for iteration in 0..self.iterations {
            let (exaggeration, momentum) = match iteration < self.exaggerated_iterations {
                true => (self.exaggeration, MOMENTUM[0]),
                false => (1.0, MOMENTUM[1]),
            };
            let gradient = gradient(&p, &y, exaggeration);
            x_motion.step(&mut y.x, gradient.iter().map(|g| g[0]), momentum, learning_rate);
            y_motion.step(&mut y.y, gradient.iter().map(|g| g[1]), momentum, learning_rate);
        }
        let points: Vec<[f64; 2]> = y.x.iter().zip(&y.y).map(|(&x, &y)| [x, y]).collect();
        Ok(Embedding { kl_divergence: kl_divergence(&p, &points), points, perplexity })
    }

    /// The step size for n points.
    fn learning_rate_of(&self, n: usize) -> f64 {
        self.learning_rate.unwrap_or_else(|| (n as f64 / self.exaggeration / 4.0).max(50.0))
    }
}

/// Last update and gain of one coordinate of every point.
struct Motion {
    update: Vec<f64>,
    gain: Vec<f64>,
}

impl Motion {
    fn new(n: usize) -> Self {
        Self { update: vec![0.0; n], gain: vec![1.0; n] }
    }

    /// Gradient descent with momentum and a gain of its own for each coordinate (Jacobs 1988).
    fn step(
        &mut self,
        positions: &mut [f64],
        gradient: impl Iterator<Item = f64>,
        momentum: f64,
        learning_rate: f64,
    ) {
        let state = self.update.iter_mut().zip(&mut self.gain);
        for ((position, (update, gain)), gradient) in positions.iter_mut().zip(state).zip(gradient) {
            *gain = if *update * gradient < 0.0 { *gain + GAIN.0 } else { *gain * GAIN.1 };
            *gain = gain.max(LOWEST_GAIN);
            *update = momentum * *update - learning_rate * *gain * gradient;
            *position += *update;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    fn embed(rows: &[Vec<f64>], iterations: usize) -> Result<Embedding, Error> {
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        Tsne { iterations, ..Tsne::default() }.embed(&rows, &StreamId::root("t"))
    }

    /// Three clusters of ten points in twenty dimensions.
    fn clusters() -> Vec<Vec<f64>> {
        (0..30).map(|i| (0..20).map(|d| 3.0 * noise(100 + i % 3, d) + 0.2 * noise(i, d)).collect()).collect()
    }

    #[test]
    fn clusters_stay_together() {
        let map = embed(&clusters(), 1000).unwrap();
        assert!((map.perplexity - 29.0 / 3.0).abs() < 1e-12);
        let distance = |i: usize, j: usize| {
            let [a, b] = [map.points[i], map.points[j]];
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        let pairs = || (0..30).flat_map(|i| (0..i).map(move |j| (i, j)));
        let within = pairs().filter(|(i, j)| i % 3 == j % 3).map(|(i, j)| distance(i, j)).fold(0.0, f64::max);
        let between = pairs()
            .filter(|(i, j)| i % 3 != j % 3)
            .map(|(i, j)| distance(i, j))
            .fold(f64::INFINITY, f64::min);
        assert!(within < between, "{within} {between}");
        assert!(map.kl_divergence > 0.0 && map.kl_divergence < 0.5, "{}", map.kl_divergence);
    }

    #[test]
    fn more_iterations_come_nearer() {
        let [start, exaggerated, middle, end] =
            [0, 250, 400, 1000].map(|iterations| embed(&clusters(), iterations).unwrap().kl_divergence);
        assert!(end < start && end < exaggerated && end <= middle, "{start} {exaggerated} {middle} {end}");
    }

    #[test]
    fn points_start_near_zero_and_apart() {
        let map = embed(&clusters(), 0).unwrap();
        assert!(map.points.iter().flatten().all(|c| c.abs() < 6.0 * START && c.abs() > 0.0));
        assert!(map.points.windows(2).all(|pair| pair[0].map(f64::to_bits) != pair[1].map(f64::to_bits)));
    }

    #[test]
    fn the_step_size_grows_with_the_number_of_points() {
        let of = |tsne: Tsne, n: usize| tsne.learning_rate_of(n).to_bits();
        assert_eq!(of(Tsne::default(), 9600), 200f64.to_bits());
        assert_eq!(of(Tsne::default(), 1000), 50f64.to_bits());
        assert_eq!(of(Tsne { learning_rate: Some(7.0), ..Tsne::default() }, 9600), 7f64.to_bits());
    }

    #[test]
    fn attraction_is_exaggerated_in_the_first_iterations_only() {
        let rows = clusters();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let embed = |exaggeration, exaggerated_iterations| {
            let learning_rate = Some(50.0);
            let tsne = Tsne {
                exaggeration,
                exaggerated_iterations,
                learning_rate,
                iterations: 2,
                ..Tsne::default()
            };
            tsne.embed(&rows, &StreamId::root("t")).unwrap()
        };
        assert_eq!(embed(12.0, 0), embed(99.0, 0));
        assert_ne!(embed(12.0, 1), embed(99.0, 1));
        assert_ne!(embed(12.0, 1), embed(12.0, 2));
    }

    #[test]
    fn steps_that_are_not_positive_are_the_callers_mistake() {
        let rows = clusters();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        for (exaggeration, learning_rate) in [(0.0, 1.0), (1.0, -1.0), (f64::INFINITY, 1.0), (1.0, f64::NAN)]
        {
            let tsne = Tsne { exaggeration, learning_rate: Some(learning_rate), ..Tsne::default() };
            let embedded = std::panic::catch_unwind(|| tsne.embed(&rows, &StreamId::root("t")));
            assert!(embedded.is_err(), "{tsne:?}");
        }
    }

    #[test]
    fn gains_grow_where_the_direction_stays() {
        let mut motion = Motion::new(2);
        let mut positions = [0.0, 0.0];
        // No update yet: both gains shrink to 0.8. The step is 10 * 0.8 * gradient.
        motion.step(&mut positions, [1.0, -1.0].into_iter(), 0.5, 10.0);
        assert_eq!((positions, &motion.gain[..]), ([-8.0, 8.0], &[0.8, 0.8][..]));
        // The first one goes on downhill, and its gain becomes 1; the second one has come too far.
        motion.step(&mut positions, [0.5, 1.0].into_iter(), 0.5, 10.0);
        let expected = [-8.0 - 4.0 - 10.0 * 0.5, 8.0 + 4.0 - 10.0 * 0.64];
        for (found, expected) in positions.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{positions:?}");
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let expected = embed(&clusters(), 60).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| embed(&clusters(), 60).unwrap()), expected);
        }
    }

    #[test]
    fn other_streams_give_other_maps() {
        let rows = clusters();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let map = |name: &str| {
            Tsne { iterations: 10, ..Tsne::default() }.embed(&rows, &StreamId::root(name)).unwrap()
        };
        assert_ne!(map("a").points, map("b").points);
    }

    #[test]
    fn equal_points_and_extreme_values_give_finite_maps() {
        for scale in [0.0, 1e-300, 1e300] {
            let rows: Vec<Vec<f64>> = (0..6).map(|i| vec![scale * noise(i, 0), -scale]).collect();
            let map = embed(&rows, 300).unwrap();
            assert!(map.points.iter().flatten().all(|v| v.is_finite()), "{scale}: {map:?}");
            assert!(map.kl_divergence.is_finite());
        }
        let map = embed(&vec![vec![]; 4], 1000).unwrap();
        assert!(map.points.iter().flatten().all(|v| v.is_finite()), "{map:?}");
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let check = |rows: &[Vec<f64>], words: &str| {
            let message = embed(rows, 1).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(&vec![vec![0.5]; 3], "at least 4 points, and there are 3");
        check(&[], "there are 0");
        check(&[vec![0.0], vec![1.0], vec![f64::NAN], vec![0.0]], "coordinate of point 2 is NaN");
        check(&[vec![0.0], vec![1.0], vec![0.0, 1.0], vec![0.0]], "coordinates of a point: 2 where 1");
    }
}
