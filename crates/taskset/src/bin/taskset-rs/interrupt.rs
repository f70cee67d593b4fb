//! Ctrl-C: the first one asks running work to stop and keep what is finished, the second one ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Installs the handler and returns the flag that long work watches.
pub(crate) fn flag() -> anyhow::Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("the handler for Ctrl-C could not be installed")?;
    Ok(&REQUESTED)
}
