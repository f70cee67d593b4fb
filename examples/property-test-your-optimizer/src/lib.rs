//! A toy optimizer: gradient descent with heavy-ball momentum (Polyak 1964).

use num_traits::Float;

/// `m = momentum m + g; p = p - rate m`
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the velocity, in `[0, 1)`.
    pub momentum: f64,
}

impl Momentum {
    /// One update in f32 or f64; `velocity` starts at zero.
    pub fn update<T: Float>(&self, gradients: &[T], params: &mut [T], velocity: &mut [T]) {
        let cast = |x| T::from(x).unwrap_or_else(T::nan);
        let (rate, momentum) = (cast(self.rate), cast(self.momentum));
        for ((p, &g), m) in params.iter_mut().zip(gradients).zip(velocity) {
            *m = momentum * *m + g;
            *p = *p - rate * *m;
        }
    }
}
