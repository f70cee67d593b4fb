//! Planned execution of a [`Network`]: a fixed list of operations over buffers allocated once.

use taskset_rng::Stream;

use crate::kernels::{MatrixRef, Scratch, Start, column_sums};
use crate::{Activation, Backend, Layer, Loss, Network, Scalar};

/// A network planned for a number of rows. Fill [`input_mut`](Plan::input_mut) and [`labels_mut`](Plan::labels_mut),
/// then ask for the loss, or the loss and gradients, at any parameters; the input and labels stay as they are.
///
/// After the first step nothing is allocated. Results depend on the parameters, the input, the labels, the dropout
/// masks and the backend only.
#[derive(Clone, Debug)]
pub struct Plan<T> {
    backend: Backend,
    ops: Vec<Op<T>>,
    loss: Loss,
    inputs: usize,
    parameters: usize,
    capacity: usize,
    rows: usize,
    /// Buffers of values; 0 is the input, the last holds the logits.
    values: Vec<Buffer<T>>,
    /// Gradients with respect to values, by the number of the dense layer's output buffer they belong to; elementwise
    /// layers after it work in place. Allocated by the first backward pass.
    deltas: Vec<Vec<T>>,
    labels: Vec<u16>,
    scratch: Scratch<T>,
}

#[derive(Clone, Debug)]
struct Buffer<T> {
    width: usize,
    data: Vec<T>,
}

/// One operation. `delta` numbers the gradient buffer that the operation's backward pass transforms in place.
#[derive(Clone, Debug)]
enum Op<T> {
    /// `values[to] = values[from] · W + b`, rectified if `relu`.
    Dense { from: usize, to: usize, weights: usize, bias: usize, relu: bool, delta_from: Option<usize> },
    /// `values[to] = values[from]`: before an operation in place that would overwrite what a backward pass needs.
    Copy { from: usize, to: usize },
    /// `values[to] = f(values[from])`; in place unless the derivative needs the input. `fused`: the dense layer before
    /// has already done it.
    Activate { activation: Activation, from: usize, to: usize, delta: usize, fused: bool },
    /// `values[at] = values[at] · FROZEN_SCALE + β`.
    FrozenBatchNorm { at: usize, beta: usize, delta: usize },
    /// `values[from]` is normalised in place, `values[to]` is scaled and shifted.
    LayerNorm { from: usize, to: usize, gamma: usize, beta: usize, delta: usize, inverse_std: Vec<T> },
    /// `values[at] = values[at] · mask`.
    Dropout { at: usize, delta: usize, keep: f64, mask: Vec<T> },
}

/// `1 / sqrt(1 + 1e-3)`: moving variance 1, epsilon 1e-3.
const FROZEN_SCALE: f64 = 0.999_500_374_687_773_1;
/// Epsilon of layer normalisation.
const LAYER_NORM_EPSILON: f64 = 1e-5;

impl<T: Scalar> Plan<T> {
    /// A plan for `rows` rows with the machine's best kernels.
    ///
    /// # Panics
    /// As [`with_backend`](Plan::with_backend).
    pub fn new(network: &Network, rows: usize) -> Self {
        Self::with_backend(network, rows, Backend::detect())
    }

