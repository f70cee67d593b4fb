//! Tests of elementwise optimizers and of the published list for candle: the bits of the rules, saved states, errors.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Error, Tensor, Var, WithDType};
use candle_nn::{Optimizer as _, VarMap};
use num_traits::Float;
use taskset_rng::StreamId;

use super::variables::by_name;
use super::*;
use crate::{Configured, Mode, named};

pub(super) fn numbers(label: &str, n: usize) -> Vec<f64> {
    let mut stream = StreamId::root("candle").child(label).stream();
    (0..n).map(|_| stream.normal()).collect()
}

pub(super) fn var(dtype: DType) -> Var {
    let tensor = Tensor::from_vec(numbers("params", 12), (3, 4), &Device::Cpu).unwrap();
    Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
}

/// The loss `sum(a x²)`; its gradient, computed by hand with the same operations, is `2 a x`.
pub(super) fn loss(var: &Var) -> Tensor {
    let a = Tensor::from_vec(numbers("a", 12), (3, 4), &Device::Cpu).unwrap().to_dtype(var.dtype()).unwrap();
    (var.as_tensor().sqr().unwrap() * a).unwrap().sum_all().unwrap()
}

pub(super) fn flat<T: WithDType>(tensor: &Tensor) -> Vec<T> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn configured(name: &str, steps: u64) -> Arc<Configured> {
    Arc::new(named(name).unwrap().configured(Mode::OptList, steps).unwrap())
}

fn step_of(optimizer: &mut OptList) -> u64 {
    optimizer.inner().states().unwrap()[0].slots.step()
}

/// Steps in which only the schedule goes on.
fn skip(optimizer: &mut OptList, steps: u64) {
    (0..steps).for_each(|_| optimizer.step(&GradStore::default()).unwrap());
}

fn check_equals_the_rule<T: WithDType + Float>(name: &str) {
    let rule = named(name).unwrap().config.rule(Mode::OptList, 8).unwrap();
    let var = var(T::DTYPE);
    let mut params = flat::<T>(&var);
    let mut state = rule.init::<T>(params.len());
    let mut optimizer = CandleOptimizer::new(vec![var.clone()], configured(name, 8)).unwrap();
    for step in 0..6 {
        let gradients = loss(&var).backward().unwrap();
        rule.update(&flat::<T>(gradients.get(&var).unwrap()), &mut params, &mut state);
        optimizer.step(&gradients).unwrap();
        assert!(flat::<T>(&var) == params, "{name}, step {step}");
    }
    assert_eq!(optimizer.states().unwrap()[0].slots.step(), state.step);
}

#[test]
fn the_adapter_is_the_rule_bit_for_bit() {
    for name in ["adam8p_wide_grid_seed0", "nadamw_grid_seed107", "adagrad_lr_-1.00", "zero"] {
        check_equals_the_rule::<f32>(name);
        check_equals_the_rule::<f64>(name);
    }
}

#[test]
fn the_first_entry_finds_the_minimum_of_a_bowl() {
    let var = var(DType::F32);
    let bowl = || var.sqr().unwrap().sum_all().unwrap();
    let before: f32 = bowl().to_scalar().unwrap();
    let mut optimizer = OptList::new(vec![var.clone()], 0, 6000).unwrap();
    for _ in 0..6000 {
        optimizer.backward_step(&bowl()).unwrap();
    }
    let after: f32 = bowl().to_scalar().unwrap();
    assert!(after < 1e-3 * before, "{before} before, {after} after");
}

#[test]
fn learning_rates_scale_the_schedule() {
    let mut optimizer = OptList::new(vec![var(DType::F32)], 2, 100).unwrap();
    let base = optimizer.learning_rate();
    skip(&mut optimizer, 75);
    let scheduled = optimizer.inner().scheduled_learning_rate().unwrap();
    assert!(scheduled < base);
    optimizer.set_learning_rate(2.0 * base);
    assert_eq!(optimizer.learning_rate().to_bits(), (2.0 * base).to_bits());
    let doubled = optimizer.inner().scheduled_learning_rate().unwrap();
    assert!((doubled / scheduled - 2.0).abs() < 1e-12);
}

