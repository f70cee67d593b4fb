//! Writes the files of a reproduction, and removes those of an earlier one in the same directory.

use std::path::{Path, PathBuf};

use crate::Error;

/// The file with the summary of a reproduction, as `--json` prints it.
pub(crate) const SUMMARY: &str = "report.json";

/// The page.
const PAGE: &str = "index.html";

/// The files of a reproduction, which are written together when all of them are ready: an interrupted run leaves those of an
/// earlier one as they were.
#[derive(Default)]
pub(crate) struct Output {
    files: Vec<(String, Vec<u8>)>,
}

impl Output {
    pub(crate) fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.push((name.into(), bytes.into()));
    }

    /// The paths of the files, with the page last.
    pub(crate) fn paths(&self, directory: &Path) -> Vec<PathBuf> {
        let names = self.files.iter().map(|(name, _)| name.as_str());
        names.chain([SUMMARY, PAGE]).map(|name| directory.join(name)).collect()
    }

    /// Writes everything. The page of an earlier run goes first, and the new one comes last: no page stands beside numbers of
    /// another run. Of the other files of the earlier run, those that are not written now are removed; they are known from
    /// its summary, so that nobody else's are touched.
    pub(crate) fn write(&self, directory: &Path, summary: &str, page: &str) -> Result<(), Error> {
        std::fs::create_dir_all(directory)
            .map_err(|source| Error::Write { path: directory.to_owned(), source })?;
        let earlier = earlier_files(directory);
        remove(&directory.join(PAGE))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.join(name);
            taskset_files::write_atomically(&path, bytes)
                .map_err(|source| Error::Write { path: path.clone(), source })
        };
        for (name, bytes) in &self.files {
            write(name, bytes)?;
        }
        for name in earlier {
            let path = directory.join(&name);
            if !self.files.iter().any(|(written, _)| *written == name) && path.is_file() {
                remove(&path)?;
            }
        }
        write(SUMMARY, summary.as_bytes())?;
        write(PAGE, page.as_bytes())
    }
}

/// Names of pictures and numbers that the summary of an earlier run in this directory lists. Without one, none.
fn earlier_files(directory: &Path) -> Vec<String> {
    let summary = std::fs::read(directory.join(SUMMARY)).unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap_or_default();
    let files = summary["files"].as_array().map_or(&[][..], Vec::as_slice);
    let names =
        files.iter().filter_map(|file| Path::new(file.as_str()?).file_name()?.to_str().map(str::to_owned));
    let ours = |name: &String| [".svg", ".png", ".csv"].iter().any(|end| name.ends_with(end));
    names.filter(ours).collect()
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
