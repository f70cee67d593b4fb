//! A line of the list: a sampled name, its verdict, and the numbers behind it.

use std::fmt;

/// The first line of the list.
pub const HEADER: &str = "name,verdict,minutes,initial_loss,needed,lowest_loss,optimizer";

/// A sampled name that was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Name of the task.
    pub name: String,
    /// Whether it is in the set.
    pub verdict: Verdict,
    /// Estimated minutes of a training of 10,000 steps; none if no such model exists.
    pub minutes: Option<f64>,
    /// Mean loss on `valid_outer` before training, where it was measured.
    pub initial_loss: Option<f64>,
    /// What the loss on `valid_outer` has to fall below.
    pub needed: Option<f64>,
    /// The lowest loss on `valid_outer` after training began: with the optimizer that was enough, or, for a task that was
    /// rejected, with any of them.
    pub lowest_loss: Option<f64>,
    /// The first optimizer that lowered the loss clearly.
    pub optimizer: Option<String>,
}

/// Whether a name is in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Kept,
    /// It is not.
    Rejected(Reason),
}

/// Why a name is not in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Its configuration describes a model that cannot be built.
    Infeasible,
    /// A training would take more than an hour.
    TooSlow,
    /// Its loss is not finite before training.
    InitialLoss,
    /// No configuration of the fixed set lowers its loss clearly.
    NotOptimised,
}

impl Reason {
    /// All reasons, in the order in which they are examined.
    pub const ALL: [Self; 4] = [Self::Infeasible, Self::TooSlow, Self::InitialLoss, Self::NotOptimised];

    /// Its word in the list.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Infeasible => "infeasible",
            Self::TooSlow => "too_slow",
            Self::InitialLoss => "initial_loss",
            Self::NotOptimised => "not_optimised",
        }
    }
}

/// In words, for a sentence such as "rejected: …".
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Infeasible => "no such model can be built",
            Self::TooSlow => "a training of 10,000 steps is estimated to take more than an hour",
            Self::InitialLoss => "the loss is not finite before training",
            Self::NotOptimised => "no configuration of 16 lowers the validation loss clearly in 300 steps",
        })
    }
}

impl Verdict {
    /// Whether the task is in the set.
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Kept)
    }

    /// Its word in the list: `kept`, or that of the reason.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Rejected(reason) => reason.word(),
        }
    }
}

impl Entry {
    /// A rejected name without numbers.
    pub fn rejected(name: String, reason: Reason) -> Self {
        Self {
            name,
            verdict: Verdict::Rejected(reason),
            minutes: None,
            initial_loss: None,
            needed: None,
            lowest_loss: None,
            optimizer: None,
        }
    }

    /// The name of its family.
    pub fn family(&self) -> &str {
        self.name.rsplit_once("_seed").map_or(&self.name, |(family, _)| family)
    }

    /// Reads a line as its `Display` writes it; none for any other text.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [name, verdict, minutes, initial_loss, needed, lowest_loss, optimizer] = fields[..] else {
            return None;
        };
        let verdict = match verdict {
            "kept" => Verdict::Kept,
            word => Verdict::Rejected(Reason::ALL.into_iter().find(|reason| reason.word() == word)?),
        };
        let text = |field: &str| (!field.is_empty()).then(|| field.to_owned());
        Some(Self {
            name: text(name)?,
            verdict,
            minutes: number(minutes)?,
            initial_loss: number(initial_loss)?,
            needed: number(needed)?,
            lowest_loss: number(lowest_loss)?,
            optimizer: text(optimizer),
        })
    }
}

/// A number, or none for an empty field.
#[expect(clippy::option_option, reason = "no number is not the same as a field that cannot be read")]
fn number(field: &str) -> Option<Option<f64>> {
    if field.is_empty() { Some(None) } else { field.parse().ok().map(Some) }
}

/// A line of the list. Losses have six digits, which is enough to repeat the comparison.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.minutes.map_or_else(String::new, |minutes| format!("{minutes:.3}"));
        let loss = |loss: Option<f64>| loss.map_or_else(String::new, |loss| format!("{loss:.6e}"));
        let (initial, needed, lowest) = (loss(self.initial_loss), loss(self.needed), loss(self.lowest_loss));
        let optimizer = self.optimizer.as_deref().unwrap_or_default();
        write!(f, "{},{},{minutes},{initial},{needed},{lowest},{optimizer}", self.name, self.verdict.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let check = |line: &str| assert_eq!(Entry::parse(line).unwrap().to_string(), line);
        check("mlp_family_seed3,kept,1.234,2.300000e0,2.270000e0,1.100000e0,adam_lr_-2.50");
        check("conv_fc_family_seed25,infeasible,,,,,");
        check("conv_fc_family_seed7,too_slow,71.000,,,,");
        check("losg_tasks_family_seed7,initial_loss,0.010,,,,");
        check("losg_tasks_family_seed8,not_optimised,0.010,1.000000e38,-2.000000e-5,NaN,");
    }

    #[test]
    fn other_lines_are_no_entries() {
        for line in [
            "",
            HEADER,
            "a,kept,1,1,1,1",
            "a,kept,1,1,1,1,b,c",
            ",kept,1,1,1,1,b",
            "a,lost,1,1,1,1,b",
            "a,kept,x,1,1,1,b",
        ] {
            assert_eq!(Entry::parse(line), None, "{line}");
        }
    }

    #[test]
    fn an_entry_knows_its_family() {
        assert_eq!(
            Entry::rejected("mlp_ae_family_seed12".to_owned(), Reason::TooSlow).family(),
            "mlp_ae_family"
        );
    }
}
