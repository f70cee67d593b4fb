//! From text to prepared tokens: runs of word and other characters, underscores escaped, single spaces folded in.

use super::word_chars::is_word;

/// What stands for an underscore of the text inside a token: in tokens themselves, `_` means a space. TFDS's choice.
pub(crate) const ESCAPE: &str = "\\&undsc";

/// Whether a string has both word characters and others.
pub(crate) fn is_mixed(text: &str) -> bool {
    let mut chars = text.chars().map(is_word);
    chars.next().is_some_and(|first| chars.any(|word| word != first))
}

/// Strings that are split out of the text before anything else, so that they stay whole.
///
/// Upstream tries them in the order of a Python set, which differs from run to run; here the longest that fits wins. The
/// two differ only where one reserved string is a prefix of another and the text holds the longer.
#[derive(Clone, Debug)]
pub(crate) struct Reserved {
    /// Longest first.
    strings: Vec<String>,
    /// Whether every one holds an underscore or a backslash. Only those and the escape mix word and other characters in
    /// a vocabulary that was built from a corpus, and nearly all texts have neither.
    rare: bool,
}

impl Reserved {
    /// The escape and the given strings.
    pub(crate) fn new<'a>(strings: impl IntoIterator<Item = &'a str>) -> Self {
        let mut strings: Vec<String> = strings.into_iter().chain([ESCAPE]).map(str::to_owned).collect();
        strings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        strings.dedup();
        let rare = strings.iter().all(|string| string.contains(['_', '\\']));
        Self { strings, rare }
    }

    /// Where the first reserved string begins and ends.
    fn find(&self, text: &str) -> Option<(usize, usize)> {
        if self.rare && !text.bytes().any(|byte| byte == b'_' || byte == b'\\') {
            return None;
        }
        text.char_indices().find_map(|(at, _)| {
            let found = self.strings.iter().find(|string| text[at..].starts_with(string.as_str()))?;
            Some((at, at + found.len()))
        })
    }
}

/// Calls `each` with every prepared token of a text:
///
/// 1. Reserved strings are split out; the rest is cut into maximal runs of word characters and of others. All is kept.
/// 2. Underscores of a token are replaced by the escape; a literal escape becomes two tokens, `\&` and `undsc`.
/// 3. A token that is followed by exactly one space gets a trailing `_`, and that space is no token.
pub(crate) fn prepare(text: &str, reserved: &Reserved, mut each: impl FnMut(&str)) {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((start, end)) = reserved.find(rest) {
        runs(&rest[..start], &mut tokens);
        tokens.push(&rest[start..end]);
        rest = &rest[end..];
    }
    runs(rest, &mut tokens);

    let mut prepared = String::new();
    let mut i = 0;
    while i < tokens.len() {
        let mut token = tokens[i];
        if token == ESCAPE {
            each(&ESCAPE[..2]);
            token = &ESCAPE[2..];
        }
        let space = tokens.get(i + 1) == Some(&" ");
        if space || token.contains('_') {
            prepared.clear();
            for (k, part) in token.split('_').enumerate() {
                prepared.push_str(if k > 0 { ESCAPE } else { "" });
                prepared.push_str(part);
            }
            prepared.push_str(if space { "_" } else { "" });
            each(&prepared);
        } else {
            each(token);
        }
        // After a literal escape upstream keeps the space token too, so that decoding gives two spaces; not so here.
        i += if space { 2 } else { 1 };
    }
}

/// Appends the maximal runs of word characters and of others.
fn runs<'a>(text: &'a str, tokens: &mut Vec<&'a str>) {
    let mut start = 0;
    let mut previous = None;
    for (at, c) in text.char_indices() {
        let word = is_word(c);
        if previous.is_some_and(|p| p != word) {
            tokens.push(&text[start..at]);
            start = at;
        }
        previous = Some(word);
    }
    if previous.is_some() {
        tokens.push(&text[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand from the rules above; the same as TFDS 1.3.0 gives.
    #[test]
    fn texts_become_prepared_tokens() {
        let check = |text: &str, expected: &[&str]| {
            let mut tokens = Vec::new();
            prepare(text, &Reserved::new(["<EOS>"]), |token| tokens.push(token.to_owned()));
            assert_eq!(tokens, expected, "{text}");
        };
        check("", &[]);
        check("Hello, big world.", &["Hello", ", ", "big_", "world", "."]);
        check("a  b c ", &["a", "  ", "b_", "c_"]);
        check(" a", &[" ", "a"]);
        check("x - y", &["x", " - ", "y"]);
        check("snake_case _ x", &["snake\\&undsccase_", "\\&undsc_", "x"]);
        check("\\&undsc x\\&undscy", &["\\&", "undsc_", "x", "\\&", "undsc", "y"]);
        check("a<EOS>b <EOS> c", &["a", "<EOS>", "b_", "<EOS>_", "c"]);
        check("naïve 東京タワーへ、行く。", &["naïve_", "東京タワーへ", "、", "行く", "。"]);
    }

    #[test]
    fn mixed_strings_have_both_kinds_of_characters() {
        for (text, mixed) in
            [("", false), ("ab_", false), ("..", false), ("a.", true), (" a", true), ("._", true)]
        {
            assert_eq!(is_mixed(text), mixed, "{text}");
        }
    }
}
