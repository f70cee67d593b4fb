//! Queries choose and cut curves, whatever the order of the files.

use std::collections::HashSet;
use std::sync::Arc;

use taskset_names::{Origin, Split};
use taskset_trial::{Arithmetic, Curve, Protocol};

use crate::query::Choice;
use crate::scan::ByTask;
use crate::testing::{curve, in_mode, metadata};
use crate::{Error, Query, Selection, query, write};

fn check(change: impl FnOnce(&mut Query), expected: &[&str]) -> Vec<Curve> {
    let dir = tempfile::tempdir().unwrap();
    let mut curves = Vec::new();
    for task in ["TwoD_Bowl1", "TwoD_Bowl10", "quadratic_family_seed3"] {
        for optimizer in ["adam1p_wide_grid_seed0", "adam_lr_-3.00"] {
            curves.extend((0..2).map(|replica| curve(task, optimizer, replica)));
        }
    }
    write(&dir.path().join("a.parquet"), &curves, &metadata()).unwrap();
    let mut q = Query::default();
    change(&mut q);
    let found = query(dir.path(), &q).unwrap();
    let name = |c: &Curve| format!("{} {} {}", c.task(), c.optimizer(), c.replica());
    assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected);
    found
}

#[test]
fn names_and_replicas_choose_curves() {
    check(
        |q| (q.tasks, q.replicas) = (vec!["TwoD_Bowl{1..1}".into(), "quadratic_family".into()], vec![1]),
        &[
            "TwoD_Bowl1 adam1p_wide_grid_seed0 1",
            "TwoD_Bowl1 adam_lr_-3.00 1",
            "quadratic_family_seed3 adam1p_wide_grid_seed0 1",
            "quadratic_family_seed3 adam_lr_-3.00 1",
        ],
    );
    check(
        |q| (q.tasks, q.optimizers) = (vec!["*Bowl1".into()], vec!["adam1p_wide_grid_1k".into()]),
        &["TwoD_Bowl1 adam1p_wide_grid_seed0 0", "TwoD_Bowl1 adam1p_wide_grid_seed0 1"],
    );
    check(|q| q.tasks = vec!["absent".into()], &[]);
}

#[test]
fn splits_and_steps_cut_curves() {
    let one = "TwoD_Bowl1 adam_lr_-3.00 0";
    let choose = |q: &mut Query| {
        (q.tasks, q.optimizers, q.replicas) = (vec!["TwoD_Bowl1".into()], vec!["adam_*".into()], vec![0]);
    };
    let whole = check(choose, &[one]).remove(0);
    let cut = |q: &mut Query| {
        choose(q);
        q.steps = Some(10..=20);
        q.splits = vec![Split::Test];
    };
    let cut = check(cut, &[one]).remove(0);
    assert_eq!(*cut.steps, [10, 20]);
    assert_eq!(cut.split(Split::Test), &whole.split(Split::Test)[1..]);
    assert!(cut.split(Split::Train).is_empty());
    let nothing = |q: &mut Query| {
        choose(q);
        q.steps = Some(11..=19);
    };
    assert!(check(nothing, &[one]).remove(0).steps.is_empty());
}

#[test]
fn every_difference_of_trials_can_be_chosen_by() {
    let dir = tempfile::tempdir().unwrap();
    let mut base = curve("t", "o", 0);
    Arc::make_mut(&mut base.spec.task).data_digest = Some(taskset_trial::Digest([1; 32]));
    let mut others = vec![in_mode(&base, "paper")];
    let mut change = |change: &dyn Fn(&mut Curve)| {
        let mut other = base.clone();
        change(&mut other);
        others.push(other);
    };
    change(&|c| {
        c.spec.protocol = Protocol { eval_batches: 9, ..c.spec.protocol };
    });
    change(&|c| c.spec.arithmetic = Arithmetic::Portable);
    change(&|c| {
        let task = Arc::make_mut(&mut c.spec.task);
        (task.origin, task.data_digest) = (Origin::Synthetic, Some(taskset_trial::Digest([0x5c; 32])));
    });
    change(&|c| Arc::make_mut(&mut c.spec.task).data_digest = Some(taskset_trial::Digest([0xab; 32])));
    change(&|c| Arc::make_mut(&mut c.spec.optimizer).schedule_steps = Some(20));
    change(&|c| Arc::make_mut(&mut c.spec.optimizer).mode = None);
    change(&|c| c.spec.source = taskset_trial::Source::Trained { trainer: 77 });
    let all: Vec<Curve> = others.iter().chain([&base]).cloned().collect();
    write(&dir.path().join("a.parquet"), &all, &metadata()).unwrap();
    let reader = crate::open(dir.path()).unwrap();
    assert_eq!(reader.read_all().unwrap().len(), all.len(), "all are kept");
    let info = crate::info(dir.path()).unwrap();
    assert_eq!((info.trials, info.ambiguous), (9, 9));
    let select = |change: &dyn Fn(&mut Selection)| {
        let mut selection = Selection::default();
        change(&mut selection);
        let chosen = reader.query(&Query { selection, ..Query::default() }).unwrap();
        assert_eq!(chosen.len(), 1);
        chosen[0].id()
    };
    let expected: Vec<_> = others.iter().map(Curve::id).collect();
    assert_eq!(select(&|s| s.mode = Some("paper".into())), expected[0]);
    assert_eq!(
        select(&|s| s.protocol = Some(Protocol { steps: 20, eval_every: 10, eval_batches: 9 })),
        expected[1]
    );
    assert_eq!(select(&|s| s.arithmetic = Some(Arithmetic::Portable)), expected[2]);
    assert_eq!(select(&|s| s.data = Some(Origin::Synthetic)), expected[3]);
    assert_eq!(select(&|s| s.data_digest = Some("abab".into())), expected[4]);
    assert_eq!(select(&|s| s.schedule_steps = Some(20)), expected[5]);
    assert_eq!(select(&|s| s.mode = Some("none".into())), expected[6]);
    assert_eq!(select(&|s| s.revisions = Some("\"trainer\":77".into())), expected[7]);
    assert_eq!(select(&|s| s.trial = Some(base.id().to_string()[..12].to_owned())), base.id());
    // Whatever is chosen of data, tasks without data stay.
    write(&dir.path().join("b.parquet"), &[curve("no data", "o", 0)], &metadata()).unwrap();
    let selection = Selection { data: Some(Origin::Synthetic), ..Selection::default() };
    let with_none = query(dir.path(), &Query { selection, ..Query::default() }).unwrap();
    assert_eq!(with_none.len(), 2);
    let ids = Some(Arc::new(HashSet::from([expected[2], expected[5]])));
    assert_eq!(reader.query(&Query { ids, ..Query::default() }).unwrap().len(), 2);
}

