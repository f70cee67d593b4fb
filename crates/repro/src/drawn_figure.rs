//! A figure that is analysed and drawn: its pictures in two widths, its tables and its claims.

use std::time::Instant;

use taskset_figures::{Block, Claim, Section, compact_panels, narrow_panels, panels, png};

use crate::claim_thresholds::cannot_tell;
use crate::figures::{Context, Findings, Lack, Picture};
use crate::report_files::Output;
use crate::{Error, FigureRow};

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
    pub(crate) seconds: f64,
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

/// Analyses a figure, and adds its pictures and numbers to the output.
pub(crate) fn draw(
    row: &'static FigureRow,
    context: &Context<'_>,
    withheld: Option<&str>,
    output: &mut Output,
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
        output.add(format!("{}.svg", picture.stem), picture.wide.clone());
        output.add(format!("{}.png", picture.stem), png(&picture.wide, 2.0)?);
    }
    for table in &findings.tables {
        output.add(table.file, table.table.csv());
    }
    drawn.seconds = start.elapsed().as_secs_f64();
    Ok(drawn)
}
