//! Trials are told apart, and nothing that was changed is read.

use crate::support::{Ran, arg, fails, json, ok, program, run};

/// Trains a short trial into a file.
fn train(out: &str, more: &[&str]) {
    let base = ["train", "TwoD_Rosenbrock", "nadamw_grid_seed3", "--steps", "20", "--eval-every", "10"];
    ok(&[&base[..], &["--eval-batches", "1", "--out", out], more].concat());
}

#[test]
fn trials_that_differ_in_anything_are_both_kept_and_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    train(&file("a.parquet"), &[]);
    train(&file("again.parquet"), &[]);
    train(&file("mode.parquet"), &["--mode", "paper"]);
    train(&file("schedule.parquet"), &["--schedule-steps", "20"]);
    train(&file("kernels.parquet"), &["--kernels", "portable"]);
    let all = arg(directory.path());
    let info = json(&["curves", "info", &all, "--json"]);
    let trials = info["trials"].as_u64().unwrap();
    // A machine without fused multiply-add has one class of arithmetic.
    let classes = info["arithmetic"].as_object().unwrap().len() as u64;
    assert_eq!((trials, &info["rows"]), (2 + classes, &5.into()));
    assert_eq!(info["modes"], serde_json::json!({"paper": 1, "upstream": trials - 1}));
    assert_eq!(info["ambiguous"], trials);

    let ran = run(&["curves", "query", &all, "--split", "test"]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stdout.lines().count() as u64, 1 + 3 * trials, "{}", ran.stdout);
    assert!(ran.stderr.contains("share task, optimizer and replica"), "{}", ran.stderr);
    let paper = json(&["curves", "query", &all, "--mode", "paper", "--json"]);
    assert_eq!((paper.as_array().unwrap().len(), &paper[0]["mode"]), (1, &"paper".into()));
    let chosen = ["curves", "query", &all, "--schedule-steps", "20", "--json"];
    assert_eq!(json(&chosen)[0]["schedule_steps"], 20);
    fails(&["curves", "query", &all, "--protocol", "20"], 2, &["STEPS/EVERY/BATCHES"]);

    assert!(ok(&["curves", "diff", &file("a.parquet"), &file("again.parquet")]).contains("trials: 1 equal"));
    let differ = run(&["curves", "diff", &file("a.parquet"), &file("mode.parquet")]);
    assert_eq!(differ.code, 1);
    assert!(
        differ.stdout.contains("mode `upstream`") && differ.stdout.contains("`paper`"),
        "{}",
        differ.stdout
    );
    // Whichever difference comes first, it is named with the option that chooses.
    let learn = ["lists", "learn", "--curves", &all, "--family", "nadamw"];
    fails(&learn, 1, &["curves of different trials are mixed", "TwoD_Rosenbrock", "(`--"]);
}

#[test]
fn stored_trials_can_be_trained_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    train(&file("a.parquet"), &[]);
    train(&file("b.parquet"), &["--mode", "paper", "--replica", "3"]);
    train(&file("c.parquet"), &["--kernels", "portable", "--replica", "1"]);
    let mlp = ["train", "mlp_family_seed12", "adam_lr_-3.00", "--steps", "3", "--eval-batches", "1"];
    ok(&[&mlp[..], &["--data", "synthetic", "--out", &file("d.parquet")]].concat());
    let all = arg(directory.path());
    let found = json(&["curves", "recheck", &all, "--sample", "9", "--data", "synthetic", "--json"]);
    assert_eq!((&found["holds"], &found["differs"]), (&4.into(), &0.into()), "{found}");
    // Without the data, the others are still trained; what cannot be is named.
    let elsewhere = run(&["curves", "recheck", &all, "--sample", "9", "--data", "/nonexistent", "--json"]);
    assert_eq!(elsewhere.code, 1);
    let found: serde_json::Value = serde_json::from_str(&elsewhere.stdout).unwrap();
    assert_eq!((&found["holds"], &found["impossible"]), (&3.into(), &1.into()), "{found}");
    let only = ["curves", "recheck", &file("d.parquet"), "--data", "/nonexistent"];
    let ran = run(&only);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("/nonexistent"), "{}", ran.stdout);
}

