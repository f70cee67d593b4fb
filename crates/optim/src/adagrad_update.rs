//! Adagrad's update.

use num_traits::Float;
use taskset_simd::Kernel;

/// One step of Adagrad over all parameters: `v = v + g²; p = p - rate g / √v`.
pub(crate) struct AdagradStep<'a, T> {
    pub(crate) rate: T,
    pub(crate) gradients: &'a [T],
    pub(crate) params: &'a mut [T],
    pub(crate) v: &'a mut [T],
}

impl<T: Float> Kernel for AdagradStep<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((p, &g), v) in self.params.iter_mut().zip(self.gradients).zip(self.v) {
            // Load before storing, for the same reason as in Adam.
            let (old, new_v) = (*p, *v + g * g);
            *v = new_v;
            *p = old - self.rate * g / new_v.sqrt();
        }
    }
}
