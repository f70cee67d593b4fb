//! Score matrices, greedy hyperparameter lists, random search, split experiments.
//!
//! Everything here reads a [`ScoreMatrix`] (tasks × configurations, a validation and a test score each) and nothing else
//! of the curves: no tensor, no task, no optimizer. A *list* is an order in which to try configurations; [`greedy`]
//! learns one (paper section 3.4), [`improving`] says where it stops to help, [`best_of`] says what the first k of it are worth, and [`experiment`] compares learned
//! lists with random search on held-out tasks (Figure 3).

mod boxes;
mod error;
pub mod experiment;
mod greedy;
mod list;
mod matrix;
mod search;

pub use boxes::{HyperparameterTable, SearchBox, constrained_box, inside};
pub use error::Error;
pub use greedy::{greedy, greedy_plain, improving};
pub use list::{HyperparameterList, ListEntry};
pub use matrix::ScoreMatrix;
pub use search::{best_of, random_search};
pub use taskset_normalize::{Normalizer, TaskScores, quantile};

#[cfg(test)]
mod testing;
