//! Planned execution of a [`Network`]: a fixed list of steps over buffers allocated once.

use std::ops::Range;

use taskset_rng::Stream;

use crate::kernels::Scratch;
use crate::losses::LossPlanning;
use crate::network::InvalidNetwork;
use crate::step::{Gradients, Objective, Pass, Planning, Step};
use crate::{Backend, Layer, Network, Scalar, Shape};

/// A network planned for a number of rows. Fill the [`batch_mut`](Plan::batch_mut), then ask for the loss, or the loss
/// and gradients, at any parameters; the batch stays as it is.
///
/// After the first step nothing is allocated. Results depend on the parameters, the batch, the noise drawn with it and
/// the backend only.
#[derive(Debug)]
pub struct Plan<T> {
    backend: Backend,
    /// The steps with their ranges of the flat parameter vector.
    steps: Vec<(Box<dyn Step<T>>, Range<usize>)>,
    objective: Box<dyn Objective<T>>,
    objective_range: Range<usize>,
    /// Numbers per row: before the first step, after it, …, after the last.
    widths: Vec<usize>,
    /// Whether the step of this number, or one before it, has parameters, so that its output needs a gradient.
    learns: Vec<bool>,
    /// The position in the network of the layer of each step.
    #[cfg(feature = "candle")]
    layers: Vec<usize>,
    parameters: usize,
    capacity: usize,
    rows: usize,
    /// `values[0]` is the input, `values[i + 1]` the output of step `i` if a backward pass follows.
    values: Vec<Vec<T>>,
    /// The index into `values` of where step `i` writes if no backward pass follows: a few buffers, used again and again,
    /// stay in the cache.
    reused: Vec<usize>,
    /// Gradients with respect to `values`; allocated by the first backward pass where needed.
    deltas: Vec<Vec<T>>,
    /// Tokens of a row.
    length: usize,
    tokens: Vec<u16>,
    labels: Vec<u16>,
    labels_per_row: usize,
    scratch: Scratch<T>,
}

/// Random numbers that do not fit a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNoise {
    /// Another number of steps with noise.
    #[error("noise for {found} steps, but {expected} have some")]
    Count {
        /// Steps with noise, the loss included.
        expected: usize,
        /// Slices given.
        found: usize,
    },
    /// Another number of random numbers.
    #[error("noise {part} (counted from 0) has {found} numbers, not {expected}")]
    Length {
        /// Which slice.
        part: usize,
        /// Numbers of all rows in use.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
}

/// The minibatch of a [`Plan`], to be filled.
#[derive(Debug)]
pub struct BatchMut<'a, T> {
    /// Number of rows (examples).
    pub row_count: usize,
    /// Input numbers, row-major `[rows, …]`; empty if the input is tokens.
    pub features: &'a mut [T],
    /// Input tokens, `[rows, length]`, each below the vocabulary; empty unless the input is tokens.
    pub tokens: &'a mut [u16],
    /// Labels, `[rows, labels per row]` ([`Network::labels_per_row`], 1 for most losses), each below the number of classes or,
    /// where the loss has several per row, [`NO_LABEL`](crate::NO_LABEL); only losses over classes read them.
    pub labels: &'a mut [u16],
}

impl<T> BatchMut<'_, T> {
    /// A range of rows of the batch.
    ///
    /// # Panics
    /// If the range exceeds the rows.
    #[must_use]
    pub fn rows(self, range: Range<usize>) -> Self {
        fn part<'a, U>(all: &'a mut [U], rows: usize, range: &Range<usize>) -> &'a mut [U] {
            let width = all.len() / rows.max(1);
            &mut all[range.start * width..range.end * width]
        }
        let rows = self.row_count;
        assert!(range.end <= rows, "rows {range:?} of {rows}");
        Self {
            row_count: range.len(),
            features: part(self.features, rows, &range),
            tokens: part(self.tokens, rows, &range),
            labels: part(self.labels, rows, &range),
        }
    }
}

impl<T: Scalar> Plan<T> {
    /// A plan for `rows` rows with the machine's best kernels.
    ///
    /// # Errors
    /// [`InvalidNetwork`] if the network's parts do not fit together.
    pub fn new(network: &Network, rows: usize) -> Result<Self, InvalidNetwork> {
        Self::with_backend(network, rows, Backend::detect())
    }

