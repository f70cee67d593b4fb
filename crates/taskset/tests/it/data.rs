//! `data`, and what happens when data is missing or broken.

use crate::support::{arg, fails, json, run};

#[test]
fn missing_data_is_an_error_that_names_the_ways_out() {
    let directory = tempfile::tempdir().unwrap();
    let words = ["mnist", "train-images-idx3-ubyte", "--data synthetic"];
    let task = "FixedMLP_mnist_ce_128x128x128_relu_bs128";
    fails(&["train", task, "adam_lr_-3.00", "--data", &arg(directory.path())], 1, &words);
    // Nothing falls back silently where no data was named.
    fails(&["train", task, "adam_lr_-3.00"], 1, &words);
    fails(&["data", "fetch", "mnist"], 1, &["--data DIR", "synthetic"]);
}

#[test]
fn truncated_and_foreign_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let mnist = directory.path().join("mnist");
    std::fs::create_dir(&mnist).unwrap();
    let root = arg(directory.path());
    for name in [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        std::fs::write(mnist.join(name), b"not an idx file at all").unwrap();
    }
    let task = "FixedMLP_mnist_ce_128x128x128_relu_bs128";
    fails(&["train", task, "adam_lr_-3.00", "--data", &root], 1, &["train-images-idx3-ubyte", "magic"]);
    let ran = run(&["data", "verify", "mnist", "--data", &root]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("bad") && ran.stderr.contains("mnist"));
    assert!(json(&["data", "list", "--data", &root, "--json"]).as_array().unwrap().len() > 8);
}

#[test]
fn real_files_are_verified_where_they_are() {
    let Some(root) = std::env::var_os("TASKSET_DATA").filter(|d| d != "synthetic") else {
        println!("skipped: TASKSET_DATA names no directory with mnist");
        return;
    };
    let root = root.to_str().unwrap();
    let verified = json(&["data", "verify", "mnist", "fashion_mnist", "--data", root, "--json"]);
    assert!(verified.as_array().unwrap().iter().all(|v| v["good"] == true));
}
