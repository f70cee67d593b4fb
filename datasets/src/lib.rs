//! Data sets of TaskSet: manifests, loaders, splits, batch streams, synthetic stand-ins.
//!
//! A data set is a *manifest* (`manifests/<name>.toml`: shape, classes, split sizes, original files with sizes and
//! checksums, licence, citation) and a *decoder* of its original files. From a name to a minibatch:
//!
//! 1. [`Datasets::images`] loads a set once a process from [`Source::Directory`] (`<dir>/<data set>/<original files>`),
//!    or generates its stand-in for [`Source::Synthetic`]. Nothing falls back from one to the other, and
//!    [`ImageData::origin`] says which it was.
//! 2. [`carve`] puts each source split in a fixed order and cuts the four splits of a task from them.
//! 3. [`IndexStream`] repeats a split for ever, shuffles it through a buffer and fills whole batches with numbers of
//!    examples; [`ImageData::gather`] puts their pixels and labels together.
//!
//! Text goes the same way: [`Datasets::text`], [`carve_text`], [`IndexStream`], and [`slice()`] cuts a window out of the
//! [`TextData::tokens`] of an example. Each source is two data sets, one of bytes and one of subwords of the TFDS encoder,
//! [`SubwordEncoder`]; [`prepare_text`] tokenises once and keeps the tokens.
//!
//! [`image_info`] and [`text_info`] know shapes and sizes without any file. [`inspect`] and [`verify`] look at what is on
//! disk.
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
//! # Real files
//! What lies where, by manifest ([`manifests`], [`text_manifests`]); all of it may be fetched by hand:
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
//! A data set is whole by what is in its files, not by their names. A file as published is the original if it has its size
//! and SHA-256, where the manifest knows them; of others (unpacked, or compressed anew) examples, labels and bytes are
//! compared with what the manifest says, while they are read. What has less is a part, what has more is an error. Loading,
//! preparing and [`verify`] judge alike, and [`inspect`] calls complete only what has been read. Sets that must be prepared ([`prepare_images`]) are decoded and
//! resized as OpenCV's `INTER_CUBIC` does, once, into a file that is mapped into memory. Texts are tokenised when they
//! are loaded, or once by [`prepare_text`]. What was prepared is verified before use, and only used for original files of
//! the same names, sizes and times of change. [`ImageData::digest`] and [`TextData::digest`] identify decoded contents,
//! wherever they came from. A part of a data set is an error unless [`Datasets::allow_partial`] accepts it,
//! and then [`Origin::Partial`]. Pictures need the feature `encoded`, Parquet `parquet`,
//! downloads `hub`.
//!
//! # Adding a data set
//! A manifest, and at most one decoder: `docs/adding-a-dataset.md` of the repository.

mod buffer;
mod carve;
mod cifar;
mod collection;
mod container;
mod contents;
mod digest;
mod error;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "hub")]
mod hub;
mod hub_copy;
mod idx;
mod image;
mod imagenet;
mod inspect;
#[cfg(feature = "encoded")]
mod jpeg;
mod library;
mod load;
mod manifest;
mod npz;
mod originals;
mod parquet_rows;
mod picture;
mod prepare;
mod prepared;
mod prepared_copies;
mod recorded;
mod resize;
mod sealed;
mod stream;
mod synthetic;
mod tar;
mod text;
mod zip;

pub use carve::{Carving, Splits, carve};
pub use error::Error;
#[cfg(feature = "hub")]
pub use hub::{FetchEvent, FetchOptions, Fetched, fetch};
pub use image::{HeldOut, ImageData, ImageInfo, ImageShape, SourceSizes, SourceSplit};
pub use inspect::{Presence, State, Verdict, Verification, VerifiedFile, in_full, inspect, verify};
pub use library::{Datasets, Source};
pub use manifest::{
    Decoder, FileSpec, HubCopy, Manifest, Part, Sides, StandIn, image_info, manifest, manifests,
};
pub use prepare::{Preparation, PreparedImages, prepare_images};
pub use prepared_copies::{PreparedCopy, PreparedState, inspect_prepared};
pub use resize::resize_cubic;
pub use stream::IndexStream;
pub use taskset_names::{Origin, Split};
pub use taskset_rng::{Stream, StreamId};
pub use text::{
    BYTE_VOCABULARY, BytesOfFiles, Download, Encoding, Language, PrepareEvent, PrepareProgress, PreparedText,
    Quiet, SubwordEncoder, TextData, TextDecoder, TextFiles, TextHubCopy, TextInfo, TextManifest,
    TokenCounts, carve_text, decode_bytes, encode_bytes, held_out_size, prepare_text, slice, text_info,
    text_infos, text_manifests,
};
