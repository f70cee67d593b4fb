//! `optimizers trace`.

use serde_json::json;

use crate::support::{arg, fails, json as run_json, ok};

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
    check(&with(r#""hparams": {"warmup_rule": "min"}"#), 1, &["warmup_rule", "only nadamw"]);
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

#[test]
fn flat_problems_are_printed_as_ever() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    std::fs::write(&file, r#"{"initial_params": [1, -2], "grads": [[1, 0.5]]}"#).unwrap();
    let args = ["optimizers", "trace", "zero", "--problem", &arg(&file)];
    assert_eq!(ok(&args), "step          lr  params\n   0  0.000000e0  0.000000000  -0.000000000\n");
    let expected =
        "{\n  \"params\": [\n    [\n      0.0,\n      -0.0\n    ]\n  ],\n  \"lr\": [\n    0.0\n  ]\n}\n";
    assert_eq!(ok(&[&args[..], &["--json"]].concat()), expected);
}

#[test]
fn the_families_of_the_paper_give_the_same_bytes_as_their_rules() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let (initial, grads) = ([1.0, -2.0, 0.0], [[0.5, -0.25, 0.0], [0.1, 1e-3, 7.0], [-3.0, 0.3, 0.0]]);
    for info in taskset::optim::families().iter().filter(|info| info.has_modes) {
        let named = taskset::optim::named(&info.names().last().unwrap()).unwrap();
        for mode in taskset::optim::Mode::ALL {
            let problem = json!({
                "initial_params": initial, "grads": grads, "training_steps": 20, "mode": mode.name()
            });
            std::fs::write(&file, problem.to_string()).unwrap();
            let found = ok(&["optimizers", "trace", &named.name, "--problem", &arg(&file), "--json"]);

            let rule = named.config.rule(mode, 20).unwrap();
            let (mut params, mut state) = (initial, rule.init::<f64>(3));
            let mut fields = [("params", vec![]), ("lr", vec![]), ("m", vec![]), ("v", vec![])];
            for gradient in &grads {
                let lr = rule.learning_rate(state.step);
                rule.update(gradient, &mut params, &mut state);
                let row = [json!(params), json!(lr), json!(state.m), json!(state.v)];
                fields.iter_mut().zip(row).for_each(|((_, rows), row)| rows.push(row));
            }
            let fields: Vec<String> = fields
                .into_iter()
                .filter(|(_, rows)| rows[0] != json!([]))
                .map(|(name, rows)| {
                    let rows = serde_json::to_string_pretty(&rows).unwrap().replace('\n', "\n  ");
                    format!("  \"{name}\": {rows}")
                })
                .collect();
            assert_eq!(found, format!("{{\n{}\n}}\n", fields.join(",\n")), "{} {mode}", named.name);
        }
    }
}

#[test]
fn the_problem_file_can_name_the_optimizer() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let path = arg(&file);
    let write = |more: &str| {
        let text = format!(r#"{{"initial_params": [1.0, -2.0], "grads": [[0.5, 0.5], [0.5, -0.5]]{more}}}"#);
        std::fs::write(&file, text).unwrap();
    };
    let trace = |more: &str, name: &[&str]| {
        write(more);
        run_json(&[&["optimizers", "trace"], name, &["--problem", &path, "--json"]].concat())
    };
    let named = trace("", &["lamb_default"]);
    for more in [
        r#", "optimizer": "lamb""#,
        r#", "optimizer": "Lamb_Default""#,
        r#", "optimizer": "LAMB", "hparams": {}"#,
    ] {
        assert_eq!(trace(more, &[]), named, "{more}");
        assert_eq!(trace(more, &["lamb_default"]), named, "{more}");
    }
    let changed = trace(r#", "optimizer": "lamb", "hparams": {"learning_rate": 0.5}"#, &[]);
    assert_eq!(changed["lr"], json!([0.5, 0.5]));
    let evaluated = trace(r#", "optimizer": "schedulefree_adamw", "training_steps": 2"#, &[]);
    assert_eq!(evaluated["eval_params"].as_array().unwrap().len(), 2);
    assert!(named.get("eval_params").is_none());
    // A cosine over the given steps: the rate has begun to fall at the second one.
    let decay = r#", "optimizer": "adamw", "hparams": {"min_learning_rate_mult": 0.0}, "training_steps": 4"#;
    assert!(trace(decay, &[])["lr"][1].as_f64().unwrap() < 9e-4);
    let paper = r#", "optimizer": "adam1p", "hparams": {"learning_rate": 0.1}, "mode": "paper""#;
    assert_eq!(trace(paper, &[])["lr"], json!([0.1, 0.1]));

    let refused = |more: &str, name: &[&str], code, words: &[&str]| {
        write(more);
        fails(&[&["optimizers", "trace"], name, &["--problem", &path, "--json"]].concat(), code, words);
    };
    refused("", &[], 2, &["no optimizer is named", "`optimizer`"]);
    refused(r#", "optimizer": "lamb""#, &["sgd_default"], 1, &["`lamb`", "`sgd_default`", "leave out one"]);
    refused(r#", "optimizer": "sgd_seed1""#, &["sgd_default"], 1, &["`sgd_seed1`", "leave out one"]);
    refused(r#", "optimizer": "lambb""#, &[], 2, &["optimizer", "`lambb`", "lamb"]);
    refused(r#", "optimizer": "soap""#, &[], 2, &["no optimizer family `soap`", "schedule_free_adamw"]);
    refused(r#", "optimizer": null"#, &[], 1, &["optimizer"]);
    let missing = r#", "optimizer": "adam4p", "hparams": {"learning_rate": 0.1, "beta2": 0.9}"#;
    refused(missing, &[], 1, &["adam4p has no default", "missing: beta1, epsilon"]);
    refused(r#", "optimizer": "lamb", "mode": "paper""#, &[], 1, &["lamb has no modes", "leave out `mode`"]);
    refused(
        r#", "optimizer": "lamb", "noise": [[0.1]]"#,
        &[],
        1,
        &["lamb draws no random numbers", "leave out `noise`"],
    );
    refused(
        r#", "optimizer": "lamb", "hparams": {"lr": 1}"#,
        &[],
        1,
        &["hparams", "no `lr`", "learning_rate"],
    );
    refused(r#", "optimizer": "lamb", "tensors": {"w": {}}"#, &[], 1, &["tensors", "is a flat list"]);
}

#[test]
fn tensors_keep_their_names_shapes_and_order() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let path = arg(&file);
    let params = r#""initial_params": {"w": [[1, 2, 3], [4, 5, 6]], "b": [0.5], "a": 2}"#;
    let write = |grads: &str, more: &str| {
        let text = format!(
            r#"{{"optimizer": "sgd", "hparams": {{"learning_rate": 1.0}}, {params}, "grads": {grads}{more}}}"#
        );
        std::fs::write(&file, text).unwrap();
    };
    let args = ["optimizers", "trace", "--problem", &path];
    let gradient = r#"{"b": [1], "a": 1, "w": [[1, 1, 1], [0, 0, 0]]}"#;
    write(&format!("[{gradient}]"), "");
    let text = ok(&[&args[..], &["--json"]].concat());
    let places: Vec<usize> =
        ["\"w\"", "\"b\"", "\"a\""].iter().map(|name| text.find(name).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = json!([{"w": [[0.0, 1.0, 2.0], [4.0, 5.0, 6.0]], "b": [-0.5], "a": 1.0}]);
    assert_eq!(trace["params"], expected);
    assert_eq!(trace["m"][0]["w"], json!([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]));
    let table = ok(&args);
    let heads: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heads, ["step", "lr", "w", "b", "a"]);
    assert!(table.contains("-0.500000000"), "{table}");

    let refused = |grads: &str, more: &str, words: &[&str]| {
        write(grads, more);
        fails(&args, 1, words);
    };
    let second = |gradient_2: &str| format!("[{gradient}, {gradient_2}]");
    refused(&second(r#"{"b": [1], "w": [[1, 1, 1], [0, 0, 0]]}"#), "", &["grads[1]", "`a`", "missing"]);
    refused(
        &second(r#"{"b": [1], "a": 1, "w": [[1, 1], [0, 0]]}"#),
        "",
        &["grads[1].w has the shape [2, 2]", "[2, 3]"],
    );
    refused(
        &second(r#"{"b": [1], "a": 1, "w": [[1, 1], [0]]}"#),
        "",
        &["grads[1].w", "entry 1", "rectangular"],
    );
    refused(
        &second(r#"{"b": [1], "a": 1, "w": [[1, 1, true], [0, 0, 0]]}"#),
        "",
        &["grads[1].w[0][2]", "true"],
    );
    refused(&second(r#"{"b": [1], "b": [1]}"#), "", &["grads[1]", "`b` is given twice"]);
    let more = r#"{"b": [1], "a": 1, "c": 1, "w": [[1, 1, 1], [0, 0, 0]]}"#;
    refused(&second(more), "", &["grads[1]", "no tensor `c`", "which has w, b, a"]);
    refused(&second("[1, 2]"), "", &["grads[1] is a flat list"]);
    refused(
        r#"[{"b": [1e300], "a": 1, "w": [[1, 1, 1], [0, 0, 0]]}]"#,
        r#", "tensors": {"x": {}}"#,
        &["no tensor `x`"],
    );
    refused("[]", r#", "tensors": {"w": {"axes": "out"}}"#, &["tensors.w.axes", "one for each axis"]);
    refused("[]", r#", "tensors": {"w": {"role": "head"}}"#, &["tensors.w.role", "`head`", "embedding"]);
    refused("[]", r#", "tensors": {"w": {"kind": "dense"}}"#, &["tensors.w", "kind"]);
    let large = r#"[{"b": [1.5e308], "a": 1, "w": [[1, 1, 1], [0, 0, 0]]}, {"b": [1.5e308], "a": 1, "w": [[1, 1, 1], [0, 0, 0]]}]"#;
    refused(large, "", &["too large for f64", "params.b[0]"]);
}

#[test]
fn roles_and_axes_change_what_muon_does() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("problem.json");
    let trace = |tensors: &str| {
        let text = format!(
            r#"{{"optimizer": "muon", "initial_params": {{"w": [[1, 2, 3], [4, 5, 6]]}}, "grads": [{{"w": [[1, 0, 2], [0, 1, 1]]}}],
               "tensors": {tensors}}}"#
        );
        std::fs::write(&file, text).unwrap();
        run_json(&["optimizers", "trace", "--problem", &arg(&file), "--json"])["params"].clone()
    };
    let default = trace("{}");
    assert_eq!(trace(r#"{"w": {"role": "hidden dense", "axes": "[in, out]"}}"#), default);
    assert_ne!(trace(r#"{"w": {"axes": ["out", "in"]}}"#), default);
    assert_ne!(trace(r#"{"w": {"role": "embedding"}}"#), default);
}
