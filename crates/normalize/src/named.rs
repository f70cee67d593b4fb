//! The normalisers that have a name.

use taskset_names::Split;

use crate::{Collapse, Degenerate, Error, Initial, Normalizer, Replicas, Upper};

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

const DEFAULT: Normalizer = Normalizer {
    replicas: Replicas::AverageCurves,
    upper: Upper::Initial(Initial::Pooled),
    selection: Split::ValidOuter,
    collapse: Collapse::Mean,
    degenerate: Degenerate::Drop,
};

/// All named normalisers. Each differs from `default` in what its line says.
pub const NAMED: &[Named] = &[
    Named {
        name: "default",
        doc: "mean of the replica-averaged curve between pooled initial loss (1) and best (0), by valid_outer",
        normalizer: DEFAULT,
    },
    Named {
        name: "keep_degenerate",
        doc: "tasks on which nothing learns stay, with score 1, where default drops them",
        normalizer: Normalizer { degenerate: Degenerate::ScoreOne, ..DEFAULT },
    },
    Named {
        name: "average_scores",
        doc: "replicas are scored one by one and their scores averaged",
        normalizer: Normalizer { replicas: Replicas::AverageScores, ..DEFAULT },
    },
    Named {
        name: "own_initial",
        doc: "each curve's own first loss scores 1 instead of the pooled one",
        normalizer: Normalizer { upper: Upper::Initial(Initial::OwnFirstPoint), ..DEFAULT },
    },
    Named {
        name: "valid_inner",
        doc: "references and selection by valid_inner",
        normalizer: Normalizer { selection: Split::ValidInner, ..DEFAULT },
    },
    Named {
        name: "trapezoid",
        doc: "area under the curve: half weights for the first and the last point",
        normalizer: Normalizer { collapse: Collapse::Trapezoid, ..DEFAULT },
    },
    Named {
        name: "min",
        doc: "lowest point instead of the mean (Appendix A.4)",
        normalizer: Normalizer { collapse: Collapse::Minimum, ..DEFAULT },
    },
    Named {
        name: "final",
        doc: "last point instead of the mean",
        normalizer: Normalizer { collapse: Collapse::Final, ..DEFAULT },
    },
    Named {
        name: "last_quantile",
        doc: "the 95th percentile of the last losses scores 1 instead of the initial loss (Appendix A.4)",
        normalizer: Normalizer { upper: Upper::Percentile95OfFinal, ..DEFAULT },
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
