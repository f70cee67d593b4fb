//! Prepared copies of texts: made once, found again, and never used when they are damaged or of other files.

use std::fs;
use std::path::Path;

use taskset_datasets::prepared::{NoProgress, PrepareEvent, PrepareProgress, prepare_text};
use taskset_datasets::{Datasets, Source};
use tempfile::TempDir;

use crate::text_support::{IMDB, imdb, load, put, texts};

#[cfg(unix)]
#[test]
fn texts_of_other_contents_are_noticed_whatever_their_modification_time() {
    let root = TempDir::new().unwrap();
    imdb(root.path());
    let cache = root.path().join("prepared");
    let prepare =
        |name| prepare_text(root.path(), name, &cache, true, &mut NoProgress).map(|made| made.found).unwrap();
    let both = [IMDB, "imdb_reviews/subwords8k"];
    assert_eq!(both.map(prepare), [false; 2]);
    assert_eq!(both.map(prepare), [true; 2]);
    let vocabulary = || fs::read(cache.join(&names(&cache, ".subwords")[0])).unwrap();
    let before = vocabulary();
    let review = root.path().join("imdb/aclImdb/train/pos/0_9.txt");
    let changed = fs::metadata(&review).unwrap().modified().unwrap();
    fs::write(&review, "Worst!\n").unwrap();
    fs::File::options().write(true).open(&review).unwrap().set_modified(changed).unwrap();
    // Without a cache that was named, too.
    assert_eq!(texts(root.path(), IMDB)[0][1], "Worst!");
    assert_eq!(both.map(prepare), [false; 2]);
    assert_eq!(names(&cache, ".tokens").len(), 2, "the new copies take the place of the old ones");
    assert_eq!(texts(root.path(), IMDB)[0][1], "Worst!");
    assert!(vocabulary() != before, "a vocabulary of its own");
    assert_eq!(both.map(prepare), [true; 2]);
}

/// Names of files in a folder that end so.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(ending)).collect()
}

