//! W0 to W11: the workloads that JAX and PyTorch are timed on too (`benches/peers/README.md` describes them).

use taskset_datasets::{Datasets, Source};
use taskset_nn::kernels::prefetch;
use taskset_nn::{
    Activation, Conv, Core, Dense, Embed, GaussianLikelihood, Initializer, InvalidNetwork, Latent, Layer,
    Loss, Lstm, Network, Padding, Plan, Recurrent, Shape, SpatialPool,
};
use taskset_optim::{Run, Step};
use taskset_rng::{Stream, StreamId};
use taskset_tasks::Layout;
use taskset_tasks::families::TaskConfig;
use taskset_tasks::families::quadratic::{Distribution, OutputFn, QuadraticConfig};

use crate::tasks::TaskTraining;
use crate::training::Training;
use crate::trials::adam;

/// What is timed here and in the peers.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// The task that it is, on a stand-in for its data; the others are written below.
    pub(crate) task: Option<&'static str>,
}

const fn network(name: &'static str, what: &'static str) -> Workload {
    Workload { name, what, task: None }
}

const fn task(name: &'static str, what: &'static str, task: &'static str) -> Workload {
    Workload { name, what, task: Some(task) }
}

/// The workloads.
pub(crate) const WORKLOADS: [Workload; 12] = [
    network("W0", "mlp 8-8-8-10, batch 4"),
    network("W1", "mlp 784-32-32-10, batch 16"),
    network("W2", "mlp 3072-128-128-128-10, batch 128"),
    network("W3", "conv 3-32-64-64 on 32x32, batch 64"),
    network("W4", "byte LSTM 128, 64 steps, batch 64"),
    network("W5", "quadratic, 100 dimensions"),
    network("W6", "vae 784-64-32-64-784, batch 64"),
    task("W7", "conv vae on 32x32, batch 128", "FixedImageConvVAE_cifar10_32x64x128x64x32_bs128"),
    task("W8", "conv, batch norm on 32x32, batch 128", "FixedImageConv_cifar10_batchnorm_32x64x64_bs128"),
    task("W9", "one-hot LSTM 128, 42 steps, batch 128", "Associative_LSTM128_BS128_Pairs20_Tokens50"),
    task(
        "W10",
        "text GRU 64, 32 steps, batch 128",
        "FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128",
    ),
    task("W11", "nvp 784, 5 couplings 128-128, batch 64", "FixedNVP_mnist_5layer_thin_bs64"),
];

/// The task that a workload is, or the name itself.
pub(crate) fn task_of(name: &str) -> &str {
    WORKLOADS.iter().find(|w| w.name == name).and_then(|w| w.task).unwrap_or(name)
}

/// Starts a workload, or a task of any name on a stand-in for its data; `W5:vmapK` is K trainings in lockstep.
///
/// # Errors
/// For a name that is none.
pub(crate) fn start(name: &str) -> Result<Box<dyn Training>, String> {
    let trials = name.strip_prefix("W5:vmap").and_then(|k| k.parse().ok()).filter(|k| (1..=64).contains(k));
    if let Some(trials) = trials {
        return quadratic(trials);
    }
    let mlp =
        |inputs, sizes: &[usize]| Network::mlp(inputs, sizes, Activation::Relu, Loss::SoftmaxCrossEntropy);
    let (network, rows, examples) = match name {
        "W0" => (mlp(8, &[8, 8, 10]), 4, 1000),
        "W1" => (mlp(784, &[32, 32, 10]), 16, 10_000),
        "W2" => (mlp(3072, &[128, 128, 128, 10]), 128, 2000),
        "W3" => (convolutions(), 64, 2000),
        "W4" => (language_model(), 64, 4000),
        "W5" => return quadratic(1),
        "W6" => (vae(), 64, 10_000),
        _ => {
            let task = TaskTraining::named(task_of(name)).map_err(|error| error.to_string())?;
            return Ok(Box::new(task));
        }
    };
    let model = Model::new(name, &network, rows, examples).map_err(|error| error.to_string())?;
    Ok(Box::new(model))
}

/// 3×3 with stride 2, then the mean of each channel.
fn convolutions() -> Network {
    let convolution = |outputs| Conv { outputs, kernel: 3, stride: 2, padding: Padding::Same, bias: true };
    let mut layers = Vec::new();
    for outputs in [32, 64, 64] {
        layers.extend([convolution(outputs).into(), Activation::Relu.into()]);
    }
    layers.extend([SpatialPool::Mean.into(), Dense { outputs: 10 }.into()]);
    let image = Shape::Image { height: 32, width: 32, channels: 3 };
    Network::new(image, layers, Loss::SoftmaxCrossEntropy)
}

