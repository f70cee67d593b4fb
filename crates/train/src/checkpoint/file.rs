//! A checkpoint as a file: tensors and a few words in the safetensors format, with a digest over all of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};
use taskset_names::Split;
use taskset_optim::Slots;
use taskset_trial::{Curve, Digest, TrialSpec};

use super::{Checkpoint, InvalidCheckpoint, TrialState};

/// The word by which a file is known, with the version of what is in it.
const FORMAT: &str = "taskset-rs checkpoint 1";
const PARAMS: &str = "params";
/// Before the names of the optimizer's vectors and numbers.
const VECTOR: &str = "vector/";
const NUMBER: &str = "number/";
/// Before the names of the splits.
const LOSSES: &str = "losses/";

/// Numbers of a file in little-endian order.
struct Numbers {
    dtype: Dtype,
    shape: [usize; 1],
    bytes: Vec<u8>,
}

impl Numbers {
    fn single(values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape: [values.len()], bytes }
    }

    fn double(value: f64) -> Self {
        Self { dtype: Dtype::F64, shape: [1], bytes: value.to_le_bytes().to_vec() }
    }
}

impl View for &Numbers {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The digest of words and tensors, each with its name and length.
fn digest<'a>(words: &BTreeMap<&str, String>, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut all = Vec::new();
    let mut add = |bytes: &[u8]| {
        all.extend((bytes.len() as u64).to_le_bytes());
        all.extend(bytes);
    };
    for (name, word) in words {
        add(name.as_bytes());
        add(word.as_bytes());
    }
    for (name, bytes) in tensors {
        add(name.as_bytes());
        add(bytes);
    }
    Digest::of(&all).to_string()
}

fn invalid(reason: impl Into<String>) -> InvalidCheckpoint {
    InvalidCheckpoint { reason: reason.into() }
}

impl Checkpoint {
    /// The checkpoint as the bytes of a safetensors file. It holds the identity of the trial, not its specification: whoever
    /// goes on knows which trial it is.
    ///
    /// # Errors
    /// If there is more than the format can hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidCheckpoint> {
        let Self { step, curve, state } = self;
        let mut words = BTreeMap::from([
            ("format", FORMAT.to_owned()),
            ("trial_id", curve.spec.id().to_string()),
            ("step", step.to_string()),
            ("num_params", curve.num_params.to_string()),
            ("train_seconds", format!("{:?}", curve.train_seconds)),
            ("eval_seconds", format!("{:?}", curve.eval_seconds)),
        ]);
        words.extend(curve.diverged_at.map(|step| ("diverged_at", step.to_string())));
        let mut tensors: BTreeMap<String, Numbers> = Split::ALL
            .into_iter()
            .map(|split| (format!("{LOSSES}{split}"), Numbers::single(curve.split(split))))
            .collect();
        if let Some(TrialState { params, slots }) = state {
            words.insert("optimizer_step", slots.step.to_string());
            tensors.insert(PARAMS.to_owned(), Numbers::single(params));
            let vectors = slots.vectors.iter();
            tensors
                .extend(vectors.map(|(name, values)| (format!("{VECTOR}{name}"), Numbers::single(values))));
            let numbers = slots.scalars.iter();
            tensors.extend(numbers.map(|(name, &value)| (format!("{NUMBER}{name}"), Numbers::double(value))));
        }
        let sum = digest(&words, tensors.iter().map(|(name, numbers)| (&**name, &*numbers.bytes)));
        let mut words: HashMap<String, String> =
            words.into_iter().map(|(name, word)| (name.to_owned(), word)).collect();
        words.insert("digest".to_owned(), sum);
        safetensors::serialize(&tensors, Some(words)).map_err(|error| invalid(error.to_string()))
    }

    /// A checkpoint of this trial from the bytes of a file.
    ///
    /// # Errors
    /// [`InvalidCheckpoint`] if the file is damaged, is no checkpoint, or is one of another trial.
    pub fn from_bytes(bytes: &[u8], spec: &TrialSpec) -> Result<Self, InvalidCheckpoint> {
        let damaged = |error: &dyn std::fmt::Display| invalid(format!("the file is damaged ({error})"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
        let mut words = header.metadata().clone().unwrap_or_default();
        let word = |words: &HashMap<String, String>, name: &str| {
            words.get(name).cloned().ok_or_else(|| invalid(format!("the file has no `{name}`")))
        };
        let format = word(&words, "format")?;
        if format != FORMAT {
            return Err(invalid(format!("the file is `{format}`, and this program reads `{FORMAT}`")));
        }
        let tensors: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
        let promised = word(&words, "digest")?;
        words.remove("digest");
        let all = words.iter().map(|(name, word)| (&**name, word.clone())).collect();
        let found = digest(&all, tensors.iter().map(|(name, tensor)| (&**name, tensor.data())));
        if found != promised {
            return Err(damaged(&"its digest is another one"));
        }
        let id = word(&words, "trial_id")?;
        if id != spec.id().to_string() {
            return Err(invalid(format!("it is one of the trial {id}")));
        }
        let number = |name: &str| -> Result<u64, InvalidCheckpoint> {
            word(&words, name)?.parse().map_err(|_| invalid(format!("`{name}` is no number")))
        };
        let step = |name: &str| {
            number(name).and_then(|n| u32::try_from(n).map_err(|_| invalid(format!("`{name}` is {n}"))))
        };
        let seconds = |name: &str| -> Result<f64, InvalidCheckpoint> {
            word(&words, name)?.parse().map_err(|_| invalid(format!("`{name}` is no number")))
        };
        let single = |name: &str| -> Result<Vec<f32>, InvalidCheckpoint> {
            let tensor = tensors.get(name).ok_or_else(|| invalid(format!("the file has no `{name}`")))?;
            if tensor.dtype() != Dtype::F32 {
                return Err(invalid(format!("`{name}` is not in single precision")));
            }
            Ok(tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let mut losses: [Vec<f32>; 4] = std::array::from_fn(|_| Vec::new());
        for split in Split::ALL {
            losses[split.index()] = single(&format!("{LOSSES}{split}"))?;
        }
        let state = if words.contains_key("optimizer_step") {
            let mut slots = Slots::new(number("optimizer_step")?);
            for (name, tensor) in &tensors {
                if let Some(own) = name.strip_prefix(VECTOR) {
                    slots.vectors.insert(own.to_owned(), single(name)?);
                } else if let Some(own) = name.strip_prefix(NUMBER) {
                    let bytes =
                        <[u8; 8]>::try_from(tensor.data()).ok().filter(|_| tensor.dtype() == Dtype::F64);
                    let bytes = bytes.ok_or_else(|| invalid(format!("`{name}` is no single number")))?;
                    slots.scalars.insert(own.to_owned(), f64::from_le_bytes(bytes));
                }
            }
            Some(TrialState { params: single(PARAMS)?, slots })
        } else {
            None
        };
        Ok(Self {
            step: step("step")?,
            curve: Curve {
                spec: spec.clone(),
                steps: spec.protocol.eval_steps().into(),
                losses,
                diverged_at: words.contains_key("diverged_at").then(|| step("diverged_at")).transpose()?,
                num_params: number("num_params")?,
                train_seconds: seconds("train_seconds")?,
                eval_seconds: seconds("eval_seconds")?,
            },
            state,
        })
    }
}
