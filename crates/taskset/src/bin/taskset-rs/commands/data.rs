//! `data list | verify | fetch | prepare`.

use std::path::{Path, PathBuf};

use serde_json::json;
use taskset::datasets::{self, Source, State, Verdict};

use crate::failure::Usage;
use crate::options::DataOption;
use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Which data sets are here, and whether they are complete.
    #[command(after_help = "Example:\n  taskset-rs data list --data /path/to/data")]
    List {
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Check presence, checksums, format and counts of data sets.
    #[command(after_help = "Example:\n  taskset-rs data verify mnist fashion_mnist --data /path/to/data")]
    Verify {
        /// Data set names; none: all that are here.
        names: Vec<String>,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Download the original files of data sets; interrupted downloads go on where they stopped.
    #[command(after_help = "Examples:\n  taskset-rs data fetch mnist cifar10 --data /path/to/data\n  \
        HF_ENDPOINT=https://mirror.example taskset-rs data fetch food101_32x32 --hub --data /path/to/data")]
    Fetch {
        /// Data set names.
        #[arg(required = true)]
        names: Vec<String>,
        /// Take the hub's copy where there is one, instead of the original site's files.
        #[arg(long)]
        hub: bool,
        #[command(flatten)]
        data: DataOption,
    },
    /// Resize images and tokenise texts once, so that every later run opens them in milliseconds.
    #[command(after_help = "Examples:\n  taskset-rs data prepare food101_32x32 --data /path/to/data\n  \
        taskset-rs data prepare imdb_reviews/subwords8k --data /path/to/data --allow-partial")]
    Prepare {
        /// Data set names; text sets as tasks name them (`lm1b/bytes`, `imdb_reviews/subwords8k`).
        #[arg(required = true)]
        names: Vec<String>,
        /// Threads that decode pictures [default: all cores].
        #[arg(long)]
        jobs: Option<usize>,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json, data } => list(json, &data),
        Command::Verify { names, json, data } => verify(&names, json, &data),
        Command::Fetch { names, hub, data } => fetch(&names, hub, &data),
        Command::Prepare { names, jobs, data } => prepare(&names, jobs, &data),
    }
}

#[cfg(not(feature = "hub"))]
fn fetch(_: &[String], _: bool, _: &DataOption) -> anyhow::Result<()> {
    anyhow::bail!(
        "this program was built without downloads (`cargo install --path crates/taskset --features cli,hub` builds it \
         with them); or place the original files in DIR/<dataset>/ and pass --data DIR (`data list` says what is \
         missing), or use --data synthetic"
    )
}

#[cfg(feature = "hub")]
fn fetch(names: &[String], prefer_hub: bool, data: &DataOption) -> anyhow::Result<()> {
    use taskset::datasets::{FetchEvent, FetchOptions};

    let Some(root) = directory(data) else {
        return Err(Usage("stand-ins need no download; name a directory: --data DIR".to_owned()).into());
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let options = FetchOptions {
        prefer_hub,
        endpoint: variable("HF_ENDPOINT"),
        token: variable("HF_TOKEN"),
        ..FetchOptions::default()
    };
    for name in names {
        let mut lines = Lines::new();
        let fetched = datasets::fetch(&root, name, &options, &mut |event| match event {
            FetchEvent::There(path) => say!("{}: here already", path.display()),
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
                "{}: no published SHA-256 is known; {} was recorded, and later downloads must meet it",
                file.path.display(),
                file.sha256
            );
        }
    }
    Ok(())
}

fn prepare(names: &[String], jobs: Option<usize>, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        return Err(Usage("stand-ins need no preparation; name a directory: --data DIR".to_owned()).into());
    };
    let cache = data.cache.clone().unwrap_or_else(|| root.join("prepared"));
    let threads =
        jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).max(1);
    for name in names {
        if datasets::manifests().iter().any(|manifest| manifest.name == *name) {
            let lines = std::cell::RefCell::new(Lines::new());
            let progress = |done: usize, of: usize| {
                lines.borrow_mut().show(|| format!("{name}: {done} of {of} images"));
            };
            let how =
                datasets::Preparation { allow_partial: data.allow_partial, threads, progress: &progress };
            let made = datasets::prepare_images(&root, name, &cache, &how)?;
            let verb = if made.up_to_date { "is prepared already" } else { "prepared" };
            say!("{name} {verb}: {} images, {}, {}", made.examples, size(made.bytes), made.path.display());
        } else {
            let mut progress = TextProgress { name, lines: Lines::new() };
            let made = datasets::prepare_text(&root, name, &cache, data.allow_partial, &mut progress)?;
            let verb = if made.found { "is prepared already" } else { "prepared" };
            say!(
                "{name} {verb}: {} tokens of {} in {} examples, {}",
                made.tokens,
                made.vocabulary,
                made.sizes.total(),
                made.path.display()
            );
        }
    }
    Ok(())
}

/// Lines of progress on stderr, now and then.
struct Lines(std::time::Instant);

impl Lines {
    fn new() -> Self {
        Self(std::time::Instant::now())
    }

    fn show(&mut self, line: impl FnOnce() -> String) {
        if self.0.elapsed().as_secs_f64() >= 1.0 {
            say!("{}", line());
            self.0 = std::time::Instant::now();
        }
    }
}

struct TextProgress<'a> {
    name: &'a str,
    lines: Lines,
}

impl datasets::PrepareProgress for TextProgress<'_> {
    fn event(&mut self, event: datasets::PrepareEvent) {
        use taskset::datasets::PrepareEvent::{Counting, Tokenising, Tried};
        let name = self.name;
        match event {
            Counting { examples, files, of } => self
                .lines
                .show(|| format!("{name}: counting words: {examples} examples, {files} of {of} files")),
            Tried { threshold, vocabulary } => {
                say!("{name}: subwords that occur {threshold} times or more: {vocabulary} ids");
            }
            Tokenising { examples, files, of } => {
                self.lines.show(|| format!("{name}: tokenising: {examples} examples, {files} of {of} files"));
            }
            _ => {}
        }
    }
}

