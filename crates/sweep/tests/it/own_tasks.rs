//! Tasks that no registry knows.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_nn::{Activation, BatchMut, Loss, Network, Scalar};
use taskset_optim::{Mode, Optimizer};
use taskset_rng::Stream;
use taskset_sweep::{Directory, RunOptions, Sweep};
use taskset_tasks::{Draw, Drawn, NetworkTask, Task};
use taskset_train::{Quiet, configure, run_trial};
use taskset_trial::Protocol;

use crate::support::{bits, stored};

/// Points and the side of the diagonal that they are on; `version` is what the task says about itself, if anything.
#[derive(Debug)]
struct Sides {
    version: Option<&'static str>,
}

impl Draw for Sides {
    fn batch_size(&self) -> usize {
        8
    }

    fn description(&self) -> Option<String> {
        self.version.map(str::to_owned)
    }

    fn draw<T: Scalar>(&self, _: Split, stream: &mut Stream, batch: BatchMut<'_, T>) {
        for (point, label) in batch.features.chunks_exact_mut(2).zip(batch.labels) {
            let [x, y] = [stream.unit_f64(), stream.unit_f64()];
            point.copy_from_slice(&[T::of(x), T::of(y)]);
            *label = u16::from(x > y);
        }
    }
}

fn own(name: &str) -> Arc<dyn Task> {
    own_version(name, Some("sides of the diagonal, 1"), 8)
}

fn own_version(name: &str, version: Option<&'static str>, width: usize) -> Arc<dyn Task> {
    let network = Network::mlp(2, &[width, 2], Activation::Tanh, Loss::SoftmaxCrossEntropy);
    Arc::new(NetworkTask::new(name, network, Drawn(Sides { version })).unwrap())
}

const PROTOCOL: Protocol = Protocol { steps: 60, eval_every: 30, eval_batches: 4 };

fn sweep(tasks: Vec<Arc<dyn Task>>) -> Sweep {
    let optimizer = |name| -> Arc<dyn Optimizer> {
        let named = taskset_optim::named(name).unwrap();
        Arc::new(configure(&named, Mode::Upstream, &PROTOCOL).unwrap())
    };
    let optimizers = ["adam_lr_-2.00", "nadamw_grid_seed107"].map(optimizer);
    Sweep::of(tasks, optimizers.to_vec(), 2, PROTOCOL).unwrap()
}

#[test]
fn they_are_swept_beside_others_and_stored() {
    let registered = taskset_tasks::build("TwoD_Rosenbrock", &Datasets::new(Source::Synthetic)).unwrap();
    let sweep = sweep(vec![own("sides"), registered]);
    let directory = tempfile::tempdir().unwrap();
    let store = Directory::at(directory.path());
    let outcome = store.run(&sweep, &RunOptions::new(2), &mut Quiet, &AtomicBool::new(false)).unwrap();
    assert_eq!((outcome.trained, outcome.total), (8, 8));
    let curves = stored(&store);
    let first =
        curves.iter().find(|c| c.task() == "sides" && c.optimizer() == "adam_lr_-2.00" && c.replica() == 1);
    let adam = taskset_optim::named("adam_lr_-2.00").unwrap().configured(Mode::Upstream, 10_000).unwrap();
    let cancel = AtomicBool::new(false);
    let alone = run_trial(&*own("sides"), &adam, 1, &PROTOCOL, &mut Quiet, &cancel).unwrap();
    assert_eq!(bits(std::slice::from_ref(first.unwrap())), bits(&[alone]));
}

#[test]
fn curves_are_used_again_only_for_a_task_that_says_it_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = Directory::at(directory.path());
    let trained = |version, width| {
        let sweep = sweep(vec![own_version("sides", version, width)]);
        store.run(&sweep, &RunOptions::new(1), &mut Quiet, &AtomicBool::new(false)).unwrap().trained
    };
    assert_eq!((trained(Some("1"), 8), trained(Some("1"), 8)), (4, 0));
    assert_eq!(trained(Some("2"), 8), 4, "another version");
    assert_eq!(trained(Some("1"), 9), 4, "another network");
    assert_eq!((trained(None, 8), trained(None, 8)), (4, 4), "no version is never the same");
    assert_eq!(stored(&store).len(), 20, "and all are kept");
}
