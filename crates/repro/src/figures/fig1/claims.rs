//! The paper's claims about figure 1 (its caption and section 4), each with the rule by which it is checked.
//!
//! Both are about the space of scores, not about the map: the map depends on the random start of t-SNE.

use taskset_figures::{Claim, Verdict, counted};

use super::neighbours::{KINDS, Neighbours, OfFamily, TIMES_CHANCE};
use crate::claim_thresholds::{AGREEMENT, MIN_TASKS, cannot_tell, percent};

/// Families that must have two tasks or more. With fewer, resamplings of families say little.
const MIN_FAMILIES: usize = 5;

/// All claims, in the paper's order.
pub(super) fn check(neighbours: &Neighbours) -> Vec<Claim> {
    vec![named_kinds(neighbours), families(neighbours)]
}

fn named_kinds(neighbours: &Neighbours) -> Claim {
    let few = |kind: &&OfFamily| kind.tasks < MIN_TASKS;
    let apart = |kind: &OfFamily| kind.same <= 0.5 || kind.same <= TIMES_CHANCE * kind.chance;
    let open: Vec<String> = neighbours
        .kinds
        .iter()
        .filter(few)
        .map(|kind| format!("the number of tasks of the kind “{}” is {}", kind.name, kind.tasks))
        .collect();
    let enough = || neighbours.kinds.iter().filter(|kind| !few(kind));
    let verdict = if enough().any(apart) {
        Verdict::DoesNotHold
    } else if open.is_empty() {
        Verdict::Holds
    } else {
        cannot_tell(format!("{}; a kind needs at least {MIN_TASKS}", open.join("; ")))
    };
    let measured = neighbours.kinds.iter().filter(|kind| kind.tasks > 1).map(|kind| {
        format!(
            "{}: the nearest task is of the same kind for {} of {} (by chance {})",
            kind.name,
            percent(kind.same),
            counted(kind.tasks as u64, "task"),
            percent(kind.chance)
        )
    });
    Claim {
        text: format!("Similar tasks cluster, for example {}.", KINDS.map(|(name, _)| name).join(", and ")),
        rule: format!(
            "Holds if for both kinds the nearest task in the space of scores is of the same kind for more than half of the \
             tasks, and more than {TIMES_CHANCE} times as often as by chance; does not hold if this is wrong for one of \
             them. A kind needs {MIN_TASKS} tasks."
        ),
        measured: measured.collect(),
        verdict,
    }
}

