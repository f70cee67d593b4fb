//! Kernels: the computations of which a planned step consists, for f32 (vectorised, chosen at run time) and f64
//! (portable).
//!
//! Kernels work on plain slices, and use neither layers nor named parameters. The steps of networks (`taskset-nn`)
//! consist of kernels, and optimizers that treat a tensor as a matrix use the matrix products ([`Scalar::gemm`]). The
//! types that name a function, such as [`Activation`], are plain values.
//!
//! ```
//! use taskset_kernels::{Backend, MatrixRef, Scalar, Scratch, Start};
//!
//! let (a, b) = ([1f32, 2.0, 3.0, 4.0], [5f32, 6.0]);
//! let (a, b) = (MatrixRef::new(&a, 2, 2), MatrixRef::new(&b, 2, 1));
//! let mut c = [0f32; 2];
//! f32::gemm(Backend::best(), a, b, Start::Zero, false, &mut c, &mut Scratch::default());
//! assert_eq!(c, [17.0, 39.0]);
//! ```
//!
//! Only the shapes and the [`Backend`] decide which kernel runs. The thread and earlier computations do not matter. So
//! equal inputs give equal bits.

mod activations;
mod autoencoder;
mod autoencoder_loss_kinds;
mod color_augment;
mod column_norm;
mod flow;
mod gather_gemm;
mod gather_gemm_micro;
mod gemm;
mod gemm_micro;
mod hsv;
mod lstm_gru_cells;
mod math;
mod matrix;
mod pixels;
mod prefetch;
mod reductions;
mod softmax_and_sigmoid_losses;
mod transpose;
mod vectorised;

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::Float;

