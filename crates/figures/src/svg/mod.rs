//! Layout of a line chart and its SVG.
//!
//! From top to bottom: title, subtitle, note, plot with axes, legend. The legend stands below the plot, so it never
//! covers data. Written by hand rather than with a plotting crate: plotters 0.3 rounds every coordinate to whole units,
//! puts its legend over the data, and guesses the width of text; what remains to write is this folder and `axis`.

mod elements;
mod legend;
mod series;
#[cfg(test)]
mod tests;

use elements::{Anchor, Svg};
use legend::legend;
use series::{in_band, on_line, series};

use crate::Error;
use crate::axis::{Axis, Tick};
use crate::chart::LineChart;
use crate::font::{Weight, width, wrap};
use crate::xml::coordinate;

/// Size of a chart in SVG units.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Width of the whole.
    width: f64,
    /// Height of the plot inside its axes.
    plot: f64,
}

impl Size {
    /// For pages, slides and print.
    pub(crate) const WIDE: Self = Self { width: 800.0, plot: 380.0 };
    /// For phones: texts keep a readable size where a page is 400 pixels wide.
    pub(crate) const NARROW: Self = Self { width: 420.0, plot: 320.0 };
}

const MARGIN: f64 = 20.0;
const TITLE: f64 = 19.0;
const SUBTITLE: f64 = 13.5;
const NOTE: f64 = 13.0;
const LABEL: f64 = 14.0;
const TICK: f64 = 13.0;

const INK: &str = "#1a1a1a";
const FAINT_INK: &str = "#555555";
const GRID: &str = "#e4e4e4";

/// The plot's rectangle and its axes.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl Plot {
    fn px(&self, value: f64) -> f64 {
        self.left + self.x.unit(value) * (self.right - self.left)
    }

    fn py(&self, value: f64) -> f64 {
        self.bottom - self.y.unit(value) * (self.bottom - self.top)
    }
}

/// The SVG of a chart whose series are in order.
pub(crate) fn line_chart(chart: &LineChart, size: Size) -> Result<String, Error> {
    let (x, y) = axes(chart).ok_or_else(|| Error::NothingToDraw { title: chart.title.clone() })?;
    let mut svg = Svg { body: String::new(), width: size.width };
    let top = header(&mut svg, chart);

    let bottom = top + size.plot;
    let y_ticks = y.ticks(|ticks| apart(ticks, |tick| size.plot * tick.at, |_| 38.0));
    let tick_width = y_ticks.iter().map(|tick| width(&tick.label, TICK, Weight::Regular)).fold(0.0, f64::max);
    let y_title = wrap(&chart.y_label, LABEL, Weight::Regular, size.plot);
    let left = MARGIN - 4.0 + 19.0 * y_title.len() as f64 + tick_width + 12.0;
    let plot = Plot { left, right: size.width - MARGIN - 8.0, top, bottom, x, y };

    grid(&mut svg, &plot, &y_ticks);
    series(&mut svg, chart, &plot);
    frame(&mut svg, &plot);
    let mut height = bottom + 22.0;
    let middle = f64::midpoint(plot.left, plot.right);
    for line in wrap(&chart.x_label, LABEL, Weight::Regular, plot.right - plot.left) {
        height += 20.0;
        svg.text(middle, height, LABEL, Weight::Regular, INK, Anchor::Middle, &line);
    }
    for (i, line) in y_title.iter().enumerate() {
        let (x, y) = (MARGIN + 8.0 + 19.0 * i as f64, f64::midpoint(top, bottom));
        svg.rotated(x, y, LABEL, line);
    }
    height = legend(&mut svg, chart, &plot, height + 12.0);
    Ok(svg.document(&chart.title, height + 14.0))
}

/// The axes that cover all that can be drawn, or `None` if nothing can.
fn axes(chart: &LineChart) -> Option<(Axis, Axis)> {
    let points = || chart.series.iter().flat_map(|s| &s.points).filter(|p| on_line(chart, p));
    let x = Axis::covering(chart.x_log, points().map(|p| p.x), 0.015)?;
    let ends = points().flat_map(|p| if in_band(chart, p) { [p.y, p.lo, p.hi] } else { [p.y; 3] });
    Some((x, Axis::covering(chart.y_log, ends, 0.04)?))
}

