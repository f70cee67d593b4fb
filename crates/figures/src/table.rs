//! Tables and their CSV form.

use std::borrow::Cow;
use std::io;

/// A table of text. Rows may be shorter than the header, or longer; they are filled up with empty cells on output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows of cells, in the order of the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Appends a row.
    pub fn push<S: Into<String>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// Number of columns: the cells of the longest line.
    pub fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).chain([self.header.len()]).max().unwrap_or(0)
    }

    /// The table as CSV (RFC 4180, lines end in `\n`), header first; empty if there is no column. A text that a
    /// spreadsheet would run as a formula, because it begins with `=`, `+`, `-` or `@`, gets a leading `'`; numbers stay
    /// as they are.
    #[expect(clippy::missing_panics_doc, reason = "a Vec takes everything, and all cells are text")]
    pub fn csv(&self) -> String {
        String::from_utf8(self.csv_bytes().expect("a Vec takes everything")).expect("all cells are text")
    }

    fn csv_bytes(&self) -> io::Result<Vec<u8>> {
        let columns = self.columns();
        let mut out = csv::Writer::from_writer(Vec::new());
        for line in std::iter::once(&self.header).chain(&self.rows).filter(|_| columns > 0) {
            let cells = line.iter().map(String::as_str).chain(std::iter::repeat("")).take(columns);
            out.write_record(cells.map(|cell| harmless(cell).into_owned()))?;
        }
        out.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// A cell with an apostrophe before what a spreadsheet would run.
fn harmless(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Whether a spreadsheet would take this text for a formula. Tabs and carriage returns count because spreadsheets skip
/// them. A cell may be a negative number, which stays as it is: this is the difference from `taskset_names::csv_field`,
/// which is for names.
fn is_formula(cell: &str) -> bool {
    cell.trim_start().starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader of RFC 4180, independent of the writer.
    fn parse(csv: &str) -> Vec<Vec<String>> {
        let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut quoted = false;
        let mut chars = csv.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, quoted) {
                ('"', true) if chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                ('"', _) => quoted = !quoted,
                (',', false) => line.push(std::mem::take(&mut cell)),
                ('\n', false) => {
                    line.push(std::mem::take(&mut cell));
                    lines.push(std::mem::take(&mut line));
                }
                (c, _) => cell.push(c),
            }
        }
        assert!(cell.is_empty() && line.is_empty() && !quoted, "unfinished: {csv:?}");
        lines
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        let mut table = Table::new(["k", "score, median"]);
        table.push(["1", "0.5"]);
        table.push(["a \"quoted\"\nword"]);
        assert_eq!(table.csv(), "k,\"score, median\"\n1,0.5\n\"a \"\"quoted\"\"\nword\",\n");
        assert_eq!(Table::default().csv(), "");
        let mut single = Table::new(["only"]);
        single.push([""]);
        assert_eq!(single.csv(), "only\n\"\"\n");
    }

    #[test]
    fn no_text_is_a_formula_and_numbers_stay_numbers() {
        let check = |cell: &str, written: &str| {
            let mut table = Table::new(["first", "k"]);
            table.push([cell, "1"]);
            assert_eq!(table.csv(), format!("first,k\n{written},1\n"));
        };
        check("=1+1", "'=1+1");
        check("@SUM(A1)", "'@SUM(A1)");
        check("-name", "'-name");
        check("+a,b", "\"'+a,b\"");
        check("\t=1", "'\t=1");
        check("=\"x\"", "\"'=\"\"x\"\"\"");
        for number in ["-0.5", "+1", "-1e-300", "-inf", "NaN"] {
            check(number, number);
        }
        check("mlp_family_seed-1", "mlp_family_seed-1");
    }

    proptest! {
        #[test]
        fn csv_round_trips(
            header in prop::collection::vec("[a,\"\n\r é]{0,4}", 1..4),
            rows in prop::collection::vec(prop::collection::vec("[a,\"\n\r é]{0,4}", 0..4), 0..4),
        ) {
            let table = Table { header: header.clone(), rows: rows.clone() };
            let columns = table.columns();
            let mut expected = vec![header];
            expected.extend(rows);
            for line in &mut expected {
                line.resize(columns, String::new());
            }
            prop_assert_eq!(parse(&table.csv()), expected);
        }
    }
}
