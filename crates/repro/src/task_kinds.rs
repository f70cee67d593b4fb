//! Kinds of tasks that the figures compare.

use crate::scored_task::TaskSummary;

/// Groups of tasks with a recurrent network: language models, text classifiers, and the generated sequences.
const RECURRENT: [&str; 7] = [
    "char_rnn_language_model_family",
    "word_rnn_language_model_family",
    "rnn_text_classification_family",
    "fixed_language_model",
    "fixed_text_classification",
    "fixed_associative",
    "fixed_copy",
];

/// Groups of autoencoders.
const AUTOENCODERS: [&str; 3] = ["mlp_ae_family", "fixed_mlp_ae", "fixed_conv_ae"];

/// Groups of variational autoencoders.
const VARIATIONAL: [&str; 3] = ["mlp_vae_family", "fixed_mlp_vae", "fixed_conv_vae"];

fn is_in(task: &TaskSummary, groups: &[&str]) -> bool {
    task.group.as_deref().is_some_and(|group| groups.contains(&group))
}

/// Whether a task trains a recurrent network.
pub(crate) fn is_recurrent(task: &TaskSummary) -> bool {
    is_in(task, &RECURRENT)
}

/// Whether a task trains an autoencoder; variational ones count if `variational`.
pub(crate) fn is_autoencoder(task: &TaskSummary, variational: bool) -> bool {
    is_in(task, &AUTOENCODERS) || variational && is_in(task, &VARIATIONAL)
}

/// The groups of all suites, in the order of listings: the order of colours in every figure.
pub(crate) fn groups() -> Vec<&'static str> {
    taskset_tasks::SUITES.into_iter().flat_map(|suite| suite.groups()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_made_of_groups() {
        let known = groups();
        for group in RECURRENT.iter().chain(&AUTOENCODERS).chain(&VARIATIONAL) {
            assert!(known.contains(group), "{group}");
        }
        assert_eq!(known.len(), 26);
    }
}
