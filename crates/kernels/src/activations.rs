//! Activations, as values that name them, and over slices with their derivatives.

use super::Scalar;
use super::math::Math;

/// An elementwise activation with TensorFlow's subgradients; names and definitions are TaskSet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `cos x`.
    Cos,
    /// `x` for `x >= 0`, else `exp(x) - 1`.
    Elu,
    /// `x` for `x > 0`, else `0.1 x`.
    LeakyRelu1,
    /// `x` for `x > 0`, else `0.2 x`.
    LeakyRelu2,
    /// `x` for `x > 0`, else `0.4 x`.
    LeakyRelu4,
    /// `max(x, 0)`, gradient 0 at 0.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x · sigmoid(x)`.
    Swish,
    /// `tanh x`.
    Tanh,
}

impl Activation {
    /// All activations in TaskSet's sampling (alphabetical) order.
    pub const ALL: [Self; 9] = [
        Self::Cos,
        Self::Elu,
        Self::LeakyRelu1,
        Self::LeakyRelu2,
        Self::LeakyRelu4,
        Self::Relu,
        Self::Sigmoid,
        Self::Swish,
        Self::Tanh,
    ];

    /// TaskSet's name, as it stands in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cos => "cos",
            Self::Elu => "elu",
            Self::LeakyRelu1 => "leaky_relu1",
            Self::LeakyRelu2 => "leaky_relu2",
            Self::LeakyRelu4 => "leaky_relu4",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Swish => "swish",
            Self::Tanh => "tanh",
        }
    }

    /// The activation with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name)
    }

    /// Whether the derivative is computed from the input (`cos`, `swish`); for the others the output suffices.
    #[inline]
    pub const fn derivative_needs_input(self) -> bool {
        matches!(self, Self::Cos | Self::Swish)
    }
}

/// `x[i] = f(x[i])`.
#[inline(always)]
fn each<T: Copy>(values: &mut [T], f: impl Fn(T) -> T) {
    for x in values {
        *x = f(*x);
    }
}

/// `g[i] = g[i] · f(s[i])`.
#[inline(always)]
fn scale<T: Scalar>(saved: &[T], gradients: &mut [T], f: impl Fn(T) -> T) {
    for (g, &s) in gradients.iter_mut().zip(saved) {
        *g = *g * f(s);
    }
}

/// Length of blocks. Each is tested once for arguments that are too large for the fast trigonometry.
const BLOCK: usize = 64;

#[inline(always)]
fn all_small<T: Scalar, M: Math<T>>(values: &[T]) -> bool {
    values.iter().fold(true, |all, x| all & (x.abs() <= M::small()))
}

/// See [`Scalar::activate`].
#[inline(always)]
pub(super) fn forward<T: Scalar, M: Math<T>>(activation: Activation, values: &mut [T]) {
    let zero = T::zero();
    // The comparisons are written so that NaN stays NaN.
    let leaky = |values: &mut [T], slope: f64| {
        let slope = T::of(slope);
        each(values, |x| if x > zero { x } else { slope * x });
    };
    match activation {
        Activation::Cos => {
            for block in values.chunks_mut(BLOCK) {
                if all_small::<T, M>(block) { each(block, M::cos_small) } else { each(block, M::cos) }
            }
        }
        Activation::Elu => each(values, |x| {
            let negative = M::exp(x) - T::one();
            if x >= zero { x } else { negative }
        }),
        Activation::LeakyRelu1 => leaky(values, 0.1),
        Activation::LeakyRelu2 => leaky(values, 0.2),
        Activation::LeakyRelu4 => leaky(values, 0.4),
        Activation::Relu => each(values, |x| if x <= zero { zero } else { x }),
        Activation::Sigmoid => each(values, M::sigmoid),
        Activation::Swish => each(values, |x| x * M::sigmoid(x)),
        Activation::Tanh => each(values, M::tanh),
    }
}

