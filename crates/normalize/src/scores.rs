//! The scores of all optimizers on one task.

use std::collections::BTreeSet;

use taskset_names::{Origin, Split};
use taskset_trial::{Curve, Uniform, optimizer_family};

use crate::curve_score::lowest;
use crate::{Best, Degenerate, Error, Initial, Normalizer, Replicas, TaskCurves, Upper};

/// The scores of all optimizers on one task: 1 is no better than the start, 0 the best that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskScores {
    /// The task.
    pub task: String,
    /// The optimizers, sorted by name.
    pub optimizers: Vec<String>,
    /// One score per optimizer, for each split in the order of [`Split::ALL`]; finite and at most 1. Empty for a split on which
    /// the curves have no losses.
    pub scores: [Vec<f64>; 4],
    /// The split that set the references and by which to choose.
    pub selection: Split,
    /// Mean of all finite first losses on the selection split; NaN if none is.
    pub initial: f64,
    /// The loss that scores 1: `initial` or what the normaliser put in its place. With
    /// [`Initial::OwnFirstPoint`] each curve has its own, and this is their mean.
    pub upper: f64,
    /// The loss that scores 0: the lowest finite one on the selection split, of the mean over replicas or of any replica
    /// ([`Best`]); NaN if none is.
    pub best: f64,
    /// Whether nothing was below the upper reference; all scores are then 1.
    pub degenerate: bool,
    /// Whether the task is to be left out of a score matrix, because it is degenerate and the normaliser drops those.
    pub dropped: bool,
    /// Families of the optimizers that set `best`, sorted: the scale moves with them.
    pub families: Vec<String>,
    /// Synthetic if any curve is.
    pub origin: Origin,
    /// What the trials share; tasks are put together only if they share the same ([`Uniform::join`]).
    pub shared: Uniform,
}

impl TaskScores {
    /// The scores on one split.
    pub fn split(&self, split: Split) -> &[f64] {
        &self.scores[split.index()]
    }
}

/// The configurations of one optimizer family that any of the tasks has, in the order of their seeds. Of all tasks, so that
/// one that a task lacks is missed later, not forgotten.
///
/// The family is named as anywhere else: by its short name (`adam8p`, as the curves have it), by what its names begin with
/// (`adam8p_wide_grid`, as [`optimizer_family`] gives it), or by its set (`adam8p_wide_grid_1k`).
pub fn configurations(scores: &[TaskScores], family: &str) -> Vec<String> {
    let stem = family.strip_suffix("_1k").unwrap_or(family);
    let mut names = BTreeSet::new();
    // Most tasks have the same optimizers as the one before.
    for same in scores.chunk_by(|a, b| a.optimizers == b.optimizers) {
        let TaskScores { optimizers, shared, .. } = &same[0];
        let of_family = |name: &&String| {
            optimizer_family(name) == stem
                || shared.optimizer(name).is_some_and(|optimizer| optimizer.family == family)
        };
        names.extend(optimizers.iter().filter(of_family));
    }
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    // They are sorted, so shorter ones first puts seeds in their order.
    names.sort_by_key(String::len);
    names
}

impl Normalizer {
    /// Scores all curves of one task: those of all families that shall share the scale.
    ///
    /// # Errors
    /// [`Error`] if there are no curves, they are of several tasks, they come from trials that differ in more than the
    /// optimizer and the replica, were evaluated at different steps, or an optimizer lacks a replica that another has.
    pub fn scores(&self, curves: &[Curve]) -> Result<TaskScores, Error> {
        self.scores_of(&TaskCurves::new(curves)?)
    }

    /// Scores curves that are checked already.
    ///
    /// # Errors
    /// [`Error::NoSplit`] if the curves have no losses on the selection split.
    pub fn scores_of(&self, table: &TaskCurves) -> Result<TaskScores, Error> {
        self.scores_on(table, &Split::ALL)
    }

