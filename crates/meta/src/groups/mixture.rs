//! Lists that are learned on a uniform mixture of groups: the black line of Figure 6.

use taskset_rng::{Stream, StreamId};

use super::Groups;
use crate::lists_within_task_kinds::mean_over_tasks;
use crate::resampling::{halves, indices, learned_j};
use crate::{SameTasks, best_of_first_k, greedy};

impl Groups<'_> {
    /// J of the r-th mixture on each group, after 1 to `k` tries.
    pub(super) fn mixture(&self, groups: &[Vec<usize>], r: u64, id: &StreamId) -> Vec<Vec<f64>> {
        match self.same_group {
            SameTasks::Tested => self.mixture_of_all(groups, r, id),
            SameTasks::Halves => self.mixture_of_halves(groups, r, id),
        }
    }

    fn mixture_of_all(&self, groups: &[Vec<usize>], r: u64, id: &StreamId) -> Vec<Vec<f64>> {
        let draw = |(g, group): (u64, &Vec<usize>)| {
            self.draw(group, &mut id.child("mixture").index(g).index(r).stream())
        };
        let train = ascending((0..).zip(groups).flat_map(draw));
        let list = greedy(self.matrix, &train, &indices(self.matrix.configs().len()), self.k);
        groups.iter().map(|group| best_of_first_k(self.matrix, group, &list)).collect()
    }

    fn mixture_of_halves(&self, groups: &[Vec<usize>], r: u64, id: &StreamId) -> Vec<Vec<f64>> {
        let split = |(g, group): (u64, &Vec<usize>)| {
            halves(group, &mut id.child("halves").index(g).index(r).stream())
        };
        let split: Vec<[Vec<usize>; 2]> = (0..).zip(groups).map(split).collect();
        let train = [0, 1].map(|half| {
            let draw = |(g, group): (u64, &[Vec<usize>; 2])| {
                let id = id.child("mixture").index(g).index(r).index(half as u64);
                self.draw(&group[half], &mut id.stream())
            };
            ascending((0..).zip(&split).flat_map(draw))
        });
        let on = |group: &[Vec<usize>; 2]| {
            // Of an empty half there is nothing to test, so it must not count.
            let tested = [0, 1].into_iter().filter(|&half: &usize| !group[1 - half].is_empty());
            let parts: Vec<(usize, Vec<f64>)> = tested
                .map(|half| {
                    let test = &group[1 - half];
                    (test.len(), learned_j(self.matrix, &train[half], test, self.k))
                })
                .collect();
            match parts.is_empty() {
                true => vec![f64::NAN; self.k.min(self.matrix.configs().len())],
                false => mean_over_tasks(&parts),
            }
        };
        split.iter().map(on).collect()
    }

    /// `mixture_tasks` tasks of a group: all of them as often as they fit in, and a random subset.
    fn draw(&self, group: &[usize], stream: &mut Stream) -> Vec<usize> {
        if group.is_empty() {
            return Vec::new();
        }
        let rest = stream.sample_without_replacement(group.len(), self.mixture_tasks % group.len());
        let mut drawn = group.repeat(self.mixture_tasks / group.len());
        drawn.extend(rest.into_iter().map(|i| group[i]));
        drawn
    }
}

/// In ascending order, repeated tasks included: sums then run in the order of the matrix.
fn ascending(tasks: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut tasks: Vec<usize> = tasks.collect();
    tasks.sort_unstable();
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix;

    #[test]
    fn every_group_has_the_same_weight_in_a_mixture() {
        let m = matrix(&[&[0.5][..]; 4]);
        let groups = [vec![0, 1, 2, 3], vec![1]];
        let experiment = Groups {
            matrix: &m,
            groups: &groups,
            same_group: SameTasks::Tested,
            mixture_tasks: 6,
            resamplings: 1,
            k: 1,
        };
        let mut stream = StreamId::root("t").stream();
        let drawn = ascending(experiment.draw(&groups[0], &mut stream).into_iter());
        assert!(drawn.len() == 6 && (0..4).all(|t| drawn.contains(&t)), "{drawn:?}");
        assert_eq!(experiment.draw(&groups[1], &mut stream), [1; 6]);
        assert!(experiment.draw(&[], &mut stream).is_empty());
    }
}
