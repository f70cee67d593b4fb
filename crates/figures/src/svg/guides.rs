//! Guide lines of a chart.

use super::elements::Svg;
use super::layout::Plot;
use super::legend::{Entry, LINE_SWATCH};
use super::series::{path, stroke};
use crate::axis::{Axis, drawable};
use crate::chart::{Guide, GuideLine};
use crate::font::Weight;

const WIDTH: f64 = 1.5;
/// Pieces of a diagonal, which is curved where only one axis is logarithmic.
const PIECES: u32 = 64;

/// Draws the guides that have a place.
pub(super) fn guides(svg: &mut Svg, plot: &Plot, guides: &[Guide]) {
    draw(svg, plot, guides, false);
}

/// Draws the guides that have a place, with a white edge that separates them from the bars below them.
pub(super) fn guides_above(svg: &mut Svg, plot: &Plot, guides: &[Guide]) {
    draw(svg, plot, guides, true);
}

fn draw(svg: &mut Svg, plot: &Plot, guides: &[Guide], edge: bool) {
    for guide in guides {
        let points = points(plot, guide);
        if !points.is_empty() {
            let d = path(points.into_iter());
            if edge {
                svg.element(&format!(
                    r##"<path d="{d}" fill="none" stroke="#ffffff" stroke-width="3.5" stroke-opacity="0.75"/>"##
                ));
            }
            svg.element(&format!(r#"<path d="{d}" {}/>"#, stroke(guide.color, WIDTH, guide.dash)));
        }
    }
}

/// Names of the drawn guides that have one.
pub(super) fn entries<'a>(plot: &Plot, guides: &'a [Guide]) -> Vec<Entry<'a>> {
    let drawn = guides.iter().filter(|guide| !points(plot, guide).is_empty());
    let entry = |guide: &'a Guide| {
        let label = guide.label.as_deref()?;
        Some(Entry::new(label, Weight::Regular, move |svg, x, y| {
            let middle = x + LINE_SWATCH / 2.0;
            let ends = match guide.line {
                GuideLine::Horizontal(_) => [(x, y), (x + LINE_SWATCH, y)],
                GuideLine::Vertical(_) => [(middle, y - 10.0), (middle, y + 10.0)],
                GuideLine::Diagonal => [(middle - 9.0, y + 9.0), (middle + 9.0, y - 9.0)],
            };
            let d = path(ends.into_iter());
            svg.element(&format!(r#"<path d="{d}" {}/>"#, stroke(guide.color, WIDTH, guide.dash)));
        }))
    };
    drawn.filter_map(entry).collect()
}

/// The guide in SVG units; empty if it has no place in the plot.
fn points(plot: &Plot, guide: &Guide) -> Vec<(f64, f64)> {
    match guide.line {
        GuideLine::Horizontal(at) if is_inside(&plot.y, at) => {
            let y = plot.py(at);
            vec![(plot.left, y), (plot.right, y)]
        }
        GuideLine::Vertical(at) if is_inside(&plot.x, at) => {
            let x = plot.px(at);
            vec![(x, plot.bottom), (x, plot.top)]
        }
        GuideLine::Horizontal(_) | GuideLine::Vertical(_) => Vec::new(),
        GuideLine::Diagonal => diagonal(plot),
    }
}

/// Whether a value lies on an axis. All axes contain their guides, except the one of a histogram's counts below 0.
fn is_inside(axis: &Axis, value: f64) -> bool {
    drawable(axis.is_log(), value) && (-1e-9..=1.0 + 1e-9).contains(&axis.unit(value))
}

fn diagonal(plot: &Plot) -> Vec<(f64, f64)> {
    let (x, y) = (plot.x.range(), plot.y.range());
    let (lo, hi) = (x.0.max(y.0), x.1.min(y.1));
    // A logarithmic axis has no place for the negative part of the other.
    let log = plot.x.is_log() || plot.y.is_log();
    if lo >= hi || !drawable(log, lo) {
        return Vec::new();
    }
    let (from, to) = (plot.x.unit(lo), plot.x.unit(hi));
    let pieces = if plot.x.is_log() == plot.y.is_log() { 1 } else { PIECES };
    let point = |i: u32| {
        let unit = from + (to - from) * f64::from(i) / f64::from(pieces);
        // Rounding must not leave the plot.
        let value = plot.x.value(unit).clamp(lo, hi);
        (plot.px(value), plot.py(value))
    };
    (0..=pieces).map(point).collect()
}
