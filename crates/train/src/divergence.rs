//! Trials that diverge: the step that is noted, and the end of those that cannot recover.

use crate::lockstep_state::{Lockstep, Running};

/// Notes the step of a training loss that is not finite, if it is the first of its trial.
pub(crate) fn note(diverged_at: &mut Option<u32>, loss: f32, step: u32) {
    if !loss.is_finite() {
        diverged_at.get_or_insert(step);
    }
}

impl Lockstep<'_> {
    /// Ends the trials whose parameters are all NaN after `done` steps, if their optimizer cannot turn NaN into a number:
    /// every later loss is NaN too.
    pub(crate) fn end_lost_trials(&mut self, done: u32) {
        for row in (0..self.running.len()).rev() {
            let params = &self.params[row * self.n..(row + 1) * self.n];
            if !self.running[row].facts.keeps_nan || !params.iter().all(|p| p.is_nan()) {
                continue;
            }
            let lost = self.end(row);
            // A full run would show it in the next training loss or, if this is the last step before an evaluation, there.
            self.diverged_at[lost.trial].get_or_insert(done);
        }
    }

    /// Ends the trial of a row; the last row takes its place.
    pub(crate) fn end(&mut self, row: usize) -> Running {
        let ended = self.running.swap_remove(row);
        let last = self.running.len();
        self.params.copy_within(last * self.n.., row * self.n);
        self.params.truncate(last * self.n);
        self.gradients.truncate(last * self.n);
        self.evaluation.truncate(last * self.n);
        self.losses.truncate(last);
        ended
    }
}
