//! Scatter charts as SVG.

use super::elements::Svg;
use super::guides::{self, guides};
use super::layout::{Header, Plot, axes, frame, header, titles};
use super::legend::{Entry, LINE_SWATCH, POINT_SWATCH, legend};
use super::markers::markers;
use super::{GRID, MARGIN, Size};
use crate::Error;
use crate::axis::{Axis, drawable};
use crate::chart::{Guide, PointGroup, ScatterChart};
use crate::font::Weight;
use crate::number_format::counted;

/// Radius of a point in the legend.
const LEGEND_RADIUS: f64 = 5.0;

/// The SVG of a scatter chart.
pub(crate) fn scatter_chart(chart: &ScatterChart, size: Size) -> Result<String, Error> {
    let ranges = ranges(chart).ok_or_else(|| Error::NothingToDraw { title: chart.title.clone() })?;
    let mut svg = Svg { body: String::new(), width: size.width };
    let texts =
        Header { title: &chart.title, subtitle: chart.subtitle.as_deref(), note: chart.note.as_deref() };
    let top = header(&mut svg, &texts);
    let plot = if chart.axes {
        axes(&mut svg, size, top, &chart.y_label, ranges, |_| true)
    } else {
        bare(&mut svg, size, top, ranges)
    };
    let radius = kept(chart.radius, 0.5, 20.0) * if size.is_narrow() { 0.8 } else { 1.0 };
    let opacity = kept(chart.opacity, 0.1, 1.0);
    for group in &chart.groups {
        let points = group.points.iter().filter(|&&p| is_drawn(chart, p));
        let points = points.map(|&(x, y)| (plot.px(x), plot.py(y)));
        markers(&mut svg, group.category, radius, opacity, points);
    }
    guides(&mut svg, &plot, &chart.guides);
    let y = if chart.axes {
        frame(&mut svg, &plot);
        titles(&mut svg, &plot, plot.bottom + 22.0, &chart.x_label, &chart.y_label)
    } else {
        plot.bottom
    };

    let guides = guides::entries(&plot, &chart.guides);
    let swatch = if guides.is_empty() { POINT_SWATCH } else { LINE_SWATCH };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for PointGroup { label, category, points } in &chart.groups {
        let hidden = points.iter().filter(|&&p| !is_drawn(chart, p)).count() as u64;
        let mark = (hidden > 0).then(|| format!(" ({} not shown)", counted(hidden, "point")));
        let draw = move |svg: &mut Svg, x: f64, y: f64| {
            markers(svg, *category, LEGEND_RADIUS, 1.0, std::iter::once((x + swatch / 2.0, y)));
        };
        entries.push(Entry::new(label, Weight::Regular, draw).mark(mark.unwrap_or_default()));
    }
    entries.extend(guides);
    let end = legend(&mut svg, &entries, swatch, plot.left, y + 12.0);
    Ok(svg.document(&chart.title, end + 14.0))
}

/// `value` within a range; NaN gives the lower end.
fn kept(value: f64, lo: f64, hi: f64) -> f64 {
    if value > lo { value.min(hi) } else { lo }
}

fn is_drawn(chart: &ScatterChart, (x, y): (f64, f64)) -> bool {
    drawable(chart.x_log, x) && drawable(chart.y_log, y)
}

/// A plot with a thin frame instead of axes, nearly square, in which linear axes have one scale.
fn bare(svg: &mut Svg, size: Size, top: f64, (x, y): (Axis, Axis)) -> Plot {
    let (left, right) = (MARGIN, size.width - MARGIN);
    let (width, height) = (right - left, if size.is_narrow() { right - left } else { 560.0 });
    let (mut x, mut y) = (x, y);
    if !x.is_log() && !y.is_log() {
        let stretch = (y.half() / height) / (x.half() / width);
        (x, y) = (x.stretched(stretch), y.stretched(1.0 / stretch));
    }
    let plot = Plot { left, right, top, bottom: top + height, x, y };
    let corners = [(left, top), (right, top), (right, plot.bottom), (left, plot.bottom)];
    for (i, &corner) in corners.iter().enumerate() {
        svg.line(corner, corners[(i + 1) % 4], GRID);
    }
    plot
}

/// The axes that cover all points and guides, or `None` if no point can be drawn.
fn ranges(chart: &ScatterChart) -> Option<(Axis, Axis)> {
    let points =
        || chart.groups.iter().flat_map(|g| g.points.iter().copied()).filter(|&p| is_drawn(chart, p));
    points().next()?;
    let x = points().map(|p| p.0).chain(chart.guides.iter().filter_map(Guide::x));
    let y = points().map(|p| p.1).chain(chart.guides.iter().filter_map(Guide::y));
    Some((Axis::covering(chart.x_log, x, 0.03)?, Axis::covering(chart.y_log, y, 0.04)?))
}
