//! What is recorded of the machine: the only place that looks at it.

use taskset_curves::Metadata;
use taskset_nn::Backend;

/// Metadata of curves that this program trains on this machine, `threads` trials at once.
pub fn metadata(threads: usize) -> Metadata {
    Metadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine_description(),
        kernels: Backend::detect().name().to_owned(),
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
        slice: None,
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
