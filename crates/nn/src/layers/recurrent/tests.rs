//! Tests of all cores: gradients of every shape, known answers, what is kept and what is not computed.

use proptest::prelude::*;

use super::*;
use crate::testing::{check, started, stream};
use crate::{
    Activation, Backend, Dense, Embed, Initializer, Layer, LayerNorm, Loss, Network, OneHot, Plan, TimePool,
};

const W: Initializer = Initializer::GlorotNormal;

fn gru(units: usize) -> Core {
    Core::Gru(Gru { units, wz: W, uz: W, wr: W, ur: W, wh: W, uh: W })
}

fn lstm(units: usize) -> Core {
    Core::Lstm(Lstm { units, w_gates: W })
}

fn vrnn(units: usize, activation: Activation) -> Core {
    Core::Vrnn(Vrnn { units, activation, w_in: W, w_h: W })
}

fn cores(units: usize) -> Vec<Core> {
    let mut cores = vec![gru(units), lstm(units)];
    cores.extend(Activation::ALL.map(|activation| vrnn(units, activation)));
    cores
}

/// A language model.
fn model(core: Core, trainable_init: bool, [length, vocabulary, width]: [usize; 3]) -> Network {
    let layers = vec![
        Embed { width }.into(),
        Recurrent { core, trainable_init }.into(),
        Dense { outputs: vocabulary }.into(),
    ];
    Network::new(Shape::Tokens { length, vocabulary }, layers, Loss::NextToken)
}

/// A classifier of text, or of a sequence of numbers.
fn classifier(input: Shape, layers: Vec<Layer>, pool: TimePool) -> Network {
    let layers = [layers, vec![pool.into(), Dense { outputs: 2 }.into()]].concat();
    Network::new(input, layers, Loss::SoftmaxCrossEntropy)
}

