//! One entry point a parser of foreign bytes: for the fuzz targets in `fuzz/`, and for a test that runs their corpora and
//! small changes of them without a fuzzer.
//!
//! An entry point fails by a panic only: errors are what parsers are expected to give.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use taskset_guard::NpyArray;

use crate::files::{Located, Packing};
use crate::formats::tar::Tar;
use crate::formats::zip::Zip;
use crate::formats::{idx, npz};
use crate::images::{cifar, hub_copy, imagenet, picture};
use crate::manifest::manifest;
use crate::prepared::{image_file, sealed, text_file};
use crate::text;
use crate::text::{SubwordEncoder, text_info};

/// Largest input that is of use; fuzzers may give more.
pub const MAX_INPUT: usize = 1 << 20;

/// An entry point: it gets the input and a file name that it may write to.
pub type Target = fn(&[u8], &Path);

/// All entry points, by the names of the fuzz targets.
pub const TARGETS: [(&str, Target); 12] = [
    ("idx", idx_file),
    ("cifar", cifar_file),
    ("zip", zip_file),
    ("tar", tar_stream),
    ("npy", npy_array),
    ("npz", npz_batch),
    ("picture", encoded_picture),
    ("prepared", prepared_header),
    ("hub_parquet", parquet_file),
    ("vocabulary", vocabulary_file),
    ("amazon", amazon_file),
    ("wikipedia", wikipedia_file),
];

/// Runs the entry point with this name; a name that there is not is ignored.
pub fn run(name: &str, input: &[u8], scratch: &Path) {
    for (_, target) in TARGETS.iter().filter(|(target, _)| *target == name) {
        if input.len() <= MAX_INPUT {
            target(input, scratch);
        }
    }
}

/// Plain or compressed, as the bytes are.
fn idx_file(input: &[u8], scratch: &Path) {
    let packed = input.starts_with(&[0x1f, 0x8b]);
    let path = if packed { scratch.with_extension("gz") } else { scratch.to_owned() };
    if fs::write(&path, input).is_ok() {
        let file = Located { path, packing: Packing::Published };
        let _ = idx::read(&file, &[3, 2, 2]);
    }
}

fn cifar_file(input: &[u8], scratch: &Path) {
    for name in ["cifar10", "cifar100"] {
        if let (Ok(manifest), Ok(())) = (manifest(name), fs::write(scratch, input)) {
            let file = Located { path: scratch.to_owned(), packing: Packing::Published };
            let _ = cifar::check(manifest, &manifest.files[0], &file);
        }
    }
}

fn zip_file(input: &[u8], _: &Path) {
    let Ok(mut zip) = Zip::open(Cursor::new(input)) else { return };
    for entry in zip.entries.clone().iter().take(16) {
        if let Ok(contents) = zip.read(entry, 1 << 20) {
            assert_eq!(contents.len() as u64, entry.size);
        }
    }
}

fn tar_stream(input: &[u8], _: &Path) {
    let mut tar = Tar::new(input);
    while let Ok(Some(file)) = tar.next_file() {
        if tar.read(file.size).is_err() {
            break;
        }
    }
}

fn npy_array(input: &[u8], _: &Path) {
    if let Ok(array) = npz::parse(input.to_vec()) {
        let count = match array.values {
            npz::Values::U8(values) => values.len(),
            npz::Values::I64(values) => values.len(),
        };
        assert_eq!(array.shape.iter().product::<usize>(), count);
    }
    // What released curves hold.
    if let Ok(array) = NpyArray::parse(input.to_vec()) {
        let _ = (array.values::<String>(), array.values::<f32>(), array.values::<f64>());
    }
}

fn npz_batch(input: &[u8], scratch: &Path) {
    if let (Ok(manifest), Ok(())) = (manifest("imagenet_resized/16x16"), fs::write(scratch, input)) {
        let batches = imagenet::Batches::Files(vec![scratch.to_owned()]);
        let _ = batches.read(manifest, &mut |pixels, labels| {
            assert_eq!(pixels.len(), labels.len() * manifest.shape.len());
            assert!(labels.iter().all(|&label| usize::from(label) < manifest.classes));
            Ok(())
        });
    }
}

