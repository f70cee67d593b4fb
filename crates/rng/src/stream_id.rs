//! Names of streams: a path of labels and indices, hashed to a 256-bit key.

use sha2::{Digest, Sha256};

use crate::Stream;

/// The name of a random stream, as a 256-bit key.
///
/// A name is a path. The key of a child is `SHA-256(parent key ‖ tag ‖ length or value ‖ label)`, with tag `b'L'` for
/// labels (length as u64 little-endian, then UTF-8 bytes) and `b'I'` for indices (value as u64 little-endian); the
/// root's parent key is 32 zero bytes. Paths therefore never collide by concatenation: `("ab", "c")` is not
/// `("a", "bc")`, and `index(1)` is not `child("1")`. This definition is frozen: changing it changes every curve.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamId([u8; 32]);

impl StreamId {
    /// A root name; use one per program or experiment.
    pub fn root(label: &str) -> Self {
        Self([0; 32]).child(label)
    }

    /// The child of this name with a label, e.g. `"init"`.
    #[must_use]
    pub fn child(&self, label: &str) -> Self {
        self.extend(b'L', label.len() as u64, label.as_bytes())
    }

    /// The child of this name with a number, e.g. a replica.
    #[must_use]
    pub fn index(&self, index: u64) -> Self {
        self.extend(b'I', index, &[])
    }

    /// A fresh generator at the start of this stream.
    pub fn stream(&self) -> Stream {
        Stream::from_key(&self.0)
    }

    /// The 256-bit key itself, for recording or seeding something else.
    pub fn key(&self) -> &[u8; 32] {
        &self.0
    }

    fn extend(&self, tag: u8, number: u64, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update([tag]);
        hash.update(number.to_le_bytes());
        hash.update(bytes);
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_do_not_collide_by_concatenation() {
        let root = StreamId::root("t");
        assert_ne!(root.child("ab").child("c"), root.child("a").child("bc"));
        assert_ne!(root.child("1"), root.index(1));
        assert_ne!(root.child(""), root);
        assert_eq!(root.child("a").index(3), root.child("a").index(3));
    }

    #[test]
    fn the_key_is_the_documented_hash() {
        // python3: hashlib.sha256(bytes(32)+b"L"+(4).to_bytes(8,"little")+b"test").hexdigest()[:16]
        let key = StreamId::root("test");
        let hex: String = key.key()[..8].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "8d7384da01354f33");
    }
}
