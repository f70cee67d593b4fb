//! An error together with its causes, as one text.

/// The message of an error and the messages of its causes, separated by colons. Messages of this project leave their causes
/// out.
///
/// ```
/// let error = std::io::Error::other("the disk is full");
/// assert_eq!(taskset_names::in_full(&error), "the disk is full");
/// ```
pub fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
