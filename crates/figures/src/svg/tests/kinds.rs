//! Tests of scatter charts, histograms, heatmaps and box plots.

use proptest::prelude::*;
use resvg::usvg::roxmltree::Document;

use super::{check_inside_svg, elements, texts};
use crate::chart::{
    BoxChart, BoxRow, Category, Chart, Guide, Heatmap, HeatmapRow, Histogram, PointGroup, ScatterChart, Stack,
};
use crate::{Color, Error};

const NAN: f64 = f64::NAN;

fn scatter(points: Vec<(f64, f64)>) -> ScatterChart {
    let groups = vec![PointGroup::new("g", Category::of(0), points)];
    ScatterChart { title: "T".into(), groups, ..ScatterChart::default() }
}

fn histogram(stacks: &[&[f64]]) -> Histogram {
    let stack = |(i, values): (usize, &&[f64])| Stack::new(format!("s{i}"), Category::of(i), values.to_vec());
    Histogram {
        title: "T".into(),
        stacks: stacks.iter().enumerate().map(stack).collect(),
        ..Histogram::default()
    }
}

fn heatmap(rows: &[&[f64]]) -> Heatmap {
    let row = |(i, values): (usize, &&[f64])| HeatmapRow::new(format!("r{i}"), values.to_vec());
    Heatmap {
        title: "T".into(),
        columns: (0..rows[0].len()).map(|i| format!("c{i}")).collect(),
        rows: rows.iter().enumerate().map(row).collect(),
        ..Heatmap::default()
    }
}

fn boxes(fives: &[[f64; 5]]) -> BoxChart {
    let row = |(i, &five): (usize, &[f64; 5])| BoxRow::new(format!("r{i}"), Color::cycle(i), five);
    BoxChart { title: "T".into(), rows: fives.iter().enumerate().map(row).collect(), ..BoxChart::default() }
}

/// Draws both widths; checks that everything is inside, finite and the same again.
fn check(chart: impl Into<Chart>) -> String {
    let chart = chart.into();
    for svg in [chart.svg().unwrap(), chart.narrow_svg().unwrap()] {
        check_inside_svg(&svg);
        check_finite(&svg);
    }
    assert_eq!(chart.svg(), chart.svg());
    chart.svg().unwrap()
}

fn check_finite(svg: &str) {
    assert!(Document::parse(svg).is_ok());
    for line in svg.lines().filter(|line| !line.contains("<text") && !line.starts_with("<svg")) {
        assert!(!line.contains("NaN") && !line.contains("inf"), "{line}");
    }
}

#[test]
fn a_group_is_one_element_and_says_what_is_not_shown() {
    let svg = check(scatter(vec![(1.0, 1.0), (2.0, NAN), (3.0, 4.0)]));
    let shapes: Vec<&str> = svg.lines().filter(|line| line.contains("0z")).collect();
    assert_eq!(shapes.iter().map(|line| line.matches('z').count()).collect::<Vec<_>>(), [2, 1]);
    assert!(texts(&svg).contains(&"g (1 point not shown)".to_owned()));
}

#[test]
fn without_axes_there_is_no_number_and_one_scale() {
    // A square of points stays a square in a frame that is not.
    let corners = vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
    let svg = check(ScatterChart { axes: false, ..scatter(corners) });
    assert_eq!(texts(&svg), ["T", "g"]);
    let path = svg.lines().find(|line| line.contains("0z")).unwrap();
    let starts = path.split('M').skip(1).map(|piece| piece.split('a').next().unwrap());
    let places: Vec<(f64, f64)> = starts
        .map(|p| p.split_once(' ').unwrap())
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    let (across, up) = (places[1].0 - places[0].0, places[0].1 - places[2].1);
    assert!((across - up).abs() < 0.1 && across > 300.0, "{across} {up}");
}

