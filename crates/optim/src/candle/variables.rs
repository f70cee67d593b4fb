//! Candle variables with names, roles and output axes, from which the layout of a run is made.

use std::sync::PoisonError;

use candle_core::{DType, Result, Var, bail};
use candle_nn::VarMap;
use taskset_params::{Kind, Layout, Position, Role};

/// A candle variable as an optimizer sees it: with a name, a role and an output axis.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use taskset_optim::candle::NamedVar;
/// use taskset_params::{Kind, Position, Role};
///
/// let var = Var::zeros((10, 32), DType::F32, &Device::Cpu)?;
/// let head = NamedVar::new("head.weight", var).with_role(Role::new(Kind::Dense, Position::Last));
/// # let _ = head;
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NamedVar {
    name: String,
    var: Var,
    role: Role,
    output_axis: Option<usize>,
}

impl NamedVar {
    /// A variable with the role that its name and shape [suggest](guess_role).
    ///
    /// With two axes or more, its output axis is 0: candle stores linear weights as `[outputs, inputs]`, and the kernels of
    /// convolutions as `[outputs, inputs, height, width]`. Tables with the role `embedding` have their outputs on the last
    /// axis. The kernels of transposed convolutions are `[inputs, outputs, height, width]`, and cannot be told from others:
    /// give them the axis 1.
    pub fn new(name: impl Into<String>, var: Var) -> Self {
        let name = name.into();
        let role = guess_role(&name, var.dims());
        Self { name, var, role, output_axis: None }
    }

