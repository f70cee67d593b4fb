//! A trial that was stopped goes on with the same bits, from any step, alone or in company.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use taskset_optim::{Configured, Mode, Optimizer, named};
use taskset_tasks::Task;
use taskset_train::{
    Checkpoint, Curve, Group, Protocol, Quiet, Saving, TrialError, continue_trial, run_trial,
};

use crate::support::{DATA, bits};

/// Minibatches with augmentation, noise with names, noise on gradients, dropout, latent samples, text, batch norm.
const TASKS: [&str; 9] = [
    "TwoD_Beale",
    "quadratic_family_seed1",
    "quadratic_family_seed13",
    "losg_tasks_family_seed3",
    "losg_tasks_family_seed27",
    "mlp_family_seed131",
    "FixedMLP_cifar10_Dropout05_128x128_relu_bs128",
    "FixedMLPVAE_mnist_128x8x128x128_bs128",
    "Copy_VRNN128_BS128_Length20_Tokens10",
];
const PROTOCOL: Protocol = Protocol { steps: 7, eval_every: 3, eval_batches: 2 };

fn optimizer(name: &str) -> Configured {
    named(name).unwrap().configured(Mode::Upstream, 7).unwrap()
}

fn optimizers() -> Vec<Configured> {
    // The last one diverges, and ends where NaN cannot be left.
    let wild = serde_json::json!({"learning_rate": 3e38});
    let wild = named("adam_lr_-3.00").unwrap().config.with_hyperparameters(&wild).unwrap();
    [
        "adam8p_wide_grid_seed0",
        "nadamw_grid_seed107",
        "schedule_free_adamw_default",
        "lamb_default",
        "sgd_seed3",
    ]
    .into_iter()
    .map(optimizer)
    .chain([wild.configured(Mode::Upstream, 7).unwrap().with_name("adam that diverges")])
    .collect()
}

/// The curve of an undisturbed run, and a checkpoint after every step.
fn train(task: &dyn Task, optimizer: &dyn Optimizer, from: Option<&Checkpoint>) -> (Curve, Vec<Checkpoint>) {
    let mut checkpoints = Vec::new();
    let saving = Saving { every: Duration::ZERO, save: &mut |checkpoint| checkpoints.push(checkpoint) };
    let cancel = AtomicBool::new(false);
    let curve =
        continue_trial(task, optimizer, 1, &PROTOCOL, from, Some(saving), &mut Quiet, &cancel).unwrap();
    (curve, checkpoints)
}

#[test]
fn a_trial_goes_on_from_every_step_with_the_same_bits() {
    for name in TASKS {
        let task = taskset_tasks::build(name, &DATA).unwrap();
        // Networks take longer; every optimizer has its turn on the others.
        let every = if task.layout().len() > 2000 { 2 } else { 1 };
        for optimizer in optimizers().iter().step_by(every) {
            let whole =
                run_trial(&*task, optimizer, 1, &PROTOCOL, &mut Quiet, &AtomicBool::new(false)).unwrap();
            let (watched, checkpoints) = train(&*task, optimizer, None);
            let expected = bits(&[whole]);
            assert_eq!(bits(&[watched]), expected, "{name} {optimizer:?}");
            assert!(!checkpoints.is_empty());
            for checkpoint in checkpoints.iter().step_by(every) {
                let (again, later) = train(&*task, optimizer, Some(checkpoint));
                assert_eq!(bits(&[again]), expected, "{name} {optimizer:?} after {}", checkpoint.step);
                // Stopped and continued a second time.
                if let Some(last) = later.last() {
                    assert_eq!(bits(&[train(&*task, optimizer, Some(last)).0]), expected, "{name}");
                }
            }
        }
    }
}

