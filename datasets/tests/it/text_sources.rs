//! Text sources in their original formats: complete, partial and broken copies, made here in miniature.

use std::fs;
use std::path::Path;

use taskset_datasets::prepared::{NoProgress, prepare_text};
use taskset_datasets::text::decode_bytes;
use taskset_datasets::{Datasets, Error, Source};
use taskset_names::Origin;
use tempfile::TempDir;

use crate::text_support::{IMDB, fails, gzip, imdb, load, put, texts};

#[test]
fn imdb_reviews_are_files_below_folders_of_labels() {
    let root = TempDir::new().unwrap();
    imdb(root.path());
    let [train, test] = texts(root.path(), IMDB);
    assert_eq!(train, ["Bad.<br /><br />Very.", "Great.", "A  fine \u{a0}film\u{a0}"]);
    assert_eq!(test, ["Poor.", ""]);
    let data = load(root.path(), IMDB).unwrap();
    assert_eq!((0..5).map(|i| data.label(i)).collect::<Vec<_>>(), [0, 1, 1, 0, 1]);
}

#[test]
fn partial_copies_are_errors_unless_allowed() {
    let root = TempDir::new().unwrap();
    imdb(root.path());
    let strict = Datasets::new(Source::Directory(root.path().to_owned()));
    let error = strict.text(IMDB).unwrap_err();
    assert!(matches!(error, Error::Partial { .. }), "{error}");
    let message = error.to_string();
    for word in [
        "1 of 12500 files aclImdb/train/neg/*.txt",
        "2 of 12500 files aclImdb/train/pos",
        "the rest comes from",
    ] {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    let allowed = strict.allow_partial(true);
    assert_eq!(allowed.text(IMDB).unwrap().origin(), Origin::Partial);
    assert!(!root.path().join("prepared").exists(), "nothing is written without a cache");

    // What was prepared in the data directory is used without being asked for: here it is damaged.
    let made = prepare_text(root.path(), IMDB, &root.path().join("prepared"), true, &mut NoProgress).unwrap();
    let copy = fs::read(&made.path).unwrap();
    fs::write(&made.path, &copy[..copy.len() - 1]).unwrap();
    let damaged = load(root.path(), IMDB);
    assert!(matches!(damaged, Err(Error::Cache { .. })), "{damaged:?}");
    fs::write(&made.path, copy).unwrap();
    assert_eq!(texts(root.path(), IMDB)[0][1], "Great.");
}

#[test]
fn broken_reviews_are_named() {
    let root = TempDir::new().unwrap();
    fails(root.path(), IMDB, &["aclImdb/train/neg/*.txt", "not found"]);
    imdb(root.path());
    put(root.path(), "imdb/aclImdb/train/pos/11_8.txt", b"line\nbad \xff");
    fails(root.path(), IMDB, &["11_8.txt", "line 2", "byte 9"]);
    put(root.path(), "imdb/aclImdb/train/pos/11_8.txt", vec![b'a'; (16 << 20) + 1]);
    fails(root.path(), IMDB, &["11_8.txt", "longer than"]);
    fs::remove_dir_all(root.path().join("imdb/aclImdb/train/pos")).unwrap();
    fails(root.path(), IMDB, &["1 training and 2 test examples"]);
}

#[test]
fn sentences_of_lm1b_are_lines() {
    let root = TempDir::new().unwrap();
    let (train, test) = ("training-monolingual.tokenized.shuffled", "heldout-monolingual.tokenized.shuffled");
    let archive = "lm1b/1-billion-word-language-modeling-benchmark-r13output";
    put(root.path(), &format!("{archive}/{train}/news.en-00001-of-00100"), "One .\n Two  \n\n");
    put(root.path(), &format!("{archive}/{train}/news.en-00002-of-00100"), "Three");
    put(root.path(), &format!("{archive}/{test}/news.en.heldout-00000-of-00050"), "Four\n");
    assert_eq!(texts(root.path(), "lm1b/bytes"), [vec!["One .", "Two", "", "Three"], vec!["Four"]]);
}

#[test]
fn held_out_sentences_take_the_place_of_missing_training_files() {
    let root = TempDir::new().unwrap();
    put(root.path(), "lm1b/1b_benchmark.dev.tokens", "a\nb\nc\n");
    fails(root.path(), "lm1b/bytes", &["3 training and 0 test examples"]);
    put(root.path(), "lm1b/1b_benchmark.test.tokens", "d\n");
    assert_eq!(texts(root.path(), "lm1b/bytes"), [vec!["a", "b", "c"], vec!["d"]]);
    // Real shards are preferred.
    let folder = "lm1b/heldout-monolingual.tokenized.shuffled";
    for (i, text) in ["e\nf", "g", "h"].iter().enumerate() {
        put(root.path(), &format!("{folder}/news.en.heldout-0000{i}-of-00050"), text);
    }
    assert_eq!(texts(root.path(), "lm1b/bytes"), [vec!["e", "f", "g"], vec!["h"]]);
}

fn article(i: u64, lines: &str) -> String {
    format!("<doc id=\"{i}\" url=\"u\" title=\"Title {i}\">\nTitle {i}\n\n{lines}\n</doc>\n")
}

#[test]
fn lines_of_wikipedia_are_split_by_article() {
    let root = TempDir::new().unwrap();
    // By their hashes, articles 0 and 2 are for training, 1 and 3 for testing.
    put(
        root.path(),
        "wikipedia_en/AA/wiki_00",
        article(0, " First line \n 12345 \n123456") + &article(1, "Held out"),
    );
    let more = article(2, "Überall\nétéété") + "\n" + &article(3, "Held out, too");
    put(root.path(), "wikipedia_en/AB/wiki_00.gz", gzip(&more));
    let [train, test] = texts(root.path(), "tokenized_wikipedia/20190301.en_bytes");
    assert_eq!(train, [" First line ", "123456", "Überall", "étéété"]);
    assert_eq!(test, ["Held out", "Held out, too"]);
    let strict = Datasets::new(Source::Directory(root.path().to_owned()));
    let message = strict.text("tokenized_wikipedia/20190301.en_bytes").unwrap_err().to_string();
    assert!(message.contains("4 of 1000001 articles"), "{message}");
}

#[test]
fn what_is_not_wikiextractors_output_is_refused() {
    let name = "tokenized_wikipedia/20190301.hsb_bytes";
    let check = |file: &str, bytes: &[u8], words: &[&str]| {
        let root = TempDir::new().unwrap();
        put(root.path(), &format!("wikipedia_hsb/AA/{file}"), bytes);
        fails(root.path(), name, words);
    };
    check("wiki_00", b"\nplain text", &["wiki_00, line 2", "outside an article"]);
    check(
        "wiki_00",
        article(0, "whole").trim_end_matches("</doc>\n").as_bytes(),
        &["ends within an article"],
    );
    check("wiki_00", b"<doc id=\"0\">\nT\nab\xc3", &["line 3", "not UTF-8 at byte 17"]);
    check("wiki_00.bz2", b"BZh9", &["wiki_00.bz2", "bunzip2"]);
    check("wiki_00.gz", b"\x1f\x8b\x08", &["damaged gzip"]);
}

const BOOKS: &str = "tokenized_amazon_reviews/Books_v1_02_bytes";
const TSV: &str = "amazon_reviews/amazon_reviews_us_Books_v1_02.tsv";

fn tsv(rows: &[(&str, &str)]) -> String {
    let rows: String = rows.iter().map(|(stars, body)| format!("US\t{stars}\t{body}\t2015\n")).collect();
    format!("marketplace\tstar_rating\treview_body\treview_date\n{rows}")
}

#[test]
fn reviews_of_amazon_are_rows() {
    // Reviews 1, 2 and 3 are for training, 0 for testing, by their hashes.
    let rows = [("5", "A \"quote"), ("1", "Bad"), ("3", ""), ("4", "Good, <br /> I think")];
    let check = |name: &str, bytes: Vec<u8>| {
        let root = TempDir::new().unwrap();
        put(root.path(), name, bytes);
        let data = load(root.path(), BOOKS).unwrap();
        let all: Vec<_> = (0..4).map(|i| (data.label(i), decode_bytes(data.tokens(i)).unwrap())).collect();
        let expected = [(0, "Bad"), (2, ""), (3, "Good, <br /> I think"), (4, "A \"quote")];
        assert_eq!(all, expected.map(|(label, text)| (label, text.to_owned())));
        data.origin()
    };
    // Four rows of three millions.
    assert_eq!(check(TSV, tsv(&rows).into()), Origin::Partial);
    assert_eq!(check(TSV, tsv(&rows).replace('\n', "\r\n").into()), Origin::Partial);
    assert_eq!(check(TSV, format!("\u{feff}{}", tsv(&rows)).into()), Origin::Partial);
    let json = |text: &str, stars: &str| -> String {
        let line = |(rating, body): &(&str, &str)| {
            format!("{{\"{text}\":{body:?},\"other\":[1],\"{stars}\":{rating}.0}}\n")
        };
        rows.iter().map(line).collect()
    };
    assert_eq!(check("amazon_reviews/Books.jsonl", json("text", "rating").into()), Origin::Partial);
    assert_eq!(check("amazon_reviews/Books.json.gz", gzip(&json("reviewText", "overall"))), Origin::Partial);
    // The edition of 2018 leaves out the text of a review without words.
    let without = json("reviewText", "overall").replace("\"reviewText\":\"\",", "");
    assert_eq!(check("amazon_reviews/Books.json", without.into()), Origin::Partial);
    assert_eq!(
        check("amazon_reviews/Books.json", json("reviewText", "overall").replace(":\"\"", ":null").into()),
        Origin::Partial
    );
}

#[test]
fn broken_reviews_of_amazon_are_named_with_their_line() {
    let check = |name: &str, text: &str, words: &[&str]| {
        let root = TempDir::new().unwrap();
        put(root.path(), name, text);
        fails(root.path(), BOOKS, words);
    };
    check(TSV, "", &["line 1", "no columns review_body"]);
    check(TSV, &tsv(&[("5", "a"), ("6", "b")]), &["Books_v1_02.tsv, line 3", "star_rating of `6`"]);
    check(TSV, &format!("{}US\t5\n", tsv(&[])), &["line 2", "2 columns"]);
    // Cut in a row: in a column that is read, and in one that is not.
    for cut in ["US\t5", "US\t5\ta review with some wo"] {
        check(TSV, &format!("{}{cut}", tsv(&[("5", "a")])), &["line 3", "the file ends within this row"]);
    }
    check("amazon_reviews/Books.jsonl", "{\"text\":\"a\"}\n", &["Books.jsonl, line 1", "rating"]);
    check("amazon_reviews/Books.jsonl", "{\"text\":\"a\",\"rating\":2.5}\n", &["rating of 2.5"]);
    // A file that is far smaller than the published one, but whole, is judged by what is in it.
    let root = TempDir::new().unwrap();
    put(root.path(), &format!("{TSV}.gz"), gzip(&tsv(&[("5", "a")])));
    fails(root.path(), BOOKS, &["holds 0 training and 1 test examples"]);
}

/// A copy is complete by what is in its files, whatever their names: refused, with these words, unless a part is allowed.
#[test]
fn completeness_is_a_matter_of_contents() {
    let check = |place: &dyn Fn(&Path), name: &str, words: &[&str]| {
        use taskset_datasets::files::{FilesState, inspect, verify};
        let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        place(root.path());
        let look = || inspect(root.path(), Some(cache.path()), name).unwrap();
        assert!(!matches!(look().state, FilesState::Complete), "{:?}", look());
        let strict = Datasets::new(Source::Directory(root.path().to_owned()));
        let refused = prepare_text(root.path(), name, cache.path(), false, &mut NoProgress).unwrap_err();
        for message in [strict.text(name).unwrap_err().to_string(), refused.to_string()] {
            words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        }
        let verification = verify(root.path(), name).unwrap();
        assert!(verification.is_partial() && !verification.is_bad(), "{verification:?}");
        let made = prepare_text(root.path(), name, cache.path(), true, &mut NoProgress).unwrap();
        assert_eq!(made.origin, Origin::Partial);
        assert_eq!(load(root.path(), name).unwrap().origin(), Origin::Partial);
        assert_eq!(look().state, FilesState::Partial);
    };
    let lm1b = |root: &Path, text: &dyn Fn(usize) -> String| {
        let top = "lm1b/1-billion-word-language-modeling-benchmark-r13output";
        for i in 1..100 {
            let name = format!("training-monolingual.tokenized.shuffled/news.en-{i:05}-of-00100");
            put(root, &format!("{top}/{name}"), text(i));
        }
        for i in 0..50 {
            let name = format!("heldout-monolingual.tokenized.shuffled/news.en.heldout-{i:05}-of-00050");
            put(root, &format!("{top}/{name}"), text(i));
        }
    };
    let tiny = |root: &Path| lm1b(root, &|i| format!("A short sentence of shard {i} .\n").repeat(6));
    check(&tiny, "lm1b/bytes", &["594 of 30301028 training examples"]);
    let one = |root: &Path| lm1b(root, &|i| if i == 1 { "A sentence .\n".repeat(4) } else { String::new() });
    check(&one, "lm1b/bytes", &["4 of 30301028 training examples"]);
    let rows = tsv(&[("5", "a review"); 9]);
    check(&|root| put(root, TSV, &rows), BOOKS, &["9 of 3105520 rows"]);
    // Without the line end of the last row, which is whole.
    check(&|root| put(root, TSV, rows.trim_end()), BOOKS, &["9 of 3105520 rows"]);
    let articles = (0..9).map(|i| article(i, "A line of some length")).collect::<String>();
    let wikipedia = |root: &Path| put(root, "wikipedia_en/AA/wiki_00", &articles);
    check(&wikipedia, "tokenized_wikipedia/20190301.en_bytes", &["9 of 1000001 articles"]);
    let packed = |root: &Path| put(root, "wikipedia_en/AA/wiki_00.gz", gzip(&articles));
    check(&packed, "tokenized_wikipedia/20190301.en_bytes", &["9 of 1000001 articles"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn no_contents_make_a_loader_panic(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                &b"<doc id=\"0\">\n"[..], b"</doc>\n", b"Title\n", b"a longer line\n", b"\n", b"\xff", b"\0", b"\t", b"\r",
                b"star_rating\treview_body\n", b"5\tGood\n", b"{\"text\":\"a\",\"rating\":1}\n", b"{", b"\"", b"\x1f\x8b\x08",
            ]),
            0..12,
        ),
    ) {
        let root = TempDir::new().unwrap();
        let bytes = pieces.concat();
        for file in [
            "imdb/aclImdb/train/pos/0_9.txt",
            "lm1b/1b_benchmark.dev.tokens",
            "wikipedia_hsb/AA/wiki_00",
            "wikipedia_hsb/AA/wiki_01.gz",
            "amazon_reviews/amazon_reviews_us_Books_v1_02.tsv",
            "amazon_reviews/Video.json",
        ] {
            put(root.path(), file, &bytes);
        }
        for info in taskset_datasets::text::text_infos() {
            let _ = load(root.path(), &info.name);
            assert!(taskset_datasets::files::inspect(root.path(), None, &info.name).is_ok());
            assert!(taskset_datasets::files::verify(root.path(), &info.name).is_ok());
        }
    }
}

