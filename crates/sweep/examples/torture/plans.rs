//! What is trained: a plan file, and others by which it grows.

/// Quadratic problems whose step takes about a microsecond.
const QUADRATIC: [u32; 30] = [
    2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 16, 18, 19, 22, 27, 30, 31, 32, 38, 39, 40, 42, 43, 44, 45, 48, 50,
    53, 54,
];
/// Generated losses whose step takes about a microsecond.
const LOSG: [u32; 20] = [2, 3, 6, 7, 9, 12, 16, 17, 19, 20, 25, 28, 32, 34, 36, 37, 38, 40, 41, 42];
/// A small network; its step takes about 30 microseconds.
const MLP: &str = "mlp_family_seed131";
/// Trials of one replica: eight functions of two parameters with 17 learning rates; the others with ten optimizers.
const OF_A_REPLICA: u64 = 8 * 17 + 10 * (30 + 20 + 1);
/// Part of the time of the torture that a core needs for the small trials of the first plan, as estimated.
const SMALL: f64 = 0.08;
/// Seconds that a core needs for a long trial, for each minute of the torture.
const LONG: f64 = 1.5;

/// The plan file of this number. The first one is the whole; each later one makes the plan grow by more replicas, other
/// protocols and one long trial.
pub(crate) fn text(number: u32, trials: u64, minutes: f64) -> String {
    let replicas = trials.div_ceil(OF_A_REPLICA).max(1) as u32;
    // A step takes about a microsecond.
    let steps = (SMALL * 60.0 * minutes / (trials.max(OF_A_REPLICA) as f64) * 1e6).clamp(200.0, 1e6) as u32;
    let long = |microseconds: f64| (LONG * minutes * 1e6 / microseconds) as u32 + number;
    let seeds = |family: &str, seeds: &[u32]| -> Vec<String> {
        seeds.iter().map(|seed| format!("{family}_seed{seed}")).collect()
    };
    let two = || vec!["TwoD_*".to_owned()];
    let mut blocks = vec![
        // The same block with more replicas: what is known already is left out.
        block(&two(), "adam_lr_*", replicas * (number + 1), steps, 5),
    ];
    let growth = number > 0;
    let few = if growth { 5 } else { usize::MAX };
    let some = |all: Vec<String>| all.into_iter().take(few).collect::<Vec<_>>();
    let ten = "adam8p_wide_grid_seed{0..9}";
    blocks.push(block(&some(seeds("quadratic_family", &QUADRATIC)), ten, replicas, steps + number, 4));
    blocks.push(block(&some(seeds("losg_tasks_family", &LOSG)), ten, replicas, steps + number, 3));
    blocks.push(block(&[MLP.to_owned()], ten, replicas, (steps / 30).max(20) + number, 2));
    // Two trials of a task are trained in lockstep.
    let pair = "adam8p_wide_grid_seed{3..4}";
    blocks.push(block(&["TwoD_Rosenbrock".to_owned()], pair, 1, long(0.7), 20));
    if !growth {
        blocks.push(block(&["quadratic_family_seed3".to_owned()], pair, 1, long(0.75), 10));
        blocks.push(block(&[MLP.to_owned()], pair, 1, long(30.0), 10));
    }
    blocks.concat()
}

/// One `[[trials]]`, with so many evaluations.
fn block(tasks: &[String], optimizers: &str, replicas: u32, steps: u32, evaluations: u32) -> String {
    format!(
        "[[trials]]\ntasks = {tasks:?}\noptimizers = [{optimizers:?}]\nreplicas = {replicas}\nsteps = {steps}\n\
         eval_every = {}\neval_batches = 2\n\n",
        (steps / evaluations).max(1)
    )
}
