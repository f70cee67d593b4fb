//! The picture of figure 3.

use taskset_figures::{Color, Dash, LineChart, Point, Series, counted};
use taskset_meta::experiment::{Method, MethodCurve};
use taskset_names::Origin;

use super::analysis::Figure3;
use super::claims::label;
use super::words;
use crate::Error;

/// Figure 3 in two widths.
pub(crate) struct Pictures {
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

impl Pictures {
    /// None where the scores give nothing to draw.
    pub(crate) fn draw(figure: &Figure3, withheld: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(chart) = chart(figure, withheld) else { return Ok(None) };
        Ok(Some(Self { wide: chart.svg()?, narrow: chart.narrow_svg()? }))
    }
}

/// Figure 3 as a chart: black the learned list, colours the random searches, dashed those inside a box. None where there
/// is nothing to draw.
fn chart(figure: &Figure3, withheld: Option<&str>) -> Option<LineChart> {
    let result = figure.numbers.result.as_ref()?;
    let mut colour = 0;
    let series = result.curves.iter().map(|curve| {
        let points = quartiles(curve).map(|(k, [lo, y, hi])| Point { x: k as f64, y, lo, hi }).collect();
        if curve.method == Method::Learned {
            return Series::new(label(curve), Color::BLACK, points).emphasized();
        }
        colour += 1;
        let series = Series::new(label(curve), Color::cycle(colour - 1), points);
        if matches!(curve.method, Method::RandomInBox { .. }) { series.dash(Dash::Dashed) } else { series }
    });
    let series: Vec<Series> = series.collect();
    let data = (figure.origin != Origin::Real).then(|| format!("Data: {}", words::data(&figure.tasks)));
    let notes: Vec<String> =
        data.into_iter().chain(withheld.map(|why| format!("No verdicts: {why}"))).collect();
    series.iter().any(|series| !series.points.is_empty()).then(|| LineChart {
        title: "Learned hyperparameter list against random search".to_owned(),
        subtitle: Some(format!(
            "median and 25–75 percentiles over {}; {} to learn from, {} held out",
            counted(figure.numbers.resamplings as u64, "resampling"),
            counted(result.train_tasks as u64, "task"),
            result.test_tasks
        )),
        x_label: "optimizers tried (k)".to_owned(),
        y_label: "J on held-out tasks (lower is better)".to_owned(),
        x_log: true,
        y_log: false,
        series,
        note: (!notes.is_empty()).then(|| notes.join(". ")),
    })
}

/// The curves of the figure; none where it has none.
pub(crate) fn curves(figure: &Figure3) -> &[MethodCurve] {
    figure.numbers.result.as_ref().map_or(&[], |result| &result.curves)
}

pub(crate) fn quartiles(curve: &MethodCurve) -> impl Iterator<Item = (usize, [f64; 3])> {
    curve.quartiles.iter().enumerate().filter_map(|(i, q)| Some((i + 1, (*q)?)))
}
