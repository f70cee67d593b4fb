//! The scalar types that objectives are computed in.

use std::ops::{AddAssign, DivAssign, MulAssign, SubAssign};
use std::sync::{Arc, OnceLock};

use num_traits::FloatConst;
use taskset_nn::Scalar;

/// f32 or f64, with transcendental functions that give the same bits on every platform.
///
/// The `math_` functions call the `libm` crate; `Float`'s own call the platform's library. (`Float::sqrt` is exact by
/// IEEE and needs no counterpart.)
pub(crate) trait Real: Scalar + FloatConst + AddAssign + SubAssign + MulAssign + DivAssign {
    fn math_exp(self) -> Self;
    fn math_ln(self) -> Self;
    fn math_ln_1p(self) -> Self;
    fn math_sin(self) -> Self;
    fn math_cos(self) -> Self;
    fn math_tanh(self) -> Self;
    fn math_pow(self, exponent: Self) -> Self;
    /// This type's slot of data that is computed once and shared.
    fn slot(shared: &Shared) -> &OnceLock<Arc<[Self]>>;
}

macro_rules! impl_real {
    ($t:ty, $slot:ident, $exp:ident, $ln:ident, $ln_1p:ident, $sin:ident, $cos:ident, $tanh:ident, $pow:ident) => {
        impl Real for $t {
            #[inline]
            fn math_exp(self) -> Self {
                libm::$exp(self)
            }
            #[inline]
            fn math_ln(self) -> Self {
                libm::$ln(self)
            }
            #[inline]
            fn math_ln_1p(self) -> Self {
                libm::$ln_1p(self)
            }
            #[inline]
            fn math_sin(self) -> Self {
                libm::$sin(self)
            }
            #[inline]
            fn math_cos(self) -> Self {
                libm::$cos(self)
            }
            #[inline]
            fn math_tanh(self) -> Self {
                libm::$tanh(self)
            }
            #[inline]
            fn math_pow(self, exponent: Self) -> Self {
                libm::$pow(self, exponent)
            }
            fn slot(shared: &Shared) -> &OnceLock<Arc<[Self]>> {
                &shared.$slot
            }
        }
    };
}

impl_real!(f32, single, expf, logf, log1pf, sinf, cosf, tanhf, powf);
impl_real!(f64, double, exp, log, log1p, sin, cos, tanh, pow);

/// Numbers that belong to a task, computed in f64 when a replica first needs them and shared by all replicas, in each
/// precision that is used.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    single: OnceLock<Arc<[f32]>>,
    double: OnceLock<Arc<[f64]>>,
}

impl Shared {
    /// The numbers in one precision; `compute` runs at most once for each precision and must be deterministic.
    pub(crate) fn get<T: Real>(&self, compute: impl FnOnce() -> Vec<f64>) -> Arc<[T]> {
        T::slot(self).get_or_init(|| cast(compute())).clone()
    }
}

/// Rounds numbers to one precision.
pub(crate) fn cast<T: Real>(numbers: Vec<f64>) -> Arc<[T]> {
    numbers.into_iter().map(T::of).collect()
}
