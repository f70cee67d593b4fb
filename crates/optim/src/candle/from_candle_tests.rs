//! Tests of candle's optimizers as optimizers of this crate: their trajectories, broken gradients, errors.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{Var, bail};
use candle_nn::{Optimizer as _, ParamsAdamW, SGD};
use taskset_params::Layout;
use taskset_rng::StreamId;

use super::FromCandle;
use super::tests::numbers;
use crate::{AdamW, Config, Facts, Mode, Optimizer, OptimizerIdentity, Real, Run, Sgd, Step, real};

fn identity(name: &str) -> OptimizerIdentity {
    OptimizerIdentity::new(name, "from_candle", [], 1)
}

fn adamw() -> impl Optimizer {
    FromCandle::new(identity("candle-adamw"), |vars| {
        candle_nn::AdamW::new(vars, ParamsAdamW { lr: 0.01, weight_decay: 0.1, ..ParamsAdamW::default() })
    })
}

fn sgd() -> impl Optimizer {
    FromCandle::new(identity("candle-sgd"), |vars| SGD::new(vars, 0.05))
}

fn configured(config: impl Into<Config>) -> impl Optimizer {
    config.into().configured(Mode::default(), 30).unwrap()
}

fn layout() -> Arc<Layout> {
    let mut layout = Layout::default();
    layout.push("w", &[3, 4]);
    layout.push("none", &[0, 2]);
    layout.push("scalar", &[]);
    layout.push("b", &[4]);
    Arc::new(layout)
}

fn gradients<T: Real>(step: u64) -> Vec<T> {
    numbers(&format!("gradient {step}"), 17).into_iter().map(real).collect()
}

/// The parameters after each of 30 updates.
fn trajectory<T: Real>(mut run: Box<dyn Run<T>>) -> Vec<Vec<T>> {
    let mut params: Vec<T> = start();
    let updated = (0..30).map(|step| {
        run.update(Step::new(&gradients(step)), &mut params);
        params.clone()
    });
    updated.collect()
}

fn start<T: Real>() -> Vec<T> {
    numbers("start", 17).into_iter().map(real).collect()
}

fn check_same<T: Real>(candle: Box<dyn Run<T>>, ours: Box<dyn Run<T>>, tolerance: f64) {
    let pairs = trajectory(candle).into_iter().zip(trajectory(ours));
    for (step, (candle, ours)) in pairs.enumerate() {
        for (&a, &b) in candle.iter().zip(&ours) {
            let difference = (a - b).abs().to_f64().unwrap();
            assert!(
                difference <= tolerance * b.abs().to_f64().unwrap().max(1.0),
                "step {step}: {a:?}, {b:?}"
            );
        }
    }
}

fn check(candle: &dyn Optimizer, ours: &dyn Optimizer) {
    let (layout, noise) = (layout(), StreamId::root("any"));
    let single = |optimizer: &dyn Optimizer| optimizer.start(&layout, &start(), &noise).unwrap();
    check_same(single(candle), single(ours), 1e-6);
    let double = |optimizer: &dyn Optimizer| optimizer.start_f64(&layout, &start(), &noise).unwrap();
    check_same(double(candle), double(ours), 1e-14);
}

#[test]
fn candles_own_optimizers_do_the_same_as_ours() {
    check(&adamw(), &configured(AdamW { learning_rate: 0.01, weight_decay: 0.1, ..AdamW::DEFAULT }));
    check(&sgd(), &configured(Sgd { learning_rate: 0.05, ..Sgd::DEFAULT }));
}

#[test]
fn a_broken_gradient_is_survived() {
    for optimizer in [&adamw() as &dyn Optimizer, &sgd()] {
        for broken in [f32::NAN, f32::INFINITY] {
            let mut params = start();
            let mut run = optimizer.start(&layout(), &params, &StreamId::root("any")).unwrap();
            let mut gradients = gradients(0);
            gradients[5] = broken;
            run.update(Step::new(&gradients), &mut params);
            run.skip();
            run.update(Step::new(&gradients), &mut params);
            assert!(!params[5].is_finite());
            assert!(params.iter().enumerate().all(|(i, p)| i == 5 || p.is_finite()), "{params:?}");
        }
    }
}

#[test]
fn rates_can_be_set_and_states_not_saved() {
    let mut run = sgd().start(&layout(), &start(), &StreamId::root("any")).unwrap();
    assert!(run.set_base_learning_rate(0.5) && run.learning_rate() == Some(0.5));
    let saved = run.save().unwrap_err().to_string();
    assert!(saved.contains("the state of candle-sgd cannot be saved"), "{saved}");
    assert!(run.restore(&crate::Slots::new(0)).is_err());
    let claimed = FromCandle::new(identity("claimed"), |vars| SGD::new(vars, 0.1));
    assert!(!claimed.facts().elementwise && claimed.facts().moves_without_gradient);
    let facts = Facts { elementwise: true, keeps_nan: true, evaluates_elsewhere: true, ..Facts::default() };
    assert_eq!(claimed.with_facts(facts).facts(), Facts { evaluates_elsewhere: false, ..facts });
}

/// Fails in its third step.
struct Failing(u32);

impl candle_nn::Optimizer for Failing {
    type Config = ();

    fn new(vars: Vec<Var>, (): ()) -> candle_core::Result<Self> {
        if vars.len() < 2 {
            bail!("too few variables");
        }
        Ok(Self(0))
    }

    fn step(&mut self, _: &GradStore) -> candle_core::Result<()> {
        self.0 += 1;
        if self.0 == 3 {
            bail!("no memory");
        }
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        0.0
    }

    fn set_learning_rate(&mut self, _: f64) {}
}

#[test]
fn errors_of_candle_end_in_nan_and_are_kept() {
    let optimizer = FromCandle::new(identity("failing"), |vars| Failing::new(vars, ()));
    let noise = StreamId::root("any");
    let message = optimizer.start(&Arc::new(Layout::flat(3)), &[0.0; 3], &noise).err().unwrap().to_string();
    assert!(message.contains("failing") && message.contains("too few variables"), "{message}");
    let clone = optimizer.clone();
    let trajectory = trajectory::<f32>(optimizer.start(&layout(), &start(), &noise).unwrap());
    assert!(trajectory[1] == start::<f32>() && trajectory[2..].iter().flatten().all(|p| p.is_nan()));
    // A backtrace may follow.
    assert!(clone.failure().is_some_and(|failure| failure.starts_with("no memory")));
    let mut run = optimizer.start(&layout(), &start(), &noise).unwrap();
    assert!(!run.set_base_learning_rate(0.5));
}

#[cfg(feature = "contract")]
#[test]
fn candles_adamw_keeps_the_laws_that_need_no_saved_state() {
    use proptest::test_runner::{Config as RunnerConfig, TestRng, TestRunner};

    use crate::contract::{laws, problems};

    let optimizer = adamw();
    let config = RunnerConfig { failure_persistence: None, cases: 64, ..RunnerConfig::default() };
    let rng = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&problems(), |problem| {
        laws::starting_changes_nothing::<f32>(&optimizer, &problem)?;
        laws::zero_gradients_are_harmless(&optimizer, &problem)?;
        laws::a_broken_gradient_is_survived(&optimizer, &problem)?;
        laws::the_first_update_is_finite::<f32>(&optimizer, &problem)?;
        laws::evaluation_is_where_it_is_said_to_be(&optimizer, &problem)
    });
    result.unwrap();
}
