//! The minibatch of a case: images, texts or sequences, and their labels.

use anyhow::{Context, Result, bail, ensure};
use taskset_nn::{BatchMut, Loss, NO_LABEL, Network, Scalar, Shape};

use crate::format::{Case, Inputs};
use crate::formulas::{mix, shuffled};

/// Rows of a minibatch if the file does not say it.
const ROWS: usize = 8;
/// Most rows: more than anyone needs, and few enough for the memory.
const MAX_ROWS: usize = 4096;

/// The streams of the hash.
const BYTES: u32 = 1001;
const LABELS: u32 = 1002;
const TOKENS: u32 = 1003;
const LENGTHS: u32 = 1004;
const KEYS: u32 = 1101;
const VALUES: u32 = 1102;
const QUERIES: u32 = 1103;
const COPIED: u32 = 1104;

/// The examples of a minibatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Examples {
    /// Images with a label for each.
    Images { bytes: Vec<u8>, labels: Vec<u16> },
    /// Sequences of tokens with a label for each.
    Texts { tokens: Vec<u16>, labels: Vec<u16> },
    /// Sequences of tokens with a target for each position that counts.
    Sequences { tokens: Vec<u16>, targets: Vec<Option<u16>> },
}

/// Rows of the minibatch of a case.
pub(crate) fn rows(inputs: &Inputs) -> Result<usize> {
    let rows = inputs.rows.unwrap_or(ROWS);
    ensure!((1..=MAX_ROWS).contains(&rows), "`inputs.rows` is {rows}, not 1 to {MAX_ROWS}");
    Ok(rows)
}

/// The minibatch of a case for this network.
pub(crate) fn examples(case: &Case, network: &Network) -> Result<Examples> {
    let (inputs, rows) = (&case.inputs, rows(&case.inputs)?);
    match case.group.as_str() {
        "associative" => {
            let pairs = need(inputs.pairs, "pairs", 1)?;
            let tokens = need(inputs.tokens, "tokens", 1)?;
            ensure!(pairs <= tokens, "{pairs} pairs with different keys need more than {tokens} tokens");
            check_length(network, 2 * pairs + 2)?;
            Ok(associative(rows, pairs, tokens))
        }
        "copy" => {
            let length = need(inputs.length, "length", 1)?;
            check_length(network, 2 * length + 1)?;
            Ok(copy(rows, length, need(inputs.tokens, "tokens", 1)?))
        }
        "language_model" => {
            let length = need(inputs.patch, "patch", 4)?;
            check_length(network, length)?;
            Ok(language_model(rows, length))
        }
        "text" => {
            let length = need(inputs.patch, "patch", 4)?;
            check_length(network, length)?;
            Ok(Examples::Texts { tokens: texts(rows, length, 8184), labels: labels(rows, 2) })
        }
        "conv_pool" | "conv_flatten" | "conv_ae" | "conv_vae" | "maf" | "nvp" | "mlp_ae" | "mlp_vae"
        | "mlp" => {
            let found = network.input;
            if let Some([height, width, channels]) = inputs.image {
                let expected = Shape::Image { height, width, channels };
                ensure!(found == expected, "`inputs.image` says {expected}, but the task takes {found}");
            }
            ensure!(matches!(found, Shape::Image { .. }), "the task takes {found}, no images");
            let classes = match inputs.classes {
                Some(_) => need(inputs.classes, "classes", 1)?,
                None => outputs(network).unwrap_or(1),
            };
            let bytes = (0..rows * found.len()).map(|n| (mix(BYTES, n as u32) >> 24) as u8).collect();
            Ok(Examples::Images { bytes, labels: labels(rows, classes) })
        }
        other => bail!(
            "`group` is {other:?}; known are associative, copy, language_model, text, conv_pool, conv_flatten, conv_ae, \
             conv_vae, maf, nvp, mlp_ae, mlp_vae and mlp"
        ),
    }
}

/// A number of `inputs` that must be there and in range.
fn need(value: Option<usize>, name: &str, least: usize) -> Result<usize> {
    let most = usize::from(NO_LABEL) - 2;
    let value = value.with_context(|| format!("`inputs.{name}` is missing"))?;
    ensure!((least..=most).contains(&value), "`inputs.{name}` is {value}, not {least} to {most}");
    Ok(value)
}

