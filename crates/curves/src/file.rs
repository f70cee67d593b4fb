//! One curve file: written beside and renamed, read whole or through a filter.

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use taskset_names::Split;

use crate::schema::{self, Rows};
use crate::{Curve, Error, Metadata};

/// Rows of a row group: about 8 MB of 51-point curves, small enough that a query for one task skips most of a file.
const ROWS_PER_GROUP: usize = 8192;
/// Rows decoded at a time.
const ROWS_PER_BATCH: usize = 1024;
/// How often a write is tried whose temporary file another process removes.
const WRITE_TRIES: u32 = 4;
/// Files that are being written start with this and are not read.
pub(crate) const TEMPORARY_PREFIX: &str = ".writing-";

/// Writes a file of curves, in their order.
///
/// The file is complete or absent: it is written beside, synced, and renamed over `path`.
///
/// # Errors
/// [`Error::InvalidCurve`] if a curve's steps and losses do not fit; [`Error::SchemaVersion`] if the metadata has
/// another version than [`SCHEMA_VERSION`](crate::SCHEMA_VERSION); [`Error::Io`] or [`Error::Parquet`] if writing fails.
pub fn write(path: &Path, curves: &[Curve], metadata: &Metadata) -> Result<(), Error> {
    let bytes = encode(path, curves, metadata)?;
    write_atomically(path, &bytes)
}

/// The bytes of a curve file; `path` only names it in errors.
pub(crate) fn encode(path: &Path, curves: &[Curve], metadata: &Metadata) -> Result<Vec<u8>, Error> {
    if metadata.schema_version != crate::SCHEMA_VERSION {
        return Err(Error::SchemaVersion {
            path: path.to_owned(),
            found: metadata.schema_version,
            supported: crate::SCHEMA_VERSION,
        });
    }
    curves.iter().try_for_each(Curve::check)?;
    encode_unchecked(curves, metadata).map_err(Error::parquet(path))
}

/// Encodes without looking at the version, so that tests can write files of the future.
pub(crate) fn encode_unchecked(curves: &[Curve], metadata: &Metadata) -> Result<Vec<u8>, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_created_by(format!("taskset-rs {}", metadata.program_version))
        .set_key_value_metadata(Some(metadata.to_key_values()));
    for split in Split::ALL {
        // Losses hardly ever repeat: a dictionary of them would be built and thrown away.
        let column = ["list", "element"].map(str::to_owned);
        let column = ColumnPath::new([vec![split.name().to_owned()], column.to_vec()].concat());
        properties = properties.set_column_dictionary_enabled(column, false);
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), schema::schema().into(), Some(properties.build()))?;
    for chunk in curves.chunks(ROWS_PER_BATCH) {
        writer.write(&schema::to_batch(chunk)?)?;
    }
    writer.into_inner()
}

/// Puts bytes at `path` so that a reader sees all of them or no file, even after a power cut: written beside, synced,
/// renamed.
///
/// # Errors
/// [`Error::Io`]; an older file at `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_and_rename(path, bytes, |_| ())
}

