//! A report as one HTML page.

use std::borrow::Cow;
use std::fmt::Write as _;

use resvg::usvg::roxmltree::{Document, Node};

use crate::Table;
use crate::digits::NOT_FINITE;
use crate::report::{Block, Claim, Figure, Report, Verdict};
use crate::xml::escape;

const STYLE: &str = include_str!("page.css");

/// The page. Every text of the report is escaped; a picture is put in only if it is a plain one.
pub(crate) fn page(report: &Report) -> String {
    let (title, subtitle) = (escape(&report.title), escape(&report.subtitle));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    if !subtitle.is_empty() {
        push(&mut out, format_args!("<p class=\"subtitle\">{subtitle}</p>\n"));
    }
    for notice in &report.notices {
        push(
            &mut out,
            format_args!(
                "<p class=\"notice\" role=\"note\"><strong>{}</strong> {}</p>\n",
                escape(&notice.heading),
                prose(&notice.text)
            ),
        );
    }
    if report.sections.len() > 2 {
        out.push_str("<nav aria-label=\"Sections\"><ul>\n");
        for (i, section) in report.sections.iter().enumerate() {
            push(
                &mut out,
                format_args!("<li><a href=\"#s{}\">{}</a></li>\n", i + 1, escape(&section.heading)),
            );
        }
        out.push_str("</ul></nav>\n");
    }
    for (i, section) in report.sections.iter().enumerate() {
        push(&mut out, format_args!("<section id=\"s{}\">\n<h2>{}</h2>\n", i + 1, escape(&section.heading)));
        for block in &section.blocks {
            push_block(&mut out, block);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
}

/// Running text, escaped; a per cent sign stays on the line of its number.
fn prose(text: &str) -> String {
    escape(text).replace(" %", "\u{a0}%")
}

fn push_block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(text) => push(out, format_args!("<p>{}</p>\n", prose(text))),
        Block::Code(text) => push(out, format_args!("<pre><code>{}</code></pre>\n", escape(text))),
        Block::KeyValues(pairs) => {
            out.push_str("<dl>\n");
            for (key, value) in pairs {
                push(out, format_args!("<dt>{}</dt><dd>{}</dd>\n", escape(key), escape(value)));
            }
            out.push_str("</dl>\n");
        }
        Block::Table(table) => push_table(out, table),
        Block::Figure(figure) => push_figure(out, figure),
        Block::Claims(claims) => push_claims(out, claims),
    }
}

