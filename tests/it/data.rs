//! `data`, and what happens when data is missing, broken, or there in part.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{arg, fails, json, ok, run, skipped};

const MNIST_TASK: &str = "FixedMLP_mnist_ce_128x128x128_relu_bs128";
const CIFAR_TASK: &str = "FixedMLP_cifar10_ce_128x128x128_relu_bs128";

/// Writes a file below a folder.
fn put(root: &Path, name: &str, contents: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Records of CIFAR-10: a label and 3072 bytes each.
fn records(count: usize) -> Vec<u8> {
    (0..count).flat_map(|i| [vec![(i % 10) as u8], vec![(i * 7 % 251) as u8; 3072]].concat()).collect()
}

/// CIFAR-10 of which most is missing: 48 training and 8 test images, three files not there.
fn put_cifar(root: &Path) {
    put(root, "cifar10/data_batch_1.bin", records(40));
    put(root, "cifar10/data_batch_4.bin", records(8));
    put(root, "cifar10/test_batch.bin", records(8));
}

/// An edition of lm1b that only a part has, and an article of Wikipedia; each of a few lines.
fn put_texts(root: &Path) {
    let sentences: String =
        (0..60).map(|i| format!("The sentence number {i} is not a long one .\n")).collect();
    put(root, "lm1b/1b_benchmark.dev.tokens", &sentences);
    put(root, "lm1b/1b_benchmark.test.tokens", &sentences);
    let articles = (0..40).map(|i| {
        let lines = format!("Article {i}\n\nThe line of article {i} is here .\nAnother line follows it .\n");
        format!("<doc id=\"{i}\" url=\"\" title=\"Article {i}\">\n{lines}</doc>\n")
    });
    put(root, "wikipedia_en/AA/wiki_00", articles.collect::<String>());
}

/// The row of a data set.
fn listed(root: &str, name: &str) -> Value {
    let rows = json(&["data", "list", name, "--data", root, "--json"]);
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

/// Runs it, expects success, and words on stderr.
fn says(args: &[&str], words: &[&str]) -> String {
    let ran = run(args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "{args:?}: `{word}` is missing in: {}", ran.stderr);
    }
    ran.stdout
}

#[test]
fn missing_data_is_an_error_that_names_the_ways_out() {
    let directory = TempDir::new().unwrap();
    let words = ["mnist", "train-images-idx3-ubyte", "--data synthetic"];
    fails(&["train", MNIST_TASK, "adam_lr_-3.00", "--data", &arg(directory.path())], 1, &words);
    // Nothing falls back silently where no data was named.
    fails(&["train", MNIST_TASK, "adam_lr_-3.00"], 1, &words);
}

#[test]
fn the_list_says_where_missing_sets_come_from() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    let rows = json(&["data", "list", "--data", &root, "--json"]);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 23);
    for row in rows {
        assert_eq!((&row["state"], &row["bytes"]), (&"missing".into(), &0.into()), "{row}");
        assert!(row["site"].as_str().unwrap().starts_with("http"), "{row}");
        assert!(row["directory"].as_str().unwrap().starts_with(&root), "{row}");
        assert!(!row["licence"].as_str().unwrap().is_empty());
    }
    let table = says(&["data", "list", "--data", &root], &["looked in", &root]);
    assert!(table.contains("from https://www.cs.toronto.edu/~kriz/cifar.html, into"), "{table}");
    says(&["data", "list", "--data", "/nonexistent"], &["/nonexistent, which does not exist"]);
    fails(&["data", "verify", "--data", &root], 1, &["there is no data set in", &root]);
}

#[test]
fn misspelt_names_are_usage_errors_with_a_suggestion() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    let check = |command: &str, name: &str, meant: &str| {
        fails(&["data", command, name, "--data", &root], 2, &[name, &format!("did you mean `{meant}`?")]);
    };
    check("list", "mnits", "mnist");
    check("verify", "lm1", "lm1b");
    check("verify", "imdb", "imdb_reviews");
    check("prepare", "wikipedia_eng", "wikipedia_en");
    check("prepare", "lm1b/byte", "lm1b/bytes");
    fails(&["data", "list", "zzzzzzzz", "--data", &root], 2, &["`taskset-rs data list` lists them"]);
    // All names are looked at before anything is done.
    fails(&["data", "prepare", "lm1b", "cifar11", "--data", &root], 2, &["cifar11"]);
}

