//! Histograms as SVG.

use super::Size;
use super::elements::Svg;
use super::guides::{self, guides_above};
use super::layout::{Header, Plot, axes, frame, header, titles};
use super::legend::{Entry, LINE_SWATCH, POINT_SWATCH, legend};
use super::markers::markers;
use crate::Error;
use crate::axis::{Axis, Tick, drawable};
use crate::chart::{Category, Guide, Histogram, Stack};
use crate::font::Weight;
use crate::number_format::counted;
use crate::xml::push_coordinate;

/// Smallest and largest radius of a shape in a bar.
const MARK: (f64, f64) = (2.0, 3.0);
/// Width and height of a piece of a bar that has a shape in it, in radii of that shape.
const ROOM: f64 = 3.5;

/// A piece of a bar in SVG units: left, right, upper and lower end.
type Piece = [f64; 4];

/// The SVG of a histogram.
pub(crate) fn histogram(chart: &Histogram, size: Size) -> Result<String, Error> {
    let (edges, counts) = (chart.edges(), chart.counts());
    let guide_places = chart.guides.iter().filter_map(Guide::x);
    let x = Axis::covering(chart.x_log, edges.iter().copied().chain(guide_places), 0.015);
    let Some(x) = x.filter(|_| !edges.is_empty()) else {
        return Err(Error::NothingToDraw { title: chart.title.clone() });
    };
    let highest = (0..edges.len() - 1).map(|bin| counts.iter().map(|stack| stack[bin]).sum::<u64>()).max();
    let highest = highest.unwrap_or(0) as f64;
    let guide_tops = chart.guides.iter().filter_map(Guide::y).filter(|y| y.is_finite());
    let y = Axis::from_zero(guide_tops.fold(highest, f64::max));
    // Counts are whole numbers.
    let whole = |ticks: &[Tick]| highest > 1e5 || ticks.iter().all(|tick| !tick.label.contains('.'));

    let mut svg = Svg { body: String::new(), width: size.width };
    let texts =
        Header { title: &chart.title, subtitle: chart.subtitle.as_deref(), note: chart.note.as_deref() };
    let top = header(&mut svg, &texts);
    let plot = axes(&mut svg, size, top, &chart.y_label, (x, y), whole);
    for (stack, pieces) in chart.stacks.iter().zip(pieces(&plot, &edges, &counts)) {
        bars(&mut svg, stack.category, &pieces, needs_shapes(chart));
    }
    guides_above(&mut svg, &plot, &chart.guides);
    frame(&mut svg, &plot);
    let y = titles(&mut svg, &plot, plot.bottom + 22.0, &chart.x_label, &chart.y_label);
    let end = below(&mut svg, chart, &plot, y + 12.0);
    Ok(svg.document(&chart.title, end + 14.0))
}

/// For each stack, the pieces of its bars; they lie on the pieces of the stacks before.
fn pieces(plot: &Plot, edges: &[f64], counts: &[Vec<u64>]) -> Vec<Vec<Piece>> {
    let mut heights = vec![0_u64; edges.len().saturating_sub(1)];
    let mut stacks = Vec::new();
    for stack in counts {
        let mut pieces = Vec::new();
        for (bin, (&count, height)) in stack.iter().zip(&mut heights).enumerate() {
            let below = *height;
            *height += count;
            if count > 0 {
                let (left, right) = (plot.px(edges[bin]), plot.px(edges[bin + 1]));
                // A gap between bars, where they are wide enough for one.
                let gap = if right - left > 4.0 { 0.5 } else { 0.0 };
                let (upper, lower) = (plot.py(*height as f64), plot.py(below as f64));
                pieces.push([left + gap, right - gap, upper, lower]);
            }
        }
        stacks.push(pieces);
    }
    stacks
}

