//! Downloads: the original files of a data set from their site or from the Hugging Face hub (feature `hub`).

mod fetch_and_resume;
mod item;
mod partial_file;
mod request;
#[cfg(test)]
mod test_server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::formats::container::Container;
use crate::manifest::{FileSpec, Manifest, manifest};
use crate::manifest::{TextManifest, text_manifests};
use fetch_and_resume::download;
use item::Item;

/// Where the hub is, unless another place is named.
const ENDPOINT: &str = "https://huggingface.co";
/// Largest file that is unpacked from an archive.
const MAX_UNPACKED: u64 = 4 << 30;

/// How files are fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Take the hub's copy where there is one, instead of the original site's files.
    pub prefer_hub: bool,
    /// Where the hub is; none: `https://huggingface.co`. Mirrors speak the same paths.
    pub endpoint: Option<String>,
    /// Access token of the hub, for data sets that ask for one. It is sent to the endpoint only.
    pub token: Option<String>,
    /// Longest wait for a connection, for an answer, and for some progress of a download.
    pub timeout: Duration,
    /// Failures without progress after which a file is given up, at least 1.
    pub attempts: u32,
    /// Wait after the first failure; it doubles with each further one.
    pub back_off: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            prefer_hub: false,
            endpoint: None,
            token: None,
            timeout: Duration::from_secs(60),
            attempts: 5,
            back_off: Duration::from_secs(1),
        }
    }
}

impl FetchOptions {
    /// The address of a file on the hub.
    fn url(&self, repository: &str, revision: &str, file: &str) -> String {
        let endpoint = self.endpoint.as_deref().unwrap_or(ENDPOINT).trim_end_matches('/');
        format!("{endpoint}/datasets/{repository}/resolve/{revision}/{file}")
    }
}

