//! Claims, and whether they hold in what was measured.

/// A claim beside what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claim, in the words of its source or close to them.
    pub text: String,
    /// How the verdict follows from the numbers; it stands before anything is measured.
    pub rule: String,
    /// What was measured, with its numbers, one statement an entry.
    pub measured: Vec<String>,
    /// Whether the claim holds here.
    pub verdict: Verdict,
}

/// Whether a claim holds in what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// The measurement decides neither.
    CannotTell {
        /// Why not, as a sentence without its full stop.
        reason: String,
    },
}

impl Verdict {
    /// The words of the page.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::CannotTell { .. } => "cannot tell",
        }
    }

    /// Why the claim cannot be told; none where it can.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::CannotTell { reason } => Some(reason),
            Self::Holds | Self::DoesNotHold => None,
        }
    }
}
