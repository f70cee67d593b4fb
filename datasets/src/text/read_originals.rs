//! Reading all files of a text source, and judging whether they are all of it.

use std::path::{Path, PathBuf};

use super::example_visitor::Visitor;
use super::source::{Counts, Found};
use crate::Error;
use crate::files::{Located, Packing, far_too_small, of_another_size};
use crate::manifest::{TextDecoder, TextManifest};
use crate::plausibility::Variety;
use crate::splits::SourceSplit;

/// Least bytes of an article as WikiExtractor writes it, on average: those of all four large editions have more than twice
/// as many. Compressed they have at least a tenth of that.
const LEAST_ARTICLE: u64 = 500;
const MOST_COMPRESSED: u64 = 10;

/// What reading all files of a source found out.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// Whether all files are the originals, byte for byte.
    pub(crate) original: bool,
    /// What makes the copy a partial one; if there is nothing, it is complete.
    pub(crate) problems: Vec<String>,
}

impl Found {
    /// What the sizes of the files tell against a complete copy: they are those of a part. Files that are compressed or in
    /// an archive are judged by what is in them; another edition of the source has any size.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn size_problems(&self, manifest: &TextManifest) -> Result<Vec<String>, Error> {
        let ends =
            |path: &PathBuf, ending: &str| path.extension().is_some_and(|extension| extension == ending);
        let other = |path: &PathBuf| {
            ends(path, "parquet") || ends(path, "gz") && manifest.decoder != TextDecoder::WikiExtractor
        };
        if self.archive.is_some() || !self.problems.is_empty() || self.files().any(other) {
            return Ok(Vec::new());
        }
        let (mut bytes, mut compressed) = ([0; 2], 0);
        for (group, paths) in &self.groups {
            for path in paths {
                let size =
                    std::fs::metadata(path).map_err(|source| Error::Io { path: path.clone(), source })?.len();
                bytes[usize::from(group.split == Some(SourceSplit::Test))] += size;
                compressed += if ends(path, "gz") { size } else { 0 };
            }
        }
        let total = bytes[0] + bytes[1];
        let at_most = total.saturating_add(compressed.saturating_mul(MOST_COMPRESSED - 1));
        let least = manifest.articles.map(|articles| articles as u64 * LEAST_ARTICLE);
        let published: u64 = manifest.downloads.iter().filter_map(|download| download.bytes).sum();
        Ok(match (bytes_problems(manifest, bytes), least) {
            (problems, _) if !problems.is_empty() => problems,
            (_, Some(least)) if at_most < least => {
                let articles = manifest.articles.unwrap_or(0);
                vec![format!("{total} bytes of files are too few for {articles} articles")]
            }
            _ => far_too_small(total, published).into_iter().collect(),
        })
    }

    /// Compares files that are as published with the sizes and checksums of the manifest. Returns whether all files are
    /// known to be originals now; and of compressed files what tells that one is not as it was published. It may have been
    /// compressed anew: then only its contents tell whether it is good.
    ///
    /// # Errors
    /// Anything else that is wrong with a file.
    fn check_published(&self, manifest: &TextManifest) -> Result<(bool, Option<Error>), Error> {
        let (mut all, mut other) = (true, None);
        for path in self.files() {
            let Some(download) = manifest.download(path) else {
                all = false;
                continue;
            };
            let file = Located { path: path.clone(), packing: Packing::Published };
            match file.compare(download.bytes, download.sha256.as_deref()) {
                Ok(original) => all &= original,
                Err(error) if file.is_gzip() && error.is_about_publication() => {
                    (all, other) = (false, Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((all, other))
    }

    /// Shows every example to `visitor`, as [`visit`](Self::visit), and judges whether the files are all of the source:
    /// the one judgement of loading, preparing and verifying. Files that are the originals, byte for byte, are. Of any
    /// others the examples must be as many as the manifest says, and their files must not be far too small for them.
    ///
    /// # Errors
    /// What can be wrong with files; more examples than the source has; what `visitor` returns.
    pub(crate) fn read(
        &self,
        manifest: &TextManifest,
        visitor: &mut dyn Visitor,
    ) -> Result<Judgement, Error> {
        let (original, not_as_published) = self.check_published(manifest)?;
        let mut counting = Counting { visitor, examples: [0; 2], variety: Default::default() };
        let counts = match (self.visit(manifest, &mut counting), not_as_published) {
            (Ok(counts), None) => (counts, None),
            (Ok(counts), Some(other)) => (counts, Some(other)),
            // A file that was cut or damaged on its way is not one that was compressed anew.
            (Err(error), Some(other)) if other.explains(&error) => return Err(other),
            (Err(error), _) => return Err(error),
        };
        let (counts, not_as_published) = counts;
        let mut problems = self.problems.clone();
        if !usable(counting.examples) {
            let directory = manifest.folder(&self.root);
            let [train, test] = counting.examples.map(|count| count as usize);
            return Err(Error::TooFewExamples { name: manifest.name.clone(), directory, train, test });
        }
        if !original {
            problems.extend(self.count_problems(manifest, &counts, counting.examples)?);
            let splits = ["training", "test"].into_iter().zip(&counting.variety);
            problems.extend(splits.filter_map(|(what, variety)| variety.problem(what)));
            if problems.is_empty() {
                problems = self.size_problems(manifest)?;
            }
            if problems.is_empty() {
                problems.extend(not_as_published.as_ref().and_then(Error::far_too_small));
            }
            if let (false, Some(Error::WrongSize { path, expected, got })) =
                (problems.is_empty(), not_as_published)
            {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                problems.insert(0, of_another_size(&name, got, expected));
            }
        }
        Ok(Judgement { original, problems })
    }

    /// Whether there are as many examples as a task needs; reading ends as soon as that is known.
    ///
    /// # Errors
    /// What can be wrong with the files up to there.
    pub(crate) fn is_usable(&self, manifest: &TextManifest) -> Result<bool, Error> {
        let mut enough = Enough::default();
        match self.visit(manifest, &mut enough) {
            Err(error) if !usable(enough.0) => Err(error),
            _ => Ok(usable(enough.0)),
        }
    }

    /// What is missing by the counts of a reading.
    fn count_problems(
        &self,
        manifest: &TextManifest,
        counts: &Counts,
        examples: [u64; 2],
    ) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        for (group, &files) in manifest.files.iter().zip(&counts.files) {
            if let Some(count) = group.count.filter(|&count| count != files && !group.partial) {
                problems.push(format!("{files} of {count} files {}", group.names[0]));
            }
        }
        // Another edition has other numbers.
        if self.groups.iter().any(|(group, _)| group.partial) {
            return Ok(problems);
        }
        let expected = [
            ("articles", counts.records, manifest.articles),
            ("rows", counts.records, manifest.rows),
            ("training examples", Some(examples[0]), manifest.train),
            ("test examples", Some(examples[1]), manifest.test),
        ];
        for (what, got, expected) in expected {
            let (Some(got), Some(expected)) = (got, expected.map(|expected| expected as u64)) else {
                continue;
            };
            if got > expected {
                let directory = self.files().next().and_then(|path| path.parent());
                return Err(Error::TooMany {
                    name: manifest.name.clone(),
                    directory: directory.map(Path::to_owned).unwrap_or_default(),
                    what: what.to_owned(),
                    got,
                    expected,
                });
            }
            // Of files that are missing it is no news that their examples are.
            if got < expected && problems.is_empty() && self.problems.is_empty() {
                problems.push(format!("{got} of {expected} {what}"));
            }
        }
        if let Some(bytes) = counts.bytes.filter(|_| problems.is_empty()) {
            problems = bytes_problems(manifest, bytes);
        }
        Ok(problems)
    }
}

/// Whether a task can use so many training and test examples.
fn usable([train, test]: [u64; 2]) -> bool {
    train >= 3 && test >= 1
}

/// Ends a reading with an error when there are enough examples.
#[derive(Default)]
struct Enough([u64; 2]);

impl Visitor for Enough {
    fn example(&mut self, split: SourceSplit, _: Option<u8>, _: &str) -> Result<(), Error> {
        self.0[usize::from(split != SourceSplit::Train)] += 1;
        if usable(self.0) {
            return Err(Error::Vocabulary { problem: "there are enough examples".to_owned() });
        }
        Ok(())
    }
}

/// Counts the examples of both splits on their way to another visitor.
struct Counting<'a> {
    visitor: &'a mut dyn Visitor,
    examples: [u64; 2],
    variety: [Variety; 2],
}

impl Visitor for Counting<'_> {
    fn member(&mut self, group: usize, path: &str) {
        self.visitor.member(group, path);
    }

    fn example(&mut self, split: SourceSplit, label: Option<u8>, text: &str) -> Result<(), Error> {
        let at = usize::from(split != SourceSplit::Train);
        self.examples[at] += 1;
        self.variety[at].add(text.as_bytes());
        self.visitor.example(split, label, text)
    }

    fn file_done(&mut self) {
        self.visitor.file_done();
    }
}

