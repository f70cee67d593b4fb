//! Steps of recurrent language models, workload W4 with each core: `cargo bench -p taskset-nn --bench recurrent`.

use divan::Bencher;
use taskset_nn::{
    Activation, Core, Dense, Embed, Gru, Initializer, Loss, Lstm, Network, Plan, Recurrent, Shape, Vrnn,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// 64 rows of 65 bytes, embedded in 64 numbers, 128 units.
fn model(core: &str) -> (Plan<f32>, Vec<f32>) {
    let w = Initializer::GlorotNormal;
    let core = match core {
        "gru" => Core::Gru(Gru { units: 128, wz: w, uz: w, wr: w, ur: w, wh: w, uh: w }),
        "lstm" => Core::Lstm(Lstm { units: 128, w_gates: w }),
        _ => Core::Vrnn(Vrnn { units: 128, activation: Activation::Tanh, w_in: w, w_h: w }),
    };
    let layers = vec![
        Embed { width: 64 }.into(),
        Recurrent { core, trainable_init: false }.into(),
        Dense { outputs: 256 }.into(),
    ];
    let network = Network::new(Shape::Tokens { length: 65, vocabulary: 256 }, layers, Loss::NextToken);
    let mut plan = Plan::new(&network, 64).expect("a network whose parts fit");
    let mut stream = StreamId::root("bench").stream();
    plan.batch_mut().tokens.iter_mut().for_each(|token| *token = stream.below(256) as u16);
    let mut params = vec![0f32; network.parameter_count()];
    network.init(&mut params, &mut stream);
    (plan, params)
}

/// Forward and backward, without data and optimizer.
#[divan::bench(args = ["gru", "lstm", "vrnn"], sample_count = 20)]
fn step(bencher: Bencher<'_, '_>, core: &str) {
    let (mut plan, params) = model(core);
    let mut gradients = params.clone();
    bencher.bench_local(|| plan.loss_and_gradients(&params, &mut gradients));
}

/// As evaluation has it.
#[divan::bench(args = ["gru", "lstm", "vrnn"], sample_count = 20)]
fn loss(bencher: Bencher<'_, '_>, core: &str) {
    let (mut plan, params) = model(core);
    bencher.bench_local(|| plan.loss(&params));
}
