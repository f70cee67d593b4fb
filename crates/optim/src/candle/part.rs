//! One run of an optimizer over one or all of the variables of a candle optimizer.

use std::ops::Range;
use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{DType, Error, Result, Var, bail};
use taskset_params::Layout;
use taskset_rng::StreamId;

use super::memory::{Number, is_on_cpu, read, update_in_place, write};
use super::{NamedVar, RunState, TypedSlots};
use crate::{Optimizer, Real, Run, Step, real};

/// A run and its variables, whatever their type.
pub(super) trait Part: Send {
    /// Fails if a gradient does not fit its variable.
    fn check(&self, gradients: &GradStore) -> Result<()>;

    /// Does one update with gradients that were checked. The loss is NaN if it is not known.
    fn step(&mut self, gradients: &GradStore, loss: f64) -> Result<()>;

    fn names(&self) -> Vec<String>;

    fn learning_rate(&self) -> Option<f64>;

    fn base_learning_rate(&self) -> Option<f64>;

    fn set_base_learning_rate(&mut self, base: f64) -> bool;

    fn save(&self) -> Result<RunState>;

    fn restore(&mut self, slots: &TypedSlots) -> Result<()>;

    /// Puts the parameters to be evaluated into the variables, and keeps those to be trained.
    fn begin_evaluation(&mut self) -> Result<()>;

    /// Puts the parameters to be trained back.
    fn end_evaluation(&mut self) -> Result<()>;
}

/// Starts a run over variables of one type, from the values that they have.
pub(super) fn start(optimizer: &dyn Optimizer, vars: &[NamedVar], noise: &StreamId) -> Result<Box<dyn Part>> {
    match vars.first().map(|named| named.var().dtype()) {
        Some(DType::F64) => Ok(Box::new(Typed::<f64>::start(optimizer, vars, noise)?)),
        _ => Ok(Box::new(Typed::<f32>::start(optimizer, vars, noise)?)),
    }
}

struct Typed<T: Real> {
    run: Box<dyn Run<T>>,
    members: Vec<Member>,
    /// Number of parameters of all members.
    len: usize,
    /// The parameters and the gradients of all members during a step; empty if the only member is updated in place.
    params: Vec<T>,
    gradients: Vec<T>,
    /// The parameters to be trained, during an evaluation.
    trained: Option<Vec<T>>,
}

struct Member {
    name: String,
    var: Var,
    /// Its place in the vectors of the run.
    range: Range<usize>,
}

impl<T: Number> Typed<T> {
    fn start(optimizer: &dyn Optimizer, vars: &[NamedVar], noise: &StreamId) -> Result<Self> {
        let mut layout = Layout::default();
        vars.iter().for_each(|named| named.push_to(&mut layout));
        let members = vars.iter().zip(layout.tensors()).map(|(named, tensor)| Member {
            name: named.name().to_owned(),
            var: named.var().clone(),
            range: tensor.range(),
        });
        let members: Vec<Member> = members.collect();
        let layout = Arc::new(layout);
        let mut params = vec![T::zero(); layout.len()];
        read_all(&members, &mut params)?;
        let run = T::start(optimizer, &layout, &params, noise).map_err(Error::wrap)?;
        let mut gradients = Vec::new();
        if only_on_cpu(&members).is_some() {
            params = Vec::new();
        } else {
            gradients = vec![T::zero(); layout.len()];
        }
        Ok(Self { run, members, len: layout.len(), params, gradients, trained: None })
    }
}

/// The only member, if its variable can be updated in place.
fn only_on_cpu(members: &[Member]) -> Option<&Member> {
    match members {
        [member] if is_on_cpu(&member.var) => Some(member),
        _ => None,
    }
}

fn read_all<T: Number>(members: &[Member], params: &mut [T]) -> Result<()> {
    members.iter().try_for_each(|Member { var, range, .. }| read(var, &mut params[range.clone()]))
}

fn write_all<T: Number>(members: &[Member], params: &[T]) -> Result<()> {
    members.iter().try_for_each(|Member { var, range, .. }| write(var, &params[range.clone()]))
}

impl<T: Number> Part for Typed<T> {
    fn check(&self, gradients: &GradStore) -> Result<()> {
        for Member { name, var, .. } in &self.members {
            let Some(gradient) = gradients.get(var) else { continue };
            let (found, expected) = (gradient.dtype(), var.dtype());
            if found != expected {
                bail!("a gradient of {found:?} for variable `{name}`, which is of {expected:?}");
            }
            let (found, expected) = (gradient.elem_count(), var.elem_count());
            if found != expected {
                bail!("a gradient of {found} elements for variable `{name}`, which has {expected}");
            }
        }
        Ok(())
    }

    fn step(&mut self, gradients: &GradStore, loss: f64) -> Result<()> {
        if self.members.iter().all(|member| gradients.get(&member.var).is_none()) {
            self.run.skip();
            return Ok(());
        }
        if let Some(Member { var, .. }) = only_on_cpu(&self.members)
            && let Some(gradient) = gradients.get(var)
        {
            return update_in_place(&mut *self.run, var, gradient, loss);
        }
        read_all(&self.members, &mut self.params)?;
        for Member { var, range, .. } in &self.members {
            let place = &mut self.gradients[range.clone()];
            match gradients.get(var) {
                Some(gradient) => read(gradient, place)?,
                None => place.fill(T::zero()),
            }
        }
        self.run.update(Step::new(&self.gradients).with_loss(real(loss)), &mut self.params);
        let moved = self.members.iter().filter(|member| gradients.get(&member.var).is_some());
        let params = &self.params;
        moved.into_iter().try_for_each(|Member { var, range, .. }| write(var, &params[range.clone()]))
    }

    fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.clone()).collect()
    }

    fn learning_rate(&self) -> Option<f64> {
        self.run.learning_rate()
    }

    fn base_learning_rate(&self) -> Option<f64> {
        self.run.base_learning_rate()
    }

    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        self.run.set_base_learning_rate(base)
    }

    fn save(&self) -> Result<RunState> {
        let slots = self.run.save().map_err(Error::wrap)?;
        Ok(RunState { variables: self.names(), slots: T::typed(slots) })
    }

    fn restore(&mut self, slots: &TypedSlots) -> Result<()> {
        let Some(untyped) = T::untyped(slots) else {
            let names = self.names().join("`, `");
            bail!("an optimizer state of {:?} for `{names}`, of {:?}", slots.dtype(), T::DTYPE);
        };
        match self.run.restore(untyped) {
            Ok(()) => Ok(()),
            Err(error) => bail!("`{}`: {error}", self.names().join("`, `")),
        }
    }

    fn begin_evaluation(&mut self) -> Result<()> {
        let mut trained = vec![T::zero(); self.len];
        read_all(&self.members, &mut trained)?;
        let mut evaluated = trained.clone();
        self.run.evaluation_params(&trained, &mut evaluated);
        if let Err(error) = write_all(&self.members, &evaluated) {
            write_all(&self.members, &trained)?;
            return Err(error);
        }
        self.trained = Some(trained);
        Ok(())
    }

    fn end_evaluation(&mut self) -> Result<()> {
        if let Some(trained) = &self.trained {
            write_all(&self.members, trained)?;
        }
        self.trained = None;
        Ok(())
    }
}
