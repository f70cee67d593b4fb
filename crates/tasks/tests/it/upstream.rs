//! Sampled configurations against upstream's files.

use serde_json::Value;
use taskset_tasks::{all_names, describe, families, upstream_json};

/// Equal in structure, key order, kinds of numbers; floats to a relative 1e-12 (upstream's `exp` and `log` differ in the
/// last digit between machines).
fn assert_same(ours: &Value, upstream: &Value, at: &str) {
    match (ours, upstream) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{at}");
            for (key, value) in a {
                assert_same(value, &b[key], &format!("{at}.{key}"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                assert_same(x, y, &format!("{at}[{i}]"));
            }
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-12 * b.abs(), "{at}: {a} instead of {b}");
        }
        _ => assert_eq!(ours, upstream, "{at}"),
    }
}

#[test]
fn seeds_0_and_1_of_every_family() {
    let mut checked = 0;
    for line in
        include_str!("../fixtures/upstream_configs.jsonl").lines().filter(|line| !line.starts_with('#'))
    {
        let entry: Value = serde_json::from_str(line).unwrap();
        for (name, value) in entry.as_object().unwrap() {
            let description = describe(name).unwrap();
            assert_same(&description.config.unwrap(), &value[0], name);
            assert_eq!(description.family, value[1], "{name}");
            checked += 1;
        }
    }
    assert_eq!(checked, 2 * families().len());
}

#[test]
fn parameter_counts_of_seeds_0_to_3() {
    // Of nets built by Sonnet 1.36 and TFP 0.8 on upstream's configurations.
    let counts = [
        ("mlp_family", [246_767, 222_460, 264_243, 48_100]),
        ("mlp_ae_family", [155_219, 177_104, 255_017, 235_023]),
        ("mlp_vae_family", [914_934, 197_790, 643_006, 727_558]),
        ("conv_pooling_family", [60_471, 21_357, 7_269, 8_458]),
        ("conv_fc_family", [136_601, 25_296, 1_519_078, 15_952]),
        ("nvp_family", [874_386, 327_237, 454_203, 790_216]),
        ("maf_family", [1_026_158, 1_867_976, 170_132, 963_502]),
        ("char_rnn_language_model_family", [56_918, 36_140, 36_340, 87_872]),
        ("word_rnn_language_model_family", [767_418, 307_920, 528_431, 896_495]),
        ("rnn_text_classification_family", [11_198, 50_198, 78_083, 35_343]),
        ("quadratic_family", [18, 36, 70, 3]),
        ("losg_tasks_family", [218, 984, 6, 36]),
    ];
    assert_eq!(
        counts.map(|(family, _)| family).to_vec(),
        families().iter().map(|f| f.name).collect::<Vec<_>>()
    );
    for (family, counts) in counts {
        for (seed, count) in counts.into_iter().enumerate() {
            let name = format!("{family}_seed{seed}");
            assert_eq!(describe(&name).unwrap().num_params, count, "{name}");
        }
    }
}

/// Seeds below 1000 whose images are too small for their VALID convolutions.
const INFEASIBLE_POOLING: &str = "33 42 43 56 66 135 139 156 178 196 208 211 238 264 310 311 333 367 376 384 397 411 448 \
    476 533 535 565 567 604 638 676 701 730 735 744 761 810 816 818 830 842 844 850 853 858 880 896 903 926 945 946";
const INFEASIBLE_FC: &str = "25 33 43 56 66 139 156 196 211 269 283 284 286 296 303 310 311 333 367 376 397 401 411 428 \
    448 449 472 476 533 535 565 593 604 614 638 676 701 730 735 744 761 768 810 816 818 830 842 844 850 858 880 896 903 \
    906 926 945 946";

#[test]
fn exactly_the_known_names_are_infeasible() {
    let expected: Vec<String> =
        [("conv_pooling_family", INFEASIBLE_POOLING), ("conv_fc_family", INFEASIBLE_FC)]
            .into_iter()
            .flat_map(|(family, seeds)| {
                seeds.split_whitespace().map(move |seed| format!("{family}_seed{seed}"))
            })
            .collect();
    assert_eq!(expected.len(), 51 + 57);
    let infeasible: Vec<String> = all_names().filter(|name| !describe(name).unwrap().feasible).collect();
    assert_eq!(infeasible, expected);
    for name in infeasible {
        let reason = describe(&name).unwrap().reason.unwrap();
        assert!(
            reason.starts_with("layer ") && reason.contains(": VALID convolution on "),
            "{name}: {reason}"
        );
    }
}

