//! The sampled bottleneck of variational autoencoders.

use std::ops::Range;

use taskset_rng::Stream;

use super::{LayerKind, vectors};
use crate::step::{Pass, Planning, Step};
use crate::{Scalar, Shape};

/// `x = [μ | log σ]`, `[rows, 2z]`, to a sample `y = μ + σ ε`, `[rows, z]`, of the normal distribution with these
/// parameters (Kingma and Welling 2014), `ε ~ N(0, 1)` drawn with the minibatch. Adds the divergence from a standard
/// normal distribution to the loss, `Σ ½ μ² + ½ (σ² − 1) − log σ` (nats per row).
///
/// Backward, with the divergence's part: `∂μ = ∂y + μ`, `∂log σ = ∂y σ ε + σ² − 1`.
///
/// Its noise ([`Plan::noise`](crate::Plan::noise), [`Plan::set_noise`](crate::Plan::set_noise)): `ε`, `[rows, z]`, standard
/// normal.
///
/// Memory: `ε` and `σ`, `2z` numbers per row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latent;

impl LayerKind for Latent {
    const DIVIDES_NETWORK: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        match vectors(input)? {
            (1, width) if width > 0 && width % 2 == 0 => Ok(Shape::Features(width / 2)),
            _ => Err(format!("takes a mean and a deviation for each latent variable, not {input}")),
        }
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let width = planning.input.len() / 2;
        let epsilon = vec![T::zero(); planning.rows * width];
        Some(Box::new(LatentStep { width, sigma: epsilon.clone(), epsilon }))
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        input: Shape,
        x: &candle_core::Tensor,
        _: &[candle_core::Tensor],
        noise: Option<&candle_core::Tensor>,
    ) -> candle_core::Result<(candle_core::Tensor, Option<candle_core::Tensor>)> {
        let epsilon = noise.ok_or_else(|| candle_core::Error::Msg("latent samples need noise".to_owned()))?;
        let width = input.len() / 2;
        let (mu, log_sigma) = (x.narrow(1, 0, width)?, x.narrow(1, width, width)?);
        let sigma = log_sigma.exp()?;
        let y = (&mu + (&sigma * epsilon.reshape(((), width))?)?)?;
        let divergence = (((mu.sqr()? + sigma.sqr()?)? - 1.0)? * 0.5)? - log_sigma;
        Ok((y, Some(divergence?.sum(1)?)))
    }
}

#[derive(Debug)]
struct LatentStep<T> {
    width: usize,
    epsilon: Vec<T>,
    sigma: Vec<T>,
}

