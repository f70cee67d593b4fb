//! Manifests of image data sets: what each is, where it comes from, and which files hold it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::Error;
use crate::images::{ImageInfo, ImageShape};
use crate::splits::{HeldOut, SourceSizes, SourceSplit};

/// One data set, as `manifests/<name>.toml` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// TaskSet's name, e.g. `imagenet_resized/16x16`.
    pub name: String,
    /// Name in words.
    pub title: String,
    /// Folder of the original files below the data directory; several data sets may be made from the same files.
    pub directory: String,
    /// Where the authors publish it.
    pub site: String,
    /// Licence, as far as the authors state one.
    pub licence: String,
    /// The publication to cite.
    pub citation: String,
    /// What is odd about this data set in TaskSet, if anything.
    #[serde(default)]
    pub notes: Option<String>,
    /// How the original files are read.
    pub decoder: Decoder,
    /// What the stand-in looks like.
    pub stand_in: StandIn,
    /// Shape of the images as tasks see them, before augmentation.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// Classes that occur among the labels, if fewer: labels are below this number.
    #[serde(default)]
    pub occurring_classes: Option<usize>,
    /// Whether every split of the source has the same number of examples of each class.
    #[serde(default)]
    pub balanced: bool,
    /// Height and width of all original pictures, if they are the same and are resized.
    #[serde(default)]
    pub original: Option<Sides>,
    /// Examples of each split of the source.
    pub source: SourceSizes,
    /// Sizes of the validation splits that are carved from the training examples.
    pub held_out: HeldOut,
    /// Folders inside the data set's folder in which the original files may lie too, as the published archive unpacks
    /// them.
    #[serde(default)]
    pub subfolders: Vec<String>,
    /// The published archive that holds the original files, if they are read from it as they are.
    #[serde(default)]
    pub archive: Option<FileSpec>,
    /// The original files.
    pub files: Vec<FileSpec>,
    /// The copy on the Hugging Face hub, if there is a good one.
    #[serde(default)]
    pub hub: Option<HubCopy>,
}

/// Height and width of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sides {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels a row.
    pub width: usize,
}

/// A copy of an image data set on the Hugging Face hub: Parquet files with encoded pictures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HubCopy {
    /// The repository, `<owner>/<name>`.
    pub repository: String,
    /// The commit, in full.
    pub revision: String,
    /// Column of the pictures: a struct whose field `bytes` is the encoded picture.
    pub image: String,
    /// Column of the labels.
    pub label: String,
    /// The files, in the order of examples; their names are paths in the repository and below the data set's folder.
    pub files: Vec<FileSpec>,
}

/// How the original files of a data set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum Decoder {
    /// IDX files of images and of labels, one pair a split.
    #[serde(rename = "idx")]
    Idx,
    /// The binary version of CIFAR-10: records of a label byte and 3072 bytes of red, green and blue planes.
    #[serde(rename = "cifar10")]
    Cifar10,
    /// The binary version of CIFAR-100: as CIFAR-10, with a coarse and a fine label, of which the fine one counts.
    #[serde(rename = "cifar100")]
    Cifar100,
    /// Food-101: `images/<class>/<number>.jpg`, classes in the order of names.
    #[serde(rename = "food101")]
    Food101,
    /// COIL-100: `obj<object>__<pose>.png`; the label is the pose / 5.
    #[serde(rename = "coil100")]
    Coil100,
    /// DeepWeeds: `<date>-<time>-<camera>.jpg`; the label is the camera.
    #[serde(rename = "deep_weeds")]
    DeepWeeds,
    /// SUN397: `SUN397/<letter>/<class>/<name>.jpg`, and a list of each split.
    #[serde(rename = "sun397")]
    Sun397,
    /// Kather's tiles: `<number>_<class>/<name>.tif`; the label is the number − 1.
    #[serde(rename = "colorectal_histology")]
    ColorectalHistology,
    /// Downsampled ImageNet: NumPy archives of `data` (planes of bytes) and `labels` (from 1).
    #[serde(rename = "imagenet_npz")]
    ImagenetNpz,
    /// This version cannot read them: [`Error::NotYetReadable`].
    #[serde(rename = "none yet")]
    NoneYet,
}

