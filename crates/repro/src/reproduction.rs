//! A reproduction from start to end: curves, scores, figures, report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use taskset_curves::{Metadata, Query, Reader, Selection};
use taskset_datasets::Datasets;
use taskset_figures::Claim;
use taskset_names::Origin;
use taskset_sweep::{Directory, RunOptions, Sweep, SweepObserver};

use crate::drawn_figure::draw;
use crate::figures::Context;
use crate::reading_sensitivity::{self, Sensitivity};
use crate::released_archives::{self, Archives};
use crate::report_files::{Output, SUMMARY};
use crate::reproduction_summary::{ClaimSummary, FigureSummary, Summary, Verdicts};
use crate::scale::families_of;
use crate::score_readings::Reading;
use crate::scored_curves::{Curves, Study};
use crate::{Error, FigureRow, Options, Settings, data_words, report_content};

/// What to reproduce, from what, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// The figures.
    pub figures: Vec<&'static FigureRow>,
    /// Tasks, optimizers, protocol.
    pub settings: Settings,
    /// Name of the normaliser that makes scores of curves.
    pub normalizer: &'static str,
    /// Chosen readings of the figures.
    pub options: Options,
    /// Real data or stand-ins.
    pub datasets: Datasets,
    /// Directory of the results; created.
    pub out: PathBuf,
    /// Trials at once.
    pub jobs: usize,
    /// Use these curves instead of training: a Parquet file or a directory of them.
    pub curves: Option<PathBuf>,
    /// Which of the given curves: needed where they come from trials that differ in more than task, optimizer and replica.
    pub selection: Selection,
}

/// Hears how far a reproduction is.
pub trait Observer: SweepObserver {
    /// So many tasks are read and scored.
    fn scored(&mut self, tasks: usize) {
        let _ = tasks;
    }

    /// A figure is analysed next.
    fn analysing(&mut self, figure: &FigureRow) {
        let _ = figure;
    }
}

impl Observer for taskset_train::Quiet {}

/// How a reproduction ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Everything is drawn.
    Finished(Summary),
    /// Stopped on request while training; the same request continues.
    Interrupted {
        /// Curves on disk.
        stored: usize,
        /// Curves needed.
        total: usize,
        /// Where they are.
        curves: PathBuf,
    },
    /// Stopped on request while reading and scoring curves, all of which are kept.
    InterruptedAnalysis {
        /// Where they are.
        curves: PathBuf,
    },
}

/// Curves and how they came about.
pub(crate) struct Material {
    curves: Curves,
    pub(crate) metadata: Metadata,
    pub(crate) place: PathBuf,
    pub(crate) trained: usize,
    pub(crate) train_seconds: f64,
}

/// Trains or reads the curves, draws the figures, writes everything to `request.out`.
///
/// What a figure lacks is no error: the page says it, and the other figures are drawn.
///
/// # Errors
/// Missing data, unreadable curves, a disk that is full: see [`Error`].
pub fn run(request: &Request, observer: &mut dyn Observer, cancel: &AtomicBool) -> Result<Ending, Error> {
    let material = match &request.curves {
        Some(path) => read(path, &request.selection)?,
        None => match train(request, observer, cancel)? {
            Ok(material) => material,
            Err(ending) => return Ok(ending),
        },
    };
    let start = Instant::now();
    let stopped = || Ok(Ending::InterruptedAnalysis { curves: material.place.clone() });
    let (families, readings) = (families_of(&request.figures), readings(request));
    let Some(study) =
        Study::new(&material.curves, &families, &readings, &mut |tasks| observer.scored(tasks), cancel)?
    else {
        return stopped();
    };
    let (scoring_seconds, start) = (start.elapsed().as_secs_f64(), Instant::now());
    // Given curves are judged by what they hold, whatever scale was named.
    let withheld = request.settings.scale.no_verdicts().filter(|_| request.curves.is_none());
    let context = Context {
        study: &study,
        base: Reading::whole(request.normalizer),
        options: &request.options,
        note: note(&study, withheld),
        claims_only: false,
    };
    let mut output = Output::default();
    let mut figures = Vec::new();
    for row in &request.figures {
        if cancel.load(Ordering::Relaxed) {
            return stopped();
        }
        observer.analysing(row);
        figures.push(draw(row, &context, withheld, &mut output)?);
    }
    let Some(sensitivity) = Sensitivity::new(&figures, &context, cancel) else { return stopped() };
    if sensitivity.section().is_some() {
        output.add("sensitivity.csv", sensitivity.table().csv());
    }
    let page = report_content::page(&report_content::Content {
        study: &study,
        figures: &figures,
        sensitivity: &sensitivity,
        withheld,
        request,
        material: &material,
        scoring_seconds,
        analysis_seconds: start.elapsed().as_secs_f64(),
    })?;
    let claims: Vec<Claim> = figures.iter().flat_map(|figure| figure.claims.iter().cloned()).collect();
    let summary = Summary {
        files: output.paths(&request.out),
        verdicts: Verdicts::of(&claims),
        figures: figures.iter().map(FigureSummary::of).collect(),
        claims: figures
            .into_iter()
            .flat_map(|figure| figure.claims.into_iter().map(move |claim| (figure.row.name, claim)))
            .map(|(figure, claim)| ClaimSummary::new(figure, claim))
            .collect(),
        trained: material.trained,
        reused: study.trials - material.trained,
        train_seconds: material.train_seconds,
        scoring_seconds,
        analysis_seconds: start.elapsed().as_secs_f64(),
        data: study.origin.name(),
    };
    let text = serde_json::to_string_pretty(&summary).map_err(std::io::Error::from);
    let text = text.map_err(|source| Error::Write { path: request.out.join(SUMMARY), source })?;
    output.write(&request.out, &(text + "\n"), &page.html())?;
    Ok(Ending::Finished(summary))
}

