//! The random numbers of a trial: one stream for each task and replica.

use taskset_rng::StreamId;

/// The stream from which everything random of a (task, replica) is derived. The optimizer is not part of the name:
/// all optimizers meet the same initial parameters and the same minibatches (common random numbers).
pub fn replica_stream(task: &str, replica: u32) -> StreamId {
    StreamId::root("taskset-rs/trial").child(task).index(u64::from(replica))
}
