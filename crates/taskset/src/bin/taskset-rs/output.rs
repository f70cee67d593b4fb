//! Results on stdout: text tables, CSV and JSON documents.
//!
//! A reader that has gone (`… | head`) ends the output quietly: it has what it wanted. Anything else that keeps results from
//! stdout, such as a full disk or a stdout that was closed before the program began, is an error.

use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, Write};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use taskset::names::visible;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 16;

/// Whether the program was started without a stdout (`>&-`). The standard library opens `/dev/null` in its place, so that
/// all output would be lost without an error; only code that runs before it can see this.
#[cfg(unix)]
static CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
#[ctor::ctor]
fn look_at_stdout() {
    CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
}

/// Results could not be written to stdout.
#[derive(Debug)]
struct StdoutError(io::Error);

impl std::fmt::Display for StdoutError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the results could not be written to stdout: {}", self.0)
    }
}

impl std::error::Error for StdoutError {}

/// Stdout, buffered. Its errors say that they are stdout's, so that a reader that has gone is told from a broken file.
pub(crate) struct Stdout(BufWriter<io::StdoutLock<'static>>);

/// Opens stdout for results.
///
/// # Errors
/// There is none: it was closed before the program began.
pub(crate) fn stdout() -> io::Result<Stdout> {
    #[cfg(unix)]
    if CLOSED.load(Ordering::Relaxed) {
        return Err(of_stdout(io::Error::other("it is closed")));
    }
    Ok(Stdout(BufWriter::with_capacity(BUFFER, io::stdout().lock())))
}

fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), StdoutError(error))
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_stdout)
    }
}

/// Whether the reader of stdout has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(reader_has_gone)
}

fn reader_has_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe && error.get_ref().is_some_and(|inner| inner.is::<StdoutError>())
}

/// Writes results to stdout, all of them before it returns. A reader that has gone is no error: what the command found, a
/// failure for example, must not be lost with it.
///
/// # Errors
/// Those of `write` and of stdout.
pub(crate) fn write(write: impl FnOnce(&mut Stdout) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = stdout()?;
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if reader_has_gone(&error) => Ok(()),
        result => Ok(result?),
    }
}

/// Prints one JSON document and nothing else.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    write(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        writeln!(out)
    })
}

/// Prints lines.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    write(|out| lines.into_iter().try_for_each(|line| writeln!(out, "{}", visible(line.as_ref()))))
}

/// Prints rows under a header, columns aligned; numbers (by `right`) to the right.
pub(crate) fn table(header: &[&str], right: &[bool], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()).collect();
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in &rows {
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
    lines(std::iter::once(head).chain(rows.iter().map(|row| line(&mut row.iter().map(AsRef::as_ref)))))
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
