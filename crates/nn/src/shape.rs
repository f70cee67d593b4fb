//! Shapes of what flows between layers, for one row (example) of a minibatch.

/// The shape of one row of values. A plan for `rows` rows stores them as stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector; stored `[rows, n]`.
    Features(usize),
    /// An image; stored `[rows, height, width, channels]`.
    Image {
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
        /// Channels.
        channels: usize,
    },
    /// Token numbers, only as the input of a network; stored `[rows, length]`, each below `vocabulary`.
    Tokens {
        /// Tokens of a row.
        length: usize,
        /// Number of different tokens.
        vocabulary: usize,
    },
    /// A vector a time step; stored time-major, `[length, rows, width]`.
    Sequence {
        /// Time steps.
        length: usize,
        /// Features of a time step.
        width: usize,
    },
}

impl Shape {
    /// Numbers of a row; 0 for tokens, which are not numbers.
    pub const fn len(&self) -> usize {
        match *self {
            Self::Features(n) => n,
            Self::Image { height, width, channels } => height * width * channels,
            Self::Tokens { .. } => 0,
            Self::Sequence { length, width } => length * width,
        }
    }

    /// Whether a row has no numbers.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `(m, n)` if a row is `m` vectors of `n` features: one for plain features, one a time step for sequences.
    pub(crate) const fn vectors(&self) -> Option<(usize, usize)> {
        match *self {
            Self::Features(n) => Some((1, n)),
            Self::Sequence { length, width } => Some((length, width)),
            _ => None,
        }
    }

    /// The same with another number of features a vector.
    pub(crate) const fn with_features(self, n: usize) -> Self {
        match self {
            Self::Sequence { length, .. } => Self::Sequence { length, width: n },
            _ => Self::Features(n),
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Features(n) => write!(f, "{n} features"),
            Self::Image { height, width, channels } => write!(f, "{height}x{width}x{channels} images"),
            Self::Tokens { length, vocabulary } => write!(f, "{length} tokens of {vocabulary}"),
            Self::Sequence { length, width } => write!(f, "{length} steps of {width} features"),
        }
    }
}