#[test]
fn a_changed_byte_anywhere_is_noticed_by_every_reader() {
    let directory = tempfile::tempdir().unwrap();
    let file = arg(&directory.path().join("a.parquet"));
    train(&file, &[]);
    let bytes = std::fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        std::fs::write(&file, flipped).unwrap();
        fails(&["curves", "info", &file], 1, &["a.parquet"]);
        let query = run(&["curves", "query", &file]);
        assert_eq!(query.code, 1, "byte {at}");
        assert!(query.stderr.contains("a.parquet"), "{}", query.stderr);
    }
}

#[test]
fn curves_of_the_old_schema_are_refused_with_the_reason() {
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../curves/tests/fixtures/schema_1.parquet");
    let words = ["schema version 1", "did not record mode", "another directory"];
    fails(&["curves", "info", old], 1, &words);
    let directory = tempfile::tempdir().unwrap();
    let curves = directory.path().join("curves");
    std::fs::create_dir(&curves).unwrap();
    std::fs::copy(old, curves.join("part.parquet")).unwrap();
    fails(&["reproduce", "sec5", "--scale", "smoke", "--out", &arg(directory.path())], 1, &words);
}

#[test]
fn hidden_files_and_folders_do_not_stop_a_reader() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    train(&file("part.parquet"), &[]);
    std::fs::write(file("._part.parquet"), b"\0\x05\x16\x07").unwrap();
    std::fs::create_dir(file("folder.parquet")).unwrap();
    let ran = run(&["curves", "info", &arg(directory.path())]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("folder.parquet is a folder"), "{}", ran.stderr);
}

#[test]
fn data_that_changed_give_another_trial() {
    let directory = tempfile::tempdir().unwrap();
    let (data, out) = (directory.path().join("data"), arg(&directory.path().join("out.parquet")));
    let id = |task: &str| {
        let _ = std::fs::remove_file(&out);
        let args = ["train", task, "adam_lr_-3.00", "--steps", "1", "--eval-batches", "1", "--allow-partial"];
        let curve = json(&[&args[..], &["--data", &arg(&data), "--out", &out, "--json"]].concat());
        assert_eq!(curve["data"], "partial");
        (curve["trial_id"].clone(), curve["data_digest"].clone())
    };
    // Images: one pixel.
    let cifar = "FixedMLP_cifar10_ce_128x128x128_relu_bs128";
    let records = |changed: u8| -> Vec<u8> {
        let record =
            |i: usize| [vec![(i % 10) as u8], vec![(i * 7 % 251) as u8 ^ (changed * u8::from(i == 3)); 3072]];
        (0..40).flat_map(record).flatten().collect()
    };
    std::fs::create_dir_all(data.join("cifar10")).unwrap();
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(data.join("cifar10").join(name), bytes).unwrap();
    put("data_batch_1.bin", records(0));
    put("test_batch.bin", records(0));
    let first = id(cifar);
    assert_eq!(id(cifar), first);
    put("data_batch_1.bin", records(1));
    let second = id(cifar);
    assert!(first.0 != second.0 && first.1 != second.1);

    // Texts, with a prepared copy in between: one letter, in a file of the same size.
    let tasks = json(&["tasks", "list", "char_rnn_language_model_family", "--json"]);
    let on_lm1b = |task: &&serde_json::Value| task["dataset"] == "lm1b/bytes" && task["feasible"] == true;
    let lm1b = tasks.as_array().unwrap().iter().find(on_lm1b).unwrap()["name"].as_str().unwrap().to_owned();
    std::fs::create_dir_all(data.join("lm1b")).unwrap();
    let sentences = |letter: char| -> String {
        (100..160).map(|i| format!("The sentence number {i} is not a long one {letter}\n")).collect()
    };
    let put = |letter: char| {
        for split in ["dev", "test"] {
            let path = data.join("lm1b").join(format!("1b_benchmark.{split}.tokens"));
            std::fs::write(path, sentences(letter)).unwrap();
        }
    };
    put('.');
    ok(&["data", "prepare", "lm1b/bytes", "--data", &arg(&data), "--allow-partial"]);
    let first = id(&lm1b);
    assert_eq!(id(&lm1b), first);
    put('!');
    let second = id(&lm1b);
    assert!(first.0 != second.0 && first.1 != second.1);
    ok(&["data", "prepare", "lm1b/bytes", "--data", &arg(&data), "--allow-partial"]);
    assert_eq!(id(&lm1b), second, "a prepared copy is the same data");
}

