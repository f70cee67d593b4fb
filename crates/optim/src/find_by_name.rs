//! From names and patterns to optimizers.

use std::collections::BTreeSet;

use taskset_names::{SEEDS, closest, expand_ranges, matches};

use crate::family_registry::families;
use crate::{Config, Error, Family, FamilyInfo, Hint};

/// An optimizer that has a name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Named {
    /// Upstream's name, e.g. `adam8p_wide_grid_seed107`.
    pub name: String,
    /// Its family.
    pub family: Family,
    /// Its hyperparameters.
    pub config: Config,
}

/// The optimizer of this name.
///
/// # Errors
/// [`Error::UnknownOptimizer`], with the nearest name if one is near; also for the name of a whole set or family.
/// [`Error::Pattern`] for a seed outside 0 to 999.
///
/// ```
/// let named = taskset_optim::named("adam_lr_-3.00")?;
/// assert!((named.config.value("learning_rate").unwrap() - 1e-3).abs() < 1e-15);
/// # Ok::<(), taskset_optim::Error>(())
/// ```
pub fn named(name: &str) -> Result<Named, Error> {
    let (family, config) = find(name)?.ok_or_else(|| unknown(name))?;
    Ok(Named { name: name.to_owned(), family, config })
}

/// The published names of all families, in the registry's order; before them the name of a family's default, if it has
/// one.
pub fn all_names() -> impl Iterator<Item = String> {
    families()
        .iter()
        .flat_map(|info| info.default_config().map(|(name, _)| name).into_iter().chain(info.names()))
}

