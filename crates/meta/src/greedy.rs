//! The greedy list (paper section 3.4, equations 3 to 5).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::ScoreMatrix;

/// The greedy list of up to `k` configurations for some tasks, by validation scores.
///
/// The first is the candidate with the lowest sum of scores f; then, with b the best score so far on each task, always
/// the one that minimises Σ min(b, f) over the tasks, that is, with the largest *gain* Σ max(0, b − f). Ties, also those
/// where nothing can improve any more, go to the lowest index. The list is shorter than `k` only if there are fewer
/// candidates; repeated candidates count once. So it goes on where nothing improves any more, as the published list does,
/// which orders all of its family; [`improving`] says where that begins.
///
/// Evaluation is lazy and exact: b only falls, so every gain only shrinks, and a gain computed earlier bounds the one of
/// now. This holds in floating point too, because rounding is monotone and gains are always summed in one order.
///
/// # Panics
/// If a task or candidate is not in the matrix.
pub fn greedy(matrix: &ScoreMatrix, tasks: &[usize], candidates: &[usize], k: usize) -> Vec<usize> {
    let mut state = GreedyState::new(matrix, tasks, candidates);
    let mut list = Vec::new();
    let Some(first) = state.first().filter(|_| k > 0) else { return list };
    list.push(state.choose(first));
    let mut heap: BinaryHeap<Bound> = (0..state.candidates.len())
        .filter(|&c| c != first)
        .map(|c| Bound { gain: state.gain(c), candidate: c, round: 1 })
        .collect();
    while list.len() < k
        && let Some(top) = heap.pop()
    {
        // A bound of 0 is exact however old it is: gains are not negative.
        if top.round == list.len() || top.gain <= 0.0 {
            list.push(state.choose(top.candidate));
        } else {
            heap.push(Bound { gain: state.gain(top.candidate), round: list.len(), ..top });
        }
    }
    list
}

/// The same list as [`greedy`], by evaluating every candidate in every round: the definition that the lazy algorithm is
/// checked against.
///
/// # Panics
/// If a task or candidate is not in the matrix.
pub fn greedy_plain(matrix: &ScoreMatrix, tasks: &[usize], candidates: &[usize], k: usize) -> Vec<usize> {
    let mut state = GreedyState::new(matrix, tasks, candidates);
    let mut list = Vec::new();
    let Some(first) = state.first().filter(|_| k > 0) else { return list };
    let mut left: Vec<usize> = (0..state.candidates.len()).filter(|&c| c != first).collect();
    list.push(state.choose(first));
    while list.len() < k && !left.is_empty() {
        let gains: Vec<f64> = left.iter().map(|&c| state.gain(c)).collect();
        let best = lowest(gains.iter().map(|gain| -gain)).unwrap_or_default();
        list.push(state.choose(left.remove(best)));
    }
    list
}

/// How many entries of a [`greedy`] list improve it: each of them has a lower validation score than all entries before it on
/// some task, and no later one has. The first entry counts.
///
/// # Panics
/// If a task or configuration is not in the matrix.
pub fn improving(matrix: &ScoreMatrix, tasks: &[usize], list: &[usize]) -> usize {
    let mut best = vec![f64::INFINITY; tasks.len()];
    // Greedy gains only fall: behind the first entry that gains nothing there are only more of them.
    let gains = |&config: &usize| {
        let mut gained = false;
        for (best, &task) in best.iter_mut().zip(tasks) {
            let score = matrix.valid(task)[config];
            gained |= score < *best;
            *best = best.min(score);
        }
        gained
    };
    list.iter().map(gains).take_while(|&gained| gained).count().max(list.len().min(1))
}

/// Scores of the candidates on the tasks, and the best so far.
struct GreedyState {
    /// Sorted, so that positions and indices break ties alike.
    candidates: Vec<usize>,
    /// `scores[candidate][task]`, flat: gains read one candidate's scores in a row.
    scores: Vec<f64>,
    best: Vec<f64>,
}

impl GreedyState {
    fn new(matrix: &ScoreMatrix, tasks: &[usize], candidates: &[usize]) -> Self {
        let mut candidates = candidates.to_vec();
        candidates.sort_unstable();
        candidates.dedup();
        let mut scores = Vec::with_capacity(candidates.len() * tasks.len());
        for &candidate in &candidates {
            scores.extend(tasks.iter().map(|&task| matrix.valid(task)[candidate]));
        }
        Self { candidates, scores, best: vec![f64::INFINITY; tasks.len()] }
    }

    fn scores(&self, candidate: usize) -> &[f64] {
        let n = self.best.len();
        &self.scores[candidate * n..(candidate + 1) * n]
    }

    /// Position of the candidate with the lowest sum.
    fn first(&self) -> Option<usize> {
        lowest((0..self.candidates.len()).map(|c| sum(self.scores(c).iter().copied())))
    }

    fn gain(&self, candidate: usize) -> f64 {
        sum(self.best.iter().zip(self.scores(candidate)).map(|(b, f)| (b - f).max(0.0)))
    }

    /// Takes a candidate into the list and gives its index.
    fn choose(&mut self, candidate: usize) -> usize {
        let n = self.best.len();
        for (b, f) in self.best.iter_mut().zip(&self.scores[candidate * n..]) {
            *b = b.min(*f);
        }
        self.candidates[candidate]
    }
}

/// Sum in a fixed order, in eight interleaved parts for speed.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut parts = [0.0; 8];
    for (i, value) in values.enumerate() {
        parts[i % 8] += value;
    }
    parts.iter().sum()
}

/// Position of the lowest value, the first of equal ones.
fn lowest(values: impl Iterator<Item = f64>) -> Option<usize> {
    values.enumerate().reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(i, _)| i)
}

