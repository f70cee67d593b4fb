//! Losses and gradients beside those of a case, and what may differ.

use serde::Serialize;
use taskset_nn::Scalar;

use crate::format::{Case, Tensor};
use crate::formulas::centred;
use crate::tensors::Own;

/// The stream of the projection of the first tensor; the others follow.
const PROJECTIONS: u32 = 3001;

/// The limit in double precision: of the loss relative to it, and of a tensor's gradient relative to the tensor's norm.
const DOUBLE: f64 = 1e-9;
/// A smaller share of the whole gradient is rounding: the true gradient of such a tensor is 0.
const ROUNDING: f64 = 1e-12;
/// The limit for such a tensor, relative to the whole gradient.
const DOUBLE_ZERO: f64 = 1e-10;
/// The limit of the loss in single precision.
const SINGLE_LOSS: f64 = 1e-5;
/// The least limit of a gradient in single precision, relative to the whole gradient.
const SINGLE_GRADIENT: f64 = 1e-4;
/// In single precision, a gradient may differ by this many times what the original graph differs in single precision.
const SINGLE_FACTOR: f64 = 4.0;

/// Bits of the numbers that the plan computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    /// Double precision.
    F64,
    /// Single precision.
    F32,
}

/// A number of ours beside that of a case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Number {
    /// What it is, for example `norm` or `[17]`.
    pub(crate) what: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// The difference, relative to what the limit is relative to.
    pub(crate) error: f64,
}

/// Some numbers of which none may differ by more than a limit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    /// `loss`, or the name of a tensor in the case.
    pub(crate) name: String,
    /// Our name of the tensor.
    pub(crate) own: String,
    /// The largest error of the numbers.
    pub(crate) error: f64,
    pub(crate) limit: f64,
    pub(crate) numbers: Vec<Number>,
}

impl Comparison {
    fn new(name: &str, own: &str, limit: f64) -> Self {
        Self { name: name.to_owned(), own: own.to_owned(), error: 0.0, limit, numbers: Vec::new() }
    }

    fn add(&mut self, what: impl Into<String>, ours: f64, theirs: f64, scale: f64) {
        // Whatever is no number differs by infinitely much, and so does everything from a gradient of 0.
        let error = match (ours - theirs).abs() {
            0.0 => 0.0,
            difference => difference / scale,
        };
        let error = if error.is_nan() { f64::INFINITY } else { error };
        self.error = self.error.max(error);
        self.numbers.push(Number { what: what.into(), ours, theirs, error });
    }

    /// Whether no number differs by more than the limit.
    pub(crate) fn passes(&self) -> bool {
        self.error <= self.limit
    }

    /// The error as a multiple of the limit.
    pub(crate) fn ratio(&self) -> f64 {
        if self.passes() && self.limit == 0.0 { 0.0 } else { self.error / self.limit }
    }
}

/// The loss beside that of a case.
pub(crate) fn loss(case: &Case, precision: Precision, ours: f64) -> Comparison {
    let limit = match precision {
        Precision::F64 => DOUBLE,
        Precision::F32 => SINGLE_LOSS,
    };
    let mut comparison = Comparison::new("loss", "loss", limit);
    comparison.add("loss", ours, case.loss, case.loss.abs());
    comparison
}

/// The gradient of the tensor with this place in a case beside that of the case.
pub(crate) fn gradient<T: Scalar>(
    case: &Case,
    precision: Precision,
    place: usize,
    own: &Own,
    ours: &[T],
) -> Comparison {
    let tensor = &case.tensors[place];
    let expected = &tensor.grad;
    let (limit, scale) = limit(case, tensor, precision);
    let mut comparison = Comparison::new(&tensor.name, &own.name, limit);
    let mut add = |what: &str, ours, theirs| comparison.add(what, ours, theirs, scale);
    let all = Sums::new(place, ours, |_| true);
    add("norm", all.norm, expected.norm);
    add("sum", all.sum, expected.sum);
    add("projection", all.projection, expected.proj);
    let masked = [expected.masked_norm, expected.masked_sum, expected.masked_proj];
    if masked.iter().any(Option::is_some) {
        let free = Sums::new(place, ours, |i| own.is_free(i));
        let names = ["masked norm", "masked sum", "masked projection"];
        for ((what, ours), theirs) in names.iter().zip([free.norm, free.sum, free.projection]).zip(masked) {
            if let Some(theirs) = theirs {
                add(what, ours, theirs);
            }
        }
    }
    for (&i, &theirs) in expected.at.iter().zip(&expected.g) {
        add(&format!("[{i}]"), ours[i].wide(), theirs);
    }
    // Whether an element is masked is no question of precision.
    for (&i, &theirs) in expected.at.iter().zip(expected.allowed.iter().flatten()) {
        let ours = u8::from(own.is_free(i));
        if ours != theirs {
            comparison.add(format!("mask of [{i}]"), ours.into(), theirs.into(), 0.0);
        }
    }
    comparison
}

/// The limit of a tensor's gradient, and what it is relative to.
fn limit(case: &Case, tensor: &Tensor, precision: Precision) -> (f64, f64) {
    let (norm, total) = (tensor.grad.norm, case.grad_norm);
    match precision {
        // Nothing reaches such a tensor, so nothing may be rounded either.
        _ if norm == 0.0 => (0.0, total),
        Precision::F64 if norm < ROUNDING * total => (DOUBLE_ZERO, total),
        Precision::F64 => (DOUBLE, norm),
        Precision::F32 => (SINGLE_GRADIENT.max(SINGLE_FACTOR * case.f32_grad_rel), total),
    }
}

/// What a gradient is compared by.
struct Sums {
    norm: f64,
    sum: f64,
    projection: f64,
}

impl Sums {
    /// Sums over the elements that count.
    fn new<T: Scalar>(place: usize, gradient: &[T], counts: impl Fn(usize) -> bool) -> Self {
        let stream = PROJECTIONS + place as u32;
        let (mut squares, mut sum, mut projection) = (0.0, 0.0, 0.0);
        for (i, g) in gradient.iter().map(|g| g.wide()).enumerate().filter(|&(i, _)| counts(i)) {
            squares += g * g;
            sum += g;
            projection += g * centred(stream, i);
        }
        Self { norm: f64::sqrt(squares), sum, projection }
    }
}
