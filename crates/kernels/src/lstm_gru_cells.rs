//! The elementwise parts of recurrent cells, forward and backward in place; gathering and adding rows of tokens.
//!
//! `gates` is `[rows, k · units]` with the gates of a row side by side; all other matrices are `[rows, units]` unless
//! stated. Loops run over vectors of fixed length with a padded rest, so that any number of units vectorises.

use super::math::Math;
use super::vectorised::kernels;
use super::{Backend, Scalar};

/// Elements that are computed together.
const LANES: usize = 16;

type Lanes<T> = [T; LANES];

/// Rows of a matrix, one for each row of another: row `i` of that goes with row `slots[i]` of this.
#[derive(Clone, Copy, Debug)]
pub struct RowsOf<'a, T> {
    /// Row-major.
    pub matrix: &'a [T],
    /// Numbers of its rows.
    pub slots: &'a [u32],
}

kernels! {
    /// The kernels of recurrent cells. Matrices must have as many rows as `gates`.
    pub trait Cells: Sized {
        /// The recurrent parts of the pre-activations `i, j, f, o`, plus each row's row of `inputs`, become gates
        /// `σ(i), tanh(j), σ(f + 1), σ(o)`; with the cell before gives the cell `σ(f + 1) before + σ(i) tanh(j)` and
        /// the output `h = σ(o) tanh(cell)`.
        fn lstm_forward(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            inputs: RowsOf<'_, Self>,
            before: &[Self],
            cells: &mut [Self],
            h: &mut [Self],
        );

        /// The gates become gradients of their pre-activations; `dc` comes with the gradient with respect to the cell
        /// through later steps and leaves with that with respect to the cell before.
        fn lstm_backward(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            before: &[Self],
            cells: &[Self],
            dh: &[Self],
            dc: &mut [Self],
        );

        /// `z` and `r` become the sigmoids of the sums of `recurrent` `[rows, 2 units]` and its row of `inputs`;
        /// `reset = r ⊙ before`.
        fn gru_reset(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            inputs: RowsOf<'_, Self>,
            recurrent: &[Self],
            before: &[Self],
            reset: &mut [Self],
        );

        /// The candidate becomes the hyperbolic tangent of the sum of `recurrent` and its row of `inputs`;
        /// `h = (1 − z) before + z c`.
        fn gru_forward(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            inputs: RowsOf<'_, Self>,
            recurrent: &[Self],
            before: &[Self],
            h: &mut [Self],
        );

        /// `z` and the candidate become gradients of their pre-activations; the direct part is added to `d_before`; and
        /// `reset = r ⊙ before` again.
        fn gru_backward(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            before: &[Self],
            dh: &[Self],
            d_before: &mut [Self],
            reset: &mut [Self],
        );

        /// `r` becomes the gradient of its pre-activation; what flows through `r ⊙ before` is added to `d_before`.
        /// `d_reset` is the gradient with respect to that product.
        fn gru_reset_backward(
            backend: Backend,
            units: usize,
            gates: &mut [Self],
            before: &[Self],
            d_reset: &[Self],
            d_before: &mut [Self],
        );

        /// Adds to every row of `into` its row of `rows`.
        fn add_from_rows(backend: Backend, width: usize, rows: RowsOf<'_, Self>, into: &mut [Self]);

        /// Adds row `i` of `rows` to row `slots[i]` of `into`.
        fn add_to_rows(backend: Backend, width: usize, slots: &[u32], rows: &[Self], into: &mut [Self]);
    }
}

/// The elements `[at, at + n)`, padded with what stands behind them or, at the end, zeros.
#[inline(always)]
fn load<T: Scalar>(from: &[T], at: usize, n: usize) -> Lanes<T> {
    let mut lanes = [T::zero(); LANES];
    match from.get(at..at + LANES) {
        Some(whole) => lanes.copy_from_slice(whole),
        None => lanes[..n].copy_from_slice(&from[at..at + n]),
    }
    lanes
}

/// Writes the first `n` lanes to `[at, at + n)`.
#[inline(always)]
fn store<T: Scalar>(lanes: &Lanes<T>, into: &mut [T], at: usize, n: usize) {
    if n == LANES {
        return into[at..at + LANES].copy_from_slice(lanes);
    }
    match into.get_mut(at..at + LANES) {
        // Copying a fixed length is a vector instruction, another length a function call. So what follows is written again.
        Some(whole) => {
            for (l, (x, &lane)) in (0u32..).zip(whole.iter_mut().zip(lanes)) {
                *x = if l < n as u32 { lane } else { *x };
            }
        }
        None => into[at..at + n].copy_from_slice(&lanes[..n]),
    }
}

/// The stretches `(at, n)` of a row of `units`.
#[inline(always)]
fn stretches(units: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..units).step_by(LANES).map(move |at| (at, LANES.min(units - at)))
}