#[test]
fn truncated_and_foreign_files_are_named() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    for name in [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        put(&directory.path().join("mnist"), name, "not an idx file at all");
    }
    let train = ["train", MNIST_TASK, "adam_lr_-3.00", "--data", &root];
    fails(&train, 1, &["train-images-idx3-ubyte", "magic"]);
    let ran = run(&["data", "verify", "mnist", "--data", &root]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("bad") && ran.stderr.contains("missing or damaged: mnist"));
    // Something else of the name is not a missing file.
    fs::remove_file(directory.path().join("mnist/train-images-idx3-ubyte")).unwrap();
    fs::create_dir(directory.path().join("mnist/train-images-idx3-ubyte.gz")).unwrap();
    fails(&train, 1, &["mnist/train-images-idx3-ubyte.gz", "a folder, not a file"]);
    fails(&["train", MNIST_TASK, "adam_lr_-3.00", "--data", &root, "--allow-partial"], 1, &["a folder"]);
}

#[test]
fn files_of_another_size_are_damaged_not_partial() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put(directory.path(), "mnist/t10k-labels-idx1-ubyte.gz", b"\x1f\x8b");
    put(directory.path(), "imdb/aclImdb_v1.tar.gz", b"\x1f\x8b");
    let table = says(&["data", "list", "mnist", "imdb_reviews", "--data", &root], &["fetch them again"]);
    assert_eq!(table.matches("damaged").count(), 2, "{table}");
    for (name, words) in [
        ("mnist", "t10k-labels-idx1-ubyte.gz has 2 bytes, the original 4542"),
        ("imdb_reviews", "aclImdb_v1.tar.gz: truncated (2 bytes, the original has 84125825)"),
    ] {
        let row = listed(&root, name);
        assert!(row["state"] == "damaged" && row["problems"].to_string().contains(words), "{row}");
    }
    fails(&["data", "prepare", "imdb_reviews", "--data", &root], 1, &["aclImdb_v1.tar.gz", "truncated"]);
}

