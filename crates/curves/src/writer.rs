//! Writing a curve file, a row group at a time, in bounded memory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use taskset_files::AtomicFile;
use taskset_names::Split;
use taskset_trial::{Curve, Digest, Identifier};

use crate::{Error, Metadata, digests, schema};

/// Rows of a row group: about 7 MB of 51-point curves, small enough that a query for one task skips most of a file.
pub(crate) const ROWS_PER_GROUP: usize = 8192;

/// Writes a file of curves. It gets its name when it is [finished](CurveWriter::finish), complete; given up before, it
/// leaves nothing.
pub struct CurveWriter {
    path: PathBuf,
    writer: ArrowWriter<Recorder>,
    slices: bool,
    ids: Identifier,
    /// Curves of the next row group.
    rows: Vec<Curve>,
    /// Digests of the chunks of the finished row groups.
    chunks: Vec<Vec<Digest>>,
}

impl CurveWriter {
    /// Starts a file. Its directory must exist.
    ///
    /// # Errors
    /// [`Error::Io`] if nothing can be written there.
    pub fn create(path: &Path, metadata: &Metadata) -> Result<Self, Error> {
        Self::start(path, AtomicFile::create(path), metadata, &CHOSEN_BY)
    }

    /// The same with the smallest and largest value of each column that is no list, in each row group: for files that are
    /// read often.
    ///
    /// # Errors
    /// As [`CurveWriter::create`].
    pub fn create_with_statistics(path: &Path, metadata: &Metadata) -> Result<Self, Error> {
        Self::start(path, AtomicFile::create(path), metadata, &schema::SCALARS)
    }

    fn start(
        path: &Path,
        file: io::Result<AtomicFile>,
        metadata: &Metadata,
        statistics: &[&str],
    ) -> Result<Self, Error> {
        let file = file.map_err(Error::io("write", path))?;
        Self::into_sink(path, Sink::File(file), metadata, statistics)
    }

    fn into_sink(path: &Path, sink: Sink, metadata: &Metadata, statistics: &[&str]) -> Result<Self, Error> {
        let recorder = Recorder { sink, position: 0, recent: Vec::new() };
        let options = ArrowWriterOptions::new()
            .with_properties(properties(metadata, statistics))
            // Without it every reader sees plain strings and lists; some cannot read Arrow's own types.
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(recorder, schema::schema().into(), options)
            .map_err(Error::parquet(path))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            slices: metadata.slice.is_some(),
            ids: Identifier::default(),
            rows: Vec::new(),
            chunks: Vec::new(),
        })
    }

    /// Appends a curve.
    ///
    /// # Errors
    /// [`Error::InvalidCurve`] if its parts do not fit together; [`Error::Io`] if a row group cannot be written.
    pub fn append(&mut self, curve: Curve) -> Result<(), Error> {
        if self.slices {
            curve.check_points()?;
        } else {
            curve.check()?;
        }
        self.rows.push(curve);
        if self.rows.len() == ROWS_PER_GROUP { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<(), Error> {
        let batch = schema::to_batch(&self.rows, &mut self.ids).map_err(Error::parquet(&self.path))?;
        self.rows.clear();
        self.writer.write(&batch).map_err(failed(&self.path))?;
        self.writer.flush().map_err(failed(&self.path))?;
        // Parquet buffers what it writes.
        self.writer.sync().map_err(Error::io("write", &self.path))?;
        let chunks = self.writer.flushed_row_groups().last().map(|group| {
            group.columns().iter().map(|chunk| self.writer.inner().digest(chunk.byte_range())).collect()
        });
        self.chunks.extend(chunks);
        self.writer.inner_mut().recent.clear();
        Ok(())
    }

    /// Writes what is left and gives the file its name, when all of it is on the disk. Returns the digest over all of it.
    ///
    /// # Errors
    /// [`Error::Io`]; an older file of this name is then as it was.
    pub fn finish(self) -> Result<Digest, Error> {
        let path = self.path.clone();
        let (sink, digest) = self.seal()?;
        sink.file().commit().map_err(Error::io("write", &path))?;
        Ok(digest)
    }

    /// Writes what is left, the footer, and its digest.
    fn seal(mut self) -> Result<(Sink, Digest), Error> {
        if !self.rows.is_empty() {
            self.end_group()?;
        }
        for pair in digests::pairs(&self.chunks) {
            self.writer.append_key_value_metadata(pair);
        }
        let path = self.path;
        let Recorder { mut sink, position, recent } = self.writer.into_inner().map_err(failed(&path))?;
        // An empty file has its opening magic among the recent bytes, too: the footer begins behind it.
        let opening = if self.chunks.is_empty() { MAGIC.len() } else { 0 };
        let footer = &recent[opening..];
        let Some((at, digest)) = digests::seal(footer) else {
            return Err(Error::NotParquet {
                path,
                reason: "its footer has no place for its digest".to_owned(),
            });
        };
        let start = position - footer.len() as u64;
        let sealed = sink.overwrite(start + at as u64, digest.to_string().as_bytes());
        sealed.map_err(Error::io("write", &path))?;
        Ok((sink, digest))
    }
}

/// What a Parquet file begins and ends with.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";

/// Errors of writing are the file system's, as a rule.
pub(crate) fn failed(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Error + use<> {
    let path = path.to_owned();
    move |error| match error {
        parquet::errors::ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => Error::Io { action: "write", path, source: *source },
            Err(source) => Error::Parquet { path, source: parquet::errors::ParquetError::External(source) },
        },
        source => Error::Parquet { path, source },
    }
}

/// Columns by which readers choose row groups.
const CHOSEN_BY: [&str; 2] = [schema::TASK, schema::OPTIMIZER];

/// `statistics` names the columns whose smallest and largest values are kept.
fn properties(metadata: &Metadata, statistics: &[&str]) -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    let element = |name: &str| ColumnPath::new([name, "list", "element"].map(str::to_owned).to_vec());
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("taskset-rs {}", metadata.program_version))
        .set_key_value_metadata(Some(metadata.to_key_values()))
        // What old readers know. Nothing lies between the chunks, so that digests of chunks and footer cover the file.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_offset_index_disabled(true)
        .set_statistics_truncate_length(None)
        .set_statistics_enabled(EnabledStatistics::None);
    for name in statistics {
        properties = properties.set_column_statistics_enabled(path(name), EnabledStatistics::Chunk);
    }
    // These hardly ever repeat: a dictionary of them would be built and thrown away.
    for split in Split::ALL {
        properties = properties.set_column_dictionary_enabled(element(split.name()), false);
    }
    for name in [schema::TRIAL_ID, schema::TRAIN_SECONDS, schema::EVAL_SECONDS] {
        properties = properties.set_column_dictionary_enabled(path(name), false);
    }
    properties.build()
}