    /// A plan for `rows` rows with the kernels of a backend.
    ///
    /// # Panics
    /// If the network's first layer is not dense (nothing may change the input in place).
    pub fn with_backend(network: &Network, rows: usize, backend: Backend) -> Self {
        assert!(matches!(network.layers.first(), Some(Layer::Dense { .. })), "the first layer must be dense");
        let buffer = |width: usize| Buffer { width, data: vec![T::zero(); rows * width] };
        let mut values = vec![buffer(network.inputs)];
        let (mut ops, mut offset) = (Vec::new(), 0);
        let mut take = |count: usize| {
            offset += count;
            offset - count
        };
        // The buffer that holds the newest values, and the one whose gradient the newest operations transform.
        let (mut at, mut delta) = (0, 0);
        // Whether a backward pass reads the newest values: nothing may overwrite them then.
        let mut needed = false;
        for (i, layer) in network.layers.iter().enumerate() {
            let width = values[at].width;
            let in_place = match *layer {
                Layer::Dense { .. } => false,
                Layer::Activation(activation) => !activation.derivative_needs_input(),
                _ => true,
            };
            if needed && in_place {
                at = copy(&mut ops, &mut values, at);
                needed = false;
            }
            match *layer {
                Layer::Dense { outputs } => {
                    values.push(buffer(outputs));
                    let to = values.len() - 1;
                    let relu = network.layers.get(i + 1) == Some(&Layer::Activation(Activation::Relu));
                    let delta_from = (at > 0).then_some(delta);
                    let (weights, bias) = (take(width * outputs), take(outputs));
                    ops.push(Op::Dense { from: at, to, weights, bias, relu, delta_from });
                    (at, delta, needed) = (to, to, false);
                }
                Layer::Activation(activation) => {
                    let from = at;
                    needed = !activation.derivative_needs_input();
                    if !needed {
                        values.push(buffer(width));
                        at = values.len() - 1;
                    }
                    let fused = matches!(ops.last(), Some(Op::Dense { relu: true, .. }));
                    ops.push(Op::Activate { activation, from, to: at, delta, fused });
                }
                Layer::FrozenBatchNorm => ops.push(Op::FrozenBatchNorm { at, beta: take(width), delta }),
                Layer::LayerNorm => {
                    values.push(buffer(width));
                    let (gamma, beta) = (take(width), take(width));
                    let to = values.len() - 1;
                    ops.push(Op::LayerNorm {
                        from: at,
                        to,
                        gamma,
                        beta,
                        delta,
                        inverse_std: vec![T::zero(); rows],
                    });
                    at = to;
                }
                Layer::Dropout { keep } => {
                    ops.push(Op::Dropout { at, delta, keep, mask: vec![T::one(); rows * width] });
                }
            }
        }
        if needed {
            // The loss turns the logits into their gradient in place.
            copy(&mut ops, &mut values, at);
        }
        Self {
            backend,
            ops,
            loss: network.loss,
            inputs: network.inputs,
            parameters: network.parameter_count(),
            capacity: rows,
            rows,
            values,
            deltas: Vec::new(),
            labels: vec![0; rows],
            scratch: Scratch::default(),
        }
    }

    /// Number of rows in use.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Uses only the first rows from now on.
    ///
    /// # Panics
    /// If the plan was made for fewer rows.
    pub fn set_rows(&mut self, rows: usize) {
        assert!(rows <= self.capacity, "planned for {} rows, not {rows}", self.capacity);
        self.rows = rows;
    }

    /// The input, `[rows, inputs]` row-major.
    pub fn input_mut(&mut self) -> &mut [T] {
        &mut self.values[0].data[..self.rows * self.inputs]
    }

    /// The labels, one a row, each below the network's number of outputs.
    pub fn labels_mut(&mut self) -> &mut [u16] {
        &mut self.labels[..self.rows]
    }

    /// Input and labels at once, to be filled together.
    pub fn batch_mut(&mut self) -> (&mut [T], &mut [u16]) {
        (&mut self.values[0].data[..self.rows * self.inputs], &mut self.labels[..self.rows])
    }

