//! What every task of a network on data must pass.

use taskset_names::Split;
use taskset_rng::StreamId;

use crate::{Feed, Problem, Task};

fn replica() -> StreamId {
    StreamId::root("model-tests")
}

/// A replica in single precision with its initial parameters.
fn single(task: &dyn Task) -> (Box<dyn Problem<f32>>, Vec<f32>) {
    let mut problem = task.start(&replica());
    let mut params = vec![0.0; task.layout().len()];
    problem.init(&mut params);
    (problem, params)
}

/// The same in double precision.
fn double(task: &dyn Task) -> (Box<dyn Problem<f64>>, Vec<f64>) {
    let mut problem = task.start_f64(&replica());
    let mut params = vec![0.0; task.layout().len()];
    problem.init(&mut params);
    (problem, params)
}

fn norm(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|x| x * x).sum::<f64>().sqrt()
}

/// Gradients equal finite differences; both precisions are the same problem; evaluation in large passes uses the same
/// minibatches as one by one, and leaves training alone; a replica repeats.
pub(crate) fn check(task: &dyn Task) {
    let (mut wide, p64) = double(task);
    let (mut narrow, p32) = single(task);
    let (mut g64, mut g32) = (p64.clone(), p32.clone());
    for feed in [Feed::Training, Feed::Evaluation(Split::Test), Feed::Training] {
        wide.next_batch(feed);
        narrow.next_batch(feed);
        let (a, b) = (narrow.loss_and_gradients(&p32, &mut g32), wide.loss_and_gradients(&p64, &mut g64));
        assert!((f64::from(a) - b).abs() < 1e-5 * b.abs().max(1.0), "{feed:?}: {a} {b}");
        let size = norm(g64.iter().copied());
        let error = norm(g32.iter().zip(&g64).map(|(a, b)| f64::from(*a) - b));
        assert!(error < 2e-5 * size, "{feed:?}: {error:e} of {size:e}");
    }
    let size = norm(g64.iter().copied());
    // The parameters with the largest gradients, and some of all.
    let mut order: Vec<usize> = (0..p64.len()).collect();
    order.sort_by(|&a, &b| g64[b].abs().total_cmp(&g64[a].abs()));
    let some = (0..p64.len()).step_by(p64.len().div_ceil(15));
    for i in order.into_iter().take(10).chain(some) {
        let mut at = |by: f64| {
            let mut params = p64.clone();
            params[i] += by;
            wide.loss(&params)
        };
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        let bound = 1e-5 * difference.abs() + 1e-7 * size + 1e-9;
        assert!((g64[i] - difference).abs() <= bound, "{i}: {} {difference}", g64[i]);
    }
    let (mut large, params) = single(task);
    let (mut small, _) = single(task);
    for split in Split::ALL {
        let batches = 7;
        let all = large.mean_loss(split, &params, batches);
        let mut sum = 0.0;
        for _ in 0..batches {
            small.next_batch(Feed::Evaluation(split));
            sum += f64::from(small.loss(&params));
        }
        assert!((all - sum / f64::from(batches)).abs() < 1e-6 * all.abs().max(1.0), "{split}");
    }
    let (mut fresh, _) = single(task);
    let mut first = params.clone();
    let mut again = params.clone();
    large.next_batch(Feed::Training);
    fresh.next_batch(Feed::Training);
    large.loss_and_gradients(&params, &mut first);
    fresh.loss_and_gradients(&params, &mut again);
    assert!(first.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
}

/// Test losses before and after some steps of Adam with the usual decay rates.
pub(crate) fn train(task: &dyn Task, steps: i32, learning_rate: f32) -> (f64, f64) {
    let (mut problem, mut params) = single(task);
    let before = problem.mean_loss(Split::Test, &params, 10);
    let mut gradients = params.clone();
    let (mut m, mut v) = (vec![0f32; params.len()], vec![0f32; params.len()]);
    for t in 1..=steps {
        problem.next_batch(Feed::Training);
        problem.loss_and_gradients(&params, &mut gradients);
        let (c, d) = (1.0 - 0.9f32.powi(t), 1.0 - 0.999f32.powi(t));
        for (i, &g) in gradients.iter().enumerate() {
            m[i] += 0.1 * (g - m[i]);
            v[i] += 0.001 * (g * g - v[i]);
            params[i] -= learning_rate * (m[i] / c) / ((v[i] / d).sqrt() + 1e-8);
        }
    }
    (before, problem.mean_loss(Split::Test, &params, 10))
}

/// Test loss of ten minibatches at the initial parameters.
pub(crate) fn initial_loss(task: &dyn Task) -> f64 {
    let (mut problem, params) = single(task);
    problem.mean_loss(Split::Test, &params, 10)
}
