//! Figures of the page: pictures that are checked before they are put in, captions, and links to files.

use std::borrow::Cow;

use resvg::usvg::roxmltree::{Document, Node};

use super::push;
use crate::panels::size;
use crate::report::Figure;
use crate::xml::escape;

/// Appends a figure.
pub(super) fn push_figure(out: &mut String, figure: &Figure) {
    out.push_str("<figure>\n");
    let narrow = figure.narrow.as_deref().map(|svg| ("picture narrow", svg));
    let wide = (if narrow.is_some() { "picture wide" } else { "picture" }, figure.svg.as_str());
    for (class, svg) in [wide].into_iter().chain(narrow) {
        match plain_svg(svg) {
            Ok(()) => {
                let tall = if is_tall(svg) { " tall" } else { "" };
                push(out, format_args!("<div class=\"{class}{tall}\">\n{svg}</div>\n"));
            }
            Err(reason) => {
                push(
                    out,
                    format_args!(
                        "<p role=\"alert\">This picture cannot be shown: {}.</p>\n",
                        escape(&reason)
                    ),
                );
            }
        }
    }
    push(out, format_args!("<figcaption>{}", escape(&figure.caption)));
    for (i, file) in figure.files.iter().enumerate() {
        let before = if i == 0 { " Files: " } else { ", " };
        push(out, format_args!("{before}<a href=\"{}\">{}</a>", href(&file.path), escape(&file.label)));
    }
    out.push_str("</figcaption>\n</figure>\n");
}

/// Whether a picture is so high for its width that it needs most of a printed page.
fn is_tall(svg: &str) -> bool {
    let (width, height) = size(svg);
    height > 0.8 * width
}

/// Checks that a picture can stand inside the page: well-formed, made of shapes and text alone, and without anything
/// that refers elsewhere, acts, or restyles the page.
fn plain_svg(svg: &str) -> Result<(), String> {
    // An HTML parser reads neither XML declarations, nor entities and CDATA of an SVG inside a page; roxmltree refuses
    // a DTD by itself.
    if !svg.starts_with("<svg") || svg.contains("<!") || svg.contains("<?") {
        return Err("it is not a bare <svg> element".to_owned());
    }
    let document = Document::parse(svg).map_err(|error| error.to_string())?;
    let plain = |node: Node<'_, '_>| {
        let name = node.tag_name();
        name.namespace() == Some("http://www.w3.org/2000/svg")
            && matches!(
                name.name(),
                "svg" | "g" | "rect" | "circle" | "line" | "path" | "polyline" | "polygon" | "text" | "tspan"
            )
            && node.attributes().all(|a| {
                !a.name().starts_with("on")
                    && !matches!(a.name(), "href" | "style")
                    && !a.value().contains("url(")
            })
    };
    match document.descendants().find(|node| node.is_element() && !plain(*node)) {
        Some(node) => Err(format!("its element `{}` is more than a shape or a text", node.tag_name().name())),
        None => Ok(()),
    }
}

/// A relative path as the value of `href`: every byte besides unreserved ones (RFC 3986) and `/` is percent-encoded,
/// so no path can turn into a scheme, a query or markup. A leading `/` would leave the page's directory for the
/// machine's root, or another host; it is dropped.
fn href(path: &str) -> Cow<'_, str> {
    let path = path.trim_start_matches('/');
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    if path.bytes().all(unreserved) {
        return Cow::Borrowed(path);
    }
    let mut out = String::new();
    for byte in path.bytes() {
        if unreserved(byte) {
            out.push(char::from(byte));
        } else {
            push(&mut out, format_args!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::super::tests::picture;
    use super::*;
    use crate::{Chart, Heatmap, HeatmapRow, panels};

    #[test]
    fn links_stay_beside_the_page() {
        for (path, expected) in [
            ("fig3/data.csv", "fig3/data.csv"),
            ("a b?.csv", "a%20b%3F.csv"),
            ("javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("//host/x", "host/x"),
            ("µ\".png", "%C2%B5%22.png"),
        ] {
            assert_eq!(href(path), expected);
        }
    }

    #[test]
    fn high_pictures_get_more_of_a_printed_page() {
        let svg = |height: u32| format!("<svg width=\"800\" height=\"{height}\"/>");
        assert!(is_tall(&svg(900)) && !is_tall(&svg(550)) && !is_tall("<svg/>") && !is_tall(""));
    }

    #[test]
    fn only_plain_pictures_get_into_the_page() {
        let svg = |body: &str| {
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\">{body}</svg>")
        };
        assert_eq!(plain_svg(&picture()), Ok(()));
        let rows = vec![HeatmapRow::new("r", vec![1.0, f64::NAN])];
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let heatmap = Chart::from(Heatmap { columns, rows, ..Heatmap::default() });
        assert_eq!(plain_svg(&panels(&[heatmap.clone(), heatmap], 2).unwrap()), Ok(()));
        assert_eq!(plain_svg(&svg("<rect/>")), Ok(()));
        for body in [
            "<script>alert(1)</script>",
            "<rect onclick=\"x()\"/>",
            "<style>body{}</style>",
            "<rect fill=\"url(http://x)\"/>",
            "<a href=\"x\"/>",
            "<![CDATA[<b>]]>",
            "</svg><b>",
            "<p xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        ] {
            assert!(plain_svg(&svg(body)).is_err(), "{body}");
        }
        assert!(plain_svg("").is_err());
    }
}
