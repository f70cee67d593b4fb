//! `curves` and `lists` on broken and on learned input.

use crate::support::{arg, fails, json, ok};

#[test]
fn the_published_list() {
    let list = json(&["lists", "show", "published", "--k", "3", "--json"]);
    let names: Vec<&str> =
        list["entries"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["nadamw_grid_seed251", "nadamw_grid_seed611", "nadamw_grid_seed799"]);
    let lr = list["entries"][0]["hyperparameters"]["learning_rate"].as_f64().unwrap();
    assert!((lr / 0.0011948335721160095 - 1.0).abs() < 1e-12);
    assert_eq!(ok(&["lists", "show", "published"]).lines().count(), 1001);
}

#[test]
fn broken_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broken.parquet");
    std::fs::write(&file, b"PAR1 and then nothing").unwrap();
    fails(&["curves", "info", &arg(&file)], 1, &["broken.parquet"]);
    fails(&["curves", "query", &arg(&file)], 1, &["broken.parquet"]);
    fails(&["curves", "info", "/nonexistent.parquet"], 1, &["/nonexistent.parquet"]);
    fails(&["curves", "query", &arg(&file), "--split", "valid"], 2, &["`valid`"]);
    fails(&["curves", "query", &arg(&file), "--steps", "1-2"], 2, &["1-2"]);
    let list = directory.path().join("list.json");
    std::fs::write(&list, "{}").unwrap();
    fails(&["lists", "show", &arg(&list)], 1, &["list.json"]);
    fails(&["lists", "show", "nothing.json"], 1, &["nothing.json", "published"]);
    fails(&["lists", "learn", "--curves", &arg(&file), "--family", "sgd"], 2, &["sgd", "adam8p"]);
}
