//! Trials that cannot recover end early, with the curve of the full run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use taskset_names::{Origin, Split};
use taskset_optim::{Configured, Mode, Optimizer, Step, named};
use taskset_rng::StreamId;
use taskset_tasks::{Capabilities, Feed, Layout, Problem, Task};
use taskset_train::{Curve, Protocol, run_lockstep};

use crate::support::{DATA, bits};

/// A task that counts its training minibatches and says what it is told of NaN.
struct Counted {
    task: Arc<dyn Task>,
    absorbing: bool,
    minibatches: Arc<AtomicU32>,
}

impl Task for Counted {
    fn name(&self) -> &str {
        self.task.name()
    }
    fn layout(&self) -> &Layout {
        self.task.layout()
    }
    fn origin(&self) -> Origin {
        self.task.origin()
    }
    fn flops_per_step(&self) -> f64 {
        self.task.flops_per_step()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { nan_is_absorbing: self.absorbing, ..self.task.capabilities() }
    }
    fn start(&self, replica: &StreamId) -> Box<dyn Problem<f32>> {
        let minibatches = Arc::clone(&self.minibatches);
        Box::new(CountedProblem { problem: self.task.start(replica), minibatches })
    }
    fn start_f64(&self, replica: &StreamId) -> Box<dyn Problem<f64>> {
        self.task.start_f64(replica)
    }
}

struct CountedProblem {
    problem: Box<dyn Problem<f32>>,
    minibatches: Arc<AtomicU32>,
}

impl Problem<f32> for CountedProblem {
    fn init(&mut self, params: &mut [f32]) {
        self.problem.init(params);
    }
    fn next_batch(&mut self, feed: Feed) {
        self.minibatches.fetch_add(u32::from(feed == Feed::Training), Ordering::Relaxed);
        self.problem.next_batch(feed);
    }
    fn loss(&mut self, params: &[f32]) -> f32 {
        self.problem.loss(params)
    }
    fn loss_and_gradients(&mut self, params: &[f32], gradients: &mut [f32]) -> f32 {
        self.problem.loss_and_gradients(params, gradients)
    }
    fn losses_and_gradients(&mut self, params: &[f32], gradients: &mut [f32], losses: &mut [f32]) {
        self.problem.losses_and_gradients(params, gradients, losses);
    }
    fn load_evaluation(&mut self, split: Split, batches: u32) -> u32 {
        self.problem.load_evaluation(split, batches)
    }
    fn loaded_losses(&mut self, params: &[f32], losses: &mut [f64]) {
        self.problem.loaded_losses(params, losses);
    }
}

/// Learning rates from small to far too large.
fn rules() -> Vec<Configured> {
    let rule = |name: &str, rate: f64| {
        let rate_of = serde_json::json!({"learning_rate": rate});
        let config = named(name).unwrap().config.with_hyperparameters(&rate_of).unwrap();
        config.configured(Mode::Upstream, 10_000).unwrap().with_name(&format!("{name} {rate:e}"))
    };
    vec![
        rule("adam_lr_-3.00", 1e-3),
        rule("adam_lr_-3.00", 1e19),
        rule("adam_lr_-3.00", 3e38),
        rule("adagrad_wide_grid_seed0", 1e30),
        rule("adam8p_wide_grid_seed0", 1e20),
        rule("adam8p_wide_grid_seed0", 1e38),
    ]
}

/// The curves of all rules, and the training minibatches that were drawn.
fn train(name: &str, absorbing: bool, eval_every: u32) -> (Vec<Curve>, u32) {
    let task = taskset_tasks::build(name, &DATA).unwrap();
    assert!(task.capabilities().nan_is_absorbing, "{name}");
    let counted = Counted { task, absorbing, minibatches: Arc::default() };
    let rules = rules();
    let trials: Vec<&dyn Optimizer> = rules.iter().map(|rule| rule as &dyn Optimizer).collect();
    let protocol = Protocol { steps: 30, eval_every, eval_batches: 2 };
    let curves = run_lockstep(&counted, &trials, 0, &protocol, &AtomicBool::new(false)).unwrap();
    // Alone, each trial ends when all of its parameters are NaN.
    counted.minibatches.store(0, Ordering::Relaxed);
    for trial in &rules {
        let alone = run_lockstep(&counted, &[trial], 0, &protocol, &AtomicBool::new(false)).unwrap();
        let group =
            curves.iter().filter(|curve| curve.optimizer() == trial.name()).cloned().collect::<Vec<_>>();
        assert_eq!(bits(&alone), bits(&group), "{name}");
    }
    (curves, counted.minibatches.load(Ordering::Relaxed))
}

#[test]
fn a_lost_trial_ends_with_the_curve_of_the_full_run() {
    for name in [
        "quadratic_family_seed1",
        "quadratic_family_seed2",
        "quadratic_family_seed13",
        "losg_tasks_family_seed0",
        "losg_tasks_family_seed5",
        "losg_tasks_family_seed13",
        "losg_tasks_family_seed27",
        "mlp_family_seed131",
        "mlp_family_seed12",
        "TwoD_Beale",
        "FixedNVP_mnist_3layer_thin_bs64",
        "FixedMLPVAE_mnist_128x8x128x128_bs128",
    ] {
        for eval_every in [1, 7] {
            let (full, all) = train(name, false, eval_every);
            let (short, fewer) = train(name, true, eval_every);
            assert_eq!(bits(&full), bits(&short), "{name} {eval_every}");
            assert_eq!(all, 30 * rules().len() as u32);
            assert!(fewer < all, "{name}: no trial was lost, so nothing was tested");
        }
    }
}

#[test]
fn no_rule_turns_nan_into_a_number() {
    let values = [0.0, -1.0, 1e-30, 3e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let n = values.len().pow(3);
    let value = |i: usize, place: u32| values[i / values.len().pow(place) % values.len()];
    let names = taskset_optim::families().iter().flat_map(|family| {
        let names: Vec<String> = family.names().collect();
        let step = (names.len() / 20).max(1);
        names.into_iter().step_by(step)
    });
    let (layout, noise) = (Arc::new(Layout::flat(n)), StreamId::root("no-rule-turns-nan"));
    for name in names {
        for mode in Mode::ALL {
            let optimizer = named(&name).unwrap().configured(mode, 100).unwrap();
            if !optimizer.facts().keeps_nan {
                continue;
            }
            let gradients: Vec<f32> = (0..n).map(|i| value(i, 0)).collect();
            let mut params = vec![f32::NAN; n];
            let mut run = optimizer.start(&layout, &params, &noise).unwrap();
            let mut slots = run.save().unwrap();
            for (place, vector) in slots.vectors.values_mut().enumerate() {
                vector.iter_mut().enumerate().for_each(|(i, x)| *x = value(i, 1 + place as u32 % 2));
            }
            run.restore(&slots).unwrap();
            for _ in 0..3 {
                run.update(Step::new(&gradients), &mut params);
                assert!(params.iter().all(|p| p.is_nan()), "{name} {mode}");
                let mut evaluated = vec![0.0; n];
                run.evaluation_params(&params, &mut evaluated);
                assert!(evaluated.iter().all(|p| p.is_nan()), "{name} {mode}");
            }
        }
    }
}
