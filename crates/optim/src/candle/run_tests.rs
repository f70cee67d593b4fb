//! Tests of optimizers for candle that are not elementwise, that evaluate elsewhere, or that have no learning rate.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{Optimizer as _, VarMap};
use taskset_params::{Kind, Layout, Position, Role};
use taskset_rng::StreamId;

use super::tests::{flat, loss, numbers, var};
use super::*;
use crate::{
    Clipped, Config, Configured, Error, Facts, Lamb, Mode, Muon, Optimizer, OptimizerIdentity, Run,
    ScheduleFreeAdamW, Sgd, Slots, Step,
};

fn configured(config: impl Into<Config>) -> Configured {
    config.into().configured(Mode::default(), 20).unwrap()
}

fn vars(dtype: DType) -> Vec<NamedVar> {
    let var = |name: &str, shape: &[usize]| {
        let n = shape.iter().product();
        let tensor = Tensor::from_vec(numbers(name, n), shape, &Device::Cpu).unwrap();
        NamedVar::new(name, Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap())
    };
    vec![var("mid.weight", &[4, 3]), var("mid.bias", &[4]), var("conv.weight", &[3, 2, 2, 2])]
}

/// The layout that the variables must have.
fn layout() -> Arc<Layout> {
    let mut layout = Layout::default();
    let hidden = |kind| Role::new(kind, Position::Hidden);
    layout.push_oriented("mid.weight", &[4, 3], hidden(Kind::Dense), 0);
    layout.push_oriented("mid.bias", &[4], hidden(Kind::Bias), 0);
    layout.push_oriented("conv.weight", &[3, 2, 2, 2], hidden(Kind::Kernel), 0);
    Arc::new(layout)
}

fn all(vars: &[NamedVar]) -> Vec<f32> {
    vars.iter().flat_map(|named| flat::<f32>(named.var())).collect()
}

/// The same gradients for candle and as one vector.
fn gradients(vars: &[NamedVar], step: usize) -> (GradStore, Vec<f32>) {
    let mut store = GradStore::default();
    let mut whole = Vec::new();
    for named in vars {
        let n = named.var().elem_count();
        let label = format!("{} {step}", named.name());
        let gradient: Vec<f32> = numbers(&label, n).iter().map(|&x| x as f32).collect();
        whole.extend(&gradient);
        let gradient = Tensor::from_vec(gradient, named.var().shape(), &Device::Cpu).unwrap();
        store.insert(named.var(), gradient);
    }
    (store, whole)
}

fn check_equals_the_run(optimizer: impl Optimizer + 'static) {
    let vars = vars(DType::F32);
    let mut params = all(&vars);
    let mut run = optimizer.start(&layout(), &params, &StreamId::root("any")).unwrap();
    let name = optimizer.identity().name;
    let optimizer: Arc<dyn Optimizer> = Arc::new(optimizer);
    let mut adapter = CandleOptimizer::from_variables(vars.clone(), optimizer.clone()).unwrap();
    for step in 0..6 {
        if step == 3 {
            let saved = serde_json::to_string(&adapter.states().unwrap()).unwrap();
            adapter = CandleOptimizer::from_variables(vars.clone(), optimizer.clone()).unwrap();
            adapter.restore(&serde_json::from_str::<Vec<RunState>>(&saved).unwrap()).unwrap();
        }
        let (store, whole) = gradients(&vars, step);
        adapter.step(&store).unwrap();
        run.update(Step::new(&whole), &mut params);
        assert!(all(&vars) == params, "{name}, step {step}");
    }
}

#[test]
fn optimizers_of_all_variables_are_their_runs_bit_for_bit() {
    check_equals_the_run(configured(Lamb::DEFAULT));
    check_equals_the_run(configured(Muon::DEFAULT));
    check_equals_the_run(Clipped::new(configured(Sgd { momentum: 0.9, ..Sgd::DEFAULT }), 0.5));
    check_equals_the_run(configured(ScheduleFreeAdamW::DEFAULT));
}

#[test]
fn a_single_variable_of_an_optimizer_of_all_is_updated_in_place() {
    let var = var(DType::F64);
    let clipped = Clipped::new(configured(Sgd { learning_rate: 1.0, ..Sgd::DEFAULT }), 1e-3);
    let before = flat::<f64>(&var);
    let mut optimizer = CandleOptimizer::new(vec![var.clone()], Arc::new(clipped)).unwrap();
    optimizer.backward_step(&loss(&var)).unwrap();
    let moved: f64 = flat::<f64>(&var).iter().zip(&before).map(|(new, old)| (new - old).powi(2)).sum();
    assert!((moved.sqrt() - 1e-3).abs() < 1e-9, "{moved}");
}

#[test]
fn without_a_gradient_a_variable_keeps_its_value() {
    let vars = vars(DType::F32);
    let lamb = Arc::new(configured(Lamb { weight_decay: 0.1, ..Lamb::DEFAULT }));
    let mut optimizer = CandleOptimizer::from_variables(vars.clone(), lamb).unwrap();
    let before = all(&vars);
    let (mut store, _) = gradients(&vars, 0);
    store.remove(vars[0].var());
    optimizer.step(&store).unwrap();
    let after = all(&vars);
    let moved = after[12..].iter().zip(&before[12..]).filter(|(a, b)| a.to_bits() != b.to_bits());
    assert!(after[..12] == before[..12] && moved.count() == after.len() - 12);
    optimizer.step(&GradStore::default()).unwrap();
    assert!(all(&vars) == after);
    let states = optimizer.states().unwrap();
    assert_eq!((states.len(), states[0].variables.len(), states[0].slots.step()), (1, 3, 2));
}

