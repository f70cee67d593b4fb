//! Times the parts of this crate that are slow at the size of the paper: 1,162 tasks and 1,000 configurations. Run it with
//! `cargo run --release -p taskset-meta --example speed`.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use std::time::Instant;

use taskset_meta::learned_against_random::{BoxTasks, Family, SplitExperiment};
use taskset_meta::tsne::Tsne;
use taskset_meta::{Error, HyperparameterTable, ScoreMatrix, correlation, greedy};
use taskset_rng::StreamId;

const TASKS: usize = 1162;
const CONFIGS: usize = 1000;

/// Scores of a made-up family. Tasks come in 13 kinds that agree on much; a quarter of all trials diverge to the score 1.
fn family(name: &str) -> Result<ScoreMatrix, Error> {
    let id = StreamId::root("speed").child(name);
    let numbers = |id: StreamId, n: usize| {
        let mut numbers = vec![0.0; n];
        id.stream().fill_unit(&mut numbers);
        numbers
    };
    let quality = numbers(id.child("quality"), CONFIGS);
    let mut scores = Vec::with_capacity(TASKS * CONFIGS);
    for task in 0..TASKS as u64 {
        let kind = numbers(id.child("kind").index(task % 13), CONFIGS);
        let own: Vec<f64> = numbers(id.child("task").index(task), CONFIGS);
        let score = |((q, k), o): ((&f64, &f64), &f64)| (0.5 * q + 0.4 * k + 0.4 * o).min(1.0);
        scores.extend(quality.iter().zip(&kind).zip(&own).map(score));
    }
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
    ScoreMatrix::new(names("task", TASKS), names(name, CONFIGS), scores.clone(), scores)
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    result
}

fn main() -> Result<(), Error> {
    let [adam8p, adam4p, adam1p] = [family("adam8p")?, family("adam4p")?, family("adam1p")?];
    let (tasks, configs): (Vec<usize>, Vec<usize>) = ((0..TASKS).collect(), (0..CONFIGS).collect());
    timed("greedy list of 1,000", || greedy(&adam8p, &tasks, &configs, CONFIGS));
    timed("greedy list of 100", || greedy(&adam8p, &tasks, &configs, 100));

    let value = |c: usize, d: u64| {
        StreamId::root("speed").child("value").index(c as u64).index(d).stream().unit_f64()
    };
    let values = (0..CONFIGS).map(|c| (0..8).map(|d| value(c, d)).collect()).collect();
    let names = (0..8).map(|d| format!("h{d}")).collect();
    let table = HyperparameterTable::new(names, vec![false; 8], values)?;
    let experiment = SplitExperiment {
        learned: Family { label: "adam8p", matrix: &adam8p },
        table: &table,
        others: vec![
            Family { label: "adam4p", matrix: &adam4p },
            Family { label: "adam1p", matrix: &adam1p },
        ],
        boxes: vec![(0.0, 1.0), (0.05, 0.95)],
        box_tasks: BoxTasks::All,
        resamplings: 50,
        k: CONFIGS,
    };
    timed("50 resamplings of Figure 3", || experiment.run(&StreamId::root("speed")))?;
    let groups: Vec<Vec<usize>> =
        (0..13).map(|kind| tasks.iter().copied().filter(|t| t % 13 == kind).collect()).collect();
    timed("rank correlations of all pairs of tasks", || correlation::group_correlations(&adam8p, &groups));
    let rows: Vec<&[f64]> = tasks.iter().map(|&task| adam8p.valid(task)).collect();
    let map = timed("t-SNE", || Tsne::default().embed(&rows, &StreamId::root("speed")))?;
    println!("divergence of the map: {:.3}", map.kl_divergence);
    Ok(())
}
