//! The elements of an SVG document: lines and texts.

use super::INK;
use crate::font::Weight;
use crate::xml::{coordinate, escape};

/// The end of a text that lies at its coordinate.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn attribute(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => r#" text-anchor="middle""#,
            Self::End => r#" text-anchor="end""#,
        }
    }
}

/// The elements of a document, in the order of drawing.
pub(super) struct Svg {
    pub(super) body: String,
    pub(super) width: f64,
}

impl Svg {
    pub(super) fn element(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// A thin line; horizontal and vertical ones lie on half units, where they are one pixel sharp.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str) {
        let snap = |v: f64| coordinate(v.floor() + 0.5);
        self.element(&format!(
            r#"<path d="M{} {}L{} {}" stroke="{color}"/>"#,
            snap(from.0),
            snap(from.1),
            snap(to.0),
            snap(to.1)
        ));
    }

    #[expect(clippy::too_many_arguments, reason = "one call per text; a struct would only repeat the names")]
    pub(super) fn text(
        &mut self,
        x: f64,
        y: f64,
        size: f64,
        weight: Weight,
        fill: &str,
        anchor: Anchor,
        text: &str,
    ) {
        let weight = if weight == Weight::Bold { r#" font-weight="bold""# } else { "" };
        let anchor = anchor.attribute();
        let (x, y, text) = (coordinate(x), coordinate(y), escape(text));
        self.element(&format!(
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{fill}"{weight}{anchor}>{text}</text>"#
        ));
    }

    /// A text that reads upwards.
    pub(super) fn rotated(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, text: &str) {
        let anchor = anchor.attribute();
        let (x, y, text) = (coordinate(x), coordinate(y), escape(text));
        self.element(&format!(
            r#"<text transform="translate({x} {y}) rotate(-90)" font-size="{size}" fill="{INK}"{anchor}>{text}</text>"#
        ));
    }

    pub(super) fn document(self, title: &str, height: f64) -> String {
        let (width, height, title) = (coordinate(self.width), coordinate(height.ceil()), escape(title));
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="DejaVu Sans, sans-serif" role="img" aria-label="{title}">
<rect width="{width}" height="{height}" fill="#ffffff"/>
{}</svg>
"##,
            self.body
        )
    }
}
