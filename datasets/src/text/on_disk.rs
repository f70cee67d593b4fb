//! What of a text source is on disk: a quick look by names and counts, and a full reading.

use std::path::{Path, PathBuf};

use taskset_names::in_full;

use super::example_visitor::Nobody;
use super::read_originals::Judgement;
use super::source::Found;
use super::{lines, text_infos};
use crate::Error;
use crate::files::{FileVerdict, FilesState, Presence, Verification, VerifiedFile};
use crate::files::{QUICK, far_too_small, of_another_size};
use crate::manifest::{TextManifest, text_manifests};
use crate::prepared::{PreparedCopy, PreparedState, text_file};

/// Groups of more files than this are listed by their folder.
const LISTED: usize = 60;

/// The source with this name, or to which the data set with this name belongs.
pub(crate) fn named(name: &str) -> Option<&'static TextManifest> {
    text_manifests().iter().find(|m| [&m.name, &m.bytes, &m.subwords8k].into_iter().any(|n| n == name))
}

/// Looks which files of a source are in `root`, without reading them.
pub(crate) fn inspect(root: &Path, manifest: &'static TextManifest) -> Presence {
    let mut presence = Presence {
        name: manifest.name.clone(),
        directory: manifest.folder(root),
        state: FilesState::Missing,
        bytes: 0,
        present: Vec::new(),
        problems: Vec::new(),
        needs_preparation: false,
    };
    let found = match Found::new(root, manifest) {
        Ok(found) => found,
        Err(error) => {
            if !matches!(error, Error::MissingFile { .. }) {
                presence.state = FilesState::Damaged;
            }
            presence.problems.push(in_full(&error));
            return presence;
        }
    };
    presence.problems.extend(found.problems.iter().cloned());
    let (mut damaged, mut too_small) = (false, false);
    let archive = found.archive.as_slice();
    for paths in found.groups.iter().map(|(_, paths)| &paths[..]).chain([archive]) {
        presence.present.extend(listed(paths));
        for path in paths {
            match std::fs::metadata(path) {
                Ok(metadata) => {
                    let got = metadata.len();
                    presence.bytes += got;
                    let download = manifest.download(path);
                    let expected = download.and_then(|d| d.bytes).filter(|&expected| {
                        // What was compressed anew has another size, but is not far smaller.
                        far_too_small(got, expected).is_some()
                    });
                    if let (Some(download), Some(expected)) = (download, expected) {
                        too_small = true;
                        presence.problems.push(of_another_size(download.name(), got, expected));
                    }
                }
                Err(source) => {
                    damaged = true;
                    presence.problems.push(in_full(&Error::Io { path: path.clone(), source }));
                }
            }
        }
    }
    // What cannot be looked at was told just now.
    presence.problems.extend(found.size_problems(manifest).unwrap_or_default());
    presence.state = match presence.problems.is_empty() {
        true => FilesState::Unread,
        false if damaged => FilesState::Damaged,
        // It is cut, or well-formed and a part: reading it tells.
        false if too_small && presence.bytes > QUICK => FilesState::Unread,
        false if too_small => match found.read(manifest, &mut Nobody) {
            Ok(_) => FilesState::Partial,
            Err(error @ Error::TooFewExamples { .. }) => {
                presence.problems = vec![in_full(&error)];
                FilesState::Incomplete
            }
            Err(error) => {
                presence.problems = vec![in_full(&error)];
                FilesState::Damaged
            }
        },
        false if presence.bytes <= QUICK && matches!(found.is_usable(manifest), Ok(false)) => {
            presence.problems.insert(
                0,
                "too few examples for a task: it needs at least 3 for training and 1 for testing".to_owned(),
            );
            FilesState::Incomplete
        }
        false => FilesState::Partial,
    };
    presence
}

/// The tokenised data sets of a source in the folder `cache`; by `full`, each is read as a whole.
pub(crate) fn prepared(
    root: &Path,
    cache: &Path,
    manifest: &'static TextManifest,
    full: bool,
) -> Vec<PreparedCopy> {
    let found = Found::new(root, manifest).ok();
    let mut copies = Vec::new();
    for info in text_infos().iter().filter(|info| info.manifest.name == manifest.name) {
        let listing = found.as_ref().and_then(|found| text_file::listing(root, info, found).ok());
        let current =
            listing.as_ref().map(|listing| text_file::path(cache, info, &text_file::key(listing), "tokens"));
        let is_stale = |path: &Path| {
            let recorded = text_file::originals(path, info);
            // That the originals cannot be read is not the copy's fault.
            listing.as_ref().zip(recorded).is_some_and(|(now, recorded)| !now.is(&recorded).unwrap_or(true))
        };
        let pattern = text_file::path(Path::new(""), info, "*", "tokens");
        // A folder that cannot be read holds no copy that could be used.
        let paths = lines::matching(cache, &pattern.to_string_lossy()).unwrap_or_default();
        copies.extend(paths.into_iter().map(|path| {
            let bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
            let full = full || bytes <= QUICK;
            let state = if current.as_ref() == Some(&path) && !is_stale(&path) {
                text_file::check(&path, info, full).map_or_else(PreparedState::Damaged, PreparedState::Usable)
            } else {
                PreparedState::Stale
            };
            PreparedCopy { name: info.name.clone(), path, bytes, state, verified: full, alone: false }
        }));
    }
    copies
}

/// The files, or their folders if they are many.
fn listed(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.len() <= LISTED {
        return paths.to_vec();
    }
    let mut folders: Vec<PathBuf> =
        paths.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    folders.dedup();
    folders
}

/// Reads every file of a source in `root`: counts, published checksums, encoding, format, labels.
pub(crate) fn verify(root: &Path, manifest: &'static TextManifest) -> Verification {
    let mut files = Vec::new();
    let bad = |name: &str, error| VerifiedFile {
        name: name.to_owned(),
        path: None,
        verdict: FileVerdict::Bad(error),
    };
    match Found::new(root, manifest) {
        Ok(found) => {
            let read = found.read(manifest, &mut Nobody);
            let original = read.as_ref().is_ok_and(|judgement| judgement.original);
            let groups = found.groups.iter().map(|(group, paths)| (&group.names[0][..], &paths[..]));
            let archive = manifest.archive().map(|name| (name, found.archive.as_slice()));
            for (name, paths) in groups.chain(archive.filter(|(_, paths)| !paths.is_empty())) {
                let verdict = if original { FileVerdict::Original } else { FileVerdict::WellFormed };
                // One file of several that would do has a name of its own.
                let name = match paths {
                    [one] => one.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    _ => name.to_owned(),
                };
                files.push(VerifiedFile { name, path: listed(paths).pop(), verdict });
            }
            match read {
                Ok(Judgement { problems, .. }) if problems.is_empty() => {}
                Ok(Judgement { problems, .. }) => {
                    let verdict = FileVerdict::Partial(problems.join("; "));
                    files.push(VerifiedFile { name: "(all)".to_owned(), path: None, verdict });
                }
                // Which file it is about, and whether the others are good, only the error tells.
                Err(error) => files = vec![bad("(all)", error)],
            }
        }
        Err(error) => files.push(bad("(all)", error)),
    }
    Verification { name: manifest.name.clone(), directory: manifest.folder(root), files }
}
