//! The picture, tables and page of figure 3.

use taskset_curves::Metadata;
use taskset_figures::{
    Block, Claim, Color, Dash, Figure, FileLink, LineChart, Point, Report, Section, Series, Table,
};
use taskset_meta::experiment::{Method, MethodCurve};
use taskset_names::Origin;

use super::analysis::{Figure3, NORMALIZER};
use super::claims::label;
use super::{Material, Request};

/// What the page is made of.
pub(crate) struct Content<'a> {
    pub(crate) figure: &'a Figure3,
    pub(crate) claims: &'a [Claim],
    pub(crate) svg: &'a str,
    pub(crate) request: &'a Request,
    pub(crate) material: &'a Material,
    pub(crate) analysis_seconds: f64,
}

/// Figure 3 as a chart: black the learned list, colours the random searches, dashed those inside a box.
pub(crate) fn chart(figure: &Figure3) -> LineChart {
    let mut colour = 0;
    let series = figure.result.curves.iter().map(|curve| {
        let points = quartiles(curve).map(|(k, [lo, y, hi])| Point { x: k as f64, y, lo, hi }).collect();
        if curve.method == Method::Learned {
            return Series::new(label(curve), Color::BLACK, points).emphasized();
        }
        colour += 1;
        let series = Series::new(label(curve), Color::cycle(colour - 1), points);
        if matches!(curve.method, Method::RandomInBox { .. }) { series.dash(Dash::Dashed) } else { series }
    });
    LineChart {
        title: "Learned hyperparameter list against random search".to_owned(),
        subtitle: Some(format!(
            "median and 25–75 percentiles over {} resamplings; {} tasks to learn from, {} held out",
            figure.resamplings, figure.result.train_tasks, figure.result.test_tasks
        )),
        x_label: "optimizers tried (k)".to_owned(),
        y_label: "J on held-out tasks (lower is better)".to_owned(),
        x_log: true,
        y_log: false,
        series: series.collect(),
        note: match figure.origin {
            Origin::Synthetic => Some("synthetic stand-in data".to_owned()),
            Origin::Partial => Some("parts of the original data sets".to_owned()),
            Origin::Real => None,
        },
    }
}

fn quartiles(curve: &MethodCurve) -> impl Iterator<Item = (usize, [f64; 3])> {
    curve.quartiles.iter().enumerate().filter_map(|(i, q)| Some((i + 1, (*q)?)))
}

/// The numbers behind the figure, one row a curve and budget.
pub(crate) fn table(figure: &Figure3) -> Table {
    let mut table = Table::new(["curve", "family", "data", "k", "p25", "median", "p75", "learned_is_better"]);
    for curve in &figure.result.curves {
        for (k, [lo, median, hi]) in quartiles(curve) {
            let wins = curve.learned_is_better.get(k - 1).copied().flatten();
            table.push([
                label(curve),
                curve.family.clone(),
                figure.origin.to_string(),
                k.to_string(),
                lo.to_string(),
                median.to_string(),
                hi.to_string(),
                wins.map(|w| w.to_string()).unwrap_or_default(),
            ]);
        }
    }
    table
}

/// Every resampling: one row a curve, resampling and budget.
pub(crate) fn resamplings_table(figure: &Figure3) -> Table {
    let mut table = Table::new(["curve", "data", "resampling", "k", "j"]);
    for curve in &figure.result.curves {
        for (resampling, row) in curve.raw.iter().enumerate() {
            for (i, j) in row.iter().enumerate() {
                table.push([
                    label(curve),
                    figure.origin.to_string(),
                    resampling.to_string(),
                    (i + 1).to_string(),
                    j.to_string(),
                ]);
            }
        }
    }
    table
}

/// The list learned on all tasks.
pub(crate) fn list_table(figure: &Figure3) -> Table {
    let mut table = Table::new(["entry", "name", "data", "train_score_after"]);
    for (i, entry) in figure.list.entries.iter().enumerate() {
        let score = entry.train_score_after.map(|s| s.to_string()).unwrap_or_default();
        table.push([i.to_string(), entry.name.clone(), figure.origin.to_string(), score]);
    }
    table
}

