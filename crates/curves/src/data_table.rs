//! Tables of any columns as Parquet or CSV: hyperparameters, scores.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use taskset_files::AtomicFile;
use taskset_names::csv_field;

use crate::Error;
use crate::writer::failed;

/// The values of a column, one per row; none where a row has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Numbers. They come back with the same bits.
    Number(Vec<Option<f64>>),
    /// Whole numbers.
    Count(Vec<Option<u64>>),
    /// Yes or no.
    Flag(Vec<Option<bool>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Count(values) => values.len(),
            Self::Flag(values) => values.len(),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Number(_) => DataType::Float64,
            Self::Count(_) => DataType::UInt64,
            Self::Flag(_) => DataType::Boolean,
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(StringArray::from_iter(values.iter().map(Option::as_deref))),
            Self::Number(values) => Arc::new(Float64Array::from_iter(values.iter().copied())),
            Self::Count(values) => Arc::new(UInt64Array::from_iter(values.iter().copied())),
            Self::Flag(values) => Arc::new(BooleanArray::from_iter(values.iter().copied())),
        }
    }

    /// A value as a CSV field: numbers with the digits that give the same `f64` back, nothing where there is none.
    fn cell(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].as_deref().map(|text| csv_field(text).into_owned()),
            Self::Number(values) => values[row].map(|number| format!("{number:?}")),
            Self::Count(values) => values[row].map(|number| number.to_string()),
            Self::Flag(values) => values[row].map(|flag| flag.to_string()),
        }
        .unwrap_or_default()
    }
}

/// A table with named columns of equal length. It is no file of curves, and [`open`](crate::open()) refuses it.
///
/// ```
/// use taskset_curves::{Column, DataTable};
/// let mut table = DataTable::default();
/// table.push("name", Column::Text(vec![Some("adam_lr_-3.00".into()), Some("zero".into())]));
/// table.push("learning_rate", Column::Number(vec![Some(1e-3), None]));
/// assert_eq!(table.csv(), "name,learning_rate\nadam_lr_-3.00,0.001\nzero,\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataTable {
    columns: Vec<(String, Column)>,
    metadata: Vec<(String, String)>,
}

impl DataTable {
    /// Appends a column.
    ///
    /// # Panics
    /// If it has not as many rows as the columns before it.
    pub fn push(&mut self, name: &str, column: Column) {
        if let Some((_, first)) = self.columns.first() {
            assert_eq!(first.len(), column.len(), "rows of column `{name}`");
        }
        self.columns.push((name.to_owned(), column));
    }

    /// Appends a pair to the metadata of the Parquet file. CSV has no place for it.
    pub fn describe(&mut self, key: &str, value: &str) {
        self.metadata.push((key.to_owned(), value.to_owned()));
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The table as CSV (RFC 4180, lines end in `\n`), names of the columns first.
    #[expect(clippy::missing_panics_doc, reason = "a Vec takes everything, and all fields are text")]
    pub fn csv(&self) -> String {
        String::from_utf8(self.csv_bytes().expect("a Vec takes everything")).expect("all fields are text")
    }

    fn csv_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(self.columns.iter().map(|(name, _)| csv_field(name).into_owned()))?;
        for row in 0..self.rows() {
            out.write_record(self.columns.iter().map(|(_, column)| column.cell(row)))?;
        }
        out.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    /// Writes the table as CSV. The file is complete or absent.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), Error> {
        taskset_files::write_atomically(path, self.csv().as_bytes()).map_err(Error::io("write", path))
    }

    /// Writes the table as Parquet (zstd; `Utf8`, `Float64`, `UInt64` and `Boolean`, all nullable). The file is complete or
    /// absent.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write_parquet(&self, path: &Path) -> Result<(), Error> {
        let io = || Error::io("write", path);
        let fields: Vec<Field> =
            self.columns.iter().map(|(name, column)| Field::new(name, column.data_type(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = self.columns.iter().map(|(_, column)| column.array()).collect();
        let pairs =
            self.metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("taskset-rs".to_owned())
            .set_key_value_metadata(Some(pairs))
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(Error::parquet(path))?;
        let file = BufWriter::new(AtomicFile::create(path).map_err(io())?);
        let mut writer =
            ArrowWriter::try_new_with_options(file, schema, options).map_err(Error::parquet(path))?;
        writer.write(&batch).map_err(failed(path))?;
        let mut file = writer.into_inner().map_err(failed(path))?;
        file.flush().map_err(io())?;
        file.into_inner().map_err(|e| io()(e.into_error()))?.commit().map_err(io())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array as _;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn table() -> DataTable {
        let mut table = DataTable::default();
        table.push("name", Column::Text(vec![Some("a,\"b\"".into()), None]));
        table.push("rate", Column::Number(vec![Some(2.913_027_838_508_151_7e-7), None]));
        table.push("count", Column::Count(vec![None, Some(u64::MAX)]));
        table.push("flag", Column::Flag(vec![Some(true), None]));
        table.describe("normalizer", "default");
        table
    }

    #[test]
    fn csv_has_all_digits_and_empty_cells() {
        let expected =
            "name,rate,count,flag\n\"a,\"\"b\"\"\",2.9130278385081517e-7,,true\n,,18446744073709551615,\n";
        assert_eq!(table().csv(), expected);
        assert_eq!((table().rows(), DataTable::default().rows()), (2, 0));
    }

    #[test]
    fn parquet_gives_the_same_values_back_and_is_no_file_of_curves() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.parquet");
        table().write_parquet(&path).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap()).unwrap();
        let metadata = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap();
        assert!(metadata.contains(&KeyValue::new("normalizer".to_owned(), "default".to_owned())));
        let batch = builder.build().unwrap().next().unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        let rates = batch.column_by_name("rate").unwrap().as_primitive::<Float64Type>();
        assert_eq!(rates.value(0).to_bits(), 2.913_027_838_508_151_7e-7_f64.to_bits());
        assert_eq!(rates.null_count(), 1);
        assert_eq!(batch.column_by_name("name").unwrap().as_string::<i32>().value(0), "a,\"b\"");
        assert!(batch.column_by_name("flag").unwrap().as_boolean().value(0));
        let message = crate::open(&path).unwrap_err().to_string();
        assert!(message.contains("not a file of training curves"), "{message}");
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(table().write_csv(directory.path()).is_err());
        assert!(table().write_parquet(directory.path()).is_err());
    }
}
