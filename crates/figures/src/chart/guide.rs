//! Straight lines that help to read a chart, e.g. at one hour or at chance level.

use super::Dash;
use crate::Color;

/// A line at a fixed place. The axes are extended so that they contain it. A guide whose place is not finite, or not
/// positive on a logarithmic axis, is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    /// Where the line lies.
    pub line: GuideLine,
    /// Its colour.
    pub color: Color,
    /// How the line is broken.
    pub dash: Dash,
    /// Name in the legend; a guide without a label has no place there.
    pub label: Option<String>,
}

/// Where a [`Guide`] lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GuideLine {
    /// At this value of the vertical axis, over the whole width.
    Horizontal(f64),
    /// At this value of the horizontal axis, over the whole height.
    Vertical(f64),
    /// Where both axes have the same value. It is drawn in the range that both axes share, and does not extend them.
    Diagonal,
}

impl Guide {
    /// A dashed grey line at this value of the vertical axis.
    pub const fn horizontal(at: f64) -> Self {
        Self::new(GuideLine::Horizontal(at))
    }

    /// A dashed grey line at this value of the horizontal axis.
    pub const fn vertical(at: f64) -> Self {
        Self::new(GuideLine::Vertical(at))
    }

    /// A dashed grey line where both axes have the same value.
    pub const fn diagonal() -> Self {
        Self::new(GuideLine::Diagonal)
    }

    const fn new(line: GuideLine) -> Self {
        Self { line, color: Color::new(0x55, 0x55, 0x55), dash: Dash::Dashed, label: None }
    }

    /// The same guide with a name in the legend.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same guide in this colour.
    #[must_use]
    pub const fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// The same guide, broken as `dash` says.
    #[must_use]
    pub const fn dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// Its place on the horizontal axis, if it has one there.
    pub(crate) const fn x(&self) -> Option<f64> {
        match self.line {
            GuideLine::Vertical(at) => Some(at),
            GuideLine::Horizontal(_) | GuideLine::Diagonal => None,
        }
    }

    /// Its place on the vertical axis, if it has one there.
    pub(crate) const fn y(&self) -> Option<f64> {
        match self.line {
            GuideLine::Horizontal(at) => Some(at),
            GuideLine::Vertical(_) | GuideLine::Diagonal => None,
        }
    }
}