#[test]
fn row_groups_without_a_chosen_task_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    // Two row groups of 8,192 rows each, of one task each.
    let curves: Vec<Curve> =
        (0..2 * 8192).map(|i| curve(if i < 8192 { "a" } else { "b" }, "o", i % 8192)).collect();
    write(&path, &curves, &metadata()).unwrap();
    let first = crate::parquet_file::CurveFile::open(&path).unwrap().groups()[0].columns()[0].byte_range();
    let q = |task: &str| Query { tasks: vec![task.into()], ..Query::default() };
    assert_eq!(query(&path, &q("b")).unwrap().len(), 8192);
    // Damage in the first group is not met by who asks for the second.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[first.0 as usize] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(query(&path, &q("b")).unwrap().len(), 8192);
    assert!(query(&path, &q("c")).unwrap().is_empty());
    assert!(matches!(query(&path, &q("a")), Err(Error::Damaged { .. })));
}

/// The curves of files in any order, read with a limit of memory.
fn with_limit(dir: &std::path::Path, q: &Query, limit: usize) -> Vec<Vec<Curve>> {
    let reader = crate::open(dir).unwrap();
    let scan = ByTask::new(Arc::clone(reader.files()), Choice::new(q)).with_limit(limit);
    scan.collect::<Result<_, _>>().unwrap()
}

#[test]
fn curves_come_by_task_whatever_the_order_and_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut all: Vec<Curve> = Vec::new();
    for task in 0..7 {
        for optimizer in 0..5 {
            all.extend((0..3).map(|replica| curve(&format!("t{task}"), &format!("o{optimizer}"), replica)));
        }
    }
    let mut mixed = all.clone();
    mixed.sort_by(|a, b| (a.replica(), a.optimizer()).cmp(&(b.replica(), b.optimizer())));
    for (number, part) in mixed.chunks(20).enumerate() {
        write(&dir.path().join(format!("{number}.parquet")), part, &metadata()).unwrap();
    }
    for limit in [0, 1000, usize::MAX] {
        let tasks = with_limit(dir.path(), &Query::default(), limit);
        assert_eq!(tasks.len(), 7);
        assert!(tasks.concat() == all, "limit {limit}");
    }
    let reader = crate::open(dir.path()).unwrap();
    let names = reader.by_task().map_parallel(|curves| Ok::<_, Error>(curves[0].task().to_owned()));
    assert_eq!(names.collect::<Result<Vec<_>, _>>().unwrap(), ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
    let failing = reader.by_task().map_parallel(|curves| {
        if curves[0].task() == "t2" { Err(Error::not_curves("x".as_ref(), "y")) } else { Ok(()) }
    });
    let results: Vec<bool> = failing.map(|result| result.is_ok()).collect();
    assert_eq!(results, [true, true, false], "nothing follows an error");
    let steps = Query { steps: Some(0..=0), ..Query::default() };
    assert!(
        with_limit(dir.path(), &steps, 0).concat().iter().all(|c| *c.steps == [0] && c.losses[3] == [4.0])
    );
}

#[test]
fn a_pattern_that_cannot_be_expanded_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.parquet"), &[curve("t", "o", 0)], &metadata()).unwrap();
    let q = Query { tasks: vec!["t{3..1}".into()], ..Query::default() };
    assert!(matches!(query(dir.path(), &q), Err(Error::Pattern(_))));
}
