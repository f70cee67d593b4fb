//! Names on terminals and in CSV files: what others wrote into a file must not move a cursor or run in a spreadsheet.

use std::borrow::Cow;

/// A text as one line of a terminal: control characters, which could end the line, move the cursor or turn the direction of
/// writing, are shown as escapes such as `\u{1b}` and `\n`.
///
/// ```
/// assert_eq!(taskset_names::visible("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
/// assert_eq!(taskset_names::visible("mlp_family_seed12"), "mlp_family_seed12");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// The same for text of several lines.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_control(c))
}

/// A text for a field of a CSV file: [`visible`], and with an apostrophe before a sign with which spreadsheets begin a
/// formula (`=`, `+`, `-`, `@`). Whoever writes the file puts it in quotes where it must be.
///
/// ```
/// assert_eq!(taskset_names::csv_field("=1+1"), "'=1+1");
/// assert_eq!(taskset_names::csv_field("a\nb"), "a\\nb");
/// ```
pub fn csv_field(text: &str) -> Cow<'_, str> {
    let field = visible(text);
    if field.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{field}")) } else { field }
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) { visible.extend(c.escape_default()) } else { visible.push(c) }
    }
    Cow::Owned(visible)
}

/// Control characters, ends of lines, characters without a width, and what turns the direction of writing.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_in_a_name_moves_the_cursor() {
        let check = |text: &str, shown: &str| assert_eq!(visible(text), shown);
        check("1 − β, größer", "1 − β, größer");
        check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
        check("a\nb\r\tc", "a\\nb\\r\\tc");
        check("a\u{202e}b\u{9b}", "a\\u{202e}b\\u{9b}");
        assert_eq!(visible_lines("a\nb\r"), "a\nb\\r");
    }

    #[test]
    fn no_name_is_a_formula() {
        let check = |text: &str, field: &str| assert_eq!(csv_field(text), field);
        check("adam_lr_-3.00", "adam_lr_-3.00");
        check("-2+3", "'-2+3");
        check("@SUM(A1)", "'@SUM(A1)");
        check("=HYPERLINK(\"a\",1)", "'=HYPERLINK(\"a\",1)");
        check("a\nb", "a\\nb");
        check("\t=1", "\\t=1");
    }

    proptest! {
        #[test]
        fn a_field_is_one_line_and_no_formula(text in any::<String>()) {
            let field = csv_field(&text);
            prop_assert!(!field.chars().any(is_control));
            prop_assert!(!field.starts_with(['=', '+', '-', '@']));
        }
    }
}
