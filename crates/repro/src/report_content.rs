//! The report: one page for everything that was reproduced.

use taskset_curves::Metadata;
use taskset_figures::{
    Block, Claim, ClaimRow, Figure, FileLink, Notice, Report, Section, Table, Verdict, count, counted,
    natural_order, significant,
};
use taskset_trial::Protocol;

use crate::drawn_figure::Drawn;
use crate::reading_sensitivity::Sensitivity;
use crate::reproduction::Material;
use crate::scale::families_of;
use crate::scale::{PAPER_CONFIGURATIONS, PAPER_REPLICAS};
use crate::scored_curves::Study;
use crate::{Error, OptionKind, Request, data_words, missing};

/// What the page is made of.
pub(crate) struct Content<'a> {
    pub(crate) study: &'a Study,
    pub(crate) figures: &'a [Drawn],
    pub(crate) sensitivity: &'a Sensitivity,
    /// Why no claim gets a verdict, at scales that give none.
    pub(crate) withheld: Option<&'a str>,
    pub(crate) request: &'a Request,
    pub(crate) material: &'a Material,
    pub(crate) scoring_seconds: f64,
    pub(crate) analysis_seconds: f64,
}

impl Content<'_> {
    fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.figures.iter().flat_map(|figure| &figure.claims)
    }

    /// The families of optimizers that the figures need.
    fn families(&self) -> Vec<taskset_optim::Family> {
        families_of(&self.request.figures)
    }
}

/// The report.
///
/// # Errors
/// Only if the registry of tasks is broken.
pub(crate) fn page(content: &Content<'_>) -> Result<Report, Error> {
    let what = match &content.request.curves {
        Some(_) => "Given curves".to_owned(),
        None => format!("Scale {}", content.request.settings.scale.name()),
    };
    let mut sections = vec![overview(content)];
    sections.extend(content.figures.iter().map(|figure| figure_section(figure, content.request)));
    sections.extend(content.sensitivity.section());
    sections.extend([how(content), tasks(content.study), missing(content)?]);
    Ok(Report {
        title: format!("TaskSet, {}", title(content.figures)),
        subtitle: format!("{what}; {}.", data_words::data(&content.study.tasks)),
        notices: notices(content),
        sections,
    })
}

