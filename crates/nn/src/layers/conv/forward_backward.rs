//! The planned step of convolutions, which flow in either direction through the windows.

use crate::kernels::{ColumnReduction, Gathered, Start};
use crate::sliding_windows::{Direction, PixelGroup, Windows};
use crate::step::{Pass, Planning, Step};
use crate::{Activation, Backend, Scalar};

/// Numbers before and behind the layer that are processed at a time, rounded to whole images. Together with the input's
/// gradient they stay in the second-level cache from one use to the next.
pub(in crate::layers) const BLOCK: usize = 1 << 17;

/// A convolution ([`Direction::Forward`]), or a transposed one, whose values flow as the gradients of a convolution do.
/// The other direction takes the gradients back.
#[derive(Debug)]
pub(in crate::layers) struct ConvStep<T> {
    windows: Windows,
    direction: Direction,
    activation: Option<Activation>,
    /// Images of a block: depends on shapes only.
    block: usize,
    /// The groups of each direction, made by the first pass that needs them.
    forward: Vec<PixelGroup>,
    transposed: Vec<PixelGroup>,
    /// The kernel `[height · width · outputs, inputs]` of the windows, for the transposed direction.
    kernel: Vec<T>,
    /// The activation's inputs, where its derivative needs them.
    saved: Vec<T>,
}

impl<T: Scalar> ConvStep<T> {
    pub(in crate::layers) fn new(windows: Windows, direction: Direction, planning: Planning) -> Self {
        let image = (windows.input_len() + windows.output_len()).max(1);
        Self {
            windows,
            direction,
            activation: planning.activation,
            block: (BLOCK / image).clamp(1, planning.rows.max(1)),
            forward: Vec::new(),
            transposed: Vec::new(),
            kernel: Vec::new(),
            saved: Vec::new(),
        }
    }

    /// The blocks: first image and number of images.
    fn blocks(&self, rows: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let block = self.block;
        (0..rows).step_by(block).map(move |first| (first, block.min(rows - first)))
    }

    /// Numbers of an image before and behind the layer.
    const fn lengths(&self) -> (usize, usize) {
        let (inputs, outputs) = (self.windows.input_len(), self.windows.output_len());
        match self.direction {
            Direction::Forward => (inputs, outputs),
            Direction::Transposed => (outputs, inputs),
        }
    }

    /// Makes what products in a direction read besides images and parameters.
    fn prepare(&mut self, direction: Direction, w: &[T]) {
        let groups = match direction {
            Direction::Forward => &mut self.forward,
            Direction::Transposed => &mut self.transposed,
        };
        if groups.is_empty() {
            *groups = self.windows.groups(direction, self.block);
        }
        if direction == Direction::Transposed {
            self.transpose_kernel(w);
        }
    }

    /// Writes the kernel `[height, width, inputs, outputs]` as `[height, width, outputs, inputs]`.
    fn transpose_kernel(&mut self, w: &[T]) {
        let (inputs, outputs) = (self.windows.inputs, self.windows.outputs);
        self.kernel.resize(w.len(), T::zero());
        if w.is_empty() {
            return;
        }
        for (from, to) in w.chunks_exact(inputs * outputs).zip(self.kernel.chunks_exact_mut(inputs * outputs))
        {
            for (o, row) in to.chunks_exact_mut(inputs).enumerate() {
                for (x, from) in row.iter_mut().zip(from.chunks_exact(outputs)) {
                    *x = from[o];
                }
            }
        }
    }

    /// The product of `images` images `from` with the kernel `w` in a direction. The activation's rectifier is included
    /// in the layer's own direction.
    fn product(
        &self,
        backend: Backend,
        direction: Direction,
        images: usize,
        from: &[T],
        (w, start): (&[T], Start<'_, T>),
        to: &mut [T],
    ) {
        let relu = direction == self.direction && self.activation == Some(Activation::Relu);
        let (groups, w, columns) = match direction {
            Direction::Forward => (&self.forward, w, self.windows.outputs),
            Direction::Transposed => (&self.transposed, &self.kernel[..], self.windows.inputs),
        };
        for group in groups {
            let rows = &group.rows[..images * group.per_image];
            let windows = Gathered { data: from, rows, depth: &group.depth };
            T::gather_gemm(backend, windows, w, start, relu, columns, to);
        }
    }

    /// Adds the gradient of the kernel, from the windows of the images `before` and the pixels of those `behind` them.
    fn add_kernel_gradient(&self, backend: Backend, images: usize, before: &[T], behind: &[T], dw: &mut [T]) {
        for group in &self.forward {
            // The windows transposed: the tables change places.
            let rows = &group.rows[..images * group.per_image];
            let windows = Gathered { data: before, rows: &group.depth, depth: rows };
            T::gather_gemm(backend, windows, behind, Start::Accumulate, false, self.windows.outputs, dw);
        }
    }
}

impl<T: Scalar> Step<T> for ConvStep<T> {
    fn forward(&mut self, pass: Pass<'_, T>, x: &[T], y: &mut [T]) -> f64 {
        let (kernel, bias) = pass.params.split_at(self.windows.kernel_len());
        let start = if bias.is_empty() { Start::Zero } else { Start::Bias(bias) };
        let (inputs, outputs) = self.lengths();
        self.prepare(self.direction, kernel);
        self.saved.clear();
        for (first, images) in self.blocks(pass.rows) {
            let x = &x[first * inputs..][..images * inputs];
            let y = &mut y[first * outputs..][..images * outputs];
            self.product(pass.backend, self.direction, images, x, (kernel, start), y);
            match self.activation {
                None | Some(Activation::Relu) => {}
                Some(activation) => {
                    if activation.derivative_needs_input() {
                        self.saved.extend_from_slice(y);
                    }
                    T::activate(pass.backend, activation, y);
                }
            }
        }
        0.0
    }

    fn backward(
        &mut self,
        pass: Pass<'_, T>,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        mut dx: Option<&mut [T]>,
        gradients: &mut [T],
    ) {
        let kernel = &pass.params[..self.windows.kernel_len()];
        let (inputs, outputs) = self.lengths();
        let back = match self.direction {
            Direction::Forward => Direction::Transposed,
            Direction::Transposed => Direction::Forward,
        };
        // The windows of the forward direction are also those of the kernel's gradient.
        if dx.is_some() || back == Direction::Forward {
            self.prepare(back, kernel);
        }
        gradients.fill(T::zero());
        let (dw, db) = gradients.split_at_mut(kernel.len());
        for (first, images) in self.blocks(pass.rows) {
            let x = &x[first * inputs..][..images * inputs];
            let dy = &mut dy[first * outputs..][..images * outputs];
            if let Some(activation) = self.activation {
                let saved = if activation.derivative_needs_input() { &self.saved } else { y };
                let saved = &saved[first * outputs..][..images * outputs];
                T::multiply_by_derivative(pass.backend, activation, saved, dy);
            }
            if !db.is_empty() {
                T::reduce_columns(pass.backend, dy, ColumnReduction::Sum, db);
            }
            match self.direction {
                Direction::Forward => self.add_kernel_gradient(pass.backend, images, x, dy, dw),
                Direction::Transposed => self.add_kernel_gradient(pass.backend, images, dy, x, dw),
            }
            if let Some(dx) = dx.as_deref_mut() {
                let dx = &mut dx[first * inputs..][..images * inputs];
                self.product(pass.backend, back, images, dy, (kernel, Start::Zero), dx);
            }
        }
    }
}
