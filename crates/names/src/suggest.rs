//! The nearest known name to a misspelt one.

/// The candidate nearest to `name` by edit distance, if one is near enough to be what was meant (at most a third of
/// the name's characters differ).
///
/// ```
/// assert_eq!(taskset_names::closest("mnits", ["mnist", "cifar10"]), Some("mnist"));
/// assert_eq!(taskset_names::closest("zzz", ["mnist", "cifar10"]), None);
/// ```
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance without regard to ASCII case.
fn edit_distance(a: &str, b: &str) -> usize {
    strsim::levenshtein(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let check = |a: &str, b: &str, d: usize| assert_eq!(edit_distance(a, b), d, "{a} {b}");
        check("", "", 0);
        check("abc", "", 3);
        check("kitten", "sitting", 3);
        check("ADAM", "adam", 0);
        // Letters count, not their bytes.
        check("größe", "groesse", 4);
    }
}
