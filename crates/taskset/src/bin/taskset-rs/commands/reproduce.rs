//! `reproduce`: train or load what figures of the paper need, draw them, write the report.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};
use taskset::datasets::Source;
use taskset::figures::{count, counted};
use taskset::normalize;
use taskset::repro::released_archives::Archives;
use taskset::repro::{self, Ending, FIGURES, OptionKind, Options, Request, RunScale, Settings, Summary};
use taskset::sweep::Directory;

use crate::failure::{Interrupted, Usage};
use crate::options::{self, DataOption, SelectionOption, cache_directory};
use crate::progress::SweepProgress;
use crate::{interrupt, output};

#[derive(clap::Args)]
#[command(
    mut_arg("data", |arg| arg.help(DATA_HELP)),
    after_help = after_help()
)]
pub(crate) struct Arguments {
    /// What to reproduce: all, a part of the paper, or a figure.
    #[arg(value_name = "WHAT", value_parser = whats())]
    what: String,
    /// The scale: how much to train.
    #[arg(long, default_value = RunScale::Quick.name(), value_parser = scales())]
    scale: String,
    /// Use these curves instead of training: a Parquet file, a directory of them, or the released `.npz` files in their
    /// folders. Then --data, --scale and --jobs have no effect.
    #[arg(long, value_name = "PATH")]
    curves: Option<PathBuf>,
    /// Use the curves of this sweep instead of training. Every planned trial must be stored.
    #[arg(long, value_name = "DIR", conflicts_with = "curves")]
    sweep: Option<PathBuf>,
    /// A choice that the paper leaves open, as NAME=VALUE. This option can be given several times. The names and values are
    /// listed below.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// How curves become scores: a name that `curves export --help` lists.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = PossibleValuesParser::new(normalize::names()), hide_possible_values = true)]
    normalize: String,
    /// Directory of the report; it is created if it does not exist [default: taskset-out/WHAT-SCALE-ORIGIN, where ORIGIN is
    /// real, partial or synthetic; with --curves or --sweep, taskset-out/WHAT-given].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of trials that are trained at the same time, each on one thread [default: the number of cores].
    #[arg(long, value_parser = options::jobs())]
    jobs: Option<u32>,
    /// Print one JSON document: files, claims, times.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    selection: SelectionOption,
}

const DATA_HELP: &str = "Data directory with one folder of original files per data set, or `synthetic` for the embedded \
                         stand-ins (generated data) [default: the environment variable TASKSET_DATA; if it is not set, the cache that `data \
                         fetch` fills; if that lacks a data set, the stand-ins, and every output says so]";

/// The scales, each with what it trains.
fn scales() -> PossibleValuesParser {
    RunScale::ALL
        .map(|scale| {
            let time = match scale {
                RunScale::Smoke => "seconds; only checks the installation",
                RunScale::Quick => "minutes on two cores",
                RunScale::Small => "a night or more on two cores, hours on many cores",
                RunScale::Paper => "for many machines",
            };
            PossibleValue::new(scale.name()).help(format!("{time}: {scale}"))
        })
        .into()
}

/// What can be reproduced, each with what it is.
fn whats() -> PossibleValuesParser {
    repro::choices()
        .into_iter()
        .map(|name| {
            let rows = repro::choose(name).unwrap_or_default();
            let figures = rows.iter().map(|row| row.label).collect::<Vec<_>>().join(", ");
            match &rows[..] {
                [row] if row.name == name => {
                    PossibleValue::new(name).help(format!("{}: {} ({})", row.label, row.title, row.place))
                }
                _ => PossibleValue::new(name).help(figures),
            }
        })
        .collect::<Vec<_>>()
        .into()
}

