//! Files in a folder, a ZIP archive or a compressed tar archive, visited one by one; nothing is ever unpacked to disk.
//!
//! Hidden files are no files of a data set ([`is_hidden`]), and only regular files are opened: a pipe would be waited for.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use taskset_files::open_regular;

use crate::Error;
use crate::formats::tar::{Tar, TarError};
use crate::formats::zip::{Zip, ZipError};

/// Folders inside folders, at most.
const MAX_DEPTH: usize = 16;

/// Takes the name and the contents of a file.
pub(crate) type VisitFile<'a> = dyn FnMut(&str, Vec<u8>) -> Result<(), Error> + 'a;

/// Where files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// A folder, searched through all its folders, in the order of names.
    Folder(PathBuf),
    /// A ZIP archive, in the order of its directory.
    Zip(PathBuf),
    /// A tar archive compressed with gzip, in its own order.
    TarGz(PathBuf),
}

impl Container {
    /// The archive at `path`, by its name.
    pub(crate) fn archive(path: &Path) -> Self {
        if path.extension().is_some_and(|e| e == "zip") {
            Self::Zip(path.to_owned())
        } else {
            Self::TarGz(path.to_owned())
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Zip(path) | Self::TarGz(path) => path,
        }
    }

    /// Where a member is, for messages.
    pub(crate) fn member(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Hands over the contents of every file whose name (its path with `/`) is `wanted`.
    ///
    /// # Errors
    /// What `visit` returns; a damaged archive; a wanted file of more than `limit` bytes; a name that leads outside.
    pub(crate) fn visit(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        limit: u64,
        visit: &mut VisitFile<'_>,
    ) -> Result<(), Error> {
        let too_large = |name: &str, size: u64| Error::TooLarge {
            path: self.member(name),
            problem: format!("{size} bytes, at most {limit} are read"),
        };
        match self {
            Self::Folder(folder) => walk(folder, &mut |name, path| {
                if !wanted(name) {
                    return Ok(());
                }
                let io = |source| Error::Io { path: path.to_owned(), source };
                let file = open(path)?;
                let size = file.metadata().map_err(io)?.len();
                if size > limit {
                    return Err(too_large(name, size));
                }
                let mut contents = Vec::with_capacity(size as usize);
                file.take(limit).read_to_end(&mut contents).map_err(io)?;
                visit(name, contents)
            }),
            Self::Zip(path) => {
                let failed =
                    |e: ZipError| Error::Corrupt { path: path.clone(), offset: e.offset, problem: e.problem };
                let mut zip = Zip::open(BufReader::new(open(path)?)).map_err(failed)?;
                for entry in zip.entries.clone() {
                    check_name(path, &entry.name)?;
                    if !is_hidden(&entry.name) && wanted(&entry.name) {
                        if entry.size > limit {
                            return Err(too_large(&entry.name, entry.size));
                        }
                        let contents = zip.read(&entry, limit).map_err(failed)?;
                        visit(&entry.name, contents)?;
                    }
                }
                Ok(())
            }
            Self::TarGz(path) => {
                let failed =
                    |e: TarError| Error::Corrupt { path: path.clone(), offset: e.offset, problem: e.problem };
                let mut tar = Tar::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 18, open(path)?)));
                while let Some(file) = tar.next_file().map_err(failed)? {
                    check_name(path, &file.name)?;
                    let name = file.name.strip_prefix("./").unwrap_or(&file.name);
                    if !is_hidden(name) && wanted(name) {
                        if file.size > limit {
                            return Err(too_large(name, file.size));
                        }
                        let contents = tar.read(file.size).map_err(failed)?;
                        visit(name, contents)?;
                    } else {
                        tar.skip(file.size).map_err(failed)?;
                    }
                }
                tar.finish().map_err(failed)
            }
        }
    }
}

/// Whether a file is no file of a data set, by its path (with `/`) in a folder or an archive: it, or a folder on the way, is
/// hidden, or it lies in `__MACOSX`, where archives made on macOS keep what the system knows of the files.
pub(crate) fn is_hidden(name: &str) -> bool {
    let hidden = |part: &str| part == "__MACOSX" || part != "." && taskset_files::is_hidden(OsStr::new(part));
    name.split('/').any(hidden)
}

/// Calls `visit` with the name and path of every regular file below a folder, in the order of names; not of hidden ones.
/// Links to folders are not followed. A folder that is not there holds nothing.
pub(crate) fn walk(
    folder: &Path,
    visit: &mut dyn FnMut(&str, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    match fs::symlink_metadata(folder) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        _ => walk_below(folder, "", 0, visit),
    }
}

fn walk_below(
    folder: &Path,
    prefix: &str,
    depth: usize,
    visit: &mut dyn FnMut(&str, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    if depth > MAX_DEPTH {
        let problem = format!("more than {MAX_DEPTH} folders deep");
        return Err(Error::TooLarge { path: folder.to_owned(), problem });
    }
    let mut entries = fs::read_dir(folder).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_hidden(&name) {
            continue;
        }
        let name = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() {
            walk_below(&entry.path(), &format!("{name}/"), depth + 1, visit)?;
        } else if kind.is_file() || entry.path().is_file() {
            visit(&name, &entry.path())?;
        }
    }
    Ok(())
}

