//! A quick look at what of a data set is on disk, by names and sizes.

use std::path::{Path, PathBuf};

use taskset_names::{Origin, in_full};

use super::verify::verify_manifest;
use super::{FileVerdict, Located, Packing, QUICK, Verification, VerifiedFile};
use super::{far_too_small, of_another_size, verify};
use crate::images::imagenet::Batches;
use crate::images::{cifar, collection, hub_copy, read_originals};
use crate::manifest::{Decoder, FileSpec, Manifest, manifest};
use crate::prepared::{self, PreparedCopy, PreparedState};
use crate::{Error, files, text};

/// How much of a data set is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilesState {
    /// None of its files.
    Missing,
    /// Something in the place of a file is not the original: it has another size or other contents, is no file, or cannot be
    /// read.
    Damaged,
    /// Some files are there, but one is missing without which nothing can be used, or there are too few examples.
    Incomplete,
    /// Some files, or examples of them, are missing; what is there may be used as a part.
    Partial,
    /// All files, but this version cannot read them.
    NotYetReadable,
    /// All files by their names and sizes. Whether they are whole tells only reading them: [`verify`], or preparing them.
    Unread,
    /// All of it: the files have been read, now or when they were prepared.
    Complete,
}

impl FilesState {
    /// The words in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Incomplete => "incomplete",
            Self::Partial => "partial",
            Self::NotYetReadable => "not yet readable",
            Self::Unread => "not yet read",
            Self::Complete => "complete",
        }
    }
}

impl std::fmt::Display for FilesState {
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
    pub state: FilesState,
    /// Bytes of the files that are there.
    pub bytes: u64,
    /// Files that are there.
    pub present: Vec<PathBuf>,
    /// What is wrong: which files are missing, of another size (with both sizes), or not readable.
    pub problems: Vec<String>,
    /// Whether it can only be loaded from a prepared copy, because reading the original files takes too long.
    pub needs_preparation: bool,
}

/// Looks which files of a data set are in `root`. Text data sets are known by the name of their source, too (`imdb_reviews`,
/// `wikipedia_en`).
///
/// Only names and sizes are looked at, and the contents of small files. Files that were read whole when they were prepared
/// are known by the prepared copies in the folder `cache` (none: `prepared` in `root`). A look never says
/// [`FilesState::Complete`] of files that loading, [`verify`] or preparing refuses.
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer.
pub fn inspect(root: &Path, cache: Option<&Path>, name: &str) -> Result<Presence, Error> {
    let mut presence = match text::on_disk::named(name) {
        Some(source) => text::on_disk::inspect(root, source),
        None => inspect_manifest(root, manifest(name)?),
    };
    let unread = presence.state == FilesState::Unread;
    if !unread && presence.state != FilesState::Partial {
        return Ok(presence);
    }
    let copies = prepared::look::all(root, cache, name);
    let usable = |copy: &PreparedCopy| match copy.state {
        PreparedState::Usable(origin) => Some(origin),
        _ => None,
    };
    match copies.iter().find_map(usable) {
        // What was read for a copy is good.
        Some(_) if !unread => {}
        Some(Origin::Real) => presence.state = FilesState::Complete,
        Some(_) => {
            presence.state = FilesState::Partial;
            presence
                .problems
                .push("a part of the data set, as reading it for the prepared copy told".to_owned());
        }
        None if presence.bytes <= QUICK => read_small(&mut presence, &verify(root, name)?),
        None => {}
    }
    Ok(presence)
}

/// What reading files told that names and sizes did not tell.
fn read_small(presence: &mut Presence, verification: &Verification) {
    let bad = verification.files.iter().filter_map(|file| match &file.verdict {
        FileVerdict::Bad(error) => Some(error),
        _ => None,
    });
    // That files are missing was told by their names.
    let wrong: Vec<String> = bad.filter(|error| error.is_damage()).map(|error| in_full(error)).collect();
    let (good, partial) = (verification.is_good(), verification.is_partial() && !verification.is_bad());
    match presence.state {
        _ if !wrong.is_empty() => {
            presence.problems.splice(0..0, wrong);
            presence.state = FilesState::Damaged;
        }
        FilesState::Unread if good => presence.state = FilesState::Complete,
        FilesState::Unread if partial => {
            presence.problems.extend(verification.problems());
            presence.state = FilesState::Partial;
        }
        _ => {}
    }
}

