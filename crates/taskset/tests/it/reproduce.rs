//! `reproduce sec5`: the whole path, at the smallest scale, and its interruption.

use std::process::Stdio;

use crate::support::{Ran, arg, fails, json, ok, program, run};

#[test]
fn the_whole_path_at_the_smallest_scale() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("figure");
    let args = ["reproduce", "sec5", "--scale", "smoke", "--out", &arg(&out), "--json"];
    let summary = json(&args);
    assert_eq!(summary["data"], "synthetic");
    assert!(summary["trained"].as_u64().unwrap() > 100);
    for file in ["index.html", "figure3.svg", "figure3.png", "figure3.csv", "figure3_resamplings.csv"] {
        assert!(std::fs::metadata(out.join(file)).unwrap().len() > 500, "{file}");
    }
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    for word in ["synthetic", "<svg", "adam8p", "mlp_family_seed", "valid_outer", "Protocol"] {
        assert!(page.contains(word), "{word}");
    }

    // A second run reuses every curve and draws the same picture.
    let before = std::fs::read(out.join("figure3.svg")).unwrap();
    let again = json(&args);
    assert_eq!((&again["trained"], &again["reused"]), (&0.into(), &summary["trained"]));
    assert_eq!(before, std::fs::read(out.join("figure3.svg")).unwrap());

    // The curves serve the other commands.
    let curves = arg(&out.join("curves"));
    let elsewhere = arg(&directory.path().join("from-curves"));
    let given =
        json(&["reproduce", "fig3", "--scale", "smoke", "--curves", &curves, "--out", &elsewhere, "--json"]);
    assert_eq!(given["trained"], 0);
    let info = json(&["curves", "info", &curves, "--json"]);
    assert_eq!(info["rows"], summary["trained"]);
    let file = arg(&directory.path().join("list.json"));
    let learn =
        ["lists", "learn", "--curves", &curves, "--family", "adam8p", "--k", "4", "--out", &file, "--json"];
    let list = json(&learn);
    assert_eq!(list["entries"].as_array().unwrap().len(), 4);
    assert!(list["entries"][0]["name"].as_str().unwrap().starts_with("adam8p_wide_grid_seed"));
    assert_eq!(json(&["lists", "show", &file, "--json"]), list);
    assert!(ok(&["curves", "query", &curves, "--task", "TwoD_*"]).lines().count() > 100);

    // Another plan is refused, and nothing is lost.
    fails(&["reproduce", "sec5", "--scale", "quick", "--out", &arg(&out)], 1, &["plan"]);
    assert_eq!(json(&["curves", "info", &curves, "--json"])["rows"], summary["trained"]);

    // A truncated part is named.
    let part = std::fs::read_dir(out.join("curves")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    fails(&args, 1, &[part.file_name().unwrap().to_str().unwrap()]);
}

#[test]
fn what_is_not_built_says_so() {
    fails(&["reproduce", "sec6"], 1, &["sec6", "figure 3"]);
    fails(&["reproduce", "sec99"], 2, &["sec99"]);
    fails(&["reproduce", "sec5", "--scale", "huge"], 2, &["huge", "quick"]);
    fails(
        &["reproduce", "sec5", "--scale", "smoke", "--data", "/nonexistent"],
        1,
        &["mnist", "/nonexistent"],
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("figure");
    let child = program()
        .args(["reproduce", "sec5", "--scale", "small", "--jobs", "2", "--out", &arg(&out)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Wait until it trains: the curves' directory is made just before.
    for _ in 0..600 {
        if out.join("curves").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("are kept in"), "{}", ran.stderr);
    let listed = run(&["curves", "info", &arg(&out.join("curves")), "--json"]);
    let parts = std::fs::read_dir(out.join("curves")).unwrap().count();
    assert_eq!(listed.code == 0, parts > 0, "{}", listed.stderr);
}
