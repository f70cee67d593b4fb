//! The table of figures.
//!
//! A figure is one module and one row below. Its module says how the figure is analysed; its row says what it is called, what
//! it needs and where it stands in the paper. Commands, help, the plan of a reproduction and the report follow from the table.

mod common;
mod correlation;
mod fig1;
mod fig11;
mod fig12;
mod fig13;
mod fig14;
mod fig15;
mod fig2;
mod fig3;
mod fig4;
mod fig5;
mod fig6;

use std::fmt;

use taskset_figures::{Block, Category, Chart, Claim, Color, Section, Table};
use taskset_meta::ScoreMatrix;
use taskset_optim::Family;

use crate::claim_thresholds::cannot_tell;
use crate::figure_options::{FigureOption, Options};
use crate::score_readings::Reading;
use crate::scored_curves::Study;
use crate::task_kinds;

/// A part of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Section 4: what the tasks are like.
    Section4,
    /// Section 5: learned lists.
    Section5,
    /// The appendix.
    Appendix,
}

impl Part {
    /// All parts, in the paper's order.
    pub const ALL: [Self; 3] = [Self::Section4, Self::Section5, Self::Appendix];

    /// Its name in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Section4 => "sec4",
            Self::Section5 => "sec5",
            Self::Appendix => "appendix",
        }
    }

    /// Its name in texts.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Section4 => "section 4",
            Self::Section5 => "section 5",
            Self::Appendix => "the appendix",
        }
    }
}

/// A figure of the paper.
pub struct FigureRow {
    /// Its name in commands, e.g. `fig3`.
    pub name: &'static str,
    /// Its name in texts, e.g. `Figure 3`.
    pub label: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// The part that it belongs to.
    pub part: Part,
    /// Where the paper speaks of it.
    pub place: &'static str,
    /// The families of optimizers whose curves it needs.
    pub families: &'static [Family],
    /// What can be chosen about it.
    pub options: &'static [&'static FigureOption],
    /// The readings that it needs besides the main one.
    pub(crate) readings: &'static [Reading],
    /// Its claims and their rules, as they stand before anything is measured.
    pub(crate) claims: fn() -> Vec<Claim>,
    /// From scores to pictures, numbers and verdicts.
    pub(crate) analyse: fn(&Context<'_>) -> Result<Findings, Lack>,
}

impl fmt::Debug for FigureRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FigureRow").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All figures that can be drawn, in the paper's order.
pub static FIGURES: [FigureRow; 12] = [
    fig1::ROW,
    fig2::ROW,
    fig3::ROW,
    fig4::ROW,
    fig5::ROW,
    fig6::ROW,
    correlation::ROW,
    fig11::ROW,
    fig12::ROW,
    fig13::ROW,
    fig15::ROW,
    fig14::ROW,
];

/// What can be asked for: `all`, the parts, and the figures.
pub fn choices() -> Vec<&'static str> {
    let parts = Part::ALL.into_iter().filter(|part| FIGURES.iter().any(|row| row.part == *part));
    ["all"].into_iter().chain(parts.map(Part::name)).chain(FIGURES.iter().map(|row| row.name)).collect()
}

/// The figures that a name of [`choices`] stands for; none for another name.
pub fn choose(what: &str) -> Option<Vec<&'static FigureRow>> {
    let chosen: Vec<&FigureRow> =
        FIGURES.iter().filter(|row| what == "all" || row.name == what || row.part.name() == what).collect();
    (!chosen.is_empty()).then_some(chosen)
}

/// What a figure is made from.
pub(crate) struct Context<'a> {
    pub(crate) study: &'a Study,
    /// How curves become scores.
    pub(crate) base: Reading,
    pub(crate) options: &'a Options,
    /// A warning that travels with every picture.
    pub(crate) note: Option<String>,
    /// Whether only the claims are wanted: what only pictures and tables need may be left out.
    pub(crate) claims_only: bool,
}

impl Context<'_> {
    /// The scores of a family on all tasks on which something was learned.
    pub(crate) fn matrix(&self, family: Family) -> Result<ScoreMatrix, Lack> {
        self.study.matrix(self.base, family)
    }

    /// The chosen number of an option.
    pub(crate) fn number(&self, option: &FigureOption) -> usize {
        self.options.number(option)
    }
}

