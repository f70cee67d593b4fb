//! A sweep on a full disk, in a directory that cannot be written, and on a disk that vanishes: nothing that was stored is lost,
//! and the same command continues when the disk can be used again.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, arg, json, ok, program, run, skipped};

/// Some shards of which each takes a fraction of a second.
const PLAN: &str = r#"
[[trials]]
tasks = ["TwoD_*", "quadratic_family_seed{2..12}"]
optimizers = ["adam_lr_*"]
steps = 20000
eval_every = 1000
eval_batches = 2
"#;

/// Something mounted, until it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// None where it cannot be mounted; then the reason was printed.
    fn new(test: &str, args: &[&str], at: &Path) -> Option<Self> {
        let answer = Command::new("mount").args(args).arg(at).output();
        let reason = match answer {
            Ok(output) if output.status.success() => return Some(Self(at.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        skipped(&format!("{test} needs to mount a file system: {reason}"));
        None
    }

    /// Takes it away, although it is in use.
    fn vanish(self) {
        drop(self);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// The committed shards: names and bytes.
fn shards(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory.join("shards")).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

fn plan(place: &Path, directory: &Path) {
    let file = place.join("plan.toml");
    fs::write(&file, PLAN).unwrap();
    ok(&["sweep", "plan", &arg(&file), "--out", &arg(directory), "--data", "synthetic"]);
}

fn sweep(directory: &Path) -> [String; 5] {
    ["sweep", "run", &arg(directory), "--jobs", "2"].map(str::to_owned)
}

/// Expects that a run has failed, and that its message has these words.
fn failed(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is missing in: {}", ran.stderr);
    }
}

/// The disk can be used again: the same command ends, what was stored before is as it was, and nothing differs from a sweep
/// that had no such trouble.
fn continues(place: &Path, directory: &Path, before: &BTreeMap<String, Vec<u8>>) {
    let status = json(&["sweep", "status", &arg(directory), "--json"]);
    assert_eq!(status["shards"]["done"].as_u64().unwrap(), before.len() as u64);
    ok(&sweep(directory));
    let after = shards(directory);
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)));
    for folder in ["claims", "checkpoints"] {
        assert_eq!(fs::read_dir(directory.join(folder)).unwrap().count(), 0);
    }
    let untroubled = place.join("untroubled");
    plan(place, &untroubled);
    ok(&sweep(&untroubled));
    ok(&["curves", "diff", &arg(directory), &arg(&untroubled)]);
}

#[test]
fn a_full_disk_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let test = "a_full_disk_loses_nothing";
    let Some(_mount) = Mount::new(test, &["-t", "tmpfs", "-o", "size=2m", "tmpfs"], &disk) else { return };
    let directory = disk.join("sweep");
    plan(place.path(), &directory);
    // Room for some shards only.
    let ballast = disk.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let room = 80 << 10;
    file.set_len(file.metadata().unwrap().len() - room).unwrap();
    drop(file);
    let ran = run(&sweep(&directory));
    failed(&ran, &["cannot write", &arg(&directory), "No space left on device"]);
    let before = shards(&directory);
    assert!(!before.is_empty());
    // It is still full: the same answer, and no less is stored.
    failed(&run(&sweep(&directory)), &["No space left on device"]);
    assert!(before.iter().all(|(name, bytes)| shards(&directory).get(name) == Some(bytes)));
    let before = shards(&directory);
    fs::remove_file(ballast).unwrap();
    continues(place.path(), &directory, &before);
}

#[test]
fn a_directory_that_becomes_read_only_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let disk = place.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let root = Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n");
    let test = "a_directory_that_becomes_read_only_loses_nothing";
    // Permissions do not keep root from writing.
    let _mount = if root {
        let Some(mount) = Mount::new(test, &["-t", "tmpfs", "tmpfs"], &disk) else { return };
        Some(mount)
    } else {
        None
    };
    let directory = disk.join("sweep");
    let writable = |yes: bool| {
        if root {
            let option = if yes { "remount,rw" } else { "remount,ro" };
            assert!(Command::new("mount").args(["-o", option]).arg(&disk).status().unwrap().success());
        } else {
            for folder in ["", "shards", "claims", "checkpoints"] {
                let mode = fs::Permissions::from_mode(if yes { 0o755 } else { 0o555 });
                fs::set_permissions(directory.join(folder), mode).unwrap();
            }
        }
    };
    plan(place.path(), &directory);
    ok(&[&sweep(&directory)[..], &["--shard", "0/2"].map(str::to_owned)].concat());
    let before = shards(&directory);
    assert!(!before.is_empty());
    writable(false);
    let ran = run(&sweep(&directory));
    let status = run(&["sweep", "status", &arg(&directory)]);
    writable(true);
    let reason = if root { "Read-only file system" } else { "Permission denied" };
    failed(&ran, &["cannot write", &arg(&directory), reason]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    continues(place.path(), &directory, &before);
}

#[test]
fn a_disk_that_vanishes_in_the_middle_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (disk, at) = (place.path().join("disk"), place.path().join("mounted"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&at).unwrap();
    let test = "a_disk_that_vanishes_in_the_middle_loses_nothing";
    let bind = ["--bind", &arg(&disk)].map(str::to_owned);
    let bind: Vec<&str> = bind.iter().map(String::as_str).collect();
    let Some(mount) = Mount::new(test, &bind, &at) else { return };
    let directory = at.join("sweep");
    plan(place.path(), &directory);
    let worker =
        program().args(sweep(&directory)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while shards(&directory).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "no shard was stored");
        std::thread::sleep(Duration::from_millis(5));
    }
    mount.vanish();
    let ran: Ran = worker.wait_with_output().unwrap().into();
    failed(&ran, &[&arg(&directory), "No such file or directory"]);
    assert_eq!(fs::read_dir(&at).unwrap().count(), 0, "nothing is written where the disk was");
    // Without the disk there is no plan.
    failed(&run(&sweep(&directory)), &["plan.toml"]);
    let before = shards(&disk.join("sweep"));
    assert!(!before.is_empty());
    let Some(_mount) = Mount::new(test, &bind, &at) else { return };
    continues(place.path(), &directory, &before);
}