    /// The same on some of the splits. The scores on the others are left empty.
    ///
    /// # Errors
    /// As [`scores_of`](Self::scores_of).
    pub fn scores_on(&self, table: &TaskCurves, splits: &[Split]) -> Result<TaskScores, Error> {
        if !table.has(self.selection) {
            return Err(Error::NoSplit { task: table.task().to_owned(), split: self.selection });
        }
        let all = || 0..table.optimizers().len();
        let selected = |i: usize| table.mean_curve(i, self.selection);
        let of_replicas = || all().flat_map(|i| table.losses(i, self.selection));
        let firsts: Vec<f64> =
            of_replicas().map(|losses| f64::from(losses[0])).filter(|loss| loss.is_finite()).collect();
        // An empty mean is 0 / 0: NaN.
        let initial = firsts.iter().sum::<f64>() / firsts.len() as f64;
        let lasts = all().filter_map(|i| selected(i).last().copied());
        let upper = self.upper.reference(initial, lasts);
        let best = match self.best {
            Best::ReplicaMean => all().map(|i| lowest(selected(i))).fold(f64::NAN, f64::min),
            Best::SingleReplica => of_replicas().map(lowest).fold(f64::NAN, f64::min),
        };
        // Also true if one of them is NaN.
        let degenerate = upper.partial_cmp(&best) != Some(std::cmp::Ordering::Greater);
        let score = |i: usize, split: Split| match self.replicas {
            _ if degenerate => 1.0,
            Replicas::AverageCurves => {
                let upper = if self.own_upper() { selected(i)[0] } else { upper };
                self.collapse(table.mean_curve(i, split), best, upper)
            }
            Replicas::AverageScores => self.mean_score(table, i, split, best, upper),
        };
        Ok(TaskScores {
            task: table.task().to_owned(),
            optimizers: table.optimizers().to_vec(),
            scores: Split::ALL.map(|split| {
                let wanted = table.has(split) && splits.contains(&split);
                all().filter(|_| wanted).map(|i| score(i, split)).collect()
            }),
            selection: self.selection,
            initial,
            upper,
            best,
            degenerate,
            dropped: degenerate && self.degenerate == Degenerate::Drop,
            families: table.families().to_vec(),
            origin: table.origin(),
            shared: table.shared().clone(),
        })
    }

    /// Scores curves of any number of tasks, task by task in the order of their names.
    ///
    /// # Errors
    /// As [`Normalizer::scores`], for the first task that fails.
    pub fn scores_by_task(&self, mut curves: Vec<Curve>) -> Result<Vec<TaskScores>, Error> {
        curves.sort_by(|a, b| a.task().cmp(b.task()));
        curves.chunk_by(|a, b| a.task() == b.task()).map(|curves| self.scores(curves)).collect()
    }

    /// Whether each curve has an upper reference of its own.
    fn own_upper(&self) -> bool {
        self.upper == Upper::Initial(Initial::OwnFirstPoint)
    }

