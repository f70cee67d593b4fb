//! The curves of one task as a checked table: every optimizer with the same replicas and points.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use taskset_names::{Origin, Split};
use taskset_trial::{Curve, TrialSpec, Uniform};

use crate::Error;

/// The curves of one task by optimizer and replica, checked once, so that several normalisers can score them
/// ([`Normalizer::scores_of`](crate::Normalizer::scores_of)). Clones share the losses.
#[derive(Clone, Debug)]
pub struct TaskCurves {
    table: Arc<Table>,
    /// How many points of each curve count.
    points: usize,
}

/// All points of all curves. The losses lie side by side, because scoring passes over them several times: with a place in
/// memory for each of the 25,000 curves of a task, finding them takes longer than scoring them.
#[derive(Debug)]
struct Table {
    task: String,
    /// Sorted.
    optimizers: Vec<String>,
    replicas: usize,
    /// At which the curves were evaluated. Not empty.
    steps: Vec<u32>,
    /// Parts of the table, as they came: each has all curves of some optimizers. By split, in the order of [`Split::ALL`]: rows ×
    /// replicas × steps, or nothing where the curves have no losses on it.
    parts: Vec<[Vec<f32>; 4]>,
    /// The part and the row in it of each optimizer.
    rows: Vec<(usize, usize)>,
    families: Vec<String>,
    origin: Origin,
    shared: Uniform,
    /// Mean curves by split, made when they are first asked for: most normalisers need the same ones.
    means: [OnceLock<Vec<f64>>; 4],
}

impl TaskCurves {
    /// Checks that all curves are of one task and may be compared, have the same points on all splits, and that every
    /// optimizer has the same replicas, each once.
    ///
    /// # Errors
    /// [`Error`] if there are no curves, they are of several tasks, they come from trials that differ in more than the
    /// optimizer and the replica, were evaluated at different steps, or an optimizer lacks a replica that another has.
    pub fn new(curves: &[Curve]) -> Result<Self, Error> {
        let first = curves.first().ok_or(Error::NoCurves)?;
        let mut sorted: Vec<&Curve> = curves.iter().collect();
        sorted.sort_by(|a, b| (a.optimizer(), a.replica()).cmp(&(b.optimizer(), b.replica())));
        let replicas: BTreeSet<u32> = curves.iter().map(Curve::replica).collect();
        if let Some(curve) = sorted.iter().find(|curve| curve.steps.is_empty()) {
            return Err(Error::NoPoints {
                task: curve.task().to_owned(),
                optimizer: curve.optimizer().to_owned(),
                replica: curve.replica(),
            });
        }
        if let Some(other) = sorted.iter().find(|curve| curve.task() != first.task()) {
            return Err(Error::TwoTasks { first: first.task().to_owned(), second: other.task().to_owned() });
        }
        let shared = Uniform::of_task(sorted.iter().map(|curve| &curve.spec))?;
        for curve in &sorted {
            check_points(first, curve)?;
        }
        let mut specs = Vec::new();
        for row in sorted.chunk_by(|a, b| a.optimizer() == b.optimizer()) {
            let (task, optimizer) = (first.task().to_owned(), row[0].optimizer().to_owned());
            if let Some(pair) = row.windows(2).find(|pair| pair[0].replica() == pair[1].replica()) {
                return Err(Error::Duplicate { task, optimizer, replica: pair[0].replica() });
            }
            let here: BTreeSet<u32> = row.iter().map(|c| c.replica()).collect();
            if let Some(&replica) = replicas.difference(&here).next() {
                return Err(Error::MissingReplica { task, optimizer, replica });
            }
            specs.push(&row[0].spec);
        }
        let losses = Split::ALL.map(|split| {
            let mut column = Vec::with_capacity(sorted.len() * first.split(split).len());
            sorted.iter().for_each(|curve| column.extend_from_slice(curve.split(split)));
            column
        });
        let rows = (0..specs.len()).map(|row| (0, row)).collect();
        Ok(Self::of_checked(&specs, rows, shared, replicas.len(), first.steps.to_vec(), vec![losses]))
    }

