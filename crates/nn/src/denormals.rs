//! Flushing subnormal numbers to zero on a thread. Once units die, they make long trainings several times slower.

/// While this guard exists, the processor treats subnormal inputs as zero and flushes subnormal results to zero;
/// dropping it restores both settings to what they were and touches nothing else (exceptions flagged meanwhile stay
/// flagged). x86-64 (MXCSR) and aarch64 (FPCR); elsewhere it does nothing.
///
/// The guard belongs to its thread and cannot be sent to another.
///
/// # Where this departs from Rust's rules
/// Rust promises IEEE 754 arithmetic and lets the compiler assume the default floating-point environment; it counts
/// float code in another environment as undefined behaviour, whoever sets the register. In practice the compiler may
/// compute a subnormal result beforehand that the processor would flush, or move an operation across the guard's ends:
/// a number below `f32::MIN_POSITIVE` may or may not become 0. That is accepted here because of what runs under the
/// guard: it is held around whole trainings, whose code is this project's own, no branch or bound of which relies on
/// subnormal numbers, and training with subnormals is several times slower. Do not hold it around code that does rely
/// on them.
///
/// ```
/// let guard = taskset_nn::denormals::FlushGuard::new();
/// let tiny = std::hint::black_box(f32::MIN_POSITIVE) * std::hint::black_box(0.5);
/// # #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
/// assert_eq!(tiny.to_bits(), 0);
/// drop(guard);
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard restores the state at once"]
pub struct FlushGuard {
    before: u64,
    /// Keeps the guard on its thread.
    thread: std::marker::PhantomData<*const ()>,
}

impl FlushGuard {
    /// Starts flushing on this thread.
    pub fn new() -> Self {
        let before = control::read();
        control::write(before | control::FLUSH);
        Self { before, thread: std::marker::PhantomData }
    }
}

impl Default for FlushGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        control::write((control::read() & !control::FLUSH) | (self.before & control::FLUSH));
    }
}

#[cfg(target_arch = "x86_64")]
mod control {
    /// Flush-to-zero (bit 15) and denormals-are-zero (bit 6).
    pub(super) const FLUSH: u64 = 0x8040;

    pub(super) fn read() -> u64 {
        let mut value = 0u32;
        // SAFETY: stores the 32-bit control register to a live local; SSE is part of x86-64.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        u64::from(value)
    }

    pub(super) fn write(value: u64) {
        let value = value as u32;
        // SAFETY: loads a value read just before, with at most the two flush bits changed: rounding and exception
        // masks, which compiled code relies on, stay as they are. That the flush bits differ from the default is the
        // departure which the guard documents. Without `preserves_flags`: the register is among those flags.
        unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod control {
    /// FZ (bit 24): flushes inputs and results.
    pub(super) const FLUSH: u64 = 1 << 24;

    pub(super) fn read() -> u64 {
        let value: u64;
        // SAFETY: reads the floating-point control register of this thread.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: u64) {
        // SAFETY: writes a value read just before, with at most the flush bit changed: the departure which the guard
        // documents.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) value, options(nostack)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod control {
    pub(super) const FLUSH: u64 = 0;

    pub(super) fn read() -> u64 {
        0
    }

    pub(super) fn write(_: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    fn half_of_smallest() -> u32 {
        (black_box(f32::MIN_POSITIVE) * black_box(0.5)).to_bits()
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn exceptions_flagged_meanwhile_stay_flagged() {
        const INEXACT: u64 = 1 << 5;
        control::write(control::read() & !INEXACT);
        let guard = FlushGuard::new();
        black_box(black_box(1f32) / black_box(3f32));
        drop(guard);
        assert_ne!(control::read() & INEXACT, 0);
        assert_eq!(control::read() & control::FLUSH, 0);
    }

    #[test]
    fn flushes_while_it_lives_and_restores_after() {
        let subnormal = half_of_smallest();
        assert_ne!(subnormal, 0);
        let outer = FlushGuard::new();
        {
            let _inner = FlushGuard::new();
        }
        if control::FLUSH != 0 {
            assert_eq!(half_of_smallest(), 0);
            assert_eq!((f32::from_bits(black_box(subnormal)) + black_box(0.0)).to_bits(), 0);
        }
        drop(outer);
        assert_eq!(half_of_smallest(), subnormal);
    }
}
