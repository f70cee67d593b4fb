//! `curves` and `lists` on broken and on learned input.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::support::{arg, fails, json, ok, run};

/// Trains trials into a directory, one file each: task, optimizer, replica.
fn trained(directory: &Path, trials: &[(&str, &str, u32)]) {
    for (task, optimizer, replica) in trials {
        train(directory, task, optimizer, *replica, &[]);
    }
}

fn train(directory: &Path, task: &str, optimizer: &str, replica: u32, more: &[&str]) {
    let file = arg(&directory.join(format!("{task}-{optimizer}-{replica}{}.parquet", more.concat())));
    let replica = replica.to_string();
    let args = ["train", task, optimizer, "--replica", &replica, "--eval-batches", "1", "--out", &file];
    let protocol = ["--steps", "40", "--eval-every", "10"];
    let protocol = if more.contains(&"--steps") { &[][..] } else { &protocol[..] };
    ok(&[&args[..], protocol, more].concat());
}

/// Two tasks, three configurations of two families, two replicas.
fn small(directory: &Path) {
    for task in ["TwoD_Bowl1", "TwoD_Rosenbrock"] {
        for optimizer in ["adam8p_wide_grid_seed0", "adam8p_wide_grid_seed2", "adam_lr_-1.00"] {
            trained(directory, &[(task, optimizer, 0), (task, optimizer, 1)]);
        }
    }
}

fn csv(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split(',').collect()).collect()
}

#[test]
fn the_published_list() {
    let list = json(&["lists", "show", "published", "--k", "3", "--json"]);
    let names: Vec<&str> =
        list["entries"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["nadamw_grid_seed251", "nadamw_grid_seed611", "nadamw_grid_seed799"]);
    let lr = list["entries"][0]["hyperparameters"]["learning_rate"].as_f64().unwrap();
    assert!((lr / 0.0011948335721160095 - 1.0).abs() < 1e-12);
    assert_eq!(list["mode"], "opt_list");
    assert_eq!(ok(&["lists", "show", "published"]).lines().count(), 1001);
}

#[test]
fn the_command_that_the_published_list_names_does_what_the_package_does() {
    let directory = tempfile::tempdir().unwrap();
    let shown = run(&["lists", "show", "published", "--k", "1"]);
    let line = shown.stderr.lines().find(|line| line.contains("taskset-rs train")).unwrap();
    assert_eq!(line.trim(), "taskset-rs train TASK nadamw_grid_seed251 --mode opt_list --steps STEPS");
    let line = line.replace("TASK", "TwoD_Rosenbrock").replace("STEPS", "30");
    let args: Vec<&str> = line.split_whitespace().skip(1).chain(["--eval-batches", "1", "--json"]).collect();
    let curve = json(&args);
    // The package: mode opt_list, schedules over the caller's own steps.
    assert_eq!((&curve["mode"], &curve["schedule_steps"]), (&"opt_list".into(), &30.into()));
    let problem = directory.path().join("problem.json");
    std::fs::write(
        &problem,
        r#"{"initial_params": [1.0], "grads": [[0.5]], "training_steps": 30, "mode": "opt_list"}"#,
    )
    .unwrap();
    let trace = json(&["optimizers", "trace", "nadamw_grid_seed251", "--problem", &arg(&problem), "--json"]);
    let entry = taskset::optim::published_list::entry(0).unwrap();
    let rule = entry.config.rule(taskset::optim::Mode::OptList, 30).unwrap();
    let (mut params, mut state) = ([1.0_f64], rule.init::<f64>(1));
    rule.update(&[0.5], &mut params, &mut state);
    assert_eq!(
        trace["params"].as_array().unwrap().last().unwrap()[0].as_f64().unwrap().to_bits(),
        params[0].to_bits()
    );
}

