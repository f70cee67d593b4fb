//! Reproductions of the paper's figures: what each figure needs, how it is analysed, which claims it checks, and one
//! report of all figures.
//!
//! [`FIGURES`] is the table of figures. A row says what a figure needs and how it is analysed. The commands, the help,
//! the joint plan of several figures and the report are made from this table. [`run`] trains the curves that the chosen
//! figures need, or uses curves that are given. It scores the curves once, analyses every figure, and writes pictures
//! (SVG, PNG), their numbers (CSV) and one self-contained `index.html`.

mod claim_thresholds;
mod clustered_confidence;
mod data_words;
mod drawn_figure;
mod error;
mod figure_options;
mod figures;
mod list_comparison;
mod missing;
mod reading_sensitivity;
pub mod released_archives;
mod report_content;
mod report_files;
mod reproduction;
mod reproduction_summary;
mod scale;
mod score_readings;
mod scored_curves;
mod scored_task;
mod task_kinds;

pub use error::Error;
pub use figure_options::{FigureOption, OptionKind, Options};
pub use figures::{FIGURES, FigureRow, Part, choices, choose};
pub use reproduction::{Ending, Observer, Request, run};
pub use reproduction_summary::{ClaimSummary, FigureSummary, Summary, Verdicts};
pub use scale::{RunScale, Settings};
