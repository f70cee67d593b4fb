//! Section 5: training and generalisation of learned hyperparameter lists. This version draws figure 3.

mod analysis;
mod claims;
mod missing;
mod picture;
mod report;
mod settings;
mod tables;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;
use taskset_curves::{Metadata, Query, Reader, Selection};
use taskset_datasets::Datasets;
use taskset_figures::{Claim, Verdict, counted, png};
use taskset_sweep::{Directory, RunOptions, Sweep, SweepObserver};

use picture::Pictures;

pub use crate::Error;
pub use settings::{RunScale, Settings};

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
    /// Stopped on request while reading and scoring curves, all of which are kept.
    InterruptedAnalysis {
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
    /// How many of them hold, do not hold, and are open.
    pub verdicts: Verdicts,
    /// Curves trained now.
    pub trained: usize,
    /// Curves that were there before.
    pub reused: usize,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Seconds of analysis and drawing.
    pub analysis_seconds: f64,
    /// `synthetic` if the data of any task is, else `partial` if any is partial, else `real`.
    pub data: &'static str,
}

/// How the claims came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Claims that hold.
    pub hold: usize,
    /// Claims that do not hold.
    pub do_not_hold: usize,
    /// Claims of which the measurement cannot tell.
    pub cannot_tell: usize,
}

impl Verdicts {
    fn of(claims: &[Claim]) -> Self {
        let mut verdicts = Self::default();
        for claim in claims {
            match claim.verdict {
                Verdict::Holds => verdicts.hold += 1,
                Verdict::DoesNotHold => verdicts.do_not_hold += 1,
                Verdict::CannotTell { .. } => verdicts.cannot_tell += 1,
            }
        }
        verdicts
    }
}

/// `4 claims: 2 hold, 1 does not hold, 1 cannot tell`.
impl std::fmt::Display for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hold, do_not_hold, cannot_tell } = *self;
        let claims = counted((hold + do_not_hold + cannot_tell) as u64, "claim");
        let holds = if hold == 1 { "holds" } else { "hold" };
        let does = if do_not_hold == 1 { "does" } else { "do" };
        write!(f, "{claims}: {hold} {holds}, {do_not_hold} {does} not hold, {cannot_tell} cannot tell")
    }
}

/// A claim and its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimSummary {
    /// What the paper says.
    pub claim: String,
    /// How the verdict follows from the numbers.
    pub rule: String,
    /// What was measured here.
    pub measured: String,
    /// `holds`, `does not hold` or `cannot tell`.
    pub verdict: String,
    /// Why the measurement cannot tell; none where it can.
    pub reason: Option<String>,
}

impl From<Claim> for ClaimSummary {
    fn from(claim: Claim) -> Self {
        Self {
            verdict: claim.verdict.words().to_owned(),
            reason: claim.verdict.reason().map(str::to_owned),
            claim: claim.text,
            rule: claim.rule,
            measured: claim.measured.join("; "),
        }
    }
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
    let Material { reader, query, place, .. } = &material;
    let Some(figure) = analysis::figure3(reader, query, &request.settings, place, cancel)? else {
        return Ok(Ending::InterruptedAnalysis { curves: material.place });
    };
    // Given curves are judged by what they hold, whatever scale was named.
    let withheld = request.settings.scale.no_verdicts().filter(|_| request.curves.is_none());
    let claims = claims::check(&figure.numbers, withheld);
    let pictures = Pictures::draw(&figure, withheld)?;
    let page = report::page(&report::Content {
        figure: &figure,
        claims: &claims,
        pictures: pictures.as_ref(),
        withheld,
        request,
        material: &material,
        analysis_seconds: start.elapsed().as_secs_f64(),
    })?;

    create_directory(&request.out)?;
    let mut contents = Vec::new();
    if let Some(Pictures { wide, .. }) = &pictures {
        contents.push(("figure3.svg", wide.clone().into_bytes()));
        contents.push(("figure3.png", png(wide, 2.0)?));
    } else {
        // Those of an earlier run would pass for this one's.
        for stale in ["figure3.svg", "figure3.png"] {
            remove(&request.out.join(stale))?;
        }
    }
    contents.extend([
        ("figure3.csv", tables::table(&figure).csv().into_bytes()),
        ("figure3_resamplings.csv", tables::resamplings_table(&figure).csv().into_bytes()),
        ("figure3_list.csv", tables::list_table(&figure).csv().into_bytes()),
        // Last, because it links the others.
        ("index.html", page.html().into_bytes()),
    ]);
    let files = contents
        .into_iter()
        .map(|(name, bytes)| {
            let path = request.out.join(name);
            let write = taskset_files::write_atomically(&path, &bytes);
            write.map_err(|source| Error::Write { path: path.clone(), source })?;
            Ok(path)
        })
        .collect::<Result<_, Error>>()?;
    Ok(Ending::Finished(Summary {
        files,
        verdicts: Verdicts::of(&claims),
        claims: claims.into_iter().map(ClaimSummary::from).collect(),
        trained: material.trained,
        reused: figure.trials - material.trained,
        train_seconds: material.train_seconds,
        analysis_seconds: start.elapsed().as_secs_f64(),
        data: figure.origin.name(),
    }))
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted_in_words() {
        let claim =
            |verdict| Claim { text: String::new(), rule: String::new(), measured: Vec::new(), verdict };
        let open = || Verdict::CannotTell { reason: "few".to_owned() };
        let check = |verdicts: Vec<Verdict>, words: &str| {
            let claims: Vec<Claim> = verdicts.into_iter().map(claim).collect();
            assert_eq!(Verdicts::of(&claims).to_string(), words);
        };
        check(vec![Verdict::Holds], "1 claim: 1 holds, 0 do not hold, 0 cannot tell");
        check(vec![Verdict::DoesNotHold, open(), open()], "3 claims: 0 hold, 1 does not hold, 2 cannot tell");
        let summary = ClaimSummary::from(claim(open()));
        assert_eq!((summary.verdict.as_str(), summary.reason.as_deref()), ("cannot tell", Some("few")));
        assert_eq!(ClaimSummary::from(claim(Verdict::Holds)).reason, None);
    }
}
