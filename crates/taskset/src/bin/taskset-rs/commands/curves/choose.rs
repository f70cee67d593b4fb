//! Which tasks and optimizers of curve files are chosen, by the patterns of the command line.

use std::collections::BTreeSet;
use std::path::Path;

use taskset::curves::{NamePatterns, Query};
use taskset::names::expand_ranges;
use taskset::trial::Curve;
use taskset::{optim, tasks};

/// Patterns of names, and which names they met.
#[derive(Debug)]
pub(crate) struct Chosen {
    tasks: Vec<Pattern>,
    optimizers: Vec<Pattern>,
    seen_tasks: BTreeSet<String>,
    /// Names with their families.
    seen_optimizers: BTreeSet<(String, String)>,
}

/// A pattern as it was typed, and the patterns of curves that it stands for.
#[derive(Debug)]
struct Pattern {
    typed: String,
    names: Vec<String>,
    /// What the registry says of a name that it does not know. Files may hold such names all the same.
    unknown: Option<String>,
}

impl Chosen {
    /// Patterns of tasks and of optimizers; none stands for all.
    ///
    /// # Errors
    /// For patterns that cannot be expanded, and for seeds that no family has.
    pub(crate) fn new(tasks: Vec<String>, optimizers: Vec<String>) -> anyhow::Result<Self> {
        Ok(Self {
            tasks: tasks.into_iter().map(task_pattern).collect::<anyhow::Result<_>>()?,
            optimizers: optimizers.into_iter().map(optimizer_pattern).collect::<anyhow::Result<_>>()?,
            seen_tasks: BTreeSet::new(),
            seen_optimizers: BTreeSet::new(),
        })
    }

    /// The query for the tasks and optimizers.
    pub(crate) fn query(&self) -> Query {
        let names = |patterns: &[Pattern]| patterns.iter().flat_map(|p| p.names.clone()).collect();
        Query { tasks: names(&self.tasks), optimizers: names(&self.optimizers), ..Query::default() }
    }

    /// Remembers the names of curves that were found, all of one task.
    pub(crate) fn see(&mut self, curves: &[Curve]) {
        if self.tasks.len() > 1 {
            self.seen_tasks.extend(curves.first().map(|curve| curve.task().to_owned()));
        }
        if self.optimizers.len() > 1 {
            for replicas in curves.chunk_by(|a, b| a.optimizer() == b.optimizer()) {
                let names = (replicas[0].optimizer().to_owned(), replicas[0].spec.optimizer.family.clone());
                self.seen_optimizers.insert(names);
            }
        }
    }

    /// Says which patterns met nothing, while others did.
    pub(crate) fn report(&self) {
        let task = |names: &NamePatterns| self.seen_tasks.iter().any(|name| names.matches(name));
        let optimizer = |names: &NamePatterns| {
            self.seen_optimizers.iter().any(|(name, family)| names.matches_optimizer(name, family))
        };
        let misses = |patterns: &[Pattern], meets: &dyn Fn(&NamePatterns) -> bool| {
            for pattern in patterns.iter().filter(|_| patterns.len() > 1) {
                if NamePatterns::new(&pattern.names).is_ok_and(|names| !meets(&names)) {
                    say!("note: `{}` matches no curve here", pattern.typed);
                }
            }
        };
        misses(&self.tasks, &task);
        misses(&self.optimizers, &optimizer);
    }

    /// The error where no curve matches.
    pub(crate) fn nothing(&self, path: &Path) -> anyhow::Error {
        let unknown = self.tasks.iter().chain(&self.optimizers).find_map(|pattern| pattern.unknown.as_ref());
        let hint = unknown.map_or_else(String::new, |hint| format!("; {hint}"));
        anyhow::anyhow!(
            "no curve matches, so nothing was written; `curves info {}` says what is there{hint}",
            path.display()
        )
    }
}

fn task_pattern(typed: String) -> anyhow::Result<Pattern> {
    let (mut names, mut unknown) = (Vec::new(), None);
    for name in expand_ranges(&typed)? {
        if name.contains('*') {
            names.push(name);
            continue;
        }
        match tasks::select(&[&name]) {
            // Also the names of groups, which curves know nothing of.
            Ok(known) => names.extend(known),
            Err(error @ tasks::Error::Pattern(_)) => return Err(error.into()),
            Err(error) => {
                unknown.get_or_insert(error.to_string());
                names.push(name);
            }
        }
    }
    Ok(Pattern { typed, names, unknown })
}

fn optimizer_pattern(typed: String) -> anyhow::Result<Pattern> {
    let names = expand_ranges(&typed)?;
    let mut unknown = None;
    for name in names.iter().filter(|name| !name.contains('*')) {
        match optim::select(&[name]) {
            Ok(_) => {}
            Err(error @ optim::Error::Pattern(_)) => return Err(error.into()),
            Err(error) => {
                unknown.get_or_insert(error.to_string());
            }
        }
    }
    Ok(Pattern { typed, names, unknown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_become_names_and_unknown_names_stay() {
        let own = |text: &str| vec![text.to_owned()];
        let chosen = Chosen::new(own("fixed_two_d"), own("adam8p")).unwrap();
        assert_eq!((chosen.query().tasks.len(), chosen.query().optimizers), (8, own("adam8p")));
        let chosen = Chosen::new(own("my_task{1..2}"), own("adamw")).unwrap();
        assert_eq!(chosen.query().tasks, ["my_task1", "my_task2"]);
        let message = chosen.nothing(Path::new("c")).to_string();
        assert!(
            message.contains("no curve matches") && message.contains("there is no task `my_task1`"),
            "{message}"
        );
        for (tasks, optimizers) in
            [(own("mlp_family_seed1000"), vec![]), (vec![], own("nadamw_grid_seed1000"))]
        {
            let message = Chosen::new(tasks, optimizers).unwrap_err().to_string();
            assert!(message.contains("0 to 999"), "{message}");
        }
    }
}
