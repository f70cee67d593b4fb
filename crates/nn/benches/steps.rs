//! Matrix products and MLP steps of the workloads W0, W1 and W2: `cargo bench -p taskset-nn`.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Activation, Backend, Loss, Network, Plan, Scalar};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// Rows, inner dimension, columns; operations are counted as items.
#[divan::bench(args = [(16, 784, 32), (128, 3072, 128), (128, 128, 128), (16, 784, 71), (128, 128, 10)])]
fn product(bencher: Bencher<'_, '_>, (m, k, n): (usize, usize, usize)) {
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(2 * m * k * n)).bench_local(|| {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
    });
}

/// Forward and backward, without data and optimizer.
#[divan::bench(args = ["W0", "W1", "W2"])]
fn mlp_step(bencher: Bencher<'_, '_>, workload: &str) {
    let (inputs, sizes, rows): (usize, &[usize], usize) = match workload {
        "W0" => (8, &[8, 8, 10], 4),
        "W1" => (784, &[32, 32, 10], 16),
        _ => (3072, &[128, 128, 128, 10], 128),
    };
    let network = Network::mlp(inputs, sizes, Activation::Relu, Loss::SoftmaxCrossEntropy);
    let mut params = vec![0f32; network.parameter_count()];
    let mut stream = StreamId::root("bench").stream();
    network.init(&mut params, &mut stream);
    let mut plan = Plan::new(&network, rows).expect("a network whose parts fit");
    plan.input_mut().iter_mut().for_each(|x| *x = stream.unit_f32());
    let mut gradients = params.clone();
    bencher.bench_local(|| plan.loss_and_gradients(&params, &mut gradients));
}
