//! Tests of collections: pictures in folders and archives, prepared and loaded.

use std::fs;
use std::path::{Path, PathBuf};

use taskset_names::Origin;
use tempfile::TempDir;

use super::*;
use crate::formats::zip;
use crate::images::picture::tests::png;
use crate::images::resize_cubic;
use crate::images::{ImageShape, load};
use crate::manifest::{Sides, manifest};
use crate::prepared::make_images::prepare_manifest;
use crate::prepared::make_images::tests::{change, how};
use crate::splits::{HeldOut, SourceSizes};

/// COIL-100 of six pictures of 5×4, resized to 3×3.
fn coil(root: &Path) -> Manifest {
    let mut manifest = manifest("coil100_32x32").unwrap().clone();
    manifest.shape = ImageShape { height: 3, width: 3, channels: 3 };
    manifest.source = SourceSizes { train: 6, validation: None, test: None };
    manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
    (manifest.original, manifest.balanced) = (None, false);
    manifest.files.iter_mut().for_each(|file| (file.bytes, file.sha256) = (None, None));
    let folder = manifest.folder(root).join("coil-100");
    fs::create_dir_all(&folder).unwrap();
    for (i, name) in NAMES.iter().enumerate() {
        fs::write(folder.join(name), png(&pixels(i), 4, 5)).unwrap();
    }
    fs::write(folder.join("readme.txt"), "no picture").unwrap();
    manifest
}

/// In the order of keys.
const NAMES: [&str; 6] =
    ["obj1__0.png", "obj1__10.png", "obj1__355.png", "obj2__0.png", "obj2__5.png", "obj3__180.png"];

fn pixels(i: usize) -> Vec<u8> {
    (0..60).map(|k| (k * 7 + i * 40) as u8).collect()
}

fn resized(i: usize) -> Vec<u8> {
    let mut out = Vec::new();
    resize_cubic(&pixels(i), ImageShape { height: 5, width: 4, channels: 3 }, 3, 3, &mut out);
    out
}

