//! The likelihood of variational autoencoders: pixels from normal distributions.

use std::ops::Range;

use taskset_rng::Stream;

use super::LossPlanning;
use super::logits_in_blocks::{Blocks, Vectors};
use crate::Scalar;
use crate::kernels::GaussianLikelihood;
use crate::step::{Gradients, Objective, Pass};

pub(super) fn plan<T: Scalar>(loss: GaussianLikelihood, planning: LossPlanning) -> Box<dyn Objective<T>> {
    let width = planning.input.len();
    let noise = if loss.dequantize.is_some() { planning.rows * width } else { 0 };
    Box::new(Planned {
        loss,
        width,
        noise: vec![T::zero(); noise],
        blocks: Blocks::new(planning, planning.rows),
    })
}

#[cfg(feature = "candle")]
pub(super) fn reference(
    loss: GaussianLikelihood,
    values: &candle_core::Tensor,
    features: &candle_core::Tensor,
    noise: Option<&candle_core::Tensor>,
) -> candle_core::Result<candle_core::Tensor> {
    let (rows, double) = values.dims2()?;
    let width = double / 2;
    let mask = |mask: candle_core::Tensor| mask.to_dtype(values.dtype());
    let clipped = if loss.clip.is_finite() {
        let (above, below) = (mask(values.gt(loss.clip)?)?, mask(values.lt(-loss.clip)?)?);
        let inside = ((1.0 - &above)? - &below)?;
        ((values * inside)? + ((above - below)? * loss.clip)?)?
    } else {
        values.clone()
    };
    let mut target = features.reshape((rows, width))?;
    if let (Some(bin), Some(noise)) = (loss.dequantize, noise) {
        target = (target + ((noise.reshape((rows, width))? - 0.5)? * bin)?)?;
    }
    let (mean, log_sigma) = (clipped.narrow(1, 0, width)?, clipped.narrow(1, width, width)?);
    let z = ((target - mean)? * log_sigma.neg()?.exp()?)?;
    let terms = ((z.sqr()? * 0.5)? + log_sigma)?;
    (terms.sum_all()? / rows as f64)? + width as f64 * loss.constant()
}

#[derive(Debug)]
struct Planned<T> {
    loss: GaussianLikelihood,
    /// Numbers of an input row.
    width: usize,
    /// Uniform on `[0, 1)`, one per input number; empty without dequantisation.
    noise: Vec<T>,
    blocks: Blocks<T>,
}

