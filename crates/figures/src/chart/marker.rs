//! Shapes of points, and the look of categories.

use crate::Color;

/// The shape of a point. All shapes cover about the same area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Marker {
    /// A disc.
    #[default]
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    TriangleUp,
    /// A triangle that points down.
    TriangleDown,
    /// A square on its corner.
    Diamond,
    /// An `×`.
    Cross,
    /// A `+`.
    Plus,
    /// A star with five points.
    Star,
}

impl Marker {
    /// All shapes.
    pub const ALL: [Self; 8] = [
        Self::Circle,
        Self::Square,
        Self::TriangleUp,
        Self::TriangleDown,
        Self::Diamond,
        Self::Cross,
        Self::Plus,
        Self::Star,
    ];
}

/// How a category looks: its colour and the shape of its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Category {
    /// Colour of its points, bars and boxes.
    pub color: Color,
    /// Shape of its points.
    pub marker: Marker,
}

impl Category {
    /// The look of category number `index`. The colours are the eight of Okabe and Ito, the strongest on white first.
    ///
    /// Categories 0 to 7 differ in colour and also in shape. Any two of the categories 0 to 63 differ in colour or in
    /// shape. After that the looks repeat. Use the same numbers in all figures, so that a family always looks the same.
    pub const fn of(index: usize) -> Self {
        const COLORS: [Color; 8] = [
            Color::BLUE,
            Color::VERMILLION,
            Color::GREEN,
            Color::PURPLE,
            Color::ORANGE,
            Color::SKY_BLUE,
            Color::BLACK,
            Color::YELLOW,
        ];
        // The shape moves on by one in every round, so that a colour gets another shape each time.
        let round = index / COLORS.len();
        let shape = (index % COLORS.len() + round % Marker::ALL.len()) % Marker::ALL.len();
        Self { color: COLORS[index % COLORS.len()], marker: Marker::ALL[shape] }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn categories_can_be_told_apart() {
        let first: Vec<Category> = (0..8).map(Category::of).collect();
        assert_eq!(first.iter().map(|c| c.color).collect::<HashSet<_>>().len(), 8);
        assert_eq!(first.iter().map(|c| c.marker).collect::<HashSet<_>>().len(), 8);
        assert_eq!((0..64).map(Category::of).collect::<HashSet<_>>().len(), 64);
        assert_eq!(Category::of(64), Category::of(0));
        assert_eq!(Category::of(usize::MAX).color, Color::YELLOW);
    }
}
