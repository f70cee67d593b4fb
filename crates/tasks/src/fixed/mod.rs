//! The 109 fixed tasks: one table of rows, one file per group with the model that its rows describe.

use taskset_nn::{Distance, Output, Reconstruction, Reduction};

use crate::Error;
use crate::models::image_batches::ImageExamples;
use crate::spec::{Body, Group, Infeasible, Specification};
use crate::suite::Suite;

mod conv_autoencoder;
mod conv_classifier;
mod flow;
mod initializer;
mod language_model;
mod mlp;
mod mlp_autoencoder;
mod named_tasks;
mod recurrent_core;
mod sequences;
mod text_classification;
mod two_d;

pub use conv_autoencoder::{ConvAe, ConvVae};
pub use conv_classifier::{ConvFc, ConvPooling};
pub use flow::{Maf, Nvp};
pub use initializer::ConvInitializer;
pub use language_model::LanguageModel;
pub use mlp::{Between, Mlp, MlpLoss};
pub use mlp_autoencoder::{MlpAe, MlpVae};
pub use named_tasks::TASKS;
pub use recurrent_core::FixedCore;
pub use sequences::{Associative, SequenceCopy};
pub use text_classification::{Outputs, TextClassification};
pub use two_d::TwoD;

/// A fixed task: a name that stands for a model, its data and its loss. There is no configuration to sample.
#[derive(Clone, Copy, Debug)]
pub struct FixedTask {
    /// Upstream's name.
    pub name: &'static str,
    /// What is really computed: model, data, minibatch.
    pub model: Model,
    /// Where the name misleads, if it does: one sentence.
    pub note: Option<&'static str>,
}

/// What a fixed task computes; the kind decides the group.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each kind is documented with its type")]
pub enum Model {
    Associative(Associative),
    Copy(SequenceCopy),
    ConvPooling(ConvPooling),
    ConvFc(ConvFc),
    ConvAe(ConvAe),
    ConvVae(ConvVae),
    LanguageModel(LanguageModel),
    Maf(Maf),
    Nvp(Nvp),
    MlpAe(MlpAe),
    MlpVae(MlpVae),
    Mlp(Mlp),
    TextClassification(TextClassification),
    TwoD(TwoD),
}

/// What each kind of model defines.
trait FixedModel {
    /// Its group.
    const GROUP: Group;

    /// The data that are really used, if any; generated sequences and test functions have none.
    fn dataset(&self) -> Option<&'static str> {
        None
    }

    /// One line: the model, its data and its minibatch.
    fn summary(&self) -> String;

    /// What is computed.
    ///
    /// # Errors
    /// [`Infeasible`] if the row is wrong: every row of the table is tested.
    fn body(&self) -> Result<Body, Infeasible>;
}

/// A group of this name in its first revision.
const fn group(name: &'static str) -> Group {
    Group { name, revision: 1 }
}

macro_rules! dispatch {
    ($model:expr, $one:ident => $result:expr) => {
        match $model {
            Model::Associative($one) => $result,
            Model::Copy($one) => $result,
            Model::ConvPooling($one) => $result,
            Model::ConvFc($one) => $result,
            Model::ConvAe($one) => $result,
            Model::ConvVae($one) => $result,
            Model::LanguageModel($one) => $result,
            Model::Maf($one) => $result,
            Model::Nvp($one) => $result,
            Model::MlpAe($one) => $result,
            Model::MlpVae($one) => $result,
            Model::Mlp($one) => $result,
            Model::TextClassification($one) => $result,
            Model::TwoD($one) => $result,
        }
    };
}

fn group_of<M: FixedModel>(_: &M) -> Group {
    M::GROUP
}

impl FixedTask {
    /// Its group.
    pub fn group(&self) -> Group {
        dispatch!(&self.model, model => group_of(model))
    }

    /// What the name stands for.
    pub fn specification(&self) -> Specification {
        dispatch!(&self.model, model => Specification {
            name: self.name.to_owned(),
            group: group_of(model),
            summary: model.summary(),
            note: self.note,
            config: None,
            dataset: model.dataset().map(str::to_owned),
            body: model.body(),
        })
    }
}

/// The suite of the fixed tasks.
#[derive(Clone, Copy, Debug)]
pub struct Fixed;

impl Suite for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn groups(&self) -> Vec<&'static str> {
        let mut groups = Vec::new();
        for task in &TASKS {
            let name = task.group().name;
            if !groups.contains(&name) {
                groups.push(name);
            }
        }
        groups
    }

    fn names(&self) -> Vec<String> {
        TASKS.iter().map(|task| task.name.to_owned()).collect()
    }

    fn members(&self, group: &str) -> Vec<String> {
        TASKS.iter().filter(|task| task.group().name == group).map(|task| task.name.to_owned()).collect()
    }

    fn contains(&self, name: &str) -> Result<bool, Error> {
        Ok(TASKS.iter().any(|task| task.name == name))
    }

    fn find(&self, name: &str) -> Result<Option<Specification>, Error> {
        Ok(TASKS.iter().find(|task| task.name == name).map(FixedTask::specification))
    }

    fn suggestion(&self, name: &str) -> Option<String> {
        taskset_names::closest(name, TASKS.iter().map(|task| task.name)).map(str::to_owned)
    }
}

/// The images of a fixed task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images {
    /// Name of the image set.
    pub dataset: &'static str,
    /// Examples in a minibatch.
    pub batch_size: usize,
    /// Entries of the shuffle buffer; `None`: as many as the split has examples.
    pub buffer: Option<usize>,
}

impl Images {
    /// As minibatches of the fixed tasks' splits, without augmentation; `centre` as in [`ImageExamples`].
    fn examples(self, centre: bool) -> ImageExamples {
        ImageExamples {
            dataset: self.dataset.to_owned(),
            carving: taskset_datasets::Carving::Fixed,
            num_train: None,
            batch_size: self.batch_size,
            buffer: self.buffer,
            augmentation: None,
            centre,
        }
    }

    /// The end of a summary.
    fn summary(self) -> String {
        format!("{}, batch {}", self.dataset, self.batch_size)
    }
}

/// The loss of all autoencoders: the mean over pixels, channels and minibatch of `(x − sigmoid(output))²`.
const SIGMOID_SQUARES: Reconstruction =
    Reconstruction { output: Output::Sigmoid, distance: Distance::Squared, reduction: Reduction::Mean };

/// Widths as summaries show them: `32x64x64`.
fn join(widths: &[usize]) -> String {
    widths.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
