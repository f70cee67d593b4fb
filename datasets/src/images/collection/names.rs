//! What the path of a picture says: whether it belongs to a data set, which example it is, and its label.

use crate::formats::container;
use crate::manifest::{Decoder, Manifest};

/// What the name of a file says of an example.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The same for a picture wherever it lies; the order of keys is the order of examples.
    pub(super) key: String,
    pub(super) label: Label,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Label {
    Number(u16),
    /// A class by its name; classes are numbered in the order of names.
    Class(String),
}

/// What a file is by its path, or none if it is no picture of the data set.
///
/// # Errors
/// A file that looks like a picture of the data set, but whose name breaks the rule; why, in words.
pub(super) fn item(decoder: Decoder, path: &str) -> Result<Option<Item>, String> {
    let parts: Vec<&str> = path.split('/').collect();
    let file = parts[parts.len() - 1];
    let Some((stem, extension)) = file.rsplit_once('.') else { return Ok(None) };
    let of_kind = |wanted: &str| extension.eq_ignore_ascii_case(wanted) && !container::is_hidden(path);
    let number = |label: u16, key: &str| Ok(Some(Item { key: key.to_owned(), label: Label::Number(label) }));
    match decoder {
        Decoder::Food101 => match parts[..] {
            [.., "images", class, _] if of_kind("jpg") => {
                Ok(Some(Item { key: format!("{class}/{file}"), label: Label::Class(class.to_owned()) }))
            }
            _ => Ok(None),
        },
        Decoder::Coil100 if of_kind("png") && stem.starts_with("obj") => {
            // QUIRK-6: the pose is the label, not the object.
            let pose = stem.split_once("__").and_then(|(_, pose)| pose.parse::<u16>().ok());
            match pose.filter(|pose| pose % 5 == 0 && *pose < 360) {
                Some(pose) => number(pose / 5, file),
                None => {
                    Err("the name must be obj<number>__<pose>.png with a pose of 0, 5, …, 355".to_owned())
                }
            }
        }
        Decoder::DeepWeeds if of_kind("jpg") => {
            // QUIRK-7: the last number is the camera, not the species.
            match stem.rsplit_once('-').and_then(|(_, camera)| camera.parse::<u16>().ok()) {
                Some(camera) => number(camera, file),
                None => Err("the name must end in a hyphen and a number".to_owned()),
            }
        }
        Decoder::ColorectalHistology if of_kind("tif") => match parts[..] {
            [.., folder, _] => match folder.split_once('_').and_then(|(n, _)| n.parse::<u16>().ok()) {
                Some(class @ 1..) => number(class - 1, &format!("{folder}/{file}")),
                // Larger pictures of the same publication lie in folders of other names.
                _ => Ok(None),
            },
            _ => Ok(None),
        },
        Decoder::Sun397 => match parts.iter().position(|&part| part == "SUN397") {
            Some(root) if of_kind("jpg") && parts.len() > root + 2 => {
                let class = format!("/{}", parts[root + 1..parts.len() - 1].join("/"));
                Ok(Some(Item { key: format!("{class}/{file}"), label: Label::Class(class) }))
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Whether a file is a picture of the data set, by its path in the data set's folder.
pub(crate) fn is_picture(manifest: &Manifest, path: &str) -> bool {
    matches!(item(manifest.decoder, path), Ok(Some(_)) | Err(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_example_a_file_is() {
        let check = |decoder, path: &str, expected: Option<(&str, Label)>| {
            let expected = expected.map(|(key, label)| Item { key: key.to_owned(), label });
            assert_eq!(item(decoder, path), Ok(expected), "{path}");
        };
        let class = |name: &str| Label::Class(name.to_owned());
        check(Decoder::Food101, "food-101/images/waffles/12.jpg", Some(("waffles/12.jpg", class("waffles"))));
        check(Decoder::Food101, "food-101/images/waffles/._12.jpg", None);
        check(Decoder::Food101, "food-101/meta/classes.txt", None);
        check(Decoder::Coil100, "coil-100/obj7__355.png", Some(("obj7__355.png", Label::Number(71))));
        check(Decoder::Coil100, "coil-100/convertGroupppm2png.pl", None);
        check(
            Decoder::DeepWeeds,
            "images/20160928-140314-3.jpg",
            Some(("20160928-140314-3.jpg", Label::Number(3))),
        );
        let tile = "Kather_texture_2016_image_tiles_5000/08_EMPTY/a_Row_1.tif";
        check(Decoder::ColorectalHistology, tile, Some(("08_EMPTY/a_Row_1.tif", Label::Number(7))));
        let abbey = "x/SUN397/c/church/outdoor/sun_a.jpg";
        check(Decoder::Sun397, abbey, Some(("/c/church/outdoor/sun_a.jpg", class("/c/church/outdoor"))));
        check(Decoder::Sun397, "SUN397/README.txt", None);
        for (decoder, path) in [
            (Decoder::Coil100, "obj7__7.png"),
            (Decoder::Coil100, "obj7__360.png"),
            (Decoder::Coil100, "obj7.png"),
            (Decoder::DeepWeeds, "images/nameless.jpg"),
        ] {
            assert!(item(decoder, path).is_err(), "{path}");
        }
    }
}
