//! Kernels of autoencoders: reconstruction errors, the Gaussian likelihood, latent samples.

use super::math::Math;
use super::softmax_and_sigmoid_losses::total;
use super::vectorised::kernels;
use super::{Backend, Scalar};
use crate::autoencoder_loss_kinds::{Distance, GaussianLikelihood, Output, Reconstruction};

kernels! {
    /// Kernels of autoencoders for a number type.
    pub trait Autoencoder: Sized {
        /// Sum over all elements of the distance of `output(values)` and `targets`, before the reduction over the
        /// elements of a row; `values` are replaced by that sum's gradient times `scale`.
        ///
        /// # Panics
        /// If the lengths differ.
        fn reconstruction(
            backend: Backend,
            loss: Reconstruction,
            scale: Self,
            values: &mut [Self],
            targets: &[Self],
        ) -> f64;

        /// Sum over rows of `−log p` (nats) of `targets`, `[rows, width]`, where `values`, `[rows, 2 width]`, are the
        /// means and the logarithms of the standard deviations; they are replaced by that sum's gradient times `scale`.
        /// `noise` is uniform on `[0, 1)` and as long as `targets` with dequantisation, empty without.
        ///
        /// # Panics
        /// If the lengths do not fit.
        fn gaussian_likelihood(
            backend: Backend,
            loss: GaussianLikelihood,
            width: usize,
            scale: Self,
            values: &mut [Self],
            targets: &[Self],
            noise: &[Self],
        ) -> f64;

        /// Latent samples `y = μ + σ ε`, `[rows, width]`, of `x = [μ | log σ]`, `[rows, 2 width]`; writes `σ`,
        /// `[rows, width]`, and returns the sum over rows of the divergence from a standard normal (nats).
        ///
        /// # Panics
        /// If the lengths do not fit.
        fn sample(
            backend: Backend,
            width: usize,
            x: &[Self],
            epsilon: &[Self],
            sigma: &mut [Self],
            y: &mut [Self],
        ) -> f64;
    }
}

/// Terms that are computed before they are added: a loop that computes them vectorises, a loop that also adds does not.
const BLOCK: usize = 64;

/// See [`Autoencoder::reconstruction`].
#[inline(always)]
fn reconstruction<T: Scalar, M: Math<T>>(
    loss: Reconstruction,
    scale: T,
    values: &mut [T],
    targets: &[T],
) -> f64 {
    let (distance, one) = (loss.distance, T::one());
    match loss.output {
        Output::Linear => distances(distance, scale, values, targets, |x| x, |_| one),
        Output::Sigmoid => distances(distance, scale, values, targets, M::sigmoid, |y| y * (one - y)),
        Output::Tanh => distances(distance, scale, values, targets, M::tanh, |y| one - y * y),
    }
}

/// [`reconstruction`] with an output function and its derivative as a function of the output.
#[inline(always)]
fn distances<T: Scalar>(
    distance: Distance,
    scale: T,
    values: &mut [T],
    targets: &[T],
    output: impl Fn(T) -> T,
    derivative: impl Fn(T) -> T,
) -> f64 {
    assert_eq!(values.len(), targets.len(), "one target per value");
    let (zero, twice) = (T::zero(), T::of(2.0) * scale);
    match distance {
        Distance::Squared => sum(values, targets, |x, target| {
            let y = output(x);
            let error = y - target;
            (error * error, twice * error * derivative(y))
        }),
        Distance::Absolute => sum(values, targets, |x, target| {
            let y = output(x);
            let error = y - target;
            // 0 at 0, NaN at NaN.
            let sign = if error > zero {
                scale
            } else if error < zero {
                -scale
            } else {
                error
            };
            (error.abs(), sign * derivative(y))
        }),
    }
}

/// Adds up the first results of `term` and puts the second ones in the place of the values.
#[inline(always)]
fn sum<T: Scalar>(values: &mut [T], targets: &[T], term: impl Fn(T, T) -> (T, T)) -> f64 {
    let (mut terms, mut sum) = ([T::zero(); BLOCK], 0.0);
    for (values, targets) in values.chunks_mut(BLOCK).zip(targets.chunks(BLOCK)) {
        let terms = &mut terms[..values.len()];
        for ((value, &target), sum) in values.iter_mut().zip(targets).zip(terms.iter_mut()) {
            (*sum, *value) = term(*value, target);
        }
        sum += total(terms).wide();
    }
    sum
}