/// `σ(x)` with derivative `s (1 − s)` at `s = σ(x)`.
#[inline(always)]
fn sigmoid_slope<T: Scalar>(s: T) -> T {
    s * (T::one() - s)
}

#[inline(always)]
fn lstm_forward<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    inputs: RowsOf<'_, T>,
    before: &[T],
    cells: &mut [T],
    h: &mut [T],
) {
    let rows = gates.chunks_exact_mut(4 * units).zip(before.chunks_exact(units));
    let outputs = cells.chunks_exact_mut(units).zip(h.chunks_exact_mut(units));
    for (((gates, before), (cells, h)), &slot) in rows.zip(outputs).zip(inputs.slots) {
        let inputs = &inputs.matrix[slot as usize * 4 * units..][..4 * units];
        for (at, n) in stretches(units) {
            let mut i = load(gates, at, n);
            let mut j = load(gates, units + at, n);
            let mut f = load(gates, 2 * units + at, n);
            let mut o = load(gates, 3 * units + at, n);
            let (xi, xj) = (load(inputs, at, n), load(inputs, units + at, n));
            let (xf, xo) = (load(inputs, 2 * units + at, n), load(inputs, 3 * units + at, n));
            let mut c = load(before, at, n);
            let mut y = [T::zero(); LANES];
            for l in 0..LANES {
                i[l] = M::sigmoid(i[l] + xi[l]);
                j[l] = M::tanh(j[l] + xj[l]);
                f[l] = M::sigmoid(f[l] + xf[l] + T::one());
                o[l] = M::sigmoid(o[l] + xo[l]);
                c[l] = M::mul_add(f[l], c[l], i[l] * j[l]);
                y[l] = o[l] * M::tanh(c[l]);
            }
            store(&i, gates, at, n);
            store(&j, gates, units + at, n);
            store(&f, gates, 2 * units + at, n);
            store(&o, gates, 3 * units + at, n);
            store(&c, cells, at, n);
            store(&y, h, at, n);
        }
    }
}

#[inline(always)]
fn lstm_backward<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    before: &[T],
    cells: &[T],
    dh: &[T],
    dc: &mut [T],
) {
    let one = T::one();
    let rows = gates.chunks_exact_mut(4 * units).zip(before.chunks_exact(units));
    let states = cells.chunks_exact(units).zip(dh.chunks_exact(units));
    for (((gates, before), (cells, dh)), dc) in rows.zip(states).zip(dc.chunks_exact_mut(units)) {
        for (at, n) in stretches(units) {
            let mut i = load(gates, at, n);
            let mut j = load(gates, units + at, n);
            let mut f = load(gates, 2 * units + at, n);
            let mut o = load(gates, 3 * units + at, n);
            let before = load(before, at, n);
            let cell = load(cells, at, n);
            let dh = load(dh, at, n);
            let mut d = load(dc, at, n);
            for l in 0..LANES {
                let y = M::tanh(cell[l]);
                let d_cell = M::mul_add(dh[l] * o[l], one - y * y, d[l]);
                let d_i = d_cell * j[l] * sigmoid_slope(i[l]);
                d[l] = d_cell * f[l];
                j[l] = d_cell * i[l] * (one - j[l] * j[l]);
                f[l] = d_cell * before[l] * sigmoid_slope(f[l]);
                o[l] = dh[l] * y * sigmoid_slope(o[l]);
                i[l] = d_i;
            }
            store(&i, gates, at, n);
            store(&j, gates, units + at, n);
            store(&f, gates, 2 * units + at, n);
            store(&o, gates, 3 * units + at, n);
            store(&d, dc, at, n);
        }
    }
}

#[inline(always)]
fn gru_reset<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    inputs: RowsOf<'_, T>,
    recurrent: &[T],
    before: &[T],
    reset: &mut [T],
) {
    let rows = gates.chunks_exact_mut(3 * units).zip(recurrent.chunks_exact(2 * units));
    let states = before.chunks_exact(units).zip(reset.chunks_exact_mut(units));
    for (((gates, recurrent), (before, reset)), &slot) in rows.zip(states).zip(inputs.slots) {
        let inputs = &inputs.matrix[slot as usize * 3 * units..][..3 * units];
        for (at, n) in stretches(units) {
            let mut z = load(inputs, at, n);
            let mut r = load(inputs, units + at, n);
            let (uz, ur) = (load(recurrent, at, n), load(recurrent, units + at, n));
            let mut h = load(before, at, n);
            for l in 0..LANES {
                z[l] = M::sigmoid(z[l] + uz[l]);
                r[l] = M::sigmoid(r[l] + ur[l]);
                h[l] = r[l] * h[l];
            }
            store(&z, gates, at, n);
            store(&r, gates, units + at, n);
            store(&h, reset, at, n);
        }
    }
}

