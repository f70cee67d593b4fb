//! Rows of Parquet files, as the hub serves data sets: chosen columns, in bounded batches, whatever the file holds.

use std::path::Path;

use crate::Error;

/// The error for something at a row of a file, numbered from 0.
pub(crate) fn broken(path: &Path, row: usize, problem: String) -> Error {
    Error::Parquet { path: path.to_owned(), row, problem }
}

/// The error of builds without the feature `parquet`.
#[cfg(not(feature = "parquet"))]
pub(crate) fn unsupported(path: &Path) -> Error {
    let problem = "this build cannot read Parquet; build with the feature `parquet` of taskset-datasets";
    broken(path, 0, problem.to_owned())
}

#[cfg(feature = "parquet")]
pub(crate) use reader::{column, missing, rows};

#[cfg(feature = "parquet")]
mod reader {
    use std::path::Path;

    use arrow_array::{ArrayRef, RecordBatch};
    use arrow_schema::ArrowError;
    use parquet::arrow::ProjectionMask;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use taskset_guard::caught;

    use super::broken;
    use crate::Error;

    /// Rows in memory at a time: a picture or an article each, which may be large.
    const ROWS: usize = 16;

    /// Takes the number of the first row of a batch and the batch; returns whether to go on.
    type VisitBatch<'a> = dyn FnMut(usize, &RecordBatch) -> Result<bool, Error> + 'a;

    /// Hands over the rows of a file, batch by batch, with these columns only.
    ///
    /// # Errors
    /// What `visit` returns; a file that is damaged, not Parquet, or has not these columns.
    pub(crate) fn rows(path: &Path, columns: &[&str], visit: &mut VisitBatch<'_>) -> Result<(), Error> {
        let file = taskset_files::open_regular(path)
            .map_err(|source| Error::Io { path: path.to_owned(), source })?;
        // The reader trusts lengths in the footer; a panic in it must not end the program.
        let guarded = caught(|| -> Result<_, String> {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| e.to_string())?;
            if let Some(column) = columns.iter().find(|c| builder.schema().column_with_name(c).is_none()) {
                let names: Vec<&str> = builder.schema().fields().iter().map(|f| &f.name()[..]).collect();
                return Err(format!("there is no column `{column}`, only {}", names.join(", ")));
            }
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder.with_projection(mask).with_batch_size(ROWS).build().map_err(|e| e.to_string())
        });
        let reader = guarded.unwrap_or_else(|| Err("damaged footer".to_owned()));
        let reader = reader.map_err(|problem| {
            broken(path, 0, format!("{problem}; a truncated or foreign file? fetch it again"))
        })?;
        let mut row = 0;
        let mut batches = reader.into_iter();
        loop {
            let next = caught(|| batches.next());
            let in_its_place = || Some(Err(ArrowError::ParquetError("damaged page".to_owned())));
            let Some(batch) = next.unwrap_or_else(in_its_place) else { return Ok(()) };
            let batch = batch.map_err(|e| broken(path, row, format!("{e}; fetch the file again")))?;
            if !visit(row, &batch)? {
                return Ok(());
            }
            row += batch.num_rows();
        }
    }

    /// A column as an array of the type that `cast` looks for.
    pub(crate) fn column<'a, A>(
        path: &Path,
        row: usize,
        batch: &'a RecordBatch,
        name: &str,
        cast: impl FnOnce(&'a ArrayRef) -> Option<A>,
    ) -> Result<A, Error> {
        batch.column_by_name(name).and_then(cast).ok_or_else(|| broken(path, row, missing(name)))
    }

    /// What is wrong with a column.
    pub(crate) fn missing(column: &str) -> String {
        format!("column `{column}` is missing or of another type")
    }
}
