//! Tables to SVG, PNG, CSV and HTML; computes nothing.
//!
//! Numbers come in as plain values and leave as pictures and pages: a [`Chart`] becomes an SVG, [`png`] renders that
//! same SVG, a [`Table`] becomes CSV, and a [`Report`] becomes one self-contained HTML page. Equal input gives equal
//! bytes of SVG, CSV and HTML on every platform: no clock, no system fonts (DejaVu Sans is embedded), no maps.
//!
//! There are five kinds of charts: [`LineChart`], [`ScatterChart`], [`Histogram`], [`Heatmap`] and [`BoxChart`]. All can
//! be drawn 800 units wide, and 420 units wide for phones. The only numbers that this crate works out are the counts of
//! a histogram. The example `gallery` draws one chart of each kind.
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
mod digits;
mod error;
mod font;
mod html;
mod order;
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
pub use digits::{count, counted, significant};
pub use error::Error;
pub use order::natural_order;
pub use panels::{compact_panels, narrow_panels, panels};
pub use png::png;
pub use report::{Block, ClaimRow, Figure, FileLink, Notice, Report, Section};
pub use table::Table;
pub use verdict::{Claim, Verdict};