#[test]
fn saved_and_restored_is_uninterrupted() {
    let rule = configured("nadamw_grid_seed0", 8);
    let run = |interrupted: bool| {
        let var = var(DType::F32);
        let mut optimizer = CandleOptimizer::new(vec![var.clone()], rule.clone()).unwrap();
        for step in 0..6 {
            if interrupted && step == 3 {
                let saved = serde_json::to_string(&optimizer.states().unwrap()).unwrap();
                optimizer = CandleOptimizer::new(vec![var.clone()], rule.clone()).unwrap();
                optimizer.restore(&serde_json::from_str::<Vec<_>>(&saved).unwrap()).unwrap();
            }
            optimizer.backward_step(&loss(&var)).unwrap();
        }
        flat::<f32>(&var)
    };
    assert!(run(true) == run(false));
}

/// Variables of the same size, so that only their order tells them apart.
fn map() -> VarMap {
    let map = VarMap::new();
    for i in [3, 7, 0, 5, 1, 6, 2, 4] {
        let tensor = Tensor::from_vec(numbers(&format!("var {i}"), 4), 4, &Device::Cpu).unwrap();
        let var = Var::from_tensor(&tensor).unwrap();
        map.data().lock().unwrap().insert(format!("layer.{i}"), var);
    }
    map
}

fn values(map: &VarMap) -> Vec<Vec<f64>> {
    by_name(map).iter().map(|named| flat(named.var())).collect()
}

#[test]
fn states_go_to_the_variables_of_the_same_names() {
    let step = |map: &VarMap, optimizer: &mut OptList| {
        let losses = by_name(map).into_iter().enumerate().map(|(i, named)| {
            let scaled = (named.var().as_tensor() * (1.0 + i as f64)).unwrap();
            scaled.sqr().unwrap().sum_all().unwrap()
        });
        let loss = losses.reduce(|a, b| (a + b).unwrap()).unwrap();
        optimizer.backward_step(&loss).unwrap();
    };
    let (first, second) = (map(), map());
    let mut optimizer = OptList::from_varmap(&first, 0, 10).unwrap();
    (0..3).for_each(|_| step(&first, &mut optimizer));
    for (new, old) in by_name(&second).iter().zip(by_name(&first)) {
        new.var().set(&old.var().copy().unwrap()).unwrap();
    }
    let mut resumed = OptList::from_varmap(&second, 0, 10).unwrap();
    let mut states = optimizer.inner().states().unwrap();
    states.reverse();
    resumed.inner().restore(&states).unwrap();
    (0..3).for_each(|_| step(&first, &mut optimizer));
    (0..3).for_each(|_| step(&second, &mut resumed));
    assert!(values(&first) == values(&second) && values(&first) != values(&map()));
}

#[test]
fn a_gradient_that_does_not_fit_stops_the_step_before_any_update() {
    let (good, bad) = (var(DType::F32), var(DType::F32));
    let before = flat::<f32>(&good);
    let mut optimizer = OptList::new(vec![good.clone(), bad.clone()], 0, 10).unwrap();
    let mut fails = |gradient: Tensor, word: &str| {
        let mut gradients = loss(&good).backward().unwrap();
        gradients.insert(&bad, gradient);
        let message = optimizer.step(&gradients).unwrap_err().to_string();
        assert!(message.contains(word) && message.contains("variable `var1`"), "{message}");
        assert!(flat::<f32>(&good) == before && step_of(&mut optimizer) == 0);
    };
    fails(Tensor::zeros((3, 4), DType::F64, &Device::Cpu).unwrap(), "F64");
    fails(Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap(), "5 elements");
}

