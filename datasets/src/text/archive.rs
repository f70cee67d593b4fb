//! Texts in the archive that their authors publish, which is read as it is: nothing is unpacked to disk.

use std::collections::BTreeSet;
use std::path::Path;

use super::example_visitor::Visitor;
use super::lines::{self, Lines};
use super::source::{Counts, review, sentences};
use crate::Error;
use crate::formats::container::Container;
use crate::manifest::{TextDecoder, TextManifest};
use crate::splits::SourceSplit;

/// Largest file of an archive that is read; a shard of `lm1b` has 42 MB.
const MAX_MEMBER: u64 = 128 << 20;

/// Visits the examples of all files that the manifest names, in the order of the archive. Memory: one file of it.
/// Returns how many files each group has, and the bytes of training and of test files.
///
/// # Errors
/// Damage, names that lead outside or occur twice, more than 128 MiB in a file or 100 times the archive's size in all;
/// what can be wrong with texts.
pub(crate) fn visit(
    archive: &Path,
    manifest: &TextManifest,
    visitor: &mut dyn Visitor,
) -> Result<Counts, Error> {
    let stored =
        std::fs::metadata(archive).map_err(|source| Error::Io { path: archive.to_owned(), source })?;
    let (most, mut unpacked) = (lines::most_unpacked(stored.len()), 0);
    let container = Container::archive(archive);
    let group_of = |name: &str| {
        let fits = |pattern: &String| lines::path_fits(pattern, name) && manifest.decoder.takes(name);
        manifest.files.iter().position(|group| !group.partial && group.names.iter().any(fits))
    };
    let mut names = vec![BTreeSet::new(); manifest.files.len()];
    let mut bytes = [0; 2];
    container.visit(&|name| group_of(name).is_some(), MAX_MEMBER, &mut |name, contents| {
        let Some(group) = group_of(name) else { return Ok(()) };
        unpacked += contents.len() as u64;
        if unpacked > most {
            return Err(lines::bomb(archive));
        }
        if !names[group].insert(name.to_owned()) {
            let problem = format!("the name `{}` occurs twice", name.escape_default());
            return Err(Error::Corrupt { path: archive.to_owned(), offset: 0, problem });
        }
        visitor.member(group, name);
        let is_test = manifest.files[group].split == Some(SourceSplit::Test);
        bytes[usize::from(is_test)] += contents.len() as u64;
        let (path, files) = (container.member(name), &manifest.files[group]);
        match manifest.decoder {
            TextDecoder::AclImdb => review(files, &lines::text(&path, contents)?, visitor)?,
            _ => {
                let split = files.split.unwrap_or(SourceSplit::Test);
                sentences(split, &mut Lines::of(path, contents), visitor)?;
            }
        }
        visitor.file_done();
        Ok(())
    })?;
    Ok(Counts { files: names.iter().map(BTreeSet::len).collect(), bytes: Some(bytes), records: None })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;
    use crate::files::{FilesState, inspect};
    use crate::formats::tar::tests::archive;
    use crate::prepared::NoProgress;
    use crate::text::load::load;
    use crate::text::text_info;
    use crate::text::{Encoding, TextData, TextInfo};

    /// A data set of which only the numbers of files are known, so that fabricated archives are read.
    fn info(name: &str, counts: &[usize]) -> &'static TextInfo {
        let mut info = text_info(name).unwrap().clone();
        let mut manifest = info.manifest.clone();
        manifest.downloads.iter_mut().for_each(|download| (download.bytes, download.sha256) = (None, None));
        (manifest.train, manifest.test, manifest.bytes_of_files) = (None, None, None);
        manifest.files.iter_mut().zip(counts).for_each(|(group, &count)| group.count = Some(count));
        info.manifest = Box::leak(Box::new(manifest));
        Box::leak(Box::new(info))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn put(root: &TempDir, info: &TextInfo, name: &str, bytes: &[u8]) {
        let path = info.manifest.folder(root.path()).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(root: &TempDir, info: &'static TextInfo) -> Result<TextData, Error> {
        load(root.path(), info, false, None, &mut NoProgress)
    }

    /// Loads the files from a folder and from an archive that holds them in this order, and others that are not read.
    fn same(info: &'static TextInfo, files: &[(&str, &[u8])], others: &[(&str, &[u8])]) -> TextData {
        let (folder, packed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        files.iter().for_each(|(name, bytes)| put(&folder, info, name, bytes));
        let bytes = gzip(&archive(&[others, files].concat()));
        put(&packed, info, info.manifest.archive().unwrap(), &bytes);
        let [a, b] = [&folder, &packed].map(|root| read(root, info).unwrap());
        assert_eq!(a.all_tokens(), b.all_tokens());
        assert_eq!((a.len(), a.source_sizes(), a.origin()), (b.len(), b.source_sizes(), b.origin()));
        let labelled = info.classes.is_some();
        assert!(
            (0..a.len() as u32)
                .all(|i| a.tokens(i) == b.tokens(i) && (!labelled || a.label(i) == b.label(i)))
        );
        // In both there is all of it; where a part was unpacked, the archive is read.
        put(&packed, info, files[0].0, b"not read");
        assert_eq!(read(&packed, info).unwrap().all_tokens(), b.all_tokens());
        b
    }

    #[test]
    fn an_archive_is_read_as_the_folder_that_it_unpacks_to() {
        let reviews: [(&str, &[u8]); 6] = [
            ("aclImdb/test/pos/0_7.txt", b" Good.\n"),
            ("aclImdb/train/pos/10_9.txt", b"Great."),
            ("aclImdb/test/neg/0_2.txt", b"Poor."),
            ("aclImdb/train/pos/9_8.txt", b"Fine."),
            ("aclImdb/train/neg/3_1.txt", b"Bad."),
            ("aclImdb/train/neg/12_1.txt", b""),
        ];
        let others: [(&str, &[u8]); 2] =
            [("aclImdb/train/unsup/0_0.txt", b"\xff"), ("aclImdb/README", b"No.")];
        for encoding in [Encoding::Bytes, Encoding::Subwords8k] {
            let name =
                if encoding == Encoding::Bytes { "imdb_reviews/bytes" } else { "imdb_reviews/subwords8k" };
            let data = same(info(name, &[2, 2, 1, 1]), &reviews, &others);
            assert_eq!((0..6).map(|i| data.label(i)).collect::<Vec<_>>(), [0, 0, 1, 1, 0, 1]);
        }
        let top = "1-billion-word-language-modeling-benchmark-r13output";
        let train = |i| format!("{top}/training-monolingual.tokenized.shuffled/news.en-0000{i}-of-00100");
        let held_out = format!("{top}/heldout-monolingual.tokenized.shuffled/news.en.heldout-00000-of-00050");
        let hidden = format!("{top}/training-monolingual.tokenized.shuffled/._news.en-00001-of-00100");
        let shards: [(&str, &[u8]); 3] =
            [(&train(2), b"Three\n Four "), (&held_out, b"Five\n"), (&train(1), b"One .\nTwo\n\n")];
        let data = same(info("lm1b/bytes", &[2, 1]), &shards, &[(&hidden, b"\xff\0")]);
        let texts: Vec<String> = (0..6).map(|i| crate::text::decode_bytes(data.tokens(i)).unwrap()).collect();
        assert_eq!(texts, ["One .", "Two", "", "Three", "Four", "Five"]);
    }

    #[test]
    fn hostile_and_broken_archives_are_refused() {
        let info = info("imdb_reviews/bytes", &[1, 1, 1, 1]);
        let check = |bytes: &[u8], words: &[&str]| {
            let root = TempDir::new().unwrap();
            put(&root, info, "aclImdb_v1.tar.gz", bytes);
            let message = read(&root, info).unwrap_err().to_string();
            for word in words.iter().chain(&["aclImdb_v1.tar.gz"]) {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        };
        let (neg, pos) = ("aclImdb/train/neg/0_1.txt", "aclImdb/train/pos/0_9.txt");
        let good = gzip(&archive(&[(neg, b"Bad."), (pos, b"Good.")]));
        check(&good[..good.len() / 2], &["byte", "fetch the file again"]);
        check(b"BZh9", &["not a gzip file"]);
        check(&gzip(b"no archive"), &["within a header"]);
        check(&gzip(&archive(&[(neg, b"a"), (neg, b"b")])), &["0_1.txt` occurs twice"]);
        check(&gzip(&archive(&[("aclImdb/../../x", b"a")])), &["leads outside"]);
        check(&gzip(&archive(&[(neg, b"line\nb\xff")])), &["0_1.txt, line 2", "byte 6"]);
        let long = vec![b'a'; lines::MAX_LINE + 1];
        check(&gzip(&archive(&[(neg, &long)])), &["0_1.txt", "longer than"]);
        // Many files, none of which is too long.
        let names: Vec<String> = (0..3).map(|i| format!("aclImdb/train/neg/{i}_1.txt")).collect();
        let long = vec![b'a'; lines::MAX_LINE];
        let bomb: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &long[..])).collect();
        check(&gzip(&archive(&bomb)), &["100 times its size"]);
    }

    #[test]
    fn an_incomplete_archive_is_a_part() {
        let root = TempDir::new().unwrap();
        let info = info("lm1b/bytes", &[99, 50]);
        let folder = "1-billion-word-language-modeling-benchmark-r13output";
        let (train, test) =
            ("training-monolingual.tokenized.shuffled", "heldout-monolingual.tokenized.shuffled");
        let train = format!("{folder}/{train}/news.en-00001-of-00100");
        let test = format!("{folder}/{test}/news.en.heldout-00000-of-00050");
        let bytes = gzip(&archive(&[(&train, b"a\nb\nc"), (&test, b"d")]));
        put(&root, info, info.manifest.archive().unwrap(), &bytes);
        let message = read(&root, info).unwrap_err().to_string();
        assert!(message.contains("1 of 99 files") && message.contains("1 of 50 files"), "{message}");
        assert_eq!(load(root.path(), info, true, None, &mut NoProgress).unwrap().len(), 4);
    }

    #[test]
    fn an_archive_that_was_packed_anew_is_judged_by_its_contents() {
        let reviews: [(&str, &[u8]); 5] = [
            ("aclImdb/train/neg/3_1.txt", b"Bad, bad, bad."),
            ("aclImdb/train/neg/5_1.txt", b""),
            ("aclImdb/train/neg/4_1.txt", b"Poor in every way."),
            ("aclImdb/train/pos/10_9.txt", b"Great."),
            ("aclImdb/test/pos/0_7.txt", b"Good."),
        ];
        let plain = archive(&reviews);
        let judge = |packed: &[u8], bytes: u64, test: u64| {
            let info = info("imdb_reviews/bytes", &[3, 1, 0, 1]);
            let mut manifest = info.manifest.clone();
            (manifest.train, manifest.test) = (Some(4), Some(1));
            manifest.bytes_of_files = Some(crate::manifest::BytesOfFiles { train: 38, test });
            manifest.downloads[0].bytes = Some(bytes);
            manifest.downloads[0].sha256 = Some("0".repeat(64));
            let info = TextInfo { manifest: Box::leak(Box::new(manifest)), ..info.clone() };
            let info: &'static TextInfo = Box::leak(Box::new(info));
            let root = TempDir::new().unwrap();
            put(&root, info, "aclImdb_v1.tar.gz", packed);
            read(&root, info).map(|data| data.origin()).map_err(|error| error.to_string())
        };
        let real = Ok(taskset_names::Origin::Real);
        let anew = gzip(&plain);
        assert_eq!(judge(&anew, 300, 5), real);
        assert_eq!(judge(&anew, anew.len() as u64, 5), real);
        let members = [gzip(&plain[..700]), gzip(&plain[700..])].concat();
        assert_eq!(judge(&members, 300, 5), real);
        let check = |packed: &[u8], test, words: &[&str]| {
            let message = judge(packed, 300, test).unwrap_err();
            words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        };
        check(&anew[..anew.len() - 9], 5, &["truncated", "the original has 300"]);
        check(&anew, 6, &["the test files have 5 bytes together, those of the original 6"]);
        let fewer = gzip(&archive(&reviews[1..]));
        check(&fewer, 5, &["the original 300", "2 of 3 files aclImdb/train/neg"]);
    }

    #[test]
    fn the_published_archive_must_be_the_original() {
        let root = TempDir::new().unwrap();
        let info = text_info("imdb_reviews/bytes").unwrap();
        put(&root, info, "aclImdb_v1.tar.gz", &gzip(&archive(&[("aclImdb/train/neg/0_1.txt", b"Bad.")])));
        let message = read(&root, info).unwrap_err().to_string();
        // Well-formed, but of too few examples for any task.
        assert!(message.contains("holds 1 training and 0 test examples"), "{message}");
        let look = inspect(root.path(), None, "imdb_reviews").unwrap();
        assert!(look.present[0].ends_with("imdb/aclImdb_v1.tar.gz"), "{look:?}");
        assert!(look.state == FilesState::Incomplete && look.problems[0].contains("1 training"), "{look:?}");
        let bytes = gzip(&archive(&[("aclImdb/train/neg/0_1.txt", b"Bad.")]));
        put(&root, info, "aclImdb_v1.tar.gz", &bytes[..bytes.len() - 9]);
        let message = read(&root, info).unwrap_err().to_string();
        assert!(message.contains("truncated") && message.contains("the original has 84125825"), "{message}");
        assert_eq!(inspect(root.path(), None, "imdb_reviews").unwrap().state, FilesState::Damaged);
    }
}
