//! The lists of SUN397, which say the split of every picture.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::is_archive;
use crate::manifest::Manifest;
use crate::splits::SourceSplit;
use crate::{Error, files};

/// The split of every picture, by its key. Each file of the manifest that is no archive is the list
/// of its split, a key a line.
pub(super) fn read(root: &Path, manifest: &Manifest) -> Result<BTreeMap<String, SourceSplit>, Error> {
    let mut splits = BTreeMap::new();
    for spec in manifest.files.iter().filter(|spec| !is_archive(spec)) {
        let Some(file) = files::locate(root, manifest, spec)? else {
            return Err(files::missing(root, manifest, spec));
        };
        let split = spec.split.unwrap_or(SourceSplit::Train);
        let expected = manifest.source.get(split);
        // Keys are below 200 bytes; nothing longer is read into memory.
        let (limit, got) = (200 * expected as u64, file.bytes()?);
        if got > limit {
            let problem = format!("{got} bytes, a list of {expected} pictures has less than {limit}");
            return Err(Error::TooLarge { path: file.path, problem });
        }
        file.check(spec)?;
        let mut text = Vec::new();
        file.open()?.take(limit).read_to_end(&mut text).map_err(|source| file.io(source))?;
        let malformed = |offset: usize, problem: String| Error::Corrupt {
            path: file.path.clone(),
            offset: offset as u64,
            problem,
        };
        let text =
            std::str::from_utf8(&text).map_err(|e| malformed(e.valid_up_to(), "not UTF-8".to_owned()))?;
        let before = splits.len();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            splits.insert(line.to_owned(), split);
        }
        let listed = splits.len() - before;
        if listed != expected {
            return Err(malformed(
                text.len(),
                format!("{listed} new pictures are listed, {expected} expected"),
            ));
        }
    }
    Ok(splits)
}
