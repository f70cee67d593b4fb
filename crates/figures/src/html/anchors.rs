//! Addresses of the sections inside the page.

use crate::report::{Block, Section};

/// The sections of a page with their ids, in the order in which the page shows them.
pub(super) struct Anchors<'a>(Vec<(&'a str, String)>);

impl<'a> Anchors<'a> {
    pub(super) fn of(sections: &'a [Section]) -> Self {
        let mut anchors = Self(Vec::new());
        for section in sections {
            anchors.add(section);
        }
        anchors
    }

    fn add(&mut self, section: &'a Section) {
        let slug = slug(&section.heading);
        let taken = |id: &str| self.0.iter().any(|(_, other)| other == id);
        let mut id = slug.clone();
        let mut number = 2;
        while taken(&id) {
            id = format!("{slug}-{number}");
            number += 1;
        }
        self.0.push((&section.heading, id));
        self.add_nested(&section.blocks);
    }

    fn add_nested(&mut self, blocks: &'a [Block]) {
        for block in blocks {
            match block {
                Block::Section(section) => self.add(section),
                Block::Details { blocks, .. } => self.add_nested(blocks),
                _ => {}
            }
        }
    }

    /// The id of the section that is number `index` in the page, from 0, nested ones counted.
    pub(super) fn id(&self, index: usize) -> &str {
        self.0.get(index).map_or("", |(_, id)| id)
    }

    /// The id of the first section with this heading.
    pub(super) fn find(&self, heading: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == heading).map(|(_, id)| id.as_str())
    }
}

/// The ASCII letters and digits of a heading, in lower case, with one hyphen for everything between them.
fn slug(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    if slug.is_empty() { "section".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_headings_and_differ() {
        let section = |heading: &str, blocks| Section { heading: heading.to_owned(), blocks };
        let details = Block::Details {
            summary: String::new(),
            blocks: vec![Block::Section(section("Figure 3 (b): \"how\"", vec![]))],
        };
        let nested = Block::Section(section("Claims", vec![details]));
        let sections = [section("Claims", vec![nested]), section("µ", vec![]), section("Claims", vec![])];
        let anchors = Anchors::of(&sections);
        let ids: Vec<&str> = (0..6).map(|i| anchors.id(i)).collect();
        assert_eq!(ids, ["claims", "claims-2", "figure-3-b-how", "section", "claims-3", ""]);
        assert_eq!(anchors.find("Claims"), Some("claims"));
        assert_eq!(anchors.find("claims"), None);
    }
}
