//! The paper's claims about figure 3 (section 5.1), each with the rule by which it is checked.
//!
//! The rules and thresholds stand here before anything is measured. A claim gets a verdict only from a measurement that
//! could have come out either way; everything else is "cannot tell", with the reason.

use taskset_figures::{Claim, Verdict, counted, significant};
use taskset_meta::experiment::{Method, MethodCurve, SplitResult};

use super::analysis::{BoxSummary, Numbers};
use super::settings::FAMILIES;

/// Budgets at which curves are compared: the paper's axis is logarithmic.
const BUDGETS: [usize; 6] = [1, 2, 5, 10, 20, 50];

/// The share of the resamplings that must agree. With three quarters, the middle half of the differences, which is the
/// band that the paper draws, lies on one side of zero.
const AGREEMENT: f64 = 0.75;

/// Tasks that each half of a split needs: with fewer, one task moves the mean by more than a tenth.
const MIN_TASKS: usize = 10;

/// Configurations that a family needs: half of them are ten tries, so that the budgets 1, 2, 5 and 10 can be compared.
const MIN_CANDIDATES: usize = 20;

/// Configurations that a box needs inside: half of them are five tries, so that the budgets 1, 2 and 5 can be compared.
const MIN_IN_BOX: usize = 10;

/// Resamplings that shares are taken of: a quarter is then at least five of them.
const MIN_RESAMPLINGS: usize = 20;

/// Tasks, and configurations to be best on them, that a statement about a box needs. Around few tasks every box is
/// small: best configurations that were spread evenly over the eight dimensions would leave the box between the 5th and
/// 95th percentiles (0.9 (n − 1) / (n + 1))⁸ of the volume, which is below a tenth at n = 10 and a third at n = 50.
const MIN_IN_ALL: usize = 50;

/// The share of the configurations that is nearly all of them.
const NEARLY_ALL: f64 = 0.9;

/// Tasks from which on a min–max box can be said to be too small. It grows with every task: even best configurations
/// spread evenly over eight dimensions fill ((n − 1) / (n + 1))⁸ of the volume, which reaches nine tenths at n = 152.
const MIN_FOR_A_SMALL_BOX: usize = 152;

/// The share of the volume that the paper says is left between the 5th and 95th percentiles, at most.
const SMALL_VOLUME: f64 = 0.1;

/// All claims, in the paper's order. Where a scale gives no verdicts, `withheld` says why.
pub(crate) fn check(numbers: &Numbers, withheld: Option<&str>) -> Vec<Claim> {
    let mut claims =
        vec![same_space(numbers), every_baseline(numbers), min_max_box(numbers), percentile_box(numbers)];
    if let Some(reason) = withheld {
        for claim in &mut claims {
            claim.verdict = cannot_tell(reason);
        }
    }
    claims
}

/// How a curve is called in words.
pub(crate) fn label(curve: &MethodCurve) -> String {
    match curve.method {
        Method::Learned => format!("Learned list: {}", curve.family),
        Method::Random => format!("Random search: {}", curve.family),
        Method::RandomInBox { lower, upper } if lower <= 0.0 && upper >= 1.0 => {
            format!("Random search: {}, min–max box", curve.family)
        }
        Method::RandomInBox { lower, upper } => {
            format!(
                "Random search: {}, {:.0}–{:.0} percentile box",
                curve.family,
                lower * 100.0,
                upper * 100.0
            )
        }
    }
}

