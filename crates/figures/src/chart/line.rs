//! Line charts.

use super::{Guide, Marker};
use crate::svg::Size;
use crate::{Color, Error, svg};

/// One point of a series: the line's value and the ends of the band around it, e.g. a median between the 25th and the
/// 75th percentile.
///
/// Points that cannot be drawn leave a gap: those with a non-finite `x` or `y`, or one that is not positive (or is
/// subnormal) on a logarithmic axis. Where only `lo` or `hi` cannot be drawn, the band alone has a gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Position on the horizontal axis.
    pub x: f64,
    /// Value of the line.
    pub y: f64,
    /// Lower end of the band; NaN for none.
    pub lo: f64,
    /// Upper end of the band; NaN for none.
    pub hi: f64,
}

impl Point {
    /// A point without a band.
    pub const fn bare(x: f64, y: f64) -> Self {
        Self { x, y, lo: f64::NAN, hi: f64::NAN }
    }
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// An unbroken line.
    #[default]
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Unbroken, dashed or dotted.
    pub dash: Dash,
    /// Width in SVG units (a figure is 800 wide); kept within 0.5–10.
    pub width: f64,
}

impl Default for Style {
    fn default() -> Self {
        Self { dash: Dash::Solid, width: 2.0 }
    }
}

/// One line of a chart with the band around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub label: String,
    /// Colour of the line; the band is the same colour, translucent.
    pub color: Color,
    /// The points in the order of `x`.
    pub points: Vec<Point>,
    /// How the line is drawn.
    pub style: Style,
    /// Drawn half as wide again, above all others, and bold in the legend.
    pub emphasis: bool,
    /// Shape that is drawn at every point; `None` draws only the line. A point alone between gaps has no line, so it is
    /// always drawn: with this shape, or as a disc.
    pub marker: Option<Marker>,
}

impl Series {
    /// A solid line of ordinary width.
    pub fn new(label: impl Into<String>, color: Color, points: Vec<Point>) -> Self {
        Self { label: label.into(), color, points, style: Style::default(), emphasis: false, marker: None }
    }

    /// The same series, broken as `dash` says.
    #[must_use]
    pub fn dash(mut self, dash: Dash) -> Self {
        self.style.dash = dash;
        self
    }

    /// The same series, emphasised.
    #[must_use]
    pub fn emphasized(mut self) -> Self {
        self.emphasis = true;
        self
    }

    /// The same series with this shape at every point.
    #[must_use]
    pub fn markers(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }
}

/// A chart of lines with bands over one pair of axes. All texts are plain; they are wrapped or shortened to fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
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
    /// The lines, in the order of the legend.
    pub series: Vec<Series>,
    /// Lines that help to read the chart, drawn below the series.
    pub guides: Vec<Guide>,
    /// A warning drawn into the picture so that it travels with every copy, e.g. "synthetic stand-in data".
    pub note: Option<String>,
}

impl LineChart {
    /// The chart as one SVG document, 800 units wide and as high as its texts need (about 550); it starts with `<svg`
    /// and can stand in an HTML page. Equal charts give equal bytes.
    ///
    /// A series without any point that can be drawn (all of it diverged, say) keeps its place in the legend, marked
    /// "(no finite values)".
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if that holds for every series or there is none; [`Error::Unordered`] and
    /// [`Error::Band`] if points are out of order or a band is upside down.
    pub fn svg(&self) -> Result<String, Error> {
        self.drawn(Size::WIDE)
    }

    /// The same chart 420 units wide, for pages on phones.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn narrow_svg(&self) -> Result<String, Error> {
        self.drawn(Size::NARROW)
    }

    fn drawn(&self, size: Size) -> Result<String, Error> {
        for series in &self.series {
            check(series)?;
        }
        svg::line_chart(self, size)
    }
}

fn check(series: &Series) -> Result<(), Error> {
    let mut last = f64::NEG_INFINITY;
    for (index, point) in series.points.iter().enumerate() {
        if point.lo > point.hi {
            return Err(Error::Band { series: series.label.clone(), index, lo: point.lo, hi: point.hi });
        }
        if point.x < last {
            return Err(Error::Unordered { series: series.label.clone(), index });
        }
        if point.x.is_finite() {
            last = point.x;
        }
    }
    Ok(())
}