fn check_length(network: &Network, expected: usize) -> Result<()> {
    match network.input {
        Shape::Tokens { length, .. } if length == expected => Ok(()),
        found => bail!("the case has {expected} tokens, but the task takes {found}"),
    }
}

/// Features of the last layer: classes, where the loss is one over classes.
fn outputs(network: &Network) -> Option<usize> {
    match *network.shapes().ok()?.last()? {
        Shape::Features(n) | Shape::Sequence { width: n, .. } => Some(n),
        _ => None,
    }
}

fn labels(rows: usize, classes: usize) -> Vec<u16> {
    (0..rows).map(|row| modulo(LABELS, row, classes)).collect()
}

/// A number below `n`, which is at most 65533.
fn modulo(stream: u32, index: usize, n: usize) -> u16 {
    (mix(stream, index as u32) as usize % n) as u16
}

/// Tokens of a row before the padding.
fn text_length(row: usize, length: usize) -> usize {
    match row % 2 {
        0 => length,
        _ => length / 4 + usize::from(modulo(LENGTHS, row, length / 2)),
    }
}

/// Tokens from 1 to `highest`, `[rows, length]`, padded with 0.
fn texts(rows: usize, length: usize, highest: usize) -> Vec<u16> {
    let token =
        |n| if n % length < text_length(n / length, length) { 1 + modulo(TOKENS, n, highest) } else { 0 };
    (0..rows * length).map(token).collect()
}

fn language_model(rows: usize, length: usize) -> Examples {
    let tokens = texts(rows, length, 255);
    // The target of a position is the next token, unless that is padding.
    let target = |n: usize| {
        let next = n % length + 1;
        (next < text_length(n / length, length)).then(|| tokens[n + 1])
    };
    Examples::Sequences { targets: (0..rows * length).map(target).collect(), tokens }
}

fn associative(rows: usize, pairs: usize, tokens: usize) -> Examples {
    let (mut input, mut targets) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let keys: Vec<u16> =
            shuffled(KEYS, row * tokens, tokens)[..pairs].iter().map(|&key| key as u16).collect();
        let values: Vec<u16> = (0..pairs).map(|p| modulo(VALUES, row * pairs + p, tokens)).collect();
        let query = usize::from(modulo(QUERIES, row, pairs));
        input.extend(keys.iter().zip(&values).flat_map(|(&key, &value)| [key, value]));
        input.extend([tokens as u16 + 1, keys[query]]);
        targets.extend(std::iter::repeat_n(None, 2 * pairs + 1).chain([Some(values[query])]));
    }
    Examples::Sequences { tokens: input, targets }
}

fn copy(rows: usize, length: usize, tokens: usize) -> Examples {
    let (mut input, mut targets) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let copied: Vec<u16> = (0..length).map(|p| modulo(COPIED, row * length + p, tokens)).collect();
        input.extend_from_slice(&copied);
        input.push(tokens as u16);
        input.extend(std::iter::repeat_n(tokens as u16 + 1, length));
        targets.extend(std::iter::repeat_n(None, length + 1).chain(copied.into_iter().map(Some)));
    }
    Examples::Sequences { tokens: input, targets }
}

impl Examples {
    /// Writes the minibatch. `centre`: whether pixels go from `[0, 1]` to `[-1, 1]`.
    pub(crate) fn fill<T: Scalar>(
        &self,
        network: &Network,
        centre: bool,
        batch: BatchMut<'_, T>,
    ) -> Result<()> {
        let tokens = match self {
            Self::Images { bytes, .. } => {
                for (x, &byte) in batch.features.iter_mut().zip(bytes) {
                    let pixel = T::of(f64::from(byte) / 255.0);
                    *x = if centre { (pixel - T::of(0.5)) * T::of(2.0) } else { pixel };
                }
                &[][..]
            }
            Self::Texts { tokens, .. } | Self::Sequences { tokens, .. } => tokens,
        };
        if let Shape::Tokens { vocabulary, .. } = network.input {
            let highest = tokens.iter().copied().max().unwrap_or(0);
            ensure!(
                usize::from(highest) < vocabulary,
                "the case has the token {highest}, but the task knows only {vocabulary} tokens"
            );
        }
        batch.tokens.copy_from_slice(tokens);
        self.fill_labels(network, batch.row_count, batch.labels)
    }

