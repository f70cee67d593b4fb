//! Several charts as one picture, side by side.

use crate::{Chart, Error};

/// Space between panels in SVG units.
const GAP: f64 = 12.0;

/// The charts as one SVG document, `columns` beside each other (at least one), each with its own title, axes and legend.
/// Row by row; a row is as high as its highest chart. Every chart is 800 units wide.
///
/// # Errors
/// As [`Chart::svg`], for the first chart that fails; [`Error::NothingToDraw`] if there is none.
pub fn panels(charts: &[Chart], columns: usize) -> Result<String, Error> {
    arranged(charts, columns, Chart::svg)
}

/// The charts as [`panels`] arranges them, but 420 units wide each. In a page, two of these beside each other keep
/// their texts as large as one wide chart.
///
/// # Errors
/// As [`panels`].
pub fn compact_panels(charts: &[Chart], columns: usize) -> Result<String, Error> {
    arranged(charts, columns, Chart::narrow_svg)
}

/// The charts one under the other, 420 units wide, for pages on phones.
///
/// # Errors
/// As [`panels`].
pub fn narrow_panels(charts: &[Chart]) -> Result<String, Error> {
    compact_panels(charts, 1)
}

fn arranged(
    charts: &[Chart],
    columns: usize,
    draw: impl Fn(&Chart) -> Result<String, Error>,
) -> Result<String, Error> {
    let panels: Vec<String> = charts.iter().map(draw).collect::<Result<_, _>>()?;
    if let [panel] = &panels[..] {
        return Ok(panel.clone());
    }
    let columns = columns.clamp(1, panels.len().max(1));
    let Some((width, _)) = panels.first().map(|panel| size(panel)) else {
        return Err(Error::NothingToDraw { title: String::new() });
    };
    let (mut body, mut y) = (String::new(), 0.0);
    for row in panels.chunks(columns) {
        let mut height: f64 = 0.0;
        for (column, panel) in row.iter().enumerate() {
            let x = column as f64 * (width + GAP);
            body += &format!("<g transform=\"translate({x} {y})\">\n{panel}</g>\n");
            height = height.max(size(panel).1);
        }
        y += height + GAP;
    }
    let (width, height) = (columns as f64 * (width + GAP) - GAP, y - GAP);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans, sans-serif\" role=\"img\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         {body}</svg>\n"
    ))
}

/// Width and height of a chart's document, by its own word; 0 where it has none.
pub(crate) fn size(svg: &str) -> (f64, f64) {
    let attribute = |name: &str| {
        let start = svg.find(name)? + name.len();
        svg[start..].split('"').next()?.parse().ok()
    };
    (attribute(" width=\"").unwrap_or(0.0), attribute(" height=\"").unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, LineChart, Point, Series, png};

    fn chart(title: &str, lines: usize) -> Chart {
        let points = vec![Point::bare(0.0, 1.0), Point::bare(1.0, 0.5)];
        let series = (0..lines).map(|i| Series::new(format!("line {i}"), Color::cycle(i), points.clone()));
        LineChart { title: title.to_owned(), series: series.collect(), ..LineChart::default() }.into()
    }

    #[test]
    fn panels_stand_in_rows_and_none_covers_another() {
        let charts = [chart("a", 1), chart("b", 30), chart("c", 1)];
        let svg = panels(&charts, 2).unwrap();
        let sizes: Vec<(f64, f64)> = charts.iter().map(|chart| size(&chart.svg().unwrap())).collect();
        let tallest = sizes[0].1.max(sizes[1].1);
        assert!(svg.contains("translate(0 0)") && svg.contains("translate(812 0)"));
        assert!(svg.contains(&format!("translate(0 {})", tallest + GAP)));
        assert_eq!(size(&svg), (1612.0, tallest + GAP + sizes[2].1));
        assert!(png(&svg, 0.5).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn narrow_panels_stand_in_one_column() {
        let charts = [chart("a", 1), chart("b", 2)];
        let svg = narrow_panels(&charts).unwrap();
        let first = size(&charts[0].narrow_svg().unwrap()).1;
        assert!(svg.contains(&format!("translate(0 {})", first + GAP)));
        assert!(svg.contains("width=\"420\""));
        assert!(compact_panels(&charts, 2).unwrap().contains("width=\"852\""));
    }

    #[test]
    fn one_panel_is_its_chart_and_none_is_an_error() {
        assert_eq!(panels(&[chart("a", 1)], 3), chart("a", 1).svg());
        assert!(panels(&[], 2).is_err());
        assert!(panels(&[chart("a", 1), chart("b", 0)], 2).is_err());
    }
}
