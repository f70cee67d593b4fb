//! Train and test of sources without splits: by a hash of the example's number.

use md5::{Digest, Md5};

use crate::splits::SourceSplit;

/// MD5 of the salt and the decimal number, read as a big-endian integer of 128 bits (docs/fidelity.md).
fn hash(index: u64) -> u128 {
    let digest = Md5::digest(format!("token_wikipedia_salt{index}"));
    digest.iter().fold(0, |value, &byte| value << 8 | u128::from(byte))
}

/// The split of an article of Wikipedia, numbered from 0 in the source's order: 70% train.
pub(crate) fn wikipedia(index: u64) -> SourceSplit {
    if hash(index) % 100_000 < 70_000 { SourceSplit::Train } else { SourceSplit::Test }
}

/// The split of a review, numbered from 0 in the source's order: 70% train. One in a thousand is in neither (QUIRK-11).
pub(crate) fn amazon(index: u64) -> Option<SourceSplit> {
    match hash(index) % 1000 {
        ..700 => Some(SourceSplit::Train),
        700 => None,
        _ => Some(SourceSplit::Test),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hashes_are_known_ones() {
        assert_eq!([0, 1, 2, 3].map(|i| hash(i) % 100_000), [7957, 99_654, 38_238, 90_561]);
        assert_eq!([0, 1, 2, 3].map(|i| hash(i) % 1000), [957, 654, 238, 561]);
        use SourceSplit::{Test, Train};
        assert_eq!([0, 1, 2, 3].map(wikipedia), [Train, Test, Train, Test]);
        assert_eq!([0, 1, 2, 3].map(amazon), [Some(Test), Some(Train), Some(Train), Some(Train)]);
    }

    #[test]
    fn one_review_in_a_thousand_is_dropped() {
        let splits: Vec<_> = (0..20_000).map(amazon).collect();
        let count = |split| splits.iter().filter(|&&s| s == split).count();
        let dropped = count(None);
        assert!((8..40).contains(&dropped), "{dropped}");
        assert!((13_700..14_300).contains(&count(Some(SourceSplit::Train))));
    }
}
