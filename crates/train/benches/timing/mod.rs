//! What the benches share: the allocator, what this process has cost, the cost of a call, medians. Processor time, which
//! other programs disturb less than the clock.

use std::time::{Duration, Instant};

use taskset_nn::CacheLines;

/// As in the program.
#[global_allocator]
static ALLOCATOR: CacheLines = CacheLines;

/// Wall and processor time since a moment.
pub(crate) struct Clock {
    wall: Instant,
    cpu: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    /// Wall and processor time in microseconds.
    pub(crate) fn micros(&self) -> (f64, f64) {
        let cpu = cpu_time().saturating_sub(self.cpu);
        (self.wall.elapsed().as_secs_f64() * 1e6, cpu.as_secs_f64() * 1e6)
    }
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Where the system does not tell, processor time is wall time: the process has one thread.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

/// Microseconds of processor time a call of `call`, the mean over at least `seconds` and `at_least` calls.
pub(crate) fn micros(seconds: f64, at_least: u32, call: &mut dyn FnMut()) -> f64 {
    let (clock, mut calls) = (Clock::start(), 0);
    loop {
        for _ in 0..at_least {
            call();
        }
        calls += at_least;
        let (wall, cpu) = clock.micros();
        if wall >= seconds * 1e6 {
            return cpu / f64::from(calls);
        }
    }
}

/// The middle of some values; NaN of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
