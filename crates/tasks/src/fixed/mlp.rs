//! Builder of the fixed MLP classifiers (`FixedMLP_*`), from the table of the fixed tasks.

use std::sync::Arc;

use taskset_datasets::{Carving, Datasets};
use taskset_nn::{
    Activation, Dense, Dropout, Flatten, FrozenBatchNorm, Initializer, Layer, LayerNorm, Loss, Network,
};

use super::{Between, Model, TASKS};
use crate::models::image_batches::ImageExamples;
use crate::models::network_task::NetworkTask;
use crate::spec::{Group, Infeasible};
use crate::{Error, Task};

/// Entries of the shuffle buffer of the tasks without norms and dropout; for the others it is the size of the split.
const SHUFFLE_BUFFER: usize = 5000;

/// The fixed task of this name, if it is an MLP classifier.
///
/// # Errors
/// [`Error::Data`] if its images cannot be loaded.
pub fn build(name: &str, data: &Datasets) -> Option<Result<Arc<dyn Task>, Error>> {
    let task = TASKS.iter().find(|task| task.name == name)?;
    let Model::Mlp { hidden, activation, between, loss } = task.model else { return None };
    let activation = Activation::from_name(activation)?;
    let loss = match loss {
        "ce" => Loss::SoftmaxCrossEntropy,
        "mse" => Loss::SigmoidSquaredError,
        _ => return None,
    };
    let between_layers: Option<Layer> = match between {
        Between::Nothing => None,
        Between::Offset => Some(FrozenBatchNorm.into()),
        Between::LayerNorm => Some(LayerNorm.into()),
        Between::Dropout(keep) => Some(Dropout { keep }.into()),
        // Real batch norm occurs in convolutional tasks only.
        Between::BatchNorm => return None,
    };
    let group = Group { name: task.group.name(), revision: task.group.revision() };
    let build = |dataset: &str| -> Result<Arc<dyn Task>, Error> {
        let examples = ImageExamples {
            dataset: dataset.to_owned(),
            carving: Carving::Fixed,
            num_train: None,
            batch_size: task.batch_size,
            buffer: between_layers.is_none().then_some(SHUFFLE_BUFFER),
            augmentation: None,
            centre: false,
        };
        let infeasible = |Infeasible(reason)| Error::Infeasible { name: name.to_owned(), reason };
        let input = examples.input().map_err(infeasible)?;
        let mut layers: Vec<Layer> = vec![Flatten.into()];
        for &outputs in hidden {
            layers.push(Dense { outputs }.into());
            layers.extend(between_layers.clone());
            layers.push(activation.into());
        }
        layers.push(Dense { outputs: input.classes }.into());
        let network = Network::new(input.shape(), layers, loss).with_weights(Initializer::SonnetDefault);
        Ok(Arc::new(NetworkTask::new(name, network, examples.load(data)?)?.in_group(group)))
    };
    Some(build(task.dataset?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Group;
    use taskset_datasets::Source;
    use taskset_names::Split;
    use taskset_rng::StreamId;

    #[test]
    fn all_thirteen_build_with_their_published_sizes_and_step() {
        let data = Datasets::new(Source::Synthetic);
        let mut built = 0;
        for fixed in &TASKS {
            let task = match build(fixed.name, &data) {
                Some(task) => task.unwrap(),
                None => {
                    assert_ne!(fixed.group, Group::Mlp, "{}", fixed.name);
                    continue;
                }
            };
            built += 1;
            assert_eq!(task.layout().len() as u64, fixed.cost().num_params, "{}", fixed.name);
            let mut problem = task.start(&StreamId::root("fixed-mlp-tests"));
            let mut params = vec![0.0; task.layout().len()];
            problem.init(&mut params);
            problem.next_batch(crate::Feed::Training);
            let mut gradients = params.clone();
            let loss = problem.loss_and_gradients(&params, &mut gradients);
            params.iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.01 * g);
            assert!(problem.loss(&params) < loss, "{}", fixed.name);
            assert!(problem.mean_loss(Split::ValidOuter, &params, 1).is_finite());
        }
        assert_eq!(built, 13);
    }
}
