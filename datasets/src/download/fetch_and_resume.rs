//! One file over HTTP: resumed, checked while it comes, renamed when complete.

use std::fs;
use std::io::Read as _;

use ureq::http::Response;

use super::item::Item;
use super::partial_file::{Part, hash_file};
use super::request::{Failure, number, range, range_total, refusal, request};
use super::{FetchEvent, FetchOptions, Fetched};
use crate::Error;
use crate::files::checksums;

/// Bytes a second below which a download does not count as going on.
const SLOWEST: f64 = 1024.0;
/// Bytes between two reports of progress.
const REPORT_EVERY: u64 = 1 << 20;

/// Fetches a file, unless it is there and good.
pub(super) fn download(
    item: &Item,
    options: &FetchOptions,
    progress: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<Fetched, Error> {
    let write = |source| Error::Write { path: item.target.clone(), source };
    if let Some(folder) = item.target.parent() {
        fs::create_dir_all(folder).map_err(write)?;
        // What cannot be removed stays.
        let _ = taskset_files::remove_left_overs(folder);
    }
    let known = item.sha256.is_some();
    let expected = match &item.sha256 {
        Some(sum) => Some(sum.clone()),
        None => checksums::of(&item.target)?,
    };
    if item.target.exists() {
        let sha256 = hash_file(&item.target)?;
        if let Some(expected) = expected.filter(|expected| *expected != sha256) {
            // Not overwritten: it may be the only copy of something.
            return Err(Error::WrongChecksum { path: item.target.clone(), expected, got: sha256 });
        }
        if !known {
            checksums::record(&item.target, &sha256)?;
        }
        progress(FetchEvent::There(&item.target));
        return Ok(Fetched { path: item.target.clone(), sha256, known });
    }
    let mut part = Part::open(item)?;
    let mut failures = 0;
    let sha256 = loop {
        let best = part.len;
        let failure = match attempt(item, options, &mut part, progress) {
            Ok(()) => {
                let got = part.sha256();
                match expected.as_ref().filter(|expected| **expected != got) {
                    None => break got,
                    // Perhaps the part was of another file: once more from the start.
                    Some(_) if part.resumed => {
                        part.restart()?;
                        "the resumed file has a wrong checksum".to_owned()
                    }
                    Some(expected) => {
                        part.discard();
                        return Err(item.error(format!(
                            "wrong checksum (sha256 {got}, expected {expected}); nothing was kept"
                        )));
                    }
                }
            }
            Err(Failure::Passing(why)) => why,
            Err(Failure::Final(error)) => return Err(error),
        };
        // An attempt that brought the file forward does not count as a failure.
        let enough = (SLOWEST * options.timeout.as_secs_f64()) as u64;
        failures = if part.len > best + enough { 1 } else { failures + 1 };
        if failures >= options.attempts.max(1) {
            return Err(item.error(format!(
                "{failure}; given up after {failures} attempts; {} bytes are kept, and the next fetch resumes there",
                part.len
            )));
        }
        progress(FetchEvent::Retry(&item.target, &failure));
        std::thread::sleep(options.back_off.saturating_mul(1 << (failures - 1).min(6)));
    };
    part.file.sync_all().map_err(write)?;
    fs::rename(&part.path, &item.target).map_err(write)?;
    if !known {
        checksums::record(&item.target, &sha256)?;
    }
    progress(FetchEvent::Done(&item.target));
    Ok(Fetched { path: item.target.clone(), sha256, known })
}

/// One request for what is still missing. Ends well if the file is complete.
fn attempt(
    item: &Item,
    options: &FetchOptions,
    part: &mut Part,
    progress: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), Failure> {
    if item.bytes == Some(part.len) {
        return Ok(());
    }
    let response = request(item, options.timeout, part.len)?;
    let total = match response.status().as_u16() {
        200 => {
            // The server does not resume.
            part.restart().map_err(Failure::Final)?;
            number(&response, "content-length")
        }
        206 => match range(&response) {
            Some((start, total)) if start == part.len => total,
            _ => return Err(Failure::Passing("the server sent another part than was asked for".to_owned())),
        },
        // Nothing is missing, or what is here is longer than the file.
        416 => {
            if range_total(&response) == Some(part.len) && part.len > 0 {
                return Ok(());
            }
            part.restart().map_err(Failure::Final)?;
            return Err(Failure::Passing("the part that was here does not fit the file".to_owned()));
        }
        status => return Err(refusal(item, status)),
    };
    if let (Some(expected), Some(total)) = (item.bytes, total)
        && expected != total
    {
        let problem = format!("the server offers {total} bytes, the original has {expected}");
        return Err(Failure::Final(item.error(problem)));
    }
    let limit = item.bytes.or(total).unwrap_or(u64::MAX);
    receive(item, response, limit, part, |part| {
        progress(FetchEvent::Progress(&item.target, part.len, total));
    })?;
    match item.bytes.or(total) {
        Some(expected) if part.len < expected => {
            Err(Failure::Passing(format!("the connection was cut after {} of {expected} bytes", part.len)))
        }
        _ => Ok(()),
    }
}

/// Appends the body of an answer, up to `limit` bytes in all.
fn receive(
    item: &Item,
    response: Response<ureq::Body>,
    limit: u64,
    part: &mut Part,
    mut report: impl FnMut(&Part),
) -> Result<(), Failure> {
    let mut body = response.into_body().into_reader();
    let mut chunk = vec![0; 1 << 16];
    let mut reported = part.len;
    report(part);
    loop {
        let n = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => return Err(Failure::Passing(format!("the download stopped: {error}"))),
        };
        if part.len + n as u64 > limit {
            part.discard();
            let problem = format!("the server sends more than the {limit} bytes of the file");
            return Err(Failure::Final(item.error(problem)));
        }
        part.append(&chunk[..n]).map_err(Failure::Final)?;
        if part.len - reported >= REPORT_EVERY {
            reported = part.len;
            report(part);
        }
    }
    report(part);
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use std::fs::File;
    use std::path::Path;
    use std::time::Duration;

    use super::super::test_server::{Answer, Server};
    use super::*;
    use crate::files;
    use sha2::{Digest, Sha256};

    const BODY: &[u8] = b"The quick brown fox jumps over the lazy dog";

    fn options() -> FetchOptions {
        FetchOptions {
            timeout: Duration::from_millis(400),
            back_off: Duration::from_millis(1),
            attempts: 3,
            ..FetchOptions::default()
        }
    }

    fn sha256(bytes: &[u8]) -> String {
        files::hex(&Sha256::digest(bytes))
    }

    /// Fetches from a server that gives these answers; the result, the requests' ranges, the folder.
    fn fetched(
        answers: Vec<Answer>,
        change: impl Fn(&mut Item),
        place: impl Fn(&Path),
    ) -> (Result<Fetched, Error>, Vec<Option<String>>, TempDir) {
        let (server, root) = (Server::start(answers), TempDir::new().unwrap());
        let mut item = Item::new(&server.url("file.bin"), root.path().join("file.bin"));
        change(&mut item);
        place(root.path());
        let result = download(&item, &options(), &mut |_| {});
        (result, server.ranges(), root)
    }

    fn fails(answers: Vec<Answer>, change: impl Fn(&mut Item), words: &[&str]) -> Vec<Option<String>> {
        let (result, ranges, root) = fetched(answers, change, |_| {});
        let message = result.unwrap_err().to_string();
        words.iter().for_each(|word| assert!(message.contains(word), "`{word}` is not in: {message}"));
        assert!(!root.path().join("file.bin").exists());
        ranges
    }

    #[test]
    fn a_file_arrives_and_its_checksum_is_recorded() {
        let (result, _, root) = fetched(vec![Answer::file(BODY)], |_| {}, |_| {});
        let file = result.unwrap();
        assert_eq!((file.sha256, file.known), (sha256(BODY), false));
        assert_eq!(fs::read(root.path().join("file.bin")).unwrap(), BODY);
        assert_eq!(checksums::of(&root.path().join("file.bin")).unwrap(), Some(sha256(BODY)));
        assert!(!root.path().join("file.bin.part").exists());
    }

    #[test]
    fn a_cut_download_resumes() {
        let answers = vec![Answer::file(BODY).cut(10), Answer::file(BODY).cut(20), Answer::file(BODY)];
        let known = |item: &mut Item| item.sha256 = Some(sha256(BODY));
        let (result, ranges, _root) = fetched(answers, known, |_| {});
        assert!(result.unwrap().known);
        assert_eq!(ranges, [None, Some("bytes=10-".to_owned()), Some("bytes=30-".to_owned())]);
    }

    #[test]
    fn a_part_of_an_earlier_call_is_used_or_replaced() {
        let known = |item: &mut Item| item.sha256 = Some(sha256(BODY));
        let good = |root: &Path| fs::write(root.join("file.bin.part"), &BODY[..15]).unwrap();
        let (result, ranges, _root) = fetched(vec![Answer::file(BODY)], known, good);
        assert!(result.is_ok());
        assert_eq!(ranges, [Some("bytes=15-".to_owned())]);

        let wrong = |root: &Path| fs::write(root.join("file.bin.part"), b"something else").unwrap();
        let (result, ranges, _root) = fetched(vec![Answer::file(BODY); 2], known, wrong);
        assert!(result.is_ok());
        assert_eq!(ranges, [Some("bytes=14-".to_owned()), None]);

        let long = |root: &Path| fs::write(root.join("file.bin.part"), [0; 100]).unwrap();
        let (result, ranges, _root) = fetched(vec![Answer::file(BODY); 2], known, long);
        assert!(result.is_ok());
        assert_eq!(ranges, [Some("bytes=100-".to_owned()), None]);
    }

    #[cfg(unix)]
    #[test]
    fn a_part_that_was_planted_is_refused_and_left_alone() {
        let other = TempDir::new().unwrap();
        let victim = other.path().join("victim");
        let check = |plant: &dyn Fn(&Path), words: &[&str]| {
            fs::write(&victim, "precious").unwrap();
            let (result, ranges, _root) = fetched(vec![], |_| {}, |root| plant(&root.join("file.bin.part")));
            let message = taskset_names::in_full(&result.unwrap_err());
            for word in words.iter().chain(&["file.bin.part"]) {
                assert!(message.contains(word), "`{word}` is not in: {message}");
            }
            assert!(ranges.is_empty());
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        };
        check(&|part| std::os::unix::fs::symlink(&victim, part).unwrap(), &["a link", "remove it"]);
        check(&|part| std::os::unix::fs::symlink("nowhere", part).unwrap(), &["a link"]);
        check(&|part| fs::create_dir(part).unwrap(), &["no regular file"]);
        check(&|part| _ = std::process::Command::new("mkfifo").arg(part).status(), &["no regular file"]);
        // A second name of a file, which is written to under both; not everywhere may it be made.
        let probe = other.path().join("probe");
        if fs::hard_link(&victim, &probe).is_ok() {
            fs::remove_file(probe).unwrap();
            check(&|part| fs::hard_link(&victim, part).unwrap(), &["another name"]);
        }
        let locked = |part: &Path| {
            let file = File::create(part).unwrap();
            file.lock().unwrap();
            // It stays locked until the end of the test.
            std::mem::forget(file);
        };
        check(&locked, &["another process is downloading it"]);
    }

    #[test]
    fn a_server_that_does_not_resume_sends_all_again() {
        let answers = vec![Answer::file(BODY).cut(10), Answer::file(BODY).without_ranges()];
        let (result, _, root) = fetched(answers, |_| {}, |_| {});
        assert!(result.is_ok());
        assert_eq!(fs::read(root.path().join("file.bin")).unwrap(), BODY);
    }

    #[test]
    fn refusals_say_what_to_do_and_are_not_repeated() {
        for (status, word) in
            [(401, "access denied"), (403, "access token"), (404, "not found"), (400, "refused")]
        {
            let ranges = fails(vec![Answer::status(status)], |_| {}, &[word, &format!("HTTP {status}")]);
            assert_eq!(ranges.len(), 1);
        }
    }

    #[test]
    fn passing_failures_are_repeated_a_few_times() {
        let ranges = fails(vec![Answer::status(503); 3], |_| {}, &["HTTP 503", "after 3 attempts"]);
        assert_eq!(ranges.len(), 3);
        let (result, ..) = fetched(vec![Answer::status(500), Answer::file(BODY)], |_| {}, |_| {});
        assert!(result.is_ok());
    }

    #[test]
    fn a_slow_server_is_given_up() {
        let ranges = fails(vec![Answer::file(BODY).stall(5); 3], |_| {}, &["attempts", "15 bytes are kept"]);
        assert_eq!(ranges, [None, Some("bytes=5-".to_owned()), Some("bytes=10-".to_owned())]);
    }

    #[test]
    fn wrong_contents_are_not_kept() {
        let wrong = |item: &mut Item| item.sha256 = Some("0".repeat(64));
        fails(vec![Answer::file(BODY)], wrong, &["wrong checksum", &sha256(BODY)]);
        fails(vec![Answer::file(BODY)], |item| item.bytes = Some(44), &["offers 43 bytes", "has 44"]);
        let endless = Answer::file(BODY).without_length();
        fails(vec![endless], |item| item.bytes = Some(10), &["more than the 10 bytes"]);
    }

    #[test]
    fn a_file_that_is_there_is_checked_and_kept() {
        let place = |root: &Path| fs::write(root.join("file.bin"), b"precious").unwrap();
        let (result, ranges, _root) = fetched(vec![], |_| {}, place);
        assert_eq!((result.unwrap().sha256, ranges.len()), (sha256(b"precious"), 0));
        let known = |item: &mut Item| item.sha256 = Some(sha256(BODY));
        let (result, _, root) = fetched(vec![], known, place);
        assert!(matches!(result, Err(Error::WrongChecksum { .. })));
        assert_eq!(fs::read(root.path().join("file.bin")).unwrap(), b"precious");
        // What an earlier download recorded counts as known.
        let recorded = |root: &Path| checksums::record(&root.join("file.bin"), &"1".repeat(64)).unwrap();
        let (result, ..) = fetched(vec![Answer::file(BODY)], |_| {}, recorded);
        assert!(result.unwrap_err().to_string().contains("wrong checksum"));
    }

    #[test]
    fn nobody_there_is_a_failure() {
        let root = TempDir::new().unwrap();
        // A port that was just given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let item = Item::new(&format!("http://127.0.0.1:{port}/x"), root.path().join("x"));
        let error = download(&item, &options(), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("given up after 3 attempts"), "{error}");
    }
}
