//! Tests of labels per time step: gradients, what has no influence, what is not computed.

use proptest::prelude::*;

use crate::testing::{check, started, stream};
use crate::{
    Activation, Backend, Core, Dense, Embed, Gru, Initializer, Layer, LayerNorm, Loss, Lstm, NO_LABEL,
    Network, OneHot, Plan, Recurrent, Shape, TimePool, Vrnn,
};

const W: Initializer = Initializer::GlorotUniform;

fn cores(units: usize) -> [Core; 3] {
    [
        Core::Gru(Gru { units, wz: W, uz: W, wr: W, ur: W, wh: W, uh: W }),
        Core::Lstm(Lstm { units, w_gates: W }),
        Core::Vrnn(Vrnn { units, activation: Activation::Tanh, w_in: W, w_h: W }),
    ]
}

/// Tokens, each as `layer` has it, through a core, with one label for each of some time steps.
fn model(layer: impl Into<Layer>, core: Core, length: usize, [first, steps]: [usize; 2]) -> Network {
    let layers =
        vec![layer.into(), Recurrent { core, trainable_init: false }.into(), Dense { outputs: 5 }.into()];
    Network::new(Shape::Tokens { length, vocabulary: 7 }, layers, Loss::SequenceCrossEntropy { first, steps })
}