/// The names that patterns stand for, in order, without repetitions. A pattern is a name, a range
/// (`adam8p_wide_grid_seed{0..63}`), a wildcard over the published names (`adam_lr_*`), a set (`adam8p_wide_grid_1k`), or
/// a family (`adam8p` or `adam8p_wide_grid`, the same as its set).
///
/// # Errors
/// [`Error::UnknownOptimizer`] for a name that does not exist, [`Error::NoMatch`] for a wildcard without a match,
/// [`Error::Pattern`] for a broken range or a seed outside 0 to 999.
pub fn select(patterns: &[impl AsRef<str>]) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for pattern in patterns {
        for name in expand_ranges(pattern.as_ref())? {
            if name.contains('*') {
                let before = names.len();
                names.extend(all_names().filter(|candidate| matches(&name, candidate)));
                if names.len() == before {
                    return Err(Error::NoMatch { pattern: name });
                }
            } else if find(&name)?.is_some() {
                names.push(name);
            } else if let Some(info) = families().iter().find(|info| info.is_called(&name)) {
                names.extend(info.names());
            } else {
                return Err(unknown(&name));
            }
        }
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn find(name: &str) -> Result<Option<(Family, Config)>, Error> {
    for info in families() {
        if let Some((default, config)) = info.default_config()
            && default == name
        {
            return Ok(Some((info.family, config)));
        }
        if let Some(config) = info.index_of(name)?.and_then(|index| info.config(index)) {
            return Ok(Some((info.family, config)));
        }
    }
    Ok(None)
}

fn unknown(name: &str) -> Error {
    let hint = families()
        .iter()
        .find_map(|info| {
            if info.is_called(name) {
                return Some(Hint::Member { count: info.len(), first: info.member_name(0) });
            }
            info.exponent_hint(name)
        })
        .unwrap_or_else(|| nearest(name));
    Error::UnknownOptimizer { name: name.to_owned(), hint }
}

fn nearest(name: &str) -> Hint {
    if name.eq_ignore_ascii_case("adam") {
        return Hint::DefaultAdam;
    }
    // There are thousands of sampled names. Only those with the requested seed can have been meant.
    let digits = &name[name.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
    let seed: u32 = digits.parse().ok().filter(|&seed| seed < SEEDS).unwrap_or(0);
    // The family's short name and the seed are enough. Comparing the letters between them would find other families.
    if name.contains("seed") && !digits.is_empty() {
        let is_meant =
            |info: &&FamilyInfo| name.strip_prefix(info.name).is_some_and(|end| end.starts_with('_'));
        let mut meant = families().iter().filter(|info| info.set().is_some()).filter(is_meant);
        if let Some(info) = meant.next() {
            return Hint::Nearest(info.member_name(seed));
        }
    }
    let candidates: Vec<String> = families()
        .iter()
        .flat_map(|info| match info.set() {
            Some(set) => {
                let mut candidates = vec![set.to_owned(), info.name.to_owned(), info.member_name(seed)];
                candidates.extend(info.default_config().map(|(name, _)| name));
                candidates
            }
            None => info.names().collect(),
        })
        .collect();
    let Some(near) = closest(name, candidates.iter().map(String::as_str)) else { return Hint::Nothing };
    let group = families().iter().find_map(|info| Some((info, info.set()?)).filter(|_| info.is_called(near)));
    match group {
        // The name of a group alone could not be typed where one optimizer is needed.
        Some((info, set)) => {
            Hint::Group { first: info.member_name(0), set: set.to_owned(), count: info.len() }
        }
        None => Hint::Nearest(near.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_published_name_is_found() {
        let mut count = 0;
        for info in families() {
            for name in info.names() {
                let found = named(&name).unwrap();
                assert_eq!((found.family, found.name.as_str()), (info.family, name.as_str()));
                count += 1;
            }
        }
        assert_eq!(count, 11 * 1000 + 17 + 17 + 1);
        assert_eq!(all_names().count(), count + 5, "the defaults have names, too");
        for name in all_names() {
            assert_eq!(named(&name).unwrap().name, name);
        }
    }

    fn check(patterns: &[&str], count: usize, first: &str, last: &str) {
        let names = select(patterns).unwrap();
        assert_eq!((names.len(), names[0].as_str(), names[count - 1].as_str()), (count, first, last));
    }

    #[test]
    fn patterns() {
        check(&["zero"], 1, "zero", "zero");
        check(&["nadamw_grid_seed{3..5}"], 3, "nadamw_grid_seed3", "nadamw_grid_seed5");
        check(&["adam8p_wide_grid_1k"], 1000, "adam8p_wide_grid_seed0", "adam8p_wide_grid_seed999");
        check(&["adam8p"], 1000, "adam8p_wide_grid_seed0", "adam8p_wide_grid_seed999");
        check(&["nadamw_grid"], 1000, "nadamw_grid_seed0", "nadamw_grid_seed999");
        check(&["adam_lr_*"], 17, "adam_lr_-7.00", "adam_lr_1.00");
        check(&["adagrad_lr"], 17, "adagrad_lr_-7.00", "adagrad_lr_1.00");
        check(
            &["adam1p_wide_grid_seed7", "adam1p_wide_grid_seed{6..8}"],
            3,
            "adam1p_wide_grid_seed7",
            "adam1p_wide_grid_seed8",
        );
    }

    fn check_refused(pattern: &str, word: &str) {
        let message = select(&[pattern]).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
        if !pattern.contains(['*', '{']) {
            assert!(named(pattern).unwrap_err().to_string().contains(word));
        }
    }

    #[test]
    fn names_that_do_not_exist() {
        check_refused("adam8p_wide_gird_seed3", "did you mean `adam8p_wide_grid_seed3`");
        check_refused("adam8p_wide_gird_seed999", "did you mean `adam8p_wide_grid_seed999`");
        check_refused("adam8p_wide_gird_seed1000", "did you mean `adam8p_wide_grid_seed0`");
        check_refused("nadamw_wide_grid_seed1", "did you mean `nadamw_grid_seed1`?");
        check_refused("adam6p_seed12", "did you mean `adam6p_wide_grid_seed12`?");
        check_refused("adam8p_wide_grid_2k", "`adam8p_wide_grid_seed0`, one of `adam8p_wide_grid_1k`?");
        check_refused("adamww", "did you mean e.g. `adamw_seed0`, one of `adamw_1k`?");
        check_refused("muon_defaults", "did you mean `muon_default`?");
        check_refused("muon_default2", "did you mean `muon_default`?");
        check_refused("AdamW", "did you mean e.g. `adamw_seed0`");
        check_refused("adam", "default Adam at 1e-3 is `adam_lr_-3.00`; `optimizers list` shows all");
        check_refused("Adam", "`adam_lr_-3.00`");
        check_refused("adam8p_wide_grid_seed007", "did you mean `adam8p_wide_grid_seed7`?");
        check_refused("adam8p_wide_grid_seed+7", "did you mean `adam8p_wide_grid_seed7`?");
        check_refused("adam8p_wide_grid_seed4294967295", "seeds of `adam8p_wide_grid` are 0 to 999");
        check_refused(
            "nadamw_grid_seed1000",
            "there is no `nadamw_grid_seed1000`: the seeds of `nadamw_grid` are 0 to 999",
        );
        check_refused("nadamw_grid_seed-1", "are 0 to 999");
        check_refused("nadamw_grid_seed{998..1001}", "`nadamw_grid_seed1000`");
        check_refused("adam_lr_-3", "did you mean `adam_lr_-3.00`?");
        check_refused("adam_lr_-2.5", "did you mean `adam_lr_-2.50`?");
        check_refused("adagrad_lr_-0", "did you mean `adagrad_lr_0.00`?");
        check_refused("adam_lr_0.001", "log10 of the learning rate, -7.00 to 1.00 in steps of 0.50");
        check_refused("adagrad_lr_-3.25", "log10 of the learning rate");
        check_refused("adam_lr_nan", "log10 of the learning rate");
        check_refused("adam_rl_-3.00", "did you mean `adam_lr_-3.00`?");
        check_refused("something_with_all_the_trimmings", "names look like");
        check_refused("soap*", "no optimizer matches");
        check_refused("adam8p_wide_grid_seed{3..1}", "empty");
    }

    #[test]
    fn a_group_is_not_an_optimizer() {
        let check = |name: &str, message: &str| assert_eq!(named(name).unwrap_err().to_string(), message);
        for name in ["adam8p", "adam8p_wide_grid", "adam8p_wide_grid_1k"] {
            let ends = "is a set of 1000 optimizers; name one, e.g. `adam8p_wide_grid_seed0`";
            check(name, &format!("`{name}` {ends}"));
        }
        check("muon", "`muon` is a set of 1000 optimizers; name one, e.g. `muon_seed0`");
        check("adam_lr", "`adam_lr` is a set of 17 optimizers; name one, e.g. `adam_lr_-7.00`");
    }

    proptest! {
        #[test]
        fn no_name_panics(
            name in r"\PC{0,30}|(zero|adam8p|nadamw_grid|adam_lr|_seed|_|\*|\{|\}|\.\.|-?[0-9]{1,2}|\{[0-9]\.\.[0-9]\}){0,6}",
        ) {
            let _ = named(&name);
            let _ = select(&[name]);
        }
    }
}
