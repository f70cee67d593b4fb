//! muon: momentum whose matrices are made orthogonal, with AdamW for all other tensors.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskset_kernels::Scalar;
use taskset_params::{Kind, Layout, Position, Tensor};
use taskset_rng::{NumpyLegacy, StreamId};
use taskset_simd::{Backend, Kernel};

use super::adam_search_ranges::or_zero;
use crate::adam_update::Adam;
use crate::family_registry::FamilyMember;
use crate::newton_schulz::{Orthogonaliser, View};
use crate::optimizer::check_lengths;
use crate::unnamed_optimizer::Method;
use crate::update_rule::zero_in_f32;
use crate::{Dimension, EpsilonPlacement, Error, Facts, Naming, Real, Run, Slots, Step, Switches, real};

/// Muon with auxiliary AdamW (Jordan et al. 2024) as in the author's `SingleDeviceMuonWithAuxAdam`. For each
/// [chosen](MuonTensors) tensor, seen as a matrix of outputs × all else:
///
/// ```text
/// m = momentum m + (1 - momentum) g
/// u = (1 - momentum) g + momentum m if nesterov, else m
/// o = u with its singular values brought near 1 by Newton-Schulz steps
/// p = p - learning_rate weight_decay p - learning_rate s o
/// ```
///
/// with a factor s of the [shape](MuonScale). All other tensors are updated by AdamW with the hyperparameters that begin with
/// `aux_`.
///
/// The products are computed in the precision of the parameters; the author's program uses bfloat16. Of a kernel
/// `[height, width, inputs, outputs]` all axes but the outputs together are the inputs; the author's factor s of kernels takes
/// height and width for them, which is 1 for square ones. The gates of a recurrent layer are one matrix, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muon {
    /// Learning rate of the matrices.
    pub learning_rate: f64,
    /// Decay of the mean of gradients, in `[0, 1)`.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Decoupled weight decay of the matrices.
    pub weight_decay: f64,
    /// Number of Newton-Schulz steps.
    pub newton_schulz_steps: u64,
    /// How the step depends on the shape.
    pub scale: MuonScale,
    /// Which tensors are made orthogonal.
    pub tensors: MuonTensors,
    /// Learning rate of the other tensors.
    pub aux_learning_rate: f64,
    /// Decay of their first moment, in `[0, 1)`.
    pub aux_beta1: f64,
    /// Decay of their second moment, in `[0, 1)`.
    pub aux_beta2: f64,
    /// Their ε.
    pub aux_epsilon: f64,
    /// Their decoupled weight decay.
    pub aux_weight_decay: f64,
}

/// The factor s of a matrix's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuonScale {
    /// `√max(1, outputs / inputs)`, the author's.
    Original,
    /// `0.2 √max(outputs, inputs)`: rates and decays of AdamW can be used.
    MatchRmsAdamw,
    /// `√(outputs / inputs)`.
    SpectralUnclamped,
}

/// Which tensors Muon makes orthogonal; a tensor is judged by its [role](taskset_params::Role).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuonTensors {
    /// Dense and recurrent weights between the first and the last layer, and all kernels but the first: the author's advice. A
    /// network with one hidden layer has none, and is trained by AdamW alone.
    Hidden,
    /// All dense and recurrent weights and kernels.
    All,
}

impl MuonScale {
    const WORDS: &'static [&'static str] = &["original", "match_rms_adamw", "spectral_unclamped"];

    fn factor(self, (fan_in, fan_out): (usize, usize)) -> f64 {
        let (fan_in, fan_out) = (fan_in as f64, fan_out as f64);
        match self {
            Self::Original => (fan_out / fan_in).max(1.0).sqrt(),
            Self::MatchRmsAdamw => 0.2 * fan_out.max(fan_in).sqrt(),
            Self::SpectralUnclamped => (fan_out / fan_in).sqrt(),
        }
    }
}

impl MuonTensors {
    const WORDS: &'static [&'static str] = &["hidden", "all"];

    fn contain(self, tensor: &Tensor) -> bool {
        let (kind, position) = (tensor.role.kind, tensor.role.position);
        let chosen = match self {
            Self::Hidden => match kind {
                Kind::Dense | Kind::Recurrent => position == Position::Hidden,
                Kind::Kernel => matches!(position, Position::Hidden | Position::Last),
                _ => false,
            },
            Self::All => matches!(kind, Kind::Dense | Kind::Recurrent | Kind::Kernel),
        };
        chosen && tensor.shape.len() >= 2 && !tensor.is_empty()
    }
}

