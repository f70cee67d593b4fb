//! The scales of a reproduction: which tasks, optimizers and protocol.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use taskset_datasets::Datasets;
use taskset_figures::counted;
use taskset_names::Origin;
use taskset_optim::{Family, Naming};
use taskset_tasks::Body;
use taskset_trial::Protocol;

use crate::{Error, FigureRow};

/// How much to compute. What exactly, [`Settings`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunScale {
    /// Seconds: runs the whole path on a few tasks. It checks the installation, and gives no verdicts.
    Smoke,
    /// Minutes on two cores.
    Quick,
    /// Hours on many cores.
    Small,
    /// The paper's protocol, configurations and replicas, on the set of tasks: for many machines.
    Paper,
}

/// Tasks of the paper.
pub(crate) const PAPER_TASKS: usize = 1162;

/// Configurations of each family in the paper.
pub(crate) const PAPER_CONFIGURATIONS: u32 = 1_000;

/// Replicas in the paper.
pub(crate) const PAPER_REPLICAS: u32 = 5;

impl RunScale {
    /// All scales, smallest first.
    pub const ALL: [Self; 4] = [Self::Smoke, Self::Quick, Self::Small, Self::Paper];

    /// The name in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Small => "small",
            Self::Paper => "paper",
        }
    }

    /// Seeds `0..configurations` of each family of optimizers.
    pub const fn configurations(self) -> u32 {
        match self {
            Self::Smoke => 16,
            Self::Quick => 100,
            Self::Small => 200,
            Self::Paper => PAPER_CONFIGURATIONS,
        }
    }

    /// Replicas of each (task, configuration).
    pub const fn replicas(self) -> u32 {
        match self {
            Self::Smoke | Self::Quick => 1,
            Self::Small => 2,
            Self::Paper => PAPER_REPLICAS,
        }
    }

    /// Steps and evaluations.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Smoke => Protocol { steps: 40, eval_every: 10, eval_batches: 2 },
            Self::Quick => Protocol { steps: 500, eval_every: 25, eval_batches: 5 },
            Self::Small => Protocol { steps: 2_000, eval_every: 100, eval_batches: 10 },
            Self::Paper => Protocol::PAPER,
        }
    }

    /// Why claims get no verdict at this scale, whatever is measured; none where they may.
    pub const fn no_verdicts(self) -> Option<&'static str> {
        match self {
            Self::Smoke => Some("the scale smoke only checks the installation"),
            Self::Quick | Self::Small | Self::Paper => None,
        }
    }
}

/// What it trains, in words: `100 configurations of each family, 1 replica, 500 steps`.
impl std::fmt::Display for RunScale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of each family, {}, {}",
            counted(self.configurations().into(), "configuration"),
            counted(self.replicas().into(), "replica"),
            counted(self.protocol().steps.into(), "step")
        )
    }
}

impl FromStr for RunScale {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|scale| scale.name() == name)
            .ok_or_else(|| Error::UnknownScale(name.to_owned()))
    }
}

/// Everything that decides which trials a reproduction needs.
///
/// At one scale, all figures are about the same tasks, configurations, replicas and protocol. So the plan of several figures is
/// the union of their families of optimizers, and no trial is in it twice.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The scale that they come from.
    pub scale: RunScale,
    /// Tasks, by name.
    pub tasks: Vec<String>,
    /// How the tasks were chosen, in a sentence.
    pub task_rule: String,
    /// The families of optimizers that the figures need.
    pub families: Vec<Family>,
    /// Seeds `0..configurations` of each family with seeds; the others are whole.
    pub configurations: u32,
    /// Replicas of each (task, configuration).
    pub replicas: u32,
    /// Steps and evaluations.
    pub protocol: Protocol,
}

/// How many tasks of a family, and which: the first feasible ones under a limit of work.
struct Pick {
    /// A family, `set`, or a pattern of names.
    pattern: &'static str,
    /// Only tasks on these data.
    data: Data,
    count: usize,
    /// Upper limit of work a training step, in floating-point operations.
    max_flops: f64,
}

/// Data that tasks are on.
#[derive(Clone, Copy)]
enum Data {
    /// None: quadratics and test functions.
    None,
    /// One of these data sets.
    Of(&'static [&'static str]),
    /// Any or none.
    All,
}

impl Data {
    fn has(self, dataset: Option<&str>) -> bool {
        match self {
            Self::None => dataset.is_none(),
            Self::Of(names) => dataset.is_some_and(|name| names.contains(&name)),
            Self::All => true,
        }
    }
}

