//! `data list | verify | fetch | prepare`.

pub(crate) mod advice;
mod fetch;
mod list;
mod prepare;
mod verify;

use std::path::{Path, PathBuf};

use taskset::datasets::Source;
use taskset::datasets::manifest::{Manifest, TextManifest, manifest, manifests, text_manifests};
use taskset::datasets::prepared::{PreparedCopy, PreparedState};

use crate::options::{self, DataOption};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show which data sets are in the data directory, their sizes and states, and where to get the others.
    #[command(after_help = "Examples:\n  taskset-rs data list --data /path/to/data\n  \
        taskset-rs data list mnist lm1b --data /path/to/data --json")]
    List {
        /// Names of data sets [default: all].
        names: Vec<String>,
        /// Print one JSON document instead of a table.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Read data sets and their prepared copies completely, and check checksums, format and number of examples.
    #[command(after_help = "Example:\n  taskset-rs data verify mnist fashion_mnist --data /path/to/data")]
    Verify {
        /// Names of data sets [default: all in the data directory].
        names: Vec<String>,
        /// Print one JSON document instead of a table.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Download the original files of data sets. An interrupted download continues where it stopped.
    #[command(after_help = "Examples:\n  taskset-rs data fetch mnist cifar10 --data /path/to/data\n  \
        HF_ENDPOINT=https://mirror.example taskset-rs data fetch food101_32x32 --hub --data /path/to/data")]
    Fetch {
        /// Names of data sets.
        #[arg(required = true)]
        names: Vec<String>,
        /// Download from the Hugging Face hub if it has a copy, instead of from the original site.
        #[arg(long)]
        hub: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Resize images and tokenise texts once, so that later runs open them in milliseconds.
    #[command(after_help = "Examples:\n  taskset-rs data prepare food101_32x32 --data /path/to/data\n  \
        taskset-rs data prepare imdb_reviews/subwords8k --data /path/to/data --allow-partial")]
    Prepare {
        /// Names of data sets. The name of a text source (`lm1b`) stands for both its bytes and its subwords (`lm1b/bytes`,
        /// `lm1b/subwords8k`).
        #[arg(required = true)]
        names: Vec<String>,
        /// Number of threads that decode pictures [default: the number of cores].
        #[arg(long, value_parser = options::jobs())]
        jobs: Option<u32>,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { names, json, data } => list::run(&names, json, &data),
        Command::Verify { names, json, data } => verify::run(&names, json, &data),
        Command::Fetch { names, hub, data } => fetch::run(&names, hub, &data),
        Command::Prepare { names, jobs, data } => prepare::run(&names, jobs, &data),
    }
}

/// The directory to look into, or none for stand-ins.
fn directory(data: &DataOption) -> Option<PathBuf> {
    match data.source() {
        Source::Directory(directory) => Some(directory),
        _ => None,
    }
}

/// Where prepared copies are.
fn cache(data: &DataOption, root: &Path) -> PathBuf {
    data.cache.clone().unwrap_or_else(|| root.join("prepared"))
}

/// What the manifests of an image data set and of a text source have in common.
#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    title: &'static str,
    site: &'static str,
    licence: &'static str,
    notes: Option<&'static str>,
}

impl From<&'static Manifest> for Known {
    fn from(m: &'static Manifest) -> Self {
        Self { name: &m.name, title: &m.title, site: &m.site, licence: &m.licence, notes: m.notes.as_deref() }
    }
}

impl From<&'static TextManifest> for Known {
    fn from(m: &'static TextManifest) -> Self {
        Self { name: &m.name, title: &m.title, site: &m.site, licence: &m.licence, notes: m.notes.as_deref() }
    }
}

/// The image data sets and the text sources.
fn known() -> impl Iterator<Item = Known> {
    let texts = text_manifests().iter().map(Known::from);
    manifests().iter().map(Known::from).chain(texts)
}

/// Those that are named, by the name of a set or by those that tasks give the texts of a source; all, if none is.
fn choose(names: &[String]) -> anyhow::Result<Vec<Known>> {
    if names.is_empty() {
        return Ok(known().collect());
    }
    let one = |name: &String| match texts_of(name) {
        Some(source) => Ok(source.into()),
        None => Ok(manifest(name)?.into()),
    };
    names.iter().map(one).collect()
}

/// The source of texts that has this name, or a data set of this name.
fn texts_of(name: &str) -> Option<&'static TextManifest> {
    text_manifests().iter().find(|m| [&m.name, &m.bytes, &m.subwords8k].into_iter().any(|n| n == name))
}

/// Whether a prepared copy is used without the original files, which are not there.
fn is_enough(copy: &PreparedCopy) -> bool {
    copy.alone && matches!(copy.state, PreparedState::Usable(_))
}

/// Bytes as people say them.
fn size(bytes: u64) -> String {
    let b = bytes as f64;
    match bytes {
        0 => "-".to_owned(),
        1..1000 => format!("{bytes} B"),
        1000..100_000 => format!("{:.1} kB", b / 1e3),
        100_000..1_000_000_000 => format!("{:.1} MB", b / 1e6),
        _ => format!("{:.1} GB", b / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let check = |bytes: u64, text: &str| assert_eq!(size(bytes), text);
        check(0, "-");
        check(61, "61 B");
        check(307_400, "0.3 MB");
        check(52_430, "52.4 kB");
        check(153_650_000, "153.7 MB");
        check(3_900_000_000, "3.9 GB");
    }

    #[test]
    fn texts_are_found_by_all_their_names() {
        let names: Vec<String> = known().map(|known| known.name.to_owned()).collect();
        assert_eq!(choose(&names).unwrap().len(), 23);
        let check = |name: &str, expected: &str| {
            assert_eq!(choose(&[name.to_owned()]).unwrap()[0].name, expected);
        };
        check("lm1b/bytes", "lm1b");
        check("tokenized_wikipedia/20190301.en_subwords8k", "wikipedia_en");
        check("imagenet_resized/16x16", "imagenet_resized/16x16");
        assert!(choose(&["mnits".to_owned()]).is_err());
    }
}
