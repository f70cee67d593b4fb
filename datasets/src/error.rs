//! What can go wrong with data sets, each message with the file it is about and the way out.

use std::io;
use std::path::PathBuf;

use crate::files::far_too_small;

/// Any failure of this crate. Messages say what is wrong with which file, and what would help; how a program lets its users do
/// that (allow a part, prepare a copy), it adds by the variant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No manifest has this name.
    #[error("there is no data set `{name}`{}", suggest(.suggestion.as_deref()))]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// The nearest known name, if one is near.
        suggestion: Option<String>,
    },
    /// The data set is known, but this version has no decoder for its original files.
    #[error("{name}: this version cannot read the original files of this data set yet")]
    NotYetReadable {
        /// The data set.
        name: String,
    },
    /// A file of the data set is not there.
    #[error(
        "{name}: {} not found in {}; the original files come from {site}",
        .accepted.join(" or "),
        .directory.display()
    )]
    MissingFile {
        /// The data set.
        name: String,
        /// The folder that was searched.
        directory: PathBuf,
        /// The file names that would have been accepted.
        accepted: Vec<String>,
        /// Where the originals come from.
        site: String,
    },
    /// The contents of a file break its format.
    #[error("{}: byte {offset}: {problem}; fetch the file again", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the problem was met, counted in the (unpacked) contents.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// Something is larger than is accepted, so that hostile or mistaken input cannot take all memory.
    #[error("{}: too large: {problem}", .path.display())]
    TooLarge {
        /// The file, perhaps in an archive.
        path: PathBuf,
        /// What is too large, and the limit.
        problem: String,
    },
    /// A picture cannot be used.
    #[error("{}: not a usable picture: {problem}", .path.display())]
    Undecodable {
        /// The file, perhaps in an archive.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A Parquet file cannot be used.
    #[error("{}, row {row}: {problem}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// What is wrong.
        problem: String,
    },
    /// The data set must be prepared first (decoded, resized, written to the cache).
    #[error("{name}: {why}")]
    NotPrepared {
        /// The data set.
        name: String,
        /// Why there is no prepared copy to use.
        why: String,
    },
    /// A prepared copy cannot be used.
    #[error("{}: not a usable prepared copy: {problem}; delete it and prepare {name} again", .path.display())]
    Cache {
        /// The data set.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A prepared copy cannot be used, and there are no original files to make another one from.
    #[error(
        "{}: not a usable prepared copy: {problem}; a new one cannot be made, because no original files of {name} are \
         {wanted}",
        .path.display()
    )]
    LostCopy {
        /// The data set.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// Where the original files were looked for, and where they come from, in words.
        wanted: String,
    },
    /// The data set cannot be fetched by this program.
    #[error("{name}: there is no address to fetch it from; get it from {site} and place it in {} by hand", .directory.display())]
    NoDownload {
        /// The data set.
        name: String,
        /// Its folder.
        directory: PathBuf,
        /// Where the originals come from.
        site: String,
    },
    /// A file could not be fetched.
    #[error("{url}: {problem}")]
    Fetch {
        /// The address.
        url: String,
        /// What happened, and the way out.
        problem: String,
    },
    /// The server does not give a file to everybody.
    #[error(
        "{url}: access denied (HTTP {status}): the data set may ask for an account, an accepted licence or an access \
         token; fetch the file by hand if so"
    )]
    AccessDenied {
        /// The address.
        url: String,
        /// What the server answered.
        status: u16,
    },
    /// The system could not write a file.
    #[error("{}: cannot be written", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system could not read a file.
    #[error("{}: cannot be read", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file with the name of a compressed one does not start as gzip does.
    #[error(
        "{}: not a gzip file; if it was unpacked on the way, remove `.gz` from its name, otherwise fetch it again",
        .path.display()
    )]
    NotGzip {
        /// The file.
        path: PathBuf,
    },
    /// The gzip stream is broken: bad block, bad CRC, or something behind its end.
    #[error("{}: damaged gzip stream ({reason}); fetch the file again", .path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor found.
        reason: String,
    },
    /// The stored file has not the size of the original.
    #[error(
        "{}: {} ({got} bytes, the original has {expected}); fetch the file again",
        .path.display(),
        if got < expected { "truncated" } else { "too long" }
    )]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Bytes of the original.
        expected: u64,
        /// Bytes on disk.
        got: u64,
    },
    /// The stored file, or what is in it, is not the original, byte for byte.
    #[error(
        "{}: wrong checksum (sha256 {got}, the original has {expected}); fetch the file again",
        .path.display()
    )]
    WrongChecksum {
        /// The file.
        path: PathBuf,
        /// SHA-256 of the original, in hexadecimal; of its contents if the file is unpacked or was compressed anew.
        expected: String,
        /// SHA-256 of the file on disk, or of its contents.
        got: String,
    },
    /// The first four bytes are not those of the expected kind of IDX file.
    #[error(
        "{}: wrong magic number {got:#010x}, expected {expected:#010x}; this is not an IDX file of {} unsigned-byte \
         dimension(s): were images and labels exchanged?",
        .path.display(),
        expected & 0xff
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// The expected number.
        expected: u32,
        /// The number found.
        got: u32,
    },
    /// The header promises other dimensions than the manifest.
    #[error(
        "{}: wrong counts: the header promises {}, the data set has {} (examples × height × width); is this file of \
         another data set or split?",
        .path.display(),
        times(.got),
        times(.expected)
    )]
    WrongCounts {
        /// The file.
        path: PathBuf,
        /// Dimensions by the manifest.
        expected: Vec<u32>,
        /// Dimensions in the header.
        got: Vec<u32>,
    },
    /// The contents end too early.
    #[error("{}: truncated: {expected} bytes of contents expected, got {got}; fetch the file again", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises, the header included; unpacked.
        expected: u64,
        /// Bytes that were there.
        got: u64,
    },
    /// The contents go on after what the header promises.
    #[error(
        "{}: data follows the {expected} bytes that the header promises; fetch the file again",
        .path.display()
    )]
    TrailingData {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises, the header included; unpacked.
        expected: u64,
    },
    /// A label is not a class of the data set.
    #[error("{}: example {example} has label {label}, but the data set has only {classes} classes", .path.display())]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// Position of the label, from 0.
        example: usize,
        /// The label.
        label: u16,
        /// Number of classes.
        classes: usize,
    },
    /// Only a part of the data set is there, and the caller did not allow that.
    #[error(
        "{name}: only a part of this data set is in {}: {}; the rest comes from {site}",
        .directory.display(),
        .problems.join("; ")
    )]
    Partial {
        /// The data set.
        name: String,
        /// Its folder.
        directory: PathBuf,
        /// What is missing.
        problems: Vec<String>,
        /// Where the originals come from.
        site: String,
    },
    /// A partial copy has no examples where a task needs some.
    #[error(
        "{name}: {} holds {train} training and {test} test examples; a task needs at least 3 and 1, so more of the \
         original files must be there",
        .directory.display()
    )]
    TooFewExamples {
        /// The data set.
        name: String,
        /// Its folder.
        directory: PathBuf,
        /// Training examples.
        train: usize,
        /// Test examples.
        test: usize,
    },
    /// There are more examples than the original has: something else lies among its files.
    #[error(
        "{name}: {got} {what} in {}, but the original has {expected}; something else lies among its files, remove it",
        .directory.display()
    )]
    TooMany {
        /// The data set.
        name: String,
        /// Its folder.
        directory: PathBuf,
        /// What was counted, in words.
        what: String,
        /// How many there are.
        got: u64,
        /// How many the original has.
        expected: u64,
    },
    /// A line of a text file is not as its format has it.
    #[error("{}{}: {problem}", .path.display(), at_line(*.line))]
    MalformedText {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 if it is the whole file.
        line: u64,
        /// What is wrong, and the way out if there is one.
        problem: String,
    },
    /// A text file is not UTF-8.
    #[error(
        "{}, line {line}: not UTF-8 at byte {offset} of the file's contents; fetch the file again, or convert it",
        .path.display()
    )]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Where the first wrong byte stands in the unpacked contents, from 0.
        offset: u64,
    },
    /// A subword vocabulary cannot be made, or does not fit the ids.
    #[error("subword vocabulary: {problem}")]
    Vocabulary {
        /// What is wrong.
        problem: String,
    },
    /// Pixels, labels and description do not fit together (a mistake of the code that put them together).
    #[error("{name}: inconsistent data set: {problem}")]
    Inconsistent {
        /// The data set.
        name: String,
        /// What does not fit.
        problem: String,
    },
}

