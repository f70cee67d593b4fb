//! The set of tasks: all fixed tasks, and sampled ones that can be trained; which names were rejected, and why.
//!
//! The paper has 1,162 tasks and does not say which. This is our own list: 109 fixed tasks and 1,053 sampled
//! ones. `cargo xtask task-set` makes it, and docs/task-set.md states the rule. As a pattern, [`NAME`] stands for
//! all tasks of the set.

mod entry;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

pub use entry::{Entry, HEADER, Reason, Verdict};

use crate::families::{FAMILIES, TaskFamily};
use crate::fixed::Fixed;
use crate::suite::Suite;

/// The pattern that stands for all tasks of the set.
pub const NAME: &str = "set";

/// Version of the list. It rises if a name gets another verdict.
pub const VERSION: u32 = 1;

/// Sampled tasks of the set.
pub const SAMPLED: usize = 1_053;

/// The list of this version: every name that was decided, family by family in the order of the registry and of seeds.
const LIST: &str = include_str!("v1.csv");

static ENTRIES: LazyLock<Vec<Entry>> =
    LazyLock::new(|| LIST.lines().skip(1).filter_map(Entry::parse).collect());

static BY_NAME: LazyLock<HashMap<&'static str, &'static Entry>> =
    LazyLock::new(|| ENTRIES.iter().map(|entry| (entry.name.as_str(), entry)).collect());

/// How far a list is for one family. The list of this version is complete; one that is being made is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Name of the family.
    pub family: &'static str,
    /// Tasks of the family that a complete list has.
    pub share: usize,
    /// Tasks of the family that the list has.
    pub kept: usize,
    /// Names that were rejected, by reason.
    pub rejected: BTreeMap<Reason, usize>,
}

impl Standing {
    /// Whether the family has its share.
    pub fn is_complete(&self) -> bool {
        self.kept >= self.share
    }
}

/// Tasks of a family in the set: equal shares. The first families of the registry get one more, because the number
/// of tasks is no multiple of the number of families. 0 for a family that the registry does not have.
pub fn share(family: &str) -> usize {
    let position = FAMILIES.iter().position(|other| other.name == family);
    let one_more = |position| usize::from(position < SAMPLED % FAMILIES.len());
    position.map_or(0, |position| SAMPLED / FAMILIES.len() + one_more(position))
}

/// The sampled names that were decided, in the order of the list.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// The entry of a sampled name; none if it was not decided.
pub fn entry(name: &str) -> Option<&'static Entry> {
    BY_NAME.get(name).copied()
}

/// The names of the set: the fixed tasks, then the sampled ones.
pub fn names() -> Vec<String> {
    let kept = ENTRIES.iter().filter(|entry| entry.verdict.is_kept()).map(|entry| entry.name.clone());
    Fixed.names().into_iter().chain(kept).collect()
}

/// The text of a list of these entries.
pub fn text(entries: &[Entry]) -> String {
    let lines = entries.iter().map(|entry| format!("{entry}\n"));
    std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

/// How far a list of these entries is, by family.
pub fn standing_of(entries: &[Entry]) -> Vec<Standing> {
    let of = |family: &TaskFamily| {
        let mut standing =
            Standing { family: family.name, share: share(family.name), kept: 0, rejected: BTreeMap::new() };
        for entry in entries.iter().filter(|entry| entry.family() == family.name) {
            match entry.verdict {
                Verdict::Kept => standing.kept += 1,
                Verdict::Rejected(reason) => *standing.rejected.entry(reason).or_default() += 1,
            }
        }
        standing
    };
    FAMILIES.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_equal_and_add_up() {
        let shares: Vec<usize> = FAMILIES.iter().map(|family| share(family.name)).collect();
        assert_eq!(shares, [88, 88, 88, 88, 88, 88, 88, 88, 88, 87, 87, 87]);
        assert_eq!(shares.iter().sum::<usize>(), SAMPLED);
        assert_eq!(share("mlp_familly"), 0);
    }

    #[test]
    fn every_line_of_the_list_can_be_read_and_is_written_the_same() {
        assert_eq!(LIST, text(entries()));
    }

    /// Seeds are taken in order: no name below the last one of a family is missing, and none is there twice.
    #[test]
    fn the_list_has_every_seed_up_to_the_last_one() {
        let expected: Vec<String> = FAMILIES
            .iter()
            .flat_map(|family| {
                let decided = ENTRIES.iter().filter(|entry| entry.family() == family.name).count();
                (0..decided as u32).map(|seed| family.task_name(seed))
            })
            .collect();
        let names: Vec<&String> = ENTRIES.iter().map(|entry| &entry.name).collect();
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_family_has_its_share_and_its_last_name_fills_it() {
        for standing in standing_of(entries()) {
            assert_eq!(standing.kept, standing.share, "{standing:?}");
            let last = ENTRIES.iter().rfind(|entry| entry.family() == standing.family);
            assert!(last.is_some_and(|entry| entry.verdict.is_kept()), "{standing:?}");
        }
    }

    #[test]
    fn kept_names_have_numbers_that_say_why() {
        for entry in entries() {
            let numbers = (entry.minutes, entry.initial_loss, entry.needed, entry.lowest_loss);
            let reaches = entry.lowest_loss.zip(entry.needed).is_some_and(|(lowest, needed)| lowest < needed);
            match entry.verdict {
                Verdict::Kept => {
                    assert!(reaches && entry.optimizer.is_some() && entry.minutes.is_some(), "{entry:?}");
                    assert!(entry.minutes.is_some_and(|minutes| minutes <= 60.0), "{entry:?}");
                }
                Verdict::Rejected(Reason::Infeasible) => assert_eq!(numbers, (None, None, None, None)),
                Verdict::Rejected(Reason::TooSlow) => {
                    assert!(entry.minutes.is_some_and(|minutes| minutes >= 60.0), "{entry:?}");
                }
                Verdict::Rejected(_) => assert!(!reaches && entry.optimizer.is_none(), "{entry:?}"),
            }
        }
    }

    #[test]
    fn the_set_begins_with_the_fixed_tasks_and_is_a_pattern() {
        let names = names();
        assert_eq!(names[..109], Fixed.names());
        assert_eq!(names.len(), 109 + SAMPLED);
        assert_eq!(crate::select(&[NAME]).unwrap(), names);
        // With other patterns, no name is there twice.
        assert_eq!(crate::select(&["fixed", NAME]).unwrap(), names);
    }
}
