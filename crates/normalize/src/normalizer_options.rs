//! The readings of paper section 3.3, as options.

use taskset_names::Split;

use crate::{Initial, Upper};

/// What is averaged over the replicas of an optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Replicas {
    /// The curves, point by point; a non-finite replica makes the mean of that point non-finite.
    AverageCurves,
    /// The scores of the single replicas. The lower reference stays the best replica mean, so that a score can be slightly
    /// negative.
    AverageScores,
}

/// How the normalised, clipped points of a curve, the first included, become one score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collapse {
    /// Their mean: all points weigh the same (section 3.3).
    Mean,
    /// Their mean with half weights at both ends: the area under the curve for equally spaced points.
    Trapezoid,
    /// The lowest (Appendix A.4), on each split by itself.
    Minimum,
    /// The last.
    Final,
}

/// What becomes of a task on which nothing is below the upper reference, or nothing is finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Degenerate {
    /// It is marked as dropped, and a score matrix leaves it out.
    Drop,
    /// It stays, and everything scores 1 on it.
    ScoreOne,
}

/// The loss that scores 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Best {
    /// The lowest mean over replicas.
    ReplicaMean,
    /// The lowest loss of any single replica.
    SingleReplica,
}

/// How curves become scores. [`Normalizer::default`] is the recommended reading of the paper.
///
/// For configuration i, replica r, point k and split s of one task, with losses L:
///
/// 1. C\[i,k,s\] = mean over r of L\[i,r,k,s\] (see [`Replicas`]);
/// 2. upper = the loss that scores 1 (see [`Upper`]), on the selection split;
/// 3. best = min over i and k of the finite C\[i,k,selection\], all families at hand (see [`Best`]);
/// 4. n\[i,k,s\] = (C\[i,k,s\] − best) / (upper − best), at most 1; non-finite C gives 1. Every split uses the constants
///    of the selection split and is not clipped below, so a score on another split can be slightly negative;
/// 5. f\[i,s\] = n collapsed over k (see [`Collapse`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Normalizer {
    /// What is averaged over replicas.
    pub replicas: Replicas,
    /// The loss that scores 1.
    pub upper: Upper,
    /// The loss that scores 0.
    pub best: Best,
    /// The split that sets both references, and by which lists choose. The paper says "validation"; Appendix G.1.2 keeps
    /// the outer one for choosing hyperparameters.
    pub selection: Split,
    /// How points become a score.
    pub collapse: Collapse,
    /// What becomes of a task that cannot be scaled.
    pub degenerate: Degenerate,
}

impl Normalizer {
    /// The normaliser `default`.
    pub(crate) const DEFAULT: Self = Self {
        replicas: Replicas::AverageCurves,
        upper: Upper::Initial(Initial::Pooled),
        best: Best::ReplicaMean,
        selection: Split::ValidOuter,
        collapse: Collapse::Mean,
        degenerate: Degenerate::Drop,
    };
}

impl Default for Normalizer {
    fn default() -> Self {
        Self::DEFAULT
    }
}
