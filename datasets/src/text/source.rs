//! The original files of a text source: finding them, and visiting their examples in a fixed order.

use std::path::{Path, PathBuf};

use crate::files::{Located, Packing};
use crate::{Error, SourceSplit};

use super::lines::{Lines, matching, strip, whole};
use super::manifest::{TextDecoder, TextFiles, TextManifest};
use super::{amazon, wikipedia};

/// What of a source was found on disk.
#[derive(Debug)]
pub(crate) struct Found {
    /// The groups of files that are used, each with its paths in order.
    pub(crate) groups: Vec<(&'static TextFiles, Vec<PathBuf>)>,
    /// What makes this copy a partial one, as far as can be told without reading.
    pub(crate) problems: Vec<String>,
}

impl Found {
    /// Looks for the files of a source below `root`.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none at all; [`Error::Io`] if the system does not let us look.
    pub(crate) fn new(root: &Path, manifest: &'static TextManifest) -> Result<Self, Error> {
        let folder = manifest.folder(root);
        let (mut groups, mut problems) = (Vec::new(), Vec::new());
        for partial in [false, true] {
            for group in manifest.files.iter().filter(|group| group.partial == partial) {
                let mut paths = Vec::new();
                for pattern in &group.names {
                    paths = matching(&folder, pattern)?;
                    if !paths.is_empty() {
                        break;
                    }
                }
                // Of several places the nearest one is named.
                let name = group.names.iter().min_by_key(|name| name.len()).map_or("", String::as_str);
                if let Some(count) = group.count.filter(|&count| count != paths.len() && !partial) {
                    problems.push(format!("{} of {count} files {name}", paths.len()));
                }
                if partial && !paths.is_empty() {
                    problems.push(format!("{} files {name} in their place", paths.len()));
                }
                groups.push((group, paths));
            }
            if groups.iter().any(|(_, paths)| !paths.is_empty()) {
                groups.retain(|(_, paths)| !paths.is_empty());
                if manifest.decoder == TextDecoder::WikiExtractor && manifest.articles.is_none() {
                    problems.push("how many articles a complete copy has is not known".to_owned());
                }
                return Ok(Self { groups, problems });
            }
            groups.clear();
        }
        Err(Error::MissingFile {
            name: manifest.name.clone(),
            directory: folder,
            accepted: manifest.files.iter().flat_map(|group| &group.names).cloned().collect(),
            site: manifest.site.clone(),
        })
    }

    /// Compares files that are as published with the sizes and checksums of the manifest. Returns whether all files are
    /// known to be originals now.
    pub(crate) fn check_published(&self, manifest: &TextManifest) -> Result<bool, Error> {
        let mut all = true;
        for path in self.files() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let published = manifest.downloads.iter().find(|d| d.url.rsplit('/').next() == Some(&*name));
            let Some(download) = published else {
                all = false;
                continue;
            };
            let file = Located { path: path.clone(), packing: Packing::Published };
            all &= file.compare(download.bytes, download.sha256.as_deref())?;
        }
        Ok(all)
    }

    /// All files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.groups.iter().flat_map(|(_, paths)| paths)
    }

    /// Calls `visit` with every example, in an order that depends on names and contents alone. Returns what makes the
    /// copy a partial one, as far as only reading could tell.
    pub(crate) fn visit(&self, manifest: &TextManifest, visit: &mut Visit<'_>) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        match manifest.decoder {
            TextDecoder::AclImdb => self.visit_imdb(visit)?,
            TextDecoder::Lm1b => self.visit_lm1b(visit)?,
            TextDecoder::WikiExtractor => {
                let files: Vec<PathBuf> = self.files().cloned().collect();
                let articles = wikipedia::visit(&files, visit)?;
                if let Some(all) = manifest.articles.filter(|&all| articles < all as u64) {
                    problems.push(format!("{articles} of {all} articles"));
                }
            }
            TextDecoder::AmazonReviews => {
                let files: Vec<PathBuf> = self.files().cloned().collect();
                amazon::visit(&files, visit)?;
            }
        }
        Ok(problems)
    }

    /// A review a file, without the white space around it; the path tells split and label.
    fn visit_imdb(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        for (group, paths) in &self.groups {
            for path in paths {
                let text = whole(path)?;
                // Upstream strips bytes, and so only white space of ASCII.
                let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
                visit.example(group.split.unwrap_or(SourceSplit::Train), group.label, text)?;
                visit.file_done(path);
            }
        }
        Ok(())
    }

    /// A sentence a line. Without training files, the first half of the held-out files takes their place.
    fn visit_lm1b(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let trains = self.groups.iter().any(|(group, _)| group.split == Some(SourceSplit::Train));
        for (group, paths) in &self.groups {
            for (i, path) in paths.iter().enumerate() {
                let in_place = !trains && i < paths.len().div_ceil(2);
                let split = if in_place { Some(SourceSplit::Train) } else { group.split };
                let mut lines = Lines::open(path)?;
                while let Some(line) = lines.next()? {
                    visit.example(split.unwrap_or(SourceSplit::Test), None, strip(line))?;
                }
                visit.file_done(path);
            }
        }
        Ok(())
    }
}

/// Who is told of the examples of a source.
pub(crate) struct Visit<'a> {
    /// Takes the split, the label where there is one, and the text of an example.
    pub(crate) each: &'a mut Each<'a>,
    /// Takes a file when all its examples have been visited.
    pub(crate) done: &'a mut dyn FnMut(&Path),
}

type Each<'a> = dyn FnMut(SourceSplit, Option<u8>, &str) -> Result<(), Error> + 'a;

impl Visit<'_> {
    pub(crate) fn example(&mut self, split: SourceSplit, label: Option<u8>, text: &str) -> Result<(), Error> {
        (self.each)(split, label, text)
    }

    pub(crate) fn file_done(&mut self, path: &Path) {
        (self.done)(path);
    }
}
