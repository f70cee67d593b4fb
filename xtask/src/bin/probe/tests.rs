//! Tests of whole cases: ours agree with TensorFlow's, and faults that were put in are found.

use std::sync::LazyLock;

use clap::{CommandFactory, Parser};
use serde_json::{Value, json};
use taskset_nn::{
    Activation, Backend, BatchNorm, Dropout, GaussianNoise, Layer, Loss, Network, Permutation, Recurrent,
    SpatialPool, TimePool,
};

use crate::compare::Precision;
use crate::format::{self, Case};
use crate::run::Subject;
use crate::{Arguments, probe};

/// Cases of 24 fixed tasks, from upstream's graphs in TensorFlow.
const CASES: &str = include_str!("../../../tests/fixtures/tensorflow_cases.json");

static FILE: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(CASES).unwrap());

/// Values of the file that its formulas must give.
pub(crate) fn probe_values(name: &str) -> Vec<f64> {
    FILE["probe"][name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn cases() -> Vec<Case> {
    format::parse(CASES).unwrap().into_iter().map(Result::unwrap).collect()
}

/// The last case of a task.
pub(crate) fn case(task: &str) -> Case {
    cases().into_iter().rfind(|case| case.task == task).unwrap()
}

/// Runs the program on a file.
fn run_program(file: &Value, options: &[&str]) -> (anyhow::Result<bool>, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cases.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let mut out = Vec::new();
    let words = ["probe", path.to_str().unwrap()].into_iter().chain(options.iter().copied());
    let result = probe(&Arguments::try_parse_from(words).unwrap(), &mut out);
    (result, String::from_utf8(out).unwrap())
}

fn check_agreement(file: &Value, precision: &str) {
    let (result, out) = run_program(file, &["--kernels", "all", "--precision", precision]);
    assert!(result.unwrap(), "{out}");
    let cases = file["cases"].as_array().unwrap().len();
    assert_eq!(out.lines().count(), cases * Backend::available().len(), "{out}");
}

#[test]
fn all_cases_agree_with_every_kind_of_kernels() {
    assert_eq!(FILE["cases"].as_array().unwrap().len(), 25);
    check_agreement(&FILE, "f64");
    // With batch norm in convolutional networks, an input of a rectifier lies within the rounding of single precision of 0. So
    // the kernels decide about a part of the gradient that is larger than the limit.
    let mut file = FILE.clone();
    file["cases"].as_array_mut().unwrap().retain(|case| {
        let tensors = case["tensors"].as_array().unwrap();
        !tensors.iter().any(|tensor| tensor["name"].as_str().unwrap().starts_with("conv_net_2d/batch_norm"))
    });
    assert_eq!(file["cases"].as_array().unwrap().len(), 24);
    check_agreement(&file, "f32");
}

/// A fault in the task of a case must be found in both precisions.
fn check_fault(task: &str, fault: impl FnOnce(&mut Network, &mut bool)) {
    let Subject::Network { mut network, mut centre } = Subject::named(task).unwrap() else { panic!() };
    let sound = (network.clone(), centre);
    fault(&mut network, &mut centre);
    assert!(sound != (network.clone(), centre), "no fault was put in");
    let broken = Subject::Network { network, centre };
    for precision in [Precision::F64, Precision::F32] {
        let outcome = broken.run(&case(task), precision, Backend::detect()).unwrap();
        assert!(!outcome.passes(), "{task}: {precision:?} {outcome:?}");
    }
}

/// Replaces the first layer for which there is another one.
fn replace(network: &mut Network, other: impl Fn(&Layer) -> Option<Layer>) {
    let found = network.layers.iter_mut().find_map(|layer| other(layer).map(|other| (layer, other)));
    if let Some((layer, other)) = found {
        *layer = other;
    }
}

#[test]
fn faults_of_layers_are_found() {
    let activation = |network: &mut Network, _: &mut bool| {
        replace(network, |layer| match layer {
            Layer::Activation(Activation::Relu) => Some(Activation::LeakyRelu1.into()),
            _ => None,
        });
    };
    check_fault("FixedMLP_mnist_ce_128x128x128_relu_bs128", activation);
    check_fault("FixedImageConvAE_mnist_32x64x8x64x32_bs128", activation);
    check_fault("FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128", |network, _| {
        replace(network, |layer| matches!(layer, Layer::TimePool(_)).then(|| TimePool::Last.into()));
    });
    check_fault("FixedImageConv_cifar10_32x64x64_bs128", |network, _| {
        replace(network, |layer| matches!(layer, Layer::SpatialPool(_)).then(|| SpatialPool::Max.into()));
    });
    check_fault("FixedImageConv_cifar10_32x64x64_bs128", |network, _| {
        replace(network, |layer| match layer {
            &Layer::Conv(conv) => Some(taskset_nn::Conv { stride: 1, ..conv }.into()),
            _ => None,
        });
    });
    check_fault("FixedMLP_cifar10_BatchNorm_64x64x64x64x64_relu_bs128", |network, _| {
        replace(network, |layer| matches!(layer, Layer::FrozenBatchNorm(_)).then(|| BatchNorm.into()));
    });
}

#[test]
fn faults_of_losses_inputs_and_noise_are_found() {
    for task in ["FixedMLPVAE_mnist_128x8x128x128_bs128", "FixedImageConvVAE_mnist_32x32x32x32x32_bs128"] {
        check_fault(task, |_, centre| *centre = !*centre);
        // Bins as wide as the range of the pixels suggests, and a clip that never clips.
        for (clip, dequantize) in
            [(10.0, Some(2.0 / 255.0)), (f64::INFINITY, Some(1.0 / 255.0)), (10.0, None)]
        {
            // The outputs of one of the two tasks are never clipped.
            if clip.is_finite() || task.starts_with("FixedMLPVAE") {
                check_fault(task, |network, _| {
                    network.loss =
                        Loss::GaussianLikelihood(taskset_nn::GaussianLikelihood { clip, dequantize });
                });
            }
        }
    }
    check_fault("FixedMLP_mnist_ce_128x128x128_relu_bs128", |_, centre| *centre = true);
    check_fault("FixedMLP_mnist_mse_128x128x128_relu_bs128", |network, _| {
        network.loss = Loss::SoftmaxCrossEntropy;
    });
    check_fault("FixedMLP_cifar10_Dropout02_128x128_relu_bs128", |network, _| {
        replace(network, |layer| matches!(layer, Layer::Dropout(_)).then(|| Dropout { keep: 0.8 }.into()));
    });
    check_fault("FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128", |network, _| network.loss = Loss::NextToken);
    let noise = |layer: &Layer| match layer {
        Layer::GaussianNoise(_) => Some(GaussianNoise { std: 0.1 }.into()),
        _ => None,
    };
    check_fault("FixedMAF_mnist_3layer_thin_bs64", |network, _| replace(network, noise));
    check_fault("FixedNVP_mnist_3layer_thin_bs64", |network, _| replace(network, noise));
    check_fault("FixedNVP_mnist_3layer_thin_bs64", |network, _| {
        replace(network, |layer| match layer {
            Layer::Permutation(permutation) => Some(Permutation::inverse(permutation).into()),
            _ => None,
        });
    });
}

/// A fault in the case itself must be found, too.
fn check_wrong_case(task: &str, fault: impl FnOnce(&mut Case)) {
    let mut case = case(task);
    fault(&mut case);
    let outcome = Subject::named(task).unwrap().run(&case, Precision::F64, Backend::detect()).unwrap();
    assert!(!outcome.passes(), "{task}: {outcome:?}");
}

#[test]
fn every_number_counts() {
    let mlp = "FixedMLP_mnist_ce_128x128x128_relu_bs128";
    check_wrong_case(mlp, |case| case.tensors.swap(2, 4));
    check_wrong_case(mlp, |case| case.loss *= 1.0 + 1e-8);
    check_wrong_case(mlp, |case| case.tensors[2].grad.norm *= 1.0 + 1e-8);
    check_wrong_case(mlp, |case| case.tensors[2].grad.sum += 1e-8 * case.tensors[2].grad.norm);
    check_wrong_case(mlp, |case| case.tensors[2].grad.proj += 1e-8 * case.tensors[2].grad.norm);
    check_wrong_case(mlp, |case| case.tensors[2].grad.g[7] += 1e-8 * case.tensors[2].grad.norm);
    check_wrong_case(mlp, |case| case.tensors[2].amp *= 1.0 + 1e-6);
    check_wrong_case(mlp, |case| case.tensors[2].grad.norm = f64::NAN);
    check_wrong_case("Copy_GRU128_BS128_Length20_Tokens10", |case| case.tensors.swap(1, 4));
    check_wrong_case("FixedTextRNNClassification_imdb_patch32_LSTM128_bs128", |case| case.tensors.swap(1, 2));
    let maf = "FixedMAF_mnist_3layer_thin_bs64";
    check_wrong_case(maf, |case| case.tensors[0].grad.masked_norm = Some(1.0));
    check_wrong_case(maf, |case| case.tensors[2].grad.allowed = Some(vec![1; 8]));
    // Tensors that nothing reaches have gradients of exactly 0, in both precisions.
    let masked = cases().into_iter().find(|case| case.case.as_deref() == Some("masked")).unwrap();
    for precision in [Precision::F64, Precision::F32] {
        let outcome = Subject::named(maf).unwrap().run(&masked, precision, Backend::detect()).unwrap();
        let zeros = outcome.gradients.iter().filter(|gradient| gradient.limit == 0.0).count();
        assert!(zeros == 15 && outcome.passes(), "{outcome:?}");
    }
}

/// The error of a task's case after a change.
fn check_error(task: &str, change: impl FnOnce(&mut Case), words: &[&str]) {
    let mut case = case(task);
    change(&mut case);
    let outcome = Subject::named(task).unwrap().run(&case, Precision::F64, Backend::detect());
    let error = format!("{:#}", outcome.unwrap_err());
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn cases_that_do_not_fit_their_task_are_errors() {
    let mlp = "FixedMLP_mnist_ce_128x128x128_relu_bs128";
    let sequences = "Associative_LSTM128_BS128_Pairs5_Tokens20";
    check_error(mlp, |case| drop(case.tensors.pop()), &["7 tensors", "8", "layer3/b"]);
    check_error(
        mlp,
        |case| case.tensors[2].shape = vec![64, 256],
        &["mlp/linear_1/w", "[64, 256]", "layer1/w"],
    );
    check_error(mlp, |case| case.tensors[2].name = "what/gain".to_owned(), &["what/gain", "`gain`"]);
    check_error(mlp, |case| case.group = "resnet".to_owned(), &["resnet", "known are"]);
    check_error(mlp, |case| case.count = Some(7), &["`count` is 7", "134794"]);
    check_error(mlp, |case| case.inputs.rows = Some(0), &["`inputs.rows`"]);
    check_error(mlp, |case| case.inputs.rows = Some(usize::MAX), &["`inputs.rows`"]);
    check_error(mlp, |case| case.inputs.image = Some([32, 32, 3]), &["32x32x3", "28x28x1"]);
    check_error(mlp, |case| case.inputs.classes = Some(0), &["`inputs.classes` is 0"]);
    check_error(mlp, |case| case.inputs.classes = Some(1000), &["only 10 classes"]);
    check_error(mlp, |case| case.tensors[2].masked = true, &["mlp/linear_1/w", "not in the task"]);
    check_error(mlp, |case| case.group = "text".to_owned(), &["`inputs.patch` is missing"]);
    check_error(sequences, |case| case.inputs.pairs = None, &["`inputs.pairs` is missing"]);
    check_error(sequences, |case| case.inputs.pairs = Some(6), &["14 tokens", "12 tokens"]);
    check_error(sequences, |case| case.inputs.tokens = Some(21), &["token 22", "only 22"]);
    check_error(sequences, |case| case.group = "mlp".to_owned(), &["no images"]);
    let maf = "FixedMAF_mnist_3layer_thin_bs64";
    check_error(maf, |case| case.tensors[0].mask_ones = Some(5), &["maf_2/dense/kernel", "5", "100352"]);
    // A position that counts in the case, while the task's loss does not read it.
    let Subject::Network { mut network, .. } = Subject::named(sequences).unwrap() else { panic!() };
    network.loss = Loss::SequenceCrossEntropy { first: 0, steps: 11 };
    let unread = Subject::Network { network, centre: false };
    let outcome = unread.run(&case(sequences), Precision::F64, Backend::detect());
    assert!(outcome.unwrap_err().to_string().contains("position 11"));
    // An initial state that the task does not train.
    let task = "FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128";
    let Subject::Network { mut network, .. } = Subject::named(task).unwrap() else { panic!() };
    replace(&mut network, |layer| match layer {
        &Layer::Recurrent(recurrent) => Some(Recurrent { trainable_init: false, ..recurrent }.into()),
        _ => None,
    });
    let fixed = Subject::Network { network, centre: false };
    assert!(fixed.run(&case(task), Precision::F64, Backend::detect()).is_err());
}

/// Half the square of a vector that is stretched in one direction, at `(0.5 + 2 c(1, 0), 0.5 + 2 c(1, 1))`.
#[test]
fn formulas_are_compared_too() {
    let c = |i| crate::formulas::centred(1, i);
    let (x, y) = (0.5 + 2.0 * c(0), 0.5 + 2.0 * c(1));
    let (gx, gy) = (10.0 * x, y);
    let (p0, p1) = (crate::formulas::centred(3001, 0), crate::formulas::centred(3001, 1));
    let file = |loss: f64| {
        json!({"cases": [{
            "task": "TwoD_Bowl10", "group": "two_d", "count": 2, "loss": loss, "grad_norm": gx.hypot(gy),
            "tensors": [{
                "name": "position", "shape": [2, 1], "amp": 2.0, "offset": 0.5,
                "grad": {"norm": gx.hypot(gy), "sum": gx + gy, "proj": p0 * gx + p1 * gy, "at": [0, 1], "g": [gx, gy]},
            }],
        }]})
    };
    let loss = 0.5 * (10.0 * x * x + y * y);
    assert!(run_program(&file(loss), &[]).0.unwrap());
    assert!(!run_program(&file(loss * 1.001), &[]).0.unwrap());
}

#[test]
fn the_program_says_what_failed_and_goes_on() {
    Arguments::command().debug_assert();
    let mut file = FILE.clone();
    file["cases"].as_array_mut().unwrap().truncate(3);
    file["cases"][0]["task"] = json!("Associative_LSTM_of_nobody");
    file["cases"][1]["tensors"][0]["grad"]["norm"] = json!(3.0);
    file["cases"][2]["loss"] = json!(null);
    let (result, out) = run_program(&file, &["--precision", "f64"]);
    assert!(!result.unwrap());
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("FAIL") && lines[0].contains("Associative_LSTM_of_nobody: there is no task"),
        "{out}"
    );
    assert!(lines[1].contains("gradient") && lines[1].contains("gru/wz"), "{out}");
    assert!(lines[2].contains("FAIL gru/wz, ours layer0/wz"), "{out}");
    assert!(lines[3].contains("norm") && lines[3].contains("theirs"), "{out}");
    assert!(lines.last().unwrap().starts_with("FAIL  case 2 (counted from 0), Copy_VRNN128"), "{out}");

    // One case of one precision, as JSON.
    let (result, out) = run_program(&FILE, &["--task", "Copy_GRU*", "--precision", "f32", "--json"]);
    assert!(result.unwrap());
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&line["passes"], &line["precision"]), (&json!(true), &json!("f32")));
    assert_eq!(line["outcome"]["gradients"].as_array().unwrap().len(), 11);

    let (_, out) = run_program(&FILE, &["--task", "Copy_GRU*", "--precision", "f32", "--verbose"]);
    assert!(out.contains("ok   linear/b, ours layer1/b") && out.contains("projection"), "{out}");
    assert!(run_program(&FILE, &["--task", "Nobody*"]).0.is_err());
    assert!(run_program(&json!([]), &[]).0.is_err());
}
