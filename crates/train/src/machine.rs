//! What is recorded of the machine: the only place that looks at it.

use taskset_curves::{Metadata, Protocol, SCHEMA_VERSION};
use taskset_nn::Backend;

/// Metadata of curves that this program trains on this machine, `threads` trials at once; `plan_hash` is empty for
/// curves that belong to no sweep.
pub fn metadata(protocol: Protocol, plan_hash: String, threads: usize) -> Metadata {
    Metadata {
        schema_version: SCHEMA_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol,
        plan_hash,
        machine: machine_description(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
    }
}

/// Number of threads that this process may use at once; 1 where the system does not say.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A short description for file metadata and reports: processor model where the system tells it, else architecture, and the
/// kernels that train.
pub fn machine_description() -> String {
    format!("{}, kernels {}", processor(), Backend::detect().name())
}

fn processor() -> String {
    let generic = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let Ok(cpuinfo) = std::fs::read_to_string("/proc/cpuinfo") else { return generic };
    cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(generic.clone(), |(_, model)| format!("{} ({generic})", model.trim()))
}
