//! `optimizers trace` on problem files that name the optimizer, against trajectories of reference implementations.
//!
//! `fixtures/modern_trajectories.json` says how it was made.

use serde_json::{Map, Value, json};

use crate::support::{arg, json as run_json};

const FIXTURE: &str = include_str!("fixtures/modern_trajectories.json");

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(entries) => entries.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// Numbers as nested lists.
fn nested(values: &[f64], shape: &[usize]) -> Value {
    match shape {
        [] => values[0].into(),
        [count, inner @ ..] => {
            values.chunks(values.len() / count).map(|part| nested(part, inner)).collect::<Vec<_>>().into()
        }
    }
}

/// The family of a case and its hyperparameters by this program's names.
fn optimizer(name: &str, reference: &Value) -> (&'static str, Value) {
    let family = match name {
        _ if name.starts_with("sgd") => "SGD",
        _ if name.starts_with("adamw") => "AdamW",
        _ if name.starts_with("lamb") => "LAMB",
        _ if name.starts_with("schedulefree") => "ScheduleFree-AdamW",
        _ => "muon",
    };
    let mut hparams = Map::new();
    for (key, value) in reference.as_object().unwrap() {
        let key = match key.as_str() {
            "lr" | "muon_lr" => "learning_rate",
            "b1" => "beta1",
            "b2" => "beta2",
            "eps" if name.starts_with("muon") => continue,
            "eps" => "epsilon",
            "ns_steps" => "newton_schulz_steps",
            "muon_weight_decay" => "weight_decay",
            "adjust_lr_fn" => "scale",
            "adam_lr" => "aux_learning_rate",
            "adam_eps" => "aux_epsilon",
            "adam_weight_decay" => "aux_weight_decay",
            "betas" | "adam_betas" => {
                let names = if key == "betas" { ["beta1", "beta2"] } else { ["aux_beta1", "aux_beta2"] };
                for (name, beta) in names.into_iter().zip(value.as_array().unwrap()) {
                    hparams.insert(name.to_owned(), beta.clone());
                }
                continue;
            }
            other => other,
        };
        hparams.insert(key.to_owned(), value.clone());
    }
    (family, hparams.into())
}

#[test]
fn traces_follow_the_reference_implementations() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let cases = fixture["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let tensors: Vec<(String, Vec<usize>)> = case["tensors"]
            .as_str()
            .unwrap()
            .chars()
            .map(|tensor| {
                let shape = numbers(&fixture["shapes"][tensor.to_string()]);
                (tensor.to_string(), shape.into_iter().map(|length| length as usize).collect())
            })
            .collect();
        let object = |values: &[f64]| {
            let mut rest = values;
            let mut object = Map::new();
            for (tensor, shape) in &tensors {
                let (values, behind) = rest.split_at(shape.iter().product());
                object.insert(tensor.clone(), nested(values, shape));
                rest = behind;
            }
            Value::from(object)
        };
        let initial: Vec<f64> =
            tensors.iter().flat_map(|(tensor, _)| numbers(&fixture["initial_params"][tensor])).collect();
        let mut grads: Vec<Vec<f64>> = fixture["grads"].as_array().unwrap().iter().map(numbers).collect();
        if case["seq"] == "zero_first" {
            grads.insert(0, vec![0.0; grads[0].len()]);
            grads.truncate(4);
        }
        let (family, hparams) = optimizer(name, &case["hparams"]);
        let mut problem = json!({
            "optimizer": family, "hparams": hparams, "initial_params": object(&initial),
            "grads": grads.iter().map(|gradient| object(gradient)).collect::<Vec<_>>(),
        });
        // PyTorch's orientation.
        let axes = [("W", "[out, in]"), ("K", "out,in,height,width")];
        let axes = axes.into_iter().filter(|(tensor, _)| tensors.iter().any(|(known, _)| known == tensor));
        problem["tensors"] = axes.map(|(tensor, axes)| (tensor.to_owned(), json!({"axes": axes}))).collect();
        let file = directory.path().join("problem.json");
        std::fs::write(&file, problem.to_string()).unwrap();
        let trace = run_json(&["optimizers", "trace", "--problem", &arg(&file), "--json"]);

        // PyTorch's Muon adds an epsilon to the norm; this program has a smallest norm.
        let tolerance = if name.starts_with("muon_torch") { 1e-6 } else { 1e-12 };
        assert_eq!(trace["eval_params"].is_array(), case["eval_params"].is_array(), "{name}");
        for what in ["params", "eval_params"] {
            let Some(expected) = case[what].as_array() else { continue };
            let found = trace[what].as_array().unwrap();
            assert_eq!(found.len(), expected.len(), "{name}");
            for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
                let found: Vec<f64> =
                    tensors.iter().flat_map(|(tensor, _)| numbers(&found[tensor])).collect();
                let expected = numbers(expected);
                assert_eq!(found.len(), expected.len(), "{name}");
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let difference = (found - expected).abs();
                    assert!(
                        difference <= tolerance,
                        "{name}: {what}[{i}] after step {step} is {found}, not {expected}"
                    );
                }
            }
        }
    }
}