fn push_table(out: &mut String, table: &Table) {
    let columns = table.columns();
    let numeric: Vec<bool> = (0..columns).map(|column| is_numeric(table, column)).collect();
    let text = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    out.push_str("<table>\n<thead><tr>");
    for (column, numeric) in numeric.iter().enumerate() {
        let header = text(&table.header, column);
        push(
            out,
            format_args!("<th scope=\"col\" class=\"{}\">{}</th>", class(&header, *numeric), escape(&header)),
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (column, numeric) in numeric.iter().enumerate() {
            let (header, cell) = (text(&table.header, column), text(row, column));
            // On a narrow page a row is a list, and each cell says which column it is of.
            push(
                out,
                format_args!(
                    "<td class=\"{}\" data-label=\"{}\">{}</td>",
                    class(&cell, *numeric),
                    escape(&header),
                    escape(&cell)
                ),
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// How a cell is set: numbers to the right; text breaks between words, and inside of one only if that is longer than
/// any name of ours.
fn class(cell: &str, numeric: bool) -> &'static str {
    const LONGEST_NAME: usize = 45;
    if cell.split_whitespace().any(|word| word.chars().count() > LONGEST_NAME) {
        "long"
    } else if numeric {
        "number"
    } else {
        "text"
    }
}

/// Whether a column has numbers, and nothing else but empty cells and dashes.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut numbers = 0;
    for cell in table.rows.iter().filter_map(|row| row.get(column)) {
        if is_number(cell) {
            numbers += 1;
        } else if !matches!(cell.trim(), "" | "-" | "–" | "—" | "−" | NOT_FINITE) {
            return false;
        }
    }
    numbers > 0
}

/// Whether a cell holds a number, as programs or as [`significant`](crate::significant) and [`count`](crate::count) write
/// it, perhaps with a per cent sign.
fn is_number(cell: &str) -> bool {
    let text = cell.trim().trim_end_matches([' ', '%']).replace('−', "-").replace(',', "");
    let superscript = |c: char| matches!(c, '⁻' | '⁰' | '¹' | '²' | '³' | '⁴'..='⁹');
    let mantissa = match text.split_once("×10") {
        Some((mantissa, power)) if !power.is_empty() && power.chars().all(superscript) => mantissa,
        _ => text.as_str(),
    };
    mantissa.parse::<f64>().is_ok()
}

fn push_figure(out: &mut String, figure: &Figure) {
    out.push_str("<figure>\n");
    let narrow = figure.narrow.as_deref().map(|svg| ("picture narrow", svg));
    let wide = (if narrow.is_some() { "picture wide" } else { "picture" }, figure.svg.as_str());
    for (class, svg) in [wide].into_iter().chain(narrow) {
        match plain_svg(svg) {
            Ok(()) => push(out, format_args!("<div class=\"{class}\">\n{svg}</div>\n")),
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

fn push_claims(out: &mut String, claims: &[Claim]) {
    out.push_str("<ul class=\"claims\">\n");
    for claim in claims {
        // A sign besides the colour, for those who do not see it.
        let (class, sign) = match claim.verdict {
            Verdict::Holds => ("holds", "✓"),
            Verdict::DoesNotHold => ("fails", "✗"),
            Verdict::CannotTell { .. } => ("open", "?"),
        };
        push(
            out,
            format_args!(
                "<li class=\"{class}\"><span class=\"verdict\">{sign} {}</span>\n<p><b>Claim:</b> {}</p>\n",
                claim.verdict.words(),
                escape(&claim.text),
            ),
        );
        if let Some(reason) = claim.verdict.reason() {
            push(out, format_args!("<p><b>Why not:</b> {}.</p>\n", prose(reason)));
        }
        push(out, format_args!("<p><b>Rule:</b> {}</p>\n", prose(&claim.rule)));
        if !claim.measured.is_empty() {
            out.push_str("<p><b>Measured:</b></p>\n<ul>\n");
            for line in &claim.measured {
                push(out, format_args!("<li>{}</li>\n", prose(line)));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, FileLink, LineChart, Notice, Point, Section, Series};
    use proptest::prelude::*;

    fn picture() -> String {
        let points = vec![Point::bare(1.0, 2.0), Point::bare(2.0, 3.0)];
        let series = vec![Series::new("s", Color::BLACK, points)];
        LineChart { title: "chart".into(), series, ..LineChart::default() }.svg().unwrap()
    }

    fn report(text: &str) -> Report {
        let t = || text.to_owned();
        let verdicts = [Verdict::Holds, Verdict::DoesNotHold, Verdict::CannotTell { reason: t() }];
        let claim = |verdict| Claim { text: t(), rule: t(), measured: vec![t(), t()], verdict };
        let figure = |svg: String| Figure {
            narrow: Some(svg.clone()),
            svg,
            caption: t(),
            files: vec![FileLink::new(t(), t())],
        };
        let blocks = vec![
            Block::Paragraph(t()),
            Block::Code(t()),
            Block::KeyValues(vec![(t(), t())]),
            Block::Table(Table { header: vec![t(), t()], rows: vec![vec![t()], vec![t(), t(), t()]] }),
            Block::Figure(figure(picture())),
            Block::Figure(figure(t())),
            Block::Claims(verdicts.map(claim).to_vec()),
        ];
        let section = Section { heading: t(), blocks };
        Report { title: t(), subtitle: t(), notices: vec![Notice::new(t(), t())], sections: vec![section; 3] }
    }

    /// The page as XML: with its doctype away and its void elements closed, ours is.
    fn as_xml(html: &str) -> String {
        let closed = html.lines().map(|line| {
            if line.starts_with("<meta") { line.replace("\">", "\"/>") } else { line.to_owned() }
        });
        closed.skip(1).collect::<Vec<_>>().join("\n")
    }

    /// The elements of the page in order, by name and class.
    fn skeleton(html: &str) -> Vec<String> {
        let xml = as_xml(html);
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
        let name = |n: Node<'_, '_>| {
            format!("{} {:?}", n.tag_name().name(), n.attributes().map(|a| a.name()).collect::<Vec<_>>())
        };
        document.descendants().filter(Node::is_element).map(name).collect()
    }

    #[test]
    fn the_page_shows_everything_and_needs_nothing() {
        let html = report("some words").html();
        for part in [
            "<title>some words</title>",
            "holds",
            "does not hold",
            "cannot tell",
            "class=\"notice\"",
            "<svg",
            "#s3",
        ] {
            assert!(html.contains(part), "{part}");
        }
        for outside in ["<script", "<link", "<img", "@import", "url(", "src="] {
            assert!(!html.contains(outside), "{outside}");
        }
        let urls = html.matches("http").count();
        assert_eq!(
            urls,
            html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(),
            "only the SVG namespace"
        );
        assert_eq!(html, report("some words").html());
    }

    #[test]
    fn a_report_without_notices_has_none() {
        let plain = Report { notices: Vec::new(), ..report("x") };
        assert!(!plain.html().contains("class=\"notice\""));
    }

    #[test]
    fn a_per_cent_sign_stays_with_its_number() {
        assert_eq!(prose("5 % & 7 %"), "5\u{a0}% &amp; 7\u{a0}%");
    }

    #[test]
    fn only_an_open_claim_says_why() {
        let html = report("some words").html();
        assert_eq!(html.matches("Why not:").count(), html.matches("? cannot tell").count());
        assert_eq!(html.matches("Rule:").count(), 3 * html.matches("? cannot tell").count());
    }

    #[test]
    fn columns_of_numbers_are_aligned() {
        let mut table = Table::new(["name", "score", "share", "empty", "range"]);
        table.push(["a", "−0.5", "12 %", "", "1.235×10⁻⁴ to 2"]);
        table.push(["1", "1e-3", "–", "", "3.000×10⁵"]);
        table.push(["18,000", "1.235×10⁻⁴", "not finite", "", "1"]);
        let aligned: Vec<bool> = (0..5).map(|column| is_numeric(&table, column)).collect();
        assert_eq!(aligned, [false, true, true, false, false]);
    }

    #[test]
    fn only_words_longer_than_any_name_break_inside() {
        let mut table = Table::new(["name"]);
        table.push(["FixedMLP_mnist_ce_128x128x128_relu_bs128"]);
        table.push(["x".repeat(200)]);
        let mut html = String::new();
        push_table(&mut html, &table);
        assert_eq!(html.matches("<td class=\"text\"").count(), 1, "{html}");
        assert_eq!(html.matches("<td class=\"long\"").count(), 1, "{html}");
    }

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
    fn only_plain_pictures_get_into_the_page() {
        let svg = |body: &str| {
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\">{body}</svg>")
        };
        assert_eq!(plain_svg(&picture()), Ok(()));
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the texts, the page has the elements and attributes it has with a harmless word.
        #[test]
        fn no_text_becomes_markup(text in "[<>&\"'/a-z=! -]{1,40}|\\PC{1,20}|<script>.*</script>") {

            prop_assert_eq!(skeleton(&report(&text).html()), skeleton(&report("word").html()));
        }

        /// The text itself can be read in the page.
        #[test]
        fn texts_survive(text in "[<>&\"'a-z]{1,20}") {
            let html = Report { title: text.clone(), ..Report::default() }.html();
            let xml = as_xml(&html);
            let document = Document::parse(&xml).unwrap();
            let heading = document.descendants().find(|n| n.has_tag_name("h1")).unwrap();
            prop_assert_eq!(heading.text(), Some(text.as_str()));
        }
    }
}
