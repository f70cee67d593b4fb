//! Figure 11: lists from short training (appendix A.3).

use taskset_figures::{Block, Claim, Color, LineChart, count};
use taskset_meta::ScoreMatrix;
use taskset_meta::learned_against_random::Family as Searched;
use taskset_meta::lists_from_other_scores::{OtherScores, OtherScoresResult};
use taskset_optim::Family;
use taskset_rng::StreamId;

use super::common::{CurveTable, J, J_IS, TRIED, series, shortages};
use super::{Context, DataFile, FigureRow, Findings, Lack, Part, Picture, optimizer_color};
use crate::claim_thresholds::{AGREEMENT, cannot_tell, percent};
use crate::clustered_confidence::Differences;
use crate::figure_options::RESAMPLINGS;
use crate::list_comparison;
use crate::score_readings::Reading;

const FAMILY: Family = Family::Adam8p;

/// The shortest training of the paper is this part of the whole: 200 of 10,000 steps.
const SHORTEST: u32 = 50;

/// Training that is cut after 1/n of its steps.
const PARTS: [u32; 5] = [SHORTEST, 20, 10, 5, 2];

/// Budget of the bootstrap that draws whole families of tasks.
const CLUSTERED: usize = 10;

pub(super) const ROW: FigureRow = FigureRow {
    name: "fig11",
    label: "Figure 11",
    title: "Lists from short training",
    part: Part::Appendix,
    place: "appendix A.3",
    families: &[FAMILY],
    options: &[&RESAMPLINGS],
    readings: &{
        let mut readings = [Reading::whole("default"); PARTS.len()];
        let mut i = 0;
        while i < PARTS.len() {
            readings[i].part = PARTS[i];
            i += 1;
        }
        readings
    },
    claims: || vec![claim(None)],
    analyse,
};

fn analyse(context: &Context<'_>) -> Result<Findings, Lack> {
    let tested = context.matrix(FAMILY)?;
    let steps = context.study.protocol.map_or(0, |protocol| protocol.steps);
    let mut cut: Vec<(u32, ScoreMatrix)> = Vec::new();
    let mut missing = Vec::new();
    for part in PARTS {
        // A cut before the second evaluation leaves nothing to learn from.
        match context.study.matrix(Reading { part, ..Reading::whole("default") }, FAMILY) {
            Ok(matrix) if matrix.tasks().len() >= 2 => cut.push((part, matrix)),
            _ => missing.push(format!("1/{part}")),
        }
    }
    if cut.is_empty() {
        return Err(Lack::new(
            "No list can be learned from a part of the training: the curves have too few evaluations.",
        ));
    }
    let family = |matrix| Searched { label: FAMILY.info().name, matrix };
    let learned = cut.iter().map(|(_, matrix)| family(matrix)).chain([family(&tested)]).collect();
    let result = OtherScores {
        tested: family(&tested),
        learned,
        resamplings: context.number(&RESAMPLINGS) as u64,
        k: tested.configs().len(),
    }
    .run(&StreamId::root("taskset-rs/appendix/figure11"))?;
    let mut labels: Vec<String> =
        cut.iter().map(|(part, _)| format!("learned on {} steps", count(u64::from(steps / part)))).collect();
    labels.push(format!("learned on all {} steps", count(steps.into())));
    let mut table = CurveTable::new(&["learned_on_steps"], context.study.origin);
    let parts = cut.iter().map(|(part, _)| *part).chain([1]);
    for (part, curve) in parts.zip(&result.curves) {
        table.push(&[(steps / part).to_string()], curve);
    }
    table.push(&["random search".to_owned()], &result.random);
    let mut findings = Findings {
        pictures: vec![Picture {
            stem: "figure11",
            panels: vec![chart(&labels, &result, context).into()],
            columns: 1,
            caption: format!(
                "{J_IS} Lists that were learned from curves cut after a part of the training, tested on whole curves of other tasks. \
                 A cut curve is scored as if training had ended there.{} Median and 25–75 percentiles over {} resamplings.",
                other_normalizer(context.base.normalizer),
                count(context.number(&RESAMPLINGS) as u64)
            ),
        }],
        tables: vec![DataFile { file: "figure11.csv", label: "numbers", table: table.table() }],
        claims: vec![claim(Some((&result, cut[0].0, tested.configs().len())))],
        ..Findings::default()
    };
    let id = StreamId::root("taskset-rs/appendix/figure11/clusters");
    // The first list is that of the shortest training.
    let what = format!("The list from 1/{} of the training against random search", cut[0].0);
    let differences = Differences::of(&tested, &result.lists, 0, CLUSTERED);
    let words = differences.words(context.study, &tested, &what, &id);
    findings.blocks.extend(words.map(|words| Block::Paragraph(format!("{words}."))));
    if !missing.is_empty() {
        findings.lacks.push(Lack::new(format!(
            "There is no list from {} of the training: the first evaluation comes later, or nothing was learned before it.",
            missing.join(" and ")
        )));
    }
    Ok(findings)
}

