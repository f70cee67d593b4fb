//! The random numbers of a case: those of layers and losses, and the permutations of masked autoregressive flows.

use taskset_nn::{Dropout, GaussianNoise, Layer, Loss, Network, Permutation, Scalar, Shape};

use crate::formulas::{centred, shuffled, unit};

/// The streams of the hash.
const LATENT: u32 = 2001;
const QUANTISATION: u32 = 2002;
const PIXELS: u32 = 2003;
/// That of the first layer with dropout; the others follow.
const DROPOUT: u32 = 2010;
/// That of the first permutation; the others follow.
const PERMUTATION: u32 = 2100;

/// Numbers of this size stand for standard normal ones.
const NORMAL: f64 = 1.7;

/// The random numbers of the layers and the loss that have some, in the order of [`taskset_nn::Plan::noise`].
///
/// Probabilities, deviations and widths of bins are those of the network, although the file states them too: if the
/// network's are wrong, its numbers must differ.
pub(crate) fn noise<T: Scalar>(network: &Network, shapes: &[Shape], rows: usize) -> Vec<Vec<T>> {
    let mut noise = Vec::new();
    let mut dropouts = DROPOUT;
    for (layer, input) in network.layers.iter().zip(shapes) {
        let width = rows * input.len();
        match layer {
            &Layer::Dropout(Dropout { keep }) => {
                let factor = |i| T::of(if unit(dropouts, i) < keep { 1.0 / keep } else { 0.0 });
                noise.push((0..width).map(factor).collect());
                dropouts += 1;
            }
            &Layer::GaussianNoise(GaussianNoise { std }) => {
                noise.push((0..width).map(|i| T::of(NORMAL * std * centred(PIXELS, i))).collect());
            }
            Layer::Latent(_) => {
                noise.push((0..width / 2).map(|i| T::of(NORMAL * centred(LATENT, i))).collect());
            }
            _ => {}
        }
    }
    if let Loss::GaussianLikelihood(loss) = network.loss
        && loss.dequantize.is_some()
    {
        noise.push((0..rows * network.input.len()).map(|i| T::of(unit(QUANTISATION, i))).collect());
    }
    noise
}

/// The network with the case's permutations if it is a masked autoregressive flow. Those of other flows are the task's own.
pub(crate) fn with_permutations(mut network: Network) -> Network {
    if !network.layers.iter().any(|layer| matches!(layer, Layer::Autoregressive(_))) {
        return network;
    }
    let is_permutation = |layer: &&mut Layer| matches!(layer, Layer::Permutation(_));
    // The first one that is met has the highest number: a density is computed from the last bijector to the first.
    for (stream, layer) in (PERMUTATION..).zip(network.layers.iter_mut().rev().filter(is_permutation)) {
        if let Layer::Permutation(permutation) = layer {
            let order = shuffled(stream, 0, permutation.0.len());
            // The file's formula is y[order[j]] = x[j], the layer's y[j] = x[order[j]].
            *permutation = Permutation(order.into()).inverse();
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::probe_values;
    use taskset_nn::{Activation, Autoregressive, Dense, GaussianLikelihood, Latent};

    fn check(name: &str, found: &[f64]) {
        let expected = probe_values(name);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 * b.abs();
        assert!(found.iter().zip(&expected).all(close), "{name}: {found:?} {expected:?}");
    }

    #[test]
    fn numbers_are_those_of_the_file() {
        let layers: Vec<Layer> = vec![
            GaussianNoise { std: 0.01 }.into(),
            Dense { outputs: 128 }.into(),
            Dropout { keep: 0.2 }.into(),
            Dense { outputs: 16 }.into(),
            Latent.into(),
            Dense { outputs: 8 }.into(),
        ];
        let loss = Loss::GaussianLikelihood(GaussianLikelihood { clip: 10.0, dequantize: Some(1.0 / 255.0) });
        let network = Network::new(Shape::Features(4), layers, loss);
        let [pixels, dropout, latent, bins] = &noise::<f64>(&network, &network.shapes().unwrap(), 8)[..]
        else {
            panic!()
        };
        check("flow noise 0..3", &pixels[..4]);
        let kept: Vec<f64> = dropout[..16].iter().map(|factor| factor * 0.2).collect();
        check("dropout keep 0.2, h=128, layer 0, row 0, first 16", &kept);
        check("eps n_z=8, 0..3", &latent[..4]);
        let bins: Vec<f64> = bins[..4].iter().map(|v| (v - 0.5) / 255.0).collect();
        check("quantisation noise 0..3", &bins);
        assert_eq!((pixels.len(), dropout.len(), latent.len()), (8 * 4, 8 * 128, 8 * 8));
    }

    #[test]
    fn permutations_are_counted_from_the_end() {
        let bijector = || Autoregressive { hidden: vec![], activation: Activation::Relu }.into();
        let identity = || Permutation((0..784).collect()).into();
        let layers = vec![bijector(), identity(), bijector(), identity(), bijector()];
        let network = Network::new(Shape::Features(784), layers, Loss::StandardNormal);
        let network = with_permutations(network);
        for (layer, name) in [(3, "MAF perm_0, D=784, first 10"), (1, "MAF perm_1, D=784, first 10")] {
            let Layer::Permutation(order) = &network.layers[layer] else { panic!() };
            // The feature `j` goes to the place `perm[j]`.
            for (j, &to) in probe_values(name).iter().enumerate() {
                assert_eq!(order.0[to as usize], j as u32, "{name}");
            }
        }
    }
}
