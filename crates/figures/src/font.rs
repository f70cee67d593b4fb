//! The embedded fonts and the width of text in them.

/// DejaVu Sans, regular and bold, reduced to Latin-1, Greek (regular) and the signs of scientific text. How they were
/// made, and their licence, stand beside the files.
pub(crate) const FILES: [&[u8]; 2] = [
    include_bytes!("../assets/DejaVuSans.subset.ttf"),
    include_bytes!("../assets/DejaVuSans-Bold.subset.ttf"),
];

/// Name of the embedded family.
pub(crate) const FAMILY: &str = "DejaVu Sans";

/// Weight of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

const UNITS_PER_EM: f64 = 2048.0;

/// Width of `text` at a font size, both in SVG units. Exact for Latin-1; an upper bound for the other embedded signs,
/// an estimate for characters that the fonts lack.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    text.chars().map(|c| advance(c, weight)).sum::<f64>() / UNITS_PER_EM * size
}

fn advance(c: char, weight: Weight) -> f64 {
    let index = match c as u32 {
        code @ 0x20..=0x7e => code - 0x20,
        code @ 0xa0..=0xff => code - 0xa0 + 95,
        0x2009 => return 0.2 * UNITS_PER_EM,
        0x2013 => return 0.5 * UNITS_PER_EM,
        0x2070..=0x209f => return 0.56 * UNITS_PER_EM,
        // The widest glyph besides U+FFFD is an em.
        _ => return UNITS_PER_EM,
    };
    let table = match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    };
    f64::from(table[index as usize])
}

/// `text` broken at spaces into lines of at most `limit` SVG units; a single word that is longer gets an ellipsis.
pub(crate) fn wrap(text: &str, size: f64, weight: Weight, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size, weight) + width(&format!(" {word}"), size, weight) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shorten(word, size, weight, limit)),
        }
    }
    lines
}

/// `text` if it fits into `limit` SVG units, else as much of its start as fits together with an ellipsis.
pub(crate) fn shorten(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.to_owned();
    }
    let mut left = limit - width("…", size, weight);
    let fits = text.chars().take_while(|&c| {
        left -= advance(c, weight) / UNITS_PER_EM * size;
        left >= 0.0
    });
    let start: String = fits.collect();
    start.trim_end().to_owned() + "…"
}