    fn fill_labels(&self, network: &Network, rows: usize, labels: &mut [u16]) -> Result<()> {
        let wanted = match (network.loss, self) {
            (
                Loss::SoftmaxCrossEntropy | Loss::SigmoidSquaredError,
                Self::Images { labels, .. } | Self::Texts { labels, .. },
            ) => labels.clone(),
            (Loss::SequenceCrossEntropy { first, steps }, Self::Sequences { targets, .. }) => {
                let length = targets.len() / rows;
                let read = |n: usize| (first..first + steps).contains(&(n % length));
                if let Some(n) = (0..targets.len()).find(|&n| targets[n].is_some() && !read(n)) {
                    bail!("position {} counts in the case, but the task's loss does not read it", n % length);
                }
                let label = |n: usize| targets[n].unwrap_or(NO_LABEL);
                (0..targets.len()).filter(|&n| read(n)).map(label).collect()
            }
            (
                Loss::SoftmaxCrossEntropy | Loss::SigmoidSquaredError | Loss::SequenceCrossEntropy { .. },
                _,
            ) => {
                bail!("the case has no labels for the task's loss, {:?}", network.loss)
            }
            // Losses that read no labels.
            _ => return Ok(()),
        };
        let classes = outputs(network).unwrap_or(0);
        if let Some(label) = wanted.iter().find(|&&label| label != NO_LABEL && usize::from(label) >= classes)
        {
            bail!("the case has the label {label}, but the task has only {classes} classes");
        }
        labels.copy_from_slice(&wanted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::probe_values;

    fn check(name: &str, found: impl IntoIterator<Item = usize>) {
        assert_eq!(found.into_iter().map(|x| x as f64).collect::<Vec<_>>(), probe_values(name), "{name}");
    }

    fn wide(numbers: &[u16]) -> impl Iterator<Item = usize> {
        numbers.iter().map(|&x| usize::from(x))
    }

    #[test]
    fn images_and_labels_are_those_of_the_file() {
        check("image bytes 0..7 (28x28x1 or any)", (0..8).map(|n| (mix(BYTES, n) >> 24) as usize));
        for (name, classes) in
            [("labels, 10 classes", 10), ("labels, 101 classes", 101), ("labels, 2 classes", 2)]
        {
            check(name, wide(&labels(8, classes)));
        }
    }

    #[test]
    fn texts_are_those_of_the_file() {
        check("lengths, T=128", (0..8).map(|row| text_length(row, 128)));
        check("lengths, T=32", (0..8).map(|row| text_length(row, 32)));
        check("language model tokens, row 1, 0..7", wide(&texts(8, 128, 255)[128..136]));
        check("text tokens T=32, row 1, 0..11", wide(&texts(8, 32, 8184)[32..44]));
    }

    #[test]
    fn targets_of_language_models_are_the_next_tokens_but_padding() {
        let Examples::Sequences { tokens, targets } = language_model(8, 128) else { panic!() };
        for (row, length) in [128, 83, 128, 81, 128, 87, 128, 52].into_iter().enumerate() {
            let (tokens, targets) = (&tokens[128 * row..][..128], &targets[128 * row..][..128]);
            let expected = (0..128).map(|p| (p + 1 < length).then(|| tokens[p + 1]));
            assert!(targets.iter().copied().eq(expected), "{row}");
        }
    }

    #[test]
    fn sequences_are_those_of_the_file() {
        let Examples::Sequences { tokens, targets } = associative(8, 5, 20) else { panic!() };
        for (row, input, target) in [
            (0, "associative P=5 N=20 row 0 input", "associative P=5 N=20 row 0 target"),
            (7, "associative P=5 N=20 row 7 input", "associative P=5 N=20 row 7 target"),
        ] {
            check(input, wide(&tokens[12 * row..][..12]));
            // The file has the token 20 where nothing counts.
            check(target, targets[12 * row..][..12].iter().map(|target| target.map_or(20, usize::from)));
        }
        let Examples::Sequences { tokens, targets } = copy(8, 5, 10) else { panic!() };
        check("copy L=5 N=10 row 0 input", wide(&tokens[..11]));
        check("copy L=5 N=10 row 0 target", targets[..11].iter().map(|target| target.map_or(0, usize::from)));
    }
}