impl Muon {
    /// The author's defaults.
    pub const DEFAULT: Self = Self {
        learning_rate: 0.02,
        momentum: 0.95,
        nesterov: true,
        weight_decay: 0.0,
        newton_schulz_steps: 5,
        scale: MuonScale::Original,
        tensors: MuonTensors::Hidden,
        aux_learning_rate: 3e-4,
        aux_beta1: 0.9,
        aux_beta2: 0.95,
        aux_epsilon: 1e-10,
        aux_weight_decay: 0.0,
    };

    /// The share of a layout's parameters that are made orthogonal, between 0 and 1; the others are AdamW's. 0 for a layout
    /// without parameters.
    pub fn share(&self, layout: &Layout) -> f64 {
        self.count(layout) as f64 / layout.len().max(1) as f64
    }

    /// The number of parameters that are made orthogonal.
    fn count(&self, layout: &Layout) -> usize {
        layout.tensors().iter().filter(|tensor| self.tensors.contain(tensor)).map(Tensor::len).sum()
    }
}

const LEARNING_RATE: Dimension = Dimension::log("learning_rate", 4e-4, 1.0);
const MOMENTUM: Dimension = Dimension::one_minus_log("momentum", 0.01, 0.2);
const NESTEROV: Dimension = Dimension::switch("nesterov").always(1.0);
const WEIGHT_DECAY: Dimension = Dimension::log("weight_decay", 1e-3, 0.3).or_zero();
const NEWTON_SCHULZ: Dimension = Dimension::fixed("newton_schulz_steps", 5.0, 0.0, 100.0);
const SCALE: Dimension = Dimension::choice_of("scale", MuonScale::WORDS).always(0.0);
const TENSORS: Dimension = Dimension::choice_of("tensors", MuonTensors::WORDS);
/// As a share of the learning rate of the matrices.
const AUX_SHARE: Dimension = Dimension::log("aux_learning_rate", 0.02, 1.0);
const AUX_LEARNING_RATE: Dimension = Dimension::log("aux_learning_rate", 8e-6, 1.0);
const AUX_BETA1: Dimension = Dimension::one_minus_log("aux_beta1", 5e-3, 0.5);
const AUX_BETA2: Dimension = Dimension::one_minus_log("aux_beta2", 1e-4, 0.5);
const AUX_EPSILON: Dimension = Dimension::log("aux_epsilon", 1e-10, 1e-3);
const AUX_WEIGHT_DECAY: Dimension = Dimension::log("aux_weight_decay", 1e-4, 0.5).or_zero();

impl FamilyMember for Muon {
    const NAME: &'static str = "muon";
    const PREFIX: &'static str = "muon";
    const NAMING: Naming = Naming::Seeds { set: "muon_1k" };
    const REVISION: u32 = 1;
    const SUMMARY: &'static str =
        "Orthogonalised momentum for matrices, AdamW for all other tensors; not in the paper";
    const SPACE: &'static [Dimension] = &[
        LEARNING_RATE,
        MOMENTUM,
        NESTEROV,
        WEIGHT_DECAY,
        NEWTON_SCHULZ,
        SCALE,
        TENSORS,
        AUX_LEARNING_RATE,
        AUX_BETA1,
        AUX_BETA2,
        AUX_EPSILON,
        AUX_WEIGHT_DECAY,
    ];
    const HAS_MODES: bool = false;
    const NEEDS_HORIZON: bool = false;
    const DEFAULT: Option<Self> = Some(Self::DEFAULT);

    /// Five Newton-Schulz steps, Nesterov's momentum and the original scale in every member. The auxiliary rate is drawn as
    /// a share of the learning rate.
    fn member(seed: u32) -> Self {
        let rng = &mut NumpyLegacy::new(seed.wrapping_add(205_001));
        let learning_rate = LEARNING_RATE.draw(rng);
        Self {
            learning_rate,
            momentum: MOMENTUM.draw(rng),
            weight_decay: or_zero(WEIGHT_DECAY, 1.0 / 3.0, rng),
            tensors: if TENSORS.draw(rng) < 0.5 { MuonTensors::Hidden } else { MuonTensors::All },
            aux_learning_rate: learning_rate * AUX_SHARE.draw(rng),
            aux_beta1: AUX_BETA1.draw(rng),
            aux_beta2: AUX_BETA2.draw(rng),
            aux_epsilon: AUX_EPSILON.draw(rng),
            aux_weight_decay: or_zero(AUX_WEIGHT_DECAY, 1.0 / 3.0, rng),
            ..Self::DEFAULT
        }
    }

    fn method(&self, _: &Switches, _: u64) -> Arc<dyn Method> {
        Arc::new(*self)
    }

    fn divides_by(&self, _: &dyn Method) -> Option<(&'static str, f64)> {
        zero_in_f32("aux_epsilon", self.aux_epsilon)
    }
}