    /// Curves whose losses are in tables already, as in the files of the paper's authors. `specs` has a trial of each optimizer,
    /// in any order; replicas are numbered from 0. Each of the `parts` has the losses of the next specs: a table for each split
    /// in the order of [`Split::ALL`], optimizers × replicas × steps. The tables of a split can be empty, in all parts, if the
    /// curves have no losses on it.
    ///
    /// # Errors
    /// [`Error`] if there are no curves or no steps, a table has another size, they are of several tasks, they come from trials
    /// that differ in more than the optimizer, or an optimizer is there twice.
    pub fn from_tables(
        specs: &[TrialSpec],
        replicas: usize,
        steps: Vec<u32>,
        parts: Vec<[Vec<f32>; 4]>,
    ) -> Result<Self, Error> {
        let first = specs.first().filter(|_| replicas > 0).ok_or(Error::NoCurves)?;
        let (task, name) = (|| first.task.name.clone(), |row: usize| &specs[row].optimizer.name);
        if steps.is_empty() {
            return Err(Error::NoPoints { task: task(), optimizer: name(0).clone(), replica: 0 });
        }
        let of_optimizer = replicas * steps.len();
        // Optimizers of a part: its longest table has all of them.
        let longest = |part: &[Vec<f32>; 4]| part.iter().map(Vec::len).max().unwrap_or(0);
        let counts: Vec<usize> = parts.iter().map(|part| longest(part).div_ceil(of_optimizer)).collect();
        for split in Split::ALL {
            let tables = || parts.iter().map(|part| part[split.index()].len());
            let fit = tables().zip(&counts).all(|(found, count)| found == count * of_optimizer);
            let (found, expected) = (tables().sum(), specs.len() * of_optimizer);
            if found != 0 && !(fit && found == expected) {
                return Err(Error::TableSize { task: task(), split, found, expected });
            }
        }
        if let Some(other) = specs.iter().find(|spec| spec.task.name != first.task.name) {
            return Err(Error::TwoTasks { first: task(), second: other.task.name.clone() });
        }
        let mut order: Vec<usize> = (0..specs.len()).collect();
        order.sort_by_key(|&spec| name(spec));
        if let Some(pair) = order.windows(2).find(|pair| name(pair[0]) == name(pair[1])) {
            return Err(Error::Duplicate { task: task(), optimizer: name(pair[0]).clone(), replica: 0 });
        }
        let sorted: Vec<&TrialSpec> = order.iter().map(|&spec| &specs[spec]).collect();
        let shared = Uniform::of_task(sorted.iter().copied())?;
        let places: Vec<(usize, usize)> =
            (0..).zip(&counts).flat_map(|(part, &count)| (0..count).map(move |row| (part, row))).collect();
        // Without any losses there are no places. None is asked for then.
        let rows = order.iter().map(|&spec| places.get(spec).copied().unwrap_or_default()).collect();
        Ok(Self::of_checked(&sorted, rows, shared, replicas, steps, parts))
    }

    /// The table. `specs` has a trial of each optimizer, sorted by name.
    fn of_checked(
        specs: &[&TrialSpec],
        rows: Vec<(usize, usize)>,
        shared: Uniform,
        replicas: usize,
        steps: Vec<u32>,
        parts: Vec<[Vec<f32>; 4]>,
    ) -> Self {
        let families: BTreeSet<&str> = specs.iter().map(|spec| spec.optimizer.family.as_str()).collect();
        let points = steps.len();
        let table = Table {
            task: specs[0].task.name.clone(),
            optimizers: specs.iter().map(|spec| spec.optimizer.name.clone()).collect(),
            replicas,
            steps,
            parts,
            rows,
            families: families.into_iter().map(str::to_owned).collect(),
            // The origin of the data is a part of what all trials of a task share.
            origin: specs[0].task.origin,
            shared,
            means: Default::default(),
        };
        Self { table: Arc::new(table), points }
    }

    /// The same curves, cut: only the points up to this step count, as if training had ended there (Appendix A.3). The
    /// first point always counts.
    #[must_use]
    pub fn until(&self, step: u32) -> Self {
        let points = self.table.steps.partition_point(|&s| s <= step).max(1);
        Self { table: Arc::clone(&self.table), points }
    }

