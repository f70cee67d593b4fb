//! The paper's claims about figure 2b (its caption and section 4), each with the rule by which it is checked.

use taskset_figures::{Claim, Verdict, count, counted};
use taskset_meta::bootstrap::bootstrap;
use taskset_rng::StreamId;

use super::Difficulty;
use crate::claim_thresholds::{AGREEMENT, cannot_tell, percent};
use crate::scale::{PAPER_CONFIGURATIONS, PAPER_TASKS};

/// "Perform well": a tenth of the way from the lowest loss to the loss at the start.
const WELL: f64 = 0.1;

/// "Close to the smallest observed loss".
const CLOSE: f64 = 0.01;

/// The number of easy tasks in the paper.
const EASY_TASKS: f64 = 100.0;

/// On a difficult task, fewer than this share of the configurations come close to the smallest loss.
const ALMOST_NONE: f64 = 0.01;

/// Configurations that a share of one hundredth needs: the one with the smallest loss is then half of it.
const MIN_CONFIGURATIONS: usize = 200;

/// Tasks that a share of the tasks needs: with fewer, one task moves it by more than 2 %.
const MIN_TASKS: usize = 50;

/// Families that are resampled.
const MIN_FAMILIES: usize = 5;

const REPLICATES: u64 = 1_000;

/// Both claims; without numbers where there are none.
pub(in crate::figures::fig2) fn claims(difficulty: Option<&Difficulty>) -> Vec<Claim> {
    vec![easy(difficulty), difficult(difficulty)]
}

/// The share of tasks with a property, and the shares when families are resampled.
struct Share {
    share: f64,
    tasks: usize,
    families: usize,
    resampled: Vec<f64>,
}

impl Share {
    fn new(difficulty: &Difficulty, level: f64, has: fn(f64) -> bool, name: &str) -> Option<Self> {
        let values: Vec<f64> = difficulty.at(level).iter().map(|share| f64::from(has(*share))).collect();
        let id = StreamId::root("taskset-rs/sec4/figure2b").child(name);
        let found = bootstrap(&values, &difficulty.groups, REPLICATES, &id).ok()?;
        Some(Self {
            share: found.mean,
            tasks: values.len(),
            families: found.clusters,
            resampled: found.replicates,
        })
    }

    /// Holds if enough resamplings have the property, does not hold if enough have it not.
    fn verdict(&self, has: impl Fn(f64) -> bool) -> Verdict {
        let agree =
            self.resampled.iter().filter(|share| has(**share)).count() as f64 / self.resampled.len() as f64;
        if agree >= AGREEMENT {
            Verdict::Holds
        } else if agree <= 1.0 - AGREEMENT {
            Verdict::DoesNotHold
        } else {
            cannot_tell("the resamplings of families do not agree")
        }
    }

    fn words(&self) -> String {
        let number = (self.share * self.tasks as f64).round() as u64;
        format!("{} of {} ({})", count(number), counted(self.tasks as u64, "task"), percent(self.share))
    }

    fn lacks(&self, tasks: usize) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.tasks < tasks {
            lacks.push(format!(
                "only {} had a curve that learned something, and at least {} are needed",
                counted(self.tasks as u64, "task"),
                count(tasks as u64)
            ));
        }
        if self.families < MIN_FAMILIES {
            lacks.push(format!(
                "the number of families of tasks is {}, and at least {MIN_FAMILIES} are needed",
                self.families
            ));
        }
        lacks
    }
}

