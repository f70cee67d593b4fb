//! Projection onto a task's constraint: some parameters are reset to 0 after every update.

use std::ops::Range;

/// The parameters that a task keeps at 0, as ranges of indices. The masks of autoregressive flows consist of long ranges, so
/// a projection reads and writes only the constrained parameters, and no mask.
#[derive(Debug)]
pub(crate) struct Constraint {
    zeros: Vec<Range<usize>>,
}

impl Constraint {
    /// From the [`constraint_mask`](taskset_tasks::Problem::constraint_mask) of so many parameters.
    pub(crate) fn of(mask: Option<&[f32]>, parameters: usize) -> Self {
        let mut zeros: Vec<Range<usize>> = Vec::new();
        let mask = mask.into_iter().flatten().take(parameters);
        for (i, _) in mask.enumerate().filter(|(_, m)| **m == 0.0) {
            match zeros.last_mut() {
                Some(last) if last.end == i => last.end += 1,
                _ => zeros.push(i..i + 1),
            }
        }
        Self { zeros }
    }

    /// Multiplies the constrained parameters by 0. So a parameter that is not finite becomes NaN, and is not hidden.
    pub(crate) fn project(&self, params: &mut [f32]) {
        for range in &self.zeros {
            params[range.clone()].iter_mut().for_each(|p| *p *= 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_projection_is_a_product_with_the_mask(
            pairs in prop::collection::vec((prop::num::f32::ANY, any::<bool>()), 0..60),
        ) {
            let (params, free): (Vec<f32>, Vec<bool>) = pairs.into_iter().unzip();
            let mask: Vec<f32> = free.iter().map(|&free| if free { 1.0 } else { 0.0 }).collect();
            let mut projected = params.clone();
            Constraint::of(Some(&mask), mask.len()).project(&mut projected);
            for ((p, m), projected) in params.iter().zip(&mask).zip(projected) {
                let product = p * m;
                prop_assert!(product.to_bits() == projected.to_bits() || product.is_nan() && projected.is_nan());
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_not_hidden() {
        let mut params = [f32::INFINITY, f32::NAN, -3.0];
        Constraint::of(Some(&[0.0; 3]), 3).project(&mut params);
        assert_eq!(params.map(|p| p.is_nan()), [true, true, false]);
        assert_eq!(params[2].to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn without_a_mask_nothing_changes() {
        let mut params = [1.0, f32::NAN, -2.0];
        Constraint::of(None, 3).project(&mut params);
        assert_eq!([params[0], params[2]].map(f32::to_bits), [1.0, -2.0f32].map(f32::to_bits));
        assert!(params[1].is_nan());
    }

    #[test]
    fn neighbours_are_one_range() {
        let mask = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        assert_eq!(Constraint::of(Some(&mask), 8).zeros, [0..2, 3..4, 6..8]);
        assert_eq!(Constraint::of(Some(&mask), 7).zeros, [0..2, 3..4, 6..7]);
    }
}