    /// The task.
    pub fn task(&self) -> &str {
        &self.table.task
    }

    /// The optimizers, sorted by name.
    pub fn optimizers(&self) -> &[String] {
        &self.table.optimizers
    }

    /// Replicas of each optimizer.
    pub fn replicas(&self) -> usize {
        self.table.replicas
    }

    /// Families of the optimizers, sorted.
    pub(crate) fn families(&self) -> &[String] {
        &self.table.families
    }

    /// What all of the trials share.
    pub(crate) fn shared(&self) -> &Uniform {
        &self.table.shared
    }

    /// Synthetic if the data are, and so on.
    pub(crate) fn origin(&self) -> Origin {
        self.table.origin
    }

    /// Whether the curves have losses on a split.
    pub(crate) fn has(&self, split: Split) -> bool {
        self.table.parts.iter().any(|part| !part[split.index()].is_empty())
    }

    /// The losses of an optimizer that count, replica by replica. The split must not be absent.
    pub(crate) fn losses(&self, optimizer: usize, split: Split) -> impl Iterator<Item = &[f32]> {
        self.table.losses(optimizer, split).map(|losses| &losses[..self.points])
    }

    /// Mean over replicas at each point that counts, in f64. The replicas are added in their order. The split must not be
    /// absent.
    pub(crate) fn mean_curve(&self, optimizer: usize, split: Split) -> &[f64] {
        // All points, so that cut tables can share them.
        let points = self.table.steps.len();
        let means = self.table.means[split.index()].get_or_init(|| self.table.mean_curves(split));
        &means[optimizer * points..][..self.points]
    }
}

impl Table {
    /// All losses of an optimizer on a split, replica by replica. The split must not be absent.
    fn losses(&self, optimizer: usize, split: Split) -> impl Iterator<Item = &[f32]> {
        let points = self.steps.len();
        let (part, row) = self.rows[optimizer];
        let of_row = &self.parts[part][split.index()][row * self.replicas * points..];
        of_row.chunks_exact(points).take(self.replicas)
    }

    /// The mean curves of all optimizers, one behind the other.
    fn mean_curves(&self, split: Split) -> Vec<f64> {
        let (points, count) = (self.steps.len(), self.replicas as f64);
        // The neutral element of a sum of floats.
        let mut means = vec![-0.0; self.rows.len() * points];
        for (optimizer, sums) in means.chunks_exact_mut(points).enumerate() {
            for curve in self.losses(optimizer, split) {
                for (sum, &loss) in sums.iter_mut().zip(curve) {
                    *sum += f64::from(loss);
                }
            }
            sums.iter_mut().for_each(|sum| *sum /= count);
        }
        means
    }
}

