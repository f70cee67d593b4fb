//! Layout of a line chart and its SVG.
//!
//! From top to bottom: title, subtitle, note, plot with axes, legend. The legend stands below the plot, so it never
//! covers data. Written by hand rather than with a plotting crate: plotters 0.3 rounds every coordinate to whole units,
//! puts its legend over the data, and guesses the width of text; what remains to write is this file and `axis`.

use crate::axis::{Axis, Tick, drawable};
use crate::chart::{Dash, LineChart, Point, Series};
use crate::font::{Weight, shorten, width, wrap};
use crate::xml::{coordinate, escape, push_coordinate};
use crate::{Color, Error};

/// Size of a chart in SVG units.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Width of the whole.
    width: f64,
    /// Height of the plot inside its axes.
    plot: f64,
}

impl Size {
    /// For pages, slides and print.
    pub(crate) const WIDE: Self = Self { width: 800.0, plot: 380.0 };
    /// For phones: texts keep a readable size where a page is 400 pixels wide.
    pub(crate) const NARROW: Self = Self { width: 420.0, plot: 320.0 };
}

const MARGIN: f64 = 20.0;
const TITLE: f64 = 19.0;
const SUBTITLE: f64 = 13.5;
const NOTE: f64 = 13.0;
const LABEL: f64 = 14.0;
const TICK: f64 = 13.0;
const LEGEND: f64 = 13.5;
const LEGEND_LINE: f64 = 23.0;
const SWATCH: f64 = 32.0;

const INK: &str = "#1a1a1a";
const FAINT_INK: &str = "#555555";
const GRID: &str = "#e4e4e4";

/// The plot's rectangle and its axes.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl Plot {
    fn px(&self, value: f64) -> f64 {
        self.left + self.x.unit(value) * (self.right - self.left)
    }

    fn py(&self, value: f64) -> f64 {
        self.bottom - self.y.unit(value) * (self.bottom - self.top)
    }
}

/// The SVG of a chart whose series are in order.
pub(crate) fn svg(chart: &LineChart, size: Size) -> Result<String, Error> {
    let (x, y) = axes(chart).ok_or_else(|| Error::NothingToDraw { title: chart.title.clone() })?;
    let mut svg = Svg { body: String::new(), width: size.width };
    let top = header(&mut svg, chart);

    let bottom = top + size.plot;
    let y_ticks = y.ticks(|ticks| apart(ticks, |tick| size.plot * tick.at, |_| 38.0));
    let tick_width = y_ticks.iter().map(|tick| width(&tick.label, TICK, Weight::Regular)).fold(0.0, f64::max);
    let y_title = wrap(&chart.y_label, LABEL, Weight::Regular, size.plot);
    let left = MARGIN - 4.0 + 19.0 * y_title.len() as f64 + tick_width + 12.0;
    let plot = Plot { left, right: size.width - MARGIN - 8.0, top, bottom, x, y };

    grid(&mut svg, &plot, &y_ticks);
    series(&mut svg, chart, &plot);
    frame(&mut svg, &plot);
    let mut height = bottom + 22.0;
    let middle = f64::midpoint(plot.left, plot.right);
    for line in wrap(&chart.x_label, LABEL, Weight::Regular, plot.right - plot.left) {
        height += 20.0;
        svg.text(middle, height, LABEL, Weight::Regular, INK, Anchor::Middle, &line);
    }
    for (i, line) in y_title.iter().enumerate() {
        let (x, y) = (MARGIN + 8.0 + 19.0 * i as f64, f64::midpoint(top, bottom));
        svg.rotated(x, y, LABEL, line);
    }
    height = legend(&mut svg, chart, &plot, height + 12.0);
    Ok(svg.document(&chart.title, height + 14.0))
}

/// The axes that cover all that can be drawn, or `None` if nothing can.
fn axes(chart: &LineChart) -> Option<(Axis, Axis)> {
    let points = || chart.series.iter().flat_map(|s| &s.points).filter(|p| on_line(chart, p));
    let x = Axis::covering(chart.x_log, points().map(|p| p.x), 0.015)?;
    let ends = points().flat_map(|p| if in_band(chart, p) { [p.y, p.lo, p.hi] } else { [p.y; 3] });
    Some((x, Axis::covering(chart.y_log, ends, 0.04)?))
}

fn on_line(chart: &LineChart, point: &Point) -> bool {
    drawable(chart.x_log, point.x) && drawable(chart.y_log, point.y)
}

