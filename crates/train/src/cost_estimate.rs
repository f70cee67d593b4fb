//! What training costs, estimated before it is run: minutes of a trial, shares of a sweep, operations of a check; and the
//! paper's rejection of tasks that cannot be built or are too slow.
//!
//! The paper samples from "a broad distribution" and uses "rejection sampling to remove tasks that are either too slow,
//! contain errors, or that we are unable to optimize at all" (section 2.1). The first two are decided here, from the
//! description alone; the third shows only in curves.

use std::fmt;

use taskset_tasks::{Description, Task};
use taskset_trial::Protocol;

/// How fast one core is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineRate {
    /// Matrix products of medium size, in 10⁹ floating-point operations per second.
    pub gflops: f64,
    /// Reading from memory beyond all caches, in 10⁹ bytes per second.
    pub gigabytes_per_second: f64,
}

/// Seconds of a step whatever the task: drawing indices, calls, the optimizer's scalars.
const STEP_SECONDS: f64 = 0.7e-6;
/// Share of the speed of matrix products that models reach: 0.4 to 0.9 (docs/performance.md).
const EFFICIENCY: f64 = 0.7;
/// Scalar operations per second.
const SCALAR_RATE: f64 = 3e9;
/// Seconds of the optimizer's update per parameter (two moments).
const UPDATE_SECONDS: f64 = 0.4e-9;
/// Bytes of a step's constants that fit into a core's own cache.
const CACHED_BYTES: f64 = 1e6;
/// Bytes of parameters, gradients and two moments that the caches of a machine hold.
const CACHED_TRAINING_BYTES: f64 = 32e6;
/// Bytes that a step reads and writes per parameter where they do not: the four are read, and all but the gradient written.
const UPDATE_BYTES: f64 = 28.0;
/// Speed of memory where only that of products is known.
const USUAL_GIGABYTES_PER_SECOND: f64 = 10.0;

impl MachineRate {
    /// A machine of this speed of matrix products, with a usual memory.
    pub const fn new(gflops: f64) -> Self {
        Self { gflops, gigabytes_per_second: USUAL_GIGABYTES_PER_SECOND }
    }
}

/// Estimated minutes of one trial on one core, alone: steps, updates and evaluations, without loading data. Good to a
/// factor of about two for most tasks; trials in lockstep take less.
///
/// A step takes as long as its arithmetic, or as reading its constants takes where those outgrow a core's cache (a
/// `quadratic_family` of 3,000 dimensions reads 72 MB per step), whichever is longer.
pub fn estimate_minutes(description: &Description, protocol: &Protocol, rate: &MachineRate) -> f64 {
    let overhead = &description.overhead;
    let products = description.flops_per_step - overhead.skipped_flops;
    let arithmetic = products / (rate.gflops * 1e9 * EFFICIENCY);
    let memory =
        if overhead.bytes > CACHED_BYTES { overhead.bytes / (rate.gigabytes_per_second * 1e9) } else { 0.0 };
    let loss = arithmetic.max(memory) + overhead.scalar_operations / SCALAR_RATE;
    let step = STEP_SECONDS + loss + update_seconds(description.num_params as f64, rate);
    let minibatch = overhead.evaluation_share * (STEP_SECONDS + loss);
    let minibatches = protocol.eval_steps().len() as f64 * 4.0 * f64::from(protocol.eval_batches);
    (f64::from(protocol.steps) * step + minibatches * minibatch) / 60.0
}

/// Seconds of the optimizer's update: arithmetic, or reading and writing what outgrows the caches.
fn update_seconds(num_params: f64, rate: &MachineRate) -> f64 {
    let memory = UPDATE_BYTES / (rate.gigabytes_per_second * 1e9);
    let cached = 4.0 * size_of::<f32>() as f64 * num_params <= CACHED_TRAINING_BYTES;
    num_params * if cached { UPDATE_SECONDS } else { UPDATE_SECONDS.max(memory) }
}

/// Seconds of a trial on a machine of made-up speed, for dividing and ordering the trials of a sweep and for its progress:
/// about a microsecond of overhead per step, and 10 GFLOP/s. It is the same on every machine, because only ratios count.
/// An evaluated minibatch counts as 0.4 of a step.
pub fn nominal_seconds(task: &dyn Task, protocol: &Protocol) -> f64 {
    let loss = task.flops_per_step() / 1e10;
    let minibatches = protocol.eval_steps().len() as f64 * 4.0 * f64::from(protocol.eval_batches);
    f64::from(protocol.steps) * (1e-6 + loss) + minibatches * 0.4 * loss
}

