//! `curves import` and `curves export --format npz|long-csv|long-parquet`.

use std::path::Path;

use taskset::curves::released_npz::{ReleasedCurves, ReleasedName};
use taskset::names::Origin;

use crate::support::{arg, fails, json, ok};

/// Released curves of a task: two optimizers, two replicas, three points; one trial diverges.
fn write_released(folder: &Path, task: &str, set: &str, optimizers: [&str; 2]) -> ReleasedCurves {
    // The second point of the second trial is lost.
    let loss = |n: usize| if n == 4 { f32::NAN } else { 0.1 + n as f32 };
    let losses = [0, 100, 200, 300].map(|split| (0..2 * 2 * 3).map(|n| split as f32 + loss(n)).collect());
    let optimizers = optimizers.map(str::to_owned).to_vec();
    let curves =
        ReleasedCurves { optimizers, steps: vec![0, 200, 400], replicas: 2, losses, origin: Origin::Real };
    let name = ReleasedName { task: task.to_owned(), set: set.to_owned(), steps: 400, replicas: 2 };
    let path = name.path(folder);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    curves.write(&path).unwrap();
    curves
}

#[test]
fn released_curves_are_imported_by_name_and_exported_with_the_same_losses() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    // Not in the order of their seeds.
    let names = ["adam8p_wide_grid_seed107", "adam8p_wide_grid_seed3"];
    let source = write_released(&place("bucket"), "TwoD_Rosenbrock", "adam8p_wide_grid_1k", names);
    let curves = arg(&place("curves"));
    ok(&["curves", "import", &arg(&place("bucket")), "--out", &curves]);
    let info = json(&["curves", "info", &curves, "--json"]);
    assert_eq!((&info["trials"], &info["diverged"], &info["replicas"][1]), (&4.into(), &1.into(), &1.into()));
    assert!(info["revisions"]["external:task_set"].is_number(), "{info}");
    // Index 3 of the last axis is the test split.
    let query = ["curves", "query", &curves, "--optimizer", names[1], "--split", "test"];
    let test = ok(&query);
    let losses: Vec<f32> = test
        .lines()
        .skip(1)
        .filter(|line| line.contains(&format!("{},1,", names[1])))
        .map(|line| line.split(',').nth(6).unwrap().parse().unwrap())
        .collect();
    assert_eq!(losses, source.curve(1, 1)[3]);

    let out = arg(&place("again"));
    ok(&["curves", "export", &curves, "--format", "npz", "--out", &out]);
    let file = place("again/TwoD_Rosenbrock/adam8p_wide_grid_1k_400_replica2.npz");
    let again = ReleasedCurves::read(&file).unwrap();
    // By seed now.
    assert_eq!(again.optimizers, [names[1], names[0]]);
    let bits = |curves: &ReleasedCurves, row: usize| -> Vec<u32> {
        (0..2).flat_map(|n| curves.curve(row, n)).flatten().map(f32::to_bits).collect()
    };
    assert_eq!((bits(&again, 0), bits(&again, 1)), (bits(&source, 1), bits(&source, 0)));
    let second = arg(&place("second"));
    ok(&["curves", "import", &out, "--out", &second]);
    ok(&["curves", "diff", &curves, &second]);
}

#[test]
fn long_tables_have_one_row_a_loss() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let names = ["nadamw_grid_seed1", "nadamw_grid_seed0"];
    write_released(&place("bucket"), "TwoD_Bowl1", "nadamw_grid_1k", names);
    let curves = arg(&place("curves"));
    ok(&["curves", "import", &arg(&place("bucket")), "--out", &curves]);
    let out = arg(&place("tables"));
    ok(&["curves", "export", &curves, "--format", "long-csv", "--out", &out]);
    ok(&["curves", "export", &curves, "--format", "long-parquet", "--out", &out]);
    let table = std::fs::read_to_string(place("tables/TwoD_Bowl1.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("task,family,config,replica,step,split,loss,diverged_at"), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 2 * 2 * 3 * 4);
    // A NaN is an empty cell, and the step says where it began.
    let lost: Vec<&&str> =
        lines.iter().filter(|line| line.contains(",200,") && line.contains(",,200,")).collect();
    assert_eq!(lost.len(), 4, "{table}");
    assert!(std::fs::metadata(place("tables/TwoD_Bowl1.parquet")).unwrap().len() > 0);
}

#[test]
fn what_cannot_be_imported_or_exported_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let out = arg(&place("out"));
    let bucket = arg(&place("bucket"));
    std::fs::create_dir(&bucket).unwrap();
    fails(&["curves", "import", &bucket, "--out", &out], 2, &["no released file"]);
    fails(&["curves", "import", "x.npz", "--out", &out], 2, &["TASK/SET_STEPS_replicaN.npz"]);
    let names = ["adam8p_wide_grid_seed3", "adam9p_wide_grid_seed3"];
    write_released(&place("bucket"), "TwoD_Rosenbrock", "adam8p_wide_grid_1k", names);
    fails(
        &["curves", "import", &bucket, "--out", &out],
        1,
        &["array `optimizers`", "adam9p_wide_grid_seed3"],
    );
    std::fs::rename(place("bucket/TwoD_Rosenbrock"), place("bucket/TwoD_Nothing")).unwrap();
    fails(&["curves", "import", &bucket, "--out", &out], 2, &["TwoD_Nothing"]);
    // Trials of two protocols do not fit into one archive.
    let curves = arg(&place("curves"));
    for steps in ["4", "6"] {
        let file = arg(&place("curves").join(format!("{steps}.parquet")));
        std::fs::create_dir_all(&curves).unwrap();
        ok(&["train", "TwoD_Bowl1", "adam_lr_-1.00", "--steps", steps, "--eval-every", "2", "--out", &file]);
    }
    let export = ["curves", "export", &curves, "--format", "npz", "--out", &out];
    fails(&export, 1, &["differ in protocol"]);
    ok(&[&export[..], &["--protocol", "6/2/50"]].concat());
    assert!(place("out/TwoD_Bowl1/adam_lr_6_replica1.npz").exists());
}
