//! The draws from which every sampled configuration is made, on NumPy's legacy generator.

use taskset_nn::{Activation, Initializer};
use taskset_rng::NumpyLegacy;

/// Draws configurations exactly as upstream's samplers did. The order of the calls is part of every family's definition.
#[derive(Clone, Debug)]
pub struct Sampler {
    numpy: NumpyLegacy,
}

/// Upstream's weight of each entry of [`Activation::ALL`].
const ACTIVATION_WEIGHTS: [f64; 9] = [1.0, 1.0, 1.0, 1.0, 1.0, 6.0, 1.0, 1.0, 3.0];

/// Upstream's weights of the initialisers, in the (alphabetical) order of [`Sampler::initializer`].
const INITIALIZER_WEIGHTS: [f64; 9] = [2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0];

impl Sampler {
    /// A sampler on `numpy.random.RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        Self { numpy: NumpyLegacy::new(seed) }
    }

    /// Uniform on `[lo, hi)`.
    pub fn uniform(&mut self, lo: f64, hi: f64) -> f64 {
        self.numpy.uniform(lo, hi)
    }

    /// Normal with this mean and standard deviation.
    pub fn normal(&mut self, mean: f64, std: f64) -> f64 {
        self.numpy.normal(mean, std)
    }

    /// Logarithmically uniform on `[lo, hi)`.
    pub fn log_float(&mut self, lo: f64, hi: f64) -> f64 {
        self.numpy.log_uniform(lo, hi)
    }

    /// Logarithmically uniform whole number from `lo` to `hi`, rounded half to even: both ends have about half the
    /// weight of an inner value.
    pub fn log_int(&mut self, lo: u32, hi: u32) -> usize {
        self.log_float(f64::from(lo), f64::from(hi)).round_ties_even() as usize
    }

    /// Uniform whole number from `lo` to `hi`, rounded half to even.
    pub fn lin_int(&mut self, lo: u32, hi: u32) -> usize {
        self.uniform(f64::from(lo), f64::from(hi)).round_ties_even() as usize
    }

    /// Uniform whole number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.numpy.below(n)
    }

    /// True with probability `p`.
    pub fn bool(&mut self, p: f64) -> bool {
        self.uniform(0.0, 1.0) < p
    }

    /// `choice([true, false])`: index 0 is true.
    pub fn true_or_false(&mut self) -> bool {
        self.below(2) == 0
    }

    /// `choice([false, true])`: index 0 is false.
    pub fn false_or_true(&mut self) -> bool {
        self.below(2) == 1
    }

    /// One element of a list, uniformly.
    pub fn choice<T: Copy, const N: usize>(&mut self, list: &[T; N]) -> T {
        const { assert!(N > 0, "a list to choose from has an element") };
        list[self.below(N as u32) as usize]
    }

    /// `n` numbers of [`log_int`](Self::log_int).
    pub fn log_ints(&mut self, n: usize, lo: u32, hi: u32) -> Vec<usize> {
        (0..n).map(|_| self.log_int(lo, hi)).collect()
    }

    /// An activation, relu and tanh more often than others.
    pub fn activation(&mut self) -> Activation {
        Activation::ALL[self.weighted(&ACTIVATION_WEIGHTS)]
    }

    /// An initialiser; those with a parameter then draw it logarithmically from 0.1 to 10.
    pub fn initializer(&mut self) -> Initializer {
        let index = self.weighted(&INITIALIZER_WEIGHTS);
        let mut parameter = || self.log_float(0.1, 10.0);
        match index {
            0 => Initializer::GlorotNormal,
            1 => Initializer::GlorotUniform,
            2 => Initializer::HeNormal,
            3 => Initializer::HeUniform,
            4 => Initializer::Orthogonal { gain: parameter() },
            5 => Initializer::RandomNormal { std: parameter() },
            6 => Initializer::RandomUniform { half_width: parameter() },
            7 => Initializer::TruncatedNormal { std: parameter() },
            _ => Initializer::VarianceScaling { scale: parameter() },
        }
    }

    fn weighted(&mut self, weights: &[f64; 9]) -> usize {
        self.numpy.weighted_index(weights).expect("the weights are positive")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws many times and compares the frequency of each outcome with its probability, within five standard errors.
    fn check_frequencies<T: PartialEq>(mut draw: impl FnMut(&mut Sampler) -> T, expected: &[(T, f64)]) {
        let n = 20_000;
        let mut sampler = Sampler::new(1);
        let draws: Vec<T> = (0..n).map(|_| draw(&mut sampler)).collect();
        for (index, (value, p)) in expected.iter().enumerate() {
            let frequency = draws.iter().filter(|d| *d == value).count() as f64 / f64::from(n);
            let error = 5.0 * (p * (1.0 - p) / f64::from(n)).sqrt();
            assert!((frequency - p).abs() <= error, "outcome {index}: {frequency} instead of {p}");
        }
    }

    #[test]
    fn activations_have_upstreams_weights() {
        check_frequencies(
            Sampler::activation,
            &[
                (Activation::Cos, 1.0 / 16.0),
                (Activation::LeakyRelu4, 1.0 / 16.0),
                (Activation::Relu, 6.0 / 16.0),
                (Activation::Swish, 1.0 / 16.0),
                (Activation::Tanh, 3.0 / 16.0),
            ],
        );
    }

    #[test]
    fn initializers_have_upstreams_weights() {
        let kind = |s: &mut Sampler| std::mem::discriminant(&s.initializer());
        let of = |i: Initializer| std::mem::discriminant(&i);
        check_frequencies(
            kind,
            &[
                (of(Initializer::GlorotNormal), 2.0 / 13.0),
                (of(Initializer::HeUniform), 2.0 / 13.0),
                (of(Initializer::Orthogonal { gain: 1.0 }), 1.0 / 13.0),
                (of(Initializer::VarianceScaling { scale: 1.0 }), 1.0 / 13.0),
                (of(Initializer::SonnetDefault), 0.0),
            ],
        );
    }

    #[test]
    fn both_ends_of_a_range_have_half_the_weight() {
        check_frequencies(
            |s| s.lin_int(0, 4),
            &[(0, 0.125), (1, 0.25), (2, 0.25), (3, 0.25), (4, 0.125), (5, 0.0)],
        );
    }

    #[test]
    fn normal_numbers_are_numpys() {
        let (mut ours, mut numpy) = (Sampler::new(9), NumpyLegacy::new(9));
        for _ in 0..1000 {
            let (a, b) = (ours.normal(3.0, 2.0), numpy.normal(3.0, 2.0));
            assert!((a - b).abs() <= 1e-14 * b.abs().max(1.0), "{a} {b}");
            // The kept half of a pair survives draws of other kinds.
            assert_eq!(ours.below(7), numpy.below(7));
        }
    }

    #[test]
    fn the_order_of_two_truths_matters() {
        let (mut a, mut b) = (Sampler::new(3), Sampler::new(3));
        for _ in 0..50 {
            assert_ne!(a.true_or_false(), b.false_or_true());
        }
    }
}
