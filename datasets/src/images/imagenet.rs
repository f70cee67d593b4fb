//! Downsampled ImageNet: NumPy archives, as published in ZIP files or unpacked from them.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use crate::formats::container;
use crate::formats::npz::{self, Values};
use crate::formats::zip::Zip;
use crate::images::cifar::interleave;
use crate::manifest::{FileSpec, Manifest};
use crate::{Error, files};

/// Largest archive of one batch, and largest array in it: a tenth of the training images at 32×32 has 394 MB.
const MAX_BATCH: u64 = 1 << 30;

/// Takes the pixels and labels of some images.
pub(crate) type VisitImages<'a> = dyn FnMut(&[u8], &[u16]) -> Result<(), Error> + 'a;

/// Where the batches of a split are.
pub(crate) enum Batches {
    /// In a ZIP file as published.
    Zip(PathBuf),
    /// As files in a folder.
    Files(Vec<PathBuf>),
}

impl Batches {
    /// Looks for the ZIP file of a manifest, then for a folder of its name without `.zip`. None if neither is there.
    pub(crate) fn find(root: &Path, manifest: &Manifest, spec: &FileSpec) -> Result<Option<Self>, Error> {
        if let Some(file) = files::locate(root, manifest, spec)? {
            return Ok(Some(Self::Zip(file.path)));
        }
        let mut found = Vec::new();
        container::walk(
            &manifest.folder(root).join(spec.name.trim_end_matches(".zip")),
            &mut |name, path| {
                if name.ends_with(".npz") {
                    found.push(path.to_owned());
                }
                Ok(())
            },
        )?;
        found.sort_by_key(|path| order(&path.to_string_lossy()));
        Ok((!found.is_empty()).then_some(Self::Files(found)))
    }

    /// The files on disk.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Zip(path) => std::slice::from_ref(path),
            Self::Files(paths) => paths,
        }
    }

    /// Hands over the pixels (height × width × channels) and labels (from 0) of every batch, in the order of the
    /// batches' numbers. No more than one batch is in memory.
    pub(crate) fn read(&self, manifest: &Manifest, visit: &mut VisitImages<'_>) -> Result<(), Error> {
        match self {
            Self::Files(paths) => paths.iter().try_for_each(|path| {
                let zip = open(path)?;
                batch(manifest, path, zip, visit)
            }),
            Self::Zip(path) => {
                let mut outer = open(path)?;
                let mut entries = outer.entries.clone();
                entries.retain(|entry| entry.name.ends_with(".npz") && !container::is_hidden(&entry.name));
                entries.sort_by_key(|entry| order(&entry.name));
                for entry in entries {
                    let inner_path = path.join(&entry.name);
                    let failed = |e: crate::formats::zip::ZipError| Error::Corrupt {
                        path: inner_path.clone(),
                        offset: e.offset,
                        problem: e.problem,
                    };
                    let bytes = outer.read(&entry, MAX_BATCH).map_err(failed)?;
                    let inner = Zip::open(Cursor::new(bytes)).map_err(failed)?;
                    batch(manifest, &inner_path, inner, visit)?;
                }
                Ok(())
            }
        }
    }
}

/// `train_data_batch_10.npz` comes after `train_data_batch_9.npz`.
fn order(name: &str) -> (u64, String) {
    let stem = name.trim_end_matches(".npz");
    let digits =
        stem.rfind(|c: char| !c.is_ascii_digit()).map_or(stem, |at| stem.get(at + 1..).unwrap_or(""));
    (digits.parse().unwrap_or(0), name.to_owned())
}

