//! Curves as CSV in long form.

use std::borrow::Cow;
use std::io::{self, Write};

use taskset_names::Split;

use crate::Curve;

/// Writes curves as CSV, one line a loss: `task,optimizer,replica,data,step,split,loss`. Splits without losses give no
/// lines; numbers have the digits that give the same `f32` back; non-finite losses are `NaN`, `inf` and `-inf`.
///
/// # Errors
/// What the writer answers.
pub fn write_csv<'a>(mut out: impl Write, curves: impl IntoIterator<Item = &'a Curve>) -> io::Result<()> {
    writeln!(out, "task,optimizer,replica,data,step,split,loss")?;
    for curve in curves {
        let (task, optimizer) = (field(&curve.task), field(&curve.optimizer));
        for split in Split::ALL {
            for (step, loss) in curve.steps.iter().zip(curve.split(split)) {
                writeln!(
                    out,
                    "{task},{optimizer},{},{},{step},{split},{loss:?}",
                    curve.replica, curve.origin
                )?;
            }
        }
    }
    out.flush()
}

/// A name as a CSV field, quoted where it must be (RFC 4180).
fn field(name: &str) -> Cow<'_, str> {
    if name.contains([',', '"', '\n', '\r']) {
        return Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")));
    }
    Cow::Borrowed(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::curve;

    #[test]
    fn one_line_a_loss() {
        let mut c = curve("a,\"b\"", "adam_lr_-3.00", 4);
        c.steps = vec![0, 10];
        c.losses = [vec![1e-30, f32::NAN], vec![], vec![], vec![f32::INFINITY, 0.1]];
        let mut out = Vec::new();
        write_csv(&mut out, [&c]).unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&out).unwrap().lines().collect();
        let start = format!("\"a,\"\"b\"\"\",adam_lr_-3.00,4,{}", c.origin);
        assert_eq!(
            lines,
            [
                "task,optimizer,replica,data,step,split,loss".to_owned(),
                format!("{start},0,train,1e-30"),
                format!("{start},10,train,NaN"),
                format!("{start},0,test,inf"),
                format!("{start},10,test,0.1"),
            ]
        );
    }
}
