//! Tests of charts, and what they share.

mod kinds;
mod lines;

use resvg::usvg::roxmltree::Document;

use crate::png;

/// All texts of the SVG.
pub(super) fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let nodes = document.descendants().filter(|n| n.tag_name().name() == "text");
    nodes.filter_map(|n| n.text().map(str::to_owned)).collect()
}

/// How many elements of the SVG have this name and this attribute.
pub(super) fn elements(svg: &str, name: &str, attribute: &str) -> usize {
    let document = Document::parse(svg).unwrap();
    document.descendants().filter(|n| n.tag_name().name() == name && n.has_attribute(attribute)).count()
}

pub(super) fn check_inside_svg(svg: &str) {
    let tree = png::parse(svg).unwrap();
    let size = tree.size();
    for node in tree.root().children() {
        let area = node.abs_bounding_box();
        assert!(
            area.left() >= 0.0
                && area.top() >= 0.0
                && area.right() <= size.width()
                && area.bottom() <= size.height(),
            "{area:?} outside {size:?}"
        );
    }
}