fn in_band(chart: &LineChart, point: &Point) -> bool {
    on_line(chart, point) && drawable(chart.y_log, point.lo) && drawable(chart.y_log, point.hi)
}

/// Title, subtitle and note; returns the top of the plot.
fn header(svg: &mut Svg, chart: &LineChart) -> f64 {
    let limit = svg.width - 2.0 * MARGIN;
    let mut y = 12.0;
    for line in wrap(&chart.title, TITLE, Weight::Bold, limit) {
        y += 24.0;
        svg.text(MARGIN, y, TITLE, Weight::Bold, INK, Anchor::Start, &line);
    }
    for line in wrap(chart.subtitle.as_deref().unwrap_or(""), SUBTITLE, Weight::Regular, limit) {
        y += 20.0;
        svg.text(MARGIN, y, SUBTITLE, Weight::Regular, FAINT_INK, Anchor::Start, &line);
    }
    let note = wrap(chart.note.as_deref().unwrap_or(""), NOTE, Weight::Bold, limit - 20.0);
    if !note.is_empty() {
        y += 11.0;
        let widest = note.iter().map(|line| width(line, NOTE, Weight::Bold)).fold(0.0, f64::max);
        let height = 8.0 + 18.0 * note.len() as f64;
        svg.element(&format!(
            r##"<rect x="{}" y="{}" width="{}" height="{}" rx="4" fill="#fff3cd" stroke="#b58900"/>"##,
            coordinate(MARGIN),
            coordinate(y),
            coordinate(widest + 20.0),
            coordinate(height)
        ));
        for (i, line) in note.iter().enumerate() {
            let baseline = y + 17.5 + 18.0 * i as f64;
            svg.text(MARGIN + 10.0, baseline, NOTE, Weight::Bold, "#6b4e00", Anchor::Start, line);
        }
        y += height;
    }
    y + 16.0
}

/// Whether neighbouring ticks keep their distance: `at` gives positions, `extent` the room that one needs.
fn apart(ticks: &[Tick], at: impl Fn(&Tick) -> f64, extent: impl Fn(&Tick) -> f64) -> bool {
    ticks.windows(2).all(|pair| at(&pair[1]) - at(&pair[0]) >= (extent(&pair[0]) + extent(&pair[1])) / 2.0)
}

fn grid(svg: &mut Svg, plot: &Plot, y_ticks: &[Tick]) {
    let length = plot.right - plot.left;
    let room = |tick: &Tick| width(&tick.label, TICK, Weight::Regular) + 12.0;
    let x_ticks = plot.x.ticks(|ticks| apart(ticks, |tick| length * tick.at, room));
    for tick in y_ticks {
        let y = plot.bottom - tick.at * (plot.bottom - plot.top);
        svg.line((plot.left, y), (plot.right, y), GRID);
        svg.text(plot.left - 8.0, y + 4.6, TICK, Weight::Regular, INK, Anchor::End, &tick.label);
    }
    for tick in &x_ticks {
        let x = plot.left + tick.at * length;
        svg.line((x, plot.top), (x, plot.bottom), GRID);
        svg.line((x, plot.bottom), (x, plot.bottom + 5.0), INK);
        svg.text(x, plot.bottom + 20.0, TICK, Weight::Regular, INK, Anchor::Middle, &tick.label);
    }
    for at in plot.x.minor() {
        let x = plot.left + at * length;
        svg.line((x, plot.bottom), (x, plot.bottom + 3.0), INK);
    }
    for at in plot.y.minor() {
        let y = plot.bottom - at * (plot.bottom - plot.top);
        svg.line((plot.left - 3.0, y), (plot.left, y), INK);
    }
}

/// The two axis lines, above the data.
fn frame(svg: &mut Svg, plot: &Plot) {
    svg.line((plot.left, plot.top), (plot.left, plot.bottom), INK);
    svg.line((plot.left, plot.bottom), (plot.right, plot.bottom), INK);
}

/// All bands, then all lines, emphasised series last.
fn series(svg: &mut Svg, chart: &LineChart, plot: &Plot) {
    let ordered = || {
        let rest = chart.series.iter().filter(|s| !s.emphasis);
        rest.chain(chart.series.iter().filter(|s| s.emphasis))
    };
    for series in ordered() {
        for run in runs(&series.points, |p| in_band(chart, p)) {
            band(svg, plot, series.color, run);
        }
    }
    for series in ordered() {
        for run in runs(&series.points, |p| on_line(chart, p)) {
            line(svg, plot, series, run);
        }
    }
}

