//! What differs between two sets of curves.

use std::cmp::Ordering;
use std::path::Path;

use serde::Serialize;
use taskset_trial::Curve;

use crate::Error;
use crate::scan::ByTask;

/// Two sets of curves, compared trial by trial. The clock columns are not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Trials that are in both, with the same results.
    pub equal: u64,
    /// Trials that are in both, with different results.
    pub different: u64,
    /// Trials that only the first set has.
    pub only_first: u64,
    /// Trials that only the second set has.
    pub only_second: u64,
    /// The first of the trials that are not equal, at most as many as were asked for.
    pub examples: Vec<Example>,
}

/// A trial that is not equal in both sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Task of the trial.
    pub task: String,
    /// Its optimizer.
    pub optimizer: String,
    /// Its replica.
    pub replica: u32,
    /// The first digits of its identity.
    pub trial: String,
    /// What differs, in words.
    pub what: String,
}

impl Comparison {
    /// Whether nothing differs but the clock.
    pub fn is_equal(&self) -> bool {
        (self.different, self.only_first, self.only_second) == (0, 0, 0)
    }
}

/// Compares the curves of two places (see [`crate::open`]), task by task, and keeps at most `examples` examples of what
/// differs.
///
/// # Errors
/// [`Error`] naming the file that cannot be read.
pub fn diff(first: &Path, second: &Path, examples: usize) -> Result<Comparison, Error> {
    let (mut first, mut second) = (crate::open(first)?.by_task(), crate::open(second)?.by_task());
    let mut comparison = Comparison::default();
    let next = |tasks: &mut ByTask| tasks.next().transpose();
    let (mut a, mut b) = (next(&mut first)?, next(&mut second)?);
    loop {
        let task = |curves: &Option<Vec<Curve>>| Some(curves.as_ref()?.first()?.task().to_owned());
        let order = match (task(&a), task(&b)) {
            (None, None) => return Ok(comparison),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(&b),
        };
        let ours = if order.is_le() { a.take().unwrap_or_default() } else { Vec::new() };
        let theirs = if order.is_ge() { b.take().unwrap_or_default() } else { Vec::new() };
        compare(&mut comparison, &ours, &theirs, examples);
        if order.is_le() {
            a = next(&mut first)?;
        }
        if order.is_ge() {
            b = next(&mut second)?;
        }
    }
}

/// Compares the curves of one task; both lists are sorted.
fn compare(comparison: &mut Comparison, first: &[Curve], second: &[Curve], most: usize) {
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        // Trials of the same names are looked at together: there is one on each side as a rule.
        let at = match (first.get(i), second.get(j)) {
            (Some(a), Some(b)) if b.order(a).is_lt() => b,
            (Some(a), _) => a,
            (None, Some(b)) => b,
            (None, None) => return,
        };
        let run = |curves: &[Curve], from: usize| {
            from + curves[from..].iter().take_while(|curve| curve.order(at).is_eq()).count()
        };
        let (i_end, j_end) = (run(first, i), run(second, j));
        let (ours, theirs) = (&first[i..i_end], &second[j..j_end]);
        compare_run(comparison, ours, theirs, most);
        (i, j) = (i_end, j_end);
    }
}

/// Compares trials of one task, optimizer and replica.
fn compare_run(comparison: &mut Comparison, first: &[Curve], second: &[Curve], most: usize) {
    let mut example = |curve: &Curve, what: String| {
        if comparison.examples.len() < most {
            comparison.examples.push(Example {
                task: curve.task().to_owned(),
                optimizer: curve.optimizer().to_owned(),
                replica: curve.replica(),
                trial: curve.id().short(),
                what,
            });
        }
    };
    let same = |a: &Curve, b: &Curve| a.spec.first_difference(&b.spec).is_none();
    // Only one of each, and not the same: say in what the two differ.
    let apart = |curve: &Curve, others: &[Curve], place: &str, elsewhere: &str| match others {
        [other] => {
            let difference = curve.spec.first_difference(&other.spec);
            let words = difference.map_or_else(String::new, |d| {
                format!(
                    ": it has {} `{}`, and the trial of the same names in the {elsewhere} has `{}`",
                    d.field, d.first, d.second
                )
            });
            format!("only in the {place}{words}")
        }
        _ => format!("only in the {place}"),
    };
    for curve in first {
        match second.iter().find(|other| same(curve, other)) {
            Some(other) => match curve.difference(other) {
                None => comparison.equal += 1,
                Some(field) => {
                    comparison.different += 1;
                    example(curve, format!("{field} differs{}", point(curve, other, field)));
                }
            },
            None => {
                comparison.only_first += 1;
                example(curve, apart(curve, second, "first", "second"));
            }
        }
    }
    for curve in second.iter().filter(|curve| !first.iter().any(|other| same(other, curve))) {
        comparison.only_second += 1;
        example(curve, apart(curve, first, "second", "first"));
    }
}

/// Where two curves begin to differ on a split, in words.
fn point(first: &Curve, second: &Curve, field: &str) -> String {
    let Ok(split) = field.parse() else { return String::new() };
    let pairs = first.split(split).iter().zip(second.split(split)).zip(first.steps.iter());
    let differ = |a: f32, b: f32| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
    let found = pairs.into_iter().find(|((a, b), _)| differ(**a, **b));
    found.map_or_else(String::new, |((a, b), step)| format!(" from step {step} on: {a:?} and {b:?}"))
}