    /// The mean of the scores of an optimizer's replicas on one split.
    fn mean_score(&self, table: &TaskCurves, optimizer: usize, split: Split, best: f64, upper: f64) -> f64 {
        let selected = table.losses(optimizer, self.selection);
        let replicas = table.losses(optimizer, split).zip(selected);
        let score = |(losses, selected): (&[f32], &[f32])| {
            let upper = if self.own_upper() { f64::from(selected[0]) } else { upper };
            self.collapse(losses, best, upper)
        };
        replicas.map(score).sum::<f64>() / table.replicas() as f64
    }
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    reason = "losses are multiples of powers of two, on which the arithmetic is exact"
)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::named;
    use proptest::prelude::*;
    use taskset_trial::{Arithmetic, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};

    /// A curve with the given validation losses (valid_outer) and the same plus 1 on test, half on train, and twice them on
    /// valid_inner.
    fn curve(optimizer: &str, replica: u32, losses: &[f32]) -> Curve {
        let family = optimizer_family(optimizer);
        Curve {
            spec: TrialSpec {
                task: Arc::new(TaskIdentity::without_data("t", "group", 1, "")),
                optimizer: Arc::new(OptimizerIdentity::new(optimizer, family, [], 1)),
                replica,
                protocol: Protocol { steps: 9, eval_every: 1, eval_batches: 1 },
                arithmetic: Arithmetic::Fma,
                source: Source::Trained { trainer: 1 },
            },
            steps: (0..losses.len() as u32).collect(),
            losses: [
                losses.iter().map(|l| l / 2.0).collect(),
                losses.iter().map(|l| l * 2.0).collect(),
                losses.to_vec(),
                losses.iter().map(|l| l + 1.0).collect(),
            ],
            diverged_at: None,
            num_params: 1,
            train_seconds: 0.0,
            eval_seconds: 0.0,
        }
    }

    const NAN: f32 = f32::NAN;

    /// Two replicas of three optimizers. On valid_outer the mean curves are a: 8 4 4 2, b: 8 16 NaN 6, c: 8 8 8 8; the first
    /// losses have mean 8; best is 2.
    fn three() -> Vec<Curve> {
        vec![
            curve("c", 0, &[8.0, 8.0, 8.0, 8.0]),
            curve("b", 1, &[7.0, 24.0, 8.0, 8.0]),
            curve("a", 0, &[9.0, 6.0, 4.0, 0.0]),
            curve("a", 1, &[7.0, 2.0, 4.0, 4.0]),
            curve("b", 0, &[9.0, 8.0, NAN, 4.0]),
            curve("c", 1, &[8.0, 8.0, 8.0, 8.0]),
        ]
    }

    fn check(name: &str, expected: [f64; 3]) -> TaskScores {
        let scores = named(name).unwrap().scores(&three()).unwrap();
        assert_eq!(scores.optimizers, ["a", "b", "c"]);
        let found = scores.split(scores.selection);
        assert!(
            found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12),
            "{name}: {found:?}, not {expected:?}"
        );
        scores
    }

    #[test]
    fn each_named_normaliser_by_hand() {
        // Points of a: (8-2)/6 = 1, 1/3, 1/3, 0; of b: 1, 1 (clipped), 1 (NaN), 2/3; of c: 1 throughout.
        let s = check("default", [5.0 / 12.0, 11.0 / 12.0, 1.0]);
        assert_eq!((s.initial, s.upper, s.best, s.degenerate, s.dropped), (8.0, 8.0, 2.0, false, false));
        check("keep_degenerate", [5.0 / 12.0, 11.0 / 12.0, 1.0]);
        check("trapezoid", [(0.5 + 2.0 / 3.0) / 3.0, (2.5 + 1.0 / 3.0) / 3.0, 1.0]);
        check("min", [0.0, 2.0 / 3.0, 1.0]);
        check("final", [0.0, 2.0 / 3.0, 1.0]);
        // The mean curves all start at 8.
        check("own_initial", [5.0 / 12.0, 11.0 / 12.0, 1.0]);
        // One replica of a reaches 0; the points of a are then (8, 4, 4, 2) / 8, those of b (8, 16, NaN, 6) / 8.
        assert_eq!(check("best_replica", [2.25 / 4.0, 3.75 / 4.0, 1.0]).best, 0.0);
        // On valid_inner everything is twice as large.
        assert_eq!(check("valid_inner", [5.0 / 12.0, 11.0 / 12.0, 1.0]).best, 4.0);
        // The last losses are 2, 6, 8; their 95th percentile is 6 + 0.9 * 2 = 7.8, so the scale is 5.8.
        let u = 5.8;
        check("last_quantile", [(1.0 + 4.0 / u) / 4.0, (3.0 + 4.0 / u) / 4.0, 1.0]);
        // Replica by replica: a0 1, 2/3, 1/3, -1/3; a1 5/6, 0, 1/3, 1/3; b0 1, 1, 1, 1/3; b1 5/6, 1, 1, 1.
        check("average_scores", [(5.0 / 3.0 + 1.5) / 8.0, (10.0 / 3.0 + 23.0 / 6.0) / 8.0, 1.0]);
    }

    #[test]
    fn a_cut_curve_is_scored_as_if_it_had_ended_there() {
        let curves = three();
        let table = TaskCurves::new(&curves).unwrap();
        let shorter: Vec<Curve> = curves
            .iter()
            .map(|c| Curve {
                steps: c.steps[..3].into(),
                losses: std::array::from_fn(|s| c.losses[s][..3].to_vec()),
                ..c.clone()
            })
            .collect();
        let some = named("default").unwrap().scores_on(&table, &[Split::ValidOuter]).unwrap();
        let all = named("default").unwrap().scores(&curves).unwrap();
        assert_eq!(some.split(Split::ValidOuter), all.split(Split::ValidOuter));
        assert!(some.split(Split::Test).is_empty());
        for row in crate::NAMED {
            let cut = row.normalizer.scores_of(&table.until(2)).unwrap();
            assert_eq!(cut, row.normalizer.scores(&shorter).unwrap(), "{}", row.name);
            assert_eq!(row.normalizer.scores_of(&table.until(9)), row.normalizer.scores(&curves));
        }
        // Before the first evaluation there is one point, from which nothing can be learned.
        assert!(named("default").unwrap().scores_of(&table.until(0)).unwrap().degenerate);
    }

    #[test]
    fn own_first_points_scale_each_curve_by_itself() {
        let curves = [curve("a", 0, &[4.0, 0.0]), curve("b", 0, &[8.0, 4.0]), curve("c", 0, &[0.0, 1.0])];
        let s = named("own_initial").unwrap().scores(&curves).unwrap();
        // c starts at the best: there is nothing to measure it by.
        assert_eq!(s.split(Split::ValidOuter), [0.5, 0.75, 1.0]);
        // So on every split: on train, b is below the lowest loss of the selection split.
        let curves = [curve("a", 0, &[4.0, 2.0]), curve("b", 0, &[2.0, 2.0])];
        let s = named("own_initial").unwrap().scores(&curves).unwrap();
        assert_eq!((s.split(Split::ValidOuter), s.split(Split::Train)[1]), (&[0.5, 1.0][..], 1.0));
        // A curve that starts at infinity has no scale either.
        let curves = [curve("a", 0, &[4.0, 2.0]), curve("b", 0, &[f32::INFINITY, 2.0])];
        let s = named("own_initial").unwrap().scores(&curves).unwrap();
        assert_eq!(s.split(Split::ValidOuter), [0.5, 1.0]);
        // A replica that starts below the lowest mean has no scale of its own.
        let curves = [curve("a", 0, &[9.0, 5.0]), curve("a", 1, &[1.0, 1.0])];
        let mut normalizer = named("own_initial").unwrap();
        normalizer.replicas = Replicas::AverageScores;
        // The means are 5 and 3. Replica 0 goes from 9 to 5: 1 and 1/3.
        let s = normalizer.scores(&curves).unwrap();
        assert!((s.split(Split::ValidOuter)[0] - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_point_is_its_own_score() {
        let curves = [curve("a", 0, &[2.0]), curve("b", 0, &[1.0])];
        for name in ["default", "trapezoid", "min", "final"] {
            // The mean initial loss 1.5 scores 1, and what is above it too.
            let s = named(name).unwrap().scores(&curves).unwrap();
            assert_eq!(s.split(Split::ValidOuter), [1.0, 0.0], "{name}");
        }
    }

    #[test]
    fn other_splits_use_the_constants_of_the_selection_split() {
        let s = named("default").unwrap().scores(&three()).unwrap();
        // a on test: 9 5 5 3, so 1 (clipped), 1/2, 1/2, 1/6; on train: 4 2 2 1, so 1/3, 0, 0, -1/6.
        assert!((s.split(Split::Test)[0] - 13.0 / 24.0).abs() < 1e-12);
        assert!((s.split(Split::Train)[0] - 1.0 / 24.0).abs() < 1e-12);
    }

    #[test]
    fn tasks_on_which_nothing_learns_are_degenerate() {
        let check = |curves: &[Curve]| {
            let s = named("default").unwrap().scores(curves).unwrap();
            assert!(s.degenerate && s.dropped);
            assert!(s.scores.iter().flatten().all(|&f| f == 1.0));
            assert!(!named("keep_degenerate").unwrap().scores(curves).unwrap().dropped);
        };
        check(&[curve("a", 0, &[2.0, 2.0]), curve("b", 0, &[2.0, 3.0])]);
        check(&[curve("a", 0, &[NAN, NAN])]);
        check(&[curve("a", 0, &[NAN, 1.0])]);
        check(&[curve("a", 0, &[f32::INFINITY, f32::NEG_INFINITY])]);
    }

    #[test]
    fn no_curve_of_a_degenerate_task_is_measured_by_its_own_start() {
        // The finite first losses have the mean -4/3, and no mean curve gets below 2. But b starts at 3.
        let curves = [
            curve("a", 0, &[NAN, 9.0]),
            curve("a", 1, &[-10.0, 9.0]),
            curve("b", 0, &[3.0, 2.0]),
            curve("b", 1, &[3.0, 2.0]),
        ];
        let s = named("own_initial").unwrap().scores(&curves).unwrap();
        assert!(s.degenerate);
        assert_eq!(s.split(Split::ValidOuter), [1.0, 1.0]);
    }

    #[test]
    fn families_and_origins_are_recorded() {
        let mut curves = vec![
            curve("adam8p_wide_grid_seed2", 0, &[2.0, 1.0]),
            curve("adam1p_wide_grid_seed0", 0, &[2.0, 1.0]),
            curve("adam8p_wide_grid_seed1", 0, &[2.0, 1.0]),
        ];
        let normalizer = Normalizer::default();
        assert_eq!(normalizer.scores(&curves).unwrap().families, ["adam1p_wide_grid", "adam8p_wide_grid"]);
        assert_eq!(normalizer.scores(&curves).unwrap().origin, Origin::Real);
        for curve in &mut curves {
            Arc::make_mut(&mut curve.spec.task).origin = Origin::Synthetic;
        }
        assert_eq!(normalizer.scores(&curves).unwrap().origin, Origin::Synthetic);
    }

    #[test]
    fn incomplete_tasks_are_refused_with_their_names() {
        let check = |change: &dyn Fn(&mut Vec<Curve>), words: &[&str]| {
            let mut curves = three();
            change(&mut curves);
            let message = Normalizer::default().scores(&curves).unwrap_err().to_string();
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        };
        check(&|c| c.clear(), &["no curves"]);
        check(&|c| drop(c.remove(1)), &["`t`", "`b`", "replica 1 is missing"]);
        check(&|c| c.push(c[0].clone()), &["`c`", "replica 0 is there twice"]);
        check(&|c| Arc::make_mut(&mut c[0].spec.task).name = "u".into(), &["`t`", "`u`"]);
        check(&|c| c[1].spec.arithmetic = Arithmetic::Portable, &["`t`", "arithmetic", "portable"]);
        check(
            &|c| Arc::make_mut(&mut c[1].spec.optimizer).mode = Some("paper".into()),
            &["`b`", "mode", "paper"],
        );
        check(&|c| Arc::make_mut(&mut c[1].spec.task).origin = Origin::Partial, &["data", "partial"]);
        check(&|c| c[1].steps = [0, 1, 2, 9].into(), &["`b`", "replica 1", "train"]);
        check(&|c| c[1].losses[3].clear(), &["`b`", "0 points on test"]);
        check(&|c| c.iter_mut().for_each(|c| c.losses[2].clear()), &["`t`", "no losses on valid_outer"]);
        check(&|c| *c = vec![curve("a", 0, &[])], &["task `t`, optimizer `a`", "the curve has no points"]);
        check(&|c| c.push(curve("d", 0, &[])), &["task `t`, optimizer `d`", "the curve has no points"]);
    }

    #[test]
    fn a_split_that_no_curve_has_gets_no_scores() {
        let mut curves = three();
        let whole = Normalizer::default().scores(&curves).unwrap();
        curves.iter_mut().for_each(|curve| curve.losses[0].clear());
        let scores = Normalizer::default().scores(&curves).unwrap();
        assert!(scores.split(Split::Train).is_empty());
        assert_eq!(scores.split(Split::Test), whole.split(Split::Test));
    }

    #[test]
    fn configurations_are_those_of_any_task_in_the_order_of_their_seeds() {
        let name = |seed: u32| format!("adam8p_wide_grid_seed{seed}");
        let curves = |seeds: &[u32]| -> Vec<Curve> {
            let other = curve("adam4p_wide_grid_seed0", 0, &[2.0, 1.0]);
            seeds.iter().map(|&s| curve(&name(s), 0, &[2.0, 1.0])).chain([other]).collect()
        };
        let scores = [&[10, 2][..], &[2, 100, 1]].map(|s| Normalizer::default().scores(&curves(s)).unwrap());
        for family in ["adam8p_wide_grid", "adam8p_wide_grid_1k"] {
            assert_eq!(configurations(&scores, family), [1, 2, 10, 100].map(name));
        }
        assert!(configurations(&scores, "nadamw_grid").is_empty());
        // The short name is the one that the curves have.
        let mut named = curves(&[3]);
        named.iter_mut().for_each(|c| Arc::make_mut(&mut c.spec.optimizer).family = "adam8p".into());
        let scores = [Normalizer::default().scores(&named[..1]).unwrap()];
        assert_eq!(configurations(&scores, "adam8p"), [name(3)]);
    }

    #[test]
    fn tasks_are_scored_in_the_order_of_their_names() {
        let mut curves = vec![curve("a", 0, &[2.0, 1.0]), curve("a", 0, &[4.0, 1.0])];
        Arc::make_mut(&mut curves[0].spec.task).name = "z".into();
        let all = Normalizer::default().scores_by_task(curves.clone()).unwrap();
        assert_eq!(all.iter().map(|s| s.task.as_str()).collect::<Vec<_>>(), ["t", "z"]);
        assert_eq!(all[1], Normalizer::default().scores(&curves[..1]).unwrap());
        assert!(Normalizer::default().scores_by_task(vec![]).unwrap().is_empty());
    }

    /// Curves of up to five optimizers, two replicas, four points: small whole numbers, with some NaN.
    fn tasks(with_nan: bool) -> impl Strategy<Value = Vec<Curve>> {
        let loss =
            (0u16..1000, 0u8..10).prop_map(move |(n, d)| if with_nan && d == 0 { NAN } else { f32::from(n) });
        proptest::collection::vec(proptest::collection::vec(loss, 8), 1..6).prop_map(|rows| {
            let name = |i: usize| format!("o{i}");
            let pair =
                |(i, row): (usize, &Vec<f32>)| [curve(&name(i), 0, &row[..4]), curve(&name(i), 1, &row[4..])];
            rows.iter().enumerate().flat_map(pair).collect()
        })
    }

    fn changed(curves: &[Curve], f: impl Fn(f32) -> f32) -> Vec<Curve> {
        let mut curves = curves.to_vec();
        for loss in curves.iter_mut().flat_map(|c| &mut c.losses).flatten() {
            *loss = f(*loss);
        }
        curves
    }

    proptest! {
        #[test]
        fn scores_lie_between_0_and_1_on_the_selection_split(curves in tasks(true)) {
            for row in crate::NAMED.iter().filter(|row| row.normalizer.replicas == Replicas::AverageCurves) {
                let s = row.normalizer.scores(&curves).unwrap();
                prop_assert!(s.split(s.selection).iter().all(|f| (0.0..=1.0).contains(f)), "{}", row.name);
                prop_assert!(s.scores.iter().flatten().all(|&f| f.is_finite() && f <= 1.0));
            }
        }

        #[test]
        fn the_lowest_curve_scores_0_by_its_minimum(curves in tasks(true)) {
            let s = named("min").unwrap().scores(&curves).unwrap();
            let lowest = s.split(s.selection).iter().copied().fold(1.0, f64::min);
            prop_assert_eq!(lowest, if s.degenerate { 1.0 } else { 0.0 });
        }

        #[test]
        fn scale_and_offset_of_the_losses_do_not_matter(curves in tasks(true), scale in -3i32..4, offset in -500i16..500) {
            // Exact in f32: whole numbers below 2^24 and a power of two.
            let other = changed(&curves, |l| (l + f32::from(offset)) * 2f32.powi(scale));
            for row in crate::NAMED {
                let (a, b) = (row.normalizer.scores(&curves).unwrap(), row.normalizer.scores(&other).unwrap());
                prop_assert_eq!(a.degenerate, b.degenerate);
                // The means over replicas and points round differently at another offset.
                let pairs = a.scores.iter().flatten().zip(b.scores.iter().flatten());
                for (a, b) in pairs {
                    prop_assert!((a - b).abs() < 1e-9, "{}: {a} {b}", row.name);
                }
            }
        }

        #[test]
        fn order_of_curves_does_not_matter(curves in tasks(true), turn in 0usize..10) {
            let mut other = curves.clone();
            other.rotate_left(turn % curves.len());
            for row in crate::NAMED {
                // Only the pooled mean sums in the order of names, so all is equal to the last bit (but for NaN constants).
                let (a, b) = (row.normalizer.scores(&curves).unwrap(), row.normalizer.scores(&other).unwrap());
                prop_assert_eq!(a.scores, b.scores);
            }
        }

        #[test]
        fn a_point_that_is_not_finite_scores_1(curves in tasks(false), optimizer in 0usize..5, k in 1usize..4, bad in 0usize..3) {
            let mut broken = curves.clone();
            let optimizer = format!("o{}", optimizer % (curves.len() / 2));
            let bad = [NAN, f32::INFINITY, f32::NEG_INFINITY][bad];
            for c in broken.iter_mut().filter(|c| c.optimizer() == optimizer && c.replica() == 0) {
                for losses in &mut c.losses {
                    losses[k..].fill(bad);
                }
            }
            let s = named("final").unwrap().scores(&broken).unwrap();
            let at = s.optimizers.iter().position(|o| *o == optimizer).unwrap();
            prop_assert!(s.scores.iter().all(|scores| scores[at] == 1.0));
        }
    }
}
