//! The loops over parameters, compiled once for each instruction set and chosen when they run.
//!
//! A loop is a [`Kernel`] whose `run` is always inlined, so that each wrapper below compiles it anew with wider vectors.
//! Rust never fuses a multiplication with an addition, so all of them give the same bits.

mod adagrad;
mod adam;

pub(crate) use adagrad::AdagradStep;
pub(crate) use adam::{AdamCoefficients, AdamStep};

/// One pass over some slices. Implementations of `run` must be `#[inline(always)]`.
pub(crate) trait Kernel {
    fn run(self);
}

/// An instruction set that a kernel can be run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// What the program was compiled for.
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The widest set of this machine. Asking costs one load: the standard library remembers.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// Runs the kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self {
            Self::Baseline => kernel.run(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                assert!(is_x86_feature_detected!("avx2"), "Isa::Avx2 is only chosen where it exists");
                // SAFETY: the line above has checked that this machine has AVX2.
                unsafe { run_avx2(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                assert!(is_x86_feature_detected!("avx512f"), "Isa::Avx512 is only chosen where it exists");
                // SAFETY: the line above has checked that this machine has AVX-512F.
                unsafe { run_avx512(kernel) }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn run_avx512<K: Kernel>(kernel: K) {
    kernel.run();
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Isa;

    /// The instruction sets of this machine.
    pub(crate) fn available() -> Vec<Isa> {
        let mut all = vec![Isa::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(is_x86_feature_detected!("avx2").then_some(Isa::Avx2));
            all.extend(is_x86_feature_detected!("avx512f").then_some(Isa::Avx512));
        }
        all
    }

    #[test]
    fn the_best_is_the_last_available() {
        assert_eq!(available().last(), Some(&Isa::best()));
    }
}