    /// A plan for `rows` rows with the kernels of a backend.
    ///
    /// # Errors
    /// As [`new`](Plan::new).
    pub fn with_backend(network: &Network, rows: usize, backend: Backend) -> Result<Self, InvalidNetwork> {
        let shapes = network.shapes()?;
        let counts = network.counts();
        let taken = match network.layers.last() {
            Some(Layer::Dense(dense)) if network.loss.takes_dense() => Some(dense.outputs),
            _ => None,
        };
        let planned = network.layers.len() - usize::from(taken.is_some());
        let (mut steps, mut widths) = (Vec::new(), vec![network.input.len()]);
        let mut learns = Vec::new();
        #[cfg(feature = "candle")]
        let mut layers = Vec::new();
        let (mut offset, mut learning) = (0, false);
        let mut i = 0;
        while i < planned {
            let mut range = offset..offset + counts[i];
            let tokens = network.token_input(i).filter(|_| i + 1 < planned);
            if tokens.is_some() {
                i += 1;
                range.end += counts[i];
            }
            let layer = &network.layers[i];
            let activation = match network.layers[i + 1..planned].first() {
                Some(Layer::Activation(activation)) if layer.fuses_activation() => Some(*activation),
                _ => None,
            };
            offset = range.end;
            let unused_steps = match shapes[i + 1] {
                Shape::Sequence { length, .. } if i + 1 == planned => network.loss.unused_steps(length),
                _ => 0,
            };
            let planning = Planning { input: shapes[i], rows, activation, tokens, unused_steps };
            if let Some(step) = layer.step(planning) {
                learning |= !range.is_empty();
                steps.push((step, range));
                widths.push(shapes[i + 1].len());
                learns.push(learning);
                #[cfg(feature = "candle")]
                layers.push(i);
            }
            i += 1 + usize::from(activation.is_some());
        }
        let objective = network.loss.plan(LossPlanning {
            input: network.input,
            values: shapes[planned],
            dense: taken,
            rows,
        });
        let parameters = network.parameter_count();
        let labels_per_row = network.labels_per_row();
        let length = if let Shape::Tokens { length, .. } = network.input { length } else { 0 };
        Ok(Self {
            backend,
            steps,
            objective,
            objective_range: offset..parameters,
            values: widths.iter().map(|width| vec![T::zero(); rows * width]).collect(),
            reused: reused(&widths),
            deltas: Vec::new(),
            widths,
            learns,
            #[cfg(feature = "candle")]
            layers,
            parameters,
            capacity: rows,
            rows,
            length,
            tokens: vec![0; rows * length],
            labels: vec![0; rows * labels_per_row],
            labels_per_row,
            scratch: Scratch::default(),
        })
    }

    /// Number of rows in use.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Uses only so many rows from now on.
    ///
    /// # Panics
    /// If the plan was made for fewer rows.
    pub fn set_rows(&mut self, rows: usize) {
        assert!(rows <= self.capacity, "planned for {} rows, not {rows}", self.capacity);
        self.rows = rows;
    }

