//! The order in which people look for names.

use std::cmp::Ordering;

/// Compares names so that numbers in them count as numbers: `seed2` comes before `seed10`. Names that differ only in
/// leading zeros are told apart by their text, so that different names are never equal.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (number, other) = (leading_digits(left), leading_digits(right));
        if !number.is_empty() && !other.is_empty() {
            let (x, y) = (number.trim_start_matches('0'), other.trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then(x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (left, right) = (&left[number.len()..], &right[other.len()..]);
            continue;
        }
        let (mut l, mut r) = (left.chars(), right.chars());
        match (l.next(), r.next()) {
            (Some(x), Some(y)) if x == y => (left, right) = (l.as_str(), r.as_str()),
            (None, None) => return a.cmp(b),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The decimal digits at the start of a text.
fn leading_digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["t_seed10", "t_seed2", "s_seed3", "t_seed1", "t", "t_seed02", "t_seed2x", ""];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["", "s_seed3", "t", "t_seed1", "t_seed02", "t_seed2", "t_seed2x", "t_seed10"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[ab01é]{0,6}", b in "[ab01é]{0,6}", c in "[ab01é]{0,6}") {
            prop_assert_eq!(natural_order(&a, &b), natural_order(&b, &a).reverse());
            prop_assert_eq!(natural_order(&a, &b).is_eq(), a == b);
            if natural_order(&a, &b).is_lt() && natural_order(&b, &c).is_lt() {
                prop_assert!(natural_order(&a, &c).is_lt());
            }
        }
    }
}
