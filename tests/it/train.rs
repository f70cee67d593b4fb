//! `train`: one trial.

use crate::support::{arg, fails, json, run};

#[test]
fn a_curve_has_all_points_and_can_be_stored_and_queried() {
    let directory = tempfile::tempdir().unwrap();
    let file = arg(&directory.path().join("curve.parquet"));
    let args = [
        "train",
        "TwoD_Bowl1",
        "adam_lr_-1.00",
        "--steps",
        "45",
        "--eval-every",
        "20",
        "--eval-batches",
        "1",
        "--out",
        &file,
        "--json",
    ];
    let curve = json(&args);
    assert_eq!(curve["steps"], serde_json::json!([0, 20, 40, 45]));
    assert_eq!(curve["data"], "real");
    let test = curve["test"].as_array().unwrap();
    assert!((test[0].as_f64().unwrap() - 0.356087).abs() < 1e-5);
    assert!(test[3].as_f64().unwrap() < 0.05);

    let info = json(&["curves", "info", &file, "--json"]);
    assert_eq!((&info["trials"], &info["rows"]), (&1.into(), &1.into()));
    assert_eq!(
        info["protocols"],
        serde_json::json!({"45 steps, evaluated every 20 on 1 minibatches of each split": 1})
    );
    let slice = json(&["curves", "query", &file, "--split", "test", "--steps", "40..45", "--json"]);
    assert_eq!(slice[0]["steps"], serde_json::json!([40, 45]));
    assert!(slice[0].get("train").is_none());
}

#[test]
fn divergence_is_a_result() {
    // beta2 = 0.002 and a learning rate above 4: the loss of the quadratic overflows.
    let task = ["train", "losg_tasks_family_seed4", "adam4p_wide_grid_seed24"];
    let protocol = ["--steps", "200", "--eval-every", "100", "--eval-batches", "1", "--json"];
    let ran = run(&[&task[..], &protocol[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("diverged"), "{}", ran.stderr);
    let curve: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(curve["diverged_at"].is_u64());
    assert_eq!(curve["steps"], serde_json::json!([0, 100, 200]));
    assert!(curve["test"][0].is_number() && curve["test"][2].is_null());
}

#[test]
fn stand_ins_are_called_so() {
    let args = [
        "train",
        "mlp_family_seed1",
        "adam_lr_-3.00",
        "--steps",
        "2",
        "--eval-batches",
        "1",
        "--data",
        "synthetic",
    ];
    let ran = run(&args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("synthetic"));
}

#[test]
fn portable_kernels_train_alike() {
    let protocol =
        ["--steps", "20", "--eval-every", "20", "--eval-batches", "2", "--data", "synthetic", "--json"];
    for task in ["mlp_family_seed12", "conv_pooling_family_seed137", "rnn_text_classification_family_seed1"] {
        let train = |more: &[&str]| json(&[&["train", task, "adam_lr_-3.00"], &protocol[..], more].concat());
        let (best, portable) = (train(&[]), train(&["--kernels", "portable"]));
        for split in ["train", "test"] {
            for point in 0..2 {
                let [here, there] = [&best, &portable].map(|curve| curve[split][point].as_f64().unwrap());
                assert!((here / there - 1.0).abs() < 1e-4, "{task} {split}: {here}, portable {there}");
            }
        }
    }
    fails(&["train", "TwoD_Bowl1", "adam_lr_-1.00", "--kernels", "mmx"], 2, &["`mmx`", "it has portable"]);
}

#[test]
fn wrong_usage() {
    fails(&["train", "TwoD_Bowl1", "adam_lr_-1.00", "--eval-every", "0"], 2, &["eval-every"]);
    fails(&["train", "TwoD_Bowl1", "adam_lr_-1.00", "--mode", "tf"], 2, &["tf"]);
    fails(
        &["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", "1", "--out", "/nonexistent/x.parquet"],
        2,
        &["/nonexistent"],
    );
    fails(&["train", "mlp_family", "adam_lr_-1.00", "--steps", "1"], 2, &["stands for 1000 tasks"]);
}
