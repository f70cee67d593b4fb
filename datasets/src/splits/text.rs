//! The four splits of a text task.

use taskset_names::{Origin, Split};

use super::{SourceSplit, Splits, fixed_order};
use crate::TextData;

/// Held-out splits of stand-ins are not scaled below this size, so that their mean loss keeps its meaning.
const MIN_HELD_OUT: usize = 250;

/// Carves the four splits of a text task (the paper's appendix G.1): valid_inner is the first `held_out` training
/// examples, valid_outer the next, train the rest, cut to its first `num_train` if that is given and not 0; test is the
/// source's test split. `held_out` is 3,000 for character language models and text classification, 10,000 for word
/// language models, which leaves 5,000 training reviews of `imdb_reviews` (QUIRK-15).
///
/// Each source split is first put in a fixed pseudo-random order, the stream `"taskset-rs/datasets" / source / "order" /
/// source split`, so that the four splits are disjoint (upstream reads its files in another order for each, QUIRK-14) and
/// the same texts are held out whether they are read as bytes or as subwords.
///
/// A stand-in or a partial copy holds fewer examples than the source: its held-out size is [`held_out_size`].
pub fn carve_text(data: &TextData, held_out: usize, num_train: Option<usize>) -> Splits {
    let sizes = data.source_sizes();
    let order = |split| fixed_order(&data.info().manifest.name, &sizes, split);
    let (train, test) = (order(SourceSplit::Train), order(SourceSplit::Test));
    let v = held_out_size(data, held_out);
    let rest = &train[2 * v..];
    let n = num_train.filter(|&n| n > 0).unwrap_or(rest.len()).min(rest.len());
    Splits::new(Split::ALL.map(|split| match split {
        Split::Train => rest[..n].into(),
        Split::ValidInner => train[..v].into(),
        Split::ValidOuter => train[v..2 * v].into(),
        Split::Test => test.as_slice().into(),
    }))
}

/// Examples in each held-out split: `held_out` of complete original data. Of a stand-in or a partial copy, `held_out`
/// scaled as the number of its training examples is (where the original's is known), but not below 250. Never so many
/// that no training example is left.
pub fn held_out_size(data: &TextData, held_out: usize) -> usize {
    let train = data.source_sizes().train;
    let scaled = match (data.origin(), data.info().train) {
        (Origin::Real, _) => held_out,
        (_, Some(full)) if full > train => {
            ((held_out as u128 * train as u128 / full as u128) as usize).max(held_out.min(MIN_HELD_OUT))
        }
        (_, Some(_)) => held_out,
        (Origin::Synthetic, None) => held_out.min(MIN_HELD_OUT),
        (_, None) => held_out.min(train / 4),
    };
    scaled.clamp(1, (train - 1) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::data::Texts;
    use crate::text::text_info;

    fn data(name: &str, origin: Origin, train: usize, test: usize) -> TextData {
        let info = text_info(name).unwrap();
        let texts = Texts { tokens: vec![1; train + test], ends: (1..=(train + test) as u64).collect() };
        let labels = vec![0; if info.classes.is_some() { train + test } else { 0 }];
        TextData::new(info, origin, 257, texts, labels, train).unwrap()
    }

    proptest! {
        #[test]
        fn splits_are_disjoint_and_exhaustive(
            train in 3usize..400, test in 1usize..50, held_out in 1usize..500, num_train in 0usize..400, real: bool,
        ) {
            let origin = if real { Origin::Real } else { Origin::Partial };
            let data = data("lm1b/bytes", origin, train, test);
            let splits = carve_text(&data, held_out, None);
            let mut all: Vec<u32> = Split::ALL.iter().flat_map(|&split| splits.get(split).to_vec()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..data.len() as u32).collect::<Vec<_>>());
            prop_assert!(Split::ALL.iter().all(|&split| !splits.get(split).is_empty()));
            prop_assert!(splits.get(Split::Test).iter().all(|&i| i as usize >= train));
            prop_assert_eq!(splits.get(Split::ValidInner).len(), splits.get(Split::ValidOuter).len());

            let fewer = carve_text(&data, held_out, Some(num_train));
            let full = splits.get(Split::Train);
            let n = if num_train == 0 { full.len() } else { num_train.min(full.len()) };
            prop_assert_eq!(&**fewer.get(Split::Train), &full[..n]);

            let just = splits.just_train();
            prop_assert!(Split::ALL.iter().all(|&split| just.get(split) == splits.get(Split::Train)));
        }
    }

    fn check(name: &str, origin: Origin, [train, test]: [usize; 2], held_out: usize, sizes: [usize; 4]) {
        let splits = carve_text(&data(name, origin, train, test), held_out, None);
        assert_eq!(Split::ALL.map(|split| splits.get(split).len()), sizes, "{name} {origin} {held_out}");
    }

    #[test]
    fn sizes_are_those_of_the_paper() {
        let imdb = "imdb_reviews/bytes";
        check(imdb, Origin::Real, [25_000, 25_000], 3000, [19_000, 3000, 3000, 25_000]);
        check(imdb, Origin::Real, [25_000, 25_000], 10_000, [5000, 10_000, 10_000, 25_000]);
        // All training reviews, half of the test: nothing to scale.
        check(imdb, Origin::Partial, [25_000, 12_500], 10_000, [5000, 10_000, 10_000, 12_500]);
        check(imdb, Origin::Synthetic, [4000, 1000], 10_000, [800, 1600, 1600, 1000]);
        check("lm1b/bytes", Origin::Partial, [12_000, 12_000], 3000, [11_500, 250, 250, 12_000]);
        let wikipedia = "tokenized_wikipedia/20190301.en_bytes";
        check(wikipedia, Origin::Synthetic, [8000, 2000], 3000, [7500, 250, 250, 2000]);
        check(wikipedia, Origin::Partial, [100_000, 40_000], 3000, [94_000, 3000, 3000, 40_000]);
        check(wikipedia, Origin::Partial, [1000, 400], 3000, [500, 250, 250, 400]);
    }

    #[test]
    fn the_same_texts_are_held_out_of_bytes_and_subwords() {
        let first =
            |name| carve_text(&data(name, Origin::Real, 1000, 10), 20, None).get(Split::ValidInner).to_vec();
        assert_eq!(first("lm1b/bytes"), first("lm1b/subwords8k"));
        assert_ne!(first("lm1b/bytes"), first("imdb_reviews/bytes"));
        // Made by this crate, version 0.1.0; a change moves every curve on text.
        assert_eq!(first("imdb_reviews/bytes")[..4], [669, 61, 252, 782]);
    }
}