impl Pick {
    /// What was picked, in words: `all 5 of fixed on mnist`, `the first 3 of mlp_family with at most 5 MFLOP per step`.
    fn words(&self, found: usize) -> String {
        let number = if found < self.count { format!("all {found}") } else { format!("the first {found}") };
        let on = match self.data {
            Data::None | Data::All => String::new(),
            Data::Of(names) => format!(" on {}", names.join(" or ")),
        };
        let limit = if self.max_flops.is_finite() {
            format!(" with at most {} MFLOP per step", self.max_flops / 1e6)
        } else {
            String::new()
        };
        format!("{number} of {}{on}{limit}", self.pattern)
    }
}

/// Data sets of images whose original files are small and read without preparation.
const IMAGES: &[&str] = &["mnist", "fashion_mnist", "cifar10"];
/// The two of them that are quickest to have.
const MNIST: &[&str] = &["mnist", "fashion_mnist"];
/// The reviews of IMDB, in the two forms of the text families.
const BYTES: &[&str] = &["imdb_reviews/bytes"];
const SUBWORDS: &[&str] = &["imdb_reviews/subwords8k"];

/// The tasks of a scale. All scales but the paper's have only data sets that anyone can have in their original form: others would
/// change the tasks that are compared, and so every figure.
fn picks(scale: RunScale) -> Vec<Pick> {
    const ALL: usize = usize::MAX;
    const ANY: f64 = f64::INFINITY;
    let pick = |pattern, data, count, max_flops| Pick { pattern, data, count, max_flops };
    match scale {
        // One or two of each kind, the cheapest.
        RunScale::Smoke => vec![
            pick("TwoD_*", Data::None, 4, ANY),
            pick("quadratic_family", Data::None, 3, 1e5),
            pick("losg_tasks_family", Data::None, 3, 1e5),
            pick("mlp_family", Data::Of(MNIST), 2, 3e6),
            pick("mlp_ae_family", Data::Of(MNIST), 2, 6.5e6),
            pick("mlp_vae_family", Data::Of(MNIST), 1, 8e6),
            pick("conv_pooling_family", Data::Of(MNIST), 1, 4e6),
            pick("nvp_family", Data::Of(MNIST), 1, 3e6),
            pick("rnn_text_classification_family", Data::Of(SUBWORDS), 2, 3e6),
        ],
        // What two cores train in about three minutes: every family but the language models, whose cheapest task costs as
        // much as ten of the others here, and `conv_fc_family`, of which no task is so cheap.
        RunScale::Quick => vec![
            pick("TwoD_*", Data::None, ALL, ANY),
            pick("quadratic_family", Data::None, 16, 1e6),
            pick("losg_tasks_family", Data::None, 24, 1e6),
            pick("mlp_family", Data::Of(MNIST), 10, 5e6),
            pick("mlp_ae_family", Data::Of(MNIST), 3, 6.5e6),
            pick("mlp_vae_family", Data::Of(MNIST), 1, 6e6),
            pick("conv_pooling_family", Data::Of(IMAGES), 3, 4e6),
            pick("nvp_family", Data::Of(MNIST), 1, 3e6),
            pick("maf_family", Data::Of(MNIST), 1, 7e6),
            pick("rnn_text_classification_family", Data::Of(SUBWORDS), 5, 3.5e6),
        ],
        // Every family, so many tasks of each that lists can be learned from one half and judged on the other, and so cheap
        // that two cores need a night: a few hundred tasks.
        RunScale::Small => vec![
            pick("TwoD_*", Data::None, ALL, ANY),
            pick("quadratic_family", Data::None, 48, 1e7),
            pick("losg_tasks_family", Data::None, 64, 1e7),
            pick("mlp_family", Data::Of(IMAGES), 48, 3e7),
            pick("mlp_ae_family", Data::Of(IMAGES), 24, 2e7),
            pick("mlp_vae_family", Data::Of(IMAGES), 24, 2e7),
            pick("conv_pooling_family", Data::Of(IMAGES), 24, 2e7),
            pick("conv_fc_family", Data::Of(IMAGES), 24, 2e7),
            pick("nvp_family", Data::Of(IMAGES), 12, 1.5e7),
            pick("maf_family", Data::Of(IMAGES), 12, 2e7),
            pick("rnn_text_classification_family", Data::Of(SUBWORDS), 32, 2e7),
            pick("char_rnn_language_model_family", Data::Of(BYTES), 6, 4e7),
            pick("word_rnn_language_model_family", Data::Of(SUBWORDS), 2, 1e8),
            pick("FixedMLP_mnist*", Data::Of(MNIST), 2, ANY),
            pick("FixedMLPAE_mnist*", Data::Of(MNIST), 1, 5e7),
        ],
        RunScale::Paper => vec![pick("set", Data::All, ALL, ANY)],
    }
}

