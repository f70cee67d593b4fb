//! The original files of a data set on disk: finding them, opening them, checking their sizes and checksums.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use taskset_files::open_regular;
use taskset_names::Origin;

use crate::Error;
use crate::files::checksums;
use crate::files::of_another_size;
use crate::manifest::{FileSpec, Manifest};

/// How a file is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As published; its size and checksum are those of the manifest. Compressed if its name ends in `.gz`.
    Published,
    /// Unpacked by the user; the manifest may have the checksum of its contents.
    Unpacked,
}

/// A file that was found.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    pub(crate) packing: Packing,
}

/// Finds a file below `root`, the published form first because its size is known too.
///
/// # Errors
/// [`Error::Io`] if the system does not let us look, or if there is something else of that name: neither must read as a
/// missing file.
pub(crate) fn locate(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Result<Option<Located>, Error> {
    let folder = manifest.folder(root);
    let mut other = None;
    let folders =
        std::iter::once(folder.clone()).chain(manifest.subfolders.iter().map(|sub| folder.join(sub)));
    for folder in folders {
        let unpacked = spec.unpacked.iter().map(|name| (name, Packing::Unpacked));
        for (name, packing) in std::iter::once((&spec.name, Packing::Published)).chain(unpacked) {
            let path = folder.join(name);
            match std::fs::metadata(&path) {
                Ok(found) if found.is_file() => return Ok(Some(Located { path, packing })),
                Err(source) if source.kind() == io::ErrorKind::NotADirectory => {
                    let source =
                        io::Error::other("it is a file, or lies below one; a folder is expected here");
                    return Err(Error::Io { path: folder, source });
                }
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::Io { path, source });
                }
                Ok(_) | Err(_) => other = other.or_else(|| no_file(path)),
            }
        }
    }
    other.map_or(Ok(None), Err)
}

/// The error for a name under which there is something else than a file; none if there is nothing.
fn no_file(path: PathBuf) -> Option<Error> {
    let found = std::fs::symlink_metadata(&path).ok()?.file_type();
    let what = match () {
        () if found.is_dir() => "a folder, not a file; put the original in its place",
        () if found.is_symlink() => {
            "a link to something that is no file or is not there; put the original in its place"
        }
        () => "not a regular file; put the original in its place",
    };
    Some(Error::Io { path, source: io::Error::other(what) })
}

/// The error for a file that [`locate`] did not find.
pub(crate) fn missing(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Error {
    Error::MissingFile {
        name: manifest.name.clone(),
        directory: manifest.folder(root),
        accepted: std::iter::once(&spec.name).chain(&spec.unpacked).cloned().collect(),
        site: manifest.site.clone(),
    }
}

/// The error for a part of a data set, by what is missing of it.
pub(crate) fn partial(root: &Path, manifest: &Manifest, problems: Vec<String>) -> Error {
    Error::Partial {
        name: manifest.name.clone(),
        directory: manifest.folder(root),
        problems,
        site: manifest.site.clone(),
    }
}

/// What a copy of a data set is by what makes it a partial one: if nothing does, it is whole.
///
/// # Errors
/// [`Error::Partial`] for a part, unless `allowed`.
pub(crate) fn origin(
    root: &Path,
    manifest: &Manifest,
    problems: &[String],
    allowed: bool,
) -> Result<Origin, Error> {
    match (problems.is_empty(), allowed) {
        (true, _) => Ok(Origin::Real),
        (false, true) => Ok(Origin::Partial),
        (false, false) => Err(partial(root, manifest, problems.to_vec())),
    }
}

/// What comparing a published file with the manifest found out.
pub(crate) struct Published {
    /// Whether it is the original, byte for byte.
    pub(crate) original: bool,
    /// That it is not as it was published. It may have been compressed anew; then only its contents tell whether it is good.
    not_as_published: Option<Error>,
}

impl Published {
    /// Compares an archive with the size and the checksum of the manifest.
    ///
    /// # Errors
    /// It cannot be read, or is not what the first download brought.
    pub(crate) fn of(file: &Located, spec: &FileSpec) -> Result<Self, Error> {
        match file.check(spec) {
            Ok(original) => Ok(Self { original, not_as_published: None }),
            // Of a file whose checksum only the first download told, nothing else is known.
            Err(error) if spec.sha256.is_some() && error.is_about_publication() => {
                Ok(Self { original: false, not_as_published: Some(error) })
            }
            Err(error) => Err(error),
        }
    }

    /// What tells against the whole of the original by the size of the archive.
    pub(crate) fn far_too_small(&self) -> Option<String> {
        self.not_as_published.as_ref().and_then(Error::far_too_small)
    }

    /// What reading the contents gave, with the right reason if they are damaged or a part.
    pub(crate) fn explain<T>(self, read: Result<T, Error>) -> Result<T, Error> {
        match (read, self.not_as_published) {
            (Err(error), Some(other)) if other.explains(&error) => Err(other),
            (
                Err(Error::Partial { name, directory, mut problems, site }),
                Some(Error::WrongSize { path, expected, got }),
            ) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                problems.insert(0, of_another_size(&file, got, expected));
                Err(Error::Partial { name, directory, problems, site })
            }
            (read, _) => read,
        }
    }
}