/// The longest stretches of points that can be drawn.
fn runs<'a>(
    points: &'a [Point],
    can: impl Fn(&Point) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'a [Point]> {
    points.chunk_by(move |a, b| can(a) == can(b)).filter(move |run| run.first().is_some_and(can))
}

fn band(svg: &mut Svg, plot: &Plot, color: Color, run: &[Point]) {
    if let [point] = run {
        let x = coordinate(plot.px(point.x));
        let (from, to) = (coordinate(plot.py(point.lo)), coordinate(plot.py(point.hi)));
        svg.element(&format!(
            r#"<path d="M{x} {from}V{to}" stroke="{color}" stroke-width="7" stroke-opacity="0.3"/>"#
        ));
        return;
    }
    let upper = run.iter().map(|p| (plot.px(p.x), plot.py(p.hi)));
    let lower = run.iter().rev().map(|p| (plot.px(p.x), plot.py(p.lo)));
    let outline = path(upper.chain(lower));
    svg.element(&format!(r#"<path d="{outline}Z" fill="{color}" fill-opacity="0.18"/>"#));
}

fn line(svg: &mut Svg, plot: &Plot, series: &Series, run: &[Point]) {
    let color = series.color;
    if let [point] = run {
        let (x, y) = (coordinate(plot.px(point.x)), coordinate(plot.py(point.y)));
        let radius = coordinate(1.8 * stroke_width(series));
        svg.element(&format!(r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>"#));
        return;
    }
    let d = path(run.iter().map(|p| (plot.px(p.x), plot.py(p.y))));
    svg.element(&format!(r#"<path d="{d}" {}/>"#, stroke(series)));
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut d = String::new();
    for (i, (x, y)) in points.enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        push_coordinate(&mut d, x);
        d.push(' ');
        push_coordinate(&mut d, y);
    }
    d
}

fn stroke_width(series: &Series) -> f64 {
    let asked = series.style.width;
    // Written so that NaN gives the thinnest line.
    let width = if asked > 0.5 { asked.min(10.0) } else { 0.5 };
    if series.emphasis { 1.5 * width } else { width }
}

fn stroke(series: &Series) -> String {
    let width = stroke_width(series);
    let (cap, dashes) = match series.style.dash {
        Dash::Solid => ("round", String::new()),
        Dash::Dashed => ("butt", format!("{} {}", coordinate(4.0 * width), coordinate(2.2 * width))),
        Dash::Dotted => ("round", format!("0 {}", coordinate(2.2 * width))),
    };
    let dashes = if dashes.is_empty() { dashes } else { format!(r#" stroke-dasharray="{dashes}""#) };
    let (color, width) = (series.color, coordinate(width));
    format!(
        r#"fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="{cap}"{dashes}"#
    )
}

/// The legend in as many equal columns as fit; returns its lower end.
fn legend(svg: &mut Svg, chart: &LineChart, plot: &Plot, top: f64) -> f64 {
    let weight = |s: &Series| if s.emphasis { Weight::Bold } else { Weight::Regular };
    let limit = svg.width - 2.0 * MARGIN;
    let label = |s: &Series| {
        let mark = if s.points.iter().any(|p| on_line(chart, p)) { "" } else { " (no finite values)" };
        let room = limit - SWATCH - 10.0 - width(mark, LEGEND, weight(s));
        shorten(&s.label, LEGEND, weight(s), room) + mark
    };
    let labels: Vec<String> = chart.series.iter().map(label).collect();
    let widest = labels.iter().zip(&chart.series).map(|(text, s)| width(text, LEGEND, weight(s)));
    let column = SWATCH + 10.0 + widest.fold(0.0, f64::max);
    let gap = 28.0;
    let most = (((limit + gap) / (column + gap)) as usize).clamp(1, chart.series.len());
    let rows = chart.series.len().div_ceil(most);
    let columns = chart.series.len().div_ceil(rows);
    let total = columns as f64 * (column + gap) - gap;
    // Aligned with the plot where it fits there, else with the title.
    let left = if plot.left + total <= svg.width - MARGIN { plot.left } else { MARGIN };

    for (i, (series, text)) in chart.series.iter().zip(&labels).enumerate() {
        // Down the columns, as one reads a list.
        let x = left + (i / rows) as f64 * (column + gap);
        let y = top + LEGEND_LINE * ((i % rows) as f64 + 0.5);
        let (from, to, middle) = (coordinate(x), coordinate(x + SWATCH), coordinate(y));
        if series.points.iter().any(|p| in_band(chart, p)) {
            svg.element(&format!(
                r#"<rect x="{from}" y="{}" width="{}" height="12" fill="{}" fill-opacity="0.18"/>"#,
                coordinate(y - 6.0),
                coordinate(SWATCH),
                series.color
            ));
        }
        svg.element(&format!(r#"<path d="M{from} {middle}H{to}" {}/>"#, stroke(series)));
        svg.text(x + SWATCH + 10.0, y + 4.8, LEGEND, weight(series), INK, Anchor::Start, text);
    }
    top + LEGEND_LINE * rows as f64
}

#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// The elements of a document, in the order of drawing.
struct Svg {
    body: String,
    width: f64,
}

impl Svg {
    fn element(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// A thin line; horizontal and vertical ones lie on half units, where they are one pixel sharp.
    fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str) {
        let snap = |v: f64| coordinate(v.floor() + 0.5);
        self.element(&format!(
            r#"<path d="M{} {}L{} {}" stroke="{color}"/>"#,
            snap(from.0),
            snap(from.1),
            snap(to.0),
            snap(to.1)
        ));
    }

    #[expect(clippy::too_many_arguments, reason = "one call per text; a struct would only repeat the names")]
    fn text(&mut self, x: f64, y: f64, size: f64, weight: Weight, fill: &str, anchor: Anchor, text: &str) {
        let weight = if weight == Weight::Bold { r#" font-weight="bold""# } else { "" };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let (x, y, text) = (coordinate(x), coordinate(y), escape(text));
        self.element(&format!(
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{fill}"{weight}{anchor}>{text}</text>"#
        ));
    }

    /// A text centred at a point, reading upwards.
    fn rotated(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let (x, y, text) = (coordinate(x), coordinate(y), escape(text));
        self.element(&format!(
            r#"<text transform="translate({x} {y}) rotate(-90)" font-size="{size}" fill="{INK}" text-anchor="middle">{text}</text>"#
        ));
    }

    fn document(self, title: &str, height: f64) -> String {
        let (width, height, title) = (coordinate(self.width), coordinate(height.ceil()), escape(title));
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="DejaVu Sans, sans-serif" role="img" aria-label="{title}">
<rect width="{width}" height="{height}" fill="#ffffff"/>
{}</svg>
"##,
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Style, png};
    use proptest::prelude::*;
    use resvg::tiny_skia::Pixmap;
    use resvg::usvg::roxmltree::Document;

    fn series(label: &str, points: &[(f64, f64)]) -> Series {
        let points = points.iter().map(|&(x, y)| Point { x, y, lo: y - 0.1, hi: y + 0.1 }).collect();
        Series::new(label, Color::BLUE, points)
    }

    fn chart(series: Vec<Series>) -> LineChart {
        LineChart {
            title: "T".into(),
            x_label: "X".into(),
            y_label: "Y".into(),
            series,
            ..LineChart::default()
        }
    }

    fn texts(svg: &str) -> Vec<String> {
        let document = Document::parse(svg).unwrap();
        let nodes = document.descendants().filter(|n| n.tag_name().name() == "text");
        nodes.filter_map(|n| n.text().map(str::to_owned)).collect()
    }

    /// How many elements of the SVG have this name and this attribute.
    fn elements(svg: &str, name: &str, attribute: &str) -> usize {
        let document = Document::parse(svg).unwrap();
        document.descendants().filter(|n| n.tag_name().name() == name && n.has_attribute(attribute)).count()
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
        let band =
            band.descendants().find(|n| n.tag_name().name() == "path" && n.has_attribute("fill-opacity"));
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
        let blue =
            picture.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) == (0, 0x72, 0xb2)).count();
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

    fn check_inside_svg(svg: &str) {
        let tree = png::parse(svg).unwrap();
        let size = tree.size();
        for node in tree.root().children() {
            let area = node.abs_bounding_box();
            assert!(
                area.left() >= 0.0
                    && area.top() >= 0.0
                    && area.right() <= size.width()
                    && area.bottom() <= size.height(),
                "{area:?} outside {size:?}"
            );
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
}
