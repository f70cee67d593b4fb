//! Curves of an optimizer that the program does not know: lists, queries, pictures, tables, and training them again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset::datasets::{Datasets, Source};
use taskset::optim::{Elementwise, Error, Facts, Optimizer, OptimizerIdentity, Real, Run, elementwise, real};
use taskset::rng::StreamId;
use taskset::tasks::Layout;
use taskset::train::{Protocol, Quiet, run_trial};

use crate::support::{arg, fails, json, ok, run};

/// Steps of one length, against the sign of the gradient.
#[derive(Clone, Copy, Debug)]
struct Lion {
    learning_rate: f64,
}

impl Elementwise<0> for Lion {
    const STATE: [&'static str; 0] = [];
    type Numbers<T: Real> = T;

    fn numbers<T: Real>(&self, _: u64) -> T {
        real(self.learning_rate)
    }

    fn element<T: Real>(rate: &T, gradient: T, p: T, state: [T; 0]) -> (T, [T; 0]) {
        (if gradient == T::zero() { p } else { p - *rate * gradient.signum() }, state)
    }
}

impl Optimizer for Lion {
    fn identity(&self) -> OptimizerIdentity {
        let name = format!("my-lion-{}", self.learning_rate);
        OptimizerIdentity::new(&name, "lion", [("learning_rate", self.learning_rate)], 1)
    }

    fn facts(&self) -> Facts {
        Facts { elementwise: true, ..Facts::default() }
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(elementwise(*self, layout))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(elementwise(*self, layout))
    }
}

/// Curves of three rates on two tasks.
fn lions(path: &Path) {
    let protocol = Protocol { steps: 40, eval_every: 10, eval_batches: 1 };
    let mut curves = Vec::new();
    for task in ["TwoD_Bowl1", "TwoD_Rosenbrock"] {
        let task = taskset::tasks::build(task, &Datasets::new(Source::Synthetic)).unwrap();
        for learning_rate in [0.1, 0.01, 0.001] {
            let lion = Lion { learning_rate };
            let cancel = AtomicBool::new(false);
            curves.push(run_trial(&*task, &lion, 0, &protocol, &mut Quiet, &cancel).unwrap());
        }
    }
    taskset::curves::write(path, &curves, &taskset::train::metadata(1)).unwrap();
}

#[test]
fn curves_of_an_unknown_optimizer_are_used_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| arg(&directory.path().join(name));
    let curves = at("curves.parquet");
    lions(Path::new(&curves));

    for pattern in ["lion", "my-lion-0.*"] {
        let list = json(&["lists", "learn", "--curves", &curves, "--family", pattern, "--k", "1", "--json"]);
        assert_eq!((&list["family"], &list["mode"]), (&"lion".into(), &serde_json::Value::Null), "{pattern}");
        let entry = &list["entries"][0];
        assert!(entry["name"].as_str().unwrap().starts_with("my-lion-0."));
        assert!(entry["hyperparameters"]["learning_rate"].is_number());
    }
    let learned =
        run(&["lists", "learn", "--curves", &curves, "--family", "lion", "--out", &at("list.json")]);
    assert!(
        learned.code == 0 && learned.stderr.contains("this one has no optimizer `my-lion-"),
        "{}",
        learned.stderr
    );
    assert!(ok(&["lists", "show", &at("list.json")]).contains("my-lion-"));
    assert!(ok(&["lists", "evaluate", &at("list.json"), "--curves", &curves]).contains("TwoD_Bowl1"));

    let found = json(&["curves", "query", &curves, "--optimizer", "lion", "--split", "test", "--json"]);
    assert_eq!(found.as_array().unwrap().len(), 6);
    ok(&["curves", "query", &curves, "--optimizer", "my-lion-0.1", "--mode", "none"]);
    ok(&["curves", "plot", &curves, "--optimizer", "lion", "--out", &at("x.svg")]);
    ok(&["curves", "export", &curves, "--format", "scores", "--optimizer", "lion", "--out", &at("scores")]);
    assert!(ok(&["curves", "info", &curves]).contains("lion"));
}

