//! Trains a small classifier in candle with the first entries of the published list.
//!
//! Run it with `cargo run --example opt_list_candle -p taskset-optim --features candle`. The data are two interleaved
//! spirals, made up on the spot.

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, loss, ops};
use taskset_optim::candle::OptList;
use taskset_rng::{Stream, StreamId};

const STEPS: u64 = 400;
const POINTS: usize = 200;
const HIDDEN: usize = 32;

fn main() -> Result<()> {
    let (points, classes) = spirals()?;
    for entry in 0..3 {
        let model = Model::new()?;
        let mut optimizer = OptList::new(model.vars(), entry, STEPS)?;
        for _ in 0..STEPS {
            let loss = loss::nll(&model.log_probabilities(&points)?, &classes)?;
            optimizer.backward_step(&loss)?;
        }
        let log_probabilities = model.log_probabilities(&points)?;
        let loss = loss::nll(&log_probabilities, &classes)?.to_scalar::<f32>()?;
        let predicted = log_probabilities.argmax(D::Minus1)?;
        let right =
            predicted.eq(&classes)?.to_dtype(candle_core::DType::F32)?.mean_all()?.to_scalar::<f32>()?;
        report(&format!("entry {entry}: loss {loss:.4}, {:.1} % right", 100.0 * right));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example shows what it found")]
fn report(line: &str) {
    println!("{line}");
}

/// One hidden layer of tanh units.
struct Model {
    w1: Var,
    b1: Var,
    w2: Var,
    b2: Var,
}

impl Model {
    fn new() -> Result<Self> {
        let stream = &mut StreamId::root("opt_list_candle").child("init").stream();
        Ok(Self {
            w1: normal(stream, 2, HIDDEN, 1.0)?,
            b1: normal(stream, 1, HIDDEN, 1.0)?,
            w2: normal(stream, HIDDEN, 2, 0.2)?,
            b2: normal(stream, 1, 2, 0.0)?,
        })
    }

    fn vars(&self) -> Vec<Var> {
        [&self.w1, &self.b1, &self.w2, &self.b2].into_iter().cloned().collect()
    }

    fn log_probabilities(&self, points: &Tensor) -> Result<Tensor> {
        let hidden = points.matmul(&self.w1)?.broadcast_add(&self.b1)?.tanh()?;
        ops::log_softmax(&hidden.matmul(&self.w2)?.broadcast_add(&self.b2)?, D::Minus1)
    }
}

fn normal(stream: &mut Stream, rows: usize, columns: usize, std: f64) -> Result<Var> {
    let values: Vec<f32> = (0..rows * columns).map(|_| (std * stream.normal()) as f32).collect();
    Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
}

/// Points `[POINTS, 2]` and their classes `[POINTS]`.
fn spirals() -> Result<(Tensor, Tensor)> {
    let mut stream = StreamId::root("opt_list_candle").child("data").stream();
    let (mut points, mut classes) = (Vec::new(), Vec::new());
    for i in 0..POINTS {
        let class = i % 2;
        let radius = 0.3 + 2.0 * stream.unit_f64();
        let angle = 1.5 * radius + std::f64::consts::PI * class as f64 + 0.05 * stream.normal();
        points.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
        classes.push(class as u32);
    }
    Ok((
        Tensor::from_vec(points, (POINTS, 2), &Device::Cpu)?,
        Tensor::from_vec(classes, POINTS, &Device::Cpu)?,
    ))
}
