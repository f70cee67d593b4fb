//! Loading a text data set: from its prepared copy, or from its original files.

use std::path::{Path, PathBuf};

use taskset_names::Origin;

use super::collect_tokens::{Collected, Collector, Tokens};
use super::data::Texts;
use super::source::Found;
use super::subwords::SubwordEncoder;
use super::tokenise::{Tokeniser, build, tokenise};
use super::{Encoding, TextData, TextInfo};
use crate::prepared::sealed::Place;
use crate::prepared::text_file::{self, Rest};
use crate::prepared::{FOLDER, PrepareProgress, sealed};
use crate::{Error, files};

/// Loads a text data set of the directory `root`: from the cache, if it holds the set, otherwise from the original files.
/// In a cache that was named the result is kept; if none was, the folder `prepared` of `root` is only looked into.
pub(crate) fn load(
    root: &Path,
    info: &'static TextInfo,
    allow_partial: bool,
    cache: Option<&Path>,
    progress: &mut dyn PrepareProgress,
) -> Result<TextData, Error> {
    load_or_make(root, info, allow_partial, cache, false, progress).map(|loaded| loaded.data)
}

/// A data set that was loaded, and where it is kept.
pub(crate) struct Loaded {
    pub(crate) data: TextData,
    /// Where it is kept, if anywhere.
    pub(crate) path: PathBuf,
    /// Whether the cache held it.
    pub(crate) found: bool,
}

/// Takes the data set from the cache, or makes it: by `anew` in the place of a copy that cannot be used, too.
pub(crate) fn load_or_make(
    root: &Path,
    info: &'static TextInfo,
    allow_partial: bool,
    cache: Option<&Path>,
    anew: bool,
    progress: &mut dyn PrepareProgress,
) -> Result<Loaded, Error> {
    let check = |problems: &[String]| {
        if problems.is_empty() || allow_partial {
            return Ok(());
        }
        Err(Error::Partial {
            name: info.name.clone(),
            directory: info.manifest.folder(root),
            problems: problems.to_vec(),
            site: info.manifest.site.clone(),
        })
    };
    let found = Found::new(root, info.manifest)?;
    check(&found.problems)?;
    let folder = cache.map_or_else(|| root.join(FOLDER), Path::to_owned);
    let listing = text_file::listing(root, info, &found)?;
    let key = text_file::key(&listing);
    let file = |extension| text_file::path(&folder, info, &key, extension);
    let path = file("tokens");
    let recorded = text_file::originals(&path, info);
    let stale = !recorded.map_or(Ok(true), |recorded| listing.is(&recorded))?;
    match if stale { Ok(None) } else { text_file::open(&path, info) } {
        Ok(Some((data, problems))) => {
            check(&problems)?;
            if anew && !recorded.is_some_and(|recorded| listing.has_times(&recorded)) {
                // Where that cannot be noted, the originals are read again next time.
                let _ = text_file::renew(&path, info, listing.record()?);
            }
            return Ok(Loaded { data, path, found: true });
        }
        Ok(None) => {}
        Err(Error::Cache { .. }) if anew => {}
        Err(error) => return Err(error),
    }
    cache.map_or(Ok(()), files::check_writable)?;
    // What is recorded of the originals is so before they are read for the copy.
    let originals = cache.map(|_| listing.record()).transpose()?;
    let tokeniser = match info.encoding {
        Encoding::Bytes => Tokeniser::Bytes,
        Encoding::Subwords8k => {
            let kept = file("subwords");
            // A vocabulary of other contents is not that of these.
            let encoder = if !stale && kept.is_file() {
                SubwordEncoder::read_file(&kept)
            } else {
                build(info, &found, progress)
            };
            Tokeniser::Subwords(Box::new(encoder?))
        }
    };
    let collector = if cache.is_some() { Collector::into_file(&path)? } else { Collector::default() };
    let (collected, problems) = tokenise(info, &found, &tokeniser, collector, progress)?;
    check(&problems)?;
    let Collected { tokens, ends, labels, train } = collected;
    let test = ends.len() - train;
    if train < 3 || test == 0 {
        let directory = info.manifest.folder(root);
        return Err(Error::TooFewExamples { name: info.name.clone(), directory, train, test });
    }
    let vocabulary = tokeniser.vocabulary();
    let data = match tokens {
        Tokens::Written(writer) => {
            if let Tokeniser::Subwords(encoder) = &tokeniser {
                sealed::write_whole(&file("subwords"), encoder.to_file_contents()?.as_bytes())?;
            }
            let folder_of_origin = text_file::folder_of_origin(root, info);
            let originals = originals.map_or_else(|| listing.record(), Ok)?;
            let (ends, labels, notes) = (&ends, &labels, &problems);
            let rest = Rest { vocabulary, train, ends, labels, notes, folder: folder_of_origin, originals };
            text_file::finish(*writer, info, &rest)?;
            text_file::remove_outdated(&folder, info, &key, folder_of_origin);
            text_file::open(&path, info)?.ok_or_else(|| Place::new(&path, &info.name).broken("it is gone"))?.0
        }
        Tokens::Held(tokens) => {
            let origin = if problems.is_empty() { Origin::Real } else { Origin::Partial };
            TextData::new(info, origin, vocabulary, Texts { tokens, ends }, labels, train)?
        }
    };
    Ok(Loaded { data, path, found: false })
}
