//! Curves in the form in which the paper's were released: one NumPy archive for each task and set of optimizers.
//!
//! The file is `<task>/<set>_<steps>_replica<replicas>.npz`, for example `mlp_family_seed12/adam8p_wide_grid_1k_10000_replica5.npz`.
//! It holds three arrays:
//!
//! | array | shape | type | meaning |
//! |---|---|---|---|
//! | `optimizers` | n | byte strings | names, in any order: curves belong to the name, never to the row |
//! | `xs` | points | integers | steps of the evaluations |
//! | `ys` | n × replicas × points × 4 | f32, f64 or f16 | losses on train, valid_inner, valid_outer and test, in this order; NaN where a trial diverged or is missing |
//!
//! (README of the released data; other projects' readers take `ys[…, 2]` for the test loss. It is the loss on valid_outer.)

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use half::f16;
use npyz::{DType, TypeChar, TypeStr, WriterBuilder as _};
use taskset_files::AtomicFile;
use taskset_guard::NpyArray;
use taskset_names::{Origin, Split};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::Error;

/// The curves of a task and a set of optimizers.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasedCurves {
    /// Names of the optimizers.
    pub optimizers: Vec<String>,
    /// Steps of the evaluations, rising.
    pub steps: Vec<u32>,
    /// Number of replicas.
    pub replicas: usize,
    /// Losses by split, in the order of [`Split::ALL`]: optimizers × replicas × steps, in C order.
    pub losses: [Vec<f32>; SPLITS],
    /// How real the data of the task are. The released files are of real data. Files of other data say so in the comment of the
    /// archive, which NumPy does not read.
    pub origin: Origin,
}

/// What the comment of an archive of other than real data begins with; the name of the origin follows.
const ORIGIN: &str = "taskset data: ";

/// What a file is called: its task and set, the last step, and the number of replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedName {
    /// The task: name of the folder.
    pub task: String,
    /// The set of optimizers, e.g. `adam8p_wide_grid_1k`.
    pub set: String,
    /// The last step.
    pub steps: u32,
    /// Replicas.
    pub replicas: usize,
}

/// Most bytes of one array with its header: 2 GiB. The released arrays have 8 MB.
const MAX_BYTES: u64 = 1 << 31;
/// Splits in the last axis of `ys`.
const SPLITS: usize = Split::ALL.len();

impl ReleasedName {
    /// From the path of a file.
    pub fn parse(path: &Path) -> Option<Self> {
        let task = path.parent()?.file_name()?.to_str()?.to_owned();
        let stem = path.file_name()?.to_str()?.strip_suffix(".npz")?;
        let (stem, replicas) = stem.rsplit_once("_replica")?;
        let (set, steps) = stem.rsplit_once('_')?;
        Some(Self { task, set: set.to_owned(), steps: steps.parse().ok()?, replicas: replicas.parse().ok()? })
    }

    /// The path below a folder.
    pub fn path(&self, folder: &Path) -> PathBuf {
        let Self { task, set, steps, replicas } = self;
        folder.join(task).join(format!("{set}_{steps}_replica{replicas}.npz"))
    }
}

impl ReleasedCurves {
    /// Losses of a trial on the four splits, by the numbers of its optimizer and replica.
    pub fn curve(&self, optimizer: usize, replica: usize) -> [Vec<f32>; SPLITS] {
        let points = self.steps.len();
        let start = (optimizer * self.replicas + replica) * points;
        self.losses.each_ref().map(|losses| losses[start..start + points].to_vec())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened; [`Error::Released`], with the array's name, for an archive that is damaged, lacks an
    /// array, holds Python objects, or has arrays that do not fit together.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = taskset_files::open_regular(path).map_err(Error::io("open", path))?;
        let mut archive = Archive::open(path, file)?;
        let (shape, optimizers) = archive.array("optimizers", texts)?;
        let count = archive.one_dimension("optimizers", &shape)?;
        let (shape, steps) = archive.array("xs", whole_numbers)?;
        let points = archive.one_dimension("xs", &shape)?;
        if points == 0 || !steps.is_sorted_by(|a, b| a < b) {
            return Err(archive.wrong("xs", "the steps must rise, and there must be at least one"));
        }
        let (shape, losses) = archive.array("ys", by_split)?;
        let &[rows, replicas, columns, splits] = &shape[..] else {
            let reason = format!("{} dimensions; optimizers × replicas × steps × 4 are needed", shape.len());
            return Err(archive.wrong("ys", reason));
        };
        if (rows, columns, splits) != (count, points, SPLITS) || replicas == 0 {
            let found = format!("{rows} × {replicas} × {columns} × {splits}");
            let reason =
                format!("its shape is {found}; {count} × replicas × {points} × 4 fits the other arrays");
            return Err(archive.wrong("ys", reason));
        }
        let origin = archive.origin();
        Ok(Self { optimizers, steps, replicas, losses, origin })
    }

