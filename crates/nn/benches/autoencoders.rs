//! Steps of autoencoders, their last layers and the products of those: `cargo bench -p taskset-nn --bench autoencoders`.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{
    Activation, Backend, Distance, GaussianLikelihood, Latent, Layer, Loss, Network, Output, Plan,
    Reconstruction, Reduction, Scalar, Shape, mlp_layers,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

/// Floating-point operations of matrix products are counted as items.
#[divan::bench(args = [(64, 784, 64), (64, 64, 1568), (128, 128, 128), (64, 3072, 128), (64, 128, 6144)])]
fn product(bencher: Bencher<'_, '_>, (m, k, n): (usize, usize, usize)) {
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(2 * m * k * n)).bench_local(|| {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
    });
}

/// Workload W6, or a wider one on color images.
fn vae(wide: bool, loss: GaussianLikelihood) -> (Network, usize) {
    let (pixels, width, latent, rows) = if wide { (3072, 128, 64, 256) } else { (784, 64, 32, 64) };
    let layers: Vec<Layer> = [
        mlp_layers(&[width, 2 * latent], Activation::Relu),
        vec![Latent.into()],
        mlp_layers(&[width, 2 * pixels], Activation::Relu),
    ]
    .concat();
    (Network::new(Shape::Features(pixels), layers, Loss::GaussianLikelihood(loss)), rows)
}

fn run(bencher: Bencher<'_, '_>, network: &Network, rows: usize, gradients: bool, noise: bool) {
    let mut params = vec![0f32; network.parameter_count()];
    let mut stream = StreamId::root("bench").stream();
    network.init(&mut params, &mut stream);
    let mut plan = Plan::new(network, rows).expect("a network whose parts fit");
    stream.fill_unit(plan.input_mut());
    let mut out = params.clone();
    let flops = if gradients { network.flops_per_step(rows) } else { network.forward_flops(rows) };
    bencher.counter(ItemsCount::new(flops as usize)).bench_local(|| {
        if noise {
            plan.draw_noise(0..rows, &mut stream);
        }
        if gradients { plan.loss_and_gradients(&params, &mut out) } else { plan.loss(&params) }
    });
}

/// W6: forward and backward, without data and optimizer.
#[divan::bench(args = [false, true])]
fn plain_vae(bencher: Bencher<'_, '_>, wide: bool) {
    let (network, rows) = vae(wide, GaussianLikelihood { clip: f64::INFINITY, dequantize: None });
    run(bencher, &network, rows, true, false);
}

/// The same as TaskSet has it, with new noise for each step.
#[divan::bench(args = [false, true])]
fn dequantised_vae(bencher: Bencher<'_, '_>, wide: bool) {
    let (network, rows) = vae(wide, GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) });
    run(bencher, &network, rows, true, true);
}

/// The loss alone, as in evaluations.
#[divan::bench(args = [false, true])]
fn dequantised_vae_loss(bencher: Bencher<'_, '_>, wide: bool) {
    let (network, rows) = vae(wide, GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) });
    run(bencher, &network, rows, false, true);
}

/// 784-64-64-784 at 64 images.
#[divan::bench(args = [Output::Linear, Output::Sigmoid, Output::Tanh])]
fn autoencoder(bencher: Bencher<'_, '_>, output: Output) {
    let loss = Reconstruction { output, distance: Distance::Squared, reduction: Reduction::Mean };
    let network = Network::mlp(784, &[64, 64, 784], Activation::Relu, Loss::Reconstruction(loss));
    run(bencher, &network, 64, true, false);
}