/// Advances of U+0020–U+007E, then U+00A0–U+00FF, in font units.
const REGULAR: [u16; 191] = [
    651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690, 1303, 1303, 1303,
    1303, 1303, 1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087, 2048, 1401, 1405, 1430, 1577,
    1294, 1178, 1587, 1540, 604, 604, 1343, 1141, 1767, 1532, 1612, 1235, 1612, 1423, 1300, 1251, 1499, 1401,
    2025, 1403, 1251, 1403, 799, 690, 799, 1716, 1024, 1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298,
    569, 569, 1186, 569, 1995, 1298, 1253, 1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075,
    1303, 690, 1303, 1716, 651, 821, 1303, 1303, 1303, 1303, 690, 1024, 1024, 2048, 965, 1253, 1716, 739,
    2048, 1024, 1024, 1716, 821, 821, 1024, 1303, 1303, 651, 1024, 821, 965, 1253, 1985, 1985, 1985, 1087,
    1401, 1401, 1401, 1401, 1401, 1401, 1995, 1430, 1294, 1294, 1294, 1294, 604, 604, 604, 604, 1587, 1532,
    1612, 1612, 1612, 1612, 1612, 1716, 1612, 1499, 1499, 1499, 1499, 1251, 1239, 1290, 1255, 1255, 1255,
    1255, 1255, 1255, 2011, 1126, 1260, 1260, 1260, 1260, 569, 569, 569, 569, 1253, 1298, 1253, 1253, 1253,
    1253, 1253, 1716, 1253, 1298, 1298, 1298, 1298, 1212, 1300, 1212,
];
const BOLD: [u16; 191] = [
    713, 934, 1067, 1716, 1425, 2052, 1786, 627, 936, 936, 1071, 1716, 778, 850, 778, 748, 1425, 1425, 1425,
    1425, 1425, 1425, 1425, 1425, 1425, 1425, 819, 819, 1716, 1716, 1716, 1188, 2048, 1585, 1561, 1503, 1700,
    1399, 1399, 1681, 1714, 762, 762, 1587, 1305, 2038, 1714, 1741, 1501, 1741, 1577, 1475, 1397, 1663, 1585,
    2259, 1579, 1483, 1485, 936, 748, 936, 1716, 1024, 1024, 1382, 1466, 1214, 1466, 1389, 891, 1466, 1458,
    702, 702, 1362, 702, 2134, 1458, 1407, 1466, 1466, 1010, 1219, 979, 1458, 1335, 1892, 1321, 1335, 1192,
    1458, 748, 1458, 1716, 713, 934, 1425, 1425, 1303, 1425, 748, 1024, 1024, 2048, 1155, 1323, 1716, 850,
    2048, 1024, 1024, 1716, 897, 897, 1024, 1507, 1303, 778, 1024, 897, 1155, 1323, 2120, 2120, 2120, 1188,
    1585, 1585, 1585, 1585, 1585, 1585, 2222, 1503, 1399, 1399, 1399, 1399, 762, 762, 762, 762, 1716, 1714,
    1741, 1741, 1741, 1741, 1741, 1716, 1741, 1663, 1663, 1663, 1663, 1483, 1511, 1473, 1382, 1382, 1382,
    1382, 1382, 1382, 2146, 1214, 1389, 1389, 1389, 1389, 702, 702, 702, 702, 1407, 1458, 1407, 1407, 1407,
    1407, 1407, 1716, 1407, 1458, 1458, 1458, 1458, 1335, 1466, 1335,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png::measure;

    /// The estimate against the renderer: no narrower, and no wider by more than `slack` em a character.
    fn check(text: &str, slack: f64) {
        for weight in [Weight::Regular, Weight::Bold] {
            let estimate = width(text, 100.0, weight);
            let rendered = measure(text, 100.0, weight);
            let allowed = slack * 100.0 * text.chars().count() as f64;
            // 0.01 units in 100: single precision in the renderer.
            assert!(
                (rendered - 0.01..=rendered + allowed + 0.01).contains(&estimate),
                "{text} {weight:?}: estimate {estimate}, rendered {rendered}"
            );
        }
    }

    #[test]
    fn widths_of_latin_1_are_exact() {
        for code in (0x21..=0x7e).chain(0xa1..=0xff).filter(|&code| code != 0xad) {
            let c = char::from(code);
            check(&format!("{c}"), 0.0);
        }
        check("Mean best score, 25–75 % of 50 splits (AVATAR, fi)", 0.001);
    }

    #[test]
    fn widths_of_signs_are_bounds() {
        for c in "–—‘’“”•…⁰⁴⁵⁶⁷⁸⁹⁻₀₁₉←↑→↓∂∈∑−√∞≈≠≤≥".chars()
        {
            check(&format!("{c}"), 0.75);
        }
    }

    #[test]
    fn long_text_is_wrapped_and_long_words_shortened() {
        let lines = wrap("one two  three four", 10.0, Weight::Regular, 50.0);
        assert_eq!(lines, ["one two", "three four"]);
        assert!(lines.iter().all(|line| width(line, 10.0, Weight::Regular) <= 50.0));
        let lines = wrap("a extraordinarily b", 10.0, Weight::Regular, 50.0);
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with('…') && width(&lines[1], 10.0, Weight::Regular) <= 50.0, "{lines:?}");
        assert!(wrap("  ", 10.0, Weight::Regular, 50.0).is_empty());
        assert_eq!(shorten("short", 10.0, Weight::Bold, 1.0), "…");
    }
}
