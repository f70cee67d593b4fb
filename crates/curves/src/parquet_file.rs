//! One curve file: opened with its footer verified, read a row group at a time with each chunk verified.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader as _};
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use taskset_trial::{Curve, Digest};

use crate::decode_rows::{Columns, Decoder};
use crate::digests::{self, Footer};
use crate::metadata::{self, VERSION};
use crate::writer::MAGIC;
use crate::{Error, Metadata, SCHEMA_VERSION, schema};

/// Bytes of the footer's length and the closing magic.
const TAIL: u64 = 8;
/// Largest footer that is read: a file of 100 million curves has one of some 100 MB.
const MAX_FOOTER: u64 = 1 << 30;

/// Reads a file of curves, in its order. Every curve is checked as it is when it is written.
///
/// # Errors
/// [`Error`] naming the file if it is missing, truncated, damaged, no file of curves, or of another schema version.
pub fn read(path: &Path) -> Result<(Metadata, Vec<Curve>), Error> {
    let file = CurveFile::open(path)?;
    let decoder = Decoder::default();
    let mut curves = Vec::new();
    for group in 0..file.groups().len() {
        let batch = file.read_group(group, &Columns::all())?;
        decoder.curves(&file, &batch, &Columns::all(), |_| true, |curve| curves.push(curve))?;
    }
    Ok((file.metadata, curves))
}

/// A curve file whose footer is read and verified. It is opened anew for every row group, so that a directory may hold more
/// files than a process may have open.
#[derive(Debug)]
pub(crate) struct CurveFile {
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
    parquet: Arc<ParquetMetaData>,
    arrow: ArrowReaderMetadata,
    chunks: Vec<Vec<Digest>>,
    bytes: u64,
}