    /// Whether the network has dropout, whose masks must be redrawn for every minibatch.
    pub fn has_dropout(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Dropout { .. }))
    }

    /// Draws new dropout masks for a range of rows, layer by layer. A minibatch takes the same numbers from the stream
    /// wherever in a larger plan its rows stand.
    ///
    /// # Panics
    /// If the range exceeds the rows.
    pub fn draw_dropout(&mut self, rows: std::ops::Range<usize>, stream: &mut Stream) {
        for op in &mut self.ops {
            if let Op::Dropout { at, keep, mask, .. } = op {
                let width = self.values[*at].width;
                let kept = T::of(1.0 / *keep);
                for x in &mut mask[rows.start * width..rows.end * width] {
                    *x = if stream.bernoulli(*keep) { kept } else { T::zero() };
                }
            }
        }
    }

    /// Mean loss over the rows.
    ///
    /// # Panics
    /// If the length of `params` is not the network's, or a label is not below the number of outputs.
    pub fn loss(&mut self, params: &[T]) -> f64 {
        self.forward(params);
        self.finish(None)
    }

    /// Mean loss over the rows; overwrites `gradients` with its gradient.
    ///
    /// # Panics
    /// As [`loss`](Plan::loss), and if `gradients` has another length.
    pub fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> f64 {
        assert_eq!(gradients.len(), self.parameters, "length of the gradient vector");
        self.forward(params);
        let loss = self.finish(Some(T::of(1.0 / self.rows as f64)));
        self.backward(params, gradients);
        loss
    }

    fn forward(&mut self, params: &[T]) {
        assert_eq!(params.len(), self.parameters, "length of the parameter vector");
        let rows = self.rows;
        for op in &mut self.ops {
            match *op {
                Op::Dense { from, to, weights, bias, relu, .. } => {
                    let (x, y) = pair(&mut self.values, from, to);
                    let (w, b) = (&params[weights..bias], &params[bias..bias + y.width]);
                    T::gemm(
                        self.backend,
                        MatrixRef::new(&x.data, rows, x.width),
                        MatrixRef::new(w, x.width, y.width),
                        Start::Bias(b),
                        relu,
                        &mut y.data[..rows * y.width],
                        &mut self.scratch,
                    );
                }
                Op::Copy { from, to } => copy_rows(&mut self.values, from, to, rows),
                Op::Activate { fused: true, .. } => {}
                Op::Activate { activation, from, to, .. } => {
                    if from != to {
                        copy_rows(&mut self.values, from, to, rows);
                    }
                    let y = &mut self.values[to];
                    T::activate(self.backend, activation, &mut y.data[..rows * y.width]);
                }
                Op::FrozenBatchNorm { at, beta, .. } => {
                    let y = &mut self.values[at];
                    let beta = &params[beta..beta + y.width];
                    let scale = T::of(FROZEN_SCALE);
                    for row in y.data[..rows * y.width].chunks_exact_mut(y.width) {
                        for (y, &b) in row.iter_mut().zip(beta) {
                            *y = *y * scale + b;
                        }
                    }
                }
                Op::LayerNorm { from, to, gamma, beta, ref mut inverse_std, .. } => {
                    let (x, y) = pair(&mut self.values, from, to);
                    let width = x.width;
                    let (gamma, beta) = (&params[gamma..gamma + width], &params[beta..beta + width]);
                    let rows = x.data[..rows * width].chunks_exact_mut(width);
                    for ((x, y), inverse) in rows.zip(y.data.chunks_exact_mut(width)).zip(inverse_std) {
                        *inverse = normalise(x);
                        for j in 0..width {
                            y[j] = x[j] * gamma[j] + beta[j];
                        }
                    }
                }
                Op::Dropout { at, ref mask, .. } => {
                    let y = &mut self.values[at];
                    multiply(&mut y.data[..rows * y.width], mask);
                }
            }
        }
    }

    /// Mean loss from the logits, which become the scaled gradient if `scale` is given.
    fn finish(&mut self, scale: Option<T>) -> f64 {
        let Some(last) = self.values.last_mut() else { return f64::NAN };
        let logits = &mut last.data[..self.rows * last.width];
        let labels = &self.labels[..self.rows];
        let sum = match self.loss {
            Loss::SoftmaxCrossEntropy => T::softmax_cross_entropy(self.backend, logits, labels, scale),
            Loss::SigmoidSquaredError => T::sigmoid_squared_error(self.backend, logits, labels, scale),
        };
        sum / self.rows as f64
    }

    fn backward(&mut self, params: &[T], gradients: &mut [T]) {
        let rows = self.rows;
        if self.deltas.is_empty() {
            self.allocate_deltas();
        }
        let last = self.values.len() - 1;
        let outer = self.ops.iter().rev().find_map(|op| match *op {
            Op::Dense { to, .. } => Some(to),
            _ => None,
        });
        let outer = outer.unwrap_or(last);
        // The logits have become their own gradient: it changes places instead of being copied.
        std::mem::swap(&mut self.values[last].data, &mut self.deltas[outer]);
        for op in self.ops.iter().rev() {
            match *op {
                Op::Dense { from, to, weights, bias, delta_from, .. } => {
                    let (x, width) = (&self.values[from], self.values[to].width);
                    column_sums(&self.deltas[to][..rows * width], &mut gradients[bias..bias + width]);
                    let dy = MatrixRef::new(&self.deltas[to], rows, width);
                    T::gemm(
                        self.backend,
                        MatrixRef::new(&x.data, rows, x.width).transposed(),
                        dy,
                        Start::Zero,
                        false,
                        &mut gradients[weights..bias],
                        &mut self.scratch,
                    );
                    if let Some(delta_from) = delta_from {
                        let (dy, dx) = pair(&mut self.deltas, to, delta_from);
                        let w = MatrixRef::new(&params[weights..bias], x.width, width).transposed();
                        T::gemm(
                            self.backend,
                            MatrixRef::new(dy, rows, width),
                            w,
                            Start::Zero,
                            false,
                            &mut dx[..rows * x.width],
                            &mut self.scratch,
                        );
                    }
                }
                // The gradient is transformed in place, wherever the values are.
                Op::Copy { .. } => {}
                Op::Activate { activation, from, to, delta, .. } => {
                    let saved = if activation.derivative_needs_input() { from } else { to };
                    let saved = &self.values[saved];
                    let count = rows * saved.width;
                    let delta = &mut self.deltas[delta][..count];
                    T::multiply_by_derivative(self.backend, activation, &saved.data[..count], delta);
                }
                Op::FrozenBatchNorm { at, beta, delta } => {
                    let width = self.values[at].width;
                    let delta = &mut self.deltas[delta][..rows * width];
                    column_sums(delta, &mut gradients[beta..beta + width]);
                    let scale = T::of(FROZEN_SCALE);
                    delta.iter_mut().for_each(|d| *d = *d * scale);
                }
                Op::LayerNorm { from, gamma, beta, delta, ref inverse_std, .. } => {
                    let x = &self.values[from];
                    let delta = &mut self.deltas[delta][..rows * x.width];
                    column_sums(delta, &mut gradients[beta..beta + x.width]);
                    let scale = &params[gamma..gamma + x.width];
                    let scale_gradient = &mut gradients[gamma..gamma + x.width];
                    scale_gradient.fill(T::zero());
                    let rows = delta.chunks_exact_mut(x.width).zip(x.data.chunks_exact(x.width));
                    for ((d, x), &inverse) in rows.zip(inverse_std) {
                        for (g, (&d, &x)) in scale_gradient.iter_mut().zip(d.iter().zip(x)) {
                            *g = *g + d * x;
                        }
                        multiply(d, scale);
                        normalise_backward(d, x, inverse);
                    }
                }
                Op::Dropout { at, delta, ref mask, .. } => {
                    let count = rows * self.values[at].width;
                    multiply(&mut self.deltas[delta][..count], mask);
                }
            }
        }
        std::mem::swap(&mut self.values[last].data, &mut self.deltas[outer]);
    }

    fn allocate_deltas(&mut self) {
        self.deltas = vec![Vec::new(); self.values.len()];
        for op in &self.ops {
            if let Op::Dense { delta_from: Some(from), .. } = *op {
                self.deltas[from] = vec![T::zero(); self.capacity * self.values[from].width];
            }
        }
    }
}

