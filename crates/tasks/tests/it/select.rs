//! Choosing tasks by pattern, and what happens to names that do not exist.

use proptest::prelude::*;
use taskset_tasks::{Error, all_names, describe, select};

fn check(patterns: &[&str], expected: &[&str]) {
    assert_eq!(select(patterns).unwrap(), expected, "{patterns:?}");
}

#[test]
fn patterns_keep_their_order_and_each_name_once() {
    check(&["mlp_family_seed{8..10}"], &["mlp_family_seed8", "mlp_family_seed9", "mlp_family_seed10"]);
    check(
        &["TwoD_Beale", "TwoD_Bowl*", "TwoD_Beale"],
        &["TwoD_Beale", "TwoD_Bowl1", "TwoD_Bowl10", "TwoD_Bowl100", "TwoD_Bowl1000"],
    );
    check(&["nvp_family_seed99*9"], &["nvp_family_seed999"]);
    check(&["maf_family_seed{99..99}9"], &["maf_family_seed999"]);
    check(&[], &[]);
}

#[test]
fn families_and_groups_stand_for_all_their_tasks() {
    let quadratic = select(&["quadratic_family"]).unwrap();
    assert_eq!(quadratic.len(), 1000);
    assert_eq!(quadratic[999], "quadratic_family_seed999");
    assert_eq!(select(&["fixed"]).unwrap().len(), 109);
    assert_eq!(select(&["fixed_mlp"]).unwrap().len(), 13);
    assert_eq!(select(&["fixed_two_d"]).unwrap().len(), 8);
    assert_eq!(select(&["*"]).unwrap(), all_names().collect::<Vec<_>>());
    assert_eq!(all_names().count(), 12_109);
}

#[test]
fn seeds_that_were_not_published_are_refused_with_the_reason() {
    assert!(describe("mlp_family_seed999").is_ok());
    for name in ["mlp_family_seed1000", "mlp_family_seed-1", "mlp_family_seed99999999999"] {
        for error in [describe(name).unwrap_err(), select(&[name]).unwrap_err()] {
            let message = error.to_string();
            assert!(
                message.contains(name) && message.contains("seeds of `mlp_family` are 0 to 999"),
                "{message}"
            );
        }
    }
    assert!(matches!(select(&["mlp_family_seed{998..1000}"]), Err(Error::Pattern(_))));
}

#[test]
fn unknown_names_are_told_the_nearest() {
    let check = |name: &str, expected: Option<&str>| match select(&[name]) {
        Err(error @ Error::UnknownTask { .. }) => {
            let message = error.to_string();
            assert!(message.contains(name), "{message}");
            if let Error::UnknownTask { suggestion, .. } = error {
                assert_eq!(suggestion.as_deref(), expected, "{name}");
            }
        }
        other => panic!("{name}: {other:?}"),
    };
    check("mlp_famly_seed12", Some("mlp_family_seed12"));
    check("mlp_family_seed012", Some("mlp_family_seed12"));
    check("mlp_family_seed", Some("mlp_family_seed0"));
    check("mlp_family_seed+1", Some("mlp_family_seed1"));
    check("mlp_family_seedx", Some("mlp_family_seed0"));
    check("TwoD_Rosenbrok", Some("TwoD_Rosenbrock"));
    check("TwoD_Bowl1001", Some("TwoD_Bowl100"));
    check("", None);
    check("hello", None);
}

#[test]
fn broken_patterns_are_errors() {
    assert!(matches!(select(&["mlp_family_seed{3..1}"]), Err(Error::Pattern(_))));
    assert!(matches!(select(&["no_such_*"]), Err(Error::NoMatch { .. })));
}

#[test]
fn a_family_is_not_a_task() {
    assert!(
        matches!(describe("mlp_family"), Err(Error::UnknownTask { suggestion: Some(s), .. }) if s == "mlp_family_seed0")
    );
}

proptest! {
    #[test]
    fn no_name_panics(name in "[a-zA-Z_{}*.0-9]{0,30}") {
        let _ = select(&[&name]);
        let _ = describe(&name);
    }

    #[test]
    fn no_seed_text_panics(digits in "[0-9+-]{0,14}") {
        let name = format!("maf_family_seed{digits}");
        let known = describe(&name).is_ok();
        let number = digits.parse::<u64>().is_ok_and(|n| n.to_string() == digits && n < 1000);
        prop_assert_eq!(known, number, "{}", name);
    }
}
