//! Heatmaps: tables of numbers as colours.

use crate::Error;
use crate::svg::{self, Size};

/// One row of a [`Heatmap`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatmapRow {
    /// Name to the left of the row; shortened to fit.
    pub label: String,
    /// One value for each column. Values that are not finite, or not positive on a logarithmic scale, are drawn as
    /// hatched grey cells ("no value").
    pub values: Vec<f64>,
}

impl HeatmapRow {
    /// A row with this name.
    pub fn new(label: impl Into<String>, values: Vec<f64>) -> Self {
        Self { label: label.into(), values }
    }
}

/// A table of numbers as colours, with a colour bar below it. The colours are those of
/// [`Color::sequence`](crate::Color::sequence): dark for low values, light for high ones. All texts are plain; they are
/// wrapped or shortened to fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heatmap {
    /// Heading of the picture.
    pub title: String,
    /// A smaller line below the title.
    pub subtitle: Option<String>,
    /// What the columns are.
    pub x_label: String,
    /// What the rows are.
    pub y_label: String,
    /// What the colours mean, with the unit; it stands beside the colour bar.
    pub value_label: String,
    /// Names of the columns. They are turned upright if they do not fit beside each other. Of very many columns, only
    /// every second one (or every third, and so on) shows its name.
    pub columns: Vec<String>,
    /// The rows, from top to bottom.
    pub rows: Vec<HeatmapRow>,
    /// Logarithmic colour scale.
    pub log: bool,
    /// Ends of the colour scale. Values beyond an end get the colour of that end. Without a range, the scale goes from
    /// the smallest to the largest value.
    pub range: Option<(f64, f64)>,
    /// Decimals of the numbers in the cells. `None` chooses them by the range, and writes no numbers on a logarithmic
    /// scale or where numbers of everyday size are not enough. Numbers are left out altogether if one does not fit.
    pub decimals: Option<usize>,
    /// A warning drawn into the picture so that it travels with every copy, e.g. "synthetic stand-in data".
    pub note: Option<String>,
}

impl Heatmap {
    /// The chart as one SVG document, 800 units wide and as high as its rows need. Equal charts give equal bytes.
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if no value can be drawn; [`Error::Cells`] if a row has more or fewer values than there
    /// are columns.
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
        let columns = self.columns.len();
        if let Some(row) = self.rows.iter().find(|row| row.values.len() != columns) {
            return Err(Error::Cells { row: row.label.clone(), columns, values: row.values.len() });
        }
        svg::heatmap(self, size)
    }
}
