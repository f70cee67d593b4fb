//! One line per fixed task: what listings say of it.

use std::fmt::Write as _;

use super::{Between, FixedCore, FixedTask, Model};

impl FixedTask {
    /// One line: the model, its data and its minibatch.
    pub fn summary(&self) -> String {
        let mut line = self.model.summary();
        // Writing to a string cannot fail.
        if let Some(dataset) = self.dataset {
            let _ = write!(line, ", {dataset}");
        }
        if !matches!(self.model, Model::TwoD { .. }) {
            let _ = write!(line, ", batch {}", self.batch_size);
        }
        line
    }
}

fn join(widths: &[usize]) -> String {
    widths.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

impl FixedCore {
    const fn name(self) -> &'static str {
        match self {
            Self::Vrnn => "tanh RNN",
            Self::VrnnRelu => "relu RNN",
            Self::Irnn => "identity RNN",
            Self::Gru => "GRU",
            Self::Lstm => "LSTM",
        }
    }
}

impl Between {
    fn summary(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::BatchNorm => ", batch norm".to_owned(),
            Self::Offset => ", offsets".to_owned(),
            Self::LayerNorm => ", layer norm".to_owned(),
            Self::Dropout(keep) => format!(", dropout keeping {keep}"),
        }
    }
}

impl Model {
    fn summary(&self) -> String {
        match *self {
            Self::Sequence { core, hidden, vocabulary, steps } => {
                format!("{} {hidden} on sequences of {steps} out of {vocabulary} tokens", core.name())
            }
            Self::ConvPooling { widths, init, activation, pool, between } => format!(
                "conv {} {activation}, {init} init{}, {pool} pooling",
                join(widths),
                between.summary()
            ),
            Self::ConvFc { widths, fc: [], init, activation } => {
                format!("conv {} {activation}, {init} init, flattened", join(widths))
            }
            Self::ConvFc { widths, fc, init, activation } => {
                format!("conv {} {activation}, {init} init, dense {}", join(widths), join(fc))
            }
            Self::ConvAe { encoder, latent, decoder } => {
                format!("conv autoencoder {} to {latent} to {}", join(encoder), join(decoder))
            }
            Self::ConvVae { encoder, latent, decoder } => {
                format!("conv variational autoencoder {} to {latent} to {}", join(encoder), join(decoder))
            }
            Self::LanguageModel { core, hidden } => format!("{} {hidden} predicts bytes", core.name()),
            Self::Maf { bijectors, hidden } => {
                format!("masked autoregressive flow, {bijectors} networks {}", join(hidden))
            }
            Self::Nvp { bijectors, hidden } => {
                format!("real NVP flow, {bijectors} networks {}", join(hidden))
            }
            Self::MlpAe { hidden } => format!("autoencoder {}", join(hidden)),
            Self::MlpVae { encoder, latent, decoder } => {
                format!("variational autoencoder {} to {latent} to {}", join(encoder), join(decoder))
            }
            Self::Mlp { hidden, activation, between, loss } => {
                let loss = if loss == "ce" { "cross entropy" } else { "squared error of sigmoids" };
                format!("MLP {} {activation}{}, {loss}", join(hidden), between.summary())
            }
            Self::TextClassification { core, hidden, embedding, steps, aggregate } => format!(
                "{} {hidden} classifies {steps} tokens by its {aggregate} output, embedding {embedding}",
                core.name()
            ),
            Self::TwoD { formula } => formula.to_owned(),
        }
    }
}
