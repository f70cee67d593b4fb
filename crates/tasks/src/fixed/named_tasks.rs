//! The table of the fixed tasks: names in the order of the paper's appendix G.3; models as upstream's code builds them,
//! whatever the names say.

use taskset_nn::{Activation, SpatialPool};

use super::{
    Associative, Between, ConvAe, ConvFc, ConvInitializer, ConvPooling, ConvVae, FixedCore, FixedTask,
    Images, LanguageModel, Maf, Mlp, MlpAe, MlpLoss, MlpVae, Model, Nvp, Outputs, SequenceCopy,
    TextClassification, TwoD,
};
use crate::objectives::two_d_functions::TestFunction;
use crate::objectives::two_d_task::Function;

/// An image set.
struct Set(&'static str);

const MNIST: Set = Set("mnist");
const CIFAR10: Set = Set("cifar10");
const CIFAR100: Set = Set("cifar100");
const FOOD101_32: Set = Set("food101_32x32");
const FOOD101_64: Set = Set("food101_64x64");
const COIL100: Set = Set("coil100_32x32");
const HISTOLOGY: Set = Set("colorectal_histology_32x32");
const SUN397: Set = Set("sun397_32x32");

impl Set {
    /// Minibatches of this size from a shuffle buffer that holds the whole split.
    const fn whole(self, batch_size: usize) -> Images {
        Images { dataset: self.0, batch_size, buffer: None }
    }

    /// Minibatches of this size from a shuffle buffer of 5,000 examples.
    const fn buffered(self, batch_size: usize) -> Images {
        Images { dataset: self.0, batch_size, buffer: Some(5000) }
    }
}

/// Upstream's starting point of the bowls: the second draw of TensorFlow 1.15.5 with operation seed 123 (upstream
/// initialises twice). The other starting points are second draws, too.
const BOWL_START: [f64; 2] = [0.747_332_573, 0.392_005_116];

/// All fixed tasks. The paper counts 107, but lists these 109, as does upstream's code.
pub static TASKS: [FixedTask; 109] = [
    FixedTask {
        name: "Associative_GRU128_BS128_Pairs10_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Gru, hidden: 128, pairs: 10, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_GRU256_BS128_Pairs20_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Gru, hidden: 256, pairs: 20, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_LSTM128_BS128_Pairs10_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Lstm, hidden: 128, pairs: 10, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_LSTM128_BS128_Pairs20_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Lstm, hidden: 128, pairs: 20, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_LSTM128_BS128_Pairs5_Tokens20",
        model: Model::Associative(Associative { core: FixedCore::Lstm, hidden: 128, pairs: 5, tokens: 20 }),
        note: None,
    },
    FixedTask {
        name: "Associative_LSTM256_BS128_Pairs20_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Lstm, hidden: 256, pairs: 20, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_LSTM256_BS128_Pairs40_Tokens100",
        model: Model::Associative(Associative { core: FixedCore::Lstm, hidden: 256, pairs: 40, tokens: 100 }),
        note: None,
    },
    FixedTask {
        name: "Associative_VRNN128_BS128_Pairs10_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Vrnn, hidden: 128, pairs: 10, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Associative_VRNN256_BS128_Pairs20_Tokens50",
        model: Model::Associative(Associative { core: FixedCore::Vrnn, hidden: 256, pairs: 20, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Copy_GRU128_BS128_Length20_Tokens10",
        model: Model::Copy(SequenceCopy { core: FixedCore::Gru, hidden: 128, length: 20, tokens: 10 }),
        note: None,
    },
    FixedTask {
        name: "Copy_GRU256_BS128_Length40_Tokens50",
        model: Model::Copy(SequenceCopy { core: FixedCore::Gru, hidden: 256, length: 40, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Copy_LSTM128_BS128_Length20_Tokens10",
        model: Model::Copy(SequenceCopy { core: FixedCore::Lstm, hidden: 128, length: 20, tokens: 10 }),
        note: None,
    },
    FixedTask {
        name: "Copy_LSTM128_BS128_Length20_Tokens20",
        model: Model::Copy(SequenceCopy { core: FixedCore::Lstm, hidden: 128, length: 20, tokens: 20 }),
        note: None,
    },
    FixedTask {
        name: "Copy_LSTM128_BS128_Length50_Tokens5",
        model: Model::Copy(SequenceCopy { core: FixedCore::Lstm, hidden: 128, length: 50, tokens: 5 }),
        note: None,
    },
    FixedTask {
        name: "Copy_LSTM128_BS128_Length5_Tokens10",
        model: Model::Copy(SequenceCopy { core: FixedCore::Lstm, hidden: 128, length: 5, tokens: 10 }),
        note: None,
    },
    FixedTask {
        name: "Copy_LSTM256_BS128_Length40_Tokens50",
        model: Model::Copy(SequenceCopy { core: FixedCore::Lstm, hidden: 256, length: 40, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "Copy_VRNN128_BS128_Length20_Tokens10",
        model: Model::Copy(SequenceCopy { core: FixedCore::Vrnn, hidden: 128, length: 20, tokens: 10 }),
        note: None,
    },
    FixedTask {
        name: "Copy_VRNN256_BS128_Length40_Tokens50",
        model: Model::Copy(SequenceCopy { core: FixedCore::Vrnn, hidden: 256, length: 40, tokens: 50 }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvAE_cifar10_32x32x32x32x32_bs128",
        model: Model::ConvAe(ConvAe {
            images: CIFAR10.whole(128),
            encoder: &[32, 32],
            latent: 32,
            decoder: &[32, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvAE_cifar10_32x64x8x64x32_bs128",
        model: Model::ConvAe(ConvAe {
            images: CIFAR10.whole(128),
            encoder: &[32, 64],
            latent: 8,
            decoder: &[64, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvAE_mnist_32x32x32x32x32_bs128",
        model: Model::ConvAe(ConvAe {
            images: MNIST.whole(128),
            encoder: &[32, 32],
            latent: 32,
            decoder: &[32, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvAE_mnist_32x64x32x64x32_bs512",
        model: Model::ConvAe(ConvAe {
            images: MNIST.whole(512),
            encoder: &[32, 64],
            latent: 32,
            decoder: &[64, 64],
        }),
        note: Some("The name says a decoder of 64 and 32 channels, but it has 64 and 64."),
    },
    FixedTask {
        name: "FixedImageConvAE_mnist_32x64x8x64x32_bs128",
        model: Model::ConvAe(ConvAe {
            images: MNIST.whole(128),
            encoder: &[32, 64],
            latent: 8,
            decoder: &[64, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_cifar10_32x64x128x64x128x64x32_bs128",
        model: Model::ConvVae(ConvVae {
            images: CIFAR10.whole(128),
            encoder: &[32, 64, 128],
            latent: 64,
            decoder: &[128, 64, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_cifar10_32x64x128x64x128x64x32_bs512",
        model: Model::ConvVae(ConvVae {
            images: CIFAR10.whole(512),
            encoder: &[32, 64, 128],
            latent: 64,
            decoder: &[128, 64, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_cifar10_32x64x128x64x32_bs128",
        model: Model::ConvVae(ConvVae {
            images: CIFAR10.whole(128),
            encoder: &[32, 64],
            latent: 128,
            decoder: &[64, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_cifar10_64x128x256x128x256x128x64_bs128",
        model: Model::ConvVae(ConvVae {
            images: CIFAR10.whole(128),
            encoder: &[64, 128, 256],
            latent: 128,
            decoder: &[256, 128, 64],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_mnist_32x32x32x32x32_bs128",
        model: Model::ConvVae(ConvVae {
            images: MNIST.whole(128),
            encoder: &[32, 32],
            latent: 32,
            decoder: &[32, 32],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConvVAE_mnist_32x64x32x64x32_bs128",
        model: Model::ConvVae(ConvVae {
            images: CIFAR10.whole(128),
            encoder: &[32, 64],
            latent: 32,
            decoder: &[64, 32],
        }),
        note: Some("The name says mnist, but the images are cifar10."),
    },
    FixedTask {
        name: "FixedImageConvVAE_mnist_64x128x128x128x64_bs128",
        model: Model::ConvVae(ConvVae {
            images: MNIST.whole(128),
            encoder: &[64, 128],
            latent: 128,
            decoder: &[128, 64],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar100_32x64x128_FC64x32_tanh_variance_scaling_bs64",
        model: Model::ConvFc(ConvFc {
            images: CIFAR100.whole(64),
            widths: &[32, 64, 128],
            fc: &[64, 32],
            activation: Activation::Tanh,
            init: ConvInitializer::VarianceScaling,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar100_32x64x64_flatten_bs128",
        model: Model::ConvFc(ConvFc {
            images: CIFAR100.whole(128),
            widths: &[32, 64, 64],
            fc: &[],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar100_bn_32x64x128x128_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR100.buffered(128),
            widths: &[32, 64, 128, 128],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_flatten_FC64x32_tanh_he_bs8",
        model: Model::ConvFc(ConvFc {
            images: CIFAR10.whole(8),
            widths: &[32, 64, 128],
            fc: &[64, 32],
            activation: Activation::Tanh,
            init: ConvInitializer::HeNormal,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_flatten_FC64x32_tanh_variance_scaling_bs64",
        model: Model::ConvFc(ConvFc {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128],
            fc: &[64, 32],
            activation: Activation::Tanh,
            init: ConvInitializer::VarianceScaling,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_he_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128],
            activation: Activation::Tanh,
            init: ConvInitializer::HeNormal,
            pool: SpatialPool::Max,
            batch_norm: false,
        }),
        note: Some("The activation is tanh and the pooling takes the maximum, which the name does not say."),
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_largenormal_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128],
            activation: Activation::Tanh,
            init: ConvInitializer::Normal(0.2),
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: Some("The activation is tanh, which the name does not say."),
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_normal_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128],
            activation: Activation::Tanh,
            init: ConvInitializer::Normal(0.02),
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: Some("The activation is tanh, which the name does not say."),
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128_smallnormal_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128],
            activation: Activation::Tanh,
            init: ConvInitializer::Normal(0.002),
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: Some("The activation is tanh, which the name does not say."),
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x128x128x128_avg_he_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 128, 128, 128],
            activation: Activation::Tanh,
            init: ConvInitializer::HeNormal,
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: Some("The activation is tanh, which the name does not say."),
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x64_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(128),
            widths: &[32, 64, 64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x64_fc_64_bs128",
        model: Model::ConvFc(ConvFc {
            images: CIFAR10.whole(128),
            widths: &[32, 64, 64],
            fc: &[64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x64_flatten_bs128",
        model: Model::ConvFc(ConvFc {
            images: CIFAR10.whole(128),
            widths: &[32, 64, 64],
            fc: &[],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_32x64x64_tanh_bs64",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(64),
            widths: &[32, 64, 64],
            activation: Activation::Tanh,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: false,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_batchnorm_32x32x32x64x64_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(128),
            widths: &[32, 32, 32, 64, 64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_cifar10_batchnorm_32x64x64_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: CIFAR10.whole(128),
            widths: &[32, 64, 64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_coil10032x32_bn_32x64x128x128_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: COIL100.buffered(128),
            widths: &[32, 64, 128, 128],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: Some("The classes are the 72 angles of the turntable, not the 100 objects."),
    },
    FixedTask {
        name: "FixedImageConv_colorectalhistology32x32_32x64x64_flatten_bs128",
        model: Model::ConvFc(ConvFc {
            images: HISTOLOGY.buffered(128),
            widths: &[32, 64, 64],
            fc: &[],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_food10164x64_Conv_32x64x64_flatten_bs64",
        model: Model::ConvFc(ConvFc {
            images: FOOD101_64.buffered(64),
            widths: &[32, 64, 64],
            fc: &[],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_food101_batchnorm_32x32x32x64x64_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: FOOD101_32.buffered(128),
            widths: &[32, 32, 32, 64, 64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_mnist_32x64x64_fc_64_bs128",
        model: Model::ConvFc(ConvFc {
            images: MNIST.whole(128),
            widths: &[32, 64, 64],
            fc: &[64],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedImageConv_sun39732x32_bn_32x64x128x128_bs128",
        model: Model::ConvPooling(ConvPooling {
            images: SUN397.buffered(128),
            widths: &[32, 64, 128, 128],
            activation: Activation::Relu,
            init: ConvInitializer::Sonnet,
            pool: SpatialPool::Mean,
            batch_norm: true,
        }),
        note: None,
    },
    FixedTask {
        name: "Mnist_Conv_32x16x64_flatten_FC32_tanh_bs32",
        model: Model::ConvFc(ConvFc {
            images: MNIST.whole(32),
            widths: &[32, 16, 64],
            fc: &[32],
            activation: Activation::Tanh,
            init: ConvInitializer::Sonnet,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedLM_lm1b_patch128_GRU128_embed64_avg_bs128",
        model: Model::LanguageModel(LanguageModel { core: FixedCore::Gru, hidden: 128 }),
        note: Some("The avg of the name is that of the loss over positions: no outputs are averaged."),
    },
    FixedTask {
        name: "FixedLM_lm1b_patch128_GRU256_embed64_avg_bs128",
        model: Model::LanguageModel(LanguageModel { core: FixedCore::Gru, hidden: 256 }),
        note: Some("The avg of the name is that of the loss over positions: no outputs are averaged."),
    },
    FixedTask {
        name: "FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128",
        model: Model::LanguageModel(LanguageModel { core: FixedCore::Gru, hidden: 64 }),
        note: Some("The avg of the name is that of the loss over positions: no outputs are averaged."),
    },
    FixedTask {
        name: "FixedLM_lm1b_patch128_LSTM128_embed64_avg_bs128",
        model: Model::LanguageModel(LanguageModel { core: FixedCore::Lstm, hidden: 128 }),
        note: Some("The avg of the name is that of the loss over positions: no outputs are averaged."),
    },
    FixedTask {
        name: "FixedLM_lm1b_patch128_LSTM256_embed64_avg_bs128",
        model: Model::LanguageModel(LanguageModel { core: FixedCore::Lstm, hidden: 256 }),
        note: Some("The avg of the name is that of the loss over positions: no outputs are averaged."),
    },
    FixedTask {
        name: "FixedMAF_cifar10_3layer_bs64",
        model: Model::Maf(Maf { images: CIFAR10.whole(64), bijectors: 3, hidden: &[1024, 1024] }),
        note: Some(
            "Not autoregressive in effect: the hidden layers are narrower than the image, so that each pixel has an independent normal distribution.",
        ),
    },
    FixedTask {
        name: "FixedMAF_mnist_2layer_bs64",
        model: Model::Maf(Maf { images: MNIST.whole(64), bijectors: 2, hidden: &[2048, 2048] }),
        note: None,
    },
    FixedTask {
        name: "FixedMAF_mnist_3layer_thin_bs64",
        model: Model::Maf(Maf { images: MNIST.whole(64), bijectors: 3, hidden: &[128, 128] }),
        note: Some(
            "Not autoregressive in effect: the hidden layers are narrower than the image, so that each pixel has an independent normal distribution.",
        ),
    },
    FixedTask {
        name: "FixedMLPAE_cifar10_128x32x128_bs128",
        model: Model::MlpAe(MlpAe { images: CIFAR10.whole(128), hidden: &[128, 32, 128] }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPAE_mnist_128x32x128_bs128",
        model: Model::MlpAe(MlpAe { images: MNIST.whole(128), hidden: &[128, 32, 128] }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPAE_mnist_32x32x32_bs128",
        model: Model::MlpAe(MlpAe { images: MNIST.whole(128), hidden: &[32, 32, 32] }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPVAE_cifar101_128x128x32x128x128_bs128",
        model: Model::MlpVae(MlpVae {
            images: CIFAR10.whole(128),
            encoder: &[128, 128],
            latent: 32,
            decoder: &[128, 128],
        }),
        note: Some("The name says cifar101, but the images are cifar10."),
    },
    FixedTask {
        name: "FixedMLPVAE_cifar101_128x32x128_bs128",
        model: Model::MlpVae(MlpVae {
            images: CIFAR10.whole(128),
            encoder: &[128],
            latent: 32,
            decoder: &[128],
        }),
        note: Some("The name says cifar101, but the images are cifar10."),
    },
    FixedTask {
        name: "FixedMLPVAE_food10132x32_128x64x32x64x128_bs64",
        model: Model::MlpVae(MlpVae {
            images: FOOD101_32.buffered(64),
            encoder: &[128, 64],
            latent: 32,
            decoder: &[64, 128],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPVAE_mnist_128x128x8x128_bs128",
        model: Model::MlpVae(MlpVae {
            images: MNIST.whole(128),
            encoder: &[128, 128],
            latent: 8,
            decoder: &[128],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPVAE_mnist_128x64x32x64x128_bs64",
        model: Model::MlpVae(MlpVae {
            images: MNIST.whole(64),
            encoder: &[128, 64],
            latent: 32,
            decoder: &[64, 128],
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLPVAE_mnist_128x8x128x128_bs128",
        model: Model::MlpVae(MlpVae {
            images: MNIST.whole(128),
            encoder: &[128],
            latent: 8,
            decoder: &[128, 128],
        }),
        note: None,
    },
    FixedTask {
        name: "Imagenet32x30_FC_VAE_128x64x32x64x128_relu_bs256",
        model: Model::MlpVae(MlpVae {
            images: FOOD101_32.buffered(256),
            encoder: &[128, 64],
            latent: 32,
            decoder: &[64, 128],
        }),
        note: Some("The name says Imagenet, but the images are food101_32x32."),
    },
    FixedTask {
        name: "FixedMLP_cifar10_BatchNorm_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Offset,
            loss: MlpLoss::CrossEntropy,
        }),
        note: Some(
            "The name says batch norm, but no statistics are taken: values are divided by sqrt(1.001) and get an offset.",
        ),
    },
    FixedTask {
        name: "FixedMLP_cifar10_BatchNorm_64x64x64x64x64_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[64, 64, 64, 64, 64],
            activation: Activation::Relu,
            between: Between::Offset,
            loss: MlpLoss::CrossEntropy,
        }),
        note: Some(
            "The name says batch norm, but no statistics are taken: values are divided by sqrt(1.001) and get an offset.",
        ),
    },
    FixedTask {
        name: "FixedMLP_cifar10_Dropout02_128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128],
            activation: Activation::Relu,
            between: Between::Dropout(0.2),
            loss: MlpLoss::CrossEntropy,
        }),
        note: Some("The 02 of the name is the probability to keep a unit: 80 % are dropped."),
    },
    FixedTask {
        name: "FixedMLP_cifar10_Dropout05_128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128],
            activation: Activation::Relu,
            between: Between::Dropout(0.5),
            loss: MlpLoss::CrossEntropy,
        }),
        note: Some("The 05 of the name is the probability to keep a unit: 50 % are dropped."),
    },
    FixedTask {
        name: "FixedMLP_cifar10_Dropout08_128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128],
            activation: Activation::Relu,
            between: Between::Dropout(0.8),
            loss: MlpLoss::CrossEntropy,
        }),
        note: Some("The 08 of the name is the probability to keep a unit: 20 % are dropped."),
    },
    FixedTask {
        name: "FixedMLP_cifar10_LayerNorm_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::LayerNorm,
            loss: MlpLoss::CrossEntropy,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_cifar10_LayerNorm_128x128x128_tanh_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.whole(128),
            hidden: &[128, 128, 128],
            activation: Activation::Tanh,
            between: Between::LayerNorm,
            loss: MlpLoss::CrossEntropy,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_cifar10_ce_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::CrossEntropy,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_cifar10_mse_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: CIFAR10.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::SquaredError,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_food10132x32_ce_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: FOOD101_32.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::CrossEntropy,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_food10132x32_mse_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: FOOD101_32.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::SquaredError,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_mnist_ce_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: MNIST.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::CrossEntropy,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedMLP_mnist_mse_128x128x128_relu_bs128",
        model: Model::Mlp(Mlp {
            images: MNIST.buffered(128),
            hidden: &[128, 128, 128],
            activation: Activation::Relu,
            between: Between::Nothing,
            loss: MlpLoss::SquaredError,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedNVP_mnist_2layer_bs64",
        model: Model::Nvp(Nvp { images: MNIST.whole(64), bijectors: 2, hidden: &[2048, 2048] }),
        note: None,
    },
    FixedTask {
        name: "FixedNVP_mnist_3layer_thin_bs64",
        model: Model::Nvp(Nvp { images: MNIST.whole(64), bijectors: 3, hidden: &[128, 128] }),
        note: None,
    },
    FixedTask {
        name: "FixedNVP_mnist_5layer_bs64",
        model: Model::Nvp(Nvp { images: MNIST.whole(64), bijectors: 5, hidden: &[2048, 2048] }),
        note: None,
    },
    FixedTask {
        name: "FixedNVP_mnist_5layer_thin_bs64",
        model: Model::Nvp(Nvp { images: MNIST.whole(64), bijectors: 5, hidden: &[128, 128] }),
        note: None,
    },
    FixedTask {
        name: "FixedNVP_mnist_9layer_thin_bs16",
        model: Model::Nvp(Nvp { images: MNIST.whole(64), bijectors: 9, hidden: &[128, 128] }),
        note: Some("The name says minibatches of 16, but they have 64 images."),
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch128_LSTM128_avg_bs64",
        model: Model::TextClassification(TextClassification {
            length: 128,
            batch_size: 64,
            core: FixedCore::Lstm,
            hidden: 128,
            embedding: 64,
            outputs: Outputs::Mean,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch128_LSTM128_bs64",
        model: Model::TextClassification(TextClassification {
            length: 128,
            batch_size: 64,
            core: FixedCore::Lstm,
            hidden: 128,
            embedding: 64,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch128_LSTM128_embed128_bs64",
        model: Model::TextClassification(TextClassification {
            length: 128,
            batch_size: 64,
            core: FixedCore::Lstm,
            hidden: 128,
            embedding: 128,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_GRU128_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Gru,
            hidden: 128,
            embedding: 64,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Gru,
            hidden: 64,
            embedding: 64,
            outputs: Outputs::Mean,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_IRNN64_relu_avg_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Irnn,
            hidden: 64,
            embedding: 64,
            outputs: Outputs::Mean,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_IRNN64_relu_last_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Irnn,
            hidden: 64,
            embedding: 64,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_LSTM128_E128_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Lstm,
            hidden: 128,
            embedding: 128,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_LSTM128_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Lstm,
            hidden: 128,
            embedding: 64,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_VRNN128_tanh_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Vrnn,
            hidden: 128,
            embedding: 64,
            outputs: Outputs::Last,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_VRNN64_relu_avg_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::VrnnRelu,
            hidden: 64,
            embedding: 64,
            outputs: Outputs::Mean,
        }),
        note: None,
    },
    FixedTask {
        name: "FixedTextRNNClassification_imdb_patch32_VRNN64_tanh_avg_bs128",
        model: Model::TextClassification(TextClassification {
            length: 32,
            batch_size: 128,
            core: FixedCore::Vrnn,
            hidden: 64,
            embedding: 64,
            outputs: Outputs::Mean,
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Bowl1",
        model: Model::TwoD(TwoD {
            function: Function::Bowl { cond: 1.0 },
            start: BOWL_START,
            formula: "0.5 (x² + y²)",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Bowl10",
        model: Model::TwoD(TwoD {
            function: Function::Bowl { cond: 10.0 },
            start: BOWL_START,
            formula: "0.5 (10 x² + y²)",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Bowl100",
        model: Model::TwoD(TwoD {
            function: Function::Bowl { cond: 100.0 },
            start: BOWL_START,
            formula: "0.5 (100 x² + y²)",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Bowl1000",
        model: Model::TwoD(TwoD {
            function: Function::Bowl { cond: 1000.0 },
            start: BOWL_START,
            formula: "0.5 (1000 x² + y²)",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Rosenbrock",
        model: Model::TwoD(TwoD {
            function: Function::Test(TestFunction::Rosenbrock),
            start: [5.506_175_041, -2.403_281_927],
            formula: "Rosenbrock's function",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_StyblinskiTang",
        model: Model::TwoD(TwoD {
            function: Function::Test(TestFunction::StyblinskiTang),
            start: [2.004_117_012, -3.268_854_618],
            formula: "the function of Styblinski and Tang",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Ackley",
        model: Model::TwoD(TwoD {
            function: Function::Test(TestFunction::Ackley),
            start: [13.134_181_976, -21.422_767_639],
            formula: "Ackley's function",
        }),
        note: None,
    },
    FixedTask {
        name: "TwoD_Beale",
        model: Model::TwoD(TwoD {
            function: Function::Test(TestFunction::Beale),
            start: [1.803_705_215, -2.941_969_156],
            formula: "Beale's function",
        }),
        note: None,
    },
];
