//! Steps of normalising flows, whole and in parts: `cargo bench -p taskset-nn --bench flows`. Operations are counted as
//! items; the product is the peak to compare with.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{
    Activation, Autoregressive, Backend, Coupling, GaussianNoise, Layer, Loss, Network, Permutation, Plan,
    Scalar, Shape,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// Rows, inner dimension, columns.
#[divan::bench(args = [(128, 1024, 128), (100, 392, 64), (100, 64, 784)])]
fn product(bencher: Bencher<'_, '_>, (m, k, n): (usize, usize, usize)) {
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(2 * m * k * n)).bench_local(|| {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
    });
}

/// Features, hidden widths, bijectors, rows.
type Case = (usize, &'static [usize], usize, usize);

const CASES: [Case; 5] = [
    (784, &[64], 2, 100),
    (784, &[64, 64], 3, 100),
    (784, &[128, 128], 3, 100),
    (784, &[32], 2, 32),
    (3072, &[64, 64], 3, 64),
];

fn bench(bencher: Bencher<'_, '_>, (features, hidden, bijectors, rows): Case, layer: fn(&[usize]) -> Layer) {
    let order: Arc<[u32]> = StreamId::root("order").stream().permutation(features as u32).into();
    let mut layers = vec![GaussianNoise { std: 0.01 }.into()];
    for i in 0..bijectors {
        if i > 0 {
            layers.push(Permutation(Arc::clone(&order)).into());
        }
        layers.push(layer(hidden));
    }
    let network = Network::new(Shape::Features(features), layers, Loss::StandardNormal);
    let mut params = vec![0f32; network.parameter_count()];
    let mut stream = StreamId::root("bench").stream();
    network.init(&mut params, &mut stream);
    params.iter_mut().for_each(|p| *p *= 0.3);
    let mut plan = Plan::new(&network, rows).expect("a network whose parts fit");
    plan.input_mut().iter_mut().for_each(|x| *x = stream.unit_f32());
    let mut gradients = params.clone();
    let flops = network.flops_per_step(rows) as usize;
    bencher.counter(ItemsCount::new(flops)).bench_local(|| plan.loss_and_gradients(&params, &mut gradients));
}

/// Forward and backward of couplings, without noise and optimizer.
#[divan::bench(args = CASES)]
fn nvp(bencher: Bencher<'_, '_>, case: Case) {
    bench(bencher, case, |hidden| Coupling { hidden: hidden.to_vec(), activation: Activation::Relu }.into());
}

/// Forward and backward of masked autoregressive bijectors.
#[divan::bench(args = CASES)]
fn maf(bencher: Bencher<'_, '_>, case: Case) {
    bench(bencher, case, |hidden| {
        Autoregressive { hidden: hidden.to_vec(), activation: Activation::Relu }.into()
    });
}

/// The noise of 100 images of MNIST.
#[divan::bench]
fn noise(bencher: Bencher<'_, '_>) {
    let layers = vec![GaussianNoise { std: 0.01 }.into()];
    let network = Network::new(Shape::Features(784), layers, Loss::StandardNormal);
    let mut plan = Plan::<f32>::new(&network, 100).expect("a network whose parts fit");
    let mut stream = StreamId::root("bench").stream();
    bencher.counter(ItemsCount::new(78_400usize)).bench_local(|| plan.draw_noise(0..100, &mut stream));
}

/// 100 rows of MNIST in another order, forward only.
#[divan::bench]
fn permutation(bencher: Bencher<'_, '_>) {
    let order: Arc<[u32]> = StreamId::root("order").stream().permutation(784).into();
    let layers = vec![Permutation(order).into()];
    let network = Network::new(Shape::Features(784), layers, Loss::StandardNormal);
    let mut plan = Plan::<f32>::new(&network, 100).expect("a network whose parts fit");
    bencher.counter(ItemsCount::new(78_400usize)).bench_local(|| plan.loss(&[]));
}
