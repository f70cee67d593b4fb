//! The four splits of every task.

use std::fmt;
use std::str::FromStr;

/// One of the four splits on which every task is evaluated, in the order of the published curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// The data that the optimizer trains on.
    Train,
    /// Validation data for use inside training.
    ValidInner,
    /// Validation data for choosing hyperparameters: lists are learned on it.
    ValidOuter,
    /// Test data: reported, never chosen by.
    Test,
}

impl Split {
    /// All splits, in the order of the published curves.
    pub const ALL: [Self; 4] = [Self::Train, Self::ValidInner, Self::ValidOuter, Self::Test];

    /// The name in files, commands and streams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::ValidInner => "valid_inner",
            Self::ValidOuter => "valid_outer",
            Self::Test => "test",
        }
    }

    /// Position in [`Split::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A split name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no split `{0}`; the splits are train, valid_inner, valid_outer and test")]
pub struct UnknownSplit(pub String);

impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(name: &str) -> Result<Self, UnknownSplit> {
        Self::ALL.into_iter().find(|split| split.name() == name).ok_or_else(|| UnknownSplit(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_in_order() {
        for (i, split) in Split::ALL.into_iter().enumerate() {
            assert_eq!(split.index(), i);
            assert_eq!(split.name().parse(), Ok(split));
        }
        assert!("valid".parse::<Split>().is_err());
    }
}