    /// The batch, to be filled.
    pub fn batch_mut(&mut self) -> BatchMut<'_, T> {
        BatchMut {
            row_count: self.rows,
            features: &mut self.values[0][..self.rows * self.widths[0]],
            tokens: &mut self.tokens[..self.rows * self.length],
            labels: &mut self.labels[..self.rows * self.labels_per_row],
        }
    }

    /// The input numbers, `[rows, …]` row-major.
    pub fn input_mut(&mut self) -> &mut [T] {
        self.batch_mut().features
    }

    /// The labels, `[rows, labels per row]`.
    pub fn labels_mut(&mut self) -> &mut [u16] {
        self.batch_mut().labels
    }

    /// Draws the random numbers of a range of rows (dropout masks, latent samples, pixel noise), layer by layer, the
    /// loss last. A minibatch takes the same numbers from the stream, whichever rows of a larger plan it has.
    ///
    /// # Panics
    /// If the range exceeds the rows planned for.
    pub fn draw_noise(&mut self, rows: Range<usize>, stream: &mut Stream) {
        for (step, _) in &mut self.steps {
            step.draw_noise(rows.clone(), stream);
        }
        self.objective.draw_noise(rows, stream);
    }

    /// The random numbers of the rows planned for, step by step, those of the loss last; `None` for deterministic steps. The
    /// documentation of [`Dropout`](crate::Dropout), [`GaussianNoise`](crate::GaussianNoise), [`Latent`](crate::Latent) and
    /// [`Loss::GaussianLikelihood`](crate::Loss::GaussianLikelihood) says what they mean.
    pub fn noise(&self) -> impl Iterator<Item = Option<&[T]>> {
        let objective = std::iter::once_with(|| self.objective.noise());
        self.steps.iter().map(|(step, _)| step.noise()).chain(objective)
    }

    /// Puts given random numbers in the place of drawn ones: for comparisons with another implementation, which has used
    /// these numbers. `noise` has one slice of `rows · n` numbers for each step that has noise, in the order of
    /// [`noise`](Plan::noise) without the `None`s, where `n` is the step's number of random numbers per row.
    ///
    /// # Errors
    /// [`InvalidNoise`] if a slice is missing, superfluous, or of another length; then no number has changed.
    pub fn set_noise(&mut self, noise: &[&[T]]) -> Result<(), InvalidNoise> {
        let (rows, capacity) = (self.rows, self.capacity);
        let in_use = |numbers: &[T]| rows * (numbers.len() / capacity.max(1));
        let expected: Vec<usize> = self.noise().flatten().map(in_use).collect();
        if noise.len() != expected.len() {
            return Err(InvalidNoise::Count { expected: expected.len(), found: noise.len() });
        }
        for (part, (&expected, given)) in expected.iter().zip(noise).enumerate() {
            if given.len() != expected {
                return Err(InvalidNoise::Length { part, expected, found: given.len() });
            }
        }
        let steps = self.steps.iter_mut().filter_map(|(step, _)| step.noise_mut());
        for (own, given) in steps.chain(self.objective.noise_mut()).zip(noise) {
            own[..given.len()].copy_from_slice(given);
        }
        Ok(())
    }

    /// The loss: the mean over the rows for most ([`Loss`](crate::Loss)).
    ///
    /// # Panics
    /// If `params` does not have the network's length, or a label is not below the number of classes.
    pub fn loss(&mut self, params: &[T]) -> f64 {
        self.forward(params, false) + self.objective_pass(params, None)
    }

    /// The loss; overwrites `gradients` with its gradient.
    ///
    /// # Panics
    /// As [`loss`](Plan::loss), and if `gradients` has another length.
    pub fn loss_and_gradients(&mut self, params: &[T], gradients: &mut [T]) -> f64 {
        assert_eq!(gradients.len(), self.parameters, "length of the gradient vector");
        if self.deltas.is_empty() {
            // Nothing before the first parameters needs a gradient.
            let wanted = std::iter::once(false).chain(self.learns.iter().copied());
            let delta = |(&width, wanted)| vec![T::zero(); if wanted { self.capacity * width } else { 0 }];
            self.deltas = self.widths.iter().zip(wanted).map(delta).collect();
        }
        let added = self.forward(params, true);
        let loss = added + self.objective_pass(params, Some(gradients));
        self.backward(params, gradients);
        loss
    }

    fn forward(&mut self, params: &[T], keep: bool) -> f64 {
        assert_eq!(params.len(), self.parameters, "length of the parameter vector");
        let rows = self.rows;
        let (mut added, mut from) = (0.0, 0);
        for (i, (step, range)) in self.steps.iter_mut().enumerate() {
            let to = if keep { i + 1 } else { self.reused[i] };
            let mut y = std::mem::take(&mut self.values[to]);
            let pass = Pass {
                backend: self.backend,
                rows,
                keep,
                params: &params[range.clone()],
                input: &self.values[0][..rows * self.widths[0]],
                tokens: &self.tokens[..rows * self.length],
                labels: &self.labels[..rows * self.labels_per_row],
                scratch: &mut self.scratch,
            };
            let x = &self.values[from][..rows * self.widths[i]];
            added += step.forward(pass, x, &mut y[..rows * self.widths[i + 1]]);
            self.values[to] = y;
            from = to;
        }
        added / rows as f64
    }

    fn objective_pass(&mut self, params: &[T], gradients: Option<&mut [T]>) -> f64 {
        let rows = self.rows;
        let last = self.steps.len();
        let place = if gradients.is_some() { last } else { self.reused.last().copied().unwrap_or(0) };
        let wanted = self.learns.last().copied().unwrap_or(false);
        let pass = Pass {
            backend: self.backend,
            rows,
            keep: gradients.is_some(),
            params: &params[self.objective_range.clone()],
            input: &self.values[0][..rows * self.widths[0]],
            tokens: &self.tokens[..rows * self.length],
            labels: &self.labels[..rows * self.labels_per_row],
            scratch: &mut self.scratch,
        };
        let x = &self.values[place][..rows * self.widths[last]];
        let deltas = &mut self.deltas;
        let gradients = gradients.map(|gradients| Gradients {
            dx: if wanted { Some(&mut deltas[last][..rows * self.widths[last]]) } else { None },
            params: &mut gradients[self.objective_range.clone()],
        });
        self.objective.evaluate(pass, x, gradients)
    }

    fn backward(&mut self, params: &[T], gradients: &mut [T]) {
        let rows = self.rows;
        for (i, (step, range)) in self.steps.iter_mut().enumerate().rev() {
            if !self.learns[i] {
                break;
            }
            let pass = Pass {
                backend: self.backend,
                rows,
                keep: true,
                params: &params[range.clone()],
                input: &self.values[0][..rows * self.widths[0]],
                tokens: &self.tokens[..rows * self.length],
                labels: &self.labels[..rows * self.labels_per_row],
                scratch: &mut self.scratch,
            };
            let (before, behind) = self.deltas.split_at_mut(i + 1);
            let dx = (i > 0 && self.learns[i - 1]).then(|| &mut before[i][..rows * self.widths[i]]);
            step.backward(
                pass,
                &self.values[i][..rows * self.widths[i]],
                &self.values[i + 1][..rows * self.widths[i + 1]],
                &mut behind[0][..rows * self.widths[i + 1]],
                dx,
                &mut gradients[range.clone()],
            );
        }
    }
}

