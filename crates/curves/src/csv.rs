//! Curves as CSV in long form.

use std::borrow::Cow;
use std::io::{self, Write};

use taskset_names::Split;
use taskset_trial::{Curve, Identifier, Protocol};

/// The columns: one line per loss. The last ones tell trials of the same names apart; `protocol` is
/// steps/eval_every/eval_batches, `trial` has the first 16 digits of the identity.
const HEADER: &str =
    "task,optimizer,replica,data,step,split,loss,mode,schedule_steps,arithmetic,protocol,trial";

/// Writes curves as CSV, one line per loss, under a header: `task,optimizer,replica,data,step,split,loss`, then what tells
/// trials of the same names apart: `mode,schedule_steps,arithmetic,protocol,trial`.
///
/// Splits without losses give no lines; numbers have the digits that give the same `f32` back; non-finite losses are `NaN`,
/// `inf` and `-inf`.
#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    ids: Identifier,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What the writer answers.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self::without_header(out))
    }

    /// Goes on behind a header that was written before.
    pub fn without_header(out: W) -> Self {
        Self { out, ids: Identifier::default() }
    }

    /// Writes the lines of a curve.
    ///
    /// # Errors
    /// What the writer answers.
    pub fn write(&mut self, curve: &Curve) -> io::Result<()> {
        let names = format!(
            "{},{},{},{}",
            field(curve.task()),
            field(curve.optimizer()),
            curve.replica(),
            curve.origin()
        );
        let optimizer = &curve.spec.optimizer;
        let (mode, steps) = (optimizer.mode.as_deref().unwrap_or_default(), optimizer.schedule_steps);
        let Protocol { steps: all, eval_every, eval_batches } = curve.spec.protocol;
        let trial = format!(
            "{},{},{},{all}/{eval_every}/{eval_batches},{}",
            field(mode),
            steps.map_or_else(String::new, |steps| steps.to_string()),
            curve.spec.arithmetic,
            self.ids.id(&curve.spec).short()
        );
        for split in Split::ALL {
            for (step, loss) in curve.steps.iter().zip(curve.split(split)) {
                writeln!(self.out, "{names},{step},{split},{loss:?},{trial}")?;
            }
        }
        Ok(())
    }

    /// Gives the writer back, all lines written.
    ///
    /// # Errors
    /// What the writer answers.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A name as a CSV field, quoted where it must be (RFC 4180).
pub(crate) fn field(name: &str) -> Cow<'_, str> {
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
        c.steps = [0, 10].into();
        c.losses = [vec![1e-30, f32::NAN], vec![], vec![], vec![f32::INFINITY, 0.1]];
        let mut csv = CsvWriter::new(Vec::new()).unwrap();
        csv.write(&c).unwrap();
        let out = csv.finish().unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&out).unwrap().lines().collect();
        let start = "\"a,\"\"b\"\"\",adam_lr_-3.00,4,real";
        let end = format!("upstream,10000,fma,20/10/2,{}", c.id().short());
        assert_eq!(
            lines,
            [
                HEADER.to_owned(),
                format!("{start},0,train,1e-30,{end}"),
                format!("{start},10,train,NaN,{end}"),
                format!("{start},0,test,inf,{end}"),
                format!("{start},10,test,0.1,{end}"),
            ]
        );
    }
}
