//! Steps of the fixed tasks on sequences, without data and optimizer: `cargo bench -p taskset-nn --bench sequences`.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::{MatrixRef, Packed, Scratch, Start};
use taskset_nn::{
    Activation, Backend, Core, Dense, Embed, Gru, Initializer, Layer, Loss, Lstm, NO_LABEL, Network, OneHot,
    Plan, Recurrent, Scalar, Shape, TimePool, Vrnn,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

fn core(name: &str, units: usize) -> Core {
    let w = Initializer::GlorotUniform;
    match name {
        "gru" => Core::Gru(Gru { units, wz: w, uz: w, wr: w, ur: w, wh: w, uh: w }),
        "lstm" => Core::Lstm(Lstm { units, w_gates: w }),
        _ => Core::Vrnn(Vrnn { units, activation: Activation::Tanh, w_in: w, w_h: w }),
    }
}

/// A plan with random tokens and labels, and initial parameters.
fn started(network: &Network, rows: usize, classes: u64) -> (Plan<f32>, Vec<f32>) {
    let mut plan = Plan::new(network, rows).expect("a network whose parts fit");
    let mut stream = StreamId::root("bench").stream();
    let vocabulary = match network.input {
        Shape::Tokens { vocabulary, .. } => vocabulary as u64,
        _ => 1,
    };
    let batch = plan.batch_mut();
    batch.tokens.iter_mut().for_each(|token| *token = stream.below(vocabulary) as u16);
    batch.labels.iter_mut().for_each(|label| *label = stream.below(classes) as u16);
    let mut params = vec![0f32; network.parameter_count()];
    network.init(&mut params, &mut stream);
    (plan, params)
}

/// Forward and backward; operations are counted as items.
fn step(bencher: Bencher<'_, '_>, network: &Network, rows: usize, (mut plan, params): (Plan<f32>, Vec<f32>)) {
    let mut gradients = params.clone();
    let operations = ItemsCount::new(network.flops_per_step(rows) as usize);
    bencher.counter(operations).bench_local(|| plan.loss_and_gradients(&params, &mut gradients));
}

/// Associative retrieval with 20 pairs of 50 tokens: 128 rows of 42 one-hot tokens, 128 units, a label at the last step.
/// `apart`: the one-hot vectors are stored and multiplied.
#[divan::bench(args = ["lstm", "gru", "vrnn", "lstm apart"], sample_count = 20)]
fn associative(bencher: Bencher<'_, '_>, name: &str) {
    let (core_name, apart) = name.split_once(' ').map_or((name, false), |(name, _)| (name, true));
    let mut layers: Vec<Layer> = vec![OneHot.into()];
    if apart {
        layers.push(Activation::Relu.into());
    }
    layers.push(Recurrent { core: core(core_name, 128), trainable_init: false }.into());
    layers.push(Dense { outputs: 52 }.into());
    let loss = Loss::SequenceCrossEntropy { first: 41, steps: 1 };
    let network = Network::new(Shape::Tokens { length: 42, vocabulary: 52 }, layers, loss);
    step(bencher, &network, 128, started(&network, 128, 52));
}

/// Classification of text: 128 rows of 32 of 10,000 tokens, embedded in 64 numbers, 64 units, the mean of the outputs.
#[divan::bench(args = ["gru", "lstm", "vrnn"], sample_count = 20)]
fn classifier(bencher: Bencher<'_, '_>, name: &str) {
    let layers = vec![
        Embed { width: 64 }.into(),
        Recurrent { core: core(name, 64), trainable_init: true }.into(),
        TimePool::Mean.into(),
        Dense { outputs: 2 }.into(),
    ];
    let input = Shape::Tokens { length: 32, vocabulary: 10_000 };
    let network = Network::new(input, layers, Loss::SoftmaxCrossEntropy);
    step(bencher, &network, 128, started(&network, 128, 2));
}

/// A language model of bytes, 128 rows of 128, 128 units; the second half of every second row is padding, if `padded`.
#[divan::bench(args = ["gru", "gru padded", "lstm", "lstm padded"], sample_count = 10)]
fn language_model(bencher: Bencher<'_, '_>, name: &str) {
    let (core_name, padded) = name.split_once(' ').map_or((name, false), |(name, _)| (name, true));
    let layers = vec![
        Embed { width: 64 }.into(),
        Recurrent { core: core(core_name, 128), trainable_init: true }.into(),
        Dense { outputs: 256 }.into(),
    ];
    let loss = Loss::SequenceCrossEntropy { first: 0, steps: 127 };
    let network = Network::new(Shape::Tokens { length: 128, vocabulary: 256 }, layers, loss);
    let (mut plan, params) = started(&network, 128, 256);
    if padded {
        for labels in plan.labels_mut().chunks_exact_mut(127).step_by(2) {
            labels[63..].fill(NO_LABEL);
        }
    }
    step(bencher, &network, 128, (plan, params));
}

/// The product that a recurrent step is made of, for comparison; operations are counted as items.
#[divan::bench(args = [(128, 128, 512), (128, 128, 256), (128, 64, 128)])]
fn product(bencher: Bencher<'_, '_>, (m, k, n): (usize, usize, usize)) {
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let (mut scratch, mut packed, backend) = (Scratch::default(), Packed::default(), Backend::detect());
    f32::pack(backend, MatrixRef::new(&b, k, n), &mut packed);
    bencher.counter(ItemsCount::new(2 * m * k * n)).bench_local(|| {
        let a = MatrixRef::new(&a, m, k);
        f32::gemm_packed(backend, a, &packed, Start::Zero, false, &mut c, &mut scratch);
    });
}

/// Zeros for the gradient of a table of 10,000 rows of 64 numbers.
#[divan::bench]
fn clear_table(bencher: Bencher<'_, '_>) {
    let mut table = vec![1f32; 640_000];
    bencher.bench_local(|| {
        table.fill(0.0);
        std::hint::black_box(&mut table);
    });
}
