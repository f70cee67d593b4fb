//! Shapes of points as SVG paths.

use super::elements::Svg;
use crate::chart::{Category, Marker};
use crate::xml::{coordinate, push_coordinate};

/// Draws points of one look as a single element; they are given in SVG units.
pub(super) fn markers(
    svg: &mut Svg,
    look: Category,
    radius: f64,
    opacity: f64,
    points: impl Iterator<Item = (f64, f64)>,
) {
    let outline = Outline::new(look.marker, radius);
    let mut d = String::new();
    for point in points {
        outline.push(&mut d, point);
    }
    if d.is_empty() {
        return;
    }
    let color = look.color;
    let opacity =
        if opacity < 1.0 { format!(r#" opacity="{}""#, coordinate(opacity)) } else { String::new() };
    // The darker outline separates points that overlap, and makes yellow visible on white.
    let edge = coordinate((0.22 * radius).clamp(0.3, 1.0));
    svg.element(&format!(
        r#"<path d="{d}" fill="{color}" stroke="{}" stroke-width="{edge}"{opacity}/>"#,
        color.outline()
    ));
}

/// A shape around the origin: where its path starts, and the rest of the path in relative commands.
struct Outline {
    start: (f64, f64),
    rest: String,
}

impl Outline {
    fn new(marker: Marker, radius: f64) -> Self {
        if marker == Marker::Circle {
            let (r, d) = (coordinate(radius), coordinate(2.0 * radius));
            let rest = format!("a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0z");
            return Self { start: (-radius, 0.0), rest };
        }
        let round = |v: f64| (v * radius * 100.0).round() / 100.0;
        let corners: Vec<(f64, f64)> =
            corners(marker).into_iter().map(|(x, y)| (round(x), round(y))).collect();
        let mut rest = String::new();
        for pair in corners.windows(2) {
            rest.push('l');
            push_coordinate(&mut rest, pair[1].0 - pair[0].0);
            rest.push(' ');
            push_coordinate(&mut rest, pair[1].1 - pair[0].1);
        }
        rest.push('z');
        Self { start: corners.first().copied().unwrap_or_default(), rest }
    }

    fn push(&self, d: &mut String, (x, y): (f64, f64)) {
        d.push('M');
        push_coordinate(d, x + self.start.0);
        d.push(' ');
        push_coordinate(d, y + self.start.1);
        d.push_str(&self.rest);
    }
}

/// Corners of a shape whose area is about that of a disc of radius 1.
fn corners(marker: Marker) -> Vec<(f64, f64)> {
    match marker {
        Marker::Circle => Vec::new(),
        Marker::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        Marker::TriangleUp => vec![(0.0, -1.35), (1.3, 0.9), (-1.3, 0.9)],
        Marker::TriangleDown => vec![(0.0, 1.35), (1.3, -0.9), (-1.3, -0.9)],
        Marker::Diamond => vec![(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Marker::Plus => plus(),
        Marker::Cross => {
            let half = libm::sqrt(0.5);
            plus().into_iter().map(|(x, y)| (half * (x - y), half * (x + y))).collect()
        }
        Marker::Star => {
            let corner = |i: u32| {
                let angle = f64::from(i) * std::f64::consts::PI / 5.0;
                let r = if i.is_multiple_of(2) { 1.6 } else { 0.7 };
                (r * libm::sin(angle), -r * libm::cos(angle))
            };
            (0..10).map(corner).collect()
        }
    }
}

fn plus() -> Vec<(f64, f64)> {
    let (w, a) = (0.42, 1.4);
    vec![
        (-w, -a),
        (w, -a),
        (w, -w),
        (a, -w),
        (a, w),
        (w, w),
        (w, a),
        (-w, a),
        (-w, w),
        (-a, w),
        (-a, -w),
        (-w, -w),
    ]
}