/// Normalises a row to mean 0 and variance 1; returns the inverse standard deviation.
fn normalise<T: Scalar>(row: &mut [T]) -> T {
    let n = T::of(row.len() as f64);
    let mean = row.iter().copied().sum::<T>() / n;
    row.iter_mut().for_each(|x| *x = *x - mean);
    let variance = row.iter().map(|&x| x * x).sum::<T>() / n;
    let inverse = T::one() / (variance + T::of(LAYER_NORM_EPSILON)).sqrt();
    row.iter_mut().for_each(|x| *x = *x * inverse);
    inverse
}

/// The gradient through [`normalise`], in place; `x` are its outputs.
fn normalise_backward<T: Scalar>(delta: &mut [T], x: &[T], inverse: T) {
    let n = T::of(delta.len() as f64);
    let mean = delta.iter().copied().sum::<T>() / n;
    let along = delta.iter().zip(x).map(|(&d, &x)| d * x).sum::<T>() / n;
    for (d, &x) in delta.iter_mut().zip(x) {
        *d = inverse * (*d - mean - x * along);
    }
}

fn multiply<T: Scalar>(values: &mut [T], factors: &[T]) {
    for (x, &f) in values.iter_mut().zip(factors) {
        *x = *x * f;
    }
}

/// Plans a copy of the values of a buffer into a new one, and gives its number.
fn copy<T: Scalar>(ops: &mut Vec<Op<T>>, values: &mut Vec<Buffer<T>>, from: usize) -> usize {
    let to = values.len();
    values.push(values[from].clone());
    ops.push(Op::Copy { from, to });
    to
}

