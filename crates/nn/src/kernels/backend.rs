//! Which instruction set the kernels use: found once a process, or chosen; and how one generic function becomes a kernel
//! for each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

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

/// What [`Backend::choose`] was given last: a number of [`Kind::code`], or 0 for the best.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Kind {
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
}

impl Backend {
    /// Plain Rust, no instruction beyond the compilation target's: the same bits on every machine of a target.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// What [`choose`](Self::choose) has chosen; by default the best backend of this machine. f64 kernels are always
    /// portable.
    pub fn detect() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        let code = CHOSEN.load(Ordering::Relaxed);
        // A code was stored from a backend, which was detected.
        let chosen = Kind::ALL.iter().find(|kind| kind.code() == code);
        chosen.map_or_else(
            || *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self::portable())),
            |&kind| Self(kind),
        )
    }

    /// From now on, [`detect`](Self::detect) answers this backend, or again the best one (`None`): for comparing results
    /// between instruction sets. Plans that exist already keep theirs.
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

    /// Whether it multiplies and adds in one rounding. All backends that do give the same bits, on every machine; the others
    /// give other ones.
    pub const fn fuses_multiply_add(self) -> bool {
        match self.0 {
            Kind::Portable => super::math::PORTABLE_FMA,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::Avx512 => true,
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        self.0
    }
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
}
