//! Computes a case with our code, and compares.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use taskset_nn::{Backend, Network, Plan, Scalar};
use taskset_rng::StreamId;
use taskset_tasks::{Body, Examples, Problem, Task};

use crate::compare::{self, Comparison, Precision};
use crate::format::Case;
use crate::tensors::{self, Own};
use crate::{inputs, noise};

/// What our code has under a task's name.
pub(crate) enum Subject {
    /// A network, and whether its images are centred.
    Network { network: Network, centre: bool },
    /// A task without data.
    Formula(Arc<dyn Task>),
}

/// How our numbers of a case differ from the case's.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) loss: Comparison,
    /// In the order of the case.
    pub(crate) gradients: Vec<Comparison>,
}

impl Outcome {
    /// Whether nothing differs by more than its limit.
    pub(crate) fn passes(&self) -> bool {
        self.all().all(Comparison::passes)
    }

    /// The loss and all gradients.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Comparison> {
        std::iter::once(&self.loss).chain(&self.gradients)
    }

    /// The gradient that comes nearest to its limit, or exceeds it by most.
    pub(crate) fn worst_gradient(&self) -> Option<&Comparison> {
        self.gradients.iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio()))
    }
}

impl Subject {
    /// The task of this name.
    ///
    /// # Errors
    /// If there is no such task, or it cannot be built.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let spec = taskset_tasks::specification(name)?;
        match spec.body {
            Ok(Body::Network(body)) => {
                let centre = matches!(&body.examples, Examples::Images(examples) if examples.centre);
                Ok(Self::Network { network: body.network, centre })
            }
            Ok(Body::Objective(body)) => Ok(Self::Formula(body.task(name, spec.group))),
            Err(infeasible) => anyhow::bail!("the task cannot be built: {}", infeasible.0),
        }
    }

    /// Computes the case and compares.
    ///
    /// # Errors
    /// If the case does not fit the task: another number of tensors, other shapes, other tokens.
    pub(crate) fn run(&self, case: &Case, precision: Precision, backend: Backend) -> Result<Outcome> {
        match precision {
            Precision::F64 => self.run_in::<f64>(case, precision, backend, |task, id| task.start_f64(id)),
            Precision::F32 => self.run_in::<f32>(case, precision, backend, |task, id| task.start(id)),
        }
    }

    fn run_in<T: Scalar>(
        &self,
        case: &Case,
        precision: Precision,
        backend: Backend,
        start: impl Fn(&dyn Task, &StreamId) -> Box<dyn Problem<T>>,
    ) -> Result<Outcome> {
        let own = match self {
            Self::Network { network, .. } => Own::of_network(network),
            Self::Formula(task) => Own::of_layout(task.layout()),
        };
        let matched = tensors::matched(&case.tensors, &own)?;
        let params = tensors::parameters::<T>(&case.tensors, &matched)?;
        if let Some(count) = case.count {
            ensure!(
                count == params.len(),
                "`count` is {count}, but the task has {} parameters",
                params.len()
            );
        }
        let mut gradients = vec![T::zero(); params.len()];
        let loss = match self {
            Self::Network { network, centre } => {
                let mut plan = plan::<T>(case, network, *centre, backend)?;
                plan.loss_and_gradients(&params, &mut gradients)
            }
            Self::Formula(task) => {
                let mut problem = start(&**task, &StreamId::root("probe"));
                problem.next_batch(taskset_tasks::Feed::Training);
                problem.loss_and_gradients(&params, &mut gradients).wide()
            }
        };
        let gradient = |(place, own): (usize, &&Own)| {
            compare::gradient(case, precision, place, own, &gradients[own.range.clone()])
        };
        Ok(Outcome {
            loss: compare::loss(case, precision, loss),
            gradients: matched.iter().enumerate().map(gradient).collect(),
        })
    }
}

/// The network with the minibatch and the random numbers of a case.
fn plan<T: Scalar>(case: &Case, network: &Network, centre: bool, backend: Backend) -> Result<Plan<T>> {
    let rows = inputs::rows(&case.inputs)?;
    let examples = inputs::examples(case, network)?;
    let network = noise::with_permutations(network.clone());
    let mut plan = Plan::<T>::with_backend(&network, rows, backend)?;
    examples.fill(&network, centre, plan.batch_mut())?;
    let noise = noise::noise::<T>(&network, &network.shapes()?, rows);
    let noise: Vec<&[T]> = noise.iter().map(Vec::as_slice).collect();
    plan.set_noise(&noise).context("the random numbers of the case do not fit the task")?;
    Ok(plan)
}
