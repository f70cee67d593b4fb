//! `data verify`: every file and every prepared copy, read and compared with checksums.

use serde_json::json;
use taskset::datasets::files::{FileVerdict, FilesState, Verification, VerifiedFile, inspect, verify};
use taskset::datasets::prepared::{PreparedCopy, PreparedState, inspect_prepared};
use taskset::names::Origin;

use super::{cache, directory};
use crate::failure::{Usage, in_full};
use crate::options::DataOption;
use crate::output;

/// The outcome for one data set.
struct Checked {
    originals: Verification,
    prepared: Vec<PreparedCopy>,
}

/// How the data set as a whole is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Partial,
    Bad,
}

impl Checked {
    /// The prepared copy that is used without original files, if there are none.
    fn copy_alone(&self) -> Option<&PreparedCopy> {
        self.prepared.iter().find(|copy| super::is_enough(copy))
    }

    fn outcome(&self) -> Outcome {
        if let Some(copy) = self.copy_alone() {
            let whole = matches!(copy.state, PreparedState::Usable(Origin::Real));
            return if whole { Outcome::Good } else { Outcome::Partial };
        }
        let damaged = self.prepared.iter().any(|copy| matches!(copy.state, PreparedState::Damaged(_)));
        match (self.originals.is_bad() || damaged, self.originals.is_partial()) {
            (true, _) => Outcome::Bad,
            (_, true) => Outcome::Partial,
            _ => Outcome::Good,
        }
    }
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Partial => "partial",
            Self::Bad => "bad",
        }
    }
}

pub(super) fn run(names: &[String], json: bool, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        let message =
            "the built-in stand-ins have no files to verify; name a directory: --data DIR".to_owned();
        return Err(Usage(message).into());
    };
    let cache = cache(data, &root);
    // All names are known before the first, perhaps long, reading.
    let mut chosen = super::choose(names)?;
    if names.is_empty() {
        let is_here = |name| inspect(&root, Some(&cache), name).is_ok_and(|p| p.state != FilesState::Missing);
        chosen.retain(|known| is_here(known.name));
        if chosen.is_empty() {
            anyhow::bail!(
                "there is no data set in {}; `data list --data {0}` shows which files belong where",
                root.display()
            );
        }
    }
    let checked = chosen
        .iter()
        .map(|known| {
            let originals = verify(&root, known.name)?;
            let prepared = inspect_prepared(&root, &cache, known.name, true)?;
            Ok(Checked { originals, prepared })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    if json {
        output::json(&checked.iter().map(document).collect::<Vec<_>>())?;
    } else {
        output::table(
            &["dataset", "file", "verdict", "note"],
            &[false; 4],
            &checked.iter().flat_map(rows).collect::<Vec<_>>(),
        )?;
    }
    let of = |outcome: Outcome| {
        let all = checked.iter().filter(|c| c.outcome() == outcome);
        all.map(|c| c.originals.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (partial, bad) = (of(Outcome::Partial), of(Outcome::Bad));
    let mut wrong = Vec::new();
    if !bad.is_empty() {
        wrong.push(format!("missing or damaged: {bad}"));
    }
    if !partial.is_empty() && data.allow_partial {
        say!("partial: {partial}; every result from them is labelled so");
    } else if !partial.is_empty() {
        wrong.push(format!("partial: {partial} (--allow-partial accepts that, and labels every result)"));
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

/// In the place of files that are not needed.
const NOT_HERE: [&str; 3] = ["(originals)", "not here", "the prepared copy is used without them"];

fn rows(checked: &Checked) -> impl Iterator<Item = Vec<String>> {
    let name = &checked.originals.name;
    let alone = checked.copy_alone().map(|_| [&[&name[..]], &NOT_HERE[..]].concat());
    let alone = alone.map(|cells| cells.into_iter().map(str::to_owned).collect());
    let files = checked.originals.files.iter().filter(|_| checked.copy_alone().is_none()).map(|f| {
        let note = reason(&f.verdict).unwrap_or_default();
        vec![name.clone(), f.name.clone(), word(&f.verdict).to_owned(), note]
    });
    let files = alone.into_iter().chain(files);
    let copies = checked.prepared.iter().map(|copy| {
        let (verdict, note) = judge(copy);
        vec![name.clone(), copy.path.display().to_string(), verdict.to_owned(), note.unwrap_or_default()]
    });
    files.chain(copies)
}

fn document(checked: &Checked) -> serde_json::Value {
    let v = &checked.originals;
    let file = |f: &VerifiedFile| json!({"name": f.name, "path": f.path, "verdict": word(&f.verdict), "note": reason(&f.verdict)});
    let files: Vec<_> = match checked.copy_alone() {
        Some(_) => {
            let [name, verdict, note] = NOT_HERE;
            vec![json!({"name": name, "path": null, "verdict": verdict, "note": note})]
        }
        None => v.files.iter().map(file).collect(),
    };
    let prepared = checked.prepared.iter().map(|copy| {
        let (verdict, note) = judge(copy);
        json!({"name": copy.name, "path": copy.path, "verdict": verdict, "note": note})
    });
    let outcome = checked.outcome();
    json!({
        "name": v.name, "state": outcome.name(), "good": outcome == Outcome::Good, "directory": v.directory,
        "files": files, "prepared": prepared.collect::<Vec<_>>(),
    })
}

fn word(verdict: &FileVerdict) -> &'static str {
    match verdict {
        FileVerdict::Original => "original",
        FileVerdict::WellFormed => "well formed",
        FileVerdict::Partial(_) => "partial",
        _ => "bad",
    }
}

fn reason(verdict: &FileVerdict) -> Option<String> {
    match verdict {
        FileVerdict::WellFormed => {
            Some("read completely; no checksum is known for this form of the file".to_owned())
        }
        FileVerdict::Partial(missing) => Some(missing.clone()),
        FileVerdict::Bad(error) => Some(in_full(error)),
        _ => None,
    }
}

fn judge(copy: &PreparedCopy) -> (&'static str, Option<String>) {
    match &copy.state {
        PreparedState::Usable(Origin::Real) => ("prepared", None),
        PreparedState::Usable(_) => ("prepared", Some("from a part of the original".to_owned())),
        PreparedState::Stale => (
            "stale",
            Some(
                "made from other files than those that are there now; it is not used, and can be deleted"
                    .to_owned(),
            ),
        ),
        PreparedState::Damaged(error) => ("bad", Some(in_full(error))),
        _ => ("unknown", None),
    }
}
