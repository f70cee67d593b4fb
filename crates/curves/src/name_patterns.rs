//! Choosing names by pattern.

use std::collections::BTreeSet;

use taskset_names::{PatternError, SEEDS, expand_ranges, matches};
use taskset_trial::optimizer_family;

/// A compiled list of name patterns.
///
/// A pattern is a name, a range (`mlp_family_seed{0..99}`), a wildcard (`TwoD_*`), a family (`quadratic_family`: all its
/// seeds) or a set (`adam8p_wide_grid_1k`: seeds 0 to 999). An empty list stands for every name.
#[derive(Clone, Debug, Default)]
pub struct NamePatterns {
    exact: BTreeSet<String>,
    wildcards: Vec<String>,
}

impl NamePatterns {
    /// Compiles a list of patterns.
    ///
    /// # Errors
    /// [`PatternError`] for a range that cannot be expanded.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let mut compiled = Self::default();
        for pattern in patterns {
            for name in expand_ranges(pattern.as_ref())? {
                if name.contains('*') {
                    compiled.wildcards.push(name);
                } else {
                    compiled.exact.insert(name);
                }
            }
        }
        Ok(compiled)
    }

    /// Whether a name is chosen.
    ///
    /// ```
    /// let chosen = taskset_curves::NamePatterns::new(&["TwoD_*", "quadratic_family"]).unwrap();
    /// assert!(chosen.matches("TwoD_Bowl1") && chosen.matches("quadratic_family_seed3"));
    /// assert!(!chosen.matches("mlp_family_seed3"));
    /// ```
    pub fn matches(&self, name: &str) -> bool {
        if self.chooses_all() || self.exact.contains(name) || self.wildcards.iter().any(|w| matches(w, name))
        {
            return true;
        }
        seeded(name).is_some_and(|(family, seed)| {
            self.exact.contains(family)
                || (seed < u64::from(SEEDS) && self.exact.contains(&format!("{family}_1k")))
        })
    }

    /// Whether an optimizer of a family is chosen. A family is named by what its names begin with (`adam8p_wide_grid`, `adam_lr`),
    /// by its set (`adam8p_wide_grid_1k`), or as curves record it (`adam8p`).
    pub fn matches_optimizer(&self, name: &str, family: &str) -> bool {
        self.matches(name) || self.exact.contains(family) || self.exact.contains(optimizer_family(name))
    }

    /// Whether a name between `low` and `high` (both included, by bytes; the ends may be prefixes of real names' bounds)
    /// could be chosen. False only if none can.
    pub(crate) fn may_match_between(&self, low: &[u8], high: &[u8]) -> bool {
        let may = |prefix: &[u8]| prefix <= high && (low <= prefix || low.starts_with(prefix));
        let exact = |name: &String| may(name.strip_suffix("_1k").unwrap_or(name).as_bytes());
        let wildcard = |w: &String| may(w.split('*').next().unwrap_or_default().as_bytes());
        self.chooses_all() || self.exact.iter().any(exact) || self.wildcards.iter().any(wildcard)
    }

    fn chooses_all(&self) -> bool {
        self.exact.is_empty() && self.wildcards.is_empty()
    }
}

/// Splits `<family>_seed<number>`.
fn seeded(name: &str) -> Option<(&str, u64)> {
    let (family, seed) = name.rsplit_once("_seed")?;
    Some((family, seed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_choose_names() {
        let check = |patterns: &[&str], name: &str, yes: bool| {
            assert_eq!(NamePatterns::new(patterns).unwrap().matches(name), yes, "{patterns:?} {name}");
        };
        check(&[], "anything", true);
        check(&["a_seed{0..9}"], "a_seed9", true);
        check(&["a_seed{0..9}"], "a_seed10", false);
        check(&["a_seed1"], "a_seed10", false);
        check(&["a_*", "b"], "b", true);
        check(&["mlp_family"], "mlp_family_seed12", true);
        check(&["mlp_family"], "mlp_family_seedling", false);
        check(&["mlp"], "mlp_family_seed12", false);
        check(&["adam1p_wide_grid_1k"], "adam1p_wide_grid_seed999", true);
        check(&["adam1p_wide_grid_1k"], "adam1p_wide_grid_seed1000", false);
        check(&["adam1p"], "adam1p_wide_grid_seed1", false);
        assert!(NamePatterns::new(&["a{0..}"]).is_err());
    }

    #[test]
    fn a_family_of_optimizers_has_three_names() {
        let check = |pattern: &str, name: &str, family: &str, yes: bool| {
            let chosen = NamePatterns::new(&[pattern]).unwrap();
            assert_eq!(chosen.matches_optimizer(name, family), yes, "{pattern} {name}");
        };
        for pattern in
            ["adam8p", "adam8p_wide_grid", "adam8p_wide_grid_1k", "adam8p*", "adam8p_wide_grid_seed{0..9}"]
        {
            check(pattern, "adam8p_wide_grid_seed7", "adam8p", true);
            check(pattern, "adam4p_wide_grid_seed7", "adam4p", false);
        }
        check("adam_lr", "adam_lr_-3.00", "adam_lr", true);
        check("adam_lr", "adam_lr_-3.00", "external", true);
        check("adam", "adam_lr_-3.00", "adam_lr", false);
    }

    proptest! {
        #[test]
        fn no_match_is_pruned(
            patterns in proptest::collection::vec("[ab*]{0,3}(_1k|_seed)?", 0..3),
            name in "[ab]{0,4}(_seed[0-9]{1,4})?", low in "[ab_]{0,4}", high in "[ab_]{0,4}",
        ) {
            let chosen = NamePatterns::new(&patterns).unwrap();
            let inside = low.as_str() <= name.as_str() && name.as_str() <= high.as_str();
            if inside && chosen.matches(&name) {
                prop_assert!(chosen.may_match_between(low.as_bytes(), high.as_bytes()));
            }
        }
    }
}
