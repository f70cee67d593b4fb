//! Histograms, with bars that may be stacked by category.

use super::{Category, Guide, bins};
use crate::Error;
use crate::svg::{self, Size};

/// The values of one category of a [`Histogram`].
///
/// A value is left out if it is not finite, or not positive (or subnormal) on a logarithmic axis. The legend says how
/// many values were left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// Name in the legend. A single stack with an empty name has no legend.
    pub label: String,
    /// Colour of the bars. If two stacks have the same colour, shapes are drawn in the bars that have room for them.
    pub category: Category,
    /// The values to count, in any order.
    pub values: Vec<f64>,
}

impl Stack {
    /// Values with this name and look.
    pub fn new(label: impl Into<String>, category: Category, values: Vec<f64>) -> Self {
        Self { label: label.into(), category, values }
    }
}

/// How many values fall into each bin. Bars of several categories are stacked. All texts are plain; they are wrapped or
/// shortened to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Heading of the picture.
    pub title: String,
    /// A smaller line below the title.
    pub subtitle: Option<String>,
    /// What was counted, with its unit.
    pub x_label: String,
    /// What the height of a bar is, e.g. "number of tasks".
    pub y_label: String,
    /// Logarithmic horizontal axis; the bins are then equally wide in the logarithm.
    pub x_log: bool,
    /// Most bins (kept within 2–400). [`edges`](Self::edges) says how the bins are chosen.
    pub bins: usize,
    /// The values, from the bottom of the bars to their top.
    pub stacks: Vec<Stack>,
    /// Lines that help to read the chart, drawn over the bars. A horizontal one below 0 is left out.
    pub guides: Vec<Guide>,
    /// A warning drawn into the picture so that it travels with every copy, e.g. "synthetic stand-in data".
    pub note: Option<String>,
}

/// No values, linear, at most 40 bins.
impl Default for Histogram {
    fn default() -> Self {
        Self {
            title: String::new(),
            subtitle: None,
            x_label: String::new(),
            y_label: String::new(),
            x_log: false,
            bins: 40,
            stacks: Vec::new(),
            guides: Vec::new(),
            note: None,
        }
    }
}

impl Histogram {
    /// The edges of the bins, one more than there are bins; empty if no value can be drawn.
    ///
    /// Edges are round numbers, and the bins are the narrowest ones of which at most `bins` cover all values:
    ///
    /// - On a linear axis a bin is 1, 2 or 5 times a power of ten wide. Its edges are multiples of that width.
    /// - On a logarithmic axis a power of ten has 20, 10, 5, 4, 2 or 1 bins, with edges at 10^(i/20), 10^(i/10) and so
    ///   on for whole numbers i. If these are too many, a bin covers 2, 5, 10, 20, 50, 100, 200 or 500 powers of ten.
    ///
    /// A bin contains its lower edge but not its upper edge. Edges are the doubles nearest to these decimal numbers, or
    /// come from a portable `exp10`, so they have the same bits on every platform.
    pub fn edges(&self) -> Vec<f64> {
        bins::edges(self.x_log, self.stacks.iter().flat_map(|stack| stack.values.iter().copied()), self.bins)
    }

    /// For each stack, how many of its values fall into each bin between the [`edges`](Self::edges).
    pub fn counts(&self) -> Vec<Vec<u64>> {
        let edges = self.edges();
        self.stacks.iter().map(|stack| bins::counts(self.x_log, &edges, &stack.values)).collect()
    }

    /// The chart as one SVG document, 800 units wide and as high as its texts need. Equal charts give equal bytes.
    ///
    /// # Errors
    /// [`Error::NothingToDraw`] if no value can be drawn.
    pub fn svg(&self) -> Result<String, Error> {
        svg::histogram(self, Size::WIDE)
    }

    /// The same chart 420 units wide, for pages on phones.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn narrow_svg(&self) -> Result<String, Error> {
        svg::histogram(self, Size::NARROW)
    }
}
