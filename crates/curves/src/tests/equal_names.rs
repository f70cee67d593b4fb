//! No curve is lost, and none is mixed with another.

use crate::testing::{curve, in_mode, metadata, slice_metadata};
use crate::{Error, Query, diff, info, write};

#[test]
fn equal_trials_count_once_and_different_ones_are_both_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let base = curve("t", "o", 0);
    let mut later = base.clone();
    later.train_seconds = 99.0;
    write(&path("a.parquet"), &[base.clone(), curve("t", "o", 1)], &metadata()).unwrap();
    write(&path("b.parquet"), &[later, in_mode(&base, "paper")], &metadata()).unwrap();
    let curves = crate::open(dir.path()).unwrap().read_all().unwrap();
    assert_eq!(curves.len(), 3);
    assert!(curves.iter().all(|c| c.train_seconds < 1.0), "the first file's");
    let info = info(dir.path()).unwrap();
    assert_eq!((info.trials, info.rows, info.ambiguous), (3, 4, 2));
    assert_eq!(info.modes, [("paper".to_owned(), 1), ("upstream".to_owned(), 2)].into());
    // The names of files decide nothing.
    let swapped = tempfile::tempdir().unwrap();
    std::fs::copy(path("a.parquet"), swapped.path().join("z.parquet")).unwrap();
    std::fs::copy(path("b.parquet"), swapped.path().join("b.parquet")).unwrap();
    assert!(diff(dir.path(), swapped.path(), 9).unwrap().is_equal());
}

#[test]
fn the_same_trial_with_other_results_is_an_error_that_names_both_files() {
    let check = |change: &dyn Fn(&mut taskset_trial::Curve), field: &str, query: &Query| {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut other = curve("t", "o", 0);
        change(&mut other);
        write(&path("a.parquet"), &[curve("t", "o", 0)], &metadata()).unwrap();
        write(&path("b.parquet"), &[other], &metadata()).unwrap();
        let reader = crate::open(dir.path()).unwrap();
        let message = reader.query(query).unwrap_err().to_string();
        for word in ["a.parquet", "b.parquet", "`o`", "`t`", field] {
            assert!(message.contains(word), "{word}: {message}");
        }
        assert!(matches!(info(dir.path()), Err(Error::Conflict { .. })));
    };
    let all = Query::default();
    check(&|c| c.losses[3][1] = 0.5, "differ in test", &all);
    check(&|c| c.diverged_at = Some(7), "differ in diverged_at", &all);
    check(&|c| c.num_params = 8, "differ in num_params", &all);
    // Neither a choice of splits nor a cut hides a difference.
    let test = Query { splits: vec![taskset_names::Split::Test], ..Query::default() };
    check(&|c| c.losses[0][1] = 0.75, "differ in train", &test);
    let first = Query { steps: Some(0..=0), ..Query::default() };
    check(&|c| c.losses[3][1] = 0.5, "differ in steps that were not asked for", &first);
}

#[test]
fn slices_do_not_pass_for_whole_curves() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let whole = curve("t", "o", 0);
    write(&path("whole.parquet"), std::slice::from_ref(&whole), &metadata()).unwrap();
    let query = Query { steps: Some(10..=20), ..Query::default() };
    let cut = crate::query(&path("whole.parquet"), &query).unwrap();
    assert!(matches!(write(&path("x.parquet"), &cut, &metadata()), Err(Error::InvalidCurve(_))));
    write(&path("cut.parquet"), &cut, &slice_metadata("steps 10..20")).unwrap();
    assert_eq!(*crate::read(&path("cut.parquet")).unwrap().1[0].steps, [10, 20]);
    let message = crate::open(&path("cut.parquet")).unwrap().whole().unwrap_err().to_string();
    assert!(message.contains("cut.parquet") && message.contains("steps 10..20"), "{message}");
    assert!(matches!(crate::open(dir.path()).unwrap().read_all(), Err(Error::Slice { .. })));
    assert_eq!(info(&path("cut.parquet")).unwrap().slices, ["steps 10..20".to_owned()].into());
    // Two slices of one trial are no contradiction, and are not put together.
    std::fs::remove_file(path("whole.parquet")).unwrap();
    let mut first = cut;
    first[0].steps = [0, 10].into();
    write(&path("first.parquet"), &first, &slice_metadata("steps 0..10")).unwrap();
    assert!(matches!(crate::open(dir.path()).unwrap().read_all(), Err(Error::Slice { .. })));
}

#[test]
fn differences_are_counted_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let base = curve("t", "o", 0);
    let mut changed = curve("t", "p", 0);
    changed.losses[2][1] = 0.0;
    let ours = [base.clone(), curve("t", "p", 0), curve("a", "o", 0), curve("t", "q", 0)];
    let mut clock = curve("t", "q", 0);
    clock.eval_seconds = 3.0;
    let theirs = [in_mode(&base, "paper"), changed, clock, curve("u", "o", 3), curve("t", "zz", 0)];
    write(&path("a.parquet"), &ours, &metadata()).unwrap();
    write(&path("b.parquet"), &theirs, &metadata()).unwrap();
    let found = diff(&path("a.parquet"), &path("b.parquet"), 9).unwrap();
    assert!(!found.is_equal());
    assert_eq!((found.equal, found.different, found.only_first, found.only_second), (1, 1, 2, 3));
    let words: Vec<&str> = found.examples.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(found.examples.len(), 6);
    assert!(words.contains(&"only in the first"), "{words:?}");
    assert!(words.iter().any(|w| w.contains("mode `upstream`") && w.contains("`paper`")), "{words:?}");
    assert!(words.contains(&"valid_outer differs from step 10 on: 1.5 and 0.0"), "{words:?}");
    assert_eq!(diff(&path("a.parquet"), &path("b.parquet"), 2).unwrap().examples.len(), 2);
    assert!(diff(&path("a.parquet"), &path("a.parquet"), 9).unwrap().is_equal());
}