/// An upper bound of a candidate's gain: its gain when the list had `round` entries.
struct Bound {
    gain: f64,
    candidate: usize,
    round: usize,
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.candidate.cmp(&self.candidate))
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bound {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix;
    use proptest::prelude::*;

    #[test]
    fn a_list_by_hand() {
        // Rows are tasks. Sums: 12, 10, 11, 16. After configuration 1: gains 4 (0), 3 (2), 0 (3).
        let m = matrix(&[&[1.0, 5.0, 6.0, 6.0], &[6.0, 3.0, 0.0, 5.0], &[5.0, 2.0, 5.0, 5.0]]);
        assert_eq!(greedy(&m, &[0, 1, 2], &[0, 1, 2, 3], 9), [1, 0, 2, 3]);
        assert_eq!(greedy(&m, &[0, 1, 2], &[0, 1, 2, 3], 2), [1, 0]);
        assert_eq!(greedy(&m, &[0, 1, 2], &[3, 0, 3], 9), [0, 3]);
        assert_eq!(greedy(&m, &[1], &[0, 1, 2, 3], 1), [2]);
        assert_eq!(greedy(&m, &[], &[3, 1], 2), [1, 3]);
        assert!(greedy(&m, &[0], &[], 3).is_empty() && greedy(&m, &[0], &[0], 0).is_empty());
    }

    /// More tasks than the sum has parts, by far: whole numbers, whose sum is exact in any order.
    #[test]
    fn many_tasks_are_summed() {
        assert_eq!(sum((0..100).map(f64::from)).to_bits(), 4950f64.to_bits());
        let rows: Vec<[f64; 3]> = (0..100).map(|t| [2.0, if t < 51 { 1.0 } else { 2.0 }, 1.75]).collect();
        let m = matrix(&rows.iter().map(|row| &row[..]).collect::<Vec<_>>());
        let tasks: Vec<usize> = (0..100).collect();
        // Sums: 200, 149, 175; then only configuration 2 gains.
        assert_eq!(greedy(&m, &tasks, &[0, 1, 2], 3), [1, 2, 0]);
    }

    #[test]
    fn a_list_improves_until_no_task_gains() {
        let m = matrix(&[&[1.0, 5.0, 6.0, 6.0], &[6.0, 3.0, 0.0, 5.0], &[5.0, 2.0, 5.0, 5.0]]);
        assert_eq!(improving(&m, &[0, 1, 2], &[1, 0, 2, 3]), 3);
        assert_eq!(improving(&m, &[2], &[1, 0, 2, 3]), 1);
        assert_eq!((improving(&m, &[0], &[]), improving(&m, &[], &[1, 3])), (0, 1));
    }

    /// Equations 3 to 5 as they stand. Exact for scores that are small integers.
    fn by_the_equations(m: &ScoreMatrix, k: usize) -> Vec<usize> {
        let mut list: Vec<usize> = Vec::new();
        let objective = |list: &[usize]| -> f64 {
            (0..m.tasks().len())
                .map(|t| list.iter().map(|&c| m.valid(t)[c]).fold(f64::INFINITY, f64::min))
                .sum()
        };
        while list.len() < k.min(m.configs().len()) {
            let left = (0..m.configs().len()).filter(|c| !list.contains(c));
            let scored: Vec<(f64, usize)> =
                left.map(|c| (objective(&[&list[..], &[c]].concat()), c)).collect();
            let best = scored.iter().copied().reduce(|a, b| if b.0 < a.0 { b } else { a }).unwrap();
            list.push(best.1);
        }
        list
    }

    fn rows(value: impl Strategy<Value = f64>) -> impl Strategy<Value = Vec<Vec<f64>>> {
        let value = proptest::collection::vec(value, 144);
        (1usize..12, 1usize..12, value).prop_map(|(tasks, configs, v)| {
            (0..tasks).map(|t| v[t * 12..t * 12 + configs].to_vec()).collect()
        })
    }

    fn of(rows: &[Vec<f64>]) -> (ScoreMatrix, Vec<usize>, Vec<usize>) {
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        (m, (0..rows.len()).collect(), (0..rows[0].len()).collect())
    }

    proptest! {
        #[test]
        fn lazy_is_plain_and_the_equations_with_many_ties(rows in rows((0u8..4).prop_map(f64::from)), k in 0usize..14) {
            let (m, tasks, configs) = of(&rows);
            let lazy = greedy(&m, &tasks, &configs, k);
            prop_assert_eq!(&lazy, &greedy_plain(&m, &tasks, &configs, k));
            prop_assert_eq!(lazy, by_the_equations(&m, k));
        }

        #[test]
        fn what_is_left_out_where_nothing_improves_changes_no_score(rows in rows((0u8..4).prop_map(f64::from))) {
            let (m, tasks, configs) = of(&rows);
            let list = greedy(&m, &tasks, &configs, configs.len());
            let kept = improving(&m, &tasks, &list);
            let best = |list: &[usize]| -> Vec<f64> {
                tasks.iter().map(|&t| list.iter().map(|&c| m.valid(t)[c]).fold(f64::INFINITY, f64::min)).collect()
            };
            prop_assert_eq!(best(&list[..kept]), best(&list));
            prop_assert!(kept == 1 || best(&list[..kept - 1]) != best(&list));
        }

        #[test]
        fn lazy_is_plain_for_any_numbers(rows in rows(-1.0f64..1.0), k in 0usize..14) {
            let (m, tasks, configs) = of(&rows);
            prop_assert_eq!(greedy(&m, &tasks, &configs, k), greedy_plain(&m, &tasks, &configs, k));
        }
    }
}