    /// Writes a file, in single precision and not compressed, as the released ones. Equal curves give equal bytes. The file is
    /// complete or absent.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Released`] for losses that are not as many as optimizers, replicas and steps need.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let needed = self.optimizers.len() * self.replicas * self.steps.len();
        if let Some(losses) = self.losses.iter().find(|losses| losses.len() != needed) {
            let reason = format!("{} losses on a split, and {needed} are needed", losses.len());
            return Err(Error::Released { path: path.to_owned(), what: "array `ys`".to_owned(), reason });
        }
        self.try_write(path).map_err(Error::io("write", path))
    }

    fn try_write(&self, path: &Path) -> io::Result<()> {
        let mut archive = Vec::new();
        let mut zip = ZipWriter::new(io::Cursor::new(&mut archive));
        if self.origin != Origin::Real {
            zip.set_comment(format!("{ORIGIN}{}", self.origin)).map_err(io::Error::other)?;
        }
        // No time of now, and no other limit than the format's.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(false);
        let (count, points) = (self.optimizers.len() as u64, self.steps.len() as u64);

        zip.start_file("optimizers.npy", options)?;
        let width = self.optimizers.iter().map(String::len).max().unwrap_or(0).max(1);
        let kind: TypeStr = format!("|S{width}").parse().map_err(io::Error::other)?;
        let mut array = npyz::WriteOptions::<[u8]>::new()
            .dtype(DType::Plain(kind))
            .shape(&[count])
            .writer(&mut zip)
            .begin_nd()?;
        for name in &self.optimizers {
            array.push(name.as_bytes())?;
        }
        array.finish()?;

        zip.start_file("xs.npy", options)?;
        let mut array =
            npyz::WriteOptions::<i64>::new().default_dtype().shape(&[points]).writer(&mut zip).begin_nd()?;
        array.extend(self.steps.iter().map(|&step| i64::from(step)))?;
        array.finish()?;

        zip.start_file("ys.npy", options)?;
        let mut array = npyz::WriteOptions::<f32>::new()
            .default_dtype()
            .shape(&[count, self.replicas as u64, points, SPLITS as u64])
            .writer(&mut zip)
            .begin_nd()?;
        for point in 0..self.losses[0].len() {
            array.extend(self.losses.each_ref().map(|losses| losses[point]))?;
        }
        array.finish()?;
        zip.finish()?;

        let mut file = AtomicFile::create(path)?;
        file.write_all(&archive)?;
        file.commit()
    }
}

