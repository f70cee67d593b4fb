//! `reproduce sec5`: train or load what a section needs, draw its figures, write the report.

use std::path::PathBuf;

use taskset::datasets::Source;
use taskset::repro::sec5::{self, Ending, Request, Scale, Settings};
use taskset::train;

use crate::failure::{Interrupted, Usage};
use crate::options::{DataOption, SelectionOption};
use crate::progress::SweepProgress;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  taskset-rs reproduce sec5\n  \
    taskset-rs reproduce sec5 --data /path/to/data --out my-figure\n  \
    taskset-rs reproduce fig3 --scale small --jobs 8\n  \
    taskset-rs reproduce sec5 --curves my-figure/curves\n\n\
    Stopped runs continue with the same command; finished curves are reused.")]
pub(crate) struct Arguments {
    /// sec5 or fig3. This version draws figure 3 of section 5.
    what: String,
    /// smoke (seconds, means nothing), quick (minutes), small (a night), paper (the paper's protocol: 30 million
    /// trainings, for when they can be spread over machines).
    #[arg(long, default_value = "quick")]
    scale: String,
    /// Curves to use instead of training: a Parquet file or a directory of them. --data and --scale choose nothing then.
    #[arg(long, value_name = "PATH")]
    curves: Option<PathBuf>,
    /// Where to write [default: taskset-out/sec5-SCALE-SOURCE; with --curves taskset-out/sec5-given].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trials at once, one thread each [default: all cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// One JSON document on stdout: files, claims, times.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    selection: SelectionOption,
}

/// What a reader of the paper may ask for and this version cannot draw yet.
const LATER: [&str; 17] = [
    "sec4", "sec6", "appendix", "fig1", "fig2", "fig4", "fig5", "fig6", "fig7", "fig8", "fig9", "fig10",
    "fig11", "fig12", "fig13", "fig14", "fig15",
];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.what.as_str() {
        "sec5" | "fig3" => {}
        later if LATER.contains(&later) => {
            anyhow::bail!("{later} is not built in this version; it can draw figure 3: `reproduce sec5`")
        }
        other => {
            let message = format!("there is nothing called `{other}` to reproduce; try sec5 or fig3");
            return Err(Usage(message).into());
        }
    }
    if arguments.curves.is_none() && !arguments.selection.is_empty() {
        let message =
            "--mode, --protocol, --origin and the like choose among given curves: they need --curves PATH";
        return Err(Usage(message.to_owned()).into());
    }
    if let Some(path) = &arguments.curves {
        super::curves::note_left_out(&taskset::curves::open(path)?);
    }
    let scale: Scale = arguments.scale.parse().map_err(|error: sec5::Error| Usage(error.to_string()))?;
    let source = arguments.data.named().unwrap_or(Source::Synthetic);
    let datasets = arguments.data.datasets_of(source);
    let settings = Settings::new(scale)?;
    let (name, kind) = match arguments.curves {
        Some(_) => ("sec5-given".to_owned(), ""),
        None => {
            let kind = settings.origin(&datasets)?.name();
            (format!("sec5-{}-{kind}", scale.name()), kind)
        }
    };
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("taskset-out").join(name));
    let jobs = arguments.jobs.map_or_else(train::available_threads, |jobs| jobs as usize);
    if arguments.curves.is_none() {
        say!("reproducing figure 3 at scale {} on {kind} data, {jobs} trials at once", scale.name());
    }
    if arguments.curves.is_none() {
        interrupt::keep(format!("finished curves are kept in {}; the same command continues", out.display()));
    }
    let (curves, selection) = (arguments.curves.clone(), arguments.selection.selection());
    let request = Request { settings, datasets, out, jobs, curves, selection };
    let cancel = interrupt::flag();
    let ending = sec5::run(&request, &mut SweepProgress::new(), cancel)?;
    let summary = match ending {
        Ending::Finished(summary) => summary,
        Ending::Interrupted { stored, total, curves } => {
            let kept = format!(
                "{stored} of {total} curves are kept in {}; the same command continues",
                curves.display()
            );
            return Err(Interrupted(kept).into());
        }
    };
    if arguments.json {
        return output::json(&summary);
    }
    say!(
        "trained {} curves in {} ({} reused), analysed in {}",
        summary.trained,
        output::duration(summary.train_seconds),
        summary.reused,
        output::duration(summary.analysis_seconds)
    );
    for claim in &summary.claims {
        say!("[{}] {}\n    {}", claim.verdict, claim.claim, claim.measured);
    }
    output::lines(summary.files.iter().map(|file| file.display().to_string()))
}
