//! Which part of two curves differs.

use taskset_names::Split;

use crate::Curve;

impl Curve {
    /// Which part of two curves differs, apart from the times (`train_seconds`, `eval_seconds`); none where they are equal. A NaN
    /// equals any NaN. Both must have been read with the same splits.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Self { spec, steps, losses, diverged_at, num_params, train_seconds: _, eval_seconds: _ } = self;
        if let Some(difference) = spec.first_difference(&other.spec) {
            return Some(difference.field);
        }
        if *steps != other.steps {
            return Some("steps");
        }
        let equal = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        for split in Split::ALL {
            let (a, b) = (&losses[split.index()], other.split(split));
            if a.len() != b.len() || !a.iter().zip(b).all(|(a, b)| equal(a, b)) {
                return Some(split.name());
            }
        }
        if *diverged_at != other.diverged_at {
            return Some("diverged_at");
        }
        (*num_params != other.num_params).then_some("num_params")
    }
}

#[cfg(test)]
mod tests {
    use crate::Curve;
    use crate::testing::{changes, curve};

    #[test]
    fn curves_are_compared_but_for_the_clock() {
        let base = curve();
        let check = |change: &dyn Fn(&mut Curve), expected: Option<&str>| {
            let mut c = curve();
            change(&mut c);
            assert_eq!(base.difference(&c), expected);
            assert_eq!(c.difference(&base), expected);
        };
        check(&|c| (c.train_seconds, c.eval_seconds) = (9.0, 9.0), None);
        check(&|c| c.losses[2][1] = 0.0, Some("valid_outer"));
        check(&|c| c.losses[2].clear(), Some("valid_outer"));
        check(&|c| c.steps = [0, 10, 19].into(), Some("steps"));
        check(&|c| c.diverged_at = Some(3), Some("diverged_at"));
        check(&|c| c.num_params = 3, Some("num_params"));
        for (field, spec) in changes() {
            check(&|c| c.spec = spec.clone(), Some(field));
        }
        let mut nan = curve();
        nan.losses[0][0] = f32::NAN;
        let mut other = nan.clone();
        other.losses[0][0] = f32::from_bits(f32::NAN.to_bits() | 1);
        assert_eq!(nan.difference(&other), None);
        assert_eq!(nan.difference(&base), Some("train"), "only one of them is NaN");
    }
}
