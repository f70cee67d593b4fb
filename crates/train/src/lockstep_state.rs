//! The training step: trials of one task and replica that differ only in their optimizers, on shared minibatches.

use std::sync::Arc;

use taskset_names::Split;
use taskset_optim::{Error, Facts, Optimizer, Run, Step};
use taskset_tasks::{Feed, Problem, Task};

use crate::checkpoint::{Checkpoint, TrialState};
use crate::constraint::Constraint;
use crate::divergence;
use crate::replica_stream;

/// Trials in lockstep, between two steps.
pub(crate) struct Lockstep<'a> {
    task: &'a dyn Task,
    pub(crate) problem: Box<dyn Problem<f32>>,
    /// What the task keeps at 0.
    constraint: Constraint,
    /// Number of parameters of a trial (1 if there is none, so that rows have a length).
    pub(crate) n: usize,
    /// The trials that are still trained; each has a row of `params` and of `gradients`.
    pub(crate) running: Vec<Running>,
    /// `[running, n]`.
    pub(crate) params: Vec<f32>,
    /// Of the last minibatch, `[running, n]`.
    pub(crate) gradients: Vec<f32>,
    /// Of the last minibatch, one per running trial.
    pub(crate) losses: Vec<f32>,
    /// Where the trials are evaluated, `[running, n]`; empty if all are evaluated at `params`.
    pub(crate) evaluation: Vec<f32>,
    /// For each trial, the first step whose training loss is not finite, or after which all parameters are NaN.
    pub(crate) diverged_at: Vec<Option<u32>>,
}

/// A trial that is still trained.
pub(crate) struct Running {
    /// Its number, from 0.
    pub(crate) trial: usize,
    run: Box<dyn Run<f32>>,
    pub(crate) facts: Facts,
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
        let constraint = Constraint::of(problem.constraint_mask(), n);
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
            constraint,
            n: n.max(1),
            evaluation: vec![0.0; if elsewhere { n * running.len() } else { 0 }],
            running,
            params: start.repeat(optimizers.len()),
            gradients: vec![0.0; n * optimizers.len()],
            losses: vec![0.0; optimizers.len()],
            diverged_at: vec![None; optimizers.len()],
        })
    }

    /// Goes on from where each trial was, in the order of the trials; all of them after `step` steps and as many minibatches
    /// of each split's evaluation. The caller has [checked](Checkpoint::check) them.
    pub(crate) fn restore(
        &mut self,
        checkpoints: &[&Checkpoint],
        step: u32,
        evaluated: u64,
    ) -> Result<(), Error> {
        for (trial, checkpoint) in checkpoints.iter().enumerate() {
            self.diverged_at[trial] = checkpoint.curve.diverged_at;
            if let Some(state) = &checkpoint.state {
                self.params[trial * self.n..][..state.params.len()].copy_from_slice(&state.params);
                self.running[trial].run.restore(&state.slots)?;
            }
        }
        for trial in (0..checkpoints.len()).rev() {
            if checkpoints[trial].state.is_none() {
                self.end(trial);
            }
        }
        if !self.running.is_empty() {
            self.problem.skip(Feed::Training, u64::from(step));
            for split in Split::ALL {
                self.problem.skip(Feed::Evaluation(split), evaluated);
            }
        }
        Ok(())
    }

    /// Parameters and optimizer's state of every trial in their order; none for those that have ended.
    pub(crate) fn states(&self) -> Result<Vec<Option<TrialState>>, Error> {
        let mut states = vec![None; self.diverged_at.len()];
        for (trial, params) in self.running.iter().zip(self.params.chunks_exact(self.n)) {
            let slots = trial.run.save()?;
            states[trial.trial] = Some(TrialState { params: params.to_vec(), slots });
        }
        Ok(states)
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
            divergence::note(&mut self.diverged_at[trial.trial], loss, done);
            let mask = mask.filter(|_| trial.facts.projects);
            trial.run.update(Step::new(gradients).with_loss(loss).with_mask(mask), params);
            if trial.facts.projects {
                self.constraint.project(params);
            }
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
        let rows = self.params.chunks_exact(self.n).zip(self.evaluation.chunks_exact_mut(self.n));
        for (trial, (params, out)) in self.running.iter().zip(rows) {
            trial.run.evaluation_params(params, out);
            if trial.facts.projects {
                self.constraint.project(out);
            }
        }
    }
}
