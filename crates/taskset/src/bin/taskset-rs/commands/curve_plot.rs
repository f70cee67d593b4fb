//! Pictures of curves: loss against steps, for `curves plot` and `train --plot`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::figures::{self, Color, Dash, LineChart, Point, Series};
use taskset::files;
use taskset::names::{Origin, Split};
use taskset::normalize::quantile;
use taskset::trial::Curve;

use super::table_file::{check_writable, checked_ending};

/// Pixels of a PNG per unit of its SVG.
const PIXELS_PER_UNIT: f32 = 1.5;
/// Most lines of one chart: more cannot be told apart.
pub(crate) const MOST_LINES: usize = 14;

/// Colours of the palette of Okabe and Ito, which any colour vision tells apart, those that are strong on white first. Yellow
/// is left out.
const COLORS: [Color; 7] = [
    Color::BLUE,
    Color::VERMILLION,
    Color::GREEN,
    Color::PURPLE,
    Color::ORANGE,
    Color::SKY_BLUE,
    Color::BLACK,
];

/// The file of a picture: SVG or PNG by its ending.
#[derive(Debug)]
pub(crate) struct Picture {
    path: PathBuf,
    png: bool,
}

impl Picture {
    /// Looks at a path before any work is done for it. A picture that is there is replaced at the end.
    pub(crate) fn check(path: &Path, option: &str) -> anyhow::Result<Self> {
        let png = checked_ending(path, option, &["svg", "png"])? == "png";
        check_writable(path, option)?;
        Ok(Self { path: path.to_owned(), png })
    }

    /// Draws charts into the file: one alone, more in rows of `columns`.
    pub(crate) fn write(&self, charts: &[LineChart], columns: usize) -> anyhow::Result<()> {
        let failed = || format!("the picture {} was not written", self.path.display());
        let charts: Vec<figures::Chart> = charts.iter().cloned().map(Into::into).collect();
        let svg = figures::panels(&charts, columns).with_context(failed)?;
        let bytes = if self.png {
            figures::png(&svg, PIXELS_PER_UNIT).with_context(failed)?
        } else {
            svg.into_bytes()
        };
        files::write_atomically(&self.path, &bytes).with_context(failed)?;
        say!("picture written to {}", self.path.display());
        Ok(())
    }

    /// The picture of one trial: its loss on all four splits.
    pub(crate) fn write_trial(&self, curve: &Curve) -> anyhow::Result<()> {
        let splits: Vec<Split> = Split::ALL.into_iter().filter(|&s| !curve.split(s).is_empty()).collect();
        let look = Look { splits, axis: None, band: Band::Range };
        self.write(&[look.chart(&[curve])], 1)
    }
}

/// Scale of the loss axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Axis {
    /// Equal distances on the axis are equal factors.
    Log,
    /// Equal distances on the axis are equal differences.
    Linear,
}

/// What the band around a line covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Band {
    /// From the lowest to the highest replica.
    Range,
    /// From the 25th to the 75th percentile of the replicas.
    Quartiles,
    /// No band.
    None,
}

/// What is drawn of curves, and how.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) splits: Vec<Split>,
    /// Logarithmic where nothing else is said and all losses are above 0.
    pub(crate) axis: Option<Axis>,
    pub(crate) band: Band,
}

impl Look {
    /// The chart of one task. Curves of an optimizer, its replicas, follow each other; each gets a line per split.
    pub(crate) fn chart(&self, curves: &[&Curve]) -> LineChart {
        let groups: Vec<&[&Curve]> = curves.chunk_by(|a, b| a.optimizer() == b.optimizer()).collect();
        let replicas: BTreeSet<usize> = groups.iter().map(|group| group.len()).collect();
        let modes: BTreeSet<Option<&str>> = curves.iter().map(|curve| mode(curve)).collect();
        let mut series = Vec::new();
        for (i, group) in groups.iter().enumerate() {
            for (j, &split) in self.splits.iter().enumerate() {
                // One optimizer: colours tell its splits apart. Many: colours tell optimizers apart, dashes splits.
                let (color, dash) = match (groups.len(), self.splits.len()) {
                    (1, _) => (j, 0),
                    (_, 1) => (i, i / COLORS.len()),
                    _ => (i, j),
                };
                let label = label(group, split, &self.splits, replicas.len() > 1, modes.len() > 1);
                let dash = [Dash::Solid, Dash::Dashed, Dash::Dotted][dash % 3];
                series.push(
                    Series::new(label, COLORS[color % COLORS.len()], self.points(group, split)).dash(dash),
                );
            }
        }
        let ends = || {
            series.iter().flat_map(|s| &s.points).flat_map(|p| [p.y, p.lo, p.hi]).filter(|y| y.is_finite())
        };
        let log = self.axis.map_or_else(|| ends().all(|y| y >= f64::MIN_POSITIVE), |axis| axis == Axis::Log);
        let hidden = if log { ends().filter(|&y| y < f64::MIN_POSITIVE).count() } else { 0 };
        let first = curves.first();
        let names: Vec<&str> = self.splits.iter().map(|split| split.name()).collect();
        LineChart {
            title: first.map_or_else(String::new, |curve| curve.task().to_owned()),
            subtitle: first.map(|curve| self.subtitle(curve, &replicas, modes.len() > 1)),
            x_label: "training step".to_owned(),
            y_label: if let [name] = names[..] { format!("loss on {name}") } else { "loss".to_owned() },
            x_log: false,
            y_log: log,
            note: note(curves, hidden),
            series,
            ..LineChart::default()
        }
    }