/// Writes beside, calls `written` with the temporary file's path, and renames; all of it again if the temporary file is
/// gone by then: another process that opened the store took it for a left-over before it was locked.
fn write_and_rename(path: &Path, bytes: &[u8], mut written: impl FnMut(&Path)) -> Result<(), Error> {
    use std::io::Write;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = || Error::io("write", path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Readable like any other file under the process's umask, not by its owner alone.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut tries = 1;
    loop {
        let mut file = builder.tempfile_in(directory).map_err(failed())?;
        // Held until the file is closed: it tells a file in work from one that a killed process left. File systems
        // without locks go without.
        let _ = file.as_file().try_lock();
        file.write_all(bytes).map_err(failed())?;
        file.as_file().sync_all().map_err(failed())?;
        written(file.path());
        match file.persist(path) {
            Ok(_) => return sync_directory(directory),
            Err(e) if e.error.kind() == std::io::ErrorKind::NotFound && tries < WRITE_TRIES => tries += 1,
            Err(e) => return Err(failed()(e.error)),
        }
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory).and_then(|d| d.sync_all()).map_err(Error::io("sync", directory))
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// Reads a file of curves, in its order.
///
/// # Errors
/// [`Error`] naming the file if it is missing, truncated, no file of curves, or of another schema version.
pub fn read(path: &Path) -> Result<(Metadata, Vec<Curve>), Error> {
    let file = CurveFile::open(path)?;
    let mut curves = Vec::new();
    for batch in file.batches(None, |_| true)? {
        curves.extend(Rows::new(path, &batch?).curves(&Split::ALL, |_, _, _| true)?);
    }
    Ok((file.metadata, curves))
}

/// An opened curve file whose footer is read and checked.
pub(crate) struct CurveFile<'a> {
    path: &'a Path,
    file: File,
    footer: ArrowReaderMetadata,
    pub(crate) metadata: Metadata,
}

impl<'a> CurveFile<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        // Without the embedded Arrow schema every writer's file gives the same types: names come as plain strings.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let footer = guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(Error::parquet(path))?;
        let metadata = Metadata::from_file(path, footer.metadata().file_metadata())?;
        Ok(Self { path, file, footer, metadata })
    }

    /// Rows of the file.
    pub(crate) fn rows(&self) -> u64 {
        self.footer.metadata().file_metadata().num_rows().max(0) as u64
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    /// Numbers of the row groups that `wanted` chooses.
    pub(crate) fn groups(&self, wanted: impl Fn(&RowGroupMetaData) -> bool) -> Vec<usize> {
        let groups = self.footer.metadata().row_groups();
        (0..groups.len()).filter(|&g| wanted(&groups[g])).collect()
    }

    /// The batches of the row groups that `wanted` chooses, with the named columns or all.
    pub(crate) fn batches(
        &self,
        columns: Option<&[&str]>,
        wanted: impl Fn(&RowGroupMetaData) -> bool,
    ) -> Result<Batches<'a>, Error> {
        self.batches_of(columns, self.groups(wanted))
    }

    /// The batches of some row groups, with the named columns or all.
    pub(crate) fn batches_of(
        &self,
        columns: Option<&[&str]>,
        groups: Vec<usize>,
    ) -> Result<Batches<'a>, Error> {
        let file = self.file.try_clone().map_err(Error::io("open", self.path))?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_batch_size(ROWS_PER_BATCH)
            .with_row_groups(groups);
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        let reader = guarded(|| builder.build()).map_err(Error::parquet(self.path))?;
        Ok(Batches { path: self.path, reader: Some(reader) })
    }
}

/// Batches of a file; errors name it, and nothing follows them.
pub(crate) struct Batches<'a> {
    path: &'a Path,
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        match guarded(|| reader.next().transpose().map_err(ParquetError::from)) {
            Ok(batch) => {
                self.reader = Some(reader);
                batch.map(Ok)
            }
            Err(e) => Some(Err(Error::parquet(self.path)(e))),
        }
    }
}