/// The report.
pub(crate) fn page(content: &Content<'_>) -> Report {
    let synthetic = content.figure.origin == Origin::Synthetic;
    let data = if synthetic { "synthetic stand-in data" } else { "real data" };
    Report {
        title: "TaskSet, section 5.1, figure 3".to_owned(),
        subtitle: format!(
            "The paper's claim: learned hyperparameter lists are more efficient than random search. {}, {data}.",
            match &content.request.curves {
                Some(_) => "Given curves".to_owned(),
                None => format!("Scale {}", content.request.settings.scale.name()),
            }
        ),
        synthetic,
        sections: vec![
            figure_section(content),
            how(content),
            tasks(content.figure),
            optimizers(content.figure),
            missing(),
        ],
    }
}

fn figure_section(content: &Content<'_>) -> Section {
    let files = [
        ("SVG", "figure3.svg"),
        ("PNG", "figure3.png"),
        ("numbers (CSV)", "figure3.csv"),
        ("every resampling (CSV)", "figure3_resamplings.csv"),
        ("list (CSV)", "figure3_list.csv"),
    ];
    let caption = format!(
        "J: for each held-out task the configuration with the best validation score among the first k is taken and its \
         test score reported; mean over tasks. 1 is the loss at initialisation, 0 the best that any configuration \
         reached. Black: a list learned greedily on the other half of the tasks. Colours: k configurations drawn at \
         random without replacement, the same for all tasks. All over {} resamplings of the task split and the draws.",
        content.figure.resamplings
    );
    Section {
        heading: "Figure 3".to_owned(),
        blocks: vec![
            Block::Figure(Figure {
                svg: content.svg.to_owned(),
                caption,
                files: files.into_iter().map(|(label, path)| FileLink::new(label, path)).collect(),
            }),
            Block::Claims(content.claims.to_vec()),
            Block::Paragraph(scale_note(content.figure)),
        ],
    }
}

/// What a smaller scale than the paper's does to the figure.
fn scale_note(figure: &Figure3) -> String {
    let most = figure.configurations.values().copied().max().unwrap_or(0);
    let mut note =
        "Random search without replacement meets the list where it runs out of configurations: at the right \
                    end of the axis both have tried all of them."
            .to_owned();
    if most < 1000 {
        note += &format!(
            " The paper has 1,000 configurations a family and 1,162 tasks. With {most} configurations and {} tasks, fewer configurations are best \
             for some task, so that the boxes are smaller than the paper's; and a family of one dimension is sampled far \
             more densely than one of eight, so that towards the right adam1p can pass the best that adam8p has.",
            figure.tasks.len()
        );
    }
    note
}

fn how(content: &Content<'_>) -> Section {
    let (figure, material) = (content.figure, content.material);
    let settings = &content.request.settings;
    let choice = if content.request.curves.is_some() {
        "those of the given curves".to_owned()
    } else {
        settings.task_rule.clone()
    };
    let data = match (&content.request.curves, figure.origin) {
        (Some(path), origin) => format!("{origin}, as recorded in {}", path.display()),
        (None, Origin::Synthetic) => "embedded synthetic stand-ins".to_owned(),
        (None, Origin::Partial) => {
            format!("{}, parts of the original data sets", content.request.datasets.source())
        }
        (None, Origin::Real) => format!("{}", content.request.datasets.source()),
    };
    let time = if material.trained > 0 {
        format!(
            "{:.0} s for {} trials at {} at once; {:.2} s of analysis",
            material.train_seconds, material.trained, content.request.jobs, content.analysis_seconds
        )
    } else {
        format!("nothing trained now; {:.2} s of analysis", content.analysis_seconds)
    };
    let configurations = figure.configurations.iter().map(|(name, n)| format!("{n} of {name}"));
    let row = |key: &str, value: String| (key.to_owned(), value);
    Section {
        heading: "How".to_owned(),
        blocks: vec![Block::KeyValues(vec![
            row("Tasks", format!("{}: {choice}", figure.tasks.len())),
            row("Optimizers", configurations.collect::<Vec<_>>().join(", ")),
            row("Replicas", figure.replicas.to_string()),
            row(
                "Protocol",
                figure
                    .protocol
                    .map_or_else(String::new, |protocol| format!("{protocol} (paper: 10000, 200, 50)")),
            ),
            row("Data", data),
            row(
                "Score",
                format!(
                    "normaliser `{NORMALIZER}`: mean over the points of the replica-averaged curve, 0 best, 1 initial or diverged"
                ),
            ),
            row("Choosing, reporting", "valid_outer, test".to_owned()),
            row(
                "Diverged trials",
                format!("{} of {} (kept, score 1 from there)", figure.diverged, figure.trials),
            ),
            row(
                "Curves",
                format!(
                    "{}, {} in all, {} reused",
                    material.place.display(),
                    figure.trials,
                    figure.trials - material.trained
                ),
            ),
            row("Time", time),
            row("Machine", machine(material)),
            row("Program", format!("taskset-rs {}", material.metadata.program_version)),
        ])],
    }
}

