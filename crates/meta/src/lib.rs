//! Score matrices, greedy hyperparameter lists, random search, split experiments.
//!
//! This crate reads only a [`ScoreMatrix`]: one validation score and one test score for each task and configuration. It
//! uses no curves, tensors, tasks or optimizers. A *list* is an order in which to try configurations. [`greedy`] learns a
//! list (paper section 3.4), [`improving`] says after which entry the list no longer improves, [`best_of_first_k`] gives
//! the score of its first k entries, and [`learned_against_random`] compares learned lists with random search on held-out
//! tasks (Figure 3).
//!
//! For each other figure of the paper that needs only scores, there is a module:
//!
//! | module | figure | what it varies |
//! |---|---|---|
//! | [`tsne`] | 1 | nothing: it draws a map of the tasks |
//! | [`training_task_counts`] | 4 | the number of tasks that a list is learned on |
//! | [`transfer`] | 5 | the type of the tasks that a list is learned on |
//! | [`groups`] | 6 and 13 | the size or the family of these tasks |
//! | [`lists_from_other_scores`] | 11 and 12 | the scores that a list is learned from |
//! | [`candidate_counts`] | 15 | the number of configurations from which a list is chosen |
//!
//! [`correlation`] compares the scores of tasks, and [`bootstrap`] estimates the uncertainty of a mean over tasks. All
//! random numbers come from streams with names, so no result depends on the number of threads.
//!
//! ```
//! use taskset_meta::{ScoreMatrix, best_of_first_k, greedy};
//!
//! // Two tasks, three configurations; lower is better. Each is the best one on one task or good on both.
//! let tasks = ["quadratic", "text"].map(str::to_owned).to_vec();
//! let configs = ["slow", "fast", "balanced"].map(str::to_owned).to_vec();
//! let scores = vec![
//!     0.1, 0.9, 0.3, // on the task `quadratic`
//!     0.8, 0.1, 0.4, // on the task `text`
//! ];
//! let matrix = ScoreMatrix::new(tasks, configs, scores.clone(), scores)?;
//! let list = greedy(&matrix, &[0, 1], &[0, 1, 2], 3);
//! assert_eq!(list, [2, 1, 0]); // first the balanced one, then those that help most beside it
//! let worth = best_of_first_k(&matrix, &[0, 1], &list);
//! assert!((worth[0] - 0.35).abs() < 1e-12 && (worth[2] - 0.1).abs() < 1e-12);
//! # Ok::<(), taskset_meta::Error>(())
//! ```

mod best_of_first_k;
pub mod bootstrap;
pub mod candidate_counts;
pub mod correlation;
mod error;
mod greedy;
pub mod groups;
pub mod learned_against_random;
mod list;
pub mod lists_from_other_scores;
mod lists_within_task_kinds;
mod quartiles;
mod random_search;
mod resampling;
mod rescaled_columns;
mod score_matrix;
mod search_boxes;
pub mod training_task_counts;
pub mod transfer;
pub mod tsne;

pub use best_of_first_k::{best_of_first_k, scores_of_first_k};
pub use error::Error;
pub use greedy::{greedy, greedy_plain, improving};
pub use list::{HyperparameterList, ListEntry};
pub use lists_within_task_kinds::SameTasks;
pub use quartiles::{Band, ResampledCurve, quartiles};
pub use random_search::random_search;
pub use rescaled_columns::rescale_columns;
pub use score_matrix::ScoreMatrix;
pub use search_boxes::{HyperparameterTable, SearchBox, constrained_box, inside};
pub use taskset_normalize::{Normalizer, TaskScores, quantile};

#[cfg(test)]
mod testing;