#[test]
fn broken_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broken.parquet");
    std::fs::write(&file, b"PAR1 and then nothing").unwrap();
    fails(&["curves", "info", &arg(&file)], 1, &["broken.parquet"]);
    fails(&["curves", "query", &arg(&file)], 1, &["broken.parquet"]);
    fails(
        &["curves", "plot", &arg(&file), "--out", &arg(&directory.path().join("x.svg"))],
        1,
        &["broken.parquet"],
    );
    fails(&["curves", "info", "/nonexistent.parquet"], 1, &["/nonexistent.parquet"]);
    fails(&["curves", "query", &arg(&file), "--split", "valid"], 2, &["`valid`"]);
    fails(&["curves", "query", &arg(&file), "--steps", "1-2"], 2, &["`1-2` is not a range, e.g. 0..200"]);
    let list = directory.path().join("list.json");
    std::fs::write(&list, "{}").unwrap();
    fails(&["lists", "show", &arg(&list)], 1, &["list.json"]);
    fails(&["lists", "show", "nothing.json"], 1, &["nothing.json", "published"]);
    fails(&["lists", "learn", "--curves", &arg(&file), "--family", "sgd"], 1, &["broken.parquet"]);
    fails(&["lists", "learn", "--curves", &arg(&file), "--family", "mine"], 1, &["broken.parquet"]);
    let empty = tempfile::tempdir().unwrap();
    for command in ["info", "query"] {
        let words = ["holds no curve file", "reproduce sec5", "train … --out FILE.parquet"];
        fails(&["curves", command, &arg(empty.path())], 1, &words);
    }
}

#[test]
fn a_family_has_the_same_names_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    small(directory.path());
    let curves = arg(directory.path());
    let count = |pattern: &str| {
        let found = json(&["curves", "query", &curves, "--optimizer", pattern, "--split", "test", "--json"]);
        found.as_array().unwrap().len()
    };
    let list = |family: &str| {
        let list = json(&["lists", "learn", "--curves", &curves, "--family", family, "--k", "1", "--json"]);
        (list["entries"][0]["name"].clone(), list["family"].clone())
    };
    let first = list("adam8p");
    assert_eq!(first.1, "adam8p");
    for name in
        ["adam8p", "adam8p_wide_grid", "adam8p_wide_grid_1k", "adam8p*", "adam8p_wide_grid_seed{0..9}"]
    {
        assert_eq!((count(name), list(name)), (8, first.clone()), "{name}");
    }
    assert_eq!((count("adam_lr"), count("adam_lr_*")), (4, 4));
    assert_eq!(list("adam_lr").1, "adam_lr");
    let both =
        json(&["lists", "learn", "--curves", &curves, "--family", "adam8p", "--family", "adam_lr", "--json"]);
    assert_eq!(both["family"], "adam8p, adam_lr");

    // What matches nothing is an error, and says what may have been meant.
    let query = ["curves", "query", &curves];
    fails(
        &[&query[..], &["--task", "mlp_famly_seed1"]].concat(),
        1,
        &["no curve matches", "`mlp_family_seed1`"],
    );
    fails(
        &[&query[..], &["--optimizer", "adamww", "--json"]].concat(),
        1,
        &["no curve matches", "adamw_seed0"],
    );
    fails(&[&query[..], &["--steps", "11..12"]].concat(), 1, &["no curve matches"]);
    let ran = run(&[&query[..], &["--task", "TwoD_Bowl1", "--task", "TwoD_B*k"]].concat());
    assert!(ran.code == 0 && ran.stderr.contains("note: `TwoD_B*k` matches no curve"), "{}", ran.stderr);
    fails(&["lists", "learn", "--curves", &curves, "--family", "nadamw"], 1, &["no curves of `nadamw`"]);
    fails(&["lists", "learn", "--curves", &curves, "--family", "adamw"], 1, &["no curves of `adamw`"]);
    fails(&["lists", "learn", "--curves", &curves, "--family", "adam8q"], 2, &["did you mean `adam8p`?"]);
    for args in [
        &[&query[..], &["--task", "mlp_family_seed1000"]].concat()[..],
        &["tasks", "show", "mlp_family_seed1000"],
    ] {
        fails(args, 2, &["there is no `mlp_family_seed1000`: the seeds of `mlp_family` are 0 to 999"]);
    }
    for args in [
        &[&query[..], &["--optimizer", "nadamw_grid_seed1000"]].concat()[..],
        &["optimizers", "show", "nadamw_grid_seed1000"],
        &["lists", "learn", "--curves", &curves, "--family", "nadamw_grid_seed1000"],
        &["train", "TwoD_Bowl1", "nadamw_grid_seed1000"],
    ] {
        fails(args, 2, &["there is no `nadamw_grid_seed1000`: the seeds of `nadamw_grid` are 0 to 999"]);
    }
}

