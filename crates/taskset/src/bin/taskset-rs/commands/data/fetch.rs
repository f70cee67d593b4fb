//! `data fetch`.

use taskset::datasets::download::{self, FetchEvent, FetchOptions};
use taskset::datasets::files::{FilesState, inspect};

use super::{directory, size};
use crate::failure::Usage;
use crate::interrupt;
use crate::options::DataOption;
use crate::progress::LineProgress;

pub(super) fn run(names: &[String], prefer_hub: bool, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        return Err(Usage(
            "the built-in stand-ins need no download; name a directory: --data DIR".to_owned(),
        )
        .into());
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let options = FetchOptions {
        prefer_hub,
        endpoint: variable("HF_ENDPOINT"),
        token: variable("HF_TOKEN"),
        ..FetchOptions::default()
    };
    interrupt::keep("what was downloaded is kept; the same command resumes");
    // A name that is misspelt is better known before the first long download.
    for (name, known) in names.iter().zip(super::choose(names)?) {
        let mut lines = LineProgress::new();
        let fetched = download::fetch(&root, name, &options, &mut |event| match event {
            FetchEvent::There(path) => say!("{}: is there already", path.display()),
            FetchEvent::Progress(path, bytes, total) => lines.show(|| match total {
                Some(total) => format!("{}: {} of {}", path.display(), size(bytes), size(total)),
                None => format!("{}: {}", path.display(), size(bytes)),
            }),
            FetchEvent::Retry(path, why) => say!("{}: {why}; trying again", path.display()),
            FetchEvent::Done(path) => say!("{}: done", path.display()),
            FetchEvent::Unpacked(path) => say!("{}: unpacked", path.display()),
            _ => {}
        })?;
        for file in fetched.iter().filter(|file| !file.known) {
            say!(
                "{}: no published SHA-256 is known; {} was recorded, and later downloads must have the same",
                file.path.display(),
                file.sha256
            );
        }
        if inspect(&root, None, name)?.state == FilesState::Missing {
            say!(
                "{name}: the fetched files must be converted before they can be read. {}",
                known.notes.unwrap_or(known.site)
            );
        }
    }
    Ok(())
}
