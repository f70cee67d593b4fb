//! Instruction sets: which ones this machine has, which one is chosen, and how one loop is compiled for each of them.
//!
//! Only this crate asks the processor which instruction sets it has. A loop is written once, in plain Rust, as a
//! [`Kernel`], and [`Backend::run`] contains one compiled copy of it for each instruction set. Code that is written
//! separately for each instruction set uses a `match` on [`Backend::instruction_set`] instead.
//!
//! ```
//! use taskset_simd::{Backend, Kernel};
//!
//! struct Halve<'a>(&'a mut [f32]);
//!
//! impl Kernel for Halve<'_> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run(self) {
//!         self.0.iter_mut().for_each(|x| *x *= 0.5);
//!     }
//! }
//!
//! let mut values = [1.0, 2.0];
//! Backend::best().run(Halve(&mut values));
//! assert_eq!(values, [0.5, 1.0]);
//! println!("computed with {}", Backend::best().name());
//! ```

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether code without run-time detection uses fused multiply-add: only where every processor of the compilation target
/// has it.
pub const PORTABLE_FMA: bool = cfg!(target_arch = "aarch64");

/// An instruction set that this machine has. Values exist only for sets that were detected, so holding one is proof
/// that its code may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backend(InstructionSet);

/// The instruction sets that code is compiled for; the better one is the greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Plain Rust, compiled for the target alone.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL, with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// One loop over some slices, to be compiled for every instruction set.
pub trait Kernel {
    /// What it computes; `()` for a loop that only writes to its slices.
    type Output;

    /// Runs the loop. Implementations must be `#[inline(always)]`: only then is the loop compiled with the instructions
    /// of the function that calls it.
    fn run(self) -> Self::Output;
}

/// What [`Backend::choose`] was given last: a number of [`InstructionSet::code`], or 0 for the best.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl InstructionSet {
    const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
    ];

    /// From 1.
    const fn code(self) -> u8 {
        self as u8 + 1
    }

    /// Whether this machine has it.
    fn is_detected(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_detected()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }
}

impl Backend {
    /// Plain Rust, no instruction beyond the compilation target's: the same bits on every machine of a target.
    pub const fn portable() -> Self {
        Self(InstructionSet::Portable)
    }

    /// The best instruction set of this machine, whatever was [chosen](Self::choose): for loops whose bits are the same
    /// with all of them. Asking costs one load.
    #[inline]
    pub fn best() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self::portable()))
    }

    /// What [`choose`](Self::choose) has chosen; by default the [best](Self::best) instruction set of this machine.
    pub fn detect() -> Self {
        let code = CHOSEN.load(Ordering::Relaxed);
        // A code was stored from a backend, which was detected.
        let chosen = InstructionSet::ALL.iter().find(|set| set.code() == code);
        chosen.map_or_else(Self::best, |&set| Self(set))
    }

    /// From now on, [`detect`](Self::detect) answers this backend, or again the best one (`None`): for comparing results
    /// between instruction sets. What was planned before keeps its own.
    pub fn choose(backend: Option<Self>) {
        CHOSEN.store(backend.map_or(0, |backend| backend.0.code()), Ordering::Relaxed);
    }

    /// The backend of this machine that has this [name](Self::name).
    ///
    /// # Errors
    /// [`UnknownBackend`] if this machine has none.
    pub fn named(name: &str) -> Result<Self, UnknownBackend> {
        let found = Self::available().into_iter().find(|backend| backend.name() == name);
        found.ok_or_else(|| UnknownBackend { name: name.to_owned() })
    }

    /// All backends of this machine, the best one last.
    pub fn available() -> Vec<Self> {
        InstructionSet::ALL.iter().copied().filter(|set| set.is_detected()).map(Self).collect()
    }

    /// Short name for reports: `portable`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            InstructionSet::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => "avx512",
        }
    }

    /// Whether kernels on it may multiply and add in one rounding. All backends that do give the same bits, on every
    /// machine; the others give different ones.
    pub const fn fuses_multiply_add(self) -> bool {
        match self.0 {
            InstructionSet::Portable => PORTABLE_FMA,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 | InstructionSet::Avx512 => true,
        }
    }

    /// Which one it is, for a `match` over code that is written per instruction set.
    #[inline]
    pub const fn instruction_set(self) -> InstructionSet {
        self.0
    }

    /// Runs a kernel, compiled for this instruction set. Rust never fuses a multiplication with an addition by itself, so
    /// the bits are the same for all of them, unless the kernel asks for something else.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            InstructionSet::Portable => kernel.run(),
            // SAFETY: a backend of this set exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { run_avx512(kernel) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// A backend that this machine does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no kernels `{name}`; it has {}", names())]
pub struct UnknownBackend {
    /// The name that was asked for.
    pub name: String,
}

fn names() -> String {
    Backend::available().into_iter().map(Backend::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_have_names() {
        for backend in Backend::available() {
            assert_eq!(Backend::named(backend.name()), Ok(backend));
        }
        let message = Backend::named("mmx").unwrap_err().to_string();
        assert!(message.contains("`mmx`") && message.contains("it has portable"), "{message}");
    }

    #[test]
    fn the_best_is_the_last_and_the_greatest_one() {
        let available = Backend::available();
        assert!(available.is_sorted_by_key(|backend| backend.instruction_set()));
        assert_eq!((available[0], available.last()), (Backend::portable(), Some(&Backend::best())));
    }

    #[test]
    fn a_choice_holds_until_it_is_taken_back() {
        assert_eq!(Backend::detect(), Backend::best());
        for backend in Backend::available() {
            Backend::choose(Some(backend));
            assert_eq!(Backend::detect(), backend);
        }
        Backend::choose(None);
        assert_eq!(Backend::detect(), Backend::best());
    }

    #[test]
    fn every_backend_runs_a_kernel() {
        struct Sum<'a>(&'a [f32]);
        impl Kernel for Sum<'_> {
            type Output = f32;
            #[inline(always)]
            fn run(self) -> f32 {
                self.0.iter().sum()
            }
        }
        for backend in Backend::available() {
            let sum = backend.run(Sum(&[1.0, 2.0, 4.0]));
            assert_eq!(sum.to_bits(), 7f32.to_bits(), "{}", backend.name());
        }
    }
}
