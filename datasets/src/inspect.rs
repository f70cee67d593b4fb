//! What of a data set is on disk: a quick look by names and sizes, and a full check.

use std::path::{Path, PathBuf};

use crate::files::{self, Located, Packing};
use crate::manifest::{Decoder, FileSpec, Manifest, manifest};
use crate::{Error, cifar, collection, hub_copy, imagenet::Batches, load, prepare, text};

/// How much of a data set is on disk, by file names and sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// None of its files.
    Missing,
    /// Something in the place of a file is not the original: it has another size, is no file, or cannot be read. (Of a file
    /// that was unpacked or compressed anew only [`verify`] can tell whether it is good.)
    Damaged,
    /// Some files, or examples of them, are missing; what is there may be good.
    Partial,
    /// All files, but this version cannot read them.
    NotYetReadable,
    /// All files, ready to be loaded.
    Complete,
}

impl State {
    /// The words in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Partial => "partial",
            Self::NotYetReadable => "not yet readable",
            Self::Complete => "complete",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A quick look at a data set on disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Presence {
    /// Name of the data set.
    pub name: String,
    /// The folder that was looked at.
    pub directory: PathBuf,
    /// How much is there.
    pub state: State,
    /// Bytes of the files that are there.
    pub bytes: u64,
    /// Files that are there.
    pub present: Vec<PathBuf>,
    /// What is wrong: which files are missing, of another size (with both sizes), or not readable.
    pub problems: Vec<String>,
    /// Whether it can only be loaded from a prepared copy, because reading the original files takes too long.
    pub needs_preparation: bool,
}

/// Looks which files of a data set are in `root`, without reading them. Text data sets are known by the name of their
/// source, too (`imdb_reviews`, `wikipedia_en`).
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer.
pub fn inspect(root: &Path, name: &str) -> Result<Presence, Error> {
    match text::inspect::named(name) {
        Some(source) => Ok(text::inspect::inspect(root, source)),
        None => Ok(inspect_manifest(root, manifest(name)?)),
    }
}

fn inspect_manifest(root: &Path, manifest: &Manifest) -> Presence {
    let mut look = Look::default();
    let mut missing = 0;
    for spec in &manifest.files {
        match files::locate(root, manifest, spec) {
            Ok(Some(file)) => look.file(manifest, spec, file),
            Ok(None) => match unpacked(root, manifest, spec) {
                Ok(Some(unpacked)) => {
                    look.bytes += unpacked.bytes;
                    look.present.push(unpacked.folder);
                    look.problems.extend(unpacked.problem);
                }
                Ok(None) => {
                    look.problems.push(format!("{} is missing", spec.name));
                    missing += 1;
                }
                Err(error) => look.damaged(in_full(&error)),
            },
            Err(error) => look.damaged(in_full(&error)),
        }
    }
    if missing == manifest.files.len()
        && let Ok(copies) = other_copies(root, manifest)
        && !copies.is_empty()
    {
        (missing, look) = (0, Look::default());
        let archive = manifest.archive.as_ref().is_some_and(|archive| copies[0].0.name == archive.name);
        for (spec, file) in copies {
            look.file(manifest, spec, file);
        }
        let hub = manifest.hub.as_ref().map_or(0, |hub| hub.files.len());
        if !archive && look.present.len() < hub {
            look.problems.push(format!("{} of {hub} files of the hub's copy", look.present.len()));
        }
    }
    let state = match (missing == manifest.files.len(), look.problems.is_empty(), manifest.decoder) {
        (true, ..) => State::Missing,
        _ if look.damaged => State::Damaged,
        (_, false, _) => State::Partial,
        (_, _, Decoder::NoneYet) => State::NotYetReadable,
        _ => State::Complete,
    };
    Presence {
        name: manifest.name.clone(),
        directory: manifest.folder(root),
        state,
        bytes: look.bytes,
        present: look.present,
        problems: look.problems,
        needs_preparation: !prepare::read_directly(manifest)
            || prepare::uses_hub_copy(root, manifest).unwrap_or(false),
    }
}

/// What was seen of the files of a data set.
#[derive(Default)]
struct Look {
    bytes: u64,
    present: Vec<PathBuf>,
    problems: Vec<String>,
    damaged: bool,
}

impl Look {
    fn file(&mut self, manifest: &Manifest, spec: &FileSpec, file: Located) {
        match file.bytes() {
            Ok(got) => {
                self.bytes += got;
                let expected = spec.bytes.filter(|&bytes| file.packing == Packing::Published && bytes != got);
                if let Some(expected) = expected {
                    self.problems.push(of_another_size(&spec.name, got, expected));
                    self.damaged |= !cifar::is_part(manifest, spec, got, expected);
                }
            }
            Err(error) => self.damaged(in_full(&error)),
        }
        self.present.push(file.path);
    }

