//! TaskSet in Rust: the facade library and, with feature cli, the taskset-rs binary.