fn check_points(first: &Curve, curve: &Curve) -> Result<(), Error> {
    for split in Split::ALL {
        // A split that the source lacks, or that was not read, is absent in all.
        let (found, expected) = (curve.split(split).len(), first.split(split).len());
        if found != expected || expected != 0 && expected != first.steps.len() || curve.steps != first.steps {
            return Err(Error::Points {
                task: curve.task().to_owned(),
                optimizer: curve.optimizer().to_owned(),
                replica: curve.replica(),
                split,
                found,
                expected: first.steps.len(),
                reference: first.optimizer().to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use taskset_trial::{Arithmetic, OptimizerIdentity, Protocol, Source, TaskIdentity};

    use super::*;
    use crate::named;

    const PROTOCOL: Protocol = Protocol { steps: 2, eval_every: 1, eval_batches: 1 };

    fn spec(optimizer: &str) -> TrialSpec {
        TrialSpec {
            task: Arc::new(TaskIdentity::without_data("t", "group", 1, "")),
            optimizer: Arc::new(OptimizerIdentity::new(optimizer, "family", [], 1)),
            replica: 0,
            protocol: PROTOCOL,
            arithmetic: Arithmetic::Fma,
            source: Source::Trained { trainer: 1 },
        }
    }

    /// A table of three optimizers, two replicas and three points on a split.
    fn losses(offset: u8) -> Vec<f32> {
        (0..18).map(|i| f32::from(i * 7 % 11 + offset)).collect()
    }

    #[test]
    fn tables_in_any_order_are_the_curves_that_they_hold() {
        let specs = ["c", "a", "b"].map(spec);
        // No losses on valid_inner.
        let tables = [losses(0), Vec::new(), losses(2), losses(3)];
        // One optimizer in the first part, two in the second.
        let cut = |part: fn(&[f32]) -> &[f32]| {
            tables.each_ref().map(|table| if table.is_empty() { Vec::new() } else { part(table).to_vec() })
        };
        let parts = vec![cut(|table| &table[..6]), cut(|table| &table[6..])];
        let table = TaskCurves::from_tables(&specs, 2, vec![0, 1, 2], parts).unwrap();
        let mut curves = Vec::new();
        for (row, spec) in specs.iter().enumerate() {
            for replica in 0..2 {
                let of = |table: &Vec<f32>| {
                    table.chunks(3).nth(2 * row + replica).map_or(Vec::new(), <[f32]>::to_vec)
                };
                curves.push(Curve {
                    spec: TrialSpec { replica: replica as u32, ..spec.clone() },
                    steps: [0, 1, 2].into(),
                    losses: tables.each_ref().map(of),
                    diverged_at: None,
                    num_params: 1,
                    train_seconds: 0.0,
                    eval_seconds: 0.0,
                });
            }
        }
        let plain = TaskCurves::new(&curves).unwrap();
        assert_eq!((table.optimizers(), table.replicas()), (plain.optimizers(), 2));
        for name in ["default", "average_scores", "best_replica", "own_initial", "last_quantile"] {
            let normalizer = named(name).unwrap();
            assert_eq!(normalizer.scores_of(&table), normalizer.scores_of(&plain), "{name}");
        }
        assert!(named("valid_inner").unwrap().scores_of(&table).is_err());
        for parts in [vec![], vec![[const { Vec::new() }; 4]]] {
            let empty = TaskCurves::from_tables(&specs, 2, vec![0, 1, 2], parts).unwrap();
            let refused = named("default").unwrap().scores_of(&empty).unwrap_err();
            assert!(refused.to_string().contains("no losses on valid_outer"), "{refused}");
        }
    }

    #[test]
    fn tables_that_cannot_be_compared_are_refused() {
        let steps = || vec![0, 1, 2];
        let tables = |rows: usize| [const { Vec::new() }; 4].map(|_: Vec<f32>| vec![1.0; rows * 3]);
        let refused = |specs: &[TrialSpec], steps: Vec<u32>, rows: usize| {
            TaskCurves::from_tables(specs, 1, steps, vec![tables(rows)]).unwrap_err().to_string()
        };
        assert!(refused(&[], steps(), 0).contains("no curves"));
        let without_replicas =
            TaskCurves::from_tables(&[spec("a")], 0, steps(), vec![tables(1)]).unwrap_err();
        assert!(without_replicas.to_string().contains("no curves"));
        assert!(refused(&[spec("a")], Vec::new(), 0).contains("`a`, replica 0: the curve has no points"));
        assert!(refused(&[spec("a"), spec("a")], steps(), 2).contains("twice"));
        assert!(refused(&[spec("a")], steps(), 3).contains("`t`: 9 losses on train, and 3 are needed"));
        // The parts have as many losses as are needed, but not of whole optimizers.
        let uneven = [2, 4].map(|n| [const { Vec::new() }; 4].map(|_: Vec<f32>| vec![1.0; n])).to_vec();
        let found = TaskCurves::from_tables(&["a", "b"].map(spec), 1, steps(), uneven).unwrap_err();
        assert!(found.to_string().contains("losses on train"), "{found}");
        let mut other = spec("b");
        Arc::make_mut(&mut other.task).name = "u".into();
        assert!(refused(&[spec("a"), other.clone()], steps(), 2).contains("`u`"));
        other = TrialSpec { arithmetic: Arithmetic::Portable, ..spec("b") };
        assert!(refused(&[spec("a"), other], steps(), 2).contains("arithmetic"));
    }
}
