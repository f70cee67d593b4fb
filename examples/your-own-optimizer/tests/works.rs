//! Lion trains, is swept, is ranked, keeps the contract, and respects constraints that it does not know of.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use taskset::datasets::{Datasets, Source};
use taskset::meta::{HyperparameterList, ScoreMatrix};
use taskset::names::Split;
use taskset::optim::contract::{self, Claims};
use taskset::optim::{Optimizer, Step, real};
use taskset::params::Layout;
use taskset::rng::StreamId;
use taskset::sweep::{Directory, RunOptions, Sweep};
use taskset::tasks::{self, Feed};
use taskset::train::{Protocol, Quiet, run_trial};
use your_own_optimizer::Lion;

const TASKS: [&str; 3] = ["TwoD_Rosenbrock", "quadratic_family_seed3", "mlp_family_seed131"];

fn lion(learning_rate: f64) -> Lion {
    Lion { learning_rate, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
}

#[test]
fn it_trains_on_three_tasks() {
    let data = Datasets::new(Source::Synthetic);
    let protocol = Protocol { steps: 200, eval_every: 100, eval_batches: 5 };
    for name in TASKS {
        let task = tasks::build(name, &data).unwrap();
        let curve =
            run_trial(&*task, &lion(1e-2), 0, &protocol, &mut Quiet, &AtomicBool::new(false)).unwrap();
        let losses = curve.split(Split::Train);
        assert!(losses[2] < losses[0], "{name}: {losses:?}");
        assert_eq!(curve.spec.optimizer.family, "lion");
    }
}

#[test]
fn it_is_swept_over_learning_rates_and_listed() {
    let data = Datasets::new(Source::Synthetic);
    let tasks = TASKS.iter().map(|name| tasks::build(name, &data).unwrap()).collect();
    let lions: Vec<Arc<dyn Optimizer>> =
        [1e-4, 1e-3, 1e-2, 1e-1].iter().map(|&rate| Arc::new(lion(rate)) as Arc<dyn Optimizer>).collect();
    let protocol = Protocol { steps: 100, eval_every: 20, eval_batches: 5 };
    let sweep = Sweep::of(tasks, lions, 1, protocol).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let place = Directory::at(directory.path());
    let run = || place.run(&sweep, &RunOptions::new(2), &mut Quiet, &AtomicBool::new(false)).unwrap();
    assert_eq!((run().trained, run().reused), (12, 12), "what is stored is not trained again");

    let normalizer = taskset::normalize::named("default").unwrap();
    let curves = place.reader().unwrap().read_all().unwrap();
    let scores: Vec<_> = curves
        .chunk_by(|a, b| a.task() == b.task())
        .map(|of_one_task| normalizer.scores(of_one_task).unwrap())
        .collect();
    assert_eq!(scores.len(), 3);
    let matrix = ScoreMatrix::from_scores(&scores, &scores[0].optimizers).unwrap();
    let list = HyperparameterList::learn(&matrix, 2, "lion", "default", "a test");
    assert!(list.entries[0].name.starts_with("lion_lr"));
    assert!(list.entries[0].train_score_after.unwrap() < 1.0);
}

/// The masked weights of a MAF stay 0 through training, although the rule moves every parameter.
#[test]
fn it_is_right_on_a_masked_flow_without_knowing_of_constraints() {
    let data = Datasets::new(Source::Synthetic);
    let task = (0..1000)
        .map(|seed| tasks::describe(&format!("maf_family_seed{seed}")).unwrap())
        .filter(|task| task.feasible && task.num_params < 100_000)
        .find_map(|task| {
            let task = tasks::build(&task.name, &data).unwrap();
            let masked =
                task.start(&StreamId::root("lion")).constraint_mask().is_some_and(|mask| mask.contains(&0.0));
            masked.then_some(task)
        })
        .expect("some small MAF has a mask");
    let protocol = Protocol { steps: 3, eval_every: 3, eval_batches: 1 };
    let curve = run_trial(&*task, &lion(1e-3), 0, &protocol, &mut Quiet, &AtomicBool::new(false)).unwrap();

    // The same training by hand, with the masked weights reset after every update.
    let mut problem = task.start(&taskset::train::replica_stream(task.name(), 0));
    let (layout, noise) = (Arc::new(task.layout().clone()), StreamId::root("unused"));
    let mut params = vec![0.0f32; layout.len()];
    let mut gradients = params.clone();
    problem.init(&mut params);
    let mut run = lion(1e-3).start(&layout, &params, &noise).unwrap();
    for _ in 0..protocol.steps {
        problem.next_batch(Feed::Training);
        problem.loss_and_gradients(&params, &mut gradients);
        run.update(Step::new(&gradients), &mut params);
        let mask = problem.constraint_mask().unwrap();
        assert!(
            params.iter().zip(mask).any(|(p, m)| *m == 0.0 && *p != 0.0),
            "the rule moves masked weights"
        );
        params.iter_mut().zip(mask).for_each(|(p, m)| *p *= m);
    }
    // The evaluation streams have not moved, except at step 0.
    let mut at_start = vec![0.0f32; layout.len()];
    problem.init(&mut at_start);
    for split in Split::ALL {
        problem.mean_loss(split, &at_start, 1);
    }
    for split in Split::ALL {
        let by_hand = problem.mean_loss(split, &params, 1) as f32;
        assert_eq!(by_hand.to_bits(), curve.split(split)[1].to_bits(), "{split}");
    }
}

proptest! {
    #[test]
    fn it_keeps_the_contract(
        learning_rate in 1e-5f64..0.1,
        beta1 in 0.0f64..0.99,
        beta2 in 0.0f64..0.999,
        weight_decay in prop_oneof![Just(0.0), 1e-3f64..1.0],
        problem in contract::problems(),
    ) {
        let lion = Lion { learning_rate, beta1, beta2, weight_decay };
        // A sum of two terms that is nearly 0 may have another sign in f32: the whole step is then another one.
        let claims = Claims { scale_invariant: true, precision: 2.1, ..Claims::default() };
        contract::all(&lion, &claims, &problem)?;
    }
}

#[test]
fn it_follows_its_equation() {
    let lion = Lion { learning_rate: 0.1, beta1: 0.5, beta2: 0.75, weight_decay: 0.5 };
    let layout = Arc::new(Layout::flat(2));
    let mut params = [1.0f64, -1.0];
    let mut run = lion.start_f64(&layout, &params, &StreamId::root("unused")).unwrap();
    run.update(Step::new(&[2.0, 0.0]), &mut params);
    // 1 - 0.05 - 0.1; a direction of 0 leaves only the decay.
    assert_eq!(params, [real::<f64>(1.0) - 0.05 - 0.1, -0.95]);
    run.update(Step::new(&[-0.25, 4.0]), &mut params);
    // m was 0.5: 0.5 · 0.5 - 0.5 · 0.25 is positive.
    assert!((params[0] - (0.85 * 0.95 - 0.1)).abs() < 1e-15);
    assert!((params[1] - (-0.95 * 0.95 - 0.1)).abs() < 1e-15);
}
