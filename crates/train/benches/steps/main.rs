//! Microseconds a training step, whole: minibatch, loss, gradient, Adam. `cargo xtask bench` runs it.
//!
//! Arguments choose workloads by a part of their name. With `--worker [CORE]` it answers questions instead, one a line,
//! as the peers do (`benches/peers/README.md`).
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod networks;
mod pin_to_core;
mod table;
mod tasks;
#[path = "../timing/mod.rs"]
mod timing;
mod training;
#[path = "../trials/mod.rs"]
mod trials;
mod whole_trials;
mod worker;
mod workloads;

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let Some(at) = arguments.iter().position(|a| a == "--worker") {
        worker::serve(arguments.get(at + 1).and_then(|core| core.parse().ok()));
    } else {
        let filters: Vec<&str> =
            arguments.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
        table::print(&filters);
    }
}
