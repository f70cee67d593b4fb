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
    fn the_cycle_starts_again_and_leaves_black_out() {
        assert_eq!(Color::cycle(0), Color::cycle(7));
        let first: Vec<Color> = (0..7).map(Color::cycle).collect();
        assert!(!first.contains(&Color::BLACK));
        assert!(first.iter().enumerate().all(|(i, color)| !first[..i].contains(color)));
    }
}
