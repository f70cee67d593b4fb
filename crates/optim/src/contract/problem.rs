//! Small problems for the contract: a layout, parameters, and a sequence of gradients.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use taskset_params::{Kind, Layout, Position, Role};

/// Parameters in tensors of all kinds, and a sequence of gradients. All numbers are exact in f32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContractProblem {
    /// One to four tensors: scalars, vectors, matrices, kernels, and tensors without elements; any roles.
    pub layout: Arc<Layout>,
    /// Initial parameters, some of them zero.
    pub params: Vec<f64>,
    /// 2 to 12 gradients, some of whose entries are zero.
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

/// Problems for the contract tests.
pub fn problems() -> impl Strategy<Value = ContractProblem> {
    (prop::collection::vec(tensor(), 1..=4), 2usize..=12).prop_flat_map(|(tensors, steps)| {
        let mut layout = Layout::default();
        for (i, (shape, role, axis)) in tensors.into_iter().enumerate() {
            let axis = axis.index(shape.len().max(1));
            layout.push_oriented(format!("tensor{i}"), &shape, role, axis);
        }
        let n = layout.len();
        let layout = Arc::new(layout);
        (
            prop::collection::vec(numbers(), n),
            prop::collection::vec(prop::collection::vec(numbers(), n), steps),
            any::<Index>(),
            Just((0..n).collect::<Vec<_>>()).prop_shuffle(),
            any::<Index>(),
            0.1f64..3.0,
        )
            .prop_map(move |(params, gradients, cut, permutation, place, angle)| ContractProblem {
                layout: Arc::clone(&layout),
                params,
                gradients,
                saved_after: 1 + cut.index(steps - 1),
                permutation,
                place: if n == 0 { 0 } else { place.index(n) },
                angle,
            })
    })
}

/// The shape of a tensor, its role, and its output axis.
fn tensor() -> impl Strategy<Value = (Vec<usize>, Role, Index)> {
    let shape = prop_oneof![
        2 => (1usize..=20).prop_map(|n| vec![n]),
        4 => (1usize..=5, 1usize..=5).prop_map(|(rows, columns)| vec![rows, columns]),
        2 => (1usize..=2, 1usize..=3, 1usize..=3, 1usize..=3).prop_map(|(h, w, i, o)| vec![h, w, i, o]),
        1 => Just(vec![]),
        1 => (0usize..=3).prop_map(|columns| vec![0, columns]),
    ];
    let role = (prop::sample::select(Kind::ALL.to_vec()), prop::sample::select(Position::ALL.to_vec()));
    (shape, role, any::<bool>(), any::<Index>()).prop_map(|(shape, (kind, position), usual, axis)| {
        let role = if usual { Role::by_rank(shape.len()) } else { Role::new(kind, position) };
        (shape, role, axis)
    })
}

/// Numbers of either sign between 0.001 and 10 in size, and zero; exact in f32.
fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (any::<bool>(), -3.0f64..1.0).prop_map(|(negative, exponent)| {
            let size = libm::pow(10.0, exponent);
            f64::from(if negative { -size } else { size } as f32)
        }),
        1 => Just(0.0),
    ]
}
