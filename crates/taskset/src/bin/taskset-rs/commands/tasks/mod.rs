//! `tasks list | show | check`.

mod check;
mod list;
mod show;

use crate::options::DataOption;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List tasks, one per line: name, family, data set, parameters, work per step, and whether the task is feasible (its model
    /// can be built).
    #[command(after_help = "Examples:\n  taskset-rs tasks list                      # all tasks\n  \
        taskset-rs tasks list 'mlp_family_seed{0..9}' 'TwoD_*'\n  taskset-rs tasks list quadratic_family --json\n  \
        taskset-rs tasks list set                  # our list of 1,162 tasks, as many as the paper has\n  \
        taskset-rs tasks list mlp_family --max-minutes 5             # without slow tasks, which the paper rejects, too\n  \
        taskset-rs tasks list mlp_family --max-minutes 5 --rejected  # the rejected tasks, and why")]
    List {
        /// Names, ranges `mlp_family_seed{0..99}`, wildcards `TwoD_*`, families, groups of fixed tasks (`fixed_maf`), `sampled`,
        /// `fixed`, or `set`: our list of 1,162 tasks, as many as the paper has [default: all tasks].
        patterns: Vec<String>,
        /// Print one line per family instead of one per task.
        #[arg(long, conflicts_with_all = ["patterns", "json", "max_minutes"])]
        families: bool,
        /// Only feasible tasks on which one trial takes at most about M minutes on one core of this machine. A trial has
        /// 10,000 steps, and an evaluation on 50 minibatches every 200 steps.
        #[arg(long, value_name = "M", value_parser = super::positive)]
        max_minutes: Option<f64>,
        /// Speed of matrix products on one core, in GFLOP per second. Without this option, it is measured, which takes
        /// 0.2 s.
        #[arg(long, value_name = "GFLOPS", requires = "max_minutes", value_parser = super::positive)]
        rate: Option<f64>,
        /// Print the rejected tasks instead, each with its reason.
        #[arg(long, requires = "max_minutes")]
        rejected: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show the configuration, parameter count and feasibility of one task, and a note if its name is misleading.
    #[command(after_help = "Example:\n  taskset-rs tasks show mlp_family_seed12 --json")]
    Show {
        /// Task name.
        name: String,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Build tasks, evaluate loss and gradient on a minibatch of each split, and take some Adam steps. All cores are used,
    /// with one task per core. A loss that diverges is shown, but it does not make the command fail: the learning rate is not
    /// right for every task.
    #[command(
        after_help = "Examples:\n  taskset-rs tasks check 'mlp_family_seed{0..9}' --data synthetic --steps 100\n  \
        taskset-rs tasks check fixed --data synthetic   # all 109 fixed tasks, in a few minutes"
    )]
    Check {
        /// Names or patterns.
        #[arg(required = true)]
        names: Vec<String>,
        /// Number of Adam steps (learning rate 0.001).
        #[arg(long, default_value_t = 10)]
        steps: u32,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataOption,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { families: true, .. } => list::families(),
        Command::List { patterns, json, max_minutes: Some(most), rate, rejected, .. } => {
            list::screened(&patterns, json, most, rate, rejected)
        }
        Command::List { patterns, json, .. } => list::run(&patterns, json),
        Command::Show { name, json } => show::run(&name, json),
        Command::Check { names, steps, json, data } => check::run(&names, steps, json, &data),
    }
}
