//! Prepared copies: decoded and resized pixels with their labels in one file, which is mapped into memory.
//!
//! | bytes | what (integers little-endian) |
//! |---|---|
//! | 0..8 | `TSKSIMG` and a zero byte |
//! | 8..16 | format version; 0 for a whole, 1 for a part of the original (u32 each) |
//! | 16..32 | height, width, channels, classes (u32) |
//! | 32..56 | examples of train, validation, test (u64; all ones: no such split) |
//! | 56..72 | held-out sizes of the sampled and the fixed tasks (u64) |
//! | 72..104 | SHA-256 of the recipe: what the manifest says that decides the contents |
//! | 104..136 | SHA-256 of the listing of the original files: names and sizes |
//! | 136..168 | SHA-256 of pixels and labels |
//! | 168..200 | SHA-256 of the bytes before |
//! | 200.. | pixels, example by example; then the labels (u16) |
//!
//! A file is written under another name and renamed when complete, so that there is never half a copy, and processes
//! that prepare the same data set at once do not disturb each other: they write the same bytes, and the last one stays.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;
use sha2::{Digest, Sha256};
use taskset_names::Origin;

use crate::image::Pixels;
use crate::{Error, HeldOut, ImageData, ImageInfo, ImageShape, Manifest, SourceSizes};

const MAGIC: [u8; 8] = *b"TSKSIMG\0";
const VERSION: u32 = 1;
/// Folder of prepared copies in the data directory, unless another is named.
pub(crate) const FOLDER: &str = "prepared";
/// Bytes of the header.
const HEADER: usize = 200;

/// A SHA-256.
pub(crate) type Digest256 = [u8; 32];

/// What a prepared copy says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) info: ImageInfo,
    pub(crate) origin: Origin,
    pub(crate) recipe: Digest256,
    pub(crate) inputs: Digest256,
    pub(crate) payload: Digest256,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let ImageInfo { shape, classes, source, held_out } = self.info;
        let mut bytes = MAGIC.to_vec();
        let part = u32::from(self.origin != Origin::Real);
        let sides = [shape.height, shape.width, shape.channels, classes].map(|n| n as u32);
        for number in [VERSION, part].into_iter().chain(sides) {
            bytes.extend(number.to_le_bytes());
        }
        let split = |size: Option<usize>| size.map_or(u64::MAX, |n| n as u64);
        let sizes = [split(Some(source.train)), split(source.validation), split(source.test)];
        for number in sizes.into_iter().chain([held_out.sampled as u64, held_out.fixed as u64]) {
            bytes.extend(number.to_le_bytes());
        }
        for digest in [self.recipe, self.inputs, self.payload] {
            bytes.extend(digest);
        }
        let mut header = [0; HEADER];
        header[..bytes.len()].copy_from_slice(&bytes);
        let own: Digest256 = Sha256::digest(&header[..HEADER - 32]).into();
        header[HEADER - 32..].copy_from_slice(&own);
        header
    }

    /// # Errors
    /// Why this is no header, in words.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Err("shorter than a header".to_owned());
        };
        if header[..8] != MAGIC {
            return Err("not a prepared copy of an image data set".to_owned());
        }
        let word = |at: usize| header[at..at + 4].iter().rev().fold(0u32, |n, &b| n << 8 | u32::from(b));
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(8) != VERSION {
            return Err(format!("format version {}, this version of the program reads {VERSION}", word(8)));
        }
        let own: Digest256 = Sha256::digest(&header[..HEADER - 32]).into();
        if own != header[HEADER - 32..] {
            return Err("wrong checksum of the header".to_owned());
        }
        let size = |at: usize| usize::try_from(long(at)).map_err(|_| "impossible sizes".to_owned());
        let split = |at: usize| if long(at) == u64::MAX { Ok(None) } else { size(at).map(Some) };
        let digest = |at: usize| -> Digest256 { std::array::from_fn(|i| header[at + i]) };
        let [height, width, channels, classes] = [16, 20, 24, 28].map(|at| word(at) as usize);
        let info = ImageInfo {
            shape: ImageShape { height, width, channels },
            classes,
            source: SourceSizes { train: size(32)?, validation: split(40)?, test: split(48)? },
            held_out: HeldOut { sampled: size(56)?, fixed: size(64)? },
        };
        let origin = if word(12) == 0 { Origin::Real } else { Origin::Partial };
        Ok(Self { info, origin, recipe: digest(72), inputs: digest(104), payload: digest(136) })
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
/// number counts changes of our own code that move pixels, labels or their order.
pub(crate) fn recipe(manifest: &Manifest) -> Digest256 {
    let Manifest { name, decoder, shape, classes, source, held_out, .. } = manifest;
    let text = format!("1 {name} {decoder:?} {shape} {classes} {source:?} {held_out:?}");
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
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(io(source)),
    };
    let len = file.metadata().map_err(io)?.len();
    let mut bytes = Vec::with_capacity(HEADER);
    file.take(HEADER as u64).read_to_end(&mut bytes).map_err(io)?;
    let broken = |problem: String| Error::Cache { path: path.to_owned(), problem };
    let header = Header::parse(&bytes).map_err(broken)?;
    if header.recipe != recipe(manifest)
        || header.info.shape != manifest.shape
        || header.info.classes != manifest.classes
    {
        return Err(broken("made by another version of the program or for another data set".to_owned()));
    }
    let expected = header.payload_bytes().and_then(|(pixels, labels)| (HEADER + labels).checked_add(pixels));
    if expected.map(|n| n as u64) != Some(len) {
        return Err(broken(format!("{len} bytes, its header promises {}", expected.unwrap_or(usize::MAX))));
    }
    Ok(Some(header))
}