impl Muon {
    fn run<T: Real + Scalar>(&self, layout: &Layout) -> Box<dyn Run<T>> {
        let (mut matrices, mut others, mut second) = (Vec::new(), Vec::<Other>::new(), 0);
        for tensor in layout.tensors() {
            let view = tensor.matrix().zip(tensor.fans()).filter(|_| self.tensors.contain(tensor));
            if let Some((matrix, fans)) = view {
                let (view, factor) = (View::of(matrix), self.scale.factor(fans));
                matrices.push(Orthogonal { params: tensor.range(), view, factor });
                continue;
            }
            let moments = second..second + tensor.len();
            second = moments.end;
            match others.last_mut() {
                // Tensors one behind the other are updated in one go.
                Some(last) if last.params.end == tensor.offset => {
                    (last.params.end, last.second.end) = (tensor.range().end, moments.end);
                }
                _ => others.push(Other { params: tensor.range(), second: moments }),
            }
        }
        let largest = matrices.iter().map(|matrix| matrix.params.len()).max().unwrap_or(0);
        Box::new(MuonRun {
            rule: *self,
            original_rates: [self.learning_rate, self.aux_learning_rate],
            aux: Adam {
                weight_decay: self.aux_weight_decay,
                ..Adam::plain(self.aux_beta1, self.aux_beta2, self.aux_epsilon, EpsilonPlacement::Corrected)
            },
            n: layout.len(),
            matrices,
            others,
            step: 0,
            m: vec![T::zero(); layout.len()],
            v: vec![T::zero(); second],
            direction: vec![T::zero(); largest],
            orthogonaliser: Orthogonaliser::default(),
        })
    }
}

impl Method for Muon {
    fn facts(&self) -> Facts {
        Facts {
            keeps_nan: true,
            moves_without_gradient: self.weight_decay != 0.0 || self.aux_weight_decay != 0.0,
            ..Facts::default()
        }
    }

    fn state_bytes(&self, layout: &Layout) -> usize {
        let others = layout.len() - self.count(layout);
        let largest = layout.tensors().iter().map(Tensor::len).max().unwrap_or(0);
        size_of::<f32>() * (layout.len() + others + 4 * largest)
    }

    fn start(&self, layout: &Arc<Layout>, _: &[f32], _: &StreamId) -> Result<Box<dyn Run<f32>>, Error> {
        Ok(self.run(layout))
    }

    fn start_f64(&self, layout: &Arc<Layout>, _: &[f64], _: &StreamId) -> Result<Box<dyn Run<f64>>, Error> {
        Ok(self.run(layout))
    }
}

/// A tensor that is made orthogonal.
struct Orthogonal {
    params: Range<usize>,
    view: View,
    factor: f64,
}

/// Neighbouring tensors that AdamW updates.
struct Other {
    params: Range<usize>,
    /// Their place among the second moments.
    second: Range<usize>,
}

struct MuonRun<T: Scalar> {
    rule: Muon,
    /// The two learning rates that it was started with.
    original_rates: [f64; 2],
    aux: Adam,
    n: usize,
    matrices: Vec<Orthogonal>,
    others: Vec<Other>,
    step: u64,
    /// Means of gradients of all parameters.
    m: Vec<T>,
    /// Second moments of the other tensors, one behind the other.
    v: Vec<T>,
    /// The direction of one matrix; no state.
    direction: Vec<T>,
    orthogonaliser: Orthogonaliser<T>,
}