impl CurveFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut file = taskset_files::open_regular(path).map_err(Error::io("open", path))?;
        let bytes = file.metadata().map_err(Error::io("open", path))?.len();
        let footer = read_footer(path, &mut file, bytes)?;
        let state = digests::verify(&footer);
        let damaged = || Error::damaged(path, "its footer");
        let parquet = decode_footer(&footer);
        let parquet = match (state, parquet) {
            (Footer::Intact, Ok(parquet)) => parquet,
            (Footer::Intact, Err(e)) => return Err(Error::parquet(path)(e)),
            (Footer::Damaged, Err(_)) => return Err(damaged()),
            // A footer without its digest that cannot be read either.
            (Footer::Unsealed, Err(e)) => {
                return Err(Error::NotParquet {
                    path: path.to_owned(),
                    reason: format!("its footer cannot be read ({e})"),
                });
            }
            (state, Ok(parquet)) => return Err(unusable(path, &state, &parquet)),
        };
        let file_metadata = parquet.file_metadata();
        check_version(path, &parquet)?;
        let digests = metadata::value(file_metadata, digests::CHUNK_DIGESTS);
        let chunks = digests.and_then(digests::parse_chunks).ok_or_else(|| {
            Error::not_curves(path, format!("its metadata has no readable `{}`", digests::CHUNK_DIGESTS))
        })?;
        let columns = |group: &RowGroupMetaData| group.columns().len();
        if !parquet.row_groups().iter().map(columns).eq(chunks.iter().map(Vec::len)) {
            return Err(Error::not_curves(path, "its digests are not those of its column chunks"));
        }
        check_places(path, &parquet, bytes - footer.len() as u64)?;
        let metadata = Metadata::from_file(path, file_metadata)?;
        let parquet = Arc::new(parquet);
        // The types that this crate decodes, whatever others would make of the file.
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_schema(Arc::new(schema::reading_schema()));
        let arrow = guarded(|| ArrowReaderMetadata::try_new(Arc::clone(&parquet), options))
            .map_err(|e| Error::not_curves(path, format!("its columns are not those of curves: {e}")))?;
        Ok(Self { path: path.to_owned(), metadata, parquet, arrow, chunks, bytes })
    }

    /// Rows of the file.
    pub(crate) fn rows(&self) -> u64 {
        self.parquet.row_groups().iter().map(|group| group.num_rows().max(0) as u64).sum()
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn groups(&self) -> &[RowGroupMetaData] {
        self.parquet.row_groups()
    }

    /// The rows of a row group, with the named columns; every chunk that is read is verified.
    pub(crate) fn read_group(&self, group: usize, columns: &Columns) -> Result<RecordBatch, Error> {
        let parquet_schema = self.parquet.file_metadata().schema_descr();
        let mask = ProjectionMask::columns(parquet_schema, columns.names());
        let chunks = self.read_chunks(group, |leaf| mask.leaf_included(leaf))?;
        let rows = self.groups()[group].num_rows().max(0) as usize;
        let decode = || {
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.arrow.clone())
                .with_batch_size(rows.max(1))
                .with_row_groups(vec![group])
                .with_projection(mask)
                .build()?;
            let schema = reader.schema();
            let mut batches = reader.collect::<Result<Vec<_>, _>>()?;
            Ok(match batches.len() {
                0 => RecordBatch::new_empty(schema),
                1 => batches.swap_remove(0),
                n => return Err(ParquetError::General(format!("{n} batches where one is expected"))),
            })
        };
        let batch = guarded(decode).map_err(Error::parquet(&self.path))?;
        if batch.num_rows() != rows {
            let found = batch.num_rows();
            return Err(Error::not_curves(&self.path, format!("a row group has {found} of its {rows} rows")));
        }
        Ok(batch)
    }

    /// Verifies every chunk of a row group.
    pub(crate) fn verify_group(&self, group: usize) -> Result<(), Error> {
        self.read_chunks(group, |_| true).map(drop)
    }

    /// Reads some column chunks of a row group and compares them with their digests.
    fn read_chunks(&self, group: usize, wanted: impl Fn(usize) -> bool) -> Result<Chunks, Error> {
        let mut file = taskset_files::open_regular(&self.path).map_err(Error::io("open", &self.path))?;
        let mut chunks = Vec::new();
        for (leaf, column) in
            self.groups()[group].columns().iter().enumerate().filter(|(leaf, _)| wanted(*leaf))
        {
            let (start, length) = column.byte_range();
            let damaged = || {
                let name = column.column_path().parts().first().cloned().unwrap_or_default();
                Error::damaged(&self.path, format!("column `{name}` of row group {group}"))
            };
            if start.checked_add(length).is_none_or(|end| end > self.bytes) {
                return Err(damaged());
            }
            let mut bytes = vec![0; length as usize];
            let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(Error::io("read", &self.path))?;
            if self.chunks[group].get(leaf) != Some(&Digest::of(&bytes)) {
                return Err(damaged());
            }
            chunks.push((start, Bytes::from(bytes)));
        }
        Ok(Chunks { chunks, length: self.bytes })
    }
}

/// The bytes behind the last column chunk: the footer, its length and the closing magic.
fn read_footer(path: &Path, file: &mut File, bytes: u64) -> Result<Vec<u8>, Error> {
    let not_parquet = |reason: String| Error::NotParquet { path: path.to_owned(), reason };
    let io = || Error::io("read", path);
    if bytes < MAGIC.len() as u64 + TAIL {
        return Err(not_parquet(format!("it has {bytes} bytes")));
    }
    let mut opening = [0; MAGIC.len()];
    file.read_exact(&mut opening).map_err(io())?;
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::Start(bytes - TAIL)).and_then(|_| file.read_exact(&mut tail)).map_err(io())?;
    let [a, b, c, d, magic @ ..] = tail;
    if opening != *MAGIC || magic != *MAGIC {
        let place = if opening == *MAGIC { "end" } else { "begin" };
        return Err(not_parquet(format!(
            "it does not {place} with `PAR1`: it is truncated, damaged, or another kind of file"
        )));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL;
    if length > bytes - MAGIC.len() as u64 || length > MAX_FOOTER {
        return Err(not_parquet(format!("its last bytes promise a footer of {length} bytes")));
    }
    let mut footer = vec![0; length as usize];
    file.seek(SeekFrom::Start(bytes - length)).and_then(|_| file.read_exact(&mut footer)).map_err(io())?;
    Ok(footer)
}

