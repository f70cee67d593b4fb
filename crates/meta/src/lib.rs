//! Score matrices, greedy hyperparameter lists, random search, split experiments.
//!
//! Everything here reads a [`ScoreMatrix`] (tasks × configurations, a validation and a test score each) and nothing else
//! of the curves: no tensor, no task, no optimizer. A *list* is an order in which to try configurations; [`greedy`]
//! learns one (paper section 3.4), [`improving`] says after which entry it no longer helps, [`best_of_first_k`] says what its first k
//! entries are worth, and [`experiment`] compares learned lists with random search on held-out tasks (Figure 3).
//!
//! The other figures of the paper that need scores only have a module each:
//!
//! | module | figure | what it varies |
//! |---|---|---|
//! | [`tsne`] | 1 | nothing: it draws a map of the tasks |
//! | [`task_numbers`] | 4 | the number of tasks that a list is learned on |
//! | [`transfer`] | 5 | the type of these tasks |
//! | [`groups`] | 6 and 13 | their size or their family |
//! | [`other_scores`] | 11 and 12 | the scores that a list is learned from |
//! | [`candidates`] | 15 | the number of configurations that it is made of |
//!
//! [`correlation`] compares the scores of tasks, and [`bootstrap`] says how sure a mean over tasks is. All random numbers
//! come from streams with names, so no result depends on the number of threads.
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
pub mod candidates;
pub mod correlation;
mod error;
pub mod experiment;
mod greedy;
pub mod groups;
mod list;
pub mod other_scores;
mod quartiles;
mod random_search;
mod resampling;
mod rescaled_columns;
mod same_tasks;
mod score_matrix;
mod search_boxes;
pub mod task_numbers;
pub mod transfer;
pub mod tsne;

pub use best_of_first_k::{best_of_first_k, scores_of_first_k};
pub use error::Error;
pub use greedy::{greedy, greedy_plain, improving};
pub use list::{HyperparameterList, ListEntry};
pub use quartiles::{Band, ResampledCurve, quartiles};
pub use random_search::random_search;
pub use rescaled_columns::rescale_columns;
pub use same_tasks::SameTasks;
pub use score_matrix::ScoreMatrix;
pub use search_boxes::{HyperparameterTable, SearchBox, constrained_box, inside};
pub use taskset_normalize::{Normalizer, TaskScores, quantile};

#[cfg(test)]
mod testing;
