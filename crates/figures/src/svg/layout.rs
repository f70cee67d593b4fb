//! The parts that all charts share: header, axes with ticks and grid, and titles of axes.

use super::elements::{Anchor, Svg};
use super::{FAINT_INK, GRID, INK, LABEL, MARGIN, NOTE, SUBTITLE, Size, TICK, TITLE};
use crate::axis::{Axis, Tick};
use crate::font::{Weight, width, wrap};
use crate::xml::coordinate;

/// The plot's rectangle and its axes.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Plot {
    pub(super) fn px(&self, value: f64) -> f64 {
        self.left + self.x.unit(value) * (self.right - self.left)
    }

    pub(super) fn py(&self, value: f64) -> f64 {
        self.bottom - self.y.unit(value) * (self.bottom - self.top)
    }
}

/// Texts above the plot.
pub(super) struct Header<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

/// Draws title, subtitle and note; returns the top of the plot.
pub(super) fn header(svg: &mut Svg, header: &Header<'_>) -> f64 {
    let limit = svg.width - 2.0 * MARGIN;
    let mut y = 12.0;
    for line in wrap(header.title, TITLE, Weight::Bold, limit) {
        y += 24.0;
        svg.text(MARGIN, y, TITLE, Weight::Bold, INK, Anchor::Start, &line);
    }
    for line in wrap(header.subtitle.unwrap_or(""), SUBTITLE, Weight::Regular, limit) {
        y += 20.0;
        svg.text(MARGIN, y, SUBTITLE, Weight::Regular, FAINT_INK, Anchor::Start, &line);
    }
    let note = wrap(header.note.unwrap_or(""), NOTE, Weight::Bold, limit - 20.0);
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

/// A plot below `top` with ticks and grid on both axes. `fits` may refuse ticks of the vertical axis. The frame and the
/// titles of the axes are drawn later, by [`frame`] and [`titles`].
pub(super) fn axes(
    svg: &mut Svg,
    size: Size,
    top: f64,
    y_label: &str,
    (x, y): (Axis, Axis),
    fits: impl Fn(&[Tick]) -> bool,
) -> Plot {
    let y_ticks = y.ticks(|ticks| apart(ticks, |tick| size.plot * tick.at, |_| 38.0) && fits(ticks));
    let tick_width = y_ticks.iter().map(|tick| width(&tick.label, TICK, Weight::Regular)).fold(0.0, f64::max);
    let y_title = wrap(y_label, LABEL, Weight::Regular, size.plot);
    let left = MARGIN - 4.0 + 19.0 * y_title.len() as f64 + tick_width + 12.0;
    let plot = Plot { left, right: size.width - MARGIN - 8.0, top, bottom: top + size.plot, x, y };
    grid(svg, &plot, &y_ticks);
    plot
}

/// Ticks and grid lines; the horizontal axis chooses its ticks itself.
pub(super) fn grid(svg: &mut Svg, plot: &Plot, y_ticks: &[Tick]) {
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
        tick_label(svg, x, plot.bottom + 20.0, &tick.label);
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

/// The label of a tick, centred at `x` unless it would leave the picture there.
pub(super) fn tick_label(svg: &mut Svg, x: f64, y: f64, label: &str) {
    let half = width(label, TICK, Weight::Regular) / 2.0 + 2.0;
    let x = x.min(svg.width - half).max(half);
    svg.text(x, y, TICK, Weight::Regular, INK, Anchor::Middle, label);
}

/// Whether neighbouring ticks keep their distance: `at` gives positions, `extent` the room that one needs.
pub(super) fn apart(ticks: &[Tick], at: impl Fn(&Tick) -> f64, extent: impl Fn(&Tick) -> f64) -> bool {
    ticks.windows(2).all(|pair| at(&pair[1]) - at(&pair[0]) >= (extent(&pair[0]) + extent(&pair[1])) / 2.0)
}

/// The two axis lines, above the data.
pub(super) fn frame(svg: &mut Svg, plot: &Plot) {
    svg.line((plot.left, plot.top), (plot.left, plot.bottom), INK);
    svg.line((plot.left, plot.bottom), (plot.right, plot.bottom), INK);
}

/// Titles of the axes, the horizontal one below `y`; returns its lower end.
pub(super) fn titles(svg: &mut Svg, plot: &Plot, mut y: f64, x_label: &str, y_label: &str) -> f64 {
    let middle = f64::midpoint(plot.left, plot.right);
    for line in wrap(x_label, LABEL, Weight::Regular, plot.right - plot.left) {
        y += 20.0;
        svg.text(middle, y, LABEL, Weight::Regular, INK, Anchor::Middle, &line);
    }
    for (i, line) in wrap(y_label, LABEL, Weight::Regular, plot.bottom - plot.top).iter().enumerate() {
        let (x, y) = (MARGIN + 8.0 + 19.0 * i as f64, f64::midpoint(plot.top, plot.bottom));
        svg.rotated(x, y, LABEL, Anchor::Middle, line);
    }
    y
}
