//! The tensors of a case beside those of our network: which is which, and the parameters that the case prescribes.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use taskset_nn::{BlockMask, Mask, Network, Scalar};
use taskset_tasks::Layout;

use crate::format::Tensor;
use crate::formulas::centred;

/// The stream of the first tensor; the others follow.
const PARAMETERS: u32 = 1;

/// One of our tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// Our name.
    pub(crate) name: String,
    shape: Vec<usize>,
    /// Where it lies in the flat vector.
    pub(crate) range: Range<usize>,
    mask: Option<BlockMask>,
}

impl Own {
    /// The tensors of a network.
    pub(crate) fn of_network(network: &Network) -> Vec<Self> {
        let parameters = network.parameters().into_iter().map(|parameter| {
            let mask = match parameter.mask {
                Mask::Blocks(mask) => Some(mask),
                Mask::Free => None,
            };
            (parameter.name, parameter.shape, mask)
        });
        Self::in_order(parameters)
    }

    /// The tensors of a formula.
    pub(crate) fn of_layout(layout: &Layout) -> Vec<Self> {
        Self::in_order(
            layout.tensors().iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone(), None)),
        )
    }

    fn in_order(tensors: impl Iterator<Item = (String, Vec<usize>, Option<BlockMask>)>) -> Vec<Self> {
        let mut end = 0;
        let own = tensors.map(|(name, shape, mask)| {
            let start = end;
            end += shape.iter().product::<usize>();
            Self { name, shape, range: start..end, mask }
        });
        own.collect()
    }

    /// Whether a projecting optimizer leaves this element alone.
    pub(crate) fn is_free(&self, index: usize) -> bool {
        match (self.mask, &self.shape[..]) {
            (Some(mask), &[inputs, outputs]) => {
                mask.is_free([inputs, outputs], [index / outputs, index % outputs])
            }
            _ => true,
        }
    }

    /// Whether it has a mask at all.
    pub(crate) const fn has_mask(&self) -> bool {
        self.mask.is_some()
    }

    /// What it is in its layer: the last part of the name.
    fn kind(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// What a tensor of TensorFlow is in its layer, in our words. Names end with the module and the variable.
fn kind_in_tensorflow(name: &str) -> &str {
    let mut parts = name.rsplit('/');
    let variable = parts.next().unwrap_or_default();
    let module = parts.next().unwrap_or_default();
    match (module, variable) {
        ("in_to_hidden", "w") => "w_in",
        ("in_to_hidden", "b") => "b_in",
        ("hidden_to_hidden", "w") => "w_h",
        ("hidden_to_hidden", "b") => "b_h",
        // An LSTM has two initial states, the others have one.
        (module, "w") if module.contains("initial_state") => match module.ends_with("_cell") {
            true => "c0",
            false => "h0",
        },
        (_, "kernel") => "w",
        (_, "bias") => "b",
        (_, "embeddings") => "table",
        (_, other) => other,
    }
}

/// For each tensor of a case, which one of ours it is: the n-th tensor of a kind (weights, biases, the state `h0`, …) in the
/// case is the n-th tensor of this kind in our network. So layers must stand in the same order, while the order of the tensors
/// within a layer may differ. A formula has one tensor, whatever its name.
///
/// # Errors
/// If there are more or fewer tensors of a kind, or a shape differs in more than axes of size 1.
pub(crate) fn matched<'a>(case: &[Tensor], own: &'a [Own]) -> Result<Vec<&'a Own>> {
    ensure!(
        case.len() == own.len(),
        "the case has {} tensors, but the task has {}: {}",
        case.len(),
        own.len(),
        own.iter().map(|own| own.name.as_str()).collect::<Vec<_>>().join(", ")
    );
    let mut of_kind: BTreeMap<&str, Vec<&Own>> = BTreeMap::new();
    for own in own.iter().rev() {
        of_kind.entry(own.kind()).or_default().push(own);
    }
    let single = case.len() == 1;
    let find = |tensor: &Tensor| -> Result<&'a Own> {
        let name = &tensor.name;
        let kind = if single { own[0].kind() } else { kind_in_tensorflow(name) };
        let own = of_kind.get_mut(kind).and_then(Vec::pop);
        let own = own.with_context(|| {
            format!("tensor {name}: the task has no tensor, or no further one, of the kind `{kind}`")
        })?;
        let (theirs, ours) = (without_ones(&tensor.shape), without_ones(&own.shape));
        ensure!(
            theirs == ours,
            "tensor {name}: the shape is {:?}, but that of the task's tensor {} is {:?}",
            tensor.shape,
            own.name,
            own.shape
        );
        Ok(own)
    };
    case.iter().map(find).collect()
}

/// A shape without its axes of size 1, which do not change where an element lies.
fn without_ones(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&n| n != 1).collect()
}

