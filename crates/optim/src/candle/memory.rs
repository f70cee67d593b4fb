//! Access to the numbers of candle tensors: reading, writing, and updating in place.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{
    CpuStorage, Device, Error, InplaceOp1, InplaceOp2, Layout, Result, Storage, Tensor, Var, WithDType, bail,
};
use taskset_rng::StreamId;

use super::TypedSlots;
use crate::{Optimizer, Real, Run, Slots, Step, real};

/// A type in which variables are optimized: f32 or f64.
pub(super) trait Number: Real + WithDType {
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;

    fn start(
        optimizer: &dyn Optimizer,
        layout: &Arc<taskset_params::Layout>,
        params: &[Self],
        noise: &StreamId,
    ) -> std::result::Result<Box<dyn Run<Self>>, crate::Error>;

    fn typed(slots: Slots<Self>) -> TypedSlots;

    fn untyped(slots: &TypedSlots) -> Option<&Slots<Self>>;
}

macro_rules! number {
    ($t:ty, $variant:ident, $start:ident) => {
        impl Number for $t {
            fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(numbers) => Some(numbers),
                    _ => None,
                }
            }

            fn start(
                optimizer: &dyn Optimizer,
                layout: &Arc<taskset_params::Layout>,
                params: &[Self],
                noise: &StreamId,
            ) -> std::result::Result<Box<dyn Run<Self>>, crate::Error> {
                optimizer.$start(layout, params, noise)
            }

            fn typed(slots: Slots<Self>) -> TypedSlots {
                TypedSlots::$variant(slots)
            }

            fn untyped(slots: &TypedSlots) -> Option<&Slots<Self>> {
                match slots {
                    TypedSlots::$variant(slots) => Some(slots),
                    _ => None,
                }
            }
        }
    };
}

number!(f32, F32, start);
number!(f64, F64, start_f64);

/// Copies the numbers of a tensor, on any device, into a slice of its length.
pub(super) fn read<T: Number>(tensor: &Tensor, out: &mut [T]) -> Result<()> {
    {
        let (storage, layout) = tensor.storage_and_layout();
        if let (Storage::Cpu(storage), Some((first, last))) = (&*storage, layout.contiguous_offsets()) {
            out.copy_from_slice(&T::cpu_storage_as_slice(storage)?[first..last]);
            return Ok(());
        }
    }
    let numbers = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    out.copy_from_slice(&numbers);
    Ok(())
}

/// Copies numbers into a variable of their number and type, on any device.
pub(super) fn write<T: Number>(var: &Var, numbers: &[T]) -> Result<()> {
    if is_on_cpu(var) {
        var.inplace_op1(&Write { numbers })
    } else {
        var.set(&Tensor::from_slice(numbers, var.shape(), var.device())?)
    }
}

/// Does one update of a variable on the CPU, on the memory of both tensors.
pub(super) fn update_in_place<T: Number>(
    run: &mut dyn Run<T>,
    var: &Var,
    gradient: &Tensor,
    loss: f64,
) -> Result<()> {
    let gradient = gradient.to_device(&Device::Cpu)?.contiguous()?;
    var.inplace_op2(&gradient, &Update { run: RefCell::new(run), loss })
}

pub(super) fn is_on_cpu(var: &Var) -> bool {
    matches!(var.device(), Device::Cpu)
}

const NAME: &str = "taskset-optim";

struct Write<'a, T> {
    numbers: &'a [T],
}

impl<T: Number> InplaceOp1 for Write<'_, T> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, var: &mut CpuStorage, at: &Layout) -> Result<()> {
        numbers_mut::<T>(var, at)?.copy_from_slice(self.numbers);
        Ok(())
    }
}

/// One update of one variable. Candle gives the operation as a shared reference, but applies it once.
struct Update<'a, 'b, T: Real> {
    run: RefCell<&'a mut (dyn Run<T> + 'b)>,
    loss: f64,
}

impl<T: Number> InplaceOp2 for Update<'_, '_, T> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, var: &mut CpuStorage, at: &Layout, gradient: &CpuStorage, from: &Layout) -> Result<()> {
        let params = numbers_mut::<T>(var, at)?;
        let gradients = &T::cpu_storage_as_slice(gradient)?[span(from)?];
        if gradients.len() != params.len() {
            bail!("a gradient of {} elements for a variable of {}", gradients.len(), params.len());
        }
        self.run.borrow_mut().update(Step::new(gradients).with_loss(real(self.loss)), params);
        Ok(())
    }
}

fn numbers_mut<'a, T: Number>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    match T::slice_mut(storage) {
        Some(numbers) => Ok(&mut numbers[span(layout)?]),
        None => bail!("a variable has changed its type, and is not of {:?} any more", T::DTYPE),
    }
}

fn span(layout: &Layout) -> Result<Range<usize>> {
    match layout.contiguous_offsets() {
        Some((first, last)) => Ok(first..last),
        None => Err(Error::RequiresContiguous { op: NAME }.bt()),
    }
}
