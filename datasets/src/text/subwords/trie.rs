//! A prefix tree of characters, shared by the subword encoder and its builder.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A node, numbered in the order of insertion: parents before children.
pub(crate) type Node = u32;

/// The empty string.
pub(crate) const ROOT: Node = 0;

/// A prefix tree. Users keep what they know of a node in vectors of their own.
#[derive(Clone, Debug)]
pub(crate) struct Trie {
    /// Parent and last character of each node; the root is its own parent.
    nodes: Vec<(Node, char)>,
    /// Children by parent (high half) and character (low half). Only looked up, never walked through.
    children: HashMap<u64, Node, BuildHasherDefault<Mixer>>,
}

impl Trie {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![(ROOT, '\0')], children: HashMap::default() }
    }

    /// Number of nodes, the root included.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub(crate) fn child(&self, node: Node, c: char) -> Option<Node> {
        self.children.get(&key(node, c)).copied()
    }

    #[inline]
    pub(crate) fn child_or_insert(&mut self, node: Node, c: char) -> Node {
        let next = self.nodes.len() as Node;
        let child = *self.children.entry(key(node, c)).or_insert(next);
        if child == next {
            self.nodes.push((node, c));
        }
        child
    }

    pub(crate) fn insert(&mut self, text: &str) -> Node {
        text.chars().fold(ROOT, |node, c| self.child_or_insert(node, c))
    }

    pub(crate) fn parent(&self, node: Node) -> Node {
        self.nodes[node as usize].0
    }

    /// The string that leads to a node.
    pub(crate) fn text(&self, mut node: Node) -> String {
        let mut chars = Vec::new();
        while node != ROOT {
            let (parent, c) = self.nodes[node as usize];
            chars.push(c);
            node = parent;
        }
        chars.iter().rev().collect()
    }

    /// The longest prefix of `text` whose node is `marked`, with its length in bytes.
    #[inline]
    pub(crate) fn longest(&self, text: &str, marked: impl Fn(Node) -> bool) -> Option<(Node, usize)> {
        let (mut node, mut best) = (ROOT, None);
        for (at, c) in text.char_indices() {
            match self.child(node, c) {
                Some(child) => node = child,
                None => break,
            }
            if marked(node) {
                best = Some((node, at + c.len_utf8()));
            }
        }
        best
    }
}

fn key(node: Node, c: char) -> u64 {
    u64::from(node) << 32 | u64::from(u32::from(c))
}

/// A fast hash of the 64-bit keys: the finaliser of SplitMix64 (Steele, Lea, Flood 2014). The keys are node numbers that
/// we give out, so an attacker cannot choose them to collide.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_spell_their_strings_and_the_longest_mark_wins() {
        let mut trie = Trie::new();
        let (a, abc, e) = (trie.insert("a"), trie.insert("abc"), trie.insert("éé"));
        assert_eq!(
            (trie.text(abc), trie.text(e), trie.text(ROOT)),
            ("abc".into(), "éé".into(), String::new())
        );
        assert_eq!((trie.insert("abc"), trie.len()), (abc, 6));
        let marked = |node| [a, abc, e].contains(&node);
        let check = |text: &str, expected| assert_eq!(trie.longest(text, marked), expected, "{text}");
        check("abcd", Some((abc, 3)));
        check("abd", Some((a, 1)));
        check("ééé", Some((e, 4)));
        check("é", None);
        check("", None);
    }
}
