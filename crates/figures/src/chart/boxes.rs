//! Box plots, one row for each group.

use super::Guide;
use crate::svg::{self, Size};
use crate::{Color, Error};

/// The box plot of one group. This crate computes nothing, so the caller gives the numbers. The usual ones are quartiles
/// by linear interpolation, whiskers to the furthest values within 1.5 times the interquartile range of the box, and
/// all values beyond as outliers.
///
/// A number that is not finite, or not positive on a logarithmic axis, is left out of the drawing. A row without
/// anything to draw keeps its place, marked "(no finite values)".
#[derive(Clone, Debug, PartialEq)]
pub struct BoxRow {
    /// Name of the group.
    pub label: String,
    /// Colour of the box, its whiskers and outliers.
    pub color: Color,
    /// End of the lower whisker. A whisker that would end inside the box is not drawn.
    pub low: f64,
    /// 25th percentile: lower end of the box.
    pub q1: f64,
    /// 50th percentile: the thick line in the box.
    pub median: f64,
    /// 75th percentile: upper end of the box.
    pub q3: f64,
    /// End of the upper whisker. A whisker that would end inside the box is not drawn.
    pub high: f64,
    /// Values beyond the whiskers, drawn as small dots.
    pub outliers: Vec<f64>,
}

impl BoxRow {
    /// A row from its five numbers in rising order (lower whisker, quartiles, upper whisker), without outliers.
    pub fn new(label: impl Into<String>, color: Color, five: [f64; 5]) -> Self {
        let [low, q1, median, q3, high] = five;
        Self { label: label.into(), color, low, q1, median, q3, high, outliers: Vec::new() }
    }

    /// The same row with these outliers.
    #[must_use]
    pub fn outliers(mut self, outliers: Vec<f64>) -> Self {
        self.outliers = outliers;
        self
    }

    /// All its numbers.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let five = [self.low, self.q1, self.median, self.q3, self.high];
        five.into_iter().chain(self.outliers.iter().copied()).collect()
    }
}

/// Horizontal box plots over one axis, one under the other. All texts are plain; they are wrapped or shortened to fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoxChart {
    /// Heading of the picture.
    pub title: String,
    /// A smaller line below the title.
    pub subtitle: Option<String>,
    /// What the horizontal axis is, with its unit.
    pub x_label: String,
    /// Logarithmic horizontal axis.
    pub x_log: bool,
    /// The rows, from top to bottom.
    pub rows: Vec<BoxRow>,
    /// Lines that help to read the chart. Only vertical ones have a place here; others are left out.
    pub guides: Vec<Guide>,
    /// A warning drawn into the picture so that it travels with every copy, e.g. "synthetic stand-in data".
    pub note: Option<String>,
}

impl BoxChart {
    /// The chart as one SVG document, 800 units wide and as high as its rows need. Equal charts give equal bytes.
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if no number can be drawn; [`Error::Quartiles`] if the quartiles of a row fall.
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
        for row in &self.rows {
            if row.q1 > row.median || row.median > row.q3 || row.q1 > row.q3 {
                let BoxRow { q1, median, q3, .. } = *row;
                return Err(Error::Quartiles { row: row.label.clone(), q1, median, q3 });
            }
        }
        svg::box_chart(self, size)
    }
}