#[inline(always)]
fn gru_forward<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    inputs: RowsOf<'_, T>,
    recurrent: &[T],
    before: &[T],
    h: &mut [T],
) {
    let rows = gates.chunks_exact_mut(3 * units).zip(recurrent.chunks_exact(units));
    let states = before.chunks_exact(units).zip(h.chunks_exact_mut(units));
    for (((gates, recurrent), (before, h)), &slot) in rows.zip(states).zip(inputs.slots) {
        let inputs = &inputs.matrix[slot as usize * 3 * units..][..3 * units];
        for (at, n) in stretches(units) {
            let z = load(gates, at, n);
            let mut c = load(inputs, 2 * units + at, n);
            let u = load(recurrent, at, n);
            let mut y = load(before, at, n);
            for l in 0..LANES {
                c[l] = M::tanh(c[l] + u[l]);
                y[l] = M::mul_add(T::one() - z[l], y[l], z[l] * c[l]);
            }
            store(&c, gates, 2 * units + at, n);
            store(&y, h, at, n);
        }
    }
}

#[inline(always)]
fn gru_backward<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    before: &[T],
    dh: &[T],
    d_before: &mut [T],
    reset: &mut [T],
) {
    let one = T::one();
    let rows = gates.chunks_exact_mut(3 * units).zip(before.chunks_exact(units));
    let states = dh.chunks_exact(units).zip(d_before.chunks_exact_mut(units));
    for (((gates, before), (dh, d_before)), reset) in rows.zip(states).zip(reset.chunks_exact_mut(units)) {
        for (at, n) in stretches(units) {
            let mut z = load(gates, at, n);
            let r = load(gates, units + at, n);
            let mut c = load(gates, 2 * units + at, n);
            let mut h = load(before, at, n);
            let dh = load(dh, at, n);
            let mut d = load(d_before, at, n);
            for l in 0..LANES {
                d[l] = M::mul_add(dh[l], one - z[l], d[l]);
                let d_c = dh[l] * z[l] * (one - c[l] * c[l]);
                z[l] = dh[l] * (c[l] - h[l]) * sigmoid_slope(z[l]);
                c[l] = d_c;
                h[l] = r[l] * h[l];
            }
            store(&z, gates, at, n);
            store(&c, gates, 2 * units + at, n);
            store(&d, d_before, at, n);
            store(&h, reset, at, n);
        }
    }
}

#[inline(always)]
fn gru_reset_backward<T: Scalar, M: Math<T>>(
    units: usize,
    gates: &mut [T],
    before: &[T],
    d_reset: &[T],
    d_before: &mut [T],
) {
    let rows = gates.chunks_exact_mut(3 * units).zip(before.chunks_exact(units));
    let states = d_reset.chunks_exact(units).zip(d_before.chunks_exact_mut(units));
    for ((gates, before), (d_reset, d_before)) in rows.zip(states) {
        for (at, n) in stretches(units) {
            let mut r = load(gates, units + at, n);
            let h = load(before, at, n);
            let d_reset = load(d_reset, at, n);
            let mut d = load(d_before, at, n);
            for l in 0..LANES {
                d[l] = M::mul_add(d_reset[l], r[l], d[l]);
                r[l] = d_reset[l] * h[l] * sigmoid_slope(r[l]);
            }
            store(&r, gates, units + at, n);
            store(&d, d_before, at, n);
        }
    }
}

#[inline(always)]
fn add_from_rows<T: Scalar, M: Math<T>>(width: usize, rows: RowsOf<'_, T>, into: &mut [T]) {
    for (&slot, sum) in rows.slots.iter().zip(into.chunks_exact_mut(width)) {
        for (sum, &x) in sum.iter_mut().zip(&rows.matrix[slot as usize * width..][..width]) {
            *sum = *sum + x;
        }
    }
}

#[inline(always)]
fn add_to_rows<T: Scalar, M: Math<T>>(width: usize, slots: &[u32], rows: &[T], into: &mut [T]) {
    for (&slot, row) in slots.iter().zip(rows.chunks_exact(width)) {
        for (sum, &x) in into[slot as usize * width..][..width].iter_mut().zip(row) {
            *sum = *sum + x;
        }
    }
}
