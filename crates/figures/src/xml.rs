//! Text and numbers as they may stand in XML and HTML.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` safe as element content and inside double or single quotes. Characters that XML 1.0 does not allow at all
/// (most control characters) become U+FFFD.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !matches!(c, '&' | '<' | '>' | '"' | '\'') && is_xml(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

/// Whether XML 1.0 allows the character (production `Char`).
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A coordinate in SVG units with at most two decimals, without trailing zeros. Two decimals are finer than a pixel at
/// print resolution and coarser than the last-digit noise of the arithmetic, so that files compare byte by byte.
pub(crate) fn coordinate(value: f64) -> String {
    let mut text = String::new();
    push_coordinate(&mut text, value);
    text
}

/// Appends [`coordinate`].
pub(crate) fn push_coordinate(out: &mut String, value: f64) {
    let start = out.len();
    // Writing into a String cannot fail.
    let _ = write!(out, "{value:.2}");
    while out.ends_with('0') {
        out.pop();
    }
    if out.ends_with('.') {
        out.pop();
    }
    if &out[start..] == "-0" {
        out.truncate(start);
        out.push('0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("a < b & 'c' > \"d\""), "a &lt; b &amp; &#39;c&#39; &gt; &quot;d&quot;");
        assert_eq!(escape("nul \0, escape \u{1b}, tab \t"), "nul \u{fffd}, escape \u{fffd}, tab \t");
        assert!(matches!(escape("β₁ = 0.9"), Cow::Borrowed("β₁ = 0.9")));
    }

    #[test]
    fn coordinates_are_short() {
        let cases =
            [(0.0, "0"), (-0.001, "0"), (1.5, "1.5"), (100.0, "100"), (2.34567, "2.35"), (-20.0, "-20")];
        for (value, text) in cases {
            assert_eq!(coordinate(value), text);
        }
    }
}
