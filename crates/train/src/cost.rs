//! How long a trial takes, before it is run; and the paper's rejection of tasks that cannot be built or are too slow.
//!
//! The paper samples from "a broad distribution" and uses "rejection sampling to remove tasks that are either too slow,
//! contain errors, or that we are unable to optimize at all" (section 2.1). The first two are decided here, from the
//! description alone; the third shows only in curves.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Backend, Scalar};
use taskset_tasks::Description;
use taskset_trial::Protocol;

/// How fast one core is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineRate {
    /// Matrix products of medium size, in 10⁹ floating-point operations a second.
    pub gflops: f64,
    /// Reading memory that no cache holds, in 10⁹ bytes a second.
    pub gigabytes_per_second: f64,
}

/// Seconds of a step whatever the task: drawing indices, calls, the optimizer's scalars.
const STEP_SECONDS: f64 = 0.7e-6;
/// What models reach of the rate of matrix products: 0.4 to 0.9 (docs/performance.md).
const EFFICIENCY: f64 = 0.7;
/// Scalar operations a second.
const SCALAR_RATE: f64 = 3e9;
/// Seconds of the optimizer's update a parameter (two moments).
const UPDATE_SECONDS: f64 = 0.4e-9;
/// Constants of a step that a core's own cache holds.
const CACHED_BYTES: f64 = 1e6;
/// Memory's speed where only the products' is known.
const USUAL_GIGABYTES_PER_SECOND: f64 = 10.0;

impl MachineRate {
    /// A machine of this speed of matrix products, with a usual memory.
    pub const fn new(gflops: f64) -> Self {
        Self { gflops, gigabytes_per_second: USUAL_GIGABYTES_PER_SECOND }
    }

    /// Measures the core that this thread runs on, in about 0.2 s.
    pub fn measure() -> Self {
        Self { gflops: measure_products(), gigabytes_per_second: measure_memory() }
    }
}

/// Calls something for this long and takes its fastest call: what else the machine does only slows calls down.
fn fastest(budget: Duration, mut call: impl FnMut()) -> f64 {
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < budget {
        let before = Instant::now();
        call();
        best = best.min(before.elapsed().as_secs_f64());
    }
    best.max(1e-9)
}

fn measure_products() -> f64 {
    let (m, k, n) = (128, 512, 128);
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    let seconds = fastest(Duration::from_millis(100), || {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
        black_box(&mut c);
    });
    2.0 * (m * k * n) as f64 / seconds / 1e9
}

fn measure_memory() -> f64 {
    const ELEMENTS: usize = 8 << 20;
    let memory = vec![1u64; ELEMENTS];
    let seconds = fastest(Duration::from_millis(60), || {
        black_box(black_box(&memory).iter().fold(0u64, |sum, x| sum.wrapping_add(*x)));
    });
    (ELEMENTS * size_of::<u64>()) as f64 / seconds / 1e9
}

/// Estimated minutes of one trial on one core, alone: steps, updates and evaluations, without loading data. Good to a
/// factor of about two for most tasks; trials in lockstep take less.
///
/// A step takes as long as its arithmetic, or as reading its constants takes where those outgrow a core's cache (a
/// `quadratic_family` of 3,000 dimensions reads 72 MB a step), whichever is longer.
pub fn estimate_minutes(description: &Description, protocol: &Protocol, rate: &MachineRate) -> f64 {
    let overhead = &description.overhead;
    let arithmetic = description.flops_per_step / (rate.gflops * 1e9 * EFFICIENCY);
    let memory =
        if overhead.bytes > CACHED_BYTES { overhead.bytes / (rate.gigabytes_per_second * 1e9) } else { 0.0 };
    let loss = arithmetic.max(memory) + overhead.scalar_operations / SCALAR_RATE;
    let step = STEP_SECONDS + loss + UPDATE_SECONDS * description.num_params as f64;
    let minibatch = overhead.evaluation_share * (STEP_SECONDS + loss);
    let minibatches = protocol.eval_steps().len() as f64 * 4.0 * f64::from(protocol.eval_batches);
    (f64::from(protocol.steps) * step + minibatches * minibatch) / 60.0
}

/// Why a task is not used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// Its configuration describes no model.
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
                write!(f, "too slow: about {minutes:.3} min a trial, more than {limit} min")
            }
        }
    }
}

/// The estimated minutes of a trial of a task that is kept, or why it is rejected. Whether this version can train it is
/// another question.
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

    const RATE: MachineRate = MachineRate::new(100.0);

    fn minutes(name: &str, protocol: &Protocol) -> f64 {
        estimate_minutes(&taskset_tasks::describe(name).unwrap(), protocol, &RATE)
    }

    /// Estimated microseconds of a step without evaluations.
    fn micros(name: &str) -> f64 {
        let protocol = Protocol { steps: 1_000_000, eval_every: 1_000_000, eval_batches: 1 };
        minutes(name, &protocol) * 60.0
    }

    #[test]
    fn estimates_are_near_what_was_measured() {
        // Measured on a machine of about 100 GFLOP/s a core, alone.
        for (name, measured) in [
            ("FixedMLP_mnist_ce_128x128x128_relu_bs128", 770.0),
            ("mlp_family_seed3", 104.0),
            ("quadratic_family_seed2", 1.0),
            ("quadratic_family_seed20", 500.0),
            ("losg_tasks_family_seed0", 0.7),
            ("mlp_family_seed5", 470.0),
        ] {
            let estimate = micros(name);
            assert!((measured / 4.0..measured * 4.0).contains(&estimate), "{name}: {estimate}");
        }
    }

    #[test]
    fn memory_bounds_what_the_caches_do_not_hold() {
        // Nearly 3,000 dimensions without noise: 70 MB a step.
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
        // 10,200 forward passes beside 10,000 steps.
        assert!((1.2..1.5).contains(&with), "{with}");
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

    #[test]
    fn this_machine_has_some_speed() {
        let rate = MachineRate::measure();
        assert!(rate.gflops > 0.01 && rate.gflops.is_finite(), "{rate:?}");
        assert!(rate.gigabytes_per_second > 0.01 && rate.gigabytes_per_second.is_finite(), "{rate:?}");
    }
}