pub use activations::Activation;
pub use autoencoder_loss_kinds::{Distance, GaussianLikelihood, Output, Reconstruction, Reduction};
pub use color_augment::ColorChange;
pub use gather_gemm::{Entry, Gathered};
pub use gemm::{Packed, Scratch, Start};
use gemm_micro::Portable;
pub use lstm_gru_cells::RowsOf;
use math::Exact;
pub use matrix::MatrixRef;
pub use prefetch::prefetch;
pub use reductions::{ColumnReduction, maxima_backward};
use taskset_simd::InstructionSet;
pub use taskset_simd::{Backend, UnknownBackend};
use vectorised::vectorised;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The number types of the models, f32 and f64, with their kernels.
///
/// Every kernel lets NaN and infinities through as IEEE arithmetic does: a diverged run is a result.
pub trait Scalar:
    autoencoder::Autoencoder
    + lstm_gru_cells::Cells
    + color_augment::Color
    + column_norm::ColumnNorm
    + Float
    + Debug
    + Default
    + Display
    + From<f32>
    + flow::Flow
    + Send
    + Sum
    + Sync
    + sealed::Sealed
    + 'static
{
    /// The nearest number of this type.
    fn of(x: f64) -> Self;

    /// This number in double precision.
    fn wide(self) -> f64;

    /// `c = start + a · b`, then the rectifier `max(·, 0)` if `relu`. `c` is row-major and contiguous.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn gemm(
        backend: Backend,
        a: MatrixRef<'_, Self>,
        b: MatrixRef<'_, Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    );

    /// Packs a right operand for [`gemm_packed`](Scalar::gemm_packed) with the same backend; reuses the memory.
    fn pack(backend: Backend, b: MatrixRef<'_, Self>, packed: &mut Packed<Self>);

    /// [`gemm`](Scalar::gemm), bit for bit, with a packed right operand.
    ///
    /// # Panics
    /// As there, and if `b` was packed for another backend.
    fn gemm_packed(
        backend: Backend,
        a: MatrixRef<'_, Self>,
        b: &Packed<Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    );

    /// `c[rows[i].row] = start + Σ_k a[i, k] b[depth[k].row]`, then the rectifier if `relu`, with the tables `rows` and
    /// `depth` of `a`. `b` and `c` are row-major with `columns` columns; rows of `c` that no table names stay.
    ///
    /// # Panics
    /// If a table points beyond an operand.
    fn gather_gemm(
        backend: Backend,
        a: Gathered<'_, Self>,
        b: &[Self],
        start: Start<'_, Self>,
        relu: bool,
        columns: usize,
        c: &mut [Self],
    );

    /// Applies an activation in place.
    fn activate(backend: Backend, activation: Activation, values: &mut [Self]);

    /// Multiplies gradients by the activation's derivative. `saved` are the activation's inputs where
    /// [`Activation::derivative_needs_input`], else its outputs.
    ///
    /// # Panics
    /// If the lengths differ.
    fn multiply_by_derivative(
        backend: Backend,
        activation: Activation,
        saved: &[Self],
        gradients: &mut [Self],
    );

    /// Sum over rows of the softmax cross-entropy (nats) of `logits`, `[labels.len(), classes]`, and, if `scale` is
    /// given, that sum's gradient times `scale` in place of the logits (whose place is else overwritten with
    /// intermediate values).
    ///
    /// # Panics
    /// If the logits do not divide into one row per label, or a label is not below the number of classes.
    fn softmax_cross_entropy(
        backend: Backend,
        logits: &mut [Self],
        labels: &[u16],
        scale: Option<Self>,
    ) -> f64;

    /// As [`softmax_cross_entropy`](Scalar::softmax_cross_entropy) for the sum over rows of the mean over classes of
    /// `(onehot − sigmoid(logit))²`.
    ///
    /// # Panics
    /// As there.
    fn sigmoid_squared_error(
        backend: Backend,
        logits: &mut [Self],
        labels: &[u16],
        scale: Option<Self>,
    ) -> f64;

    /// Reduces each column of a row-major matrix of `out.len()` columns into `out`, which is one more row of it.
    ///
    /// # Panics
    /// If `out` is empty.
    fn reduce_columns(backend: Backend, matrix: &[Self], reduction: ColumnReduction, out: &mut [Self]);

    /// Bytes to numbers: `byte / 255` (correctly rounded), or `2 (byte / 255) − 1` if `centre`.
    ///
    /// # Panics
    /// If the lengths differ.
    fn from_bytes(backend: Backend, bytes: &[u8], centre: bool, out: &mut [Self]);
}

/// In an `impl` for f32, calls `function::<f32, K>(args)`, `K` being the tiles of the backend.
macro_rules! by_tiles {
    ($backend:expr, $module:ident::$function:ident($($arg:expr),*)) => {
        match $backend.instruction_set() {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => $module::$function::<Self, gemm_micro::Avx512>($($arg),*),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => $module::$function::<Self, gemm_micro::Avx2>($($arg),*),
            InstructionSet::Portable => $module::$function::<Self, Portable>($($arg),*),
        }
    };
}

impl Scalar for f32 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as Self
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn gemm(
        backend: Backend,
        a: MatrixRef<'_, Self>,
        b: MatrixRef<'_, Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    ) {
        by_tiles!(backend, gemm::product(a, b, start, relu, c, scratch));
    }

    fn pack(backend: Backend, b: MatrixRef<'_, Self>, packed: &mut Packed<Self>) {
        by_tiles!(backend, gemm::pack(b, packed));
    }

    fn gemm_packed(
        backend: Backend,
        a: MatrixRef<'_, Self>,
        b: &Packed<Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    ) {
        by_tiles!(backend, gemm::product_packed(a, b, start, relu, c, scratch));
    }

    fn gather_gemm(
        backend: Backend,
        a: Gathered<'_, Self>,
        b: &[Self],
        start: Start<'_, Self>,
        relu: bool,
        columns: usize,
        c: &mut [Self],
    ) {
        by_tiles!(backend, gather_gemm::product(a, b, start, relu, columns, c));
    }

    fn activate(backend: Backend, activation: Activation, values: &mut [Self]) {
        vectorised!(backend, activations::forward(activation: Activation, values: &mut [Self]));
    }

    fn multiply_by_derivative(
        backend: Backend,
        activation: Activation,
        saved: &[Self],
        gradients: &mut [Self],
    ) {
        assert_eq!(saved.len(), gradients.len(), "one saved value per gradient");
        vectorised!(backend, activations::backward(activation: Activation, saved: &[Self], gradients: &mut [Self]));
    }

    fn softmax_cross_entropy(
        backend: Backend,
        logits: &mut [Self],
        labels: &[u16],
        scale: Option<Self>,
    ) -> f64 {
        vectorised!(
            backend,
            softmax_and_sigmoid_losses::softmax_cross_entropy(logits: &mut [Self], labels: &[u16], scale: Option<Self>) -> f64
        )
    }

    fn sigmoid_squared_error(
        backend: Backend,
        logits: &mut [Self],
        labels: &[u16],
        scale: Option<Self>,
    ) -> f64 {
        vectorised!(
            backend,
            softmax_and_sigmoid_losses::sigmoid_squared_error(logits: &mut [Self], labels: &[u16], scale: Option<Self>) -> f64
        )
    }

    fn reduce_columns(backend: Backend, matrix: &[Self], reduction: ColumnReduction, out: &mut [Self]) {
        vectorised!(backend, reductions::reduce(matrix: &[Self], reduction: ColumnReduction, out: &mut [Self]));
    }

    fn from_bytes(backend: Backend, bytes: &[u8], centre: bool, out: &mut [Self]) {
        assert_eq!(bytes.len(), out.len(), "one number per byte");
        vectorised!(backend, pixels::to_unit(bytes: &[u8], centre: bool, out: &mut [Self]));
    }
}

