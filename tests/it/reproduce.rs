//! `reproduce sec5`: the whole path, at the smallest scale, and its interruption.

use std::process::Stdio;
use std::sync::atomic::AtomicBool;

use taskset::curves::Selection;
use taskset::datasets::{Datasets, Source};
use taskset::repro;
use taskset::train::Quiet;

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

    // The smallest scale only checks the installation: no verdict anywhere, and the page says so.
    assert_eq!(summary["verdicts"], serde_json::json!({"hold": 0, "do_not_hold": 0, "cannot_tell": 12}));
    for claim in summary["claims"].as_array().unwrap() {
        assert_eq!(claim["verdict"], "cannot tell");
        assert!(claim["reason"].as_str().unwrap().contains("only checks the installation"), "{claim}");
    }
    assert!(page.contains("No verdicts.") && page.contains("Synthetic stand-in data."));
    for verdict in ["✓ holds", "✗ does not hold", "; real data."] {
        assert!(!page.contains(verdict), "{verdict}");
    }
    assert!(!page.contains('`'), "a raw backtick");

    // A second run reuses every curve and draws the same picture.
    let before = std::fs::read(out.join("figure3.svg")).unwrap();
    let again = json(&args);
    assert_eq!((&again["trained"], &again["reused"]), (&0.into(), &summary["trained"]));
    assert_eq!(before, std::fs::read(out.join("figure3.svg")).unwrap());

    // Curves of one and of two configurations in each family decide nothing either, whatever scale is named.
    for count in [1, 2] {
        let few = directory.path().join(format!("few{count}.parquet"));
        let mut slice = vec!["curves".to_owned(), "query".to_owned(), arg(&out.join("curves"))];
        for (family, seed) in
            ["adam8p", "adam4p", "adam1p"].iter().flat_map(|f| (0..count).map(move |seed| (f, seed)))
        {
            slice.extend(["--optimizer".to_owned(), format!("{family}_wide_grid_seed{seed}")]);
        }
        slice.extend(["--out".to_owned(), arg(&few)]);
        ok(&slice);
        let report = directory.path().join(format!("few{count}"));
        let given = ["reproduce", "sec5", "--scale", "paper", "--curves", &arg(&few), "--out", &arg(&report)];
        let ran = run(&given);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let of_figure = |line: &&str| line.starts_with("fig3: [cannot tell]");
        assert_eq!(ran.stderr.lines().filter(of_figure).count(), 4, "{}", ran.stderr);
        assert!(ran.stderr.contains("to choose from, and at least 20 are needed"), "{}", ran.stderr);
    }

    // Reading curves can be stopped, and writes no report.
    let elsewhere = directory.path().join("stopped");
    let figures = repro::choose("sec5").unwrap();
    let request = repro::Request {
        settings: repro::Settings::new(repro::RunScale::Smoke, &figures).unwrap(),
        figures,
        normalizer: "default",
        options: repro::Options::default(),
        datasets: Datasets::new(Source::Synthetic),
        out: elsewhere.clone(),
        jobs: 1,
        curves: Some(out.join("curves")),
        selection: Selection::default(),
    };
    let ending = repro::run(&request, &mut Quiet, &AtomicBool::new(true)).unwrap();
    assert!(
        matches!(&ending, repro::Ending::InterruptedAnalysis { curves } if *curves == out.join("curves"))
    );
    assert!(!elsewhere.exists());

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
    let worth = json(&["lists", "evaluate", &file, "--curves", &curves, "--json"]);
    let js: Vec<f64> =
        worth["entries"].as_array().unwrap().iter().map(|e| e["j"].as_f64().unwrap()).collect();
    assert!(js.len() == 4 && js[3] <= js[0], "{js:?}");
    assert_eq!(worth["data"], "synthetic");
    assert!(ok(&["curves", "query", &curves, "--task", "TwoD_*"]).lines().count() > 100);

    // A slice that lies among the parts does not pass for them.
    let slice = arg(&out.join("curves").join("a-slice.parquet"));
    let elsewhere_first = arg(&directory.path().join("a-slice.parquet"));
    ok(&["curves", "query", &curves, "--steps", "0..20", "--out", &elsewhere_first]);
    std::fs::rename(&elsewhere_first, &slice).unwrap();
    fails(&args, 1, &["a-slice.parquet", "parts of curves (steps 0..20)"]);
    std::fs::remove_file(&slice).unwrap();
    assert_eq!(before, std::fs::read(out.join("figure3.svg")).unwrap());

    // Curves of other plans in the directory change nothing.
    let extra = arg(&out.join("curves").join("extra.parquet"));
    let other = ["train", "TwoD_Bowl1", "adam8p_wide_grid_seed0", "--mode", "paper", "--steps", "40"];
    ok(&[&other[..], &["--eval-every", "10", "--eval-batches", "2", "--out", &extra]].concat());
    assert_eq!(json(&args)["trained"], 0);
    assert_eq!(before, std::fs::read(out.join("figure3.svg")).unwrap());
    // Where they are given without a plan, the mixture is refused, and can be chosen from.
    let given = ["reproduce", "fig3", "--curves", &curves, "--out", &elsewhere];
    fails(&given, 1, &["TwoD_Bowl1", "mode `upstream`", "`paper`", "--mode MODE"]);
    fails(&["lists", "learn", "--curves", &curves, "--family", "adam8p"], 1, &["mode", "--mode MODE"]);
    ok(&[&given[..], &["--mode", "upstream"]].concat());
    let learned = [&learn[..], &["--mode", "upstream"]].concat();
    assert_eq!(json(&learned)["entries"], list["entries"]);
    std::fs::remove_file(&extra).unwrap();

    // A truncated part is named, put aside and trained again.
    let part = std::fs::read_dir(out.join("curves/shards")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    let ran = run(&args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in [part.file_name().unwrap().to_str().unwrap(), "trained again", ".damaged"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    ok(&["curves", "info", &curves]);
}

#[test]
fn every_figure_from_one_set_of_curves() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("all");
    let args = ["reproduce", "all", "--scale", "smoke", "--out", &arg(&out), "--json"];
    let summary = json(&args);
    let figures = summary["figures"].as_array().unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure["figure"].as_str().unwrap()).collect();
    let expected: Vec<&str> = repro::FIGURES.iter().map(|row| row.name).collect();
    assert_eq!(names, expected);
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    for (row, figure) in repro::FIGURES.iter().zip(figures) {
        assert!(!figure["pictures"].as_array().unwrap().is_empty(), "{figure}");
        assert!(page.contains(row.label) && page.contains(row.title), "{}", row.name);
    }
    for file in summary["files"].as_array().unwrap() {
        assert!(std::fs::metadata(file.as_str().unwrap()).unwrap().len() > 50, "{file}");
    }

    // On the same curves, one thread gives the same bytes of every number.
    let curves = arg(&out.join("curves"));
    let single = directory.path().join("single");
    let again = ["reproduce", "all", "--curves", &curves, "--out", &arg(&single), "--json"];
    let ran = Ran::from(program().env("RAYON_NUM_THREADS", "1").args(again).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut compared = 0;
    for entry in std::fs::read_dir(&single).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".csv") && name != "sensitivity.csv" {
            assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(out.join(&name)).unwrap(), "{name}");
            compared += 1;
        }
    }
    assert!(compared >= 12, "{compared}");

    // A part of the paper has its figures, and nothing of an earlier run stays beside them; other files do.
    std::fs::write(single.join("figure_of_mine.png"), b"mine").unwrap();
    let fewer = ["reproduce", "appendix", "--curves", &curves, "--out", &arg(&single), "--json"];
    let summary = json(&fewer);
    let names: Vec<&str> =
        summary["figures"].as_array().unwrap().iter().map(|f| f["figure"].as_str().unwrap()).collect();
    assert_eq!(names, ["correlation", "fig11", "fig12", "fig13", "fig15", "fig14"]);
    assert!(!single.join("figure3.svg").exists() && single.join("figure15.svg").exists());
    assert!(single.join("figure_of_mine.png").exists());
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(single.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["claims"], summary["claims"]);

    // The released form gives the same numbers; it has no times, and the figures of times say so.
    let released = directory.path().join("released");
    ok(&["curves", "export", &curves, "--format", "npz", "--out", &arg(&released)]);
    let from_released = directory.path().join("from-released");
    let given = ["reproduce", "all", "--curves", &arg(&released), "--out", &arg(&from_released), "--json"];
    let summary = json(&given);
    assert_eq!(summary["data"], "synthetic", "the files say what they are of");
    for file in ["figure3_resamplings.csv", "figure4.csv", "figure6.csv", "figure13.csv", "figure15.csv"] {
        let read = |directory: &std::path::Path| std::fs::read(directory.join(file)).unwrap();
        assert_eq!(read(&from_released), read(&out), "{file}");
    }
    let of = |name: &str| {
        summary["figures"].as_array().unwrap().iter().find(|f| f["figure"] == name).unwrap().clone()
    };
    assert_eq!(of("fig14")["pictures"], serde_json::json!([]));
    assert!(of("fig2")["lacks"].to_string().contains("how long"), "{}", of("fig2"));

    // One family of tasks, one optimizer family: what cannot be drawn says why, and the exit code is 0.
    let few = directory.path().join("few.parquet");
    ok(&["curves", "query", &curves, "--task", "TwoD_*", "--optimizer", "adam8p", "--out", &arg(&few)]);
    let poor = directory.path().join("poor");
    let ran = run(&["reproduce", "all", "--curves", &arg(&few), "--out", &arg(&poor)]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in ["fig5: There are no curves of adam1p.", "fig13: Tasks of at least two families are needed"]
    {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(poor.join("figure4.svg").exists());
    let page = std::fs::read_to_string(poor.join("index.html")).unwrap();
    assert!(page.contains("Not drawn:") && page.contains("There are no curves of adam1p."));
}

#[test]
fn what_is_not_built_says_so() {
    fails(&["reproduce", "sec6"], 2, &["sec6", "fig3"]);
    fails(&["reproduce", "fig3", "--set", "boxes=all"], 2, &["boxes=all", "box-tasks"]);
    fails(&["reproduce", "fig3", "--set", "box-tasks=none"], 2, &["all or train"]);
    fails(&["baselines", "list"], 1, &["not built yet"]);
    fails(&["reproduce", "sec99"], 2, &["sec99"]);
    fails(&["reproduce", "sec5", "--scale", "huge"], 2, &["huge", "quick"]);
    for jobs in ["0", "-1", "1.5", "two", "5000000000"] {
        let option = format!("--jobs={jobs}");
        fails(&["reproduce", "sec5", &option], 2, &["--jobs", jobs]);
        fails(&["sweep", "run", "sweep", &option], 2, &["--jobs", jobs]);
        fails(&["data", "prepare", "imdb_reviews/bytes", &option], 2, &["--jobs", jobs]);
    }
    fails(&["reproduce", "sec5", "--mode", "paper"], 2, &["--curves PATH"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fails(&["reproduce", "sec5", "--out", &arg(file.path())], 2, &["--out", "not a directory"]);
    fails(
        &["reproduce", "sec5", "--scale", "smoke", "--data", "/nonexistent"],
        1,
        &["mnist", "/nonexistent"],
    );
}

/// Starts a run at scale quick that goes on for minutes, in a directory of its own.
#[cfg(unix)]
fn long_run(out: &std::path::Path, stderr: Stdio) -> std::process::Child {
    program()
        .args(["reproduce", "sec5", "--jobs", "2", "--out", &arg(out)])
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .unwrap()
}

/// Waits until the first curves are on disk.
#[cfg(unix)]
fn wait_for_a_part(out: &std::path::Path) {
    let part = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|e| e.file_name().to_string_lossy().ends_with(".parquet"))
    };
    for _ in 0..1200 {
        if std::fs::read_dir(out.join("curves/shards")).is_ok_and(|mut entries| entries.any(part)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no curve was stored in two minutes");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("figure");
    let child = long_run(&out, Stdio::piped());
    wait_for_a_part(&out);
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    // "interrupted: 123 of 24,900 curves are kept in …"
    let settings = repro::Settings::new(repro::RunScale::Quick, &repro::choose("sec5").unwrap()).unwrap();
    let all = format!("of {} curves are kept in", taskset::figures::count(settings.trials()));
    let kept = ran.stderr.lines().find_map(|line| line.strip_prefix("interrupted: ")).unwrap();
    let number: u64 = kept.split(' ').next().unwrap().parse().unwrap();
    assert!(number > 0 && kept.contains(&all), "{kept}");
    let info = json(&["curves", "info", &arg(&out.join("curves")), "--json"]);
    assert_eq!(info["rows"], number);
}

#[cfg(unix)]
#[test]
fn a_killed_process_leaves_whole_files() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("figure");
    let mut child = long_run(&out, Stdio::null());
    wait_for_a_part(&out);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(json(&["curves", "info", &arg(&out.join("curves")), "--json"])["rows"].as_u64().unwrap() > 0);
}

#[cfg(unix)]
#[test]
fn a_reader_of_messages_that_leaves_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("figure");
    let mut child = program()
        .args(["reproduce", "sec5", "--scale", "smoke", "--out", &arg(&out)])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert!(out.join("index.html").exists());
}

#[test]
fn stand_ins_are_announced_first() {
    let directory = tempfile::tempdir().unwrap();
    let smoke = ["reproduce", "sec5", "--scale", "smoke", "--out", &arg(&directory.path().join("figure"))];
    let ran = run(&smoke);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let first = ran.stderr.lines().next().unwrap();
    assert!(first.contains("lacks fashion_mnist, imdb") && first.contains("synthetic stand-ins"), "{first}");
    // A cache that has the data sets is used, and what is wrong with it is said.
    for name in ["mnist", "fashion_mnist", "imdb"] {
        std::fs::create_dir_all(directory.path().join("taskset-rs").join(name)).unwrap();
    }
    let ran = Ran::from(program().env("XDG_CACHE_HOME", directory.path()).args(smoke).output().unwrap());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.lines().next().unwrap().contains("using the cache"), "{}", ran.stderr);
    assert!(ran.stderr.contains("mnist"), "{}", ran.stderr);
    let help = ok(&["reproduce", "--help"]);
    // Where lines end depends on the width.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("the stand-ins, and every output says so"), "{help}");
}
