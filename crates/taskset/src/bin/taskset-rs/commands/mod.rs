//! One file per command, and what several of them share.

mod curve_plot;
pub(crate) mod curves;
pub(crate) mod data;
pub(crate) mod lists;
pub(crate) mod optimizers;
pub(crate) mod planned;
pub(crate) mod reproduce;
pub(crate) mod sweep;
mod table_file;
pub(crate) mod tasks;
pub(crate) mod train;

/// A number above 0.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}