/// Copies the first rows of a buffer to another one of the same width.
fn copy_rows<T: Scalar>(values: &mut [Buffer<T>], from: usize, to: usize, rows: usize) {
    let (x, y) = pair(values, from, to);
    let count = rows * x.width;
    y.data[..count].copy_from_slice(&x.data[..count]);
}

/// Two different elements, both mutable.
fn pair<X>(all: &mut [X], a: usize, b: usize) -> (&mut X, &mut X) {
    if a < b {
        let (low, high) = all.split_at_mut(b);
        (&mut low[a], &mut high[0])
    } else {
        let (low, high) = all.split_at_mut(a);
        (&mut high[0], &mut low[b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Initializer;
    use proptest::prelude::*;
    use taskset_rng::StreamId;

    const LOSSES: [Loss; 2] = [Loss::SoftmaxCrossEntropy, Loss::SigmoidSquaredError];

    fn stream(label: &str) -> Stream {
        StreamId::root("plan-tests").child(label).stream()
    }

    /// A plan with a random batch, and random parameters with non-zero biases.
    fn started<T: Scalar>(network: &Network, rows: usize, backend: Backend) -> (Plan<T>, Vec<T>) {
        let mut plan = Plan::with_backend(network, rows, backend);
        let mut s = stream("batch");
        let classes = network.outputs() as u64;
        let (input, labels) = plan.batch_mut();
        input.iter_mut().for_each(|x| *x = T::of(s.normal()));
        labels.iter_mut().for_each(|y| *y = s.below(classes) as u16);
        plan.draw_dropout(0..rows, &mut s);
        let mut params = vec![T::zero(); network.parameter_count()];
        network.init(Initializer::HeNormal, &mut params, &mut stream("init"));
        let mut s = stream("shift");
        params.iter_mut().for_each(|p| *p = *p + T::of(0.1 * s.normal()));
        (plan, params)
    }

    /// Gradients against central differences in f64; f32 on every backend against f64.
    fn check(network: &Network, rows: usize) {
        let (mut plan, params) = started::<f64>(network, rows, Backend::portable());
        let mut gradients = vec![f64::NAN; params.len()];
        let loss = plan.loss_and_gradients(&params, &mut gradients);
        assert!((loss - plan.loss(&params)).abs() < 1e-14);
        let norm = gradients.iter().map(|g| g * g).sum::<f64>().sqrt();
        let step = (params.len() / 60).max(1);
        for i in (0..params.len()).step_by(step) {
            let h = 1e-6;
            let mut at = |by: f64| {
                let mut params = params.clone();
                params[i] += by;
                plan.loss(&params)
            };
            let difference = (at(h) - at(-h)) / (2.0 * h);
            let error = (gradients[i] - difference).abs();
            assert!(error <= 1e-5 * difference.abs() + 1e-7 * norm, "{i}: {} {difference}", gradients[i]);
        }
        for backend in Backend::available() {
            let (mut plan, params) = started::<f32>(network, rows, backend);
            let mut single = vec![f32::NAN; params.len()];
            let loss32 = plan.loss_and_gradients(&params, &mut single);
            assert!((loss32 - loss).abs() < 1e-5 * loss.max(1.0), "{} {loss32} {loss}", backend.name());
            let distance =
                single.iter().zip(&gradients).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
            assert!(distance < 1e-5 * norm, "{} {distance:e} {norm:e}", backend.name());
            let mut again = vec![f32::NAN; params.len()];
            assert_eq!(plan.loss_and_gradients(&params, &mut again).to_bits(), loss32.to_bits());
            assert!(single.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn gradients_of_every_activation_and_loss() {
        for activation in Activation::ALL {
            for loss in LOSSES {
                check(&Network::mlp(7, &[9, 5, 4], activation, loss), 6);
            }
        }
        check(&Network::mlp(20, &[3], Activation::Relu, Loss::SoftmaxCrossEntropy), 5);
        check(&Network::mlp(40, &[33, 17, 40, 11], Activation::Tanh, Loss::SoftmaxCrossEntropy), 17);
    }

    #[test]
    fn gradients_through_norms_and_dropout() {
        for norm in [Layer::FrozenBatchNorm, Layer::LayerNorm, Layer::Dropout { keep: 0.6 }] {
            for activation in [Activation::Tanh, Activation::Relu, Activation::Swish] {
                let mut layers = Vec::new();
                for outputs in [8, 6] {
                    layers.extend([Layer::Dense { outputs }, norm, Layer::Activation(activation)]);
                }
                layers.push(Layer::Dense { outputs: 5 });
                check(&Network { inputs: 7, layers, loss: Loss::SoftmaxCrossEntropy }, 6);
            }
        }
    }

    /// Layers in place behind an activation must not overwrite what its derivative is computed from.
    #[test]
    fn gradients_through_what_follows_an_activation() {
        let (first, last) = (Layer::Dense { outputs: 8 }, Layer::Dense { outputs: 5 });
        let mut followers = vec![Layer::FrozenBatchNorm, Layer::LayerNorm, Layer::Dropout { keep: 0.6 }];
        followers.extend([Activation::Sigmoid, Activation::Swish].map(Layer::Activation));
        for activation in Activation::ALL.map(Layer::Activation) {
            let mut stacks = vec![vec![activation]];
            for &follower in &followers {
                stacks.extend([vec![activation, follower], vec![activation, follower, last]]);
                stacks.push(vec![activation, follower, activation, last]);
            }
            for stack in stacks {
                let layers = [vec![first], stack].concat();
                check(&Network { inputs: 7, layers, loss: Loss::SoftmaxCrossEntropy }, 6);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn gradients_of_every_shape(
            inputs in 1usize..60, hidden in prop::collection::vec(1usize..50, 0..4), classes in 1usize..20,
            rows in 1usize..20, activation in prop::sample::select(&[Activation::Tanh, Activation::Cos, Activation::Swish][..]),
            loss in prop::sample::select(&LOSSES[..]),
        ) {
            let sizes: Vec<usize> = hidden.into_iter().chain([classes]).collect();
            // One class has no gradient in cross-entropy: nothing to compare.
            prop_assume!(classes > 1 || loss == Loss::SigmoidSquaredError);
            check(&Network::mlp(inputs, &sizes, activation, loss), rows);
        }
    }

    #[test]
    fn fewer_rows_are_the_same_rows() {
        let network = Network::mlp(30, &[20, 4], Activation::Elu, Loss::SoftmaxCrossEntropy);
        let (mut large, params) = started::<f32>(&network, 24, Backend::detect());
        let mut sum = 0.0;
        for part in 0..3 {
            let mut small = Plan::<f32>::new(&network, 24);
            small.set_rows(8);
            small.input_mut().copy_from_slice(&large.input_mut()[part * 8 * 30..(part + 1) * 8 * 30]);
            small.labels_mut().copy_from_slice(&large.labels_mut()[part * 8..(part + 1) * 8]);
            sum += small.loss(&params);
        }
        assert!((sum / 3.0 - large.loss(&params)).abs() < 1e-12);
    }

    #[test]
    fn the_initial_loss_of_small_weights_is_the_logarithm_of_the_classes() {
        let network = Network::mlp(50, &[30, 10], Activation::Relu, Loss::SoftmaxCrossEntropy);
        let (mut plan, mut params) = started::<f32>(&network, 64, Backend::detect());
        network.init(Initializer::RandomNormal { std: 1e-3 }, &mut params, &mut stream("small"));
        assert!((plan.loss(&params) - 10f64.ln()).abs() < 1e-3);
    }

    #[test]
    fn gradient_steps_lower_the_loss() {
        for loss in LOSSES {
            let network = Network::mlp(16, &[32, 32, 10], Activation::Relu, loss);
            let (mut plan, mut params) = started::<f32>(&network, 32, Backend::detect());
            let mut gradients = params.clone();
            let first = plan.loss(&params);
            for _ in 0..50 {
                plan.loss_and_gradients(&params, &mut gradients);
                params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.1 * g);
            }
            assert!(plan.loss(&params) < 0.9 * first, "{loss:?}");
        }
    }

    #[test]
    fn diverged_parameters_give_nan() {
        for activation in Activation::ALL {
            let network = Network::mlp(16, &[32, 32, 10], activation, Loss::SoftmaxCrossEntropy);
            for backend in Backend::available() {
                let (mut plan, params) = started::<f32>(&network, 4, backend);
                for i in [0, 16 * 32 + 5, params.len() - 1] {
                    let mut params = params.clone();
                    params[i] = f32::NAN;
                    let mut gradients = params.clone();
                    assert!(plan.loss_and_gradients(&params, &mut gradients).is_nan(), "{activation:?} {i}");
                    assert!(gradients.iter().any(|g| g.is_nan()));
                }
            }
        }
    }
}