#[test]
fn a_diagonal_is_where_both_axes_agree() {
    let diagonal = |x_log, y_log, points| {
        let chart = ScatterChart { x_log, y_log, guides: vec![Guide::diagonal()], ..scatter(points) };
        elements(&check(chart), "path", "stroke-dasharray")
    };
    for (x_log, y_log) in [(false, false), (true, true), (true, false), (false, true)] {
        assert_eq!(diagonal(x_log, y_log, vec![(1.0, 2.0), (30.0, 20.0)]), 1);
        assert_eq!(diagonal(x_log, y_log, vec![(1.0, 100.0), (3.0, 200.0)]), 0, "no common value");
    }
}

#[test]
fn bars_stand_on_each_other() {
    let chart = histogram(&[&[0.0, 0.0, 100.0], &[0.0, 200.0], &[NAN]]);
    let chart = Histogram { guides: vec![Guide::vertical(5.0).label("limit")], ..chart };
    assert_eq!(chart.counts().iter().map(|stack| stack.iter().sum::<u64>()).collect::<Vec<_>>(), [3, 2, 0]);
    let svg = check(chart);
    let bars: Vec<&str> =
        svg.lines().filter(|line| line.contains("stroke=\"#ffffff\" stroke-width=\"0.5\"")).collect();
    // Two stacks, and three names.
    assert_eq!(bars.len(), 5);
    assert_eq!(bars[0].matches('z').count(), 2);
    assert!(texts(&svg).contains(&"s2 (1 value not shown)".to_owned()));
    assert!(texts(&svg).contains(&"limit".to_owned()));
    // Whole numbers on the axis of counts.
    assert!(texts(&svg).contains(&"3".to_owned()) && !texts(&svg).contains(&"0.5".to_owned()));
}

#[test]
fn one_stack_without_a_name_has_no_legend() {
    let mut chart = histogram(&[&[1.0, 2.0]]);
    chart.stacks[0].label.clear();
    assert!(!check(chart).contains("stroke-dasharray"));
}

#[test]
fn shapes_in_bars_tell_equal_colours_apart() {
    let values = [1.0; 4];
    let two = check(histogram(&[&values, &values]));
    let nine = check(histogram(&[&values[..]; 9]));
    let shapes = |svg: &str| svg.lines().filter(|line| line.contains("z\" fill=\"#ffffff\"")).count();
    assert_eq!(shapes(&two), 0);
    assert!(shapes(&nine) > 0);
}

#[test]
fn cells_have_numbers_where_they_fit_and_a_hatch_without_value() {
    let svg = check(heatmap(&[&[1.0, 0.25], &[NAN, -0.004]]));
    for text in ["1.00", "0.25", "0.00", "r0", "c1", "no value"] {
        assert!(texts(&svg).contains(&text.to_owned()), "{text}");
    }
    // The hatch of the cell and of its explanation.
    assert_eq!(svg.matches("stroke=\"#9a9a9a\"").count(), 2);
    let wide: Vec<f64> = (0..200).map(f64::from).collect();
    assert!(!texts(&check(heatmap(&[&wide]))).contains(&"199".to_owned()));
    let given = Heatmap { decimals: Some(1), log: true, ..heatmap(&[&[0.5, 1e3]]) };
    assert!(texts(&check(given)).contains(&"1000.0".to_owned()));
}

#[test]
fn twenty_five_columns_have_their_names_on_phones_and_more_have_every_second() {
    let names = |columns: usize| {
        let mut chart = heatmap(&[&vec![0.5; columns]]);
        chart.columns = (0..columns).map(|i| format!("a rather long name {i}")).collect();
        chart.rows[0].label = "another rather long name".into();
        let svg = chart.narrow_svg().unwrap();
        check_inside_svg(&svg);
        texts(&svg).iter().filter(|text| text.starts_with("a rather long name")).count()
    };
    assert_eq!([names(25), names(40)], [25, 20]);
}