impl Scalar for f64 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    fn gemm(
        _: Backend,
        a: MatrixRef<'_, Self>,
        b: MatrixRef<'_, Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    ) {
        gemm::product::<Self, Portable>(a, b, start, relu, c, scratch);
    }

    fn pack(_: Backend, b: MatrixRef<'_, Self>, packed: &mut Packed<Self>) {
        gemm::pack::<Self, Portable>(b, packed);
    }

    fn gemm_packed(
        _: Backend,
        a: MatrixRef<'_, Self>,
        b: &Packed<Self>,
        start: Start<'_, Self>,
        relu: bool,
        c: &mut [Self],
        scratch: &mut Scratch<Self>,
    ) {
        gemm::product_packed::<Self, Portable>(a, b, start, relu, c, scratch);
    }

    fn gather_gemm(
        _: Backend,
        a: Gathered<'_, Self>,
        b: &[Self],
        start: Start<'_, Self>,
        relu: bool,
        columns: usize,
        c: &mut [Self],
    ) {
        gather_gemm::product::<Self, Portable>(a, b, start, relu, columns, c);
    }

    fn activate(_: Backend, activation: Activation, values: &mut [Self]) {
        activations::forward::<Self, Exact>(activation, values);
    }

    fn multiply_by_derivative(_: Backend, activation: Activation, saved: &[Self], gradients: &mut [Self]) {
        assert_eq!(saved.len(), gradients.len(), "one saved value per gradient");
        activations::backward::<Self, Exact>(activation, saved, gradients);
    }

    fn softmax_cross_entropy(_: Backend, logits: &mut [Self], labels: &[u16], scale: Option<Self>) -> f64 {
        softmax_and_sigmoid_losses::softmax_cross_entropy::<Self, Exact>(logits, labels, scale)
    }

    fn sigmoid_squared_error(_: Backend, logits: &mut [Self], labels: &[u16], scale: Option<Self>) -> f64 {
        softmax_and_sigmoid_losses::sigmoid_squared_error::<Self, Exact>(logits, labels, scale)
    }

    fn reduce_columns(_: Backend, matrix: &[Self], reduction: ColumnReduction, out: &mut [Self]) {
        reductions::reduce::<Self, Exact>(matrix, reduction, out);
    }

    fn from_bytes(_: Backend, bytes: &[u8], centre: bool, out: &mut [Self]) {
        assert_eq!(bytes.len(), out.len(), "one number per byte");
        pixels::to_unit::<Self, Exact>(bytes, centre, out);
    }
}

/// Sums the rows of a row-major matrix with `out.len()` columns: the gradient of a bias.
///
/// # Panics
/// If `out` is empty.
pub fn column_sums<T: Scalar>(matrix: &[T], out: &mut [T]) {
    out.fill(T::zero());
    add_column_sums(matrix, out);
}

/// Adds the rows of a row-major matrix with `out.len()` columns to `out`.
///
/// # Panics
/// If `out` is empty.
pub fn add_column_sums<T: Scalar>(matrix: &[T], out: &mut [T]) {
    for row in matrix.chunks_exact(out.len()) {
        for (sum, &x) in out.iter_mut().zip(row) {
            *sum = *sum + x;
        }
    }
}