impl<T: Scalar> Objective<T> for Planned<T> {
    fn evaluate(&mut self, mut pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64 {
        let (loss, width, noise, rows) = (self.loss, self.width, &self.noise, pass.rows);
        let (backend, input, scale) = (pass.backend, pass.input, pass.per_row());
        let sum = self.blocks.sum(&mut pass, x, &Vectors::first(rows), gradients, |values, first| {
            let part = first * width..first * width + values.len() / 2;
            let noise = if noise.is_empty() { noise } else { &noise[part.clone()] };
            T::gaussian_likelihood(backend, loss, width, scale, values, &input[part], noise)
        });
        sum / rows as f64
    }

    fn noise(&self) -> Option<&[T]> {
        self.loss.dequantize.map(|_| &self.noise[..])
    }

    fn noise_mut(&mut self) -> Option<&mut [T]> {
        self.loss.dequantize.map(|_| &mut self.noise[..])
    }

    fn draw_noise(&mut self, rows: Range<usize>, stream: &mut Stream) {
        if self.loss.dequantize.is_some() {
            stream.fill_unit(&mut self.noise[rows.start * self.width..rows.end * self.width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, stream};
    use crate::{Activation, Backend, Dense, Latent, Loss, Network, Plan, Shape};
    use proptest::prelude::*;

    const PIXELS: GaussianLikelihood = GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) };
    const PLAIN: GaussianLikelihood = GaussianLikelihood { clip: f64::INFINITY, dequantize: None };

    fn network(inputs: usize, hidden: usize, loss: GaussianLikelihood) -> Network {
        Network::mlp(inputs, &[hidden, 2 * inputs], Activation::Tanh, Loss::GaussianLikelihood(loss))
    }

    #[test]
    fn gradients_of_whole_variational_autoencoders() {
        for loss in [PIXELS, PLAIN, GaussianLikelihood { clip: 0.3, ..PIXELS }] {
            let layers = vec![
                Dense { outputs: 9 }.into(),
                Activation::Swish.into(),
                Dense { outputs: 6 }.into(),
                Latent.into(),
                Dense { outputs: 8 }.into(),
                Activation::Tanh.into(),
                Dense { outputs: 14 }.into(),
            ];
            let mut network = Network::new(Shape::Features(7), layers, Loss::GaussianLikelihood(loss));
            check(&network, 6);
            // A layer that the loss does not take in.
            network.layers.push(Activation::Tanh.into());
            check(&network, 6);
            network.layers.truncate(3);
            assert!(network.shapes().is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..150, hidden in 1usize..20, rows in 1usize..12, clip in 0.2f64..3.0, plain: bool,
        ) {
            let loss = if plain { PLAIN } else { GaussianLikelihood { clip, ..PIXELS } };
            check(&network(inputs, hidden, loss), rows);
        }
    }

    /// Loss and gradients with respect to mean and log deviation, for one input number.
    fn evaluate(backend: Backend, loss: GaussianLikelihood, values: [f32; 2], input: f32) -> [f32; 3] {
        // One dense layer with weights 0: its biases are the values.
        let network = Network::new(
            Shape::Features(1),
            vec![Dense { outputs: 2 }.into()],
            Loss::GaussianLikelihood(loss),
        );
        let mut plan = Plan::<f32>::with_backend(&network, 1, backend).unwrap();
        plan.input_mut().fill(input);
        plan.draw_noise(0..1, &mut stream("one"));
        let mut gradients = [0.0; 4];
        let loss = plan.loss_and_gradients(&[0.0, 0.0, values[0], values[1]], &mut gradients);
        [loss as f32, gradients[2], gradients[3]]
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "blocked gradients are exact zeros")]
    fn clipping_blocks_gradients_beyond_the_ends_only() {
        let clip = GaussianLikelihood { clip: 10.0, ..PLAIN };
        let above = 10.0f32.next_up();
        for backend in Backend::available() {
            let check = |values, [mean, deviation]: [bool; 2]| {
                let [_, d_mean, d_deviation] = evaluate(backend, clip, values, 0.5);
                assert_eq!([d_mean != 0.0, d_deviation != 0.0], [mean, deviation], "{values:?}");
            };
            check([10.0, 10.0], [true, true]);
            check([-10.0, 10.0], [true, true]);
            check([above, 10.0], [false, true]);
            check([-above, 10.0], [false, true]);
            check([10.0, above], [true, false]);
            check([10.0, -above], [true, false]);
            check([f32::INFINITY, f32::NEG_INFINITY], [false, false]);
            // The value of what is clipped is that of the end.
            let [ends, beyond] =
                [[10.0, -10.0], [1e30, -1e30]].map(|values| evaluate(backend, clip, values, 0.5)[0]);
            assert_eq!(ends, beyond);
            for values in [[f32::NAN, 0.0], [0.0, f32::NAN]] {
                assert!(evaluate(backend, clip, values, 0.5).iter().all(|x| x.is_nan()), "{values:?}");
            }
        }
    }

    #[test]
    fn densities_and_bins() {
        for backend in Backend::available() {
            // ½ (0.5 / 2)² + log 2 + ½ log 2π.
            let [density, ..] = evaluate(backend, PLAIN, [1.0, 2f32.ln()], 1.5);
            let expected = 0.03125 + 2f64.ln() + 0.918_938_533;
            assert!((f64::from(density) - expected).abs() < 1e-6, "{density}");
            // A bin has the probability density · width; the noise moves the loss by less than |z| w / 2 σ.
            let [bin, ..] = evaluate(backend, PIXELS, [1.0, 2f32.ln()], 1.5);
            assert!((f64::from(bin) - expected - 255f64.ln()).abs() < 0.25 / 255.0 / 4.0 + 1e-5, "{bin}");
        }
    }

    #[test]
    fn a_standard_normal_model_starts_at_its_entropy_and_noise_widens_it() {
        let (n, rows) = (50, 400);
        let mut network = network(n, 4, GaussianLikelihood { clip: 10.0, dequantize: Some(3.0) });
        network.weights = crate::Initializer::RandomNormal { std: 1e-6 };
        let mut plan = Plan::<f32>::new(&network, rows).unwrap();
        let mut stream = stream("entropy");
        stream.fill_normal(1.0, plan.input_mut());
        plan.draw_noise(0..rows, &mut stream);
        let mut params = vec![0.0; network.parameter_count()];
        network.init(&mut params, &mut stream);
        // E ½ (x + u)² = ½ (1 + 3²/12), minus the logarithm of the bin's width.
        let each = 0.5 * (1.0 + 0.75) + 0.918_938_533 - 3f64.ln();
        let deviation = (n as f64 / rows as f64).sqrt();
        assert!((plan.loss(&params) - n as f64 * each).abs() < 5.0 * deviation);
    }
}
