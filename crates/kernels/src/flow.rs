//! Elementwise parts of normalising flows: `u = (v − shift) exp(−log_scale)` with its gradients, gathers, and the
//! standard normal density.

use super::math::Math;
use super::softmax_and_sigmoid_losses::total;
use super::vectorised::kernels;
use super::{Backend, Scalar};

/// Bounds of the log-scale of a masked autoregressive flow.
const CLIP: [f64; 2] = [-5.0, 3.0];

kernels! {
    /// The kernels of flows. Rows are `n` numbers long; `nd` is `[n, d]`.
    pub trait Flow: Sized {
        /// Affine coupling of rows `x` whose first `d` numbers stay as they are: with `net` holding the `n − d` shifts
        /// of a row and then its log-scales, `y[j] = (x[j] − shift) exp(−log_scale)`. Leaves `exp(−log_scale)` in place
        /// of the log-scales. Returns the sum of all log-scales.
        fn couple(backend: Backend, nd: [usize; 2], x: &[Self], net: &mut [Self], y: &mut [Self]) -> f64;

        /// The gradient of [`couple`](Flow::couple) for a loss with the gradient `dy`, to which every log-scale is
        /// added `weight` times: `net`, as `couple` left it, becomes the gradient with respect to shifts and
        /// log-scales; the last `n − d` numbers of each row of `dx` are written, if wanted.
        fn couple_backward(
            backend: Backend,
            nd: [usize; 2],
            weight: Self,
            y: &[Self],
            dy: &[Self],
            net: &mut [Self],
            dx: Option<&mut [Self]>,
        );

        /// As [`couple`](Flow::couple) with `d = 0` for interleaved `net`, shift before log-scale, with the log-scale
        /// clipped to `[−5, 3]` as TensorFlow Probability does: `x + (clip(x) − x)`, so that infinite ones give NaN.
        fn autoregress(backend: Backend, n: usize, x: &[Self], net: &mut [Self], y: &mut [Self]) -> f64;

        /// The gradient of [`autoregress`](Flow::autoregress), as [`couple_backward`](Flow::couple_backward). The
        /// clipping passes gradients as if it were not there.
        fn autoregress_backward(
            backend: Backend,
            weight: Self,
            y: &[Self],
            dy: &[Self],
            net: &mut [Self],
            dx: Option<&mut [Self]>,
        );

        /// `y[i] = x[order[i]]` in every row.
        ///
        /// # Panics
        /// If `order` names a number that a row does not have.
        fn gather(backend: Backend, order: &[u32], x: &[Self], y: &mut [Self]);

        /// Sum over rows of `½ Σ x²`, and its gradient times `scale` if wanted.
        fn half_squares(backend: Backend, n: usize, x: &[Self], gradient: Option<(Self, &mut [Self])>) -> f64;
    }
}

#[inline(always)]
fn couple<T: Scalar, M: Math<T>>([n, d]: [usize; 2], x: &[T], net: &mut [T], y: &mut [T]) -> f64 {
    let o = n - d;
    let rows = x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(net.chunks_exact_mut(2 * o));
    let mut sum = 0.0;
    for ((x, y), net) in rows {
        y[..d].copy_from_slice(&x[..d]);
        let (shift, scale) = net.split_at_mut(o);
        sum += total(scale).wide();
        // One result a loop: with two the compiler does not vectorise.
        for scale in scale.iter_mut() {
            *scale = M::exp(-*scale);
        }
        for ((y, &x), (&shift, &e)) in y[d..].iter_mut().zip(&x[d..]).zip(shift.iter().zip(scale.iter())) {
            *y = (x - shift) * e;
        }
    }
    sum
}

