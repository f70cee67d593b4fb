//! Prepared copies of images: decoded and resized pixels with their labels in one file, which is mapped into memory.
//!
//! Fields of the header, and the payload of the file (`sealed/mod.rs` has the rest):
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 12..16 | 0 for a whole, 1 for a part of the original (u32) |
//! | 16..32 | height, width, channels, classes (u32) |
//! | 32..56 | examples of train, validation, test (u64; all ones: no such split) |
//! | 56..72 | held-out sizes of the sampled and the fixed tasks (u64) |
//! | 72..104 | SHA-256 of the recipe: what the manifest says that decides the contents |
//! | 104..136 | SHA-256 of the listing of the original files: names, sizes and modification times |
//! | 136..168 | SHA-256 of the same with the times of change that the system tells (`originals.rs`) |
//! | 168..200 | SHA-256 of the names and contents of the original files |
//! | 264.. | pixels, example by example; then the labels (u16): the body of their digest (`digest.rs`) |

use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use taskset_names::Origin;

use crate::buffer::{Buffer, Number as _};
use crate::images::{ImageInfo, ImageShape};
use crate::manifest::Manifest;
use crate::prepared::originals::{Listing, Originals};
use crate::prepared::sealed::{self, Digest256, HEADER, Kind, Mapped, Place};
use crate::splits::{HeldOut, SourceSizes};
use crate::{Error, ImageData};

const KIND: Kind = Kind { magic: *b"TSKSIMG\0", version: 3, name: "an image data set" };

/// What a prepared copy says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) info: ImageInfo,
    pub(crate) origin: Origin,
    pub(crate) recipe: Digest256,
    pub(crate) inputs: Digest256,
    pub(crate) originals: Originals,
    pub(crate) payload: Digest256,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let ImageInfo { shape, classes, source, held_out } = self.info;
        let mut bytes = u32::from(self.origin != Origin::Real).to_le_bytes().to_vec();
        let sides = [shape.height, shape.width, shape.channels, classes].map(|n| n as u32);
        bytes.extend(sides.iter().flat_map(|number| number.to_le_bytes()));
        let split = |size: Option<usize>| size.map_or(u64::MAX, |n| n as u64);
        let sizes = [split(Some(source.train)), split(source.validation), split(source.test)];
        for number in sizes.into_iter().chain([held_out.sampled as u64, held_out.fixed as u64]) {
            bytes.extend(number.to_le_bytes());
        }
        let Originals { times, contents } = self.originals;
        bytes.extend([self.recipe, self.inputs, times, contents].as_flattened());
        KIND.header(&bytes, &self.payload)
    }

    /// # Errors
    /// Why this is no header, in words.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields = KIND.parse(bytes)?;
        let split =
            |at: usize| if fields.long(at) == u64::MAX { Ok(None) } else { fields.size(at).map(Some) };
        let [height, width, channels, classes] = [16, 20, 24, 28].map(|at| fields.word(at) as usize);
        let info = ImageInfo {
            shape: ImageShape { height, width, channels },
            classes,
            source: SourceSizes { train: fields.size(32)?, validation: split(40)?, test: split(48)? },
            held_out: HeldOut { sampled: fields.size(56)?, fixed: fields.size(64)? },
        };
        let origin = if fields.word(12) == 0 { Origin::Real } else { Origin::Partial };
        let [recipe, inputs, times, contents] = [72, 104, 136, 168].map(|at| fields.digest(at));
        let originals = Originals { times, contents };
        Ok(Self { info, origin, recipe, inputs, originals, payload: fields.payload() })
    }

    /// Whether the copy was made from these original files.
    ///
    /// # Errors
    /// One of them cannot be read, where that is needed to know it.
    pub(crate) fn is_of(&self, now: &Listing) -> Result<bool, Error> {
        Ok(now.named == self.inputs && now.is(&self.originals)?)
    }

    /// Bytes of pixels and of labels, if they can be counted at all.
    fn payload_bytes(&self) -> Option<(usize, usize)> {
        let ImageInfo { shape, source, .. } = self.info;
        let others = [source.validation, source.test].map(|size| size.unwrap_or(0));
        let total = others.iter().try_fold(source.train, |sum, &n| sum.checked_add(n))?;
        let image = shape.height.checked_mul(shape.width)?.checked_mul(shape.channels)?;
        Some((total.checked_mul(image)?, total.checked_mul(2)?))
    }
}

