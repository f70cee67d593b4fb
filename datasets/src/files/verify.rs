//! A full check of a data set on disk: every file is read and compared with what its manifest says.

use std::path::{Path, PathBuf};

use taskset_names::{Origin, in_full};

use super::look::unpacked;
use super::{Located, Published};
use crate::images::{cifar, load, mnist, read_originals};
use crate::manifest::{Decoder, FileSpec, Manifest, manifest};
use crate::prepared::Preparation;
use crate::{Error, files, text};

/// What a full check found out about one file.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileVerdict {
    /// It is the original, byte for byte (SHA-256): the file as published, or the contents of one that was unpacked or
    /// compressed anew. Its contents are as they should be.
    Original,
    /// No checksum is known for it, but format, counts and labels are as they should be.
    WellFormed,
    /// It holds a part of the original's examples, and those are as they should be; what is missing, in words.
    Partial(String),
    /// It is missing or wrong.
    Bad(Error),
}

/// A file and what a full check found out about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct VerifiedFile {
    /// Name of the original.
    pub name: String,
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// What is known of it now.
    pub verdict: FileVerdict,
}

/// The outcome of a full check of a data set.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// Name of the data set.
    pub name: String,
    /// The folder that was checked.
    pub directory: PathBuf,
    /// Every file of the manifest.
    pub files: Vec<VerifiedFile>,
}

impl Verification {
    /// Whether nothing is missing (a part of a file neither) or wrong.
    pub fn is_good(&self) -> bool {
        !self.is_partial() && !self.is_bad()
    }

    /// Whether a part is missing.
    pub fn is_partial(&self) -> bool {
        self.files.iter().any(|file| matches!(file.verdict, FileVerdict::Partial(_)))
    }

    /// Whether something cannot be loaded, not even as a part.
    pub fn is_bad(&self) -> bool {
        self.files.iter().any(|file| matches!(file.verdict, FileVerdict::Bad(_)))
    }

    /// What is missing or wrong, in words.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.files.iter().filter_map(|file| match &file.verdict {
            FileVerdict::Partial(missing) => Some(missing.clone()),
            FileVerdict::Bad(error) => Some(in_full(error)),
            _ => None,
        })
    }
}

/// Checks every file of a data set in `root` as loading and preparing do: presence, size, SHA-256 where it is known, and
/// otherwise format, counts and labels of all that is in them.
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer, file by file.
pub fn verify(root: &Path, name: &str) -> Result<Verification, Error> {
    match text::on_disk::named(name) {
        Some(source) => Ok(text::on_disk::verify(root, source)),
        None => Ok(verify_manifest(root, manifest(name)?)),
    }
}

pub(super) fn verify_manifest(root: &Path, manifest: &Manifest) -> Verification {
    let from_hub = read_originals::uses_hub_copy(root, manifest).unwrap_or(false);
    let mut files = match manifest.decoder {
        Decoder::Idx => verify_files(root, manifest),
        Decoder::Cifar10 | Decoder::Cifar100 if !from_hub => {
            let mut files = verify_files(root, manifest);
            allow_missing(manifest, &mut files);
            match manifest.archive.as_ref().filter(|_| files.iter().all(|file| file.path.is_none())) {
                Some(spec) => verify_archive(root, manifest, spec).map_or(files, |file| vec![file]),
                None => files,
            }
        }
        _ => verify_by_reading(root, manifest, from_hub),
    };
    // Whether files that are good each by itself are the data set tells only reading them together.
    let undecided = files.iter().any(|file| matches!(file.verdict, FileVerdict::WellFormed))
        && files.iter().all(|file| matches!(file.verdict, FileVerdict::Original | FileVerdict::WellFormed));
    let parts = manifest.decoder == Decoder::Idx
        && files.iter().any(|file| matches!(file.verdict, FileVerdict::Partial(_)))
        && !files.iter().any(|file| matches!(file.verdict, FileVerdict::Bad(_)));
    if (undecided || parts) && read_originals::read_directly(manifest) && !from_hub {
        let verdict = match load::originals(root, manifest, true) {
            Ok((_, problems)) if problems.is_empty() || parts => None,
            Ok((_, problems)) => Some(FileVerdict::Partial(problems.join("; "))),
            Err(error) => Some(FileVerdict::Bad(error)),
        };
        let all = |verdict| VerifiedFile { name: "(all)".to_owned(), path: None, verdict };
        files.extend(verdict.map(all));
    }
    Verification { name: manifest.name.clone(), directory: manifest.folder(root), files }
}

