//! What optimizers and runs report, and what they count: facts, sizes, learning rates, steps without a gradient.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use taskset_optim::{
    Clipped, Config, Configured, Error, Family, Mode, Optimizer, OptimizerIdentity, Run, Slots, Step,
    families,
};
use taskset_params::{Kind, Layout, Position, Role};
use taskset_rng::StreamId;

/// The first 20 members of every family, and the defaults, on schedules of 50 steps.
fn configurations() -> Vec<(Config, Configured)> {
    let members = families().iter().flat_map(|info| {
        let default = info.default_config().map(|(_, config)| config);
        (0..20).filter_map(|index| info.config(index)).chain(default)
    });
    members.map(|config| (config, config.configured(Mode::Upstream, 50).unwrap())).collect()
}

/// A matrix between two other layers, with its biases.
fn layout() -> Arc<Layout> {
    let mut layout = Layout::default();
    layout.push_as("w", &[4, 3], Role::new(Kind::Dense, Position::Hidden));
    layout.push_as("b", &[1, 3], Role::new(Kind::Bias, Position::Hidden));
    Arc::new(layout)
}

fn start(optimizer: &dyn Optimizer, params: &[f64]) -> Box<dyn Run<f64>> {
    optimizer.start_f64(&layout(), params, &StreamId::root("runs")).unwrap()
}

#[test]
fn facts_follow_from_the_family_and_its_hyperparameters() {
    for (config, optimizer) in configurations() {
        let (name, facts) = (config.family().info().name, optimizer.facts());
        let positive = |name| config.value(name).is_some_and(|value| value > 0.0);
        let pulls = ["weight_decay", "adamw_weight_decay", "l2_weight_decay", "aux_weight_decay", "l1", "l2"];
        let moves = name == "zero" || pulls.into_iter().any(positive);
        assert_eq!(facts.moves_without_gradient, moves, "{}", optimizer.name());
        assert_eq!(facts.elementwise, !["lamb", "muon"].contains(&name), "{name}");
        // Projecting what is 0 changes nothing.
        assert_eq!(facts.projects, !["adam6p", "adam8p", "zero"].contains(&name), "{name}");
        assert_eq!(facts.evaluates_elsewhere, name == "schedule_free_adamw", "{name}");
        assert!(facts.keeps_nan, "{name}");
        let clipped = Clipped::new(optimizer, 1.0).facts();
        assert!(!clipped.elementwise && clipped.moves_without_gradient == moves, "{name}");
    }
}

#[test]
fn a_restored_run_goes_on_with_the_same_bits() {
    let gradients = |step: u32| (0..15).map(|i| f64::from(i + step).sin()).collect::<Vec<f64>>();
    for (_, optimizer) in configurations() {
        let (name, mut params) = (optimizer.name(), vec![0.5; 15]);
        let mut run = start(&optimizer, &params);
        (0..3).for_each(|step| run.update(Step::new(&gradients(step)), &mut params));
        let (mut other, mut others) = (start(&optimizer, &[1.0; 15]), params.clone());
        other.restore(&run.save().unwrap()).unwrap();
        for step in 3..6 {
            run.update(Step::new(&gradients(step)), &mut params);
            other.update(Step::new(&gradients(step)), &mut others);
            let bits = |params: &[f64]| params.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&params), bits(&others), "{name}");
        }
    }
}

#[test]
fn the_size_of_a_state_is_not_underestimated_nor_far_above() {
    let bytes_of = |values: usize| values * size_of::<f32>();
    for (_, optimizer) in configurations() {
        let saved = start(&optimizer, &[1.0; 15]).save().unwrap();
        let saved = bytes_of(saved.vectors.values().map(Vec::len).sum());
        let estimate = optimizer.state_bytes(&layout());
        assert!(estimate >= saved && estimate <= saved + bytes_of(4 * 15), "{}", optimizer.name());
        // One vector more.
        let clipped = Clipped::new(optimizer, 1.0).state_bytes(&layout());
        assert_eq!(clipped, estimate + bytes_of(15));
    }
}

#[test]
fn learning_rates_can_be_read_and_replaced() {
    let check = |optimizer: &dyn Optimizer, base: f64, expected: Option<f64>| {
        let name = optimizer.identity().name;
        let mut run = start(optimizer, &[1.0; 15]);
        assert_eq!(run.base_learning_rate(), Some(base), "{name}");
        let first = run.learning_rate().unwrap();
        assert!(expected.is_none_or(|expected| first.to_bits() == expected.to_bits()), "{name}: {first}");
        assert!(run.set_base_learning_rate(2.0 * base), "{name}");
        assert_eq!(run.base_learning_rate(), Some(2.0 * base), "{name}");
        // The shape of the schedule stays.
        let doubled = run.learning_rate().unwrap();
        assert!((doubled - 2.0 * first).abs() <= 1e-14 * first, "{name}: {first}, then {doubled}");
    };
    for (config, optimizer) in configurations() {
        let Some(base) = config.value("learning_rate") else { continue };
        // Schedules have tests of their own.
        let scheduled = config.family().info().needs_horizon || config.value("warmup_steps").is_some();
        let expected = (!scheduled).then_some(base);
        check(&optimizer, base, expected);
        check(&Clipped::new(optimizer, 1.0), base, expected);
    }
}

