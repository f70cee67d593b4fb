//! Fixed tasks against the published names and parameter counts.

use std::collections::HashSet;

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_rng::StreamId;
use taskset_tasks::{Feed, build, describe, select};

/// Names and parameter counts, in the paper's order.
fn published() -> Vec<(&'static str, u64)> {
    include_str!("../fixtures/fixed_num_params.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(name, count)| (name, count.parse().unwrap()))
        .collect()
}

#[test]
fn names_are_the_papers_in_its_order() {
    let expected: Vec<&str> = published().into_iter().map(|(name, _)| name).collect();
    let names = select(&["fixed"]).unwrap();
    assert_eq!(names, expected);
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 109);
}

#[test]
fn parameter_counts_are_upstreams() {
    let names = select(&["fixed"]).unwrap();
    let found: Vec<(&str, u64)> =
        names.iter().map(|name| (name.as_str(), describe(name).unwrap().num_params)).collect();
    assert_eq!(found, published());
}

#[test]
fn most_have_between_ten_thousand_and_a_million_parameters() {
    let names = select(&["fixed"]).unwrap();
    let sizes = names.iter().map(|name| describe(name).unwrap().num_params);
    assert_eq!(sizes.filter(|count| (10_000..=1_000_000).contains(count)).count(), 81);
}

#[test]
fn data_sets_are_those_really_used() {
    let check = |name: &str, dataset: Option<&str>| {
        assert_eq!(describe(name).unwrap().dataset.as_deref(), dataset, "{name}");
    };
    check("FixedImageConvVAE_mnist_32x64x32x64x32_bs128", Some("cifar10"));
    check("FixedMLPVAE_cifar101_128x32x128_bs128", Some("cifar10"));
    check("Imagenet32x30_FC_VAE_128x64x32x64x128_relu_bs256", Some("food101_32x32"));
    check("FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128", Some("lm1b/bytes"));
    check("Copy_GRU128_BS128_Length20_Tokens10", None);
    check("TwoD_Bowl1", None);
}

#[test]
fn summaries_say_what_names_hide() {
    let check = |name: &str, part: &str| {
        let summary = describe(name).unwrap().summary;
        assert!(summary.contains(part), "{name}: {summary}");
    };
    check("FixedMLP_cifar10_Dropout02_128x128_relu_bs128", "dropout keeping 0.2");
    check("FixedNVP_mnist_9layer_thin_bs16", "batch 64");
    check("FixedImageConv_cifar10_32x64x128_he_bs64", "tanh, he_normal init, max pooling");
    check("FixedImageConvAE_mnist_32x64x32x64x32_bs512", "to 64x64");
}

#[test]
fn a_note_says_where_the_name_lies() {
    let note = |name: &str| describe(name).unwrap().note.unwrap_or_default();
    assert!(note("FixedImageConvVAE_mnist_32x64x32x64x32_bs128").contains("cifar10"));
    assert!(note("FixedNVP_mnist_9layer_thin_bs16").contains("64"));
    assert!(note("FixedMLP_mnist_ce_128x128x128_relu_bs128").is_empty());
    let names = select(&["fixed"]).unwrap();
    let notes: Vec<&str> = names.iter().map(|name| note(name)).filter(|note| !note.is_empty()).collect();
    assert_eq!(notes.len(), 24);
    assert!(notes.iter().all(|note| note.ends_with('.') && !note.contains('\n')), "{notes:?}");
}

/// Batch norm must not see the examples of other minibatches, and a ratio of sums must not be taken over several of them.
#[test]
fn evaluations_of_dependent_examples_are_means_over_minibatches() {
    let data = Datasets::new(Source::Synthetic);
    for (name, dependent) in [
        ("FixedImageConv_cifar10_batchnorm_32x64x64_bs128", true),
        ("FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128", true),
        ("Associative_VRNN128_BS128_Pairs10_Tokens50", true),
        ("FixedMLP_mnist_ce_128x128x128_relu_bs128", false),
    ] {
        let task = build(name, &data).unwrap();
        assert_eq!(task.capabilities().fuses_minibatches, !dependent, "{name}");
        let replica = StreamId::root("dependent");
        let (mut together, mut apart) = (task.start(&replica), task.start(&replica));
        let mut params = vec![0.0; task.layout().len()];
        together.init(&mut params);
        let mean = together.mean_loss(Split::Test, &params, 3);
        let mut sum = 0.0;
        for _ in 0..3 {
            apart.next_batch(Feed::Evaluation(Split::Test));
            sum += f64::from(apart.loss(&params));
        }
        let error = if dependent { 1e-7 } else { 1e-6 };
        assert!((mean - sum / 3.0).abs() < error * mean, "{name}: {mean} {}", sum / 3.0);
    }
}
