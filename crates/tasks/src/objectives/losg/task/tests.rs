//! Tests of every kind and wrapper through the `Task` interface.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use taskset_nn::Activation;

use super::*;
use crate::objectives::testing::{
    assert_close, assert_contract, assert_evaluation, assert_gradient, assert_lockstep,
    assert_precisions_agree, points,
};
use crate::objectives::two_d_functions::TestFunction;

const FUNCTIONS: [TestFunction; 8] = [
    TestFunction::StyblinskiTang,
    TestFunction::Ackley,
    TestFunction::Beale,
    TestFunction::Branin,
    TestFunction::Logsumexp,
    TestFunction::Matyas,
    TestFunction::Michalewicz,
    TestFunction::Rosenbrock,
];

/// One problem of each kind that is not a wrapper, with gradient noise where the kind has it.
fn bases(noise_stdev: f64) -> Vec<LosgProblem> {
    use LosgProblem as P;
    let mut all = vec![
        P::Quadratic { dim: 5, noise_stdev },
        P::MinMaxWell { dim: 4, noise_stdev },
        P::Bowl { cond: 4.0, angle: 0.7, noise_stdev },
        P::SparseSoftmaxRegression { n_features: 3, n_classes: 2, noise_stdev, bs: 9, n_samples: 11 },
        P::Norm { dim: 4, norm_power: 1.7 },
        P::Norm { dim: 4, norm_power: 0.4 },
        P::DependencyChain { dim: 4, bs: 3, n_samples: 100 },
        P::OutwardSnake { dim: 5, bs: 4, n_samples: 100 },
        P::SumOfQuadratics { dim: 3, bs: 200, n_samples: 101 },
        P::ProjectionQuadratic { dim: 4, bs: 6, n_samples: 100 },
    ];
    all.extend(FUNCTIONS.map(|problem| P::OptimizationTestProblem { problem, noise_stdev }));
    for activation in Activation::ALL {
        all.push(P::FullyConnected {
            n_features: 3,
            n_classes: 2,
            activation,
            bs: 20,
            n_samples: 6,
            hidden_sizes: vec![5, 4],
        });
    }
    all
}

/// Every kind, and every wrapper around every kind.
fn all(noise_stdev: f64) -> Vec<LosgProblem> {
    use LosgProblem as P;
    let bases = bases(noise_stdev);
    let wrap =
        |f: &dyn Fn(Box<P>) -> P| -> Vec<P> { bases.iter().map(|base| f(Box::new(base.clone()))).collect() };
    [
        bases.clone(),
        wrap(&|base| P::Sparse { base, zero_probability: 0.5, noise_stdev }),
        wrap(&|base| P::Rescale { base, scale: 0.3 }),
        wrap(&|base| P::LogObjective { base }),
    ]
    .concat()
}

fn build(config: &LosgConfig) -> Result<Arc<dyn Task>, Infeasible> {
    Ok(Losg::new(config.clone(), format!("{config:?}"))?.task("losg", Group::OWN))
}

fn task(problem: &LosgProblem) -> Arc<dyn Task> {
    build(&LosgConfig { problem: problem.clone(), problem_seed: 17 }).unwrap()
}

fn replica(index: u64) -> StreamId {
    StreamId::root("losg").index(index)
}

proptest! {
    // The points are fixed: in one run of some dozens, a point would lie so near a kink of relu that differences cross it.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(8) })]
    #[test]
    fn gradients_are_derivatives(p in points(64), seed in any::<u64>()) {
        for problem in all(0.5) {
            let task = task(&problem);
            let mut started = task.start_f64(&replica(seed));
            // An evaluation minibatch: no noise on the gradient.
            started.next_batch(Feed::Evaluation(Split::ValidInner));
            let p = &p[..task.layout().len()];
            // Logarithms of negative minibatches have no derivative.
            if started.loss(p).is_finite() {
                assert_gradient(&mut *started, p, 1e-4);
            }
        }
    }
}

#[test]
fn contract() {
    for problem in all(0.5) {
        assert_contract(&*task(&problem));
    }
}

#[test]
fn lockstep_changes_no_bit() {
    for problem in all(0.5) {
        assert_lockstep(&*task(&problem));
    }
}