/// Writes a file, and a time of change after that of the file that was there.
fn replace(path: &Path, bytes: impl AsRef<[u8]>) {
    let time = fs::metadata(path).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::write(path, bytes).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_prepared_copy_is_the_same_data_and_a_damaged_one_is_not_used() {
    let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    imdb(root.path());
    for name in [IMDB, "imdb_reviews/subwords8k"] {
        let read = load(root.path(), name).unwrap().digest();
        let made = prepare_text(root.path(), name, cache.path(), true, &mut NoProgress).unwrap();
        let datasets = || {
            let datasets = Datasets::new(Source::Directory(root.path().to_owned())).allow_partial(true);
            datasets.cache(Some(cache.path().to_owned()))
        };
        assert_eq!(datasets().text(name).unwrap().digest(), read, "{name}");
        let mut bytes = fs::read(&made.path).unwrap();
        bytes[264] ^= 2;
        replace(&made.path, bytes);
        let message = datasets().text(name).unwrap_err().to_string();
        for word in [".tokens", "wrong checksum of its contents", &format!("prepare {name} again")] {
            assert!(message.contains(word), "`{word}` is not in: {message}");
        }
        assert!(!prepare_text(root.path(), name, cache.path(), true, &mut NoProgress).unwrap().found);
        assert_eq!(datasets().text(name).unwrap().digest(), read, "{name}");
    }
}

#[test]
fn copies_of_what_lay_in_the_same_folder_before_are_removed() {
    let (root, other, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let subwords = "imdb_reviews/subwords8k";
    let prepare =
        |root: &TempDir, name| prepare_text(root.path(), name, cache.path(), true, &mut NoProgress).unwrap();
    let count = |ending: &str| names(cache.path(), ending).len();
    imdb(root.path());
    imdb(other.path());
    put(other.path(), "imdb/aclImdb/train/pos/11_8.txt", "One more.");
    let first = [IMDB, subwords].map(|name| prepare(&root, name));
    let others = [IMDB, subwords].map(|name| prepare(&other, name));
    assert_eq!((count(".tokens"), count(".subwords")), (4, 2));
    // Of an older version of the program, of a newer one, and what is not ours.
    let old = |name: &str, version: u8| {
        let mut bytes = fs::read(&first[0].path).unwrap();
        bytes[8] = version;
        fs::write(cache.path().join(name), bytes).unwrap();
    };
    let key = "0123456789abcdef0123456789abcdef";
    old(&format!("imdb_reviews-bytes-{key}.tokens"), 2);
    old(&format!("imdb_reviews-bytes-{}.tokens", key.replace('0', "f")), 99);
    fs::write(cache.path().join("imdb_reviews-bytes-mine.tokens"), "mine").unwrap();

    let review = root.path().join("imdb/aclImdb/train/pos/0_9.txt");
    replace(&review, "Weak..\n");
    let made = prepare(&root, IMDB);
    assert!(!made.found && made.path != first[0].path);
    assert!(!first[0].path.exists() && first[1].path.exists(), "only copies of the same data set go");
    assert!(!names(cache.path(), ".tokens").contains(&format!("imdb_reviews-bytes-{key}.tokens")));
    assert_eq!((count("bytes-mine.tokens"), count(".tokens"), count(".subwords")), (1, 6, 2));
    prepare(&root, subwords);
    assert!(!first[1].path.exists() && !first[1].path.with_extension("subwords").exists());
    assert_eq!((count(".tokens"), count(".subwords")), (6, 2));
    assert!(others.iter().all(|copy| copy.path.exists()), "copies of another folder stay");
}

/// Counts events.
#[derive(Default)]
struct Events(usize);

impl PrepareProgress for Events {
    fn event(&mut self, _: PrepareEvent) {
        self.0 += 1;
    }
}

#[test]
fn prepared_sets_are_kept_and_found_again() {
    let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    imdb(root.path());
    for name in ["imdb_reviews/bytes", "imdb_reviews/subwords8k"] {
        let mut events = Events::default();
        let mut prepare =
            || prepare_text(root.path(), name, cache.path(), true, &mut events).map(|p| (p.found, p.path));
        let (found, path) = prepare().unwrap();
        assert!(!found && path.is_file());
        assert!(prepare().unwrap().0);
        let first = events.0;
        assert!(first > 0);

        let fresh = load(root.path(), name).unwrap();
        let datasets =
            Datasets::new(Source::Directory(root.path().to_owned())).cache(Some(cache.path().to_owned()));
        let message = datasets.text(name).unwrap_err().to_string();
        assert!(message.contains("only a part"), "{message}");
        let kept = datasets.allow_partial(true).text(name).unwrap();
        assert_eq!(kept.all_tokens(), fresh.all_tokens());
        assert_eq!((kept.source_sizes(), kept.origin()), (fresh.source_sizes(), fresh.origin()));
        assert!((0..5).all(|i| kept.tokens(i) == fresh.tokens(i) && kept.label(i) == fresh.label(i)));

        // Damage of any kind means that it is made anew.
        let whole = fs::read(&path).unwrap();
        for damage in [
            |bytes: &mut Vec<u8>| bytes[100] ^= 1,
            |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2),
            |bytes: &mut Vec<u8>| bytes[40] = 0xff,
            |bytes: &mut Vec<u8>| bytes.clear(),
        ] {
            let mut bytes = whole.clone();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            assert!(!prepare_text(root.path(), name, cache.path(), true, &mut NoProgress).unwrap().found);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }
    let left: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "two sets and a vocabulary, no temporary file: {left:?}");
    // Other input, other file.
    put(root.path(), "imdb/aclImdb/train/pos/0_9.txt", "Changed!");
    assert!(!prepare_text(root.path(), IMDB, cache.path(), true, &mut NoProgress).unwrap().found);
}

#[test]
fn two_may_prepare_at_once() {
    let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    imdb(root.path());
    let prepare = || prepare_text(root.path(), IMDB, cache.path(), true, &mut NoProgress).unwrap().path;
    let paths: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(prepare)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(paths.iter().all(|path| *path == paths[0] && path.is_file()));
    assert!(prepare_text(root.path(), IMDB, cache.path(), true, &mut NoProgress).unwrap().found);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
}
