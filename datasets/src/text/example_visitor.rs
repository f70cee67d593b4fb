//! Who is told of the examples of a source while its files are read.

use crate::Error;
use crate::splits::SourceSplit;

/// Takes the examples of a source, one after the other.
pub(crate) trait Visitor {
    /// The examples that follow, up to the next call, are of a member of an archive: which group of the manifest's files it
    /// belongs to, and its path. Members come in any order; that of the files in a folder is by group and path.
    fn member(&mut self, _group: usize, _path: &str) {}

    /// An example: its split, its label where there is one, its text.
    fn example(&mut self, split: SourceSplit, label: Option<u8>, text: &str) -> Result<(), Error>;

    /// All examples of a file have been visited.
    fn file_done(&mut self) {}
}

/// Takes everything and keeps nothing: what reading a source finds out is all that is wanted.
pub(crate) struct Nobody;

impl Visitor for Nobody {
    fn example(&mut self, _: SourceSplit, _: Option<u8>, _: &str) -> Result<(), Error> {
        Ok(())
    }
}
