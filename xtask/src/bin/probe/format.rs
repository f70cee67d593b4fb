//! Files of cases: what they contain, and how they are read.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// A task at stated parameters, on a stated minibatch, with the loss and the gradients of another implementation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    /// Upstream's name of the task.
    pub(crate) task: String,
    /// Which of several cases of the task.
    pub(crate) case: Option<String>,
    /// Kind of task. It says which minibatch the case has.
    pub(crate) group: String,
    /// What the minibatch is made from.
    #[serde(default)]
    pub(crate) inputs: Inputs,
    /// Number of parameters.
    pub(crate) count: Option<usize>,
    /// The tensors, in the order in which TensorFlow creates its variables.
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) loss: f64,
    /// Norm of the gradient of all tensors together.
    pub(crate) grad_norm: f64,
    /// By how much the gradient of the original single-precision graph differs, relative to the norm.
    #[serde(default)]
    pub(crate) f32_grad_rel: f64,
}

/// What a minibatch is made from. Which of these a case has depends on its group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Inputs {
    pub(crate) rows: Option<usize>,
    pub(crate) pairs: Option<usize>,
    pub(crate) tokens: Option<usize>,
    pub(crate) length: Option<usize>,
    pub(crate) patch: Option<usize>,
    /// Height, width, channels.
    pub(crate) image: Option<[usize; 3]>,
    pub(crate) classes: Option<usize>,
}

/// A tensor of parameters, and the gradient with respect to it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tensor {
    /// TensorFlow's name without the outermost scope.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Half the width of the range of its values.
    pub(crate) amp: f64,
    /// The middle of that range.
    #[serde(default)]
    pub(crate) offset: f64,
    /// Elements that have other values: flat indices and values.
    #[serde(default)]
    pub(crate) set: Vec<(usize, f64)>,
    /// Whether 1 is added to the elements of the diagonal.
    #[serde(default)]
    pub(crate) plus_identity: bool,
    /// Whether the masked elements are 0.
    #[serde(default)]
    pub(crate) masked: bool,
    /// Number of elements that are not masked.
    pub(crate) mask_ones: Option<usize>,
    pub(crate) grad: Gradient,
}

/// What is known of a gradient `g`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Gradient {
    pub(crate) norm: f64,
    pub(crate) sum: f64,
    /// `Σ g[i] c[i]` with stated `c`.
    pub(crate) proj: f64,
    /// Flat indices of the elements in `g`.
    pub(crate) at: Vec<usize>,
    pub(crate) g: Vec<f64>,
    /// The same numbers of the gradient times the mask.
    pub(crate) masked_norm: Option<f64>,
    pub(crate) masked_sum: Option<f64>,
    pub(crate) masked_proj: Option<f64>,
    /// 1 for the elements of `at` that are not masked, else 0.
    pub(crate) allowed: Option<Vec<u8>>,
}

/// A file before its cases are read: a case that is wrong must not hide the others.
#[derive(Deserialize)]
struct File {
    cases: Vec<Value>,
}

/// The cases of a file, each of them read or with the reason why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<Result<Case>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

/// As [`read`], from the text of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Result<Case>>> {
    let file: File = serde_json::from_str(text).context("this is not a file of cases")?;
    Ok(file.cases.into_iter().enumerate().map(|(i, case)| parse_case(i, case)).collect())
}

fn parse_case(i: usize, case: Value) -> Result<Case> {
    let name = case["task"].as_str().unwrap_or("without a task").to_owned();
    let case: Case = serde_path_to_error::deserialize(case)
        .with_context(|| format!("case {i} (counted from 0), {name}: wrong format"))?;
    case.check().with_context(|| case.name())?;
    Ok(case)
}

impl Case {
    /// The task and which of its cases, for messages.
    pub(crate) fn name(&self) -> String {
        match &self.case {
            Some(case) => format!("{} ({case})", self.task),
            None => self.task.clone(),
        }
    }

    /// Whether the fields fit together.
    fn check(&self) -> Result<()> {
        for tensor in &self.tensors {
            let (name, grad) = (&tensor.name, &tensor.grad);
            let indices = tensor.set.iter().map(|(i, _)| i).chain(&grad.at);
            let len = tensor.len().with_context(|| format!("tensor {name}: the shape is too large"))?;
            if let Some(i) = indices.copied().find(|&i| i >= len) {
                anyhow::bail!("tensor {name}: index {i} in `set` or `grad.at`, but it has {len} elements");
            }
            ensure!(
                grad.at.len() == grad.g.len(),
                "tensor {name}: {} indices in `grad.at`, but {} numbers in `grad.g`",
                grad.at.len(),
                grad.g.len()
            );
            if let Some(allowed) = &grad.allowed {
                ensure!(
                    allowed.len() == grad.at.len(),
                    "tensor {name}: {} indices in `grad.at`, but {} numbers in `grad.allowed`",
                    grad.at.len(),
                    allowed.len()
                );
            }
            if tensor.plus_identity {
                ensure!(
                    tensor.shape.len() == 2,
                    "tensor {name}: `plus_identity` needs a matrix, not the shape {:?}",
                    tensor.shape
                );
            }
        }
        Ok(())
    }
}

impl Tensor {
    /// Number of elements; `None` if that is no number.
    pub(crate) fn len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn case() -> Value {
        let grad = json!({"norm": 1.0, "sum": 1.0, "proj": 1.0, "at": [0], "g": [1.0]});
        json!({
            "task": "t", "group": "mlp", "loss": 1.0, "grad_norm": 1.0,
            "tensors": [{"name": "w", "shape": [2, 2], "amp": 1.0, "grad": grad}],
        })
    }

    /// The error of a file whose second case has another value at this place.
    fn check(pointer: &str, value: Value, expected: &[&str]) {
        let mut broken = case();
        *broken.pointer_mut(pointer).unwrap() = value;
        let cases = parse(&json!({"cases": [case(), broken]}).to_string()).unwrap();
        assert!(cases[0].is_ok());
        let error = format!("{:#}", cases[1].as_ref().unwrap_err());
        assert!(expected.iter().all(|words| error.contains(words)), "{error}");
    }

    #[test]
    fn errors_say_which_case_and_field() {
        check("/loss", json!("one"), &["case 1", "t", "loss", "expected f64"]);
        check("/tensors/0/shape", json!([2, -1]), &["tensors[0].shape[1]", "-1"]);
        check("/tensors/0/grad", json!({"norm": 1.0}), &["tensors[0].grad", "missing field `sum`"]);
        check("/tensors/0/grad/at", json!([4]), &["tensor w", "index 4", "4 elements"]);
        check("/tensors/0/grad/g", json!([]), &["tensor w", "1 indices", "0 numbers"]);
        check("/tensors/0/shape", json!([usize::MAX, 2]), &["tensor w", "too large"]);
        check("/task", Value::Null, &["without a task"]);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(parse("[1]").is_err());
        assert!(format!("{:#}", read(Path::new("no-such-file.json")).unwrap_err()).contains("no-such-file"));
    }
}
