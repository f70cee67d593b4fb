//! Parts of configurations as upstream writes them in JSON.

use serde_json::{Value, json};
use taskset_nn::Initializer;

/// `[name, parameter or null]`.
pub(crate) fn initializer(init: Initializer) -> Value {
    let (name, parameter) = match init {
        Initializer::GlorotNormal => ("glorot_normal", None),
        Initializer::GlorotUniform => ("glorot_uniform", None),
        Initializer::HeNormal => ("he_normal", None),
        Initializer::HeUniform => ("he_uniform", None),
        Initializer::Orthogonal { gain } => ("orthogonal", Some(gain)),
        Initializer::RandomNormal { std } => ("random_normal", Some(std)),
        Initializer::RandomUniform { half_width } => ("random_uniform", Some(half_width)),
        Initializer::TruncatedNormal { std } => ("truncated_normal", Some(std)),
        Initializer::VarianceScaling { scale } => ("variance_scaling", Some(scale)),
        // Never sampled; named so that a configuration made by hand can be written too.
        Initializer::SonnetDefault => ("sonnet_default", None),
        Initializer::Identity => ("identity", None),
        Initializer::Zeros => ("zeros", None),
    };
    json!([name, parameter])
}