#[test]
fn mean_losses_are_those_of_minibatches_one_by_one() {
    use LosgProblem as P;
    for problem in all(0.5) {
        let base = match &problem {
            P::Sparse { base, .. } | P::Rescale { base, .. } | P::LogObjective { base } => base,
            base => base,
        };
        let constant = matches!(
            base.kind(),
            "quadratic"
                | "norm"
                | "min_max_well"
                | "bowl"
                | "dependency_chain"
                | "optimization_test_problems"
        );
        assert_evaluation(&*task(&problem), constant);
    }
}

#[test]
fn precisions_agree() {
    for problem in all(0.5) {
        // Starts of steep functions lose digits in the logarithm's small differences.
        assert_precisions_agree(&*task(&problem), &replica(3), 1e-3);
    }
}

/// Difference between the gradient of a training minibatch and the clean gradient.
fn noise_of(problem: &LosgProblem, clean: &LosgProblem) -> Vec<f64> {
    let (noisy, clean) = (task(problem), task(clean));
    let n = noisy.layout().len();
    let p: Vec<f64> = (0..n).map(|i| 0.4 + (i as f64).sin()).collect();
    let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
    let (mut noisy, mut clean) = (noisy.start_f64(&replica(0)), clean.start_f64(&replica(0)));
    noisy.next_batch(Feed::Training);
    clean.next_batch(Feed::Training);
    let (a, b) = (noisy.loss_and_gradients(&p, &mut g), clean.loss_and_gradients(&p, &mut h));
    assert_eq!(a.to_bits(), b.to_bits(), "noise must not touch the loss");
    g.iter().zip(&h).map(|(g, h)| g - h).collect()
}

#[test]
fn gradient_noise_has_its_standard_deviation_and_wrappers_ignore_that_of_the_base() {
    let quadratic = |noise_stdev| LosgProblem::Quadratic { dim: 300, noise_stdev };
    let noise = noise_of(&quadratic(2.0), &quadratic(0.0));
    let variance = noise.iter().map(|x| x * x).sum::<f64>() / 300.0;
    assert!((variance - 4.0).abs() < 5.0 * 4.0 * (2.0f64 / 300.0).sqrt(), "{variance}");
    let rescale = |noise| LosgProblem::Rescale { base: Box::new(quadratic(noise)), scale: 2.0 };
    assert!(noise_of(&rescale(2.0), &rescale(0.0)).iter().all(|&x| x == 0.0));
    let log = |noise| LosgProblem::LogObjective { base: Box::new(quadratic(noise)) };
    assert!(noise_of(&log(2.0), &log(0.0)).iter().all(|&x| x == 0.0));
}

#[test]
fn the_sparse_wrapper_zeroes_without_noise_on_zeros() {
    let base = Box::new(LosgProblem::MinMaxWell { dim: 1000, noise_stdev: 3.0 });
    let sparse = LosgProblem::Sparse { base, zero_probability: 0.9, noise_stdev: 1.0 };
    let mut started = task(&sparse).start_f64(&replica(0));
    let p: Vec<f64> = (0..1000).map(|i| 1.0 + f64::from(i)).collect();
    let mut g = vec![f64::NAN; 1000];
    started.next_batch(Feed::Training);
    started.loss_and_gradients(&p, &mut g);
    let zeros = g.iter().filter(|&&x| x == 0.0).count();
    assert!((850..950).contains(&zeros), "{zeros}");
}

#[test]
fn seeded_instances_are_shared_and_those_under_sparse_are_not() {
    let quadratic = LosgProblem::Quadratic { dim: 6, noise_stdev: 0.0 };
    let base = Box::new(quadratic.clone());
    for (problem, shared) in [
        (quadratic, true),
        (LosgProblem::Rescale { base: base.clone(), scale: 3.0 }, true),
        (LosgProblem::LogObjective { base: base.clone() }, true),
        (LosgProblem::Sparse { base, zero_probability: 0.95, noise_stdev: 0.0 }, false),
    ] {
        let task = task(&problem);
        let [a, b] = [0, 1].map(|r| task.start_f64(&replica(r)).loss(&[1.0; 6]).to_bits());
        assert_eq!(a == b, shared, "{problem:?}");
    }
}

/// Mean and standard deviation of the initial parameters over many replicas.
fn initial_moments(problem: &LosgProblem, tensor: usize) -> (f64, f64) {
    let task = task(problem);
    let tensor = task.layout().tensors()[tensor].clone();
    let mut values = Vec::new();
    let mut p = vec![0.0; task.layout().len()];
    for r in 0..400 {
        task.start_f64(&replica(r)).init(&mut p);
        values.extend_from_slice(&p[tensor.offset..tensor.offset + tensor.len()]);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt())
}