#[test]
fn looks_and_full_readings_tell_partial_from_complete() {
    use taskset_datasets::files::{FileVerdict, FilesState, inspect, verify};
    let root = TempDir::new().unwrap();
    let look = |name: &str| inspect(root.path(), None, name).unwrap();
    assert_eq!(look("imdb_reviews").state, FilesState::Missing);
    assert!(!verify(root.path(), "imdb_reviews").unwrap().is_good());
    imdb(root.path());
    let found = look("imdb_reviews");
    assert_eq!(
        (found.state, found.name.as_str(), found.present.len()),
        (FilesState::Partial, "imdb_reviews", 5)
    );
    assert!(found.problems[0].contains("1 of 12500 files"), "{:?}", found.problems);
    let verification = verify(root.path(), "imdb_reviews/bytes").unwrap();
    assert!(matches!(verification.files.last().unwrap().verdict, FileVerdict::Partial(_)));

    put(root.path(), TSV, tsv(&[("5", "a"); 9]));
    assert_eq!(look(BOOKS).state, FilesState::Partial);
    let verification = verify(root.path(), BOOKS).unwrap();
    assert!(!verification.is_good() && matches!(verification.files[0].verdict, FileVerdict::WellFormed));
    put(root.path(), TSV, tsv(&[("5", "a"), ("x", "b")]));
    let verification = verify(root.path(), BOOKS).unwrap();
    assert!(matches!(
        verification.files.last().unwrap().verdict,
        FileVerdict::Bad(Error::MalformedText { .. })
    ));

    // Whole, compressed and of few rows: a part. Cut: damaged.
    fs::remove_file(root.path().join(TSV)).unwrap();
    let rows: Vec<String> = (0..29).map(|i| format!("Review {i}")).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|row| ("5", &row[..])).collect();
    let table = tsv(&rows);
    let (half, rest) = table.split_at(300);
    let packed = [gzip(half), gzip(rest)].concat();
    put(root.path(), &format!("{TSV}.gz"), packed.clone());
    assert_eq!(look(BOOKS).state, FilesState::Partial);
    let verification = verify(root.path(), BOOKS).unwrap();
    assert!(verification.is_partial() && !verification.is_bad(), "{verification:?}");
    assert_eq!(load(root.path(), BOOKS).unwrap().origin(), Origin::Partial);
    put(root.path(), &format!("{TSV}.gz"), &packed[..packed.len() - 9]);
    assert_eq!(look(BOOKS).state, FilesState::Damaged);
    let message = load(root.path(), BOOKS).unwrap_err().to_string();
    assert!(message.contains("truncated") && message.contains("1329539135"), "{message}");

    put(root.path(), "wikipedia_en/AA/wiki_00", article(0, "A"));
    assert_eq!(look("wikipedia_en").state, FilesState::Incomplete);
    assert!(verify(root.path(), "wikipedia_en").unwrap().is_bad());
    let articles = |i| article(i, "A line of text");
    put(root.path(), "wikipedia_en/AA/wiki_00", (0..20).map(articles).collect::<String>());
    let found = look("wikipedia_en");
    assert_eq!(found.state, FilesState::Partial);
    assert!(found.problems[0].contains("1000001 articles"), "{:?}", found.problems);
}
