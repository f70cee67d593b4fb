//! How the families contain each other, and what their schedules keep to.

use proptest::prelude::*;
use taskset_optim::{Adam1p, Adam4p, Adam6p, Adam8p, Config, Family, Mode, Nadamw, State, named};

/// Some updates of two parameters with made-up gradients.
fn run(config: Config, mode: Mode) -> (Vec<f64>, State<f64>) {
    let rule = config.rule(mode, 50).unwrap();
    let mut params = vec![1.0, -0.5];
    let mut state = rule.init(2);
    for step in 0..20 {
        let t = f64::from(step);
        rule.update(&[(1.3 * t).sin(), 0.1 + (0.7 * t).cos()], &mut params, &mut state);
    }
    (params, state)
}

fn adam4p(seed: u32) -> Adam4p {
    match Family::Adam4p.info().config(seed).unwrap() {
        Config::Adam4p(config) => config,
        other => unreachable!("{other:?}"),
    }
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}

proptest! {
    #[test]
    fn adam1p_is_adam4p_with_default_betas_and_epsilon(seed in 0u32..100_000, mode in modes()) {
        let learning_rate = adam4p(seed).learning_rate;
        let four = Adam4p { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        prop_assert_eq!(run(Adam1p { learning_rate }.into(), mode), run(four.into(), mode));
    }

    #[test]
    fn adam6p_is_adam8p_without_penalties(seed in 0u32..100_000, mode in modes(), steps in 1u64..20_000) {
        // Upstream's two clocks differ, and agree at 10,000 steps.
        let steps = if mode == Mode::Upstream { 10_000 } else { steps };
        let Some(Config::Adam6p(six)) = Family::Adam6p.info().config(seed) else { unreachable!() };
        let Adam6p { learning_rate, beta1, beta2, epsilon, linear_decay, exponential_decay } = six;
        let eight =
            Adam8p { learning_rate, beta1, beta2, epsilon, l1: 0.0, l2: 0.0, linear_decay, exponential_decay };
        let rule = |config: Config| config.rule(mode, steps).unwrap();
        let (six, eight) = (rule(six.into()), rule(eight.into()));
        prop_assert_eq!(six, eight);
    }

    #[test]
    fn nadamw_with_everything_off_is_adam4p(seed in 0u32..100_000, mode in modes()) {
        let Adam4p { learning_rate, beta1, beta2, epsilon } = adam4p(seed);
        let off = Nadamw {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            use_nesterov: false,
            adamw_weight_decay: 0.0,
            l2_weight_decay: 0.0,
            warmup_fraction: 0.0,
            min_learning_rate_mult: 1.0,
            constant_fraction: 0.0,
        };
        let (params, state) = run(off.into(), mode);
        let (expected, expected_state) = run(adam4p(seed).into(), mode);
        prop_assert_eq!(state, expected_state);
        // The cosine between two equal rates may lose the last digit.
        for (p, e) in params.iter().zip(&expected) {
            prop_assert!((p - e).abs() <= 1e-13 * e.abs().max(1.0), "{p} {e}");
        }
    }

    #[test]
    fn adam6p_without_decay_is_not_upstreams_adam4p(seed in 0u32..1000) {
        // In the mode `paper` it does.
        let Adam4p { learning_rate, beta1, beta2, epsilon } = adam4p(seed);
        let six = Adam6p { learning_rate, beta1, beta2, epsilon, linear_decay: 0.0, exponential_decay: 0.0 };
        prop_assert_eq!(run(six.into(), Mode::Paper), run(adam4p(seed).into(), Mode::Paper));
    }

    #[test]
    fn rates_stay_between_zero_and_the_base(seed in any::<u32>(), step in 0u64..30_000, mode in modes()) {
        for family in [Family::Adam1p, Family::Adam6p, Family::Adam8p, Family::Nadamw, Family::Adagrad] {
            let Some(config) = family.info().config(seed) else { continue };
            let rule = config.rule(mode, 10_000).unwrap();
            let base = rule.base_learning_rate();
            prop_assert_eq!(Some(base), config.value("learning_rate"));
            prop_assert!((0.0..=base * (1.0 + 1e-15)).contains(&rule.learning_rate(step)));
        }
    }
}

#[test]
fn adam6p_and_upstreams_adam4p_place_epsilon_differently() {
    let Adam4p { learning_rate, beta1, beta2, .. } = adam4p(0);
    let four = Adam4p { learning_rate, beta1, beta2, epsilon: 0.1 };
    let six = Adam6p { learning_rate, beta1, beta2, epsilon: 0.1, linear_decay: 0.0, exponential_decay: 0.0 };
    assert_ne!(run(six.into(), Mode::Upstream).0, run(four.into(), Mode::Upstream).0);
}

#[test]
fn constraints_are_applied_as_upstream_does() {
    let check = |name: &str, expected: bool| {
        let rule = named(name).unwrap().config.rule(Mode::Upstream, 10_000).unwrap();
        assert_eq!(rule.applies_constraints(), expected, "{name}");
    };
    for name in ["adam1p_wide_grid_seed0", "adam4p_wide_grid_seed0", "nadamw_grid_seed0"] {
        check(name, true);
    }
    for name in ["adagrad_wide_grid_seed0", "adam_lr_-3.00", "adagrad_lr_-3.00"] {
        check(name, true);
    }
    check("adam6p_wide_grid_seed0", false);
    check("adam8p_wide_grid_seed0", false);
}