fn bars(svg: &mut Svg, look: Category, pieces: &[Piece], marked: bool) {
    let mut d = String::new();
    for &[left, right, upper, lower] in pieces {
        for (command, value) in [('M', left), (' ', lower), ('V', upper), ('H', right), ('V', lower)] {
            d.push(command);
            push_coordinate(&mut d, value);
        }
        d.push('z');
    }
    if d.is_empty() {
        return;
    }
    let color = look.color;
    // Thin white lines separate pieces of similar colours.
    svg.element(&format!(r##"<path d="{d}" fill="{color}" stroke="#ffffff" stroke-width="0.5"/>"##));
    if marked {
        // All bars are equally wide.
        let width = pieces.iter().map(|[left, right, ..]| right - left).fold(f64::INFINITY, f64::min);
        let radius = (width / ROOM).min(MARK.1);
        let fits = |[_, _, upper, lower]: &&Piece| radius >= MARK.0 && lower - upper >= ROOM * radius;
        let middle = |p: &Piece| (f64::midpoint(p[0], p[1]), f64::midpoint(p[2], p[3]));
        let ink = Category { color: look.color.ink(), ..look };
        markers(svg, ink, radius, 1.0, pieces.iter().filter(fits).map(middle));
    }
}

/// Whether colours alone do not tell the stacks apart.
fn needs_shapes(chart: &Histogram) -> bool {
    let color = |i: usize| chart.stacks[i].category.color;
    (0..chart.stacks.len()).any(|i| (0..i).any(|j| color(i) == color(j)))
}

/// Draws the legend; returns its lower end.
fn below(svg: &mut Svg, chart: &Histogram, plot: &Plot, top: f64) -> f64 {
    let guides = guides::entries(plot, &chart.guides);
    let swatch = if guides.is_empty() { POINT_SWATCH } else { LINE_SWATCH };
    let (several, shapes) = (chart.stacks.len() > 1, needs_shapes(chart));
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for stack in &chart.stacks {
        let hidden = hidden(chart, stack);
        if several || !stack.label.is_empty() || hidden > 0 {
            let draw = move |svg: &mut Svg, x: f64, y: f64| {
                bars(svg, stack.category, &[[x, x + swatch, y - 7.0, y + 7.0]], shapes);
            };
            let words = (hidden > 0).then(|| format!(" ({} not shown)", counted(hidden, "value")));
            entries.push(Entry::new(&stack.label, Weight::Regular, draw).mark(words.unwrap_or_default()));
        }
    }
    entries.extend(guides);
    legend(svg, &entries, swatch, plot.left, top)
}

fn hidden(chart: &Histogram, stack: &Stack) -> u64 {
    stack.values.iter().filter(|&&value| !drawable(chart.x_log, value)).count() as u64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Checks that the pieces of every bin follow each other without overlap, from the axis to the sum of the counts.
    pub(in super::super) fn check_stacks(counts: &[Vec<u64>]) {
        let edges: Vec<f64> = (0..=counts[0].len() as u32).map(f64::from).collect();
        let x = Axis::covering(false, edges.iter().copied(), 0.0).expect("edges are finite");
        let plot = Plot { left: 0.0, right: 100.0, top: 0.0, bottom: 100.0, x, y: Axis::from_zero(5000.0) };
        let stacks = pieces(&plot, &edges, counts);
        for bin in 0..counts[0].len() {
            let (mut lower_end, mut sum) = (plot.bottom, 0);
            for (pieces, stack) in stacks.iter().zip(counts) {
                let inside = |p: &&Piece| p[0] >= plot.px(edges[bin]) && p[1] <= plot.px(edges[bin + 1]);
                sum += stack[bin];
                match pieces.iter().find(inside) {
                    Some(&[left, right, upper, lower]) => {
                        assert!(left < right && upper < lower && (lower - lower_end).abs() < 1e-9);
                        lower_end = upper;
                    }
                    None => assert_eq!(stack[bin], 0),
                }
            }
            assert!((lower_end - plot.py(sum as f64)).abs() < 1e-9);
        }
    }
}
