//! What can be wrong with the input of meta-learning.

/// Scores, tables or lists that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part has another size than the rest.
    #[error("{what}: {found} where {expected} are needed")]
    Size {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A score is NaN or infinite.
    #[error("the {split} score of `{config}` on `{task}` is {value}; scores must be finite")]
    NotFinite {
        /// `valid` or `test`.
        split: &'static str,
        /// The task.
        task: String,
        /// The configuration.
        config: String,
        /// The score.
        value: f64,
    },
    /// A task lacks a configuration.
    #[error("there is no score of `{config}` on `{task}`, and every configuration needs one on every task")]
    Missing {
        /// The task.
        task: String,
        /// The configuration.
        config: String,
    },
    /// The scores of different tasks come from trials that may not be compared.
    #[error(transparent)]
    Mixture(#[from] taskset_trial::Mixture),
    /// A name stands twice where it must be unique.
    #[error("the {what} `{name}` is there twice")]
    Duplicate {
        /// `task` or `configuration`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Tasks were scored by different splits.
    #[error(
        "`{task}` was scored by {found} and the tasks before it by {expected}; score all with one normaliser"
    )]
    Selection {
        /// The task that differs.
        task: String,
        /// Its selection split.
        found: taskset_names::Split,
        /// That of the first task.
        expected: taskset_names::Split,
    },
    /// The curves of a task have no losses on a split that is needed.
    #[error("the curves of `{task}` have no losses on {split}")]
    NoSplit {
        /// The task.
        task: String,
        /// The split.
        split: taskset_names::Split,
    },
    /// A hyperparameter cannot be put on its scale.
    #[error(
        "hyperparameter `{name}` of configuration {config} is {value}; a {scale} scale needs a {needs} number"
    )]
    Hyperparameter {
        /// The hyperparameter.
        name: String,
        /// Row of the table.
        config: usize,
        /// Its value.
        value: f64,
        /// `linear` or `logarithmic`.
        scale: &'static str,
        /// `finite` or `positive`.
        needs: &'static str,
    },
    /// Two matrices that must have the same tasks in the same order do not.
    #[error("the scores of `{label}` are not on the tasks of `{reference}`: {reason}")]
    OtherTasks {
        /// The matrix that differs.
        label: String,
        /// The matrix it is compared with.
        reference: String,
        /// The first difference.
        reason: String,
    },
    /// A split of the tasks needs at least two.
    #[error("at least 2 tasks are needed, because they are split into two halves; found: {found}")]
    TooFewTasks {
        /// How many there are.
        found: usize,
    },
    /// Two matrices that must have the same configurations in the same order do not.
    #[error(
        "the scores of `{label}` are not of the configurations of `{reference}`: {reason}; make both matrices with \
         the same list of configurations"
    )]
    OtherConfigurations {
        /// The matrix that differs.
        label: String,
        /// The matrix it is compared with.
        reference: String,
        /// The first difference.
        reason: String,
    },
    /// There are no tasks where at least one is needed.
    #[error("there are no {what}; choose at least one task for them")]
    NoTasks {
        /// What the tasks are for.
        what: &'static str,
    },
    /// A random subset cannot have this size.
    #[error("a random subset of {found} {what} was asked for, but {}", possible(*most))]
    Subset {
        /// What the subset consists of.
        what: &'static str,
        /// The size that was asked for.
        found: usize,
        /// The largest possible size.
        most: usize,
    },
    /// t-SNE of too few points.
    #[error("a map of the tasks by t-SNE needs at least 4 points, and there are {found}; choose more tasks")]
    TooFewPoints {
        /// How many there are.
        found: usize,
    },
    /// A number that calculations need is NaN or infinite.
    #[error("the {what} {index} is {value}; leave it out or replace it by a finite number")]
    NotANumber {
        /// What the number belongs to.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// The number.
        value: f64,
    },
    /// Text that is no hyperparameter list.
    #[error("not a hyperparameter list of version {supported}: {reason}")]
    List {
        /// The version that is read.
        supported: u32,
        /// What is wrong.
        reason: String,
    },
}

/// The sizes that a subset can have.
fn possible(most: usize) -> String {
    match most {
        0 => "there is nothing that it could be drawn from".to_owned(),
        most => format!("it must have from 1 to {most}"),
    }
}