fn open(path: &Path) -> Result<Zip<BufReader<File>>, Error> {
    let file =
        taskset_files::open_regular(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Zip::open(BufReader::new(file)).map_err(|e| Error::Corrupt {
        path: path.to_owned(),
        offset: e.offset,
        problem: e.problem,
    })
}

/// One batch: `data` is [n, 3·height·width], planes of bytes; `labels` is [n], from 1.
fn batch<R: std::io::Read + std::io::Seek>(
    manifest: &Manifest,
    path: &Path,
    mut zip: Zip<R>,
    visit: &mut VisitImages<'_>,
) -> Result<(), Error> {
    let malformed = |offset: u64, problem: String| Error::Corrupt { path: path.to_owned(), offset, problem };
    let mut array =
        |name: &str| npz::member(&mut zip, name, MAX_BATCH).map_err(|(at, problem)| malformed(at, problem));
    let labels = match array("labels")?.values {
        Values::I64(labels) => labels,
        Values::U8(labels) => labels.into_iter().map(i64::from).collect(),
    };
    let classes = manifest.classes as i64;
    let number = |(i, &label): (usize, &i64)| match label {
        label if (1..=classes).contains(&label) => Ok((label - 1) as u16),
        label => {
            Err(malformed(0, format!("array `labels`: value {i} is {label}, labels are 1 to {classes}")))
        }
    };
    let labels: Vec<u16> = labels.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    let data = array("data")?;
    let size = manifest.shape.len();
    let Values::U8(planes) = data.values else {
        return Err(malformed(0, "array `data` has larger numbers, bytes (`u1`) are expected".to_owned()));
    };
    if data.shape != [labels.len(), size] {
        let problem = format!("array `data` has shape {:?}, expected [{}, {size}]", data.shape, labels.len());
        return Err(malformed(0, problem));
    }
    let mut pixels = Vec::with_capacity(1024 * size);
    for (images, labels) in planes.chunks(1024 * size).zip(labels.chunks(1024)) {
        pixels.clear();
        images.chunks_exact(size).for_each(|image| interleave(image, &mut pixels));
        visit(&pixels, labels)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::formats::npz::tests::npy;
    use crate::formats::zip::tests::archive;
    use crate::images::ImageShape;
    use crate::splits::{HeldOut, SourceSizes};

    /// ImageNet of 2×1 pixels and 3 classes: 11 training batches of one image, one validation batch of two.
    pub(crate) fn tiny() -> Manifest {
        let mut manifest = crate::manifest::manifest("imagenet_resized/16x16").unwrap().clone();
        manifest.shape = ImageShape { height: 2, width: 1, channels: 3 };
        manifest.classes = 3;
        manifest.source = SourceSizes { train: 11, validation: Some(2), test: None };
        manifest.held_out = HeldOut { sampled: 2, fixed: 2 };
        manifest.files.iter_mut().for_each(|file| (file.bytes, file.sha256) = (None, None));
        manifest
    }

    pub(crate) fn npz(data: &[u8], labels: &[u8]) -> Vec<u8> {
        let n = labels.len();
        let long: Vec<u8> = labels.iter().flat_map(|&l| [l, 0, 0, 0, 0, 0, 0, 0]).collect();
        let files = [
            ("data.npy", npy("|u1", &format!("{n}, {}", data.len() / n.max(1)), data)),
            ("labels.npy", npy("<i8", &format!("{n},"), &long)),
            ("mean.npy", npy("<f8", "1,", &[0; 8])),
        ];
        archive(&files.each_ref().map(|(name, bytes)| (*name, &bytes[..])), false)
    }

    /// Writes the data set, packed or unpacked.
    pub(crate) fn place(root: &Path, manifest: &Manifest, packed: bool) {
        let folder = manifest.folder(root);
        let train: Vec<(String, Vec<u8>)> = (1..=11)
            .map(|n: u8| (format!("train_data_batch_{n}.npz"), npz(&[n, 1, 2, 3, 4, 5], &[n % 3 + 1])))
            .collect();
        let validation = vec![("val_data.npz".to_owned(), npz(&[50; 12], &[1, 2]))];
        for (spec, batches) in manifest.files.iter().zip([train, validation]) {
            let stem = spec.name.trim_end_matches(".zip");
            fs::create_dir_all(folder.join(stem)).unwrap();
            if packed {
                let names: Vec<String> = batches.iter().map(|(name, _)| format!("{stem}/{name}")).collect();
                let files: Vec<(&str, &[u8])> =
                    names.iter().zip(&batches).map(|(name, (_, bytes))| (&name[..], &bytes[..])).collect();
                fs::write(folder.join(&spec.name), archive(&files, true)).unwrap();
            } else {
                batches
                    .iter()
                    .for_each(|(name, bytes)| fs::write(folder.join(stem).join(name), bytes).unwrap());
            }
        }
    }

    #[test]
    fn batches_come_in_the_order_of_their_numbers() {
        for packed in [true, false] {
            let (root, manifest) = (TempDir::new().unwrap(), tiny());
            place(root.path(), &manifest, packed);
            if !packed {
                // What macOS leaves beside files on other file systems.
                let folder =
                    manifest.folder(root.path()).join(manifest.files[0].name.trim_end_matches(".zip"));
                fs::write(folder.join("._train_data_batch_1.npz"), b"\0\x05\x16\x07\0\x02\0\0Mac OS X")
                    .unwrap();
            }
            let batches = Batches::find(root.path(), &manifest, &manifest.files[0]).unwrap().unwrap();
            assert_eq!(batches.paths().len(), if packed { 1 } else { 11 });
            let (mut first, mut all_labels) = (Vec::new(), Vec::new());
            batches
                .read(&manifest, &mut |pixels, labels| {
                    // Planes [n, 1], [2, 3], [4, 5] become pixels.
                    assert_eq!(pixels[1..], [2, 4, 1, 3, 5]);
                    first.push(pixels[0]);
                    all_labels.extend_from_slice(labels);
                    Ok(())
                })
                .unwrap();
            assert_eq!(first, (1..=11).collect::<Vec<u8>>());
            assert_eq!(all_labels, (1..=11).map(|n| n % 3).collect::<Vec<u16>>());
        }
    }

    #[test]
    fn hidden_members_of_an_archive_are_no_batches() {
        let (root, manifest) = (TempDir::new().unwrap(), tiny());
        let path = root.path().join("batches.zip");
        let good = npz(&[7, 1, 2, 3, 4, 5], &[1]);
        let files: [(&str, &[u8]); 3] =
            [("__MACOSX/b/._b_1.npz", b"Mac OS X"), ("b/b_1.npz", &good), ("b/._b_1.npz", b"Mac OS X")];
        fs::write(&path, archive(&files, true)).unwrap();
        let mut labels = Vec::new();
        Batches::Zip(path)
            .read(&manifest, &mut |_, some| {
                labels.extend_from_slice(some);
                Ok(())
            })
            .unwrap();
        assert_eq!(labels, [0]);
    }

    #[test]
    fn batches_of_another_machine_are_read() {
        let (root, path) = (TempDir::new().unwrap(), "b.npz");
        let path = root.path().join(path);
        let data = npy(">u1", "1, 6", &[7, 1, 2, 3, 4, 5]);
        let files: [(&str, &[u8]); 2] =
            [("data.npy", &data), ("labels.npy", &npy(">i8", "1,", &[0, 0, 0, 0, 0, 0, 0, 3]))];
        fs::write(&path, archive(&files, true)).unwrap();
        let mut read = Vec::new();
        Batches::Files(vec![path])
            .read(&tiny(), &mut |pixels, labels| {
                read.push((pixels.to_vec(), labels.to_vec()));
                Ok(())
            })
            .unwrap();
        assert_eq!(read, [(vec![7, 2, 4, 1, 3, 5], vec![2])]);
    }

    #[test]
    fn wrong_batches_are_refused() {
        let check = |bytes: Vec<u8>, word: &str| {
            let root = TempDir::new().unwrap();
            let path = root.path().join("b.npz");
            fs::write(&path, bytes).unwrap();
            let batches = Batches::Files(vec![path]);
            let message = batches.read(&tiny(), &mut |_, _| Ok(())).unwrap_err().to_string();
            assert!(message.contains("b.npz") && message.contains(word), "`{word}` is not in: {message}");
        };
        check(npz(&[0; 6], &[0]), "value 0 is 0, labels are 1 to 3");
        check(npz(&[0; 12], &[1, 4]), "value 1 is 4");
        check(npz(&[0; 5], &[1]), "expected [1, 6]");
        check(b"PK".to_vec(), "not a ZIP");
        let pickle = npy("|O", "1,", b"\x80\x03.");
        check(archive(&[("labels.npy", &pickle)], false), "pickle");
        check(archive(&[("labels.npy", &npy("<i8", "0,", &[]))], false), "no array `data`");
    }
}
