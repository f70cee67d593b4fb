//! Checks that the tests of all objectives share.

use proptest::prelude::*;
use taskset_names::Split;
use taskset_rng::StreamId;

use super::real::Real;
use crate::{Feed, Problem, Task};

/// Fails unless two numbers agree to a relative (below 1: absolute) tolerance.
#[track_caller]
pub(crate) fn assert_close(actual: f64, expected: f64, tolerance: f64) {
    let bound = tolerance * expected.abs().max(1.0);
    assert!((actual - expected).abs() <= bound, "{actual} is not {expected} within {bound}");
}

/// Compares the gradient of the current minibatch with central differences of the loss, element by element.
#[track_caller]
pub(crate) fn assert_gradient(problem: &mut dyn Problem<f64>, p: &[f64], tolerance: f64) {
    let mut gradient = vec![f64::NAN; p.len()];
    let loss = problem.loss_and_gradients(p, &mut gradient);
    assert_close(problem.loss(p), loss, 1e-12);
    let scale = gradient.iter().fold(1.0, |m: f64, g| m.max(g.abs())).max(loss.abs() * 1e-3);
    let mut at = p.to_vec();
    for i in 0..p.len() {
        let h = 1e-5 * p[i].abs().max(0.1);
        at[i] = p[i] + h;
        let up = problem.loss(&at);
        at[i] = p[i] - h;
        let down = problem.loss(&at);
        at[i] = p[i];
        let difference = (up - down) / (2.0 * h);
        assert!(
            (gradient[i] - difference).abs() <= tolerance * scale,
            "element {i} at {p:?}: gradient {} but differences say {difference}",
            gradient[i]
        );
    }
}

/// Compares f32 and f64 replicas: initial parameters, loss and gradient of a few minibatches.
#[track_caller]
pub(crate) fn assert_precisions_agree(task: &dyn Task, replica: &StreamId, tolerance: f64) {
    let n = task.layout().len();
    let (mut single, mut double) = (task.start(replica), task.start_f64(replica));
    let (mut p32, mut p64) = (vec![0.0f32; n], vec![0.0f64; n]);
    let (mut g32, mut g64) = (vec![0.0f32; n], vec![0.0f64; n]);
    single.init(&mut p32);
    double.init(&mut p64);
    for (a, b) in p32.iter().zip(&p64) {
        assert_close(f64::from(*a), *b, 1e-6);
    }
    for (p32, p64) in p32.iter().zip(&mut p64) {
        *p64 = f64::from(*p32);
    }
    for feed in [Feed::Training, Feed::Evaluation(Split::Test), Feed::Training] {
        single.next_batch(feed);
        double.next_batch(feed);
        let (a, b) = (single.loss_and_gradients(&p32, &mut g32), double.loss_and_gradients(&p64, &mut g64));
        assert_close(f64::from(a), b, tolerance);
        let scale = g64.iter().fold(1.0, |m: f64, g| m.max(g.abs()));
        for (a, b) in g32.iter().zip(&g64) {
            assert!((f64::from(*a) - b).abs() <= tolerance * scale, "{}: {a} {b} of {scale}", task.name());
        }
    }
}

/// Checks the contract of [`Problem`]: the same replica gives the same numbers, others differ where anything is random,
/// a minibatch is fixed until the next one, evaluation does not shift training, and non-finite parameters do not panic.
#[track_caller]
pub(crate) fn assert_contract(task: &dyn Task) {
    let n = task.layout().len();
    let replica = StreamId::root("contract").index(1);
    let mut plain = task.start(&replica);
    let mut evaluated = task.start(&replica);
    let (mut p, mut q) = (vec![0.0; n], vec![1.0; n]);
    plain.init(&mut p);
    evaluated.init(&mut q);
    assert_eq!(p, q, "{}", task.name());
    let (mut g, mut h) = (vec![f32::NAN; n], vec![f32::NAN; n]);
    for _ in 0..5 {
        for split in Split::ALL {
            let mean = evaluated.mean_loss(split, &q, 3);
            assert!(!p.iter().any(|x| x.is_nan()) || mean.is_nan());
        }
        plain.next_batch(Feed::Training);
        evaluated.next_batch(Feed::Training);
        let a = plain.loss_and_gradients(&p, &mut g);
        let b = evaluated.loss_and_gradients(&q, &mut h);
        assert_eq!((a.to_bits(), bits(&g)), (b.to_bits(), bits(&h)), "{}", task.name());
        let again = evaluated.loss_and_gradients(&q, &mut h);
        assert_eq!((b.to_bits(), bits(&g)), (again.to_bits(), bits(&h)), "{}", task.name());
    }
    plain.init(&mut q);
    assert_eq!(p, q);
    for bad in [f32::NAN, f32::INFINITY, -1e38] {
        q.fill(bad);
        plain.loss(&q);
        plain.loss_and_gradients(&q, &mut g);
    }
}

/// Checks whether evaluation is said to be constant, and that the mean loss has the bits of the sum over minibatches
/// drawn one by one, in both precisions, and leaves behind what they leave.
#[track_caller]
pub(crate) fn assert_evaluation(task: &dyn Task, constant: bool) {
    let replica = StreamId::root("evaluation");
    assert_mean_loss([task.start(&replica), task.start(&replica)], task, constant);
    assert_mean_loss([task.start_f64(&replica), task.start_f64(&replica)], task, constant);
}

