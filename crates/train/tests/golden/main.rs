//! Digests of short curves, one per task group, optimizer rule and class of arithmetic: they fail when bits move without a
//! new revision.
//!
//! After a change that moves bits on purpose: raise the revision of what moved (the failure says where it stands), then run
//! `TASKSET_WRITE_GOLDEN=1 cargo test -p taskset-train --test golden`. An entry whose revisions are as before is never
//! overwritten.
//!
//! A test binary of its own, because it chooses kernels for the whole process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use taskset_datasets::{Datasets, Source};
use taskset_nn::Backend;
use taskset_optim::{
    AdamW, Config, Lamb, Mode, Muon, MuonScale, MuonTensors, Optimizer, ScheduleFreeAdamW, Sgd, families,
    named,
};
use taskset_train::{Curve, Protocol, Quiet, TRAINER_REVISION, arithmetic, run_trial};
use taskset_trial::{Arithmetic, Digest};

/// Short tasks of every group that can be trained; together they have every kind of layer, loss, data and noise.
const TASKS: [&str; 29] = [
    "mlp_family_seed131",
    "mlp_family_seed182",
    "mlp_ae_family_seed420",
    "mlp_vae_family_seed468",
    "conv_pooling_family_seed226",
    "conv_pooling_family_seed137",
    "conv_fc_family_seed760",
    "nvp_family_seed565",
    "maf_family_seed953",
    "char_rnn_language_model_family_seed588",
    "word_rnn_language_model_family_seed628",
    "rnn_text_classification_family_seed624",
    "rnn_text_classification_family_seed600",
    "quadratic_family_seed1",
    "quadratic_family_seed13",
    "losg_tasks_family_seed0",
    "losg_tasks_family_seed3",
    "losg_tasks_family_seed4",
    "losg_tasks_family_seed27",
    "TwoD_Bowl10",
    "TwoD_Rosenbrock",
    "TwoD_Ackley",
    "TwoD_Beale",
    "TwoD_StyblinskiTang",
    "FixedMLP_mnist_ce_128x128x128_relu_bs128",
    "FixedMLP_cifar10_LayerNorm_128x128x128_tanh_bs128",
    "FixedMLP_cifar10_Dropout05_128x128_relu_bs128",
    "FixedMLP_cifar10_BatchNorm_64x64x64x64x64_relu_bs128",
    "FixedMLP_cifar10_mse_128x128x128_relu_bs128",
];

/// Tasks of the other groups of fixed tasks, whose steps take longer: they are trained for fewer steps.
const LARGE_TASKS: [&str; 14] = [
    "Associative_LSTM128_BS128_Pairs5_Tokens20",
    "Copy_VRNN128_BS128_Length20_Tokens10",
    "FixedImageConv_cifar10_batchnorm_32x64x64_bs128",
    "Mnist_Conv_32x16x64_flatten_FC32_tanh_bs32",
    "FixedImageConvAE_mnist_32x64x8x64x32_bs128",
    "FixedImageConvVAE_mnist_32x32x32x32x32_bs128",
    "FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128",
    "FixedMAF_mnist_3layer_thin_bs64",
    "FixedNVP_mnist_3layer_thin_bs64",
    "FixedMLPAE_mnist_32x32x32_bs128",
    "FixedMLPVAE_mnist_128x8x128x128_bs128",
    "FixedTextRNNClassification_imdb_patch32_LSTM128_bs128",
    "FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128",
    "FixedTextRNNClassification_imdb_patch32_IRNN64_relu_last_bs128",
];

/// The task on which rules are compared: 100 parameters and a noisy gradient.
const RULES_ON: &str = "quadratic_family_seed1";

/// The task on which rules that look at tensors are compared: kernels, hidden and last matrices, biases.
const TENSORS_ON: &str = "conv_fc_family_seed760";

