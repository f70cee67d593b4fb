//! What is known of the machine, described or measured: the only place that looks at it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use taskset_curves::Metadata;
use taskset_nn::kernels::{MatrixRef, Scratch, Start};
use taskset_nn::{Backend, Scalar};

use crate::MachineRate;

/// Metadata of curves that this program trains on this machine, `threads` trials at a time.
pub fn metadata(threads: usize) -> Metadata {
    Metadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine_description(),
        kernels: Backend::detect().name().to_owned(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
        slice: None,
        environment: None,
    }
}

/// Number of threads that this process may use at once; 1 where the system does not say.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A short description for file metadata and reports: processor model where the system tells it, else architecture.
pub fn machine_description() -> String {
    let generic = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let Ok(cpuinfo) = std::fs::read_to_string("/proc/cpuinfo") else { return generic };
    cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(generic.clone(), |(_, model)| format!("{} ({generic})", model.trim()))
}

impl MachineRate {
    /// Measures the core that this thread runs on, in about 0.2 s.
    pub fn measure() -> Self {
        Self { gflops: measure_products(), gigabytes_per_second: measure_memory() }
    }
}

/// Repeats a call for about this long and returns the seconds of the fastest: other programs can only slow calls down.
/// `now` is the time since some moment.
fn fastest(now: impl Fn() -> Duration, budget: Duration, mut call: impl FnMut()) -> f64 {
    let (start, mut best) = (now(), f64::INFINITY);
    loop {
        let before = now();
        if before - start >= budget {
            return best.max(1e-9);
        }
        call();
        best = best.min((now() - before).as_secs_f64());
    }
}

/// The time since now.
fn clock() -> impl Fn() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}

fn measure_products() -> f64 {
    let (m, k, n) = (128, 512, 128);
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let mut scratch = Scratch::default();
    let seconds = fastest(clock(), Duration::from_millis(100), || {
        let (a, b) = (MatrixRef::new(&a, m, k), MatrixRef::new(&b, k, n));
        f32::gemm(Backend::detect(), a, b, Start::Zero, false, &mut c, &mut scratch);
        black_box(&mut c);
    });
    2.0 * (m * k * n) as f64 / seconds / 1e9
}

fn measure_memory() -> f64 {
    const ELEMENTS: usize = 8 << 20;
    let memory = vec![1u64; ELEMENTS];
    let seconds = fastest(clock(), Duration::from_millis(60), || {
        black_box(black_box(&memory).iter().fold(0u64, |sum, x| sum.wrapping_add(*x)));
    });
    (ELEMENTS * size_of::<u64>()) as f64 / seconds / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_fastest_call_within_the_budget_counts() {
        // A clock that only calls move: by 5, 3, 4 and 9 seconds.
        let (time, mut durations) = (Cell::new(100), [5, 3, 4, 9].into_iter());
        let mut calls = 0;
        let best = fastest(
            || Duration::from_secs(time.get()),
            Duration::from_secs(12),
            || {
                time.set(time.get() + durations.next().unwrap());
                calls += 1;
            },
        );
        assert_eq!((best.to_bits(), calls), (3f64.to_bits(), 3));
    }
}
