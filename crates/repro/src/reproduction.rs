//! A reproduction from start to end: curves, scores, figures, report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;
use taskset_curves::{Metadata, Query, Reader, Selection};
use taskset_datasets::Datasets;
use taskset_figures::{Block, Claim, Section, Verdict, compact_panels, counted, narrow_panels, panels, png};
use taskset_names::Origin;
use taskset_sweep::{Directory, RunOptions, Sweep, SweepObserver};

use crate::claim_thresholds::cannot_tell;
use crate::figures::{Context, Findings, Lack, Picture};
use crate::reading_sensitivity::{self, Sensitivity};
use crate::released_archives::{self, Archives};
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

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The written files, the report last.
    pub files: Vec<PathBuf>,
    /// Which figures were drawn, and what the others lack.
    pub figures: Vec<FigureSummary>,
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
    /// Seconds of reading and scoring the curves.
    pub scoring_seconds: f64,
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

/// How a figure came out.
#[derive(Clone, Debug, Serialize)]
pub struct FigureSummary {
    /// Its name, e.g. `fig3`.
    pub figure: &'static str,
    /// Names of its pictures, without ending; empty where nothing could be drawn.
    pub pictures: Vec<&'static str>,
    /// What it lacks, each in a sentence.
    pub lacks: Vec<String>,
    /// Seconds of its analysis.
    pub seconds: f64,
}

/// A claim and its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimSummary {
    /// The figure, e.g. `fig3`.
    pub figure: &'static str,
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

impl ClaimSummary {
    fn new(figure: &'static str, claim: Claim) -> Self {
        Self {
            figure,
            verdict: claim.verdict.words().to_owned(),
            reason: claim.verdict.reason().map(str::to_owned),
            claim: claim.text,
            rule: claim.rule,
            measured: claim.measured.join("; "),
        }
    }
}

/// A figure after its analysis.
pub(crate) struct Drawn {
    pub(crate) row: &'static FigureRow,
    pub(crate) pictures: Vec<DrawnPicture>,
    /// Names of its CSV files, each with what it holds.
    pub(crate) tables: Vec<(&'static str, &'static str)>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) sections: Vec<Section>,
    pub(crate) lacks: Vec<Lack>,
    seconds: f64,
}

/// A picture in two widths.
pub(crate) struct DrawnPicture {
    pub(crate) stem: &'static str,
    pub(crate) wide: String,
    pub(crate) narrow: String,
    pub(crate) caption: String,
}

impl DrawnPicture {
    fn new(picture: Picture) -> Result<Self, Lack> {
        Ok(Self {
            stem: picture.stem,
            // Beside each other, narrow charts keep their texts readable.
            wide: match picture.columns {
                1 => panels(&picture.panels, 1)?,
                columns => compact_panels(&picture.panels, columns)?,
            },
            narrow: narrow_panels(&picture.panels)?,
            caption: picture.caption,
        })
    }
}

/// The file with the summary of a reproduction, as `--json` prints it.
const SUMMARY: &str = "report.json";

/// The page.
const PAGE: &str = "index.html";

/// The files of a reproduction, which are written together when all of them are ready: an interrupted run leaves those of an
/// earlier one as they were.
#[derive(Default)]
struct Output {
    files: Vec<(String, Vec<u8>)>,
}

impl Output {
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.push((name.into(), bytes.into()));
    }

    /// The paths of the files, with the page last.
    fn paths(&self, directory: &Path) -> Vec<PathBuf> {
        let names = self.files.iter().map(|(name, _)| name.as_str());
        names.chain([SUMMARY, PAGE]).map(|name| directory.join(name)).collect()
    }

    /// Writes everything. The page of an earlier run goes first, and the new one comes last: no page stands beside numbers of
    /// another run. Of the other files of the earlier run, those that are not written now are removed; they are known from
    /// its summary, so that nobody else's are touched.
    fn write(&self, directory: &Path, summary: &str, page: &str) -> Result<(), Error> {
        std::fs::create_dir_all(directory)
            .map_err(|source| Error::Write { path: directory.to_owned(), source })?;
        let earlier = earlier_files(directory);
        remove(&directory.join(PAGE))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.join(name);
            taskset_files::write_atomically(&path, bytes)
                .map_err(|source| Error::Write { path: path.clone(), source })
        };
        for (name, bytes) in &self.files {
            write(name, bytes)?;
        }
        for name in earlier {
            let path = directory.join(&name);
            if !self.files.iter().any(|(written, _)| *written == name) && path.is_file() {
                remove(&path)?;
            }
        }
        write(SUMMARY, summary.as_bytes())?;
        write(PAGE, page.as_bytes())
    }
}

/// Names of pictures and numbers that the summary of an earlier run in this directory lists. Without one, none.
fn earlier_files(directory: &Path) -> Vec<String> {
    let summary = std::fs::read(directory.join(SUMMARY)).unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap_or_default();
    let files = summary["files"].as_array().map_or(&[][..], Vec::as_slice);
    let names =
        files.iter().filter_map(|file| Path::new(file.as_str()?).file_name()?.to_str().map(str::to_owned));
    let ours = |name: &String| [".svg", ".png", ".csv"].iter().any(|end| name.ends_with(end));
    names.filter(ours).collect()
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

impl FigureSummary {
    fn of(figure: &Drawn) -> Self {
        Self {
            figure: figure.row.name,
            pictures: figure.pictures.iter().map(|picture| picture.stem).collect(),
            lacks: figure.lacks.iter().map(|lack| lack.sentence().to_owned()).collect(),
            seconds: figure.seconds,
        }
    }
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

/// Analyses a figure and writes its pictures and numbers.
fn draw(
    row: &'static FigureRow,
    context: &Context<'_>,
    withheld: Option<&str>,
    output: &mut Output,
) -> Result<Drawn, Error> {
    let start = Instant::now();
    let findings = (row.analyse)(context).unwrap_or_else(|lack| {
        let reason = lack.reason();
        let claims =
            (row.claims)().into_iter().map(|claim| Claim { verdict: cannot_tell(&*reason), ..claim });
        Findings { claims: claims.collect(), lacks: vec![lack], ..Findings::default() }
    });
    let mut drawn = Drawn {
        row,
        pictures: Vec::new(),
        tables: findings.tables.iter().map(|table| (table.file, table.label)).collect(),
        claims: findings.claims,
        blocks: findings.blocks,
        sections: findings.sections,
        lacks: findings.lacks,
        seconds: 0.0,
    };
    if let Some(reason) = withheld {
        drawn.claims.iter_mut().for_each(|claim| claim.verdict = cannot_tell(reason));
    }
    for picture in findings.pictures {
        match DrawnPicture::new(picture) {
            Ok(picture) => drawn.pictures.push(picture),
            Err(lack) => drawn.lacks.push(lack),
        }
    }
    for picture in &drawn.pictures {
        output.add(format!("{}.svg", picture.stem), picture.wide.clone());
        output.add(format!("{}.png", picture.stem), png(&picture.wide, 2.0)?);
    }
    for table in &findings.tables {
        output.add(table.file, table.table.csv());
    }
    drawn.seconds = start.elapsed().as_secs_f64();
    Ok(drawn)
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
        let summary = ClaimSummary::new("fig3", claim(open()));
        assert_eq!((summary.verdict.as_str(), summary.reason.as_deref()), ("cannot tell", Some("few")));
        assert_eq!(ClaimSummary::new("fig3", claim(Verdict::Holds)).reason, None);
    }
}
