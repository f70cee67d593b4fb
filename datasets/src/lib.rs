//! Data sets of TaskSet: manifests, loaders, splits, batch streams, synthetic stand-ins.
//!
//! A data set is a *manifest* (`manifests/<name>.toml`: shape, classes, split sizes, original files with sizes and
//! checksums, licence, citation) and a *decoder* of its original files. From a name to a minibatch:
//!
//! 1. [`Datasets::images`] and [`Datasets::text`] load a data set once per process from [`Source::Directory`]
//!    (`<dir>/<data set>/<original files>`), or generate its stand-in for [`Source::Synthetic`]. A stand-in is never used
//!    in place of missing files. [`ImageData::origin`] says which of the two was loaded.
//! 2. [`carve`] and [`carve_text`] put the examples of each source split into a fixed order, and cut the four splits of a
//!    task from this order.
//! 3. [`IndexStream`] repeats a split for ever, shuffles it through a buffer, and fills complete batches with the indices of
//!    examples. [`ImageData::gather`] collects the pixels and labels of a batch. [`text::slice()`] cuts a window out of the
//!    tokens of an example ([`TextData::tokens`]).
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
//! The types and functions of these three steps are at the root of the crate. Everything else is in a module:
//!
//! | module | what it contains |
//! |---|---|
//! | [`images`] | image data sets in memory, their shapes and sizes, resizing |
//! | [`text`] | text data sets in memory, their vocabularies and sizes, tokenisers, windows |
//! | [`splits`] | the splits of sources and of tasks, and how the latter are carved |
//! | [`manifest`] | what each data set is, where it comes from, and which files hold it |
//! | [`files`] | which parts of a data set are on disk, and whether they are the original |
//! | [`prepared`] | prepared copies: images that were decoded once, and texts that were tokenised once |
//! | `download` | downloads of original files (feature `hub`) |
//!
//! # Real files
//! This table says what is read for each data set. You can also download all of these files by hand:
//!
//! | data set | read from | prepared first? |
//! |---|---|---|
//! | `mnist`, `fashion_mnist` | four IDX files, compressed or unpacked | no |
//! | `cifar10`, `cifar100` | the binary version: its files, or the archive | no |
//! | `coil100_32x32`, `colorectal_histology_32x32`, `deep_weeds_32x32`, `food101_32x32`, `food101_64x64`, `sun397_32x32` | the published archive of pictures, or its contents; for `sun397_32x32`, also the lists of its splits | yes |
//! | `imagenet_resized/32x32`, `imagenet_resized/16x16` | the archives of NumPy batches, or the batches | yes |
//! | `cifar10`, `cifar100`, `food101_32x32`, `food101_64x64` | the hub's Parquet files, if there are no original files | yes |
//! | `imdb_reviews` | the published archive, or its contents: one review per file | tokens are kept |
//! | `lm1b` | the published archive, or its contents: shards with one sentence per line | tokens are kept |
//! | `wikipedia_*` | the output of WikiExtractor, plain or gzip; the hub's Parquet files (a later dump) | tokens are kept |
//! | `amazon_reviews_*` | tab-separated tables, or one JSON object per line; plain or gzip | tokens are kept |
//!
//! The contents of the files decide whether a data set is complete; their names do not. A published file is the original
//! if it has the size and the SHA-256 of the manifest. Other files may have been unpacked or compressed again. While they
//! are read, their examples, labels and bytes are compared with what the manifest says. A copy with fewer examples is
//! partial; more examples are an error. Loading, preparing and [`files::verify`] use the same rule. [`files::inspect`]
//! calls a data set complete only if it has been read.
//!
//! Some data sets of images must be prepared ([`prepared::prepare_images`]): they are decoded and resized once, as
//! OpenCV's `INTER_CUBIC` does, and stored in a file that is mapped into memory. Texts are tokenised whenever they are
//! loaded, or once by [`prepared::prepare_text`]. A prepared copy is verified before use. If the original files are
//! there, the copy is only used if it was made from these files ([`prepared`] says how this is recognised).
//! [`ImageData::digest`] and [`TextData::digest`] identify decoded contents, whatever files they come from. If only a
//! part of a data set is there, this is an error, unless [`Datasets::allow_partial`] accepts it. The data then have
//! [`Origin::Partial`]. Pictures need the feature `encoded`, Parquet files need `parquet`, and downloads need `hub`.
//!
//! # Adding a data set
//! You write a manifest, and at most one decoder: see `docs/adding-a-dataset.md` in the repository.

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