#[test]
fn gradients_with_labels_anywhere() {
    for core in cores(4) {
        for range in [[0, 6], [0, 5], [5, 1], [2, 3], [0, 1]] {
            check(&model(OneHot, core, 6, range), 3);
            check(&model(Embed { width: 3 }, core, 6, range), 3);
            let mut apart = model(OneHot, core, 6, range);
            apart.layers.insert(1, LayerNorm.into());
            check(&apart, 3);
            // No dense layer that the loss could take in.
            let mut network = model(OneHot, core, 6, range);
            network.layers.push(LayerNorm.into());
            check(&network, 3);
            network.layers.truncate(2);
            check(&network, 3);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn gradients_of_every_shape(
        which in 0usize..3, units in 1usize..30, length in 1usize..7, vocabulary in 1usize..30, rows in 1usize..12,
        classes in 2usize..40, start in 0usize..7, end in 0usize..7, one_hot: bool,
    ) {
        let first = start % length;
        let loss = Loss::SequenceCrossEntropy { first, steps: 1 + end % (length - first) };
        let before = if one_hot { OneHot.into() } else { Embed { width: 4 }.into() };
        let core = cores(units)[which];
        let layers = vec![
            before,
            Recurrent { core, trainable_init: true }.into(),
            Dense { outputs: classes }.into(),
        ];
        check(&Network::new(Shape::Tokens { length, vocabulary }, layers, loss), rows);
    }
}

#[test]
fn several_blocks_of_labelled_positions() {
    // A block has 128 positions here.
    let layers = vec![Dense { outputs: 3 }.into(), Activation::Tanh.into(), Dense { outputs: 1500 }.into()];
    let input = Shape::Sequence { length: 9, width: 2 };
    check(&Network::new(input, layers, Loss::SequenceCrossEntropy { first: 2, steps: 6 }), 50);
}

#[test]
fn a_language_model_without_padding_is_next_token_bit_for_bit() {
    for core in cores(9) {
        let network = Network { loss: Loss::NextToken, ..language_model(core) };
        let (mut next, params) = started::<f32>(&network, 12, Backend::detect());
        let mut labelled = Plan::<f32>::new(&language_model(core), 12).unwrap();
        copy_tokens(&mut next, &mut labelled);
        let (mut expected, mut found) = (params.clone(), params.clone());
        let loss = next.loss_and_gradients(&params, &mut expected);
        assert_eq!(labelled.loss_and_gradients(&params, &mut found).to_bits(), loss.to_bits());
        assert!(found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

/// Six tokens of seven, each but the first predicted.
fn language_model(core: Core) -> Network {
    let mut network = model(Embed { width: 4 }, core, 6, [0, 5]);
    network.layers[2] = Dense { outputs: 7 }.into();
    network
}

/// The same tokens, and the next token as the label of each position.
fn copy_tokens(from: &mut Plan<f32>, to: &mut Plan<f32>) {
    let (from, to) = (from.batch_mut(), to.batch_mut());
    to.tokens.copy_from_slice(from.tokens);
    for (row, labels) in from.tokens.chunks_exact(6).zip(to.labels.chunks_exact_mut(5)) {
        labels.copy_from_slice(&row[1..]);
    }
}

/// Loss and gradients of a plan.
fn evaluate(plan: &mut Plan<f32>, params: &[f32]) -> (f64, Vec<f32>) {
    let mut gradients = vec![f32::NAN; params.len()];
    let loss = plan.loss_and_gradients(params, &mut gradients);
    (loss, gradients)
}

#[test]
fn positions_without_a_label_have_no_influence() {
    // Without a recurrent layer positions do not meet before the loss: the inputs of those without a label may be anything.
    for dense_last in [true, false] {
        let mut layers: Vec<Layer> = vec![Dense { outputs: 6 }.into(), Activation::Tanh.into()];
        if dense_last {
            layers.push(Dense { outputs: 6 }.into());
        }
        let [length, rows, width] = [5, 7, 4];
        let loss = Loss::SequenceCrossEntropy { first: 1, steps: 3 };
        let network = Network::new(Shape::Sequence { length, width }, layers, loss);
        for backend in Backend::available() {
            let (mut plan, params) = started::<f32>(&network, rows, backend);
            let (loss, gradients) = evaluate(&mut plan, &params);
            assert!(loss.is_finite() && plan.labels_mut().contains(&NO_LABEL));
            let labels = plan.labels_mut().to_vec();
            for (i, x) in plan.input_mut().chunks_exact_mut(width).enumerate() {
                let (time, row) = (i / rows, i % rows);
                let label = (1..4).contains(&time).then(|| labels[row * 3 + time - 1]);
                if label.is_none_or(|label| label == NO_LABEL) {
                    x.fill(1e30);
                }
            }
            // The first layer's weights get 1e30 times the gradient 0, and the loss does not see what overflows.
            let (again, others) = evaluate(&mut plan, &params);
            assert_eq!(loss.to_bits(), again.to_bits(), "{}", backend.name());
            assert!(gradients.iter().zip(&others).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}

#[test]
fn logits_that_are_not_numbers_do_not_count_where_there_is_no_label() {
    let [rows, width] = [4, 3];
    let loss = Loss::SequenceCrossEntropy { first: 0, steps: 2 };
    for layers in [Vec::new(), vec![Dense { outputs: 3 }.into()]] {
        let network = Network::new(Shape::Sequence { length: 2, width }, layers, loss);
        let (mut plan, params) = started::<f32>(&network, rows, Backend::detect());
        plan.labels_mut()[2 * 2 + 1] = NO_LABEL;
        plan.labels_mut()[2 * 2] = 1;
        // Second time step, third row.
        plan.input_mut()[(rows + 2) * width..][..width].fill(f32::NAN);
        let (loss, gradients) = evaluate(&mut plan, &params);
        assert!(loss.is_finite() && gradients.iter().all(|g| g.is_finite()));
        plan.labels_mut()[2 * 2 + 1] = 0;
        let (loss, gradients) = evaluate(&mut plan, &params);
        assert!(loss.is_nan() && gradients.iter().all(|g| g.is_nan()));
    }
}

#[test]
fn a_position_has_the_same_bits_whatever_has_labels_beside_it() {
    let loss = Loss::SequenceCrossEntropy { first: 0, steps: 5 };
    for classes in [3, 40] {
        let layers = vec![Dense { outputs: 9 }.into(), Dense { outputs: classes }.into()];
        let network = Network::new(Shape::Sequence { length: 5, width: 4 }, layers, loss);
        let (mut plan, params) = started::<f32>(&network, 8, Backend::detect());
        let all: Vec<u16> = (0..40).map(|i| i % 3).collect();
        let mut alone = |position: usize| {
            plan.labels_mut().fill(NO_LABEL);
            plan.labels_mut()[position] = all[position];
            plan.loss(&params)
        };
        let each: Vec<f64> = (0..40).map(&mut alone).collect();
        for pair in [[0, 1], [0, 39], [7, 22]] {
            plan.labels_mut().fill(NO_LABEL);
            pair.iter().for_each(|&position| plan.labels_mut()[position] = all[position]);
            // Single losses have 24 bits, so the sum of two in double precision is exact.
            let expected = (each[pair[0]] + each[pair[1]]) / 2.0;
            assert_eq!(plan.loss(&params).to_bits(), expected.to_bits());
        }
        plan.labels_mut().copy_from_slice(&all);
        let mean = each.iter().sum::<f64>() / 40.0;
        assert!((plan.loss(&params) - mean).abs() < 1e-14);
    }
}

#[test]
fn minibatches_count_by_their_labels() {
    let network = model(OneHot, cores(4)[1], 6, [1, 4]);
    assert!(!network.minibatches_may_be_fused());
    let (mut both, params) = started::<f64>(&network, 2, Backend::portable());
    both.labels_mut().copy_from_slice(&[1, NO_LABEL, NO_LABEL, NO_LABEL, 2, 3, NO_LABEL, 0]);
    let mut sum = 0.0;
    for (row, labels) in [(0, 1.0), (1, 3.0)] {
        let mut one = Plan::<f64>::with_backend(&network, 1, Backend::portable()).unwrap();
        let part = both.batch_mut().rows(row..row + 1);
        one.batch_mut().tokens.copy_from_slice(part.tokens);
        one.labels_mut().copy_from_slice(part.labels);
        sum += labels * one.loss(&params);
    }
    assert!((both.loss(&params) - sum / 4.0).abs() < 1e-14);
}

#[test]
fn without_any_label_loss_and_gradients_are_not_numbers() {
    let layers = vec![Dense { outputs: 4 }.into(), Dense { outputs: 3 }.into()];
    let loss = Loss::SequenceCrossEntropy { first: 1, steps: 1 };
    let network = Network::new(Shape::Sequence { length: 3, width: 2 }, layers, loss);
    let (mut plan, params) = started::<f32>(&network, 2, Backend::detect());
    plan.labels_mut().fill(NO_LABEL);
    let (loss, gradients) = evaluate(&mut plan, &params);
    assert!(loss.is_nan() && plan.loss(&params).is_nan() && gradients.iter().all(|g| g.is_nan()));
    plan.labels_mut()[1] = 2;
    let (loss, gradients) = evaluate(&mut plan, &params);
    assert!(loss.is_finite() && gradients.iter().all(|g| g.is_finite()));
}

#[test]
fn steps_behind_the_last_label_are_not_computed() {
    for core in cores(4) {
        let network = model(OneHot, core, 6, [1, 2]);
        let (mut plan, params) = started::<f32>(&network, 3, Backend::detect());
        let before = evaluate(&mut plan, &params);
        // Tokens that would panic if they were looked up.
        for row in plan.batch_mut().tokens.chunks_exact_mut(6) {
            row[3..].fill(999);
        }
        assert_eq!(before, evaluate(&mut plan, &params));
    }
}

#[test]
fn the_operations_of_one_hot_tokens_and_unread_steps_are_not_counted() {
    let flops = |network: &Network| network.forward_flops(1) / 2.0;
    let network = model(OneHot, cores(4)[1], 6, [5, 1]);
    assert!((flops(&network) - (6.0 * 4.0 * 16.0 + 4.0 * 5.0)).abs() < 1e-9);
    assert!((network.flops_per_step(1) / 6.0 - flops(&network)).abs() < 1e-9);
    assert_eq!(network.values_per_row(), 6 * 4);
    let embedded = model(Embed { width: 3 }, cores(4)[1], 6, [0, 6]);
    assert!((flops(&embedded) - (6.0 * 7.0 * 16.0 + 6.0 * 4.0 * 5.0)).abs() < 1e-9);
}

#[test]
fn ranges_beyond_the_sequence_are_refused() {
    let valid = |first, steps| model(OneHot, cores(4)[0], 6, [first, steps]).shapes().is_ok();
    assert!(valid(0, 6) && valid(5, 1) && valid(2, 3));
    assert!(!valid(0, 7) && !valid(6, 1) && !valid(3, 0) && !valid(usize::MAX, 2));
    let mut pooled = model(OneHot, cores(4)[0], 6, [0, 1]);
    pooled.layers.insert(2, TimePool::Last.into());
    let error = pooled.shapes().unwrap_err().to_string();
    assert!(
        error.contains("SequenceCrossEntropy { first: 0, steps: 1 } is not defined for 5 features"),
        "{error}"
    );
}

#[test]
fn one_label_by_hand() {
    let loss = Loss::SequenceCrossEntropy { first: 0, steps: 2 };
    let network = Network::new(Shape::Sequence { length: 2, width: 2 }, Vec::new(), loss);
    let mut plan = Plan::<f64>::with_backend(&network, 2, Backend::portable()).unwrap();
    // [length, rows, width].
    plan.input_mut().copy_from_slice(&[0.0, 1.0, 9.0, 9.0, 9.0, 9.0, 2.0, 0.0]);
    plan.labels_mut().copy_from_slice(&[1, NO_LABEL, NO_LABEL, 1]);
    let expected = (f64::exp(-1.0).ln_1p() + 2.0 + f64::exp(-2.0).ln_1p()) / 2.0;
    assert!((plan.loss(&[]) - expected).abs() < 1e-14);
    plan.draw_noise(0..2, &mut stream("none"));
}

#[test]
fn an_embedded_token_that_occurs_again_is_not_multiplied_again() {
    // Seven different tokens among 600.
    let network = model(Embed { width: 3 }, cores(4)[1], 6, [0, 6]);
    let of_the_input = 6.0 * 3.0 * 16.0;
    let repeated = 6.0 * (100.0 - 7.0 / 6.0) * of_the_input;
    assert!((network.repeated_flops(100) - repeated).abs() < 1e-6 * repeated);
    assert!(network.repeated_flops(100) < network.flops_per_step(100));
    assert!(model(OneHot, cores(4)[1], 6, [0, 6]).repeated_flops(100).abs() < 1e-9);
}
