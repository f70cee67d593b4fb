//! Suites: sets of named tasks that belong together. The registry is a list of them.

use crate::Error;
use crate::spec::Specification;

/// A set of named tasks.
pub trait Suite: Sync {
    /// Name; as a pattern it stands for all tasks of the suite.
    fn name(&self) -> &'static str;

    /// The names of its groups, in the order of listings.
    fn groups(&self) -> Vec<&'static str>;

    /// All tasks, in the order of listings.
    fn names(&self) -> Vec<String>;

    /// The tasks of a group in their order; none for names that are not groups.
    fn members(&self, group: &str) -> Vec<String>;

    /// Whether a task has this name. Nothing is sampled or built.
    ///
    /// # Errors
    /// [`Error::Pattern`] for a name that is out of the suite's range: a seed outside 0 to 999.
    fn contains(&self, name: &str) -> Result<bool, Error>;

    /// What a name stands for, if the suite has it.
    ///
    /// # Errors
    /// As [`contains`](Self::contains).
    fn find(&self, name: &str) -> Result<Option<Specification>, Error>;

    /// The nearest name that exists, if one is near.
    fn suggestion(&self, name: &str) -> Option<String>;
}
