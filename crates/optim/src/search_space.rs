//! Search spaces as data: one [`Dimension`] per hyperparameter.

use taskset_rng::NumpyLegacy;

/// How a hyperparameter is distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scale {
    /// Log-uniform between the bounds.
    Log,
    /// One minus a log-uniform number; the bounds are those of one minus the value.
    OneMinusLog,
    /// Uniform between the bounds.
    Linear,
    /// True or false with probability 1/2 each; as a number 1 or 0.
    Switch,
    /// One of these words with equal probability; as a number its place, from 0.
    Choice(&'static [&'static str]),
}

/// One hyperparameter of a search space (paper, appendix D).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dimension {
    /// Upstream's name, the key of the hyperparameter object.
    pub name: &'static str,
    /// Distribution.
    pub scale: Scale,
    /// Lower bound (of one minus the value for [`Scale::OneMinusLog`]).
    pub lo: f64,
    /// Upper bound (of one minus the value for [`Scale::OneMinusLog`]).
    pub hi: f64,
    /// Whether the sampler also gives exactly 0, outside the bounds.
    pub or_zero: bool,
    /// Whether upstream draws from the upper bound down to the lower one, which mirrors the value of every seed.
    pub reversed: bool,
    /// Smallest and largest value for which the equations make sense; much wider than what is sampled.
    pub valid: [f64; 2],
}

impl Dimension {
    pub(crate) const fn log(name: &'static str, lo: f64, hi: f64) -> Self {
        let valid = [0.0, f64::MAX];
        Self { name, scale: Scale::Log, lo, hi, or_zero: false, reversed: false, valid }
    }

    pub(crate) const fn one_minus_log(name: &'static str, lo: f64, hi: f64) -> Self {
        let valid = [0.0, 1.0_f64.next_down()];
        Self { scale: Scale::OneMinusLog, valid, ..Self::log(name, lo, hi) }
    }

    pub(crate) const fn linear(name: &'static str, lo: f64, hi: f64) -> Self {
        Self { scale: Scale::Linear, valid: [lo, hi], ..Self::log(name, lo, hi) }
    }

    pub(crate) const fn switch(name: &'static str) -> Self {
        Self { scale: Scale::Switch, ..Self::linear(name, 0.0, 1.0) }
    }

    pub(crate) const fn choice_of(name: &'static str, words: &'static [&'static str]) -> Self {
        Self { scale: Scale::Choice(words), ..Self::linear(name, 0.0, words.len() as f64 - 1.0) }
    }

    /// A number that is the same in every member; `least` and `most` are possible.
    pub(crate) const fn fixed(name: &'static str, value: f64, least: f64, most: f64) -> Self {
        Self::linear(name, value, value).valid(least, most)
    }

    /// The same dimension with one value for every member; other values stay possible. Of a switch 1 or 0, of a choice the place
    /// of the word.
    pub(crate) const fn always(self, value: f64) -> Self {
        Self { lo: value, hi: value, ..self }
    }

    /// The place of a word among those of a [`Scale::Choice`].
    pub fn choice(&self, word: &str) -> Option<usize> {
        match self.scale {
            Scale::Choice(words) => words.iter().position(|known| *known == word),
            _ => None,
        }
    }

    pub(crate) const fn reversed(self) -> Self {
        Self { reversed: true, ..self }
    }

    pub(crate) const fn or_zero(self) -> Self {
        Self { or_zero: true, ..self }
    }

    pub(crate) const fn valid(self, least: f64, most: f64) -> Self {
        Self { valid: [least, most], ..self }
    }

    /// Draws a value as upstream does. An exact zero ([`or_zero`](field@Self::or_zero)) is decided by the sampler, not here.
    pub fn draw(&self, rng: &mut NumpyLegacy) -> f64 {
        let (first, last) = if self.reversed { (self.hi, self.lo) } else { (self.lo, self.hi) };
        match self.scale {
            Scale::Log => rng.log_uniform(first, last),
            Scale::OneMinusLog => 1.0 - rng.log_uniform(first, last),
            Scale::Linear => rng.uniform(first, last),
            Scale::Switch => f64::from(u8::from(rng.uniform(first, last) > 0.5)),
            // The last word has the smallest share that rounding can leave out.
            Scale::Choice(words) => (rng.unit() * words.len() as f64).floor().min(last),
        }
    }

    /// The value on the scale on which it is uniform: its natural logarithm, or that of one minus it, or itself.
    /// An exact zero of a logarithmic dimension gives minus infinity.
    pub fn uniform_coordinate(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log => libm::log(value),
            Scale::OneMinusLog => libm::log1p(-value),
            Scale::Linear | Scale::Switch | Scale::Choice(_) => value,
        }
    }