/// The directory to look into, or none for stand-ins.
fn directory(data: &DataOption) -> Option<PathBuf> {
    match data.source() {
        Source::Directory(directory) => Some(directory),
        _ => None,
    }
}

fn list(json: bool, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        say!("stand-ins are embedded: every shape is here, nothing to place");
        return stand_ins(json);
    };
    let found = names().map(|name| datasets::inspect(&root, name)).collect::<Result<Vec<_>, _>>()?;
    if json {
        let documents: Vec<_> = found
            .iter()
            .map(|p| {
                json!({"name": p.name, "state": p.state.name(), "bytes": p.bytes, "directory": p.directory,
                    "files": p.present, "problems": p.problems})
            })
            .collect();
        return output::json(&documents);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|p| {
            let note = p.problems.first().cloned().unwrap_or_default();
            let more =
                if p.problems.len() > 1 { format!(" (+{})", p.problems.len() - 1) } else { String::new() };
            vec![p.name.clone(), p.state.to_string(), size(p.bytes), format!("{note}{more}")]
        })
        .collect();
    output::table(&["dataset", "state", "size", "note"], &[false, false, true, false], &rows)?;
    say!("looked in {}", root.display());
    Ok(())
}

fn stand_ins(json: bool) -> anyhow::Result<()> {
    let shape = |name: &str| datasets::image_info(name).map(|info| (info.shape, info.classes));
    let known: Vec<_> = datasets::manifests()
        .iter()
        .map(|m| Ok((m.name.as_str(), shape(&m.name)?)))
        .collect::<anyhow::Result<_>>()?;
    if json {
        let documents: Vec<_> = known
            .iter()
            .map(|(name, (s, classes))| {
                json!({"name": name, "state": "synthetic", "shape": [s.height, s.width, s.channels], "classes": classes})
            })
            .chain(datasets::text_infos().iter().map(|text| {
                json!({"name": text.name, "state": "synthetic", "vocabulary": text.vocabulary, "classes": text.classes})
            }))
            .collect();
        return output::json(&documents);
    }
    let rows: Vec<Vec<String>> = known
        .iter()
        .map(|(name, (s, classes))| {
            vec![(*name).to_owned(), format!("{}x{}x{}", s.height, s.width, s.channels), classes.to_string()]
        })
        .chain(datasets::text_infos().iter().map(|text| {
            let classes = text.classes.map(|classes| classes.to_string()).unwrap_or_default();
            vec![text.name.clone(), format!("{} tokens", text.vocabulary), classes]
        }))
        .collect();
    output::table(&["dataset", "shape", "classes"], &[false, true, true], &rows)
}

fn verify(names: &[String], json: bool, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        return Err(Usage(
            "there is nothing to verify of stand-ins; name a directory: --data DIR".to_owned(),
        )
        .into());
    };
    let names = if names.is_empty() { here(&root)? } else { names.to_vec() };
    if names.is_empty() {
        anyhow::bail!("no data set lies in {}; `data list` says what is expected where", root.display());
    }
    let checked = names.iter().map(|name| datasets::verify(&root, name)).collect::<Result<Vec<_>, _>>()?;
    if json {
        let documents: Vec<_> = checked
            .iter()
            .map(|v| {
                let files: Vec<_> = v
                    .files
                    .iter()
                    .map(|f| json!({"name": f.name, "path": f.path, "verdict": word(&f.verdict), "error": reason(&f.verdict)}))
                    .collect();
                json!({"name": v.name, "good": v.is_good(), "directory": v.directory, "files": files})
            })
            .collect();
        output::json(&documents)?;
    } else {
        let rows: Vec<Vec<String>> = checked
            .iter()
            .flat_map(|v| v.files.iter().map(move |f| (v, f)))
            .map(|(v, f)| {
                let note = reason(&f.verdict).unwrap_or_default();
                vec![v.name.clone(), f.name.clone(), word(&f.verdict).to_owned(), note]
            })
            .collect();
        output::table(&["dataset", "file", "verdict", "note"], &[false; 4], &rows)?;
    }
    let bad: Vec<&str> = checked.iter().filter(|v| !v.is_good()).map(|v| v.name.as_str()).collect();
    anyhow::ensure!(bad.is_empty(), "not in order: {}", bad.join(", "));
    Ok(())
}

/// The data sets of which something is on disk.
fn here(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for name in self::names() {
        if datasets::inspect(root, name)?.state != State::Missing {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The image data sets and the text sources.
fn names() -> impl Iterator<Item = &'static str> {
    let images = datasets::manifests().iter().map(|m| m.name.as_str());
    images.chain(datasets::text_manifests().iter().map(|m| m.name.as_str()))
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Original => "original",
        Verdict::WellFormed => "well formed",
        Verdict::Unchecked => "unchecked",
        Verdict::Partial(_) => "partial",
        _ => "bad",
    }
}

fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Original => None,
        Verdict::WellFormed => Some("no checksum is known for this form of the file".to_owned()),
        Verdict::Unchecked => Some("this version has no decoder for it".to_owned()),
        Verdict::Partial(missing) => Some(missing.clone()),
        Verdict::Bad(error) => Some(error.to_string()),
        _ => None,
    }
}

fn size(bytes: u64) -> String {
    let mb = bytes as f64 / 1e6;
    if bytes == 0 { "-".to_owned() } else { format!("{mb:.1} MB") }
}
