//! Reproductions of the paper's sections: what each needs, what it draws, which claims it checks.
//!
//! One module a section. A reproduction trains the curves it needs (or takes given ones), keeps them, analyses them,
//! and writes figures (SVG, PNG), the numbers behind them (CSV) and one self-contained `index.html`.

mod error;
pub mod sec5;

pub use error::Error;