/// In which split files have other sizes together than those of the original.
fn bytes_problems(manifest: &TextManifest, [train, test]: [u64; 2]) -> Vec<String> {
    let Some(expected) = manifest.bytes_of_files else { return Vec::new() };
    let splits = [("training", train, expected.train), ("test", test, expected.test)];
    let other = splits.into_iter().filter(|(_, got, expected)| got != expected);
    let in_words = |(what, got, expected)| {
        format!("the {what} files have {got} bytes together, those of the original {expected}")
    };
    other.map(in_words).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use taskset_names::Origin;
    use tempfile::TempDir;

    use crate::files::{FileVerdict, FilesState};
    use crate::prepared::NoProgress;
    use crate::text::on_disk::{inspect, verify};
    use crate::text::{TextInfo, load, text_info};

    /// IMDB of two reviews a group, whose files have 40 and 44 bytes together.
    fn imdb(root: &TempDir) -> &'static TextInfo {
        let info = text_info("imdb_reviews/bytes").unwrap();
        let mut manifest = info.manifest.clone();
        manifest.files.iter_mut().for_each(|group| group.count = Some(2));
        (manifest.train, manifest.test) = (Some(4), Some(4));
        manifest.bytes_of_files = Some(crate::manifest::BytesOfFiles { train: 40, test: 44 });
        manifest.downloads.clear();
        for (folder, text) in [("train", "ten byte"), ("test", "one more.")] {
            for (label, stars) in [("neg", 1), ("pos", 10)] {
                for i in 0..2 {
                    let text = format!("{text}{}{i}", usize::from(stars == 1));
                    put(root, &format!("{folder}/{label}/{i}_{stars}.txt"), &text);
                }
            }
        }
        Box::leak(Box::new(TextInfo { manifest: Box::leak(Box::new(manifest)), ..info.clone() }))
    }

    fn put(root: &TempDir, name: &str, text: &str) {
        let path = root.path().join("imdb/aclImdb").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Origin, or the message; with and without a part allowed.
    fn judge(root: &TempDir, info: &'static TextInfo) -> [Result<Origin, String>; 2] {
        [false, true].map(|partial| {
            let data = load(root.path(), info, partial, None, &mut NoProgress);
            data.map(|data| data.origin()).map_err(|error| error.to_string())
        })
    }

    #[test]
    fn reviews_are_as_long_as_the_originals_and_nothing_else_is_a_review() {
        let root = TempDir::new().unwrap();
        let info = imdb(&root);
        // By names and sizes all is there.
        assert_eq!(inspect(root.path(), info.manifest).state, FilesState::Unread);
        put(&root, "train/neg/README.txt", "");
        put(&root, "train/neg/urls_neg.txt", "no review");
        assert_eq!(judge(&root, info), [Ok(Origin::Real), Ok(Origin::Real)]);
        let a_part = |words: &str| {
            let [refused, allowed] = judge(&root, info);
            assert!(refused.as_ref().is_err_and(|message| message.contains(words)), "{refused:?}");
            assert_eq!(allowed, Ok(Origin::Partial));
            let look = inspect(root.path(), info.manifest);
            assert!(look.state == FilesState::Partial && look.problems[0].contains(words), "{look:?}");
        };
        put(&root, "train/pos/1_10.txt", "word");
        a_part("the training files have 34 bytes together, those of the original 40");
        fs::remove_file(root.path().join("imdb/aclImdb/train/pos/1_10.txt")).unwrap();
        a_part("1 of 2 files aclImdb/train/pos/*.txt");
        put(&root, "train/pos/1_10.txt", "ten bytes.");
        put(&root, "train/pos/2_10.txt", "ten bytes.");
        assert!(judge(&root, info).iter().all(|judged| {
            judged.as_ref().is_err_and(|message| message.contains("3 files aclImdb/train/pos/*.txt in"))
        }));
    }

    #[test]
    fn copies_of_a_few_texts_are_a_part_however_many() {
        let root = TempDir::new().unwrap();
        let info = imdb(&root);
        put(&root, "test/neg/0_1.txt", "one more.01");
        // Half of them may be the same.
        assert_eq!(judge(&root, info), [Ok(Origin::Real), Ok(Origin::Real)]);
        put(&root, "test/neg/1_1.txt", "one more.01");
        put(&root, "test/pos/0_10.txt", "one more.01");
        let [refused, allowed] = judge(&root, info);
        let words = "only 1 of 4 test examples are different";
        assert!(refused.as_ref().is_err_and(|message| message.contains(words)), "{refused:?}");
        assert_eq!(allowed, Ok(Origin::Partial));
        let files = verify(root.path(), info.manifest).files;
        assert!(
            files.iter().any(|file| matches!(&file.verdict, FileVerdict::Partial(told) if told == words))
        );
    }

    #[test]
    fn articles_without_words_are_a_part_however_many() {
        let info = text_info("tokenized_wikipedia/20190301.en_bytes").unwrap();
        let mut manifest = info.manifest.clone();
        manifest.articles = Some(20);
        let info: &'static TextInfo =
            Box::leak(Box::new(TextInfo { manifest: Box::leak(Box::new(manifest)), ..info.clone() }));
        let root = TempDir::new().unwrap();
        let put = |words: usize| {
            let article = |i| {
                let text = format!("Of {i}. {}", "A word or two. ".repeat(words));
                format!("<doc id=\"{i}\" url=\"u\" title=\"T\">\nT\n\n{text}\n</doc>\n")
            };
            let path = root.path().join("wikipedia_en/AA/wiki_00");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, (0..20).map(article).collect::<String>()).unwrap();
        };
        put(1);
        let [refused, allowed] = judge(&root, info);
        assert!(
            refused.as_ref().is_err_and(|message| message.contains("too few for 20 articles")),
            "{refused:?}"
        );
        assert_eq!(allowed, Ok(Origin::Partial));
        assert_eq!(inspect(root.path(), info.manifest).state, FilesState::Partial);
        put(40);
        assert_eq!(judge(&root, info), [Ok(Origin::Real), Ok(Origin::Real)]);
        assert_eq!(inspect(root.path(), info.manifest).state, FilesState::Unread);
    }

    #[test]
    fn the_numbers_of_the_originals_are_known() {
        let check = |name: &str, train: Option<usize>, rows: Option<usize>| {
            let manifest = text_info(name).unwrap().manifest;
            assert_eq!((manifest.train, manifest.rows), (train, rows), "{name}");
        };
        check("imdb_reviews/bytes", Some(25_000), None);
        check("lm1b/bytes", Some(30_301_028), None);
        // Rows of the tables, as Hugging Face's `amazon_us_reviews` counts them.
        check("tokenized_amazon_reviews/Books_v1_02_bytes", None, Some(3_105_520));
        check("tokenized_amazon_reviews/Camera_v1_00_bytes", None, Some(1_801_974));
        check("tokenized_amazon_reviews/Home_v1_00_bytes", None, Some(6_221_559));
        check("tokenized_amazon_reviews/Video_v1_00_bytes", None, Some(380_604));
        let bytes = text_info("imdb_reviews/bytes").unwrap().manifest.bytes_of_files.unwrap();
        assert_eq!((bytes.train, bytes.test), (33_132_823, 32_350_685));
    }
}
