//! What lies in a curve file or directory, in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow_array::Array;
use serde::Serialize;

use crate::file::CurveFile;
use crate::names::optimizer_family;
use crate::schema::{self, Rows};
use crate::{Error, Metadata};

/// A summary of the curves at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    /// Rows of all files; a trial that is there twice counts twice.
    pub rows: u64,
    /// Files.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Names of the tasks.
    pub tasks: BTreeSet<String>,
    /// Families of optimizers, with the number of configurations of each.
    pub families: BTreeMap<String, usize>,
    /// Replicas.
    pub replicas: BTreeSet<u32>,
    /// Steps of evaluation: the union over all curves.
    pub steps: BTreeSet<u32>,
    /// Rows by origin of their data, `real` or `synthetic`.
    pub origins: BTreeMap<&'static str, u64>,
    /// Rows with a non-finite loss.
    pub diverged: u64,
    /// Hashes of the plans that the files come from.
    pub plans: BTreeSet<String>,
    /// Metadata of the first file; the protocol is that of all.
    pub metadata: Metadata,
}

/// Summarises a curve file or a directory of parts (see [`crate::open`]). Reads no losses.
///
/// # Errors
/// [`Error`] naming the file that cannot be read.
pub fn info(path: &Path) -> Result<Info, Error> {
    let reader = crate::open(path)?;
    let mut info = Info {
        rows: 0,
        files: reader.files().len(),
        bytes: 0,
        tasks: BTreeSet::new(),
        families: BTreeMap::new(),
        replicas: BTreeSet::new(),
        steps: BTreeSet::new(),
        origins: BTreeMap::new(),
        diverged: 0,
        plans: reader.plans().clone(),
        metadata: reader.metadata().clone(),
    };
    let mut optimizers: BTreeSet<String> = BTreeSet::new();
    let columns = [schema::TASK, schema::OPTIMIZER, schema::REPLICA, schema::STEPS, "diverged_at", "data"];
    for path in reader.files() {
        let file = CurveFile::open(path)?;
        info.rows += file.rows();
        info.bytes += std::fs::metadata(path).map_err(Error::io("look at", path))?.len();
        for batch in file.batches(Some(&columns), |_| true)? {
            let batch = batch?;
            let rows = Rows::new(path, &batch);
            let keys = rows.keys()?;
            for row in 0..batch.num_rows() {
                let (task, optimizer, replica) = keys.row(row);
                insert(&mut info.tasks, task);
                insert(&mut optimizers, optimizer);
                info.replicas.insert(replica);
            }
            let diverged_at = rows.diverged_at()?;
            info.diverged += (diverged_at.len() - diverged_at.null_count()) as u64;
            for origin in rows.origins()? {
                *info.origins.entry(origin.name()).or_default() += 1;
            }
            rows.steps()?.into_iter().for_each(|steps| info.steps.extend(steps));
        }
    }
    for optimizer in &optimizers {
        *info.families.entry(optimizer_family(optimizer).to_owned()).or_default() += 1;
    }
    Ok(info)
}

fn insert(set: &mut BTreeSet<String>, name: &str) {
    if !set.contains(name) {
        set.insert(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{curve, metadata};
    use crate::write;
    use taskset_names::Origin;

    #[test]
    fn everything_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let mut a = curve("t1", "adam1p_wide_grid_seed0", 0);
        a.diverged_at = Some(20);
        a.origin = Origin::Synthetic;
        let b = curve("t1", "adam1p_wide_grid_seed7", 3);
        write(&dir.path().join("a.parquet"), &[a, b], &metadata()).unwrap();
        write(&dir.path().join("b.parquet"), &[curve("t2", "adam_lr_-3.00", 0)], &metadata()).unwrap();
        let info = info(dir.path()).unwrap();
        let json = serde_json::to_value(&info).unwrap();
        let check = |field: &str, expected: serde_json::Value| assert_eq!(json[field], expected, "{field}");
        check("rows", 3.into());
        check("files", 2.into());
        check("tasks", serde_json::json!(["t1", "t2"]));
        check("families", serde_json::json!({"adam1p_wide_grid": 2, "adam_lr": 1}));
        check("replicas", serde_json::json!([0, 3]));
        check("steps", serde_json::json!([0, 10, 20]));
        check("origins", serde_json::json!({"real": 2, "synthetic": 1}));
        check("diverged", 1.into());
        check("plans", serde_json::json!(["plan"]));
        assert!(info.bytes > 0);
        assert_eq!(info.metadata, metadata());
    }
}