    fn damaged(&mut self, problem: String) {
        self.problems.push(problem);
        self.damaged = true;
    }
}

/// What is wrong with a file that has not the size of the original.
pub(crate) fn of_another_size(name: &str, got: u64, expected: u64) -> String {
    format!("{name} has {got} bytes, the original {expected}")
}

/// The published archive, or the files of the hub's copy, with their descriptions.
fn other_copies<'a>(root: &Path, manifest: &'a Manifest) -> Result<Vec<(&'a FileSpec, Located)>, Error> {
    if let Some(archive) = &manifest.archive
        && let Some(file) = files::locate(root, manifest, archive)?
    {
        return Ok(vec![(archive, file)]);
    }
    let specs = manifest.hub.as_ref().map_or(&[][..], |hub| &hub.files);
    Ok(hub_copy::locate(root, manifest)?.into_iter().map(|(i, file)| (&specs[i], file)).collect())
}

/// What stands in the place of an archive.
struct Unpacked {
    folder: PathBuf,
    bytes: u64,
    problem: Option<String>,
}

/// Looks for what an archive holds, if it is not there itself but may have been unpacked.
fn unpacked(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Result<Option<Unpacked>, Error> {
    let folder = manifest.folder(root);
    if manifest.decoder == Decoder::ImagenetNpz {
        let Some(batches) = Batches::find(root, manifest, spec)? else { return Ok(None) };
        let bytes = batches.paths().iter().map(|path| path.metadata().map_or(0, |m| m.len())).sum();
        let folder = batches.paths()[0].parent().unwrap_or(&folder).to_owned();
        return Ok(Some(Unpacked { folder, bytes, problem: None }));
    }
    if !collection::is_collection(manifest.decoder) || !collection::is_archive(spec) {
        return Ok(None);
    }
    let (pictures, bytes) = collection::count(root, manifest)?;
    let total = manifest.source.total();
    let problem = (pictures < total).then(|| format!("{pictures} of {total} pictures"));
    Ok((pictures > 0).then_some(Unpacked { folder, bytes, problem }))
}

/// An error with its sources, which its own message leaves out.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |cause| cause.source());
    sources.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What a full check found out about one file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// It is the original, byte for byte (SHA-256): the file as published, or the contents of one that was unpacked or
    /// compressed anew. Its contents are as they should be.
    Original,
    /// No checksum is known for it, but format, counts and labels are as they should be.
    WellFormed,
    /// It holds a part of the original's examples, and those are as they should be; what is missing, in words.
    Partial(String),
    /// Its size is right where that is known; there is neither a checksum nor a decoder for it.
    Unchecked,
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
    pub verdict: Verdict,
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
        self.files.iter().any(|file| matches!(file.verdict, Verdict::Partial(_)))
    }

    /// Whether something cannot be loaded, not even as a part.
    pub fn is_bad(&self) -> bool {
        self.files.iter().any(|file| matches!(file.verdict, Verdict::Bad(_)))
    }
}

/// Checks every file of a data set in `root`: presence, size, SHA-256, and, where this version has a decoder, magic
/// number, counts, labels and the end of the contents.
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer, file by file.
pub fn verify(root: &Path, name: &str) -> Result<Verification, Error> {
    match text::inspect::named(name) {
        Some(source) => Ok(text::inspect::verify(root, source)),
        None => Ok(verify_manifest(root, manifest(name)?)),
    }
}

