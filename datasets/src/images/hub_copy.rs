//! The hub's copies of image data sets: Parquet files with a column of encoded pictures and one of labels.
//!
//! Examples come in the order of the files and their rows. That need not be the order of the original files: a task made
//! from the hub's copy may split the same images differently.

use std::path::Path;

use crate::manifest::{HubCopy, Manifest};
use crate::{Error, files};

/// Takes the number of a row, its label and its encoded picture.
pub(crate) type VisitRow<'a> = dyn FnMut(usize, i64, &[u8]) -> Result<(), Error> + 'a;

/// The files of the hub's copy that are there, in order, with their places in the manifest.
pub(crate) fn locate(root: &Path, manifest: &Manifest) -> Result<Vec<(usize, files::Located)>, Error> {
    let specs = manifest.hub.as_ref().map_or(&[][..], |hub| &hub.files);
    let mut found = Vec::new();
    for (i, spec) in specs.iter().enumerate() {
        found.extend(files::locate(root, manifest, spec)?.map(|file| (i, file)));
    }
    Ok(found)
}

/// Hands over label and encoded picture of every row of a file.
///
/// # Errors
/// What `visit` returns; a file that is not Parquet, or has other columns; an empty place; a picture of more than `limit`
/// bytes.
#[cfg(feature = "parquet")]
pub(crate) fn read(path: &Path, hub: &HubCopy, limit: u64, visit: &mut VisitRow<'_>) -> Result<(), Error> {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_array::{Array as _, StructArray};

    use crate::formats::parquet_rows::{broken, column, missing, rows};

    rows(path, &[&hub.image, &hub.label], &mut |first, batch| {
        let labels = column(path, first, batch, &hub.label, |c| c.as_primitive_opt::<Int64Type>())?;
        let pictures: &StructArray = column(path, first, batch, &hub.image, |c| c.as_struct_opt())?;
        let bytes = format!("{}.bytes", hub.image);
        let pictures = pictures.column_by_name("bytes").and_then(|c| c.as_binary_opt::<i32>());
        let pictures = pictures.ok_or_else(|| broken(path, first, missing(&bytes)))?;
        for i in 0..batch.num_rows() {
            let row = first + i;
            if labels.is_null(i) || pictures.is_null(i) {
                return Err(broken(path, row, "no label or no picture".to_owned()));
            }
            let picture = pictures.value(i);
            if picture.len() as u64 > limit {
                let problem = format!("a picture of {} bytes, at most {limit} are read", picture.len());
                return Err(broken(path, row, problem));
            }
            visit(row, labels.value(i), picture)?;
        }
        Ok(true)
    })
}

/// Without the feature `parquet` there is no reader.
#[cfg(not(feature = "parquet"))]
pub(crate) fn read(path: &Path, _hub: &HubCopy, _limit: u64, _visit: &mut VisitRow<'_>) -> Result<(), Error> {
    Err(crate::formats::parquet_rows::unsupported(path))
}

#[cfg(test)]
#[cfg(feature = "parquet")]
pub(crate) mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray};
    use arrow_schema::{DataType, Field};
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    /// The bytes of a Parquet file as the hub makes them.
    pub(crate) fn parquet(rows: &[(i64, Vec<u8>)]) -> Vec<u8> {
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(_, b)| b)));
        let paths: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "x.png")));
        let pictures: ArrayRef = Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("bytes", DataType::Binary, true)), bytes),
            (Arc::new(Field::new("path", DataType::Utf8, true)), paths),
        ]));
        let labels: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(label, _)| *label)));
        let batch = RecordBatch::try_from_iter([("img", pictures), ("label", labels)]).unwrap();
        let mut out = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut out, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        out
    }

    fn hub() -> HubCopy {
        crate::manifest::manifest("cifar10").unwrap().hub.clone().unwrap()
    }

    type Rows = Vec<(usize, i64, Vec<u8>)>;

    fn rows(bytes: &[u8], hub: &HubCopy, limit: u64) -> Result<Rows, Error> {
        let root = TempDir::new().unwrap();
        let path = root.path().join("f.parquet");
        std::fs::write(&path, bytes).unwrap();
        let mut rows = Vec::new();
        read(&path, hub, limit, &mut |row, label, picture| {
            rows.push((row, label, picture.to_vec()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn rows_come_in_order() {
        let given: Vec<(i64, Vec<u8>)> = (0..600).map(|i| (i % 10, vec![i as u8; 3])).collect();
        let got = rows(&parquet(&given), &hub(), 3).unwrap();
        assert_eq!(got.len(), 600);
        assert!(got.iter().enumerate().all(|(i, (row, label, picture))| {
            *row == i && (*label, picture) == (given[i].0, &given[i].1)
        }));
    }

    #[test]
    fn other_files_are_refused() {
        let good = parquet(&[(1, vec![0; 10])]);
        let check = |bytes: &[u8], hub: &HubCopy, word: &str| {
            let message = rows(bytes, hub, 9).unwrap_err().to_string();
            assert!(message.contains("f.parquet") && message.contains(word), "`{word}` is not in: {message}");
        };
        check(&good, &hub(), "10 bytes, at most 9");
        check(&good, &HubCopy { label: "fine".into(), ..hub() }, "no column `fine`");
        check(&good, &HubCopy { label: "img".into(), ..hub() }, "column `img`");
        check(b"PAR1 and no more", &hub(), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damage_never_panics(at in 0usize..4000, value: u8, cut in 0usize..4000) {
            let mut bytes = parquet(&[(1, vec![5; 40]), (2, vec![6; 9])]);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = rows(&bytes, &hub(), 1000);
            bytes.truncate(cut);
            let _ = rows(&bytes, &hub(), 1000);
        }
    }
}