fn decode_footer(footer: &[u8]) -> Result<ParquetMetaData, ParquetError> {
    let thrift = &footer[..footer.len() - TAIL as usize];
    guarded(|| ParquetMetaDataReader::decode_metadata(thrift))
}

/// Most rows of a row group that are decoded at a time; this program writes 8,192.
const MAX_ROWS: i64 = 1 << 20;

/// Checks that the column chunks lie one behind the other from the opening magic to the footer, so that no byte is without
/// a digest, and that no row group has more rows than memory should hold.
fn check_places(path: &Path, parquet: &ParquetMetaData, end: u64) -> Result<(), Error> {
    let mut expected = MAGIC.len() as u64;
    for (number, group) in parquet.row_groups().iter().enumerate() {
        if !(0..=MAX_ROWS).contains(&group.num_rows()) {
            let rows = group.num_rows();
            return Err(Error::not_curves(path, format!("row group {number} says that it has {rows} rows")));
        }
        for column in group.columns() {
            let place = guarded(|| Ok(column.byte_range())).map_err(Error::parquet(path))?;
            if place.0 != expected {
                return Err(Error::damaged(path, format!("the space before byte {}", place.0)));
            }
            expected = place.0.saturating_add(place.1);
        }
    }
    if expected == end {
        Ok(())
    } else {
        Err(Error::damaged(path, format!("the space from byte {expected} on")))
    }
}

/// Why a readable footer without its right digest is not used.
fn unusable(path: &Path, state: &Footer, parquet: &ParquetMetaData) -> Error {
    let writer = parquet.file_metadata().created_by().unwrap_or("an unnamed program");
    // Files of ours that have this schema's version, or a seal, had a right one when they were written.
    let version = metadata::value(parquet.file_metadata(), VERSION);
    let ours = writer.starts_with("taskset-rs ");
    if ours && (*state == Footer::Damaged || version == Some(&SCHEMA_VERSION.to_string())) {
        return Error::damaged(path, "its footer");
    }
    if let Err(other) = check_version(path, parquet) {
        return other;
    }
    Error::Rewritten { path: path.to_owned(), writer: writer.to_owned() }
}

/// Refuses what is no file of curves, and other versions of the schema.
fn check_version(path: &Path, parquet: &ParquetMetaData) -> Result<(), Error> {
    let Some(text) = metadata::value(parquet.file_metadata(), VERSION) else {
        // Some programs keep the columns of what they rewrite, and not its metadata.
        let columns = parquet.file_metadata().schema_descr();
        let has = |name: &str| columns.root_schema().get_fields().iter().any(|field| field.name() == name);
        if has(schema::TRIAL_ID) && has(schema::REVISIONS) {
            let writer = parquet.file_metadata().created_by().unwrap_or("an unnamed program").to_owned();
            return Err(Error::Rewritten { path: path.to_owned(), writer });
        }
        return Err(Error::not_curves(path, format!("its metadata has no `{VERSION}`")));
    };
    let found = text
        .parse()
        .map_err(|_| Error::not_curves(path, format!("metadata `{VERSION}` is `{text}`, not a number")))?;
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    Err(Error::SchemaVersion { path: path.to_owned(), found, supported: SCHEMA_VERSION })
}

/// Some verified chunks of a file, in their places.
struct Chunks {
    /// Position in the file, and the bytes; rising.
    chunks: Vec<(u64, Bytes)>,
    length: u64,
}

impl Chunks {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let holds = |(first, bytes): &&(u64, Bytes)| *first <= start && start <= first + bytes.len() as u64;
        let (first, bytes) =
            self.chunks.iter().rev().find(holds).ok_or_else(|| {
                ParquetError::General(format!("byte {start} belongs to no chunk that is read"))
            })?;
        Ok(bytes.slice((start - first) as usize..))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from {start} on reach beyond their chunk"
            )));
        }
        Ok(bytes.slice(..length))
    }
}

/// Runs the decoder and makes an error of its panics: on some damaged footers it divides by zero or asserts. What it was
/// working on is not used again.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    taskset_guard::caught(decode)
        .unwrap_or_else(|| Err(ParquetError::External(Box::new(io::Error::other("the decoder gave up")))))
}