/// An open archive, and its path for messages.
struct Archive<'a> {
    path: &'a Path,
    zip: ZipArchive<BufReader<File>>,
    /// Bytes of the file; 0 where they are not known.
    length: u64,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, file: File) -> Result<Self, Error> {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let opened = taskset_guard::caught(|| ZipArchive::new(BufReader::new(file)));
        let reason = match opened {
            Some(Ok(zip)) => return Ok(Self { path, zip, length }),
            Some(Err(error)) => format!("it is no zip archive ({error})"),
            None => "it is no zip archive".to_owned(),
        };
        Err(Error::Released { path: path.to_owned(), what: "the archive".to_owned(), reason })
    }

    /// The origin of the data, by the comment of the archive.
    fn origin(&self) -> Origin {
        let comment = String::from_utf8_lossy(self.zip.comment());
        let name = comment.strip_prefix(ORIGIN).unwrap_or_default();
        [Origin::Partial, Origin::Synthetic]
            .into_iter()
            .find(|origin| origin.name() == name)
            .unwrap_or(Origin::Real)
    }

    fn wrong(&self, array: &str, reason: impl Into<String>) -> Error {
        Error::Released {
            path: self.path.to_owned(),
            what: format!("array `{array}`"),
            reason: reason.into(),
        }
    }

    /// Shape and values of an array, in C order.
    fn array<T>(
        &mut self,
        name: &str,
        decode: impl Fn(&NpyArray) -> Result<T, String>,
    ) -> Result<(Vec<usize>, T), Error> {
        let read = || -> Result<_, String> {
            let cannot = |e: &dyn Display| format!("it cannot be read ({e})");
            let file = self.zip.by_name(&format!("{name}.npy")).map_err(|e| cannot(&e))?;
            if file.size() > MAX_BYTES {
                return Err(format!(
                    "it is too large: {} bytes, and at most {MAX_BYTES} are read",
                    file.size()
                ));
            }
            // Not more than the archive has, whatever it says. What is compressed grows with what is really there.
            let mut bytes = Vec::with_capacity(file.size().min(self.length) as usize);
            file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|e| cannot(&e))?;
            let array = NpyArray::parse(bytes)?;
            let values = decode(&array)?;
            Ok((array.shape().to_vec(), values))
        };
        let read = taskset_guard::caught(read).unwrap_or_else(|| Err("it is damaged".to_owned()));
        read.map_err(|reason| self.wrong(name, reason))
    }

    fn one_dimension(&self, array: &str, shape: &[usize]) -> Result<usize, Error> {
        match shape {
            &[count] => Ok(count),
            other => Err(self.wrong(array, format!("{} dimensions; one is needed", other.len()))),
        }
    }
}

/// Names, from byte strings or from NumPy's wide text.
fn texts(array: &NpyArray) -> Result<Vec<String>, String> {
    let kind = array.kind();
    if !matches!(kind.type_char(), TypeChar::ByteStr | TypeChar::UnicodeStr) {
        return Err(format!("its type is {kind}; names are needed"));
    }
    let names = array.values::<String>().map_err(|_| "a name is not text")?;
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("the name `{}` is there twice", pair[0])),
        None => Ok(names),
    }
}

/// Steps.
fn whole_numbers(array: &NpyArray) -> Result<Vec<u32>, String> {
    let kind = array.kind();
    match kind.type_char() {
        TypeChar::Int | TypeChar::Uint => {
            let steps = array.integers()?.into_iter().map(u32::try_from).collect::<Result<_, _>>();
            steps.map_err(|_| "a step is negative or too large".to_owned())
        }
        // Some programs write steps as floats.
        TypeChar::Float => {
            let step = |x: f64| {
                (x.fract().abs() < f64::EPSILON && (0.0..=f64::from(u32::MAX)).contains(&x))
                    .then_some(x as u32)
            };
            let steps = decimals(array)?.into_iter().map(step).collect::<Option<_>>();
            steps.ok_or_else(|| "a step is no whole number".to_owned())
        }
        _ => Err(format!("its type is {kind}; whole numbers are needed")),
    }
}

/// Losses by split, which are the last axis. They are in single precision: what is stored in double precision is rounded, and
/// every NaN gets one form.
fn by_split(array: &NpyArray) -> Result<[Vec<f32>; SPLITS], String> {
    let canonical = |x: f32| if x.is_nan() { f32::NAN } else { x };
    if let Some(values) = array.plain_singles() {
        return Ok(columns(values, |bytes| canonical(f32::from_le_bytes(bytes))));
    }
    Ok(columns(&decimals(array)?, |x| canonical(x as f32)))
}

/// The columns of a table whose rows are as long as there are splits. What is behind the last whole row is left out.
fn columns<T: Copy>(values: &[T], loss: impl Fn(T) -> f32) -> [Vec<f32>; SPLITS] {
    let rows = values.as_chunks::<SPLITS>().0;
    let mut columns: [Vec<f32>; SPLITS] = std::array::from_fn(|_| Vec::with_capacity(rows.len()));
    // As many rows at a time as stay in the fastest cache while they are read once for each column.
    for rows in rows.chunks(512) {
        for (split, column) in columns.iter_mut().enumerate() {
            column.extend(rows.iter().map(|row| loss(row[split])));
        }
    }
    columns
}

