//! `tasks` and `optimizers`: listings, configurations, misspelt names.

use crate::support::{fails, json, ok};

#[test]
fn a_name_determines_the_configuration() {
    let shown = json(&["tasks", "show", "mlp_family_seed1", "--json"]);
    assert_eq!(shown["family"], "mlp_family");
    assert_eq!(shown["num_params"], 222_460);
    assert_eq!(shown["config"]["layer_sizes"], serde_json::json!([68, 37, 78]));
    assert_eq!(shown["feasible"], true);
    let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 8);
    for key in ["name", "family", "config", "dataset", "num_params", "feasible", "reason", "in_set"] {
        assert!(keys.contains(&key), "{key}");
    }
    let fixed = json(&["tasks", "show", "FixedMLP_mnist_ce_128x128x128_relu_bs128", "--json"]);
    assert_eq!((&fixed["config"], &fixed["num_params"]), (&serde_json::Value::Null, &134_794.into()));
    let infeasible = json(&["tasks", "show", "conv_fc_family_seed25", "--json"]);
    assert_eq!(infeasible["feasible"], false);
    assert!(infeasible["reason"].as_str().unwrap().contains("VALID"));

    let adam = json(&["optimizers", "show", "adam8p_wide_grid_seed107", "--json"]);
    assert_eq!(adam["family"], "adam8p");
    let close = |key: &str, value: f64| {
        let got = adam["hyperparameters"][key].as_f64().unwrap();
        assert!((got / value - 1.0).abs() < 1e-12, "{key}: {got}");
    };
    close("learning_rate", 2.9130278385081517e-07);
    close("exponential_decay", 0.000749851639488929);
}

#[test]
fn lists_take_patterns() {
    let names = |args: &[&str]| -> Vec<String> {
        json(args).as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(&["tasks", "list", "mlp_family_seed{8..10}", "--json"]),
        ["mlp_family_seed8", "mlp_family_seed9", "mlp_family_seed10"]
    );
    assert_eq!(names(&["tasks", "list", "TwoD_*", "--json"]).len(), 8);
    assert_eq!(names(&["tasks", "list", "fixed", "--json"]).len(), 109);
    assert_eq!(names(&["tasks", "list", "quadratic_family", "--json"]).len(), 1000);
    assert!(ok(&["tasks", "list", "--families"]).contains("losg_tasks_family_seed{0..999}"));
    assert_eq!(ok(&["tasks", "list"]).lines().count(), 1 + 12_109);
    assert!(
        json(&["optimizers", "list", "--json"]).as_array().unwrap().iter().any(|f| f["family"] == "nadamw")
    );
}

#[test]
fn optimizers_are_listed_with_words_fixed_numbers_and_defaults() {
    let families = json(&["optimizers", "list", "--json"]);
    let family = |name: &str| families.as_array().unwrap().iter().find(|f| f["family"] == name).unwrap();
    assert_eq!(
        (&family("muon")["default"], &family("adam8p")["default"]),
        (&"muon_default".into(), &serde_json::Value::Null)
    );
    let space = family("muon")["space"].as_array().unwrap();
    let scale = space.iter().find(|d| d["name"] == "scale").unwrap();
    assert_eq!(scale["choices"], serde_json::json!(["original", "match_rms_adamw", "spectral_unclamped"]));
    assert!(space[0].get("choices").is_none());
    let text = ok(&["optimizers", "list"]);
    for words in [
        "one of hidden, all",
        "fixed at original; possible: original, match_rms_adamw, spectral_unclamped",
        "fixed at 5",
        "Set: muon_1k. Default: muon_default.",
        "1 − momentum log-uniform, 0.01 to 0.2",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }

    let shown = json(&["optimizers", "show", "muon_default", "--json"]);
    assert_eq!((&shown["family"], &shown["hyperparameters"]["scale"]), (&"muon".into(), &"original".into()));
    let lines = ok(&["optimizers", "show", "muon_default"]);
    assert!(lines.lines().any(|line| line.split_whitespace().eq(["scale", "original"])), "{lines}");
    assert_eq!(ok(&["optimizers", "show", "sgd_1k"]).lines().count(), 1001);
    assert!(ok(&["optimizers", "show", "muon_seed{0..3}"]).contains("original"));
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| crate::support::arg(&directory.path().join(name));
    ok(&["optimizers", "show", "muon_1k", "muon_default", "--out", &at("h.parquet")]);
    ok(&["optimizers", "show", "muon_default", "--out", &at("h.csv")]);
    assert!(std::fs::read_to_string(at("h.csv")).unwrap().contains(",original,hidden,"));
}

