//! `curves export --format npz | long-csv | long-parquet`: curves in the forms of other programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::Context;
use taskset::curves::released_npz::{ReleasedCurves, ReleasedName};
use taskset::curves::{Column, DataTable, Query, Reader};
use taskset::figures::{counted, natural_order};
use taskset::names::{Origin, Split};
use taskset::optim;
use taskset::trial::{Curve, Uniform, optimizer_family};

use super::Chosen;
use crate::failure::Interrupted;
use crate::interrupt;

/// Writes the curves of the named task into a directory, and returns the number of files.
pub(super) type WriteTask = fn(&str, &[Curve], &Path) -> anyhow::Result<u64>;

/// Writes the chosen curves, task by task.
pub(super) fn run(
    write: WriteTask,
    reader: &Reader,
    query: &Query,
    chosen: &mut Chosen,
    path: &Path,
    out: &Path,
) -> anyhow::Result<()> {
    let kept = format!("the files in {} are whole; the same command writes all of them again", out.display());
    interrupt::keep(kept.clone());
    let (mut files, mut trials) = (0, 0);
    for task in reader.query_by_task(query) {
        if interrupt::flag().load(Ordering::Relaxed) {
            return Err(Interrupted(kept).into());
        }
        let curves = task?;
        chosen.see(&curves);
        let Some(first) = curves.first() else { continue };
        trials += curves.len() as u64;
        files += write(first.task(), &curves, out)?;
    }
    if trials == 0 {
        return Err(chosen.nothing(path));
    }
    chosen.report();
    say!("{} written to {} in {}", counted(trials, "trial"), counted(files, "file"), out.display());
    Ok(())
}

/// One CSV table.
pub(super) fn long_csv(task: &str, curves: &[Curve], out: &Path) -> anyhow::Result<u64> {
    long_table(curves).write_csv(&out.join(format!("{task}.csv")))?;
    Ok(1)
}

/// One Parquet table.
pub(super) fn long_parquet(task: &str, curves: &[Curve], out: &Path) -> anyhow::Result<u64> {
    long_table(curves).write_parquet(&out.join(format!("{task}.parquet")))?;
    Ok(1)
}

/// One row a loss.
fn long_table(curves: &[Curve]) -> DataTable {
    let rows = || {
        curves.iter().flat_map(|curve| {
            Split::ALL.into_iter().flat_map(move |split| {
                curve
                    .steps
                    .iter()
                    .zip(curve.split(split))
                    .map(move |(&step, &loss)| (curve, split, step, loss))
            })
        })
    };
    let texts = |text: &dyn Fn(&Curve) -> Option<String>| {
        Column::Text(rows().map(|(curve, ..)| text(curve)).collect())
    };
    let counts = |count: &dyn Fn(&Curve) -> Option<u64>| {
        Column::Count(rows().map(|(curve, ..)| count(curve)).collect())
    };
    let mut table = DataTable::default();
    table.push("task", texts(&|curve| Some(curve.task().to_owned())));
    table.push("family", texts(&|curve| Some(curve.spec.optimizer.family.clone())));
    table.push("config", texts(&|curve| Some(curve.optimizer().to_owned())));
    table.push("replica", counts(&|curve| Some(curve.replica().into())));
    table.push("step", Column::Count(rows().map(|(_, _, step, _)| Some(step.into())).collect()));
    table.push("split", Column::Text(rows().map(|(_, split, ..)| Some(split.to_string())).collect()));
    let loss = |(_, _, _, loss): (&Curve, Split, u32, f32)| (!loss.is_nan()).then(|| f64::from(loss));
    table.push("loss", Column::Number(rows().map(loss).collect()));
    table.push("diverged_at", counts(&|curve| curve.diverged_at.map(u64::from)));
    table.push("mode", texts(&|curve| curve.spec.optimizer.mode.clone()));
    table.push("data", texts(&|curve| Some(curve.origin().to_string())));
    table.push(
        "protocol",
        texts(&|curve| {
            let p = curve.spec.protocol;
            Some(format!("{}/{}/{}", p.steps, p.eval_every, p.eval_batches))
        }),
    );
    table.push("trial", {
        let ids: BTreeMap<*const Curve, String> =
            curves.iter().map(|curve| (std::ptr::from_ref(curve), curve.id().short())).collect();
        Column::Text(rows().map(|(curve, ..)| ids.get(&std::ptr::from_ref(curve)).cloned()).collect())
    });
    table
}

/// One archive for each set of optimizers.
pub(super) fn npz(task: &str, curves: &[Curve], out: &Path) -> anyhow::Result<u64> {
    let mut sets: BTreeMap<String, Vec<&Curve>> = BTreeMap::new();
    for curve in curves {
        sets.entry(set_of(curve)).or_default().push(curve);
    }
    for (set, curves) in &sets {
        let first = curves[0];
        // The form has no place for what tells other trials of the same names apart.
        if let Err(mixture) = Uniform::of_task(curves.iter().map(|curve| &curve.spec)) {
            let context = format!("{set}: one archive cannot hold trials that differ in {}", mixture.field);
            return Err(anyhow::Error::from(mixture).context(context));
        }
        anyhow::ensure!(
            curves.iter().all(|curve| curve.steps == first.steps),
            "{set} on {task}: the trials are evaluated at different steps, and one archive has the same for all"
        );
        let replicas = curves.iter().map(|curve| curve.replica()).max().unwrap_or(0) as usize + 1;
        let mut names: Vec<&str> =
            curves.iter().map(|curve| curve.optimizer()).collect::<BTreeSet<_>>().into_iter().collect();
        // Seeds in the order of their numbers.
        names.sort_by(|a, b| natural_order(a, b));
        let rows: BTreeMap<&str, usize> = names.iter().zip(0..).map(|(name, row)| (*name, row)).collect();
        let points = first.steps.len();
        let mut losses = Split::ALL.map(|_| vec![f32::NAN; names.len() * replicas * points]);
        for curve in curves {
            let start = (rows[curve.optimizer()] * replicas + curve.replica() as usize) * points;
            for split in Split::ALL {
                let of_curve = curve.split(split);
                losses[split.index()][start..][..of_curve.len()].copy_from_slice(of_curve);
            }
        }
        let name = ReleasedName {
            task: task.to_owned(),
            set: set.clone(),
            steps: first.spec.protocol.steps,
            replicas,
        };
        let path = name.path(out);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let optimizers = names.into_iter().map(str::to_owned).collect();
        let origin = Origin::of_all(curves.iter().map(|curve| curve.origin()));
        ReleasedCurves { optimizers, steps: first.steps.to_vec(), replicas, losses, origin }.write(&path)?;
    }
    Ok(sets.len() as u64)
}

/// The published name of the set of an optimizer, or the first part of its name.
fn set_of(curve: &Curve) -> String {
    let published = optim::named(curve.optimizer()).ok().and_then(|named| named.family.info().set());
    published.map_or_else(|| optimizer_family(curve.optimizer()).to_owned(), str::to_owned)
}
