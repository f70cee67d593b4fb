//! The state of a run as plain data: what is saved and restored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Real};

/// What a run remembers, by name: vectors as long as parameters or parts of them, single numbers, and the number of updates.
/// Plain numbers: clone it, compare it, save it.
///
/// JSON has no NaN and no infinities; the state of a diverged run needs a format that has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots<T> {
    /// Number of updates done; the next one is step `step`, counted from 0.
    pub step: u64,
    /// Vectors by name, for example the first moments `m`.
    pub vectors: BTreeMap<String, Vec<T>>,
    /// Single numbers by name, in double precision whatever the parameters are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scalars: BTreeMap<String, f64>,
}

impl<T: Real> Slots<T> {
    /// The state of a rule that remembers nothing but the number of its updates.
    pub fn new(step: u64) -> Self {
        Self { step, vectors: BTreeMap::new(), scalars: BTreeMap::new() }
    }

    /// The same with one more vector.
    #[must_use]
    pub fn with(mut self, name: &str, values: &[T]) -> Self {
        self.vectors.insert(name.to_owned(), values.to_vec());
        self
    }

    /// The same with one more number.
    #[must_use]
    pub fn with_scalar(mut self, name: &str, value: f64) -> Self {
        self.scalars.insert(name.to_owned(), value);
        self
    }

    /// Copies all vectors and numbers into their places. Nothing is copied if any is missing, is left over, or has
    /// another length.
    ///
    /// # Errors
    /// [`Error::Slots`] says what does not fit.
    pub fn load(
        &self,
        vectors: &mut [(&str, &mut [T])],
        scalars: &mut [(&str, &mut f64)],
    ) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Slots { reason });
        for (name, place) in vectors.iter() {
            match self.vectors.get(*name) {
                None => return refuse(format!("it has no vector `{name}`")),
                Some(found) if found.len() != place.len() => {
                    return refuse(format!(
                        "`{name}` has {} numbers, and needs {}",
                        found.len(),
                        place.len()
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some((name, _)) = scalars.iter().find(|(name, _)| !self.scalars.contains_key(*name)) {
            return refuse(format!("it has no number `{name}`"));
        }
        let is_known = |name: &&String| {
            vectors.iter().any(|(known, _)| known == name) || scalars.iter().any(|(known, _)| known == name)
        };
        if let Some(name) = self.vectors.keys().chain(self.scalars.keys()).find(|name| !is_known(name)) {
            return refuse(format!("`{name}` is unknown to this optimizer"));
        }
        for (name, place) in vectors {
            place.copy_from_slice(&self.vectors[*name]);
        }
        for (name, place) in scalars {
            **place = self.scalars[*name];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_as_a_whole() {
        let slots = Slots::new(3).with("m", &[1.0f32, 2.0]).with_scalar("weight", 4.0);
        let load = |names: &[(&str, usize)], numbers: &[&str]| {
            let mut vectors: Vec<Vec<f32>> = names.iter().map(|(_, n)| vec![0.0; *n]).collect();
            let mut scalars = vec![0.0; numbers.len()];
            let mut places: Vec<(&str, &mut [f32])> =
                names.iter().zip(&mut vectors).map(|((name, _), v)| (*name, &mut v[..])).collect();
            let mut single: Vec<(&str, &mut f64)> = numbers.iter().copied().zip(&mut scalars).collect();
            let result = slots.load(&mut places, &mut single);
            (result.map_err(|e| e.to_string()), vectors, scalars)
        };
        assert_eq!(load(&[("m", 2)], &["weight"]), (Ok(()), vec![vec![1.0, 2.0]], vec![4.0]));
        let check = |names: &[(&str, usize)], numbers: &[&str], words: &str| {
            let (result, vectors, scalars) = load(names, numbers);
            assert!(result.as_ref().is_err_and(|message| message.contains(words)), "{result:?}");
            assert!(vectors.iter().flatten().all(|x| *x == 0.0) && scalars.iter().all(|x| *x == 0.0));
        };
        check(&[("m", 3)], &["weight"], "`m` has 2 numbers, and needs 3");
        check(&[("m", 2), ("v", 2)], &["weight"], "no vector `v`");
        check(&[("m", 2)], &[], "`weight` is unknown");
        check(&[], &["weight"], "`m` is unknown");
        check(&[("m", 2)], &["weight", "d"], "no number `d`");
    }

    #[test]
    fn json_keeps_every_bit() {
        let slots = Slots::new(7).with("v", &[0.1f64, -0.0, 1e-310]).with_scalar("w", 1.0 / 3.0);
        let text = serde_json::to_string(&slots).unwrap();
        let back: Slots<f64> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, slots);
        assert_eq!(back.vectors["v"][1].to_bits(), (-0.0f64).to_bits());
    }
}
