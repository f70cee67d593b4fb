//! Tests of line charts: what is drawn, what is left out, and that nothing leaves the picture.

use proptest::prelude::*;
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::Document;

use super::{check_inside_svg, elements, texts};
use crate::chart::{Dash, Guide, LineChart, Marker, Point, Series};
use crate::{Color, Error, Style, png};

fn series(label: &str, points: &[(f64, f64)]) -> Series {
    let points = points.iter().map(|&(x, y)| Point { x, y, lo: y - 0.1, hi: y + 0.1 }).collect();
    Series::new(label, Color::BLUE, points)
}

fn chart(series: Vec<Series>) -> LineChart {
    LineChart { title: "T".into(), x_label: "X".into(), y_label: "Y".into(), series, ..LineChart::default() }
}

#[test]
fn a_line_has_a_band_and_a_place_in_the_legend() {
    let svg = chart(vec![series("random search", &[(1.0, 0.5), (2.0, 0.4), (3.0, 0.3)])]).svg().unwrap();
    assert_eq!(elements(&svg, "path", "fill-opacity"), 1);
    // The line and its swatch.
    assert_eq!(elements(&svg, "path", "stroke-linejoin"), 2);
    for text in ["T", "X", "Y", "random search"] {
        assert!(texts(&svg).contains(&text.to_owned()), "{text}");
    }
}

