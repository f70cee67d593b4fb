//! Tables of the page: numbers are aligned to the right, and long words may break.

use super::push;
use crate::Table;
use crate::number_format::NOT_FINITE;
use crate::xml::escape;

/// Appends a table.
pub(super) fn push_table(out: &mut String, table: &Table) {
    let columns = table.columns();
    let numeric: Vec<bool> = (0..columns).map(|column| is_numeric(table, column)).collect();
    let text = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    out.push_str("<table>\n<thead><tr>");
    for (column, numeric) in numeric.iter().enumerate() {
        let header = text(&table.header, column);
        push(
            out,
            format_args!("<th scope=\"col\" class=\"{}\">{}</th>", class(&header, *numeric), escape(&header)),
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (column, numeric) in numeric.iter().enumerate() {
            let (header, cell) = (text(&table.header, column), text(row, column));
            // On a narrow page a row is a list, and each cell says which column it is of.
            push(
                out,
                format_args!(
                    "<td class=\"{}\" data-label=\"{}\">{}</td>",
                    class(&cell, *numeric),
                    escape(&header),
                    escape(&cell)
                ),
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// How a cell is set: numbers to the right; text breaks between words, and inside of one only if that is longer than
/// any name of ours.
fn class(cell: &str, numeric: bool) -> &'static str {
    const LONGEST_NAME: usize = 45;
    if cell.split_whitespace().any(|word| word.chars().count() > LONGEST_NAME) {
        "long"
    } else if numeric {
        "number"
    } else {
        "text"
    }
}

/// Whether a column has numbers, and nothing else but empty cells and dashes.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut numbers = 0;
    for cell in table.rows.iter().filter_map(|row| row.get(column)) {
        if is_number(cell) {
            numbers += 1;
        } else if !matches!(cell.trim(), "" | "-" | "–" | "—" | "−" | NOT_FINITE) {
            return false;
        }
    }
    numbers > 0
}

/// Whether a cell holds a number, as programs or as [`significant`](crate::significant) and [`count`](crate::count) write
/// it, perhaps with a per cent sign.
fn is_number(cell: &str) -> bool {
    let text = cell.trim().trim_end_matches([' ', '%']).replace('−', "-").replace(',', "");
    let superscript = |c: char| matches!(c, '⁻' | '⁰' | '¹' | '²' | '³' | '⁴'..='⁹');
    let mantissa = match text.split_once("×10") {
        Some((mantissa, power)) if !power.is_empty() && power.chars().all(superscript) => mantissa,
        _ => text.as_str(),
    };
    mantissa.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_numbers_are_aligned() {
        let mut table = Table::new(["name", "score", "share", "empty", "range"]);
        table.push(["a", "−0.5", "12 %", "", "1.235×10⁻⁴ to 2"]);
        table.push(["1", "1e-3", "–", "", "3.000×10⁵"]);
        table.push(["18,000", "1.235×10⁻⁴", "not finite", "", "1"]);
        let aligned: Vec<bool> = (0..5).map(|column| is_numeric(&table, column)).collect();
        assert_eq!(aligned, [false, true, true, false, false]);
    }

    #[test]
    fn only_words_longer_than_any_name_break_inside() {
        let mut table = Table::new(["name"]);
        table.push(["FixedMLP_mnist_ce_128x128x128_relu_bs128"]);
        table.push(["x".repeat(200)]);
        let mut html = String::new();
        push_table(&mut html, &table);
        assert_eq!(html.matches("<td class=\"text\"").count(), 1, "{html}");
        assert_eq!(html.matches("<td class=\"long\"").count(), 1, "{html}");
    }
}
