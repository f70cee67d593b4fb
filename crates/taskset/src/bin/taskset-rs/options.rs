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
    /// Accept a part of a data set in place of the whole; everything made from it is labelled partial.
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Directory of prepared copies (resized images, tokenised texts) [default: `prepared` in the data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
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
        self.datasets_of(self.source())
    }

    /// Data sets of a source, by the other options.
    pub(crate) fn datasets_of(&self, source: Source) -> Datasets {
        Datasets::new(source).allow_partial(self.allow_partial).cache(self.cache.clone())
    }
}

/// `$XDG_CACHE_HOME/taskset-rs` or `~/.cache/taskset-rs`: where downloads lie if no directory is named.
pub(crate) fn cache_directory() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.unwrap_or_else(|| PathBuf::from(".")).join("taskset-rs")
}
