//! Articles of Wikipedia as WikiExtractor writes them.

use std::path::PathBuf;

use crate::{Error, SourceSplit};

use super::hash_split;
use super::lines::{Lines, strip};
use super::visit::Visitor;

/// Articles that are read: those numbered up to a million.
pub(crate) const MAX_ARTICLES: u64 = 1_000_001;
/// Lines with at most so many characters, without white space around them, are not kept.
const SHORT: usize = 5;

/// Visits the lines of all articles; returns how many articles were read.
///
/// An article begins with a line `<doc id=… url=… title=…>` and a line that repeats its title, which is not part of the
/// text, and ends with `</doc>`. Every line of more than five characters is an example; all lines of an article are in
/// the same split.
pub(crate) fn visit(files: &[PathBuf], visitor: &mut dyn Visitor) -> Result<u64, Error> {
    let mut articles = 0;
    for path in files {
        let mut lines = Lines::open(path)?;
        // The split of the article that is being read, and whether its title is still to come.
        let mut article: Option<(SourceSplit, bool)> = None;
        while let Some(line) = lines.next()? {
            match &mut article {
                None if line.starts_with("<doc ") => {
                    if articles == MAX_ARTICLES {
                        return Ok(articles);
                    }
                    article = Some((hash_split::wikipedia(articles), true));
                    articles += 1;
                }
                None if strip(line).is_empty() => {}
                None => {
                    let problem =
                        "text outside an article; this is not WikiExtractor's output (`<doc …>` … `</doc>`)";
                    return Err(lines.malformed(problem));
                }
                Some(_) if line == "</doc>" => article = None,
                Some((_, title @ true)) => *title = false,
                Some((split, false)) => {
                    if strip(line).chars().nth(SHORT).is_some() {
                        visitor.example(*split, None, line)?;
                    }
                }
            }
        }
        if article.is_some() {
            return Err(lines.malformed("the file ends within an article; it is truncated, fetch it again"));
        }
        visitor.file_done();
    }
    Ok(articles)
}
