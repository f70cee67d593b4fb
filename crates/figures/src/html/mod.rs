//! A report as one HTML page.

mod anchors;
mod claims;
mod figure;
mod table;

use std::fmt::Write as _;

use anchors::Anchors;
use claims::{push_claim_table, push_claims};
use figure::push_figure;
use table::push_table;

use crate::report::{Block, Report, Section};
use crate::xml::escape;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("sort.js");

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
    let mut links = Vec::new();
    let anchors = Anchors::of(&report.sections);
    let mut body = Body { out: String::new(), anchors, sections: 0, sorted: false };
    for section in &report.sections {
        let id = body.anchors.id(body.sections).to_owned();
        links.push((id, section.heading.as_str()));
        body.push_section(section, 2);
    }
    if links.len() > 3 {
        out.push_str("<nav aria-label=\"Contents\"><ul>\n");
        for (id, heading) in links {
            push(&mut out, format_args!("<li><a href=\"#{id}\">{}</a></li>\n", escape(heading)));
        }
        out.push_str("</ul></nav>\n");
    }
    out.push_str(&body.out);
    out.push_str("</main>\n");
    if body.sorted {
        push(&mut out, format_args!("<script>\n{SCRIPT}</script>\n"));
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// The sections of a page while they are written.
struct Body<'a> {
    out: String,
    anchors: Anchors<'a>,
    /// How many sections have begun.
    sections: usize,
    /// Whether there is a table that the script sorts.
    sorted: bool,
}

impl Body<'_> {
    fn push_section(&mut self, section: &Section, level: usize) {
        let id = self.anchors.id(self.sections);
        self.sections += 1;
        let (h, heading) = (level.min(6), escape(&section.heading));
        push(&mut self.out, format_args!("<section id=\"{id}\">\n<h{h}>{heading}</h{h}>\n"));
        self.push_blocks(&section.blocks, level);
        self.out.push_str("</section>\n");
    }

    /// Appends blocks of a section whose heading has this level.
    fn push_blocks(&mut self, blocks: &[Block], level: usize) {
        for block in blocks {
            self.push_block(block, level);
        }
    }

    fn push_block(&mut self, block: &Block, level: usize) {
        let out = &mut self.out;
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
            Block::ClaimTable(rows) => {
                push_claim_table(out, rows, &self.anchors);
                self.sorted = true;
            }
            Block::Section(section) => self.push_section(section, level + 1),
            Block::Details { summary, blocks } => {
                push(out, format_args!("<details>\n<summary>{}</summary>\n", escape(summary)));
                self.push_blocks(blocks, level);
                self.out.push_str("</details>\n");
            }
        }
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(text);
}

/// Running text, escaped; a per cent sign stays on the line of its number.
fn prose(text: &str) -> String {
    escape(text).replace(" %", "\u{a0}%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use resvg::usvg::roxmltree::{Document, Node};

    use super::*;
    use crate::report::{ClaimRow, Figure};
    use crate::verdict::{Claim, Verdict};
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
        let nested = Section { heading: t(), blocks: blocks[..4].to_vec() };
        let details =
            Block::Details { summary: t(), blocks: vec![Block::Paragraph(t()), Block::Section(nested)] };
        let short = Section { heading: t(), blocks: vec![details.clone()] };
        let mut sections = vec![Section { heading: t(), blocks }, short.clone(), short.clone(), short];
        sections[0].blocks.push(details);
        Report { title: t(), subtitle: t(), notices: vec![Notice::new(t(), t())], sections }
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
            "href=\"#some-words\"",
            "href=\"#some-words-7\"",
            "<section id=\"some-words-8\">\n<h3>some words</h3>",
            "<details>\n<summary>some words</summary>",
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
    fn few_sections_have_no_list_of_contents() {
        let mut report = report("some words");
        assert!(report.html().contains("<nav"));
        report.sections.pop();
        assert!(!report.html().contains("<nav"));
    }

    #[test]
    fn only_a_page_with_a_claim_table_has_a_script() {
        let mut report = report("some words");
        let claim =
            |verdict| Claim { text: "text".into(), rule: "rule".into(), measured: vec!["1".into()], verdict };
        let mut rows = vec![
            ClaimRow::new("some words", claim(Verdict::Holds)),
            ClaimRow::new("elsewhere", claim(Verdict::CannotTell { reason: "no data".into() })),
        ];
        rows[1].section = None;
        report.sections[0].blocks.insert(0, Block::ClaimTable(rows));
        let html = report.html();
        assert_eq!(html.matches("<script>").count(), 1);
        assert!(
            html.contains(SCRIPT) && !["http", "fetch", "import", "src"].iter().any(|s| SCRIPT.contains(s))
        );
        assert!(html.contains("<a href=\"#some-words\">some words</a></div></td>"));
        for part in ["<div>elsewhere</div>", "data-key=\"2\"", "no data."] {
            assert!(html.contains(part), "{part}");
        }
        // A parser of XML reads the script too.
        assert!(skeleton(&html).iter().any(|element| element.starts_with("script")));
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

            let page = |text: &str| {
                let mut report = report(text);
                let claim = Claim {
                    text: text.to_owned(),
                    rule: text.to_owned(),
                    measured: vec![text.to_owned()],
                    verdict: Verdict::CannotTell { reason: text.to_owned() },
                };
                report.sections[0].blocks.push(Block::ClaimTable(vec![ClaimRow::new(text, claim)]));
                report.html()
            };
            prop_assert_eq!(skeleton(&page(&text)), skeleton(&page("word")));
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
