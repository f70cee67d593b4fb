//! Normalising flows of noisy images, from data to latent: what the sampled families and the fixed tasks share.

use taskset_nn::{
    Activation, Autoregressive, Coupling, Flatten, GaussianNoise, Initializer, Layer, Loss, Network,
    Permutation, Shape,
};
use taskset_rng::{NumpyLegacy, StreamId};

use crate::spec::{Body, Examples, NetworkBody};

/// Standard deviation of the noise added to pixels in `[0, 1]`, at evaluation too (QUIRK-19).
const PIXEL_NOISE: f64 = 0.01;

/// The kinds of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// Real NVP: shift and scale of one half are computed from the other.
    Nvp,
    /// Masked autoregressive flow; its masks are degenerate where hidden layers are narrower than the image (QUIRK-21).
    Maf,
}

/// A flow as data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a> {
    pub(crate) kind: FlowKind,
    pub(crate) bijectors: usize,
    /// Widths of the hidden layers of each bijector's network.
    pub(crate) hidden: &'a [usize],
    pub(crate) activation: Activation,
    pub(crate) w_init: Initializer,
}

impl Flow<'_> {
    /// The flow on images of a shape.
    pub(crate) fn body(&self, shape: Shape, examples: Examples) -> Body {
        let redraw = matches!(self.kind, FlowKind::Maf).then_some(redraw_permutations as _);
        Body::Network(Box::new(NetworkBody { network: self.network(shape), examples, redraw }))
    }

    /// The layers from data to latent; the permutations of a masked autoregressive flow are left for
    /// [`redraw_permutations`].
    fn network(&self, shape: Shape) -> Network {
        let (hidden, activation) = (self.hidden.to_vec(), self.activation);
        let bijector: Layer = match self.kind {
            FlowKind::Nvp => Coupling { hidden, activation }.into(),
            FlowKind::Maf => Autoregressive { hidden, activation }.into(),
        };
        let mut layers = vec![Flatten.into(), GaussianNoise { std: PIXEL_NOISE }.into()];
        // From the last bijector to the first; as many permutations as lie between them.
        for before in (0..self.bijectors).rev() {
            layers.push(bijector.clone());
            let permutations = before.checked_sub(1).into_iter();
            layers.extend(permutations.map(|i| permutation(self.kind, i, shape.len()).into()));
        }
        Network::new(shape, layers, Loss::StandardNormal).with_weights(self.w_init)
    }
}

/// Permutation `i` from data to latent. From latent to data a bijector "permute" gathers, `out[j] = in[order[j]]`; the
/// inverse of that is `out[order[j]] = in[j]`.
fn permutation(kind: FlowKind, i: usize, pixels: usize) -> Permutation {
    let pixels = pixels as u32;
    match kind {
        FlowKind::Nvp => Permutation(NumpyLegacy::new(i as u32).permutation(pixels).into()).inverse(),
        FlowKind::Maf => Permutation((0..pixels).collect()),
    }
}

