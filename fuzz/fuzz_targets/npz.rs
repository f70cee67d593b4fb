//! Fuzzes the parser `npz` of the data sets; `datasets/src/fuzz_entry_points.rs` says what is called.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| taskset_fuzz::run("npz", input));
