//! Reports as data: sections of text, numbers, figures and claims, for one HTML page.

use crate::{Claim, Table, html};

/// A report: what was asked, what was measured, and the pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Heading and browser title.
    pub title: String,
    /// A line below the heading.
    pub subtitle: String,
    /// What a reader must know before any number, at the top of the page.
    pub notices: Vec<Notice>,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A warning at the top of a report: stand-in data, or a scale that is too small for a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// A few words, in bold.
    pub heading: String,
    /// The rest.
    pub text: String,
}

impl Notice {
    /// A notice with this heading.
    pub fn new(heading: impl Into<String>, text: impl Into<String>) -> Self {
        Self { heading: heading.into(), text: text.into() }
    }
}

/// A headed part of a report. Its address in the page is `#` and the words of its heading in lower case, joined by
/// hyphens: "Figure 3: transfer" is at `#figure-3-transfer`. A later section with the same address gets `-2`, `-3` and
/// so on at its end.
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
    /// A command to type, or another text that is shown letter by letter.
    Code(String),
    /// Names and values, e.g. the protocol.
    KeyValues(Vec<(String, String)>),
    /// A table; columns that hold only numbers are aligned to the right.
    Table(Table),
    /// A picture.
    Figure(Figure),
    /// Claims beside what was measured.
    Claims(Vec<Claim>),
    /// A table of claims with one row each, e.g. of all claims of a page. Readers can sort it by any column.
    ClaimTable(Vec<ClaimRow>),
    /// A section inside this one.
    Section(Section),
    /// Blocks that are folded away until the reader opens them. Printed pages show them (in browsers since 2025).
    Details {
        /// The line that stands for the blocks and opens them.
        summary: String,
        /// The blocks.
        blocks: Vec<Block>,
    },
}

/// A row of a [`Block::ClaimTable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// The figure that the claim is about, e.g. "Figure 3". Rows are sorted by it as by
    /// [`natural_order`](crate::natural_order).
    pub figure: String,
    /// Heading of the section that the row leads to. Without one, or if the page has no such section, there is no link.
    pub section: Option<String>,
    /// The claim. The table leaves out its rule, which stands in [`Block::Claims`].
    pub claim: Claim,
}

impl ClaimRow {
    /// A row that leads to the section with the heading `figure`.
    pub fn new(figure: impl Into<String>, claim: Claim) -> Self {
        let figure = figure.into();
        Self { section: Some(figure.clone()), figure, claim }
    }
}

/// A picture with its caption and files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// An SVG as [`Chart::svg`](crate::Chart::svg) or [`panels`](crate::panels) gives it, put into the page as it is. A document with other
    /// elements than shapes and text, or that is not well-formed, is replaced by a message.
    pub svg: String,
    /// The same picture for narrow pages, as [`Chart::narrow_svg`](crate::Chart::narrow_svg) gives it; without
    /// it, `svg` is shown everywhere.
    pub narrow: Option<String>,
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

impl Report {
    /// The report as one HTML page that needs no other file: style and pictures are inside, and nothing is fetched. It
    /// follows the reader's light or dark setting, fits a phone and prints. With more than three sections it starts with
    /// links to them. Equal reports give equal bytes.
    ///
    /// A page with a [`Block::ClaimTable`] has one short script, which sorts that table when the reader clicks on a
    /// header. The page is complete without it. No other page has a script.
    pub fn html(&self) -> String {
        html::page(self)
    }
}
