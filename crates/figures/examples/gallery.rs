//! Draws one chart of each kind, with invented numbers of realistic size, into a folder: wide and narrow, SVG and PNG,
//! and a page that shows them all.
//!
//! ```sh
//! cargo run -p taskset-figures --example gallery -- FOLDER
//! ```

use std::error::Error;
use std::path::PathBuf;

use taskset_figures::{
    Block, BoxChart, BoxRow, Category, Chart, Claim, ClaimRow, Color, Figure, FileLink, Guide, Heatmap,
    HeatmapRow, Histogram, LineChart, Marker, Point, PointGroup, Report, ScatterChart, Section, Series,
    Stack, Verdict, compact_panels, narrow_panels, png,
};

/// Families of TaskSet.
const FAMILIES: [&str; 25] = [
    "mlp_family",
    "mlp_ae_family",
    "mlp_vae_family",
    "conv_fc_family",
    "conv_pooling_family",
    "rnn_text_classification_family",
    "char_rnn_language_model_family",
    "word_rnn_language_model_family",
    "quadratic_family",
    "maf_family",
    "nvp_family",
    "losg_tasks_family",
    "FixedMLP",
    "FixedMLPAE",
    "FixedMLPVAE",
    "FixedImageConv",
    "FixedImageConvAE",
    "FixedImageConvVAE",
    "FixedMAF",
    "FixedNVP",
    "FixedLM",
    "FixedTextRNNClassification",
    "Associative_GRU128_BS128",
    "TwoD",
    "Copy",
];

/// Numbers that look random and are the same on every run.
struct Numbers(u64);

impl Numbers {
    /// Uniform between 0 and 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, with mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("give the folder for the pictures")?);
    std::fs::create_dir_all(&folder)?;
    let mut report = Report {
        title: "Gallery".to_owned(),
        subtitle: "One chart of each kind, drawn from invented numbers.".to_owned(),
        ..Report::default()
    };
    let charts: Vec<(&str, Chart)> = vec![
        ("lines", lines().into()),
        ("embedding", embedding().into()),
        ("scatter", scatter().into()),
        ("parameters", parameters().into()),
        ("times", times().into()),
        ("transfer", transfer().into()),
        ("similarity", similarity().into()),
        ("boxes", boxes().into()),
        ("long_boxes", long_boxes().into()),
    ];
    for (name, chart) in &charts {
        let (wide, narrow) = (chart.svg()?, chart.narrow_svg()?);
        save(&folder, name, &wide)?;
        save(&folder, &format!("{name}_narrow"), &narrow)?;
        let figure = Figure {
            svg: wide,
            narrow: Some(narrow),
            caption: format!("The chart {name}."),
            files: vec![FileLink::new("PNG", format!("{name}.png"))],
        };
        let blocks = vec![Block::Figure(figure)];
        report.sections.push(Section { heading: chart.title().to_owned(), blocks });
    }
    let panels = [0, 4, 2, 8].map(|i| charts[i].1.clone());
    let (wide, narrow) = (compact_panels(&panels, 2)?, narrow_panels(&panels)?);
    save(&folder, "panels", &wide)?;
    let figure = Figure { svg: wide, narrow: Some(narrow), caption: "Panels.".to_owned(), files: Vec::new() };
    report.sections.push(Section { heading: "Panels".to_owned(), blocks: vec![Block::Figure(figure)] });
    report.sections.push(claims(&charts));
    std::fs::write(folder.join("index.html"), report.html())?;
    Ok(())
}

/// A table of claims, and what a section of a figure may have besides its picture.
fn claims(charts: &[(&str, Chart)]) -> Section {
    let verdicts = [
        Verdict::Holds,
        Verdict::DoesNotHold,
        Verdict::CannotTell { reason: "Only a part of the data set was used".to_owned() },
    ];
    let claim = |(i, (_, chart)): (usize, &(&str, Chart))| {
        let claim = Claim {
            text: format!("What the paper says about figure {}", i + 1),
            rule: "The median is larger in more than half of the tasks.".to_owned(),
            measured: vec![format!("{} of 25 families", (7 * i) % 25), "median 0.43".to_owned()],
            verdict: verdicts[i % 3].clone(),
        };
        ClaimRow {
            section: Some(chart.title().to_owned()),
            ..ClaimRow::new(format!("Figure {}", i + 1), claim)
        }
    };
    let details = Block::Details {
        summary: "How this was made".to_owned(),
        blocks: vec![
            Block::KeyValues(vec![
                ("tasks".to_owned(), "1,162".to_owned()),
                ("replicas".to_owned(), "5".to_owned()),
            ]),
            Block::Code("cargo run -p taskset-figures --example gallery -- FOLDER".to_owned()),
        ],
    };
    let nested = Section { heading: "Details".to_owned(), blocks: vec![details] };
    let rows = charts.iter().enumerate().map(claim).collect();
    Section {
        heading: "All claims".to_owned(),
        blocks: vec![Block::ClaimTable(rows), Block::Section(nested)],
    }
}