#[test]
fn steps_without_a_gradient_are_counted() {
    for (_, optimizer) in configurations() {
        let clipped = Clipped::new(optimizer.clone(), 1.0);
        for optimizer in [&optimizer as &dyn Optimizer, &clipped] {
            let (mut params, mut run) = ([1.0; 15], start(optimizer, &[1.0; 15]));
            run.skip();
            assert_eq!(run.save().unwrap().step, 1, "{}", optimizer.identity().name);
            run.update(Step::new(&[0.5; 15]), &mut params);
            run.skip();
            assert_eq!(run.save().unwrap().step, 3, "{}", optimizer.identity().name);
        }
    }
}

#[test]
fn lengths_that_do_not_fit_are_the_callers_mistake() {
    for (_, optimizer) in configurations() {
        let clipped = Clipped::new(optimizer.clone(), 1.0);
        for optimizer in [&optimizer as &dyn Optimizer, &clipped] {
            let panics = |gradients: usize, params: usize| {
                let mut run = start(optimizer, &[1.0; 15]);
                let (gradients, mut params) = (vec![0.5; gradients], vec![1.0; params]);
                let update = || run.update(Step::new(&gradients), &mut params);
                catch_unwind(AssertUnwindSafe(update)).is_err()
            };
            let name = optimizer.identity().name;
            assert!(!panics(15, 15), "{name}");
            assert!(panics(14, 15) && panics(16, 15) && panics(15, 14) && panics(15, 16), "{name}");
        }
    }
}

#[test]
fn a_step_has_what_it_was_given() {
    let (gradients, mask) = ([1.0f64, 2.0], [1.0, 0.0]);
    let step = Step::new(&gradients);
    assert!(step.loss.is_nan() && step.mask.is_none());
    let step = step.with_loss(0.5).with_mask(Some(&mask));
    assert_eq!((step.gradients, step.loss, step.mask), (&gradients[..], 0.5, Some(&mask[..])));
}

#[test]
fn another_name_changes_nothing_else() {
    let sgd = Config::Sgd(taskset_optim::Sgd::DEFAULT).configured(Mode::Upstream, 50).unwrap();
    let renamed = sgd.clone().with_name("mine");
    assert_eq!((renamed.name(), renamed.identity().name.as_str()), ("mine", "mine"));
    assert_eq!(OptimizerIdentity { name: sgd.name().to_owned(), ..renamed.identity() }, sgd.identity());
}

/// An optimizer that says nothing of itself.
#[derive(Debug)]
struct Silent;

impl Optimizer for Silent {
    fn identity(&self) -> OptimizerIdentity {
        OptimizerIdentity::new("silent", "silent", [], 1)
    }

    fn start(&self, _: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(Box::new(Self))
    }

    fn start_f64(&self, _: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(Box::new(Self))
    }
}

impl<T: taskset_optim::Real> Run<T> for Silent {
    fn update(&mut self, _: Step<'_, T>, _: &mut [T]) {}

    fn save(&self) -> Result<Slots<T>, Error> {
        Ok(Slots::new(0))
    }

    fn restore(&mut self, _: &Slots<T>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn what_is_not_said_has_the_safe_answer() {
    assert_eq!(Silent.state_bytes(&layout()), 2 * 15 * size_of::<f32>());
    assert!(Silent.facts().projects && !Silent.facts().elementwise && !Silent.facts().keeps_nan);
    let mut run = start(&Silent, &[1.0; 15]);
    assert_eq!((run.learning_rate(), run.base_learning_rate()), (None, None));
    assert!(!run.set_base_learning_rate(0.1));
    let mut out = vec![0.0; 2];
    run.evaluation_params(&[1.0, 2.0], &mut out);
    assert_eq!(out, vec![1.0, 2.0]);
}

#[test]
fn about_the_said_share_of_the_members_has_an_exact_zero() {
    let check = |family: Family, hyperparameter: &str, share: f64| {
        let is_zero = |index| family.info().config(index).unwrap().value(hyperparameter) == Some(0.0);
        let zeros = (0..1000).filter(|&index| is_zero(index)).count() as f64 / 1000.0;
        // Four standard deviations of 1000 draws.
        assert!((zeros - share).abs() < 0.064, "{family:?} {hyperparameter}: {zeros}");
    };
    check(Family::AdamW, "weight_decay", 1.0 / 3.0);
    check(Family::AdamW, "warmup_fraction", 0.5);
    check(Family::AdamW, "min_learning_rate_mult", 0.5);
    check(Family::Lamb, "weight_decay", 1.0 / 3.0);
    check(Family::ScheduleFreeAdamW, "weight_decay", 1.0 / 3.0);
    check(Family::Muon, "weight_decay", 1.0 / 3.0);
    check(Family::Muon, "aux_weight_decay", 1.0 / 3.0);
}

#[test]
fn messages_say_which_values_are_possible() {
    let check = |family: Family, key: &str, value: f64, expected: &str| {
        let config = family.info().config(0).unwrap();
        let error = config.with_hyperparameters(&serde_json::json!({ key: value })).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(Family::Adam4p, "beta1", 1.0, "at least 0 and below 1");
    check(Family::ScheduleFreeAdamW, "beta1", 1.0, "at least 0.01 and below 1");
    check(Family::Adam4p, "learning_rate", -1.0, "a finite number, at least 0");
    check(Family::AdamW, "warmup_fraction", 1.5, "between 0 and 1");
}
