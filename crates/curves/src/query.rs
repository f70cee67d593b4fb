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
    /// are decoded, a batch at a time.
    pub(crate) fn run(&self, files: &[PathBuf]) -> Result<Vec<Curve>, Error> {
        let tasks = NamePatterns::new(&self.tasks)?;
        let optimizers = NamePatterns::new(&self.optimizers)?;
        let splits = if self.splits.is_empty() { &Split::ALL[..] } else { &self.splits };
        let schema = schema::schema();
        let columns: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|&name| name.parse::<Split>().map_or(true, |split| splits.contains(&split)))
            .collect();
        let mut curves = Vec::new();
        for path in files {
            let file = CurveFile::open(path)?;
            for batch in file.batches(Some(&columns), |group| may_hold(group, &tasks))? {
                let chosen = Rows::new(path, &batch?).curves(splits, |task, optimizer, replica| {
                    (self.replicas.is_empty() || self.replicas.contains(&replica))
                        && tasks.matches(task)
                        && optimizers.matches(optimizer)
                })?;
                curves.extend(chosen.into_iter().map(|curve| self.cut(curve)));
            }
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

/// Whether a row group can hold a chosen task, by the bounds of its `task` column.
fn may_hold(group: &RowGroupMetaData, tasks: &NamePatterns) -> bool {
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
