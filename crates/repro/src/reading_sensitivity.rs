//! How much each verdict depends on readings that the paper leaves open.
//!
//! Every figure is analysed again under a few other readings, with everything else as it was. A claim whose verdict changes
//! rests on a choice of the reader, not on the curves.

use std::sync::atomic::{AtomicBool, Ordering};

use taskset_figures::{Block, Section, Table, Verdict};
use taskset_normalize::Upper;

use crate::drawn_figure::Drawn;
use crate::figures::Context;
use crate::score_readings::{Change, Reading};

/// The other readings of a normaliser: what is changed about it.
pub(crate) fn readings(normalizer: &'static str) -> Vec<(&'static str, Reading)> {
    let changes = [
        ("Each replica scored by itself", Change::AverageScores),
        ("Chosen on valid_inner", Change::ValidInner),
        ("0 is the best single replica", Change::BestReplica),
        ("1 is the curve's own first loss", Change::OwnInitial),
    ];
    let main = Reading::whole(normalizer);
    let differs = |reading: &Reading| match (reading.normalizer(), main.normalizer()) {
        // A normaliser without an initial loss has no own one either.
        (Ok(changed), Ok(main)) => {
            changed != main
                && (reading.change != Some(Change::OwnInitial) || matches!(main.upper, Upper::Initial(_)))
        }
        _ => false,
    };
    let changed = changes.map(|(words, change)| (words, Reading { change: Some(change), ..main }));
    changed.into_iter().filter(|(_, reading)| differs(reading)).collect()
}

/// Verdicts under the main reading and under the others.
#[derive(Debug, Default)]
pub(crate) struct Sensitivity {
    /// Names of the readings, the main one first.
    readings: Vec<String>,
    /// Names of those that give the same scores as the main one on these curves.
    same: Vec<String>,
    /// Figure, claim, and its verdict under each reading.
    rows: Vec<(&'static str, String, Vec<String>)>,
}

impl Sensitivity {
    /// Analyses the figures again under each of the other readings. Empty where no claim has a verdict: there is
    /// nothing that could change. None if it was asked to stop.
    pub(crate) fn new(figures: &[Drawn], context: &Context<'_>, cancel: &AtomicBool) -> Option<Self> {
        let decided = |figure: &&Drawn| {
            figure.claims.iter().any(|claim| !matches!(claim.verdict, Verdict::CannotTell { .. }))
        };
        let mut sensitivity =
            Self { readings: vec![format!("Main reading ({})", context.base.normalizer)], ..Self::default() };
        let figures: Vec<&Drawn> = figures.iter().filter(decided).collect();
        if figures.is_empty() {
            return Some(sensitivity);
        }
        let others: Vec<(&str, Reading)> = readings(context.base.normalizer)
            .into_iter()
            .filter(|(words, reading)| {
                let same = context.study.same_scores(context.base, *reading);
                sensitivity.same.extend(same.then(|| (*words).to_owned()));
                !same
            })
            .collect();
        sensitivity.readings.extend(others.iter().map(|(words, _)| (*words).to_owned()));
        for figure in figures {
            let mut verdicts: Vec<Vec<String>> =
                figure.claims.iter().map(|claim| vec![claim.verdict.words().to_owned()]).collect();
            for (_, reading) in &others {
                if cancel.load(Ordering::Relaxed) {
                    return None;
                }
                let other = Context {
                    study: context.study,
                    base: *reading,
                    options: context.options,
                    note: None,
                    claims_only: true,
                };
                let claims = (figure.row.analyse)(&other).map(|findings| findings.claims).unwrap_or_default();
                for (number, verdicts) in verdicts.iter_mut().enumerate() {
                    let words = claims.get(number).map_or("cannot tell", |claim| claim.verdict.words());
                    verdicts.push(words.to_owned());
                }
            }
            let claims = figure.claims.iter().zip(verdicts);
            sensitivity
                .rows
                .extend(claims.map(|(claim, verdicts)| (figure.row.label, claim.text.clone(), verdicts)));
        }
        Some(sensitivity)
    }

    /// The verdicts for programs and for the page.
    pub(crate) fn table(&self) -> Table {
        let header = ["Figure", "Claim"].map(str::to_owned).into_iter().chain(self.readings.iter().cloned());
        let mut table = Table::new(header);
        for (figure, claim, verdicts) in &self.rows {
            table.push([(*figure).to_owned(), claim.clone()].into_iter().chain(verdicts.iter().cloned()));
        }
        table
    }

    /// The section of the page; none where there is nothing to show.
    pub(crate) fn section(&self) -> Option<Section> {
        let changes =
            self.rows.iter().filter(|(_, _, verdicts)| verdicts.iter().any(|v| *v != verdicts[0])).count();
        let words = match changes {
            0 => "No verdict changes.".to_owned(),
            1 => "One verdict changes.".to_owned(),
            n => format!("{n} verdicts change."),
        };
        let same = if self.same.is_empty() {
            String::new()
        } else {
            format!(
                " These readings give the same scores as the main one on these curves, and so are not in the table: {}.",
                self.same.join("; ")
            )
        };
        let text = format!(
            "Each claim under other readings of the paper, each of which changes one detail of the main one: how a replica with a \
             loss that is not finite counts, on which split configurations are chosen, which loss scores 0, and which scores \
             1. {words}{same} Options of a figure, such as k, are not changed here."
        );
        (!self.rows.is_empty()).then(|| Section {
            heading: "Sensitivity".to_owned(),
            blocks: vec![Block::Paragraph(text), Block::Table(self.table())],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reading_changes_one_detail_of_the_main_one() {
        let changes = |normalizer| {
            readings(normalizer).iter().filter_map(|(_, reading)| reading.change).collect::<Vec<_>>()
        };
        assert_eq!(changes("default").len(), 4);
        assert!(!changes("valid_inner").contains(&Change::ValidInner));
        assert!(!changes("last_quantile").contains(&Change::OwnInitial));
        for row in taskset_normalize::NAMED {
            assert!(readings(row.name).iter().all(|(_, reading)| reading.normalizer == row.name));
        }
    }
}