#[test]
fn misspelt_names_are_compared_with_those_of_the_curves() {
    let directory = tempfile::tempdir().unwrap();
    let curves = arg(&directory.path().join("curves.parquet"));
    lions(Path::new(&curves));
    let learn = |family: &str, code, words: &[&str]| {
        fails(&["lists", "learn", "--curves", &curves, "--family", family], code, words);
    };
    learn("lino", 2, &["curves.parquet", "`lino`", "did you mean `lion`?"]);
    learn("my-lion-0.2", 2, &["did you mean `my-lion-0.1`?"]);
    learn("adam8q_wide_grid", 2, &["no curve in", "`adam8q_wide_grid`", "adam8p"]);
    learn("shampoo", 2, &["no optimizer family `shampoo`", "schedule_free_adamw"]);
    learn("tiger*", 2, &["no optimizer matches `tiger*`"]);
    learn("nadamw", 1, &["no curves of `nadamw`"]);
    learn("nadamw_grid_seed1000", 2, &["are 0 to 999"]);
    fails(
        &["curves", "query", &curves, "--optimizer", "tiger"],
        1,
        &["no curve matches", "no optimizer `tiger`"],
    );
}

#[test]
fn what_only_another_program_can_train_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| arg(&directory.path().join(name));
    let curves = at("curves.parquet");
    lions(Path::new(&curves));
    let ran = run(&["curves", "recheck", &curves, "--sample", "1"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for words in ["no optimizer `my-lion-", "(family `lion`)", "only the program that made the curve"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    ok(&["lists", "learn", "--curves", &curves, "--family", "lion", "--out", &at("list.json")]);
    let others = at("adam.parquet");
    let train = ["train", "TwoD_Bowl1", "adam_lr_-2.00", "--steps", "40", "--eval-every", "10"];
    ok(&[&train[..], &["--eval-batches", "1", "--out", &others]].concat());
    let evaluate = ["lists", "evaluate", &at("list.json"), "--curves", &others];
    fails(&evaluate, 1, &["no optimizer of that name", "my-lion-", "the program that made"]);
}

#[test]
fn lists_of_families_without_modes_say_how_they_are_tried() {
    let directory = tempfile::tempdir().unwrap();
    let check = |optimizer: &str, family: &str, command: &str| {
        let curves = arg(&directory.path().join(format!("{optimizer}.parquet")));
        let train = ["train", "TwoD_Bowl1", optimizer, "--steps", "40", "--eval-every", "10"];
        ok(&[&train[..], &["--eval-batches", "1", "--out", &curves]].concat());
        let learn = ["lists", "learn", "--curves", &curves, "--family", family];
        let ran = run(&learn);
        assert!(ran.code == 0 && ran.stderr.contains(command), "{command}: {}", ran.stderr);
        let list = json(&[&learn[..], &["--json"]].concat());
        assert!(list["mode"].is_null() && list["entries"][0]["name"] == optimizer, "{list}");
        let shown = json(&["optimizers", "show", optimizer, "--json"]);
        assert_eq!(list["entries"][0]["hyperparameters"], shown["hyperparameters"]);
        ok(&["curves", "recheck", &curves, "--sample", "1"]);
    };
    check("lamb_default", "lamb", "taskset-rs train TASK lamb_default --steps STEPS");
    check("muon_default", "muon", "taskset-rs train TASK muon_default --steps STEPS");
    check("adamw_default", "adamw", "taskset-rs train TASK adamw_default --schedule-steps 40");
}

#[test]
fn options_that_would_change_nothing_are_refused() {
    let train =
        ["train", "TwoD_Bowl1", "muon_default", "--steps", "4", "--eval-every", "2", "--eval-batches", "1"];
    ok(&train);
    fails(&[&train[..], &["--mode", "paper"]].concat(), 2, &["--mode", "muon is the same in every mode"]);
    fails(
        &[&train[..], &["--schedule-steps", "9"]].concat(),
        2,
        &["--schedule-steps", "muon has no schedule"],
    );
}

#[test]
fn what_is_the_same_in_every_member_is_listed_as_fixed() {
    let listed = ok(&["optimizers", "list"]);
    for line in
        ["nesterov                   fixed at true", "fixed at original; possible: original, match_rms_adamw"]
    {
        assert!(listed.contains(line), "{listed}");
    }
}