#[test]
fn a_part_is_used_only_if_allowed_and_labelled() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put_cifar(directory.path());
    let row = listed(&root, "cifar10");
    assert_eq!((&row["state"], &row["files"].as_array().unwrap().len()), (&"partial".into(), &3));
    assert!(row["problems"].to_string().contains("data_batch_2.bin is missing"), "{row}");

    let verify = ["data", "verify", "cifar10", "--data", &root, "--json"];
    let ran = run(&verify);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("partial: cifar10") && ran.stderr.contains("--allow-partial"));
    let checked: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&checked[0]["state"], &checked[0]["good"]), (&"partial".into(), &false.into()));
    assert_eq!(checked[0]["files"][1]["note"], "data_batch_2.bin is missing");
    says(&[&verify[..], &["--allow-partial"]].concat(), &["partial: cifar10"]);

    let train =
        ["train", CIFAR_TASK, "adam_lr_-3.00", "--steps", "1", "--eval-batches", "1", "--data", &root];
    fails(&train, 1, &["cifar10", "data_batch_2.bin is missing", "--allow-partial", "kriz"]);
    let out = arg(&directory.path().join("curve.parquet"));
    let allowed = [&train[..], &["--allow-partial", "--out", &out, "--json"]].concat();
    let curve: Value = serde_json::from_str(&says(&allowed, &["a part of the data set"])).unwrap();
    assert_eq!(curve["data"], "partial");
    assert_eq!(json(&["curves", "query", &out, "--json"])[0]["data"], "partial");

    // Prepared, it still is a part, even when the original files are gone.
    let prepare = ["data", "prepare", "cifar10", "--data", &root];
    fails(&prepare, 1, &["--allow-partial"]);
    says(&[&prepare[..], &["--allow-partial"]].concat(), &["cifar10 prepared in part: 56 images"]);
    says(&[&prepare[..], &["--allow-partial"]].concat(), &["is prepared already, in part"]);
    assert_eq!(listed(&root, "cifar10")["prepared"][0]["state"], "partial");
    put(directory.path(), "cifar10/test_batch.bin", records(9));
    assert_eq!(listed(&root, "cifar10")["prepared"][0]["state"], "stale");
    fs::remove_dir_all(directory.path().join("cifar10")).unwrap();
    assert_eq!(listed(&root, "cifar10")["state"], "prepared");
    fails(&train, 1, &["56 of 60000 images", "--allow-partial"]);
    ok(&allowed);
    // All commands judge it alike.
    says(&[&prepare[..], &["--allow-partial"]].concat(), &["is prepared already, in part"]);
    fails(&prepare, 1, &["56 of 60000 images", "--allow-partial"]);
    let checked = says(&[&verify[..], &["--allow-partial"]].concat(), &["partial: cifar10"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(checked[0]["files"][0]["verdict"], "not here");
    let copy = directory.path().join("prepared/cifar10.images");
    let mut bytes = fs::read(&copy).unwrap();
    bytes[1000] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let words = ["cifar10.images", "wrong checksum", "no original files", "data fetch cifar10"];
    let message = run(&allowed).stderr;
    words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is missing in: {message}"));
    assert!(!message.contains("data prepare"), "{message}");
    let ran = run(&[&verify[..], &["--allow-partial"]].concat());
    assert!(ran.code == 1 && ran.stdout.contains("no original files"), "{}", ran.stdout);
}

/// A file with other contents, but the size and the modification time of the one that was there.
#[cfg(unix)]
#[test]
fn changed_originals_are_noticed_by_their_contents() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put_cifar(directory.path());
    put_texts(directory.path());
    let prepare = ["data", "prepare", "cifar10", "lm1b", "--data", &root, "--allow-partial"];
    says(&prepare, &["cifar10 prepared in part", "lm1b/bytes prepared in part"]);
    let already = ["cifar10 is prepared already", "lm1b/bytes is prepared", "lm1b/subwords8k is prepared"];
    let replace = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = directory.path().join(name);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    let states = || {
        let rows = json(&["data", "list", "cifar10", "lm1b", "--data", &root, "--json"]);
        let copies = rows.as_array().unwrap().iter().flat_map(|row| row["prepared"].as_array().unwrap());
        copies.map(|copy| copy["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (images, texts) = ("cifar10/data_batch_1.bin", "lm1b/1b_benchmark.dev.tokens");
    // Written anew, as in a copied data directory.
    [images, texts].into_iter().for_each(|name| replace(name, &|_| {}));
    assert_eq!(states(), ["partial"; 3]);
    says(&prepare, &already);
    says(&prepare, &already);
    replace(images, &|bytes| bytes[100] ^= 1);
    replace(texts, &|bytes| bytes[0] = b'H');
    assert_eq!(states(), ["stale"; 3]);
    let words =
        ["cifar10 prepared in part", "lm1b/bytes prepared in part", "lm1b/subwords8k prepared in part"];
    says(&prepare, &words);
    assert_eq!(states(), ["partial"; 3]);
}

/// What verifying and preparing refuse is listed as damaged, whatever else is missing.
#[test]
fn small_sets_that_cannot_be_read_are_listed_as_damaged() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    let damaged = |name: &str, words: &[&str]| {
        let row = listed(&root, name);
        assert_eq!(row["state"], "damaged", "{row}");
        let first = row["problems"][0].as_str().unwrap();
        words.iter().for_each(|word| assert!(first.contains(word), "`{word}` is missing in: {row}"));
        let ran = run(&["data", "verify", name, "--data", &root]);
        assert!(ran.code == 1 && ran.stderr.contains("damaged: "), "{}", ran.stderr);
    };
    let rows: String = (0..90).map(|i| format!("US\t{}\tReview {i}\t2005-10-14\n", i % 5 + 1)).collect();
    let table = format!("marketplace\tstar_rating\treview_body\treview_date\n{rows}");
    let books = "amazon_reviews/amazon_reviews_us_Books_v1_02.tsv";
    put(directory.path(), books, &table);
    assert_eq!(listed(&root, "amazon_reviews_Books_v1_02")["state"], "partial");
    put(directory.path(), books, &table[..table.len() - "9\t2005-10-14\n".len()]);
    damaged("amazon_reviews_Books_v1_02", &["Books_v1_02.tsv", "ends within this row"]);

    put_texts(directory.path());
    assert_eq!(listed(&root, "wikipedia_en")["state"], "partial");
    put(directory.path(), "wikipedia_en/AA/wiki_01", "<doc id=\"77\" url=\"\" title=\"T\">\nT\n\nHalf an");
    damaged("wikipedia_en", &["wiki_01"]);

    for group in ["train/neg", "train/pos", "test/neg", "test/pos"] {
        for i in 0..2 {
            let review = format!("imdb/aclImdb/{group}/{i}_1.txt");
            put(directory.path(), &review, format!("Review {i} of {group}."));
        }
    }
    assert_eq!(listed(&root, "imdb_reviews")["state"], "partial");
    put(directory.path(), "imdb/aclImdb/train/neg/2_1.txt", vec![b'a'; (16 << 20) + 1]);
    damaged("imdb_reviews", &["2_1.txt"]);

    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    put(directory.path(), "coil100/obj1__7.png", taskset::figures::png(svg, 1.0).unwrap());
    damaged("coil100_32x32", &["obj1__7.png", "pose"]);
}

#[test]
fn texts_are_prepared_by_the_name_of_their_source() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put_texts(directory.path());
    fails(&["data", "prepare", "lm1b", "--data", &root], 1, &["lm1b", "0 of 99 files", "--allow-partial"]);
    let prepare = ["data", "prepare", "lm1b", "wikipedia_en", "--data", &root, "--allow-partial"];
    let words =
        ["lm1b/bytes prepared in part: ", "tokenized_wikipedia/20190301.en_subwords8k prepared in part"];
    says(&prepare, &words);
    says(&prepare, &["lm1b/bytes is prepared already, in part", "lm1b/subwords8k is prepared already"]);
    let row = listed(&root, "wikipedia_en");
    assert_eq!((&row["state"], &row["problems"].as_array().unwrap().len()), (&"partial".into(), &1));
    let row = listed(&root, "lm1b/bytes");
    assert_eq!((&row["name"], row["prepared"].as_array().unwrap().len()), (&"lm1b".into(), 2));
    let table = ok(&["data", "list", "lm1b", "--data", &root]);
    assert!(
        table.contains("bytes ") && table.contains("subwords8k ") && table.contains("(partial)"),
        "{table}"
    );

    // A copy of other files is left alone; one that is damaged is found.
    put(directory.path(), "lm1b/1b_benchmark.dev.tokens", "A .\nB .\nC .\n");
    let verify = ["data", "verify", "lm1b", "--data", &root, "--allow-partial"];
    assert_eq!(says(&verify, &["partial: lm1b"]).matches("stale").count(), 2);
    ok(&prepare);
    let copies = listed(&root, "lm1b")["prepared"].clone();
    let usable = copies.as_array().unwrap().iter().find(|copy| copy["state"] == "partial").unwrap();
    let path = usable["path"].as_str().unwrap();
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    let ran = run(&verify);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("delete it and prepare"), "{}", ran.stdout);
    // A copy that cannot be opened is made anew; drafts of dead writers go.
    fs::write(path, &fs::read(path).unwrap()[..150]).unwrap();
    let draft = format!("{path}.999999999-0.part");
    fs::write(&draft, "what a dead writer left").unwrap();
    let is = |state: &str| {
        let copies = listed(&root, "lm1b")["prepared"].clone();
        assert!(copies.as_array().unwrap().iter().any(|copy| copy["path"] == path && copy["state"] == state));
    };
    is("damaged");
    says(&prepare, &["prepared in part: "]);
    is("partial");
    assert!(!Path::new(&draft).exists());
    put(directory.path(), "lm1b/1b_benchmark.dev.tokens", b"Good .\nB\xffd .\n");
    fails(&[&prepare[..2], &["lm1b/bytes"], &prepare[4..]].concat(), 1, &["dev.tokens", "line 2", "UTF-8"]);
}