/// One entry of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Golden {
    /// Which code made the curve, on which data.
    revisions: String,
    /// SHA-256 of the bits of all losses, and of the step of divergence.
    digest: String,
}

/// Entries by what they are of: `task <name> <class>`, `rule <optimizer> <mode> <class>` or `rule <label> <class>`.
type Entries = BTreeMap<String, Golden>;

fn digest(curve: &Curve) -> String {
    let mut bytes: Vec<u8> =
        curve.losses.iter().flatten().flat_map(|loss| loss.to_bits().to_le_bytes()).collect();
    bytes.extend(curve.diverged_at.unwrap_or(u32::MAX).to_le_bytes());
    Digest::of(&bytes).to_string()
}

/// Trains a few steps on the kernels that are chosen now.
fn train(data: &Datasets, task: &str, optimizer: &str, mode: Mode, protocol: Protocol) -> Golden {
    train_on(data, task, &named(optimizer).unwrap().configured(mode, 4).unwrap(), protocol)
}

const SHORT: Protocol = Protocol { steps: 4, eval_every: 2, eval_batches: 2 };
const SHORTEST: Protocol = Protocol { steps: 2, eval_every: 2, eval_batches: 1 };

fn train_on(data: &Datasets, task: &str, optimizer: &dyn Optimizer, protocol: Protocol) -> Golden {
    let task = taskset_tasks::build(task, data).unwrap();
    let curve = run_trial(&*task, optimizer, 0, &protocol, &mut Quiet, &AtomicBool::new(false)).unwrap();
    let version = curve.spec.task.version.clone().unwrap();
    // Trials on other data are other trials, whatever the revisions.
    let data = curve.spec.task.data_digest.map_or("none".to_owned(), |digest| digest.short());
    let revisions = format!(
        "{} {}, {} {}, trainer {TRAINER_REVISION}, data {data}",
        version.group,
        version.revision,
        curve.spec.optimizer.family,
        curve.spec.optimizer.revision.unwrap()
    );
    Golden { revisions, digest: digest(&curve) }
}

/// All entries on some kernels.
fn entries(data: &Datasets, class: Arithmetic) -> Entries {
    let mut entries = Entries::new();
    let tasks = TASKS.map(|task| (task, SHORT)).into_iter().chain(LARGE_TASKS.map(|task| (task, SHORTEST)));
    for (task, protocol) in tasks {
        let golden = train(data, task, "adam_lr_-2.00", Mode::Upstream, protocol);
        entries.insert(format!("task {task} {class}"), golden);
    }
    for info in families() {
        if !info.has_modes {
            continue;
        }
        // A member that uses all of its family's terms.
        let name = info.names().nth(3).or_else(|| info.names().next()).unwrap();
        for mode in Mode::ALL {
            entries.insert(format!("rule {name} {mode} {class}"), train(data, RULES_ON, &name, mode, SHORT));
        }
    }
    // Other families have terms that no one member has all of, and look at the tensors of a task.
    for (label, config) in every_term() {
        let optimizer = config.configured(Mode::Upstream, 4).unwrap().with_name(label);
        entries.insert(format!("rule {label} {class}"), train_on(data, TENSORS_ON, &optimizer, SHORT));
    }
    entries
}