#[inline(always)]
fn couple_backward<T: Scalar, M: Math<T>>(
    [n, d]: [usize; 2],
    weight: T,
    y: &[T],
    dy: &[T],
    net: &mut [T],
    mut dx: Option<&mut [T]>,
) {
    let o = n - d;
    let rows = y.chunks_exact(n).zip(dy.chunks_exact(n)).zip(net.chunks_exact_mut(2 * o));
    for (row, ((y, dy), net)) in rows.enumerate() {
        let (shift, scale) = net.split_at_mut(o);
        let (y, dy) = (&y[d..], &dy[d..]);
        for (shift, (&e, &dy)) in shift.iter_mut().zip(scale.iter().zip(dy)) {
            *shift = -(e * dy);
        }
        for (scale, (&y, &dy)) in scale.iter_mut().zip(y.iter().zip(dy)) {
            *scale = weight - y * dy;
        }
        if let Some(dx) = dx.as_deref_mut() {
            for (dx, &shift) in dx[row * n + d..][..o].iter_mut().zip(shift.iter()) {
                *dx = -shift;
            }
        }
    }
}

/// Numbers of a row that are handled at a time, each with a sum of its own.
const LANES: usize = 16;

#[inline(always)]
fn autoregress<T: Scalar, M: Math<T>>(n: usize, x: &[T], net: &mut [T], y: &mut [T]) -> f64 {
    let [low, high] = CLIP.map(T::of);
    let block = |x: &[T], net: &mut [T], y: &mut [T], sums: &mut [T]| {
        for (((y, &x), pair), sum) in y.iter_mut().zip(x).zip(net.chunks_exact_mut(2)).zip(sums) {
            let raw = pair[1];
            let clipped = if raw < low { low } else { raw };
            let clipped = if clipped > high { high } else { clipped };
            let log_scale = raw + (clipped - raw);
            let e = M::exp(-log_scale);
            *sum = *sum + log_scale;
            *y = (x - pair[0]) * e;
            pair[1] = e;
        }
    };
    let mut sum = 0.0;
    for ((x, y), net) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(net.chunks_exact_mut(2 * n)) {
        let mut sums = [T::zero(); LANES];
        let whole = n - n % LANES;
        let blocks =
            x.chunks_exact(LANES).zip(net.chunks_exact_mut(2 * LANES)).zip(y.chunks_exact_mut(LANES));
        for ((x, net), y) in blocks {
            block(x, net, y, &mut sums);
        }
        block(&x[whole..], &mut net[2 * whole..], &mut y[whole..], &mut sums);
        sum += sums.iter().copied().sum::<T>().wide();
    }
    sum
}

#[inline(always)]
fn autoregress_backward<T: Scalar, M: Math<T>>(
    weight: T,
    y: &[T],
    dy: &[T],
    net: &mut [T],
    dx: Option<&mut [T]>,
) {
    let pairs = y.iter().zip(dy).zip(net.chunks_exact_mut(2));
    let backward = |y: T, dy: T, pair: &mut [T]| {
        let through = pair[1] * dy;
        pair[0] = -through;
        pair[1] = weight - y * dy;
        through
    };
    match dx {
        Some(dx) => pairs.zip(dx).for_each(|(((&y, &dy), pair), dx)| *dx = backward(y, dy, pair)),
        None => pairs.for_each(|((&y, &dy), pair)| {
            backward(y, dy, pair);
        }),
    }
}

#[inline(always)]
fn gather<T: Scalar, M: Math<T>>(order: &[u32], x: &[T], y: &mut [T]) {
    let n = order.len();
    assert!(order.iter().all(|&i| (i as usize) < n), "an order of {n} numbers names one beyond");
    for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
        for (y, &i) in y.iter_mut().zip(order) {
            // SAFETY: `x` has `n` elements, and `i` is less, as asserted above.
            *y = unsafe { *x.get_unchecked(i as usize) };
        }
    }
}

#[inline(always)]
fn half_squares<T: Scalar, M: Math<T>>(n: usize, x: &[T], gradient: Option<(T, &mut [T])>) -> f64 {
    if let Some((scale, gradient)) = gradient {
        for (g, &x) in gradient.iter_mut().zip(x) {
            *g = scale * x;
        }
    }
    let mut sum = 0.0;
    for row in x.chunks_exact(n) {
        let mut lanes = [T::zero(); LANES];
        let chunks = row.chunks_exact(LANES);
        let rest: T = chunks.remainder().iter().map(|&x| x * x).sum();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = M::mul_add(x, x, *lane);
            }
        }
        sum += (lanes.iter().copied().sum::<T>() + rest).wide();
    }
    0.5 * sum
}