#[test]
fn what_cannot_be_drawn_is_a_gap() {
    let nan = f64::NAN;
    let points =
        [(0.0, 1.0), (1.0, 2.0), (2.0, nan), (3.0, 1.0), (4.0, f64::INFINITY), (5.0, 1.0), (6.0, 2.0)];
    let svg = chart(vec![series("s", &points)]).svg().unwrap();
    // Two lines and the swatch; the lone point between the gaps is a dot with an upright band.
    assert_eq!(elements(&svg, "path", "stroke-linejoin"), 3);
    assert_eq!((elements(&svg, "circle", "r"), elements(&svg, "path", "stroke-opacity")), (1, 1));
    assert_eq!(elements(&svg, "path", "fill-opacity"), 2);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn values_that_are_not_positive_are_gaps_on_logarithmic_axes() {
    let points = [(0.0, 1.0), (1.0, 1.0), (2.0, 2.0), (3.0, 0.05), (4.0, -1.0)];
    let log = LineChart { x_log: true, y_log: true, ..chart(vec![series("s", &points)]) };
    let svg = log.svg().unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    // One line of three points, and a band over two of them: 0.05 − 0.1 has no logarithm.
    assert_eq!(elements(&svg, "path", "stroke-linejoin"), 2);
    let band = Document::parse(&svg).unwrap();
    let band = band.descendants().find(|n| n.tag_name().name() == "path" && n.has_attribute("fill-opacity"));
    assert_eq!(band.unwrap().attribute("d").unwrap().matches(['M', 'L']).count(), 4);
}

#[test]
fn a_diverged_series_stays_in_the_legend() {
    let diverged = series("diverged", &[(1.0, f64::NAN), (2.0, f64::NAN)]);
    let svg = chart(vec![diverged.clone(), series("fine", &[(1.0, 1.0)])]).svg().unwrap();
    assert!(texts(&svg).contains(&"diverged (no finite values)".to_owned()));
    let nothing = Err(Error::NothingToDraw { title: "T".into() });
    assert_eq!(chart(vec![diverged]).svg(), nothing);
    assert_eq!(chart(vec![]).svg(), nothing);
}

#[test]
fn broken_series_are_errors() {
    let backwards = chart(vec![series("s", &[(1.0, 1.0), (f64::NAN, 1.0), (0.5, 1.0)])]);
    assert_eq!(backwards.svg(), Err(Error::Unordered { series: "s".into(), index: 2 }));
    let mut upside_down = series("s", &[(1.0, 1.0)]);
    (upside_down.points[0].lo, upside_down.points[0].hi) = (2.0, 1.0);
    let error = Error::Band { series: "s".into(), index: 0, lo: 2.0, hi: 1.0 };
    assert_eq!(chart(vec![upside_down]).svg(), Err(error));
}

#[test]
fn emphasis_is_drawn_last_and_bold() {
    let first = series("first", &[(1.0, 1.0), (2.0, 2.0)]).emphasized();
    let second = Series { color: Color::ORANGE, ..series("second", &[(1.0, 2.0), (2.0, 1.0)]) };
    let svg = chart(vec![first, second]).svg().unwrap();
    let lines: Vec<&str> = svg.lines().filter(|line| line.contains("linejoin")).collect();
    assert!(lines[0].contains("#e69f00") && lines[1].contains("#0072b2"), "{lines:?}");
    assert!(lines[1].contains(r#"stroke-width="3""#), "{lines:?}");
    assert_eq!(elements(&svg, "text", "font-weight"), 2, "title and one entry of the legend");
}

#[test]
fn the_note_is_in_the_picture() {
    let plain = chart(vec![series("s", &[(1.0, 1.0), (2.0, 2.0)])]);
    let noted = LineChart { note: Some("synthetic stand-in data".into()), ..plain.clone() };
    let (plain, noted) = (plain.svg().unwrap(), noted.svg().unwrap());
    assert!(texts(&noted).contains(&"synthetic stand-in data".to_owned()));
    assert_eq!(elements(&noted, "rect", "rx"), elements(&plain, "rect", "rx") + 1);
}

#[test]
fn dashes_and_widths_are_kept_in_range() {
    for (width, drawn) in [(f64::NAN, "0.5"), (1e9, "10"), (2.5, "2.5")] {
        let mut s = series("s", &[(1.0, 1.0), (2.0, 2.0)]).dash(Dash::Dashed);
        s.style = Style { width, ..s.style };
        let svg = chart(vec![s]).svg().unwrap();
        assert!(svg.contains(&format!(r#"stroke-width="{drawn}""#)), "{width}");
        assert_eq!(elements(&svg, "path", "stroke-dasharray"), 2);
    }
}

#[test]
fn shapes_stand_at_every_point_and_alone() {
    let marked = series("s", &[(1.0, 1.0), (2.0, 2.0)]).markers(Marker::Square);
    let alone = series("t", &[(3.0, 1.0)]).markers(Marker::Star);
    let svg = chart(vec![marked, alone]).svg().unwrap();
    let shapes: Vec<&str> = svg.lines().filter(|line| line.contains("z\" fill=")).collect();
    // Those of the two series, and the same in the legend.
    let counts: Vec<usize> = shapes.iter().map(|line| line.matches('z').count()).collect();
    assert_eq!(counts, [2, 1, 1, 1]);
    assert_eq!(elements(&svg, "circle", "r"), 0);
}

#[test]
fn guides_are_inside_and_named() {
    let plain = chart(vec![series("s", &[(1.0, 1.0), (2.0, 2.0)])]);
    let guides = vec![
        Guide::vertical(50.0).label("far away"),
        Guide::horizontal(-3.0),
        Guide::diagonal().label("equal"),
        Guide::vertical(f64::NAN).label("nowhere"),
    ];
    let guided = LineChart { guides, ..plain.clone() };
    let svg = guided.svg().unwrap();
    // Three lines and two names.
    assert_eq!(elements(&svg, "path", "stroke-dasharray"), 5);
    assert!(texts(&svg).contains(&"far away".to_owned()) && !texts(&svg).contains(&"nowhere".to_owned()));
    check_inside(&guided);
    // A guide alone is nothing to draw.
    let alone = LineChart { series: Vec::new(), ..guided };
    assert!(matches!(alone.svg(), Err(Error::NothingToDraw { .. })));
    // On a logarithmic axis, the negative one has no place.
    let log = LineChart { y_log: true, guides: vec![Guide::horizontal(-3.0)], ..plain };
    assert_eq!(elements(&log.svg().unwrap(), "path", "stroke-dasharray"), 0);
}

#[test]
fn the_png_is_the_svg_at_its_scale_and_not_blank() {
    let chart = chart(vec![series("s", &[(1.0, 1.0), (2.0, 2.0)])]);
    let svg = chart.svg().unwrap();
    assert_eq!(svg, chart.svg().unwrap());
    let document = Document::parse(&svg).unwrap();
    let side = |name| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
    let bytes = png(&svg, 1.5).unwrap();
    assert_eq!(bytes, png(&svg, 1.5).unwrap());
    let picture = Pixmap::decode_png(&bytes).unwrap();
    assert_eq!(
        (picture.width(), picture.height()),
        (side("width") * 3 / 2, (side("height") * 3).div_ceil(2))
    );
    let blue = picture.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) == (0, 0x72, 0xb2)).count();
    assert!(blue > 1000, "{blue} pixels of the line");
    let corner = picture.pixels()[0];
    assert_eq!((corner.red(), corner.green(), corner.blue(), corner.alpha()), (255, 255, 255, 255));
}

/// Every text lies inside the picture, as the renderer measures it.
fn check_inside(chart: &LineChart) {
    for svg in [chart.svg().unwrap(), chart.narrow_svg().unwrap()] {
        check_inside_svg(&svg);
    }
}

#[test]
fn nothing_leaves_the_picture() {
    let long =
        "a label of many words that goes on and on and then on again until nothing is left to say at all";
    let many = (0..9).map(|i| series(&format!("{long} {i}"), &[(1.0, 1.0), (1e9, 1e-9)])).collect();
    check_inside(&LineChart {
        title: long.repeat(2),
        subtitle: Some(long.repeat(3)),
        x_label: long.into(),
        y_label: long.into(),
        note: Some(long.repeat(2)),
        x_log: true,
        ..chart(many)
    });
    check_inside(&chart(vec![series("", &[(-1e300, 1e-7), (0.0, 3e-7)])]));
    check_inside(&chart(vec![series("one", &[(0.0, 0.0)])]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text and any numbers give well-formed XML without a non-number in it, or a typed error.
    #[test]
    fn svg_is_well_formed(
        texts in prop::collection::vec(any::<String>(), 6),
        values in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..6),
        x_log in any::<bool>(),
        y_log in any::<bool>(),
    ) {
        let point = |(i, &(y, a, b)): (usize, &(f64, f64, f64))| {
            Point { x: i as f64, y, lo: a.min(b), hi: a.max(b) }
        };
        let points: Vec<Point> = values.iter().enumerate().map(point).collect();
        let chart = LineChart {
            title: texts[0].clone(),
            subtitle: Some(texts[1].clone()),
            x_label: texts[2].clone(),
            y_label: texts[3].clone(),
            x_log,
            y_log,
            series: vec![Series::new(&texts[4], Color::cycle(3), points)],
            note: Some(texts[5].clone()),
            ..LineChart::default()
        };
        match chart.svg() {
            Ok(svg) => {
                prop_assert!(Document::parse(&svg).is_ok());
                for line in svg.lines().filter(|line| line.starts_with("<path")) {
                    prop_assert!(!line.contains("NaN") && !line.contains("inf"), "{}", line);
                }
                prop_assert_eq!(Ok(svg), chart.svg());
            }
            Err(error) => prop_assert!(matches!(error, Error::NothingToDraw { .. }), "{}", error),
        }
    }
}
