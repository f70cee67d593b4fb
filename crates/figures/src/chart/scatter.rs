//! Scatter charts: single points, grouped by category.

use super::{Category, Guide};
use crate::Error;
use crate::svg::{self, Size};

/// The points of one category.
///
/// A point is left out if a coordinate is not finite, or not positive (or subnormal) on a logarithmic axis. The legend
/// says how many points of the group were left out.
#[derive(Clone, Debug, PartialEq)]
pub struct PointGroup {
    /// Name in the legend.
    pub label: String,
    /// Colour and shape of the points.
    pub category: Category,
    /// The points as pairs (x, y), in any order.
    pub points: Vec<(f64, f64)>,
}

impl PointGroup {
    /// Points with this name and look.
    pub fn new(label: impl Into<String>, category: Category, points: Vec<(f64, f64)>) -> Self {
        Self { label: label.into(), category, points }
    }
}

/// A chart of single points over one pair of axes. All texts are plain; they are wrapped or shortened to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterChart {
    /// Heading of the picture.
    pub title: String,
    /// A smaller line below the title.
    pub subtitle: Option<String>,
    /// What the horizontal axis is, with its unit.
    pub x_label: String,
    /// What the vertical axis is, with its unit.
    pub y_label: String,
    /// Logarithmic horizontal axis.
    pub x_log: bool,
    /// Logarithmic vertical axis.
    pub y_log: bool,
    /// The points, in the order of the legend. Later groups are drawn over earlier ones.
    pub groups: Vec<PointGroup>,
    /// Lines that help to read the chart, drawn over the points.
    pub guides: Vec<Guide>,
    /// Whether the axes have ticks, labels and a grid. Without them the picture has only a thin frame, as for t-SNE,
    /// whose coordinates have no meaning. On linear axes, one unit is then equally long in both directions.
    pub axes: bool,
    /// Radius of a point in SVG units (the figure is 800 wide); kept within 0.5–20.
    pub radius: f64,
    /// Opacity of the points, from 0 (invisible) to 1; kept within 0.1–1. Other groups shine through a group, but points
    /// of one group do not shine through each other: a group is one shape.
    pub opacity: f64,
    /// A warning drawn into the picture so that it travels with every copy, e.g. "synthetic stand-in data".
    pub note: Option<String>,
}

/// No points, with axes, radius 3.5 and opacity 0.85.
impl Default for ScatterChart {
    fn default() -> Self {
        Self {
            title: String::new(),
            subtitle: None,
            x_label: String::new(),
            y_label: String::new(),
            x_log: false,
            y_log: false,
            groups: Vec::new(),
            guides: Vec::new(),
            axes: true,
            radius: 3.5,
            opacity: 0.85,
            note: None,
        }
    }
}

impl ScatterChart {
    /// The chart as one SVG document, 800 units wide and as high as its texts need. Equal charts give equal bytes.
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if no point can be drawn.
    pub fn svg(&self) -> Result<String, Error> {
        svg::scatter_chart(self, Size::WIDE)
    }

    /// The same chart 420 units wide, for pages on phones. Its points are a little smaller.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn narrow_svg(&self) -> Result<String, Error> {
        svg::scatter_chart(self, Size::NARROW)
    }
}