#[test]
fn lists_are_learned_evaluated_and_say_where_they_fail() {
    let directory = tempfile::tempdir().unwrap();
    let curves = directory.path().join("curves");
    std::fs::create_dir(&curves).unwrap();
    small(&curves);
    let (curves, list) = (arg(&curves), arg(&directory.path().join("list.json")));
    let learn = ["lists", "learn", "--curves", &curves, "--family", "adam8p", "--out", &list];
    let ran = run(&learn);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("mean score of the list so far"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the list ends after"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--mode upstream --schedule-steps 10000"), "{}", ran.stderr);
    let shown = json(&["lists", "show", &list, "--json"]);
    assert!(shown["ends_because"].is_string());
    assert_eq!((&shown["mode"], &shown["schedule_steps"]), (&"upstream".into(), &10_000.into()));

    let out = arg(&directory.path().join("scores.csv"));
    let evaluate = ["lists", "evaluate", &list, "--curves", &curves];
    let document = json(&[&evaluate[..], &["--json", "--out", &out]].concat());
    let entries = shown["entries"].as_array().unwrap().len();
    assert_eq!(document["entries"].as_array().unwrap().len(), entries);
    let tasks = document["per_task"].as_array().unwrap();
    assert_eq!(
        tasks.iter().map(|t| t["task"].as_str().unwrap()).collect::<Vec<_>>(),
        ["TwoD_Bowl1", "TwoD_Rosenbrock"]
    );
    // J is the mean over the tasks of the list's scores.
    for k in 0..entries {
        let scores = tasks.iter().map(|task| task["entries"][k]["list_score"].as_f64().unwrap());
        assert!((scores.sum::<f64>() / 2.0 - document["entries"][k]["j"].as_f64().unwrap()).abs() < 1e-12);
    }
    let text = std::fs::read_to_string(&out).unwrap();
    let rows = csv(&text);
    assert_eq!(rows[0][..6], ["task", "k", "entry", "name", "validation_score", "test_score"]);
    assert_eq!(rows.len(), 1 + 2 * entries);
    let bits = |score: f64| score.to_bits();
    let written = rows[1][5].parse().map(bits);
    assert_eq!(written, Ok(bits(tasks[0]["entries"][0]["test_score"].as_f64().unwrap())));
    let text = ok(&evaluate);
    assert!(text.contains("entry 0") && text.contains("worst task of the entry"), "{text}");

    fails(&[&evaluate[..], &["--out", "scores.txt"]].concat(), 2, &["scores.txt", ".csv"]);
    let more = ["--mode opt_list --steps 40 --eval-every 10 --eval-batches 1 --out FILE.parquet`"];
    let published = ["lists", "evaluate", "published", "--curves", &curves];
    fails(&published, 1, &more);
    let words = [
        "has no curve of `nadamw_grid_seed251` on `TwoD_Bowl1`. Train it with `train TwoD_Bowl1 nadamw_grid_seed251",
    ];
    fails(&published, 1, &words);
    fails(&["lists", "evaluate", &list, "--curves", &curves, "--k", "0"], 2, &["--k"]);
}