/// Predicts 64 bytes from those before them; the output behind the last of a row's 65 tokens is never computed.
fn language_model() -> Network {
    let lstm = Lstm { units: 128, w_gates: Initializer::GlorotNormal };
    let layers = vec![
        Embed { width: 64 }.into(),
        Recurrent { core: Core::Lstm(lstm), trainable_init: false }.into(),
        Dense { outputs: 256 }.into(),
    ];
    Network::new(Shape::Tokens { length: 65, vocabulary: 256 }, layers, Loss::NextToken)
}

/// Latent width 32, outputs neither clipped nor dequantised.
fn vae() -> Network {
    let relu = || Layer::from(Activation::Relu);
    let layers = vec![
        Dense { outputs: 64 }.into(),
        relu(),
        Dense { outputs: 64 }.into(),
        Latent.into(),
        Dense { outputs: 64 }.into(),
        relu(),
        Dense { outputs: 1568 }.into(),
    ];
    let likelihood = GaussianLikelihood { clip: f64::INFINITY, dequantize: None };
    Network::new(Shape::Features(784), layers, Loss::GaussianLikelihood(likelihood))
}

/// `mean((A x)²)` with a normal matrix: the peers' objective with b = 0.
fn quadratic(trials: usize) -> Result<Box<dyn Training>, String> {
    let normal = Distribution::Normal { mean: 0.0, std: 1.0 };
    let config = QuadraticConfig {
        a_dist: normal,
        initial_dist: normal,
        output_fn: OutputFn::Identity,
        dims: 100,
        seed: 1,
        loss_scale: 0.01,
        a_noise: None,
    };
    let body = config.body().map_err(|infeasible| infeasible.0)?;
    let task = body.build("W5", &Datasets::new(Source::Synthetic)).map_err(|error| error.to_string())?;
    Ok(Box::new(TaskTraining::new(&*task, trials)))
}

/// A network on random examples in memory; a minibatch is gathered from them every step. Its rows are known a step earlier
/// and asked for then: the examples of W1, W2 and W6 exceed most caches.
struct Model {
    plan: Plan<f32>,
    features: Vec<f32>,
    tokens: Vec<u16>,
    labels: Vec<u16>,
    /// The examples of the next minibatch.
    next: Vec<usize>,
    stream: Stream,
    params: Vec<f32>,
    gradients: Vec<f32>,
    run: Box<dyn Run<f32>>,
    flops: f64,
}

impl Model {
    /// Features uniform on [0, 1), labels and tokens uniform.
    fn new(name: &str, network: &Network, rows: usize, examples: usize) -> Result<Self, InvalidNetwork> {
        let mut stream = StreamId::root("bench").child(name).stream();
        let mut params = vec![0.0; network.parameter_count()];
        network.init(&mut params, &mut stream);
        let mut layout = Layout::default();
        for parameter in network.parameters() {
            layout.push_as(parameter.name, &parameter.shape, parameter.role);
        }
        let (length, vocabulary) = match network.input {
            Shape::Tokens { length, vocabulary } => (length, vocabulary as u64),
            _ => (0, 1),
        };
        Ok(Self {
            plan: Plan::new(network, rows)?,
            features: (0..examples * network.input.len()).map(|_| stream.unit_f32()).collect(),
            tokens: (0..examples * length).map(|_| stream.below(vocabulary) as u16).collect(),
            labels: (0..examples).map(|_| stream.below(10) as u16).collect(),
            next: (0..rows).map(|_| stream.below(examples as u64) as usize).collect(),
            stream,
            gradients: params.clone(),
            run: adam(1e-3, &layout, &params),
            params,
            flops: network.flops_per_step(rows),
        })
    }
}

impl Training for Model {
    fn step(&mut self) -> f32 {
        let (rows, examples) = (self.plan.rows(), self.labels.len());
        let (width, length) = (self.features.len() / examples, self.tokens.len() / examples);
        let batch = self.plan.batch_mut();
        for (row, &example) in self.next.iter().enumerate() {
            let (features, tokens) =
                (example * width..(example + 1) * width, example * length..(example + 1) * length);
            batch.features[row * width..(row + 1) * width].copy_from_slice(&self.features[features]);
            batch.tokens[row * length..(row + 1) * length].copy_from_slice(&self.tokens[tokens]);
            batch.labels[row] = self.labels[example];
        }
        for next in &mut self.next {
            *next = self.stream.below(examples as u64) as usize;
            prefetch(&self.features[*next * width..(*next + 1) * width]);
        }
        self.plan.draw_noise(0..rows, &mut self.stream);
        let loss = self.plan.loss_and_gradients(&self.params, &mut self.gradients);
        let loss = loss as f32;
        self.run.update(Step::new(&self.gradients).with_loss(loss), &mut self.params);
        loss
    }

    fn flops(&self) -> f64 {
        self.flops
    }
}
