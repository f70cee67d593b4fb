//! Section 5: training and generalisation of learned hyperparameter lists. This version draws figure 3.

mod analysis;
mod claims;
mod report;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;
use taskset_curves::{CurveStore, Metadata, Query, Reader, Selection};
use taskset_datasets::Datasets;
use taskset_figures::png;
use taskset_train::{Sweep, SweepObserver, SweepPlan};

pub use crate::Error;
pub use settings::{Scale, Settings};

/// What to reproduce, from what, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tasks, optimizers, protocol.
    pub settings: Settings,
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
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The written files, the report last.
    pub files: Vec<PathBuf>,
    /// The paper's claims beside what was measured.
    pub claims: Vec<ClaimSummary>,
    /// Curves trained now.
    pub trained: usize,
    /// Curves that were there before.
    pub reused: usize,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Seconds of analysis and drawing.
    pub analysis_seconds: f64,
    /// `real` or `synthetic`.
    pub data: &'static str,
}

/// A claim and its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimSummary {
    /// What the paper says.
    pub claim: String,
    /// What was measured here.
    pub measured: String,
    /// Whether it holds.
    pub verdict: String,
}

/// Curves and how they came about.
struct Material {
    reader: Reader,
    /// Which of its curves.
    query: Query,
    metadata: Metadata,
    place: PathBuf,
    trained: usize,
    train_seconds: f64,
}

/// Trains or reads the curves, draws figure 3, writes everything to `request.out`.
///
/// # Errors
/// Missing data, unreadable or insufficient curves, a disk that is full: see [`Error`].
pub fn run(
    request: &Request,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Result<Ending, Error> {
    let material = match &request.curves {
        Some(path) => read(path, &request.selection)?,
        None => match train(request, observer, cancel)? {
            Ok(material) => material,
            Err(ending) => return Ok(ending),
        },
    };
    let start = Instant::now();
    let figure = analysis::figure3(&material.reader, &material.query, &request.settings, &material.place)?;
    let claims = claims::check(&figure);
    let chart = report::chart(&figure);
    let svg = chart.svg()?;
    let page = report::page(&report::Content {
        figure: &figure,
        claims: &claims,
        svg: &svg,
        request,
        material: &material,
        analysis_seconds: start.elapsed().as_secs_f64(),
    });

    let files = [
        ("figure3.svg", svg.clone().into_bytes()),
        ("figure3.png", png(&svg, 2.0)?),
        ("figure3.csv", report::table(&figure).csv().into_bytes()),
        ("figure3_resamplings.csv", report::resamplings_table(&figure).csv().into_bytes()),
        ("figure3_list.csv", report::list_table(&figure).csv().into_bytes()),
        // Last, because it links the others.
        ("index.html", page.html().into_bytes()),
    ];
    create_directory(&request.out)?;
    let files = files
        .into_iter()
        .map(|(name, bytes)| {
            let path = request.out.join(name);
            let write = taskset_files::write_atomically(&path, &bytes);
            write.map_err(|source| Error::Write { path: path.clone(), source })?;
            Ok(path)
        })
        .collect::<Result<_, Error>>()?;
    let claims = claims
        .into_iter()
        .map(|c| ClaimSummary { verdict: c.verdict.words().to_owned(), claim: c.text, measured: c.measured })
        .collect();
    Ok(Ending::Finished(Summary {
        files,
        claims,
        trained: material.trained,
        reused: figure.trials - material.trained,
        train_seconds: material.train_seconds,
        analysis_seconds: start.elapsed().as_secs_f64(),
        data: figure.origin.name(),
    }))
}

fn read(path: &Path, selection: &Selection) -> Result<Material, Error> {
    let reader = taskset_curves::open(path)?.whole()?;
    let metadata = first_metadata(&reader, path)?;
    Ok(Material {
        query: Query { selection: selection.clone(), ..Query::default() },
        metadata,
        reader,
        place: path.to_owned(),
        trained: 0,
        train_seconds: 0.0,
    })
}

fn train(
    request: &Request,
    observer: &mut dyn SweepObserver,
    cancel: &AtomicBool,
) -> Result<Result<Material, Ending>, Error> {
    let settings = &request.settings;
    let plan = SweepPlan::new(
        settings.tasks.clone(),
        settings.optimizers(),
        settings.replicas,
        settings.protocol,
        taskset_optim::Mode::Upstream,
    )?;
    let start = Instant::now();
    let sweep = Sweep::new(plan, &request.datasets)?;
    let metadata = taskset_train::metadata(request.jobs);
    let place = request.out.join("curves");
    create_directory(&place)?;
    let store = CurveStore::open(&place, &metadata)?;
    let outcome = sweep.run(&store, request.jobs, observer, cancel)?;
    if outcome.interrupted {
        let stored = outcome.reused + outcome.trained;
        return Ok(Err(Ending::Interrupted { stored, total: outcome.total, curves: place }));
    }
    let reader = store.reader()?;
    // Times belong to the machine that measured them, which for reused curves may be another one.
    let metadata = if outcome.trained > 0 { metadata } else { first_metadata(&reader, &place)? };
    // The directory may hold curves of other plans, too.
    let query = Query { ids: Some(Arc::new(sweep.ids())), ..Query::default() };
    Ok(Ok(Material {
        reader,
        query,
        metadata,
        place,
        trained: outcome.trained,
        train_seconds: start.elapsed().as_secs_f64(),
    }))
}

fn first_metadata(reader: &Reader, place: &Path) -> Result<Metadata, Error> {
    let first = reader.metadata().next().cloned();
    first.ok_or_else(|| Error::Insufficient { path: place.to_owned(), lack: "there are none".to_owned() })
}

fn create_directory(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::Write { path: path.to_owned(), source })
}
