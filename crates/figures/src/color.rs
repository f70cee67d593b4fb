//! Colours that people with any colour vision can tell apart.

use std::fmt;

/// An sRGB colour. The constants are the palette of Okabe and Ito (2008), which stays distinguishable under the common
/// forms of colour blindness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, 0–255.
    pub red: u8,
    /// Green, 0–255.
    pub green: u8,
    /// Blue, 0–255.
    pub blue: u8,
}

impl Color {
    /// Black: by custom of this project the learned list.
    pub const BLACK: Self = Self::new(0x00, 0x00, 0x00);
    /// Blue.
    pub const BLUE: Self = Self::new(0x00, 0x72, 0xb2);
    /// Vermillion, a red-orange.
    pub const VERMILLION: Self = Self::new(0xd5, 0x5e, 0x00);
    /// Bluish green.
    pub const GREEN: Self = Self::new(0x00, 0x9e, 0x73);
    /// Reddish purple.
    pub const PURPLE: Self = Self::new(0xcc, 0x79, 0xa7);
    /// Orange.
    pub const ORANGE: Self = Self::new(0xe6, 0x9f, 0x00);
    /// Sky blue.
    pub const SKY_BLUE: Self = Self::new(0x56, 0xb4, 0xe9);
    /// Yellow; weak on white, so the last to choose for a line.
    pub const YELLOW: Self = Self::new(0xf0, 0xe4, 0x42);

    /// The colour with these components.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Colour of the `index`-th ordinary series: the palette without black, strongest on white first, then again from
    /// its start (tell those apart by [`Dash`](crate::Dash)).
    pub const fn cycle(index: usize) -> Self {
        const ORDER: [Color; 7] = [
            Color::BLUE,
            Color::VERMILLION,
            Color::GREEN,
            Color::PURPLE,
            Color::ORANGE,
            Color::SKY_BLUE,
            Color::YELLOW,
        ];
        ORDER[index % ORDER.len()]
    }

    /// Colour of a number between 0 and 1, for heatmaps and for series that are ordered by a number. From 0 to 1 the
    /// colours go from dark purple over blue to green, and become steadily lighter.
    ///
    /// They are the first seven tenths of the palette viridis (van der Walt and Smith, 2015), which keeps its order
    /// under the common forms of colour blindness and in grey. The yellow end of viridis is left out: the contrast to
    /// white goes from 15:1 at 0 to 2.3:1 at 1, so the lightest colour is still visible as a line on white.
    ///
    /// `t` is kept within 0–1. NaN gives a grey (`#999999`).
    pub fn sequence(t: f64) -> Self {
        // Viridis at 0, 0.1, …, 0.7; between them, components are interpolated.
        const TABLE: [Color; 8] = [
            Color::new(0x44, 0x01, 0x54),
            Color::new(0x48, 0x24, 0x75),
            Color::new(0x41, 0x44, 0x87),
            Color::new(0x35, 0x5f, 0x8d),
            Color::new(0x2a, 0x78, 0x8e),
            Color::new(0x21, 0x91, 0x8c),
            Color::new(0x22, 0xa8, 0x84),
            Color::new(0x44, 0xbf, 0x70),
        ];
        if t.is_nan() {
            return Self::new(0x99, 0x99, 0x99);
        }
        let position = t.clamp(0.0, 1.0) * (TABLE.len() - 1) as f64;
        let index = (position as usize).min(TABLE.len() - 2);
        let (from, to, part) = (TABLE[index], TABLE[index + 1], position - index as f64);
        let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
        Self::new(mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue))
    }

    /// A colour for outlines: the same hue at six tenths of its brightness, or a grey where that is nearly black.
    pub(crate) fn outline(self) -> Self {
        let dim = |c: u8| (u16::from(c) * 6 / 10) as u8;
        let darker = Self::new(dim(self.red), dim(self.green), dim(self.blue));
        if darker.luminance() < 0.005 { Self::new(0x80, 0x80, 0x80) } else { darker }
    }

    /// Black or white, whichever has the higher contrast to this colour.
    pub(crate) fn ink(self) -> Self {
        // Where the contrast ratios of WCAG 2 to black and to white are equal.
        if self.luminance() > 0.179 { Self::BLACK } else { Self::new(0xff, 0xff, 0xff) }
    }

    /// Relative luminance (WCAG 2), 0–1.
    fn luminance(self) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// As `#rrggbb`.
impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_written_in_hexadecimal() {
        assert_eq!(Color::BLUE.to_string(), "#0072b2");
        assert_eq!(Color::BLACK.to_string(), "#000000");
    }

    #[test]
    fn the_sequence_becomes_lighter_and_stays_visible_on_white() {
        let contrast = |color: Color| 1.05 / (color.luminance() + 0.05);
        let colors: Vec<Color> = (0..=100).map(|i| Color::sequence(f64::from(i) / 100.0)).collect();
        assert!(colors.windows(2).all(|pair| contrast(pair[0]) > contrast(pair[1])));
        assert!(contrast(colors[0]) > 15.0 && contrast(colors[100]) > 2.3);
        for (t, color) in [(-1.0, "#440154"), (0.0, "#440154"), (1.0, "#44bf70"), (f64::INFINITY, "#44bf70")]
        {
            assert_eq!(Color::sequence(t).to_string(), color);
        }
        assert_eq!(Color::sequence(f64::NAN).to_string(), "#999999");
    }

    #[test]
    fn ink_has_contrast() {
        let contrast = |a: Color, b: Color| {
            let (a, b) = (a.luminance() + 0.05, b.luminance() + 0.05);
            a.max(b) / a.min(b)
        };
        for i in 0..=100 {
            let color = Color::sequence(f64::from(i) / 100.0);
            assert!(contrast(color, color.ink()) > 4.5, "{color}");
        }
    }

    #[test]
    fn the_cycle_starts_again_and_leaves_black_out() {
        assert_eq!(Color::cycle(0), Color::cycle(7));
        let first: Vec<Color> = (0..7).map(Color::cycle).collect();
        assert!(!first.contains(&Color::BLACK));
        assert!(first.iter().enumerate().all(|(i, color)| !first[..i].contains(color)));
    }
}
