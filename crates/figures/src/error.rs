//! What can be wrong with a chart or a picture.

/// Why a chart could not be drawn or a picture not rendered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No series has a point that can be drawn.
    #[error(
        "chart `{title}`: nothing to draw: no series has a finite point (positive too, on a logarithmic axis)"
    )]
    NothingToDraw {
        /// The chart's title.
        title: String,
    },
    /// The points of a series do not stand in the order of `x`.
    #[error("series `{series}`, point {index}: x is smaller than before; sort the points by x")]
    Unordered {
        /// The series' label.
        series: String,
        /// Position of the offending point in its series, from 0.
        index: usize,
    },
    /// The band of a point is upside down.
    #[error("series `{series}`, point {index}: the band's lower end {lo} lies above its upper end {hi}")]
    Band {
        /// The series' label.
        series: String,
        /// Position of the offending point in its series, from 0.
        index: usize,
        /// Lower end of the band as given.
        lo: f64,
        /// Upper end of the band as given.
        hi: f64,
    },
    /// A picture cannot be rendered at this scale.
    #[error(
        "cannot render a picture of {width} × {height} at scale {scale}: each side must lie in 1..={max} pixels"
    )]
    Size {
        /// Width of the SVG, in its own units.
        width: f32,
        /// Height of the SVG, in its own units.
        height: f32,
        /// Pixels per unit that were asked for.
        scale: f32,
        /// Most pixels of one side.
        max: u32,
    },
    /// The text given to the renderer is not an SVG picture.
    #[error("not an SVG picture: {0}")]
    Svg(String),
    /// The rendered picture could not be written as PNG.
    #[error("could not encode the PNG: {0}")]
    Encode(String),
}