fn verify_manifest(root: &Path, manifest: &Manifest) -> Verification {
    let check = |spec: &FileSpec| {
        let (path, verdict) = match files::locate(root, manifest, spec) {
            Ok(Some(file)) => {
                let verdict = verify_file(manifest, spec, &file).unwrap_or_else(Verdict::Bad);
                (Some(file.path), verdict)
            }
            Ok(None) => match unpacked(root, manifest, spec) {
                Ok(Some(found)) => {
                    (Some(found.folder), found.problem.map_or(Verdict::Unchecked, Verdict::Partial))
                }
                Ok(None) => (None, Verdict::Bad(files::missing(root, manifest, spec))),
                Err(error) => (None, Verdict::Bad(error)),
            },
            Err(error) => (None, Verdict::Bad(error)),
        };
        VerifiedFile { name: spec.name.clone(), path, verdict }
    };
    let copy = |(spec, file): (&FileSpec, Located)| {
        let verdict =
            file.check(spec).map(|known| if known { Verdict::Original } else { Verdict::Unchecked });
        let verdict = verdict.unwrap_or_else(Verdict::Bad);
        VerifiedFile { name: spec.name.clone(), path: Some(file.path), verdict }
    };
    let mut files: Vec<VerifiedFile> = manifest.files.iter().map(check).collect();
    if matches!(manifest.decoder, Decoder::Cifar10 | Decoder::Cifar100) {
        allow_missing(manifest, &mut files);
    }
    if files.iter().all(|file| file.path.is_none()) {
        let copies = other_copies(root, manifest).unwrap_or_default();
        if !copies.is_empty() {
            files = copies.into_iter().map(copy).collect();
        }
    }
    Verification { name: manifest.name.clone(), directory: manifest.folder(root), files }
}

/// A missing file is a missing part if another file holds examples of the same split.
fn allow_missing(manifest: &Manifest, files: &mut [VerifiedFile]) {
    let split_of =
        |name: &str| manifest.files.iter().find(|spec| spec.name == name).and_then(|spec| spec.split);
    let here: Vec<_> = files.iter().filter(|f| f.path.is_some()).map(|f| split_of(&f.name)).collect();
    for file in files {
        let missing = matches!(file.verdict, Verdict::Bad(Error::MissingFile { .. }));
        if missing && here.contains(&split_of(&file.name)) {
            file.verdict = Verdict::Partial(format!("{} is missing", file.name));
        }
    }
}

