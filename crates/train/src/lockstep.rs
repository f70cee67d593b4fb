//! The training step: trials of one task and replica that differ only in their optimizers, on shared minibatches.

use taskset_optim::{Rule, State};
use taskset_tasks::{Feed, Problem, Task};

use crate::replica_stream;

/// Trials in lockstep, between two steps.
pub(crate) struct Lockstep<'a> {
    task: &'a dyn Task,
    pub(crate) problem: Box<dyn Problem<f32>>,
    /// Number of parameters of a trial (1 if there is none, so that rows have a length).
    n: usize,
    /// The trials that are still trained; each has a row of `params` and of `gradients`.
    pub(crate) running: Vec<Running<'a>>,
    /// `[running, n]`.
    pub(crate) params: Vec<f32>,
    /// Of the last minibatch, `[running, n]`.
    pub(crate) gradients: Vec<f32>,
    /// Of the last minibatch, one per running trial.
    pub(crate) losses: Vec<f32>,
    /// For each trial, the first step whose training loss is not finite, or after which all parameters are NaN.
    pub(crate) diverged_at: Vec<Option<u32>>,
}

/// A trial that is still trained.
pub(crate) struct Running<'a> {
    /// Its number, from 0.
    pub(crate) trial: usize,
    rule: &'a Rule,
    state: State<f32>,
    /// Whether its parameters are projected onto the constraint.
    projects: bool,
}

impl<'a> Lockstep<'a> {
    /// One trial per rule, all at the initial parameters of the replica.
    pub(crate) fn start(task: &'a dyn Task, rules: &[&'a Rule], replica: u32) -> Self {
        let mut problem = task.start(&replica_stream(task.name(), replica));
        let n = task.layout().len();
        let mut start = vec![0.0_f32; n];
        problem.init(&mut start);
        let constrained = problem.constraint_mask().is_some();
        let running = |(trial, &rule): (usize, &&'a Rule)| Running {
            trial,
            rule,
            state: rule.init::<f32>(n),
            projects: constrained && rule.applies_constraints(),
        };
        Self {
            task,
            problem,
            n: n.max(1),
            running: rules.iter().enumerate().map(running).collect(),
            params: start.repeat(rules.len()),
            gradients: vec![0.0; n * rules.len()],
            losses: vec![0.0; rules.len()],
            diverged_at: vec![None; rules.len()],
        }
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
        for ((trial, loss), (params, gradients)) in self.running.iter_mut().zip(&self.losses).zip(rows) {
            if !loss.is_finite() {
                self.diverged_at[trial.trial].get_or_insert(done);
            }
            trial.rule.update(gradients, params, &mut trial.state);
            if trial.projects
                && let Some(mask) = self.problem.constraint_mask()
            {
                params.iter_mut().zip(mask).for_each(|(p, m)| *p *= m);
            }
            any_nan |= params.first().is_some_and(|p| p.is_nan());
        }
        if any_nan && self.task.nan_is_absorbing() {
            self.end_lost_trials(done + 1);
        }
    }

    /// Ends the trials whose parameters are all NaN after `done` steps: no rule turns NaN into a number, so every later
    /// loss is NaN too.
    fn end_lost_trials(&mut self, done: u32) {
        for row in (0..self.running.len()).rev() {
            let params = &self.params[row * self.n..(row + 1) * self.n];
            if !params.iter().all(|p| p.is_nan()) {
                continue;
            }
            let lost = self.running.swap_remove(row);
            // The last row takes the place of the lost one.
            let last = self.running.len();
            self.params.copy_within(last * self.n.., row * self.n);
            self.params.truncate(last * self.n);
            self.gradients.truncate(last * self.n);
            self.losses.truncate(last);
            // A full run would show it in the next training loss or, if this is the last step before an evaluation, there.
            self.diverged_at[lost.trial].get_or_insert(done);
        }
    }
}
