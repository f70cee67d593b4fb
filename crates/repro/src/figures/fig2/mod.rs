//! Figure 2: parameters of the tasks, how hard they are, and how long they train (section 4).
//!
//! The caption calls the parameters 2a and the times 2c; the text of section 4 has it the other way round. The names here
//! are those of the caption.

mod difficulty;
mod parameters;
mod stacks;
mod times;

use taskset_figures::{Block, Claim, count};
use taskset_optim::Family;

use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture};
use crate::scale::PAPER_TASKS;
use crate::score_readings::Reading;
pub(super) use times::{STEPS, hour_guide, table as times_table, task_seconds};

/// The family whose configurations are counted. The paper does not say which ones it counts.
const FAMILY: Family = Family::Adam8p;

/// A configuration reaches a loss if the lowest point of its validation curve does.
const LOWEST_POINT: Reading = Reading::whole("min");

/// With fewer tasks than this, a histogram has only a few tasks in each bar.
const FEW_TASKS: usize = 100;

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig2",
    label: "Figure 2",
    title: "Sizes, difficulty and training times of the tasks",
    part: Part::Section4,
    place: "section 4",
    families: &[FAMILY],
    options: &[],
    readings: &[LOWEST_POINT],
    claims: || {
        let mut claims = vec![parameters::claim(0, &[])];
        claims.extend(difficulty::claims(None));
        claims.push(times::claim(0, &[]));
        claims.into_iter().map(super::unmeasured).collect()
    },
    analyse,
};

/// One of the three panels.
struct Panel {
    picture: Result<Picture, Lack>,
    table: Option<DataFile>,
    claims: Vec<Claim>,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the type of all analyses; each panel says by itself what it lacks"
)]
fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let mut findings = Findings::default();
    for panel in [parameters::panel(context), difficulty::panel(context), times::panel(context)] {
        match panel.picture {
            Ok(picture) => findings.pictures.push(picture),
            Err(lack) => findings.lacks.push(lack),
        }
        findings.tables.extend(panel.table);
        findings.claims.extend(panel.claims);
    }
    let tasks = context.study.tasks.len();
    if tasks < FEW_TASKS && !findings.pictures.is_empty() {
        findings.blocks.push(Block::Paragraph(format!(
            "The paper's figure has {} tasks and this one has {}. With so few, the shapes of the histograms and the number \
             of easy tasks depend on which tasks were chosen.",
            count(PAPER_TASKS as u64),
            count(tasks as u64)
        )));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::figure_options::Options;
    use crate::scored_curves::tests::{study, study_of};
    use crate::scored_task::TaskSummary;

    fn timed(name: &str) -> TaskSummary {
        TaskSummary { step_seconds: Some(0.001), group: Some("mlp_family".to_owned()), ..task(name, None) }
    }

    fn analysed(tasks: Vec<TaskSummary>, scores: &[Vec<f64>]) -> Findings {
        let study = study_of(tasks, &[LOWEST_POINT], FAMILY, scores);
        let note = Some("a note".to_owned());
        let base = Reading::whole("default");
        analyse(&Context { study: &study, base, options: &Options::default(), note, claims_only: false })
            .unwrap()
    }

    fn stems(findings: &Findings) -> Vec<&'static str> {
        findings.pictures.iter().map(|picture| picture.stem).collect()
    }

    #[test]
    fn three_pictures_with_notes_numbers_and_claims() {
        let findings = analysed(vec![timed("a"), timed("b")], &[vec![0.0, 0.5], vec![0.2, 1.0]]);
        assert_eq!(stems(&findings), ["figure2a", "figure2b", "figure2c"]);
        for picture in &findings.pictures {
            assert!(taskset_figures::panels(&picture.panels, 1).unwrap().contains("a note"), "{picture:?}");
        }
        let files: Vec<&str> = findings.tables.iter().map(|table| table.file).collect();
        assert_eq!(files, ["figure2a.csv", "figure2b.csv", "figure2c.csv"]);
        assert!(findings.tables.iter().all(|table| table.table.rows.len() == 2));
        let texts = |claims: Vec<Claim>| claims.into_iter().map(|claim| claim.text).collect::<Vec<_>>();
        assert_eq!(texts(findings.claims), texts((ROW.claims)()));
        assert_eq!(findings.blocks.len(), 1);
    }

    #[test]
    fn what_one_panel_lacks_is_said_and_the_others_are_drawn() {
        let check = |findings: Findings, expected: &[&str], words: &[&str]| {
            assert_eq!(stems(&findings), expected);
            assert_eq!(findings.lacks.len(), words.len(), "{:?}", findings.lacks);
            for (lack, words) in findings.lacks.iter().zip(words) {
                assert!(lack.sentence().contains(words) && lack.sentence().ends_with('.'), "{lack:?}");
            }
        };
        let times = "do not record how long";
        check(analysed(vec![task("a", None)], &[vec![0.5]]), &["figure2a", "figure2b"], &[times]);
        let dropped = TaskSummary { dropped: true, ..timed("a") };
        check(analysed(vec![dropped], &[vec![1.0]]), &["figure2a", "figure2c"], &["no task on which"]);
        let unknown = TaskSummary { parameters: 0, ..timed("a") };
        check(analysed(vec![unknown], &[vec![1.0]]), &["figure2b", "figure2c"], &["numbers of parameters"]);
        check(analysed(vec![timed("a")], &[vec![]]), &["figure2a", "figure2c"], &["no curves of adam8p"]);
        check(analysed(vec![], &[]), &[], &["numbers of parameters", "no task on which", times]);
    }

    #[test]
    fn claims_without_curves_give_their_reasons() {
        let study = study(vec![task("a", None)]);
        let base = Reading::whole("default");
        let context =
            Context { study: &study, base, options: &Options::default(), note: None, claims_only: false };
        for claim in analyse(&context).unwrap().claims {
            let reason = claim.verdict.reason().unwrap();
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{reason}");
        }
    }
}
