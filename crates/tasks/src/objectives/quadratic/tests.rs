//! Tests of `quadratic_family`: gradients, expectations, noise, memory.

use super::*;
use crate::objectives::testing::{
    assert_close, assert_contract, assert_evaluation, assert_gradient, assert_lockstep,
    assert_precisions_agree, points,
};
use proptest::prelude::*;

const KINDS: [Distribution; 4] = [
    Distribution::Normal { mean: 0.3, std: 1.2 },
    Distribution::Uniform { min: -1.0, max: 2.0 },
    Distribution::LinspaceEigen { min: 0.5, max: 4.0 },
    Distribution::LogspaceEigen { min: 1e-5, max: 10.0 },
];

fn config(a_dist: Distribution, a_noise: Option<Distribution>, output_fn: OutputFn) -> QuadraticConfig {
    QuadraticConfig {
        a_dist,
        initial_dist: Distribution::Uniform { min: -1.0, max: 3.0 },
        output_fn,
        dims: 7,
        seed: 12,
        loss_scale: 0.3,
        a_noise,
    }
}

fn build(config: &QuadraticConfig) -> Arc<dyn Task> {
    Quadratic::new(config.clone(), format!("{config:?}")).task("quadratic", Group::OWN)
}

fn all() -> Vec<QuadraticConfig> {
    let mut configs = Vec::new();
    for a in KINDS {
        for noise in [None].into_iter().chain(KINDS.map(Some)) {
            for output in [OutputFn::Identity, OutputFn::Log] {
                configs.push(config(a, noise, output));
            }
        }
    }
    configs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn gradients_are_derivatives(x in points(7), replica in any::<u64>()) {
        for config in all() {
            let mut problem = build(&config).start_f64(&StreamId::root("t").index(replica));
            problem.next_batch(Feed::Training);
            assert_gradient(&mut *problem, &x, 1e-5);
        }
    }
}

#[test]
fn contract_and_precisions() {
    for config in all() {
        let task = build(&config);
        assert_contract(&*task);
        assert_lockstep(&*task);
        assert_evaluation(&*task, config.a_noise.is_none());
        assert_precisions_agree(&*task, &StreamId::root("t"), 2e-4);
    }
}

#[test]
fn lockstep_changes_no_bit_across_blocks_and_panels() {
    for noise in KINDS {
        let config = QuadraticConfig { dims: 260, ..config(KINDS[0], Some(noise), OutputFn::Log) };
        let task = build(&config);
        let [mut alone, mut group] = [0; 2].map(|_| task.start(&StreamId::root("t")));
        let params: Vec<f32> = (0..3 * 260).map(|i| (i as f32).sin()).collect();
        let (mut gradients, mut gradient) = (params.clone(), vec![0.0; 260]);
        let mut losses = [0.0; 3];
        for problem in [&mut alone, &mut group] {
            problem.next_batch(Feed::Training);
        }
        group.losses_and_gradients(&params, &mut gradients, &mut losses);
        for (k, row) in params.chunks_exact(260).enumerate() {
            assert_eq!(alone.loss_and_gradients(row, &mut gradient), losses[k]);
            assert_eq!(gradient, gradients[k * 260..(k + 1) * 260]);
        }
    }
}

/// Mean of an element and of its square.
fn moments(distribution: Distribution) -> (f64, f64) {
    match distribution {
        Distribution::Normal { mean, std } => (mean, mean * mean + std * std),
        Distribution::Uniform { min, max } => ((min + max) / 2.0, (min * min + min * max + max * max) / 3.0),
        _ => unreachable!("independent elements only"),
    }
}

#[test]
fn initial_losses_are_those_of_theory() {
    // For independent elements E‖(A + N) x‖² = n [v n s₂ + m₁² E(Σx)²], with the mean m₁ and variance v of an element
    // of A + N, and the second moment s₂ of an element of x.
    let n = 40;
    let start = Distribution::Normal { mean: 0.4, std: 1.1 };
    let (s1, s2) = moments(start);
    for (a, noise) in
        [(KINDS[0], None), (KINDS[1], None), (KINDS[0], Some(KINDS[1])), (KINDS[1], Some(KINDS[0]))]
    {
        let (a1, a2) = moments(a);
        let (n1, n2) = noise.map_or((0.0, 0.0), moments);
        let (m1, variance) = (a1 + n1, a2 - a1 * a1 + n2 - n1 * n1);
        let dims = n as f64;
        let sum_squared = dims * (s2 - s1 * s1) + (dims * s1).powi(2);
        let expected = 0.3 * dims * (variance * dims * s2 + m1 * m1 * sum_squared);
        check_initial_loss(a, noise, start, n, expected);
    }
    // A start of mean 0 has E‖Q diag(λ) Qᵀ x‖² = s₂ Σλ² for every Q.
    let centred = Distribution::Normal { mean: 0.0, std: 1.1 };
    let eigenvalues = (0..n).map(|i| 0.5 + 3.5 * i as f64 / (n - 1) as f64);
    let expected = 0.3 * 1.21 * eigenvalues.map(|value| value * value).sum::<f64>();
    check_initial_loss(KINDS[2], None, centred, n, expected);
}

