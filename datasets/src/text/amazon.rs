//! Amazon's customer reviews: the tab-separated files of 2017, or JSON lines of later editions.

use std::path::PathBuf;

use serde::Deserialize;

use crate::Error;

use super::example_visitor::Visitor;
use super::hash_split;
use super::lines::Lines;

/// Visits all reviews; label = stars − 1. The split is by the hash of the review's number, of all files together. Returns
/// the number of reviews.
pub(crate) fn visit(files: &[PathBuf], visitor: &mut dyn Visitor) -> Result<u64, Error> {
    let mut index = 0;
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut lines = Lines::open(path)?;
        let columns = if name.ends_with(".tsv") || name.ends_with(".tsv.gz") {
            Some(Columns::read(&mut lines)?)
        } else {
            None
        };
        let mut text = String::new();
        loop {
            text.clear();
            let Some(line) = lines.next()? else { break };
            let parsed = match columns {
                Some(columns) => columns.parse(line, &mut text),
                None => parse_json(line, &mut text),
            };
            let short = columns.is_some_and(|columns| columns.are_cut(line));
            if short && lines.is_cut() {
                return Err(lines.malformed("the file ends within this row; it is truncated, fetch it again"));
            }
            let label = parsed.map_err(|problem| lines.malformed(problem))?;
            if let Some(split) = hash_split::amazon(index) {
                visitor.example(split, Some(label), &text)?;
            }
            index += 1;
        }
        visitor.file_done();
    }
    Ok(index)
}

/// Where the columns stand that are wanted. Quotation marks have no meaning in these files.
#[derive(Clone, Copy)]
struct Columns {
    body: usize,
    stars: usize,
    /// How many there are in all.
    all: usize,
}

impl Columns {
    fn read(lines: &mut Lines) -> Result<Self, Error> {
        let header = lines.next()?.unwrap_or_default().trim_end_matches('\r');
        let find = |name: &str| header.split('\t').position(|column| column == name);
        let (body, stars, all) = (find("review_body"), find("star_rating"), header.split('\t').count());
        let (Some(body), Some(stars)) = (body, stars) else {
            return Err(lines.malformed("the header has no columns review_body and star_rating"));
        };
        Ok(Self { body, stars, all })
    }

    /// Whether a row has fewer columns than the header.
    fn are_cut(self, line: &str) -> bool {
        line.split('\t').count() < self.all
    }

    fn parse(self, line: &str, text: &mut String) -> Result<u8, String> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let column = |index| line.split('\t').nth(index);
        let (Some(body), Some(stars)) = (column(self.body), column(self.stars)) else {
            return Err(format!("{} columns, fewer than the header needs", line.split('\t').count()));
        };
        text.push_str(body);
        stars.parse().ok().and_then(label).ok_or_else(|| format!("a star_rating of `{}`", excerpt(stars)))
    }
}

/// A review of a later edition: `{"text": …, "rating": …}` or `{"reviewText": …, "overall": …}`; other keys are ignored.
/// A review without words has no `reviewText` in the edition of 2018; its text is empty.
#[derive(Deserialize)]
struct Review {
    #[serde(default, alias = "reviewText")]
    text: Option<String>,
    #[serde(alias = "overall")]
    rating: f64,
}

fn parse_json(line: &str, text: &mut String) -> Result<u8, String> {
    let review: Review =
        serde_json::from_str(line).map_err(|error| format!("not a review in JSON: {error}"))?;
    // The original has no line breaks, and a vocabulary file cannot express them.
    text.extend(review.text.iter().flat_map(|text| text.chars()).map(|c| if c == '\n' { ' ' } else { c }));
    label(review.rating).ok_or_else(|| format!("a rating of {}", review.rating))
}

/// Stars less one, if they are 1, 2, 3, 4 or 5.
fn label(stars: f64) -> Option<u8> {
    (1..=5).find(|&n| f64::from(n).total_cmp(&stars).is_eq()).map(|n: u8| n - 1)
}

/// The beginning of a value that may be long.
fn excerpt(value: &str) -> String {
    value.chars().take(20).collect()
}
