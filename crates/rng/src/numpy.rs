//! NumPy's legacy generator (`numpy.random.RandomState`) with the draws that TaskSet's samplers use.

use crate::exp_ln;

const N: usize = 624;
const M: usize = 397;

/// `numpy.random.RandomState(seed)` for one 32-bit integer seed: MT19937 seeded by Knuth's recurrence, with the legacy
/// distributions. Integer and uniform draws equal NumPy's bit for bit. Draws that use `log` and `exp` are rounded to
/// nearest, as NumPy's nearly always are, and are the same on every platform.
///
/// ```
/// let mut r = taskset_rng::NumpyLegacy::new(0);
/// assert_eq!(r.unit(), 0.5488135039273248);
/// ```
#[derive(Clone, Debug)]
pub struct NumpyLegacy {
    key: [u32; N],
    position: usize,
    cached_gauss: Option<f64>,
}

/// A choice from an empty list: there is nothing to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot choose from an empty list")]
pub struct EmptyChoice;

impl NumpyLegacy {
    /// The generator `RandomState(seed)`; like NumPy, only seeds below 2³² exist.
    pub fn new(seed: u32) -> Self {
        let mut key = [0; N];
        key[0] = seed;
        for i in 1..N {
            let previous = key[i - 1];
            key[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        Self { key, position: N, cached_gauss: None }
    }

    /// The next tempered 32-bit word.
    pub fn next_u32(&mut self) -> u32 {
        if self.position == N {
            self.twist();
        }
        let mut y = self.key[self.position];
        self.position += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.key[i] & 0x8000_0000) | (self.key[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.key[i] = self.key[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.position = 0;
    }

    /// `random_sample()`: uniform on `[0, 1)` from two words.
    pub fn unit(&mut self) -> f64 {
        let a = f64::from(self.next_u32() >> 5);
        let b = f64::from(self.next_u32() >> 6);
        (a * 67_108_864.0 + b) / 9_007_199_254_740_992.0
    }

    /// `uniform(lo, hi)`.
    pub fn uniform(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.unit()
    }

    /// Logarithmic draw `exp(uniform(ln lo, ln hi))`; `lo > hi` is allowed and reverses the direction.
    pub fn log_uniform(&mut self, lo: f64, hi: f64) -> f64 {
        exp_ln::exp(self.uniform(exp_ln::ln(lo), exp_ln::ln(hi)))
    }

    /// `randint(0, n)` on 32-bit words: masked rejection; no word is drawn for `n <= 1`.
    pub fn below(&mut self, n: u32) -> u32 {
        let max = n.saturating_sub(1);
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let v = self.next_u32() & mask;
            if v <= max {
                return v;
            }
        }
    }

    /// `choice(list)`: one element, uniformly.
    ///
    /// # Errors
    /// [`EmptyChoice`] if the list is empty.
    pub fn choice<'a, T>(&mut self, list: &'a [T]) -> Result<&'a T, EmptyChoice> {
        let i = self.below(list.len() as u32) as usize;
        list.get(i).ok_or(EmptyChoice)
    }

    /// `choice(list, p=weights / sum(weights))`: an index, by NumPy's cumulative sum and right-sided search.
    ///
    /// # Errors
    /// [`EmptyChoice`] if there are no weights.
    pub fn weighted_index(&mut self, weights: &[f64]) -> Result<usize, EmptyChoice> {
        let total: f64 = weights.iter().sum();
        let mut cumulative = Vec::with_capacity(weights.len());
        let mut sum = 0.0;
        for w in weights {
            sum += w / total;
            cumulative.push(sum);
        }
        let last = *cumulative.last().ok_or(EmptyChoice)?;
        let u = self.unit();
        cumulative.iter().position(|c| c / last > u).ok_or(EmptyChoice)
    }

    /// `normal(mean, std)`.
    pub fn normal(&mut self, mean: f64, std: f64) -> f64 {
        mean + std * self.gauss()
    }

    /// `randn()`: the polar method; the second number of a pair is kept for the next call.
    pub fn gauss(&mut self) -> f64 {
        if let Some(g) = self.cached_gauss.take() {
            return g;
        }
        loop {
            let x1 = 2.0 * self.unit() - 1.0;
            let x2 = 2.0 * self.unit() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 > 0.0 {
                let t = (-2.0 * exp_ln::ln(r2) / r2).sqrt();
                self.cached_gauss = Some(t * x1);
                return t * x2;
            }
        }
    }

    /// `permutation(n)`.
    pub fn permutation(&mut self, n: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n).collect();
        for i in (1..order.len()).rev() {
            let j = self.below(i as u32 + 1) as usize;
            order.swap(i, j);
        }
        order
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "uniform draws equal NumPy's bit for bit")]
mod tests {
    use super::*;

    // All expected values were printed by NumPy 1.16 to 2.x (they agree): numpy.random.RandomState(seed).<draw>.

    #[test]
    fn uniform_doubles() {
        let mut r = NumpyLegacy::new(0);
        assert_eq!(
            [r.unit(), r.unit(), r.unit()],
            [0.5488135039273248, 0.7151893663724195, 0.6027633760716439]
        );
    }

    #[test]
    fn small_integers() {
        let mut r = NumpyLegacy::new(0);
        let draws: Vec<u32> = (0..8).map(|_| r.below(6)).collect();
        assert_eq!(draws, [4, 5, 0, 3, 3, 3, 1, 3]);
    }

    #[test]
    fn one_value_takes_no_word() {
        let (mut a, mut b) = (NumpyLegacy::new(5), NumpyLegacy::new(5));
        assert_eq!(a.below(1), 0);
        assert_eq!(a.next_u32(), b.next_u32());
    }

    #[test]
    fn permutations() {
        assert_eq!(
            NumpyLegacy::new(0).permutation(3072)[..8],
            [1430, 779, 643, 1853, 1907, 1224, 1476, 2497]
        );
        assert_eq!(NumpyLegacy::new(1).permutation(3072)[..8], [906, 6, 2957, 45, 1855, 2938, 933, 3068]);
        assert_eq!(NumpyLegacy::new(2).permutation(784)[..8], [193, 747, 583, 510, 675, 486, 502, 7]);
        assert_eq!(NumpyLegacy::new(0).permutation(784)[..4], [693, 85, 647, 392]);
    }

    #[test]
    fn gaussians_fill_a_matrix_in_c_order() {
        // W and y of a losg `quadratic` problem with problem_seed 83191 and n = 98.
        let mut r = NumpyLegacy::new(83191);
        let w: Vec<f64> = (0..98 * 98).map(|_| r.gauss()).collect();
        let y: Vec<f64> = (0..98).map(|_| r.gauss()).collect();
        let last = 98 * 98 - 1;
        for (value, numpy) in [
            (w[0], 1.9848297829684103),
            (w[1], -0.21038852221929016),
            (w[2], 0.33760918838157367),
            (w[last], 1.712105202494187),
            (y[0], -0.31965826406215336),
            (y[1], -0.5112176667004757),
        ] {
            // NumPy took `log` from the platform's libm, which may differ in the last digit.
            assert!((value - numpy).abs() < 1e-14 * numpy.abs().max(1.0), "{value} {numpy}");
        }
    }

    #[test]
    fn empty_choices_are_errors() {
        let mut r = NumpyLegacy::new(0);
        assert_eq!(r.choice::<u8>(&[]), Err(EmptyChoice));
        assert_eq!(r.weighted_index(&[]), Err(EmptyChoice));
    }
}
