//! `data list | verify`, and what a later version will do.

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
    /// Not in this version: downloads.
    #[command(after_help = "Instead:\n  taskset-rs data list --data DIR    # says which files go where")]
    Fetch {
        /// Data set names.
        names: Vec<String>,
    },
    /// Not in this version: resized and tokenised caches.
    #[command(
        after_help = "Instead:\n  taskset-rs data list --data DIR    # says which data sets can be read"
    )]
    Prepare {
        /// Data set names.
        names: Vec<String>,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json, data } => list(json, &data),
        Command::Verify { names, json, data } => verify(&names, json, &data),
        Command::Fetch { .. } => anyhow::bail!(
            "this version cannot download; place the original files in DIR/<dataset>/ and pass --data DIR (`data list` \
             says what is missing), or use --data synthetic"
        ),
        Command::Prepare { .. } => anyhow::bail!(
            "this version reads mnist and fashion_mnist only, which need no preparation; resized and tokenised data \
             sets are not built yet"
        ),
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