fn easy(difficulty: Option<&Difficulty>) -> Claim {
    let paper = EASY_TASKS / PAPER_TASKS as f64;
    let share = difficulty.and_then(|d| Share::new(d, WELL, |share| share > 0.5, "easy"));
    let (measured, verdict) = match &share {
        Some(share) => {
            let lacks = share.lacks(PAPER_TASKS / 2);
            let words = format!("on {} more than half of the configurations reach {WELL}", share.words());
            let verdict = share.verdict(|share| share >= paper / 2.0 && share <= paper * 2.0);
            (vec![words], if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
        None => (Vec::new(), cannot_tell("there are no scores")),
    };
    Claim {
        text: format!(
            "There are around {EASY_TASKS} “easy” tasks, of {}, on which more than half of the optimizers perform well.",
            count(PAPER_TASKS as u64)
        ),
        rule: format!(
            "An optimizer performs well if it reaches a normalised loss of {WELL}. Holds if the share of easy tasks is between \
             half and twice the paper's {} in at least {} of the resamplings of families; does not hold if it is so in at \
             most {} of them; otherwise the measurement cannot tell. At least half as many tasks as in the paper are needed.",
            percent(paper),
            percent(AGREEMENT),
            percent(1.0 - AGREEMENT)
        ),
        measured,
        verdict,
    }
}

fn difficult(difficulty: Option<&Difficulty>) -> Claim {
    let paper = EASY_TASKS / PAPER_TASKS as f64;
    let share = difficulty.and_then(|d| Share::new(d, CLOSE, |share| share < ALMOST_NONE, "difficult"));
    let (measured, verdict) = match (&share, difficulty) {
        (Some(share), Some(difficulty)) => {
            let mut lacks = share.lacks(MIN_TASKS);
            if difficulty.configurations < MIN_CONFIGURATIONS {
                lacks.push(format!(
                    "with {}, the best one of them is {:.1} % already, and at least {MIN_CONFIGURATIONS} are needed",
                    counted(difficulty.configurations as u64, "configuration"),
                    100.0 / difficulty.configurations as f64
                ));
            }
            let words = format!(
                "on {} fewer than {} of the configurations reach {CLOSE}",
                share.words(),
                percent(ALMOST_NONE)
            );
            let verdict = share.verdict(|share| share >= paper);
            (vec![words], if lacks.is_empty() { verdict } else { cannot_tell(lacks.join("; ")) })
        }
        _ => (Vec::new(), cannot_tell("there are no scores")),
    };
    Claim {
        text: "There is a large number of “difficult” tasks, on which less than 1 % of the optimizers achieve a loss close \
               to the smallest observed loss."
            .to_owned(),
        rule: format!(
            "A normalised loss of {CLOSE} is close to the smallest. Holds if the share of difficult tasks is at least {}, as \
             high as that of the easy tasks in the paper, in at least {} of the resamplings of families; does not hold if it \
             is so in at most {} of them; otherwise the measurement cannot tell. At least {MIN_TASKS} tasks and \
             {MIN_CONFIGURATIONS} configurations are needed (the paper has {}).",
            percent(paper),
            percent(AGREEMENT),
            percent(1.0 - AGREEMENT),
            count(PAPER_CONFIGURATIONS.into())
        ),
        measured,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::super::LEVELS;
    use super::*;

    const GROUPS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// The difficulty of tasks in turn of each of the first groups, with the shares that reach each level.
    fn check_words(
        tasks: usize,
        groups: usize,
        configurations: usize,
        share: fn(task: usize, level: f64) -> f64,
        words: [&str; 2],
    ) {
        let difficulty = Difficulty {
            tasks: (0..tasks).map(|task| format!("t{task}")).collect(),
            groups: (0..tasks).map(|task| GROUPS[task % groups]).collect(),
            configurations,
            shares: LEVELS.map(|level| (0..tasks).map(|task| share(task, level)).collect()).to_vec(),
        };
        let claims = claims(Some(&difficulty));
        let found: Vec<&str> = claims.iter().map(|claim| claim.verdict.words()).collect();
        assert_eq!(found, words, "{claims:?}");
    }

    /// Nine of a hundred tasks are easy, the others difficult.
    fn as_in_the_paper(task: usize, _: f64) -> f64 {
        if (task / 6) % 100 < 9 { 0.6 } else { 0.005 }
    }

    fn all_easy(_: usize, _: f64) -> f64 {
        0.51
    }

    /// Two of six families are easy in a fifth of their tasks, three are difficult in a seventh.
    fn by_family(task: usize, level: f64) -> f64 {
        let (family, member) = (task % 6, task / 6);
        if level > 0.05 {
            if family == 0 && member % 4 == 0 { 0.6 } else { 0.3 }
        } else if family < 3 && member % 6 == 0 {
            0.005
        } else {
            0.1
        }
    }

    #[test]
    fn all_verdicts_are_possible() {
        check_words(1200, 6, 1000, as_in_the_paper, ["holds", "holds"]);
        check_words(1200, 6, 1000, all_easy, ["does not hold", "does not hold"]);
        check_words(1200, 6, 1000, by_family, ["cannot tell", "cannot tell"]);
    }

    #[test]
    fn too_little_gives_no_verdict() {
        check_words(80, 6, 1000, all_easy, ["cannot tell", "does not hold"]);
        check_words(80, 6, 100, all_easy, ["cannot tell"; 2]);
        check_words(40, 6, 1000, all_easy, ["cannot tell"; 2]);
        check_words(1200, 4, 1000, all_easy, ["cannot tell"; 2]);
    }
}
