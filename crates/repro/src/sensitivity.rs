//! How much each verdict depends on readings that the paper leaves open.
//!
//! Every figure is analysed again under a few other readings, with everything else as it was. A claim whose verdict changes
//! rests on a choice of the reader, not on the curves.

use taskset_figures::{Block, Section, Table, Verdict};

use crate::figures::Context;
use crate::run::Drawn;
use crate::study::Reading;

/// The other readings: what is changed, and the normaliser that changes it.
pub(crate) const READINGS: [(&str, &str); 4] = [
    ("Replicas that diverged count 1 by themselves", "average_scores"),
    ("Chosen on valid_inner", "valid_inner"),
    ("Best of single replicas", "best_replica"),
    ("Own initial loss", "own_initial"),
];

/// Verdicts under the main reading and under the others.
#[derive(Debug, Default)]
pub(crate) struct Sensitivity {
    /// Names of the readings, the main one first.
    readings: Vec<String>,
    /// Figure, claim, and its verdict under each reading.
    rows: Vec<(&'static str, String, Vec<String>)>,
}

impl Sensitivity {
    /// Analyses the figures again under each of the other readings. None at all where no claim has a verdict: there is
    /// nothing that could change.
    pub(crate) fn new(figures: &[Drawn], context: &Context<'_>) -> Self {
        let decided = |figure: &&Drawn| {
            figure.claims.iter().any(|claim| !matches!(claim.verdict, Verdict::CannotTell { .. }))
        };
        let mut sensitivity =
            Self { readings: vec![format!("Main reading ({})", context.base.normalizer)], rows: Vec::new() };
        let figures: Vec<&Drawn> = figures.iter().filter(decided).collect();
        if figures.is_empty() {
            return sensitivity;
        }
        let others = READINGS.into_iter().filter(|(_, normalizer)| *normalizer != context.base.normalizer);
        let others: Vec<(&str, &'static str)> = others.collect();
        sensitivity.readings.extend(others.iter().map(|(words, _)| (*words).to_owned()));
        for figure in figures {
            let mut verdicts: Vec<Vec<String>> =
                figure.claims.iter().map(|claim| vec![claim.verdict.words().to_owned()]).collect();
            for (_, normalizer) in &others {
                let other = Context {
                    study: context.study,
                    base: Reading { normalizer, ..context.base },
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
        sensitivity
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
        let text = format!(
            "Each claim under other readings of the paper: how a replica with a loss that is not finite counts, on which \
             split configurations are chosen, which loss scores 0, and which scores 1. {words}"
        );
        (!self.rows.is_empty()).then(|| Section {
            heading: "Sensitivity".to_owned(),
            blocks: vec![Block::Paragraph(text), Block::Table(self.table())],
        })
    }
}