#[test]
fn types_are_not_mixed_in_one_run() {
    let mixed = || vec![var(DType::F32), var(DType::F64)];
    let message = CandleOptimizer::new(mixed(), Arc::new(configured(Lamb::DEFAULT))).unwrap_err().to_string();
    assert!(message.contains("`var0` is of f32, and `var1` of f64"), "{message}");
    CandleOptimizer::new(mixed(), Arc::new(configured(Sgd::DEFAULT))).unwrap();
    CandleOptimizer::new(vec![], Arc::new(configured(Lamb::DEFAULT))).unwrap();
}

#[test]
fn roles_reach_the_optimizer() {
    let trained = |position: Position| {
        let map = VarMap::new();
        let var = var(DType::F32);
        map.data().lock().unwrap().insert("head.weight".to_owned(), var.clone());
        let muon = Arc::new(configured(Muon::DEFAULT));
        let role = |name: &str, shape: &[usize]| Role { position, ..guess_role(name, shape) };
        let mut optimizer = CandleOptimizer::from_varmap_with(&map, muon, role).unwrap();
        optimizer.backward_step(&loss(&var)).unwrap();
        flat::<f32>(&var)
    };
    assert!(trained(Position::Hidden) != trained(Position::Last));
}

#[test]
fn evaluations_put_the_mean_into_the_variables_and_the_parameters_back() {
    let vars = vars(DType::F32);
    let rule = ScheduleFreeAdamW { learning_rate: 0.1, ..ScheduleFreeAdamW::DEFAULT };
    for optimizer in [
        Arc::new(configured(rule)) as Arc<dyn Optimizer>,
        Arc::new(Clipped::new(configured(rule), 10.0)) as Arc<dyn Optimizer>,
    ] {
        let mut params = all(&vars);
        let mut run = optimizer.start(&layout(), &params, &StreamId::root("any")).unwrap();
        let mut optimizer = CandleOptimizer::from_variables(vars.clone(), optimizer).unwrap();
        let mut expected = params.clone();
        for step in 0..4 {
            let (store, whole) = gradients(&vars, step);
            optimizer.step(&store).unwrap();
            run.update(Step::new(&whole), &mut params);
            run.evaluation_params(&params, &mut expected);
            let found = optimizer.evaluate(|| Ok(all(&vars))).unwrap();
            assert!(found == expected && all(&vars) == params, "step {step}");
            let failed: candle_core::Result<()> = optimizer.evaluate(|| candle_core::bail!("no data"));
            assert!(failed.unwrap_err().to_string().contains("no data") && all(&vars) == params);
        }
        assert!(expected != params);
    }
}

#[test]
fn steps_during_an_evaluation_are_errors() {
    let var = var(DType::F32);
    for rule in [configured(ScheduleFreeAdamW::DEFAULT), configured(Sgd::DEFAULT)] {
        let mut optimizer = CandleOptimizer::new(vec![var.clone()], Arc::new(rule)).unwrap();
        let states = optimizer.states().unwrap();
        let fails = |result: candle_core::Result<()>, word: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        fails(optimizer.end_evaluation(), "no evaluation to end");
        optimizer.begin_evaluation().unwrap();
        fails(optimizer.backward_step(&loss(&var)), "cannot do a step during an evaluation");
        fails(optimizer.restore(&states), "cannot restore a state");
        fails(optimizer.begin_evaluation(), "cannot begin another one");
        optimizer.end_evaluation().unwrap();
        optimizer.backward_step(&loss(&var)).unwrap();
    }
}

/// An optimizer without a learning rate and without a state that could be saved. It writes the loss into the parameters.
#[derive(Debug)]
struct LossWriter;

struct LossWriterRun;

impl<T: crate::Real> Run<T> for LossWriterRun {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        params.fill(step.loss);
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        Err(Error::Unsaved { optimizer: "loss-writer".to_owned() })
    }

    fn restore(&mut self, _: &Slots<T>) -> Result<(), Error> {
        Err(Error::Unsaved { optimizer: "loss-writer".to_owned() })
    }
}

impl Optimizer for LossWriter {
    fn identity(&self) -> OptimizerIdentity {
        OptimizerIdentity::new("loss-writer", "loss_writer", [], 1)
    }

    fn facts(&self) -> Facts {
        Facts { elementwise: true, ..Facts::default() }
    }

    fn start(&self, _: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(Box::new(LossWriterRun))
    }

    fn start_f64(&self, _: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(Box::new(LossWriterRun))
    }
}

#[test]
fn what_an_optimizer_cannot_do_is_told() {
    let var = var(DType::F32);
    let mut optimizer = CandleOptimizer::new(vec![var], Arc::new(LossWriter)).unwrap();
    assert!(optimizer.learning_rate().is_nan() && optimizer.scheduled_learning_rate().is_none());
    optimizer.set_learning_rate(0.1);
    assert!(optimizer.learning_rate().is_nan());
    let message = optimizer.try_set_learning_rate(0.1).unwrap_err().to_string();
    assert!(message.contains("loss-writer has no learning rate"), "{message}");
    assert!(optimizer.states().unwrap_err().to_string().contains("cannot be saved"));
}

#[test]
fn optimizers_are_told_the_loss() {
    let var = var(DType::F32);
    let mut optimizer = CandleOptimizer::new(vec![var.clone()], Arc::new(LossWriter)).unwrap();
    let value = loss(&var);
    optimizer.backward_step(&value).unwrap();
    let value: f32 = value.to_scalar().unwrap();
    assert!(flat::<f32>(&var) == [value; 12]);
    optimizer.step(&loss(&var).backward().unwrap()).unwrap();
    assert!(flat::<f32>(&var).iter().all(|x| x.is_nan()));
}