impl Located {
    /// Whether the bytes on disk are a gzip stream by their name.
    pub(crate) fn is_gzip(&self) -> bool {
        self.packing == Packing::Published && self.path.extension().is_some_and(|e| e == "gz")
    }

    /// Size on disk in bytes.
    pub(crate) fn bytes(&self) -> Result<u64, Error> {
        std::fs::metadata(&self.path).map(|m| m.len()).map_err(|source| self.io(source))
    }

    /// [`compare`](Self::compare) with the manifest. For an unpacked file there is no checksum, only for its contents.
    pub(crate) fn check(&self, spec: &FileSpec) -> Result<bool, Error> {
        if self.packing == Packing::Unpacked {
            return Ok(false);
        }
        self.compare(spec.bytes, spec.sha256.as_deref())
    }

    /// Compares a published file with the size and the SHA-256 of the original, where they are known; where the latter is
    /// not, with the one that the first download recorded. Returns whether a SHA-256 of the original was known.
    pub(crate) fn compare(&self, bytes: Option<u64>, sha256: Option<&str>) -> Result<bool, Error> {
        let got = self.bytes()?;
        // An empty file is a truncated one.
        if got > 0 && self.is_gzip() && self.first_bytes()? != [0x1f, 0x8b] {
            return Err(Error::NotGzip { path: self.path.clone() });
        }
        if let Some(expected) = bytes.filter(|&bytes| bytes != got) {
            return Err(Error::WrongSize { path: self.path.clone(), expected, got });
        }
        let expected = match sha256 {
            Some(expected) => Some(expected.to_owned()),
            None => checksums::of(&self.path)?,
        };
        let Some(expected) = expected else { return Ok(false) };
        let got = self.sha256()?;
        if got != expected {
            return Err(Error::WrongChecksum { path: self.path.clone(), expected, got });
        }
        Ok(sha256.is_some())
    }

    /// The unpacked contents, to be read once from the start.
    pub(crate) fn contents(&self) -> Result<Box<dyn Read>, Error> {
        let file = io::BufReader::with_capacity(1 << 16, self.open()?);
        Ok(if self.is_gzip() { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
    }

    /// The right error for a failure of reading [`contents`](Self::contents).
    pub(crate) fn io(&self, source: io::Error) -> Error {
        let path = self.path.clone();
        match source.kind() {
            // An end in the middle of a header or trailer is damage too.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                if self.is_gzip() =>
            {
                Error::DamagedGzip { path, reason: source.to_string() }
            }
            _ => Error::Io { path, source },
        }
    }

    pub(crate) fn open(&self) -> Result<File, Error> {
        open_regular(&self.path).map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// Up to two bytes.
    fn first_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(2);
        self.open()?.take(2).read_to_end(&mut bytes).map_err(|source| self.io(source))?;
        Ok(bytes)
    }

    fn sha256(&self) -> Result<String, Error> {
        let mut file = self.open()?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = file.read(&mut chunk).map_err(|source| self.io(source))?;
            if n == 0 {
                break;
            }
            hash.update(&chunk[..n]);
        }
        Ok(hex(&hash.finalize()))
    }
}

/// Makes a folder and writes a probe file to it, so that an unwritable folder fails before hours of work.
pub(crate) fn check_writable(folder: &Path) -> Result<(), Error> {
    let write = |source| Error::Write { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(write)?;
    taskset_files::AtomicFile::create(&folder.join("probe")).map(|_| ()).map_err(write)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