/// See [`Scalar::multiply_by_derivative`].
#[inline(always)]
pub(super) fn backward<T: Scalar, M: Math<T>>(activation: Activation, saved: &[T], gradients: &mut [T]) {
    let (zero, one) = (T::zero(), T::one());
    let leaky = |gradients: &mut [T], slope: f64| {
        let slope = T::of(slope);
        scale(saved, gradients, |y| if y > zero { one } else { slope });
    };
    match activation {
        Activation::Cos => {
            for (x, g) in saved.chunks(BLOCK).zip(gradients.chunks_mut(BLOCK)) {
                if all_small::<T, M>(x) {
                    scale(x, g, |x| -M::sin_small(x));
                } else {
                    scale(x, g, |x| -M::sin(x));
                }
            }
        }
        // For x < 0 the derivative exp(x) is y + 1.
        Activation::Elu => scale(saved, gradients, |y| if y >= zero { one } else { y + one }),
        Activation::LeakyRelu1 => leaky(gradients, 0.1),
        Activation::LeakyRelu2 => leaky(gradients, 0.2),
        Activation::LeakyRelu4 => leaky(gradients, 0.4),
        // Multiplied, not selected: an infinite or NaN gradient at a dead unit gives NaN, as in TensorFlow.
        Activation::Relu => scale(saved, gradients, |y| if y > zero { one } else { zero }),
        Activation::Sigmoid => scale(saved, gradients, |y| y * (one - y)),
        Activation::Swish => scale(saved, gradients, |x| {
            let s = M::sigmoid(x);
            s * (one + x * (one - s))
        }),
        Activation::Tanh => scale(saved, gradients, |y| one - y * y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;

    fn value<T: Scalar>(backend: Backend, activation: Activation, x: f64) -> f64 {
        // More than one vector, so that the vector loop runs and not only its remainder.
        let mut values = [T::of(x); 67];
        T::activate(backend, activation, &mut values);
        assert!(values.iter().all(|v| v.wide().to_bits() == values[0].wide().to_bits()));
        values[0].wide()
    }

    fn derivative<T: Scalar>(backend: Backend, activation: Activation, x: f64) -> f64 {
        let mut saved = [T::of(x); 67];
        if !activation.derivative_needs_input() {
            T::activate(backend, activation, &mut saved);
        }
        let mut gradients = [T::one(); 67];
        T::multiply_by_derivative(backend, activation, &saved, &mut gradients);
        gradients[0].wide()
    }

    #[test]
    fn derivatives_are_those_of_the_values() {
        let portable = Backend::portable();
        for activation in Activation::ALL {
            for i in -40..40 {
                let x = f64::from(i) / 7.0 + 0.01;
                let difference = (value::<f64>(portable, activation, x + 1e-6)
                    - value::<f64>(portable, activation, x - 1e-6))
                    / 2e-6;
                let d = derivative::<f64>(portable, activation, x);
                assert!((d - difference).abs() < 1e-8, "{activation:?} {x}: {d} {difference}");
                for backend in Backend::available() {
                    let y = value::<f32>(backend, activation, x);
                    assert!((y - value::<f64>(portable, activation, x)).abs() < 1e-6 * (1.0 + x.abs()));
                    assert!((derivative::<f32>(backend, activation, x) - d).abs() < 1.5e-6 * (1.0 + x.abs()));
                }
            }
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "subgradients are exact constants")]
    fn kinks_have_the_subgradients_of_tensorflow() {
        for backend in Backend::available() {
            let check = |activation, expected: f32| {
                assert_eq!(
                    derivative::<f32>(backend, activation, 0.0),
                    f64::from(expected),
                    "{activation:?}"
                );
            };
            check(Activation::Relu, 0.0);
            check(Activation::LeakyRelu1, 0.1);
            check(Activation::LeakyRelu2, 0.2);
            check(Activation::LeakyRelu4, 0.4);
            check(Activation::Elu, 1.0);
        }
    }

    #[test]
    fn nan_and_infinity_go_through() {
        for backend in Backend::available() {
            for activation in Activation::ALL {
                assert!(value::<f32>(backend, activation, f64::NAN).is_nan(), "{activation:?}");
                assert!(value::<f64>(backend, activation, f64::NAN).is_nan(), "{activation:?}");
                let single = value::<f32>(backend, activation, f64::INFINITY);
                let double = value::<f64>(backend, activation, f64::INFINITY);
                assert!(
                    single.to_bits() == double.to_bits() || single.is_nan() && double.is_nan(),
                    "{activation:?}"
                );
            }
        }
    }

    #[test]
    fn large_arguments_of_cos_are_reduced_exactly() {
        for backend in Backend::available() {
            for x in [9000.0, 1.0e6, 3.0e9, 1.0e30] {
                let x = f64::from(x as f32);
                let y = value::<f32>(backend, Activation::Cos, x);
                assert!((y - libm::cos(x)).abs() < 2e-7);
            }
        }
    }

    #[test]
    fn names_round_trip_in_alphabetical_order() {
        for activation in Activation::ALL {
            assert_eq!(Activation::from_name(activation.name()), Some(activation));
        }
        assert!(Activation::ALL.is_sorted_by_key(|activation| activation.name()));
        assert_eq!(Activation::from_name("gelu"), None);
    }
}