impl Settings {
    /// The settings of a scale for these figures.
    ///
    /// # Errors
    /// Only if the registry of tasks is broken.
    pub fn new(scale: RunScale, figures: &[&FigureRow]) -> Result<Self, Error> {
        let picks = picks(scale);
        let mut tasks = Vec::new();
        let mut rule = Vec::new();
        for pick in &picks {
            let chosen = choose(pick)?;
            rule.push(pick.words(chosen.len()));
            tasks.extend(chosen.into_iter().filter(|name| !tasks.contains(name)).collect::<Vec<_>>());
        }
        let task_rule = rule.join("; ");
        Ok(Self {
            scale,
            tasks,
            task_rule,
            families: families_of(figures),
            configurations: scale.configurations(),
            replicas: scale.replicas(),
            protocol: scale.protocol(),
        })
    }

    /// The data sets of the tasks that have no folder in a data directory. What is in a folder is for the reader of the data
    /// to judge.
    ///
    /// # Errors
    /// Only if a registry is broken.
    pub fn lacking(&self, root: &Path) -> Result<Vec<String>, Error> {
        let mut lacking = Vec::new();
        for name in self.datasets()? {
            if !taskset_datasets::manifest::folder(&name, root)?.is_dir() {
                lacking.push(name);
            }
        }
        Ok(lacking)
    }

    /// Leaves out the tasks on these data sets; [`task_rule`](Self::task_rule) says so.
    ///
    /// # Errors
    /// Only if the registry is broken.
    pub fn leave_out(&mut self, datasets: &[String]) -> Result<(), Error> {
        if datasets.is_empty() {
            return Ok(());
        }
        let before = self.tasks.len();
        let mut kept = Vec::new();
        for name in std::mem::take(&mut self.tasks) {
            let dataset = taskset_tasks::describe(&name)?.dataset;
            if !dataset.is_some_and(|dataset| datasets.contains(&dataset)) {
                kept.push(name);
            }
        }
        self.tasks = kept;
        self.task_rule += &format!(
            "; left out: {} on data that are not there ({})",
            counted((before - self.tasks.len()) as u64, "task"),
            datasets.join(", ")
        );
        Ok(())
    }

    /// Trials that these settings stand for.
    pub fn trials(&self) -> u64 {
        self.tasks.len() as u64 * self.optimizers().len() as u64 * u64::from(self.replicas)
    }

    /// The data sets that the tasks are on.
    ///
    /// # Errors
    /// Only if a task is not in the registry.
    pub fn datasets(&self) -> Result<BTreeSet<String>, Error> {
        datasets_of(&self.tasks)
    }

    /// Synthetic if the data of any task is, else partial if any is partial, else real. Loads the data sets whose origin only
    /// loading can tell.
    ///
    /// # Errors
    /// What can be wrong with the data.
    pub fn origin(&self, datasets: &Datasets) -> Result<Origin, Error> {
        if !datasets.allows_partial() {
            return Ok(datasets.origin());
        }
        let names = datasets_of(&self.tasks)?;
        Ok(datasets.origin_of(names.iter().map(String::as_str))?)
    }

    /// All optimizers by name.
    pub fn optimizers(&self) -> Vec<String> {
        let names = |family: &Family| {
            let info = family.info();
            let count = match info.naming {
                Naming::Seeds { .. } => self.configurations as usize,
                _ => usize::MAX,
            };
            info.names().take(count)
        };
        self.families.iter().flat_map(names).collect()
    }
}

/// The families that figures need, each once, those of the first figure first.
pub(crate) fn families_of(figures: &[&FigureRow]) -> Vec<Family> {
    let mut families = Vec::new();
    for family in figures.iter().flat_map(|row| row.families) {
        if !families.contains(family) {
            families.push(*family);
        }
    }
    families
}

/// The data sets of tasks, each once.
fn datasets_of(tasks: &[String]) -> Result<BTreeSet<String>, Error> {
    let dataset = |name: &String| Ok(taskset_tasks::describe(name)?.dataset);
    tasks.iter().filter_map(|name| dataset(name).transpose()).collect()
}

/// Operations of a step as the rules of the scales count them: three forward passes of a network, whether or not the gradient
/// with respect to its input is computed.
fn work(name: &str) -> Result<f64, Error> {
    let spec = taskset_tasks::specification(name)?;
    Ok(match &spec.body {
        Ok(Body::Network(body)) => 3.0 * body.network.forward_flops(body.examples.batch_size()),
        _ => spec.flops_per_step(),
    })
}