#[track_caller]
fn assert_mean_loss<T: Real>(replicas: [Box<dyn Problem<T>>; 2], task: &dyn Task, constant: bool) {
    let n = task.layout().len();
    let [mut plain, mut mean] = replicas;
    assert_eq!(mean.load_evaluation(Split::Train, 7) == 7, constant, "{}", task.name());
    plain.next_batch(Feed::Evaluation(Split::Train));
    let (mut p, mut g, mut h) = (vec![T::zero(); n], vec![T::zero(); n], vec![T::zero(); n]);
    plain.init(&mut p);
    plain.next_batch(Feed::Training);
    mean.next_batch(Feed::Training);
    for batches in [0, 1, 3, 10] {
        let mut sum = 0.0;
        for _ in 0..batches {
            plain.next_batch(Feed::Evaluation(Split::Test));
            sum += plain.loss(&p).to_f64().unwrap();
        }
        let expected = sum / f64::from(batches);
        let found = mean.mean_loss(Split::Test, &p, batches);
        // A sum of equal losses in f64 may round; of losses in f32 it is exact.
        let rounds = size_of::<T>() == 8 && (found - expected).abs() <= 1e-15 * expected.abs();
        assert!(found.to_bits() == expected.to_bits() || rounds, "{}: {found} {expected}", task.name());
        // The current minibatch and its noise on the gradient, then those of the next one.
        for _ in 0..2 {
            plain.loss_and_gradients(&p, &mut g);
            mean.loss_and_gradients(&p, &mut h);
            assert!(
                g.iter().zip(&h).all(|(a, b)| a.integer_decode() == b.integer_decode()),
                "{}",
                task.name()
            );
            plain.next_batch(Feed::Training);
            mean.next_batch(Feed::Training);
        }
    }
}

/// Checks that trials in lockstep have the bits that each has alone, on training minibatches and in evaluation, whatever
/// their number, in both precisions; and that a trial of NaN stays one if the task says so.
#[track_caller]
pub(crate) fn assert_lockstep(task: &dyn Task) {
    let replica = StreamId::root("lockstep");
    assert_company([task.start(&replica), task.start(&replica)], task);
    assert_company([task.start_f64(&replica), task.start_f64(&replica)], task);
    let mut problem = task.start(&replica);
    let nan = vec![f32::NAN; task.layout().len()];
    for _ in 0..20 {
        problem.next_batch(Feed::Training);
        let mut gradient = nan.clone();
        assert!(
            !task.capabilities().nan_is_absorbing || problem.loss_and_gradients(&nan, &mut gradient).is_nan()
        );
        for split in Split::ALL {
            assert!(!task.capabilities().nan_is_absorbing || problem.mean_loss(split, &nan, 1).is_nan());
        }
    }
}

#[track_caller]
fn assert_company<T: Real>([mut alone, mut group]: [Box<dyn Problem<T>>; 2], task: &dyn Task) {
    let n = task.layout().len();
    let mut start = vec![T::zero(); n];
    alone.init(&mut start);
    let same = |a: T, b: T| a.wide().to_bits() == b.wide().to_bits() || a.is_nan() && b.is_nan();
    for count in [1, 2, 3, 8, 25, 1] {
        // Every trial somewhere else, one of them diverged.
        let mut params: Vec<T> = (0..count)
            .flat_map(|k| start.iter().enumerate().map(move |(i, &p)| p + T::of(((k * 7 + i) as f64).sin())))
            .collect();
        if count > 2 {
            params[n..2 * n].fill(T::nan());
        }
        let (mut gradients, mut gradient) = (vec![T::nan(); count * n], vec![T::nan(); n]);
        let mut losses = vec![T::zero(); count];
        alone.next_batch(Feed::Training);
        group.next_batch(Feed::Training);
        group.losses_and_gradients(&params, &mut gradients, &mut losses);
        for (k, row) in params.chunks_exact(n).enumerate() {
            let loss = alone.loss_and_gradients(row, &mut gradient);
            assert!(same(loss, losses[k]), "{} {count} {k}: {loss} {}", task.name(), losses[k]);
            let mut pairs = gradient.iter().zip(&gradients[k * n..]);
            assert!(pairs.all(|(&a, &b)| same(a, b)), "{} {count} {k}", task.name());
        }
        // Evaluation: the same minibatches for all.
        let mut means = vec![0.0; count];
        group.mean_losses(Split::ValidInner, &params, 3, &mut means);
        let mut sums = vec![0.0; count];
        for _ in 0..3 {
            alone.next_batch(Feed::Evaluation(Split::ValidInner));
            for (row, sum) in params.chunks_exact(n).zip(&mut sums) {
                *sum += alone.loss(row).wide();
            }
        }
        for (mean, sum) in means.iter().zip(&sums) {
            let expected = sum / 3.0;
            assert!(mean.to_bits() == expected.to_bits() || mean.is_nan() && expected.is_nan());
        }
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Points with no coordinate near 0, where several objectives have kinks or poles.
pub(crate) fn points(n: usize) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(prop_oneof![0.2f64..2.5, -2.5f64..-0.2], n)
}
