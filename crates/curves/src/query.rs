//! Choosing curves by task, optimizer, replica, split and step.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use parquet::file::metadata::RowGroupMetaData;
use taskset_names::Split;

use crate::curve::sort_and_deduplicate;
use crate::file::CurveFile;
use crate::names::NamePatterns;
use crate::schema::{self, Rows};
use crate::{Curve, Error};

/// Which curves, and what of them. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Tasks, as patterns of [`NamePatterns`]; empty: all.
    pub tasks: Vec<String>,
    /// Optimizers, as patterns of [`NamePatterns`]; empty: all.
    pub optimizers: Vec<String>,
    /// Replicas; empty: all.
    pub replicas: Vec<u32>,
    /// Splits; empty: all. The losses of the others are left empty and are not read.
    pub splits: Vec<Split>,
    /// Steps, both ends included; none: all.
    pub steps: Option<RangeInclusive<u32>>,
}

/// The chosen curves of a file or directory, sorted by task, optimizer and replica (see [`crate::open`]).
///
/// # Errors
/// [`Error::Pattern`] for a pattern that cannot be expanded; otherwise an [`Error`] naming the file that cannot be read.
pub fn query(path: &Path, query: &Query) -> Result<Vec<Curve>, Error> {
    crate::open(path)?.query(query)
}

impl Query {
    /// Row groups that cannot hold a chosen task are skipped by their statistics; of the others, only the needed columns
    /// are decoded, a batch at a time. Where `steps` is given, every chosen curve must have been evaluated at these.
    pub(crate) fn run(&self, files: &[PathBuf], steps: Option<&[u32]>) -> Result<Vec<Curve>, Error> {
        let choice = Choice::new(self, steps)?;
        let mut curves = Vec::new();
        for path in files {
            let file = CurveFile::open(path)?;
            let groups = file.groups(|group| may_hold(group, &choice.tasks));
            choice.read(&file, groups, |task| choice.tasks.matches(task), &mut curves)?;
        }
        sort_and_deduplicate(&mut curves);
        Ok(curves)
    }

    /// Keeps the chosen steps of a curve.
    fn cut(&self, mut curve: Curve) -> Curve {
        let Some(range) = &self.steps else { return curve };
        let kept: Vec<bool> = curve.steps.iter().map(|step| range.contains(step)).collect();
        for losses in &mut curve.losses {
            let mut kept = kept.iter();
            losses.retain(|_| kept.next() == Some(&true));
        }
        curve.steps.retain(|step| range.contains(step));
        curve
    }
}

/// A query whose patterns are compiled.
pub(crate) struct Choice {
    query: Query,
    pub(crate) tasks: NamePatterns,
    optimizers: NamePatterns,
    /// Names of the columns to decode.
    columns: Vec<String>,
    /// The steps that every curve must have.
    steps: Option<Vec<u32>>,
}

impl Choice {
    pub(crate) fn new(query: &Query, steps: Option<&[u32]>) -> Result<Self, Error> {
        let mut query = query.clone();
        if query.splits.is_empty() {
            query.splits = Split::ALL.to_vec();
        }
        let chosen = |name: &String| name.parse().map_or(true, |split: Split| query.splits.contains(&split));
        let columns =
            schema::schema().fields().iter().map(|field| field.name().clone()).filter(chosen).collect();
        Ok(Self {
            tasks: NamePatterns::new(&query.tasks)?,
            optimizers: NamePatterns::new(&query.optimizers)?,
            columns,
            steps: steps.map(<[u32]>::to_vec),
            query,
        })
    }

    /// Appends the chosen curves of some row groups, of the tasks that `wanted` chooses.
    pub(crate) fn read(
        &self,
        file: &CurveFile<'_>,
        groups: Vec<usize>,
        wanted: impl Fn(&str) -> bool,
        curves: &mut Vec<Curve>,
    ) -> Result<(), Error> {
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let replicas = &self.query.replicas;
        for batch in file.batches_of(Some(&columns), groups)? {
            let chosen =
                Rows::new(file.path(), &batch?).curves(&self.query.splits, |task, optimizer, replica| {
                    (replicas.is_empty() || replicas.contains(&replica))
                        && wanted(task)
                        && self.optimizers.matches(optimizer)
                })?;
            for curve in chosen {
                if let Some(steps) = &self.steps {
                    let trial = (curve.task.as_str(), curve.optimizer.as_str(), curve.replica);
                    check_steps(file.path(), trial, &curve.steps, steps)?;
                }
                curves.push(self.query.cut(curve));
            }
        }
        Ok(())
    }
}

/// Refuses a curve of a sweep's directory that was not evaluated at the sweep's steps.
pub(crate) fn check_steps(
    path: &Path,
    (task, optimizer, replica): (&str, &str, u32),
    found: &[u32],
    expected: &[u32],
) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::OtherSteps {
        path: path.to_owned(),
        task: task.to_owned(),
        optimizer: optimizer.to_owned(),
        replica,
        found: found.len(),
        expected: expected.len(),
    })
}

/// Whether a row group can hold a chosen task, by the bounds of its `task` column.
pub(crate) fn may_hold(group: &RowGroupMetaData, tasks: &NamePatterns) -> bool {
    let column = group.columns().iter().find(|c| c.column_path().string() == schema::TASK);
    let bounds =
        column.and_then(|c| c.statistics()).and_then(|s| Some((s.min_bytes_opt()?, s.max_bytes_opt()?)));
    bounds.is_none_or(|(low, high)| tasks.may_match_between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{curve, metadata};
    use crate::write;

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
        let names: Vec<String> =
            found.iter().map(|c| format!("{} {} {}", c.task, c.optimizer, c.replica)).collect();
        assert_eq!(names, expected);
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
        let cut = check(
            |q| {
                choose(q);
                q.steps = Some(10..=20);
                q.splits = vec![Split::Test];
            },
            &[one],
        )
        .remove(0);
        assert_eq!(cut.steps, [10, 20]);
        assert_eq!(cut.split(Split::Test), &whole.split(Split::Test)[1..]);
        assert!(cut.split(Split::Train).is_empty());
    }

    #[test]
    fn row_groups_without_a_chosen_task_are_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        // Two row groups of 8,192 rows each, of one task each.
        let curves: Vec<Curve> =
            (0..2 * 8192).map(|i| curve(if i < 8192 { "a" } else { "b" }, "o", i % 8192)).collect();
        write(&path, &curves, &metadata()).unwrap();
        let file = CurveFile::open(&path).unwrap();
        let kept = |pattern: &str| {
            let tasks = NamePatterns::new(&[pattern]).unwrap();
            let batches = file.batches(None, |group| may_hold(group, &tasks)).unwrap();
            batches.map(|b| b.unwrap().num_rows()).sum::<usize>()
        };
        assert_eq!([kept("a"), kept("b"), kept("*"), kept("c")], [8192, 8192, 2 * 8192, 0]);
        let q = Query { tasks: vec!["b".into()], ..Query::default() };
        assert_eq!(query(&path, &q).unwrap().len(), 8192);
    }
}
