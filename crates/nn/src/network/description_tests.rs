//! Tests that descriptions stay as they are: they are hashed into the identities of curves.

use crate::{
    Activation, Autoregressive, Conv, Core, Coupling, Dense, Distance, Dropout, Embed, Flatten,
    FrozenBatchNorm, GaussianLikelihood, GaussianNoise, Gru, Initializer, Latent, Layer, LayerNorm, Loss,
    Lstm, Network, Output, Padding, Permutation, Reconstruction, Recurrent, Reduction, Shape, SpatialPool,
    TimePool, Vrnn, mlp_layers,
};

/// The texts are those of the derived `Debug`, printed before networks could give single layers initialisers of their own.
fn check(network: &Network, expected: &str) {
    assert_eq!(network.description(), expected);
}

#[test]
fn classifiers() {
    check(
        &Network::mlp(4, &[8, 3], Activation::Tanh, Loss::SoftmaxCrossEntropy),
        "Network { input: Features(4), layers: [Dense(Dense { outputs: 8 }), Activation(Tanh), \
         Dense(Dense { outputs: 3 })], loss: SoftmaxCrossEntropy, weights: GlorotNormal }",
    );
    let image = Shape::Image { height: 32, width: 28, channels: 3 };
    let conv = |padding| Conv { outputs: 6, kernel: 3, stride: 2, padding, bias: true };
    let layers = vec![
        conv(Padding::Same).into(),
        Activation::LeakyRelu4.into(),
        conv(Padding::Valid).into(),
        SpatialPool::SquaredMean.into(),
        Dense { outputs: 3 }.into(),
        FrozenBatchNorm.into(),
        LayerNorm.into(),
        Dropout { keep: 0.5 }.into(),
    ];
    let weights = Initializer::VarianceScaling { scale: 1.5 };
    check(
        &Network::new(image, layers, Loss::SigmoidSquaredError).with_weights(weights),
        "Network { input: Image { height: 32, width: 28, channels: 3 }, layers: [Conv(Conv { \
         outputs: 6, kernel: 3, stride: 2, padding: Same, bias: true }), Activation(LeakyRelu4), \
         Conv(Conv { outputs: 6, kernel: 3, stride: 2, padding: Valid, bias: true }), \
         SpatialPool(SquaredMean), Dense(Dense { outputs: 3 }), FrozenBatchNorm(FrozenBatchNorm), \
         LayerNorm(LayerNorm), Dropout(Dropout { keep: 0.5 })], loss: SigmoidSquaredError, weights: \
         VarianceScaling { scale: 1.5 } }",
    );
}

/// What is added behind the text of today's networks.
#[test]
fn initialisers_of_single_layers() {
    let network = Network::mlp(4, &[8, 3], Activation::Tanh, Loss::SoftmaxCrossEntropy)
        .with_weights_of(2, Initializer::SonnetDefault);
    check(
        &network,
        "Network { input: Features(4), layers: [Dense(Dense { outputs: 8 }), Activation(Tanh), \
         Dense(Dense { outputs: 3 })], loss: SoftmaxCrossEntropy, weights: GlorotNormal, weights_of: \
         {2: SonnetDefault} }",
    );
}

#[test]
fn autoencoders_and_flows() {
    let loss = GaussianLikelihood { clip: 10.0, dequantize: Some(0.25) };
    let layers = [vec![Flatten.into()], mlp_layers(&[4], Activation::Relu), vec![Latent.into()]].concat();
    let image = Shape::Image { height: 2, width: 2, channels: 1 };
    check(
        &Network::new(image, layers, Loss::GaussianLikelihood(loss)).with_weights(Initializer::SonnetDefault),
        "Network { input: Image { height: 2, width: 2, channels: 1 }, layers: [Flatten(Flatten), \
         Dense(Dense { outputs: 4 }), Latent(Latent)], loss: GaussianLikelihood(GaussianLikelihood { \
         clip: 10.0, dequantize: Some(0.25) }), weights: SonnetDefault }",
    );
    let loss =
        Reconstruction { output: Output::Sigmoid, distance: Distance::Squared, reduction: Reduction::Mean };
    check(
        &Network::new(image, Vec::new(), Loss::Reconstruction(loss)).with_weights(Initializer::Zeros),
        "Network { input: Image { height: 2, width: 2, channels: 1 }, layers: [], loss: \
         Reconstruction(Reconstruction { output: Sigmoid, distance: Squared, reduction: Mean }), \
         weights: Zeros }",
    );
    let flow: Vec<Layer> = vec![
        GaussianNoise { std: 0.01 }.into(),
        Coupling { hidden: vec![5, 6], activation: Activation::Relu }.into(),
        Permutation([1, 0].as_slice().into()).into(),
        Autoregressive { hidden: vec![7], activation: Activation::Elu }.into(),
    ];
    check(
        &Network::new(Shape::Features(2), flow, Loss::StandardNormal),
        "Network { input: Features(2), layers: [GaussianNoise(GaussianNoise { std: 0.01 }), \
         Coupling(Coupling { hidden: [5, 6], activation: Relu }), Permutation(Permutation([1, 0])), \
         Autoregressive(Autoregressive { hidden: [7], activation: Elu })], loss: StandardNormal, \
         weights: GlorotNormal }",
    );
}

#[test]
fn texts() {
    let tokens = Shape::Tokens { length: 4, vocabulary: 5 };
    let w = Initializer::RandomUniform { half_width: 0.5 };
    let recurrent = |core| Layer::from(Recurrent { core, trainable_init: true });
    let layers = vec![
        Embed { width: 2 }.into(),
        recurrent(Core::Gru(Gru { units: 3, wz: w, uz: w, wr: w, ur: w, wh: w, uh: w })),
        recurrent(Core::Lstm(Lstm { units: 4, w_gates: w })),
        recurrent(Core::Vrnn(Vrnn { units: 5, activation: Activation::Tanh, w_in: w, w_h: w })),
        TimePool::Mean.into(),
    ];
    check(
        &Network::new(tokens, layers, Loss::NextToken).with_weights(Initializer::Orthogonal { gain: 2.0 }),
        "Network { input: Tokens { length: 4, vocabulary: 5 }, layers: [Embed(Embed { width: 2 }), \
         Recurrent(Recurrent { core: Gru(Gru { units: 3, wz: RandomUniform { half_width: 0.5 }, uz: \
         RandomUniform { half_width: 0.5 }, wr: RandomUniform { half_width: 0.5 }, ur: RandomUniform \
         { half_width: 0.5 }, wh: RandomUniform { half_width: 0.5 }, uh: RandomUniform { half_width: \
         0.5 } }), trainable_init: true }), Recurrent(Recurrent { core: Lstm(Lstm { units: 4, \
         w_gates: RandomUniform { half_width: 0.5 } }), trainable_init: true }), Recurrent(Recurrent \
         { core: Vrnn(Vrnn { units: 5, activation: Tanh, w_in: RandomUniform { half_width: 0.5 }, \
         w_h: RandomUniform { half_width: 0.5 } }), trainable_init: true }), TimePool(Mean)], loss: \
         NextToken, weights: Orthogonal { gain: 2.0 } }",
    );
}
