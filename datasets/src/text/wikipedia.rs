//! Articles of Wikipedia: as WikiExtractor writes them, or in the hub's Parquet files.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::splits::SourceSplit;

use super::example_visitor::Visitor;
use super::hash_split;
use super::lines::{Lines, strip};

/// Articles that are read: those numbered up to a million.
pub(crate) const MAX_ARTICLES: u64 = 1_000_001;
/// Lines with at most so many characters, without white space around them, are not kept.
const SHORT: usize = 5;

/// Longest article that is read from Parquet, in bytes.
#[cfg(feature = "parquet")]
const MAX_ARTICLE: usize = super::lines::MAX_LINE;

/// Visits the lines of all articles; returns how many articles were read.
///
/// Every line of more than five characters is an example; all lines of an article are in the same split. WikiExtractor
/// begins an article with a line `<doc id=… url=… title=…>` and a line that repeats its title, which is not part of the
/// text, and ends it with `</doc>`. In the hub's files an article is a row whose column `text` is without the title.
pub(crate) fn visit(files: &[PathBuf], visitor: &mut dyn Visitor) -> Result<u64, Error> {
    let mut articles = 0;
    for path in files {
        if path.extension().is_some_and(|extension| extension == "parquet") {
            rows(path, &mut articles, visitor)?;
        } else {
            blocks(path, &mut articles, visitor)?;
        }
        visitor.file_done();
        if articles >= MAX_ARTICLES {
            break;
        }
    }
    Ok(articles)
}

/// The articles of a file of WikiExtractor; `articles` counts those of all files.
fn blocks(path: &Path, articles: &mut u64, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let mut lines = Lines::open(path)?;
    // The split of the article that is being read, and whether its title is still to come.
    let mut article: Option<(SourceSplit, bool)> = None;
    // Whether lines end as on Windows. WikiExtractor writes none so, and the text has no such character.
    let mut crlf = None;
    while let Some(line) = lines.next()? {
        let ends_so = line.ends_with('\r');
        let line = match line.strip_suffix('\r') {
            Some(rest) if *crlf.get_or_insert(ends_so) => rest,
            _ => line,
        };
        crlf.get_or_insert(ends_so);
        match &mut article {
            None if line.starts_with("<doc ") => {
                if *articles == MAX_ARTICLES {
                    return Ok(());
                }
                article = Some((hash_split::wikipedia(*articles), true));
                *articles += 1;
            }
            None if strip(line).is_empty() => {}
            None => {
                let problem =
                    "text outside an article; this is not WikiExtractor's output (`<doc …>` … `</doc>`)";
                return Err(lines.malformed(problem));
            }
            Some(_) if line == "</doc>" => article = None,
            Some((_, title @ true)) => *title = false,
            Some((split, false)) => example(*split, line, visitor)?,
        }
    }
    if article.is_some() {
        return Err(lines.malformed("the file ends within an article; it is truncated, fetch it again"));
    }
    Ok(())
}

fn example(split: SourceSplit, line: &str, visitor: &mut dyn Visitor) -> Result<(), Error> {
    if strip(line).chars().nth(SHORT).is_some() { visitor.example(split, None, line) } else { Ok(()) }
}

/// The articles of a Parquet file of the hub; `articles` counts those of all files.
#[cfg(feature = "parquet")]
fn rows(path: &Path, articles: &mut u64, visitor: &mut dyn Visitor) -> Result<(), Error> {
    use arrow_array::cast::AsArray as _;
    use arrow_array::{Array as _, ArrayRef};

    use crate::formats::parquet_rows::{broken, column, rows};

    const TEXT: &str = "text";

    rows(path, &[TEXT], &mut |first, batch| {
        let texts: &ArrayRef = column(path, first, batch, TEXT, Some)?;
        let (short, long) = (texts.as_string_opt::<i32>(), texts.as_string_opt::<i64>());
        if short.is_none() && long.is_none() {
            return Err(broken(path, first, format!("column `{TEXT}` is of another type, not of strings")));
        }
        for i in 0..batch.num_rows() {
            if *articles == MAX_ARTICLES {
                return Ok(false);
            }
            let text = short.map(|texts| texts.value(i)).or_else(|| long.map(|texts| texts.value(i)));
            let Some(text) = text.filter(|_| !texts.is_null(i)) else {
                return Err(broken(path, first + i, "no text".to_owned()));
            };
            if text.len() > MAX_ARTICLE {
                let problem = format!("an article of {} bytes, at most {MAX_ARTICLE} are read", text.len());
                return Err(broken(path, first + i, problem));
            }
            let split = hash_split::wikipedia(*articles);
            *articles += 1;
            text.split('\n').try_for_each(|line| example(split, line, visitor))?;
        }
        Ok(true)
    })
}