fn choose(pick: &Pick) -> Result<Vec<String>, Error> {
    let mut chosen = Vec::new();
    for name in taskset_tasks::select(&[pick.pattern])? {
        if chosen.len() == pick.count {
            break;
        }
        let task = taskset_tasks::describe(&name)?;
        if task.feasible && pick.data.has(task.dataset.as_deref()) && work(&name)? <= pick.max_flops {
            chosen.push(name);
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use taskset_datasets::Source;

    use super::*;

    fn settings(scale: RunScale) -> Settings {
        Settings::new(scale, &crate::choose("fig3").unwrap()).unwrap()
    }

    #[test]
    fn all_of_the_data_is_real_whatever_would_be_accepted() {
        let settings = settings(RunScale::Smoke);
        let names = datasets_of(&settings.tasks).unwrap();
        assert!(!names.is_empty() && names.contains("mnist"), "{names:?}");
        let stand_ins = Datasets::new(Source::Synthetic).allow_partial(true);
        assert_eq!(settings.origin(&stand_ins).unwrap(), Origin::Synthetic);
        let nowhere = Datasets::new(Source::Directory("/nonexistent".into()));
        assert_eq!(
            settings.origin(&nowhere).unwrap(),
            Origin::Real,
            "nothing is loaded where only all will do"
        );
        let message = settings.origin(&nowhere.allow_partial(true)).unwrap_err().to_string();
        assert!(message.contains("mnist"), "{message}");
    }

    #[test]
    fn tasks_whose_data_are_not_there_are_left_out_and_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("mnist")).unwrap();
        let mut settings = settings(RunScale::Smoke);
        let lacking = settings.lacking(root.path()).unwrap();
        assert!(
            lacking.contains(&"imdb_reviews/subwords8k".to_owned()) && !lacking.contains(&"mnist".to_owned())
        );
        settings.leave_out(&lacking).unwrap();
        assert!(settings.lacking(root.path()).unwrap().is_empty());
        assert!(!settings.tasks.iter().any(|name| name.starts_with("rnn_text")));
        assert!(
            settings.task_rule.contains("left out") && settings.task_rule.contains("imdb"),
            "{}",
            settings.task_rule
        );
    }

    #[test]
    fn a_rule_says_what_was_picked() {
        let settings = settings(RunScale::Smoke);
        for words in
            ["the first 4 of TwoD_*;", "the first 3 of quadratic_family with at most 0.1 MFLOP per step"]
        {
            assert!(settings.task_rule.contains(words), "{}", settings.task_rule);
        }
        let all = Pick { pattern: "TwoD_*", data: Data::None, count: usize::MAX, max_flops: f64::INFINITY };
        assert_eq!(all.words(7), "all 7 of TwoD_*");
    }

    /// A limit of work that no task keeps would leave a kind of tasks out without a word.
    #[test]
    fn every_row_of_a_scale_chooses_a_task() {
        for scale in [RunScale::Smoke, RunScale::Quick, RunScale::Small] {
            for pick in picks(scale) {
                assert!(!choose(&pick).unwrap().is_empty(), "{}: {}", scale.name(), pick.words(0));
            }
        }
    }

    #[test]
    fn the_paper_s_scale_is_the_set_of_tasks() {
        let settings = settings(RunScale::Paper);
        assert_eq!(settings.tasks, taskset_tasks::select(&["set"]).unwrap());
        assert_eq!(settings.task_rule, format!("all {} of set", settings.tasks.len()));
    }

    #[test]
    fn every_scale_has_tasks_of_every_family_and_no_task_twice() {
        for scale in RunScale::ALL {
            assert_eq!(scale.name().parse::<RunScale>().unwrap(), scale);
            let settings = settings(scale);
            let mut tasks = settings.tasks.clone();
            tasks.sort();
            tasks.dedup();
            assert_eq!(tasks.len(), settings.tasks.len());
            for family in ["TwoD_", "quadratic_family", "losg_tasks_family", "mlp_family"] {
                assert!(tasks.iter().any(|name| name.starts_with(family)), "{family} at {}", scale.name());
            }
            assert_eq!(settings.optimizers().len(), 3 * settings.configurations as usize);
            let trials = settings.tasks.len() * settings.optimizers().len() * settings.replicas as usize;
            assert_eq!(settings.trials(), trials as u64);
            assert!(
                scale.to_string().contains(&format!(
                    "{} of each family",
                    counted(settings.configurations.into(), "configuration")
                )),
                "{scale}"
            );
        }
        assert!("huge".parse::<RunScale>().is_err());
    }
}
