//! Tests of candle tasks: the same as a network task, and what candle refuses.

use super::*;
use crate::models::drawn_batches::tests::Clouds;
use crate::models::testing::{check, train};
use crate::{Draw, Drawn, Kind, NetworkTask, Position};
use candle_core::D;
use taskset_nn::{Activation, BatchMut, Loss, Network};

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Shapes,
    Vector,
    Detached,
    /// Minibatches of the test split cannot be drawn.
    Test,
    /// The label 1 becomes 7 once the parameters have moved: an index that candle refuses.
    Labels,
}

/// A network 2-8-2 with softmax cross-entropy.
#[derive(Debug)]
struct Classifier(Fault);

const CLOUDS: Clouds = Clouds { batch_size: 16 };

impl CandleLoss for Classifier {
    type Batch = [Tensor; 2];

    fn variables(&self) -> Vec<Variable> {
        let (weights, zeros) = (Initializer::GlorotNormal, Initializer::Zeros);
        vec![
            Variable::new("w0", &[2, 8], weights),
            Variable::new("b0", &[8], zeros),
            Variable::new("w1", &[8, 2], weights),
            Variable::new("b1", &[2], zeros),
        ]
    }

    fn draw(&self, split: Split, stream: &mut Stream, dtype: DType) -> CandleResult<Self::Batch> {
        if self.0 == Fault::Test && split == Split::Test {
            candle_core::bail!("no such split");
        }
        let (mut features, mut labels) = (vec![0f64; 32], vec![0u16; 16]);
        let batch = BatchMut { row_count: 16, features: &mut features, tokens: &mut [], labels: &mut labels };
        CLOUDS.draw(split, stream, batch);
        let labels: Vec<u32> = labels.into_iter().map(u32::from).collect();
        let features = Tensor::from_vec(features, (16, 2), &Device::Cpu)?.to_dtype(dtype)?;
        Ok([features, Tensor::from_vec(labels, (16, 1), &Device::Cpu)?])
    }

    fn loss(&self, params: &[Tensor], [x, labels]: &Self::Batch) -> CandleResult<Tensor> {
        let [w0, b0, w1, b1] = params else { candle_core::bail!("four tensors") };
        let hidden = x.matmul(if self.0 == Fault::Shapes { w1 } else { w0 })?.broadcast_add(b0)?.tanh()?;
        let logits = hidden.matmul(w1)?.broadcast_add(b1)?;
        let moved = b1.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()? > 0.0;
        let labels = if self.0 == Fault::Labels && moved { (labels * 7.0)? } else { labels.clone() };
        let losses = (logits.exp()?.sum_keepdim(D::Minus1)?.log()? - logits.gather(&labels, 1)?)?;
        match self.0 {
            Fault::Vector => Ok(losses),
            Fault::Detached => losses.mean_all().map(|loss| loss.detach()),
            _ => losses.mean_all(),
        }
    }
}

#[test]
fn a_candle_loss_is_a_task() {
    let task = CandleTask::new("classifier", Classifier(Fault::None)).unwrap();
    assert_eq!(task.layout().len(), 42);
    check(&task);
    let (before, after) = train(&task, 60, 0.02);
    assert!(after < 0.5 * before, "{before} {after}");
    assert!(task.failure().is_none());
}