#[track_caller]
fn check_moments(problem: &LosgProblem, tensor: usize, mean: f64, std: f64) {
    let (m, s) = initial_moments(problem, tensor);
    assert!(
        (m - mean).abs() < 0.2 * std && (s - std).abs() < 0.1 * std,
        "{problem:?}: {m} {s}, not {mean} {std}"
    );
}

#[test]
fn initial_parameters_have_their_moments() {
    use LosgProblem as P;
    let branin = P::OptimizationTestProblem { problem: TestFunction::Matyas, noise_stdev: 0.0 };
    let uniform = 20.0 / 12f64.sqrt();
    check_moments(&branin, 0, 0.0, uniform);
    check_moments(&P::Rescale { base: Box::new(branin.clone()), scale: 50.0 }, 0, 0.0, 50.0 * uniform);
    // QUIRK-30.
    check_moments(&P::LogObjective { base: Box::new(branin.clone()) }, 0, 0.0, 1.0);
    let sparse = |base| P::Sparse { base: Box::new(base), zero_probability: 0.9, noise_stdev: 0.0 };
    check_moments(&sparse(branin), 0, 0.0, 1.0);
    check_moments(&P::Quadratic { dim: 10, noise_stdev: 0.0 }, 0, 0.0, 1.0);
    let network = P::FullyConnected {
        n_features: 9,
        n_classes: 2,
        activation: Activation::Relu,
        bs: 1,
        n_samples: 1,
        hidden_sizes: vec![4],
    };
    for (tensor, fan) in [(0, 9.0), (1, 4.0), (2, 4.0), (3, 2.0f64)] {
        check_moments(&network, tensor, 0.0, 1.2 / fan.sqrt());
    }
    check_moments(&sparse(network), 0, 0.0, 1.0);
}

/// The mean initial loss over many replicas against its expectation, within five standard errors.
#[track_caller]
fn check_initial_loss(problem: &LosgProblem, expected: f64) {
    let losses: Vec<f64> = (0..600)
        .map(|seed| {
            let config = LosgConfig { problem: problem.clone(), problem_seed: seed };
            let task = build(&config).unwrap();
            let mut started = task.start_f64(&replica(u64::from(seed)));
            let mut p = vec![0.0; task.layout().len()];
            started.init(&mut p);
            started.mean_loss(Split::ValidOuter, &p, 1)
        })
        .collect();
    let count = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / count;
    let error = (losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (count - 1.0) / count).sqrt();
    assert!((mean - expected).abs() < 5.0 * error, "{problem:?}: {mean} ± {error}, expected {expected}");
    assert!(error < 0.1 * expected, "{error} of {expected} tells nothing");
}

#[test]
fn initial_losses_are_those_of_theory() {
    use LosgProblem as P;
    // ½ E‖W p − y‖² = ½ n (n + 1) for standard normal W, p and y.
    check_initial_loss(&P::Quadratic { dim: 10, noise_stdev: 0.0 }, 55.0);
    // ½ E‖M p‖² = ½ (cond + 1), whatever the angle.
    check_initial_loss(&P::Bowl { cond: 4.0, angle: 0.7, noise_stdev: 0.0 }, 2.5);
    // Σ_b Σ_i E (p_i x_{b,i})² = bs · dim.
    check_initial_loss(&P::ProjectionQuadratic { dim: 8, bs: 5, n_samples: 400 }, 40.0);
    // Σ_b E‖p‖² − 2 p · Σ_b x_b: the examples come in pairs, so the second part has mean 0.
    check_initial_loss(&P::SumOfQuadratics { dim: 8, bs: 5, n_samples: 400 }, 40.0);
    // The same in other parameters: p / scale has the distribution of the base's start.
    let base = Box::new(P::ProjectionQuadratic { dim: 8, bs: 5, n_samples: 400 });
    check_initial_loss(&P::Rescale { base, scale: 30.0 }, 40.0);
    let bowl = Box::new(P::Bowl { cond: 1.0, angle: 0.0, noise_stdev: 0.0 });
    // E log(½‖p‖² + 1e-6) − log 1e-6, where ½‖p‖² is exponential: −γ + 6 ln 10, up to 1e-5.
    check_initial_loss(&P::LogObjective { base: bowl }, 6.0 * 10f64.ln() - 0.577_215_664_901_532_9);
}