/// The files of a data set that is read directly, each by itself.
fn verify_files(root: &Path, manifest: &Manifest) -> Vec<VerifiedFile> {
    let check = |spec: &FileSpec| {
        let (path, verdict) = match files::locate(root, manifest, spec) {
            Ok(Some(file)) => {
                let verdict = verify_file(manifest, spec, &file).unwrap_or_else(FileVerdict::Bad);
                (Some(file.path), verdict)
            }
            Ok(None) => (None, FileVerdict::Bad(files::missing(root, manifest, spec))),
            Err(error) => (None, FileVerdict::Bad(error)),
        };
        VerifiedFile { name: spec.name.clone(), path, verdict }
    };
    manifest.files.iter().map(check).collect()
}

/// The archive of a data set that is read directly; none if it is not there.
fn verify_archive(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Option<VerifiedFile> {
    let (path, verdict) = match files::locate(root, manifest, spec) {
        Ok(file) => {
            let file = file?;
            let read = Published::of(&file, spec).and_then(|published| {
                let original = published.original;
                published
                    .explain(cifar::from_archive(root, manifest, &file, true))
                    .map(|read| (original, read.1))
            });
            let judged = |(original, problems): (bool, Vec<String>)| match problems.is_empty() {
                true => well_formed(original),
                false => FileVerdict::Partial(problems.join("; ")),
            };
            (Some(file.path), read.map_or_else(FileVerdict::Bad, judged))
        }
        Err(error) => (None, FileVerdict::Bad(error)),
    };
    Some(VerifiedFile { name: spec.name.clone(), path, verdict })
}

/// The files of a data set that must be prepared: they are read as preparing reads them, and judged as a whole.
fn verify_by_reading(root: &Path, manifest: &Manifest, from_hub: bool) -> Vec<VerifiedFile> {
    let hub = manifest.hub.as_ref().filter(|_| from_hub);
    let specs = hub.map_or(&manifest.files, |hub| &hub.files);
    let place = |spec: &FileSpec| {
        let file = files::locate(root, manifest, spec).ok().flatten().map(|file| file.path);
        file.or_else(|| unpacked(root, manifest, spec).ok().flatten().map(|unpacked| unpacked.folder))
    };
    let is_original = |spec: &FileSpec| {
        let file = files::locate(root, manifest, spec).ok().flatten();
        file.is_some_and(|file| matches!(file.check(spec), Ok(true)))
    };
    if specs.iter().all(is_original) {
        let file = |spec: &FileSpec| VerifiedFile {
            name: spec.name.clone(),
            path: place(spec),
            verdict: FileVerdict::Original,
        };
        return specs.iter().map(file).collect();
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let how = Preparation { allow_partial: true, threads, progress: &|_, _| {} };
    let read = read_originals::read(root, manifest, &how, &mut |_| Ok(()));
    let original = read.as_ref().is_ok_and(|read| read.original);
    let mut files: Vec<VerifiedFile> = specs
        .iter()
        .map(|spec| (spec, place(spec)))
        .filter(|(_, path)| path.is_some())
        .map(|(spec, path)| VerifiedFile { name: spec.name.clone(), path, verdict: well_formed(original) })
        .collect();
    let verdict = match read {
        Ok(read) if read.origin == Origin::Real => return files,
        Ok(read) => FileVerdict::Partial(read.problems.join("; ")),
        Err(error) => {
            // Which of several files it is about, and whether the others are good, only the error tells.
            files.truncate(usize::from(files.len() == 1));
            FileVerdict::Bad(error)
        }
    };
    match &mut files[..] {
        [one] => one.verdict = verdict,
        _ => files.push(VerifiedFile { name: "(all)".to_owned(), path: None, verdict }),
    }
    files
}

fn well_formed(original: bool) -> FileVerdict {
    if original { FileVerdict::Original } else { FileVerdict::WellFormed }
}

/// A missing file is a missing part if another file holds examples of the same split.
fn allow_missing(manifest: &Manifest, files: &mut [VerifiedFile]) {
    let split_of =
        |name: &str| manifest.files.iter().find(|spec| spec.name == name).and_then(|spec| spec.split);
    let here: Vec<_> = files.iter().filter(|f| f.path.is_some()).map(|f| split_of(&f.name)).collect();
    for file in files {
        let missing = matches!(file.verdict, FileVerdict::Bad(Error::MissingFile { .. }));
        if missing && here.contains(&split_of(&file.name)) {
            file.verdict = FileVerdict::Partial(format!("{} is missing", file.name));
        }
    }
}

fn verify_file(manifest: &Manifest, spec: &FileSpec, file: &Located) -> Result<FileVerdict, Error> {
    if manifest.decoder == Decoder::Idx {
        let (values, original) = mnist::read_checked(manifest, spec, file)?;
        let (got, all) = mnist::examples(manifest, spec, &values);
        return Ok(match got < all {
            true => FileVerdict::Partial(format!("{} holds {got} of {all} examples", spec.name)),
            false => well_formed(original),
        });
    }
    let (records, original) = cifar::check(manifest, spec, file)?;
    Ok(records.missing(spec).map_or_else(|| well_formed(original), FileVerdict::Partial))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_full_check_judges_every_file() {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("mnist")).unwrap();
        fs::create_dir_all(root.path().join("coil100")).unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0x27, 0x10][..], &[7; 10_000]].concat();
        fs::write(root.path().join("mnist/t10k-labels-idx1-ubyte"), labels).unwrap();
        fs::write(root.path().join("mnist/train-labels-idx1-ubyte.gz"), [0x1f, 0x8b, 0]).unwrap();
        fs::write(root.path().join("coil100/coil-100.zip"), [0]).unwrap();
        let verification = verify(root.path(), "mnist").unwrap();
        assert!(!verification.is_good());
        let verdicts: Vec<&FileVerdict> = verification.files.iter().map(|f| &f.verdict).collect();
        assert!(matches!(
            verdicts[..],
            [
                FileVerdict::Bad(Error::MissingFile { .. }),
                FileVerdict::Bad(Error::WrongSize { expected: 28881, got: 3, .. }),
                FileVerdict::Bad(Error::MissingFile { .. }),
                FileVerdict::Bad(Error::WrongChecksum { .. }),
            ]
        ));
        // Without a checksum, format and counts are all that can be said.
        let mut manifest = manifest("mnist").unwrap().clone();
        manifest.files.iter_mut().for_each(|file| file.unpacked_sha256 = None);
        assert!(matches!(verify_manifest(root.path(), &manifest).files[3].verdict, FileVerdict::WellFormed));
        let coil = verify(root.path(), "coil100_32x32").unwrap();
        assert!(matches!(coil.files[0].verdict, FileVerdict::Bad(Error::WrongSize { .. })));
        let mut unknown = crate::manifest::manifest("coil100_32x32").unwrap().clone();
        (unknown.files[0].bytes, unknown.files[0].sha256) = (None, None);
        let verdict = &verify_manifest(root.path(), &unknown).files[0].verdict;
        assert!(matches!(verdict, FileVerdict::Bad(Error::Corrupt { .. })), "{verdict:?}");
    }
}
