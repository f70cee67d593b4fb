//! The stack of 3×3 convolutions that both convolutional families begin with.

use serde_json::{Value, json};
use taskset_nn::{Activation, Conv, Initializer, Layer, Loss, Network, Padding};

use crate::config_sampling::Sampler;
use crate::models::image_batches::{ImageExamples, InputShape};
use crate::spec::{Body, Examples, Infeasible};

/// Convolutions with an activation after every one of them; no normalisation, no pooling in between.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvStack {
    /// Strides of the layers.
    pub strides: StridePattern,
    /// Channels behind each layer, 1 to 5 of them, each 8 to 64.
    pub hidden_units: Vec<usize>,
    /// Activation behind every layer.
    pub activation: Activation,
    /// Initialiser of every kernel, here and in what follows the stack.
    pub w_init: Initializer,
    /// Padding of each layer.
    pub padding: Vec<Padding>,
}

/// Which layers halve the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StridePattern {
    /// 2, 2, 2, …
    AllTwo,
    /// 1, 2, 1, …
    OneTwo,
    /// 2, 1, 2, …
    TwoOne,
}

impl StridePattern {
    /// The stride of a layer, counted from 0, in both directions.
    pub const fn stride(self, layer: usize) -> usize {
        match self {
            Self::AllTwo => 2,
            Self::OneTwo => 1 + layer % 2,
            Self::TwoOne => 2 - layer % 2,
        }
    }
}

const fn padding_name(padding: Padding) -> &'static str {
    match padding {
        Padding::Same => "SAME",
        Padding::Valid => "VALID",
    }
}

impl ConvStack {
    /// Draws a stack.
    pub fn sample(r: &mut Sampler) -> Self {
        let n = r.choice(&[1, 2, 3, 4, 5]);
        Self {
            strides: r.choice(&[StridePattern::AllTwo, StridePattern::OneTwo, StridePattern::TwoOne]),
            hidden_units: r.log_ints(n, 8, 64),
            activation: r.activation(),
            w_init: r.initializer(),
            padding: (0..n).map(|_| r.choice(&[Padding::Same, Padding::Valid])).collect(),
        }
    }

    /// The convolutions, the activation behind every one of them.
    ///
    /// # Errors
    /// [`Infeasible`] if a convolution does not fit what the one before it leaves.
    pub(crate) fn layers(&self, input: InputShape, bias: bool) -> Result<Vec<Layer>, Infeasible> {
        let (mut height, mut width) = (input.height, input.width);
        let mut layers = Vec::with_capacity(2 * self.hidden_units.len());
        for (i, (&outputs, &padding)) in self.hidden_units.iter().zip(&self.padding).enumerate() {
            let stride = self.strides.stride(i);
            let infeasible = || {
                Infeasible(format!(
                    "layer {}: {} convolution on {height}x{width} input",
                    i + 1,
                    padding_name(padding)
                ))
            };
            let rows = padding.output_size(height, 3, stride).ok_or_else(infeasible)?;
            let columns = padding.output_size(width, 3, stride).ok_or_else(infeasible)?;
            (height, width) = (rows, columns);
            layers.push(Conv { outputs, kernel: 3, stride, padding, bias }.into());
            layers.push(self.activation.into());
        }
        Ok(layers)
    }

    /// The classifier of a stack and what follows it, given the number of classes. A trial holds, besides parameters,
    /// their gradients and the optimizer's state, the numbers before and behind every layer for a minibatch twice (values
    /// and gradients; of the images only values), a second time those of the larger evaluation passes (256 KB at most
    /// unless a minibatch needs more), and what a [`Conv`] says of itself.
    ///
    /// # Errors
    /// [`Infeasible`] if the crop leaves nothing of the images or a convolution does not fit.
    pub(crate) fn classifier(
        &self,
        bias: bool,
        examples: ImageExamples,
        head: impl FnOnce(usize) -> Vec<Layer>,
    ) -> Result<Body, Infeasible> {
        let input = examples.input()?;
        let mut layers = self.layers(input, bias)?;
        layers.extend(head(input.classes));
        let network =
            Network::new(input.shape(), layers, Loss::SoftmaxCrossEntropy).with_weights(self.w_init);
        Ok(Body::network(network, Examples::Images(examples)))
    }

    /// `[[stride, stride], …]`.
    pub(crate) fn strides_json(&self) -> Value {
        let pairs = (0..self.hidden_units.len()).map(|layer| {
            let stride = self.strides.stride(layer);
            json!([stride, stride])
        });
        pairs.collect()
    }

    pub(crate) fn padding_json(&self) -> Value {
        self.padding.iter().map(|padding| padding_name(*padding)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_shrink_the_image() {
        let stack = ConvStack {
            strides: StridePattern::OneTwo,
            hidden_units: vec![4, 5, 6],
            activation: Activation::Relu,
            w_init: Initializer::HeNormal,
            padding: vec![Padding::Same, Padding::Valid, Padding::Valid],
        };
        let input = |size| InputShape { height: size, width: size, channels: 3, classes: 10 };
        let layers = stack.layers(input(28), true).unwrap();
        let network = Network::new(input(28).shape(), layers, Loss::StandardNormal);
        assert_eq!(network.parameter_count(), 9 * (3 * 4 + 4 * 5 + 5 * 6) + 15);
        let error = stack.layers(input(5), true).unwrap_err();
        assert_eq!(error.0, "layer 3: VALID convolution on 2x2 input");
    }
}

/// What both families are tested for.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::families::testing::build;
    use crate::families::{Augmentation, ImageDatasetConfig, TaskConfig};
    use crate::{Error, Feed, Problem, Task};
    use taskset_datasets::{Datasets, Source};
    use taskset_names::{Origin, Split};
    use taskset_rng::StreamId;

    pub(crate) fn stack(activation: Activation, w_init: Initializer) -> ConvStack {
        ConvStack {
            strides: StridePattern::TwoOne,
            hidden_units: vec![9, 12],
            activation,
            w_init,
            padding: vec![Padding::Same, Padding::Valid],
        }
    }

    pub(crate) fn dataset(name: &str, crop_amount: usize) -> ImageDatasetConfig {
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

    /// Small weights give equal logits: the loss of a task is the logarithm of its classes.
    pub(crate) fn check_start(config: &dyn TaskConfig, classes: u32) {
        let task = build(config, &synthetic()).unwrap();
        assert_eq!(task.origin(), Origin::Synthetic);
        let mut problem = task.start(&replica());
        let params = params(&mut *problem, &*task);
        for split in Split::ALL {
            let loss = problem.mean_loss(split, &params, 2);
            assert!((loss - f64::from(classes).ln()).abs() < 2e-3, "{split} {loss}");
        }
    }

    /// Both precisions, differences, evaluation passes, and a few steps.
    pub(crate) fn check(config: &dyn TaskConfig) {
        let task = build(config, &synthetic()).unwrap();
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
    pub(crate) fn check_seeds(family: &str, seeds: std::ops::Range<u32>) {
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
