//! Normalising flows of noisy images (paper G.3).

use taskset_nn::{Activation, Initializer};

use super::{FixedModel, Images, group, join};
use crate::models::flow::{Flow, FlowKind};
use crate::spec::{Body, Examples, Group, Infeasible};

/// Masked autoregressive flow. Its kernels are masked when they start and after every update of an optimizer that projects,
/// as upstream's are (its adam6p and adam8p do not project). The permutations between the bijectors are drawn for each
/// replica.
///
/// Where hidden layers are narrower than the image, no kernel but the first has a free element: each pixel has an
/// independent normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maf {
    /// The images, in `[0, 1]`.
    pub images: Images,
    /// Number of bijectors.
    pub bijectors: usize,
    /// Widths of the hidden layers of each bijector's network.
    pub hidden: &'static [usize],
}

/// Real NVP flow. Log scales are not clipped, so that training diverges easily. The permutations are NumPy's of the seeds
/// 0, 1, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nvp {
    /// The images, in `[0, 1]`.
    pub images: Images,
    /// Number of bijectors.
    pub bijectors: usize,
    /// Widths of the hidden layers of each bijector's network.
    pub hidden: &'static [usize],
}

fn body(images: Images, flow: Flow<'_>) -> Result<Body, Infeasible> {
    let examples = images.examples(false);
    Ok(flow.body(examples.input()?.shape(), Examples::Images(examples)))
}

impl FixedModel for Maf {
    const GROUP: Group = group("fixed_maf");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let Self { images, bijectors, hidden } = self;
        format!("masked autoregressive flow, {bijectors} bijectors of {}, {}", join(hidden), images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let flow = Flow {
            kind: FlowKind::Maf,
            bijectors: self.bijectors,
            hidden: self.hidden,
            activation: Activation::Relu,
            w_init: Initializer::GlorotNormal,
        };
        body(self.images, flow)
    }
}

impl FixedModel for Nvp {
    const GROUP: Group = group("fixed_nvp");

    fn dataset(&self) -> Option<&'static str> {
        Some(self.images.dataset)
    }

    fn summary(&self) -> String {
        let Self { images, bijectors, hidden } = self;
        format!("real NVP flow, {bijectors} bijectors of {}, {}", join(hidden), images.summary())
    }

    fn body(&self) -> Result<Body, Infeasible> {
        let flow = Flow {
            kind: FlowKind::Nvp,
            bijectors: self.bijectors,
            hidden: self.hidden,
            activation: Activation::Relu,
            w_init: Initializer::GlorotUniform,
        };
        body(self.images, flow)
    }
}
