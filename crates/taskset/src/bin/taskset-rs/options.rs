//! Options that several commands share.

use std::path::PathBuf;

use taskset::datasets::{Datasets, Source};

/// Where data comes from.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DataOption {
    /// Directory that holds `DATASET/ORIGINAL FILES`, or `synthetic` for the embedded stand-ins
    /// [default: the environment variable TASKSET_DATA].
    #[arg(long, value_name = "DIR|synthetic")]
    pub(crate) data: Option<PathBuf>,
}

impl DataOption {
    /// The source that was named, if one was.
    pub(crate) fn named(&self) -> Option<Source> {
        let from_environment =
            || std::env::var_os("TASKSET_DATA").filter(|data| !data.is_empty()).map(PathBuf::from);
        self.data.clone().or_else(from_environment).map(|data| {
            if data.as_os_str() == "synthetic" { Source::Synthetic } else { Source::Directory(data) }
        })
    }

    /// The source that was named, else the cache directory; nothing falls back to stand-ins silently.
    pub(crate) fn source(&self) -> Source {
        self.named().unwrap_or_else(|| Source::Directory(cache_directory()))
    }

    /// The data sets of [`DataOption::source`].
    pub(crate) fn datasets(&self) -> Datasets {
        Datasets::new(self.source())
    }
}

/// `$XDG_CACHE_HOME/taskset-rs` or `~/.cache/taskset-rs`: where downloads of a later version will lie.
pub(crate) fn cache_directory() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.unwrap_or_else(|| PathBuf::from(".")).join("taskset-rs")
}
