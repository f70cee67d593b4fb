//! Which shards are really there: a name alone could lie.

use std::collections::HashSet;
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use crate::Error;
use crate::shard::file_name;
use crate::storage::{SHARDS, Storage};

/// What lies in the folder of shards, compared with what should.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// Names of the shards whose files are whole.
    pub(crate) shards: HashSet<String>,
    /// Names of shards whose files cannot be theirs, with the reason.
    pub(crate) damaged: Vec<(String, String)>,
    /// How many curve files belong to none of the shards.
    pub(crate) others: usize,
}

/// Looks at the files of shards, given by name and number of trials. Of a file in a directory, the footer is read and verified:
/// it must have as many rows as the shard has trials, and say that it is this shard. Curves are verified by whoever reads them.
/// Files in an object store are not fetched for that.
///
/// # Errors
/// [`Error::Storage`] if the folder cannot be listed.
pub(crate) fn look<'a>(
    storage: &dyn Storage,
    shards: impl Iterator<Item = (&'a str, u64)>,
) -> Result<Committed, Error> {
    let mut files: HashSet<String> = storage.list(SHARDS)?.into_iter().collect();
    let there: Vec<(&str, u64)> = shards.filter(|(id, _)| files.remove(&file_name(id))).collect();
    let mut found = Committed {
        others: files.iter().filter(|name| name.ends_with(".parquet")).count(),
        ..Committed::default()
    };
    let Some(directory) = storage.directory() else {
        found.shards = there.into_iter().map(|(id, _)| id.to_owned()).collect();
        return Ok(found);
    };
    // Curves beside the folder of shards, for example of an older program.
    let beside = taskset_files::listing(directory, "parquet").map_or(0, |listing| listing.files.len());
    found.others += beside;
    let folder = directory.join(SHARDS);
    let looked: Vec<(&str, Result<(), String>)> = there
        .into_par_iter()
        .map(|(id, trials)| (id, check(&folder.join(file_name(id)), id, trials)))
        .collect();
    for (id, result) in looked {
        match result {
            Ok(()) => drop(found.shards.insert(id.to_owned())),
            Err(reason) => found.damaged.push((id.to_owned(), reason)),
        }
    }
    Ok(found)
}

/// Whether a file can be that of a shard.
fn check(path: &Path, id: &str, trials: u64) -> Result<(), String> {
    let reader = taskset_curves::open(path).map_err(|error| taskset_names::in_full(&error))?;
    if reader.rows() != trials {
        return Err(format!("{} has {} trials, and the shard has {trials}", path.display(), reader.rows()));
    }
    let record = reader.metadata().next().and_then(|metadata| metadata.environment.as_deref());
    let record: Option<Value> = record.and_then(|text| serde_json::from_str(text).ok());
    match record.as_ref().and_then(|record| record.get("shard")).and_then(Value::as_str) {
        Some(other) if other != id => Err(format!("{} holds the shard {other}", path.display())),
        _ => Ok(()),
    }
}

/// Puts the files of damaged shards aside, under names that no reader takes for curves. Where each was and is, with the reason.
///
/// # Errors
/// [`Error::Storage`] if one cannot be renamed.
pub(crate) fn put_aside(storage: &dyn Storage, damaged: &[(String, String)]) -> Result<Vec<String>, Error> {
    let Some(directory) = storage.directory() else { return Ok(Vec::new()) };
    let put = |(id, reason): &(String, String)| {
        let folder = directory.join(SHARDS);
        let from = folder.join(file_name(id));
        let to = folder.join(format!("{id}.damaged"));
        match std::fs::rename(&from, &to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("rename", &from)(e)),
            _ => Ok(format!(
                "a shard is not what it should be, and its trials are trained again ({reason}); its file is now {}",
                to.display()
            )),
        }
    };
    damaged.iter().map(put).collect()
}
