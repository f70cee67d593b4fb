//! The figures as nested loops, written from the equations of the paper and the documentation of the streams alone. Nothing
//! is shared with the crate. Sums are those of the documentation where it fixes their order.

use taskset_rng::{Stream, StreamId};

/// `scores[task][configuration]`.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    pub(crate) valid: Vec<Vec<f64>>,
    pub(crate) test: Vec<Vec<f64>>,
}

/// Equations 3 to 5, by trying every candidate in every round. Of equal sums the first candidate is taken.
pub(crate) fn list(scores: &[Vec<f64>], tasks: &[usize], candidates: &[usize], k: usize) -> Vec<usize> {
    let mut candidates = candidates.to_vec();
    candidates.sort_unstable();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < k && chosen.len() < candidates.len() {
        let mut best: Option<(f64, usize)> = None;
        for &candidate in &candidates {
            if chosen.contains(&candidate) {
                continue;
            }
            let mut loss = 0.0;
            for &task in tasks {
                let mut lowest = scores[task][candidate];
                for &other in &chosen {
                    if scores[task][other] < lowest {
                        lowest = scores[task][other];
                    }
                }
                loss += lowest;
            }
            if best.is_none_or(|(lowest, _)| loss < lowest) {
                best = Some((loss, candidate));
            }
        }
        chosen.push(best.unwrap().1);
    }
    chosen
}

/// J of the first k: on each task the first of the lowest validation scores, its test score, and the mean.
pub(crate) fn j(scores: &Scores, tasks: &[usize], list: &[usize], k: usize) -> f64 {
    let mut sum = 0.0;
    for &task in tasks {
        let mut pick = list[0];
        for &config in &list[..k] {
            if scores.valid[task][config] < scores.valid[task][pick] {
                pick = config;
            }
        }
        sum += scores.test[task][pick];
    }
    sum / tasks.len() as f64
}

pub(crate) fn curve(scores: &Scores, tasks: &[usize], list: &[usize]) -> Vec<f64> {
    (1..=list.len()).map(|k| j(scores, tasks, list, k)).collect()
}

/// The first half of a shuffle and the rest, each in ascending order.
pub(crate) fn split(n: usize, mut stream: Stream) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..n).collect();
    stream.shuffle(&mut order);
    let (mut a, mut b) = (order[..n / 2].to_vec(), order[n / 2..].to_vec());
    a.sort_unstable();
    b.sort_unstable();
    (a, b)
}

/// The learned curve and the one of random search in the family `family`.
pub(crate) fn figure_3(
    scores: &Scores,
    family: &str,
    k: usize,
    r: u64,
    id: &StreamId,
) -> (Vec<f64>, Vec<f64>) {
    let (tasks, configs) = (scores.valid.len(), scores.valid[0].len());
    let (train, held_out) = split(tasks, id.child("split").index(r).stream());
    let all: Vec<usize> = (0..configs).collect();
    let learned = curve(scores, &held_out, &list(&scores.valid, &train, &all, k));
    let mut stream = id.child("random").child(family).index(r).stream();
    let drawn = stream.sample_without_replacement(configs, k.min(configs));
    (learned, curve(scores, &held_out, &drawn))
}

/// `[train][test]`.
pub(crate) fn groups(scores: &Scores, groups: &[Vec<usize>], k: usize) -> Vec<Vec<f64>> {
    let all: Vec<usize> = (0..scores.valid[0].len()).collect();
    let mut result = Vec::new();
    for train in groups {
        let list = list(&scores.valid, train, &all, k);
        let mut row = Vec::new();
        for test in groups {
            row.push(j(scores, test, &list, k.min(list.len())));
        }
        result.push(row);
    }
    result
}

/// The curve of a list that is learned from other scores on the same tasks.
pub(crate) fn figure_12(scores: &Scores, other: &[Vec<f64>], k: usize, r: u64, id: &StreamId) -> Vec<f64> {
    let (train, held_out) = split(scores.valid.len(), id.child("split").index(r).stream());
    let all: Vec<usize> = (0..scores.valid[0].len()).collect();
    curve(scores, &held_out, &list(other, &train, &all, k))
}

/// Each column from 0 to 1; a constant column is 0.
pub(crate) fn rescaled(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut result = matrix.to_vec();
    for column in 0..matrix[0].len() {
        let mut lowest = f64::INFINITY;
        let mut highest = f64::NEG_INFINITY;
        for row in matrix {
            lowest = lowest.min(row[column]);
            highest = highest.max(row[column]);
        }
        for row in &mut result {
            row[column] = if highest > lowest { (row[column] - lowest) / (highest - lowest) } else { 0.0 };
        }
    }
    result
}

/// Figure 6 with groups in halves, one resampling: J of each group's halves on each other, and J of the mixture of halves on
/// the other halves. NaN for a group that cannot be halved, in the first of the two.
pub(crate) fn groups_in_halves(
    scores: &Scores,
    groups: &[Vec<usize>],
    mixture_tasks: usize,
    k: usize,
    r: u64,
    id: &StreamId,
) -> (Vec<f64>, Vec<f64>) {
    let all: Vec<usize> = (0..scores.valid[0].len()).collect();
    let k = k.min(all.len());
    let mut halves: Vec<[Vec<usize>; 2]> = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        let stream = id.child("halves").index(g as u64).index(r).stream();
        let (first, second) = split(group.len(), stream);
        halves.push([first, second].map(|half| half.iter().map(|&i| group[i]).collect()));
    }
    let mut own = Vec::new();
    for [a, b] in &halves {
        if a.is_empty() || b.is_empty() {
            own.push(f64::NAN);
            continue;
        }
        let of_a = j(scores, a, &list(&scores.valid, b, &all, k), k);
        let of_b = j(scores, b, &list(&scores.valid, a, &all, k), k);
        own.push((a.len() as f64 * of_a + b.len() as f64 * of_b) / (a.len() + b.len()) as f64);
    }
    let mut sums = vec![0.0; groups.len()];
    for half in 0..2 {
        let mut train: Vec<usize> = Vec::new();
        for (g, group) in halves.iter().enumerate() {
            let tasks = &group[half];
            if tasks.is_empty() {
                continue;
            }
            let id = id.child("mixture").index(g as u64).index(r).index(half as u64);
            let mut left = mixture_tasks;
            while left >= tasks.len() {
                train.extend(tasks);
                left -= tasks.len();
            }
            for i in id.stream().sample_without_replacement(tasks.len(), left) {
                train.push(tasks[i]);
            }
        }
        train.sort_unstable();
        for (g, group) in halves.iter().enumerate() {
            let tested = &group[1 - half];
            if !tested.is_empty() {
                let list = list(&scores.valid, &train, &all, k);
                let j = if train.is_empty() { f64::NAN } else { j(scores, tested, &list, k) };
                sums[g] += tested.len() as f64 * j;
            }
        }
    }
    let mixture = sums.iter().zip(groups).map(|(sum, group)| sum / group.len() as f64).collect();
    (own, mixture)
}
