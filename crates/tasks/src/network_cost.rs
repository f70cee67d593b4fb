//! What a step of a network costs besides matrix products, for estimates of time: random numbers, and layers that pass over
//! all values without multiplying matrices.

use taskset_nn::{Layer, Shape};

use crate::spec::{Examples, NetworkBody, Overhead};

/// Scalar operations (a third of a nanosecond each) of a normal random number.
const A_NORMAL: f64 = 8.0;
/// Of deciding whether a value is dropped.
const A_DROP: f64 = 6.0;
/// Of a value in a bijector of a flow, forward and backward: exponential, shift, scale, and their gradients.
const BIJECTED: f64 = 12.0;
/// Of a value in a permutation, forward and backward.
const PERMUTED: f64 = 4.0;
/// Of a value in a normalisation over rows or minibatches: a pass for the mean, one for the variance, one for the values;
/// as many backward.
const NORMALISED: f64 = 6.0;

/// What a step of a network costs besides.
pub(crate) fn overhead(body: &NetworkBody) -> Overhead {
    let NetworkBody { network, examples, .. } = body;
    let rows = examples.batch_size();
    let augmenting = match examples {
        Examples::Images(images) => images.augmenting_operations(),
        Examples::Text(_) | Examples::Sequences(_) => 0.0,
    };
    let skipped_flops = network.repeated_flops(rows);
    let forward = network.forward_flops(rows) - skipped_flops / 3.0;
    let step = network.flops_per_step(rows) - skipped_flops;
    let default = Overhead::default();
    Overhead {
        scalar_operations: augmenting + rows as f64 * operations_per_row(body),
        skipped_flops,
        // Backward there are two products for one forward, but for the first layer, which needs no gradient of its input.
        evaluation_share: if step > 0.0 { forward / step } else { default.evaluation_share },
        ..default
    }
}

/// Scalar operations of a row.
fn operations_per_row(body: &NetworkBody) -> f64 {
    let shapes = body.network.shapes().unwrap_or_default();
    let lengths = shapes.iter().skip(1).map(Shape::len);
    let operations = |(layer, values): (&Layer, usize)| {
        let each = match layer {
            Layer::GaussianNoise(_) | Layer::Latent(_) => A_NORMAL,
            Layer::Dropout(_) => A_DROP,
            Layer::Coupling(_) | Layer::Autoregressive(_) => BIJECTED,
            Layer::Permutation(_) => PERMUTED,
            Layer::BatchNorm(_) | Layer::LayerNorm(_) => NORMALISED,
            _ => 0.0,
        };
        each * values as f64
    };
    body.network.layers.iter().zip(lengths).map(operations).sum()
}

#[cfg(test)]
mod tests {
    use crate::describe;

    fn overhead(name: &str) -> crate::spec::Overhead {
        describe(name).unwrap().overhead
    }

    #[test]
    fn noise_and_bijectors_are_counted() {
        let scalar = |name: &str| overhead(name).scalar_operations / (64.0 * 784.0);
        // Noise on every pixel; three bijectors and two permutations between them.
        let expected = super::A_NORMAL + 3.0 * super::BIJECTED + 2.0 * super::PERMUTED;
        assert!((scalar("FixedNVP_mnist_3layer_thin_bs64") - expected).abs() < 1e-9);
        let more = scalar("FixedNVP_mnist_5layer_thin_bs64") - expected;
        assert!((more - 2.0 * (super::BIJECTED + super::PERMUTED)).abs() < 1e-9);
    }

    #[test]
    fn plain_networks_have_products_only() {
        assert!(overhead("FixedMLP_mnist_ce_128x128x128_relu_bs128").scalar_operations.abs() < 1e-9);
        let dropout = overhead("FixedMLP_cifar10_Dropout05_128x128_relu_bs128").scalar_operations;
        assert!((dropout - super::A_DROP * 128.0 * 256.0).abs() < 1e-9);
    }

    #[test]
    fn the_first_layer_needs_no_gradient_of_its_input() {
        // Two products of 784 x 128, three of the others.
        let (first, others) = (784.0 * 128.0, 128.0 * 128.0 * 2.0 + 128.0 * 10.0);
        let share = overhead("FixedMLP_mnist_ce_128x128x128_relu_bs128").evaluation_share;
        assert!((share - (first + others) / (2.0 * first + 3.0 * others)).abs() < 1e-9);
    }

    #[test]
    fn repeated_bytes_are_not_multiplied() {
        let model = describe("FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128").unwrap();
        let skipped = model.overhead.skipped_flops / model.flops_per_step;
        // Of the products, 64 x 192 of the embedding, 64 x 192 of the state, and 64 x 256 of the logits.
        assert!((skipped - 64.0 * 192.0 / (2.0 * 64.0 * 192.0 + 64.0 * 256.0)).abs() < 0.02, "{skipped}");
    }
}
