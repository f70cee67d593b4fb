//! `optimizers trace`.

use serde_json::json;

use crate::support::{arg, fails, json as run_json};

#[test]
fn a_trace_is_the_update_rule_in_f64() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let problem = json!({
        "initial_params": [1.0, -2.0, 0.5, 0.0],
        "grads": [[0.420735, 0.64107, -2.379005, -0.637569], [-0.378401, -0.826028, 2.24677, 1.116844]],
        "hparams": {"learning_rate": 0.1}, "mode": "upstream"
    });
    std::fs::write(&file, problem.to_string()).unwrap();
    let trace =
        run_json(&["optimizers", "trace", "adam1p_wide_grid_seed0", "--problem", &arg(&file), "--json"]);
    // From the reference trajectories (f64 NumPy), case adam1p.
    let expected = [
        [0.9000000751607373, -2.0999999506719065, 0.5999999867075637, 0.09999995040103751],
        [0.899965808946168, -2.0822711758324273, 0.597596432685651, 0.06857422188336951],
    ];
    for (step, row) in expected.iter().enumerate() {
        for (i, value) in row.iter().enumerate() {
            let got = trace["params"][step][i].as_f64().unwrap();
            assert!((got - value).abs() < 1e-12, "step {step}, parameter {i}: {got} against {value}");
        }
    }
    assert_eq!(trace["lr"], json!([0.1, 0.1]));
    assert_eq!(trace["m"].as_array().unwrap().len(), 2);
}

#[test]
fn broken_problems_name_the_file_and_the_field() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let path = arg(&file);
    let check = |text: &str, code, words: &[&str]| {
        std::fs::write(&file, text).unwrap();
        fails(&["optimizers", "trace", "adam_lr_-3.00", "--problem", &path, "--json"], code, words);
    };
    check("{", 1, &["problem.json"]);
    check(r#"{"initial_params": [1]}"#, 1, &["grads"]);
    check(r#"{"initial_params": [1], "grads": [[1, 2]]}"#, 1, &["gradient 0 has 2"]);
    check(r#"{"initial_params": [1], "grads": [[1]], "mode": "tf"}"#, 2, &["`tf`", "upstream"]);
    check(r#"{"initial_params": [1], "grads": [[1]], "hparams": {"lr": 1}}"#, 1, &["lr"]);
    check(r#"{"initial_params": [1], "grads": [[1], [true]]}"#, 1, &["grads[1][0]"]);
    check(r#"{"initial_params": [1], "grads": [[1]]} {}"#, 1, &["problem.json", "trailing"]);
    let with = |more: &str| format!(r#"{{"initial_params": [1], "grads": [[1]], {more}}}"#);
    check(&with(r#""trainingsteps": 10"#), 1, &["trainingsteps"]);
    check(&with(r#""Mode": "paper""#), 1, &["Mode"]);
    check(&with(r#""mode": "paper", "mode": "upstream""#), 1, &["mode"]);
    for (key, value) in [("training_steps", "null"), ("mode", "null"), ("hparams", "null")] {
        check(&with(&format!("\"{key}\": {value}")), 1, &[key]);
    }
    check("[]", 1, &["problem.json", "an object with"]);
    check(&with(r#""hparams": {"warmup_rule": "min"}"#), 1, &["warmup_rule", "has no warm-up"]);
    for steps in ["10.0", "\"10\"", "-1", "0", "1e1", "true"] {
        check(&with(&format!("\"training_steps\": {steps}")), 1, &["training_steps"]);
        check(&with(&format!("\"hparams\": {{\"training_steps\": {steps}}}")), 1, &["training_steps"]);
    }
    check(&with(r#""training_steps": 10, "hparams": {"training_steps": 20}"#), 1, &["leave out one"]);
    let nadamw = |text: &str| {
        std::fs::write(&file, text).unwrap();
        fails(&["optimizers", "trace", "nadamw_grid_seed0", "--problem", &path], 2, &["warmup_rule"]);
    };
    nadamw(&with(r#""hparams": {"warmup_rule": "mean"}"#));
    check(&with(r#""hparams": {"opt_list_idx": "0"}"#), 1, &["opt_list_idx"]);
    check(&with(r#""hparams": [1]"#), 1, &["hparams"]);
    check(&with(r#""hparams": {"learning_rate": 1, "learning_rate": 2}"#), 1, &["`learning_rate`", "twice"]);
    check(&with(r#""hparams": {"learning_rate": "1"}"#), 1, &["learning_rate is \"1\"", "a number"]);
    check(&with(r#""hparams": {"learning_rate": null}"#), 1, &["learning_rate is null"]);
    check(&with(r#""hparams": {"learning_rate": -0.1}"#), 1, &["learning_rate = -0.1"]);
    let huge = r#"{"initial_params": [1], "grads": [[1], [1e200]]}"#;
    check(huge, 1, &["after step 1, v[0] is inf"]);
    fails(&["optimizers", "trace", "zero", "--problem", "/nonexistent.json"], 1, &["/nonexistent.json"]);
}

#[test]
fn values_that_divide_by_zero_are_refused_where_they_do() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let path = arg(&file);
    let check = |name: &str, more: &str, words: &[&str]| {
        let text = format!(r#"{{"initial_params": [1.0], "grads": [[0.0], [1.0]], {more}}}"#);
        std::fs::write(&file, text).unwrap();
        let args = ["optimizers", "trace", name, "--problem", &path, "--json"];
        if words.is_empty() { drop(run_json(&args)) } else { fails(&args, 1, words) }
    };
    let zero = r#""hparams": {"epsilon": 0.0}"#;
    check("adam4p_wide_grid_seed0", zero, &["epsilon = 0", "divides"]);
    check("nadamw_grid_seed0", zero, &["epsilon = 0", "divides"]);
    check("adam8p_wide_grid_seed0", zero, &[]);
    check("adam8p_wide_grid_seed0", &format!(r#"{zero}, "mode": "paper""#), &["epsilon = 0", "divides"]);
    check("adam4p_wide_grid_seed0", r#""hparams": {"beta1": 1.0}"#, &["beta1 = 1", "below 1"]);
}
