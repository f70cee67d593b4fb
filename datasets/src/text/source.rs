//! The original files of a text source: finding them, and visiting their examples in a fixed order.

use std::path::{Path, PathBuf};

use super::example_visitor::Visitor;
use super::lines::{Lines, matching, strip, whole};
use super::{amazon, archive, wikipedia};
use crate::Error;
use crate::manifest::{TextDecoder, TextFiles, TextManifest};
use crate::splits::SourceSplit;

/// What of a source was found on disk.
#[derive(Debug)]
pub(crate) struct Found {
    /// The groups of files that are used, each with its paths in order; none if the archive is.
    pub(crate) groups: Vec<Group>,
    /// The data directory.
    pub(super) root: PathBuf,
    /// The published archive, if the texts are read from it.
    pub(crate) archive: Option<PathBuf>,
    /// What makes this copy a partial one, by the names of its files.
    pub(crate) problems: Vec<String>,
}

/// What was counted while the files were read.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Files of each group of the manifest, where only reading tells: in an archive.
    pub(crate) files: Vec<usize>,
    /// Bytes of the files of training and of test examples, where only reading tells.
    pub(crate) bytes: Option<[u64; 2]>,
    /// Articles of Wikipedia, or rows of a table.
    pub(crate) records: Option<u64>,
}

impl Found {
    /// Looks for the files of a source below `root`: all files in its folder, else the published archive, else some of the
    /// files, else what may take their place.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none at all; [`Error::Io`] if the system does not let us look.
    pub(crate) fn new(root: &Path, manifest: &'static TextManifest) -> Result<Self, Error> {
        let folder = manifest.folder(root);
        let (mut groups, mut problems) = files_of(&folder, manifest, false)?;
        let all = !groups.is_empty() && problems.is_empty();
        if !all
            && let Some(archive) = manifest.archive().map(|name| folder.join(name)).filter(|p| p.is_file())
        {
            return Ok(Self {
                root: root.to_owned(),
                groups: Vec::new(),
                archive: Some(archive),
                problems: Vec::new(),
            });
        }
        if groups.is_empty() {
            let (in_their_place, more) = files_of(&folder, manifest, true)?;
            groups = in_their_place;
            problems.extend(more);
        }
        if groups.is_empty() {
            let patterns = manifest.files.iter().flat_map(|group| &group.names).map(String::as_str);
            return Err(Error::MissingFile {
                name: manifest.name.clone(),
                directory: folder,
                accepted: manifest.archive().into_iter().chain(patterns).map(str::to_owned).collect(),
                site: manifest.site.clone(),
            });
        }
        if manifest.decoder == TextDecoder::WikiExtractor && manifest.articles.is_none() {
            problems.push("how many articles a complete copy has is not known".to_owned());
        }
        Ok(Self { root: root.to_owned(), groups, archive: None, problems })
    }

    /// All files, or the archive.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.groups.iter().flat_map(|(_, paths)| paths).chain(&self.archive)
    }

    /// Files that a visit reads: those in the archive, as many as it should hold.
    pub(crate) fn count(&self, manifest: &TextManifest) -> usize {
        match self.archive {
            Some(_) => manifest.files.iter().filter_map(|group| group.count).sum(),
            None => self.files().count(),
        }
    }

    /// Shows every example to `visitor`. In a folder their order is fixed by names and contents; in an archive the order of
    /// members is its own ([`Visitor::member`]).
    pub(crate) fn visit(&self, manifest: &TextManifest, visitor: &mut dyn Visitor) -> Result<Counts, Error> {
        if let Some(path) = &self.archive {
            return archive::visit(path, manifest, visitor);
        }
        let files = || self.files().cloned().collect::<Vec<PathBuf>>();
        let mut counts = Counts::default();
        match manifest.decoder {
            TextDecoder::AclImdb => self.visit_imdb(visitor)?,
            TextDecoder::Lm1b => self.visit_lm1b(visitor)?,
            TextDecoder::WikiExtractor => counts.records = Some(wikipedia::visit(&files(), visitor)?),
            TextDecoder::AmazonReviews => counts.records = Some(amazon::visit(&files(), visitor)?),
        }
        Ok(counts)
    }

    fn visit_imdb(&self, visitor: &mut dyn Visitor) -> Result<(), Error> {
        for (group, paths) in &self.groups {
            for path in paths {
                review(group, &whole(path)?, visitor)?;
                visitor.file_done();
            }
        }
        Ok(())
    }

    /// Without training files, the first half of the held-out files takes their place.
    fn visit_lm1b(&self, visitor: &mut dyn Visitor) -> Result<(), Error> {
        let trains = self.groups.iter().any(|(group, _)| group.split == Some(SourceSplit::Train));
        for (group, paths) in &self.groups {
            for (i, path) in paths.iter().enumerate() {
                let in_place = !trains && i < paths.len().div_ceil(2);
                let split = if in_place { Some(SourceSplit::Train) } else { group.split };
                sentences(split.unwrap_or(SourceSplit::Test), &mut Lines::open(path)?, visitor)?;
                visitor.file_done();
            }
        }
        Ok(())
    }
}

/// A group of files and the paths that were found.
type Group = (&'static TextFiles, Vec<PathBuf>);

/// The files in a folder, of the groups that are `partial` or of those that are not; and what is missing or odd.
fn files_of(
    folder: &Path,
    manifest: &'static TextManifest,
    partial: bool,
) -> Result<(Vec<Group>, Vec<String>), Error> {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for group in manifest.files.iter().filter(|group| group.partial == partial) {
        let mut paths = Vec::new();
        for pattern in &group.names {
            paths = matching(folder, pattern)?;
            paths.retain(|path| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(|name| manifest.decoder.takes(name))
            });
            if !paths.is_empty() {
                break;
            }
        }
        // Of several places the nearest one is named.
        let name = group.names.iter().min_by_key(|name| name.len()).map_or("", String::as_str);
        if let Some(count) = group.count.filter(|&count| count < paths.len() && !partial) {
            return Err(Error::TooMany {
                name: manifest.name.clone(),
                directory: folder.to_owned(),
                what: format!("files {name}"),
                got: paths.len() as u64,
                expected: count as u64,
            });
        }
        if let Some(count) = group.count.filter(|&count| count != paths.len() && !partial) {
            problems.push(format!("{} of {count} files {name}", paths.len()));
        }
        if !paths.is_empty() {
            if partial {
                problems.push(format!("{name} is read instead, which is a part or another edition"));
            }
            groups.push((group, paths));
        }
    }
    Ok((groups, problems))
}

/// A review a file, without the white space around it; its group tells split and label.
pub(crate) fn review(group: &TextFiles, text: &str, visitor: &mut dyn Visitor) -> Result<(), Error> {
    // Upstream strips bytes, and so only white space of ASCII.
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    visitor.example(group.split.unwrap_or(SourceSplit::Train), group.label, text)
}

/// A sentence a line.
pub(crate) fn sentences(
    split: SourceSplit,
    lines: &mut Lines,
    visitor: &mut dyn Visitor,
) -> Result<(), Error> {
    while let Some(line) = lines.next()? {
        visitor.example(split, None, strip(line))?;
    }
    Ok(())
}
