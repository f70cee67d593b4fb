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
    fails(&["optimizers", "trace", "zero", "--problem", "/nonexistent.json"], 1, &["/nonexistent.json"]);
}
