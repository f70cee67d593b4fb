//! The claims about the boxes around the best hyperparameters.

use taskset_figures::{Claim, Verdict, counted, significant};

use crate::claim_thresholds::{AGREEMENT, MIN_RESAMPLINGS, cannot_tell, few_resamplings, percent};
use crate::figures::fig3::FAMILIES;
use crate::figures::fig3::analysis::{BoxSummary, Numbers};

/// Tasks, and configurations to be best on them, that a statement about a box needs. Around few tasks every box is
/// small: best configurations that were spread evenly over the eight dimensions would leave the box between the 5th and
/// 95th percentiles (0.9 (n − 1) / (n + 1))⁸ of the volume, which is below a tenth at n = 10 and a third at n = 50.
const MIN_IN_ALL: usize = 50;

/// Different configurations that are the best on some task, from which on the volume of the box says something: around
/// fewer of them the box is small even if they are spread evenly.
const MIN_DISTINCT: usize = MIN_IN_ALL;

/// The share of the configurations that is nearly all of them.
const NEARLY_ALL: f64 = 0.9;

/// Tasks from which on a min–max box can be said to be too small. It grows with every task: even best configurations
/// spread evenly over eight dimensions fill ((n − 1) / (n + 1))⁸ of the volume, which reaches nine tenths at n = 152.
const MIN_FOR_A_SMALL_BOX: usize = 152;

/// The share of the volume that the paper says is left between the 5th and 95th percentiles, at most.
const SMALL_VOLUME: f64 = 0.1;

/// What a statement about a box lacks; none if nothing.
fn box_shortage(numbers: &Numbers) -> Option<String> {
    let family = FAMILIES[0].info().name;
    let found = [(numbers.tasks, "task"), (numbers.candidates(family), "configuration")];
    let lacks: Vec<String> = found
        .into_iter()
        .filter(|(number, _)| *number < MIN_IN_ALL)
        .map(|(number, noun)| counted(number as u64, noun))
        .collect();
    if lacks.is_empty() {
        return None;
    }
    Some(format!(
        "at least {MIN_IN_ALL} tasks and {MIN_IN_ALL} configurations of {family} are needed, because around few best \
         configurations every box is small; here: {}",
        lacks.join(", ")
    ))
}

/// What a box leaves, in words.
fn left(b: &BoxSummary) -> String {
    format!(
        "{} of {} inside, {} % of the volume",
        b.inside,
        counted(b.of as u64, "configuration"),
        significant(b.volume * 100.0)
    )
}

pub(super) fn min_max_box(numbers: &Numbers) -> Claim {
    let (shortage, found) = (box_shortage(numbers), numbers.boxes.first());
    let verdict = match (shortage.clone(), found) {
        (Some(reason), _) => cannot_tell(reason),
        (None, None) => cannot_tell("no box could be drawn"),
        (None, Some(b)) if b.inside as f64 >= NEARLY_ALL * b.of as f64 => Verdict::Holds,
        (None, Some(_)) if numbers.tasks >= MIN_FOR_A_SMALL_BOX => Verdict::DoesNotHold,
        (None, Some(_)) => cannot_tell(format!(
            "the box grows with every task, and {} are fewer than the {MIN_FOR_A_SMALL_BOX} that could fill it",
            counted(numbers.tasks as u64, "task")
        )),
    };
    Claim {
        text: "The box between the smallest and the largest best hyperparameters covers nearly all of the search space."
            .to_owned(),
        rule: format!(
            "Holds if at least {} of the configurations are inside; does not hold if fewer are, with \
             {MIN_FOR_A_SMALL_BOX} tasks or more; otherwise the measurement cannot tell.",
            percent(NEARLY_ALL)
        ),
        measured: found.filter(|_| shortage.is_none()).map(left).into_iter().collect(),
        verdict,
    }
}

pub(super) fn percentile_box(numbers: &Numbers) -> Claim {
    let (shortage, found) = (box_shortage(numbers), numbers.boxes.get(1));
    let small = |b: &BoxSummary| {
        let small = b.resampled_volumes.iter().filter(|&&volume| volume <= SMALL_VOLUME).count();
        small as f64 / b.resampled_volumes.len().max(1) as f64
    };
    let distinct = numbers.distinct_best;
    let verdict = match (shortage.clone(), found) {
        (Some(reason), _) => cannot_tell(reason),
        (None, None) => cannot_tell("no box could be drawn"),
        (None, Some(_)) if distinct < MIN_DISTINCT => cannot_tell(format!(
            "{} {} the best on some task, and at least {MIN_DISTINCT} are needed, because around few every box is small",
            counted(distinct as u64, "configuration"),
            if distinct == 1 { "is" } else { "are" }
        )),
        (None, Some(b)) if b.resampled_volumes.len() < MIN_RESAMPLINGS => {
            cannot_tell(few_resamplings(b.resampled_volumes.len()))
        }
        (None, Some(b)) if small(b) >= AGREEMENT => Verdict::Holds,
        (None, Some(b)) if small(b) <= 1.0 - AGREEMENT => Verdict::DoesNotHold,
        (None, Some(b)) => {
            cannot_tell(format!("the volume is at most a tenth in {} of the resamplings", percent(small(b))))
        }
    };
    let words = |b: &BoxSummary| {
        [
            left(b),
            format!("{} the best on some task", counted(distinct as u64, "different configuration")),
            format!("at most a tenth of the volume in {} of the resamplings of the tasks", percent(small(b))),
        ]
    };
    let measured = found.filter(|_| shortage.is_none()).map(words).into_iter().flatten().collect();
    Claim {
        text: "The box between the 5th and the 95th percentiles of the best hyperparameters has less than a tenth of the \
               volume. In the paper it leaves about 100 of 1,000 configurations."
            .to_owned(),
        rule: format!(
            "Holds if the volume is at most {} in at least {} of the resamplings, each of as many tasks drawn with \
             replacement; does not hold if it is larger in as many; otherwise, and if fewer than {MIN_DISTINCT} different \
             configurations are the best on some task, the measurement cannot tell.",
            percent(SMALL_VOLUME),
            percent(AGREEMENT)
        ),
        measured,
        verdict,
    }
}
