//! Small problems for the contract: a layout, parameters, and a sequence of gradients.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use taskset_params::{Kind, Layout, Position, Role};

/// Parameters in tensors of all kinds, and a sequence of gradients. All numbers are exact in f32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContractProblem {
    /// One to three tensors: scalars, vectors, matrices, kernels, and tensors without elements; any roles.
    pub layout: Arc<Layout>,
    /// Initial parameters, some of them zero.
    pub params: Vec<f64>,
    /// 2 to 8 gradients, some of whose entries are zero.
    pub gradients: Vec<Vec<f64>>,
    /// After how many updates to save and load; at least 1, fewer than there are gradients.
    pub saved_after: usize,
    /// An order of the parameters.
    pub permutation: Vec<usize>,
    /// A place in the parameters; 0 if there is none.
    pub place: usize,
    /// An angle in radians.
    pub angle: f64,
}

/// Most elements of a tensor, and most tensors.
const MOST: [usize; 2] = [25, 3];
/// Most gradients.
const MOST_GRADIENTS: usize = 8;

/// Problems for the contract tests.
///
/// The numbers are drawn for the largest problem, and a smaller one takes the first of them. So a failing problem can be
/// made smaller without drawing others.
pub fn problems() -> impl Strategy<Value = ContractProblem> {
    let most = MOST[0] * MOST[1];
    (
        prop::collection::vec(tensor(), 1..=MOST[1]),
        2usize..=MOST_GRADIENTS,
        any::<Index>(),
        any::<Index>(),
        0.1f64..3.0,
        Just((0..most).collect::<Vec<_>>()).prop_shuffle(),
        prop::collection::vec(numbers(), most),
        prop::collection::vec(numbers(), most * MOST_GRADIENTS),
    )
        .prop_map(|(tensors, steps, cut, place, angle, mut permutation, mut params, gradients)| {
            let mut layout = Layout::default();
            for (i, (shape, role, axis)) in tensors.into_iter().enumerate() {
                let axis = axis.index(shape.len().max(1));
                layout.push_oriented(format!("tensor{i}"), &shape, role, axis);
            }
            let n = layout.len();
            permutation.retain(|&i| i < n);
            params.truncate(n);
            ContractProblem {
                layout: Arc::new(layout),
                params,
                gradients: gradients.chunks(MOST[0] * MOST[1]).take(steps).map(|g| g[..n].to_vec()).collect(),
                saved_after: 1 + cut.index(steps - 1),
                permutation,
                place: if n == 0 { 0 } else { place.index(n) },
                angle,
            }
        })
}

/// The shape of a tensor, its role, and its output axis.
fn tensor() -> impl Strategy<Value = (Vec<usize>, Role, Index)> {
    let shape = prop_oneof![
        2 => (1usize..=20).prop_map(|n| vec![n]),
        4 => (1usize..=5, 1usize..=5).prop_map(|(rows, columns)| vec![rows, columns]),
        2 => (1usize..=2, 1usize..=2, 1usize..=2, 1usize..=3).prop_map(|(h, w, i, o)| vec![h, w, i, o]),
        1 => Just(vec![]),
        1 => (0usize..=3).prop_map(|columns| vec![0, columns]),
    ];
    let role = (prop::sample::select(Kind::ALL.to_vec()), prop::sample::select(Position::ALL.to_vec()));
    (shape, role, any::<bool>(), any::<Index>()).prop_map(|(shape, (kind, position), usual, axis)| {
        let role = if usual { Role::by_rank(shape.len()) } else { Role::new(kind, position) };
        (shape, role, axis)
    })
}

/// Numbers of either sign between 0.001 and 10 in size, and zero; exact in f32. One whole number decides, because thousands
/// are drawn for each problem.
fn numbers() -> impl Strategy<Value = f64> {
    (0u32..10_000).prop_map(|k| {
        if k < 1_000 {
            return 0.0;
        }
        let size = libm::pow(10.0, -3.0 + 4.0 * f64::from(k - 1_000) / 9_000.0);
        f64::from(if k % 2 == 0 { -size } else { size } as f32)
    })
}
