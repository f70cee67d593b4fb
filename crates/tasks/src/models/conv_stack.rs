//! What both convolutional families are built from: images, the stack of convolutions, softmax cross-entropy
//! (paper G.1).

use std::sync::Arc;

use taskset_datasets::Datasets;
use taskset_nn::{Conv, Layer, Loss, Network};

use super::image_batches::ImageTask;
use super::network_task::NetworkTask;
use crate::families::{ConvStack, ImageDatasetConfig, Infeasible};
use crate::{Error, Task};

/// The parts of a configuration that both families have.
pub(super) struct Parts<'a> {
    pub(super) stack: &'a ConvStack,
    /// Biases of the convolutions; fully connected layers always have them.
    pub(super) use_bias: bool,
    pub(super) dataset: &'a ImageDatasetConfig,
    /// `2x − 1` after augmentation.
    pub(super) center_data: bool,
}

impl Parts<'_> {
    /// The task of a stack and what follows it, given the number of classes. A trial holds, besides parameters, their
    /// gradients and the optimizer's state, the numbers before and behind every layer for a minibatch twice (values and
    /// gradients; of the images only values), a second time those of the larger evaluation passes (256 KB at most
    /// unless a minibatch needs more), and what a [`Conv`] says of itself.
    ///
    /// # Errors
    /// [`Error::Data`] if the images cannot be loaded, [`Error::Infeasible`] if the crop leaves nothing of them or a
    /// convolution does not fit what the one before it leaves.
    pub(super) fn task(
        &self,
        name: &str,
        data: &Datasets,
        head: impl FnOnce(usize) -> Vec<Layer>,
    ) -> Result<Arc<dyn Task>, Error> {
        let infeasible = |Infeasible(reason)| Error::Infeasible { name: name.to_owned(), reason };
        let shape = self.dataset.input_shape().map_err(infeasible)?;
        self.stack.output(shape, self.use_bias).map_err(infeasible)?;
        let images = ImageTask::sampled(name, self.dataset, self.center_data, data)?;
        let mut layers = self.layers();
        layers.extend(head(images.data.classes()));
        let network =
            Network::new(images.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(self.stack.w_init);
        Ok(Arc::new(NetworkTask::new(name, network, images)?))
    }

    /// The convolutions, the activation behind every one of them.
    fn layers(&self) -> Vec<Layer> {
        let mut layers = Vec::with_capacity(2 * self.stack.hidden_units.len());
        for (i, (&outputs, &padding)) in self.stack.hidden_units.iter().zip(&self.stack.padding).enumerate() {
            let stride = self.stack.strides.stride(i);
            layers.push(Conv { outputs, kernel: 3, stride, padding, bias: self.use_bias }.into());
            layers.push(self.stack.activation.into());
        }
        layers
    }
}

