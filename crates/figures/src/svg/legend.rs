//! The legend of a chart, below its plot.

use super::elements::{Anchor, Svg};
use super::series::{in_band, on_line, stroke};
use super::{INK, MARGIN, Plot};
use crate::chart::{LineChart, Series};
use crate::font::{Weight, shorten, width};
use crate::xml::coordinate;

const LEGEND: f64 = 13.5;
const LEGEND_LINE: f64 = 23.0;
const SWATCH: f64 = 32.0;

/// The legend in as many equal columns as fit; returns its lower end.
pub(super) fn legend(svg: &mut Svg, chart: &LineChart, plot: &Plot, top: f64) -> f64 {
    let weight = |s: &Series| if s.emphasis { Weight::Bold } else { Weight::Regular };
    let limit = svg.width - 2.0 * MARGIN;
    let label = |s: &Series| {
        let mark = if s.points.iter().any(|p| on_line(chart, p)) { "" } else { " (no finite values)" };
        let room = limit - SWATCH - 10.0 - width(mark, LEGEND, weight(s));
        shorten(&s.label, LEGEND, weight(s), room) + mark
    };
    let labels: Vec<String> = chart.series.iter().map(label).collect();
    let widest = labels.iter().zip(&chart.series).map(|(text, s)| width(text, LEGEND, weight(s)));
    let column = SWATCH + 10.0 + widest.fold(0.0, f64::max);
    let gap = 28.0;
    let most = (((limit + gap) / (column + gap)) as usize).clamp(1, chart.series.len());
    let rows = chart.series.len().div_ceil(most);
    let columns = chart.series.len().div_ceil(rows);
    let total = columns as f64 * (column + gap) - gap;
    // Aligned with the plot where it fits there, else with the title.
    let left = if plot.left + total <= svg.width - MARGIN { plot.left } else { MARGIN };

    for (i, (series, text)) in chart.series.iter().zip(&labels).enumerate() {
        // Down the columns, as one reads a list.
        let x = left + (i / rows) as f64 * (column + gap);
        let y = top + LEGEND_LINE * ((i % rows) as f64 + 0.5);
        let (from, to, middle) = (coordinate(x), coordinate(x + SWATCH), coordinate(y));
        if series.points.iter().any(|p| in_band(chart, p)) {
            svg.element(&format!(
                r#"<rect x="{from}" y="{}" width="{}" height="12" fill="{}" fill-opacity="0.18"/>"#,
                coordinate(y - 6.0),
                coordinate(SWATCH),
                series.color
            ));
        }
        svg.element(&format!(r#"<path d="M{from} {middle}H{to}" {}/>"#, stroke(series)));
        svg.text(x + SWATCH + 10.0, y + 4.8, LEGEND, weight(series), INK, Anchor::Start, text);
    }
    top + LEGEND_LINE * rows as f64
}