/// Rough number of operations that [`check_steps`](crate::check_steps) takes, to leave out what would take too long.
pub fn check_operations(description: &Description, steps: usize) -> f64 {
    let Description { flops_per_step, num_params, overhead, .. } = description;
    // A quadratic's matrix of given eigenvalues is drawn in double precision when its first replica starts.
    let drawing =
        if description.family == "quadratic_family" { 40.0 * (*num_params as f64).powi(3) } else { 0.0 };
    drawing + steps as f64 * (flops_per_step + 30.0 * overhead.scalar_operations)
}

/// Why a task is not used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// Its configuration describes a model that cannot be built.
    Infeasible {
        /// What in the configuration makes it impossible.
        reason: String,
    },
    /// A trial would take too long.
    TooSlow {
        /// Estimated minutes of a trial.
        minutes: f64,
        /// The most that was allowed.
        limit: f64,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Infeasible { reason } => write!(f, "infeasible: {reason}"),
            Self::TooSlow { minutes, limit } => {
                write!(f, "too slow: about {minutes:.3} min per trial, more than {limit} min")
            }
        }
    }
}

/// The estimated minutes of a trial of a task that is kept, or why it is rejected.
///
/// # Errors
/// The [`Rejection`].
pub fn screen(
    description: &Description,
    protocol: &Protocol,
    rate: &MachineRate,
    max_minutes: f64,
) -> Result<f64, Rejection> {
    if !description.feasible {
        let reason = description.reason.clone().unwrap_or_else(|| "no reason is known".to_owned());
        return Err(Rejection::Infeasible { reason });
    }
    let minutes = estimate_minutes(description, protocol, rate);
    if minutes > max_minutes { Err(Rejection::TooSlow { minutes, limit: max_minutes }) } else { Ok(minutes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_datasets::{Datasets, Source};

    const RATE: MachineRate = MachineRate::new(100.0);

    fn minutes(name: &str, protocol: &Protocol) -> f64 {
        estimate_minutes(&taskset_tasks::describe(name).unwrap(), protocol, &RATE)
    }

    /// Estimated microseconds of a step without evaluations.
    fn micros(name: &str) -> f64 {
        let protocol = Protocol { steps: 1_000_000, eval_every: 1_000_000, eval_batches: 1 };
        minutes(name, &protocol) * 60.0
    }

    /// A made-up task, of round numbers at [`RATE`].
    fn task(seconds_of_products: f64, seconds_of_scalars: f64, bytes: f64) -> Description {
        let mut task = taskset_tasks::describe("TwoD_Bowl1").unwrap();
        task.num_params = 0;
        task.flops_per_step = seconds_of_products * RATE.gflops * 1e9 * EFFICIENCY;
        task.overhead.scalar_operations = seconds_of_scalars * SCALAR_RATE;
        task.overhead.bytes = bytes;
        task.overhead.evaluation_share = 0.5;
        task
    }

    fn check(task: &Description, protocol: Protocol, minutes: f64) {
        let estimate = estimate_minutes(task, &protocol, &RATE);
        // Overhead per step adds some microseconds; the rest is rounding.
        assert!((estimate - minutes).abs() < 1e-5 * minutes, "{estimate}, not {minutes}");
    }

    #[test]
    fn a_trial_is_its_steps_and_its_evaluations() {
        let protocol = |steps, eval_every, eval_batches| Protocol { steps, eval_every, eval_batches };
        // 60 steps of 2 + 1 seconds; 2 evaluations of 4 splits of 5 minibatches at half of a step.
        check(&task(2.0, 1.0, 0.0), protocol(60, 60, 5), (60.0 * 3.0 + 2.0 * 4.0 * 5.0 * 1.5) / 60.0);
        // Twice as many steps with as many evaluations.
        check(&task(2.0, 1.0, 0.0), protocol(120, 120, 5), (120.0 * 3.0 + 2.0 * 4.0 * 5.0 * 1.5) / 60.0);
        // Reading 50 GB takes 5 seconds, longer than the products; it happens at the same time as these.
        check(&task(2.0, 1.0, 5e10), protocol(60, 60, 5), (60.0 * 6.0 + 2.0 * 4.0 * 5.0 * 3.0) / 60.0);
        check(&task(7.0, 1.0, 5e10), protocol(60, 60, 5), (60.0 * 8.0 + 2.0 * 4.0 * 5.0 * 4.0) / 60.0);
        // What a cache holds is not read from memory.
        check(&task(0.0, 1.0, CACHED_BYTES), protocol(60, 60, 5), (60.0 + 2.0 * 4.0 * 5.0 * 0.5) / 60.0);
    }

    #[test]
    fn updates_count_by_parameters() {
        let mut large = task(1.0, 0.0, 0.0);
        let protocol = Protocol { steps: 30, eval_every: 30, eval_batches: 1 };
        let mut seconds_of_an_update = |num_params, rate: &MachineRate| {
            large.num_params = num_params;
            let all = estimate_minutes(&large, &protocol, rate) * 60.0;
            // One second of products each, half of it in the 8 evaluations, which have no updates.
            (all - 30.0 - 8.0 * 0.5) / 30.0
        };
        let fast = MachineRate { gigabytes_per_second: 1e6, ..RATE };
        assert!((seconds_of_an_update(2_500_000_000, &fast) - 1.0).abs() < 1e-4);
        // From memory: 28 bytes each at 10 GB/s.
        assert!((seconds_of_an_update(2_500_000_000, &RATE) - 7.0).abs() < 1e-4);
        // What caches hold does not depend on the memory.
        assert!((seconds_of_an_update(2_000_000, &RATE) - 0.0008).abs() < 1e-5);
    }

    #[test]
    fn products_that_are_not_computed_take_no_time() {
        let mut model = task(2.0, 0.0, 0.0);
        model.overhead.skipped_flops = model.flops_per_step / 4.0;
        let protocol = Protocol { steps: 60, eval_every: 60, eval_batches: 1 };
        check(&model, protocol, (60.0 * 1.5 + 8.0 * 0.75) / 60.0);
    }

    #[test]
    fn tasks_are_ranked_as_measured() {
        // Fastest first, by times measured alone on a machine of about 100 GFLOP/s per core.
        let names = [
            "losg_tasks_family_seed0",
            "mlp_family_seed3",
            "mlp_family_seed5",
            "FixedMLP_mnist_ce_128x128x128_relu_bs128",
        ];
        let estimates = names.map(micros);
        assert!(estimates.is_sorted(), "{estimates:?}");
    }

    #[test]
    fn a_sweep_weighs_tasks_by_their_operations() {
        let data = Datasets::new(Source::Synthetic);
        let protocol = Protocol { steps: 1_000_000, eval_every: 1_000_000, eval_batches: 1 };
        let work = |name: &str| nominal_seconds(&*taskset_tasks::build(name, &data).unwrap(), &protocol);
        assert!(work("TwoD_Bowl1") < 2.0);
        assert!(work("mlp_family_seed131") > 10.0 * work("TwoD_Bowl1"));
    }

    #[test]
    fn drawing_a_matrix_counts_among_the_operations_of_a_check() {
        let mut quadratic = task(0.0, 0.0, 0.0);
        quadratic.flops_per_step = 1e3;
        assert!((check_operations(&quadratic, 3) - 3e3).abs() < 1e-9);
        quadratic.family = "quadratic_family".to_owned();
        quadratic.num_params = 100;
        assert!((check_operations(&quadratic, 3) - 4.0003e7).abs() < 1.0);
    }

    #[test]
    fn memory_bounds_what_the_caches_do_not_hold() {
        // Nearly 3,000 dimensions without noise: 70 MB per step.
        let large = (0..1000)
            .map(|seed| taskset_tasks::describe(&format!("quadratic_family_seed{seed}")).unwrap())
            .filter(|task| task.overhead.scalar_operations <= 0.0)
            .max_by_key(|task| task.num_params)
            .unwrap();
        let estimate = |rate: &MachineRate| estimate_minutes(&large, &Protocol::PAPER, rate);
        let (usual, fast) = (estimate(&RATE), estimate(&MachineRate { gigabytes_per_second: 1e6, ..RATE }));
        assert!(usual > 5.0 * fast, "{usual} {fast}");
        let faster_products = estimate(&MachineRate { gflops: 1e6, ..RATE });
        assert!(faster_products > 0.9 * usual);
    }

    #[test]
    fn evaluations_count() {
        let name = "mlp_family_seed3";
        let steps = Protocol { steps: 10_000, eval_every: 10_000, eval_batches: 1 };
        let with = minutes(name, &Protocol::PAPER) / minutes(name, &steps);
        // 10,200 forward passes beside 10,000 steps: a third of a step each, or half where the first layer is most of the model.
        assert!((1.3..1.55).contains(&with), "{with}");
    }

    #[test]
    fn tasks_are_rejected_with_their_reason() {
        let screened = |name: &str, limit| {
            screen(&taskset_tasks::describe(name).unwrap(), &Protocol::PAPER, &RATE, limit)
        };
        let infeasible = screened("conv_fc_family_seed25", 1e9).unwrap_err();
        assert!(
            infeasible.to_string().starts_with("infeasible: ") && infeasible.to_string().contains("VALID")
        );
        let slow = screened("mlp_family_seed3", 1e-3).unwrap_err();
        assert!(matches!(slow, Rejection::TooSlow { limit, .. } if limit < 0.01), "{slow}");
        assert!(slow.to_string().contains("more than 0.001 min"), "{slow}");
        assert!(screened("mlp_family_seed3", 60.0).is_ok_and(|minutes| minutes < 10.0));
    }
}