#[test]
fn trials_go_on_in_company_they_did_not_have() {
    for name in TASKS {
        let task = taskset_tasks::build(name, &DATA).unwrap();
        let optimizers = optimizers();
        let alone: Vec<(Curve, Vec<Checkpoint>)> =
            optimizers.iter().map(|optimizer| train(&*task, optimizer, None)).collect();
        // After five steps all are still there, or have ended as the diverged one may.
        let at =
            |checkpoints: &[Checkpoint]| checkpoints.iter().find(|checkpoint| checkpoint.step == 5).cloned();
        let together: Vec<(&Configured, &Curve, Checkpoint)> = optimizers
            .iter()
            .zip(&alone)
            .filter_map(|(optimizer, (curve, checkpoints))| Some((optimizer, curve, at(checkpoints)?)))
            .collect();
        assert!(together.len() >= 5, "{name}");
        let trials: Vec<&dyn Optimizer> =
            together.iter().map(|(optimizer, ..)| *optimizer as &dyn Optimizer).collect();
        let from: Vec<&Checkpoint> = together.iter().map(|(.., checkpoint)| checkpoint).collect();
        let curves = Group::of(&*task, &trials, 1, &PROTOCOL).train(Some(&from), None, &|| false).unwrap();
        for (curve, (_, expected, _)) in curves.iter().zip(&together) {
            assert_eq!(bits(std::slice::from_ref(curve)), bits(std::slice::from_ref(*expected)), "{name}");
        }
    }
}

#[test]
fn files_keep_every_bit_and_damage_is_noticed() {
    let task = taskset_tasks::build("quadratic_family_seed1", &DATA).unwrap();
    for optimizer in &optimizers() {
        let (whole, checkpoints) = train(&*task, optimizer, None);
        for checkpoint in &checkpoints {
            let bytes = checkpoint.to_bytes().unwrap();
            let read = Checkpoint::from_bytes(&bytes, &whole.spec).unwrap();
            // Bytes, because NaN is not equal to itself.
            assert_eq!(read.to_bytes().unwrap().len(), bytes.len());
            assert_eq!(bits(&[train(&*task, optimizer, Some(&read)).0]), bits(std::slice::from_ref(&whole)));
        }
        let bytes = checkpoints[1].to_bytes().unwrap();
        let refused = |bytes: &[u8], words: &str| {
            let error = Checkpoint::from_bytes(bytes, &whole.spec).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(&bytes[..bytes.len() - 1], "damaged");
        refused(&[], "damaged");
        refused(b"not a checkpoint at all", "damaged");
        // One bit of the last tensor.
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        refused(&changed, "damaged");
        let mut other = whole.spec.clone();
        other.replica = 5;
        let error = Checkpoint::from_bytes(&bytes, &other).unwrap_err().to_string();
        assert!(error.contains("it is one of the trial"), "{error}");
    }
}

#[test]
fn a_checkpoint_of_another_trial_is_refused() {
    let task = taskset_tasks::build("TwoD_Beale", &DATA).unwrap();
    let adam = optimizer("adam_lr_-3.00");
    let (_, checkpoints) = train(&*task, &adam, None);
    let refused = |change: &dyn Fn(&mut Checkpoint), words: &str| {
        let mut checkpoint = checkpoints[3].clone();
        change(&mut checkpoint);
        let cancel = AtomicBool::new(false);
        let error = continue_trial(&*task, &adam, 1, &PROTOCOL, Some(&checkpoint), None, &mut Quiet, &cancel)
            .unwrap_err();
        assert!(matches!(error, TrialError::Checkpoint(_) | TrialError::Optimizer(_)));
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(&|c| c.curve.spec.replica = 0, "the replica differs");
    refused(&|c| c.step = 7, "evaluations after 7 steps");
    refused(&|c| c.curve.losses[2].clear(), "different numbers of losses");
    refused(&|c| c.curve.losses.iter_mut().for_each(|losses| losses.resize(9, 0.0)), "9 evaluations");
    refused(&|c| c.curve.num_params = 3, "3 parameters");
    refused(&|c| c.state.as_mut().unwrap().params.push(0.0), "3 numbers for 2 parameters");
    refused(&|c| c.state.as_mut().unwrap().slots.vectors.clear(), "no vector");
    let other = optimizer("adam_lr_-2.00");
    let cancel = AtomicBool::new(false);
    let error =
        continue_trial(&*task, &other, 1, &PROTOCOL, Some(&checkpoints[0]), None, &mut Quiet, &cancel)
            .unwrap_err();
    assert!(error.to_string().contains("differs"), "{error}");
}
