//! Everything that can be wrong with a name, a hyperparameter object or a request for a trace.

use taskset_names::PatternError;

use crate::Family;

/// What went wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No single optimizer has this name.
    #[error("{}", unknown(.name, .hint))]
    UnknownOptimizer {
        /// The name asked for.
        name: String,
        /// What may have been meant.
        hint: Hint,
    },
    /// A wildcard pattern that no registered name matches.
    #[error("no optimizer matches `{pattern}`; wildcards run over the published names (seeds 0 to 999)")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A pattern that cannot be expanded, or a seed outside 0 to 999.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// There is no mode of this name.
    #[error("there is no optimizer mode `{0}`; the modes are upstream, opt_list and paper")]
    UnknownMode(String),
    /// There is no family of this name.
    #[error("there is no optimizer family `{0}`; the families are {known}", known = known_families())]
    UnknownFamily(String),
    /// Hyperparameters that are not an object.
    #[error("hyperparameters of {family}: {source}")]
    Hyperparameters {
        /// The family that the object was read for.
        family: Family,
        /// What the JSON reader found.
        source: serde_json::Error,
    },
    /// A hyperparameter object with a key that the family does not have.
    #[error("hyperparameters of {family}: there is no `{key}`; its keys are {}", keys(.family))]
    UnknownHyperparameter {
        /// The family.
        family: Family,
        /// The key.
        key: String,
    },
    /// A hyperparameter object that lacks a key.
    #[error("hyperparameters of {family}: `{key}` is missing")]
    MissingHyperparameter {
        /// The family.
        family: Family,
        /// The key.
        key: &'static str,
    },
    /// A hyperparameter of the wrong type.
    #[error("hyperparameters of {family}: {key} is {value}; it must be {expected}")]
    HyperparameterType {
        /// The family.
        family: Family,
        /// The key.
        key: &'static str,
        /// Its value, as JSON.
        value: String,
        /// What it must be, in words.
        expected: String,
    },
    /// A hyperparameter outside the values for which the equations make sense.
    #[error("hyperparameters of {family}: {name} = {} is not possible; it must be {}", shown(*.value), range(.valid))]
    OutOfRange {
        /// The family.
        family: Family,
        /// The hyperparameter.
        name: &'static str,
        /// Its value. NaN stands for infinities too, because JSON cannot write them.
        value: f64,
        /// The smallest and the largest possible value.
        valid: [f64; 2],
    },
    /// An epsilon of 0 (in f32) that is all of a denominator when the gradient is 0.
    #[error(
        "hyperparameters of {family}: {name} = {} is not possible: the update of a parameter whose gradient is 0 divides by \
         it; it must be at least {:e}",
        shown(*.value),
        f32::MIN_POSITIVE
    )]
    Divides {
        /// The family.
        family: Family,
        /// The hyperparameter.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A family whose updates are not elementwise has no [`Rule`](crate::Rule).
    #[error("{family} is not an elementwise rule; start a run of it instead (`Config::configured`)")]
    NotARule {
        /// The family.
        family: Family,
    },
    /// A saved state that does not fit the run.
    #[error("the saved state of the optimizer does not fit: {reason}")]
    Slots {
        /// What does not fit.
        reason: String,
    },
    /// A run whose state cannot be saved.
    #[error("the state of {optimizer} cannot be saved")]
    Unsaved {
        /// The optimizer.
        optimizer: String,
    },
    /// An optimizer that cannot work with the parameters it was given.
    #[error("{optimizer} cannot work with these parameters: {reason}")]
    Unsuitable {
        /// The optimizer.
        optimizer: String,
        /// What it cannot work with.
        reason: String,
    },
    /// An index beyond the end of the published list.
    #[error("the published list has entries 0 to 999; there is no entry {0}")]
    NoSuchEntry(usize),
    /// A gradient of a trace does not have as many values as there are parameters.
    #[error("gradient {step} has {found} values for {expected} parameters")]
    GradientLength {
        /// Index of the gradient.
        step: usize,
        /// Number of parameters.
        expected: usize,
        /// Number of values of the gradient.
        found: usize,
    },
}

/// What may have been meant by a name that no single optimizer has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// This existing name, which is near.
    Nearest(String),
    /// One member of the family or set that has this name.
    Member {
        /// Number of published members.
        count: u32,
        /// The name of the first.
        first: String,
    },
    /// One member, or all, of a set whose name is near.
    Group {
        /// The name of the first member.
        first: String,
        /// The name of the set.
        set: String,
        /// Number of its members.
        count: u32,
    },
    /// Adam with its default hyperparameters, which is named by its learning rate.
    DefaultAdam,
    /// A learning rate was given where names have its exponent.
    Exponent,
    /// There is no name that is near.
    Nothing,
}

fn unknown(name: &str, hint: &Hint) -> String {
    let end = match hint {
        Hint::Nearest(near) => format!("did you mean `{near}`?"),
        Hint::Member { count, first } => {
            return format!("`{name}` is a set of {count} optimizers; name one, e.g. `{first}`");
        }
        Hint::Group { first, set, count } => {
            format!("did you mean e.g. `{first}`, one of `{set}`? That set has {count} optimizers")
        }
        Hint::DefaultAdam => {
            "default Adam at 1e-3 is `adam_lr_-3.00`; `optimizers list` shows all".to_owned()
        }
        Hint::Exponent => {
            "its number is log10 of the learning rate, -7.00 to 1.00 in steps of 0.50".to_owned()
        }
        Hint::Nothing => {
            "names look like `adam8p_wide_grid_seed0`, `nadamw_grid_seed0`, `adam_lr_-3.00`; `optimizers list` shows all"
                .to_owned()
        }
    };
    format!("there is no optimizer `{name}`; {end}")
}

fn keys(family: &Family) -> String {
    let names: Vec<&str> = family.info().space.iter().map(|dimension| dimension.name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn shown(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "NaN or infinite".to_owned(),
        0.0 | 1e-4..1e15 => value.to_string(),
        _ => format!("{value:e}"),
    }
}

/// What may be, in words.
fn range(&[least, most]: &[f64; 2]) -> String {
    let number = |x: f64| if x != 0.0 && x < 1e-3 { format!("{x:e}") } else { x.to_string() };
    match most {
        // The largest number below 1.
        _ if most < 1.0 && most > 0.999 => format!("at least {} and below 1", number(least)),
        f64::MAX => format!("a finite number, at least {}", number(least)),
        _ => format!("between {} and {}", number(least), number(most)),
    }
}

fn known_families() -> String {
    crate::families().iter().map(|info| info.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_words() {
        assert_eq!(range(&[0.0, 1.0]), "between 0 and 1");
        assert_eq!(range(&[1e-10, 0.001]), "between 1e-10 and 0.001");
        assert_eq!(range(&[0.0, 1.0f64.next_down()]), "at least 0 and below 1");
        assert_eq!(range(&[0.0, 0.999]), "between 0 and 0.999");
        assert_eq!(range(&[1e-4, f64::MAX]), "a finite number, at least 1e-4");
    }

    #[test]
    fn an_unknown_family_is_answered_with_the_known_ones() {
        let message = Error::UnknownFamily("adams".to_owned()).to_string();
        assert!(
            message.contains("`adams`; the families are ") && message.contains(", adam8p, "),
            "{message}"
        );
    }

    #[test]
    fn numbers_that_json_cannot_write_have_words() {
        let texts = [f64::NAN, 0.0, 0.5, 1e-5, 1e15].map(shown);
        assert_eq!(texts, ["NaN or infinite", "0", "0.5", "1e-5", "1e15"]);
    }
}
