//! Update rules and schedules against `fixtures/trajectories.json`, in f64 and f32.

use std::sync::Arc;

use serde_json::Value;
use taskset_optim::{
    Config, Family, Mode, Nesterov, Switches, Trace, UPSTREAM_TRAINING_STEPS, WarmupRule, trace,
};
use taskset_params::Layout;

const FIXTURE: &str = include_str!("../fixtures/trajectories.json");

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

fn row(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(row).collect()
}

/// The configuration of a case, the switches that its name and extra fields ask for, and the steps of its schedule.
fn setting(case: &Value) -> (Config, Switches, u64) {
    let family: Family = case["family"].as_str().unwrap().parse().unwrap();
    let mut hparams = case["hparams"].clone();
    let object = hparams.as_object_mut().unwrap();
    let steps = object.remove("training_steps").map_or(UPSTREAM_TRAINING_STEPS, |t| t.as_u64().unwrap());
    let warmup = object.remove("warmup_rule");
    object.remove("opt_list_idx");
    let config = Config::from_hyperparameters(family, &hparams).unwrap();
    let mode: Mode = case["variant"].as_str().unwrap().parse().unwrap();
    let mut switches: Switches = mode.switches();
    if mode == Mode::Upstream {
        // The reference's cases called nesterov have it, which the mode `upstream` would not.
        switches.nesterov = Nesterov::Corrected;
    }
    if warmup.is_some_and(|rule| rule == "max") {
        switches.warmup = WarmupRule::Max;
    }
    (config, switches, steps)
}

fn check_close(name: &str, what: &str, found: &[Vec<f64>], expected: &Value, tolerance: f64) {
    let expected = rows(expected);
    assert_eq!(found.len(), expected.len(), "{name} {what}");
    for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= tolerance, "{name}, {what} after step {step}: {f}, not {e}");
        }
    }
}

#[test]
fn all_thirty_trajectories_in_f64() {
    let fixture = fixture();
    let (initial, gradients) = (row(&fixture["initial_params"]), rows(&fixture["grads"]));
    let cases = fixture["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 30);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (config, switches, steps) = setting(case);
        let optimizer = config.configured_with(&switches, steps).unwrap();
        let layout = Arc::new(Layout::flat(initial.len()));
        let Trace { params, lr, m, v, .. } = trace(&optimizer, &layout, &initial, &gradients).unwrap();
        check_close(name, "params", &params, &case["params"], 1e-12);
        check_close(name, "lr", &[lr.unwrap()], &Value::from(vec![case["lr"].clone()]), 1e-12);
        for (what, found) in [("m", m), ("v", v)] {
            assert_eq!(found.is_some(), case[what].is_array(), "{name} {what}");
            if let Some(found) = found {
                check_close(name, what, &found, &case[what], 1e-12);
            }
        }
    }
}

#[test]
fn all_thirty_trajectories_in_f32() {
    let fixture = fixture();
    let narrow = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect::<Vec<_>>();
    for case in fixture["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (config, switches, steps) = setting(case);
        let rule = config.rule_with(&switches, steps).unwrap();
        let mut params = narrow(row(&fixture["initial_params"]));
        let mut state = rule.init::<f32>(params.len());
        let mut found = Vec::new();
        for gradient in rows(&fixture["grads"]) {
            rule.update(&narrow(gradient), &mut params, &mut state);
            found.push(params.iter().copied().map(f64::from).collect());
        }
        check_close(name, "params", &found, &case["params"], 1e-5);
    }
}

#[test]
fn the_modes_are_these_trajectories_without_further_switches() {
    let fixture = fixture();
    let (initial, gradients) = (row(&fixture["initial_params"]), rows(&fixture["grads"]));
    let check = |name: &str, family: Family, mode: Mode, steps: u64| {
        let case = fixture["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
        let mut hparams = case["hparams"].clone();
        for extra in ["training_steps", "warmup_rule", "opt_list_idx"] {
            hparams.as_object_mut().unwrap().remove(extra);
        }
        let config = Config::from_hyperparameters(family, &hparams).unwrap();
        let optimizer = config.configured(mode, steps).unwrap();
        let layout = Arc::new(Layout::flat(initial.len()));
        let trace = trace(&optimizer, &layout, &initial, &gradients).unwrap();
        check_close(name, "params", &trace.params, &case["params"], 1e-12);
    };
    check("nadamw_schedule_T10_warmup_max", Family::Nadamw, Mode::OptList, 10);
    check("opt_list_2_T10_max", Family::Nadamw, Mode::OptList, 10);
    check("opt_list_2_T10_min", Family::Nadamw, Mode::Upstream, 10);
    check("nadamw_nesterov_adamw_l2", Family::Nadamw, Mode::OptList, 10_000);
    check("nadamw_nesterov_adamw_l2_paper", Family::Nadamw, Mode::Paper, 10_000);
    check("nadamw_heavyball_adamw_l2", Family::Nadamw, Mode::Upstream, 10_000);
    // Upstream's adam8p drops the number of training steps; adam6p does not.
    check("adam8p", Family::Adam8p, Mode::Upstream, 10);
    check("adam6p_training_steps_10", Family::Adam6p, Mode::Upstream, 10);
    check("adam8p_paper", Family::Adam8p, Mode::Paper, 10);
}

#[test]
fn schedules() {
    for schedule in fixture()["schedules"].as_array().unwrap() {
        let mut hparams = serde_json::json!({"beta1": 0.9, "beta2": 0.9, "epsilon": 1e-8, "use_nesterov": false,
            "adamw_weight_decay": 0.0, "l2_weight_decay": 0.0});
        for key in ["learning_rate", "min_learning_rate_mult", "constant_fraction", "warmup_fraction"] {
            hparams[key] = schedule[key].clone();
        }
        let config = Config::from_hyperparameters(Family::Nadamw, &hparams).unwrap();
        let steps = schedule["training_steps"].as_u64().unwrap();
        for (mode, key) in [(Mode::Upstream, "lr_warmup_min"), (Mode::OptList, "lr_warmup_max")] {
            let rule = config.rule(mode, steps).unwrap();
            for (step, rate) in row(&schedule["steps"]).iter().zip(row(&schedule[key])) {
                let found = rule.learning_rate(*step as u64);
                assert!((found - rate).abs() <= 1e-12, "{schedule}, step {step}: {found}");
            }
        }
    }
}
