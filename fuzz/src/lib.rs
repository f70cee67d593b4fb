//! What all fuzz targets share: a scratch file for parsers that read files.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Runs the entry point `name` of the data sets' parsers on an input.
pub fn run(name: &str, input: &[u8]) {
    taskset_datasets::fuzz_entry_points::run(name, input, scratch());
}

/// Reads an input as a file of released curves.
pub fn released_npz(input: &[u8]) {
    if input.len() <= taskset_datasets::fuzz_entry_points::MAX_INPUT
        && std::fs::write(scratch(), input).is_ok()
    {
        let _ = taskset_curves::released_npz::ReleasedCurves::read(scratch());
    }
}

/// A file of this process that may be written again and again.
fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<PathBuf> = OnceLock::new();
    SCRATCH.get_or_init(|| {
        // Memory, where the system has it as a folder.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = folder.join(format!("taskset-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
        folder.join("input")
    })
}