/// Title, subtitle and note; returns the top of the plot.
fn header(svg: &mut Svg, chart: &LineChart) -> f64 {
    let limit = svg.width - 2.0 * MARGIN;
    let mut y = 12.0;
    for line in wrap(&chart.title, TITLE, Weight::Bold, limit) {
        y += 24.0;
        svg.text(MARGIN, y, TITLE, Weight::Bold, INK, Anchor::Start, &line);
    }
    for line in wrap(chart.subtitle.as_deref().unwrap_or(""), SUBTITLE, Weight::Regular, limit) {
        y += 20.0;
        svg.text(MARGIN, y, SUBTITLE, Weight::Regular, FAINT_INK, Anchor::Start, &line);
    }
    let note = wrap(chart.note.as_deref().unwrap_or(""), NOTE, Weight::Bold, limit - 20.0);
    if !note.is_empty() {
        y += 11.0;
        let widest = note.iter().map(|line| width(line, NOTE, Weight::Bold)).fold(0.0, f64::max);
        let height = 8.0 + 18.0 * note.len() as f64;
        svg.element(&format!(
            r##"<rect x="{}" y="{}" width="{}" height="{}" rx="4" fill="#fff3cd" stroke="#b58900"/>"##,
            coordinate(MARGIN),
            coordinate(y),
            coordinate(widest + 20.0),
            coordinate(height)
        ));
        for (i, line) in note.iter().enumerate() {
            let baseline = y + 17.5 + 18.0 * i as f64;
            svg.text(MARGIN + 10.0, baseline, NOTE, Weight::Bold, "#6b4e00", Anchor::Start, line);
        }
        y += height;
    }
    y + 16.0
}

/// Whether neighbouring ticks keep their distance: `at` gives positions, `extent` the room that one needs.
fn apart(ticks: &[Tick], at: impl Fn(&Tick) -> f64, extent: impl Fn(&Tick) -> f64) -> bool {
    ticks.windows(2).all(|pair| at(&pair[1]) - at(&pair[0]) >= (extent(&pair[0]) + extent(&pair[1])) / 2.0)
}

fn grid(svg: &mut Svg, plot: &Plot, y_ticks: &[Tick]) {
    let length = plot.right - plot.left;
    let room = |tick: &Tick| width(&tick.label, TICK, Weight::Regular) + 12.0;
    let x_ticks = plot.x.ticks(|ticks| apart(ticks, |tick| length * tick.at, room));
    for tick in y_ticks {
        let y = plot.bottom - tick.at * (plot.bottom - plot.top);
        svg.line((plot.left, y), (plot.right, y), GRID);
        svg.text(plot.left - 8.0, y + 4.6, TICK, Weight::Regular, INK, Anchor::End, &tick.label);
    }
    for tick in &x_ticks {
        let x = plot.left + tick.at * length;
        svg.line((x, plot.top), (x, plot.bottom), GRID);
        svg.line((x, plot.bottom), (x, plot.bottom + 5.0), INK);
        svg.text(x, plot.bottom + 20.0, TICK, Weight::Regular, INK, Anchor::Middle, &tick.label);
    }
    for at in plot.x.minor() {
        let x = plot.left + at * length;
        svg.line((x, plot.bottom), (x, plot.bottom + 3.0), INK);
    }
    for at in plot.y.minor() {
        let y = plot.bottom - at * (plot.bottom - plot.top);
        svg.line((plot.left - 3.0, y), (plot.left, y), INK);
    }
}

/// The two axis lines, above the data.
fn frame(svg: &mut Svg, plot: &Plot) {
    svg.line((plot.left, plot.top), (plot.left, plot.bottom), INK);
    svg.line((plot.left, plot.bottom), (plot.right, plot.bottom), INK);
}
