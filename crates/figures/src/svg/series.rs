//! The series of a chart: lines, dots and bands.

use super::elements::Svg;
use super::layout::Plot;
use super::legend::LINE_SWATCH;
use super::markers::markers;
use crate::Color;
use crate::axis::drawable;
use crate::chart::{Category, Dash, LineChart, Marker, Point, Series};
use crate::xml::{coordinate, push_coordinate};

/// Whether a line can go through a point.
pub(super) fn on_line(chart: &LineChart, point: &Point) -> bool {
    drawable(chart.x_log, point.x) && drawable(chart.y_log, point.y)
}

/// Whether a band can go through a point.
pub(super) fn in_band(chart: &LineChart, point: &Point) -> bool {
    on_line(chart, point) && drawable(chart.y_log, point.lo) && drawable(chart.y_log, point.hi)
}

/// All bands, then all lines, emphasised series last.
pub(super) fn series(svg: &mut Svg, chart: &LineChart, plot: &Plot) {
    let ordered = || {
        let rest = chart.series.iter().filter(|s| !s.emphasis);
        rest.chain(chart.series.iter().filter(|s| s.emphasis))
    };
    for series in ordered() {
        for run in runs(&series.points, |p| in_band(chart, p)) {
            band(svg, plot, series.color, run);
        }
    }
    for series in ordered() {
        for run in runs(&series.points, |p| on_line(chart, p)) {
            line(svg, plot, series, run);
        }
        if let Some(marker) = series.marker {
            let points = series.points.iter().filter(|p| on_line(chart, p));
            shapes(svg, series, marker, points.map(|p| (plot.px(p.x), plot.py(p.y))));
        }
    }
}

/// The shapes of a series at these points.
fn shapes(svg: &mut Svg, series: &Series, marker: Marker, points: impl Iterator<Item = (f64, f64)>) {
    let radius = (1.8 * stroke_width(series)).max(3.5);
    markers(svg, Category { color: series.color, marker }, radius, 1.0, points);
}

/// Line, band and shape of a series in the legend.
pub(super) fn swatch(svg: &mut Svg, chart: &LineChart, series: &Series, x: f64, y: f64) {
    let (from, to, middle) = (coordinate(x), coordinate(x + LINE_SWATCH), coordinate(y));
    if series.points.iter().any(|p| in_band(chart, p)) {
        svg.element(&format!(
            r#"<rect x="{from}" y="{}" width="{}" height="12" fill="{}" fill-opacity="0.18"/>"#,
            coordinate(y - 6.0),
            coordinate(LINE_SWATCH),
            series.color
        ));
    }
    svg.element(&format!(r#"<path d="M{from} {middle}H{to}" {}/>"#, series_stroke(series)));
    if let Some(marker) = series.marker {
        shapes(svg, series, marker, std::iter::once((x + LINE_SWATCH / 2.0, y)));
    }
}

/// The longest stretches of points that can be drawn.
fn runs<'a>(
    points: &'a [Point],
    can: impl Fn(&Point) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a [Point]> {
    points.chunk_by(move |a, b| can(a) == can(b)).filter(move |run| run.first().is_some_and(can))
}

fn band(svg: &mut Svg, plot: &Plot, color: Color, run: &[Point]) {
    if let [point] = run {
        let x = coordinate(plot.px(point.x));
        let (from, to) = (coordinate(plot.py(point.lo)), coordinate(plot.py(point.hi)));
        svg.element(&format!(
            r#"<path d="M{x} {from}V{to}" stroke="{color}" stroke-width="7" stroke-opacity="0.3"/>"#
        ));
        return;
    }
    let upper = run.iter().map(|p| (plot.px(p.x), plot.py(p.hi)));
    let lower = run.iter().rev().map(|p| (plot.px(p.x), plot.py(p.lo)));
    let outline = path(upper.chain(lower));
    svg.element(&format!(r#"<path d="{outline}Z" fill="{color}" fill-opacity="0.18"/>"#));
}

fn line(svg: &mut Svg, plot: &Plot, series: &Series, run: &[Point]) {
    let color = series.color;
    if let [point] = run {
        if series.marker.is_some() {
            // The shape shows it.
            return;
        }
        let (x, y) = (coordinate(plot.px(point.x)), coordinate(plot.py(point.y)));
        let radius = coordinate(1.8 * stroke_width(series));
        svg.element(&format!(r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>"#));
        return;
    }
    let d = path(run.iter().map(|p| (plot.px(p.x), plot.py(p.y))));
    svg.element(&format!(r#"<path d="{d}" {}/>"#, series_stroke(series)));
}

pub(super) fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut d = String::new();
    for (i, (x, y)) in points.enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        push_coordinate(&mut d, x);
        d.push(' ');
        push_coordinate(&mut d, y);
    }
    d
}

fn stroke_width(series: &Series) -> f64 {
    let asked = series.style.width;
    // Written so that NaN gives the thinnest line.
    let width = if asked > 0.5 { asked.min(10.0) } else { 0.5 };
    if series.emphasis { 1.5 * width } else { width }
}

fn series_stroke(series: &Series) -> String {
    stroke(series.color, stroke_width(series), series.style.dash)
}

/// Attributes of an unfilled line.
pub(super) fn stroke(color: Color, width: f64, dash: Dash) -> String {
    let (cap, dashes) = match dash {
        Dash::Solid => ("round", String::new()),
        Dash::Dashed => ("butt", format!("{} {}", coordinate(4.0 * width), coordinate(2.2 * width))),
        Dash::Dotted => ("round", format!("0 {}", coordinate(2.2 * width))),
    };
    let dashes = if dashes.is_empty() { dashes } else { format!(r#" stroke-dasharray="{dashes}""#) };
    let width = coordinate(width);
    format!(
        r#"fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="{cap}"{dashes}"#
    )
}
