//! The normalisers that have a name.

use taskset_names::Split;

use crate::{Best, Collapse, Degenerate, Error, Initial, Normalizer, Replicas, Upper};

/// A row of [`NAMED`].
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name. What a name means is frozen; a change gets a new name.
    pub name: &'static str,
    /// One line for listings.
    pub doc: &'static str,
    /// Its options.
    pub normalizer: Normalizer,
}

/// All named normalisers. Each differs from `default` in what its line says.
pub const NAMED: &[Named] = &[
    Named {
        name: "default",
        doc: "the replicas are averaged to one curve, and the score is the mean of its points; on valid_outer, 1 is the \
              mean initial loss and 0 the lowest loss",
        normalizer: Normalizer::DEFAULT,
    },
    Named {
        name: "keep_degenerate",
        doc: "tasks on which no loss is below the initial loss are kept, with score 1, and not left out",
        normalizer: Normalizer { degenerate: Degenerate::ScoreOne, ..Normalizer::DEFAULT },
    },
    Named {
        name: "average_scores",
        doc: "each replica is scored by itself, then the scores are averaged",
        normalizer: Normalizer { replicas: Replicas::AverageScores, ..Normalizer::DEFAULT },
    },
    Named {
        name: "own_initial",
        doc: "1 is each curve's own first loss, not the mean of all first losses",
        normalizer: Normalizer { upper: Upper::Initial(Initial::OwnFirstPoint), ..Normalizer::DEFAULT },
    },
    Named {
        name: "best_replica",
        doc: "0 is the lowest loss of any single replica, not of the mean over replicas",
        normalizer: Normalizer { best: Best::SingleReplica, ..Normalizer::DEFAULT },
    },
    Named {
        name: "valid_inner",
        doc: "valid_inner sets the scale and chooses configurations, not valid_outer",
        normalizer: Normalizer { selection: Split::ValidInner, ..Normalizer::DEFAULT },
    },
    Named {
        name: "trapezoid",
        doc: "area under the curve; the first and the last point count half",
        normalizer: Normalizer { collapse: Collapse::Trapezoid, ..Normalizer::DEFAULT },
    },
    Named {
        name: "min",
        doc: "the lowest point of the curve, not the mean of its points (Appendix A.4)",
        normalizer: Normalizer { collapse: Collapse::Minimum, ..Normalizer::DEFAULT },
    },
    Named {
        name: "final",
        doc: "the last point of the curve, not the mean of its points",
        normalizer: Normalizer { collapse: Collapse::Final, ..Normalizer::DEFAULT },
    },
    Named {
        name: "last_quantile",
        doc: "1 is the 95th percentile of the last losses, not the initial loss (Appendix A.4)",
        normalizer: Normalizer { upper: Upper::Percentile95OfFinal, ..Normalizer::DEFAULT },
    },
];

/// The normaliser with this name.
///
/// # Errors
/// [`Error::UnknownName`] with all names.
///
/// ```
/// let default = taskset_normalize::named("default").unwrap();
/// assert_eq!(default, taskset_normalize::Normalizer::default());
/// ```
pub fn named(name: &str) -> Result<Normalizer, Error> {
    let row = NAMED.iter().find(|row| row.name == name);
    row.map(|row| row.normalizer).ok_or_else(|| Error::UnknownName { name: name.to_owned() })
}

/// The names of all normalisers, in the order of [`NAMED`].
pub fn names() -> Vec<&'static str> {
    NAMED.iter().map(|row| row.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_meanings_are_distinct() {
        let names: HashSet<_> = NAMED.iter().map(|row| row.name).collect();
        let meanings: HashSet<_> = NAMED.iter().map(|row| row.normalizer).collect();
        assert_eq!((names.len(), meanings.len()), (NAMED.len(), NAMED.len()));
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        let message = named("defualt").unwrap_err().to_string();
        assert!(message.contains("did you mean `default`") && message.contains("last_quantile"), "{message}");
    }
}
