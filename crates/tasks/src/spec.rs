//! What a task's name stands for, as data, made without reading a file. Parameters, operations, listings, JSON and the
//! identity of curves follow from a [`Specification`]; with the data it makes the task.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use taskset_datasets::Datasets;
use taskset_nn::Network;
use taskset_trial::{Digest, TaskVersion};

use crate::models::associative_copy_batches::SequenceExamples;
use crate::models::image_batches::ImageExamples;
use crate::models::network_task::{NetworkTask, Redraw};
use crate::models::text_batches::TextExamples;
use crate::{Draw, Drawn, Error, Layout, Task, network_cost};

/// The tasks that share a builder: a sampled family, or a kind of fixed task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Name, as in listings and patterns.
    pub name: &'static str,
    /// Revision of its tasks, from 1. It is part of every trial's identity: raise it with any change of the program that
    /// changes a bit of the curves of these tasks (a golden digest in `taskset-train` fails until then).
    pub revision: u32,
}

impl Group {
    /// Tasks that are not in the registry: callers' own networks, and tasks of the registry with another start. The revision
    /// rises with that of any group.
    pub(crate) const OWN: Self = Self { name: "own", revision: 1 };

    /// The version of a task of this group, from what it computes, as a text that changes whenever the task computes
    /// something else.
    pub(crate) fn version(self, description: &str) -> TaskVersion {
        TaskVersion {
            group: self.name.to_owned(),
            revision: self.revision,
            fingerprint: Digest::of(description.as_bytes()),
        }
    }
}

/// Why a configuration describes a model that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infeasible(pub String);

/// What a training step costs besides vectorised arithmetic: rough numbers, for estimates of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// Operations that are done one at a time, or as many of these as would take the same time: random numbers, powers, changes of
    /// colour. Counted here whether or not the task's floating-point operations count them too.
    pub scalar_operations: f64,
    /// Operations that the task's floating-point operations count, but that a step does not do.
    pub skipped_flops: f64,
    /// Bytes of stored constants that every step reads, a matrix for instance. Parameters and minibatch are not counted.
    pub bytes: f64,
    /// An evaluation of one minibatch as a share of a step.
    pub evaluation_share: f64,
}

impl Default for Overhead {
    fn default() -> Self {
        Self { scalar_operations: 0.0, skipped_flops: 0.0, bytes: 0.0, evaluation_share: 1.0 / 3.0 }
    }
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub struct Specification {
    /// Upstream's name.
    pub name: String,
    /// Its group.
    pub group: Group,
    /// One line: what is optimised.
    pub summary: String,
    /// One line on where the name misleads, if it does.
    pub note: Option<&'static str>,
    /// The sampled configuration in upstream's form (keys, order, values); none for fixed tasks.
    pub config: Option<Value>,
    /// The data that the task really uses, whatever its name says.
    pub dataset: Option<String>,
    /// What is computed, or why it cannot be built: upstream stores names that cannot (QUIRK-2).
    pub body: Result<Body, Infeasible>,
}

/// What is computed.
#[derive(Clone, Debug)]
pub enum Body {
    /// A network on minibatches of data.
    Network(Box<NetworkBody>),
    /// A formula.
    Objective(Arc<dyn ObjectiveBody>),
}

/// A network on minibatches of data.
#[derive(Clone, Debug)]
pub struct NetworkBody {
    /// Layers, loss and initialisers.
    pub network: Network,
    /// Which data, and how they become minibatches.
    pub examples: Examples,
    /// Makes the network of a replica, where replicas have networks of their own.
    pub(crate) redraw: Option<Redraw>,
}

/// Which data, and how they become minibatches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Examples {
    /// Images.
    Images(ImageExamples),
    /// Slices of text.
    Text(TextExamples),
    /// Made-up sequences.
    Sequences(SequenceExamples),
}

/// A task whose loss is a formula of its parameters.
pub trait ObjectiveBody: Debug + Send + Sync {
    /// The parameters.
    fn layout(&self) -> Layout;

    /// Floating-point operations of one training step, an estimate.
    fn flops_per_step(&self) -> f64;

    /// What a step costs besides.
    fn overhead(&self) -> Overhead {
        Overhead::default()
    }

    /// The task.
    fn task(&self, name: &str, group: Group) -> Arc<dyn Task>;
}

impl Specification {
    /// Trainable parameters; 0 where no such model exists.
    pub fn num_params(&self) -> u64 {
        self.body.as_ref().map_or(0, Body::num_params)
    }

    /// Floating-point operations of one training step without the optimizer, a rough estimate; 0 where no such model exists.
    pub fn flops_per_step(&self) -> f64 {
        self.body.as_ref().map_or(0.0, Body::flops_per_step)
    }

    /// What a step costs besides those.
    pub fn overhead(&self) -> Overhead {
        self.body.as_ref().map_or_else(|_| Overhead::default(), Body::overhead)
    }

    /// The task, with its data.
    ///
    /// # Errors
    /// [`Error::Infeasible`] where no such model exists, and errors of the data.
    pub fn build(&self, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
        let infeasible = |Infeasible(reason): &Infeasible| Error::Infeasible {
            name: self.name.clone(),
            reason: reason.clone(),
        };
        self.body.as_ref().map_err(infeasible)?.build_in(self.group, &self.name, data)
    }
}

impl Body {
    /// A network that all replicas share, on these examples.
    pub fn network(network: Network, examples: Examples) -> Self {
        Self::Network(Box::new(NetworkBody { network, examples, redraw: None }))
    }

    /// Trainable parameters.
    pub fn num_params(&self) -> u64 {
        let count = match self {
            Self::Network(body) => body.network.parameter_count(),
            Self::Objective(body) => body.layout().len(),
        };
        count as u64
    }

    /// Floating-point operations of one training step.
    pub fn flops_per_step(&self) -> f64 {
        match self {
            Self::Network(body) => body.network.flops_per_step(body.examples.batch_size()),
            Self::Objective(body) => body.flops_per_step(),
        }
    }

    /// What a step costs besides those.
    pub fn overhead(&self) -> Overhead {
        match self {
            Self::Network(body) => network_cost::overhead(body),
            Self::Objective(body) => body.overhead(),
        }
    }

    /// A task of this name that is not in the registry.
    ///
    /// # Errors
    /// Errors of the data.
    pub fn build(&self, name: &str, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
        self.build_in(Group::OWN, name, data)
    }

    fn build_in(&self, group: Group, name: &str, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
        match self {
            Self::Network(body) => body.build(group, name, data),
            Self::Objective(body) => Ok(body.task(name, group)),
        }
    }
}

impl NetworkBody {
    fn build(&self, group: Group, name: &str, data: &Datasets) -> Result<Arc<dyn Task>, Error> {
        match &self.examples {
            Examples::Images(examples) => self.on(group, name, examples.load(data)?),
            Examples::Text(examples) => self.on(group, name, examples.load(data)?),
            Examples::Sequences(examples) => self.on(group, name, Drawn(*examples)),
        }
    }

    fn on<D: crate::Data>(&self, group: Group, name: &str, data: D) -> Result<Arc<dyn Task>, Error> {
        let task = NetworkTask::new(name, self.network.clone(), data)?.in_group(group);
        Ok(match self.redraw {
            Some(redraw) => Arc::new(task.redrawn(redraw)),
            None => Arc::new(task),
        })
    }
}

impl Examples {
    /// Examples of a minibatch.
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Images(examples) => examples.batch_size,
            Self::Text(examples) => examples.batch_size,
            Self::Sequences(examples) => examples.batch_size(),
        }
    }
}
