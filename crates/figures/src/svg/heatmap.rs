//! Heatmaps as SVG.

use super::elements::{Anchor, Svg};
use super::layout::{Header, Plot, apart, header, tick_label, titles};
use super::{INK, LABEL, MARGIN, Size, TICK};
use crate::axis::{Axis, Tick, drawable};
use crate::chart::Heatmap;
use crate::font::{Weight, shorten, width, wrap};
use crate::xml::{coordinate, push_coordinate};
use crate::{Color, Error};

/// Colour of cells without a value, below their hatch.
const NONE: &str = "#eeeeee";
const HATCH: &str = "#9a9a9a";
/// Pieces of the colour bar.
const PIECES: u32 = 70;

/// Least height of a cell beyond that of its row's name.
const PADDING: f64 = 5.0;
/// Smallest size of a column's name; on a phone it is still 8 pixels high.
const SMALLEST: f64 = 9.5;
/// Distance between upright names, in heights of their text.
const PITCH: f64 = 1.08;

/// Where the cells lie.
struct Cells {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Cells {
    fn x(&self, column: usize) -> f64 {
        self.left + self.width * column as f64
    }

    fn y(&self, row: usize) -> f64 {
        self.top + self.height * row as f64
    }
}

/// The SVG of a heatmap whose rows are complete.
pub(crate) fn heatmap(chart: &Heatmap, size: Size) -> Result<String, Error> {
    let scale = scale(chart).ok_or_else(|| Error::NothingToDraw { title: chart.title.clone() })?;
    let mut svg = Svg { body: String::new(), width: size.width };
    let texts =
        Header { title: &chart.title, subtitle: chart.subtitle.as_deref(), note: chart.note.as_deref() };
    let mut top = header(&mut svg, &texts);

    let label = if size.is_narrow() { 10.0 } else { 12.5 };
    // The title of the rows stands upright beside them if there is width for it, and if the least height that they can
    // have holds it in two lines. Else it stands above them.
    let least = (label + PADDING) * chart.rows.len() as f64;
    let upright = wrap(&chart.y_label, LABEL, Weight::Regular, least);
    let beside = !size.is_narrow()
        && upright.len() <= 2
        && width(&chart.y_label, LABEL, Weight::Regular) <= 1.8 * least;
    let y_title = if beside && !upright.is_empty() { 3.0 + 19.0 * upright.len() as f64 } else { 0.0 };
    if !beside {
        for line in wrap(&chart.y_label, LABEL, Weight::Regular, size.width - 2.0 * MARGIN) {
            svg.text(MARGIN, top + 8.0, LABEL, Weight::Regular, INK, Anchor::Start, &line);
            top += 20.0;
        }
    }
    // Names of rows are shortened where names of columns would have no room else.
    let columns = chart.columns.len() as f64;
    let free = size.width - 2.0 * MARGIN - y_title - 8.0 - PITCH * SMALLEST * columns;
    let row_labels = chart.rows.iter().map(|row| width(&row.label, label, Weight::Regular));
    let row_labels = row_labels.fold(0.0, f64::max).min(free.max(0.24 * size.width).min(0.36 * size.width));
    let left = MARGIN + y_title + row_labels + 8.0;
    let room = size.width - MARGIN - left;
    let cell = (room / columns).min(120.0);
    let cells = Cells { left, top, width: cell, height: cell.clamp(label + PADDING, 30.0) };
    let right = cells.x(chart.columns.len());
    let bottom = cells.y(chart.rows.len());

    draw_cells(&mut svg, chart, &scale, &cells);
    for (i, row) in chart.rows.iter().enumerate() {
        let text = shorten(&row.label, label, Weight::Regular, row_labels + 1.0);
        let y = cells.y(i) + cells.height / 2.0 + 0.35 * label;
        svg.text(left - 8.0, y, label, Weight::Regular, INK, Anchor::End, &text);
    }
    let below = column_labels(&mut svg, chart, &cells, label, 0.36 * size.width);
    let plot = Plot { left, right, top, bottom, x: scale, y: scale };
    let y = titles(&mut svg, &plot, below, &chart.x_label, if beside { &chart.y_label } else { "" });
    let end = color_bar(&mut svg, chart, &scale, y + 22.0);
    Ok(svg.document(&chart.title, end + 16.0))
}

/// Names of the columns below the cells, upright where three lines beside each other do not hold them; returns their
/// lower end.
fn column_labels(svg: &mut Svg, chart: &Heatmap, cells: &Cells, label: f64, most: f64) -> f64 {
    let widest =
        |size: f64| chart.columns.iter().map(|text| width(text, size, Weight::Regular)).fold(0.0, f64::max);
    let bottom = cells.y(chart.rows.len());
    let room = cells.width - 8.0;
    let wrapped: Vec<Vec<String>> =
        chart.columns.iter().map(|text| wrap(text, label, Weight::Regular, room)).collect();
    let lines = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    let words = || chart.columns.iter().flat_map(|text| text.split_whitespace());
    if lines <= 3 && words().all(|word| width(word, label, Weight::Regular) <= room) {
        for (i, column) in wrapped.iter().enumerate() {
            let middle = cells.x(i) + cells.width / 2.0;
            for (j, text) in column.iter().enumerate() {
                let y = bottom + 6.0 + label + (label + 3.0) * j as f64;
                svg.text(middle, y, label, Weight::Regular, INK, Anchor::Middle, text);
            }
        }
        return bottom + 7.0 + (label + 3.0) * lines as f64;
    }
    // As high as fits beside each other; names are left out if they would be too small to read.
    let size = label.min((10.0 * cells.width / PITCH).floor() / 10.0).max(SMALLEST);
    let stride = (PITCH * SMALLEST / cells.width - 1e-9).ceil().max(1.0) as usize;
    for (i, text) in chart.columns.iter().enumerate().step_by(stride) {
        let text = shorten(text, size, Weight::Regular, most);
        svg.rotated(cells.x(i) + cells.width / 2.0 + 0.35 * size, bottom + 8.0, size, Anchor::End, &text);
    }
    bottom + 10.0 + widest(size).min(most)
}

/// The colour scale, or `None` if no value can be drawn.
fn scale(chart: &Heatmap) -> Option<Axis> {
    let values = || chart.rows.iter().flat_map(|row| row.values.iter().copied());
    values().find(|&v| drawable(chart.log, v))?;
    let fixed = chart.range.filter(|&(lo, hi)| drawable(chart.log, lo) && drawable(chart.log, hi));
    match fixed {
        Some((lo, hi)) => Axis::covering(chart.log, [lo, hi].into_iter(), 0.0),
        None => Axis::covering(chart.log, values(), 0.0),
    }
}

fn draw_cells(svg: &mut Svg, chart: &Heatmap, scale: &Axis, cells: &Cells) {
    let (w, h) = (cells.width, cells.height);
    // A white line between cells, where they are wide enough for one.
    let gap = if w > 8.0 { 0.5 } else { 0.0 };
    let texts = numbers(chart, scale, w - 1.5);
    let mut hatch = String::new();
    for (i, row) in chart.rows.iter().enumerate() {
        for (j, &value) in row.values.iter().enumerate() {
            let (x, y) = (cells.x(j) + gap, cells.y(i) + gap);
            let drawn = drawable(chart.log, value);
            let color = Color::sequence(scale_unit(scale, value));
            let fill = if drawn { color.to_string() } else { NONE.to_owned() };
            svg.element(&format!(
                r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}"/>"#,
                coordinate(x),
                coordinate(y),
                coordinate(w - 2.0 * gap),
                coordinate(h - 2.0 * gap)
            ));
            if !drawn {
                push_hatch(&mut hatch, [x, y, w - 2.0 * gap, h - 2.0 * gap]);
            } else if let Some((size, decimals)) = texts {
                let (x, y) = (x + w / 2.0 - gap, y + h / 2.0 - gap + 0.36 * size);
                let ink = color.ink().to_string();
                svg.text(x, y, size, Weight::Regular, &ink, Anchor::Middle, &number(value, decimals));
            }
        }
    }
    if !hatch.is_empty() {
        svg.element(&format!(r#"<path d="{hatch}" stroke="{HATCH}" stroke-width="1"/>"#));
    }
}

/// Position on the colour scale; meaningless for values that cannot be drawn.
fn scale_unit(scale: &Axis, value: f64) -> f64 {
    if drawable(scale.is_log(), value) { scale.unit(value).clamp(0.0, 1.0) } else { 0.0 }
}

/// Diagonal lines inside a rectangle (left, top, width, height).
fn push_hatch(d: &mut String, [x, y, w, h]: [f64; 4]) {
    const STEP: f64 = 6.0;
    let mut c = STEP / 2.0;
    while c < w + h {
        // The line where the distances from the left and from the top add up to `c`.
        let (from, to) = (c.min(w), (c - h).max(0.0));
        for (command, value) in [('M', x + from), (' ', y + c - from), ('L', x + to), (' ', y + c - to)] {
            d.push(command);
            push_coordinate(d, value);
        }
        c += STEP;
    }
}

/// Size and decimals of the numbers in the cells, or `None` if not all of them fit into `room`.
fn numbers(chart: &Heatmap, scale: &Axis, room: f64) -> Option<(f64, usize)> {
    let drawn = chart.rows.iter().flat_map(|row| row.values.iter().copied());
    let drawn: Vec<f64> = drawn.filter(|&v| drawable(chart.log, v)).collect();
    let largest = drawn.iter().map(|v| v.abs()).fold(0.0, f64::max);
    if largest >= 1e15 {
        return None;
    }
    let decimals = match (chart.decimals, 2.0 * scale.half()) {
        (Some(decimals), _) => decimals.min(9),
        (None, _) if chart.log || !(0.1..1e5).contains(&largest) => return None,
        (None, length) if length >= 20.0 => 0,
        (None, length) if length >= 2.0 => 1,
        (None, _) => 2,
    };
    let widest = |size: f64| {
        drawn.iter().map(|&v| width(&number(v, decimals), size, Weight::Regular)).fold(0.0, f64::max)
    };
    let size = [13.0, 12.0, 11.0, 10.0].into_iter().find(|&size| widest(size) <= room)?;
    Some((size, decimals))
}

fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// The colour bar with its ticks, what it means, and the hatch if a cell has no value; returns the lower end.
fn color_bar(svg: &mut Svg, chart: &Heatmap, scale: &Axis, top: f64) -> f64 {
    let mut y = top;
    let limit = svg.width - 2.0 * MARGIN;
    for line in wrap(&chart.value_label, LABEL, Weight::Regular, limit) {
        svg.text(MARGIN, y, LABEL, Weight::Regular, INK, Anchor::Start, &line);
        y += 20.0;
    }
    y -= 8.0;
    let none = chart.rows.iter().flat_map(|row| &row.values).any(|&v| !drawable(chart.log, v));
    let (words, swatch) = ("no value", 26.0);
    let legend = if none { 30.0 + swatch + 8.0 + width(words, TICK, Weight::Regular) } else { 0.0 };
    // Room for half of the first and of the last tick's label.
    let (left, length, height) = (MARGIN + 14.0, (limit - 40.0 - legend).min(420.0), 16.0);
    svg.element(r#"<g shape-rendering="crispEdges">"#);
    for i in 0..PIECES {
        let from = length * f64::from(i) / f64::from(PIECES);
        // A piece reaches below the next one, so that no seam between them can show.
        svg.element(&format!(
            r#"<rect x="{}" y="{}" width="{}" height="{height}" fill="{}"/>"#,
            coordinate(left + from),
            coordinate(y),
            coordinate((length / f64::from(PIECES) + 1.0).min(length - from)),
            Color::sequence((f64::from(i) + 0.5) / f64::from(PIECES))
        ));
    }
    svg.element("</g>");
    let extent = |tick: &Tick| width(&tick.label, TICK, Weight::Regular) + 12.0;
    for tick in scale.ticks(|ticks| apart(ticks, |tick| length * tick.at, extent)) {
        let x = left + length * tick.at;
        svg.line((x, y + height), (x, y + height + 4.0), INK);
        tick_label(svg, x, y + height + 18.0, &tick.label);
    }
    if none {
        let x = left + length + 30.0;
        svg.element(&format!(
            r#"<rect x="{}" y="{}" width="{swatch}" height="{height}" fill="{NONE}"/>"#,
            coordinate(x),
            coordinate(y)
        ));
        let mut d = String::new();
        push_hatch(&mut d, [x, y, swatch, height]);
        svg.element(&format!(r#"<path d="{d}" stroke="{HATCH}" stroke-width="1"/>"#));
        svg.text(x + swatch + 8.0, y + 12.8, TICK, Weight::Regular, INK, Anchor::Start, words);
    }
    y + height + 20.0
}