/// Maps a prepared copy into memory. It is not read as a whole: [`verify`] does that.
///
/// # Errors
/// As [`header`], and labels that are no classes.
pub(crate) fn open(path: &Path, manifest: &Manifest, header: &Header) -> Result<ImageData, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    // SAFETY: the map is only read, and only as bytes, of which every value is valid. Prepared copies are written under
    // another name, renamed when complete and never changed afterwards; replacing one leaves the mapped file as it is.
    // That another program truncates the file in place cannot be excluded; the system then ends this process (SIGBUS).
    let map = unsafe { Mmap::map(&file) }.map_err(io)?;
    let broken = |problem: &str| Error::Cache { path: path.to_owned(), problem: problem.to_owned() };
    let (pixels, labels) = header.payload_bytes().ok_or_else(|| broken("impossible sizes"))?;
    let range = HEADER..HEADER + pixels;
    // Between the look at the header and now, another process may have replaced the file.
    let same = Header::parse(&map).is_ok_and(|now| now == *header);
    let Some(tail) =
        map.get(range.end..range.end + labels).filter(|_| same && map.len() == range.end + labels)
    else {
        return Err(broken("it changed while it was opened"));
    };
    let labels = tail.as_chunks().0.iter().map(|&label| u16::from_le_bytes(label)).collect();
    let pixels = Pixels::Mapped { map: Arc::new(map), range };
    ImageData::assemble(manifest.name.clone(), header.info, header.origin, pixels, labels)
}

/// Compares pixels and labels with the checksum in the header.
///
/// # Errors
/// As [`open`], and a wrong checksum.
pub(crate) fn verify(path: &Path, manifest: &Manifest, header: &Header) -> Result<(), Error> {
    let data = open(path, manifest, header)?;
    let mut hash = Sha256::new();
    hash.update(data.all_pixels());
    data.labels().iter().for_each(|label| hash.update(label.to_le_bytes()));
    if header.payload != <Digest256>::from(hash.finalize()) {
        let problem = "wrong checksum of pixels and labels".to_owned();
        return Err(Error::Cache { path: path.to_owned(), problem });
    }
    Ok(())
}

/// Puts the right checksum into the header at the start of any bytes.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some(header) = bytes.first_chunk_mut::<HEADER>() {
        let own: Digest256 = Sha256::digest(&header[..HEADER - 32]).into();
        header[HEADER - 32..].copy_from_slice(&own);
    }
}

/// A prepared copy in the making. Dropped before [`finish`](Self::finish), it leaves nothing behind.
pub(crate) struct Writer {
    file: BufWriter<File>,
    temporary: PathBuf,
    target: PathBuf,
    hash: Sha256,
    finished: bool,
}

impl Writer {
    /// Starts the copy that will be `target`; makes its folder.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = target.with_extension(format!("images.{}-{number}.part", std::process::id()));
        let write = |source| Error::Write { path: temporary.clone(), source };
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(write)?;
        }
        let file = BufWriter::with_capacity(1 << 18, File::create(&temporary).map_err(write)?);
        let mut writer =
            Self { file, temporary, target: target.to_owned(), hash: Sha256::new(), finished: false };
        writer.put(&[0; HEADER])?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| Error::Write { path: self.temporary.clone(), source })
    }

    /// Appends the pixels of the next examples.
    pub(crate) fn pixels(&mut self, pixels: &[u8]) -> Result<(), Error> {
        self.hash.update(pixels);
        self.put(pixels)
    }

    /// Appends the labels, writes the header and gives the file its name. Returns the number of its bytes.
    pub(crate) fn finish(
        mut self,
        info: ImageInfo,
        origin: Origin,
        recipe: Digest256,
        inputs: Digest256,
        labels: &[u16],
    ) -> Result<u64, Error> {
        let labels: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        self.pixels(&labels)?;
        let payload = std::mem::take(&mut self.hash).finalize().into();
        let header = Header { info, origin, recipe, inputs, payload };
        let path = self.temporary.clone();
        let write = |source| Error::Write { path: path.clone(), source };
        self.file.seek(SeekFrom::Start(0)).map_err(write)?;
        self.file.write_all(&header.to_bytes()).map_err(write)?;
        self.file.flush().map_err(write)?;
        let file = self.file.get_ref();
        let bytes = file.metadata().map_err(write)?.len();
        file.sync_all().map_err(write)?;
        let renamed = fs::rename(&self.temporary, &self.target);
        renamed.map_err(|source| Error::Write { path: self.target.clone(), source })?;
        self.finished = true;
        Ok(bytes)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing can be done about a failure here, and the file disturbs nobody.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    fn manifest() -> Manifest {
        let mut manifest = crate::manifest("mnist").unwrap().clone();
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
        writer
            .finish(manifest.info(), Origin::Partial, recipe(manifest), [7; 32], &[1, 2, 3, 4, 5, 6, 9])
            .unwrap()
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
        bytes[8] = 2;
        fs::write(&target, bytes).unwrap();
        assert!(load(&target, &manifest).unwrap_err().to_string().contains("format version 2"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_damage_is_accepted(at in 0usize..298, bit in 0u8..8, cut in 0usize..298, longer: bool) {
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
            bytes[..12].copy_from_slice(b"TSKSIMG\0\x01\0\0\0");
            if sound {
                // Counts may be anything behind a right checksum.
                seal(&mut bytes);
            }
            if let Ok(header) = Header::parse(&bytes) {
                let _ = header.payload_bytes();
            }
        }
    }
}