/// Configurations of the families without modes, which use every term and every branch between them; 4 steps are trained.
fn every_term() -> Vec<(&'static str, Config)> {
    let sgd = Sgd { learning_rate: 0.01, momentum: 0.9, nesterov: false };
    let adamw =
        AdamW { weight_decay: 0.1, warmup_fraction: 0.5, min_learning_rate_mult: 0.1, ..AdamW::DEFAULT };
    let lamb = Lamb { weight_decay: 0.1, ..Lamb::DEFAULT };
    let schedule_free =
        ScheduleFreeAdamW { weight_decay: 0.1, warmup_steps: 2, ..ScheduleFreeAdamW::DEFAULT };
    let muon = Muon { weight_decay: 0.1, aux_weight_decay: 0.1, tensors: MuonTensors::All, ..Muon::DEFAULT };
    vec![
        ("sgd heavy ball", sgd.into()),
        ("sgd nesterov", Sgd { nesterov: true, ..sgd }.into()),
        ("adamw", adamw.into()),
        ("lamb", lamb.into()),
        ("schedule_free_adamw", schedule_free.into()),
        (
            "schedule_free_adamw means",
            ScheduleFreeAdamW { r: 1.0, inner_momentum: 0.9, ..schedule_free }.into(),
        ),
        ("muon", muon.into()),
        ("muon hidden", Muon { tensors: MuonTensors::Hidden, nesterov: false, ..muon }.into()),
        ("muon match_rms_adamw", Muon { scale: MuonScale::MatchRmsAdamw, ..muon }.into()),
        ("muon spectral_unclamped", Muon { scale: MuonScale::SpectralUnclamped, ..muon }.into()),
    ]
}

#[test]
fn every_family_has_a_digest() {
    let covered: BTreeSet<String> =
        every_term().iter().map(|(_, config)| config.family().to_string()).collect();
    for info in families() {
        assert!(info.has_modes || covered.contains(info.name), "add `{}` to `every_term`", info.name);
    }
}

#[test]
fn bits_move_only_with_a_new_revision() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/curves.json");
    let stored: Entries =
        std::fs::read_to_string(&path).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default();
    let data = Datasets::new(Source::Synthetic);
    let mut found: BTreeMap<Arithmetic, (Backend, Entries)> = BTreeMap::new();
    for kernels in Backend::available() {
        Backend::choose(Some(kernels));
        let class = arithmetic(kernels);
        let entries = entries(&data, class);
        match found.get(&class) {
            None => drop(found.insert(class, (kernels, entries))),
            // All instruction sets of a class give the same bits on every group.
            Some((other, expected)) => {
                for (what, golden) in &entries {
                    assert_eq!(golden, &expected[what], "{what}: {} and {}", kernels.name(), other.name());
                }
                println!("{} and {} give equal bits", kernels.name(), other.name());
            }
        }
    }
    for class in [Arithmetic::Fma, Arithmetic::Portable] {
        if !found.contains_key(&class) {
            // Not by a macro, whose output the test harness keeps to itself.
            let said = format!("skipped: this machine has no kernels of arithmetic {class}\n");
            drop(std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()));
        }
    }
    let found: Entries = found.into_values().flat_map(|(_, entries)| entries).collect();
    let mut problems = String::new();
    let mut merged = stored.clone();
    for (what, golden) in &found {
        match stored.get(what) {
            Some(known) if known == golden => {}
            Some(known) if known.revisions == golden.revisions => {
                let _ = writeln!(
                    problems,
                    "{what}: the curve has other bits, and its revisions are still `{}`: raise the revision of the task's \
                     group (crates/tasks), the optimizer's family (crates/optim) or TRAINER_REVISION \
                     (crates/train/src/identity.rs)",
                    known.revisions
                );
            }
            _ => drop(merged.insert(what.clone(), golden.clone())),
        }
    }
    assert_eq!(problems, "");
    // Entries of classes that this machine does not have are kept; those of tasks that no longer exist are removed.
    let class_of = |what: &str| what.rsplit(' ').next().map(str::to_owned);
    let tested: BTreeSet<_> = found.keys().map(|what| class_of(what)).collect();
    merged.retain(|what, _| found.contains_key(what) || !tested.contains(&class_of(what)));
    if merged != stored {
        let write = std::env::var_os("TASKSET_WRITE_GOLDEN").is_some();
        assert!(write, "revisions or tasks have changed: write the digests anew with TASKSET_WRITE_GOLDEN=1");
        std::fs::write(&path, serde_json::to_string_pretty(&merged).unwrap() + "\n").unwrap();
        println!("{} was written", path.display());
    }
}
