//! Charts as data: what to draw, not how.

mod bins;
mod boxes;
mod guide;
mod heatmap;
mod histogram;
mod line;
mod marker;
mod scatter;

pub use boxes::{BoxChart, BoxRow};
pub use guide::{Guide, GuideLine};
pub use heatmap::{Heatmap, HeatmapRow};
pub use histogram::{Histogram, Stack};
pub use line::{Dash, LineChart, Point, Series, Style};
pub use marker::{Category, Marker};
pub use scatter::{PointGroup, ScatterChart};

use crate::Error;

/// A chart of any kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Chart {
    /// Lines with bands around them.
    Line(LineChart),
    /// Single points.
    Scatter(ScatterChart),
    /// How often values fall into each bin.
    Histogram(Histogram),
    /// A table of numbers as colours.
    Heatmap(Heatmap),
    /// Box plots, one under the other.
    Boxes(BoxChart),
}

impl Chart {
    /// Heading of the picture.
    pub fn title(&self) -> &str {
        match self {
            Self::Line(chart) => &chart.title,
            Self::Scatter(chart) => &chart.title,
            Self::Histogram(chart) => &chart.title,
            Self::Heatmap(chart) => &chart.title,
            Self::Boxes(chart) => &chart.title,
        }
    }

    /// The chart as one SVG document, 800 units wide and as high as it needs. It starts with `<svg` and can be put into
    /// an HTML page. Equal charts give equal bytes.
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if no value can be drawn, and the errors of the chart's own `svg`.
    pub fn svg(&self) -> Result<String, Error> {
        match self {
            Self::Line(chart) => chart.svg(),
            Self::Scatter(chart) => chart.svg(),
            Self::Histogram(chart) => chart.svg(),
            Self::Heatmap(chart) => chart.svg(),
            Self::Boxes(chart) => chart.svg(),
        }
    }

    /// The same chart 420 units wide, for pages on phones.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn narrow_svg(&self) -> Result<String, Error> {
        match self {
            Self::Line(chart) => chart.narrow_svg(),
            Self::Scatter(chart) => chart.narrow_svg(),
            Self::Histogram(chart) => chart.narrow_svg(),
            Self::Heatmap(chart) => chart.narrow_svg(),
            Self::Boxes(chart) => chart.narrow_svg(),
        }
    }
}

impl From<LineChart> for Chart {
    fn from(chart: LineChart) -> Self {
        Self::Line(chart)
    }
}

impl From<ScatterChart> for Chart {
    fn from(chart: ScatterChart) -> Self {
        Self::Scatter(chart)
    }
}

impl From<Histogram> for Chart {
    fn from(chart: Histogram) -> Self {
        Self::Histogram(chart)
    }
}

impl From<Heatmap> for Chart {
    fn from(chart: Heatmap) -> Self {
        Self::Heatmap(chart)
    }
}

impl From<BoxChart> for Chart {
    fn from(chart: BoxChart) -> Self {
        Self::Boxes(chart)
    }
}
