//! TaskSet in Rust: one crate that re-exports the other crates.
//!
//! | module | what it contains |
//! |---|---|
//! | [`rng`] | named deterministic random streams, NumPy's legacy generator |
//! | [`params`] | how parameters lie in one flat vector: tensors and their roles |
//! | [`optim`] | optimizer families, search spaces, schedules, the published list |
//! | [`nn`] | models executed as planned steps over flat parameters |
//! | [`datasets`] | manifests, loaders, splits, batch streams, synthetic stand-ins |
//! | [`tasks`] | the tasks and their registry |
//! | [`trial`] | what a trial is: its identity, its protocol, its curve |
//! | [`train`] | training of one trial, or of several in lockstep |
//! | [`sweep`] | many trials on many threads and machines |
//! | [`curves`] | files of training curves: store, integrity, queries |
//! | [`files`] | which files of a folder are read; files that are complete or absent |
//! | [`names`] | names that every crate shares: splits, origins of data, patterns |
//! | [`normalize`] | from curves to scores |
//! | [`meta`] | greedy lists, random search, split experiments |
//! | [`figures`] | SVG, PNG, CSV and HTML from tables of numbers |
//! | [`repro`] | reproductions of the paper's figures |
//!
//! ```
//! // A name alone determines an optimizer's configuration.
//! let named = taskset::optim::named("adam8p_wide_grid_seed107").unwrap();
//! let rule = named.config.rule(taskset::optim::Mode::Upstream, 10_000).unwrap();
//! let (mut params, mut state) = ([1.0_f64, -2.0], rule.init::<f64>(2));
//! rule.update(&[0.5, -0.5], &mut params, &mut state);
//! assert!(params[0] < 1.0);
//! ```

pub use taskset_curves as curves;
pub use taskset_datasets as datasets;
pub use taskset_figures as figures;
pub use taskset_files as files;
pub use taskset_meta as meta;
pub use taskset_names as names;
pub use taskset_nn as nn;
pub use taskset_normalize as normalize;
pub use taskset_optim as optim;
pub use taskset_params as params;
pub use taskset_repro as repro;
pub use taskset_rng as rng;
pub use taskset_sweep as sweep;
pub use taskset_tasks as tasks;
pub use taskset_train as train;
pub use taskset_trial as trial;
