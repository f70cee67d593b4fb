//! Which instruction set the kernels use: found once a process, or forced to the portable one; and how one generic
//! function becomes a kernel for each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// An instruction set that this machine has. Values exist only for sets that were detected, so holding one is proof
/// that its kernels may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

static FORCE_PORTABLE: AtomicBool = AtomicBool::new(false);

/// From now on, [`Backend::detect`] answers the portable backend (`true`) or the machine's best one (`false`, the
/// default). Plans that exist already keep theirs.
pub fn force_portable(force: bool) {
    FORCE_PORTABLE.store(force, Ordering::Relaxed);
}

impl Backend {
    /// Plain Rust, no instruction beyond the compilation target's: the same bits on every machine of a target.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The best backend of this machine, or the portable one after [`force_portable`]. f64 kernels are always portable.
    pub fn detect() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        if FORCE_PORTABLE.load(Ordering::Relaxed) {
            return Self::portable();
        }
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self::portable()))
    }

    /// All backends of this machine, the best one last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 adds backends"))]
        let mut found = vec![Self::portable()];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self(Kind::Avx2));
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    found.push(Self(Kind::Avx512));
                }
            }
        }
        found
    }

    /// Short name for reports: `portable`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        self.0
    }
}

/// In an `impl` for f32, calls `body::<f32, M>(args)`, which is `#[inline(always)]`, compiled for the backend's
/// instruction set, `M` being the [`Fast`](super::math::Fast) arithmetic with or without fused multiply-add.
macro_rules! vectorised {
    ($backend:expr, $($body:ident)::+($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?) => {{
        use $crate::kernels::backend::Kind;
        use $crate::kernels::math::{Fast, PORTABLE_FMA};
        // A trait, because plain functions within a function do not know its `Self`, which the types may name.
        #[cfg(target_arch = "x86_64")]
        trait Compiled: Sized {
            unsafe fn avx512($($arg: $type),*) $(-> $result)?;
            unsafe fn avx2($($arg: $type),*) $(-> $result)?;
        }
        #[cfg(target_arch = "x86_64")]
        impl Compiled for f32 {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            unsafe fn avx512($($arg: $type),*) $(-> $result)? {
                $($body)::+::<f32, Fast<true>>($($arg),*)
            }
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $type),*) $(-> $result)? {
                $($body)::+::<f32, Fast<true>>($($arg),*)
            }
        }
        match $backend.kind() {
            // SAFETY: a backend of this kind exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { <f32 as Compiled>::avx512($($arg),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { <f32 as Compiled>::avx2($($arg),*) },
            Kind::Portable => $($body)::+::<f32, Fast<PORTABLE_FMA>>($($arg),*),
        }
    }};
}
pub(crate) use vectorised;

/// A trait of kernels with its implementations: each method calls the generic function of its name beside the trait,
/// [`vectorised!`] for f32, in [`Exact`](super::math::Exact) arithmetic for f64.
macro_rules! kernels {
    (
        $(#[$about:meta])*
        pub trait $kernels:ident: Sized {
            $(
                $(#[$doc:meta])*
                fn $name:ident(backend: Backend, $($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
            )*
        }
    ) => {
        $(#[$about])*
        pub trait $kernels: Sized {
            $($(#[$doc])* fn $name(backend: Backend, $($arg: $type),*) $(-> $result)?;)*
        }

        impl $kernels for f32 {
            $(fn $name(backend: Backend, $($arg: $type),*) $(-> $result)? {
                $crate::kernels::backend::vectorised!(backend, $name($($arg: $type),*) $(-> $result)?)
            })*
        }

        impl $kernels for f64 {
            $(fn $name(_: Backend, $($arg: $type),*) $(-> $result)? {
                $name::<Self, $crate::kernels::math::Exact>($($arg),*)
            })*
        }
    };
}
pub(crate) use kernels;