#[test]
fn pictures_in_a_folder_or_an_archive_give_the_same_copy() {
    let (root, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let manifest = coil(root.path());
    // The same pictures in an archive, in another order.
    let encoded: Vec<(String, Vec<u8>)> =
        [3, 0, 5, 1, 4, 2].map(|i: usize| (format!("coil-100/{}", NAMES[i]), png(&pixels(i), 4, 5))).into();
    let files: Vec<(&str, &[u8])> = encoded.iter().map(|(name, bytes)| (&name[..], &bytes[..])).collect();
    fs::create_dir_all(manifest.folder(other.path())).unwrap();
    fs::write(manifest.folder(other.path()).join("coil-100.zip"), zip::tests::archive(&files, true)).unwrap();
    let mut digests = Vec::new();
    for root in [&root, &other] {
        let cache = root.path().join("cache");
        let done = prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
        assert_eq!((done.examples, done.origin), (6, Origin::Real));
        let data = load::images(root.path(), &cache, &manifest, false).unwrap();
        assert_eq!(data.labels(), [0, 2, 71, 0, 1, 36]);
        (0..6).for_each(|i| assert_eq!(data.pixels(i), resized(i as usize)));
        digests.push(data.digest());
    }
    assert_eq!(digests[0], digests[1]);
    // A picture that was replaced by another of the same size, in a folder.
    change(&manifest.folder(root.path()).join("coil-100").join(NAMES[4]), 0);
    let stale = load::images(root.path(), &root.path().join("cache"), &manifest, false);
    assert!(matches!(stale, Err(Error::NotPrepared { .. })), "{stale:?}");
}

#[test]
fn missing_broken_and_surplus_pictures_are_told() {
    let root = TempDir::new().unwrap();
    let manifest = coil(root.path());
    let (folder, cache) = (manifest.folder(root.path()).join("coil-100"), root.path().join("cache"));
    let fails = |partial, words: &[&str]| {
        let error = prepare_manifest(root.path(), &manifest, &cache, &how(partial)).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {error}"));
        assert_eq!(fs::read_dir(&cache).map_or(0, Iterator::count), 0, "nothing is written");
    };
    fs::write(folder.join("obj9__5.png"), png(&pixels(0), 4, 5)).unwrap();
    fails(true, &["more pictures than the 6"]);
    fs::remove_file(folder.join("obj9__5.png")).unwrap();
    fs::write(folder.join("obj1__10.png"), "not a picture").unwrap();
    fails(false, &["obj1__10.png", "not a usable picture"]);
    fs::remove_file(folder.join("obj1__10.png")).unwrap();
    fails(false, &["5 of 6 train pictures"]);
    fs::write(folder.join("obj1__11.png"), png(&pixels(1), 4, 5)).unwrap();
    fails(true, &["obj1__11.png", "pose"]);
    fs::remove_file(folder.join("obj1__11.png")).unwrap();
    let done = prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap();
    assert_eq!((done.examples, done.origin), (5, Origin::Partial));
}

#[test]
fn pictures_that_cannot_be_the_originals_are_a_part() {
    let root = TempDir::new().unwrap();
    let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
    let prepare = |manifest: &Manifest, partial| {
        let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
        made.map(|made| made.origin).map_err(|error| error.to_string())
    };
    manifest.original = Some(Sides { height: 6, width: 4 });
    let refused = prepare(&manifest, false).unwrap_err();
    assert!(refused.contains("6 pictures are not of 4×6 pixels"), "{refused}");
    assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
    manifest.original = Some(Sides { height: 5, width: 4 });
    // An archive that is much larger than all pictures together held others.
    manifest.files[0].bytes = Some(1 << 20);
    let refused = prepare(&manifest, false).unwrap_err();
    assert!(refused.contains("far too few for the original"), "{refused}");
    manifest.files[0].bytes = Some(100);
    assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
}

#[test]
fn archives_that_were_packed_anew_are_read_and_damaged_ones_are_named() {
    let root = TempDir::new().unwrap();
    let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
    let pictures: Vec<(String, Vec<u8>)> =
        (0..6).map(|i| (format!("coil-100/{}", NAMES[i]), png(&pixels(i), 4, 5))).collect();
    let files: Vec<(&str, &[u8])> = pictures.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    let archive = zip::tests::archive(&files, true);
    fs::remove_dir_all(manifest.folder(root.path())).unwrap();
    fs::create_dir_all(manifest.folder(root.path())).unwrap();
    let put = |bytes: &[u8]| fs::write(manifest_zip(root.path()), bytes).unwrap();
    let prepare = |manifest: &Manifest, partial| {
        let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
        made.map(|made| made.origin).map_err(|error| error.to_string())
    };
    // Of another size and checksum than the original, and all pictures are in it.
    manifest.files[0].bytes = Some(archive.len() as u64 + 9);
    manifest.files[0].sha256 = Some("0".repeat(64));
    put(&archive);
    assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
    put(&archive[..archive.len() - 7]);
    let refused = prepare(&manifest, true).unwrap_err();
    assert!(refused.contains("coil-100.zip: truncated"), "{refused}");
    put(&zip::tests::archive(&files[..5], true));
    let refused = prepare(&manifest, false).unwrap_err();
    assert!(refused.contains("the original") && refused.contains("5 of 6"), "{refused}");
    assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
}

#[test]
fn copies_of_one_picture_are_a_part_and_so_are_other_labels() {
    let root = TempDir::new().unwrap();
    let (mut manifest, cache) = (coil(root.path()), root.path().join("cache"));
    let prepare = |manifest: &Manifest, partial| {
        let made = prepare_manifest(root.path(), manifest, &cache, &how(partial));
        made.map(|made| made.origin).map_err(|error| error.to_string())
    };
    manifest.balanced = true;
    manifest.classes = 2;
    let folder = manifest.folder(root.path()).join("coil-100");
    NAMES.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    let put = |labels: [usize; 6], same: bool| {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (i, label) in labels.into_iter().enumerate() {
            let picture = png(&pixels(if same { 0 } else { i }), 4, 5);
            fs::write(folder.join(format!("obj{i}__{}.png", 5 * label)), picture).unwrap();
        }
    };
    put([0, 1, 1, 1, 0, 0], false);
    assert_eq!(prepare(&manifest, false), Ok(Origin::Real));
    for (labels, same, words) in [
        ([0, 1, 1, 1, 0, 0], true, "only 1 of 6 train examples are different"),
        ([0, 1, 1, 1, 1, 0], false, "labels are not those of the original: 2 train examples have label 0"),
    ] {
        put(labels, same);
        let refused = prepare(&manifest, false).unwrap_err();
        assert!(refused.contains(words), "{refused}");
        assert_eq!(prepare(&manifest, true), Ok(Origin::Partial));
    }
}

fn manifest_zip(root: &Path) -> PathBuf {
    root.join("coil100/coil-100.zip")
}

#[test]
fn a_truncated_picture_is_named_with_its_archive() {
    let root = TempDir::new().unwrap();
    let (manifest, cache) = (coil(root.path()), root.path().join("cache"));
    let whole = png(&pixels(3), 4, 5);
    let cut = &whole[..whole.len() - 20];
    fs::remove_dir_all(manifest.folder(root.path())).unwrap();
    fs::create_dir_all(manifest.folder(root.path())).unwrap();
    let files: [(&str, &[u8]); 2] = [("coil-100/obj1__0.png", &whole), ("coil-100/obj2__0.png", cut)];
    fs::write(manifest_zip(root.path()), zip::tests::archive(&files, false)).unwrap();
    let refused = prepare_manifest(root.path(), &manifest, &cache, &how(true)).unwrap_err().to_string();
    assert!(refused.contains("coil-100.zip/coil-100/obj2__0.png: not a usable picture"), "{refused}");
}

#[test]
fn sun397_takes_splits_from_its_lists() {
    let root = TempDir::new().unwrap();
    let mut manifest = manifest("sun397_32x32").unwrap().clone();
    manifest.shape = ImageShape { height: 2, width: 2, channels: 3 };
    manifest.classes = 2;
    manifest.source = SourceSizes { train: 3, validation: Some(1), test: Some(1) };
    manifest.held_out = HeldOut { sampled: 1, fixed: 1 };
    manifest.files.iter_mut().for_each(|file| (file.bytes, file.sha256) = (None, None));
    let folder = manifest.folder(root.path());
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join("SUN397").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for (name, value) in
        [("a/abbey/x", 10), ("a/abbey/y", 20), ("b/bar/in/x", 30), ("b/bar/in/y", 40), ("b/bar/in/z", 50)]
    {
        put(&format!("{name}.jpg"), &png(&[value; 12], 2, 2));
    }
    put("c/unlisted/x.jpg", b"never read");
    let lists =
        ["/b/bar/in/z.jpg\n/a/abbey/x.jpg\n/a/abbey/y.jpg\n", "/b/bar/in/x.jpg\n", "/b/bar/in/y.jpg\n"];
    let cache = root.path().join("cache");
    let missing = prepare_manifest(root.path(), &manifest, &cache, &how(false));
    assert!(matches!(missing, Err(Error::MissingFile { .. })), "{missing:?}");
    for (spec, list) in manifest.files.iter().filter(|spec| !is_archive(spec)).zip(lists) {
        fs::write(folder.join(&spec.name), list).unwrap();
    }
    prepare_manifest(root.path(), &manifest, &cache, &how(false)).unwrap();
    let data = load::images(root.path(), &cache, &manifest, false).unwrap();
    assert_eq!(data.labels(), [0, 0, 1, 1, 1]);
    assert_eq!([0, 1, 2, 3, 4].map(|i| data.pixels(i)[0]), [10, 20, 50, 30, 40]);
    // The pictures are not needed any more, even where the lists stay.
    fs::remove_dir_all(folder.join("SUN397")).unwrap();
    assert_eq!(load::images(root.path(), &cache, &manifest, false).unwrap().digest(), data.digest());
}