/// Without the feature `parquet` there is no reader.
#[cfg(not(feature = "parquet"))]
fn rows(path: &Path, _: &mut u64, _: &mut dyn Visitor) -> Result<(), Error> {
    Err(crate::formats::parquet_rows::unsupported(path))
}

#[cfg(test)]
#[cfg(feature = "parquet")]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, LargeStringArray, RecordBatch, StringArray};
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::prepared::NoProgress;
    use crate::text::text_info;

    fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut out = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut out, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        out
    }

    /// A file as the hub has it.
    fn articles(texts: &[&str]) -> Vec<u8> {
        let other =
            || -> ArrayRef { Arc::new(StringArray::from_iter_values(texts.iter().map(|_| "other text"))) };
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        parquet(vec![("id", other()), ("url", other()), ("title", other()), ("text", texts)])
    }

    struct Examples(Vec<(SourceSplit, String)>);

    impl Visitor for Examples {
        fn example(&mut self, split: SourceSplit, _: Option<u8>, text: &str) -> Result<(), Error> {
            self.0.push((split, text.to_owned()));
            Ok(())
        }
    }

    type Read = Result<(u64, Vec<(SourceSplit, String)>), String>;

    fn read(files: &[&[u8]]) -> Read {
        let root = TempDir::new().unwrap();
        let paths: Vec<PathBuf> =
            (0..files.len()).map(|i| root.path().join(format!("{i}.parquet"))).collect();
        paths.iter().zip(files).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        let mut examples = Examples(Vec::new());
        let count = visit(&paths, &mut examples).map_err(|error| error.to_string())?;
        Ok((count, examples.0))
    }

    #[test]
    fn rows_are_articles_of_lines() {
        use SourceSplit::{Test, Train};
        // By their hashes, articles 0 and 2 are for training, 1 and 3 for testing.
        let files =
            [articles(&["First line\n\n 12345 \n123456 ", "Held out"]), articles(&["", "東京都渋谷区"])];
        let (count, examples) = read(&[&files[0], &files[1]]).unwrap();
        let expected =
            [(Train, "First line"), (Train, "123456 "), (Test, "Held out"), (Test, "東京都渋谷区")];
        assert_eq!((count, examples), (4, expected.map(|(split, text)| (split, text.to_owned())).to_vec()));
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec!["long strings"]));
        assert_eq!(read(&[&parquet(vec![("text", texts)])]).unwrap().0, 1);
    }

    #[test]
    fn other_files_are_refused() {
        let check = |bytes: &[u8], words: &[&str]| {
            let message = read(&[bytes]).unwrap_err();
            for word in words.iter().chain(&["0.parquet"]) {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
        };
        let good = articles(&["One article"; 300]);
        check(&good[..good.len() - 9], &["truncated", "fetch it again"]);
        check(b"no Parquet", &["fetch it again"]);
        let (numbers, strings): (ArrayRef, ArrayRef) =
            (Arc::new(Int64Array::from(vec![1])), Arc::new(StringArray::from(vec![None::<&str>])));
        check(&parquet(vec![("title", numbers.clone())]), &["no column `text`, only title"]);
        check(&parquet(vec![("text", numbers)]), &["column `text` is of another type"]);
        check(&parquet(vec![("text", strings)]), &["row 0", "no text"]);
        check(&articles(&["ok", &"a".repeat(MAX_ARTICLE + 1)]), &["row 1", "16777217 bytes"]);
    }

    #[test]
    fn the_hub_s_files_are_a_part_because_they_are_of_a_later_dump() {
        let root = TempDir::new().unwrap();
        let folder = root.path().join("wikipedia_hsb/20231101.hsb");
        std::fs::create_dir_all(&folder).unwrap();
        let texts: Vec<String> = (0..20).map(|i| format!("Nastawk {i} ma jednu linku.")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        std::fs::write(folder.join("train-00000-of-00001.parquet"), articles(&texts)).unwrap();
        let info = text_info("tokenized_wikipedia/20190301.hsb_bytes").unwrap();
        let load = |partial| crate::text::load(root.path(), info, partial, None, &mut NoProgress);
        let message = load(false).unwrap_err().to_string();
        assert!(message.contains("20231101.hsb/train-*-of-00001.parquet is read instead"), "{message}");
        assert_eq!(load(true).unwrap().len(), 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damage_never_panics(at in 0usize..4000, value: u8, cut in 0usize..4000) {
            let mut bytes = articles(&["An article of some length", "and another one"]);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = read(&[&bytes]);
            bytes.truncate(cut);
            let _ = read(&[&bytes]);
        }
    }
}
