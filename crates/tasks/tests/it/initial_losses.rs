//! Where the fixed tasks start, against theory: initial parameters are small or of known size, so the first loss is known.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use taskset_datasets::{Carving, Datasets, Source, carve};
use taskset_names::Split;
use taskset_rng::StreamId;
use taskset_tasks::fixed::{Between, ConvInitializer, FixedCore, FixedTask, MlpLoss, Model, Outputs, TASKS};
use taskset_tasks::{Body, Examples, specification};

/// The range in which the initial loss of a task must lie.
struct Expected {
    lowest: f64,
    highest: f64,
}

/// The loss of a classifier of K classes whose logits are independent of the label, with variance `spread` at most.
///
/// For such logits the mean of −log p is at least ln K, because the mean over all labels is (Jensen), and at most
/// ln K + spread / 2, because E ln Σ exp ≤ ln Σ E exp. One minibatch, whose losses vary as the logits do, has three standard
/// errors of slack.
fn classifier(classes: usize, spread: f64, rows: usize) -> Expected {
    let equal = (classes as f64).ln();
    let slack = 0.02 + 3.0 * (spread / rows as f64).sqrt();
    Expected { lowest: equal - slack, highest: equal + spread / 2.0 + slack }
}

/// The variance of `x · w` for weights that Sonnet's default draws, where the mean of x² is at most 1: `0.8796²`, the
/// variance of a standard normal that is redrawn until within two deviations.
const SONNET: f64 = 0.7737;

/// What the images of a task are, in the range that its model sees: the mean of `x²` and of `(x − ½)²` over the test split.
fn moments(task: &FixedTask, data: &Datasets) -> (f64, f64, f64) {
    let Ok(Body::Network(body)) = task.specification().body else { panic!("{} is no network", task.name) };
    let Examples::Images(examples) = body.examples else { panic!("{} has no images", task.name) };
    let images = data.images(&examples.dataset).unwrap();
    let splits = carve(&images, Carving::Fixed, None);
    let (mut square, mut centred, mut count) = (0.0, 0.0, 0.0);
    for &example in splits.get(Split::Test).iter().take(2000) {
        for &byte in images.pixels(example) {
            let unit = f64::from(byte) / 255.0;
            let x = if examples.centre { 2.0 * unit - 1.0 } else { unit };
            square += x * x;
            centred += (x - 0.5) * (x - 0.5);
            count += 1.0;
        }
    }
    (square / count, centred / count, images.shape().len() as f64)
}

fn around(value: f64, below: f64, above: f64) -> Expected {
    Expected { lowest: value * (1.0 - below), highest: value * (1.0 + above) }
}

/// Minus the evidence lower bound (nats) of a variational autoencoder with so many hidden layers.
///
/// Pixels are normal, plus the logarithm of a bin. Every hidden layer passes on the variance of its inputs times 0.77 / 2.
/// So the encoder's outputs have the variance e, the samples E z² = e + exp(2e), and the decoder's means μ and log
/// deviations ℓ the variance v: E ½ (x − μ)² exp(−2ℓ) = ½ (x² + v) exp(2v). v is proportional to the mean of z² over the
/// latent variables, whose relative deviation is √(2 / n): three of them are added. The divergence adds little.
fn variational(task: &FixedTask, data: &Datasets, [encoder, decoder]: [usize; 2], latent: usize) -> Expected {
    let (square, _, pixels) = moments(task, data);
    let behind = |layers: usize, square: f64| SONNET * (SONNET / 2.0).powi(layers as i32) * square;
    let e = behind(encoder, square);
    let v = behind(decoder, e + (2.0 * e).exp()) * (1.0 + 3.0 * (2.0 / latent as f64).sqrt());
    let constant = 0.5 * (2.0 * std::f64::consts::PI).ln() + 255f64.ln();
    Expected {
        lowest: 0.99 * pixels * (constant + 0.5 * square),
        highest: 1.02 * pixels * (constant + 0.5 * (square + v) * (2.0 * v).exp()),
    }
}

/// Minus the log density (nats) of a standard normal for these pixels with noise of deviation 0.01.
fn standard_normal((square, _, pixels): (f64, f64, f64)) -> f64 {
    0.5 * pixels * (square + 1e-4 + (2.0 * std::f64::consts::PI).ln())
}

