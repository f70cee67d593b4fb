//! `data list`: what is on disk, by a quick look, and where the rest comes from.

use std::path::Path;

use serde_json::json;
use taskset::datasets::files::{Presence, inspect};
use taskset::datasets::images::{ImageInfo, image_info};
use taskset::datasets::prepared::{PreparedCopy, PreparedState, inspect_prepared};
use taskset::datasets::text::text_infos;
use taskset::names::Origin;

use super::{Known, cache, directory, size};
use crate::failure::in_full;
use crate::options::DataOption;
use crate::output;

/// One data set on disk.
struct Row {
    known: Known,
    originals: Presence,
    prepared: Vec<PreparedCopy>,
}

pub(super) fn run(names: &[String], json: bool, data: &DataOption) -> anyhow::Result<()> {
    let chosen = super::choose(names)?;
    let Some(root) = directory(data) else {
        say!("the stand-ins are built in: no files are needed");
        return stand_ins(&chosen, json);
    };
    let cache = cache(data, &root);
    let rows = chosen.iter().map(|&known| look(&root, &cache, known)).collect::<anyhow::Result<Vec<_>>>()?;
    if json {
        return output::json(&rows.iter().map(document).collect::<Vec<_>>());
    }
    let cells = |row: &Row| {
        let prepared = row.prepared.iter().map(in_words).collect::<Vec<_>>().join(", ");
        let prepared = if prepared.is_empty() { "-".to_owned() } else { prepared };
        let state = row.state().to_owned();
        vec![row.originals.name.clone(), state, size(row.originals.bytes), prepared, note(row)]
    };
    let header = ["dataset", "state", "size", "prepared", "note"];
    output::table(&header, &[false, false, true, false, false], &rows.iter().map(cells).collect::<Vec<_>>())?;
    let is_there = match () {
        () if root.is_dir() => "",
        () if root.exists() => ", which is not a directory",
        () => ", which does not exist",
    };
    say!("looked in {}{is_there}; prepared copies in {}", root.display(), cache.display());
    let any = |state| rows.iter().any(|row| row.state() == state);
    if any("partial") {
        say!(
            "partial: --allow-partial uses the examples that are there (of CIFAR, images and texts), and labels every result"
        );
    }
    if any("damaged") {
        say!("damaged files are not the originals: fetch them again (`data verify NAME` says more)");
    }
    if any("not yet read") {
        say!(
            "not yet read: all files have the right names and sizes; `data verify NAME` and `data prepare NAME` read them"
        );
    }
    if any("missing") {
        say!("missing: `data fetch NAME` downloads the files, where their authors allow it");
    }
    Ok(())
}

fn look(root: &Path, cache: &Path, known: Known) -> anyhow::Result<Row> {
    let originals = inspect(root, Some(cache), known.name)?;
    let prepared = inspect_prepared(root, cache, known.name, false)?;
    Ok(Row { known, originals, prepared })
}

impl Row {
    /// A prepared copy of images is enough to load them.
    fn state(&self) -> &'static str {
        if self.prepared.iter().any(super::is_enough) { "prepared" } else { self.originals.state.name() }
    }

    fn is_prepared(&self) -> bool {
        self.prepared.iter().any(|copy| matches!(copy.state, PreparedState::Usable(_)))
    }
}

/// What is wrong, or what to do.
fn note(row: &Row) -> String {
    let Presence { directory, problems, needs_preparation, .. } = &row.originals;
    if row.state() == "missing" && row.originals.present.is_empty() {
        return format!("from {}, into {}", row.known.site, directory.display());
    }
    let mut notes = Vec::from_iter(problems.first().cloned().filter(|_| row.state() != "prepared"));
    if problems.len() > 1 && !notes.is_empty() {
        notes.push(format!("{} more (--json lists them)", problems.len() - 1));
    }
    if *needs_preparation && !row.is_prepared() {
        notes.push(format!("run `data prepare {}` before its first use", row.originals.name));
    }
    notes.join("; ")
}

fn in_words(copy: &PreparedCopy) -> String {
    let name = copy.path.file_name().unwrap_or_default().to_string_lossy();
    // The encoding of a text; images have one copy only.
    let what = match () {
        () if !name.ends_with(".tokens") => "",
        () if copy.name.ends_with("bytes") => "bytes ",
        () => "subwords8k ",
    };
    let state = match &copy.state {
        PreparedState::Usable(Origin::Real) if copy.verified => "",
        PreparedState::Usable(Origin::Real) => " (not yet verified)",
        PreparedState::Usable(_) => " (partial)",
        PreparedState::Stale => " (stale)",
        _ => " (damaged)",
    };
    format!("{what}{}{state}", size(copy.bytes))
}

fn document(row: &Row) -> serde_json::Value {
    let prepared = row.prepared.iter().map(|copy| {
        let (state, error) = match &copy.state {
            PreparedState::Usable(origin) => (origin.name(), None),
            PreparedState::Stale => ("stale", None),
            PreparedState::Damaged(error) => ("damaged", Some(in_full(error))),
            _ => ("unknown", None),
        };
        json!({
            "name": copy.name, "path": copy.path, "bytes": copy.bytes, "state": state, "verified": copy.verified, "error": error
        })
    });
    let Presence { name, directory, bytes, present, problems, needs_preparation, .. } = &row.originals;
    json!({
        "name": name, "title": row.known.title, "state": row.state(), "bytes": bytes, "directory": directory,
        "site": row.known.site, "licence": row.known.licence, "notes": row.known.notes, "files": present, "problems": problems,
        "needs_preparation": needs_preparation, "prepared": prepared.collect::<Vec<_>>(),
    })
}

fn stand_ins(chosen: &[Known], json: bool) -> anyhow::Result<()> {
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    for known in chosen {
        if let Ok(ImageInfo { shape: s, classes, .. }) = image_info(known.name) {
            let shape = [s.height, s.width, s.channels];
            documents
                .push(json!({"name": known.name, "state": "synthetic", "shape": shape, "classes": classes}));
            rows.push(vec![known.name.to_owned(), s.to_string(), classes.to_string()]);
        }
        for text in text_infos().iter().filter(|text| text.manifest.name == known.name) {
            let classes = text.classes.map(|classes| classes.to_string()).unwrap_or_default();
            documents.push(json!({
                "name": text.name, "state": "synthetic", "vocabulary": text.vocabulary, "classes": text.classes
            }));
            rows.push(vec![text.name.clone(), format!("{} tokens", text.vocabulary), classes]);
        }
    }
    if json {
        return output::json(&documents);
    }
    output::table(&["dataset", "shape", "classes"], &[false, true, true], &rows)
}
