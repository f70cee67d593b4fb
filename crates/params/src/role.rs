//! The role of a tensor: what it does in its layer, and where the layer stands in its network.

use std::fmt;
use std::str::FromStr;

/// What a tensor does, and where. Optimizers that treat tensors differently decide by it, never by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// What it does in its layer.
    pub kind: Kind,
    /// Where its layer stands.
    pub position: Position,
}

/// What a tensor does in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The weights of a dense layer, `[inputs, outputs]`.
    Dense,
    /// The kernel of a convolution, `[height, width, inputs, outputs]`.
    Kernel,
    /// Weights of a recurrent core, of its inputs, its state or both, `[inputs, outputs]`; several gates may stand side by
    /// side.
    Recurrent,
    /// A table of vectors of which each example reads some rows, `[symbols, width]`.
    Embedding,
    /// What is added to the outputs of a layer; initial states too.
    Bias,
    /// What the outputs of a layer are multiplied with.
    Gain,
    /// A scalar or vector that belongs to no layer, for example the variables of a test function.
    Plain,
}

/// Where a layer stands among the layers with weights of its network. Networks inside a network (the encoder and the
/// decoder of an autoencoder, the conditioners of a flow) count by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// It reads the inputs.
    First,
    /// It is neither the first nor the last.
    Hidden,
    /// It makes the outputs.
    Last,
    /// There is no other layer: it reads the inputs and makes the outputs.
    Only,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Dense, Self::Kernel, Self::Recurrent, Self::Embedding, Self::Bias, Self::Gain, Self::Plain];

    /// The word in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Kernel => "kernel",
            Self::Recurrent => "recurrent",
            Self::Embedding => "embedding",
            Self::Bias => "bias",
            Self::Gain => "gain",
            Self::Plain => "plain",
        }
    }
}

impl Position {
    /// All positions.
    pub const ALL: [Self; 4] = [Self::First, Self::Hidden, Self::Last, Self::Only];

    /// The word in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Hidden => "hidden",
            Self::Last => "last",
            Self::Only => "only",
        }
    }

    /// The position of layer `index` among `count` layers.
    pub const fn of(index: usize, count: usize) -> Self {
        match (index, count) {
            (_, 0 | 1) => Self::Only,
            (0, _) => Self::First,
            _ if index + 1 == count => Self::Last,
            _ => Self::Hidden,
        }
    }
}

impl Role {
    /// A role.
    pub const fn new(kind: Kind, position: Position) -> Self {
        Self { kind, position }
    }

    /// The role of a tensor of which only the number of axes is known: [`Plain`](Kind::Plain) below two axes, else
    /// [`Dense`](Kind::Dense) with two and [`Kernel`](Kind::Kernel) with more; [`Hidden`](Position::Hidden).
    pub const fn by_rank(rank: usize) -> Self {
        let kind = match rank {
            0 | 1 => Kind::Plain,
            2 => Kind::Dense,
            _ => Kind::Kernel,
        };
        Self::new(kind, Position::Hidden)
    }
}

/// A word that names no kind and no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no role `{0}`; a role is a kind (dense, kernel, recurrent, embedding, bias, gain, plain), a position (first, \
     hidden, last, only), or both with a space between them"
)]
pub struct UnknownRole(String);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.position.name(), self.kind.name())
    }
}

impl Role {
    /// This role with the kind or the position or both that `text` gives, for example `embedding`, `last` or
    /// `first kernel`.
    ///
    /// # Errors
    /// [`UnknownRole`] for a word that is neither.
    pub fn with(mut self, text: &str) -> Result<Self, UnknownRole> {
        let mut any = false;
        for word in text.split([' ', ',', '_', '-']).filter(|word| !word.is_empty()) {
            any = true;
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == word);
            let position = Position::ALL.into_iter().find(|position| position.name() == word);
            match (kind, position) {
                (Some(kind), _) => self.kind = kind,
                (_, Some(position)) => self.position = position,
                (None, None) => return Err(UnknownRole(text.to_owned())),
            }
        }
        if any { Ok(self) } else { Err(UnknownRole(text.to_owned())) }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    /// A kind and a position; what is not given is [`Plain`](Kind::Plain) or [`Hidden`](Position::Hidden).
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::by_rank(0).with(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            for position in Position::ALL {
                let role = Role::new(kind, position);
                assert_eq!(role.to_string().parse(), Ok(role));
                assert_eq!(Role::by_rank(2).with(kind.name()), Ok(Role::new(kind, Position::Hidden)));
                assert_eq!(Role::by_rank(2).with(position.name()), Ok(Role::new(Kind::Dense, position)));
            }
        }
        let message = Role::by_rank(2).with("head").unwrap_err().to_string();
        assert!(message.contains("`head`") && message.contains("embedding"), "{message}");
        assert!(Role::by_rank(2).with(" ").is_err());
    }

    #[test]
    fn positions_of_layers() {
        let all = |count| (0..count).map(|index| Position::of(index, count)).collect::<Vec<_>>();
        assert_eq!(all(1), [Position::Only]);
        assert_eq!(all(2), [Position::First, Position::Last]);
        assert_eq!(all(4), [Position::First, Position::Hidden, Position::Hidden, Position::Last]);
    }
}
