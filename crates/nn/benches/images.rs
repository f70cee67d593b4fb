//! Steps of networks with batch norm and of convolutional autoencoders: `cargo bench -p taskset-nn --bench images`. Items
//! are the floating-point operations of the matrix products, padding included, so that equal rates mean that a layer adds
//! nothing to the products.

use divan::Bencher;
use divan::counter::ItemsCount;
use taskset_nn::{
    Activation, BatchNorm, Conv, ConvTranspose, Dense, Flatten, GaussianLikelihood, Latent, Layer, Loss,
    Network, Padding, Plan, Shape, SpatialPool, SplitChannels, Unflatten,
};
use taskset_rng::StreamId;

fn main() {
    divan::main();
}

const ROWS: usize = 128;

fn conv(outputs: usize, kernel: usize, stride: usize) -> Layer {
    Conv { outputs, kernel, stride, padding: Padding::Same, bias: true }.into()
}

/// 3×3 convolutions of widths 32, 64, 64 with rectifiers on color images, with or without batch norm.
fn stack(norm: bool) -> Network {
    let mut layers = Vec::new();
    for (outputs, stride) in [(32, 2), (64, 1), (64, 1)] {
        layers.push(conv(outputs, 3, stride));
        layers.extend(norm.then_some(Layer::from(BatchNorm)));
        layers.push(Activation::Relu.into());
    }
    layers.extend([SpatialPool::Mean.into(), Dense { outputs: 10 }.into()]);
    let image = Shape::Image { height: 32, width: 32, channels: 3 };
    Network::new(image, layers, Loss::SoftmaxCrossEntropy)
}

/// A variational autoencoder of color images: convolutions 32, 64, latent 128, transposed convolutions 64, 32.
fn autoencoder() -> Network {
    let mut layers: Vec<Layer> = vec![
        conv(32, 3, 2),
        Activation::Relu.into(),
        conv(64, 3, 2),
        Activation::Relu.into(),
        Flatten.into(),
        Dense { outputs: 256 }.into(),
        Latent.into(),
        Dense { outputs: 8 * 8 * 32 }.into(),
        Unflatten { height: 8, width: 8, channels: 32 }.into(),
    ];
    for outputs in [64, 32] {
        layers.push(ConvTranspose { outputs, kernel: 3, stride: 2, bias: true }.into());
        layers.push(Activation::Relu.into());
    }
    layers.extend([conv(6, 1, 1), SplitChannels.into()]);
    let image = Shape::Image { height: 32, width: 32, channels: 3 };
    let loss = GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) };
    Network::new(image, layers, Loss::GaussianLikelihood(loss))
}

/// One layer between a narrow convolution of single pixels and a pool, in both of which little happens.
fn layer(layer: &str) -> Network {
    let (size, inputs, middle): (usize, usize, Vec<Layer>) = match layer {
        "nothing" => (16, 64, Vec::new()),
        "batch norm" => (16, 64, vec![BatchNorm.into(), Activation::Relu.into()]),
        "convolution" => (16, 32, vec![conv(64, 3, 2), Activation::Relu.into()]),
        _ => {
            let transpose = ConvTranspose { outputs: 32, kernel: 3, stride: 2, bias: true };
            (8, 64, vec![transpose.into(), Activation::Relu.into()])
        }
    };
    let layers =
        [vec![conv(inputs, 1, 1)], middle, vec![SpatialPool::Mean.into(), Dense { outputs: 2 }.into()]];
    let image = Shape::Image { height: size, width: size, channels: 1 };
    Network::new(image, layers.concat(), Loss::SoftmaxCrossEntropy)
}

fn run(bencher: Bencher<'_, '_>, network: &Network, gradients: bool) {
    let mut params = vec![0f32; network.parameter_count()];
    let mut stream = StreamId::root("bench").stream();
    network.init(&mut params, &mut stream);
    let mut plan = Plan::new(network, ROWS).expect("a network whose parts fit");
    stream.fill_unit(plan.input_mut());
    plan.draw_noise(0..ROWS, &mut stream);
    let mut out = params.clone();
    let flops = if gradients { network.flops_per_step(ROWS) } else { network.forward_flops(ROWS) };
    bencher.counter(ItemsCount::new(flops as usize)).bench_local(|| {
        if gradients { plan.loss_and_gradients(&params, &mut out) } else { plan.loss(&params) }
    });
}

/// Forward and backward, with and without batch norm.
#[divan::bench(args = [false, true], max_time = 3)]
fn conv_stack(bencher: Bencher<'_, '_>, norm: bool) {
    run(bencher, &stack(norm), true);
}

/// The loss alone.
#[divan::bench(args = [false, true], max_time = 3)]
fn conv_stack_loss(bencher: Bencher<'_, '_>, norm: bool) {
    run(bencher, &stack(norm), false);
}

/// Forward and backward.
#[divan::bench(max_time = 3)]
fn conv_vae(bencher: Bencher<'_, '_>) {
    run(bencher, &autoencoder(), true);
}

/// The loss alone.
#[divan::bench(max_time = 3)]
fn conv_vae_loss(bencher: Bencher<'_, '_>) {
    run(bencher, &autoencoder(), false);
}

/// Forward and backward of networks of one layer. A convolution and its transpose have the same products.
#[divan::bench(args = ["nothing", "batch norm", "convolution", "transpose"], max_time = 2)]
fn single_layer(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, &layer(name), true);
}