    /// Whether the sampler can have given this value (up to rounding in the last digits).
    pub fn contains(&self, value: f64) -> bool {
        let inside = |x: f64| x >= self.lo * (1.0 - 1e-9) && x <= self.hi * (1.0 + 1e-9);
        match self.scale {
            // One minus a value near 1 has lost most of its digits.
            Scale::OneMinusLog => 1.0 - value >= self.lo - 1e-15 && 1.0 - value <= self.hi + 1e-15,
            Scale::Log | Scale::Linear => inside(value) || (self.or_zero && value == 0.0),
            Scale::Choice(words) => {
                inside(value) && (0..words.len()).any(|place| (place as f64).to_bits() == value.to_bits())
            }
            Scale::Switch if self.lo.to_bits() == self.hi.to_bits() => inside(value),
            Scale::Switch => value == 0.0 || value.to_bits() == 1.0f64.to_bits(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn draws_lie_inside(seed in any::<u32>(), lo in 1e-9f64..1e-3, hi in 1e-2f64..1.0) {
            let mut rng = NumpyLegacy::new(seed);
            for dimension in [
                Dimension::log("x", lo, hi),
                Dimension::log("x", lo, hi).reversed(),
                Dimension::one_minus_log("x", lo, hi),
                Dimension::linear("x", lo, hi),
                Dimension::switch("x"),
                Dimension::choice_of("x", &["a", "b", "c"]),
            ] {
                let value = dimension.draw(&mut rng);
                prop_assert!(dimension.contains(value), "{dimension:?} {value}");
                prop_assert!(value >= dimension.valid[0] && value <= dimension.valid[1]);
                prop_assert!(!dimension.contains(2.0 * dimension.hi + 1.0));
            }
        }
    }

    #[test]
    fn what_a_dimension_contains() {
        let check = |dimension: Dimension, inside: &[f64], outside: &[f64]| {
            for (values, expected) in [(inside, true), (outside, false)] {
                for &value in values {
                    assert_eq!(dimension.contains(value), expected, "{dimension:?} {value}");
                }
            }
        };
        check(Dimension::log("x", 0.1, 10.0), &[0.1, 1.0, 10.0], &[0.0, 0.09, 10.1, f64::NAN]);
        check(Dimension::log("x", 0.1, 10.0).or_zero(), &[0.0, 0.1], &[0.09, 10.1]);
        check(Dimension::one_minus_log("x", 0.01, 0.5), &[0.5, 0.99], &[0.4, 0.995, 0.0]);
        check(Dimension::linear("x", 2.0, 3.0), &[2.0, 2.5, 3.0], &[1.9, 3.1]);
        check(Dimension::switch("x"), &[0.0, 1.0], &[0.5, 2.0]);
        check(Dimension::switch("x").always(1.0), &[1.0], &[0.0]);
        check(Dimension::switch("x").always(0.0), &[0.0], &[1.0]);
        check(Dimension::choice_of("x", &["a", "b", "c"]), &[0.0, 1.0, 2.0], &[0.5, 3.0]);
        check(Dimension::choice_of("x", &["a", "b", "c"]).always(1.0), &[1.0], &[0.0, 2.0]);
        check(Dimension::fixed("x", 5.0, 0.0, 100.0), &[5.0], &[4.0, 6.0]);
    }

    #[test]
    fn values_that_make_sense_are_wider_than_what_is_sampled_where_equations_allow_it() {
        let check = |dimension: Dimension, expected: [f64; 2]| {
            assert_eq!(dimension.valid.map(f64::to_bits), expected.map(f64::to_bits), "{dimension:?}");
        };
        check(Dimension::log("x", 0.1, 10.0), [0.0, f64::MAX]);
        check(Dimension::one_minus_log("x", 0.01, 0.5), [0.0, 1.0f64.next_down()]);
        check(Dimension::linear("x", 2.0, 3.0), [2.0, 3.0]);
        check(Dimension::fixed("x", 5.0, 0.0, 100.0), [0.0, 100.0]);
        check(Dimension::choice_of("x", &["a", "b", "c"]).always(1.0), [0.0, 2.0]);
    }

    #[test]
    fn words_have_places() {
        let letters = Dimension::choice_of("x", &["a", "b", "c"]);
        assert_eq!(["a", "c", "d"].map(|word| letters.choice(word)), [Some(0), Some(2), None]);
        assert_eq!(Dimension::switch("x").choice("a"), None);
    }

    #[test]
    fn coordinates_are_uniform() {
        let check = |dimension: Dimension, value: f64, expected: f64| {
            let found = dimension.uniform_coordinate(value);
            assert!((found - expected).abs() < 1e-12, "{dimension:?} {value}: {found}");
        };
        check(Dimension::log("x", 0.1, 10.0), std::f64::consts::E, 1.0);
        check(Dimension::one_minus_log("x", 0.01, 0.5), 0.9, 0.1f64.ln());
        check(Dimension::linear("x", 2.0, 3.0), 2.25, 2.25);
    }
}