#[test]
fn a_given_range_holds_the_colours_of_other_values() {
    let chart = Heatmap { range: Some((0.0, 1.0)), ..heatmap(&[&[-5.0, 0.0, 1.0, 7.0]]) };
    let svg = check(chart);
    let fill =
        |color: Color| svg.lines().filter(|l| l.contains(&format!("height=\"29\" fill=\"{color}\""))).count();
    assert_eq!([fill(Color::sequence(0.0)), fill(Color::sequence(1.0))], [2, 2]);
}

#[test]
fn a_row_of_wrong_length_is_an_error() {
    let mut chart = heatmap(&[&[1.0, 2.0]]);
    chart.rows[0].values.pop();
    assert_eq!(chart.svg(), Err(Error::Cells { row: "r0".into(), columns: 2, values: 1 }));
}

#[test]
fn boxes_show_what_is_finite() {
    let mut chart = boxes(&[[1.0, 2.0, 3.0, 4.0, 5.0], [NAN; 5], [0.0, 2.0, 3.0, 4.0, f64::INFINITY]]);
    chart.rows[0].outliers = vec![9.0, NAN, -3.0];
    let log = BoxChart { x_log: true, ..chart.clone() };
    let svg = check(chart);
    assert_eq!(elements(&svg, "rect", "fill-opacity"), 2);
    assert_eq!(svg.lines().find(|line| line.contains("0z")).unwrap().matches('z').count(), 2);
    assert!(texts(&svg).contains(&"r1 (no finite values)".to_owned()));
    // Neither the whisker to 0 nor the outlier below it has a place.
    let svg = check(log);
    assert_eq!(svg.lines().find(|line| line.contains("0z")).unwrap().matches('z').count(), 1);
}

#[test]
fn whiskers_inside_the_box_are_left_out_and_falling_quartiles_are_errors() {
    let svg = check(boxes(&[[3.0, 2.0, 3.0, 4.0, 3.5]]));
    assert!(!svg.contains("fill=\"none\" stroke="));
    let falling = boxes(&[[1.0, 3.0, 2.0, 4.0, 5.0]]);
    let error = Error::Quartiles { row: "r0".into(), q1: 3.0, median: 2.0, q3: 4.0 };
    assert_eq!(falling.svg(), Err(error));
}

#[test]
fn nothing_to_draw_is_an_error_in_every_kind() {
    let charts: Vec<Chart> = vec![
        ScatterChart { title: "T".into(), guides: vec![Guide::vertical(1.0)], ..ScatterChart::default() }
            .into(),
        scatter(vec![(NAN, 1.0)]).into(),
        Histogram { title: "T".into(), guides: vec![Guide::vertical(1.0)], ..Histogram::default() }.into(),
        Histogram { x_log: true, ..histogram(&[&[0.0, -1.0]]) }.into(),
        Heatmap { title: "T".into(), ..Heatmap::default() }.into(),
        heatmap(&[&[NAN]]).into(),
        BoxChart { title: "T".into(), guides: vec![Guide::vertical(1.0)], ..BoxChart::default() }.into(),
        boxes(&[[NAN; 5]]).into(),
    ];
    for chart in charts {
        let nothing = Err(Error::NothingToDraw { title: "T".into() });
        assert_eq!((chart.svg(), chart.narrow_svg()), (nothing.clone(), nothing), "{chart:?}");
    }
}

#[test]
fn one_value_and_equal_values_are_drawn() {
    for value in [0.0, -3.0, 1.0, 1e300, 1e-300] {
        check(scatter(vec![(value, value); 2]));
        check(ScatterChart { axes: false, ..scatter(vec![(value, value)]) });
        check(histogram(&[&[value], &[value; 3]]));
        check(heatmap(&[&[value, value]]));
        check(boxes(&[[value; 5]]));
    }
}

