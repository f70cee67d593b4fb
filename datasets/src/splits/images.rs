//! The four splits of an image task.

use std::ops::Range;
use std::sync::Arc;

use taskset_names::Split;

use super::{HeldOut, SourceSizes, SourceSplit, Splits, fixed_order};
use crate::ImageData;
use crate::images::ImageInfo;

/// Which of TaskSet's two carving tables applies: they differ in the sizes of the held-out splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carving {
    /// The sampled task families (5,000 held-out examples, 800 for `coil100_32x32`, 2,000 for `deep_weeds_32x32`).
    Sampled,
    /// The fixed tasks (3,000 held-out examples, 700 for `colorectal_histology_32x32`).
    Fixed,
}

/// Carves the four splits of a task.
///
/// Each source split is first put in a fixed pseudo-random order, the stream `"taskset-rs/datasets" / name / "order" /
/// source split` (upstream relies on the hash order of its stored examples). Then, with V the held-out size:
///
/// | the source has | valid_inner | valid_outer | test | train |
/// |---|---|---|---|---|
/// | train and one other split | first V of train | next V | the other split | rest of train |
/// | train, validation, test | first V of train | validation | test | rest of train |
/// | only train | first V | next V | next V | rest |
///
/// At last `num_train`, if given and not 0, keeps the first `num_train` examples of train; a larger number changes
/// nothing. It counts examples of `data` as it is: for a stand-in, too, it is not scaled.
pub fn carve(data: &ImageData, carving: Carving, num_train: Option<usize>) -> Splits {
    let source = data.info().source;
    let orders = SourceSplit::ALL.map(|split| fixed_order(data.name(), &source, split));
    let indices = blocks(&source, data.info().held_out.get(carving))
        .map(|(split, range)| Arc::<[u32]>::from(&orders[split as usize][range]));
    let mut splits = Splits { indices };
    let train = &mut splits.indices[Split::Train.index()];
    if let Some(n) = num_train.filter(|&n| n > 0 && n < train.len()) {
        *train = Arc::from(&train[..n]);
    }
    splits
}

impl HeldOut {
    /// The size for a carving.
    pub fn get(&self, carving: Carving) -> usize {
        match carving {
            Carving::Sampled => self.sampled,
            Carving::Fixed => self.fixed,
        }
    }
}

impl ImageInfo {
    /// Sizes of the four splits before `num_train`, in the order of [`Split::ALL`].
    pub fn carved_sizes(&self, carving: Carving) -> [usize; 4] {
        blocks(&self.source, self.held_out.get(carving)).map(|(_, range)| range.len())
    }

    /// Why carving would leave a split empty, if it would.
    pub(crate) fn carving_problem(&self) -> Option<String> {
        [Carving::Sampled, Carving::Fixed].into_iter().find_map(|carving| {
            let v = self.held_out.get(carving);
            let sizes = self.carved_sizes(carving);
            (sizes.contains(&0) || sizes.iter().sum::<usize>() > self.source.total())
                .then(|| format!("held-out size {v} does not fit {} training examples", self.source.train))
        })
    }
}

/// Where each of the four splits lies, in the order of [`Split::ALL`]: a source split and a range of its shuffled
/// order.
fn blocks(source: &SourceSizes, v: usize) -> [(SourceSplit, Range<usize>); 4] {
    use SourceSplit::{Test, Train, Validation};
    // Sizes in the header of a damaged copy can be anything; then the rest is empty, which is refused.
    let block = |i: usize| (Train, i.saturating_mul(v)..(i + 1).saturating_mul(v));
    let rest = |from: usize| (Train, from.saturating_mul(v)..source.train.max(from.saturating_mul(v)));
    let whole = |split| (split, 0..source.get(split));
    match (source.validation, source.test) {
        (None, None) => [rest(3), block(0), block(1), block(2)],
        (None, Some(_)) => [rest(2), block(0), block(1), whole(Test)],
        (Some(_), None) => [rest(2), block(0), block(1), whole(Validation)],
        (Some(_), Some(_)) => [rest(1), block(0), whole(Validation), whole(Test)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taskset_names::Origin;

    use super::*;
    use crate::images::ImageShape;
    use crate::splits::HeldOut;

    fn data(name: &str, source: SourceSizes, sampled: usize, fixed: usize) -> ImageData {
        let info = ImageInfo {
            shape: ImageShape { height: 1, width: 1, channels: 1 },
            classes: 1,
            source,
            held_out: HeldOut { sampled, fixed },
        };
        let total = source.total();
        ImageData::new(name, info, Origin::Real, vec![0; total], vec![0; total]).unwrap()
    }

    proptest! {
        #[test]
        fn splits_are_disjoint_and_exhaustive(
            rest in 1usize..40,
            v in 1usize..20,
            validation in proptest::option::of(1usize..30),
            test in proptest::option::of(1usize..30),
            num_train in proptest::option::of(0usize..60),
        ) {
            let data = data("p", SourceSizes { train: 3 * v + rest, validation, test }, v, v);
            let splits = carve(&data, Carving::Sampled, None);
            let sizes = data.info().carved_sizes(Carving::Sampled);
            let mut all: Vec<u32> = Vec::new();
            for split in Split::ALL {
                prop_assert_eq!(splits.get(split).len(), sizes[split.index()]);
                all.extend(splits.get(split).iter());
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..data.len() as u32).collect::<Vec<_>>());

            // num_train keeps the first examples of train and touches nothing else.
            let fewer = carve(&data, Carving::Sampled, num_train);
            let full = splits.get(Split::Train);
            let n = num_train.filter(|&n| n > 0).unwrap_or(full.len()).min(full.len());
            prop_assert_eq!(&**fewer.get(Split::Train), &full[..n]);
            for split in [Split::ValidInner, Split::ValidOuter, Split::Test] {
                prop_assert_eq!(fewer.get(split), splits.get(split));
            }
        }

        #[test]
        fn held_out_examples_come_from_the_right_source(v in 1usize..9) {
            let source = SourceSizes { train: 40, validation: Some(10), test: Some(20) };
            let splits = carve(&data("p", source, v, v), Carving::Fixed, None);
            prop_assert!(splits.get(Split::ValidInner).iter().all(|&i| i < 40));
            prop_assert!(splits.get(Split::ValidOuter).iter().all(|&i| (40..50).contains(&i)));
            prop_assert!(splits.get(Split::Test).iter().all(|&i| i >= 50));
        }
    }

    #[test]
    fn first_indices_of_mnist_are_pinned() {
        // Made by this crate, version 0.1.0; a change moves every curve on images.
        let source = SourceSizes { train: 60_000, validation: None, test: Some(10_000) };
        let data = data("mnist", source, 5000, 3000);
        let first = |carving| {
            let splits = carve(&data, carving, None);
            Split::ALL.map(|split| [splits.get(split)[0], splits.get(split)[1]])
        };
        assert_eq!(first(Carving::Sampled), [[30003, 50324], [32868, 44958], [42291, 26899], [65859, 62015]]);
        assert_eq!(first(Carving::Fixed), [[40338, 27615], [32868, 44958], [27293, 49695], [65859, 62015]]);
    }

    #[test]
    fn each_data_set_has_its_own_order() {
        let source = SourceSizes { train: 100, validation: None, test: None };
        let train = |name| carve(&data(name, source, 5, 5), Carving::Sampled, None).get(Split::Train).clone();
        assert_eq!(train("a"), train("a"));
        assert_ne!(train("a"), train("b"));
    }
}