/// The same model and data, described in both ways.
#[test]
fn candle_and_layers_agree() {
    let network = Network::mlp(2, &[8, 2], Activation::Tanh, Loss::SoftmaxCrossEntropy);
    let layers = NetworkTask::new("t", network, Drawn(CLOUDS)).unwrap();
    let candle = CandleTask::new("t", Classifier(Fault::None)).unwrap();
    let run = |task: &dyn Task| {
        let mut problem = task.start_f64(&StreamId::root("candle-task-tests"));
        let mut params = vec![0.0; 42];
        let mut gradients = params.clone();
        problem.init(&mut params);
        problem.next_batch(Feed::Training);
        let mut found = vec![problem.loss_and_gradients(&params, &mut gradients)];
        found.push(problem.mean_loss(Split::Test, &params, 3));
        found.extend(gradients);
        found
    };
    for (a, b) in run(&layers).into_iter().zip(run(&candle)) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn what_candle_refuses_is_an_error_when_the_task_is_made() {
    let refused = |fault| CandleTask::new("t", Classifier(fault)).err().unwrap().to_string();
    let message = refused(Fault::Shapes);
    assert!(message.starts_with("the task `t` failed while computing the loss:"), "{message}");
    assert!(refused(Fault::Vector).contains("must be one number"), "{}", refused(Fault::Vector));
    assert!(refused(Fault::Detached).contains("does not depend on the parameters"));
    assert!(refused(Fault::Test).contains("while drawing a minibatch: no such split"));
}

#[test]
fn later_failures_are_nan_and_are_kept() {
    let task = CandleTask::new("t", Classifier(Fault::Labels)).unwrap();
    let mut problem = task.start(&StreamId::root("candle-task-tests"));
    let mut params = vec![0.0; 42];
    problem.init(&mut params);
    let mut gradients = params.clone();
    problem.next_batch(Feed::Training);
    assert!(problem.loss_and_gradients(&params, &mut gradients).is_finite());
    assert!(task.failure().is_none());
    params[41] = 1.0;
    assert!(problem.loss_and_gradients(&params, &mut gradients).is_nan());
    assert!(gradients.iter().all(|g| g.is_nan()));
    assert!(matches!(task.failure(), Some(Error::Candle { doing: "computing the loss", .. })));
}

/// The sum of the squares of the first of these.
#[derive(Debug)]
struct Squares(Vec<Variable>);

impl CandleLoss for Squares {
    type Batch = ();

    fn variables(&self) -> Vec<Variable> {
        self.0.clone()
    }

    fn draw(&self, _: Split, _: &mut Stream, _: DType) -> CandleResult<()> {
        Ok(())
    }

    fn loss(&self, params: &[Tensor], (): &()) -> CandleResult<Tensor> {
        params[0].sqr()?.sum_all()
    }

    fn description(&self) -> Option<String> {
        Some("squares".to_owned())
    }
}

#[test]
fn roles_follow_from_the_shape_or_are_given() {
    let plain = |name, shape: &[usize]| Variable::new(name, shape, Initializer::Zeros);
    let first = Role::new(Kind::Embedding, Position::First);
    let variables = vec![
        plain("scalar", &[]),
        plain("vector", &[3]),
        plain("matrix", &[3, 5]),
        plain("table", &[3, 5]).with_role(first),
        plain("transposed", &[3, 5]).with_output_axis(0),
        plain("kernel", &[2, 2, 3, 5]),
    ];
    let task = CandleTask::new("t", Squares(variables)).unwrap();
    let found: Vec<_> = task.layout().tensors().iter().map(|t| (t.role, t.fans())).collect();
    let hidden = |kind| Role::new(kind, Position::Hidden);
    let expected = [
        (hidden(Kind::Plain), None),
        (hidden(Kind::Plain), None),
        (hidden(Kind::Dense), Some((3, 5))),
        (first, Some((3, 5))),
        (hidden(Kind::Dense), Some((5, 3))),
        (hidden(Kind::Kernel), Some((12, 5))),
    ];
    assert_eq!(found, expected);
    let error = CandleTask::new("t", Squares(vec![plain("w", &[3, 5]).with_output_axis(2)])).err().unwrap();
    assert!(error.to_string().contains("`w` of shape [3, 5] has no axis 2"), "{error}");
}

#[test]
fn roles_are_part_of_the_identity_where_they_are_given() {
    let plain = Variable::new("w", &[3, 5], Initializer::Zeros);
    // What tasks were identified by before variables had roles.
    assert_eq!(format!("{plain:?}"), "Variable { name: \"w\", shape: [3, 5], initializer: Zeros }");
    let last = plain.clone().with_role(Role::new(Kind::Dense, Position::Last));
    let version = |variable| CandleTask::new("t", Squares(vec![variable])).unwrap().version().unwrap();
    assert_ne!(version(plain.clone()), version(last));
    assert_ne!(version(plain.clone()), version(plain.with_output_axis(0)));
}

#[test]
fn parameters_need_names_of_their_own() {
    let new = |names: &[&str]| {
        let variable = |name: &&str| Variable::new(name, &[3], Initializer::RandomNormal { std: 1.0 });
        CandleTask::new("t", Squares(names.iter().map(variable).collect()))
    };
    assert!(new(&[]).err().unwrap().to_string().contains("no parameter"));
    assert!(new(&["a", "a"]).err().unwrap().to_string().contains("the name `a`"));
    // What a loss does not use has the gradient 0.
    let task = new(&["a", "b"]).unwrap();
    let mut problem = task.start(&StreamId::root("candle-task-tests"));
    let (mut params, mut gradients) = ([0f32; 6], [f32::NAN; 6]);
    problem.init(&mut params);
    problem.next_batch(Feed::Training);
    problem.loss_and_gradients(&params, &mut gradients);
    assert!((0..3).all(|i| (gradients[i] - 2.0 * params[i]).abs() < 1e-6));
    assert_eq!(gradients[3..].iter().map(|g| g.to_bits()).collect::<Vec<_>>(), [0; 3]);
}
