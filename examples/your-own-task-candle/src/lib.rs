//! Fitting a curve in spite of outliers: a task that is a candle loss and nothing more. No layer and no loss of the library
//! is used; candle differentiates.

use candle_core::{DType, Device, Result, Tensor};
use taskset_names::Split;
use taskset_nn::Initializer;
use taskset_rng::Stream;
use taskset_tasks::{CandleLoss, CandleTask, Error, Variable};

/// Points of a minibatch.
const POINTS: usize = 32;

/// `y = sin 3x` with noise, and now and then something else; a network 1-16-1 with sines fits it by Cauchy's loss
/// `log(1 + (error / 0.1)²)`, which forgives outliers.
#[derive(Debug)]
pub struct RobustFit;

impl CandleLoss for RobustFit {
    /// `x` and `y`, each `[POINTS, 1]`.
    type Batch = [Tensor; 2];

    fn variables(&self) -> Vec<Variable> {
        vec![
            Variable::new("frequencies", &[1, 16], Initializer::RandomNormal { std: 2.0 }),
            Variable::new("phases", &[16], Initializer::Zeros),
            Variable::new("amplitudes", &[16, 1], Initializer::GlorotNormal),
            Variable::new("offset", &[1], Initializer::Zeros),
        ]
    }

    // Everything random comes from the stream: two optimizers meet the same minibatches, and a trial can be repeated.
    fn draw(&self, split: Split, stream: &mut Stream, dtype: DType) -> Result<Self::Batch> {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..POINTS {
            let at = stream.uniform(-2.0, 2.0);
            // Outliers are a nuisance of the training data.
            let outlier = split == Split::Train && stream.bernoulli(0.2);
            let value = if outlier { stream.uniform(-5.0, 5.0) } else { (3.0 * at).sin() };
            x.push(at);
            y.push(value + 0.05 * stream.normal());
        }
        let column = |values| Tensor::from_vec(values, (POINTS, 1), &Device::Cpu)?.to_dtype(dtype);
        Ok([column(x)?, column(y)?])
    }

    fn loss(&self, params: &[Tensor], [x, y]: &Self::Batch) -> Result<Tensor> {
        let [frequencies, phases, amplitudes, offset] = params else {
            candle_core::bail!("the four tensors of `variables`");
        };
        let waves = x.matmul(frequencies)?.broadcast_add(phases)?.sin()?;
        let error = (waves.matmul(amplitudes)?.broadcast_add(offset)? - y)?;
        ((error / 0.1)?.sqr()? + 1.0)?.log()?.mean_all()
    }
}

/// The task. It is tried out here: what candle refuses is an error now and not in the middle of training.
///
/// # Errors
/// Candle's.
pub fn task() -> std::result::Result<CandleTask<RobustFit>, Error> {
    CandleTask::new("your_own/robust_fit", RobustFit)
}