/// What the caption says where whole curves are scored by another normaliser than cut ones.
fn other_normalizer(main: &str) -> String {
    match main {
        "default" => String::new(),
        other => {
            format!(
                " Cut curves are scored by the normaliser `default`, and whole curves by the main one, `{other}`."
            )
        }
    }
}

fn chart(labels: &[String], result: &OtherScoresResult, context: &Context<'_>) -> LineChart {
    let last = (labels.len() - 1).max(1) as f64;
    let mut lines: Vec<_> = labels
        .iter()
        .zip(&result.curves)
        .enumerate()
        .map(|(i, (label, curve))| {
            let whole = i + 1 == labels.len();
            let color = if whole { Color::BLACK } else { Color::sequence(i as f64 / last) };
            let line = series(label.clone(), color, curve);
            if whole { line.emphasized() } else { line }
        })
        .collect();
    lines.push(series("random search: adam8p", optimizer_color(FAMILY), &result.random));
    LineChart {
        title: ROW.title.to_owned(),
        subtitle: Some(format!("{} tasks, half of them to learn from", result.tasks)),
        x_label: TRIED.to_owned(),
        y_label: J.to_owned(),
        x_log: true,
        series: lines,
        note: context.note.clone(),
        ..LineChart::default()
    }
}

/// The claim, from the result, the part of the shortest training, and the number of configurations.
fn claim(measured: Option<(&OtherScoresResult, u32, usize)>) -> Claim {
    let (mut words, mut verdict) = (Vec::new(), cannot_tell("nothing was measured"));
    if let Some((result, part, candidates)) = measured {
        let compared = list_comparison::compare(&result.curves[0].raw, &result.random.raw, candidates / 2);
        words = compared
            .iter()
            .map(|at| at.words(&format!("the list from 1/{part} of the training"), "random search"))
            .collect();
        let lacks = shortages(FAMILY.info().name, candidates, result.tasks / 2, result.random.raw.len());
        verdict = if !lacks.is_empty() {
            cannot_tell(lacks.join("; "))
        } else if part < SHORTEST {
            cannot_tell(format!(
                "these curves have no evaluation in the first 1/{SHORTEST} of the training; the shortest list is from 1/{part}"
            ))
        } else {
            list_comparison::verdict(&compared)
        };
    }
    Claim {
        text: "Even a list that was learned on 1/50 of the training steps (200 of 10,000) is better than random search in adam8p."
            .to_owned(),
        rule: format!(
            "Holds if that list is better in at least {} of the resamplings at every budget k up to half of the configurations; does \
             not hold if it is worse in as many at some budget; otherwise the measurement cannot tell.",
            percent(AGREEMENT)
        ),
        measured: words,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_options::Options;
    use crate::figures::tests::{BASE, context, noise, verdicts};
    use crate::scored_curves::tests::{also, scored};

    /// Three kinds of tasks, each with a good configuration of its own, and a configuration that is bad on all.
    fn good(t: usize, c: usize, _: Family) -> (f64, f64) {
        let score = match c {
            39 => 0.95,
            _ if c == 3 + t % 3 => 0.1,
            _ => 0.5 + 0.4 * noise(t, c),
        };
        (score, score)
    }

    #[test]
    fn the_shortest_list_is_judged() {
        let options = Options::default();
        let study = scored(BASE, &[("a", 40)], &[FAMILY], 40, good);
        let with =
            |part| also(study.clone(), Reading { part, ..Reading::whole("default") }, |score| score * 0.5);
        let findings = analyse(&context(&with(50), &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["holds"], "{:?}", findings.claims);
        assert!(findings.lacks[0].sentence().contains("1/20 and 1/10"));
        let findings = analyse(&context(&with(20), &options)).unwrap();
        assert!(findings.claims[0].verdict.reason().unwrap().contains("the shortest list is from 1/20"));
        assert!(analyse(&context(&study, &options)).is_err());
        // A list that prefers what is bad in the end.
        let turned =
            also(study.clone(), Reading { part: 50, ..Reading::whole("default") }, |score| 1.0 - score);
        let findings = analyse(&context(&turned, &options)).unwrap();
        assert_eq!(verdicts(&findings.claims), ["does not hold"], "{:?}", findings.claims);
    }

    #[test]
    fn the_caption_names_the_normaliser_of_cut_curves_and_the_bootstrap_stands_below() {
        let options = Options::default();
        let study = scored(BASE, &[("a", 20), ("b", 20)], &[FAMILY], 40, good);
        let study = also(study, Reading { part: 50, ..Reading::whole("default") }, |score| score * 0.5);
        let findings = analyse(&context(&study, &options)).unwrap();
        assert!(!findings.pictures[0].caption.contains("normaliser `default`"));
        let Some(Block::Paragraph(text)) = findings.blocks.first() else { panic!("{:?}", findings.blocks) };
        assert!(
            text.starts_with("The list from 1/50 of the training") && text.contains("2 families"),
            "{text}"
        );
        let study = also(study, Reading::whole("final"), |score| score);
        let findings =
            analyse(&Context { base: Reading::whole("final"), ..context(&study, &options) }).unwrap();
        assert!(findings.pictures[0].caption.contains("whole curves by the main one, `final`"));
    }
}