/// Runs the decoder and makes an error of its panics: on some damaged footers it divides by zero or asserts. What it was
/// working on is not used again.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    taskset_guard::caught(decode)
        .unwrap_or_else(|| Err(ParquetError::General("the file is damaged: its decoder gave up".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{curve, metadata};
    use proptest::prelude::*;
    use taskset_names::Origin;

    fn any_loss() -> impl Strategy<Value = f32> {
        prop_oneof![
            any::<f32>(),
            Just(f32::NAN),
            Just(f32::INFINITY),
            Just(-0.0),
            any::<u32>().prop_map(f32::from_bits)
        ]
    }

    fn any_curve() -> impl Strategy<Value = Curve> {
        let points = proptest::collection::btree_set(any::<u32>(), 0..6);
        let losses = proptest::collection::vec(any_loss(), 24);
        let name = || "[a-zé_,\"]{0,80}";
        let rest = (any::<u32>(), any::<Option<u32>>(), any::<u64>(), 0.0f64..1e9, any::<bool>());
        (name(), name(), points, losses, rest).prop_map(|(task, optimizer, steps, losses, rest)| {
            let (replica, diverged_at, num_params, seconds, real) = rest;
            let split = |s: usize| losses[s * 6..s * 6 + steps.len()].to_vec();
            Curve {
                task,
                optimizer,
                replica,
                losses: [split(0), split(1), split(2), split(3)],
                steps: steps.iter().copied().collect(),
                diverged_at,
                num_params,
                train_seconds: seconds,
                eval_seconds: seconds / 3.0,
                origin: if real { Origin::Real } else { Origin::Synthetic },
            }
        })
    }

    /// Equality in which NaN equals the same NaN.
    fn bits(curves: &[Curve]) -> String {
        let losses =
            |c: &Curve| c.losses.clone().map(|l| l.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        let rest = |c: &Curve| Curve { losses: Default::default(), ..c.clone() };
        format!("{:?}", curves.iter().map(|c| (rest(c), losses(c))).collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read(curves in proptest::collection::vec(any_curve(), 0..8)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("curves.parquet");
            write(&path, &curves, &metadata()).unwrap();
            let (found, read) = read(&path).unwrap();
            prop_assert_eq!(found, metadata());
            prop_assert_eq!(bits(&read), bits(&curves));
        }
    }

    #[test]
    fn many_rows_cross_batches_and_row_groups() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("curves.parquet");
        let curves: Vec<Curve> = (0..10_000).map(|i| curve(&format!("t{}", i / 100), "o", i % 100)).collect();
        write(&path, &curves, &metadata()).unwrap();
        assert!(read(&path).unwrap().1 == curves);
        assert_eq!(CurveFile::open(&path).unwrap().footer.metadata().num_row_groups(), 2);
    }

    #[test]
    fn a_truncated_file_is_an_error_at_every_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("whole.parquet");
        write(&path, &[curve("t", "o", 0), curve("t", "o", 1)], &metadata()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let cut = dir.path().join("cut.parquet");
        for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 9..bytes.len()) {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            let message = read(&cut).unwrap_err().to_string();
            assert!(message.contains("cut.parquet"), "{length}: {message}");
        }
    }

    #[test]
    fn a_damaged_file_never_panics() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("damaged.parquet");
        write(&path, &[curve("t", "o", 0)], &metadata()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut errors = 0;
        for i in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1 << (i % 8);
            std::fs::write(&path, &damaged).unwrap();
            if let Err(e) = read(&path) {
                errors += 1;
                assert!(e.to_string().contains("damaged.parquet"), "{i}: {e}");
            }
        }
        assert!(errors > bytes.len() / 30, "{errors} of {} flipped bits were noticed", bytes.len() / 3);
    }

    #[test]
    fn writing_replaces_leaves_nothing_else_and_is_readable_by_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("curves.parquet");
        for replica in 0..2 {
            write(&path, &[curve("t", "o", replica)], &metadata()).unwrap();
        }
        assert_eq!(read(&path).unwrap().1[0].replica, 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let plain = dir.path().join("plain");
            std::fs::write(&plain, "").unwrap();
            let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
            assert_eq!(mode(&path), mode(&plain));
        }
        let absent = dir.path().join("absent/curves.parquet");
        assert!(matches!(write(&absent, &[], &metadata()), Err(Error::Io { path, .. }) if path == absent));
    }

    #[test]
    fn a_write_whose_temporary_file_is_removed_starts_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let check = |removals: u32| {
            let mut left = removals;
            write_and_rename(&path, removals.to_string().as_bytes(), |temporary| {
                if left > 0 {
                    left -= 1;
                    std::fs::remove_file(temporary).unwrap();
                }
            })
        };
        assert!(check(WRITE_TRIES - 1).is_ok());
        assert_eq!(std::fs::read(&path).unwrap(), (WRITE_TRIES - 1).to_string().as_bytes());
        assert!(matches!(check(WRITE_TRIES), Err(Error::Io { action: "write", .. })));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_schema_version_is_refused_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("future.parquet");
        let future = Metadata { schema_version: 99, ..metadata() };
        std::fs::write(&path, encode_unchecked(&[curve("t", "o", 0)], &future).unwrap()).unwrap();
        for message in
            [read(&path).unwrap_err().to_string(), write(&path, &[], &future).unwrap_err().to_string()]
        {
            let words = ["future.parquet", "version 99", "reads version 1"];
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        }
    }

    #[test]
    fn parquet_files_of_something_else_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.parquet");
        let check = |batch: &RecordBatch, metadata: Vec<parquet::file::metadata::KeyValue>, words: &str| {
            let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata)).build();
            let file = File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
            let message = read(&path).unwrap_err().to_string();
            assert!(message.contains("other.parquet") && message.contains(words), "{message}");
        };
        let whole = schema::to_batch(&[curve("t", "o", 0)]).unwrap();
        check(&whole, vec![], "`taskset.schema_version`");
        let mut broken = metadata().to_key_values();
        broken[2].value = Some("{}".into());
        check(&whole, broken, "`taskset.protocol`");
        let without_test: Vec<usize> = (0..whole.num_columns()).filter(|&c| c != 7).collect();
        check(&whole.project(&without_test).unwrap(), metadata().to_key_values(), "no column `test`");
        let unlabelled = {
            use arrow_array::StringArray;
            let mut columns = whole.columns().to_vec();
            columns[12] = std::sync::Arc::new(StringArray::from(vec!["made up"]));
            RecordBatch::try_new(whole.schema(), columns).unwrap()
        };
        check(&unlabelled, metadata().to_key_values(), "`made up`");
        let numbers_for_names = {
            let mut columns = whole.columns().to_vec();
            columns[0] = columns[2].clone();
            let names = whole.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
            RecordBatch::try_from_iter(names.into_iter().zip(columns)).unwrap()
        };
        check(&numbers_for_names, metadata().to_key_values(), "column `task` is UInt32");
    }
}
