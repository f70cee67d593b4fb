//! SVG to PNG with the embedded fonts.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

use crate::{Error, font};

/// Most pixels of one side: beyond it a picture is a mistake of units and would only exhaust memory.
const MAX_SIDE: u32 = 16_384;

/// Renders an SVG, as [`Chart::svg`](crate::Chart::svg) gives it, to the bytes of a PNG file with `scale`
/// pixels per SVG unit; the size is rounded to whole pixels.
///
/// Only the embedded fonts are used, and nothing outside the given text is read, so the picture is the same on every
/// machine.
///
/// # Errors
/// [`Error::Svg`] if the text is no SVG; [`Error::Size`] if the picture would have no pixel or a side of more than
/// 16,384; [`Error::Encode`] if the PNG could not be written.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, Error> {
    let tree = parse(svg)?;
    let size = tree.size();
    let bad_size = || Error::Size { width: size.width(), height: size.height(), scale, max: MAX_SIDE };
    let pixels = |length: f32| {
        let pixels = (length * scale).round();
        // The comparison is false for NaN, so that a scale of NaN is refused too.
        if pixels >= 1.0 && pixels <= MAX_SIDE as f32 { Ok(pixels as u32) } else { Err(bad_size()) }
    };
    let mut pixmap = Pixmap::new(pixels(size.width())?, pixels(size.height())?).ok_or_else(bad_size)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| Error::Encode(error.to_string()))
}

/// The picture as the renderer understands it.
pub(crate) fn parse(svg: &str) -> Result<Tree, Error> {
    let options = Options {
        font_family: font::FAMILY.to_owned(),
        fontdb: fonts(),
        image_href_resolver: ImageHrefResolver {
            resolve_string: Box::new(|_, _| None),
            ..ImageHrefResolver::default()
        },
        ..Options::default()
    };
    Tree::from_str(svg, &options).map_err(|error| Error::Svg(error.to_string()))
}

fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        for file in font::FILES {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(file)));
        }
        fonts.set_sans_serif_family(font::FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// Width of `text` as the renderer lays it out.
#[cfg(test)]
pub(crate) fn measure(text: &str, size: f64, weight: font::Weight) -> f64 {
    let weight = if weight == font::Weight::Bold { 700 } else { 400 };
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text font-size='{size}' font-family='{}' \
         font-weight='{weight}'>{}</text></svg>",
        font::FAMILY,
        crate::xml::escape(text)
    );
    let tree = parse(&svg).unwrap();
    f64::from(tree.root().children()[0].bounding_box().width())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'><rect width='30' height='20' \
                       fill='#fff'/><text x='5' y='15' font-size='12' font-family='sans-serif'>µ</text></svg>";

    fn decode(png: &[u8]) -> Pixmap {
        Pixmap::decode_png(png).unwrap()
    }

    #[test]
    fn size_is_scaled_and_text_is_drawn_without_system_fonts() {
        for (scale, size) in [(1.0, (30, 20)), (2.0, (60, 40)), (0.25, (8, 5))] {
            let picture = decode(&png(DOT, scale).unwrap());
            assert_eq!((picture.width(), picture.height()), size);
            assert!(picture.pixels().iter().any(|p| p.red() < 200), "blank at {scale}");
        }
    }

    #[test]
    fn bold_differs_from_regular() {
        let bold = DOT.replace("font-size", "font-weight='bold' font-size");
        assert_ne!(png(DOT, 1.0), png(&bold, 1.0));
    }

    #[test]
    fn impossible_pictures_are_errors() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6, 1e-3] {
            assert!(matches!(png(DOT, scale), Err(Error::Size { .. })), "{scale}");
        }
        for svg in ["", "no picture", "<svg", "<html/>"] {
            assert!(matches!(png(svg, 1.0), Err(Error::Svg(_))), "{svg}");
        }
    }
}