fn verify_file(manifest: &Manifest, spec: &FileSpec, file: &Located) -> Result<Verdict, Error> {
    let original = match manifest.decoder {
        Decoder::Idx => load::read_checked(manifest, spec, file)?.1,
        Decoder::Cifar10 | Decoder::Cifar100 => {
            let (records, original) = cifar::check(manifest, spec, file)?;
            if let Some(missing) = records.missing(spec) {
                return Ok(Verdict::Partial(missing));
            }
            original
        }
        _ => file.check(spec)?,
    };
    Ok(match (original, manifest.decoder) {
        (true, _) => Verdict::Original,
        (false, Decoder::Idx | Decoder::Cifar10 | Decoder::Cifar100) => Verdict::WellFormed,
        (false, _) => Verdict::Unchecked,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_quick_look_tells_the_states_apart() {
        let root = TempDir::new().unwrap();
        let state = |name: &str| inspect(root.path(), name).unwrap().state;
        assert_eq!(state("mnist"), State::Missing);
        assert_eq!(state("coil100_32x32"), State::Missing);

        fs::create_dir(root.path().join("mnist")).unwrap();
        fs::create_dir(root.path().join("coil100")).unwrap();
        let put =
            |name: &str, len: usize| fs::write(root.path().join("mnist").join(name), vec![0; len]).unwrap();
        put("train-images-idx3-ubyte.gz", 10);
        let look = inspect(root.path(), "mnist").unwrap();
        assert_eq!(
            (look.state, look.bytes, look.present.len(), look.problems.len()),
            (State::Damaged, 10, 1, 4)
        );
        assert!(look.problems[0].contains("9912422"), "{:?}", look.problems);

        fs::remove_file(root.path().join("mnist/train-images-idx3-ubyte.gz")).unwrap();
        for spec in &manifest("mnist").unwrap().files {
            put(spec.unpacked.as_ref().unwrap(), 3);
        }
        assert_eq!(state("mnist"), State::Complete);

        fs::write(root.path().join("coil100/coil-100.zip"), [0]).unwrap();
        assert_eq!(state("coil100_32x32"), State::Damaged);
        fs::remove_file(root.path().join("coil100/coil-100.zip")).unwrap();
        fs::write(root.path().join("coil100/obj1__5.png"), [0]).unwrap();
        let look = inspect(root.path(), "coil100_32x32").unwrap();
        assert_eq!(
            (look.state, &look.problems[..]),
            (State::Partial, &["1 of 7200 pictures".to_owned()][..])
        );
        assert!(inspect(root.path(), "coil").is_err());
    }

    #[test]
    fn whole_records_are_a_part_and_anything_else_is_damage() {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("cifar10")).unwrap();
        let check = |len: usize, state: State| {
            fs::write(root.path().join("cifar10/test_batch.bin"), vec![0; len]).unwrap();
            let look = inspect(root.path(), "cifar10").unwrap();
            assert_eq!(look.state, state, "{len}");
            let problem = format!("test_batch.bin has {len} bytes, the original 30730000");
            assert!(len == 30_730_000 || look.problems.contains(&problem), "{:?}", look.problems);
        };
        check(3073, State::Partial);
        check(3074, State::Damaged);
        check(0, State::Damaged);
        check(30_730_000, State::Partial);
        check(30_730_000 + 3073, State::Damaged);
    }

    #[test]
    fn an_archive_or_the_hub_copy_counts_in_the_place_of_the_files() {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("cifar10");
        fs::create_dir_all(folder.join("plain_text")).unwrap();
        let look = || inspect(root.path(), "cifar10").unwrap();
        let train = folder.join("plain_text/train-00000-of-00001.parquet");
        fs::write(&train, [0]).unwrap();
        assert_eq!(
            (look().state, &look().problems[..]),
            (State::Partial, &["1 of 2 files of the hub's copy".to_owned()][..])
        );
        fs::write(folder.join("plain_text/test-00000-of-00001.parquet"), [0]).unwrap();
        assert_eq!((look().state, look().present.len()), (State::Complete, 2));
        let checked = verify(root.path(), "cifar10").unwrap();
        assert!(checked.files.iter().all(|f| matches!(f.verdict, Verdict::Bad(Error::WrongChecksum { .. }))));

        fs::write(folder.join("cifar-10-binary.tar.gz"), [0]).unwrap();
        assert_eq!((look().state, look().present.len()), (State::Damaged, 1));
        assert!(look().problems[0].contains("170052171"), "{:?}", look().problems);
    }

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
        let verdicts: Vec<&Verdict> = verification.files.iter().map(|f| &f.verdict).collect();
        assert!(matches!(
            verdicts[..],
            [
                Verdict::Bad(Error::MissingFile { .. }),
                Verdict::Bad(Error::WrongSize { expected: 28881, got: 3, .. }),
                Verdict::Bad(Error::MissingFile { .. }),
                Verdict::Bad(Error::WrongChecksum { .. }),
            ]
        ));
        // Without a checksum, format and counts are all that can be said.
        let mut manifest = manifest("mnist").unwrap().clone();
        manifest.files.iter_mut().for_each(|file| file.unpacked_sha256 = None);
        assert!(matches!(verify_manifest(root.path(), &manifest).files[3].verdict, Verdict::WellFormed));
        let coil = verify(root.path(), "coil100_32x32").unwrap();
        assert!(matches!(coil.files[0].verdict, Verdict::Bad(Error::WrongSize { .. })));
        let mut unknown = crate::manifest("coil100_32x32").unwrap().clone();
        (unknown.files[0].bytes, unknown.files[0].sha256) = (None, None);
        assert!(matches!(verify_manifest(root.path(), &unknown).files[0].verdict, Verdict::Unchecked));
    }
}
