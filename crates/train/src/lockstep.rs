//! The training step: trials of one task and replica that differ only in their optimizers, on shared minibatches.

use std::sync::Arc;

use taskset_names::Split;
use taskset_optim::{Error, Facts, Optimizer, Run, Step};
use taskset_tasks::{Feed, Problem, Task};

use crate::replica_stream;

/// Trials in lockstep, between two steps.
pub(crate) struct Lockstep<'a> {
    task: &'a dyn Task,
    pub(crate) problem: Box<dyn Problem<f32>>,
    /// Number of parameters of a trial (1 if there is none, so that rows have a length).
    n: usize,
    /// The trials that are still trained; each has a row of `params` and of `gradients`.
    pub(crate) running: Vec<Running>,
    /// `[running, n]`.
    pub(crate) params: Vec<f32>,
    /// Of the last minibatch, `[running, n]`.
    pub(crate) gradients: Vec<f32>,
    /// Of the last minibatch, one per running trial.
    pub(crate) losses: Vec<f32>,
    /// Where the trials are evaluated, `[running, n]`; empty if all are evaluated at `params`.
    evaluation: Vec<f32>,
    /// For each trial, the first step whose training loss is not finite, or after which all parameters are NaN.
    pub(crate) diverged_at: Vec<Option<u32>>,
}

/// A trial that is still trained.
pub(crate) struct Running {
    /// Its number, from 0.
    pub(crate) trial: usize,
    run: Box<dyn Run<f32>>,
    facts: Facts,
}

impl<'a> Lockstep<'a> {
    /// One trial per optimizer, all at the initial parameters of the replica.
    pub(crate) fn start(
        task: &'a dyn Task,
        optimizers: &[&dyn Optimizer],
        replica: u32,
    ) -> Result<Self, Error> {
        let stream = replica_stream(task.name(), replica);
        let mut problem = task.start(&stream);
        let layout = Arc::new(task.layout().clone());
        let n = layout.len();
        let mut start = vec![0.0_f32; n];
        problem.init(&mut start);
        // The same for every optimizer, as everything random of a replica.
        let noise = stream.child("optimizer");
        let running = |(trial, optimizer): (usize, &&dyn Optimizer)| {
            let run = optimizer.start(&layout, &start, &noise)?;
            Ok(Running { trial, run, facts: optimizer.facts() })
        };
        let running = optimizers.iter().enumerate().map(running).collect::<Result<Vec<Running>, Error>>()?;
        let elsewhere = running.iter().any(|trial| trial.facts.evaluates_elsewhere);
        Ok(Self {
            task,
            problem,
            n: n.max(1),
            evaluation: vec![0.0; if elsewhere { n * running.len() } else { 0 }],
            running,
            params: start.repeat(optimizers.len()),
            gradients: vec![0.0; n * optimizers.len()],
            losses: vec![0.0; optimizers.len()],
            diverged_at: vec![None; optimizers.len()],
        })
    }

    /// The first half of a step: draws a training minibatch and computes every trial's loss and gradient.
    pub(crate) fn differentiate(&mut self) {
        self.problem.next_batch(Feed::Training);
        self.problem.losses_and_gradients(&self.params, &mut self.gradients, &mut self.losses);
    }

    /// The second half of a step, after `done` steps: every trial's update. Trials whose parameters are all NaN end where
    /// the task says that they cannot recover.
    pub(crate) fn update(&mut self, done: u32) {
        let rows = self.params.chunks_exact_mut(self.n).zip(self.gradients.chunks_exact(self.n));
        let mut any_nan = false;
        let mask = self.problem.constraint_mask();
        for ((trial, &loss), (params, gradients)) in self.running.iter_mut().zip(&self.losses).zip(rows) {
            if !loss.is_finite() {
                self.diverged_at[trial.trial].get_or_insert(done);
            }
            let mask = mask.filter(|_| trial.facts.projects);
            trial.run.update(Step::new(gradients).with_loss(loss).with_mask(mask), params);
            project(params, mask);
            any_nan |= trial.facts.keeps_nan && params.first().is_some_and(|p| p.is_nan());
        }
        if any_nan && self.task.capabilities().nan_is_absorbing {
            self.end_lost_trials(done + 1);
        }
    }

    /// Mean losses on a split, one per running trial, each at the parameters where its optimizer wants to be evaluated.
    pub(crate) fn mean_losses(&mut self, split: Split, batches: u32, means: &mut [f64]) {
        let params = if self.evaluation.is_empty() { &self.params } else { &self.evaluation };
        self.problem.mean_losses(split, params, batches, means);
    }

    /// Prepares the parameters of the next [`mean_losses`](Self::mean_losses). Those of an optimizer that evaluates
    /// elsewhere are projected as those of training are.
    pub(crate) fn prepare_evaluation(&mut self) {
        if self.evaluation.is_empty() {
            return;
        }
        let mask = self.problem.constraint_mask();
        let rows = self.params.chunks_exact(self.n).zip(self.evaluation.chunks_exact_mut(self.n));
        for (trial, (params, out)) in self.running.iter().zip(rows) {
            trial.run.evaluation_params(params, out);
            project(out, mask.filter(|_| trial.facts.projects));
        }
    }

    /// Ends the trials whose parameters are all NaN after `done` steps, if their optimizer cannot turn NaN into a number:
    /// every later loss is NaN too.
    fn end_lost_trials(&mut self, done: u32) {
        for row in (0..self.running.len()).rev() {
            let params = &self.params[row * self.n..(row + 1) * self.n];
            if !self.running[row].facts.keeps_nan || !params.iter().all(|p| p.is_nan()) {
                continue;
            }
            let lost = self.running.swap_remove(row);
            // The last row takes the place of the lost one.
            let last = self.running.len();
            self.params.copy_within(last * self.n.., row * self.n);
            self.params.truncate(last * self.n);
            self.gradients.truncate(last * self.n);
            self.evaluation.truncate(last * self.n);
            self.losses.truncate(last);
            // A full run would show it in the next training loss or, if this is the last step before an evaluation, there.
            self.diverged_at[lost.trial].get_or_insert(done);
        }
    }
}

/// Sets to 0 what the mask says.
fn project(params: &mut [f32], mask: Option<&[f32]>) {
    if let Some(mask) = mask {
        params.iter_mut().zip(mask).for_each(|(p, m)| *p *= m);
    }
}