fn inspect_manifest(root: &Path, manifest: &Manifest) -> Presence {
    let mut look = Look::default();
    let (mut missing, mut absent, mut here) = (0, Vec::new(), Vec::new());
    for spec in &manifest.files {
        match files::locate(root, manifest, spec) {
            Ok(Some(file)) => {
                here.push(spec.split);
                look.file(manifest, spec, file);
            }
            Ok(None) => match unpacked(root, manifest, spec) {
                Ok(Some(unpacked)) => {
                    look.bytes += unpacked.bytes;
                    look.present.push(unpacked.folder);
                    look.problems.extend(unpacked.problem);
                }
                Ok(None) => {
                    look.problems.push(format!("{} is missing", spec.name));
                    absent.push(spec.split);
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
        absent.clear();
        let archive = manifest.archive.as_ref().is_some_and(|archive| copies[0].0.name == archive.name);
        for (spec, file) in copies {
            look.file(manifest, spec, file);
        }
        let hub = manifest.hub.as_ref().map_or(0, |hub| hub.files.len());
        if !archive && look.present.len() < hub {
            look.problems.push(format!("{} of {hub} files of the hub's copy", look.present.len()));
        }
    }
    let needs_preparation = !read_originals::read_directly(manifest)
        || read_originals::uses_hub_copy(root, manifest).unwrap_or(false);
    let state = match (missing == manifest.files.len(), look.problems.is_empty(), manifest.decoder) {
        (true, ..) => FilesState::Missing,
        _ if look.damaged => FilesState::Damaged,
        _ if look.too_small && look.bytes > if needs_preparation { QUICK / 8 } else { QUICK } => {
            FilesState::Unread
        }
        _ if look.too_small => by_reading(root, manifest, &mut look),
        _ if absent.iter().any(|split| !(has_records(manifest) && here.contains(split))) => {
            FilesState::Incomplete
        }
        (_, false, _) => FilesState::Partial,
        (_, _, Decoder::NoneYet) => FilesState::NotYetReadable,
        _ if needs_preparation || look.bytes > QUICK => FilesState::Unread,
        _ => by_reading(root, manifest, &mut look),
    };
    if state == FilesState::Incomplete {
        // What is not excused by another file comes first.
        let needed = |spec: &&FileSpec| !(has_records(manifest) && here.contains(&spec.split));
        let problem = |spec: &FileSpec| format!("{} is missing", spec.name);
        let first: Vec<String> = manifest.files.iter().filter(needed).map(problem).collect();
        look.problems.sort_by_key(|problem| !first.contains(problem));
    }
    Presence {
        name: manifest.name.clone(),
        directory: manifest.folder(root),
        state,
        bytes: look.bytes,
        present: look.present,
        problems: look.problems,
        needs_preparation,
    }
}

/// The state of a data set by all that is in its files.
fn by_reading(root: &Path, manifest: &Manifest, look: &mut Look) -> FilesState {
    let verification = verify_manifest(root, manifest);
    let is_missing = |file: &VerifiedFile| match &file.verdict {
        FileVerdict::Bad(error) => matches!(error, Error::MissingFile { .. }),
        _ => true,
    };
    let state = match (verification.is_bad(), verification.is_partial()) {
        (true, _) if verification.files.iter().all(is_missing) => FilesState::Incomplete,
        (true, _) => FilesState::Damaged,
        (_, true) => FilesState::Partial,
        _ => FilesState::Complete,
    };
    if !matches!(state, FilesState::Damaged | FilesState::Incomplete) || look.problems.is_empty() {
        look.problems = verification.problems().collect();
    }
    state
}

/// Whether a part of the files of a split is of use: records, with image and label in one file.
fn has_records(manifest: &Manifest) -> bool {
    matches!(manifest.decoder, Decoder::Cifar10 | Decoder::Cifar100)
}

/// What was seen of the files of a data set.
#[derive(Default)]
struct Look {
    bytes: u64,
    present: Vec<PathBuf>,
    problems: Vec<String>,
    damaged: bool,
    /// A compressed file is far too small: cut, or well-formed and a part.
    too_small: bool,
}

impl Look {
    fn file(&mut self, manifest: &Manifest, spec: &FileSpec, file: Located) {
        match file.bytes() {
            Ok(got) => {
                self.bytes += got;
                let expected = spec.bytes.filter(|&bytes| file.packing == Packing::Published && bytes != got);
                if let Some(expected) =
                    expected.filter(|&expected| !may_be_compressed_anew(spec, got, expected))
                {
                    self.problems.push(of_another_size(&spec.name, got, expected));
                    if is_compressed(spec) {
                        self.too_small = true;
                    } else {
                        self.damaged |= !cifar::is_part(manifest, spec, got, expected);
                    }
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

/// Whether a file of another size than the original may hold the same: it is compressed, and not far too small.
fn may_be_compressed_anew(spec: &FileSpec, got: u64, expected: u64) -> bool {
    is_compressed(spec) && far_too_small(got, expected).is_none()
}

fn is_compressed(spec: &FileSpec) -> bool {
    [".gz", ".zip"].iter().any(|ending| spec.name.ends_with(ending))
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
pub(super) struct Unpacked {
    pub(super) folder: PathBuf,
    bytes: u64,
    problem: Option<String>,
}

/// Looks for what an archive holds, if it is not there itself but may have been unpacked.
pub(super) fn unpacked(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Result<Option<Unpacked>, Error> {
    let folder = manifest.folder(root);
    let too_small = |bytes| far_too_small(bytes, spec.about_bytes());
    if manifest.decoder == Decoder::ImagenetNpz {
        let Some(batches) = Batches::find(root, manifest, spec)? else { return Ok(None) };
        let bytes = batches.paths().iter().map(|path| path.metadata().map_or(0, |m| m.len())).sum();
        let folder = batches.paths()[0].parent().unwrap_or(&folder).to_owned();
        return Ok(Some(Unpacked { folder, bytes, problem: too_small(bytes) }));
    }
    if !collection::is_collection(manifest.decoder) || !collection::is_archive(spec) {
        return Ok(None);
    }
    let collection::Unpacked { pictures, misnamed, bytes } = collection::count(root, manifest)?;
    // What is wrong with their names is told when the pictures are read.
    let pictures = pictures + misnamed;
    let total = manifest.source.total();
    // SUN397 has more pictures than its lists name.
    let exact = manifest.decoder != Decoder::Sun397;
    let problem = match pictures {
        _ if pictures < total || exact && pictures > total => Some(format!("{pictures} of {total} pictures")),
        _ => too_small(bytes),
    };
    Ok((pictures > 0).then_some(Unpacked { folder, bytes, problem }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::images::load;

    #[test]
    fn a_quick_look_tells_the_states_apart() {
        let root = TempDir::new().unwrap();
        let state = |name: &str| inspect(root.path(), None, name).unwrap().state;
        assert_eq!(state("mnist"), FilesState::Missing);
        assert_eq!(state("coil100_32x32"), FilesState::Missing);

        fs::create_dir(root.path().join("mnist")).unwrap();
        fs::create_dir(root.path().join("coil100")).unwrap();
        let put =
            |name: &str, len: usize| fs::write(root.path().join("mnist").join(name), vec![0; len]).unwrap();
        put("train-images-idx3-ubyte.gz", 10);
        let look = inspect(root.path(), None, "mnist").unwrap();
        assert_eq!(
            (look.state, look.bytes, look.present.len(), look.problems.len()),
            (FilesState::Damaged, 10, 1, 4)
        );
        assert!(look.problems[0].contains("9912422"), "{:?}", look.problems);

        fs::remove_file(root.path().join("mnist/train-images-idx3-ubyte.gz")).unwrap();
        for spec in &manifest("mnist").unwrap().files {
            put(spec.unpacked.as_ref().unwrap(), 3);
        }
        // Small files are read.
        let look = inspect(root.path(), None, "mnist").unwrap();
        assert!(look.state == FilesState::Damaged && look.problems[0].contains("truncated"), "{look:?}");

        fs::write(root.path().join("coil100/coil-100.zip"), [0]).unwrap();
        assert_eq!(state("coil100_32x32"), FilesState::Damaged);
        fs::remove_file(root.path().join("coil100/coil-100.zip")).unwrap();
        fs::write(root.path().join("coil100/obj1__5.png"), [0]).unwrap();
        let look = inspect(root.path(), None, "coil100_32x32").unwrap();
        assert_eq!((look.state, &look.problems[1][..]), (FilesState::Damaged, "1 of 7200 pictures"));
        assert!(look.problems[0].contains("obj1__5.png"), "{look:?}");
        assert!(inspect(root.path(), None, "coil").is_err());
    }

    #[test]
    fn whole_records_are_a_part_and_anything_else_is_damage() {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("cifar10")).unwrap();
        let check = |len: usize, state: FilesState| {
            fs::write(root.path().join("cifar10/test_batch.bin"), vec![0; len]).unwrap();
            let look = inspect(root.path(), None, "cifar10").unwrap();
            assert_eq!(look.state, state, "{len}");
            let problem = format!("test_batch.bin has {len} bytes, the original 30730000");
            assert!(len == 30_730_000 || look.problems.contains(&problem), "{:?}", look.problems);
        };
        check(3073, FilesState::Incomplete);
        check(3074, FilesState::Damaged);
        check(0, FilesState::Damaged);
        check(30_730_000, FilesState::Incomplete);
        check(30_730_000 + 3073, FilesState::Damaged);
    }

    #[test]
    fn without_a_test_file_nothing_can_be_used_and_all_say_so() {
        let root = TempDir::new().unwrap();
        for (name, train, record) in [("cifar10", "data_batch_1.bin", 3073), ("cifar100", "train.bin", 3074)]
        {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(train), vec![0; 10 * record]).unwrap();
            let look = inspect(root.path(), None, name).unwrap();
            assert_eq!(look.state, FilesState::Incomplete, "{look:?}");
            assert!(
                look.problems[0].contains("test") && look.problems[0].ends_with("is missing"),
                "{look:?}"
            );
            let checked = verify(root.path(), name).unwrap();
            let missing =
                |file: &VerifiedFile| matches!(file.verdict, FileVerdict::Bad(Error::MissingFile { .. }));
            assert!(checked.files.iter().any(missing), "{checked:?}");
            let read = load::originals(root.path(), manifest(name).unwrap(), true);
            assert!(matches!(read, Err(Error::MissingFile { .. })), "{read:?}");
        }
        // With some test images, a missing training file is a part.
        fs::write(root.path().join("cifar10/test_batch.bin"), vec![0; 3073]).unwrap();
        assert_eq!(inspect(root.path(), None, "cifar10").unwrap().state, FilesState::Partial);
        assert!(verify(root.path(), "cifar10").unwrap().is_partial());
        assert!(load::originals(root.path(), manifest("cifar10").unwrap(), true).is_ok());
    }

    #[test]
    fn an_archive_or_the_hub_copy_counts_in_the_place_of_the_files() {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("cifar10");
        fs::create_dir_all(folder.join("plain_text")).unwrap();
        let look = || inspect(root.path(), None, "cifar10").unwrap();
        let train = folder.join("plain_text/train-00000-of-00001.parquet");
        fs::write(&train, [0]).unwrap();
        assert_eq!(
            (look().state, &look().problems[1][..]),
            (FilesState::Damaged, "1 of 2 files of the hub's copy")
        );
        fs::write(folder.join("plain_text/test-00000-of-00001.parquet"), [0]).unwrap();
        assert_eq!((look().state, look().present.len()), (FilesState::Damaged, 2));
        let checked = verify(root.path(), "cifar10").unwrap();
        assert!(matches!(
            checked.files[..],
            [VerifiedFile { verdict: FileVerdict::Bad(Error::WrongChecksum { .. }), .. }]
        ));

        fs::write(folder.join("cifar-10-binary.tar.gz"), [0]).unwrap();
        assert_eq!((look().state, look().present.len()), (FilesState::Damaged, 1));
        assert!(look().problems[0].contains("170052171"), "{:?}", look().problems);
    }
}
