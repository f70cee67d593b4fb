//! What can be wrong with a chart or a picture.

/// Why a chart could not be drawn or a picture not rendered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The chart has no value that can be drawn.
    #[error(
        "chart `{title}`: nothing to draw: no value is finite (and positive, where an axis is logarithmic)"
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
    /// A row of a heatmap does not have one value for each column.
    #[error(
        "heatmap row `{row}`: {values} values for {columns} columns; give one value for each column (NaN for none)"
    )]
    Cells {
        /// The row's label.
        row: String,
        /// Number of columns of the heatmap.
        columns: usize,
        /// Number of values of the row.
        values: usize,
    },
    /// The quartiles of a box plot do not rise.
    #[error("box plot row `{row}`: the quartiles {q1}, {median}, {q3} fall; give them in rising order")]
    Quartiles {
        /// The row's label.
        row: String,
        /// 25th percentile as given.
        q1: f64,
        /// 50th percentile as given.
        median: f64,
        /// 75th percentile as given.
        q3: f64,
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