/// What the manifest says that decides the contents of a prepared copy; a change of it makes copies useless. The first
/// number counts changes of our own code that move pixels, labels or their order, or that judge otherwise whether files are
/// all of a data set.
pub(crate) fn recipe(manifest: &Manifest) -> Digest256 {
    let Manifest { name, decoder, shape, classes, source, held_out, .. } = manifest;
    let text = format!("2 {name} {decoder:?} {shape} {classes} {source:?} {held_out:?}");
    Sha256::digest(text).into()
}

/// The file of a data set's prepared copy.
pub(crate) fn path(cache: &Path, manifest: &Manifest) -> PathBuf {
    cache.join(format!("{}.images", manifest.name.replace('/', "-")))
}

/// Reads only the header of a prepared copy. None if there is no such file.
///
/// # Errors
/// A failure of the system, or a file that is no prepared copy of this data set, as this version makes it.
pub(crate) fn header(path: &Path, manifest: &Manifest) -> Result<Option<Header>, Error> {
    let place = Place::new(path, &manifest.name);
    let Some((bytes, length)) = place.begin()? else { return Ok(None) };
    let header = Header::parse(&bytes).map_err(|problem| place.broken(problem))?;
    if header.recipe != recipe(manifest)
        || header.info.shape != manifest.shape
        || header.info.classes != manifest.classes
    {
        return Err(place.broken("made by another version of the program or for another data set"));
    }
    if header.origin == Origin::Real && header.info != manifest.info() {
        return Err(place.broken("it claims to be whole, but has other sizes than the data set"));
    }
    let promised = header.payload_bytes().and_then(|(pixels, labels)| (HEADER + labels).checked_add(pixels));
    place.check_length(length, promised)?;
    Ok(Some(header))
}

/// Maps a prepared copy into memory. Pixels and labels are compared with the checksum in the header, unless this process has
/// done so for the file as it is.
///
/// # Errors
/// As [`header`]; a wrong checksum; labels that are no classes.
pub(crate) fn open(path: &Path, manifest: &Manifest, header: &Header) -> Result<ImageData, Error> {
    read(Place::new(path, &manifest.name), header, Mapped::verify_once)
}

/// Compares pixels and labels with the checksum in the header, whatever is known of them.
///
/// # Errors
/// As [`open`].
pub(crate) fn verify(path: &Path, manifest: &Manifest, header: &Header) -> Result<(), Error> {
    read(Place::new(path, &manifest.name), header, Mapped::verify).map(|_| ())
}