#[test]
fn normalisers_are_listed_with_a_line_each() {
    let listed = json(&["lists", "normalizers", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 10);
    let (text, help) = (ok(&["lists", "normalizers"]), ok(&["lists", "learn", "--help"]));
    for row in listed.as_array().unwrap() {
        let (name, doc) = (row["name"].as_str().unwrap(), row["doc"].as_str().unwrap());
        assert!(text.contains(name) && text.contains(doc) && help.contains(&format!("- {name}:")), "{name}");
    }
    fails(
        &["lists", "learn", "--curves", "x", "--family", "adam8p", "--normalize", "mean"],
        2,
        &["default", "min"],
    );
}

#[test]
fn scores_are_exported() {
    let directory = tempfile::tempdir().unwrap();
    let curves = directory.path().join("curves");
    std::fs::create_dir(&curves).unwrap();
    small(&curves);
    let (curves, out) = (arg(&curves), directory.path().join("scores"));
    ok(&["curves", "export", &curves, "--format", "scores", "--normalize", "min", "--out", &arg(&out)]);
    let text = std::fs::read_to_string(out.join("scores.csv")).unwrap();
    let rows = csv(&text);
    assert_eq!(rows[0][..5], ["task", "optimizer", "family", "normalizer", "selection_split"]);
    assert_eq!(rows.len(), 1 + 2 * 3);
    let column = |name: &str| rows[0].iter().position(|cell| *cell == name).unwrap();
    for row in &rows[1..] {
        assert_eq!((row[column("normalizer")], row[column("replicas")]), ("min", "2"));
        assert_eq!((row[column("mode")], row[column("protocol")]), ("upstream", "40/10/1"));
        assert!((0.0..=1.0).contains(&row[column("score_valid_outer")].parse::<f64>().unwrap()));
    }
    fails(&["curves", "info", &arg(&out.join("scores.parquet"))], 1, &["not a file of training curves"]);
    let export = ["curves", "export", &curves, "--format", "scores"];
    fails(&[&export[..], &["--out", &curves]].concat(), 2, &["another directory"]);
    fails(&["curves", "export", &curves, "--format", "arrow", "--out", "x"], 2, &["arrow", "scores"]);
    assert!(ok(&["curves", "--help"]).contains("import"));
}

#[test]
fn curves_are_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let curves = directory.path().join("curves");
    std::fs::create_dir(&curves).unwrap();
    small(&curves);
    let at = |name: &str| arg(&directory.path().join(name));
    let (path, svg) = (arg(&curves), at("all.svg"));
    ok(&["curves", "plot", &path, "--out", &svg]);
    let text = std::fs::read_to_string(&svg).unwrap();
    for words in
        ["TwoD_Bowl1", "TwoD_Rosenbrock", "adam_lr_-1.00", "median of 2 replicas", "loss on test", "40 steps"]
    {
        assert!(text.contains(words), "{words}");
    }
    // A picture is replaced, and the bytes are the same.
    let one = [
        &curves.join("TwoD_Bowl1-adam_lr_-1.00-0.parquet"),
        &curves.join("TwoD_Bowl1-adam_lr_-1.00-1.parquet"),
    ];
    let one = one.map(|path| arg(path));
    ok(&[
        "curves", "plot", &one[0], &one[1], "--split", "train", "--split", "test", "--y", "linear", "--out",
        &svg,
    ]);
    let two = std::fs::read_to_string(&svg).unwrap();
    assert!(two.contains("adam_lr_-1.00, train") && two.contains("median of 2 replicas"), "{two}");
    ok(&["curves", "plot", &path, "--task", "TwoD_Bowl1", "--band", "quartiles", "--out", &at("one.png")]);
    assert!(std::fs::read(at("one.png")).unwrap().starts_with(b"\x89PNG"));

    fails(&["curves", "plot", "/nowhere", "--out", &at("x.gif")], 2, &["x.gif", ".svg or .png"]);
    fails(&["curves", "plot", "/nowhere", "--out", &path], 2, &["directory"]);
    fails(
        &["curves", "plot", &path, "--optimizer", "nadamw", "--out", &at("x.svg")],
        1,
        &["no curve matches"],
    );
    train(&curves, "TwoD_Bowl1", "adam8p_wide_grid_seed4", 0, &["--mode", "paper"]);
    fails(&["curves", "plot", &path, "--out", &at("x.svg")], 1, &["mode", "`paper`", "--mode MODE"]);
    train(&curves, "TwoD_Bowl1", "adam_lr_-2.00", 0, &["--steps", "20"]);
    fails(
        &["curves", "plot", &path, "--mode", "upstream", "--out", &at("x.svg")],
        1,
        &["protocol", "--protocol"],
    );
    assert!(!Path::new(&at("x.svg")).exists());
}

#[test]
fn more_than_a_picture_can_show_is_refused_with_the_number() {
    let directory = tempfile::tempdir().unwrap();
    for seed in 0..15 {
        train(directory.path(), "TwoD_Bowl1", &format!("adam1p_wide_grid_seed{seed}"), 0, &["--steps", "1"]);
    }
    let (path, out) = (arg(directory.path()), arg(&directory.path().join("x.svg")));
    fails(&["curves", "plot", &path, "--out", &out], 2, &["15 lines", "at most 14", "--optimizer"]);
    let eight = ["--optimizer", "adam1p_wide_grid_seed{0..7}", "--split", "train", "--split", "test"];
    fails(&[&["curves", "plot", &path, "--out", &out], &eight[..]].concat(), 2, &["16 lines"]);
    let seven = ["--optimizer", "adam1p_wide_grid_seed{0..6}"];
    ok(&[&["curves", "plot", &path, "--out", &out], &seven[..]].concat());
}