    /// The same with another role.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// The same with its outputs on another axis, counted from 0. The axis has no meaning below two axes.
    #[must_use]
    pub fn with_output_axis(self, axis: usize) -> Self {
        Self { output_axis: Some(axis), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The variable.
    pub fn var(&self) -> &Var {
        &self.var
    }

    fn axis(&self) -> usize {
        let default = if self.role.kind == Kind::Embedding { self.var.rank().saturating_sub(1) } else { 0 };
        self.output_axis.unwrap_or(default)
    }

    pub(super) fn push_to(&self, layout: &mut Layout) {
        layout.push_oriented(&self.name, self.var.dims(), self.role, self.axis());
    }

    fn check(&self) -> Result<()> {
        let Self { name, var, .. } = self;
        if !matches!(var.dtype(), DType::F32 | DType::F64) {
            bail!("cannot optimize variable `{name}` of {:?}; convert it to f32 or f64", var.dtype());
        }
        if !var.is_contiguous() {
            bail!("cannot optimize variable `{name}` in place: it does not lie contiguously in memory");
        }
        if var.rank() >= 2 && self.axis() >= var.rank() {
            bail!("variable `{name}` of shape {:?} has no axis {}", var.dims(), self.axis());
        }
        Ok(())
    }
}

/// The role that a name and a shape suggest. It is a guess by the conventions of `candle_nn`, which can be wrong:
///
/// - the last part of the name (parts are separated by dots) or, if that is `weight`, the part before it contains `embed`, or
///   begins or ends with `emb`, and the shape has two axes: `embedding`;
/// - the last part begins with `weight_ih` or `weight_hh`, and the shape has two axes: `recurrent`;
/// - otherwise with two axes `dense`, and with more `kernel`;
/// - with one axis `bias` if the last part begins with `bias`, and `gain` if it is `weight`;
/// - otherwise `plain`.
///
/// Names do not say where a layer stands in its network. So **every position is `hidden`**. An optimizer that treats the first
/// or the last layer differently, as Muon does, must be told which these are.
pub fn guess_role(name: &str, shape: &[usize]) -> Role {
    let mut parts = name.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let owner = if last == "weight" { parts.next().unwrap_or_default() } else { last }.to_lowercase();
    let is_embedding = owner.contains("embed") || owner.starts_with("emb") || owner.ends_with("emb");
    let kind = match shape.len() {
        2 if is_embedding => Kind::Embedding,
        2 if last.starts_with("weight_ih") || last.starts_with("weight_hh") => Kind::Recurrent,
        1 if last.starts_with("bias") => Kind::Bias,
        1 if last == "weight" => Kind::Gain,
        rank => Role::by_rank(rank).kind,
    };
    Role::new(kind, Position::Hidden)
}

/// The variables of a map in the order of their names.
pub(super) fn by_name(vars: &VarMap) -> Vec<NamedVar> {
    let map = vars.data().lock().unwrap_or_else(PoisonError::into_inner);
    let mut named: Vec<(&String, &Var)> = map.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named.into_iter().map(|(name, var)| NamedVar::new(name, var.clone())).collect()
}

/// The variables of a map, of which there must be some: an optimizer without variables would train nothing, and say nothing.
pub(super) fn all_of(vars: &VarMap) -> Result<Vec<NamedVar>> {
    let vars = by_name(vars);
    if vars.is_empty() {
        bail!("the map has no variables to optimize; build the model from this map before its optimizer");
    }
    Ok(vars)
}

/// Names for the variables of a list: `var0`, `var1`, …
pub(super) fn numbered(vars: Vec<Var>) -> Vec<NamedVar> {
    vars.into_iter().enumerate().map(|(i, var)| NamedVar::new(format!("var{i}"), var)).collect()
}

/// Those variables that can be trained, or why one of them cannot. Integers are left out, as candle's own optimizers do.
pub(super) fn trainable(mut vars: Vec<NamedVar>) -> Result<Vec<NamedVar>> {
    vars.retain(|named| named.var.dtype().is_float());
    vars.iter().try_for_each(NamedVar::check)?;
    let mut names: Vec<&str> = vars.iter().map(NamedVar::name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two variables have the name `{}`; states are saved by name", twice[0]);
    }
    Ok(vars)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn roles_are_guessed_by_the_conventions_of_candle() {
        let check = |name: &str, shape: &[usize], kind: Kind| {
            assert_eq!(guess_role(name, shape), Role::new(kind, Position::Hidden), "{name} {shape:?}");
        };
        check("encoder.embeddings.word_embeddings.weight", &[100, 8], Kind::Embedding);
        check("tok_emb", &[100, 8], Kind::Embedding);
        check("time_embedding.linear_1.weight", &[8, 8], Kind::Dense);
        check("patch_embed.weight", &[8, 3, 4, 4], Kind::Kernel);
        check("members.weight", &[8, 8], Kind::Dense);
        check("rnn.weight_hh_l0", &[32, 8], Kind::Recurrent);
        check("rnn.bias_hh_l0", &[32], Kind::Bias);
        check("ln.weight", &[8], Kind::Gain);
        check("ln.bias", &[8], Kind::Bias);
        check("temperature", &[], Kind::Plain);
        check("weight", &[4, 2], Kind::Dense);
    }

    #[test]
    fn outputs_come_first_except_in_tables() {
        let outputs = |named: NamedVar| {
            let mut layout = Layout::default();
            named.push_to(&mut layout);
            layout.tensors()[0].matrix().map(|matrix| matrix.outputs)
        };
        let var = |shape: &[usize]| Var::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert_eq!(outputs(NamedVar::new("w", var(&[5, 3]))), Some(5));
        assert_eq!(outputs(NamedVar::new("conv.weight", var(&[5, 3, 2, 2]))), Some(5));
        assert_eq!(outputs(NamedVar::new("emb.weight", var(&[5, 3]))), Some(3));
        assert_eq!(outputs(NamedVar::new("up.weight", var(&[5, 3, 2, 2])).with_output_axis(1)), Some(3));
        assert_eq!(outputs(NamedVar::new("b", var(&[5])).with_output_axis(7)), None);
        let wrong = NamedVar::new("w", var(&[5, 3])).with_output_axis(2);
        assert!(trainable(vec![wrong]).unwrap_err().to_string().contains("no axis 2"));
        let twice = vec![NamedVar::new("w", var(&[5])), NamedVar::new("w", var(&[3]))];
        assert!(trainable(twice).unwrap_err().to_string().contains("the name `w`"));
    }
}
