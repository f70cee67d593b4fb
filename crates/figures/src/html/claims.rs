//! Claims of the page, with their verdicts.

use super::anchors::Anchors;
use super::{prose, push};
use crate::report::ClaimRow;
use crate::verdict::{Claim, Verdict};
use crate::xml::escape;

/// Appends a list of claims.
pub(super) fn push_claims(out: &mut String, claims: &[Claim]) {
    out.push_str("<ul class=\"claims\">\n");
    for claim in claims {
        let (class, sign, _) = look(&claim.verdict);
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

/// Class of a verdict, its sign besides the colour (for those who do not see it), and its place in the order.
fn look(verdict: &Verdict) -> (&'static str, &'static str, u8) {
    match verdict {
        Verdict::Holds => ("holds", "✓", 0),
        Verdict::DoesNotHold => ("fails", "✗", 1),
        Verdict::CannotTell { .. } => ("open", "?", 2),
    }
}

/// Appends a table of claims. The script reads `data-key`, or else the text, of a cell to sort by it.
pub(super) fn push_claim_table(out: &mut String, rows: &[ClaimRow], anchors: &Anchors<'_>) {
    out.push_str("<table class=\"sortable\">\n<thead><tr>");
    for column in ["Figure", "Claim", "Verdict", "Measured"] {
        push(out, format_args!("<th scope=\"col\">{column}</th>"));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for ClaimRow { figure, section, claim } in rows {
        let figure = escape(figure);
        out.push_str("<tr><td data-label=\"Figure\"><div>");
        match section.as_deref().and_then(|heading| anchors.find(heading)) {
            Some(id) => push(out, format_args!("<a href=\"#{id}\">{figure}</a>")),
            None => out.push_str(&figure),
        }
        push(
            out,
            format_args!("</div></td>\n<td data-label=\"Claim\"><div>{}</div></td>\n", escape(&claim.text)),
        );
        let (class, sign, key) = look(&claim.verdict);
        push(
            out,
            format_args!(
                "<td class=\"{class}\" data-label=\"Verdict\" data-key=\"{key}\"><div><span class=\"verdict\">{sign} \
                 {}</span>",
                claim.verdict.words()
            ),
        );
        if let Some(reason) = claim.verdict.reason() {
            push(out, format_args!("<p>{}.</p>", prose(reason)));
        }
        out.push_str("</div></td>\n<td data-label=\"Measured\"><div>");
        for line in &claim.measured {
            push(out, format_args!("<p>{}</p>", prose(line)));
        }
        out.push_str("</div></td></tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}
