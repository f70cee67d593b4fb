//! Numbers as people read them in a page: four significant digits, counts with commas. Tables for programs keep all digits.

use crate::decimal::superscript;

/// A number with four significant digits: `0.4321`, `12.35`, `1.235×10⁻⁵`. Zero is `0`; NaN and infinities are
/// `not finite`.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return NOT_FINITE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    // Rounded before its exponent is read: 9.9996 is 10.00.
    let rounded = format!("{:.3e}", value.abs());
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match usize::try_from(3 - exponent) {
        Ok(decimals) if decimals <= 6 => format!("{sign}{:.decimals$}", value.abs()),
        _ => format!("{sign}{mantissa}×10{}", superscript(exponent)),
    }
}

/// What [`significant`] writes for NaN and infinities.
pub(crate) const NOT_FINITE: &str = "not finite";

/// A count with commas between its thousands: `18,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 thread`, `18,000 trials`. The plural is the noun with an `s`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_whatever_the_size() {
        let cases = [
            (0.0, "0"),
            (1.0, "1.000"),
            (9.9996, "10.00"),
            (-0.25, "−0.2500"),
            (0.001_234_56, "0.001235"),
            (0.000_999_96, "0.001000"),
            (0.000_123_45, "1.234×10⁻⁴"),
            (1234.4, "1234"),
            (9999.6, "1.000×10⁴"),
            (123_456.0, "1.235×10⁵"),
            (f64::MAX, "1.798×10³⁰⁸"),
            (f64::NAN, "not finite"),
            (f64::NEG_INFINITY, "not finite"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(value), text);
        }
    }

    #[test]
    fn counts_have_commas_and_nouns_their_number() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!([counted(1, "thread"), counted(18_000, "trial")], ["1 thread", "18,000 trials"]);
    }
}