impl<T: Scalar> Step<T> for LatentStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let (epsilon, sigma) = (&self.epsilon[..y.len()], &mut self.sigma[..y.len()]);
        T::sample(pass.backend, self.width, x, epsilon, sigma, y)
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        _: &[T],
        dy: &mut [T],
        dx: Option<&mut [T]>,
        _: &mut [T],
    ) {
        let Some(dx) = dx else { return };
        let (width, scale) = (self.width, pass.per_row());
        let rows = x.chunks_exact(2 * width).zip(dx.chunks_exact_mut(2 * width)).zip(dy.chunks_exact(width));
        let noise = self.epsilon.chunks_exact(width).zip(self.sigma.chunks_exact(width));
        for (((x, dx), dy), (epsilon, sigma)) in rows.zip(noise) {
            let (d_mu, d_log_sigma) = dx.split_at_mut(width);
            for ((d, &mu), &dy) in d_mu.iter_mut().zip(x).zip(dy) {
                *d = dy + scale * mu;
            }
            for (((d, &dy), &epsilon), &sigma) in d_log_sigma.iter_mut().zip(dy).zip(epsilon).zip(sigma) {
                *d = dy * sigma * epsilon + scale * (sigma * sigma - T::one());
            }
        }
    }

    fn noise(&self) -> Option<&[T]> {
        Some(&self.epsilon)
    }

    fn noise_mut(&mut self) -> Option<&mut [T]> {
        Some(&mut self.epsilon)
    }

    fn draw_noise(&mut self, rows: Range<usize>, stream: &mut Stream) {
        stream.fill_normal(T::one(), &mut self.epsilon[rows.start * self.width..rows.end * self.width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_layers, started};
    use crate::{Activation, Backend, Dense, Loss, Network, Plan};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_of_every_shape(inputs in 1usize..20, latent in 1usize..70, hidden in 0usize..20) {
            let mut layers = vec![Dense { outputs: 2 * latent }.into(), Latent.into()];
            if hidden > 0 {
                layers.extend([Dense { outputs: hidden }.into(), Activation::Tanh.into()]);
            }
            layers.push(Dense { outputs: 4 }.into());
            check_layers(Shape::Features(inputs), layers);
        }
    }

    #[test]
    fn two_deviations_need_two_means() {
        assert!(Latent.output(Shape::Features(3)).is_err() && Latent.output(Shape::Features(0)).is_err());
        assert_eq!(Latent.output(Shape::Features(6)), Ok(Shape::Features(3)));
    }

    /// A plan whose input is `[μ | log σ]` itself, with a loss that is `log 2` whatever the sample.
    fn divergence<T: Scalar>(backend: Backend, rows: &[[f64; 4]]) -> f64 {
        let layers = vec![Latent.into(), Dense { outputs: 2 }.into()];
        let network = Network::new(Shape::Features(4), layers, Loss::SoftmaxCrossEntropy);
        let mut plan = Plan::<T>::with_backend(&network, rows.len(), backend).unwrap();
        for (x, &value) in plan.input_mut().iter_mut().zip(rows.as_flattened()) {
            *x = T::of(value);
        }
        plan.loss(&[T::zero(); 6]) - std::f64::consts::LN_2
    }

    #[test]
    fn divergences_are_those_of_the_formula() {
        // Values of TensorFlow Probability for these two variables.
        let expected = 0.055_701_379 + 0.144_664_482;
        let x = [0.3, -0.2, 0.1, -0.4];
        assert!((divergence::<f64>(Backend::portable(), &[x]) - expected).abs() < 2e-9);
        for backend in Backend::available() {
            assert!((divergence::<f32>(backend, &[x, x, [0.0; 4]]) - expected * 2.0 / 3.0).abs() < 2e-7);
            assert!(divergence::<f32>(backend, &[[0.0, 0.0, 50.0, 0.0]]).is_infinite());
            for i in 0..4 {
                let mut x = x;
                x[i] = f64::NAN;
                assert!(divergence::<f32>(backend, &[x]).is_nan());
            }
        }
    }

    #[test]
    fn samples_have_the_mean_and_deviation() {
        let network = Network::new(
            Shape::Features(2),
            vec![Dense { outputs: 2 }.into(), Latent.into(), Dense { outputs: 2 }.into()],
            Loss::SoftmaxCrossEntropy,
        );
        let (mut plan, _) = started::<f64>(&network, 4000, Backend::portable());
        // μ = 0.5, log σ = log 2 by the first layer's biases; the logits are 0 and y.
        let params = [0.0, 0.0, 0.0, 0.0, 0.5, std::f64::consts::LN_2, 0.0, 1.0, 0.0, 0.0];
        plan.labels_mut().fill(1);
        let mut sum = 0.0;
        let n = 20;
        for i in 0..n {
            plan.draw_noise(0..4000, &mut crate::testing::stream(&format!("latent{i}")));
            sum += plan.loss(&params);
        }
        let divergence = 0.125 + 1.5 - std::f64::consts::LN_2;
        // E log(1 + exp(−y)), y ~ N(0.5, 2²), by quadrature; its deviation is about 1.25.
        let steps = 4000;
        let expected: f64 = (0..steps)
            .map(|i| {
                let e = -10.0 + 20.0 * (f64::from(i) + 0.5) / f64::from(steps);
                let density = (-0.5 * e * e).exp() / std::f64::consts::TAU.sqrt();
                density * (-(0.5 + 2.0 * e)).exp().ln_1p() * 20.0 / f64::from(steps)
            })
            .sum();
        let error = sum / f64::from(n) - divergence - expected;
        assert!(error.abs() < 5.0 * 1.3 / f64::from(n * 4000).sqrt(), "{error}");
    }
}
