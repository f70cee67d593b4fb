//! Charts as SVG.
//!
//! From top to bottom: title, subtitle, note, plot with axes, legend. The legend stands below the plot, so it never
//! covers data. Written by hand rather than with a plotting crate: plotters 0.3 rounds every coordinate to whole units,
//! puts its legend over the data, and guesses the width of text; what remains to write is this folder and `axis`.

mod boxes;
mod elements;
mod guides;
mod heatmap;
mod histogram;
mod layout;
mod legend;
mod line;
mod markers;
mod scatter;
mod series;
#[cfg(test)]
mod tests;

pub(crate) use boxes::box_chart;
pub(crate) use heatmap::heatmap;
pub(crate) use histogram::histogram;
pub(crate) use line::line_chart;
pub(crate) use scatter::scatter_chart;

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

    fn is_narrow(self) -> bool {
        self.width < 600.0
    }
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