fn cannot_tell(reason: impl Into<String>) -> Verdict {
    Verdict::CannotTell { reason: reason.into() }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

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

fn few_resamplings(number: usize) -> String {
    format!("the number of resamplings is {number}, and at least {MIN_RESAMPLINGS} are needed")
}

/// The learned list and a random search at one budget.
struct AtBudget {
    k: usize,
    /// Medians of J over the resamplings.
    list: f64,
    random: f64,
    /// Shares of the resamplings in which the list is strictly better, and strictly worse.
    better: f64,
    worse: f64,
}

impl AtBudget {
    fn words(&self) -> String {
        format!(
            "k = {}: J {} with the list, {} with random search; better in {} of the resamplings, worse in {}",
            self.k,
            significant(self.list),
            significant(self.random),
            percent(self.better),
            percent(self.worse)
        )
    }
}

/// Compares at the budgets up to half of the random candidates. Beyond, random search without replacement runs out of
/// configurations and must meet the list.
fn compare(learned: &MethodCurve, random: &MethodCurve) -> Vec<AtBudget> {
    let most = random.candidates.iter().copied().min().unwrap_or(0) / 2;
    let at = |k: usize| {
        let pairs = || {
            learned.raw.iter().zip(&random.raw).filter_map(|(l, r)| Some((*l.get(k - 1)?, *r.get(k - 1)?)))
        };
        let share =
            |wins: fn(&(f64, f64)) -> bool| pairs().filter(wins).count() as f64 / pairs().count() as f64;
        Some(AtBudget {
            k,
            list: median(learned, k)?,
            random: median(random, k)?,
            better: share(|(list, random)| list < random),
            worse: share(|(list, random)| list > random),
        })
    };
    BUDGETS.into_iter().filter(|&k| k <= most).filter_map(at).collect()
}

fn median(curve: &MethodCurve, k: usize) -> Option<f64> {
    Some(curve.quartiles.get(k - 1).copied().flatten()?[1])
}

/// Better at every budget, worse at some, or neither.
fn verdict(compared: &[AtBudget]) -> Verdict {
    if compared.iter().any(|at| at.worse >= AGREEMENT) {
        return Verdict::DoesNotHold;
    }
    let open: Vec<String> =
        compared.iter().filter(|at| at.better < AGREEMENT).map(|at| at.k.to_string()).collect();
    if open.is_empty() {
        return Verdict::Holds;
    }
    cannot_tell(format!(
        "at k = {} the middle half of the differences over the resamplings contains zero",
        open.join(", ")
    ))
}

fn same_space(numbers: &Numbers) -> Claim {
    let (lacks, result) = shortages(numbers);
    let curves = result.map_or(&[][..], |result| &result.curves);
    let mut measured = Vec::new();
    let mut decided = None;
    if let [learned, random, ..] = curves {
        let compared = compare(learned, random);
        measured.extend(compared.iter().map(AtBudget::words));
        if let Some(target) = median(learned, 5) {
            let reached =
                (1..=random.quartiles.len()).find(|&k| median(random, k).is_some_and(|m| m <= target));
            measured.push(reached.map_or_else(
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

fn every_baseline(numbers: &Numbers) -> Claim {
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

fn min_max_box(numbers: &Numbers) -> Claim {
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

fn percentile_box(numbers: &Numbers) -> Claim {
    let (shortage, found) = (box_shortage(numbers), numbers.boxes.get(1));
    let small = |b: &BoxSummary| {
        let small = b.resampled_volumes.iter().filter(|&&volume| volume <= SMALL_VOLUME).count();
        small as f64 / b.resampled_volumes.len().max(1) as f64
    };
    let verdict = match (shortage.clone(), found) {
        (Some(reason), _) => cannot_tell(reason),
        (None, None) => cannot_tell("no box could be drawn"),
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
             replacement; does not hold if it is larger in as many; otherwise the measurement cannot tell.",
            percent(SMALL_VOLUME),
            percent(AGREEMENT)
        ),
        measured,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use taskset_names::{Origin, Split};
    use taskset_normalize::TaskScores;
    use taskset_trial::Uniform;

    use super::*;
    use crate::sec5::analysis;

    const RESAMPLINGS: usize = 20;

    /// Scores of a configuration on a task: validation, test.
    type Score = fn(task: usize, config: usize) -> (f64, f64);

    /// The numbers of made-up scores of adam8p; the other families, of as many configurations, score 0.9 throughout.
    fn numbers(tasks: usize, configs: usize, resamplings: usize, score: Score) -> Numbers {
        let scores: Vec<TaskScores> =
            (0..tasks).map(|t| task(t, configs, &["adam8p", "adam4p", "adam1p"], score)).collect();
        analysis::numbers(&scores, resamplings, Path::new("made-up")).unwrap()
    }

    fn task(t: usize, configs: usize, families: &[&str], score: Score) -> TaskScores {
        let mut optimizers = Vec::new();
        let (mut valid, mut test) = (Vec::new(), Vec::new());
        for family in families {
            for config in 0..configs {
                let (v, s) = if *family == "adam8p" { score(t, config) } else { (0.9, 0.9) };
                optimizers.push(format!("{family}_wide_grid_seed{config}"));
                valid.push(v);
                test.push(s);
            }
        }
        TaskScores {
            task: format!("t{t}"),
            optimizers,
            scores: [Vec::new(), Vec::new(), valid, test],
            selection: Split::ValidOuter,
            initial: 1.0,
            upper: 1.0,
            best: 0.0,
            degenerate: false,
            dropped: false,
            families: Vec::new(),
            origin: Origin::Real,
            shared: Uniform::default(),
        }
    }

    /// A fixed irregular number in [0, 1).
    fn noise(t: usize, c: usize) -> f64 {
        taskset_rng::StreamId::root("noise").index(t as u64).index(c as u64).stream().unit_f64()
    }

    /// One configuration is good everywhere, and each of twelve kinds of tasks has a better one of its own.
    fn learnable(t: usize, c: usize) -> (f64, f64) {
        let score = if c == 12 {
            0.2
        } else if c == t % 12 {
            0.05
        } else {
            0.6 + 0.3 * noise(t, c)
        };
        (score, score)
    }

    /// The best configuration of each task is another one.
    fn spread(t: usize, c: usize) -> (f64, f64) {
        let score = if c == t { 0.1 } else { 0.9 };
        (score, score)
    }

    /// Validation misleads: what looks best is worst.
    fn misleading(_: usize, c: usize) -> (f64, f64) {
        (c as f64 / 1000.0, 1.0 - c as f64 / 1000.0)
    }

    fn only_one_is_best(_: usize, c: usize) -> (f64, f64) {
        let score = if c == 3 { 0.1 } else { 0.9 };
        (score, score)
    }

    fn words(claims: &[Claim]) -> Vec<&'static str> {
        claims.iter().map(|claim| claim.verdict.words()).collect()
    }

    fn check_reason(claim: &Claim, words: &str) {
        let reason = claim.verdict.reason().unwrap_or_else(|| panic!("{claim:?}"));
        assert!(reason.contains(words), "`{words}` is missing in: {reason}");
    }

    /// All four claims are open, the first two for this reason.
    fn check_open(numbers: &Numbers, reason: &str) {
        let claims = check(numbers, None);
        assert_eq!(words(&claims), ["cannot tell"; 4], "{claims:?}");
        check_reason(&claims[0], reason);
        check_reason(&claims[1], reason);
    }

    #[test]
    fn a_list_that_is_better_everywhere_holds() {
        let claims = check(&numbers(60, 200, RESAMPLINGS, learnable), None);
        assert_eq!(words(&claims)[..2], ["holds", "holds"], "{claims:?}");
        assert!(claims[0].measured[0].starts_with("k = 1: J 0."), "{:?}", claims[0].measured);
    }

    #[test]
    fn a_list_that_is_worse_somewhere_does_not() {
        let claims = check(&numbers(60, 60, RESAMPLINGS, misleading), None);
        assert_eq!(words(&claims)[..2], ["does not hold", "does not hold"], "{claims:?}");
    }

    #[test]
    fn from_noise_or_equal_scores_nobody_can_tell() {
        let claims = check(&numbers(40, 40, RESAMPLINGS, |t, c| (noise(t, c), noise(t, c + 100))), None);
        check_reason(&claims[0], "contains zero");
        let equal = check(&numbers(60, 60, RESAMPLINGS, |_, _| (0.9, 0.9)), None);
        check_reason(&equal[0], "at k = 1, 2, 5, 10, 20 the middle half");
        check_reason(&equal[1], "contains zero");
    }

    #[test]
    fn too_little_of_anything_gives_no_verdict() {
        for configs in [1, 2, 5, 19] {
            check_open(&numbers(40, configs, RESAMPLINGS, learnable), "to choose from");
        }
        for tasks in [1, 2, 3, 19] {
            check_open(&numbers(tasks, 40, RESAMPLINGS, learnable), "others to test on");
        }
        for resamplings in [0, 1, 19] {
            check_open(&numbers(40, 40, resamplings, learnable), "number of resamplings");
        }
    }

    #[test]
    fn a_family_that_is_missing_is_named() {
        let of = |families: &[&str]| {
            let scores: Vec<TaskScores> = (0..40).map(|t| task(t, 40, families, learnable)).collect();
            analysis::numbers(&scores, RESAMPLINGS, Path::new("made-up"))
        };
        let claims = check(&of(&["adam8p", "adam4p"]).unwrap(), None);
        assert_eq!(claims[0].verdict, Verdict::Holds);
        check_reason(&claims[1], "no curves of adam1p");
        check_open(&of(&["adam1p"]).unwrap(), "no curves of adam8p");
        let message = of(&["nadamw"]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("no curves of adam8p, adam4p, adam1p"), "{message}");
    }

    #[test]
    fn where_nothing_learned_there_is_no_verdict() {
        let mut scores: Vec<TaskScores> = (0..40).map(|t| task(t, 40, &["adam8p"], learnable)).collect();
        scores.iter_mut().for_each(|task| task.dropped = true);
        check_open(&analysis::numbers(&scores, RESAMPLINGS, Path::new("made-up")).unwrap(), "0 tasks");
    }

    #[test]
    fn a_min_max_box_is_judged_by_what_it_leaves_out() {
        let of = |tasks, configs, score| check(&numbers(tasks, configs, RESAMPLINGS, score), None).remove(2);
        assert_eq!(of(50, 50, spread).verdict, Verdict::Holds);
        assert_eq!(of(152, 50, only_one_is_best).verdict, Verdict::DoesNotHold);
        check_reason(&of(151, 50, only_one_is_best), "grows with every task");
        check_reason(&of(49, 50, spread), "49 tasks");
        check_reason(&of(50, 49, spread), "49 configurations");
    }

    #[test]
    fn a_percentile_box_is_judged_by_its_volume() {
        let of = |score| check(&numbers(60, 60, RESAMPLINGS, score), None).remove(3);
        assert_eq!(of(only_one_is_best).verdict, Verdict::Holds);
        assert_eq!(of(spread).verdict, Verdict::DoesNotHold);
        let mut between = numbers(60, 60, RESAMPLINGS, spread);
        for (i, volume) in between.boxes[1].resampled_volumes.iter_mut().enumerate() {
            *volume = if i % 2 == 0 { 0.05 } else { 0.2 };
        }
        check_reason(&percentile_box(&between), "50 % of the resamplings");
        check_reason(&check(&numbers(49, 60, RESAMPLINGS, spread), None)[3], "49 tasks");
        check_reason(&check(&numbers(60, 60, 19, spread), None)[3], "number of resamplings is 19");
    }

    #[test]
    fn a_scale_without_verdicts_gives_none() {
        let claims = check(&numbers(60, 200, RESAMPLINGS, learnable), Some("this is a trial run"));
        assert_eq!(words(&claims), ["cannot tell"; 4]);
        assert!(claims.iter().all(|claim| claim.verdict.reason() == Some("this is a trial run")));
    }
}