fn save(folder: &std::path::Path, name: &str, svg: &str) -> Result<(), Box<dyn Error>> {
    std::fs::write(folder.join(format!("{name}.svg")), svg)?;
    std::fs::write(folder.join(format!("{name}.png")), png(svg, 1.5)?)?;
    Ok(())
}

fn lines() -> LineChart {
    let curve = |i: usize| {
        let point = |k: u32| {
            let x = f64::from(1 << k);
            let y = 0.05 + (0.6 + 0.1 * i as f64) * x.powf(-0.25 - 0.05 * i as f64);
            Point { x, y, lo: 0.9 * y, hi: 1.12 * y }
        };
        Series::new(
            format!("sample {}", 10 << i),
            Color::sequence(i as f64 / 4.0),
            (0..10).map(point).collect(),
        )
        .markers(Category::of(i).marker)
    };
    let mut series: Vec<Series> = (0..5).map(curve).collect();
    let single = vec![Point { x: 100.0, y: 0.3, lo: 0.25, hi: 0.36 }];
    series.push(Series::new("one measurement", Color::VERMILLION, single).markers(Marker::Star));
    LineChart {
        title: "Lines with markers, and guides".to_owned(),
        subtitle: Some("Median of 5 replicas, band from the 25th to the 75th percentile".to_owned()),
        x_label: "configurations tried".to_owned(),
        y_label: "normalized score (lower is better)".to_owned(),
        x_log: true,
        series,
        guides: vec![
            Guide::vertical(100.0).label("100 trials"),
            Guide::horizontal(0.2).color(Color::VERMILLION).label("best of a full search"),
        ],
        note: Some("synthetic stand-in data".to_owned()),
        ..LineChart::default()
    }
}

fn embedding() -> ScatterChart {
    let mut numbers = Numbers(7);
    let group = |(i, name): (usize, &&str)| {
        let angle = i as f64 * 2.4;
        let (x, y) = (8.0 * (i as f64).sqrt() * angle.cos(), 8.0 * (i as f64).sqrt() * angle.sin());
        let spread = 1.5 + 2.5 * numbers.uniform();
        let points =
            (0..46).map(|_| (x + spread * numbers.normal(), y + spread * numbers.normal())).collect();
        PointGroup::new(*name, Category::of(i), points)
    };
    ScatterChart {
        title: "t-SNE of 1,150 tasks by their losses".to_owned(),
        subtitle: Some("Perplexity 30; every point is a task".to_owned()),
        groups: FAMILIES.iter().enumerate().map(group).collect(),
        axes: false,
        ..ScatterChart::default()
    }
}

fn scatter() -> ScatterChart {
    let mut numbers = Numbers(3);
    let mut points = |n: usize, noise: f64| -> Vec<(f64, f64)> {
        let point = |_| {
            let x = 10f64.powf(6.0 * numbers.uniform() - 3.0);
            (x, x * 10f64.powf(noise * numbers.normal()))
        };
        (0..n).map(point).collect()
    };
    let mut second = points(120, 0.2);
    second[3].1 = f64::NAN;
    ScatterChart {
        title: "Predicted and measured seconds".to_owned(),
        x_label: "measured (s)".to_owned(),
        y_label: "predicted (s)".to_owned(),
        x_log: true,
        y_log: true,
        groups: vec![
            PointGroup::new("linear model", Category::of(0), points(300, 0.4)),
            PointGroup::new("table look-up", Category::of(1), second),
        ],
        guides: vec![Guide::diagonal().label("equal")],
        ..ScatterChart::default()
    }
}