#[test]
fn pictures_are_prepared_before_their_first_use() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    for pose in 0..24 {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='36'>\
             <rect width='40' height='36' fill='#4080{:02x}'/></svg>",
            pose * 10
        );
        let picture = taskset::figures::png(&svg, 1.0).unwrap();
        put(directory.path(), &format!("coil100/obj1__{}.png", pose * 5), picture);
    }
    let row = listed(&root, "coil100_32x32");
    assert_eq!((&row["state"], &row["needs_preparation"]), (&"partial".into(), &true.into()));
    let table = ok(&["data", "list", "coil100_32x32", "--data", &root]);
    assert!(table.contains("24 of 7200 pictures; run `data prepare coil100_32x32` before"), "{table}");

    let task = "mlp_family_seed127";
    assert_eq!(json(&["tasks", "show", task, "--json"])["dataset"], "coil100_32x32");
    let train = ["train", task, "adam_lr_-3.00", "--steps", "1", "--eval-batches", "1", "--allow-partial"];
    let train = [&train[..], &["--data", &root]].concat();
    fails(&train, 1, &["coil100_32x32", "taskset-rs data prepare coil100_32x32"]);
    let prepare = ["data", "prepare", "coil100_32x32", "--data", &root, "--allow-partial", "--jobs", "2"];
    says(&prepare, &["prepared in part: 24 images"]);
    says(&train, &["a part of the data set"]);
    put(directory.path(), "coil100/obj2__0.png", "no picture");
    fails(&prepare, 1, &["obj2__0.png", "not a usable picture"]);
    // One that was cut is no picture with a grey lower half.
    let whole = fs::read(directory.path().join("coil100/obj1__0.png")).unwrap();
    put(directory.path(), "coil100/obj2__0.png", &whole[..whole.len() * 3 / 4]);
    fails(&prepare, 1, &["coil100/obj2__0.png", "not a usable picture", "truncated"]);
    let ran = run(&["data", "verify", "coil100_32x32", "--data", &root, "--allow-partial"]);
    assert!(ran.code == 1 && ran.stdout.contains("obj2__0.png"), "{}", ran.stdout);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put_cifar(directory.path());
    put_texts(directory.path());
    let cache = arg(&directory.path().join("cifar10/data_batch_1.bin"));
    for name in ["cifar10", "lm1b/bytes"] {
        let args = ["data", "prepare", name, "--data", &root, "--cache", &cache, "--allow-partial"];
        fails(&args, 1, &["data_batch_1.bin", "cannot be written", "--cache DIR"]);
    }
}