/// The mean initial loss over many seeds against its expectation, within five standard errors.
#[track_caller]
fn check_initial_loss(
    a_dist: Distribution,
    a_noise: Option<Distribution>,
    initial_dist: Distribution,
    dims: usize,
    expected: f64,
) {
    let losses: Vec<f64> = (1..=300)
        .map(|seed| {
            let config =
                QuadraticConfig { initial_dist, dims, seed, ..config(a_dist, a_noise, OutputFn::Identity) };
            let mut problem = build(&config).start_f64(&StreamId::root("t").index(u64::from(seed)));
            let mut x = vec![0.0; dims];
            problem.init(&mut x);
            problem.mean_loss(Split::Test, &x, 1)
        })
        .collect();
    let count = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / count;
    let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let error = (variance / count).sqrt();
    assert!(
        (mean - expected).abs() < 5.0 * error,
        "{a_dist:?} {a_noise:?}: {mean} ± {error}, expected {expected}"
    );
    assert!(error < 0.1 * expected, "{error} of {expected} tells nothing");
}

#[test]
fn a_scaled_identity_has_a_known_loss_for_every_q() {
    // All eigenvalues equal: A = 3 I whatever Q is, and N = 0.5 I.
    let a = Distribution::LinspaceEigen { min: 3.0, max: 3.0 };
    let n = Distribution::LogspaceEigen { min: 0.5, max: 0.5 };
    let x = [1.0, -1.0, 0.5, 0.0, 2.0, 0.0, 0.0];
    let mut g = [0.0; 7];
    for (noise, factor) in [(None, 3.0), (Some(n), 3.5)] {
        let mut problem = build(&config(a, noise, OutputFn::Identity)).start_f64(&StreamId::root("t"));
        problem.next_batch(Feed::Evaluation(Split::Test));
        let q = factor * factor * 6.25;
        assert_close(problem.loss_and_gradients(&x, &mut g), 0.3 * q, 1e-12);
        assert_close(g[0], 0.6 * factor * factor, 1e-12);
        let mut problem = build(&config(a, noise, OutputFn::Log)).start_f64(&StreamId::root("t"));
        problem.next_batch(Feed::Training);
        assert_close(problem.loss(&x), 0.3 * (q + 1e-8).ln(), 1e-12);
    }
}

#[test]
fn the_logarithm_at_zero_is_finite() {
    let mut problem = build(&config(KINDS[0], None, OutputFn::Log)).start_f64(&StreamId::root("t"));
    let mut g = [1.0; 7];
    assert_close(problem.loss_and_gradients(&[0.0; 7], &mut g), 0.3 * 1e-8f64.ln(), 1e-12);
    assert_eq!(g, [0.0; 7]);
    let mut problem = build(&config(KINDS[0], None, OutputFn::Log)).start(&StreamId::root("t"));
    assert!(problem.loss(&[f32::NAN; 7]).is_nan());
}

#[test]
fn seeded_instances_are_shared_and_unseeded_ones_are_not() {
    for seed in [0, 5] {
        let config = QuadraticConfig { seed, ..config(KINDS[0], None, OutputFn::Identity) };
        let task = build(&config);
        let [(p, a), (q, b)] = [0, 1].map(|replica| {
            let mut problem = task.start_f64(&StreamId::root("t").index(replica));
            let mut p = [0.0; 7];
            problem.init(&mut p);
            (p, problem.loss(&[1.0; 7]).to_bits())
        });
        assert_eq!((p == q, a == b), (seed != 0, seed != 0));
    }
}

#[test]
fn noise_is_drawn_anew_for_each_minibatch() {
    for noise in KINDS {
        let mut problem =
            build(&config(KINDS[1], Some(noise), OutputFn::Identity)).start(&StreamId::root("t"));
        let losses: Vec<f32> = (0..3)
            .map(|_| {
                problem.next_batch(Feed::Training);
                problem.loss(&[1.0; 7])
            })
            .collect();
        assert!(losses[0].to_bits() != losses[1].to_bits() && losses[1].to_bits() != losses[2].to_bits());
    }
}
