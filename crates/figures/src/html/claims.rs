//! Claims of the page, with their verdicts.

use super::{prose, push};
use crate::report::{Claim, Verdict};
use crate::xml::escape;

/// Appends a list of claims.
pub(super) fn push_claims(out: &mut String, claims: &[Claim]) {
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