#[test]
fn a_training_is_drawn_and_divergence_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| arg(&directory.path().join(name));
    let args = ["train", "losg_tasks_family_seed4", "adam4p_wide_grid_seed24", "--eval-batches", "1"];
    let args = [&args[..], &["--steps", "200", "--eval-every", "50"]].concat();
    ok(&[&args[..], &["--plot", &at("loss.svg")]].concat());
    let svg = std::fs::read_to_string(at("loss.svg")).unwrap();
    assert!(svg.contains("adam4p_wide_grid_seed24, test (diverged at step"), "{svg}");
    // Before training, so it comes at once.
    let long = ["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", "4000000000", "--plot"];
    fails(&[&long[..], &[&at("x.gif")]].concat(), 2, &["--plot", ".svg or .png"]);
    fails(&[&long[..], &[&arg(directory.path())]].concat(), 2, &["that is a directory"]);
    fails(&[&long[..], &["/nonexistent/x.svg"]].concat(), 2, &["/nonexistent"]);
}

#[test]
fn a_picture_that_cannot_be_drawn_costs_neither_the_curve_nor_its_table() {
    let directory = tempfile::tempdir().unwrap();
    let (folder, out) = (directory.path().join("pictures"), directory.path().join("curve.parquet"));
    std::fs::create_dir(&folder).unwrap();
    let mut child = crate::support::program()
        .args(["train", "mlp_family_seed1", "adam_lr_-3.00", "--steps", "3000", "--eval-every", "3000"])
        .args(["--eval-batches", "1", "--data", "synthetic"])
        .args(["--out", &arg(&out), "--plot", &arg(&folder.join("x.svg"))])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The note on the data comes after the arguments were checked and before the training.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    std::fs::remove_dir(&folder).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let ran: crate::support::Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 1, "{said}");
    assert!(said.contains("x.svg was not written") && out.exists() && ran.stdout.contains("3000"), "{said}");
}

#[test]
fn hyperparameters_are_written_as_a_table() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| arg(&directory.path().join(name));
    ok(&["optimizers", "show", "nadamw_grid_seed{0..2}", "adam_lr_-3.00", "--out", &at("h.csv")]);
    let text = std::fs::read_to_string(at("h.csv")).unwrap();
    let rows = csv(&text);
    assert_eq!(rows.len(), 5);
    let shown = json(&["optimizers", "show", "nadamw_grid_seed1", "--json"]);
    for (name, cell) in rows[0][2..].iter().zip(&rows[2][2..]) {
        match &shown["hyperparameters"][*name] {
            serde_json::Value::Bool(flag) => assert_eq!(*cell, flag.to_string()),
            value => assert_eq!(cell.parse::<f64>().unwrap().to_bits(), value.as_f64().unwrap().to_bits()),
        }
    }
    assert_eq!(rows[4][0], "adam_lr_-3.00");
    assert!(rows[4][3..].iter().all(|cell| cell.is_empty()));
    ok(&["optimizers", "show", "adam8p", "--out", &at("h.parquet")]);
    assert!(std::fs::read(at("h.parquet")).unwrap().starts_with(b"PAR1"));
    assert_eq!(json(&["optimizers", "show", "adam_lr_*", "--json"]).as_array().unwrap().len(), 17);
    assert_eq!(ok(&["optimizers", "show", "adam_lr_*"]).lines().count(), 18);
    fails(&["optimizers", "show", "adam8p", "--out", &at("h.txt")], 2, &[".parquet or .csv"]);
    train(directory.path(), "TwoD_Bowl1", "zero", 0, &[]);
    let curves = at("TwoD_Bowl1-zero-0.parquet");
    fails(&["optimizers", "show", "adam8p", "--out", &curves], 2, &["holds curves, and is not replaced"]);
    std::fs::write(at("other.json"), "{}").unwrap();
    let learn = ["lists", "learn", "--curves", &curves, "--family", "adam8p", "--out"];
    fails(&[&learn[..], &[&at("other.json")]].concat(), 2, &["not a list, and is not replaced"]);
    fails(&["train", "TwoD_Bowl1", "adam"], 2, &["default Adam at 1e-3 is `adam_lr_-3.00`"]);
    fails(&["train", "TwoD_Bowl1", "nadam"], 2, &["`nadamw_grid_seed0`", "`nadamw_grid_1k`"]);
    fails(&["train", "TwoD_Bowl1", "adamw"], 2, &["is a set of 1000 optimizers", "`adamw_seed0`"]);
    let list = ok(&["optimizers", "list"]);
    for words in [
        "Adam; tuned: learning rate. Set: adam1p_wide_grid_1k.",
        "log-uniform, 1e-8 to 10",
        "1 − β log-uniform, 1e-4 to 1",
    ] {
        assert!(list.contains(words), "{words}: {list}");
    }
}