/// The flat vector of parameters that a case prescribes.
///
/// # Errors
/// If the case counts the elements that are not masked differently.
pub(crate) fn parameters<T: Scalar>(case: &[Tensor], matched: &[&Own]) -> Result<Vec<T>> {
    let len = matched.iter().map(|own| own.range.end).max().unwrap_or(0);
    let mut params = vec![T::zero(); len];
    for ((stream, tensor), own) in (PARAMETERS..).zip(case).zip(matched) {
        let values = &mut params[own.range.clone()];
        for (value, exact) in values.iter_mut().zip(exact(tensor, stream, own)?) {
            *value = T::of(exact);
        }
        if let Some(expected) = tensor.mask_ones {
            let found = (0..own.range.len()).filter(|&i| own.is_free(i)).count();
            ensure!(
                found == expected,
                "tensor {}: {expected} elements are not masked in the case, but {found} in the task",
                tensor.name
            );
        }
    }
    Ok(params)
}

/// The values of a tensor in double precision.
fn exact(tensor: &Tensor, stream: u32, own: &Own) -> Result<Vec<f64>> {
    let initial = |i| tensor.offset + tensor.amp * centred(stream, i);
    let mut values: Vec<f64> = (0..own.range.len()).map(initial).collect();
    for &(i, value) in &tensor.set {
        values[i] = value;
    }
    if let (true, &[rows, columns]) = (tensor.plus_identity, &tensor.shape[..]) {
        (0..rows.min(columns)).for_each(|i| values[i * columns + i] += 1.0);
    }
    if tensor.masked {
        ensure!(own.has_mask(), "tensor {}: masked in the case, but not in the task", tensor.name);
        for (i, value) in values.iter_mut().enumerate() {
            *value = if own.is_free(i) { *value } else { 0.0 };
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Gradient;
    use taskset_nn::{
        Core, Dense, Embed, Initializer, Layer, LayerNorm, Loss, Lstm, Recurrent, Shape, TimePool,
    };

    fn tensor(name: &str, shape: &[usize]) -> Tensor {
        let grad = Gradient {
            norm: 1.0,
            sum: 1.0,
            proj: 1.0,
            at: Vec::new(),
            g: Vec::new(),
            masked_norm: None,
            masked_sum: None,
            masked_proj: None,
            allowed: None,
        };
        Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            amp: 0.5,
            offset: 0.0,
            set: Vec::new(),
            plus_identity: false,
            masked: false,
            mask_ones: None,
            grad,
        }
    }

    fn check(network: &Network, case: &[(&str, &[usize])], expected: &[&str]) {
        let own = Own::of_network(network);
        let case: Vec<Tensor> = case.iter().map(|(name, shape)| tensor(name, shape)).collect();
        let matched = matched(&case, &own).unwrap();
        assert_eq!(matched.iter().map(|own| own.name.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tensors_are_matched_by_what_they_are() {
        let w_gates = Initializer::SonnetDefault;
        let core = Core::Lstm(Lstm { units: 3, w_gates });
        let layers: Vec<Layer> = vec![
            Embed { width: 2 }.into(),
            Recurrent { core, trainable_init: true }.into(),
            TimePool::Last.into(),
            Dense { outputs: 2 }.into(),
            LayerNorm.into(),
            Dense { outputs: 2 }.into(),
        ];
        let tokens = Shape::Tokens { length: 4, vocabulary: 5 };
        let network = Network::new(tokens, layers, Loss::SoftmaxCrossEntropy);
        check(
            &network,
            &[
                ("embed/embeddings", &[5, 2]),
                ("lstm/b_gates", &[12]),
                ("lstm/w_gates", &[5, 12]),
                ("fn/lstm_initial_state_cell/w", &[1, 3]),
                ("fn/lstm_initial_state_hidden/w", &[1, 3]),
                ("linear/w", &[3, 2]),
                ("linear/b", &[2]),
                ("layer_norm/beta", &[2]),
                ("layer_norm/gamma", &[2]),
                ("linear_1/kernel", &[2, 2]),
                ("linear_1/bias", &[1, 1, 2]),
            ],
            &[
                "layer0/table",
                "layer1/b_gates",
                "layer1/w_gates",
                "layer1/c0",
                "layer1/h0",
                "layer2/w",
                "layer2/b",
                "layer2/beta",
                "layer2/gamma",
                "layer3/w",
                "layer3/b",
            ],
        );
    }

    #[test]
    fn exceptions_come_in_the_order_of_the_format() {
        let own = Own::in_order(std::iter::once(("w".to_owned(), vec![2, 3], None)));
        let mut case = tensor("w", &[2, 3]);
        case.offset = 1.0;
        case.set = vec![(0, 7.0), (1, 8.0)];
        case.plus_identity = true;
        let params: Vec<f64> = parameters(&[case], &[&own[0]]).unwrap();
        let formula = |i| 1.0 + 0.5 * centred(1, i);
        let expected = [8.0, 8.0, formula(2), formula(3), 1.0 + formula(4), formula(5)];
        assert!(params.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{params:?}");
    }
}