#[test]
fn files_have_upstreams_lengths() {
    let lengths = [
        310_627, 377_574, 334_981, 447_630, 444_935, 302_613, 300_804, 468_175, 474_020, 514_394, 357_973,
        147_341,
    ];
    let off: Vec<String> = families()
        .iter()
        .zip(lengths)
        .filter_map(|(family, upstream)| {
            let length = upstream_json(family).chars().count();
            // A float of these three had one digit more or fewer on upstream's machine.
            let slack = usize::from(["maf_family", "nvp_family", "mlp_vae_family"].contains(&family.name));
            (length.abs_diff(upstream) > slack)
                .then(|| format!("{}: {length} instead of {upstream}", family.name))
        })
        .collect();
    assert_eq!(off, Vec::<String>::new());
}

#[test]
fn files_read_back_as_what_is_described() {
    for family in families() {
        let file: Value = serde_json::from_str(&upstream_json(family)).unwrap();
        let file = file.as_object().unwrap();
        assert_eq!(file.len(), 1000);
        for seed in [0, 10, 999] {
            let name = family.task_name(seed);
            assert_eq!(Some(&file[&name][0]), describe(&name).unwrap().config.as_ref(), "{name}");
        }
    }
}

/// Share of the thousand stored configurations of a family for which something holds.
fn share(family: &str, holds: impl Fn(&Value) -> bool) -> f64 {
    let family = families().iter().find(|f| f.name == family).unwrap();
    let count = (0..1000).filter(|&seed| holds(&family.config(seed).unwrap().to_json())).count();
    count as f64 / 1000.0
}

fn check_share(family: &str, p: f64, holds: impl Fn(&Value) -> bool) {
    let share = share(family, holds);
    // Four standard errors of a thousand draws.
    assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / 1000.0).sqrt(), "{family}: {share} instead of {p}");
}

#[test]
fn shares_of_the_stored_configurations() {
    check_share("mlp_family", 0.375, |c| c["activation"] == "relu");
    check_share("mlp_family", 0.3, |c| !c["dataset"][2].is_null());
    check_share("mlp_family", 0.1, |c| c["dataset"][0] == "mnist");
    check_share("mlp_family", 1.0 / 6.0, |c| c["layer_sizes"].as_array().unwrap().len() == 6);
    check_share("mlp_ae_family", 2.0 / 3.0, |c| c["loss_type"] == "l2");
    check_share("mlp_ae_family", 1.0 / 6.0, |c| c["output_type"] == "linear");
    check_share("mlp_vae_family", 0.25, |c| c["enc_hidden_units"].as_array().unwrap().len() == 1);
    check_share("conv_pooling_family", 1.0 / 3.0, |c| c["pool_type"] == "max");
    check_share("conv_fc_family", 0.25, |c| c["fc_hidden_units"].as_array().unwrap().is_empty());
    check_share("nvp_family", 0.25, |c| c["num_bijectors"] == 4);
    check_share("maf_family", 0.5, |c| c["hidden_units"].as_array().unwrap().len() == 1);
    check_share("char_rnn_language_model_family", 0.8, |c| c["vocab_size"] == 256);
    check_share("word_rnn_language_model_family", 1.0 / 3.0, |c| c["core"][0] == "gru");
    check_share("rnn_text_classification_family", 0.2, |c| !c["dataset"][1]["num_train"].is_null());
    check_share("quadratic_family", 0.5, |c| c["noise"].is_null());
    check_share("losg_tasks_family", 1.0 / 14.0, |c| c[0] == "bowl");
}

#[test]
fn the_widest_dense_layer_has_52_million_parameters() {
    let counts = (0..1000).map(|seed| describe(&format!("conv_fc_family_seed{seed}")).unwrap().num_params);
    assert_eq!(counts.max().unwrap() / 1_000_000, 52);
}