#[test]
fn threads_change_no_byte() {
    let directory = tempfile::tempdir().unwrap();
    let curves = directory.path().join("curves");
    std::fs::create_dir(&curves).unwrap();
    for (number, task) in ["TwoD_Bowl1", "TwoD_Beale", "losg_tasks_family_seed4"].into_iter().enumerate() {
        for (other, optimizer) in
            ["adam4p_wide_grid_seed24", "adam4p_wide_grid_seed3"].into_iter().enumerate()
        {
            let out = arg(&curves.join(format!("{number}{other}.parquet")));
            let args =
                ["train", task, optimizer, "--steps", "20", "--eval-every", "10", "--eval-batches", "1"];
            ok(&[&args[..], &["--out", &out]].concat());
        }
    }
    let path = arg(&curves);
    let slice = arg(&directory.path().join("all.parquet"));
    for args in [
        &["curves", "query", &path][..],
        &["curves", "query", &path, "--json"],
        &["curves", "info", &path, "--json"],
        &["lists", "learn", "--curves", &path, "--family", "adam4p", "--json"],
        &["curves", "query", &path, "--out", &slice],
    ] {
        let outputs = ["1", "2", "5"].map(|threads| {
            let output = program().args(args).env("RAYON_NUM_THREADS", threads).output().unwrap();
            let ran = Ran::from(output);
            assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
            (ran.stdout, std::fs::read(&slice).ok())
        });
        assert!(outputs[0] == outputs[1] && outputs[1] == outputs[2], "{args:?}");
    }
}

#[test]
fn what_is_there_is_not_destroyed() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| arg(&directory.path().join(name));
    train(&file("a.parquet"), &[]);
    // The same trial again may replace its own file, another one may not.
    train(&file("a.parquet"), &[]);
    let before = std::fs::read(file("a.parquet")).unwrap();
    let again = ["train", "TwoD_Rosenbrock", "nadamw_grid_seed3", "--steps", "20", "--out"];
    fails(
        &[&again[..], &[&file("a.parquet"), "--mode", "paper"]].concat(),
        2,
        &["a.parquet", "is not replaced"],
    );
    fails(&[&again[..], &[&arg(directory.path())]].concat(), 2, &["ends in .parquet"]);
    std::fs::create_dir(file("d.parquet")).unwrap();
    fails(&[&again[..], &[&file("d.parquet")]].concat(), 2, &["not a regular file"]);
    fails(&[&again[..], &[&file("x.csv")]].concat(), 2, &["ends in .parquet"]);
    let query = |more: &[&str], words: &[&str], code: i32| {
        fails(&[&["curves", "query", &file("a.parquet")], more].concat(), code, words);
        assert!(std::fs::read(file("a.parquet")).unwrap() == before);
    };
    query(&["--out", &file("a.parquet")], &["one of the files that are read"], 2);
    query(
        &["--task", "nothing", "--out", &file("b.parquet")],
        &["no curve matches", "nothing was written"],
        1,
    );
    query(&["--task", "t{3..1}"], &["empty"], 2);
    query(&["--mode", "foo"], &["foo"], 2);
    query(&["--trial", "xyz"], &["hexadecimal"], 2);
    assert!(!std::path::Path::new(&file("b.parquet")).exists());
    let slice = ["curves", "query", &arg(directory.path()), "--steps", "0..10", "--out", &file("s.parquet")];
    fails(&slice, 2, &["must not be in a directory of whole curves"]);
    fails(&["reproduce", "sec5", "--mode", "paper"], 2, &["--curves PATH"]);
}