/// The network with permutations from the stream `permutations` of a replica. An order and its inverse are equally
/// likely, so they are used as they are drawn.
fn redraw_permutations(network: &Network, replica: &StreamId) -> Network {
    let mut stream = replica.child("permutations").stream();
    let mut network = network.clone();
    for layer in &mut network.layers {
        if let Layer::Permutation(Permutation(order)) = layer {
            *order = stream.permutation(order.len() as u32).into();
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::Task;
    use crate::models::image_batches::ImageExamples;
    use crate::models::testing::{check, train};
    use std::f64::consts::PI;
    use taskset_datasets::{Carving, Datasets, Source, carve};
    use taskset_names::Split;
    use taskset_nn::Plan;

    fn flow(kind: FlowKind, hidden: &[usize], bijectors: usize) -> Flow<'_> {
        Flow { kind, bijectors, hidden, activation: Activation::Tanh, w_init: Initializer::GlorotNormal }
    }

    fn task(flow: Flow<'_>) -> Arc<dyn Task> {
        let examples = ImageExamples {
            dataset: "mnist".to_owned(),
            carving: Carving::Sampled,
            num_train: None,
            batch_size: 12,
            buffer: None,
            augmentation: None,
            centre: false,
        };
        let body = flow.body(examples.input().unwrap().shape(), Examples::Images(examples));
        body.build("t", &Datasets::new(Source::Synthetic)).unwrap()
    }

    fn start(task: &dyn Task, replica: u64) -> (Box<dyn crate::Problem<f32>>, Vec<f32>) {
        let mut problem = task.start(&StreamId::root("flow-tests").index(replica));
        let mut params = vec![0.0; task.layout().len()];
        problem.init(&mut params);
        (problem, params)
    }

    #[test]
    fn tasks_of_both_kinds_are_consistent() {
        for kind in [FlowKind::Nvp, FlowKind::Maf] {
            for (hidden, bijectors) in [(&[9, 7][..], 1), (&[11], 3)] {
                check(&*task(flow(kind, hidden, bijectors)));
            }
        }
    }

    #[test]
    fn training_lowers_the_loss_on_the_test_split() {
        for (kind, rate) in [(FlowKind::Nvp, 1e-3), (FlowKind::Maf, 1e-2)] {
            let task = task(flow(kind, &[16], 2));
            let (before, after) = train(&*task, 60, rate);
            assert!(after < before - 50.0, "{kind:?}: {before} {after}");
        }
    }

    /// `½ mean ‖y‖² + D/2 log 2π` over images with noise, and the standard error of a mean of `n`.
    fn standard_normal_loss(name: &str, n: u32) -> (f64, f64) {
        let data = Datasets::new(Source::Synthetic).images(name).unwrap();
        let splits = carve(&data, Carving::Sampled, None);
        let losses: Vec<f64> = splits
            .get(Split::Test)
            .iter()
            .map(|&example| {
                let pixels = data.pixels(example).iter();
                0.5 * pixels.map(|&x| (f64::from(x) / 255.0).powi(2)).sum::<f64>()
            })
            .collect();
        let pixels = data.shape().len() as f64;
        let constant = 0.5 * pixels * ((2.0 * PI).ln() + PIXEL_NOISE * PIXEL_NOISE);
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let variance = losses.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / losses.len() as f64;
        (mean + constant, (variance / f64::from(n)).sqrt())
    }

    #[test]
    fn every_maf_task_starts_at_the_loss_of_a_standard_normal() {
        let data = Datasets::new(Source::Synthetic);
        let family = crate::families().iter().find(|family| family.name == "maf_family").unwrap();
        let mut checked = 0;
        for seed in 0..200 {
            let described = crate::describe(&family.task_name(seed)).unwrap();
            let config = described.config.as_ref().unwrap();
            let batch = config["dataset"][1]["bs"].as_u64().unwrap();
            // Without augmentation the images are the data set's. The smaller tasks suffice.
            if !config["dataset"][2].is_null() || described.num_params > 400_000 || batch > 64 {
                continue;
            }
            let dataset = config["dataset"][0].as_str().unwrap().to_owned();
            let task = crate::build(&described.name, &data).unwrap();
            assert_eq!(task.layout().len() as u64, described.num_params);
            let (mut problem, params) = start(&*task, u64::from(seed));
            let batches = 512 / batch as u32;
            let loss = problem.mean_loss(Split::Test, &params, batches);
            let (expected, error) = standard_normal_loss(&dataset, batches * batch as u32);
            assert!((loss - expected).abs() < 5.0 * error, "{} {loss} {expected} {error}", described.name);
            checked += 1;
            if checked == 6 {
                return;
            }
        }
        assert!(checked >= 3, "{checked}");
    }

    /// The equations of RealNVP (Dinh et al. 2017), written out for a small flow.
    #[test]
    fn the_order_of_couplings_and_permutations_is_upstreams() {
        let (pixels, k) = (5, 3);
        let mut network =
            flow(FlowKind::Nvp, &[], k).network(Shape::Image { height: 5, width: 1, channels: 1 });
        network.layers.retain(|layer| !matches!(layer, Layer::GaussianNoise(_)));
        let (d, o) = (2, 3);
        let mut stream = StreamId::root("flow-tests").child("order").stream();
        let params: Vec<f64> = (0..network.parameter_count()).map(|_| 0.3 * stream.normal()).collect();
        let y: Vec<f64> = (0..pixels).map(|_| stream.normal()).collect();
        let mut plan = Plan::<f64>::new(&network, 1).unwrap();
        plan.input_mut().copy_from_slice(&y);
        // The parameters lie in the order of execution: those of coupling k - 1 first.
        let (mut v, mut log_det) = (y, 0.0);
        for (own, i) in params.chunks_exact((d + 1) * 2 * o).zip((0..k).rev()) {
            let (w, b) = own.split_at(d * 2 * o);
            let net: Vec<f64> =
                (0..2 * o).map(|j| b[j] + (0..d).map(|i| v[i] * w[i * 2 * o + j]).sum::<f64>()).collect();
            for j in 0..o {
                v[d + j] = (v[d + j] - net[j]) * (-net[o + j]).exp();
                log_det -= net[o + j];
            }
            if i > 0 {
                let order = NumpyLegacy::new(i as u32 - 1).permutation(pixels as u32);
                let mut out = vec![f64::NAN; pixels];
                for j in 0..pixels {
                    out[order[j] as usize] = v[j];
                }
                v = out;
            }
        }
        let log_density = -0.5 * v.iter().map(|z| z * z).sum::<f64>() - 2.5 * (2.0 * PI).ln() + log_det;
        assert!((plan.loss(&params) + log_density).abs() < 1e-12);
    }

    #[test]
    fn replicas_of_maf_have_permutations_of_their_own_and_those_of_nvp_share_theirs() {
        let replica = |i| StreamId::root("flow-tests").index(i);
        let shape = Shape::Image { height: 28, width: 28, channels: 1 };
        let network = flow(FlowKind::Maf, &[4], 3).network(shape);
        let [first, again, other] = [0, 0, 1].map(|i| redraw_permutations(&network, &replica(i)));
        assert_eq!(first, again);
        assert_ne!(first, other);
        let orders = |network: &Network| {
            let order = |layer: &Layer| match layer {
                Layer::Permutation(permutation) => Some(permutation.clone()),
                _ => None,
            };
            network.layers.iter().filter_map(order).collect::<Vec<_>>()
        };
        let found = orders(&first);
        assert_eq!(found.len(), 2);
        assert_ne!(found[0], found[1]);
        assert!(first.shapes().is_ok());
        // NumPy's permutation of 784 for the seed 1 starts so; the first in the order of execution is its inverse.
        let nvp = orders(&flow(FlowKind::Nvp, &[4], 3).network(shape));
        let seeded = [1, 0].map(|seed| Permutation(NumpyLegacy::new(seed).permutation(784).into()));
        assert_eq!(nvp, seeded.map(|permutation| permutation.inverse()));
    }

    /// QUIRK-21: without projection masked weights move at the first step if there is one hidden layer, and never if there
    /// are two with an activation that is 0 at 0.
    #[test]
    #[expect(clippy::float_cmp, reason = "masks, masked weights and their vanishing gradients are exact")]
    fn masked_weights_start_at_zero_and_get_the_gradients_of_the_unmasked_network() {
        for (hidden, biases, moves) in [(&[8][..], 8, true), (&[8, 6], 8 + 6, false)] {
            let task = task(flow(FlowKind::Maf, hidden, 2));
            let (mut problem, params) = start(&*task, 0);
            let mask = problem.constraint_mask().unwrap().to_vec();
            assert!(params.iter().zip(&mask).all(|(&p, &m)| m == 1.0 || p == 0.0));
            // Per bijector the first kernel and all biases are free.
            let free = 2 * (784 * 8 + biases + 2 * 784);
            assert_eq!(mask.iter().filter(|&&m| m == 1.0).count(), free);
            let mut gradients = params.clone();
            problem.next_batch(crate::Feed::Training);
            problem.loss_and_gradients(&params, &mut gradients);
            let masked = gradients.iter().zip(&mask).filter(|&(_, &m)| m == 0.0);
            assert_eq!(masked.map(|(&g, _)| g).any(|g| g != 0.0), moves, "{hidden:?}");
        }
        let nvp = task(flow(FlowKind::Nvp, &[8], 1));
        assert!(start(&*nvp, 0).0.constraint_mask().is_none());
    }
}
