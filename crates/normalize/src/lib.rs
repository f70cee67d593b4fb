//! Named normalisers: training curves to scores between 0 and 1.
//!
//! The losses of different tasks cannot be compared. A [`Normalizer`] scales the curves of one task so that 1 is the loss
//! at initialisation and 0 the lowest that any tested optimizer reached, and collapses each to one score (paper section
//! 3.3). The paper leaves several readings open; each is a field of [`Normalizer`], and [`NAMED`] lists the combinations
//! that have a name. Scores depend on the optimizers at hand, because these set the 0: [`TaskScores`] records their
//! families.

mod error;
mod named;
mod options;
mod quantile;
mod scores;
mod table;

pub use error::Error;
pub use named::{NAMED, Named, named, names};
pub use options::{Collapse, Degenerate, Initial, Normalizer, Replicas, Upper};
pub use quantile::quantile;
pub use scores::{TaskScores, configurations};
