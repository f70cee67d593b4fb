//! What every row of the registry must keep.

use proptest::prelude::*;
use taskset_datasets::{Datasets, Source};
use taskset_tasks::{Error, SUITES, all_names, build, describe, families, select};

#[test]
fn names_are_unique() {
    let names: Vec<&str> = SUITES.into_iter().flat_map(|suite| suite.groups()).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 12 + 14);
}

#[test]
fn every_name_is_described() {
    for name in all_names() {
        let d = describe(&name).unwrap();
        assert_eq!(d.name, name);
        assert_eq!(d.feasible, d.reason.is_none(), "{name}");
        assert_eq!(d.feasible, d.num_params > 0, "{name}");
        assert_eq!(d.feasible, d.flops_per_step > 0.0, "{name}");
        assert!(d.flops_per_step.is_finite(), "{name}");
        assert!(!d.summary.is_empty() && !d.summary.contains('\n'), "{name}");
        assert_eq!(d.config.is_some(), families().iter().any(|family| family.name == d.family), "{name}");
    }
}

#[test]
fn families_and_groups_stand_for_their_members() {
    let mut groups: Vec<String> = all_names().map(|name| describe(&name).unwrap().family).collect();
    groups.sort();
    groups.dedup();
    let mut members: Vec<String> = Vec::new();
    for group in groups {
        for name in select(&[&group]).unwrap() {
            assert_eq!(describe(&name).unwrap().family, group);
            members.push(name);
        }
    }
    members.sort();
    let mut all: Vec<String> = all_names().collect();
    all.sort();
    assert_eq!(members, all);
}

#[test]
fn other_seeds_are_other_configurations() {
    for family in families() {
        let configs: std::collections::HashSet<String> =
            (0..200).map(|seed| family.config(seed).unwrap().to_json().to_string()).collect();
        assert_eq!(configs.len(), 200, "{}", family.name);
    }
}

#[test]
fn infeasible_and_unknown_tasks_are_typed_errors() {
    let data = Datasets::new(Source::Synthetic);
    let error = build("conv_fc_family_seed25", &data).err().unwrap();
    assert!(matches!(&error, Error::Infeasible { name, .. } if name == "conv_fc_family_seed25"), "{error}");
    assert!(error.to_string().contains("VALID convolution on"), "{error}");
    assert!(matches!(build("nothing", &data).err().unwrap(), Error::UnknownTask { .. }));
}

/// The first few tasks of every family and group, cheap ones first: what is described is what is built.
#[test]
fn what_is_described_is_built() {
    let data = Datasets::new(Source::Synthetic);
    for group in SUITES.into_iter().flat_map(|suite| suite.groups()) {
        let names = select(&[group]).unwrap();
        let mut tasks: Vec<_> = names.iter().take(60).map(|name| describe(name).unwrap()).collect();
        tasks.retain(|task| task.feasible);
        tasks.sort_by(|a, b| a.flops_per_step.total_cmp(&b.flops_per_step));
        for task in tasks.iter().take(13) {
            let built = build(&task.name, &data).unwrap();
            assert_eq!(built.name(), task.name);
            assert_eq!(built.layout().len() as u64, task.num_params, "{}", task.name);
            assert!(built.flops_per_step() > 0.0, "{}", task.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_seed_gives_the_same_configuration_every_time(index in 0usize..12, seed in 0u32..1000) {
        let family = &families()[index];
        let name = family.task_name(seed);
        let (first, again) = (describe(&name).unwrap(), describe(&name).unwrap());
        prop_assert_eq!(&first, &again);
        prop_assert!(first.feasible || first.family.starts_with("conv_"), "{:?}", first);
    }

    #[test]
    fn image_settings_stay_in_their_ranges(seed in 0u32..1000) {
        let config = describe(&format!("mlp_family_seed{seed}")).unwrap().config.unwrap();
        for width in config["layer_sizes"].as_array().unwrap() {
            prop_assert!((16..=128).contains(&width.as_u64().unwrap()));
        }
        prop_assert!((8..=512).contains(&config["dataset"][1]["bs"].as_u64().unwrap()));
        let augmentation = &config["dataset"][2];
        prop_assert!(augmentation.is_null() || augmentation["crop_amount"].as_u64().unwrap() <= 2);
    }
}
