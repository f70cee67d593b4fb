//! `curves plot`: loss against steps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use taskset::curves::Query;
use taskset::names::Split;
use taskset::trial::{Curve, TrialId, Uniform};

use super::choose::Chosen;
use crate::commands::curve_plot::{Axis, Band, Look, MOST_LINES, Picture};
use crate::failure::Usage;
use crate::options::SelectionOption;

/// Most charts of one picture.
const MOST_TASKS: usize = 12;
/// Most splits in one chart: as many as there are kinds of dashes.
const MOST_SPLITS: usize = 3;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Parquet files, or directories of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Tasks: names, ranges, wildcards, families such as mlp_family. A picture shows at most 12 [default: all].
    #[arg(long = "task", value_name = "PATTERN")]
    tasks: Vec<String>,
    /// Optimizers: names, ranges, wildcards, families such as adam8p. A chart shows at most 14 lines [default: all].
    #[arg(long = "optimizer", value_name = "PATTERN")]
    optimizers: Vec<String>,
    /// Replicas [default: all].
    #[arg(long = "replica", value_name = "N")]
    replicas: Vec<u32>,
    /// Splits: train, valid_inner, valid_outer, test [default: test].
    #[arg(long = "split", value_name = "SPLIT")]
    splits: Vec<String>,
    /// Scale of the loss axis [default: log if all losses are above 0, otherwise linear].
    #[arg(long, value_name = "SCALE", value_enum)]
    y: Option<Axis>,
    /// What the band around a line covers.
    #[arg(long, value_enum, default_value = "range")]
    band: Band,
    /// Write the picture to this file, .svg or .png. An older picture is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    selection: SelectionOption,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { paths, tasks, optimizers, replicas, splits, y, band, out, selection } = arguments;
    let picture = Picture::check(&out, "--out")?;
    let mut splits = splits.iter().map(|s| s.parse()).collect::<Result<Vec<Split>, _>>()?;
    if splits.is_empty() {
        splits.push(Split::Test);
    }
    splits.sort_unstable();
    splits.dedup();
    if splits.len() > MOST_SPLITS {
        return Err(Usage(format!(
            "{} splits are asked for; a chart shows at most {MOST_SPLITS}",
            splits.len()
        ))
        .into());
    }
    let mut chosen = Chosen::new(tasks, optimizers)?;
    // All splits are read, because then identities are compared, too.
    let query = Query { replicas, selection: selection.selection(), ..chosen.query() };
    let by_task = read(&paths, &query, splits.len(), &mut chosen)?;
    if by_task.is_empty() {
        return Err(chosen.nothing(&paths[0]));
    }
    let look = Look { splits, axis: y, band };
    let mut shared = Uniform::default();
    let mut charts = Vec::new();
    for (task, curves) in &by_task {
        // As wherever curves are compared: they may differ in the optimizer and the replica only.
        let of_task = Uniform::of_task(curves.iter().map(|curve| &curve.spec))?;
        shared.join(&of_task, &format!("on task `{task}` and the tasks before it"))?;
        let chart = look.chart(&curves.iter().collect::<Vec<_>>());
        let nothing = chart
            .series
            .iter()
            .flat_map(|s| &s.points)
            .all(|p| !p.y.is_finite() || chart.y_log && p.y <= 0.0);
        if nothing {
            let why = if chart.y_log { "finite and above 0" } else { "finite" };
            say!("note: `{task}` is left out: none of its losses is {why}");
        } else {
            charts.push(chart);
        }
    }
    anyhow::ensure!(!charts.is_empty(), "there is nothing to draw: no loss can be put on the axis");
    chosen.report();
    picture.write(&charts, if charts.len() == 1 { 1 } else { 2 })
}

/// The chosen curves of all places by task, each trial once, replicas of an optimizer behind each other.
fn read(
    paths: &[PathBuf],
    query: &Query,
    splits: usize,
    chosen: &mut Chosen,
) -> anyhow::Result<BTreeMap<String, Vec<Curve>>> {
    let mut by_task: BTreeMap<String, BTreeMap<TrialId, Curve>> = BTreeMap::new();
    for path in paths {
        let reader = super::open(path)?.whole()?;
        super::note_left_out(&reader);
        for curves in reader.query_by_task(query) {
            let curves = curves?;
            chosen.see(&curves);
            let Some(first) = curves.first() else { continue };
            let known = by_task.entry(first.task().to_owned()).or_default();
            for curve in curves {
                let id = curve.id();
                if let Some(column) = known.get(&id).and_then(|known| known.difference(&curve)) {
                    anyhow::bail!(
                        "{} holds the trial of `{}` on `{}`, replica {}, with another {column} than a file that was read before it",
                        path.display(),
                        curve.optimizer(),
                        curve.task(),
                        curve.replica()
                    );
                }
                known.insert(id, curve);
            }
            // Said as soon as it is known: reading thousands of tasks to draw none of them helps nobody.
            let optimizers: BTreeSet<&str> = known.values().map(Curve::optimizer).collect();
            let lines = optimizers.len() * splits;
            if lines > MOST_LINES {
                let task = known.values().next().map_or("", Curve::task);
                let message = format!(
                    "{lines} lines are chosen on `{task}`; a chart shows at most {MOST_LINES}, so choose fewer with --optimizer"
                );
                return Err(Usage(message).into());
            }
            if by_task.len() > MOST_TASKS {
                let message = format!(
                    "more than {MOST_TASKS} tasks are chosen; a picture has at most {MOST_TASKS} charts, so choose fewer with --task"
                );
                return Err(Usage(message).into());
            }
        }
    }
    let sorted = by_task.into_iter().map(|(task, curves)| {
        let mut curves: Vec<Curve> = curves.into_values().collect();
        let key = |curve: &Curve| (curve.spec.optimizer.family.clone(), number(curve.optimizer()));
        curves.sort_by(|a, b| {
            let ((family, number), (other, than)) = (key(a), key(b));
            family.cmp(&other).then(number.total_cmp(&than)).then_with(|| a.order(b))
        });
        (task, curves)
    });
    Ok(sorted.collect())
}

/// The seed or the exponent in an optimizer's name, by which people expect it to be sorted.
fn number(name: &str) -> f64 {
    let last = name.rsplit('_').next().unwrap_or_default();
    last.strip_prefix("seed").unwrap_or(last).parse().unwrap_or(0.0)
}
