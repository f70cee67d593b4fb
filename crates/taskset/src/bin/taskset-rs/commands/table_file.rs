//! The file of `--out` where a table is written, Parquet or CSV by its ending, and what is looked at before any file is written.

use std::path::{Path, PathBuf};

use anyhow::Context;
use taskset::curves::{self, DataTable};
use taskset::files::AtomicFile;

use crate::failure::Usage;

/// Where a table goes.
#[derive(Debug)]
pub(crate) struct TableFile {
    path: PathBuf,
    parquet: bool,
}

impl TableFile {
    /// Looks at a path before any work is done for it.
    pub(crate) fn check(path: &Path) -> anyhow::Result<Self> {
        let parquet = checked_ending(path, "--out", &["parquet", "csv"])? == "parquet";
        // Curves may be days of training; an older table can be made again.
        if parquet && curves::open(path).is_ok() {
            let message = format!("--out {}: the file holds curves, and is not replaced", path.display());
            return Err(Usage(message).into());
        }
        Ok(Self { path: path.to_owned(), parquet })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, table: &DataTable) -> anyhow::Result<()> {
        note_replaced(&self.path);
        let written =
            if self.parquet { table.write_parquet(&self.path) } else { table.write_csv(&self.path) };
        Ok(written?)
    }
}

/// Says so if a file is there already: nothing is replaced silently.
pub(crate) fn note_replaced(path: &Path) {
    if path.exists() {
        say!("{} is replaced", path.display());
    }
}

/// Starts a temporary file and drops it, so that an unwritable directory fails before hours of work.
pub(crate) fn check_writable(path: &Path, option: &str) -> anyhow::Result<()> {
    AtomicFile::create(path)
        .map(drop)
        .with_context(|| format!("{option} {}: no file can be written there", path.display()))
}

/// Which of these endings a path has that an option names, if a regular file can be put there.
pub(crate) fn checked_ending<'a>(path: &Path, option: &str, endings: &[&'a str]) -> anyhow::Result<&'a str> {
    let wrong = |what: String| anyhow::Error::from(Usage(format!("{option} {}: {what}", path.display())));
    if path.is_dir() {
        return Err(wrong("that is a directory; name a file".to_owned()));
    }
    let has = |ending: &&&str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    let Some(&ending) = endings.iter().find(has) else {
        let endings: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
        return Err(wrong(format!("name a file that ends in {}", endings.join(" or "))));
    };
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(wrong("what is there is not a regular file".to_owned()));
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        return Err(wrong("its directory does not exist".to_owned()));
    }
    Ok(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_the_format_and_only_files_are_taken() {
        let check =
            |path: &str| checked_ending(Path::new(path), "--out", &["svg", "png"]).map_err(|e| e.to_string());
        assert_eq!((check("x.svg"), check("X.PNG")), (Ok("svg"), Ok("png")));
        assert!(check("x.gif").unwrap_err().contains("--out x.gif: name a file that ends in .svg or .png"));
        assert!(check("x").unwrap_err().contains(".svg"));
        assert!(check(".").unwrap_err().contains("directory"));
        assert!(check("nowhere/x.svg").unwrap_err().contains("does not exist"));
    }
}