fn read(
    place: Place<'_>,
    header: &Header,
    verify: impl FnOnce(&Mapped, Place<'_>, Range<usize>, &Digest256) -> Result<(), Error>,
) -> Result<ImageData, Error> {
    let map = place.map()?;
    let (pixels, labels) = header.payload_bytes().ok_or_else(|| place.broken("impossible sizes"))?;
    let (range, end) = (HEADER..HEADER + pixels, HEADER + pixels + labels);
    // Between the look at the header and now, another process may have replaced the file.
    let same = Header::parse(&map.bytes).is_ok_and(|now| now == *header) && map.bytes.len() == end;
    let pixels = Buffer::mapped(&map.bytes, range.clone()).filter(|_| same);
    let pixels = pixels.ok_or_else(|| place.broken("it changed while it was opened"))?;
    verify(&map, place, HEADER..end, &header.payload)?;
    let labels = u16::read(&map.bytes[range.end..]);
    let data = ImageData::assemble(place.name().to_owned(), header.info, header.origin, pixels, labels)?;
    Ok(data.with_body(header.payload))
}

/// Writes a sound copy anew, with other records of its originals.
pub(crate) fn renew(
    path: &Path,
    manifest: &Manifest,
    header: &Header,
    originals: Originals,
) -> Result<(), Error> {
    let map = Place::new(path, &manifest.name).map()?;
    let mut writer = sealed::Writer::create(path)?;
    writer.put(map.bytes.get(HEADER..).unwrap_or_default())?;
    // With the old checksum: what was damaged meanwhile stays so.
    writer.finish(|_| Header { originals, ..header.clone() }.to_bytes()).map(|_| ())
}

/// A prepared copy in the making. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub(crate) struct Writer(sealed::Writer);

impl Writer {
    /// Starts the copy that will be `target`; makes its folder.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        sealed::Writer::create(target).map(Self)
    }

    /// Appends the pixels of the next examples.
    pub(crate) fn pixels(&mut self, pixels: &[u8]) -> Result<(), Error> {
        self.0.put(pixels)
    }

    /// Appends the labels, writes the header and gives the file its name. Returns the number of its bytes.
    /// The header's checksum of the payload is not looked at.
    pub(crate) fn finish(mut self, header: Header, labels: &[u16]) -> Result<u64, Error> {
        self.0.put(&u16::write(labels))?;
        self.0.finish(|&payload| Header { payload, ..header }.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    fn manifest() -> Manifest {
        let mut manifest = crate::manifest::manifest("mnist").unwrap().clone();
        manifest.shape = ImageShape { height: 2, width: 2, channels: 3 };
        manifest.source = SourceSizes { train: 5, validation: None, test: Some(2) };
        manifest.held_out = HeldOut { sampled: 2, fixed: 1 };
        manifest
    }

    fn write(target: &Path, manifest: &Manifest) -> u64 {
        let mut writer = Writer::create(target).unwrap();
        let pixels: Vec<u8> = (0..7 * 12).collect();
        writer.pixels(&pixels[..30]).unwrap();
        writer.pixels(&pixels[30..]).unwrap();
        let header = Header {
            info: manifest.info(),
            origin: Origin::Partial,
            recipe: recipe(manifest),
            inputs: [7; 32],
            originals: Originals { times: [8; 32], contents: [9; 32] },
            payload: [0; 32],
        };
        writer.finish(header, &[1, 2, 3, 4, 5, 6, 9]).unwrap()
    }

    fn load(path: &Path, manifest: &Manifest) -> Result<ImageData, Error> {
        let header = header(path, manifest)?.expect("the file is there");
        verify(path, manifest, &header)?;
        open(path, manifest, &header)
    }

    #[test]
    fn what_is_written_is_read() {
        let (root, manifest) = (TempDir::new().unwrap(), manifest());
        let target = path(&root.path().join("new/folder"), &manifest);
        assert!(header(&target, &manifest).unwrap().is_none());
        assert_eq!(write(&target, &manifest), HEADER as u64 + 84 + 14);
        let data = load(&target, &manifest).unwrap();
        assert_eq!((data.labels(), data.origin()), (&[1, 2, 3, 4, 5, 6, 9][..], Origin::Partial));
        assert_eq!((data.info(), data.pixels(6)[11]), (&manifest.info(), 83));
        // An open copy outlives its replacement.
        write(&target, &manifest);
        assert_eq!(data.pixels(0)[3], 3);
        let names = fs::read_dir(target.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "nothing is left behind");
    }

    #[test]
    fn an_abandoned_copy_leaves_nothing() {
        let (root, manifest) = (TempDir::new().unwrap(), manifest());
        let mut writer = Writer::create(&path(root.path(), &manifest)).unwrap();
        writer.pixels(&[1; 100]).unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn many_writers_at_once_leave_a_whole_copy() {
        let (root, manifest) = (TempDir::new().unwrap(), manifest());
        let target = path(root.path(), &manifest);
        write(&target, &manifest);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..4).for_each(|_| _ = write(&target, &manifest)));
                scope.spawn(|| (0..10).for_each(|_| assert!(load(&target, &manifest).is_ok())));
            }
        });
    }

    #[test]
    fn copies_of_other_data_sets_and_versions_are_refused() {
        let (root, manifest) = (TempDir::new().unwrap(), manifest());
        let target = path(root.path(), &manifest);
        write(&target, &manifest);
        let mut other = manifest.clone();
        other.classes = 11;
        assert!(load(&target, &other).unwrap_err().to_string().contains("another version"));
        let mut bytes = fs::read(&target).unwrap();
        bytes[8] = 1;
        fs::write(&target, bytes).unwrap();
        assert!(load(&target, &manifest).unwrap_err().to_string().contains("format version 1"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_damage_is_accepted(at in 0usize..362, bit in 0u8..8, cut in 0usize..362, longer: bool) {
            let (root, manifest) = (TempDir::new().unwrap(), manifest());
            let target = path(root.path(), &manifest);
            // Written once: a copy that is finished has reached the disk, which takes long.
            static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
            let good = GOOD.get_or_init(|| {
                write(&target, &manifest);
                fs::read(&target).unwrap()
            });
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            fs::write(&target, &bytes).unwrap();
            prop_assert!(load(&target, &manifest).is_err(), "byte {}", at);
            let bytes = if longer { [&good[..], &[0]].concat() } else { good[..cut].to_vec() };
            fs::write(&target, &bytes).unwrap();
            prop_assert!(load(&target, &manifest).is_err(), "{} bytes", bytes.len());
        }

        #[test]
        fn any_header_is_parsed_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), HEADER), sound: bool) {
            bytes[..12].copy_from_slice(b"TSKSIMG\0\x03\0\0\0");
            if sound {
                // Counts may be anything behind a right checksum.
                sealed::seal(&mut bytes);
            }
            if let Ok(header) = Header::parse(&bytes) {
                let _ = header.payload_bytes();
            }
        }
    }
}