/// A file that remembers what was written last, so that it can be hashed.
struct Recorder {
    sink: Sink,
    /// Bytes written.
    position: u64,
    /// The last of them.
    recent: Vec<u8>,
}

impl Recorder {
    /// The digest of bytes among the recent ones, given by position and length.
    fn digest(&self, (start, length): (u64, u64)) -> Digest {
        let first = self.position - self.recent.len() as u64;
        let from = start.saturating_sub(first) as usize;
        Digest::of(&self.recent[from..from + length as usize])
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.recent.extend_from_slice(&bytes[..written]);
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Where the bytes go.
enum Sink {
    File(AtomicFile),
    Memory(Vec<u8>),
}

impl Sink {
    fn file(self) -> AtomicFile {
        match self {
            Self::File(file) => file,
            Self::Memory(_) => unreachable!("only writers of files are finished by name"),
        }
    }

    fn overwrite(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.overwrite(position, bytes),
            Self::Memory(all) => {
                all[position as usize..][..bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Memory(all) => all.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Memory(_) => Ok(()),
        }
    }
}

/// The bytes of a file of curves, in their order: for places that are no file systems.
///
/// # Errors
/// [`Error::InvalidCurve`] if a curve's steps and losses do not fit.
pub fn encode(curves: &[Curve], metadata: &Metadata) -> Result<Vec<u8>, Error> {
    let mut writer =
        CurveWriter::into_sink(Path::new("memory"), Sink::Memory(Vec::new()), metadata, &CHOSEN_BY)?;
    for curve in curves {
        writer.append(curve.clone())?;
    }
    match writer.seal()? {
        (Sink::Memory(bytes), _) => Ok(bytes),
        (Sink::File(_), _) => unreachable!("it was started in memory"),
    }
}

/// Writes a file of curves, in their order.
///
/// The file is complete or absent: it is written beside, synced, and renamed over `path`.
///
/// # Errors
/// [`Error::InvalidCurve`] if a curve's steps and losses do not fit; [`Error::Io`] if writing fails.
pub fn write(path: &Path, curves: &[Curve], metadata: &Metadata) -> Result<(), Error> {
    let mut writer = CurveWriter::create(path, metadata)?;
    for curve in curves {
        writer.append(curve.clone())?;
    }
    writer.finish().map(drop)
}
