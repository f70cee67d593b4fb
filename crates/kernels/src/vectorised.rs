//! How one generic function becomes a kernel for every instruction set.

/// In an `impl` for f32, calls `body::<f32, M>(args)`, which is `#[inline(always)]`, compiled for the backend's
/// instruction set, `M` being the [`Fast`](super::math::Fast) arithmetic with or without fused multiply-add.
macro_rules! vectorised {
    ($backend:expr, $($body:ident)::+($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?) => {{
        use $crate::math::Fast;
        use taskset_simd::{InstructionSet, PORTABLE_FMA};
        // A trait, because the types may name `Self`, which plain functions inside a function do not know.
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
        match $backend.instruction_set() {
            // SAFETY: a backend of this set exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { <f32 as Compiled>::avx512($($arg),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { <f32 as Compiled>::avx2($($arg),*) },
            InstructionSet::Portable => $($body)::+::<f32, Fast<PORTABLE_FMA>>($($arg),*),
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
                $crate::vectorised::vectorised!(backend, $name($($arg: $type),*) $(-> $result)?)
            })*
        }

        impl $kernels for f64 {
            $(fn $name(_: Backend, $($arg: $type),*) $(-> $result)? {
                $name::<Self, $crate::math::Exact>($($arg),*)
            })*
        }
    };
}
pub(crate) use kernels;
