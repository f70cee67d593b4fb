//! Data sets of TaskSet: manifests, loaders, splits, batch streams, synthetic stand-ins.
//!
//! A data set is a *manifest* (`manifests/<name>.toml`: shape, classes, split sizes, original files with sizes and
//! checksums, licence, citation) and a *decoder* of its original files. From a name to a minibatch:
//!
//! 1. [`Datasets::images`] and [`Datasets::text`] load a data set once per process from [`Source::Directory`]
//!    (`<dir>/<data set>/<original files>`), or generate its stand-in for [`Source::Synthetic`]. Neither replaces the other,
//!    and [`ImageData::origin`] says which it was.
//! 2. [`carve`] and [`carve_text`] put each source split in a fixed order and cut the four splits of a task from them.
//! 3. [`IndexStream`] repeats a split for ever, shuffles it through a buffer and fills whole batches with numbers of
//!    examples. [`ImageData::gather`] puts the pixels and labels of a batch together, and [`text::slice()`] cuts a window out
//!    of the [`TextData::tokens`] of an example.
//!
//! ```
//! use taskset_datasets::{Carving, Datasets, IndexStream, Source, Split, StreamId, carve};
//!
//! let datasets = Datasets::new(Source::Synthetic);
//! let mnist = datasets.images("mnist")?;
//! let splits = carve(&mnist, Carving::Sampled, None);
//! let order = StreamId::root("example").child("train").stream();
//! let mut batches = IndexStream::new(splits.get(Split::Train).clone(), 10_000, order);
//! let mut batch = [0; 32];
//! batches.next_batch(&mut batch);
//! let (mut images, mut labels) = (vec![0; 32 * 28 * 28], [0; 32]);
//! mnist.gather(&batch, &mut images, &mut labels);
//! # Ok::<(), taskset_datasets::Error>(())
//! ```
//!
//! # Modules
//! The types and functions of these three steps are at the root of the crate. Everything else has its module:
//!
//! | module | what it contains |
//! |---|---|
//! | [`images`] | image data sets in memory, their shapes and sizes, resizing |
//! | [`text`] | text data sets in memory, their vocabularies and sizes, tokenisers, windows |
//! | [`splits`] | the splits of sources and of tasks, and how the latter are carved |
//! | [`manifest`] | what each data set is, where it comes from, and which files hold it |
//! | [`files`] | what of a data set is on disk, and whether it is the original |
//! | [`prepared`] | prepared copies: images that were decoded once, and texts that were tokenised once |
//! | `download` | downloads of original files (feature `hub`) |
//!
//! # Real files
//! This table says what is read for each data set. All of it may also be fetched by hand:
//!
//! | data set | read from | prepared first? |
//! |---|---|---|
//! | `mnist`, `fashion_mnist` | four IDX files, compressed or unpacked | no |
//! | `cifar10`, `cifar100` | the binary version: its files, or the archive | no |
//! | `coil100_32x32`, `colorectal_histology_32x32`, `deep_weeds_32x32`, `food101_32x32`, `food101_64x64`, `sun397_32x32` | the published archive of pictures, or its contents; of `sun397_32x32` the lists of its splits, too | yes |
//! | `imagenet_resized/32x32`, `imagenet_resized/16x16` | the archives of NumPy batches, or the batches | yes |
//! | `cifar10`, `cifar100`, `food101_32x32`, `food101_64x64` | the hub's Parquet files, where there are no original ones | yes |
//! | `imdb_reviews` | the published archive, or its contents: a review a file | tokens are kept |
//! | `lm1b` | the published archive, or its contents: shards with a sentence a line | tokens are kept |
//! | `wikipedia_*` | the output of WikiExtractor, plain or gzip; the hub's Parquet files (a later dump) | tokens are kept |
//! | `amazon_reviews_*` | tab-separated tables, or JSON a line; plain or gzip | tokens are kept |
//!
//! What is in the files decides whether a data set is complete, not their names. A published file is the original if it has
//! the size and the SHA-256 of the manifest. Other files were unpacked or compressed anew. While they are read, their
//! examples, labels and bytes are compared with what the manifest says. A copy with fewer examples is partial; more
//! examples are an error. Loading, preparing and [`files::verify`] use the same rule, and [`files::inspect`] calls complete
//! only what has been read.
//!
//! Data sets that must be prepared ([`prepared::prepare_images`]) are decoded and resized once, as OpenCV's `INTER_CUBIC`
//! does, into a file that is mapped into memory. Texts are tokenised when they are loaded, or once by
//! [`prepared::prepare_text`]. A prepared copy is verified before use, and it is only used for original files of the same
//! names, sizes and times of change. [`ImageData::digest`] and [`TextData::digest`] identify decoded contents, wherever
//! they came from. A part of a data set is an error unless [`Datasets::allow_partial`] accepts it; then it has
//! [`Origin::Partial`]. Pictures need the feature `encoded`, Parquet files `parquet`, and downloads `hub`.
//!
//! # Adding a data set
//! A manifest, and at most one decoder: `docs/adding-a-dataset.md` of the repository.

mod buffer;
mod digest;
#[cfg(feature = "hub")]
pub mod download;
mod error;
pub mod files;
mod formats;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz_entry_points;
pub mod images;
mod index_stream;
mod library;
pub mod manifest;
mod plausibility;
pub mod prepared;
pub mod splits;
pub mod text;

pub use error::Error;
pub use images::ImageData;
pub use index_stream::IndexStream;
pub use library::{Datasets, Source};
pub use splits::{Carving, Splits, carve, carve_text};
pub use taskset_names::{Origin, Split};
pub use taskset_rng::{Stream, StreamId};
pub use text::TextData;
