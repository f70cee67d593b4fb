//! The order, shapes and roles of the tensors in a flat vector of parameters.

use std::ops::Range;

use crate::Role;

/// One named tensor, as a range of the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tensor {
    /// Name, unique in its layout, e.g. `layer0/w`.
    pub name: String,
    /// Shape; the product of its entries is the number of elements, row-major.
    pub shape: Vec<usize>,
    /// Position of the first element in the flat vector.
    pub offset: usize,
    /// What it does.
    pub role: Role,
    /// The axis whose entries belong to one output each, counted from 0: the last one unless it was
    /// [set](Layout::push_oriented). None below two axes.
    pub output_axis: Option<usize>,
}

/// A tensor of two axes or more, seen as a matrix: element `(outer, output, inner)` stands at
/// `(outer · outputs + output) · inner_len + inner` of the tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Product of the axes before the output axis.
    pub outer: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Product of the axes behind the output axis.
    pub inner: usize,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its place in the flat vector.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }

    /// The tensor as a matrix of outputs × everything else; `None` below two axes.
    pub fn matrix(&self) -> Option<Matrix> {
        let axis = self.output_axis?;
        let (outer, rest) = self.shape.split_at_checked(axis)?;
        let (&outputs, inner) = rest.split_first()?;
        Some(Matrix { outer: outer.iter().product(), outputs, inner: inner.iter().product() })
    }

    /// How many inputs each output is computed from, and the number of outputs; for a kernel the inputs are
    /// `height · width · inputs`. `None` below two axes.
    pub fn fans(&self) -> Option<(usize, usize)> {
        self.matrix().map(|matrix| (matrix.outer * matrix.inner, matrix.outputs))
    }
}

/// The ordered, named parameters of a task, laid out one after the other in one flat vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    tensors: Vec<Tensor>,
    len: usize,
}

impl Layout {
    /// A layout of one vector of `n` parameters.
    pub fn flat(n: usize) -> Self {
        let mut layout = Self::default();
        layout.push("params", &[n]);
        layout
    }

    /// Appends a tensor behind the last one and returns its offset. Its role follows from the number of its axes
    /// ([`Role::by_rank`]).
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize]) -> usize {
        self.push_as(name, shape, Role::by_rank(shape.len()))
    }

    /// Appends a tensor with a role; its outputs are the last axis.
    pub fn push_as(&mut self, name: impl Into<String>, shape: &[usize], role: Role) -> usize {
        self.push_oriented(name, shape, role, shape.len().saturating_sub(1))
    }

    /// Appends a tensor whose outputs are the axis `output_axis`, for example 0 for weights `[outputs, inputs]`. The axis has
    /// no meaning below two axes.
    ///
    /// # Panics
    /// If a tensor of two axes or more has no such axis.
    pub fn push_oriented(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        role: Role,
        output_axis: usize,
    ) -> usize {
        let output_axis = (shape.len() >= 2).then_some(output_axis);
        assert!(output_axis.is_none_or(|axis| axis < shape.len()), "a tensor {shape:?} has no such axis");
        let tensor = Tensor { name: name.into(), shape: shape.to_vec(), offset: self.len, role, output_axis };
        self.len += tensor.len();
        let offset = tensor.offset;
        self.tensors.push(tensor);
        offset
    }

    /// The tensors in order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Number of parameters: the length of the flat vector.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Position};

    #[test]
    fn tensors_lie_one_after_the_other() {
        let mut layout = Layout::default();
        assert_eq!(layout.push("scalar", &[]), 0);
        assert_eq!(layout.push("empty", &[0, 3]), 1);
        assert_eq!(layout.push("w", &[2, 3]), 1);
        assert_eq!(layout.len(), 7);
        let ranges: Vec<_> = layout.tensors().iter().map(Tensor::range).collect();
        assert_eq!(ranges, [0..1, 1..1, 1..7]);
        assert!(layout.tensors()[1].is_empty() && !layout.is_empty());
        assert_eq!(layout.tensors()[0].fans(), None);
    }

    #[test]
    fn fans_follow_the_axis_of_the_outputs() {
        let fans = |shape: &[usize], axis| {
            let mut layout = Layout::default();
            layout.push_oriented("w", shape, Role::new(Kind::Kernel, Position::Hidden), axis);
            (layout.tensors()[0].fans(), layout.tensors()[0].matrix().map(|m| (m.outer, m.inner)))
        };
        assert_eq!(fans(&[3, 5, 2, 7], 3), (Some((30, 7)), Some((30, 1))));
        assert_eq!(fans(&[7, 2, 3, 5], 0), (Some((30, 7)), Some((1, 30))));
        assert_eq!(fans(&[3, 5, 7, 2], 2), (Some((30, 7)), Some((15, 2))));
        assert_eq!(fans(&[9], 0), (None, None));
    }
}