/// All readings that the figures and their sensitivity need.
fn readings(request: &Request) -> BTreeSet<Reading> {
    let mut readings = BTreeSet::from([Reading::whole(request.normalizer)]);
    readings.extend(request.figures.iter().flat_map(|row| row.readings.iter().copied()));
    if request.figures.iter().any(|row| !(row.claims)().is_empty()) {
        readings.extend(
            reading_sensitivity::readings(request.normalizer).into_iter().map(|(_, reading)| reading),
        );
    }
    readings
}

/// What must travel with every picture.
fn note(study: &Study, withheld: Option<&str>) -> Option<String> {
    let data = (study.origin != Origin::Real).then(|| format!("Data: {}", data_words::data(&study.tasks)));
    let notes: Vec<String> =
        data.into_iter().chain(withheld.map(|why| format!("No verdicts: {why}"))).collect();
    (!notes.is_empty()).then(|| notes.join(". "))
}

fn read(path: &Path, selection: &Selection) -> Result<Material, Error> {
    let (curves, metadata) = if Archives::are_in(path) {
        (Curves::Released(Archives::find(&[path])?, selection.clone()), released_archives::metadata())
    } else {
        let reader = taskset_curves::open(path)?.whole()?;
        let metadata = first_metadata(&reader, path)?;
        (Curves::Files(reader, Query { selection: selection.clone(), ..Query::default() }), metadata)
    };
    Ok(Material { curves, metadata, place: path.to_owned(), trained: 0, train_seconds: 0.0 })
}

fn train(
    request: &Request,
    observer: &mut dyn Observer,
    cancel: &AtomicBool,
) -> Result<Result<Material, Ending>, Error> {
    let settings = &request.settings;
    let start = Instant::now();
    let sweep = Sweep::new(
        &settings.tasks,
        &settings.optimizers(),
        settings.replicas,
        settings.protocol,
        taskset_optim::Mode::Upstream,
        &request.datasets,
    )?;
    let place = request.out.join("curves");
    let directory = Directory::at(&place);
    let outcome = directory.run(&sweep, &RunOptions::new(request.jobs), observer, cancel)?;
    if outcome.interrupted {
        let stored = outcome.total - outcome.missing();
        return Ok(Err(Ending::Interrupted { stored, total: outcome.total, curves: place }));
    }
    let reader = directory.reader()?;
    // Times belong to the machine that measured them, which for reused curves may be another one.
    let metadata = if outcome.trained > 0 {
        taskset_train::metadata(request.jobs)
    } else {
        first_metadata(&reader, &place)?
    };
    // The directory may hold curves of other plans, too.
    let query = Query { ids: Some(Arc::new(sweep.ids())), ..Query::default() };
    Ok(Ok(Material {
        curves: Curves::Files(reader, query),
        metadata,
        place,
        trained: outcome.trained,
        train_seconds: start.elapsed().as_secs_f64(),
    }))
}

fn first_metadata(reader: &Reader, place: &Path) -> Result<Metadata, Error> {
    reader.metadata().next().cloned().ok_or_else(|| Error::NoCurves { path: place.to_owned() })
}
