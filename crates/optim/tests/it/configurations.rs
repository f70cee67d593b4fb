//! Hyperparameters of single seeds: of the paper's families against upstream's configuration files, of the others against
//! themselves.

use serde_json::{Value, json};
use taskset_optim::named;

/// The object has these keys, in this order, with these values up to the last digits (NumPy took exp and log from
/// another libm).
fn check(name: &str, expected: &Value) {
    let config = named(name).unwrap().config;
    let expected = expected.as_object().unwrap();
    let text = serde_json::to_string(&config).unwrap();
    let found: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(found.len(), expected.len(), "{text}");
    for (key, value) in expected {
        match value.as_f64() {
            Some(number) => {
                let found = found[key].as_f64().unwrap();
                assert!(
                    (found - number).abs() <= 4e-15 * number.abs(),
                    "{name} {key}: {found}, not {number}"
                );
            }
            None => assert_eq!(&found[key], value, "{name} {key}"),
        }
    }
}

#[test]
fn adam() {
    check("adam1p_wide_grid_seed0", &json!({"learning_rate": 1.0366346546195564e-06}));
    check(
        "adam4p_wide_grid_seed107",
        &json!({"learning_rate": 2.9130278385081517e-07, "beta1": 0.895498262670035, "beta2": 0.9975988953329696,
            "epsilon": 8.480811038897483e-08}),
    );
    check(
        "adam6p_wide_grid_seed0",
        &json!({"learning_rate": 0.0006452137521578798, "beta1": 0.6720413695981028, "beta2": 0.9805789095496689,
            "epsilon": 0.45224877782442713, "linear_decay": 2.0497251858122685e-07,
            "exponential_decay": 2.5003268467591204e-06}),
    );
    check(
        "adam8p_wide_grid_seed0",
        &json!({"learning_rate": 0.0008696040132105586, "beta1": 0.9274299427840572, "beta2": 0.9958640026061601,
            "epsilon": 0.0012119407238482059, "l1": 6.499698237449666e-05, "l2": 0.006502000785097662,
            "linear_decay": 2.054762512591133e-06, "exponential_decay": 2.11193718864315e-06}),
    );
    check(
        "adam8p_wide_grid_seed107",
        &json!({"learning_rate": 2.9130278385081517e-07, "beta1": 0.895498262670035, "beta2": 0.9975988953329696,
            "epsilon": 8.480811038897483e-08, "l1": 1.178571843974407e-05, "l2": 2.3573335776152276e-07,
            "linear_decay": 1.0853595877533728e-06, "exponential_decay": 0.000749851639488929}),
    );
}

#[test]
fn nadamw() {
    check(
        "nadamw_grid_seed0",
        &json!({"learning_rate": 0.00013043019947775472, "beta1": 0.6184381722189567, "beta2": 0.9994057151352359,
            "epsilon": 5.7755507421823396e-05, "use_nesterov": false, "adamw_weight_decay": 0.010296116606084241,
            "l2_weight_decay": 0.0005693349859619749, "warmup_fraction": 0.014360184808201766,
            "min_learning_rate_mult": 0.0, "constant_fraction": 0.25251538281125563}),
    );
    check(
        "nadamw_grid_seed107",
        &json!({"learning_rate": 1.352245442521151e-05, "beta1": 0.9064754555080397, "beta2": 0.9993920206837403,
            "epsilon": 0.0006070645629568548, "use_nesterov": true, "adamw_weight_decay": 0.00011644584985050525,
            "l2_weight_decay": 0.0, "warmup_fraction": 0.0, "min_learning_rate_mult": 0.0,
            "constant_fraction": 0.3652491014072189}),
    );
}

#[test]
fn the_others() {
    check(
        "adagrad_wide_grid_seed0",
        &json!({"learning_rate": 0.0008696040132105586, "initial_accumulator_value": 0.19836350013704027}),
    );
    check("adam_lr_-7.00", &json!({"learning_rate": 1e-7}));
    check("adam_lr_-2.50", &json!({"learning_rate": 0.0031622776601683794}));
    check("adagrad_lr_1.00", &json!({"learning_rate": 10.0}));
    check("zero", &json!({}));
}

#[test]
fn adam4p_is_the_beginning_of_adam8p() {
    for seed in 0..1000 {
        let [four, eight, adagrad] = ["adam4p_wide", "adam8p_wide", "adagrad_wide"]
            .map(|prefix| named(&format!("{prefix}_grid_seed{seed}")).unwrap().config);
        for key in ["learning_rate", "beta1", "beta2", "epsilon"] {
            assert_eq!(four.value(key), eight.value(key));
        }
        assert_eq!(four.value("learning_rate"), adagrad.value("learning_rate"));
    }
}

#[test]
fn families_that_are_not_in_the_paper_keep_their_members() {
    // As they were first drawn: curves are stored under these names.
    check(
        "sgd_seed0",
        &json!({"learning_rate": 0.0010981391724910004, "momentum": 0.9846247646139119, "nesterov": true}),
    );
    check(
        "sgd_seed1",
        &json!({"learning_rate": 0.01887242224897074, "momentum": 0.9725073874566209, "nesterov": false}),
    );
    check(
        "adamw_seed0",
        &json!({"learning_rate": 0.00004324889721904485, "beta1": 0.6663802951760495, "beta2": 0.7618921566637981,
            "epsilon": 6.955240247076388e-8, "weight_decay": 0.0018315282459103956,
            "warmup_fraction": 0.0015147998281128158, "min_learning_rate_mult": 0.0}),
    );
    check(
        "lamb_seed0",
        &json!({"learning_rate": 0.08411425240162135, "beta1": 0.9405199703222873, "beta2": 0.9615786200873444,
            "epsilon": 0.000017759929647242373, "weight_decay": 0.00018169526822594552}),
    );
    check(
        "schedule_free_adamw_seed0",
        &json!({"learning_rate": 0.19254359030545065, "beta1": 0.9582712888902126, "beta2": 0.9998041085497419,
            "epsilon": 3.4363225105516896e-8, "weight_decay": 0.01029294427783358, "warmup_steps": 168, "r": 0.0,
            "weight_lr_power": 2.0, "inner_momentum": 0.0}),
    );
    check(
        "muon_seed0",
        &json!({"learning_rate": 0.18696726863518534, "momentum": 0.9333831240460471, "nesterov": true,
            "weight_decay": 0.027728734011460494, "newton_schulz_steps": 5, "scale": "original", "tensors": "all",
            "aux_learning_rate": 0.01213231020573938, "aux_beta1": 0.8785685628816378,
            "aux_beta2": 0.9975345767612456, "aux_epsilon": 3.918405013869527e-10,
            "aux_weight_decay": 0.0017964607583493962}),
    );
    check(
        "muon_seed1",
        &json!({"learning_rate": 0.00535705874207417, "momentum": 0.9401252527116566, "nesterov": true,
            "weight_decay": 0.24174035438892869, "newton_schulz_steps": 5, "scale": "original", "tensors": "hidden",
            "aux_learning_rate": 0.0020337994091264035, "aux_beta1": 0.9460804233933042,
            "aux_beta2": 0.9995322878763409, "aux_epsilon": 1.5973932402332307e-6,
            "aux_weight_decay": 0.04800991169512175}),
    );
}