    fn subtitle(&self, curve: &Curve, replicas: &BTreeSet<usize>, modes_differ: bool) -> String {
        let most = replicas.last().copied().unwrap_or(1);
        let band = match self.band {
            _ if most == 1 => "",
            Band::Range => ", band from the lowest to the highest",
            Band::Quartiles => ", band from the 25th to the 75th percentile",
            Band::None => "",
        };
        let lines = match (most, replicas.len()) {
            (1, _) => format!("replica {}", curve.replica()),
            (n, 1) => format!("median of {n} replicas{band}"),
            _ => format!("median of the replicas{band}"),
        };
        let mode = mode(curve).filter(|mode| *mode != "upstream" && !modes_differ);
        let mode = mode.map_or_else(String::new, |mode| format!("; mode {mode}"));
        format!("{lines}; {}{mode}", curve.spec.protocol)
    }

    /// The line of one optimizer. A loss that is not finite counts as larger than any other, so the line ends where half of
    /// the replicas have none; the band is over those that have one.
    fn points(&self, group: &[&Curve], split: Split) -> Vec<Point> {
        let steps: BTreeSet<u32> = group.iter().flat_map(|curve| curve.steps.iter().copied()).collect();
        steps
            .into_iter()
            .map(|step| {
                let loss = |curve: &&Curve| {
                    let at = curve.steps.binary_search(&step).ok()?;
                    let loss = f64::from(*curve.split(split).get(at)?);
                    Some(if loss.is_finite() { loss } else { f64::INFINITY })
                };
                let losses: Vec<f64> = group.iter().filter_map(loss).collect();
                let y = quantile(&losses, 0.5);
                let highest = losses.iter().copied().filter(|loss| loss.is_finite()).fold(f64::NAN, f64::max);
                let (lo, hi) = match self.band {
                    _ if losses.len() < 2 => (f64::NAN, f64::NAN),
                    Band::None => (f64::NAN, f64::NAN),
                    Band::Range => (quantile(&losses, 0.0), highest),
                    Band::Quartiles => {
                        let hi = quantile(&losses, 0.75);
                        (quantile(&losses, 0.25), if hi.is_finite() { hi } else { highest })
                    }
                };
                Point { x: f64::from(step), y, lo, hi }
            })
            .collect()
    }
}

/// The optimizer mode of a curve.
fn mode(curve: &Curve) -> Option<&str> {
    curve.spec.optimizer.mode.as_deref()
}

/// Name in the legend, with what a line cannot show.
fn label(group: &[&Curve], split: Split, splits: &[Split], count_replicas: bool, say_mode: bool) -> String {
    let mut label = group[0].optimizer().to_owned();
    if let Some(mode) = mode(group[0]).filter(|_| say_mode) {
        label += &format!(" in mode {mode}");
    }
    if splits.len() > 1 {
        label += &format!(", {split}");
    }
    let lost = |curve: &&&Curve| {
        curve.diverged_at.is_some() || curve.split(split).iter().any(|loss| !loss.is_finite())
    };
    let diverged = group.iter().filter(lost).count();
    match (diverged, group) {
        (0, [_]) if count_replicas => label + " (1 replica)",
        (0, _) if count_replicas => label + &format!(" ({} replicas)", group.len()),
        (0, _) => label,
        (_, [curve]) => match curve.diverged_at {
            Some(step) => label + &format!(" (diverged at step {step})"),
            None => label + " (diverged)",
        },
        _ => label + &format!(" ({diverged} of {} diverged)", group.len()),
    }
}

