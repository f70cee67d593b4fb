//! Named normalisers: from training curves to scores between 0 and 1.
//!
//! The losses of different tasks cannot be compared. A [`Normalizer`] scales the curves of one task so that 1 is the loss
//! at initialisation, and 0 is the lowest loss that any tested optimizer reached. Then it computes one score from each
//! curve (paper section 3.3). The paper leaves several details open. Each detail is a field of [`Normalizer`], and
//! [`NAMED`] lists the combinations that have a name. Scores depend on the optimizers whose curves are given, because
//! their lowest loss is the 0. So [`TaskScores`] records the families of these optimizers.
//!
//! ```
//! # use std::sync::Arc;
//! # use taskset_names::Split;
//! # use taskset_trial::{Arithmetic, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};
//! use taskset_trial::Curve;
//!
//! // Curves come from `taskset-train` or `taskset-curves`; here are two on one task, made by hand.
//! # let curve = |optimizer: &str, losses: [f32; 3]| Curve {
//! #     spec: TrialSpec {
//! #         task: Arc::new(TaskIdentity::without_data("bowl", "group", 1, "")),
//! #         optimizer: Arc::new(OptimizerIdentity::new(optimizer, "adam_lr", [], 1)),
//! #         replica: 0,
//! #         protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 1 },
//! #         arithmetic: Arithmetic::Fma,
//! #         source: Source::Trained { trainer: 1 },
//! #     },
//! #     steps: [0, 10, 20].into(),
//! #     losses: std::array::from_fn(|_| losses.to_vec()),
//! #     diverged_at: None,
//! #     num_params: 2,
//! #     train_seconds: 0.0,
//! #     eval_seconds: 0.0,
//! # };
//! let curves: [Curve; 2] = [curve("adam_lr_-1.00", [4.0, 2.0, 0.0]), curve("adam_lr_-7.00", [4.0, 4.0, 4.0])];
//! let scores = taskset_normalize::named("default")?.scores(&curves)?;
//! assert_eq!(scores.optimizers, ["adam_lr_-1.00", "adam_lr_-7.00"]);
//! // The second one never leaves its initial loss; the first one is halfway to the best loss on average.
//! assert_eq!(scores.split(Split::Test), [0.5, 1.0]);
//! # Ok::<(), taskset_normalize::Error>(())
//! ```

mod curve_score;
mod error;
mod named_normalizers;
mod normalizer_options;
mod quantile;
mod scores;
mod task_curves;
mod upper_reference;

pub use error::Error;
pub use named_normalizers::{NAMED, Named, named, names};
pub use normalizer_options::{Best, Collapse, Degenerate, Normalizer, Replicas};
pub use quantile::quantile;
pub use scores::{TaskScores, configurations};
pub use task_curves::TaskCurves;
pub use upper_reference::{Initial, Upper};
