//! Brace ranges and wildcards.

/// A pattern that cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A `{` without `}`, or the reverse.
    #[error("pattern `{pattern}`: unbalanced braces; a range is written {{FIRST..LAST}}")]
    Unbalanced {
        /// The whole pattern.
        pattern: String,
    },
    /// The text between braces is not `FIRST..LAST` with whole numbers, as names have them: no sign, no leading zeros.
    #[error(
        "pattern `{pattern}`: `{{{range}}}` is not a range; write {{FIRST..LAST}} with whole numbers \
         (no sign, no leading zeros), both included"
    )]
    NotARange {
        /// The whole pattern.
        pattern: String,
        /// The text between the braces.
        range: String,
    },
    /// The range runs backwards, so it names nothing.
    #[error("pattern `{pattern}`: the range {first}..{last} is empty; its ends are both included")]
    Empty {
        /// The whole pattern.
        pattern: String,
        /// First number.
        first: u64,
        /// Last number.
        last: u64,
    },
    /// The pattern names more than [`MAX_NAMES`] names.
    #[error("pattern `{pattern}` names {count} names; at most {MAX_NAMES} can be asked for at once")]
    TooMany {
        /// The whole pattern.
        pattern: String,
        /// How many it names.
        count: u128,
    },
    /// The name of a family with a seed that was not published.
    #[error("there is no `{name}`: the seeds of `{family}` are 0 to 999, those that were published")]
    Seed {
        /// The name asked for.
        name: String,
        /// The family.
        family: String,
    },
}

/// The most names that one pattern may stand for.
pub const MAX_NAMES: u128 = 1_000_000;

/// Seeds of every sampled family of tasks or optimizers: 0 to 999 were published.
pub const SEEDS: u32 = 1000;

/// Expands every `{FIRST..LAST}` of a pattern, both ends included, leftmost slowest. A pattern without braces gives
/// itself.
///
/// # Errors
/// [`PatternError`] for unbalanced braces, anything but whole numbers between them, an empty range, or too many names.
///
/// ```
/// assert_eq!(taskset_names::expand_ranges("a{8..10}").unwrap(), ["a8", "a9", "a10"]);
/// ```
pub fn expand_ranges(pattern: &str) -> Result<Vec<String>, PatternError> {
    let unbalanced = || PatternError::Unbalanced { pattern: pattern.to_owned() };
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some(open) = rest.find(['{', '}']) {
        let (literal, tail) = rest.split_at(open);
        let tail = tail.strip_prefix('{').ok_or_else(unbalanced)?;
        let close = tail.find('}').ok_or_else(unbalanced)?;
        let range = &tail[..close];
        let not_a_range = || PatternError::NotARange { pattern: pattern.to_owned(), range: range.to_owned() };
        let (first, last) = range.split_once("..").ok_or_else(not_a_range)?;
        let number = |s: &str| whole_number(s).ok_or_else(not_a_range);
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(PatternError::Empty { pattern: pattern.to_owned(), first, last });
        }
        let count = names.len() as u128 * (u128::from(last - first) + 1);
        if count > MAX_NAMES {
            return Err(PatternError::TooMany { pattern: pattern.to_owned(), count });
        }
        names = names
            .iter()
            .flat_map(|name| (first..=last).map(move |n| format!("{name}{literal}{n}")))
            .collect();
        rest = &tail[close + 1..];
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

/// Parses a canonical decimal; rejects `+1` and `007`, which no name has.
fn whole_number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// The seed in a name `<family>_seed<number>`; none if the name is not of this family, or not written as names are (`seed007`).
///
/// # Errors
/// [`PatternError::Seed`] for a number outside 0 to 999.
///
/// ```
/// assert_eq!(taskset_names::seed_of("mlp_family", "mlp_family_seed12"), Ok(Some(12)));
/// assert_eq!(taskset_names::seed_of("mlp_family", "nvp_family_seed12"), Ok(None));
/// assert!(taskset_names::seed_of("mlp_family", "mlp_family_seed1000").is_err());
/// ```
pub fn seed_of(family: &str, name: &str) -> Result<Option<u32>, PatternError> {
    let Some(number) = name.strip_prefix(family).and_then(|end| end.strip_prefix("_seed")) else {
        return Ok(None);
    };
    let digits = number.strip_prefix('-').unwrap_or(number);
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && (!digits.starts_with('0') || number == "0");
    if digits.is_empty() || !canonical {
        return Ok(None);
    }
    match number.parse().ok().filter(|&seed| seed < SEEDS) {
        Some(seed) => Ok(Some(seed)),
        None => Err(PatternError::Seed { name: name.to_owned(), family: family.to_owned() }),
    }
}

/// Whether a name matches a wildcard pattern, in which `*` stands for any run of characters.
///
/// ```
/// assert!(taskset_names::matches("TwoD_*", "TwoD_Bowl1"));
/// ```
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, expected: &[&str]) {
        assert_eq!(expand_ranges(pattern).unwrap(), expected, "{pattern}");
    }

    #[test]
    fn ranges_include_both_ends() {
        check("plain", &["plain"]);
        check("s{0..2}", &["s0", "s1", "s2"]);
        check("s{7..7}x", &["s7x"]);
        check("a{0..1}b{0..1}", &["a0b0", "a0b1", "a1b0", "a1b1"]);
    }

    #[test]
    fn broken_ranges_say_what_is_wrong() {
        for bad in [
            "a{0..2",
            "a}0",
            "a{0..}",
            "a{0-3}",
            "a{x..y}",
            "a{3..1}",
            "a{0..99999999}",
            "a{}",
            "{-1..2}",
            "{+1..3}",
            "{007..9}",
            "{0..00}",
        ] {
            let message = expand_ranges(bad).unwrap_err().to_string();
            assert!(message.contains(bad), "{message}");
        }
    }

    #[test]
    fn seeds_are_those_that_were_published() {
        for (name, seed) in [("f_seed0", 0), ("f_seed7", 7), ("f_seed999", 999)] {
            assert_eq!(seed_of("f", name), Ok(Some(seed)));
        }
        for name in [
            "f",
            "g_seed1",
            "f_seed",
            "f_seed-",
            "f_seed+1",
            "f_seed007",
            "f_seed-0",
            "f_seedling",
            "f_seed1x",
        ] {
            assert_eq!(seed_of("f", name), Ok(None), "{name}");
        }
        for name in ["f_seed1000", "f_seed-1", "f_seed99999999999999999999"] {
            let message = seed_of("f", name).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("`f` are 0 to 999"), "{message}");
        }
    }

    #[test]
    fn wildcards() {
        let check = |p: &str, n: &str, yes: bool| assert_eq!(matches(p, n), yes, "{p} {n}");
        check("a", "a", true);
        check("a", "ab", false);
        check("*", "", true);
        check("a*", "a", true);
        check("a*c", "abc", true);
        check("a*c", "ac", true);
        check("a*c", "acb", false);
        check("*b*", "abc", true);
        check("a*b*c", "aXbYc", true);
        check("a*bc*c", "abc", false);
        check("ab*ba", "aba", false);
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in r".{0,40}|([ax*{}]|\.\.|[0-9]{1,2}|\{[0-9]\.\.[0-9]\}){0,8}") {
            let _ = expand_ranges(&pattern);
            let _ = matches(&pattern, "some_name");
        }

        #[test]
        fn a_range_has_its_length(first in 0u64..1000, extra in 0u64..1000) {
            let names = expand_ranges(&format!("x{{{first}..{}}}", first + extra)).unwrap();
            prop_assert_eq!(names.len() as u64, extra + 1);
        }
    }
}
