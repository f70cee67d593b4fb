//! `reproduce sec5`: train or load what a section needs, draw its figures, write the report.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};
use taskset::datasets::Source;
use taskset::figures::{count, counted};
use taskset::repro::sec5::{self, Ending, Request, RunScale, Settings, Summary};
use taskset::sweep::Directory;
use taskset::{meta, train};

use crate::failure::{Interrupted, Usage};
use crate::options::{DataOption, SelectionOption, cache_directory};
use crate::progress::SweepProgress;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(
    mut_arg("data", |arg| arg.help(DATA_HELP)),
    after_help = "Examples:\n  taskset-rs reproduce sec5\n  \
    taskset-rs reproduce sec5 --data /path/to/data --out my-figure\n  \
    taskset-rs reproduce fig3 --scale small --jobs 8\n  \
    taskset-rs reproduce sec5 --curves my-figure/curves\n  \
    taskset-rs reproduce sec5 --sweep my-sweep\n\n\
    While it trains, it shows the share of the work that is done and the number of finished trials. Trials differ in \
    cost, so these two numbers differ. If a run was stopped, the same command continues it and reuses the finished curves.\n\n\
    The exit code is 0 if the report was made, whatever its verdicts are. For each claim, the report says that it holds, \
    that it does not hold, or that the measurement cannot tell."
)]
pub(crate) struct Arguments {
    /// What to reproduce: sec5 or fig3. Both make Figure 3 of section 5, the only figure in this version.
    what: String,
    /// How much to train.
    #[arg(long, default_value = RunScale::Quick.name(), value_parser = scales())]
    scale: String,
    /// Use these curves instead of training: a Parquet file or a directory of them. Then --data, --scale and --jobs
    /// have no effect.
    #[arg(long, value_name = "PATH")]
    curves: Option<PathBuf>,
    /// Use the curves of this sweep instead of training. Every planned trial must be stored.
    #[arg(long, value_name = "DIR", conflicts_with = "curves")]
    sweep: Option<PathBuf>,
    /// Directory of the report; it is created if it does not exist [default: taskset-out/sec5-SCALE-ORIGIN, where ORIGIN is real,
    /// partial or synthetic; with --curves taskset-out/sec5-given].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trials to train at a time, each on one thread [default: the number of cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MOST_JOBS))]
    jobs: Option<u32>,
    /// Print one JSON document: files, claims, times.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    selection: SelectionOption,
}

/// More threads than any machine that this was tried on.
const MOST_JOBS: i64 = 1024;

const DATA_HELP: &str = "Data directory with one folder of original files per data set, or `synthetic` for the embedded \
                         stand-ins [default: the environment variable TASKSET_DATA; if it is not set, the cache that `data \
                         fetch` fills; if that lacks a data set, the stand-ins, and every output says so]";

/// The scales, each with what it trains.
fn scales() -> PossibleValuesParser {
    RunScale::ALL
        .map(|scale| {
            let time = match scale {
                RunScale::Smoke => "seconds; only checks the installation",
                RunScale::Quick => "minutes on two cores",
                RunScale::Small => "hours on many cores",
                RunScale::Paper => "for many machines",
            };
            PossibleValue::new(scale.name()).help(format!("{time}: {scale}"))
        })
        .into()
}

/// What a reader of the paper may ask for and this version cannot draw yet.
const LATER: [&str; 19] = [
    "all",
    "baselines",
    "sec4",
    "sec6",
    "appendix",
    "fig1",
    "fig2",
    "fig4",
    "fig5",
    "fig6",
    "fig7",
    "fig8",
    "fig9",
    "fig10",
    "fig11",
    "fig12",
    "fig13",
    "fig14",
    "fig15",
];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    check(arguments)?;
    if let Some(path) = &arguments.sweep {
        Directory::at(path).check_complete()?;
    }
    let given = arguments.curves.as_ref().or(arguments.sweep.as_ref());
    if let Some(path) = given {
        super::curves::note_left_out(&taskset::curves::open(path)?);
    }
    let scale: RunScale = arguments.scale.parse().map_err(|error: sec5::Error| Usage(error.to_string()))?;
    let settings = Settings::new(scale)?;
    let source = if given.is_some() { Source::Synthetic } else { source(&arguments.data, &settings)? };
    let datasets = arguments.data.datasets_of(source);
    let name = match given {
        Some(_) => "sec5-given".to_owned(),
        None => format!("sec5-{}-{}", scale.name(), settings.origin(&datasets)?.name()),
    };
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("taskset-out").join(name));
    let jobs = arguments.jobs.map_or_else(train::available_threads, |jobs| jobs as usize);
    if given.is_none() {
        say!(
            "figure 3 at scale {}: {}, {scale}; {}, {} at a time; data: {}",
            scale.name(),
            counted(settings.tasks.len() as u64, "task"),
            counted(settings.trials(), "trial"),
            count(jobs as u64),
            datasets.source()
        );
        interrupt::keep(format!("finished curves are kept in {}; the same command continues", out.display()));
    }
    let (curves, selection) = (given.cloned(), arguments.selection.selection());
    let request = Request { settings, datasets, out, jobs, curves, selection };
    let cancel = interrupt::flag();
    let ending =
        sec5::run(&request, &mut SweepProgress::new(), cancel).map_err(|error| advised(error, &request))?;
    let summary = match ending {
        Ending::Finished(summary) => summary,
        Ending::Interrupted { stored, total, curves } => {
            let kept = format!(
                "{} of {} curves are kept in {}; the same command continues",
                count(stored as u64),
                count(total as u64),
                curves.display()
            );
            return Err(Interrupted(kept).into());
        }
        Ending::InterruptedAnalysis { curves } => {
            let kept = format!(
                "while curves were read; all of them are kept in {}; the same command reads them again",
                curves.display()
            );
            return Err(Interrupted(kept).into());
        }
    };
    if arguments.json {
        return output::json(&summary);
    }
    tell(&summary);
    output::lines(summary.files.iter().map(|file| file.display().to_string()))
}

