//! Exact decimal numbers for ticks: a tick is `digits × 10^exponent`, so that its label is never 0.30000000000000004.

/// `digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) digits: i64,
    pub(crate) exponent: i32,
}

impl Decimal {
    /// The nearest double (correctly rounded, the same on every platform).
    pub(crate) fn value(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().expect("an integer with an exponent is a number")
    }

    /// Written out with `decimals` digits after the point, which must be at least `-exponent`.
    pub(crate) fn plain(self, decimals: u32) -> String {
        let zeros = if self.digits == 0 { 0 } else { i64::from(self.exponent) + i64::from(decimals) };
        let mut text = self.digits.unsigned_abs().to_string();
        text.extend(std::iter::repeat_n('0', usize::try_from(zeros).unwrap_or(0)));
        let decimals = decimals as usize;
        if text.len() <= decimals {
            text.insert_str(0, &"0".repeat(decimals + 1 - text.len()));
        }
        if decimals > 0 {
            text.insert(text.len() - decimals, '.');
        }
        self.sign() + &text
    }

    /// Written as `mantissa×10^power`, with `decimals` digits after the point of the mantissa and the power in
    /// superscript; zero is `0`.
    pub(crate) fn scientific(self, power: i32, decimals: u32) -> String {
        if self.digits == 0 {
            return "0".to_owned();
        }
        let mantissa = Self { exponent: self.exponent - power, ..self };
        format!("{}×10{}", mantissa.plain(decimals), superscript(power))
    }

    /// Written as a multiple of its own power of ten: `10⁵`, `2×10⁵`.
    pub(crate) fn multiple(self) -> String {
        match self.digits {
            1 => format!("10{}", superscript(self.exponent)),
            _ => self.scientific(self.exponent, 0),
        }
    }

    fn sign(self) -> String {
        if self.digits < 0 { "−".to_owned() } else { String::new() }
    }
}

/// The double `10^exponent`, correctly rounded.
pub(crate) fn power_of_ten(exponent: i32) -> f64 {
    Decimal { digits: 1, exponent }.value()
}

/// `floor(log10(value))` of a positive finite number, exactly: the exponent of its scientific notation.
pub(crate) fn floor_log10(value: f64) -> i32 {
    let text = format!("{value:e}");
    text.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0)
}

pub(crate) fn superscript(number: i32) -> String {
    number
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' => '⁰',
            // U+2074 to U+2079 are the superscripts four to nine.
            digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(digits: i64, exponent: i32) -> Decimal {
        Decimal { digits, exponent }
    }

    #[test]
    fn plain_numbers() {
        let cases = [
            (d(3, -1), 1, "0.3"),
            (d(-25, -2), 2, "−0.25"),
            (d(2, 3), 0, "2000"),
            (d(0, -1), 1, "0.0"),
            (d(0, 3), 0, "0"),
            (d(15, -1), 3, "1.500"),
        ];
        for (number, decimals, text) in cases {
            assert_eq!(number.plain(decimals), text);
        }
    }

    #[test]
    fn scientific_numbers() {
        let cases = [
            (d(1, 5), 5, 0, "1×10⁵"),
            (d(2, -7), -7, 0, "2×10⁻⁷"),
            (d(15, 11), 12, 1, "1.5×10¹²"),
            (d(-10, 11), 12, 1, "−1.0×10¹²"),
            (d(0, 4), 5, 1, "0"),
        ];
        for (number, power, decimals, text) in cases {
            assert_eq!(number.scientific(power, decimals), text);
        }
        assert_eq!([d(1, 5).multiple(), d(2, 5).multiple()], ["10⁵", "2×10⁵"]);
        assert_eq!(superscript(-1_234_567_890), "⁻¹²³⁴⁵⁶⁷⁸⁹⁰");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "correct rounding is the point")]
    fn values_and_exponents_are_exact() {
        assert_eq!(d(3, -1).value(), 0.3);
        assert_eq!(power_of_ten(-323), 1e-323);
        for (value, floor) in
            [(1.0, 0), (999.999, 2), (1000.0, 3), (0.001, -3), (5e-324, -324), (f64::MAX, 308)]
        {
            assert_eq!(floor_log10(value), floor, "{value}");
        }
    }
}