impl<T: Real + Scalar> Run<T> for MuonRun<T> {
    fn update(&mut self, step: Step<'_, T>, params: &mut [T]) {
        check_lengths(step.gradients, params, self.n);
        // Like those of the networks, products differ between the classes of arithmetic.
        let products = Backend::detect();
        let Muon { learning_rate, momentum, nesterov, weight_decay, newton_schulz_steps, .. } = self.rule;
        for Orthogonal { params: range, view, factor } in &self.matrices {
            let direction = &mut self.direction[..range.len()];
            Backend::best().run(Momentum {
                keep: real(momentum),
                fresh: real(1.0 - momentum),
                nesterov,
                gradients: &step.gradients[range.clone()],
                m: &mut self.m[range.clone()],
                direction,
            });
            self.orthogonaliser.run(products, *view, newton_schulz_steps, direction);
            Backend::best().run(Move {
                decay: real(learning_rate * weight_decay),
                rate: real(learning_rate * factor),
                direction,
                params: &mut params[range.clone()],
            });
        }
        for Other { params: range, second } in &self.others {
            let moments = [&mut self.m[range.clone()], &mut self.v[second.clone()]];
            let gradients = &step.gradients[range.clone()];
            let at = (self.step, self.rule.aux_learning_rate);
            self.aux.update(Backend::best(), at, gradients, &mut params[range.clone()], moments);
        }
        self.step += 1;
    }

    fn skip(&mut self) {
        self.step += 1;
    }

    fn learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate)
    }

    fn base_learning_rate(&self) -> Option<f64> {
        Some(self.rule.learning_rate)
    }

    /// The auxiliary rate keeps its ratio to the learning rate.
    fn set_base_learning_rate(&mut self, base: f64) -> bool {
        let [original, aux] = self.original_rates;
        // From the original rates each time: a rate that was 0 for a while must not lose the ratio.
        if original > 0.0 {
            self.rule.aux_learning_rate = base * (aux / original);
        }
        self.rule.learning_rate = base;
        true
    }

    fn save(&self) -> Result<Slots<T>, Error> {
        Ok(Slots::new(self.step).with("m", &self.m).with("v", &self.v))
    }

    fn restore(&mut self, slots: &Slots<T>) -> Result<(), Error> {
        slots.load(&mut [("m", &mut self.m), ("v", &mut self.v)], &mut [])?;
        self.step = slots.step;
        Ok(())
    }
}

/// The mean of gradients of one matrix, and the direction that is to be made orthogonal.
struct Momentum<'a, T> {
    keep: T,
    fresh: T,
    nesterov: bool,
    gradients: &'a [T],
    m: &'a mut [T],
    direction: &'a mut [T],
}

impl<T: Real> Kernel for Momentum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((&g, m), u) in self.gradients.iter().zip(self.m).zip(self.direction) {
            let fresh = self.fresh * g;
            let new = self.keep * *m + fresh;
            *m = new;
            *u = if self.nesterov { fresh + self.keep * new } else { new };
        }
    }
}

/// The step of one matrix.
struct Move<'a, T> {
    decay: T,
    rate: T,
    direction: &'a [T],
    params: &'a mut [T],
}

impl<T: Real> Kernel for Move<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (p, &o) in self.params.iter_mut().zip(self.direction) {
            *p = *p - self.decay * *p - self.rate * o;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskset_params::Role;

    #[test]
    fn roles_decide_which_tensors_are_made_orthogonal() {
        let check = |kind, position, shape: &[usize], expected: [bool; 2]| {
            let mut layout = Layout::default();
            layout.push_as("t", shape, Role::new(kind, position));
            let contains = [MuonTensors::Hidden, MuonTensors::All].map(|t| t.contain(&layout.tensors()[0]));
            assert_eq!(contains, expected, "{kind:?} {position:?} {shape:?}");
        };
        check(Kind::Dense, Position::Hidden, &[4, 3], [true, true]);
        check(Kind::Dense, Position::First, &[4, 3], [false, true]);
        check(Kind::Recurrent, Position::Last, &[4, 3], [false, true]);
        check(Kind::Kernel, Position::First, &[3, 3, 1, 8], [false, true]);
        check(Kind::Kernel, Position::Last, &[3, 3, 8, 8], [true, true]);
        check(Kind::Kernel, Position::Only, &[3, 3, 8, 8], [false, true]);
        check(Kind::Embedding, Position::Hidden, &[256, 8], [false, false]);
        check(Kind::Bias, Position::Hidden, &[1, 8], [false, false]);
        check(Kind::Dense, Position::Hidden, &[0, 8], [false, false]);
    }

