//! The task trains, with any optimizer, and gives the same curve every time.

use std::sync::atomic::AtomicBool;

use taskset_optim::{Mode, named};
use taskset_train::{Protocol, Quiet, run_trial};

fn test_losses(optimizer: &str) -> Vec<f32> {
    let task = your_own_task_candle::task().unwrap();
    let protocol = Protocol { steps: 300, eval_every: 150, eval_batches: 5 };
    let optimizer = named(optimizer).unwrap().configured(Mode::Upstream, 300).unwrap();
    let cancel = AtomicBool::new(false);
    let curve = run_trial(&task, &optimizer, 0, &protocol, &mut Quiet, &cancel).unwrap();
    assert!(task.failure().is_none());
    let [.., test] = curve.losses;
    test
}

#[test]
fn two_optimizers_lower_the_loss() {
    for optimizer in ["adam_lr_-2.00", "adam_lr_-3.00"] {
        let losses = test_losses(optimizer);
        assert!(losses[2] < 0.9 * losses[0], "{optimizer}: {losses:?}");
        let again = test_losses(optimizer);
        assert!(losses.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