/// Examples, and the options of all figures.
fn after_help() -> String {
    let mut help = "Examples:\n  taskset-rs reproduce sec5\n  \
        taskset-rs reproduce sec5 --data /path/to/data --out my-figures\n  \
        taskset-rs reproduce fig3 --scale small --jobs 8 --set box-tasks=train\n  \
        taskset-rs reproduce sec5 --curves my-figures/curves\n  \
        taskset-rs reproduce sec5 --sweep my-sweep\n\n\
        Options for --set:\n"
        .to_owned();
    let mut seen = Vec::new();
    for option in FIGURES.iter().flat_map(|row| row.options) {
        if seen.contains(&option.name) {
            continue;
        }
        seen.push(option.name);
        let figures: Vec<&str> = FIGURES
            .iter()
            .filter(|row| row.options.iter().any(|other| other.name == option.name))
            .map(|row| row.name)
            .collect();
        help += &format!(
            "  {}={} [default: {}]: {} ({})\n",
            option.name,
            option.values().replace(" or ", "|").replace(" to ", ".."),
            option.default,
            option.doc,
            figures.join(", ")
        );
        if let OptionKind::Choice(values) = option.kind {
            for (value, meaning) in values {
                help += &format!("      {value}: {meaning}\n");
            }
        }
    }
    help + "\nWhile the command trains, it shows the share of the work that is done and the number of finished trials. Some \
        trials take longer than others, so the share of the work and the share of the finished trials differ. If a run was \
        stopped, the same command continues it and reuses the finished curves.\n\n\
        The exit code is 0 if the report was made, whatever its verdicts are. Each claim gets one of three verdicts: \"holds\", \
        \"does not hold\", or \"cannot tell\", if the measurement cannot decide. If something is missing for a figure, the \
        report says what is missing. The other figures are drawn."
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    check(arguments)?;
    if let Some(path) = &arguments.sweep {
        Directory::at(path).check_complete()?;
    }
    let given = arguments.curves.as_ref().or(arguments.sweep.as_ref());
    if let Some(path) = given.filter(|path| !Archives::are_in(path)) {
        super::curves::note_left_out(&taskset::curves::open(path)?);
    }
    let scale: RunScale = arguments.scale.parse().map_err(|error: repro::Error| Usage(error.to_string()))?;
    let figures = repro::choose(&arguments.what).unwrap_or_default();
    let options = Options::parse(&arguments.options, &figures).map_err(|error| Usage(error.to_string()))?;
    let normalizer =
        normalize::names().into_iter().find(|name| *name == arguments.normalize).unwrap_or("default");
    let mut settings = Settings::new(scale, &figures)?;
    let source = if given.is_some() { Source::Synthetic } else { source(&arguments.data, &settings)? };
    if let Source::Directory(directory) = &source {
        leave_out(&mut settings, directory)?;
    }
    let datasets = arguments.data.datasets_of(source);
    let name = match given {
        Some(_) => format!("{}-given", arguments.what),
        None => format!("{}-{}-{}", arguments.what, scale.name(), settings.origin(&datasets)?.name()),
    };
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("taskset-out").join(name));
    let jobs = options::threads(arguments.jobs);
    if given.is_none() {
        say!(
            "{} at scale {}: {}, {scale}; {}, {} at a time; data: {}",
            figures.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
            scale.name(),
            counted(settings.tasks.len() as u64, "task"),
            counted(settings.trials(), "trial"),
            count(jobs as u64),
            datasets.source()
        );
        interrupt::keep(format!("finished curves are kept in {}; the same command continues", out.display()));
    }
    let (curves, selection) = (given.cloned(), arguments.selection.selection());
    let request = Request { figures, settings, normalizer, options, datasets, out, jobs, curves, selection };
    let cancel = interrupt::flag();
    let ending =
        repro::run(&request, &mut SweepProgress::new(), cancel).map_err(|error| advised(error, &request))?;
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
    let lacking = settings.lacking(&cache)?;
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

/// Leaves out the tasks whose data are not in the directory, and says so. Where none of the data are there, the directory is
/// a mistake, and the first task that is trained says what it misses.
fn leave_out(settings: &mut Settings, directory: &Path) -> anyhow::Result<()> {
    let lacking = settings.lacking(directory)?;
    if lacking.is_empty() || lacking.len() == settings.datasets()?.len() {
        return Ok(());
    }
    let before = settings.tasks.len();
    settings.leave_out(&lacking)?;
    say!(
        "{} lacks {}: {} on these data {} left out",
        directory.display(),
        lacking.join(", "),
        counted((before - settings.tasks.len()) as u64, "task"),
        if before - settings.tasks.len() == 1 { "is" } else { "are" }
    );
    Ok(())
}

/// The error, with what can be done about it on the command line.
fn advised(error: repro::Error, request: &Request) -> anyhow::Error {
    match &error {
        repro::Error::NoCurves { .. } if request.curves.is_some() => anyhow::anyhow!(
            "{error}. `taskset-rs reproduce` trains what it needs, and `taskset-rs curves info PATH` says what a directory holds"
        ),
        _ => error.into(),
    }
}

/// The claims and how many of them hold, on stderr.
fn tell(summary: &Summary) {
    let [scored, analysed] = [summary.scoring_seconds, summary.analysis_seconds].map(output::duration);
    if summary.trained > 0 {
        say!(
            "trained {} in {} (and reused {}), scored in {scored}, analysed in {analysed}",
            counted(summary.trained as u64, "curve"),
            output::duration(summary.train_seconds),
            count(summary.reused as u64),
        );
    } else {
        say!(
            "read and scored {} in {scored}, analysed in {analysed}",
            counted(summary.reused as u64, "curve")
        );
    }
    for figure in &summary.figures {
        for lack in &figure.lacks {
            say!("{}: {lack}", figure.figure);
        }
    }
    for claim in &summary.claims {
        say!("{}: [{}] {}", claim.figure, claim.verdict, claim.claim);
        if let Some(reason) = &claim.reason {
            say!("    why not: {reason}");
        }
        if !claim.measured.is_empty() {
            say!("    measured: {}", claim.measured);
        }
    }
    say!("{} (data: {})", summary.verdicts, summary.data);
}
