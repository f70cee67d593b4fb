//! The one rule for files in folders.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Whether a file is hidden: its name begins with a dot.
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

/// The files of a folder that have a wanted ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Regular files and links to regular files, sorted by name.
    pub files: Vec<PathBuf>,
    /// What has the ending and is no regular file (a folder, a pipe, a dead link), with what it is; sorted by name.
    pub left_out: Vec<(PathBuf, &'static str)>,
}

/// Lists the files of a folder whose name ends in `.<extension>`, in capital letters or not. Hidden files are left out; the
/// folders below are not looked into. Nothing is opened.
///
/// # Errors
/// What the system answers if the folder cannot be read.
pub fn listing(folder: &Path, extension: &str) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(is_hidden);
        if hidden || !path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
            continue;
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => listing.files.push(path),
            Ok(metadata) if metadata.is_dir() => listing.left_out.push((path, "a folder")),
            Ok(_) => listing.left_out.push((path, "not a regular file")),
            // It vanished since it was listed, or it is a link that leads nowhere.
            Err(_) if path.is_symlink() => {
                listing.left_out.push((path, "a link to a file that is not there"));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    listing.files.sort();
    listing.left_out.sort();
    Ok(listing)
}

/// Opens a regular file for reading.
///
/// # Errors
/// What the system answers; [`io::ErrorKind::InvalidInput`] for a folder, a pipe or a device, without waiting for it.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at before it is opened: opening a pipe waits until somebody writes to it.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a folder, not a file" } else { "it is not a regular file" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_stray_files_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in
            ["b.parquet", "a.PARQUET", "._b.parquet", ".parquet", "b.parquet.part", "parquet", "c.csv"]
        {
            std::fs::write(path(name), "").unwrap();
        }
        std::fs::create_dir(path("d.parquet")).unwrap();
        let found = listing(dir.path(), "parquet").unwrap();
        assert_eq!(found.files, [path("a.PARQUET"), path("b.parquet")]);
        assert_eq!(found.left_out, [(path("d.parquet"), "a folder")]);
        assert!(listing(&path("absent"), "parquet").is_err());
        assert!(open_regular(&path("b.parquet")).is_ok());
        assert_eq!(open_regular(&path("d.parquet")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open_regular(&path("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_waits_for_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(path("pipe.parquet")).status();
        std::os::unix::fs::symlink(path("gone"), path("link.parquet")).unwrap();
        std::fs::write(path("whole"), "").unwrap();
        std::os::unix::fs::symlink(path("whole"), path("a.parquet")).unwrap();
        let found = listing(dir.path(), "parquet").unwrap();
        assert_eq!(found.files, [path("a.parquet")], "links to regular files count");
        assert!(found.left_out.contains(&(path("link.parquet"), "a link to a file that is not there")));
        if made.is_ok_and(|status| status.success()) {
            assert!(found.left_out.contains(&(path("pipe.parquet"), "not a regular file")));
            assert_eq!(open_regular(&path("pipe.parquet")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        } else {
            println!("skipped: there is no mkfifo here");
        }
    }
}
