//! Makes SVG, PNG, CSV and HTML from tables of numbers, and computes no results.
//!
//! The input is plain values, and the output is pictures and pages: a [`Chart`] becomes an SVG, [`png`] renders this SVG,
//! a [`Table`] becomes CSV, and a [`Report`] becomes one self-contained HTML page. Equal input gives equal bytes of SVG,
//! CSV and HTML on every platform, because this crate reads no clock, uses no fonts of the system (DejaVu Sans is
//! embedded), and has no hash maps, whose order can change.
//!
//! There are five kinds of charts: [`LineChart`], [`ScatterChart`], [`Histogram`], [`Heatmap`] and [`BoxChart`]. Each of
//! them can be drawn with a width of 800 units, or of 420 units for phones. The only numbers that this crate computes are
//! the counts of a histogram. The example `gallery` draws one chart of each kind.
//!
//! ```
//! use taskset_figures::{Color, LineChart, Point, Series};
//! let learned = Series::new("learned list", Color::BLACK, vec![
//!     Point { x: 1.0, y: 0.42, lo: 0.40, hi: 0.45 },
//!     Point { x: 10.0, y: 0.20, lo: 0.19, hi: 0.22 },
//! ]);
//! let chart = LineChart {
//!     title: "Learned list".into(),
//!     x_label: "configurations tried".into(),
//!     y_label: "score (lower is better)".into(),
//!     x_log: true,
//!     series: vec![learned.emphasized()],
//!     ..LineChart::default()
//! };
//! let svg = chart.svg()?;
//! let png = taskset_figures::png(&svg, 2.0)?;
//! assert!(svg.starts_with("<svg") && png.starts_with(b"\x89PNG"));
//! # Ok::<(), taskset_figures::Error>(())
//! ```

mod axis;
mod chart;
mod color;
mod decimal;
mod error;
mod font;
mod html;
mod natural_order;
mod number_format;
mod panels;
mod png;
mod report;
mod svg;
mod table;
mod verdict;
mod xml;

pub use chart::{
    BoxChart, BoxRow, Category, Chart, Dash, Guide, GuideLine, Heatmap, HeatmapRow, Histogram, LineChart,
    Marker, Point, PointGroup, ScatterChart, Series, Stack, Style,
};
pub use color::Color;
pub use error::Error;
pub use natural_order::natural_order;
pub use number_format::{count, counted, significant};
pub use panels::{compact_panels, narrow_panels, panels};
pub use png::png;
pub use report::{Block, ClaimRow, Figure, FileLink, Notice, Report, Section};
pub use table::Table;
pub use verdict::{Claim, Verdict};
