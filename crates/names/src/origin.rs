//! Where the data behind a number came from.

use std::fmt;

/// Whether the original data were used, a part of them, or a synthetic stand-in in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// The original data, or a task that is defined without data (quadratics, test functions, generated sequences).
    Real,
    /// A part of an original data set, used because the user allowed it.
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

    /// The origin of something made from all of these: synthetic if any of them is, else partial if any of them is.
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
    fn the_whole_is_as_far_from_real_as_its_worst_part() {
        let check = |origins: &[Origin], whole| assert_eq!(Origin::of_all(origins.iter().copied()), whole);
        check(&[], Origin::Real);
        check(&[Origin::Real, Origin::Real], Origin::Real);
        check(&[Origin::Real, Origin::Partial, Origin::Real], Origin::Partial);
        check(&[Origin::Real, Origin::Synthetic, Origin::Partial], Origin::Synthetic);
    }

    #[test]
    fn names_are_read_back() {
        for origin in [Origin::Real, Origin::Partial, Origin::Synthetic] {
            assert_eq!(Origin::from_name(origin.name()), Some(origin));
        }
        assert_eq!(Origin::from_name("Real"), None);
    }
}
