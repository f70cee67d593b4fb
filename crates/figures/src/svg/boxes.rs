//! Box plots as SVG.

use super::elements::{Anchor, Svg};
use super::guides::{self, guides};
use super::layout::{Header, Plot, frame, grid, header, titles};
use super::legend::{LINE_SWATCH, legend};
use super::{FAINT_INK, INK, MARGIN, Size, TICK};
use crate::axis::{Axis, drawable};
use crate::chart::{BoxChart, BoxRow, Guide};
use crate::font::{Weight, shorten, width};
use crate::xml::{coordinate, push_coordinate};
use crate::{Color, Error};

/// Half the height of a box.
const HALF: f64 = 7.5;
/// Radius of an outlier.
const OUTLIER: f64 = 1.8;
/// Height of a row, without a label above its box.
const ROW: f64 = 25.0;
/// Height of a label above a box.
const ABOVE: f64 = 17.0;
const MARK: &str = " (no finite values)";

/// The SVG of box plots whose quartiles rise.
pub(crate) fn box_chart(chart: &BoxChart, size: Size) -> Result<String, Error> {
    let drawn = |v: &f64| drawable(chart.x_log, *v);
    let values = || chart.rows.iter().flat_map(|row| row.numbers()).filter(drawn);
    let vertical: Vec<Guide> = chart.guides.iter().filter(|guide| guide.x().is_some()).cloned().collect();
    let places = vertical.iter().filter_map(Guide::x);
    let x = values().next().and_then(|_| Axis::covering(chart.x_log, values().chain(places), 0.02));
    let Some(x) = x else {
        return Err(Error::NothingToDraw { title: chart.title.clone() });
    };

    let mut svg = Svg { body: String::new(), width: size.width };
    let texts =
        Header { title: &chart.title, subtitle: chart.subtitle.as_deref(), note: chart.note.as_deref() };
    let top = header(&mut svg, &texts);
    let mark = |row: &BoxRow| if row.numbers().iter().any(drawn) { "" } else { MARK };
    let full =
        |row: &BoxRow| width(&row.label, TICK, Weight::Regular) + width(mark(row), TICK, Weight::Regular);
    let widest = chart.rows.iter().map(full).fold(0.0, f64::max);
    // Labels stand beside the boxes, or above them where they would take too much of the width.
    let beside = widest <= 0.33 * size.width;
    let left = if beside { MARGIN + widest + 10.0 } else { MARGIN };
    let (pitch, offset) = if beside { (ROW, 0.0) } else { (ROW + ABOVE, ABOVE) };
    let height = pitch * chart.rows.len() as f64 + 6.0;
    let rows = Axis::covering(false, [0.0, 1.0].into_iter(), 0.0).unwrap_or(x);
    let plot = Plot { left, right: size.width - MARGIN - 8.0, top, bottom: top + height, x, y: rows };
    grid(&mut svg, &plot, &[]);
    guides(&mut svg, &plot, &vertical);
    for (i, row) in chart.rows.iter().enumerate() {
        let start = top + 3.0 + pitch * i as f64;
        let middle = start + offset + ROW / 2.0;
        let room = if beside { widest + 1.0 } else { plot.right - plot.left - 8.0 };
        let label =
            shorten(&row.label, TICK, Weight::Regular, room - width(mark(row), TICK, Weight::Regular))
                + mark(row);
        let fill = if mark(row).is_empty() { INK } else { FAINT_INK };
        if beside {
            svg.text(left - 10.0, middle + 4.6, TICK, Weight::Regular, fill, Anchor::End, &label);
        } else {
            svg.text(left + 8.0, start + 15.0, TICK, Weight::Regular, fill, Anchor::Start, &label);
        }
        draw_row(&mut svg, &plot, chart.x_log, row, middle);
    }
    frame(&mut svg, &plot);
    let y = titles(&mut svg, &plot, plot.bottom + 22.0, &chart.x_label, "");
    let entries = guides::entries(&plot, &vertical);
    let end = legend(&mut svg, &entries, LINE_SWATCH, plot.left, y + 12.0);
    Ok(svg.document(&chart.title, end + 14.0))
}

fn draw_row(svg: &mut Svg, plot: &Plot, log: bool, row: &BoxRow, middle: f64) {
    let place = |v: f64| drawable(log, v).then(|| plot.px(v));
    let color = row.color;
    // Darker than the box, so that yellow is visible on white.
    let line = if color == Color::BLACK { color } else { color.outline() };
    let (upper, lower) = (middle - HALF, middle + HALF);
    let mut whiskers = String::new();
    for (from, to, outwards) in [(row.q1, row.low, row.low < row.q1), (row.q3, row.high, row.high > row.q3)] {
        if let (Some(from), Some(to), true) = (place(from), place(to), outwards) {
            for (command, value) in
                [('M', from), (' ', middle), ('H', to), ('M', to), (' ', middle - 5.0), ('V', middle + 5.0)]
            {
                whiskers.push(command);
                push_coordinate(&mut whiskers, value);
            }
        }
    }
    if !whiskers.is_empty() {
        svg.element(&format!(r#"<path d="{whiskers}" fill="none" stroke="{line}" stroke-width="1.5"/>"#));
    }
    if let (Some(from), Some(to)) = (place(row.q1), place(row.q3)) {
        svg.element(&format!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{color}" fill-opacity="0.4" stroke="{line}" stroke-width="1.5"/>"#,
            coordinate(from),
            coordinate(upper),
            coordinate(to - from),
            coordinate(2.0 * HALF)
        ));
    }
    if let Some(at) = place(row.median) {
        svg.element(&format!(
            r#"<path d="M{} {}V{}" stroke="{INK}" stroke-width="2.5"/>"#,
            coordinate(at),
            coordinate(upper),
            coordinate(lower)
        ));
    }
    let dots: String = row.outliers.iter().filter_map(|&v| place(v)).map(|x| dot(x, middle)).collect();
    if !dots.is_empty() {
        svg.element(&format!(r#"<path d="{dots}" fill="{line}" fill-opacity="0.8"/>"#));
    }
}

fn dot(x: f64, y: f64) -> String {
    let (r, d) = (coordinate(OUTLIER), coordinate(2.0 * OUTLIER));
    format!("M{} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0z", coordinate(x - OUTLIER), coordinate(y))
}