/// The look of a stand-in's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StandIn {
    /// Bright curved strokes on black, as handwritten digits are.
    Strokes,
    /// Textured grey shapes on black, as Fashion-MNIST's garments are.
    Shapes,
    /// Smooth fields that fill the image, as photographs do.
    Fields,
}

/// An original file of a data set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileSpec {
    /// Name below the data set's directory, as it is published.
    pub name: String,
    /// Where the file can be fetched.
    #[serde(default)]
    pub url: Option<String>,
    /// Name under which the unpacked file is accepted instead, if `name` is a compressed file.
    #[serde(default)]
    pub unpacked: Option<String>,
    /// Size in bytes of the file as published, where known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Size of the file as published, roughly, where the exact one is not known. What is far smaller cannot be the original.
    #[serde(default)]
    pub about_bytes: Option<u64>,
    /// SHA-256 in hexadecimal of the file as published, where known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// SHA-256 in hexadecimal of the unpacked contents, if `name` is a compressed file and where known.
    #[serde(default)]
    pub unpacked_sha256: Option<String>,
    /// Source split that the file belongs to, if it belongs to one.
    #[serde(default)]
    pub split: Option<SourceSplit>,
    /// What the file holds, if it is only a part of the examples of its split.
    #[serde(default)]
    pub part: Option<Part>,
}

/// What a file holds of the examples of its split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Their images.
    Images,
    /// Their labels.
    Labels,
}

impl FileSpec {
    /// Size of the file as published, roughly; 0 where nothing is known.
    pub(crate) fn about_bytes(&self) -> u64 {
        self.bytes.or(self.about_bytes).unwrap_or(0)
    }
}

impl Manifest {
    /// Shape, classes and sizes.
    pub fn info(&self) -> ImageInfo {
        ImageInfo { shape: self.shape, classes: self.classes, source: self.source, held_out: self.held_out }
    }

    /// The folder of this data set's files below the data directory `root`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.directory)
    }
}

/// The embedded manifests, images only.
const TEXTS: [&str; 12] = [
    include_str!("../../manifests/mnist.toml"),
    include_str!("../../manifests/fashion_mnist.toml"),
    include_str!("../../manifests/cifar10.toml"),
    include_str!("../../manifests/cifar100.toml"),
    include_str!("../../manifests/food101_32x32.toml"),
    include_str!("../../manifests/food101_64x64.toml"),
    include_str!("../../manifests/coil100_32x32.toml"),
    include_str!("../../manifests/deep_weeds_32x32.toml"),
    include_str!("../../manifests/sun397_32x32.toml"),
    include_str!("../../manifests/imagenet_resized_32x32.toml"),
    include_str!("../../manifests/imagenet_resized_16x16.toml"),
    include_str!("../../manifests/colorectal_histology_32x32.toml"),
];

/// All data sets.
#[expect(clippy::missing_panics_doc, reason = "the embedded manifests are constants, and a test parses them")]
pub fn manifests() -> &'static [Manifest] {
    static MANIFESTS: OnceLock<Vec<Manifest>> = OnceLock::new();
    MANIFESTS.get_or_init(|| {
        let parse = |text: &&str| toml::from_str(text).expect("embedded manifests parse, a test checks it");
        TEXTS.iter().map(parse).collect()
    })
}

/// The data set with this name.
///
/// # Errors
/// [`Error::UnknownDataset`] with the nearest known name.
pub fn manifest(name: &str) -> Result<&'static Manifest, Error> {
    manifests().iter().find(|m| m.name == name).ok_or_else(|| super::unknown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_manifests_parse() {
        for text in TEXTS {
            let manifest: Result<Manifest, _> = toml::from_str(text);
            assert!(manifest.is_ok(), "{}\n{text}", manifest.unwrap_err());
        }
    }
}
