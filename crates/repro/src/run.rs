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

use crate::claims::cannot_tell;
use crate::figures::{Context, Findings, Lack, Picture};
use crate::released::{self, Archives};
use crate::sensitivity::{self, Sensitivity};
use crate::settings::families_of;
use crate::study::{Curves, Reading, Study};
use crate::{Error, FigureRow, Options, Settings, page, words};

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

/// Writes the files of a reproduction, and remembers them.
struct Output<'a> {
    directory: &'a Path,
    files: Vec<PathBuf>,
}

impl Output<'_> {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.directory.join(name);
        taskset_files::write_atomically(&path, bytes)
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        self.files.push(path);
        Ok(())
    }

    /// Removes the pictures and numbers of an earlier run that this one has not written: they would pass for this one's.
    fn remove_stale(&self) -> Result<(), Error> {
        let failed = |source| Error::Write { path: self.directory.to_owned(), source };
        for entry in std::fs::read_dir(self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let ours = ["figure", "correlation", "sensitivity"].iter().any(|stem| name.starts_with(stem))
                && [".svg", ".png", ".csv"].iter().any(|end| name.ends_with(end));
            if ours && !self.files.contains(&path) {
                remove(&path)?;
            }
        }
        Ok(())
    }
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
    // Given curves are judged by what they hold, whatever scale was named.
    let withheld = request.settings.scale.no_verdicts().filter(|_| request.curves.is_none());
    let context = Context {
        study: &study,
        base: Reading::whole(request.normalizer),
        options: &request.options,
        note: note(&study, withheld),
        claims_only: false,
    };
    std::fs::create_dir_all(&request.out)
        .map_err(|source| Error::Write { path: request.out.clone(), source })?;
    let mut output = Output { directory: &request.out, files: Vec::new() };
    let mut figures = Vec::new();
    for row in &request.figures {
        if cancel.load(Ordering::Relaxed) {
            return stopped();
        }
        observer.analysing(row);
        figures.push(draw(row, &context, withheld, &mut output)?);
    }
    let sensitivity = Sensitivity::new(&figures, &context);
    if sensitivity.section().is_some() {
        output.write("sensitivity.csv", sensitivity.table().csv().as_bytes())?;
    }
    let page = page::page(&page::Content {
        study: &study,
        figures: &figures,
        sensitivity: &sensitivity,
        withheld,
        request,
        material: &material,
        analysis_seconds: start.elapsed().as_secs_f64(),
    })?;
    output.remove_stale()?;
    // Last, because it links the others.
    output.write("index.html", page.html().as_bytes())?;
    let claims: Vec<Claim> = figures.iter().flat_map(|figure| figure.claims.iter().cloned()).collect();
    Ok(Ending::Finished(Summary {
        files: output.files,
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
        analysis_seconds: start.elapsed().as_secs_f64(),
        data: study.origin.name(),
    }))
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
        readings.extend(sensitivity::READINGS.map(|(_, normalizer)| Reading::whole(normalizer)));
    }
    readings
}

/// What must travel with every picture.
fn note(study: &Study, withheld: Option<&str>) -> Option<String> {
    let data = (study.origin != Origin::Real).then(|| format!("Data: {}", words::data(&study.tasks)));
    let notes: Vec<String> =
        data.into_iter().chain(withheld.map(|why| format!("No verdicts: {why}"))).collect();
    (!notes.is_empty()).then(|| notes.join(". "))
}

/// Analyses a figure and writes its pictures and numbers.
fn draw(
    row: &'static FigureRow,
    context: &Context<'_>,
    withheld: Option<&str>,
    output: &mut Output<'_>,
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
        output.write(&format!("{}.svg", picture.stem), picture.wide.as_bytes())?;
        output.write(&format!("{}.png", picture.stem), &png(&picture.wide, 2.0)?)?;
    }
    for table in &findings.tables {
        output.write(table.file, table.table.csv().as_bytes())?;
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
        (Curves::Released(Archives::find(&[path])?, selection.clone()), released::metadata())
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