/// Refuses names that lead outside of the archive. Nothing is unpacked, so they could do no harm; but an archive with
/// such names is not the original.
fn check_name(archive: &Path, name: &str) -> Result<(), Error> {
    let outside = name.starts_with('/') || name.contains('\\') || name.split('/').any(|part| part == "..");
    if outside {
        let problem = format!("the name `{}` leads outside of the archive", name.escape_default());
        return Err(Error::Corrupt { path: archive.to_owned(), offset: 0, problem });
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, Error> {
    open_regular(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;
    use crate::formats::{tar, zip};

    const FILES: [(&str, &[u8]); 3] = [("d/a.txt", b"one"), ("d/e/b.txt", b"two"), ("c.bin", b"three")];

    /// The same files in the three forms.
    fn containers(root: &Path, files: &[(&str, &[u8])]) -> [Container; 3] {
        for (name, contents) in files {
            let path = root.join("folder").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        let [zip_path, tar_path] = ["f.zip", "f.tar.gz"].map(|name| root.join(name));
        fs::write(&zip_path, zip::tests::archive(files, true)).unwrap();
        let mut gzip = GzEncoder::new(File::create(&tar_path).unwrap(), Compression::fast());
        gzip.write_all(&tar::tests::archive(files)).unwrap();
        gzip.finish().unwrap();
        [Container::Folder(root.join("folder")), Container::archive(&zip_path), Container::archive(&tar_path)]
    }

    fn texts(container: &Container, limit: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut found = Vec::new();
        container.visit(&|name| name.ends_with(".txt"), limit, &mut |name, contents| {
            found.push((name.to_owned(), contents));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn all_forms_hold_the_same_files() {
        let root = TempDir::new().unwrap();
        for container in containers(root.path(), &FILES) {
            let expected =
                [("d/a.txt".to_owned(), b"one".to_vec()), ("d/e/b.txt".to_owned(), b"two".to_vec())];
            assert_eq!(texts(&container, 3).unwrap(), expected, "{container:?}");
            assert!(matches!(texts(&container, 2), Err(Error::TooLarge { .. })), "{container:?}");
        }
        assert!(texts(&Container::Folder(root.path().join("absent")), 9).unwrap().is_empty());
    }

    #[test]
    fn hidden_files_are_left_out_of_all_forms() {
        let root = TempDir::new().unwrap();
        let hidden: [(&str, &[u8]); 5] = [
            ("._a.txt", b"Mac OS X"),
            ("d/._a.txt", b"Mac OS X"),
            ("d/.e/a.txt", b"in a hidden folder"),
            ("__MACOSX/d/._a.txt", b"Mac OS X"),
            ("__MACOSX/a.txt", b"Mac OS X"),
        ];
        for container in containers(root.path(), &[&hidden[..], &FILES].concat()) {
            let names: Vec<String> =
                texts(&container, 99).unwrap().into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["d/a.txt", "d/e/b.txt"], "{container:?}");
        }
        // Paths may begin with the folder itself.
        let path = root.path().join("dot.tar.gz");
        let mut gzip = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        gzip.write_all(&tar::tests::archive(&[("./._a.txt", b"no"), ("./a.txt", b"yes")])).unwrap();
        gzip.finish().unwrap();
        assert_eq!(texts(&Container::archive(&path), 9).unwrap(), [("a.txt".to_owned(), b"yes".to_vec())]);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_waits_for_a_pipe() {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir_all(folder.join("folder.txt")).unwrap();
        fs::write(folder.join("b.txt"), "text").unwrap();
        let pipe = folder.join("a.txt");
        if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            println!("skipped: there is no mkfifo here");
            return;
        }
        let found = texts(&Container::Folder(folder), 9).unwrap();
        assert_eq!(found, [("b.txt".to_owned(), b"text".to_vec())]);
        for container in [Container::Zip(pipe.clone()), Container::TarGz(pipe.clone())] {
            assert!(matches!(texts(&container, 9), Err(Error::Io { .. })), "{container:?}");
        }
        let file = crate::files::Located { path: pipe, packing: crate::files::Packing::Unpacked };
        assert!(file.open().is_err());
    }

    #[test]
    fn names_that_lead_outside_are_refused() {
        for name in ["../a.txt", "/etc/a.txt", "d/../../a.txt", "d\\a.txt"] {
            let root = TempDir::new().unwrap();
            let folder = root.path().join("x/y/z");
            fs::create_dir_all(&folder).unwrap();
            let (zip_path, tar_path) = (folder.join("f.zip"), folder.join("f.tar.gz"));
            fs::write(&zip_path, zip::tests::archive(&[(name, b"")], false)).unwrap();
            let mut gzip = GzEncoder::new(File::create(&tar_path).unwrap(), Compression::fast());
            gzip.write_all(&tar::tests::archive(&[(name, b"")])).unwrap();
            gzip.finish().unwrap();
            for path in [zip_path, tar_path] {
                let message = texts(&Container::archive(&path), 9).unwrap_err().to_string();
                assert!(message.contains("leads outside"), "{message}");
            }
        }
    }

    #[test]
    fn a_gzip_bomb_is_not_kept_in_memory() {
        // 200 MiB of zeros behind a header that promises them: the file is not wanted, and is skipped as a stream.
        let root = TempDir::new().unwrap();
        let path = root.path().join("f.tar.gz");
        let mut gzip = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        let mut tar_bytes = tar::tests::archive(&[("bomb.bin", &[0; 1 << 20])]);
        tar_bytes.truncate(512 + (1 << 20));
        for _ in 0..200 {
            gzip.write_all(&tar_bytes).unwrap();
        }
        gzip.finish().unwrap();
        assert!(texts(&Container::archive(&path), 100).unwrap().is_empty());
    }
}