/// Numbers in half, single or double precision.
fn decimals(array: &NpyArray) -> Result<Vec<f64>, String> {
    match (array.kind().type_char(), array.kind().size_field()) {
        (TypeChar::Float, 8) => array.values(),
        (TypeChar::Float, 4) => Ok(array.values::<f32>()?.into_iter().map(f64::from).collect()),
        (TypeChar::Float, 2) => Ok(array.values::<f16>()?.into_iter().map(f64::from).collect()),
        _ => Err(format!("its type is {}; floating-point numbers are needed", array.kind())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn small() -> ReleasedCurves {
        let loss = |n: usize| if n == 7 { f32::NAN } else { n as f32 * 0.1 };
        let losses = std::array::from_fn(|split| (0..2 * 3 * 2).map(|n| loss(4 * n + split)).collect());
        let optimizers = vec!["adam8p_wide_grid_seed10".into(), "adam8p_wide_grid_seed2".into()];
        ReleasedCurves { optimizers, steps: vec![0, 200], replicas: 3, losses, origin: Origin::Real }
    }

    #[test]
    fn what_is_written_is_read_with_all_bits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.npz");
        let written = small();
        written.write(&path).unwrap();
        let read = ReleasedCurves::read(&path).unwrap();
        assert_eq!((&read.optimizers, &read.steps, read.replicas), (&written.optimizers, &written.steps, 3));
        let bits = |curves: &ReleasedCurves| {
            curves.losses.each_ref().map(|losses| losses.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        assert_eq!(bits(&read), bits(&written));
        let first = std::fs::read(&path).unwrap();
        written.write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "equal curves give equal bytes");
        assert_eq!(read.curve(1, 2)[3], [43.0_f32 * 0.1, 47.0 * 0.1]);
        assert_eq!(read.origin, Origin::Real);
        let mut fewer = small();
        fewer.losses[2].pop();
        assert!(
            fewer.write(&path).unwrap_err().to_string().contains("11 losses on a split, and 12 are needed")
        );
        for origin in [Origin::Partial, Origin::Synthetic] {
            ReleasedCurves { origin, ..small() }.write(&path).unwrap();
            assert_eq!(ReleasedCurves::read(&path).unwrap().origin, origin);
        }
    }

    #[test]
    fn names_of_files() {
        let name =
            ReleasedName::parse(Path::new("x/mlp_family_seed12/adam8p_wide_grid_1k_10000_replica5.npz"))
                .unwrap();
        assert_eq!(
            (&*name.task, &*name.set, name.steps, name.replicas),
            ("mlp_family_seed12", "adam8p_wide_grid_1k", 10_000, 5)
        );
        assert_eq!(
            name.path(Path::new("x")).to_str(),
            Some("x/mlp_family_seed12/adam8p_wide_grid_1k_10000_replica5.npz")
        );
        for wrong in
            ["a.npz", "t/a.npz", "t/a_b_replica5.npz", "t/set_10_replicax.npz", "t/set_10_replica5.npy"]
        {
            assert_eq!(ReleasedName::parse(Path::new(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn losses_and_steps_of_other_types() {
        let array = |kind: &str, bytes: &[u8]| NpyArray::parse(npy(kind, "2,", bytes)).unwrap();
        // One point, with a loss on each split.
        let losses = |kind: &str, bytes: &[u8]| {
            let array = NpyArray::parse(npy(kind, "4,", bytes)).unwrap();
            by_split(&array).unwrap().map(|losses| losses[0].to_bits())
        };
        // Half precision: 1 and -2, infinity and NaN; a third, and the smallest number.
        let bits = |losses: [f32; 4]| losses.map(f32::to_bits);
        let special = [0, 0x3c, 0, 0xc0, 0, 0x7c, 1, 0x7e];
        assert_eq!(losses("<f2", &special), bits([1.0, -2.0, f32::INFINITY, f32::NAN]));
        let small = [0x35, 0x55, 0, 1, 0, 0, 0, 0];
        assert_eq!(losses(">f2", &small), bits([0.333_251_95, 5.960_464_5e-8, 0.0, 0.0]));
        let double = [0.1, -2.0, 0.0, f64::NAN].map(f64::to_be_bytes).concat();
        assert_eq!(losses(">f8", &double), bits([0.1, -2.0, 0.0, f32::NAN]));
        // A NaN with other bits than Rust's.
        let single = [1.5, -2.0, 1e-40, f32::from_bits(0xffc0_0001)];
        assert_eq!(losses("<f4", &single.map(f32::to_le_bytes).concat()), bits([1.5, -2.0, 1e-40, f32::NAN]));
        assert_eq!(losses(">f4", &single.map(f32::to_be_bytes).concat()), bits([1.5, -2.0, 1e-40, f32::NAN]));
        assert_eq!(whole_numbers(&array("<f4", &[0, 0, 0, 0, 0, 0, 0x48, 0x43])).unwrap(), [0, 200]);
        assert!(whole_numbers(&array("<f4", &[0, 0, 0, 0, 0, 0, 0, 0x3f])).unwrap_err().contains("whole"));
        assert_eq!(whole_numbers(&array(">u2", &[0, 1, 1, 0])).unwrap(), [1, 256]);
        assert!(whole_numbers(&array("|b1", &[0, 1])).unwrap_err().contains("whole numbers are needed"));
        let wide = [0, 0, 0, b'a', 0, 0, 0x04, 0x38];
        assert_eq!(texts(&array(">U1", &wide)).unwrap(), ["a", "и"]);
        assert!(texts(&array("|S1", &[b'a', 0xff])).unwrap_err().contains("not text"));
    }

    /// An archive whose members are the given `.npy` bytes.
    fn archive(path: &Path, members: &[(&str, Vec<u8>)]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, bytes) in members {
            zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }

    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_array() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.npz");
        let names = || ("optimizers", npy("|S2", "2,", b"a\0b\0"));
        let steps = || ("xs", npy("<i8", "2,", &[[0; 8], [200, 0, 0, 0, 0, 0, 0, 0]].concat()));
        let losses = |shape: &str, n: usize| ("ys", npy("<f4", shape, &vec![0; 4 * n]));
        let refused = |members: &[(&str, Vec<u8>)], words: &[&str]| {
            archive(&path, members);
            let message = ReleasedCurves::read(&path).unwrap_err().to_string();
            for word in words {
                assert!(message.contains(word), "`{word}` is missing in: {message}");
            }
        };
        archive(&path, &[names(), steps(), losses("2, 1, 2, 4", 16)]);
        assert_eq!(ReleasedCurves::read(&path).unwrap().optimizers, ["a", "b"]);
        refused(&[steps(), losses("2, 1, 2, 4", 16)], &["a.npz", "array `optimizers`"]);
        refused(&[("optimizers", npy("|O", "1,", b"x")), steps()], &["array `optimizers`", "pickle"]);
        refused(&[("optimizers", npy("|S1", "2,", b"aa")), steps()], &["array `optimizers`", "twice"]);
        refused(&[names(), ("xs", npy("<i8", "2,", &[0; 16]))], &["array `xs`", "rise"]);
        refused(&[names(), ("xs", npy("<i8", "1,", &[255; 8]))], &["array `xs`", "negative"]);
        refused(&[names(), steps(), losses("2, 1, 2, 3", 12)], &["array `ys`", "2 × 1 × 2 × 3"]);
        refused(&[names(), steps(), losses("4, 4", 16)], &["array `ys`", "2 dimensions"]);
        refused(&[names(), steps(), losses("2, 1, 2, 4", 15)], &["array `ys`", "60 bytes"]);
        refused(
            &[names(), steps(), ("ys", npy("<c8", "2, 1, 2, 4", &[0; 128]))],
            &["array `ys`", "floating-point"],
        );
        refused(
            &[names(), steps(), ("ys", npy("<f4", "4294967295, 2, 2, 4", b""))],
            &["array `ys`", "needs 274877906880"],
        );
        std::fs::write(&path, b"PK nothing").unwrap();
        assert!(ReleasedCurves::read(&path).unwrap_err().to_string().contains("no zip archive"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Small changes of the seeds of the fuzz target: they are errors, or other curves, but nothing worse.
        #[test]
        fn damaged_files_do_no_harm(
            seed in prop::sample::select(&["single", "half", "double"][..]),
            changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
            end in prop::option::of(any::<Index>()),
        ) {
            let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/released_npz");
            let mut bytes = std::fs::read(seeds.join(seed)).unwrap();
            let whole = changes.is_empty() && end.is_none();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.map_or(bytes.len(), |end| end.index(bytes.len())));
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("curves.npz");
            std::fs::write(&path, bytes).unwrap();
            let read = ReleasedCurves::read(&path);
            prop_assert!(read.is_ok() || !whole);
            if let Ok(curves) = read {
                let count = curves.optimizers.len() * curves.replicas * curves.steps.len();
                prop_assert!(curves.losses.iter().all(|losses| losses.len() == count));
            }
        }
    }
}