#[test]
fn slow_and_infeasible_tasks_are_rejected_with_a_reason() {
    let list = |more: &[&str]| {
        let args = ["tasks", "list", "conv_fc_family_seed{24..26}", "quadratic_family_seed{0..40}"];
        json(&[&args[..], &["--max-minutes", "0.1", "--rate", "100", "--json"], more].concat())
    };
    let (kept, rejected) = (list(&[]), list(&["--rejected"]));
    let (kept, rejected) = (kept.as_array().unwrap(), rejected.as_array().unwrap());
    assert_eq!(kept.len() + rejected.len(), 44);
    assert!(kept.iter().all(|t| t["rejected"].is_null() && t["minutes"].as_f64().unwrap() <= 0.1));
    let reason = |name: &str| {
        let task = rejected.iter().find(|t| t["name"] == name).unwrap();
        task["rejected"].as_str().unwrap().to_owned()
    };
    assert!(reason("conv_fc_family_seed25").starts_with("infeasible"));
    assert!(reason("quadratic_family_seed15").starts_with("too slow"));
    assert!(ok(&["tasks", "list", "TwoD_*", "--max-minutes", "1"]).contains("TwoD_Bowl1"));
    fails(&["tasks", "list", "--max-minutes", "0"], 2, &["above 0"]);
    fails(&["tasks", "list", "--rejected"], 2, &["--max-minutes"]);
}

#[test]
fn the_set_is_listed() {
    let run = crate::support::run(&["tasks", "list", "set", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let listed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect();
    assert!(names[..109].iter().all(|name| !name.contains("_family_seed")));
    assert!(names[109..].iter().all(|name| name.contains("_family_seed")));
    assert!(listed.as_array().unwrap().iter().all(|task| task["feasible"] == true));
    assert_eq!(names.len(), 1_162);
    assert!(ok(&["tasks", "list", "set", "TwoD_Bowl1"]).contains("TwoD_Bowl1"));

    // What a name of the set says of itself, and one that cannot be in it.
    for name in [names[0], names[names.len() - 1]] {
        assert_eq!(json(&["tasks", "show", name, "--json"])["in_set"], true, "{name}");
        assert!(ok(&["tasks", "show", name]).contains("in the set  yes"), "{name}");
    }
    let infeasible = json(&["tasks", "show", "conv_fc_family_seed25", "--json"]);
    assert_eq!(infeasible["not_in_set_because"], "infeasible", "{infeasible}");
    assert!(
        ok(&["tasks", "show", "conv_fc_family_seed900"]).contains("no: its family has its share without it")
    );
}

#[test]
fn misspelt_names_are_usage_errors_with_a_suggestion() {
    fails(&["tasks", "show", "mlp_familly_seed3"], 2, &["mlp_familly_seed3", "mlp_family_seed3"]);
    fails(&["optimizers", "show", "adam8p_wide_grid_sed3"], 2, &["adam8p_wide_grid_sed3"]);
    fails(&["tasks", "list", "mlp_family_seed{3..1}"], 2, &["empty"]);
    fails(&["train", "TwoD_Bowl1", "adam_lr_-3.33"], 2, &["adam_lr_-3.33"]);
    fails(&["tasks"], 2, &["Usage"]);
}

#[test]
fn what_cannot_be_trained_says_so() {
    fails(
        &["train", "conv_fc_family_seed25", "adam_lr_-3.00", "--data", "synthetic"],
        1,
        &["conv_fc_family_seed25", "VALID"],
    );
}

#[test]
fn checks_report_losses_and_failures() {
    let args =
        ["tasks", "check", "TwoD_Bowl1", "mlp_family_seed1", "--steps", "3", "--data", "synthetic", "--json"];
    let checked = json(&args);
    assert_eq!(checked[0]["data"], "real");
    assert_eq!(checked[1]["data"], "synthetic");
    for task in checked.as_array().unwrap() {
        for split in ["train", "valid_inner", "valid_outer", "test"] {
            assert!(task["initial_loss"][split].as_f64().unwrap().is_finite());
        }
        assert!(task["grad_norm"].as_f64().unwrap() > 0.0);
        assert!(task["micros_per_step"].as_f64().unwrap() > 0.0);
    }
    let ran = crate::support::run(&["tasks", "check", "TwoD_Bowl1", "nvp_family_seed0", "--json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("nvp_family_seed0"));
    let documents: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(documents[1]["error"].is_string());
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "tasks list",
        "tasks show",
        "tasks check",
        "optimizers list",
        "optimizers show",
        "optimizers trace",
        "data list",
        "data verify",
        "train",
        "curves info",
        "curves query",
        "lists learn",
        "lists show",
        "reproduce",
    ] {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = ok(&args);
        assert!(help.contains(&format!("taskset-rs {command}")), "{command}: {help}");
    }
}
