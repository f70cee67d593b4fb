//! Tests of plans: gradients, rows, noise, and what is allocated and reused.

use super::*;
use crate::Activation;
use crate::testing::{started, stream};
use crate::{
    Dense, Dropout, FrozenBatchNorm, GaussianLikelihood, GaussianNoise, Latent, LayerNorm, Loss, TimePool,
};
use proptest::prelude::*;

/// Steps must not disturb what the backward passes of others are computed from.
#[test]
fn gradients_through_every_pair_of_neighbours() {
    let (first, last): (Layer, Layer) = (Dense { outputs: 8 }.into(), Dense { outputs: 5 }.into());
    let mut followers: Vec<Layer> =
        vec![FrozenBatchNorm.into(), LayerNorm.into(), Dropout { keep: 0.6 }.into()];
    followers.extend([Activation::Sigmoid, Activation::Swish].map(Layer::Activation));
    for activation in [Activation::Relu, Activation::Cos, Activation::Tanh].map(Layer::Activation) {
        for follower in &followers {
            for stack in [
                vec![activation.clone(), follower.clone()],
                vec![activation.clone(), follower.clone(), activation.clone(), last.clone()],
            ] {
                crate::testing::check_layers(Shape::Features(7), [vec![first.clone()], stack].concat());
            }
        }
    }
}

#[test]
fn buffers_are_reused_where_they_are_large_enough() {
    assert_eq!(reused(&[9, 5, 5, 5, 5]), [1, 2, 1, 2]);
    assert_eq!(reused(&[9, 3, 8, 2, 9, 1]), [1, 2, 1, 4, 1]);
    assert!(reused(&[9]).is_empty());
}

proptest! {
    #[test]
    fn no_step_writes_where_it_reads(widths in prop::collection::vec(1usize..6, 1..9)) {
        let mut from = 0;
        for (i, to) in reused(&widths).into_iter().enumerate() {
            prop_assert!(to != from && to > 0 && to <= i + 1 && widths[to] >= widths[i + 1]);
            from = to;
        }
    }
}

#[test]
fn a_loss_alone_has_the_bits_that_it_has_with_gradients() {
    let dense = |outputs| Layer::from(Dense { outputs });
    let layers = vec![dense(8), Activation::Tanh.into(), LayerNorm.into(), dense(30), dense(8), dense(8)];
    let network = Network::new(Shape::Features(7), layers, Loss::SoftmaxCrossEntropy);
    let (mut plan, params) = started::<f32>(&network, 6, Backend::detect());
    let mut gradients = params.clone();
    for _ in 0..2 {
        let alone = plan.loss(&params);
        assert_eq!(alone.to_bits(), plan.loss_and_gradients(&params, &mut gradients).to_bits());
    }
}

#[test]
fn fewer_rows_are_the_same_rows() {
    let network = Network::mlp(30, &[20, 4], Activation::Elu, Loss::SoftmaxCrossEntropy);
    let (mut large, params) = started::<f32>(&network, 24, Backend::detect());
    let mut sum = 0.0;
    for part in 0..3 {
        let mut small = Plan::<f32>::new(&network, 24).unwrap();
        small.set_rows(8);
        small.input_mut().copy_from_slice(&large.input_mut()[part * 8 * 30..(part + 1) * 8 * 30]);
        small.labels_mut().copy_from_slice(&large.labels_mut()[part * 8..(part + 1) * 8]);
        sum += small.loss(&params);
    }
    assert!((sum / 3.0 - large.loss(&params)).abs() < 1e-12);
}

#[test]
fn gradient_steps_lower_the_loss() {
    for loss in [Loss::SoftmaxCrossEntropy, Loss::SigmoidSquaredError] {
        let network = Network::mlp(16, &[32, 32, 10], Activation::Relu, loss);
        let (mut plan, mut params) = started::<f32>(&network, 32, Backend::detect());
        let mut gradients = params.clone();
        let first = plan.loss(&params);
        for _ in 0..50 {
            plan.loss_and_gradients(&params, &mut gradients);
            params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.1 * g);
        }
        assert!(plan.loss(&params) < 0.9 * first, "{loss:?}");
    }
}

#[test]
fn diverged_parameters_give_nan() {
    for activation in Activation::ALL {
        let network = Network::mlp(16, &[32, 32, 10], activation, Loss::SoftmaxCrossEntropy);
        for backend in Backend::available() {
            let (mut plan, params) = started::<f32>(&network, 4, backend);
            for i in [0, 16 * 32 + 5, params.len() - 1] {
                let mut params = params.clone();
                params[i] = f32::NAN;
                let mut gradients = params.clone();
                assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan(), "{activation:?} {i}");
                assert!(gradients.iter().any(|g| g.is_nan()));
            }
        }
    }
}