#[test]
fn two_may_prepare_at_once() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    put_cifar(directory.path());
    put_texts(directory.path());
    let args = ["data", "prepare", "cifar10", "lm1b", "--data", &root, "--allow-partial"];
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| ok(&args)), scope.spawn(|| ok(&args))];
        both.into_iter().for_each(|one| drop(one.join().unwrap()));
    });
    let verified = ["data", "verify", "cifar10", "lm1b", "--data", &root, "--allow-partial", "--json"];
    for checked in json(&verified).as_array().unwrap() {
        let copies = checked["prepared"].as_array().unwrap();
        assert!(!copies.is_empty() && copies.iter().all(|copy| copy["verdict"] == "prepared"), "{checked}");
    }
    let left = fs::read_dir(directory.path().join("prepared")).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "images, two texts, a vocabulary, no temporary file: {names:?}");
}

/// Data that have the right names, and by far not the contents: nothing calls them complete or real.
#[test]
fn names_make_no_data_set_complete() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    let top = "lm1b/1-billion-word-language-modeling-benchmark-r13output";
    let shard = "A short sentence .\nAnd another one .\n".repeat(3);
    for i in 0..100 {
        if i > 0 {
            let train = format!("{top}/training-monolingual.tokenized.shuffled/news.en-{i:05}-of-00100");
            put(directory.path(), &train, &shard);
        }
        if i < 50 {
            let held_out =
                format!("{top}/heldout-monolingual.tokenized.shuffled/news.en.heldout-{i:05}-of-00050");
            put(directory.path(), &held_out, &shard);
        }
    }
    let rows: String = (0..9).map(|i| format!("US\t{}\tReview {i}\t2005-10-14\n", i % 5 + 1)).collect();
    let table = format!("marketplace\tstar_rating\treview_body\treview_date\n{rows}");
    put(directory.path(), "amazon_reviews/amazon_reviews_us_Books_v1_02.tsv", &table);
    for name in ["Imagenet16_train_npz/train_data_batch_1.npz", "Imagenet16_val_npz/val_data.npz"] {
        put(directory.path(), &format!("imagenet_resized/{name}"), vec![b'P'; 445]);
    }
    let check = |name: &str, text: &str, words: &[&str], verified: &str| {
        let row = listed(&root, name);
        assert!(verified.ends_with(row["state"].as_str().unwrap()), "{row}");
        fails(&["data", "prepare", text, "--data", &root], 1, words);
        let ran = run(&["data", "verify", name, "--data", &root]);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains(&format!("{verified}: {name}")), "{}", ran.stderr);
    };
    check("lm1b", "lm1b/bytes", &["594 of 30301028 training examples", "--allow-partial"], "partial");
    let books = "amazon_reviews_Books_v1_02";
    check(books, "tokenized_amazon_reviews/Books_v1_02_bytes", &["9 of 3105520 rows"], "partial");
    let imagenet = "imagenet_resized/16x16";
    check(imagenet, imagenet, &["train_data_batch_1.npz", "not a ZIP archive"], "missing or damaged");
    let prepare = ["data", "prepare", "lm1b/bytes", "--data", &root, "--allow-partial"];
    says(&prepare, &["lm1b/bytes prepared in part: "]);
    assert_eq!(listed(&root, "lm1b")["state"], "partial");

    // Cut in a row: not even a part.
    let cut = &table[..table.len() - "6\t2005-10-14\n".len()];
    put(directory.path(), "amazon_reviews/amazon_reviews_us_Books_v1_02.tsv", cut);
    let book = "tokenized_amazon_reviews/Books_v1_02_bytes";
    let words = ["Books_v1_02.tsv, line 10", "ends within this row"];
    fails(&["data", "prepare", book, "--data", &root, "--allow-partial"], 1, &words);
}

