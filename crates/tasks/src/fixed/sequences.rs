//! Made-up sequences: retrieval of a value by its key, and repetition (paper G.3, "associative" and "copy").
//!
//! The paper says that tokens are embedded; upstream's code feeds one-hot vectors to the core, and so do we.

use taskset_nn::{Dense, Initializer, Loss, Network, OneHot, Shape};

use super::{FixedCore, FixedModel, group};
use crate::models::associative_copy_batches::{BATCH_SIZE, SequenceExamples};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Retrieval of a value by its key from a sequence of pairs, by a recurrent core and a linear layer. The loss is the mean
/// cross-entropy of the value behind the last token; a model that has learnt nothing but which tokens occur has ln N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Associative {
    /// The core.
    pub core: FixedCore,
    /// Its width.
    pub hidden: usize,
    /// Pairs in a sequence.
    pub pairs: usize,
    /// Tokens, without the two special ones.
    pub tokens: usize,
}

/// Repetition of a sequence, by a recurrent core and a linear layer. The loss is the mean cross-entropy of the repeated
/// tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceCopy {
    /// The core.
    pub core: FixedCore,
    /// Its width.
    pub hidden: usize,
    /// Tokens to repeat.
    pub length: usize,
    /// Tokens, without the two special ones.
    pub tokens: usize,
}

/// A core over one-hot tokens, and a linear layer at every step.
fn body(examples: SequenceExamples, core: FixedCore, hidden: usize) -> Body {
    let (vocabulary, length, labelled) = (examples.vocabulary(), examples.steps(), examples.labelled());
    let layers = vec![OneHot.into(), core.layer(hidden, false).into(), Dense { outputs: vocabulary }.into()];
    let loss = Loss::SequenceCrossEntropy { first: length - labelled, steps: labelled };
    let network = Network::new(Shape::Tokens { length, vocabulary }, layers, loss)
        .with_weights(Initializer::SonnetDefault);
    Body::network(network, Examples::Sequences(examples))
}

impl Associative {
    const fn examples(self) -> SequenceExamples {
        SequenceExamples::Associative { pairs: self.pairs, tokens: self.tokens }
    }
}

impl SequenceCopy {
    const fn examples(self) -> SequenceExamples {
        SequenceExamples::Copy { length: self.length, tokens: self.tokens }
    }
}

impl FixedModel for Associative {
    const GROUP: Group = group("fixed_associative");

    fn summary(&self) -> String {
        let Self { core, hidden, pairs, tokens } = self;
        format!(
            "{} {hidden} finds a value among {pairs} pairs from an alphabet of {tokens}, batch {BATCH_SIZE}",
            core.name()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        if self.pairs > self.tokens {
            return Err(Infeasible(format!("{} different keys of {} tokens", self.pairs, self.tokens)));
        }
        Ok(body(self.examples(), self.core, self.hidden))
    }
}

impl FixedModel for SequenceCopy {
    const GROUP: Group = group("fixed_copy");

    fn summary(&self) -> String {
        let Self { core, hidden, length, tokens } = self;
        format!(
            "{} {hidden} repeats {length} tokens from an alphabet of {tokens}, batch {BATCH_SIZE}",
            core.name()
        )
    }

    fn body(&self) -> Result<Body, Infeasible> {
        Ok(body(self.examples(), self.core, self.hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::testing::{check, train};
    use taskset_datasets::{Datasets, Source};

    #[test]
    fn small_models_are_sound_and_learn() {
        let data = Datasets::new(Source::Synthetic);
        for core in [FixedCore::Lstm, FixedCore::Gru, FixedCore::Vrnn] {
            let model = Associative { core, hidden: 8, pairs: 2, tokens: 3 };
            check(&*model.body().unwrap().build("t", &data).unwrap());
            let model = SequenceCopy { core, hidden: 12, length: 2, tokens: 3 };
            let task = model.body().unwrap().build("t", &data).unwrap();
            check(&*task);
            let (before, after) = train(&*task, 300, 0.02);
            assert!(after < 0.8 * before, "{core:?} {before} {after}");
        }
        assert!(Associative { core: FixedCore::Gru, hidden: 2, pairs: 4, tokens: 3 }.body().is_err());
    }
}
