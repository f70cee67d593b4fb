//! Lockstep changes no bit: whatever the group sizes, the threads, the interruptions, the other trials.

use std::sync::atomic::{AtomicBool, Ordering};

use taskset_optim::{Mode, Optimizer, named};
use taskset_sweep::{Directory, SweepObserver, TrialReport};
use taskset_train::{Quiet, run_lockstep, run_trial};
use taskset_trial::Protocol;

use crate::support::{DATA, Names, bits, names, run, stored, sweep};

/// Tasks with shared noise, minibatches, gradient noise and augmentation; and one that asks to be trained alone.
const TASKS: [&str; 6] = [
    "quadratic_family_seed1",
    "quadratic_family_seed13",
    "losg_tasks_family_seed3",
    "losg_tasks_family_seed27",
    "mlp_family_seed131",
    "TwoD_Beale",
];
const OPTIMIZERS: [&str; 13] = [
    "adam8p_wide_grid_seed0",
    "adam8p_wide_grid_seed7",
    "adam6p_wide_grid_seed3",
    "adam4p_wide_grid_seed2",
    "adam1p_wide_grid_seed1",
    "nadamw_grid_seed107",
    "adagrad_wide_grid_seed4",
    "adam_lr_1.00",
    "zero",
    "sgd_seed3",
    "adamw_seed1",
    "lamb_default",
    "schedule_free_adamw_default",
];

fn plan() -> Names {
    names(&TASKS, &OPTIMIZERS, 2, Protocol { steps: 12, eval_every: 5, eval_batches: 2 })
}

/// Asks for a stop after some trials.
struct StopAfter<'a>(usize, &'a AtomicBool);

impl SweepObserver for StopAfter<'_> {
    fn started(&mut self, _total: usize, _stored: usize) {}
    fn finished(&mut self, report: &TrialReport<'_>) {
        self.0 = self.0.saturating_sub(usize::from(!report.restored));
        self.1.fetch_or(self.0 == 0, Ordering::Relaxed);
    }
    fn stored(&mut self, _count: usize) {}
}

#[test]
fn stores_are_the_same_for_all_threads_group_sizes_and_interruptions() {
    let whole = |jobs: usize, size: Option<usize>| {
        let directory = tempfile::tempdir().unwrap();
        let sweep = match size {
            Some(size) => sweep(plan()).with_group_size(size),
            None => sweep(plan()),
        };
        let store = Directory::at(directory.path());
        let outcome = run(&sweep, &store, jobs, &mut Quiet, &AtomicBool::new(false));
        assert_eq!(outcome.trained, TASKS.len() * OPTIMIZERS.len() * 2);
        bits(&stored(&store))
    };
    let alone = whole(1, Some(1));
    for (jobs, size) in [(2, Some(1)), (1, Some(3)), (2, Some(8)), (1, None)] {
        assert_eq!(alone, whole(jobs, size), "{jobs} {size:?}");
    }
    // Interrupted after a few trials and continued with other sizes each time.
    let directory = tempfile::tempdir().unwrap();
    for size in [3, 8, 1, 2].into_iter().cycle().take(40) {
        let sweep = sweep(plan()).with_group_size(size);
        let store = Directory::at(directory.path());
        let cancel = AtomicBool::new(false);
        if !run(&sweep, &store, 2, &mut StopAfter(20, &cancel), &cancel).interrupted {
            assert_eq!(alone, bits(&stored(&store)));
            return;
        }
    }
    panic!("not finished after 40 continuations");
}

#[test]
fn a_group_of_unequal_trials_gives_each_its_own_curve() {
    let protocol = Protocol { steps: 9, eval_every: 4, eval_batches: 1 };
    let cancel = AtomicBool::new(false);
    let optimizers = OPTIMIZERS.map(|name| named(name).unwrap().configured(Mode::OptList, 9).unwrap());
    for name in TASKS {
        let task = taskset_tasks::build(name, &DATA).unwrap();
        let trials: Vec<&dyn Optimizer> =
            optimizers.iter().map(|optimizer| optimizer as &dyn Optimizer).collect();
        let group = run_lockstep(&*task, &trials, 1, &protocol, &cancel).unwrap();
        for (curve, &trial) in group.iter().zip(&trials) {
            let alone = run_trial(&*task, trial, 1, &protocol, &mut Quiet, &cancel).unwrap();
            assert_eq!(bits(&[alone]), bits(std::slice::from_ref(curve)), "{name}");
        }
        // The first trials of the same group with the last ones left out.
        let fewer = run_lockstep(&*task, &trials[..4], 1, &protocol, &cancel).unwrap();
        assert_eq!(bits(&fewer), bits(&group[..4]), "{name}");
    }
}

/// One of each kind of step, loss and data of the fixed tasks that are not too long.
#[test]
fn fixed_tasks_have_the_same_bits_in_any_company_and_on_any_threads() {
    const FIXED: [&str; 10] = [
        "Associative_LSTM128_BS128_Pairs5_Tokens20",
        "Copy_VRNN128_BS128_Length20_Tokens10",
        "FixedImageConv_cifar10_batchnorm_32x64x64_bs128",
        "Mnist_Conv_32x16x64_flatten_FC32_tanh_bs32",
        "FixedImageConvVAE_mnist_32x32x32x32x32_bs128",
        "FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128",
        "FixedMAF_mnist_3layer_thin_bs64",
        "FixedMLP_cifar10_Dropout05_128x128_relu_bs128",
        "FixedMLPVAE_mnist_128x8x128x128_bs128",
        "FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128",
    ];
    let optimizers = ["adam8p_wide_grid_seed0", "adam_lr_1.00"];
    let whole = |jobs: usize, size: usize| {
        let directory = tempfile::tempdir().unwrap();
        let protocol = Protocol { steps: 2, eval_every: 2, eval_batches: 2 };
        let plan = names(&FIXED, &optimizers, 1, protocol);
        let store = Directory::at(directory.path());
        run(&sweep(plan).with_group_size(size), &store, jobs, &mut Quiet, &AtomicBool::new(false));
        bits(&stored(&store))
    };
    assert_eq!(whole(1, 1), whole(2, 2));
}

#[test]
fn a_group_stops_on_request_and_an_empty_one_is_empty() {
    let protocol = Protocol { steps: 9, eval_every: 4, eval_batches: 1 };
    let task = taskset_tasks::build(TASKS[0], &DATA).unwrap();
    let zero = named("zero").unwrap().configured(Mode::Upstream, 9).unwrap();
    let trials = [&zero as &dyn Optimizer; 3];
    assert!(run_lockstep(&*task, &trials, 0, &protocol, &AtomicBool::new(true)).is_err());
    assert_eq!(run_lockstep(&*task, &[], 0, &protocol, &AtomicBool::new(false)).unwrap(), []);
}