    #[test]
    fn a_rate_of_zero_for_a_while_keeps_the_ratio_of_the_rates() {
        let train = |rates: &[f64]| {
            let mut run = Muon::DEFAULT.run::<f64>(&Layout::flat(1));
            rates.iter().for_each(|&rate| assert!(run.set_base_learning_rate(rate)));
            let mut params = [1.0];
            run.update(Step::new(&[1.0]), &mut params);
            params[0]
        };
        let plain = train(&[]);
        assert!(plain < 0.9998);
        assert!((train(&[0.0, 1e-320, 0.02]) - plain).abs() < 1e-15);
        // Without a ratio, the auxiliary rate stays.
        let mut run = Muon { learning_rate: 0.0, ..Muon::DEFAULT }.run::<f64>(&Layout::flat(1));
        assert!(run.set_base_learning_rate(0.5));
        let mut params = [1.0];
        run.update(Step::new(&[1.0]), &mut params);
        assert!((params[0] - plain).abs() < 1e-15);
        // The one parameter is AdamW's, whose rate doubles with the learning rate.
        assert!((1.0 - train(&[0.04]) - 2.0 * (1.0 - plain)).abs() < 1e-12);
    }

    #[test]
    fn the_share_counts_parameters() {
        let mut layout = Layout::default();
        layout.push("w", &[4, 3]);
        layout.push("b", &[3]);
        assert!((Muon::DEFAULT.share(&layout) - 0.8).abs() < 1e-15);
        assert!(Muon::DEFAULT.share(&Layout::default()).abs() < 1e-15);
        // Means of all gradients, second moments of the biases, and four copies of the matrix at work.
        assert_eq!(Muon::DEFAULT.state_bytes(&layout), size_of::<f32>() * (15 + 3 + 4 * 12));
    }

    /// The equations in the documentation, with directions of norm 1 in place of Newton-Schulz steps.
    #[test]
    fn updates_are_those_of_the_equations() {
        let plain =
            Muon { newton_schulz_steps: 0, weight_decay: 0.1, aux_weight_decay: 0.2, ..Muon::DEFAULT };
        let mut layout = Layout::default();
        layout.push_as("w", &[2, 3], Role::new(Kind::Dense, Position::Hidden));
        layout.push_as("b", &[1, 2], Role::new(Kind::Bias, Position::Hidden));
        for rule in [plain, Muon { nesterov: false, scale: MuonScale::MatchRmsAdamw, ..plain }] {
            let factor = if rule.nesterov { libm::sqrt(1.5) } else { 0.2 * libm::sqrt(3.0) };
            let mut run = rule.run::<f64>(&layout);
            let mut params = [0.3, -0.2, 0.5, 1.0, -1.5, 0.7, 0.4, -0.9];
            let (mut m, mut v, mut expected) = ([0.0; 8], [0.0; 2], params);
            for t in 1..=5 {
                let n = f64::from(t);
                let gradients: [f64; 8] = std::array::from_fn(|i| libm::sin(n * (i as f64 + 0.7)));
                run.update(Step::new(&gradients), &mut params);
                let mut u = [0.0; 6];
                for i in 0..6 {
                    let fresh = (1.0 - rule.momentum) * gradients[i];
                    m[i] = rule.momentum * m[i] + fresh;
                    u[i] = if rule.nesterov { fresh + rule.momentum * m[i] } else { m[i] };
                }
                let length = u.iter().map(|x| x * x).sum::<f64>().sqrt() + 1e-7;
                for i in 0..6 {
                    let step = rule.weight_decay * expected[i] + factor * u[i] / length;
                    expected[i] -= rule.learning_rate * step;
                }
                for i in 6..8 {
                    let v = &mut v[i - 6];
                    m[i] = rule.aux_beta1 * m[i] + (1.0 - rule.aux_beta1) * gradients[i];
                    *v = rule.aux_beta2 * *v + (1.0 - rule.aux_beta2) * gradients[i].powi(2);
                    let m_hat = m[i] / (1.0 - rule.aux_beta1.powf(n));
                    let v_hat = *v / (1.0 - rule.aux_beta2.powf(n));
                    let adam = m_hat / (v_hat.sqrt() + rule.aux_epsilon);
                    expected[i] -= rule.aux_learning_rate * (adam + rule.aux_weight_decay * expected[i]);
                }
                for (found, expected) in params.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-13, "update {t}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn factors_of_steps() {
        let check = |scale: MuonScale, fans: (usize, usize), expected: f64| {
            assert!((scale.factor(fans) - expected).abs() < 1e-15, "{scale:?} {fans:?}");
        };
        check(MuonScale::Original, (4, 9), 1.5);
        check(MuonScale::Original, (9, 4), 1.0);
        check(MuonScale::MatchRmsAdamw, (4, 9), 0.6);
        check(MuonScale::MatchRmsAdamw, (9, 4), 0.6);
        check(MuonScale::SpectralUnclamped, (4, 9), 1.5);
        check(MuonScale::SpectralUnclamped, (9, 4), 2.0 / 3.0);
    }
}