fn parameters() -> Histogram {
    let mut numbers = Numbers(11);
    let stack = |(i, name): (usize, &&str)| {
        let middle = 2.0 + 4.0 * numbers.uniform();
        let count = 20 + (80.0 * numbers.uniform()) as usize;
        let values = (0..count).map(|_| 10f64.powf((middle + numbers.normal()).max(0.31)).round()).collect();
        Stack::new(*name, Category::of(i), values)
    };
    Histogram {
        title: "Parameters of the tasks".to_owned(),
        x_label: "number of parameters".to_owned(),
        y_label: "number of tasks".to_owned(),
        x_log: true,
        stacks: FAMILIES.iter().enumerate().map(stack).collect(),
        ..Histogram::default()
    }
}

fn times() -> Histogram {
    let mut numbers = Numbers(5);
    let values = (0..1162).map(|_| 10f64.powf(2.6 + 0.8 * numbers.normal())).collect();
    Histogram {
        title: "Training time of a task".to_owned(),
        subtitle: Some("10,000 steps on one core".to_owned()),
        x_label: "seconds".to_owned(),
        y_label: "number of tasks".to_owned(),
        x_log: true,
        stacks: vec![Stack::new("", Category::of(0), values)],
        guides: vec![Guide::vertical(3600.0).color(Color::VERMILLION).label("one hour")],
        ..Histogram::default()
    }
}

fn transfer() -> Heatmap {
    let mut numbers = Numbers(13);
    let row = |(i, name): (usize, &&str)| {
        let value = |j: usize| match (i, j) {
            (4, 5..=8) => f64::NAN,
            _ if i == j => 100.0,
            _ => 90.0 * numbers.uniform() * numbers.uniform(),
        };
        HeatmapRow::new(*name, (0..FAMILIES.len()).map(value).collect())
    };
    Heatmap {
        title: "Transfer between families".to_owned(),
        x_label: "family that the list was tested on".to_owned(),
        y_label: "family that the list was learned on".to_owned(),
        value_label: "share of the possible improvement (%)".to_owned(),
        columns: FAMILIES.iter().map(|name| (*name).to_owned()).collect(),
        rows: FAMILIES.iter().enumerate().map(row).collect(),
        range: Some((0.0, 100.0)),
        ..Heatmap::default()
    }
}

fn similarity() -> Heatmap {
    let names = ["adam1p", "adam4p", "adam6p", "adam8p"];
    let values =
        [[1.0, 0.83, 0.71, 0.6], [0.83, 1.0, -0.03, 0.72], [0.71, 0.9, 1.0, 0.8], [0.6, 0.72, 0.8, 1.0]];
    Heatmap {
        title: "Rank correlation of optimizer families".to_owned(),
        value_label: "Spearman's rank correlation".to_owned(),
        columns: names.map(str::to_owned).to_vec(),
        rows: names.iter().zip(values).map(|(name, row)| HeatmapRow::new(*name, row.to_vec())).collect(),
        ..Heatmap::default()
    }
}

fn row(i: usize, name: &str, numbers: &mut Numbers) -> BoxRow {
    let (middle, half) = (10f64.powf(1.0 + 2.5 * numbers.uniform()), 0.2 + 0.6 * numbers.uniform());
    let at = |k: f64| middle * 10f64.powf(k * half);
    let outliers = (0..i % 7).map(|_| at(2.2 + 1.5 * numbers.uniform())).collect();
    BoxRow::new(name, Category::of(i).color, [at(-2.0), at(-0.6), middle, at(0.6), at(2.0)])
        .outliers(outliers)
}

fn boxes() -> BoxChart {
    let mut numbers = Numbers(17);
    let mut rows: Vec<BoxRow> =
        FAMILIES.iter().enumerate().map(|(i, name)| row(i, name, &mut numbers)).collect();
    rows[2] = BoxRow::new(FAMILIES[2], Color::GREEN, [f64::NAN; 5]);
    BoxChart {
        title: "Training time by family".to_owned(),
        subtitle: Some("Whiskers to the furthest task within 1.5 times the interquartile range".to_owned()),
        x_label: "seconds for 10,000 steps".to_owned(),
        x_log: true,
        rows,
        guides: vec![Guide::vertical(3600.0).color(Color::VERMILLION).label("one hour")],
        ..BoxChart::default()
    }
}

fn long_boxes() -> BoxChart {
    let mut numbers = Numbers(19);
    let name = "a group with a rather long description, such as the name of a protocol";
    BoxChart {
        title: "Boxes with long labels".to_owned(),
        x_label: "seconds".to_owned(),
        rows: (0..4).map(|i| row(i + 3, &format!("{name} {i}"), &mut numbers)).collect(),
        ..BoxChart::default()
    }
}