/// What happens while files are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchEvent<'a> {
    /// The file is there already and good.
    There(&'a Path),
    /// Bytes of a file that are here, of how many if that is known.
    Progress(&'a Path, u64, Option<u64>),
    /// Something failed and will be tried again; why.
    Retry(&'a Path, &'a str),
    /// The file is complete, checked, and has its name.
    Done(&'a Path),
    /// A file was unpacked from an archive.
    Unpacked(&'a Path),
}

/// A file that was fetched, or was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether that is the manifest's; otherwise the first download recorded it.
    pub known: bool,
}

/// Fetches the files of a data set (an image data set, or a source of texts) into `<root>/<its folder>`, and unpacks
/// archives of images whose files are read one by one.
///
/// A file grows under the name `<file>.part`, where an interrupted download resumes; it gets its name when its size and
/// SHA-256 are right. Where the manifest knows no SHA-256, the first download records it in `checksums.sha256`, and
/// later ones must meet it.
///
/// # Errors
/// [`Error::UnknownDataset`]; [`Error::NoDownload`] for a data set that must be placed by hand; [`Error::Fetch`] with what the
/// server did; [`Error::Write`].
pub fn fetch(
    root: &Path,
    name: &str,
    options: &FetchOptions,
    progress: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<Vec<Fetched>, Error> {
    let texts = text_manifests().iter().find(|m| m.name == name || m.bytes == name || m.subwords8k == name);
    let items = match texts {
        Some(texts) => text_items(root, texts, options),
        None => image_items(root, manifest(name)?, options)?,
    };
    fetch_items(&items, options, progress)
}

fn fetch_items(
    items: &[Item],
    options: &FetchOptions,
    progress: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<Vec<Fetched>, Error> {
    let mut fetched = Vec::new();
    for item in items {
        let file = download(item, options, progress)?;
        if item.unpack {
            unpack(&file.path, progress)?;
        }
        fetched.push(file);
    }
    Ok(fetched)
}

/// What is to be fetched for an image data set.
fn image_items(root: &Path, manifest: &Manifest, options: &FetchOptions) -> Result<Vec<Item>, Error> {
    let folder = manifest.folder(root);
    let item = |spec: &FileSpec, url: String, unpack| Item {
        url,
        target: folder.join(&spec.name),
        bytes: spec.bytes,
        sha256: spec.sha256.clone(),
        token: None,
        unpack,
    };
    if let Some(hub) = manifest.hub.as_ref().filter(|_| options.prefer_hub) {
        let url = |spec: &FileSpec| options.url(&hub.repository, &hub.revision, &spec.name);
        let with_token = |spec| Item { token: options.token.clone(), ..item(spec, url(spec), false) };
        return Ok(hub.files.iter().map(with_token).collect());
    }
    let none = || Error::NoDownload {
        name: manifest.name.clone(),
        directory: folder.clone(),
        site: manifest.site.clone(),
    };
    if let Some(archive) = &manifest.archive {
        let url = archive.url.clone().ok_or_else(none)?;
        return Ok(vec![item(archive, url, true)]);
    }
    manifest.files.iter().map(|spec| Ok(item(spec, spec.url.clone().ok_or_else(none)?, false))).collect()
}

/// What is to be fetched for a source of texts. Archives are read as they are.
fn text_items(root: &Path, manifest: &TextManifest, options: &FetchOptions) -> Vec<Item> {
    let folder = manifest.folder(root);
    if let Some(hub) = manifest.hub.as_ref().filter(|_| options.prefer_hub) {
        let item = |name: String| Item {
            url: options.url(&hub.repository, &hub.revision, &name),
            target: folder.join(name),
            bytes: None,
            sha256: None,
            token: options.token.clone(),
            unpack: false,
        };
        return hub.names().map(item).collect();
    }
    let item = |download: &crate::manifest::Download| Item {
        url: download.url.clone(),
        target: folder.join(download.name()),
        bytes: download.bytes,
        sha256: download.sha256.clone(),
        token: None,
        unpack: false,
    };
    manifest.downloads.iter().map(item).collect()
}

/// Unpacks an archive beside itself. Files that are there are left as they are. Names that lead outside are refused.
fn unpack(archive: &Path, progress: &mut dyn FnMut(FetchEvent<'_>)) -> Result<(), Error> {
    let folder = archive.parent().unwrap_or(Path::new("."));
    Container::archive(archive).visit(&|_| true, MAX_UNPACKED, &mut |name, contents| {
        let path = folder.join(name);
        let write = |source| Error::Write { path: path.clone(), source };
        // A link that leads nowhere counts as there, too: it is not followed.
        if path.symlink_metadata().is_ok() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(write)?;
            let _ = taskset_files::remove_left_overs(parent);
        }
        taskset_files::write_atomically(&path, &contents).map_err(write)?;
        progress(FetchEvent::Unpacked(&path));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::test_server::{Answer, Server};
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_hub_is_asked_by_its_paths() {
        let root = TempDir::new().unwrap();
        let options = FetchOptions {
            prefer_hub: true,
            endpoint: Some("http://mirror/".into()),
            ..FetchOptions::default()
        };
        let items = image_items(root.path(), manifest("cifar10").unwrap(), &options).unwrap();
        let expected = "http://mirror/datasets/uoft-cs/cifar10/resolve/0b2714987fa478483af9968de7c934580d0bb9a2/\
                        plain_text/train-00000-of-00001.parquet";
        assert_eq!((items.len(), &items[0].url[..]), (2, expected));
        assert!(items[0].target.ends_with("cifar10/plain_text/train-00000-of-00001.parquet"));
    }

    #[test]
    fn texts_come_from_the_hub_if_that_is_preferred() {
        let root = TempDir::new().unwrap();
        let options = |prefer_hub| FetchOptions { prefer_hub, ..FetchOptions::default() };
        for manifest in text_manifests() {
            let items = text_items(root.path(), manifest, &options(true));
            let hub = manifest.hub.as_ref();
            assert_eq!(
                items.len(),
                hub.map_or(manifest.downloads.len(), |hub| hub.count),
                "{}",
                manifest.name
            );
            // What is fetched is what is read.
            let patterns = || manifest.files.iter().flat_map(|group| &group.names);
            assert!(
                hub.is_none_or(|hub| patterns().any(|pattern| *pattern == hub.files)),
                "{}",
                manifest.name
            );
        }
        let zh = text_manifests().iter().find(|manifest| manifest.name == "wikipedia_zh").unwrap();
        let items = text_items(root.path(), zh, &options(true));
        let expected = "https://huggingface.co/datasets/wikimedia/wikipedia/resolve/\
                        b04c8d1ceb2f5cd4588862100d08de323dccfbaa/20231101.zh/train-00005-of-00006.parquet";
        assert_eq!(items.last().unwrap().url, expected);
        assert!(items[0].target.ends_with("wikipedia_zh/20231101.zh/train-00000-of-00006.parquet"));
        assert!(text_items(root.path(), zh, &options(false))[0].url.contains("dumps.wikimedia.org"));
    }

    #[test]
    fn every_data_set_can_be_fetched_or_says_what_to_do() {
        let root = TempDir::new().unwrap();
        for m in crate::manifest::manifests() {
            match image_items(root.path(), m, &FetchOptions::default()) {
                Ok(items) => {
                    assert!(!items.is_empty() && items.iter().all(|item| item.url.starts_with("http")));
                }
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.contains(&m.site) && message.contains("by hand"), "{message}");
                }
            }
        }
    }

    #[test]
    fn archives_are_unpacked_beside_themselves() {
        let archive = gzip(&crate::formats::tar::tests::archive(&[("d/a.txt", b"one"), ("b.txt", b"two")]));
        let server = Server::start(vec![Answer::file(&archive)]);
        let root = TempDir::new().unwrap();
        let item =
            Item { unpack: true, ..Item::new(&server.url("x.tar.gz"), root.path().join("set/x.tar.gz")) };
        let mut unpacked = 0;
        fetch_items(&[item], &FetchOptions::default(), &mut |event| {
            unpacked += usize::from(matches!(event, FetchEvent::Unpacked(_)));
        })
        .unwrap();
        assert_eq!(unpacked, 2);
        assert_eq!(std::fs::read(root.path().join("set/d/a.txt")).unwrap(), b"one");
    }

    #[test]
    fn hostile_archives_write_nothing_outside() {
        let archive = gzip(&crate::formats::tar::tests::archive(&[("../evil.txt", b"one")]));
        let server = Server::start(vec![Answer::file(&archive)]);
        let root = TempDir::new().unwrap();
        let item =
            Item { unpack: true, ..Item::new(&server.url("x.tar.gz"), root.path().join("set/x.tar.gz")) };
        let error = fetch_items(&[item], &FetchOptions::default(), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("leads outside"), "{error}");
        assert!(!root.path().join("evil.txt").exists());
    }
}