/// What must travel with the picture.
fn note(curves: &[&Curve], hidden: usize) -> Option<String> {
    let mut notes = Vec::new();
    match Origin::of_all(curves.iter().map(|curve| curve.origin())) {
        Origin::Real => {}
        Origin::Partial => notes.push("only a part of the data set".to_owned()),
        Origin::Synthetic => notes.push("synthetic stand-in data".to_owned()),
    }
    if hidden > 0 {
        notes.push("losses at or below 0 cannot be drawn on a logarithmic axis".to_owned());
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "medians of small whole numbers are exact")]
mod tests {
    use super::*;
    use std::sync::Arc;
    use taskset::trial::{Arithmetic, OptimizerIdentity, Protocol, Source, TaskIdentity, TrialSpec};

    const NAN: f32 = f32::NAN;

    fn curve(optimizer: &str, replica: u32, losses: &[f32]) -> Curve {
        let diverged = losses.iter().position(|loss| !loss.is_finite());
        Curve {
            spec: TrialSpec {
                task: Arc::new(TaskIdentity::without_data("t", "group", 1, "")),
                optimizer: Arc::new(OptimizerIdentity::new(optimizer, "f", [], 1)),
                replica,
                protocol: Protocol { steps: 20, eval_every: 10, eval_batches: 1 },
                arithmetic: Arithmetic::Fma,
                source: Source::Trained { trainer: 1 },
            },
            steps: [0, 10, 20].into(),
            losses: std::array::from_fn(|_| losses.to_vec()),
            diverged_at: diverged.map(|at| 10 * at as u32),
            num_params: 1,
            train_seconds: 0.0,
            eval_seconds: 0.0,
        }
    }

    fn chart(band: Band, axis: Option<Axis>, curves: &[Curve]) -> LineChart {
        let look = Look { splits: vec![Split::Test], axis, band };
        look.chart(&curves.iter().collect::<Vec<_>>())
    }

    /// Bits of line and band at a point.
    fn at(chart: &LineChart, point: usize) -> [f64; 3] {
        let Point { y, lo, hi, .. } = chart.series[0].points[point];
        [y, lo, hi]
    }

    #[test]
    fn the_line_ends_where_half_have_diverged_and_the_legend_counts_them() {
        let curves = [
            curve("a", 0, &[4.0, 2.0, 1.0]),
            curve("a", 1, &[4.0, 3.0, NAN]),
            curve("a", 2, &[4.0, f32::NEG_INFINITY, NAN]),
        ];
        let drawn = chart(Band::Range, None, &curves);
        assert_eq!(drawn.series[0].label, "a (2 of 3 diverged)");
        assert_eq!(at(&drawn, 0), [4.0; 3]);
        // The lost replica counts as the largest; the band covers the others.
        assert_eq!(at(&drawn, 1), [3.0, 2.0, 3.0]);
        assert!(!at(&drawn, 2)[0].is_finite());
        assert_eq!(at(&chart(Band::Quartiles, None, &curves), 1), [3.0, 2.5, 3.0]);
        assert!(at(&chart(Band::None, None, &curves), 1)[1].is_nan());
        let one = chart(Band::Range, None, &curves[1..2]);
        assert_eq!(one.series[0].label, "a (diverged at step 20)");
        assert!(one.svg().is_ok() && at(&one, 0)[1].is_nan());
    }

    #[test]
    fn the_axis_is_logarithmic_where_all_losses_allow_it() {
        let positive = [curve("a", 0, &[4.0, 2.0, 1.0])];
        let mixed = [curve("a", 0, &[4.0, 2.0, -1.0])];
        assert!(chart(Band::Range, None, &positive).y_log && !chart(Band::Range, None, &mixed).y_log);
        assert!(!chart(Band::Range, Some(Axis::Linear), &positive).y_log);
        let forced = chart(Band::Range, Some(Axis::Log), &mixed);
        assert!(forced.y_log && forced.note.unwrap().contains("at or below 0"));
    }

    #[test]
    fn lines_differ_in_colour_or_dash_and_say_what_differs() {
        let curves: Vec<Curve> = (0..14).map(|i| curve(&format!("o{i:02}"), 0, &[2.0, 1.0, 0.5])).collect();
        let drawn = chart(Band::Range, None, &curves);
        let looks: std::collections::HashSet<String> =
            drawn.series.iter().map(|s| format!("{} {:?}", s.color, s.style.dash)).collect();
        assert_eq!(looks.len(), 14);
        let mut curves = vec![curve("a", 0, &[1.0; 3]), curve("a", 1, &[1.0; 3]), curve("b", 0, &[1.0; 3])];
        Arc::make_mut(&mut curves[2].spec.optimizer).mode = Some("opt_list".to_owned());
        let labels: Vec<String> =
            chart(Band::Range, None, &curves).series.into_iter().map(|s| s.label).collect();
        assert_eq!(labels, ["a (2 replicas)", "b in mode opt_list (1 replica)"]);
    }
}
