//! Panics of third-party decoders as `None`, without their message on stderr.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is expected, and answered with an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` returns, or `None` if it panics. The first call puts a hook before the process's panic hook, which is still
/// called for all other panics.
pub fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                others(panic);
            }
        }));
    });
    let before = EXPECTED.replace(true);
    // What was being read is given up with the panic, so nothing half-changed is seen again.
    let result = catch_unwind(AssertUnwindSafe(read)).ok();
    EXPECTED.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_none_and_nothing_stays_expected() {
        assert_eq!(caught(|| 3), Some(3));
        assert_eq!(caught(|| [1, 2][std::hint::black_box(2)]), None);
        assert!(!EXPECTED.get());
        assert_eq!(caught(|| (caught(|| [0][std::hint::black_box(1)]), EXPECTED.get())), Some((None, true)));
    }
}
