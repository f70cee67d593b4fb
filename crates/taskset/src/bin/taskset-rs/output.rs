//! Results on stdout: text tables and JSON documents. A closed pipe (`… | head`) ends the program quietly.

use std::io::{ErrorKind, Write};

use serde::Serialize;

/// Prints one JSON document and nothing else.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints lines.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in lines {
        writeln!(out, "{}", line.as_ref())?;
    }
    out.flush()?;
    Ok(())
}

/// Prints rows under a header, columns aligned; numbers (by `right`) to the right.
pub(crate) fn table(header: &[&str], right: &[bool], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for ((cell, width), right) in cells.zip(&widths).zip(right) {
            let pad = " ".repeat(width - cell.chars().count());
            text += &if *right { format!("{pad}{cell}  ") } else { format!("{cell}{pad}  ") };
        }
        text.trim_end().to_owned()
    };
    let head = line(&mut header.iter().copied());
    lines(std::iter::once(head).chain(rows.iter().map(|row| line(&mut row.iter().map(String::as_str)))))
}

/// A number with about four significant digits, short.
pub(crate) fn short(x: f64) -> String {
    let magnitude = x.abs();
    if !x.is_finite() || magnitude == 0.0 || (1e-3..1e6).contains(&magnitude) {
        let digits = if magnitude >= 1.0 { 3_usize.saturating_sub(magnitude.log10() as usize) } else { 5 };
        format!("{x:.digits$}")
    } else {
        format!("{x:.3e}")
    }
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        0..=119 => format!("{s} s"),
        120..=7199 => format!("{} min {:02} s", s / 60, s % 60),
        7200..=172_799 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// Whether the reader of stdout has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io == Some(ErrorKind::BrokenPipe) || json == Some(ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let check = |s: f64, text: &str| assert_eq!(duration(s), text);
        check(0.25, "0.2 s");
        check(59.6, "60 s");
        check(150.0, "2 min 30 s");
        check(7260.0, "2 h 01 min");
        check(200_000.0, "2.3 days");
    }

    #[test]
    fn numbers_are_short() {
        let check = |x: f64, text: &str| assert_eq!(short(x), text);
        check(0.0, "0.00000");
        check(2.345_678, "2.346");
        check(123.456, "123.5");
        check(1.5e9, "1.500e9");
        check(f64::NAN, "NaN");
    }
}
