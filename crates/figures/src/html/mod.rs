//! A report as one HTML page.

mod claims;
mod figure;
mod table;

use std::fmt::Write as _;

use claims::push_claims;
use figure::push_figure;
use table::push_table;

use crate::report::{Block, Report};
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use resvg::usvg::roxmltree::{Document, Node};

    use super::*;
    use crate::report::{Claim, Figure, Verdict};
    use crate::{Color, FileLink, LineChart, Notice, Point, Section, Series, Table};

    pub(super) fn picture() -> String {
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
