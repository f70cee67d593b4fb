//! No result depends on the number of threads.

use taskset_meta::bootstrap::bootstrap;
use taskset_meta::candidate_counts::{Candidates, TunedOn};
use taskset_meta::groups::Groups;
use taskset_meta::learned_against_random::{BoxTasks, Family, SplitExperiment};
use taskset_meta::lists_from_other_scores::OtherScores;
use taskset_meta::training_task_counts::{TaskNumbers, TestTasks};
use taskset_meta::transfer::Transfer;
use taskset_meta::{HyperparameterTable, SameTasks, ScoreMatrix};
use taskset_rng::StreamId;

/// Runs something with one, two and five threads.
fn check<T: PartialEq + std::fmt::Debug + Send>(run: impl Fn() -> T + Sync) {
    let with =
        |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&run);
    let one = with(1);
    assert_eq!(with(2), one);
    assert_eq!(with(5), one);
}

#[test]
fn every_experiment_is_the_same_for_any_number_of_threads() {
    let (tasks, configs) = (23, 17);
    let mut scores = vec![0.0; tasks * configs];
    StreamId::root("threads").stream().fill_unit(&mut scores);
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
    let m = ScoreMatrix::new(names("t", tasks), names("c", configs), scores.clone(), scores).unwrap();
    let (learned, id, k, resamplings) = (Family { label: "a", matrix: &m }, StreamId::root("t"), 9, 12);
    let values = (0..configs).map(|c| vec![c as f64]).collect();
    let table = HyperparameterTable::new(vec!["h".into()], vec![false], values).unwrap();
    let groups: Vec<Vec<usize>> = (0..4).map(|g| (0..tasks).filter(|t| t % 4 == g).collect()).collect();

    check(|| {
        let (others, boxes, box_tasks) = (vec![learned], vec![(0.0, 1.0), (0.2, 0.8)], BoxTasks::Train);
        let figure_3 = SplitExperiment { learned, table: &table, others, boxes, box_tasks, resamplings, k };
        figure_3.run(&id).unwrap()
    });
    check(|| {
        let (sizes, test_tasks) = (&[1, 7, 22], TestTasks::Remaining);
        TaskNumbers { matrix: &m, sizes, test_tasks, resamplings, k }.run(&id).unwrap()
    });
    for same in [SameTasks::Tested, SameTasks::Halves] {
        check(|| {
            let (target, random) = (&groups[0], vec![learned]);
            let figure_5 =
                Transfer { learned, target, train_tasks: 9, best_case: same, random, resamplings, k };
            figure_5.run(&id).unwrap()
        });
        check(|| {
            let groups =
                Groups { matrix: &m, groups: &groups, same_group: same, mixture_tasks: 7, resamplings, k };
            groups.run(&id).unwrap()
        });
    }
    check(|| OtherScores { tested: learned, learned: vec![learned], resamplings, k }.run(&id).unwrap());
    check(|| {
        let (sizes, tuned, tuned_on) = (&[2, 17], Some(learned), TunedOn::HeldOut);
        Candidates { learned, sizes, tuned, tuned_on, resamplings, k }.run(&id).unwrap()
    });
    check(|| bootstrap(m.valid(0), &[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5], 99, &id).unwrap());
}