fn encoded_picture(input: &[u8], _: &Path) {
    if let Ok(header) = picture::header(input)
        && let Ok(picture) = picture::decode(input, &header)
    {
        assert_eq!(picture.pixels.len(), picture.shape.len());
    }
}

/// The bytes as a whole file, of images and of texts; then with right checksums, so that the checks behind them are reached.
fn prepared_header(input: &[u8], scratch: &Path) {
    let (Ok(manifest), Ok(texts)) = (manifest("cifar10"), text_info("imdb_reviews/bytes")) else { return };
    let mut bytes = input.to_vec();
    for sealed in [false, true] {
        if sealed {
            sealed::seal_whole(&mut bytes);
        }
        if fs::write(scratch, &bytes).is_ok()
            && let Ok(Some(header)) = image_file::header(scratch, manifest)
        {
            let _ = image_file::verify(scratch, manifest, &header);
        }
        if let Ok(Some((data, _))) = text_file::open(scratch, texts) {
            assert_eq!(
                (0..data.len() as u32).map(|i| data.tokens(i).len()).sum::<usize>(),
                data.all_tokens().len()
            );
            let _ = text_file::check(scratch, texts, true);
        }
    }
}

fn parquet_file(input: &[u8], scratch: &Path) {
    let hub = manifest("cifar10").ok().and_then(|manifest| manifest.hub.as_ref());
    if let (Some(hub), Ok(())) = (hub, fs::write(scratch, input)) {
        let _ = hub_copy::read(scratch, hub, 1 << 20, &mut |_, _, _| Ok(()));
    }
}

fn vocabulary_file(input: &[u8], scratch: &Path) {
    if fs::write(scratch, input).is_ok()
        && let Ok(encoder) = SubwordEncoder::read_file(scratch)
    {
        let (text, mut ids) = ("Any text, _with_ marks; и другое.", Vec::new());
        encoder.encode(text, &mut ids);
        assert!(matches!(encoder.decode(&ids), Ok(decoded) if decoded == text));
    }
}

fn amazon_file(input: &[u8], scratch: &Path) {
    for extension in ["tsv", "json", "jsonl.gz"] {
        let path = scratch.with_extension(extension);
        if fs::write(&path, input).is_ok() {
            let _ = text::amazon::visit(&[path], &mut text::example_visitor::Nobody);
        }
    }
}

fn wikipedia_file(input: &[u8], scratch: &Path) {
    if fs::write(scratch, input).is_ok() {
        let _ = text::wikipedia::visit(&[scratch.to_owned()], &mut text::example_visitor::Nobody);
    }
}

#[cfg(test)]
mod tests {
    use taskset_rng::StreamId;
    use tempfile::TempDir;

    use super::*;

    /// Every input of the corpora, and 60 small changes of each: a few bytes changed, cut, or doubled.
    #[test]
    fn corpora_and_their_neighbours_do_no_harm() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        let scratch = TempDir::new().unwrap();
        for (name, target) in TARGETS {
            let mut inputs = 0;
            for entry in fs::read_dir(corpora.join(name)).unwrap() {
                let input = fs::read(entry.unwrap().path()).unwrap();
                let mut stream = StreamId::root("fuzzing").child(name).index(inputs).stream();
                inputs += 1;
                target(&input, &scratch.path().join("input"));
                for _ in 0..60 {
                    let mut changed = input.clone();
                    for _ in 0..1 + stream.below(4) {
                        if let Some(at) =
                            (!changed.is_empty()).then(|| stream.below(changed.len() as u64) as usize)
                        {
                            changed[at] = stream.next_u64() as u8;
                        }
                    }
                    match stream.below(4) {
                        0 => changed.truncate(stream.below(changed.len() as u64 + 1) as usize),
                        1 => changed.extend_from_within(stream.below(changed.len() as u64 + 1) as usize..),
                        _ => {}
                    }
                    target(&changed, &scratch.path().join("input"));
                }
            }
            assert!(inputs > 0, "there is no corpus of {name}");
        }
    }
}
