//! Recurrent layers: a core run over all time steps.

mod cell;
mod gru;
mod input;
mod lstm;
mod sequence;
mod vrnn;

pub use gru::Gru;
pub use lstm::Lstm;
pub use vrnn::Vrnn;

#[cfg(feature = "candle")]
use candle_core::{Result as CandleResult, Tensor};

use super::LayerKind;
use crate::parameter::Initial;
use crate::step::{Planning, Step};
use crate::{Kind, Parameter, Scalar, Shape};
use sequence::Sequence;

/// A core run over a sequence: `[length, rows, inputs]` to the outputs of all steps, `[length, rows, units]`.
/// There are no masks: padding is processed like text.
///
/// Parameters: the initial state, `h0` (and `c0` for LSTM), `[1, units]` each, initially zero, if it is trained (otherwise
/// it is zero and not a parameter); then those of the core.
///
/// Behind an [`Embed`](crate::Embed) layer the planned step multiplies the table's rows of the tokens that occur in the
/// minibatch by the input weights once, and gathers the products: exact up to rounding. Behind a
/// [`OneHot`](crate::OneHot) layer it gathers rows of the input weights. So whatever the weights of a token are, they do
/// nothing in a minibatch without this token. Steps at the end whose outputs the loss does not read are not computed (the
/// last step of a language model, for example).
///
/// # Memory
/// Training keeps, for each row and step, the output and its gradient (`2 units` numbers) and the core's gates: `units`
/// numbers for [`Vrnn`], `3 units` for [`Gru`], `5 units` for [`Lstm`] (with the cell); evaluation keeps the outputs
/// only. An embedding adds `inputs + gates` numbers for each of the different tokens of a minibatch, and one-hot vectors
/// add `gates` numbers for each of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// The core.
    pub core: Core,
    /// Whether the initial state is trained.
    pub trainable_init: bool,
}

/// What a recurrent layer computes at each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Core {
    /// Gated recurrent unit.
    Gru(Gru),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Plain recurrence.
    Vrnn(Vrnn),
}

impl Core {
    /// Width of the state and of the output.
    pub const fn units(&self) -> usize {
        match self {
            Self::Gru(core) => core.units,
            Self::Lstm(core) => core.units,
            Self::Vrnn(core) => core.units,
        }
    }

    /// Columns of the input projection.
    const fn gates(&self) -> usize {
        match self {
            Self::Gru(core) => 3 * core.units,
            Self::Lstm(core) => 4 * core.units,
            Self::Vrnn(core) => core.units,
        }
    }

    /// Names of the state's tensors, each `[1, units]`; the first is the output.
    const fn states(&self) -> &'static [&'static str] {
        match self {
            Self::Gru(_) | Self::Vrnn(_) => &["h0"],
            Self::Lstm(_) => &["h0", "c0"],
        }
    }

    fn parameters(&self, inputs: usize) -> Vec<Parameter> {
        match self {
            Self::Gru(core) => core.parameters(inputs),
            Self::Lstm(core) => core.parameters(inputs),
            Self::Vrnn(core) => core.parameters(inputs),
        }
    }

    /// The state behind a step, in candle: from the input `[rows, inputs]`, the state before, and the parameters.
    #[cfg(feature = "candle")]
    fn reference(&self, x: &Tensor, state: &[Tensor], params: &[Tensor]) -> CandleResult<Vec<Tensor>> {
        match self {
            Self::Gru(core) => core.reference(x, state, params),
            Self::Lstm(core) => core.reference(x, state, params),
            Self::Vrnn(core) => core.reference(x, state, params),
        }
    }
}

/// Length and width of a sequence, or why the shape is not a sequence.
fn sequence(input: Shape) -> Result<(usize, usize), String> {
    match input {
        Shape::Sequence { length, width } if length > 0 => Ok((length, width)),
        _ => Err(format!("takes sequences, not {input}")),
    }
}

impl LayerKind for Recurrent {
    const TAKES_TOKENS: bool = true;

    fn output(&self, input: Shape) -> Result<Shape, String> {
        let (length, _) = sequence(input)?;
        if self.core.units() == 0 {
            return Err("needs at least one unit".to_owned());
        }
        Ok(Shape::Sequence { length, width: self.core.units() })
    }

    fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let inputs = sequence(input).map_or(0, |(_, width)| width);
        let shape = [1, self.core.units()];
        let states = self.core.states().iter().filter(|_| self.trainable_init);
        let mut parameters: Vec<_> =
            states.map(|name| Parameter::new(name, Kind::Bias, &shape, Initial::Constant(0.0))).collect();
        parameters.extend(self.core.parameters(inputs));
        parameters
    }

    fn macs(&self, input: Shape) -> f64 {
        let (length, inputs) = sequence(input).unwrap_or((0, 0));
        (length * (inputs + self.core.units()) * self.core.gates()) as f64
    }

    fn step<T: Scalar>(&self, planning: Planning) -> Option<Box<dyn Step<T>>> {
        let (_, inputs) = sequence(planning.input).ok()?;
        let trained = self.trainable_init;
        Some(match self.core {
            Core::Gru(core) => Box::new(Sequence::new(planning, trained, core.cell::<T>(inputs))),
            Core::Lstm(core) => Box::new(Sequence::new(planning, trained, core.cell::<T>(inputs))),
            Core::Vrnn(core) => Box::new(Sequence::new(planning, trained, core.cell::<T>(inputs))),
        })
    }

    #[cfg(feature = "candle")]
    fn reference(
        &self,
        _: Shape,
        x: &Tensor,
        params: &[Tensor],
        _: Option<&Tensor>,
    ) -> CandleResult<(Tensor, Option<Tensor>)> {
        let (length, rows, _) = x.dims3()?;
        let (count, units) = (self.core.states().len(), self.core.units());
        let (initial, params) = params.split_at(if self.trainable_init { count } else { 0 });
        let zeros = Tensor::zeros((1, units), x.dtype(), x.device())?;
        let initial = if self.trainable_init { initial.to_vec() } else { vec![zeros; count] };
        let mut state = initial
            .iter()
            .map(|state| state.broadcast_as((rows, units))?.contiguous())
            .collect::<CandleResult<Vec<_>>>()?;
        let mut outputs = Vec::with_capacity(length);
        for t in 0..length {
            state = self.core.reference(&x.get(t)?, &state, params)?;
            outputs.push(state[0].clone());
        }
        Ok((Tensor::stack(&outputs, 0)?, None))
    }
}

#[cfg(test)]
mod tests;
