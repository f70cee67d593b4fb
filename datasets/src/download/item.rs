//! A file that is to be fetched: from where, to where, and what is known of it.

use std::path::PathBuf;

use crate::Error;

/// A file to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) url: String,
    pub(super) target: PathBuf,
    pub(super) bytes: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) token: Option<String>,
    /// Whether it is an archive to be unpacked.
    pub(super) unpack: bool,
}

impl Item {
    #[cfg(test)]
    pub(super) fn new(url: &str, target: PathBuf) -> Self {
        Self { url: url.to_owned(), target, bytes: None, sha256: None, token: None, unpack: false }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> Error {
        Error::Fetch { url: self.url.clone(), problem: problem.into() }
    }

    /// Where the file grows.
    pub(super) fn part(&self) -> PathBuf {
        let mut name = self.target.clone().into_os_string();
        name.push(".part");
        name.into()
    }
}