fn expected(task: &FixedTask, data: &Datasets) -> Expected {
    let classes = |dataset: &str| taskset_datasets::images::image_info(dataset).unwrap().classes;
    match task.model {
        // Outputs of cores with tanh lie between −1 and 1.
        Model::Associative(model) => classifier(model.tokens + 2, SONNET, 128),
        Model::Copy(model) => classifier(model.tokens + 2, SONNET, 128),
        Model::LanguageModel(_) => classifier(256, SONNET, 128),
        Model::TextClassification(model) => {
            // The state of an identity RNN is the sum of 32 inputs of variance 0.77, kept above 0; the mean over all steps
            // has less than half of that. Of two logits only the difference matters, whose variance is twice theirs.
            let spread = match (model.core, model.outputs) {
                (FixedCore::Irnn, Outputs::Last) => SONNET * SONNET * 32.0,
                (FixedCore::Irnn, Outputs::Mean) => SONNET * SONNET * 16.0,
                // Each step of a relu RNN keeps 0.39 of the variance of its state.
                (FixedCore::VrnnRelu, _) => SONNET * SONNET / (1.0 - SONNET / 2.0),
                _ => SONNET,
            };
            classifier(2, spread, model.batch_size)
        }
        // Maps behind tanh lie between −1 and 1; relu halves the variance that each layer passes on; batch norm has
        // variance 1 behind it, of which relu leaves one half.
        Model::ConvPooling(model) => {
            classifier(classes(model.images.dataset), SONNET, model.images.batch_size)
        }
        Model::ConvFc(model) => {
            // The last layer has the stated initialiser, too: variance 2 or 2.01 for inputs between −1 and 1.
            let spread = match model.init {
                ConvInitializer::HeNormal | ConvInitializer::VarianceScaling => 2.02,
                _ => SONNET,
            };
            classifier(classes(model.images.dataset), spread, model.images.batch_size)
        }
        Model::Mlp(model) => match model.loss {
            MlpLoss::CrossEntropy => {
                let spread = match model.between {
                    // A unit that is kept is divided by the probability: each of two layers has 1 / keep of the variance,
                    // of which relu leaves one half.
                    Between::Dropout(keep) => SONNET.powi(3) / (keep * keep) / 4.0,
                    _ => SONNET,
                };
                classifier(classes(model.images.dataset), spread, model.images.batch_size)
            }
            // Sigmoids of small numbers: ¼, and 1/16 of their variance. The ten weights of a class may lie to one side.
            MlpLoss::SquaredError => Expected { lowest: 0.22, highest: 0.25 + SONNET / 16.0 },
        },
        // Sigmoids of small numbers: the distance of the pixels from ½. The numbers add 1/16 of their variance, which four
        // layers have halved.
        Model::ConvAe(_) | Model::MlpAe(_) => {
            let (_, centred, _) = moments(task, data);
            let slack = around(centred, 0.08, 0.08);
            Expected { highest: slack.highest + SONNET.powi(4) / 8.0 / 16.0, ..slack }
        }
        Model::ConvVae(model) => {
            variational(task, data, [model.encoder.len(), model.decoder.len()], model.latent)
        }
        Model::MlpVae(model) => {
            variational(task, data, [model.encoder.len(), model.decoder.len()], model.latent)
        }
        // Where all kernels but the first are masked, nothing is shifted or scaled.
        Model::Maf(model) => {
            let normal = standard_normal(moments(task, data));
            let degenerate = model.hidden[0] < 784;
            if degenerate { around(normal, 0.02, 0.02) } else { around(normal, 0.05, 0.1) }
        }
        // Shifts and log scales are small, because relu halves the variance of two layers. What one bijector adds to the
        // density, others take away.
        Model::Nvp(_) => around(standard_normal(moments(task, data)), 0.05, 0.1),
        Model::TwoD(_) => Expected { lowest: 0.0, highest: f64::INFINITY },
    }
}

/// The function at upstream's start, as TensorFlow 1.15.5 computes it, is tested with the functions themselves.
#[test]
fn fixed_tasks_start_where_theory_says() {
    let data = Datasets::new(Source::Synthetic);
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(task) = TASKS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().extend(check(task, &data));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the initial losses of a task on the four splits.
fn check(task: &FixedTask, data: &Datasets) -> Vec<String> {
    let spec = specification(task.name).unwrap();
    let built = spec.build(data).unwrap();
    let mut problem = built.start(&StreamId::root("initial-losses"));
    let mut params = vec![0.0; built.layout().len()];
    problem.init(&mut params);
    let Expected { lowest, highest } = expected(task, data);
    // The largest are slow, and no split is special to them.
    let splits = if spec.num_params() > 7_000_000 { &Split::ALL[3..] } else { &Split::ALL[..] };
    let losses = splits.iter().map(|&split| (split, problem.mean_loss(split, &params, 1)));
    let outside = losses.filter(|(_, loss)| !(lowest..=highest).contains(loss));
    outside
        .map(|(split, loss)| format!("{} {split}: {loss}, not in {lowest}..{highest}", task.name))
        .collect()
}