fn families(neighbours: &Neighbours) -> Claim {
    let mut measured = Vec::new();
    let tasks = neighbours.same.len();
    let largest = neighbours.families.iter().max_by_key(|family| family.tasks);
    let mut verdict = None;
    if let Some(excess) = &neighbours.excess {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let above = excess.replicates.iter().filter(|mean| **mean > 0.0).count();
        let above = above as f64 / excess.replicates.len() as f64;
        measured.push(format!(
            "the nearest task is of the same family for {} of {} in {} families (by chance {})",
            percent(mean(&neighbours.same)),
            counted(tasks as u64, "task"),
            neighbours.families.len(),
            percent(mean(&neighbours.chance))
        ));
        measured.push(format!(
            "it is so more than {TIMES_CHANCE} times as often as by chance in {} of the resamplings of families",
            percent(above)
        ));
        verdict = Some(if above >= AGREEMENT {
            Verdict::Holds
        } else if above <= 1.0 - AGREEMENT {
            Verdict::DoesNotHold
        } else {
            cannot_tell("the resamplings of families do not agree")
        });
    }
    let mut lacks = Vec::new();
    if neighbours.families.len() < MIN_FAMILIES {
        lacks.push(format!(
            "the number of families with two tasks or more is {}, and at least {MIN_FAMILIES} are needed",
            neighbours.families.len()
        ));
    }
    if tasks < 2 * MIN_TASKS {
        lacks.push(format!(
            "these families have {}, and at least {} are needed",
            counted(tasks as u64, "task"),
            2 * MIN_TASKS
        ));
    }
    if let Some(family) = largest.filter(|family| family.chance >= 1.0 / TIMES_CHANCE) {
        lacks.push(format!("at least half of the tasks are of one family ({})", family.name));
    }
    Claim {
        text: "Clusters of tasks occur around similar families of tasks.".to_owned(),
        rule: format!(
            "For each task, the nearest task in the space of scores is found. Holds if it is of the same family more than \
             {TIMES_CHANCE} times as often as by chance in at least {} of the resamplings of families; does not hold if it \
             is so in at most {} of them; otherwise the measurement cannot tell. Needed are {MIN_FAMILIES} families with two tasks \
             or more, {} tasks in them, and no family with half of all tasks.",
            percent(AGREEMENT),
            percent(1.0 - AGREEMENT),
            2 * MIN_TASKS
        ),
        measured,
        verdict: verdict.filter(|_| lacks.is_empty()).unwrap_or_else(|| cannot_tell(lacks.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use taskset_meta::ScoreMatrix;
    use taskset_rng::StreamId;

    use super::*;
    use crate::scored_curves::TaskGroup;

    const GROUPS: [&str; 6] = [
        "mlp_family",
        "maf_family",
        "char_rnn_language_model_family",
        "nvp_family",
        "quadratic_family",
        "losg_tasks_family",
    ];

    /// The verdicts on 12 tasks in each of the first groups; the features of a task are two numbers.
    fn check_words(groups: usize, features: fn(group: usize, member: usize) -> [f64; 2], words: [&str; 2]) {
        let members = 12;
        let names = (0..groups * members).map(|i| format!("t{i}")).collect();
        let scores: Vec<f64> =
            (0..groups * members).flat_map(|i| features(i / members, i % members)).collect();
        let configs = ["c0", "c1"].map(str::to_owned).to_vec();
        let matrix = ScoreMatrix::new(names, configs, scores.clone(), scores).unwrap();
        let group =
            |g: usize| TaskGroup { name: Some(GROUPS[g]), tasks: (g * members..(g + 1) * members).collect() };
        let groups: Vec<TaskGroup> = (0..groups).map(group).collect();
        let claims = check(&Neighbours::new(&matrix, &groups, &StreamId::root("t")).unwrap());
        let found: Vec<&str> = claims.iter().map(|claim| claim.verdict.words()).collect();
        assert_eq!(found, words, "{claims:?}");
    }

    /// Each group is a cluster.
    fn clusters(group: usize, member: usize) -> [f64; 2] {
        [group as f64 / 10.0, member as f64 / 1000.0]
    }

    /// The n-th tasks of all groups are a cluster.
    fn mixed(group: usize, member: usize) -> [f64; 2] {
        [member as f64 / 20.0, group as f64 / 1000.0]
    }

    /// Half of the groups are clusters.
    fn some(group: usize, member: usize) -> [f64; 2] {
        match group {
            // Just twice as often as by chance over all tasks.
            1 | 2 => clusters(group, member),
            _ => [5.0 + mixed(group, member)[0], mixed(group, member)[1]],
        }
    }

    #[test]
    fn all_verdicts_are_possible() {
        check_words(6, clusters, ["holds", "holds"]);
        check_words(6, mixed, ["does not hold", "does not hold"]);
        check_words(6, some, ["holds", "cannot tell"]);
    }

    #[test]
    fn too_little_gives_no_verdict() {
        check_words(2, clusters, ["cannot tell", "cannot tell"]);
        check_words(1, clusters, ["cannot tell", "cannot tell"]);
        for claim in check(&Neighbours::none()) {
            let reason = claim.verdict.reason().unwrap();
            assert!(!reason.is_empty() && !reason.ends_with('.'), "{reason}");
        }
    }
}