/// What both families are tested for.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::families::{Augmentation, StridePattern};
    use crate::{Feed, Problem};
    use taskset_datasets::Source;
    use taskset_names::{Origin, Split};
    use taskset_nn::{Activation, Initializer, Padding};
    use taskset_rng::StreamId;

    pub(in crate::models) fn stack(activation: Activation, w_init: Initializer) -> ConvStack {
        ConvStack {
            strides: StridePattern::TwoOne,
            hidden_units: vec![9, 12],
            activation,
            w_init,
            padding: vec![Padding::Same, Padding::Valid],
        }
    }

    pub(in crate::models) fn dataset(name: &str, crop_amount: usize) -> ImageDatasetConfig {
        let augmentation = Augmentation {
            crop_amount,
            flip_left_right: true,
            flip_up_down: false,
            do_color_aug: false,
            brightness: 0.01,
            saturation: 0.1,
            hue: 0.1,
            contrast: 0.1,
        };
        ImageDatasetConfig {
            name: name.to_owned(),
            batch_size: 20,
            num_train: Some(2000),
            num_classes: None,
            just_train: true,
            augmentation: (crop_amount > 0).then_some(augmentation),
        }
    }

    fn synthetic() -> Datasets {
        Datasets::new(Source::Synthetic)
    }

    fn replica() -> StreamId {
        StreamId::root("conv-tests").index(0)
    }

    fn params(problem: &mut dyn Problem<f32>, task: &dyn Task) -> Vec<f32> {
        let mut params = vec![0.0; task.layout().len()];
        problem.init(&mut params);
        params
    }

    type Build<'a> = &'a dyn Fn(&Datasets) -> Result<Arc<dyn Task>, Error>;

    /// Small weights give equal logits: the loss of a task is the logarithm of its classes.
    pub(in crate::models) fn check_start(build: Build<'_>, classes: u32) {
        let task = build(&synthetic()).unwrap();
        assert_eq!(task.origin(), Origin::Synthetic);
        let mut problem = task.start(&replica());
        let params = params(&mut *problem, &*task);
        for split in Split::ALL {
            let loss = problem.mean_loss(split, &params, 2);
            assert!((loss - f64::from(classes).ln()).abs() < 2e-3, "{split} {loss}");
        }
    }

    /// Both precisions, differences, evaluation passes, and a few steps.
    pub(in crate::models) fn check(build: Build<'_>) {
        let task = build(&synthetic()).unwrap();
        let mut single = task.start(&replica());
        let mut double = task.start_f64(&replica());
        let p32 = params(&mut *single, &*task);
        let mut p64 = vec![0.0; p32.len()];
        double.init(&mut p64);
        let (mut g32, mut g64) = (p32.clone(), p64.clone());
        single.next_batch(Feed::Training);
        double.next_batch(Feed::Training);
        let loss = double.loss_and_gradients(&p64, &mut g64);
        let norm = g64.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((f64::from(single.loss_and_gradients(&p32, &mut g32)) - loss).abs() < 1e-5 * loss);
        let error = g32.iter().zip(&g64).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
        assert!(error < 2e-5 * norm, "{error:e} {norm:e}");
        for i in (0..p64.len()).step_by(p64.len() / 20) {
            let mut at = |by: f64| {
                let mut moved = p64.clone();
                moved[i] += by;
                double.loss(&moved)
            };
            let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
            let bound = 1e-5 * difference.abs() + 1e-6 * norm;
            assert!((g64[i] - difference).abs() <= bound, "{i}: {} {difference}", g64[i]);
        }
        // Several minibatches at once are the same minibatches.
        let mut one_by_one = task.start(&replica());
        let batches = 60;
        let all = single.mean_loss(Split::Test, &p32, batches);
        let sum: f64 = (0..batches)
            .map(|_| {
                one_by_one.next_batch(Feed::Evaluation(Split::Test));
                f64::from(one_by_one.loss(&p32))
            })
            .sum();
        assert!((all - sum / f64::from(batches)).abs() < 1e-6 * all);
        // Steps normalised as Adam's are learn one minibatch.
        let (mut trained, mut squares) = (p32, vec![0f32; g32.len()]);
        single.next_batch(Feed::Training);
        let before = single.loss(&trained);
        for _ in 0..200 {
            single.loss_and_gradients(&trained, &mut g32);
            for ((p, g), s) in trained.iter_mut().zip(&g32).zip(&mut squares) {
                *s = 0.9 * *s + 0.1 * g * g;
                *p -= 3e-3 * g / (s.sqrt() + 1e-8);
            }
        }
        let after = single.loss(&trained);
        assert!(after < 0.8 * before, "{before} {after}");
    }

    /// The model has as many parameters as the family's formula says, or is as impossible.
    pub(in crate::models) fn check_seeds(family: &str, seeds: std::ops::Range<u32>) {
        let data = synthetic();
        for seed in seeds {
            let name = format!("{family}_seed{seed}");
            let described = crate::describe(&name).unwrap();
            match crate::build(&name, &data) {
                Ok(task) => assert_eq!(task.layout().len() as u64, described.num_params, "{name}"),
                Err(Error::Infeasible { reason, .. }) => assert_eq!(Some(reason), described.reason),
                Err(error) => unreachable!("{name}: {error}"),
            }
        }
    }
}