/// See [`Autoencoder::gaussian_likelihood`].
#[inline(always)]
fn gaussian_likelihood<T: Scalar, M: Math<T>>(
    loss: GaussianLikelihood,
    width: usize,
    scale: T,
    values: &mut [T],
    targets: &[T],
    noise: &[T],
) -> f64 {
    assert_eq!(values.len(), 2 * targets.len(), "a mean and a deviation per target");
    let mut sum = targets.len() as f64 * loss.constant();
    let rows = values.chunks_exact_mut(2 * width).zip(targets.chunks_exact(width));
    match loss.dequantize {
        None => {
            for (row, targets) in rows {
                let (mean, deviation) = row.split_at_mut(width);
                sum += densities::<T, M>(loss, scale, mean, deviation, targets, targets, |x, _| x);
            }
        }
        Some(bin) => {
            assert_eq!(noise.len(), targets.len(), "a noise number per target");
            let (bin, half) = (T::of(bin), T::of(0.5));
            for ((row, targets), noise) in rows.zip(noise.chunks_exact(width)) {
                let (mean, deviation) = row.split_at_mut(width);
                let target = |x, u| x + bin * (u - half);
                sum += densities::<T, M>(loss, scale, mean, deviation, targets, noise, target);
            }
        }
    }
    sum
}

/// Minus the logarithms of the densities of a row, without the constant.
#[inline(always)]
fn densities<T: Scalar, M: Math<T>>(
    loss: GaussianLikelihood,
    scale: T,
    mean: &mut [T],
    deviation: &mut [T],
    targets: &[T],
    noise: &[T],
    target: impl Fn(T, T) -> T,
) -> f64 {
    let (zero, one, half, clip) = (T::zero(), T::one(), T::of(0.5), T::of(loss.clip));
    // The comparisons are written so that NaN stays NaN and gets NaN for a gradient.
    let clipped = |x: T| {
        if x > clip {
            clip
        } else if x < -clip {
            -clip
        } else {
            x
        }
    };
    let pass = |x: T, gradient: T| if x > clip || x < -clip { zero } else { gradient };
    let (mut terms, mut sum) = ([zero; BLOCK], 0.0);
    let outputs = mean.chunks_mut(BLOCK).zip(deviation.chunks_mut(BLOCK));
    for ((mean, deviation), (targets, noise)) in outputs.zip(targets.chunks(BLOCK).zip(noise.chunks(BLOCK))) {
        let terms = &mut terms[..mean.len()];
        let outputs = mean.iter_mut().zip(deviation).zip(terms.iter_mut());
        for (((mean, deviation), term), (&x, &u)) in outputs.zip(targets.iter().zip(noise)) {
            let log_sigma = clipped(*deviation);
            let precision = M::exp(-log_sigma);
            let z = (target(x, u) - clipped(*mean)) * precision;
            *term = half * z * z + log_sigma;
            *mean = pass(*mean, -scale * z * precision);
            *deviation = pass(*deviation, scale * (one - z * z));
        }
        sum += total(terms).wide();
    }
    sum
}

/// See [`Autoencoder::sample`].
#[inline(always)]
fn sample<T: Scalar, M: Math<T>>(width: usize, x: &[T], epsilon: &[T], sigma: &mut [T], y: &mut [T]) -> f64 {
    assert!(x.len() == 2 * y.len() && sigma.len() == y.len(), "two numbers per latent variable");
    let (one, half) = (T::one(), T::of(0.5));
    let (mut terms, mut sum) = ([T::zero(); BLOCK], 0.0);
    let rows = x.chunks_exact(2 * width).zip(epsilon.chunks_exact(width));
    for (((x, epsilon), sigma), y) in rows.zip(sigma.chunks_exact_mut(width)).zip(y.chunks_exact_mut(width)) {
        let (mu, log_sigma) = x.split_at(width);
        for (sigma, &log_sigma) in sigma.iter_mut().zip(log_sigma) {
            *sigma = M::exp(log_sigma);
        }
        for ((y, &mu), (&sigma, &epsilon)) in y.iter_mut().zip(mu).zip(sigma.iter().zip(epsilon)) {
            *y = mu + sigma * epsilon;
        }
        let latent = mu.chunks(BLOCK).zip(log_sigma.chunks(BLOCK)).zip(sigma.chunks(BLOCK));
        for ((mu, log_sigma), sigma) in latent {
            let terms = &mut terms[..mu.len()];
            for (((term, &mu), &log_sigma), &sigma) in terms.iter_mut().zip(mu).zip(log_sigma).zip(sigma) {
                *term = half * (mu * mu + (sigma * sigma - one)) - log_sigma;
            }
            sum += total(terms).wide();
        }
    }
    sum
}
