//! The legend of a chart, below its plot.

use super::elements::{Anchor, Svg};
use super::{INK, MARGIN};
use crate::font::{Weight, shorten, width};

/// Most entries of a legend in the ordinary size of text.
const MANY: usize = 12;

/// Width of a swatch that shows a line.
pub(super) const LINE_SWATCH: f64 = 32.0;
/// Width of a swatch that shows a point or a bar.
pub(super) const POINT_SWATCH: f64 = 18.0;

/// Draws a swatch whose left end and middle height are given.
type Swatch<'a> = Box<dyn Fn(&mut Svg, f64, f64) + 'a>;

/// One name of a legend.
pub(super) struct Entry<'a> {
    label: &'a str,
    mark: String,
    weight: Weight,
    swatch: Swatch<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(label: &'a str, weight: Weight, swatch: impl Fn(&mut Svg, f64, f64) + 'a) -> Self {
        Self { label, mark: String::new(), weight, swatch: Box::new(swatch) }
    }

    /// The same entry with words after its label that are never cut off.
    pub(super) fn mark(mut self, mark: impl Into<String>) -> Self {
        self.mark = mark.into();
        self
    }
}

/// Sizes in a legend.
struct Sizes {
    text: f64,
    line: f64,
    /// From the middle of a line down to its baseline.
    drop: f64,
    gap: f64,
}

/// The legend in as many columns as fit; returns its lower end. It is aligned with `plot_left` where it fits there.
pub(super) fn legend(svg: &mut Svg, entries: &[Entry<'_>], swatch: f64, plot_left: f64, top: f64) -> f64 {
    if entries.is_empty() {
        return top;
    }
    let many = entries.len() > MANY;
    let sizes = if many {
        Sizes { text: 12.0, line: 20.0, drop: 4.3, gap: 20.0 }
    } else {
        Sizes { text: 13.5, line: 23.0, drop: 4.8, gap: 28.0 }
    };
    let limit = svg.width - 2.0 * MARGIN;
    let label = |e: &Entry<'_>| {
        let room = limit - swatch - 10.0 - width(&e.mark, sizes.text, e.weight);
        shorten(e.label, sizes.text, e.weight, room) + &e.mark
    };
    let labels: Vec<String> = entries.iter().map(label).collect();
    let needed = |(text, e): (&String, &Entry<'_>)| swatch + 10.0 + width(text, sizes.text, e.weight);
    let needed: Vec<f64> = labels.iter().zip(entries).map(needed).collect();
    let columns = columns(&needed, limit, sizes.gap, many);
    let rows = entries.len().div_ceil(columns.len());
    let total = columns.iter().map(|column| column + sizes.gap).sum::<f64>() - sizes.gap;
    // Aligned with the plot where it fits there, else with the title.
    let left = if plot_left + total <= svg.width - MARGIN { plot_left } else { MARGIN };

    for (i, (entry, text)) in entries.iter().zip(&labels).enumerate() {
        // Down the columns, as one reads a list.
        let x = left + columns[..i / rows].iter().map(|column| column + sizes.gap).sum::<f64>();
        let y = top + sizes.line * ((i % rows) as f64 + 0.5);
        (entry.swatch)(svg, x, y);
        let baseline = y + sizes.drop;
        svg.text(x + swatch + 10.0, baseline, sizes.text, entry.weight, INK, Anchor::Start, text);
    }
    top + sizes.line * rows as f64
}

/// Widths of as many columns as fit into `limit`, from what each entry needs. Few entries get equal columns, which look
/// calmer; of many entries, each column is as wide as it needs (`own`).
fn columns(needed: &[f64], limit: f64, gap: f64, own: bool) -> Vec<f64> {
    let widest = |entries: &[f64]| entries.iter().copied().fold(0.0, f64::max);
    let layout = |columns: usize| -> Vec<f64> {
        let rows = needed.len().div_ceil(columns);
        needed.chunks(rows).map(|column| widest(if own { column } else { needed })).collect()
    };
    let fits = |columns: &Vec<f64>| columns.iter().map(|column| column + gap).sum::<f64>() - gap <= limit;
    (1..=needed.len()).rev().map(layout).find(fits).unwrap_or_else(|| layout(1))
}
