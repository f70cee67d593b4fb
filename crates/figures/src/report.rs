//! Reports as data: sections of text, numbers, figures and claims, for one HTML page.

use crate::{Table, html};

/// A report: what was asked, what was measured, and the pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Heading and browser title.
    pub title: String,
    /// A line below the heading.
    pub subtitle: String,
    /// Whether any number comes from synthetic stand-in data; the page then says so at its top.
    pub synthetic: bool,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A headed part of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What stands below it, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// Running text.
    Paragraph(String),
    /// Names and values, e.g. the protocol.
    KeyValues(Vec<(String, String)>),
    /// A table; columns that hold only numbers are aligned to the right.
    Table(Table),
    /// A picture.
    Figure(Figure),
    /// Claims beside what was measured.
    Claims(Vec<Claim>),
}

/// A picture with its caption and files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// An SVG as [`LineChart::svg`](crate::LineChart::svg) gives it, put into the page as it is. A document with other
    /// elements than shapes and text, or that is not well-formed, is replaced by a message.
    pub svg: String,
    /// What the picture shows.
    pub caption: String,
    /// Files that lie beside the page.
    pub files: Vec<FileLink>,
}

/// A link to a file beside the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLink {
    /// Text of the link, e.g. `CSV`.
    pub label: String,
    /// Path relative to the page, with `/` between its parts; not a URL.
    pub path: String,
}

impl FileLink {
    /// A link to `path` that reads `label`.
    pub fn new(label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { label: label.into(), path: path.into() }
    }
}

/// A claim beside what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The claim, in the words of its source or close to them.
    pub text: String,
    /// What was measured, with its numbers.
    pub measured: String,
    /// Whether the claim holds here.
    pub verdict: Verdict,
}

/// Whether a claim holds in what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// Nothing that was measured bears on it.
    NotMeasured,
}

impl Verdict {
    /// The words of the page.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::NotMeasured => "not measured",
        }
    }
}

impl Report {
    /// The report as one HTML page that needs no other file: style and pictures are inside, there are no scripts and
    /// nothing is fetched. It follows the reader's light or dark setting and fits a phone. Equal reports give equal
    /// bytes.
    pub fn html(&self) -> String {
        html::page(self)
    }
}
