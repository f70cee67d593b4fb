//! Reproductions of the paper's figures: what each needs, how it is analysed, which claims it checks, and one report of all.
//!
//! [`FIGURES`] is the table of figures. A row says what a figure needs and how it is analysed; commands, help, the merged plan
//! of several figures and the report follow from the table. [`run`] trains the curves that the chosen figures need (or takes
//! given ones), scores them once, analyses every figure, and writes pictures (SVG, PNG), the numbers behind them (CSV) and one
//! self-contained `index.html`.

mod claims;
mod clustered_confidence;
mod comparison;
mod data_words;
mod error;
mod figure_options;
mod figures;
mod missing;
mod one_task;
pub mod released_archives;
mod report_content;
mod run;
mod scale;
mod score_readings;
mod sensitivity;
mod study;
mod task_kinds;

pub use error::Error;
pub use figure_options::{FigureOption, OptionKind, Options};
pub use figures::{FIGURES, FigureRow, Part, choices, choose};
pub use run::{ClaimSummary, Ending, FigureSummary, Observer, Request, Summary, Verdicts, run};
pub use scale::{RunScale, Settings};
