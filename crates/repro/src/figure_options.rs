//! Readings of the paper that a reader may change: named options of the figures.
//!
//! The paper leaves some details open. Each has a default, which is the reading that this project recommends, and a name under
//! which another reading can be asked for. A figure lists its options in its row of the table.

use std::collections::BTreeMap;

use crate::{Error, FigureRow};

/// A detail of a figure that can be chosen.
#[derive(Debug, PartialEq, Eq)]
pub struct FigureOption {
    /// Its name, e.g. `box-tasks`.
    pub name: &'static str,
    /// What it decides, in a sentence.
    pub doc: &'static str,
    /// Which values it takes.
    pub kind: OptionKind,
    /// What is taken if nothing is said.
    pub default: &'static str,
}

/// The values of an option.
#[derive(Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// One of these, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number between two ends, both included.
    Number(u32, u32),
}

/// Number of resamplings of a figure.
pub(crate) const RESAMPLINGS: FigureOption = FigureOption {
    name: "resamplings",
    doc: "How often the tasks are split and the random draws are made. The paper does this 50 times.",
    kind: OptionKind::Number(1, 10_000),
    default: "50",
};

impl FigureOption {
    /// Whether it takes this value.
    fn takes(&self, value: &str) -> bool {
        match self.kind {
            OptionKind::Choice(values) => values.iter().any(|(name, _)| *name == value),
            OptionKind::Number(low, high) => {
                // One spelling: neither `+10` nor `010`.
                value.parse().is_ok_and(|n: u32| (low..=high).contains(&n) && n.to_string() == value)
            }
        }
    }

    /// Its values in words: `all or train`, `1 to 10000`.
    pub fn values(&self) -> String {
        match self.kind {
            OptionKind::Choice(values) => {
                values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ")
            }
            OptionKind::Number(low, high) => format!("{low} to {high}"),
        }
    }
}

/// Chosen values of options; the others have their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// The options of these figures, from texts `name=value`.
    ///
    /// # Errors
    /// [`Error::Option`] for an option that none of the figures has, for a value that it does not take, and for one that is
    /// given twice.
    pub fn parse(texts: &[String], figures: &[&'static FigureRow]) -> Result<Self, Error> {
        let known: Vec<&'static FigureOption> = figures.iter().flat_map(|row| row.options).copied().collect();
        let mut chosen = BTreeMap::new();
        for text in texts {
            let wrong = |reason: String| Error::Option { text: text.clone(), reason };
            let (name, value) =
                text.split_once('=').ok_or_else(|| wrong("an option is written NAME=VALUE".to_owned()))?;
            let Some(option) = known.iter().find(|option| option.name == name) else {
                let mut names: Vec<&str> = known.iter().map(|option| option.name).collect();
                names.sort_unstable();
                names.dedup();
                return Err(wrong(format!(
                    "what is reproduced has no option of this name; it has {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                )));
            };
            if !option.takes(value) {
                return Err(wrong(format!("`{name}` takes {}", option.values())));
            }
            if chosen.insert(option.name, value.to_owned()).is_some() {
                return Err(wrong(format!("`{name}` is given twice")));
            }
        }
        Ok(Self(chosen))
    }

    /// The value of an option.
    pub fn value<'a>(&'a self, option: &'a FigureOption) -> &'a str {
        self.0.get(option.name).map_or(option.default, String::as_str)
    }

    /// The value of an option that takes numbers.
    pub(crate) fn number(&self, option: &FigureOption) -> usize {
        // Parsed before; defaults are tested.
        self.value(option).parse().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FIGURES;

    #[test]
    fn defaults_are_values_and_names_mean_one_thing() {
        let mut seen: BTreeMap<&str, &FigureOption> = BTreeMap::new();
        for option in FIGURES.iter().flat_map(|row| row.options) {
            assert!(option.takes(option.default), "{}", option.name);
            assert!(option.doc.ends_with('.'), "{}", option.name);
            assert_eq!(*seen.entry(option.name).or_insert(option), *option, "{}", option.name);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let fig3 = crate::choose("fig3").unwrap();
        let parse = |texts: &[&str]| {
            Options::parse(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(), &fig3)
        };
        let options = parse(&["resamplings=20"]).unwrap();
        assert_eq!((options.number(&RESAMPLINGS), Options::default().number(&RESAMPLINGS)), (20, 50));
        for (texts, words) in [
            (&["resamplings"][..], "NAME=VALUE"),
            (&["resampling=20"], "no option of this name"),
            (&["resamplings=0"], "1 to 10000"),
            (&["resamplings=two"], "1 to 10000"),
            (&["resamplings=+20"], "1 to 10000"),
            (&["resamplings=3", "resamplings=4"], "twice"),
            (&["box-tasks=some"], "all or train"),
        ] {
            let message = parse(texts).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