#[test]
fn long_texts_stay_inside() {
    let long = "a label of many words that goes on and on and then on again until nothing is left to say";
    let texts = || (long.repeat(2), Some(long.repeat(3)), Some(long.to_owned()));
    let (title, subtitle, note) = texts();
    let groups = (0..30)
        .map(|i| PointGroup::new(format!("{i} {long}"), Category::of(i), vec![(1.0, NAN), (1.0, 2.0)]));
    check(ScatterChart {
        title,
        subtitle,
        note,
        groups: groups.collect(),
        y_label: long.into(),
        ..Default::default()
    });
    let (title, subtitle, note) = texts();
    let rows = (0..3).map(|i| HeatmapRow::new(format!("{i} {long}"), vec![f64::from(i); 30]));
    let columns = (0..30).map(|i| format!("{long} {i}")).collect();
    check(Heatmap {
        title,
        subtitle,
        note,
        columns,
        rows: rows.collect(),
        value_label: long.into(),
        x_label: long.into(),
        y_label: long.into(),
        ..Default::default()
    });
    let (title, subtitle, note) = texts();
    let rows = (0..3)
        .map(|i| BoxRow::new(format!("{i} {}", long.repeat(2)), Color::BLUE, [1.0, 2.0, 3.0, 4.0, 5.0]));
    check(BoxChart {
        title,
        subtitle,
        note,
        rows: rows.collect(),
        x_label: long.into(),
        ..Default::default()
    });
}

/// Any number, with extreme ones among them.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -10.0..10.0f64,
        Just(0.0),
        Just(1e300),
        Just(-1e300),
        Just(1e-300),
        Just(f64::MAX)
    ]
}

/// A drawn chart is finite and inside of its picture; one that is not drawn has nothing to draw.
fn check_any(chart: impl Into<Chart>) {
    let chart = chart.into();
    for drawn in [chart.svg(), chart.narrow_svg()] {
        match drawn {
            Ok(svg) => {
                check_finite(&svg);
                check_inside_svg(&svg);
            }
            Err(error) => assert!(matches!(error, Error::NothingToDraw { .. }), "{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_points_are_finite_in_the_picture(
        points in prop::collection::vec((number(), number()), 0..6),
        (x_log, y_log, axes) in any::<(bool, bool, bool)>(),
        (radius, opacity, guide) in (number(), number(), number()),
    ) {
        let guides = vec![Guide::diagonal(), Guide::vertical(guide), Guide::horizontal(guide)];
        check_any(ScatterChart { x_log, y_log, axes, radius, opacity, guides, ..scatter(points) });
    }

    #[test]
    fn any_values_are_finite_in_the_picture(
        first in prop::collection::vec(number(), 0..6),
        second in prop::collection::vec(number(), 0..6),
        x_log in any::<bool>(),
        bins in 0usize..100,
        guide in number(),
    ) {
        let guides = vec![Guide::vertical(guide), Guide::horizontal(guide), Guide::diagonal()];
        check_any(Histogram { x_log, bins, guides, ..histogram(&[&first, &second]) });
    }

    #[test]
    fn any_cells_are_finite_in_the_picture(
        first in prop::collection::vec(number(), 3),
        second in prop::collection::vec(number(), 3),
        log in any::<bool>(),
        range in prop::option::of((number(), number())),
        decimals in prop::option::of(0usize..400),
    ) {
        check_any(Heatmap { log, range, decimals, ..heatmap(&[&first, &second]) });
    }

    #[test]
    fn any_boxes_are_finite_in_the_picture(
        mut five in prop::array::uniform5(number()),
        outliers in prop::collection::vec(number(), 0..4),
        x_log in any::<bool>(),
        guide in number(),
    ) {
        five.sort_by(f64::total_cmp);
        let mut chart = boxes(&[five]);
        chart.rows[0].outliers = outliers;
        check_any(BoxChart { x_log, guides: vec![Guide::vertical(guide)], ..chart });
    }

    /// Pieces of bars do not overlap, and the last one ends at the sum of the counts.
    #[test]
    fn stacks_never_overlap(counts in prop::collection::vec(prop::collection::vec(0u64..1000, 4), 1..5)) {
        crate::svg::histogram::tests::check_stacks(&counts);
    }
}