#[test]
fn advice_follows_the_message() {
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    fails(
        &["data", "prepare", "mnist", "--data", &root],
        1,
        &["come from http", "--data DIR", "--data synthetic"],
    );
    put_cifar(directory.path());
    let words = ["the rest comes from https://www.cs.toronto.edu", "; `--allow-partial` accepts the part"];
    fails(&["train", CIFAR_TASK, "adam_lr_-3.00", "--data", &root], 1, &words);
}

#[test]
fn what_the_hub_answers_is_said() {
    use std::io::{BufRead, BufReader, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let paths = std::thread::spawn(move || {
        let mut paths = Vec::new();
        for (status, body) in [(404, "no"), (401, "no"), (200, "not the original")] {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            paths.push(head[0].clone());
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
        paths
    });
    let directory = TempDir::new().unwrap();
    let root = arg(directory.path());
    let fetch = |words: &[&str]| {
        let mut command = crate::support::program();
        command.args(["data", "fetch", "cifar10", "--hub", "--data", &root]).env("HF_ENDPOINT", &endpoint);
        let ran = crate::support::Ran::from(command.output().unwrap());
        assert_eq!((ran.code, &ran.stdout[..]), (1, ""), "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "`{word}` is missing in: {}", ran.stderr);
        }
    };
    fetch(&["plain_text/train-00000-of-00001.parquet", "404"]);
    fetch(&["401", "HF_TOKEN"]);
    fetch(&["sha256"]);
    let paths = paths.join().unwrap();
    assert!(paths.iter().all(|path| path.starts_with("GET /datasets/uoft-cs/cifar10/resolve/")), "{paths:?}");
    // Nothing wrong lies under the name of the original.
    assert_eq!(listed(&root, "cifar10")["state"], "missing");
    fails(&["data", "fetch", "mnits", "--data", &root], 2, &["did you mean `mnist`?"]);
    fails(&["data", "fetch", "sun397_32x32", "--data", "synthetic"], 2, &["--data DIR"]);
}

#[test]
fn real_files_are_verified_where_they_are() {
    let Some(root) = std::env::var_os("TASKSET_DATA").filter(|d| d != "synthetic") else {
        skipped("TASKSET_DATA names no directory with mnist");
        return;
    };
    let root = root.to_str().unwrap();
    let verified = json(&["data", "verify", "mnist", "fashion_mnist", "--data", root, "--json"]);
    assert!(verified.as_array().unwrap().iter().all(|v| v["good"] == true));
}