#[test]
fn parameter_counts() {
    use LosgProblem as P;
    let count = |problem: P| task(&problem).layout().len();
    assert_eq!(
        count(P::SparseSoftmaxRegression {
            n_features: 54,
            n_classes: 2,
            noise_stdev: 0.0,
            bs: 29,
            n_samples: 18
        }),
        218
    );
    assert_eq!(count(P::Norm { dim: 984, norm_power: 4.669531060759428 }), 984);
    assert_eq!(count(P::DependencyChain { dim: 7, bs: 1, n_samples: 100 }), 8);
    assert_eq!(
        count(P::LogObjective { base: Box::new(P::Bowl { cond: 1.0, angle: 0.0, noise_stdev: 0.0 }) }),
        2
    );
}

#[test]
fn a_negative_minibatch_has_no_logarithm() {
    let base = Box::new(LosgProblem::SumOfQuadratics { dim: 2, bs: 1, n_samples: 100 });
    let mut clean = task(&base).start(&replica(0));
    let mut log = task(&LosgProblem::LogObjective { base }).start(&replica(0));
    let (mut g, mut nans) = ([0.0; 2], 0);
    for _ in 0..50 {
        clean.next_batch(Feed::Training);
        log.next_batch(Feed::Training);
        let (value, logarithm) = (clean.loss(&[0.2, 0.2]), log.loss_and_gradients(&[0.2, 0.2], &mut g));
        assert_eq!(value < -1e-6, logarithm.is_nan());
        nans += usize::from(logarithm.is_nan());
    }
    assert!(nans > 0);
}

#[test]
fn data_differ_between_replicas() {
    let snake = task(&LosgProblem::ProjectionQuadratic { dim: 3, bs: 5, n_samples: 100 });
    let [a, b] = [0, 1].map(|r| {
        let mut started = snake.start_f64(&replica(r));
        started.next_batch(Feed::Training);
        started.loss(&[1.0; 3])
    });
    assert_ne!(a.to_bits(), b.to_bits());
    // The mean over many minibatches is bs · dim for rows of N(0, 1): splits read the same data.
    let mut started = snake.start_f64(&replica(0));
    let [train, test] = [Split::Train, Split::Test].map(|split| started.mean_loss(split, &[1.0; 3], 2000));
    assert_close(train, test, 0.02);
}

#[test]
fn impossible_configurations_are_errors() {
    use LosgProblem as P;
    let bowl = || Box::new(P::Bowl { cond: 1.0, angle: 0.0, noise_stdev: 0.0 });
    for problem in [
        P::Quadratic { dim: 0, noise_stdev: 0.0 },
        P::SumOfQuadratics { dim: 3, bs: 1, n_samples: 1 },
        P::OutwardSnake { dim: 3, bs: 0, n_samples: 10 },
        P::SparseSoftmaxRegression { n_features: 3, n_classes: 3, noise_stdev: 0.0, bs: 1, n_samples: 1 },
        P::LogObjective { base: Box::new(P::Rescale { base: bowl(), scale: 1.0 }) },
    ] {
        let config = LosgConfig { problem: problem.clone(), problem_seed: 0 };
        assert!(matches!(build(&config), Err(Infeasible(_))), "{problem:?}");
    }
}

#[test]
fn sampled_configurations_build_with_the_described_number_of_parameters() {
    let data = taskset_datasets::Datasets::new(taskset_datasets::Source::Synthetic);
    for seed in 0..200 {
        let name = format!("losg_tasks_family_seed{seed}");
        let (task, described) = (crate::build(&name, &data).unwrap(), crate::describe(&name).unwrap());
        let n = task.layout().len();
        assert_eq!(n as u64, described.num_params, "{name}");
        assert_eq!(task.flops_per_step().to_bits(), described.flops_per_step.to_bits(), "{name}");
        // Large instances take long to draw.
        if n < 150 {
            let mut started = task.start(&replica(0));
            let (mut p, mut g) = (vec![0.0; n], vec![f32::NAN; n]);
            started.init(&mut p);
            started.next_batch(Feed::Training);
            let loss = started.loss_and_gradients(&p, &mut g);
            // Only a logarithm of a negative minibatch is not finite at a start.
            assert!(g.iter().all(|g| g.is_finite()), "{name}: {loss} {g:?}");
        }
    }
}