impl Error {
    /// Whether this says that a file is not as it was published: if it is compressed, only its contents tell whether it was
    /// compressed anew, or is a part.
    pub(crate) fn is_about_publication(&self) -> bool {
        matches!(self, Self::WrongSize { .. } | Self::WrongChecksum { .. })
    }

    /// Whether this, which says that a file is not as it was published, is the reason why reading it failed. A file that is
    /// far too small and well-formed was not cut: what is in it is wrong by itself.
    pub(crate) fn explains(&self, read: &Self) -> bool {
        let cut = matches!(
            read,
            Self::Corrupt { .. } | Self::DamagedGzip { .. } | Self::NotGzip { .. } | Self::Truncated { .. }
        );
        read.is_about_contents() && (cut || self.far_too_small().is_none())
    }

    /// What is wrong with a file by its size, if it is far too small for the original.
    pub(crate) fn far_too_small(&self) -> Option<String> {
        match self {
            Self::WrongSize { expected, got, .. } => far_too_small(*got, *expected),
            _ => None,
        }
    }

    /// Whether something is wrong with what is there: not that something is missing, or that this build cannot read it.
    pub(crate) fn is_damage(&self) -> bool {
        let beyond_build = (matches!(self, Self::Parquet { .. }) && !cfg!(feature = "parquet"))
            || (matches!(self, Self::Undecodable { .. }) && !cfg!(feature = "encoded"));
        !beyond_build
            && !matches!(self, Self::MissingFile { .. } | Self::Partial { .. } | Self::NotYetReadable { .. })
    }

    /// Whether the contents of a file are damaged. Where the file is not as it was published either, that is the reason.
    pub(crate) fn is_about_contents(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::TooLarge { .. }
                | Self::Undecodable { .. }
                | Self::DamagedGzip { .. }
                | Self::NotGzip { .. }
                | Self::WrongMagic { .. }
                | Self::WrongCounts { .. }
                | Self::Truncated { .. }
                | Self::TrailingData { .. }
                | Self::MalformedText { .. }
                | Self::InvalidUtf8 { .. }
        )
    }
}

fn suggest(name: Option<&str>) -> String {
    name.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn at_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!(", line {line}") }
}

fn times(dims: &[u32]) -> String {
    let dims: Vec<String> = dims.iter().map(u32::to_string).collect();
    dims.join(" × ")
}