/// What the page is about: one figure, one part of the paper, or several.
fn title(figures: &[Drawn]) -> String {
    if let [only] = figures {
        return match only.row.label.strip_prefix("Figure ") {
            Some(number) => format!("{}, figure {number}", only.row.place),
            None => only.row.place.to_owned(),
        };
    }
    let mut parts: Vec<&str> = figures.iter().map(|figure| figure.row.part.words()).collect();
    parts.dedup();
    match &parts[..] {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What must be known before any number: stand-ins, a small set, no verdicts.
fn notices(content: &Content<'_>) -> Vec<Notice> {
    let study = content.study;
    let mut notices = data_words::data_notices(&study.tasks);
    let extent = data_words::extent(study, &configurations(content))
        .map(|extent| format!("This report saw {extent}. "))
        .unwrap_or_default();
    let open = |claim: &Claim| matches!(claim.verdict, Verdict::CannotTell { .. });
    if let Some(why) = content.withheld {
        let text = format!("No claim gets a verdict, because {why}. {extent}");
        notices.push(Notice::new("No verdicts.", text.trim_end()));
    } else if content.claims().next().is_some() && content.claims().all(open) {
        let text = format!("{extent}The measurement decides none of the claims, and each says why.");
        notices.push(Notice::new("No verdicts.", text));
    } else if !extent.is_empty() {
        let text =
            format!("{extent}The verdicts are about this smaller set; those about the paper's may differ.");
        notices.push(Notice::new("Smaller than the paper's set.", text));
    }
    let lacking: Vec<&str> = content
        .figures
        .iter()
        .filter(|figure| figure.pictures.is_empty())
        .map(|figure| figure.row.label)
        .collect();
    if !lacking.is_empty() {
        let text = format!("{}. Each says below what it lacks.", lacking.join(", "));
        notices.push(Notice::new("Not drawn:", text));
    }
    notices
}

/// The families that the figures need, and how many configurations of each there are.
fn configurations(content: &Content<'_>) -> Vec<(&'static str, usize)> {
    content
        .families()
        .into_iter()
        .filter(|family| matches!(family.info().naming, taskset_optim::Naming::Seeds { .. }))
        .map(|family| (family.info().name, content.study.configurations(family)))
        .collect()
}

/// All claims in one table.
fn overview(content: &Content<'_>) -> Section {
    let row = |figure: &Drawn, claim: &Claim| ClaimRow {
        figure: figure.row.label.to_owned(),
        section: Some(heading(figure)),
        claim: claim.clone(),
    };
    let rows: Vec<ClaimRow> = content
        .figures
        .iter()
        .flat_map(|figure| figure.claims.iter().map(move |claim| row(figure, claim)))
        .collect();
    let blocks = if rows.is_empty() {
        vec![Block::Paragraph("The paper makes no claim about this that could be checked.".to_owned())]
    } else {
        vec![Block::ClaimTable(rows)]
    };
    Section { heading: "Claims".to_owned(), blocks }
}

/// Heading of a figure's section.
fn heading(figure: &Drawn) -> String {
    format!("{}: {}", figure.row.label, figure.row.title)
}

fn figure_section(figure: &Drawn, request: &Request) -> Section {
    let row = figure.row;
    let mut blocks = Vec::new();
    let mut numbers: Vec<FileLink> =
        figure.tables.iter().map(|(file, label)| FileLink::new(format!("{label} (CSV)"), *file)).collect();
    for picture in &figure.pictures {
        let (svg, png) = (format!("{}.svg", picture.stem), format!("{}.png", picture.stem));
        let mut files = vec![FileLink::new("SVG", svg), FileLink::new("PNG", png)];
        // The numbers belong to all pictures of a figure, and are linked once.
        files.append(&mut numbers);
        blocks.push(Block::Figure(Figure {
            svg: picture.wide.clone(),
            narrow: Some(picture.narrow.clone()),
            caption: picture.caption.clone(),
            files,
        }));
    }
    let lacks = figure.lacks.iter().map(|lack| lack.sentence().to_owned());
    blocks.extend(lacks.map(|lack| {
        let before = if figure.pictures.is_empty() { "There is no picture. " } else { "" };
        Block::Paragraph(format!("{before}{lack}"))
    }));
    blocks.extend(figure.blocks.iter().cloned());
    if !figure.claims.is_empty() {
        blocks.push(Block::Claims(figure.claims.clone()));
    }
    let options = row.options.iter().map(|option| {
        let value = request.options.value(option);
        let meaning = match option.kind {
            OptionKind::Choice(values) => values
                .iter()
                .find(|(name, _)| *name == value)
                .map(|(_, meaning)| format!(" ({meaning})"))
                .unwrap_or_default(),
            OptionKind::Number(..) => String::new(),
        };
        let usual =
            if value == option.default { String::new() } else { format!("; usually {}", option.default) };
        (format!("Option {}", option.name), format!("{value}{meaning}{usual}. {}", option.doc))
    });
    let options: Vec<(String, String)> = options.collect();
    if !options.is_empty() {
        blocks.push(Block::KeyValues(options));
    }
    blocks.extend(figure.sections.iter().cloned().map(Block::Section));
    Section { heading: heading(figure), blocks }
}

fn how(content: &Content<'_>) -> Section {
    let (study, material, request) = (content.study, content.material, content.request);
    let trials = study.trials as u64;
    let choice = if request.curves.is_some() {
        "those of the given curves".to_owned()
    } else {
        request.settings.task_rule.clone()
    };
    let source = match &request.curves {
        Some(path) => format!("recorded in {}", path.display()),
        None => request.datasets.source().to_string(),
    };
    let trained = if material.trained > 0 {
        format!(
            "{} for {}, {} at a time",
            seconds(material.train_seconds),
            counted(material.trained as u64, "trial"),
            count(request.jobs as u64)
        )
    } else {
        "nothing trained now".to_owned()
    };
    let time = format!(
        "{trained}; {} of reading and scoring, {} of analysis",
        seconds(content.scoring_seconds),
        seconds(content.analysis_seconds)
    );
    let optimizers = content.families().into_iter().map(|family| {
        let paper = match family.info().naming {
            taskset_optim::Naming::Seeds { .. } => {
                format!(" (paper: {})", count(PAPER_CONFIGURATIONS.into()))
            }
            _ => String::new(),
        };
        format!("{} of {}{paper}", count(study.configurations(family) as u64), family.info().name)
    });
    let protocol = study.protocol.as_ref().map_or_else(|| "not recorded".to_owned(), data_words::protocol);
    let row = |key: &str, value: String| (key.to_owned(), value);
    let selection =
        taskset_normalize::named(request.normalizer).map_or("", |normalizer| normalizer.selection.name());
    let doc =
        taskset_normalize::NAMED.iter().find(|row| row.name == request.normalizer).map_or("", |row| row.doc);
    Section {
        heading: "How".to_owned(),
        blocks: vec![Block::KeyValues(vec![
            row("Tasks", format!("{}: {choice}", count(study.tasks.len() as u64))),
            row("Optimizers", optimizers.collect::<Vec<_>>().join(", ")),
            row("Replicas", format!("{} (paper: {PAPER_REPLICAS})", study.replicas)),
            row("Protocol", format!("{protocol} (paper: {})", data_words::protocol(&Protocol::PAPER))),
            row("Data", format!("{}; {source}", data_words::data(&study.tasks))),
            row(
                "Score",
                format!(
                    "normaliser “{}”: {doc}. 0 is the best loss that any configuration of {} reached. Where a trial diverged, 1 \
                     counts",
                    request.normalizer,
                    study.reference_families().join(", ")
                ),
            ),
            row("Splits", format!("chosen on {selection}, reported on test")),
            row("Diverged", format!("{} of {}", count(study.diverged as u64), counted(trials, "trial"))),
            row(
                "Curves",
                format!(
                    "{} in {}, of which {} were there before",
                    count(trials),
                    material.place.display(),
                    count(trials - material.trained as u64)
                ),
            ),
            row("Time", time),
            row("Machine", machine(material)),
            row(
                "Program",
                format!(
                    "taskset-rs {}; the curves are of {}",
                    env!("CARGO_PKG_VERSION"),
                    material.metadata.program_version
                ),
            ),
        ])],
    }
}

fn seconds(time: f64) -> String {
    match time {
        _ if time < 0.1 => "less than 0.1 s".to_owned(),
        _ if time < 10.0 => format!("{time:.1} s"),
        _ => format!("{} s", count(time.round() as u64)),
    }
}

/// Where the curves were trained, in words.
fn machine(material: &Material) -> String {
    let Metadata { machine, kernels, threads, .. } = &material.metadata;
    format!("{machine}; {kernels} kernels; {}", counted((*threads).into(), "thread"))
}

fn tasks(study: &Study) -> Section {
    let mut table =
        Table::new(["Task", "Parameters", "Data", "Loss at start", "Best loss", "Best by score", "Used"]);
    let mut tasks: Vec<_> = study.tasks.iter().collect();
    tasks.sort_by(|a, b| natural_order(&a.name, &b.name));
    for task in tasks {
        table.push([
            task.name.clone(),
            count(task.parameters),
            data_words::data_of(task).to_owned(),
            significant(task.initial),
            significant(task.best),
            // Where nothing learned, none is the best.
            if task.dropped { "–".to_owned() } else { task.best_optimizer.clone() },
            if task.dropped { "no: nothing learned" } else { "yes" }.to_owned(),
        ]);
    }
    let text = format!(
        "Losses are on valid_outer. The best loss is the lowest at any point of the curve of any configuration of any \
         family; the configuration that is best by score need not be the one that reached it. {} of {} are used: where no configuration got below the loss at the start, there is no scale for scores.",
        count(study.tasks.iter().filter(|task| !task.dropped).count() as u64),
        counted(study.tasks.len() as u64, "task")
    );
    let details = Block::Details { summary: "All tasks".to_owned(), blocks: vec![Block::Table(table)] };
    Section { heading: "Tasks".to_owned(), blocks: vec![Block::Paragraph(text), details] }
}

fn missing(content: &Content<'_>) -> Result<Section, Error> {
    let figures: Vec<_> = content.figures.iter().map(|figure| figure.row).collect();
    let rows = missing::rows(content.study.tasks.iter().map(|task| task.name.as_str()), &figures)?;
    Ok(Section { heading: "What is not here".to_owned(), blocks: vec![Block::KeyValues(rows)] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_words::tests::task;
    use crate::scored_curves::tests::study;

    #[test]
    fn tasks_stand_in_natural_order_with_four_digits() {
        let mut of: Vec<_> = (0..11).map(|i| task(&format!("t_seed{i}"), None)).collect();
        of.reverse();
        of[10].best = 0.123_456;
        let section = tasks(&study(of));
        let Some(Block::Details { blocks, .. }) = section.blocks.last() else { panic!("{section:?}") };
        let Some(Block::Table(table)) = blocks.last() else { panic!("{blocks:?}") };
        let names: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
        let expected: Vec<String> = (0..11).map(|i| format!("t_seed{i}")).collect();
        assert_eq!(names, expected);
        assert_eq!(table.rows[0][4], "0.1235");
    }
}
