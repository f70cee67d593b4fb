//! Writes made-up curves in the released form and size, to measure how `reproduce --curves` reads them:
//! `cargo run --release -p taskset-repro --example released_size -- DIRECTORY [TASKS [CONFIGURATIONS]]`.
//!
//! The released set has 1,162 tasks, five families of 1,000 configurations, five replicas, 51 evaluations and four splits:
//! 24 GB. A configuration is good or bad for a kind of tasks, so that lists have something to learn.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use rayon::prelude::*;
use taskset_curves::released_npz::{ReleasedCurves, ReleasedName};
use taskset_names::Origin;
use taskset_optim::{Family, Naming};
use taskset_rng::StreamId;

const FAMILIES: [Family; 5] =
    [Family::Adam1p, Family::Adam4p, Family::Adam6p, Family::Adam8p, Family::Nadamw];
const REPLICAS: usize = 5;
const POINTS: usize = 51;
const EVAL_EVERY: u32 = 200;
/// Kinds of tasks: all tasks of a group are of one kind.
const KINDS: usize = 12;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| arguments.get(i).map_or(Some(default), |text| text.parse().ok());
    let (Some(directory), Some(tasks), Some(configurations)) =
        (arguments.first().map(PathBuf::from), number(1, 1_162), number(2, 1_000))
    else {
        eprintln!("usage: released_size DIRECTORY [TASKS [CONFIGURATIONS]]");
        return ExitCode::from(2);
    };
    let names = names(tasks);
    let written: Result<Vec<()>, _> = names
        .par_iter()
        .flat_map(|task| FAMILIES.par_iter().map(move |family| (task, *family)))
        .map(|((task, kind), family)| {
            let (name, curves) = made_up(task, *kind, family, configurations);
            std::fs::create_dir_all(directory.join(task)).map_err(|error| error.to_string())?;
            curves.write(&name.path(&directory)).map_err(|error| error.to_string())
        })
        .collect();
    match written {
        Ok(files) => {
            println!("{} files of {} tasks in {}", files.len(), names.len(), directory.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// So many tasks, the fixed ones first, each with its kind.
fn names(count: usize) -> Vec<(String, usize)> {
    let groups: Vec<Vec<String>> = taskset_tasks::SUITES
        .into_iter()
        .rev()
        .flat_map(|suite| suite.groups().into_iter().map(move |group| suite.members(group)))
        .collect();
    // The fixed tasks are few in each group; of the sampled families, as many as are needed.
    let most = count.div_ceil(KINDS).max(1);
    let tasks = groups
        .iter()
        .enumerate()
        .flat_map(|(kind, names)| names.iter().take(most).map(move |name| (name.clone(), kind % KINDS)));
    tasks.take(count).collect()
}

fn made_up(task: &str, kind: usize, family: Family, count: usize) -> (ReleasedName, ReleasedCurves) {
    let info = family.info();
    let set = match info.naming {
        Naming::Seeds { set } => set,
        _ => info.prefix,
    };
    let optimizers: Vec<String> = info.names().take(count).collect();
    let mut stream = StreamId::root("released-size").child(task).child(info.name).stream();
    let mut losses = [const { Vec::new() }; 4];
    for configuration in 0..optimizers.len() {
        // How fast it learns: its own quality, that for this kind, and luck.
        let own = StreamId::root("quality").child(info.name).index(configuration as u64).stream().unit_f64();
        let here = StreamId::root("kind")
            .index(kind as u64)
            .child(info.name)
            .index(configuration as u64)
            .stream()
            .unit_f64();
        let rate = 0.3 * own * own + 0.5 * here.powi(6) + 0.05 * stream.unit_f64();
        let diverges = own < 0.05;
        for _ in 0..REPLICAS {
            let mut uniform = stream.below(1 << 32);
            for point in 0..POINTS {
                for split in 0..4_u8 {
                    uniform = uniform
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let noise = (uniform >> 40) as f64 / f64::from(1 << 24);
                    let loss = 1.0 / (1.0 + rate * point as f64) + 0.01 * noise + 0.005 * f64::from(split);
                    let loss = if diverges && point > 10 { f32::NAN } else { loss as f32 };
                    losses[split as usize].push(loss);
                }
            }
        }
    }
    let steps: Vec<u32> = (0..POINTS as u32).map(|point| point * EVAL_EVERY).collect();
    let name = ReleasedName {
        task: task.to_owned(),
        set: set.to_owned(),
        steps: EVAL_EVERY * (POINTS as u32 - 1),
        replicas: REPLICAS,
    };
    (name, ReleasedCurves { optimizers, steps, replicas: REPLICAS, losses, origin: Origin::Synthetic })
}