#[test]
fn every_core_in_every_place() {
    for core in cores(5) {
        for trainable_init in [false, true] {
            check(&model(core, trainable_init, [4, 7, 3]), 3);
            let layer = Layer::from(Recurrent { core, trainable_init });
            // Over numbers; over what has parameters; over another recurrent layer; with the embedding kept apart.
            let input = Shape::Sequence { length: 3, width: 4 };
            check(&classifier(input, vec![layer.clone()], TimePool::Last), 3);
            let layers = vec![Dense { outputs: 6 }.into(), layer.clone()];
            check(&classifier(input, layers, TimePool::Max), 3);
            let tokens = Shape::Tokens { length: 3, vocabulary: 5 };
            let layers = vec![Embed { width: 3 }.into(), layer.clone(), layer.clone()];
            check(&classifier(tokens, layers, TimePool::Mean), 3);
            let layers = vec![Embed { width: 3 }.into(), LayerNorm.into(), layer];
            check(&classifier(tokens, layers, TimePool::Last), 3);
            // The last step is not computed, but what is before needs its gradient.
            let mut network = model(core, trainable_init, [4, 7, 3]);
            network.layers.insert(1, LayerNorm.into());
            check(&network, 3);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn gradients_of_every_shape(
        which in 0usize..4, units in 1usize..40, width in 1usize..20, length in 2usize..7, vocabulary in 2usize..30,
        rows in 1usize..12, trainable_init: bool, pool in prop::sample::select(&[TimePool::Last, TimePool::Max][..]),
    ) {
        let core = [gru(units), lstm(units), vrnn(units, Activation::Tanh), vrnn(units, Activation::Swish)][which];
        check(&model(core, trainable_init, [length, vocabulary, width]), rows);
        let layers = vec![Embed { width }.into(), Recurrent { core, trainable_init }.into()];
        check(&classifier(Shape::Tokens { length, vocabulary }, layers, pool), rows);
    }
}

#[test]
fn many_rows_and_tokens_in_several_chunks() {
    for core in [gru(9), lstm(9), vrnn(9, Activation::Relu)] {
        // Two steps per chunk, chunks with one step, and more different tokens than a block holds.
        let layers = vec![Embed { width: 3 }.into(), Recurrent { core, trainable_init: true }.into()];
        check(&classifier(Shape::Tokens { length: 6, vocabulary: 400 }, layers, TimePool::Mean), 130);
    }
}

/// One unit, one input, one step, one row, all weights and states chosen: the output through a fixed dense layer.
fn one_step(core: Core, params: &[f64], x: f64) -> f64 {
    let layers = vec![Recurrent { core, trainable_init: true }.into()];
    let input = Shape::Sequence { length: 1, width: 1 };
    let network = classifier(input, layers, TimePool::Last);
    let mut plan = Plan::<f64>::with_backend(&network, 1, Backend::portable()).unwrap();
    plan.input_mut()[0] = x;
    // Logits 0 and −h: the cross-entropy ln(1 + exp(h)) − … of class 1 gives h back.
    let params = [params, &[0.0, -1.0, 0.0, 0.0]].concat();
    plan.labels_mut()[0] = 0;
    let softplus = plan.loss(&params);
    -(softplus.exp() - 1.0).ln()
}

#[test]
fn one_step_of_each_core_by_hand() {
    let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (x, h, c) = (0.7, 0.3, -0.4);
    let found = one_step(vrnn(1, Activation::Tanh), &[h, 0.5, 0.1, -0.6, 0.2], x);
    assert!((found - (x * 0.5 + 0.1 - h * 0.6 + 0.2).tanh()).abs() < 1e-12, "{found}");
    // wz uz bz wr ur br wh uh bh
    let found = one_step(gru(1), &[h, 0.5, 0.2, 0.1, -0.3, 0.9, 0.4, 1.1, -0.7, 0.05], x);
    let z = sigma(x * 0.5 + h * 0.2 + 0.1);
    let r = sigma(x * -0.3 + h * 0.9 + 0.4);
    let candidate = (x * 1.1 + r * h * -0.7 + 0.05).tanh();
    assert!((found - ((1.0 - z) * h + z * candidate)).abs() < 1e-12, "{found}");
    // Rows x and h of i j f o, then the biases.
    let params = [h, c, 0.5, 0.2, 0.1, -0.3, 0.9, 0.4, 1.1, -0.7, 0.05, -0.15, 0.25, 0.35];
    let found = one_step(lstm(1), &params, x);
    let gate = |k: usize| x * params[2 + k] + h * params[6 + k] + params[10 + k];
    let cell = sigma(gate(2) + 1.0) * c + sigma(gate(0)) * gate(1).tanh();
    assert!((found - sigma(gate(3)) * cell.tanh()).abs() < 1e-12, "{found}");
}

#[test]
fn parameters_stand_in_upstreams_order() {
    let names = |core, trainable_init| -> Vec<String> {
        model(core, trainable_init, [4, 7, 3]).parameters().into_iter().map(|p| p.name).collect()
    };
    let around = |core: &[&str]| -> Vec<String> {
        let core = core.iter().map(|name| format!("layer1/{name}"));
        ["layer0/table".to_owned()]
            .into_iter()
            .chain(core)
            .chain(["w", "b"].map(|p| format!("layer2/{p}")))
            .collect()
    };
    let gru_names = ["h0", "wz", "uz", "bz", "wr", "ur", "br", "wh", "uh", "bh"];
    assert_eq!(names(gru(5), true), around(&gru_names));
    assert_eq!(names(gru(5), false), around(&gru_names[1..]));
    assert_eq!(names(lstm(5), true), around(&["h0", "c0", "w_gates", "b_gates"]));
    assert_eq!(names(vrnn(5, Activation::Cos), false), around(&["w_in", "b_in", "w_h", "b_h"]));
    let count = |core, init| model(core, init, [4, 7, 3]).parameter_count() - (7 * 3 + 5 * 7 + 7);
    assert_eq!(count(gru(5), true), 3 * (15 + 25 + 5) + 5);
    assert_eq!(count(lstm(5), true), 4 * 5 * 8 + 20 + 10);
    assert_eq!(count(vrnn(5, Activation::Cos), false), 15 + 5 + 25 + 5);
}

/// Largest magnitude and standard deviation of the initial values of a tensor.
fn initial(network: &Network, name: &str) -> (f64, f64) {
    let mut params = vec![0f64; network.parameter_count()];
    network.init(&mut params, &mut stream("initial"));
    let mut offset = 0;
    for parameter in network.parameters() {
        let tensor = &params[offset..offset + parameter.count()];
        offset += parameter.count();
        if parameter.name.ends_with(name) {
            let largest = tensor.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
            let square = tensor.iter().map(|x| x * x).sum::<f64>() / tensor.len() as f64;
            return (largest, square.sqrt());
        }
    }
    panic!("no parameter {name}")
}

#[test]
fn biases_start_as_sonnet_has_them_and_matrices_by_their_own_initialisers() {
    let near = |(largest, std): (f64, f64), bound: f64, expected: f64| {
        assert!(largest <= bound && largest > 0.9 * bound, "{largest} {bound}");
        assert!((std / expected - 1.0).abs() < 0.1, "{std} {expected}");
    };
    let network = model(lstm(300), true, [4, 7, 100]);
    near(initial(&network, "/b_gates"), 2.0 / 20.0, 0.8796 / 20.0);
    let uniform = |half_width| Initializer::RandomUniform { half_width };
    let mut core = Gru {
        units: 300,
        wz: uniform(1.0),
        uz: uniform(2.0),
        wr: uniform(3.0),
        ur: uniform(4.0),
        wh: uniform(5.0),
        uh: uniform(6.0),
    };
    core.units = 300;
    let network = model(Core::Gru(core), true, [4, 7, 100]);
    for (name, bound) in [("/wz", 1.0), ("/uz", 2.0), ("/wr", 3.0), ("/ur", 4.0), ("/wh", 5.0), ("/uh", 6.0)]
    {
        near(initial(&network, name), bound, bound / f64::sqrt(3.0));
    }
    for name in ["/bz", "/br", "/bh"] {
        near(initial(&network, name), 0.1, 0.1 / f64::sqrt(3.0));
    }
    assert!(initial(&network, "/h0").0 < 1e-300);
    let core = Vrnn { units: 300, activation: Activation::Tanh, w_in: uniform(1.0), w_h: uniform(2.0) };
    let network = model(Core::Vrnn(core), true, [4, 7, 100]);
    near(initial(&network, "/w_in"), 1.0, 1.0 / f64::sqrt(3.0));
    near(initial(&network, "/w_h"), 2.0, 2.0 / f64::sqrt(3.0));
    assert!(initial(&network, "/b_in").0 < 1e-300 && initial(&network, "/b_h").0 < 1e-300);
}

#[test]
fn embedding_taken_in_and_kept_apart_are_bit_equal_forward() {
    for core in [gru(9), lstm(9), vrnn(9, Activation::Elu)] {
        let recurrent = Layer::from(Recurrent { core, trainable_init: false });
        let input = Shape::Tokens { length: 6, vocabulary: 11 };
        // An activation between the two that changes nothing: the leaky rectifier of a table of positive numbers.
        let apart = vec![Embed { width: 5 }.into(), Activation::LeakyRelu1.into(), recurrent.clone()];
        let together = vec![Embed { width: 5 }.into(), recurrent];
        let loss = |layers| {
            let network = classifier(input, layers, TimePool::Mean);
            let (mut plan, mut params) = started::<f32>(&network, 7, Backend::detect());
            params[..55].iter_mut().for_each(|x| *x = x.abs());
            plan.loss(&params)
        };
        assert_eq!(loss(apart).to_bits(), loss(together).to_bits());
    }
}

#[test]
fn one_hot_tokens_taken_in_and_kept_apart_are_equal() {
    for core in [gru(9), lstm(9), vrnn(9, Activation::Elu)] {
        for trainable_init in [false, true] {
            let recurrent = Layer::from(Recurrent { core, trainable_init });
            let input = Shape::Tokens { length: 6, vocabulary: 11 };
            // An activation between the two that changes nothing.
            let apart = vec![OneHot.into(), Activation::Relu.into(), recurrent.clone()];
            let together = vec![OneHot.into(), recurrent];
            let evaluate = |layers| {
                let network = classifier(input, layers, TimePool::Mean);
                let (mut plan, params) = started::<f32>(&network, 7, Backend::detect());
                let mut gradients = params.clone();
                (plan.loss_and_gradients(&params, &mut gradients), gradients)
            };
            let ((loss, gradients), (expected, others)) = (evaluate(together), evaluate(apart));
            assert_eq!(loss.to_bits(), expected.to_bits());
            // Sums of 42 terms in another order.
            let size = others.iter().fold(0f32, |a, g| a.max(g.abs()));
            assert!(gradients.iter().zip(&others).all(|(a, b)| (a - b).abs() <= 1e-6 * size));
        }
    }
}

#[test]
fn one_hot_tokens_that_do_not_occur_have_no_influence() {
    let layers =
        vec![OneHot.into(), Recurrent { core: vrnn(4, Activation::Relu), trainable_init: false }.into()];
    let network = classifier(Shape::Tokens { length: 5, vocabulary: 6 }, layers, TimePool::Last);
    let (mut plan, mut params) = started::<f32>(&network, 4, Backend::detect());
    plan.batch_mut().tokens.iter_mut().for_each(|token| *token = *token % 3 + 1);
    params[20..24].fill(f32::NAN);
    let mut gradients = params.clone();
    assert!(plan.loss_and_gradients(&params, &mut gradients).is_finite());
    assert!(gradients.iter().all(|g| g.is_finite()));
    assert!(gradients[16..24].iter().chain(&gradients[..4]).all(|g| g.to_bits() == 0));
    params[4] = f32::NAN;
    assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan());
}

#[test]
fn cores_of_the_fixed_tasks_start_as_sonnet_has_them() {
    let near = |(largest, std): (f64, f64), bound: f64, expected: f64| {
        assert!(largest <= bound && largest > 0.9 * bound, "{largest} {bound}");
        assert!((std / expected - 1.0).abs() < 0.1, "{std} {expected}");
    };
    let network = |core| {
        let layers = vec![OneHot.into(), Recurrent { core, trainable_init: false }.into()];
        classifier(Shape::Tokens { length: 4, vocabulary: 50 }, layers, TimePool::Last)
    };
    // Normal with these standard deviations, cut at two of them.
    let truncated = |found, std: f64| near(found, 2.0 * std, 0.8796 * std);
    let w = Initializer::SonnetDefault;
    let core = Core::Vrnn(Vrnn { units: 200, activation: Activation::Tanh, w_in: w, w_h: w });
    truncated(initial(&network(core), "/w_in"), 1.0 / f64::sqrt(50.0));
    truncated(initial(&network(core), "/w_h"), 1.0 / f64::sqrt(200.0));
    for bias in ["/b_in", "/b_h"] {
        assert!(initial(&network(core), bias).0 < 1e-300);
    }
    let core = Core::Lstm(Lstm { units: 200, w_gates: w });
    for parameter in ["/w_gates", "/b_gates"] {
        truncated(initial(&network(core), parameter), 1.0 / f64::sqrt(250.0));
    }
    let w = Initializer::GlorotUniform;
    let core = Core::Gru(Gru { units: 200, wz: w, uz: w, wr: w, ur: w, wh: w, uh: w });
    for (parameters, bound) in [
        (["/wz", "/wr", "/wh"], f64::sqrt(6.0 / 250.0)),
        (["/uz", "/ur", "/uh"], f64::sqrt(6.0 / 400.0)),
        (["/bz", "/br", "/bh"], f64::sqrt(3.0 / 200.0)),
    ] {
        for parameter in parameters {
            near(initial(&network(core), parameter), bound, bound / f64::sqrt(3.0));
        }
    }
}

#[test]
fn evaluation_is_bit_equal_to_training_and_leaves_it_alone() {
    for core in [gru(9), lstm(9), vrnn(9, Activation::Swish)] {
        let (mut plan, params) = started::<f32>(&model(core, true, [6, 11, 4]), 5, Backend::detect());
        let mut gradients = params.clone();
        let loss = plan.loss_and_gradients(&params, &mut gradients);
        assert_eq!(plan.loss(&params).to_bits(), loss.to_bits());
        let mut again = params.clone();
        plan.loss_and_gradients(&params, &mut again);
        assert!(gradients.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn a_row_does_not_depend_on_its_company() {
    for core in [gru(9), lstm(9), vrnn(9, Activation::Cos)] {
        let network = model(core, true, [6, 11, 4]);
        let (mut large, params) = started::<f32>(&network, 24, Backend::detect());
        let mut small = Plan::<f32>::new(&network, 24).unwrap();
        let mut sum = 0.0;
        for part in 0..3 {
            small.set_rows(8);
            small
                .batch_mut()
                .tokens
                .copy_from_slice(&large.batch_mut().tokens[part * 8 * 6..(part + 1) * 8 * 6]);
            sum += small.loss(&params);
        }
        // The mean in another order.
        assert!((sum / 3.0 - large.loss(&params)).abs() < 1e-7);
    }
}

#[test]
fn tokens_that_do_not_occur_have_no_influence() {
    for core in [gru(4), lstm(4), vrnn(4, Activation::Relu)] {
        let network = model(core, false, [5, 6, 3]);
        let (mut plan, mut params) = started::<f32>(&network, 4, Backend::detect());
        plan.batch_mut().tokens.iter_mut().for_each(|token| *token = *token % 3 + 1);
        // A row of the table that is not used may be anything.
        params[15..18].fill(f32::NAN);
        let mut gradients = params.clone();
        assert!(plan.loss_and_gradients(&params, &mut gradients).is_finite());
        assert!(gradients.iter().all(|g| g.is_finite()));
        assert!(gradients[15..18].iter().chain(&gradients[..3]).all(|g| g.to_bits() == 0));
        params[3] = f32::NAN;
        assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan());
    }
}

#[test]
fn infinite_recurrent_weights_meet_a_zero_state_as_in_ieee_arithmetic() {
    for (core, place) in
        [(lstm(4), 18 + 3 * 16), (gru(4), 18 + 12), (vrnn(4, Activation::Sigmoid), 18 + 12 + 4)]
    {
        let network = model(core, false, [5, 6, 3]);
        let (mut plan, mut params) = started::<f32>(&network, 4, Backend::detect());
        assert!(plan.loss(&params).is_finite());
        // 0 · ∞ at the first step.
        params[place] = f32::INFINITY;
        assert!(plan.loss(&params).is_nan());
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let layer = Recurrent { core: lstm(3), trainable_init: false };
    assert!(layer.output(Shape::Features(4)).unwrap_err().contains("takes sequences, not 4 features"));
    let none = Recurrent { core: gru(0), trainable_init: false };
    assert!(none.output(Shape::Sequence { length: 2, width: 2 }).unwrap_err().contains("one unit"));
}
