//! The noise matrix of the current minibatch.

use taskset_nn::kernels::{MatrixRef, Start};
use taskset_rng::{Stream, StreamId};

use super::distribution::{MatrixKind, matrix_kind};
use super::problem::Distribution;
use crate::Feed;
use crate::objectives::element_draw::ElementDraw;
use crate::objectives::feed::PerFeed;
use crate::objectives::linalg::transpose;
use crate::objectives::matrix::Products;
use crate::objectives::orthogonal::Orthogonal;
use crate::objectives::real::Real;

/// The noise matrix `N` of the current minibatch, drawn in the precision of the replica as upstream does.
pub(super) enum Noise<T> {
    None,
    Elements(Elements<T>),
    Eigen(Eigen<T>),
}

impl<T: Real> Noise<T> {
    /// Noise of a distribution for n parameters; `name` is the parent of its streams.
    pub(super) fn new(distribution: Option<Distribution>, n: usize, name: &StreamId) -> Self {
        let steps = PerFeed::new(name, |feed| Steps { feed, count: 0 });
        match distribution.map(|d| matrix_kind(d, n)) {
            None => Self::None,
            Some(MatrixKind::Elements(draw)) => Self::Elements(Elements {
                draw,
                n,
                steps,
                current: None,
                block: Vec::new(),
                block_products: Vec::new(),
                columns: Vec::new(),
                products: Products::new(),
            }),
            Some(MatrixKind::Eigen(eigenvalues)) => Self::Eigen(Eigen {
                eigenvalues: eigenvalues.into_iter().map(T::of).collect(),
                steps,
                factor: Orthogonal::new(n),
                drawn: false,
                columns: Vec::new(),
            }),
        }
    }

    /// Leaves out the noise of some minibatches of a feed: each has a stream of its own.
    pub(super) fn skip(&mut self, feed: Feed, count: u64) {
        match self {
            Self::None => {}
            Self::Elements(Elements { steps, .. }) => steps.get_mut(feed).count += count,
            Self::Eigen(Eigen { steps, .. }) => steps.get_mut(feed).count += count,
        }
    }

    /// Draws the noise of the next minibatch of a feed.
    pub(super) fn redraw(&mut self, feed: Feed) {
        match self {
            Self::None => {}
            Self::Elements(Elements { steps, current, .. }) => *current = Some(steps.get_mut(feed).next()),
            Self::Eigen(Eigen { steps, factor, drawn, .. }) => {
                factor.redraw(&mut steps.get_mut(feed).next());
                *drawn = true;
            }
        }
    }
}

/// Names the stream of each minibatch of a feed.
struct Steps {
    feed: StreamId,
    count: u64,
}

impl Steps {
    fn next(&mut self) -> Stream {
        self.count += 1;
        self.feed.index(self.count - 1).stream()
    }
}

/// Elements of a block of rows: few enough for the second-level cache.
const BLOCK_ELEMENTS: usize = 48 * 1024;
/// Fewest rows of a block.
const BLOCK_ROWS: usize = 12;

/// Independent elements. They are not stored: each pass replays the minibatch's stream, a block of rows at a time.
pub(super) struct Elements<T> {
    draw: ElementDraw,
    n: usize,
    steps: PerFeed<Steps>,
    current: Option<Stream>,
    /// Some rows of `A + N`, and their products with the trials' vectors, `[rows, K]`.
    block: Vec<T>,
    block_products: Vec<T>,
    /// The trials' vectors as columns, `[n, K]`.
    columns: Vec<T>,
    products: Products<T>,
}

impl<T: Real> Elements<T> {
    /// `R = X Mᵀ` with `M = A + N`, for the rows of X `[K, n]`; and, if asked for, `R M`. A is `matrix`, row-major. Each
    /// row of M is formed once.
    pub(super) fn pass(&mut self, matrix: &[T], x: &[T], r: &mut [T], mut r_m: Option<&mut [T]>) {
        let n = self.n.max(1);
        let count = x.len() / n;
        self.columns.resize(x.len(), T::zero());
        transpose(x, n, &mut self.columns);
        if let Some(out) = r_m.as_deref_mut() {
            out.fill(T::zero());
        }
        let mut stream = self.current.clone();
        let rows = (BLOCK_ELEMENTS / n).max(BLOCK_ROWS);
        for (b, a) in matrix.chunks(rows * n).enumerate() {
            let (first, rows) = (b * rows, a.len() / n);
            self.block.resize(a.len(), T::zero());
            match &mut stream {
                Some(stream) => self.draw.add(stream, a, &mut self.block),
                None => self.block.copy_from_slice(a),
            }
            self.block_products.resize(rows * count, T::zero());
            let block = MatrixRef::new(&self.block, rows, n);
            let columns = MatrixRef::new(&self.columns, n, count);
            self.products.gemm(block, columns, Start::Zero, &mut self.block_products);
            for (i, products) in self.block_products.chunks_exact(count).enumerate() {
                for (k, &product) in products.iter().enumerate() {
                    r[k * n + first + i] = product;
                }
            }
            if let Some(out) = r_m.as_deref_mut() {
                let weights = MatrixRef::new(&self.block_products, rows, count).transposed();
                self.products.gemm(weights, block, Start::Accumulate, out);
            }
        }
    }
}

/// `Q diag(λ) Qᵀ`, as reflections.
pub(super) struct Eigen<T> {
    eigenvalues: Vec<T>,
    steps: PerFeed<Steps>,
    factor: Orthogonal<T>,
    drawn: bool,
    /// The trials' vectors as columns, `[n, K]`.
    columns: Vec<T>,
}

impl<T: Real> Eigen<T> {
    /// `out ← X N` for the rows of X `[K, n]`; N is symmetric. Before the first draw N is 0.
    pub(super) fn times(&mut self, x: &[T], out: &mut [T]) {
        if !self.drawn {
            return out.fill(T::zero());
        }
        let n = self.eigenvalues.len().max(1);
        let count = x.len() / n;
        self.columns.resize(x.len(), T::zero());
        transpose(x, n, &mut self.columns);
        self.factor.apply_symmetric(&self.eigenvalues, count, &mut self.columns);
        transpose(&self.columns, count, out);
    }
}
