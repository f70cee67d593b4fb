//! Line charts as SVG.

use super::Size;
use super::elements::Svg;
use super::guides::{self, guides};
use super::layout::{Header, axes, frame, header, titles};
use super::legend::{Entry, LINE_SWATCH, legend};
use super::series::{in_band, on_line, series, swatch};
use crate::Error;
use crate::axis::Axis;
use crate::chart::{Guide, LineChart, Series};
use crate::font::Weight;

/// The SVG of a chart whose series are in order.
pub(crate) fn line_chart(chart: &LineChart, size: Size) -> Result<String, Error> {
    let ranges = ranges(chart).ok_or_else(|| Error::NothingToDraw { title: chart.title.clone() })?;
    let mut svg = Svg { body: String::new(), width: size.width };
    let texts =
        Header { title: &chart.title, subtitle: chart.subtitle.as_deref(), note: chart.note.as_deref() };
    let top = header(&mut svg, &texts);
    let plot = axes(&mut svg, size, top, &chart.y_label, ranges, |_| true);
    guides(&mut svg, &plot, &chart.guides);
    series(&mut svg, chart, &plot);
    frame(&mut svg, &plot);
    let y = titles(&mut svg, &plot, plot.bottom + 22.0, &chart.x_label, &chart.y_label);

    let entry = |s| {
        let mark = if is_drawn(chart, s) { "" } else { " (no finite values)" };
        let weight = if s.emphasis { Weight::Bold } else { Weight::Regular };
        Entry::new(&s.label, weight, move |svg, x, y| swatch(svg, chart, s, x, y)).mark(mark)
    };
    let mut entries: Vec<Entry<'_>> = chart.series.iter().map(entry).collect();
    entries.extend(guides::entries(&plot, &chart.guides));
    let end = legend(&mut svg, &entries, LINE_SWATCH, plot.left, y + 12.0);
    Ok(svg.document(&chart.title, end + 14.0))
}

/// Whether a series has any point that can be drawn.
fn is_drawn(chart: &LineChart, series: &Series) -> bool {
    series.points.iter().any(|p| on_line(chart, p))
}

/// The axes that cover all that can be drawn, or `None` if no point can.
fn ranges(chart: &LineChart) -> Option<(Axis, Axis)> {
    let points = || chart.series.iter().flat_map(|s| &s.points).filter(|p| on_line(chart, p));
    points().next()?;
    let x = points().map(|p| p.x).chain(chart.guides.iter().filter_map(Guide::x));
    let ends = points().flat_map(|p| if in_band(chart, p) { [p.y, p.lo, p.hi] } else { [p.y; 3] });
    let y = ends.chain(chart.guides.iter().filter_map(Guide::y));
    Some((Axis::covering(chart.x_log, x, 0.015)?, Axis::covering(chart.y_log, y, 0.04)?))
}
