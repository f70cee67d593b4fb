//! The losses of autoencoders: distance of the last values and the network's input.

use super::LossPlanning;
use super::logits_in_blocks::{Blocks, Vectors};
use crate::Scalar;
use crate::kernels::{Reconstruction, Reduction};
use crate::step::{Gradients, Objective, Pass};

/// What the sum over all elements of so many rows is multiplied by.
fn scale(loss: Reconstruction, rows: usize, width: usize) -> f64 {
    match loss.reduction {
        Reduction::Mean => 1.0 / (rows * width) as f64,
        Reduction::Sum => 1.0 / rows as f64,
    }
}

pub(super) fn plan<T: Scalar>(loss: Reconstruction, planning: LossPlanning) -> Box<dyn Objective<T>> {
    Box::new(Planned { loss, blocks: Blocks::new(planning, planning.rows) })
}

#[cfg(feature = "candle")]
pub(super) fn reference(
    loss: Reconstruction,
    values: &candle_core::Tensor,
    features: &candle_core::Tensor,
) -> candle_core::Result<candle_core::Tensor> {
    use crate::{Activation, Distance, Output, reference::activate};
    let y = match loss.output {
        Output::Linear => values.clone(),
        Output::Sigmoid => activate(Activation::Sigmoid, values)?,
        Output::Tanh => activate(Activation::Tanh, values)?,
    };
    let (rows, width) = values.dims2()?;
    let error = (y - features.reshape((rows, width))?)?;
    let distance = match loss.distance {
        Distance::Squared => error.sqr()?,
        Distance::Absolute => {
            let mask = |mask: candle_core::Tensor| mask.to_dtype(error.dtype());
            let sign = (mask(error.gt(0.0)?)? - mask(error.lt(0.0)?)?)?;
            (&error * sign.detach())?
        }
    };
    (distance.sum_all()? * scale(loss, rows, width))?.reshape(())
}

#[derive(Debug)]
struct Planned<T> {
    loss: Reconstruction,
    blocks: Blocks<T>,
}

impl<T: Scalar> Objective<T> for Planned<T> {
    fn evaluate(&mut self, mut pass: Pass<'_, T>, x: &[T], gradients: Option<Gradients<'_, T>>) -> f64 {
        let (loss, rows, width) = (self.loss, pass.rows, self.blocks.outputs());
        let (backend, input) = (pass.backend, pass.input);
        let scale = scale(loss, rows, width);
        let sum = self.blocks.sum(&mut pass, x, &Vectors::first(rows), gradients, |values, first| {
            let targets = &input[first * width..][..values.len()];
            T::reconstruction(backend, loss, T::of(scale), values, targets)
        });
        scale * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;
    use crate::{
        Activation, Backend, Dense, Distance, Flatten, Loss, Network, Output, Plan, Shape, mlp_layers,
    };
    use proptest::prelude::*;

    fn all() -> impl Iterator<Item = Reconstruction> {
        [Output::Linear, Output::Sigmoid, Output::Tanh].into_iter().flat_map(|output| {
            [Distance::Squared, Distance::Absolute].into_iter().flat_map(move |distance| {
                [Reduction::Mean, Reduction::Sum].map(|reduction| Reconstruction {
                    output,
                    distance,
                    reduction,
                })
            })
        })
    }

    fn autoencoder(inputs: usize, hidden: usize, loss: Reconstruction) -> Network {
        Network::mlp(inputs, &[hidden, inputs], Activation::Tanh, Loss::Reconstruction(loss))
    }

    #[test]
    fn gradients_with_and_without_a_dense_layer_before() {
        for loss in all() {
            check(&autoencoder(7, 5, loss), 6);
            let image = Shape::Image { height: 3, width: 2, channels: 2 };
            let layers = [vec![Flatten.into()], mlp_layers(&[5, 12], Activation::Swish)].concat();
            check(&Network::new(image, layers.clone(), Loss::Reconstruction(loss)), 3);
            let layers = [layers, vec![Activation::Elu.into()]].concat();
            check(&Network::new(image, layers, Loss::Reconstruction(loss)), 3);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..150, hidden in 1usize..20, rows in 1usize..12,
            loss in prop::sample::select(all().collect::<Vec<_>>()),
        ) {
            check(&autoencoder(inputs, hidden, loss), rows);
        }
    }

    /// One value for one input, no layer; returns the loss.
    fn evaluate(backend: Backend, loss: Reconstruction, value: f32, input: f32) -> [f32; 2] {
        // One dense layer with weight 0: its bias is the value, and the bias's gradient the loss's.
        let network =
            Network::new(Shape::Features(1), vec![Dense { outputs: 1 }.into()], Loss::Reconstruction(loss));
        let mut plan = Plan::<f32>::with_backend(&network, 1, backend).unwrap();
        plan.input_mut().fill(input);
        let mut gradients = [0.0; 2];
        let loss = plan.loss_and_gradients(&[0.0, value], &mut gradients);
        [loss as f32, gradients[1]]
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these values are exact")]
    fn kinks_ties_and_divergence() {
        let loss = |output, distance| Reconstruction { output, distance, reduction: Reduction::Sum };
        for backend in Backend::available() {
            let absolute = loss(Output::Linear, Distance::Absolute);
            assert_eq!(evaluate(backend, absolute, 0.75, 0.75), [0.0, 0.0]);
            assert_eq!(evaluate(backend, absolute, 0.75, 0.5), [0.25, 1.0]);
            assert_eq!(evaluate(backend, absolute, 0.25, 0.5), [0.25, -1.0]);
            let squared = loss(Output::Linear, Distance::Squared);
            assert_eq!(evaluate(backend, squared, 0.25, 0.75), [0.25, -1.0]);
            assert_eq!(
                evaluate(backend, loss(Output::Tanh, Distance::Squared), f32::INFINITY, 0.5),
                [0.25, 0.0]
            );
            assert_eq!(evaluate(backend, squared, f32::INFINITY, 0.5), [f32::INFINITY; 2]);
            for loss in all() {
                assert!(evaluate(backend, loss, f32::NAN, 0.5).iter().all(|x| x.is_nan()), "{loss:?}");
            }
        }
    }

    #[test]
    fn small_networks_start_at_the_moments_of_the_images() {
        // Values near 0: the loss is the input's mean square, or that of input − ½.
        for (output, centre) in [(Output::Linear, 0.0), (Output::Tanh, 0.0), (Output::Sigmoid, 0.5)] {
            for reduction in [Reduction::Mean, Reduction::Sum] {
                let loss = Reconstruction { output, distance: Distance::Squared, reduction };
                let mut network = autoencoder(50, 9, loss);
                network.weights = crate::Initializer::RandomNormal { std: 1e-3 };
                let mut plan = Plan::<f32>::new(&network, 40).unwrap();
                let mut stream = crate::testing::stream("moments");
                stream.fill_unit(plan.input_mut());
                let mut params = vec![0.0; network.parameter_count()];
                network.init(&mut params, &mut stream);
                let squares = plan.input_mut().iter().map(|x| (f64::from(*x) - centre).powi(2)).sum::<f64>();
                let expected = squares / if reduction == Reduction::Mean { 2000.0 } else { 40.0 };
                assert!((plan.loss(&params) / expected - 1.0).abs() < 1e-3);
            }
        }
    }
}