/// What cannot be meant, before anything is read or trained.
fn check(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.what.as_str() {
        "sec5" | "fig3" => {}
        later if LATER.contains(&later) => {
            anyhow::bail!(
                "{later} is not built in this version; it can draw figure 3: `taskset-rs reproduce sec5`"
            )
        }
        other => {
            let message = format!("there is nothing called `{other}` to reproduce; try sec5 or fig3");
            return Err(Usage(message).into());
        }
    }
    if arguments.curves.is_none() && arguments.sweep.is_none() && !arguments.selection.is_empty() {
        let message = "--mode, --schedule-steps, --protocol, --origin, --data-digest, --arithmetic, --revisions and \
                       --trial choose among given curves: they need --curves PATH or --sweep DIR";
        return Err(Usage(message.to_owned()).into());
    }
    if let Some(out) = arguments.out.as_deref().filter(|out| out.exists() && !out.is_dir()) {
        let message = format!("--out {}: this is not a directory; name one, or a new one", out.display());
        return Err(Usage(message).into());
    }
    Ok(())
}

/// The named source, else the cache if it has all of the data sets, else stand-ins; says which.
fn source(option: &DataOption, settings: &Settings) -> anyhow::Result<Source> {
    if let Some(source) = option.named() {
        return Ok(source);
    }
    let cache = cache_directory();
    let lacking = lacking(&cache, settings)?;
    if lacking.is_empty() {
        say!("no data directory was named; using the cache {}", cache.display());
        return Ok(Source::Directory(cache));
    }
    say!(
        "no data directory was named, and the cache {} lacks {}: using synthetic stand-ins, which say nothing about the \
         real data (`--data DIR` uses real data)",
        cache.display(),
        lacking.join(", ")
    );
    Ok(Source::Synthetic)
}

/// The data sets that have no folder in the cache. What is in a folder is for the reader of the data to judge.
fn lacking(cache: &Path, settings: &Settings) -> anyhow::Result<Vec<String>> {
    Ok(settings.datasets()?.into_iter().filter(|name| !cache.join(name).is_dir()).collect())
}

/// The error, with what can be done about it on the command line.
fn advised(error: sec5::Error, request: &Request) -> anyhow::Error {
    let advice = match &error {
        sec5::Error::Insufficient { .. } => {
            "`taskset-rs reproduce sec5` trains curves that suffice, and `taskset-rs curves info PATH` says what a \
             directory holds"
                .to_owned()
        }
        sec5::Error::Meta(meta::Error::Missing { task, config }) if request.curves.is_some() => format!(
            "`taskset-rs train {task} {config} --out FILE.parquet` trains it; give it the same --steps as the others, and \
             put the file into their directory"
        ),
        _ => return error.into(),
    };
    anyhow::anyhow!("{error}. {advice}")
}

/// The claims and how many of them hold, on stderr.
fn tell(summary: &Summary) {
    let analysed = output::duration(summary.analysis_seconds);
    if summary.trained > 0 {
        say!(
            "trained {} in {} (and reused {}), analysed in {analysed}",
            counted(summary.trained as u64, "curve"),
            output::duration(summary.train_seconds),
            count(summary.reused as u64),
        );
    } else {
        say!("read {}, analysed in {analysed}", counted(summary.reused as u64, "curve"));
    }
    for claim in &summary.claims {
        say!("[{}] {}", claim.verdict, claim.claim);
        if let Some(reason) = &claim.reason {
            say!("    why not: {reason}");
        }
        if !claim.measured.is_empty() {
            say!("    measured: {}", claim.measured);
        }
    }
    say!("{} (data: {})", summary.verdicts, summary.data);
}
