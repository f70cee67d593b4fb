//! The family of an optimizer, by its name.

/// What stands before the seed or the learning rate in an optimizer's name: the stem of its family's names.
///
/// ```
/// use taskset_trial::optimizer_family;
/// assert_eq!(optimizer_family("adam8p_wide_grid_seed107"), "adam8p_wide_grid");
/// assert_eq!(optimizer_family("adam_lr_-3.00"), "adam_lr");
/// assert_eq!(optimizer_family("zero"), "zero");
/// ```
pub fn optimizer_family(name: &str) -> &str {
    if let Some((family, seed)) = name.rsplit_once("_seed")
        && seed.parse::<u64>().is_ok()
    {
        return family;
    }
    match name.rsplit_once('_') {
        Some((family, number)) if number.parse::<f64>().is_ok_and(f64::is_finite) => family,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_by_name() {
        let check = |name: &str, family: &str| assert_eq!(optimizer_family(name), family);
        check("adam8p_wide_grid_seed107", "adam8p_wide_grid");
        check("adam_lr_-3.00", "adam_lr");
        check("zero", "zero");
        // Neither a seed nor a number.
        check("adam_seed", "adam_seed");
        check("adam_seed-1", "adam_seed-1");
        check("adam_wide", "adam_wide");
        check("adam_inf", "adam_inf");
        check("adam_nan", "adam_nan");
    }
}
