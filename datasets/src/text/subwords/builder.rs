//! Building a subword vocabulary from a corpus, as `build_from_corpus` of TFDS does.

use std::collections::HashMap;

use crate::Error;

use super::encoder::{MAX_SUBWORDS, SubwordEncoder};
use super::split_words::{ESCAPE, Reserved, prepare};
use super::trie::{Node, ROOT, Trie};

/// Longest subword, in characters.
const MAX_LENGTH: usize = 20;
/// Rounds of splitting and counting for one threshold.
const ROUNDS: usize = 4;

/// How often each prepared token occurs in a corpus.
#[derive(Clone, Debug)]
pub struct TokenCounts {
    counts: HashMap<Box<str>, u64>,
    reserved: Reserved,
}

impl Default for TokenCounts {
    fn default() -> Self {
        Self { counts: HashMap::new(), reserved: Reserved::new([]) }
    }
}

impl TokenCounts {
    /// Counts the tokens of a text.
    pub fn add(&mut self, text: &str) {
        let counts = &mut self.counts;
        prepare(text, &self.reserved, |token| match counts.get_mut(token) {
            Some(count) => *count += 1,
            None => {
                counts.insert(token.into(), 1);
            }
        });
    }

    /// Number of different tokens.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Builds the vocabulary of about `target` ids (padding, subwords, 256 bytes).
    ///
    /// Bisects over the least count that makes a candidate a subword, until the size is within 1% of the target; if it
    /// never is, takes the nearest size met. The result depends on the counts alone. `tried` is called after each
    /// threshold with the threshold and the size it gave.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] if nothing was counted or the vocabulary found is too large to be numbered.
    pub fn build(&self, target: usize, mut tried: impl FnMut(u64, usize)) -> Result<SubwordEncoder, Error> {
        let Some(&greatest) = self.counts.values().max() else {
            return Err(Error::Vocabulary {
                problem: "the corpus holds no token to build it from".to_owned(),
            });
        };
        let tokens = self.sorted();
        let (mut low, mut high) = (self.counts.values().copied().min().unwrap_or(1).max(1), greatest);
        // The nearest size so far. Upstream prefers the later of two equally near ones.
        let mut best: Option<(usize, Vec<String>)> = None;
        loop {
            let threshold = low.midpoint(high);
            let subwords = subwords(&tokens, threshold, ROUNDS);
            let size = 1 + subwords.len() + 256;
            tried(threshold, size);
            let distance = size.abs_diff(target);
            if best.as_ref().is_none_or(|(nearest, _)| distance <= *nearest) {
                best = Some((distance, subwords));
            }
            if distance * 100 < target || low >= high || threshold <= 1 {
                break;
            }
            if size > target {
                low = threshold + 1;
            } else {
                high = threshold - 1;
            }
        }
        SubwordEncoder::new(best.map(|(_, subwords)| subwords).unwrap_or_default())
    }

    /// The `n` best subwords among those that occur often enough to be more than noise; fewer if the corpus has fewer.
    /// One threshold and two rounds in place of a search: for stand-ins, whose vocabulary is to have a given size.
    pub(crate) fn best(&self, n: usize) -> Vec<String> {
        let tokens = self.sorted();
        let mut found = Vec::new();
        for threshold in [4, 2, 1] {
            found = subwords(&tokens, threshold, 2);
            if found.len() >= n.min(MAX_SUBWORDS) {
                break;
            }
        }
        found.truncate(n.min(MAX_SUBWORDS));
        found
    }

    /// Tokens with their counts, in a fixed order.
    fn sorted(&self) -> Vec<(&str, u64)> {
        let mut tokens: Vec<(&str, u64)> =
            self.counts.iter().map(|(token, &count)| (&**token, count)).collect();
        tokens.sort_unstable();
        tokens
    }
}

/// The subwords for one threshold, most frequent first (then by string, descending).
///
/// Each round splits every token greedily with the vocabulary so far and counts every prefix, up to 20 characters, of
/// what begins at a split point. Prefixes are counted length by length, and only frequent ones are lengthened: a longer
/// candidate never occurs more often than its prefix, so nothing is lost, and memory stays bounded.
fn subwords(tokens: &[(&str, u64)], threshold: u64, rounds: usize) -> Vec<String> {
    let mut vocabulary = Vocabulary::empty();
    let mut accepted: Vec<(u64, Node)> = Vec::new();
    for _ in 0..rounds {
        let (trie, mut counts) = count(tokens, &vocabulary, threshold);
        accepted.clear();
        // Nodes are numbered length by length, so from the last to the first is from long to short.
        for node in (1..trie.len() as Node).rev() {
            let (count, parent) = (counts[node as usize], trie.parent(node));
            if count < threshold || (parent == ROOT && trie.text(node).len() == 1) {
                continue;
            }
            accepted.push((count, node));
            let mut prefix = parent;
            while prefix != ROOT {
                counts[prefix as usize] -= count;
                prefix = trie.parent(prefix);
            }
        }
        vocabulary = Vocabulary::new(trie, &accepted);
    }
    let trie = &vocabulary.trie;
    let mut subwords: Vec<(u64, String)> =
        accepted.iter().map(|&(count, node)| (count, trie.text(node))).collect();
    subwords.sort_unstable_by(|a, b| b.cmp(a));
    subwords.into_iter().map(|(_, subword)| subword).collect()
}

/// A vocabulary while it is being built: the nodes of a trie that are subwords, and the escape.
struct Vocabulary {
    trie: Trie,
    marked: Vec<bool>,
}

impl Vocabulary {
    fn empty() -> Self {
        Self::new(Trie::new(), &[])
    }

    fn new(mut trie: Trie, accepted: &[(u64, Node)]) -> Self {
        let escape = trie.insert(ESCAPE);
        let mut marked = vec![false; trie.len()];
        accepted.iter().for_each(|&(_, node)| marked[node as usize] = true);
        marked[escape as usize] = true;
        Self { trie, marked }
    }

    /// Calls `each` with where the pieces of a token begin.
    fn split(&self, token: &str, mut each: impl FnMut(usize)) {
        let mut at = 0;
        while let Some(first) = token[at..].chars().next() {
            each(at);
            let found = self.trie.longest(&token[at..], |node| self.marked[node as usize]);
            at += found.map_or(first.len_utf8(), |(_, length)| length);
        }
    }
}

/// A prefix that is still being lengthened: its token, where in it the next character stands, and its node.
struct Prefix {
    token: u32,
    next: u32,
    node: Node,
}

/// Counts the candidates; nodes below the threshold were not lengthened.
fn count(tokens: &[(&str, u64)], vocabulary: &Vocabulary, threshold: u64) -> (Trie, Vec<u64>) {
    let mut trie = Trie::new();
    let mut counts = vec![0];
    let mut prefixes = Vec::new();
    for (i, (token, _)) in tokens.iter().enumerate() {
        vocabulary.split(token, |at| prefixes.push(Prefix { token: i as u32, next: at as u32, node: ROOT }));
    }
    for _ in 0..MAX_LENGTH {
        prefixes.retain_mut(|prefix| {
            let (token, weight) = tokens[prefix.token as usize];
            let Some(c) = token[prefix.next as usize..].chars().next() else { return false };
            prefix.node = trie.child_or_insert(prefix.node, c);
            prefix.next += c.len_utf8() as u32;
            counts.resize(trie.len(), 0);
            counts[prefix.node as usize] += weight;
            true
        });
        prefixes.retain(|prefix| counts[prefix.node as usize] >= threshold);
        if prefixes.is_empty() {
            break;
        }
    }
    (trie, counts)
}
