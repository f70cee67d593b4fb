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
//!    examples; the pixels of each are [`ImageData::pixels`].
//!
//! Text goes the same way: [`Datasets::text`], [`carve_text`], [`IndexStream`], and [`slice()`] cuts a window out of the
//! [`TextData::tokens`] of an example. Each source is two data sets, one of bytes and one of subwords of the TFDS encoder,
//! [`SubwordEncoder`]; [`prepare_text`] tokenises once and keeps the tokens.
//!
//! [`image_info`] and [`text_info`] know shapes and sizes without any file. [`inspect`] and [`verify`] look at what is on
//! disk.
//!
//! ```
//! use taskset_datasets::{Carving, Datasets, IndexStream, Source, carve};
//! use taskset_names::Split;
//! use taskset_rng::StreamId;
//!
//! let datasets = Datasets::new(Source::Synthetic);
//! let mnist = datasets.images("mnist")?;
//! let splits = carve(&mnist, Carving::Sampled, None);
//! let order = StreamId::root("example").child("train").stream();
//! let mut batches = IndexStream::new(splits.get(Split::Train).clone(), 10_000, order);
//! let mut batch = [0; 32];
//! batches.next_batch(&mut batch);
//! assert_eq!(mnist.pixels(batch[0]).len(), 28 * 28);
//! # Ok::<(), taskset_datasets::Error>(())
//! ```
//!
//! # Real files
//! MNIST and Fashion-MNIST are read from their four original IDX files, compressed (`train-images-idx3-ubyte.gz`) or
//! unpacked (`train-images-idx3-ubyte`). A compressed file must have the size and SHA-256 of the original, at every
//! load; for an unpacked one format, counts and labels are checked. CIFAR-10 and CIFAR-100 are read from the files of
//! their binary version, or from its archive as it is.
//!
//! The others must be *prepared* once by [`prepare_images`]: collections of pictures (Food-101, COIL-100, DeepWeeds,
//! SUN397, colorectal histology; as published archives or unpacked) are decoded and resized by [`resize_cubic`],
//! Downsampled ImageNet is taken from its NumPy archives, and the hub's Parquet copies from their pictures. The prepared
//! copy is one file that is mapped into memory: it opens in milliseconds and all processes share it. Data sets that need
//! no preparation open faster with it, too.
//!
//! A part of a data set is an error unless [`Datasets::allow_partial`] accepts it. Whatever is wrong with a file, the
//! answer is an [`Error`] that names it: parsers are written for hostile input, with bounded memory, and fuzzed.
//!
//! # Features
//! | | what | default |
//! |---|---|---|
//! | `encoded` | decoding of pictures | off |
//! | `parquet` | the hub's Parquet copies; implies `encoded` | off |
//! | `hub` | downloads over HTTPS, `fetch` | off |
//!
//! # Adding a data set
//! Write `manifests/<name>.toml`, add it to the list in `manifest.rs`, and, for a new file format, a [`Decoder`] with its
//! branch in `load.rs`. Stand-in, listing, verification and the tests of all manifests come from the table.

mod carve;
mod cifar;
mod collection;
mod container;
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
mod library;
mod load;
mod manifest;
mod npz;
mod picture;
mod prepare;
mod prepared;
mod recorded;
mod resize;
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
pub use inspect::{Presence, State, Verdict, Verification, VerifiedFile, inspect, inspect_prepared, verify};
pub use library::{Datasets, Source};
pub use manifest::{Decoder, FileSpec, HubCopy, Manifest, Part, StandIn, image_info, manifest, manifests};
pub use prepare::{Preparation, PreparedImages, prepare_images};
pub use resize::resize_cubic;
pub use stream::IndexStream;
pub use text::{
    BYTE_VOCABULARY, Download, Encoding, Language, PrepareEvent, PrepareProgress, PreparedText, Quiet,
    SubwordEncoder, TextData, TextDecoder, TextFiles, TextInfo, TextManifest, TokenCounts, carve_text,
    decode_bytes, encode_bytes, held_out_size, prepare_text, slice, text_info, text_infos, text_manifests,
};