/// What an analysis gives.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) pictures: Vec<Picture>,
    /// Further numbers, each as a CSV file.
    pub(crate) tables: Vec<DataFile>,
    /// The claims of the row, in the same order, with what was measured.
    pub(crate) claims: Vec<Claim>,
    /// What else stands below the figure.
    pub(crate) blocks: Vec<Block>,
    /// Further sections of the page.
    pub(crate) sections: Vec<Section>,
    /// What parts of the figure lack, each in a sentence.
    pub(crate) lacks: Vec<Lack>,
}

/// A picture of one or more panels, and what it shows.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What its files are called: `figure3` for `figure3.svg` and `figure3.png`.
    pub(crate) stem: &'static str,
    pub(crate) panels: Vec<Chart>,
    /// Panels beside each other.
    pub(crate) columns: usize,
    pub(crate) caption: String,
}

/// Numbers for programs.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// Name of the file, e.g. `figure3.csv`.
    pub(crate) file: &'static str,
    /// What it holds, in a few words.
    pub(crate) label: &'static str,
    pub(crate) table: Table,
}

/// What a figure lacks, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lack(String);

impl Lack {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// The sentence.
    pub(crate) fn sentence(&self) -> &str {
        &self.0
    }

    /// The sentence as a reason that a verdict gives: without its full stop, and not as the beginning of a sentence.
    pub(crate) fn reason(&self) -> String {
        let text = self.0.trim_end_matches('.');
        let mut letters = text.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
    }
}

/// An error of the analysis is something that the figure lacks: the others are still drawn.
macro_rules! lack_from {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Lack {
            fn from(error: $error) -> Self {
                let mut text = error.to_string();
                if let Some(first) = text.get(..1) {
                    let first = first.to_uppercase();
                    text.replace_range(..1, &first);
                }
                if !text.ends_with('.') {
                    text.push('.');
                }
                Self(text)
            }
        }
    )*};
}

lack_from!(taskset_meta::Error, taskset_optim::Error, taskset_figures::Error);

/// A claim as it stands before anything is measured.
fn unmeasured(claim: Claim) -> Claim {
    Claim { measured: Vec::new(), verdict: cannot_tell("nothing was measured"), ..claim }
}

/// The look of a family or group of tasks, the same in every figure; the last one for tasks that the registry does not know.
pub(crate) fn task_category(group: Option<&str>) -> Category {
    let groups = task_kinds::groups();
    Category::of(
        group.and_then(|group| groups.iter().position(|other| *other == group)).unwrap_or(groups.len()),
    )
}

/// The colour of a family of optimizers, the same in every figure.
pub(crate) fn optimizer_color(family: Family) -> Color {
    match family {
        Family::Adam8p => Color::BLUE,
        Family::Adam4p => Color::VERMILLION,
        Family::Adam1p => Color::GREEN,
        _ => Color::PURPLE,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The main reading of tests.
    pub(crate) const BASE: Reading = Reading::whole("default");

    /// What a figure is made from in tests.
    pub(crate) fn context<'a>(study: &'a Study, options: &'a Options) -> Context<'a> {
        Context { study, base: BASE, options, note: Some("made up".to_owned()), claims_only: false }
    }

    /// A fixed irregular number in [0, 1).
    pub(crate) fn noise(t: usize, c: usize) -> f64 {
        taskset_rng::StreamId::root("noise").index(t as u64).index(c as u64).stream().unit_f64()
    }

    pub(crate) fn verdicts(claims: &[Claim]) -> Vec<&'static str> {
        claims.iter().map(|claim| claim.verdict.words()).collect()
    }

    #[test]
    fn names_are_distinct_and_each_choice_has_figures() {
        let names: BTreeSet<&str> = choices().into_iter().collect();
        assert_eq!(names.len(), choices().len());
        assert!(names.iter().all(|name| choose(name).is_some_and(|rows| !rows.is_empty())));
        assert_eq!(choose("all").unwrap().len(), FIGURES.len());
        assert!(choose("fig99").is_none());
    }

    #[test]
    fn claims_stand_before_anything_is_measured() {
        for claim in FIGURES.iter().flat_map(|row| (row.claims)()) {
            assert!(claim.verdict.reason().is_some(), "{claim:?}");
            assert!(
                claim.measured.is_empty() && claim.text.ends_with('.') && claim.rule.ends_with('.'),
                "{claim:?}"
            );
        }
    }

    #[test]
    fn a_lack_is_a_sentence_and_a_reason() {
        let lack = Lack::new("There are no curves of adam8p.");
        assert_eq!(lack.reason(), "there are no curves of adam8p");
    }
}