#[test]
fn integers_are_left_out() {
    let integers = Var::from_tensor(&Tensor::zeros(3, DType::U32, &Device::Cpu).unwrap()).unwrap();
    let float = var(DType::F32);
    let mut optimizer = OptList::new(vec![integers, float.clone()], 0, 10).unwrap();
    optimizer.backward_step(&loss(&float)).unwrap();
    let states = optimizer.inner().states().unwrap();
    assert_eq!((states.len(), &states[0].variables[..]), (1, &["var1".to_owned()][..]));
}

#[test]
fn beyond_its_end_the_schedule_stays_at_its_floor() {
    let mut optimizer = OptList::new(vec![], 0, 10).unwrap();
    let rates: Vec<f64> = (0..13)
        .map(|_| {
            skip(&mut optimizer, 1);
            optimizer.inner().scheduled_learning_rate().unwrap()
        })
        .collect();
    // After 9, 10 and 11 steps.
    assert!(rates[8] > rates[9] && rates[10].to_bits() == rates[9].to_bits());
}

#[test]
fn a_variable_without_gradient_is_left_alone_while_the_schedule_goes_on() {
    let (used, unused) = (var(DType::F32), var(DType::F32));
    let before = flat::<f32>(&unused);
    let mut optimizer = OptList::new(vec![unused.clone(), used.clone()], 0, 10).unwrap();
    optimizer.backward_step(&loss(&used)).unwrap();
    assert!(flat::<f32>(&unused) == before && flat::<f32>(&used) != before);
    assert!(optimizer.inner().states().unwrap().iter().all(|state| state.slots.step() == 1));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let half = Var::from_tensor(&var(DType::F32).to_dtype(DType::F16).unwrap()).unwrap();
    let message = |error: Error| error.to_string();
    assert!(message(OptList::new(vec![half], 0, 10).unwrap_err()).contains("f32 or f64"));
    assert!(message(OptList::new(vec![], 1000, 10).unwrap_err()).contains("0 to 999"));
    assert!(message(OptList::new(vec![], 0, 0).unwrap_err()).contains("0 training steps"));
    let empty = VarMap::new();
    assert!(message(OptList::from_varmap(&empty, 0, 10).unwrap_err()).contains("no variables"));
    assert!(
        message(CandleOptimizer::from_varmap(&empty, configured("zero", 10)).unwrap_err())
            .contains("no variables")
    );
    let mut optimizer = OptList::new(vec![var(DType::F32)], 0, 10).unwrap();
    assert!(message(optimizer.inner().restore(&[]).unwrap_err()).contains("0 optimizer states"));
    let other = OptList::new(vec![var(DType::F64)], 0, 10).unwrap().inner().states().unwrap();
    assert!(message(optimizer.inner().restore(&other).unwrap_err()).contains("F64"));
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let mut optimizer = OptList::new(vec![var(DType::F32), var(DType::F32)], 0, 10).unwrap();
    let before = optimizer.inner().states().unwrap();
    let mut later = before.clone();
    for state in &mut later {
        let TypedSlots::F32(slots) = &mut state.slots else { unreachable!() };
        slots.step = 5;
    }
    let mut check = |change: &dyn Fn(&mut RunState), word: &str| {
        let mut states = later.clone();
        change(&mut states[1]);
        let message = optimizer.inner().restore(&states).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
        assert!(optimizer.inner().states().unwrap() == before);
    };
    check(&|state| state.variables[0] = "var7".to_owned(), "no optimizer state for `var1`");
    check(&|state| state.slots = TypedSlots::F64(crate::Slots::new(5)), "F64");
    check(
        &|state| {
            let TypedSlots::F32(slots) = &mut state.slots else { unreachable!() };
            slots.vectors.remove("m");
        },
        "no vector `m`",
    );
    optimizer.inner().restore(&later).unwrap();
    assert!(optimizer.inner().states().unwrap() == later);
}