/// Where the curves were trained, in words.
fn machine(material: &Material) -> String {
    let Metadata { machine, kernels, threads, .. } = &material.metadata;
    let at_once =
        if *threads == 1 { "1 trial at a time".to_owned() } else { format!("{threads} trials at a time") };
    format!("{machine}, {kernels} kernels, {at_once}")
}

fn tasks(figure: &Figure3) -> Section {
    let header = ["task", "parameters", "data", "initial loss", "best loss", "best configuration", "used"];
    let mut table = Table::new(header);
    for task in &figure.tasks {
        table.push([
            task.name.clone(),
            task.parameters.to_string(),
            task.origin.to_string(),
            format!("{:.4e}", task.initial),
            format!("{:.4e}", task.best),
            task.best_optimizer.clone(),
            if task.dropped { "no: nothing learned" } else { "yes" }.to_owned(),
        ]);
    }
    let dropped = figure.tasks.iter().filter(|t| t.dropped).count();
    let text = format!(
        "Losses are validation losses (valid_outer), the best over all configurations of all families and all points. {} of \
         {} tasks are used; a task on which no configuration got below the initial loss has no scale.",
        figure.tasks.len() - dropped,
        figure.tasks.len()
    );
    Section { heading: "Tasks".to_owned(), blocks: vec![Block::Paragraph(text), Block::Table(table)] }
}

fn optimizers(figure: &Figure3) -> Section {
    let mut boxes = Table::new(["hyperparameter", "min–max box", "5–95 percentile box"]);
    if let [min_max, percentile] = &figure.boxes[..] {
        for ((name, lo, hi), (_, lo5, hi95)) in min_max.ranges.iter().zip(&percentile.ranges) {
            boxes.push([name.clone(), format!("{lo:.2e} to {hi:.2e}"), format!("{lo5:.2e} to {hi95:.2e}")]);
        }
    }
    let quantiles: Vec<String> = figure
        .boxes
        .iter()
        .map(|b| {
            format!(
                "between the {:.0}th and {:.0}th percentile {} of {} candidates ({:.1} % of the volume)",
                b.lower * 100.0,
                b.upper * 100.0,
                b.inside,
                b.of,
                b.volume * 100.0
            )
        })
        .collect();
    let text = format!(
        "The boxes are drawn with hindsight around the best configuration of every task, held-out ones included: {}.",
        quantiles.join("; ")
    );
    Section {
        heading: "Search boxes, and the list".to_owned(),
        blocks: vec![
            Block::Paragraph(text),
            Block::Table(boxes),
            Block::Paragraph(
                "The first ten entries of a list learned on all tasks: what to try on a new one. `optimizers show NAME` \
                 prints the hyperparameters."
                    .to_owned(),
            ),
            Block::Table(list_table(figure)),
        ],
    }
}

fn missing() -> Section {
    Section {
        heading: "What is not here".to_owned(),
        blocks: vec![Block::Paragraph(
            "Of the paper's tasks this version trains the families mlp, quadratic and losg, the two-dimensional functions \
             and the fixed MLP classifiers; convolutional, recurrent, flow and auto-encoder tasks are missing. Of \
             section 5 it draws figure 3; figures 4 to 6 are missing."
                .to_owned(),
        )],
    }
}
