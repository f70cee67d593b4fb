//! Sizes of files: which are small enough for a quick look, and which tell that a file is not the original.

/// Files of no more bytes than this together are read by a quick look, too; so are prepared copies.
pub(crate) const QUICK: u64 = 256 << 20;

/// What is wrong with a file that has not the size of the original.
pub(crate) fn of_another_size(name: &str, got: u64, expected: u64) -> String {
    format!("{name} has {got} bytes, the original {expected}")
}

/// What is wrong with files of `got` bytes together, if they cannot be what an archive of `published` bytes holds. What is
/// compressed already, as pictures are, is not made much smaller by an archive, and nothing is made larger: less than half is
/// far too small.
pub(crate) fn far_too_small(got: u64, published: u64) -> Option<String> {
    (got < published / 2)
        .then(|| format!("its files have {got} bytes together, far too few for the original, which has {published} compressed"))
}
