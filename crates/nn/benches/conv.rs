//! Convolutional steps, the workload W3 among them, beside the speed of matrix products: `cargo bench -p taskset-nn
//! --bench conv`. Items are the floating-point operations of the matrix products, padding included.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{
    Activation, Backend, Conv, Dense, Layer, Loss, Network, Padding, Plan, Scalar, Shape, SpatialPool,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// Matrix products whose operands stay in the cache: the limit.
#[divan::bench]
fn product(bencher: Bencher<'_, '_>) {
    let (m, k, n) = (240, 256, 64);
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(2 * m * k * n)).bench_local(|| {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
    });
}

/// Stacks of 3×3 convolutions with padding and rectifiers, the mean over pixels, and a linear layer.
const STACKS: [&str; 4] = ["W3", "wide stride 1", "narrow", "one layer"];

fn network(name: &str) -> Network {
    let (size, channels, widths): (usize, usize, &[(usize, usize)]) = match name {
        "W3" => (32, 3, &[(32, 2), (64, 2), (64, 2)]),
        "wide stride 1" => (32, 3, &[(64, 1), (64, 1)]),
        "narrow" => (32, 3, &[(8, 1), (8, 2), (8, 1)]),
        _ => (28, 1, &[(22, 2)]),
    };
    let mut layers: Vec<Layer> = Vec::new();
    for &(outputs, stride) in widths {
        layers.push(Conv { outputs, kernel: 3, stride, padding: Padding::Same, bias: true }.into());
        layers.push(Activation::Relu.into());
    }
    layers.extend([SpatialPool::Mean.into(), Dense { outputs: 10 }.into()]);
    Network::new(Shape::Image { height: size, width: size, channels }, layers, Loss::SoftmaxCrossEntropy)
}

fn plan(network: &Network, rows: usize) -> (Plan<f32>, Vec<f32>) {
    let mut params = vec![0f32; network.parameter_count()];
    let mut stream = StreamId::root("bench").stream();
    network.init(&mut params, &mut stream);
    let mut plan = Plan::new(network, rows).expect("a network whose parts fit");
    plan.input_mut().iter_mut().for_each(|x| *x = stream.unit_f32());
    (plan, params)
}

/// Forward and backward on 64 images, without data and optimizer.
#[divan::bench(args = STACKS, max_time = 2)]
fn step(bencher: Bencher<'_, '_>, name: &str) {
    let network = network(name);
    let (mut plan, params) = plan(&network, 64);
    let mut gradients = params.clone();
    let flops = network.flops_per_step(64) as usize;
    bencher.counter(ItemsCount::new(flops)).bench_local(|| plan.loss_and_gradients(&params, &mut gradients));
}

/// Forward only, on 512 images.
#[divan::bench(args = STACKS, max_time = 2)]
fn evaluation(bencher: Bencher<'_, '_>, name: &str) {
    let network = network(name);
    let (mut plan, params) = plan(&network, 512);
    let flops = network.forward_flops(512) as usize;
    bencher.counter(ItemsCount::new(flops)).bench_local(|| plan.loss(&params));
}
