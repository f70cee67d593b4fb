//! Which protocols trials can be run under.

use taskset_trial::Protocol;

use crate::Error;

/// Most evaluations of a trial after the one at step 0.
pub const MAX_EVALUATIONS: u32 = 1_000_000;

/// Whether trials can be run under a protocol.
///
/// # Errors
/// [`Error::Protocol`] for a zero that makes no sense, [`Error::TooManyEvaluations`] beyond [`MAX_EVALUATIONS`].
pub fn check_protocol(protocol: &Protocol) -> Result<(), Error> {
    for (field, value) in [("eval_every", protocol.eval_every), ("eval_batches", protocol.eval_batches)] {
        if value == 0 {
            return Err(Error::Protocol { field });
        }
    }
    let Protocol { steps, eval_every, .. } = *protocol;
    let evaluations = steps.div_ceil(eval_every);
    if evaluations > MAX_EVALUATIONS {
        return Err(Error::TooManyEvaluations { steps, eval_every, evaluations, limit: MAX_EVALUATIONS });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_beyond_all_memory_are_refused() {
        let check = |steps, eval_every| check_protocol(&Protocol { steps, eval_every, eval_batches: 1 });
        assert!(check(MAX_EVALUATIONS, 1).is_ok() && check(u32::MAX, 4295).is_ok());
        assert!(matches!(check(2_000_001, 2), Err(Error::TooManyEvaluations { evaluations: 1_000_001, .. })));
        let message = check(u32::MAX, 1).unwrap_err().to_string();
        assert!(message.contains("4294967295 evaluations") && message.contains("1000000"), "{message}");
    }

    #[test]
    fn zeros_that_make_no_sense_are_refused() {
        let check =
            |eval_every, eval_batches| check_protocol(&Protocol { steps: 0, eval_every, eval_batches });
        assert!(check(1, 1).is_ok());
        assert!(matches!(check(0, 1), Err(Error::Protocol { field: "eval_every" })));
        assert!(matches!(check(1, 0), Err(Error::Protocol { field: "eval_batches" })));
    }
}