#[test]
fn noise_is_the_same_wherever_rows_stand() {
    let layers = vec![Dense { outputs: 8 }.into(), Dropout { keep: 0.5 }.into(), Dense { outputs: 3 }.into()];
    let network = Network::new(Shape::Features(5), layers, Loss::SoftmaxCrossEntropy);
    let mut plan = Plan::<f32>::new(&network, 6).unwrap();
    plan.draw_noise(0..2, &mut stream("noise"));
    plan.draw_noise(4..6, &mut stream("noise"));
    let mask = plan.noise().flatten().next().unwrap();
    assert!(mask[..16].iter().zip(&mask[32..]).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn given_noise_takes_the_place_of_drawn_noise() {
    let layers = vec![
        GaussianNoise { std: 0.3 }.into(),
        Dense { outputs: 6 }.into(),
        Dropout { keep: 0.5 }.into(),
        Latent.into(),
        Dense { outputs: 10 }.into(),
    ];
    let loss = Loss::GaussianLikelihood(GaussianLikelihood { clip: 10.0, dequantize: Some(0.1) });
    let network = Network::new(Shape::Features(5), layers, loss);
    let (mut plan, params) = started::<f32>(&network, 6, Backend::detect());
    let (mut other, _) = started::<f32>(&network, 8, Backend::detect());
    other.set_rows(6);
    other.input_mut().copy_from_slice(plan.input_mut());
    let loss = plan.loss(&params);
    other.draw_noise(0..6, &mut stream("other noise"));
    assert!((loss - other.loss(&params)).abs() > 1e-3);
    let noise: Vec<&[f32]> = plan.noise().flatten().collect();
    assert_eq!(noise.iter().map(|part| part.len()).collect::<Vec<_>>(), [30, 36, 18, 30]);
    other.set_noise(&noise).unwrap();
    assert_eq!(loss.to_bits(), other.loss(&params).to_bits());
    // What does not fit changes nothing.
    let zeros = vec![0.0; 36];
    let error = other.set_noise(&[&zeros[..30], &zeros, &zeros[..17], &zeros[..30]]).unwrap_err();
    assert_eq!(error, InvalidNoise::Length { part: 2, expected: 18, found: 17 });
    assert_eq!(error.to_string(), "noise 2 (counted from 0) has 17 numbers, not 18");
    let error = other.set_noise(&[&zeros]).unwrap_err();
    assert_eq!(error, InvalidNoise::Count { expected: 4, found: 1 });
    assert_eq!(loss.to_bits(), other.loss(&params).to_bits());
}

#[test]
fn deterministic_networks_have_no_noise_to_set() {
    let network = Network::mlp(5, &[3], Activation::Elu, Loss::SoftmaxCrossEntropy);
    let (mut plan, _) = started::<f32>(&network, 2, Backend::detect());
    assert_eq!(plan.set_noise(&[]), Ok(()));
    assert_eq!(plan.set_noise(&[&[1.0]]), Err(InvalidNoise::Count { expected: 0, found: 1 }));
}

#[test]
fn a_part_of_a_batch_has_its_share_of_everything() {
    let input = Shape::Sequence { length: 4, width: 2 };
    let network = Network::new(
        input,
        vec![Dense { outputs: 3 }.into()],
        Loss::SequenceCrossEntropy { first: 1, steps: 3 },
    );
    assert_eq!(network.labels_per_row(), 3);
    let mut plan = Plan::<f32>::new(&network, 5).unwrap();
    plan.set_rows(4);
    (0..).zip(plan.labels_mut()).for_each(|(i, label)| *label = i);
    let part = plan.batch_mut().rows(1..3);
    assert_eq!((part.row_count, part.features.len(), part.tokens.len()), (2, 16, 0));
    assert_eq!(part.labels, [3, 4, 5, 6, 7, 8]);
    assert_eq!(part.rows(1..2).labels, [6, 7, 8]);
    // Also where there are no rows.
    assert!(plan.batch_mut().rows(2..2).rows(0..0).labels.is_empty());
    let pooled = vec![TimePool::Last.into(), Dense { outputs: 3 }.into()];
    assert_eq!(Network::new(input, pooled, Loss::SoftmaxCrossEntropy).labels_per_row(), 1);
}
