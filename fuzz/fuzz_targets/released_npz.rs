//! Fuzzes the reader of released curves, `crates/curves/src/released_npz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| taskset_fuzz::released_npz(input));
