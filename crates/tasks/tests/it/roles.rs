//! The roles of all tensors, for one task or more of every family and group that can be trained. Optimizers that treat
//! tensors differently decide by them: whoever changes a role changes the curves of such optimizers.

use taskset_datasets::{Datasets, Source};
use taskset_tasks::build;

fn check(task: &str, expected: &[(&str, &str)]) {
    let task = build(task, &Datasets::new(Source::Synthetic)).unwrap();
    let roles = task.layout().tensors().iter().map(|tensor| (tensor.name.clone(), tensor.role.to_string()));
    let roles: Vec<_> = roles.collect();
    let found: Vec<_> = roles.iter().map(|(name, role)| (name.as_str(), role.as_str())).collect();
    assert_eq!(found, expected, "{}", task.name());
}

#[test]
fn fully_connected_networks() {
    check(
        "mlp_family_seed131",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer2/w", "hidden dense"),
            ("layer2/b", "hidden bias"),
            ("layer3/w", "hidden dense"),
            ("layer3/b", "hidden bias"),
            ("layer4/w", "last dense"),
            ("layer4/b", "last bias"),
        ],
    );
    check(
        "FixedMLP_mnist_ce_128x128x128_relu_bs128",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer2/w", "hidden dense"),
            ("layer2/b", "hidden bias"),
            ("layer3/w", "last dense"),
            ("layer3/b", "last bias"),
        ],
    );
}

#[test]
fn norms_stand_where_their_layer_stands() {
    check(
        "FixedMLP_cifar10_LayerNorm_128x128x128_tanh_bs128",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer0/gamma", "first gain"),
            ("layer0/beta", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer1/gamma", "hidden gain"),
            ("layer1/beta", "hidden bias"),
            ("layer2/w", "hidden dense"),
            ("layer2/b", "hidden bias"),
            ("layer2/gamma", "hidden gain"),
            ("layer2/beta", "hidden bias"),
            ("layer3/w", "last dense"),
            ("layer3/b", "last bias"),
        ],
    );
    check(
        "FixedMLP_cifar10_BatchNorm_64x64x64x64x64_relu_bs128",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer0/beta", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer1/beta", "hidden bias"),
            ("layer2/w", "hidden dense"),
            ("layer2/b", "hidden bias"),
            ("layer2/beta", "hidden bias"),
            ("layer3/w", "hidden dense"),
            ("layer3/b", "hidden bias"),
            ("layer3/beta", "hidden bias"),
            ("layer4/w", "hidden dense"),
            ("layer4/b", "hidden bias"),
            ("layer4/beta", "hidden bias"),
            ("layer5/w", "last dense"),
            ("layer5/b", "last bias"),
        ],
    );
}

#[test]
fn convolutions() {
    check(
        "conv_pooling_family_seed226",
        &[("layer0/w", "first kernel"), ("layer1/w", "last dense"), ("layer1/b", "last bias")],
    );
    check(
        "conv_fc_family_seed760",
        &[
            ("layer0/w", "first kernel"),
            ("layer1/w", "hidden kernel"),
            ("layer2/w", "hidden dense"),
            ("layer2/b", "hidden bias"),
            ("layer3/w", "last dense"),
            ("layer3/b", "last bias"),
        ],
    );
}

#[test]
fn a_plain_autoencoder_is_one_network_and_a_variational_one_two() {
    check(
        "mlp_ae_family_seed420",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
    check(
        "mlp_vae_family_seed468",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer1/w", "last dense"),
            ("layer1/b", "last bias"),
            ("layer2/w", "first dense"),
            ("layer2/b", "first bias"),
            ("layer3/w", "hidden dense"),
            ("layer3/b", "hidden bias"),
            ("layer4/w", "last dense"),
            ("layer4/b", "last bias"),
        ],
    );
}

#[test]
fn every_bijector_of_a_flow_has_a_network_of_its_own() {
    check(
        "nvp_family_seed565",
        &[
            ("layer0/dense0/w", "first dense"),
            ("layer0/dense0/b", "first bias"),
            ("layer0/dense1/w", "hidden dense"),
            ("layer0/dense1/b", "hidden bias"),
            ("layer0/dense2/w", "last dense"),
            ("layer0/dense2/b", "last bias"),
        ],
    );
    check(
        "nvp_family_seed101",
        &[
            ("layer0/dense0/w", "first dense"),
            ("layer0/dense0/b", "first bias"),
            ("layer0/dense1/w", "last dense"),
            ("layer0/dense1/b", "last bias"),
            ("layer1/dense0/w", "first dense"),
            ("layer1/dense0/b", "first bias"),
            ("layer1/dense1/w", "last dense"),
            ("layer1/dense1/b", "last bias"),
        ],
    );
    check(
        "maf_family_seed953",
        &[
            ("layer0/dense0/w", "first dense"),
            ("layer0/dense0/b", "first bias"),
            ("layer0/dense1/w", "hidden dense"),
            ("layer0/dense1/b", "hidden bias"),
            ("layer0/dense2/w", "last dense"),
            ("layer0/dense2/b", "last bias"),
        ],
    );
}

#[test]
fn recurrent_networks() {
    check(
        "char_rnn_language_model_family_seed0",
        &[
            ("layer0/table", "first embedding"),
            ("layer1/h0", "hidden bias"),
            ("layer1/wz", "hidden recurrent"),
            ("layer1/uz", "hidden recurrent"),
            ("layer1/bz", "hidden bias"),
            ("layer1/wr", "hidden recurrent"),
            ("layer1/ur", "hidden recurrent"),
            ("layer1/br", "hidden bias"),
            ("layer1/wh", "hidden recurrent"),
            ("layer1/uh", "hidden recurrent"),
            ("layer1/bh", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
    check(
        "char_rnn_language_model_family_seed588",
        &[
            ("layer0/table", "first embedding"),
            ("layer1/h0", "hidden bias"),
            ("layer1/w_in", "hidden recurrent"),
            ("layer1/b_in", "hidden bias"),
            ("layer1/w_h", "hidden recurrent"),
            ("layer1/b_h", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
    check(
        "word_rnn_language_model_family_seed628",
        &[
            ("layer0/table", "first embedding"),
            ("layer1/w_gates", "hidden recurrent"),
            ("layer1/b_gates", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
    check(
        "rnn_text_classification_family_seed624",
        &[
            ("layer0/table", "first embedding"),
            ("layer1/h0", "hidden bias"),
            ("layer1/w_in", "hidden recurrent"),
            ("layer1/b_in", "hidden bias"),
            ("layer1/w_h", "hidden recurrent"),
            ("layer1/b_h", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
}

#[test]
fn objectives() {
    check("quadratic_family_seed1", &[("weight", "hidden plain")]);
    check(
        "losg_tasks_family_seed18",
        &[
            ("layer0/w", "first dense"),
            ("layer0/b", "first bias"),
            ("layer1/w", "hidden dense"),
            ("layer1/b", "hidden bias"),
            ("layer2/w", "last dense"),
            ("layer2/b", "last bias"),
        ],
    );
    check(
        "losg_tasks_family_seed0",
        &[("embedding", "first embedding"), ("w", "last dense"), ("b", "last bias")],
    );
    check("losg_tasks_family_seed3", &[("p", "hidden plain")]);
    check("losg_tasks_family_seed4", &[("p", "hidden plain")]);
    check("TwoD_Bowl10", &[("p", "hidden plain")]);
    check("TwoD_Rosenbrock", &[("p", "hidden plain")]);
}