/// Which buffer each step writes to when no backward pass follows, given the numbers per row before the first step, after
/// it, …: the smallest buffer in use that is large enough and is not the one that the step reads. The input is kept.
fn reused(widths: &[usize]) -> Vec<usize> {
    let mut places = Vec::with_capacity(widths.len());
    let mut from = 0;
    for (i, &width) in widths.iter().enumerate().skip(1) {
        let earlier = places.iter().copied().filter(|&place| place != from && widths[place] >= width);
        from = earlier.min_by_key(|&place| widths[place]).unwrap_or(i);
        places.push(from);
    }
    places
}

#[cfg(feature = "candle")]
mod candle {
    use candle_core::{Device, Result as CandleResult, Tensor, WithDType};

    use super::Plan;
    use crate::Scalar;
    use crate::reference::Batch;

    impl<T: Scalar + WithDType> Plan<T> {
        /// The minibatch and its noise as the [reference](crate::reference) takes them, on the CPU.
        ///
        /// # Errors
        /// Errors of candle.
        pub fn reference_batch(&self) -> CandleResult<Batch> {
            let (rows, cpu) = (self.rows, &Device::Cpu);
            let tensor = |values: &[T]| Tensor::from_slice(values, values.len(), cpu);
            let numbers = |ids: &[u16]| {
                let wide: Vec<u32> = ids.iter().map(|&id| u32::from(id)).collect();
                Tensor::from_slice(&wide, wide.len(), cpu)
            };
            let mut noise = Vec::new();
            let in_use = |values: &[T]| tensor(&values[..rows * (values.len() / self.capacity)]);
            for ((step, _), &layer) in self.steps.iter().zip(&self.layers) {
                noise.resize_with(layer, || None);
                noise.push(step.noise().map(in_use).transpose()?);
            }
            Ok(Batch {
                features: tensor(&self.values[0][..rows * self.widths[0]])?,
                tokens: numbers(&self.tokens[..rows * self.length])?,
                labels: numbers(&self.labels[..rows * self.labels_per_row])?,
                noise,
                loss_noise: self.objective.noise().map(in_use).transpose()?,
            })
        }
    }
}

#[cfg(test)]
mod tests;
