//! Where the data behind a number came from.

use std::fmt;

/// How much of the data is real: whether a partial copy or a synthetic stand-in took the place of a whole data set. In
/// ascending order of what has to be said about a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// The original data, or a task that is defined without data (quadratics, test functions, generated sequences).
    Real,
    /// The original data, but only a part of them (or another edition), because the caller allowed it.
    Partial,
    /// An embedded stand-in was used in place of a real data set.
    Synthetic,
}

impl Origin {
    /// The word in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Partial => "partial",
            Self::Synthetic => "synthetic",
        }
    }

    /// The origin of something made from all of these: synthetic if any of them is, else partial if any
    /// is.
    pub fn of_all(origins: impl IntoIterator<Item = Self>) -> Self {
        origins.into_iter().max().unwrap_or(Self::Real)
    }

    /// The origin with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Real, Self::Partial, Self::Synthetic].into_iter().find(|origin| origin.name() == name)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_real_part_names_the_whole() {
        let check = |origins: &[Origin], whole| assert_eq!(Origin::of_all(origins.iter().copied()), whole);
        check(&[], Origin::Real);
        check(&[Origin::Real, Origin::Real], Origin::Real);
        check(&[Origin::Real, Origin::Synthetic, Origin::Partial], Origin::Synthetic);
        check(&[Origin::Partial, Origin::Real], Origin::Partial);
    }

    #[test]
    fn names_are_read_back() {
        for origin in [Origin::Real, Origin::Partial, Origin::Synthetic] {
            assert_eq!(Origin::from_name(origin.name()), Some(origin));
        }
        assert_eq!(Origin::from_name("fake"), None);
    }
}
