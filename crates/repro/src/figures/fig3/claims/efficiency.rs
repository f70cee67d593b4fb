//! The claims that a learned list is more efficient than random search.

use taskset_figures::{Claim, Verdict, counted};
use taskset_meta::learned_against_random::{Method, MethodCurve, SplitResult};

use super::label;
use crate::claim_thresholds::{AGREEMENT, MIN_RESAMPLINGS, MIN_TASKS, cannot_tell, few_resamplings, percent};
use crate::figures::fig3::FAMILIES;
use crate::figures::fig3::analysis::Numbers;
use crate::list_comparison::{self, AtBudget, reached, verdict};

/// Configurations that a family needs: half of them are ten tries, so that the budgets 1, 2, 5 and 10 can be compared.
const MIN_CANDIDATES: usize = 20;

/// Configurations that a box needs inside: half of them are five tries, so that the budgets 1, 2 and 5 can be compared.
const MIN_IN_BOX: usize = 10;

/// What the experiment lacks for any comparison; empty if nothing. The result, if there is one.
fn shortages(numbers: &Numbers) -> (Vec<String>, Option<&SplitResult>) {
    let family = FAMILIES[0].info().name;
    let candidates = numbers.candidates(family);
    let mut lacks = Vec::new();
    if candidates == 0 {
        lacks.push(format!("there are no curves of {family}, from which the list is learned"));
    } else if candidates < MIN_CANDIDATES {
        lacks.push(format!(
            "{family} has {} to choose from, and at least {MIN_CANDIDATES} are needed",
            counted(candidates as u64, "configuration")
        ));
    }
    let tasks = numbers.tasks;
    let smaller = numbers.result.as_ref().map_or(tasks / 2, |r| r.train_tasks.min(r.test_tasks));
    if smaller < MIN_TASKS {
        lacks.push(format!(
            "only {} had a curve that learned something; at least {MIN_TASKS} tasks are needed to learn from, and {MIN_TASKS} \
             others to test on",
            counted(tasks as u64, "task")
        ));
    }
    if numbers.resamplings < MIN_RESAMPLINGS {
        lacks.push(few_resamplings(numbers.resamplings));
    }
    (lacks, numbers.result.as_ref())
}

/// Compares at the budgets up to half of the random candidates. Beyond, random search without replacement runs out of
/// configurations and must meet the list.
fn compare(learned: &MethodCurve, random: &MethodCurve) -> Vec<AtBudget> {
    let most = random.candidates.iter().copied().min().unwrap_or(0) / 2;
    list_comparison::compare(&learned.raw, &random.raw, most)
}

fn median(curve: &MethodCurve, k: usize) -> Option<f64> {
    Some(curve.quartiles.get(k - 1).copied().flatten()?[1])
}

pub(super) fn same_space(numbers: &Numbers) -> Claim {
    let (lacks, result) = shortages(numbers);
    let curves = result.map_or(&[][..], |result| &result.curves);
    let mut measured = Vec::new();
    let mut decided = None;
    if let [learned, random, ..] = curves {
        let compared = compare(learned, random);
        measured.extend(compared.iter().map(|at| at.words("the list", "random search")));
        if let Some(target) = median(learned, 5) {
            measured.push(reached(&random.quartiles, target).map_or_else(
                || "random search never reaches what 5 entries of the list reach".to_owned(),
                |k| format!("random search needs {} to reach what 5 entries of the list reach", tries(k)),
            ));
        }
        decided = Some(verdict(&compared));
    }
    Claim {
        text: "A learned list is far more efficient than random search in the space that it was learned from (adam8p), \
               on tasks that it was not learned on."
            .to_owned(),
        rule: format!(
            "Holds if the list is better in at least {} of the resamplings at every budget k up to half of the \
             configurations; does not hold if it is worse in as many at some budget; otherwise the measurement cannot \
             tell.",
            percent(AGREEMENT)
        ),
        measured,
        verdict: decided.filter(|_| lacks.is_empty()).unwrap_or_else(|| cannot_tell(lacks.join("; "))),
    }
}

/// "1 try", "7 tries".
fn tries(k: usize) -> String {
    if k == 1 { "1 try".to_owned() } else { format!("{k} tries") }
}

pub(super) fn every_baseline(numbers: &Numbers) -> Claim {
    let (lacks, result) = shortages(numbers);
    let mut measured = Vec::new();
    // What is open about each baseline, and whether any speaks against the claim.
    let (mut open, mut against) = (Vec::new(), false);
    for family in FAMILIES[1..].iter().map(|family| family.info().name) {
        if numbers.candidates(family) == 0 {
            open.push(format!("there are no curves of {family}"));
        }
    }
    if let Some([learned, _, others @ ..]) = result.map(|result| &result.curves[..]) {
        for other in others {
            let label = label(other);
            let needed =
                if matches!(other.method, Method::RandomInBox { .. }) { MIN_IN_BOX } else { MIN_CANDIDATES };
            let candidates = other.candidates.iter().copied().min().unwrap_or(0);
            if candidates < needed {
                let found = counted(candidates as u64, "configuration");
                open.push(format!("{label} has {found}, and at least {needed} are needed"));
                continue;
            }
            let compared = compare(learned, other);
            let count = |is: fn(&AtBudget) -> bool| compared.iter().filter(|at| is(at)).count();
            measured.push(format!(
                "{label}: the list is better at {} and worse at {} of the {} compared budgets (k = {})",
                count(|at| at.better >= AGREEMENT),
                count(|at| at.worse >= AGREEMENT),
                compared.len(),
                compared.iter().map(|at| at.k.to_string()).collect::<Vec<_>>().join(", ")
            ));
            match verdict(&compared) {
                Verdict::Holds => {}
                Verdict::DoesNotHold => against = true,
                Verdict::CannotTell { reason } => open.push(format!("{label}: {reason}")),
            }
        }
    }
    let verdict = if !lacks.is_empty() {
        cannot_tell(lacks.join("; "))
    } else if against {
        Verdict::DoesNotHold
    } else if open.is_empty() {
        Verdict::Holds
    } else {
        cannot_tell(open.join("; "))
    };
    Claim {
        text: "In all cases, also compared with random search in smaller and in constrained search spaces, learning \
               the list is more efficient."
            .to_owned(),
        rule: format!(
            "Holds if the rule of the first claim holds for every one of these random searches; does not hold if the \
             list is worse in at least {} of the resamplings at some budget of one of them; otherwise the measurement \
             cannot tell.",
            percent(AGREEMENT)
        ),
        measured,
        verdict,
    }
}
