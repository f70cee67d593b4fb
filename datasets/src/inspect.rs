//! What of a data set is on disk: a quick look by names and sizes, and a full check.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use crate::files::{self, Located, Packing, Published};
use crate::manifest::{Decoder, FileSpec, Manifest, manifest};
use crate::prepare::Preparation;
use crate::prepared_copies::{PreparedCopy, PreparedState};
use crate::{Error, cifar, collection, hub_copy, imagenet::Batches, load, prepare, prepared_copies, text};

/// Files of no more bytes than this together are read by a quick look, too; so are prepared copies.
pub(crate) const QUICK: u64 = 256 << 20;

/// How much of a data set is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
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

impl State {
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

/// Looks which files of a data set are in `root`. Text data sets are known by the name of their source, too (`imdb_reviews`,
/// `wikipedia_en`).
///
/// Only names and sizes are looked at, and the contents of small files. Files that were read whole when they were prepared
/// are known by the prepared copies in the folder `cache` (none: `prepared` in `root`). A look never says
/// [`State::Complete`] of files that loading, [`verify`] or preparing refuses.
///
/// # Errors
/// [`Error::UnknownDataset`]. Everything about files is part of the answer.
pub fn inspect(root: &Path, cache: Option<&Path>, name: &str) -> Result<Presence, Error> {
    let mut presence = match text::inspect::named(name) {
        Some(source) => text::inspect::inspect(root, source),
        None => inspect_manifest(root, manifest(name)?),
    };
    let unread = presence.state == State::Unread;
    if !unread && presence.state != State::Partial {
        return Ok(presence);
    }
    let copies = prepared_copies::all(root, cache, name);
    let usable = |copy: &PreparedCopy| match copy.state {
        PreparedState::Usable(origin) => Some(origin),
        _ => None,
    };
    match copies.iter().find_map(usable) {
        // What was read for a copy is good.
        Some(_) if !unread => {}
        Some(Origin::Real) => presence.state = State::Complete,
        Some(_) => {
            presence.state = State::Partial;
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
        Verdict::Bad(error) => Some(error),
        _ => None,
    });
    // That files are missing was told by their names.
    let wrong: Vec<String> = bad.filter(|error| error.is_damage()).map(|error| in_full(error)).collect();
    let (good, partial) = (verification.is_good(), verification.is_partial() && !verification.is_bad());
    match presence.state {
        _ if !wrong.is_empty() => {
            presence.problems.splice(0..0, wrong);
            presence.state = State::Damaged;
        }
        State::Unread if good => presence.state = State::Complete,
        State::Unread if partial => {
            presence.problems.extend(verification.problems());
            presence.state = State::Partial;
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
    let needs_preparation =
        !prepare::read_directly(manifest) || prepare::uses_hub_copy(root, manifest).unwrap_or(false);
    let state = match (missing == manifest.files.len(), look.problems.is_empty(), manifest.decoder) {
        (true, ..) => State::Missing,
        _ if look.damaged => State::Damaged,
        _ if look.too_small && look.bytes > if needs_preparation { QUICK / 8 } else { QUICK } => {
            State::Unread
        }
        _ if look.too_small => by_reading(root, manifest, &mut look),
        _ if absent.iter().any(|split| !(has_records(manifest) && here.contains(split))) => State::Incomplete,
        (_, false, _) => State::Partial,
        (_, _, Decoder::NoneYet) => State::NotYetReadable,
        _ if needs_preparation || look.bytes > QUICK => State::Unread,
        _ => by_reading(root, manifest, &mut look),
    };
    if state == State::Incomplete {
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
fn by_reading(root: &Path, manifest: &Manifest, look: &mut Look) -> State {
    let verification = verify_manifest(root, manifest);
    let is_missing = |file: &VerifiedFile| match &file.verdict {
        Verdict::Bad(error) => matches!(error, Error::MissingFile { .. }),
        _ => true,
    };
    let state = match (verification.is_bad(), verification.is_partial()) {
        (true, _) if verification.files.iter().all(is_missing) => State::Incomplete,
        (true, _) => State::Damaged,
        (_, true) => State::Partial,
        _ => State::Complete,
    };
    if !matches!(state, State::Damaged | State::Incomplete) || look.problems.is_empty() {
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

/// What is wrong with a file that has not the size of the original.
pub(crate) fn of_another_size(name: &str, got: u64, expected: u64) -> String {
    format!("{name} has {got} bytes, the original {expected}")
}

/// What is wrong with files of `got` bytes together, if they cannot be what an archive of `published` bytes holds. What is
/// compressed already, as pictures are, is not made much smaller by an archive, and nothing is made larger: less than half is
/// far too small.
pub(crate) fn far_too_small(got: u64, published: u64) -> Option<String> {
    (got < published / 2)
        .then(|| format!("its files have {got} bytes together, far too few for the original, which has {published} compressed"))
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

    /// What is missing or wrong, in words.
    fn problems(&self) -> impl Iterator<Item = String> {
        self.files.iter().filter_map(|file| match &file.verdict {
            Verdict::Partial(missing) => Some(missing.clone()),
            Verdict::Bad(error) => Some(in_full(error)),
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
    match text::inspect::named(name) {
        Some(source) => Ok(text::inspect::verify(root, source)),
        None => Ok(verify_manifest(root, manifest(name)?)),
    }
}

fn verify_manifest(root: &Path, manifest: &Manifest) -> Verification {
    let from_hub = prepare::uses_hub_copy(root, manifest).unwrap_or(false);
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
    let undecided = files.iter().any(|file| matches!(file.verdict, Verdict::WellFormed))
        && files.iter().all(|file| matches!(file.verdict, Verdict::Original | Verdict::WellFormed));
    let parts = manifest.decoder == Decoder::Idx
        && files.iter().any(|file| matches!(file.verdict, Verdict::Partial(_)))
        && !files.iter().any(|file| matches!(file.verdict, Verdict::Bad(_)));
    if (undecided || parts) && prepare::read_directly(manifest) && !from_hub {
        let verdict = match load::originals(root, manifest, true) {
            Ok((_, problems)) if problems.is_empty() || parts => None,
            Ok((_, problems)) => Some(Verdict::Partial(problems.join("; "))),
            Err(error) => Some(Verdict::Bad(error)),
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
                let verdict = verify_file(manifest, spec, &file).unwrap_or_else(Verdict::Bad);
                (Some(file.path), verdict)
            }
            Ok(None) => (None, Verdict::Bad(files::missing(root, manifest, spec))),
            Err(error) => (None, Verdict::Bad(error)),
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
                false => Verdict::Partial(problems.join("; ")),
            };
            (Some(file.path), read.map_or_else(Verdict::Bad, judged))
        }
        Err(error) => (None, Verdict::Bad(error)),
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
            verdict: Verdict::Original,
        };
        return specs.iter().map(file).collect();
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let how = Preparation { allow_partial: true, threads, progress: &|_, _| {} };
    let read = prepare::read(root, manifest, &how, &mut |_| Ok(()));
    let original = read.as_ref().is_ok_and(|read| read.original);
    let mut files: Vec<VerifiedFile> = specs
        .iter()
        .map(|spec| (spec, place(spec)))
        .filter(|(_, path)| path.is_some())
        .map(|(spec, path)| VerifiedFile { name: spec.name.clone(), path, verdict: well_formed(original) })
        .collect();
    let verdict = match read {
        Ok(read) if read.origin == Origin::Real => return files,
        Ok(read) => Verdict::Partial(read.problems.join("; ")),
        Err(error) => {
            // Which of several files it is about, and whether the others are good, only the error tells.
            files.truncate(usize::from(files.len() == 1));
            Verdict::Bad(error)
        }
    };
    match &mut files[..] {
        [one] => one.verdict = verdict,
        _ => files.push(VerifiedFile { name: "(all)".to_owned(), path: None, verdict }),
    }
    files
}

fn well_formed(original: bool) -> Verdict {
    if original { Verdict::Original } else { Verdict::WellFormed }
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
    if manifest.decoder == Decoder::Idx {
        let (values, original) = load::read_checked(manifest, spec, file)?;
        let (got, all) = load::examples(manifest, spec, &values);
        return Ok(match got < all {
            true => Verdict::Partial(format!("{} holds {got} of {all} examples", spec.name)),
            false => well_formed(original),
        });
    }
    let (records, original) = cifar::check(manifest, spec, file)?;
    Ok(records.missing(spec).map_or_else(|| well_formed(original), Verdict::Partial))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_quick_look_tells_the_states_apart() {
        let root = TempDir::new().unwrap();
        let state = |name: &str| inspect(root.path(), None, name).unwrap().state;
        assert_eq!(state("mnist"), State::Missing);
        assert_eq!(state("coil100_32x32"), State::Missing);

        fs::create_dir(root.path().join("mnist")).unwrap();
        fs::create_dir(root.path().join("coil100")).unwrap();
        let put =
            |name: &str, len: usize| fs::write(root.path().join("mnist").join(name), vec![0; len]).unwrap();
        put("train-images-idx3-ubyte.gz", 10);
        let look = inspect(root.path(), None, "mnist").unwrap();
        assert_eq!(
            (look.state, look.bytes, look.present.len(), look.problems.len()),
            (State::Damaged, 10, 1, 4)
        );
        assert!(look.problems[0].contains("9912422"), "{:?}", look.problems);

        fs::remove_file(root.path().join("mnist/train-images-idx3-ubyte.gz")).unwrap();
        for spec in &manifest("mnist").unwrap().files {
            put(spec.unpacked.as_ref().unwrap(), 3);
        }
        // Small files are read.
        let look = inspect(root.path(), None, "mnist").unwrap();
        assert!(look.state == State::Damaged && look.problems[0].contains("truncated"), "{look:?}");

        fs::write(root.path().join("coil100/coil-100.zip"), [0]).unwrap();
        assert_eq!(state("coil100_32x32"), State::Damaged);
        fs::remove_file(root.path().join("coil100/coil-100.zip")).unwrap();
        fs::write(root.path().join("coil100/obj1__5.png"), [0]).unwrap();
        let look = inspect(root.path(), None, "coil100_32x32").unwrap();
        assert_eq!((look.state, &look.problems[1][..]), (State::Damaged, "1 of 7200 pictures"));
        assert!(look.problems[0].contains("obj1__5.png"), "{look:?}");
        assert!(inspect(root.path(), None, "coil").is_err());
    }

    #[test]
    fn whole_records_are_a_part_and_anything_else_is_damage() {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("cifar10")).unwrap();
        let check = |len: usize, state: State| {
            fs::write(root.path().join("cifar10/test_batch.bin"), vec![0; len]).unwrap();
            let look = inspect(root.path(), None, "cifar10").unwrap();
            assert_eq!(look.state, state, "{len}");
            let problem = format!("test_batch.bin has {len} bytes, the original 30730000");
            assert!(len == 30_730_000 || look.problems.contains(&problem), "{:?}", look.problems);
        };
        check(3073, State::Incomplete);
        check(3074, State::Damaged);
        check(0, State::Damaged);
        check(30_730_000, State::Incomplete);
        check(30_730_000 + 3073, State::Damaged);
    }

    #[test]
    fn without_a_test_file_nothing_can_be_used_and_all_say_so() {
        let root = TempDir::new().unwrap();
        for (name, train, record) in [("cifar10", "data_batch_1.bin", 3073), ("cifar100", "train.bin", 3074)]
        {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(train), vec![0; 10 * record]).unwrap();
            let look = inspect(root.path(), None, name).unwrap();
            assert_eq!(look.state, State::Incomplete, "{look:?}");
            assert!(
                look.problems[0].contains("test") && look.problems[0].ends_with("is missing"),
                "{look:?}"
            );
            let checked = verify(root.path(), name).unwrap();
            let missing =
                |file: &VerifiedFile| matches!(file.verdict, Verdict::Bad(Error::MissingFile { .. }));
            assert!(checked.files.iter().any(missing), "{checked:?}");
            let read = load::originals(root.path(), manifest(name).unwrap(), true);
            assert!(matches!(read, Err(Error::MissingFile { .. })), "{read:?}");
        }
        // With some test images, a missing training file is a part.
        fs::write(root.path().join("cifar10/test_batch.bin"), vec![0; 3073]).unwrap();
        assert_eq!(inspect(root.path(), None, "cifar10").unwrap().state, State::Partial);
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
            (State::Damaged, "1 of 2 files of the hub's copy")
        );
        fs::write(folder.join("plain_text/test-00000-of-00001.parquet"), [0]).unwrap();
        assert_eq!((look().state, look().present.len()), (State::Damaged, 2));
        let checked = verify(root.path(), "cifar10").unwrap();
        assert!(matches!(
            checked.files[..],
            [VerifiedFile { verdict: Verdict::Bad(Error::WrongChecksum { .. }), .. }]
        ));

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
        let verdict = &verify_manifest(root.path(), &unknown).files[0].verdict;
        assert!(matches!(verdict, Verdict::Bad(Error::Corrupt { .. })), "{verdict:?}");
    }
}
