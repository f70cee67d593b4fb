//! Which curves are read, and what of them.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use parquet::file::metadata::RowGroupMetaData;
use taskset_names::{Origin, Split};
use taskset_trial::{Arithmetic, Curve, Identifier, Protocol, TrialId, TrialSpec};

use crate::decode_rows::Columns;
use crate::name_patterns::NamePatterns;
use crate::{Error, schema};

/// Which curves, and what of them. The default is everything.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Tasks, as patterns of [`NamePatterns`]; empty: all.
    pub tasks: Vec<String>,
    /// Optimizers, as patterns of [`NamePatterns`], also a family by any of its names; empty: all.
    pub optimizers: Vec<String>,
    /// Replicas; empty: all.
    pub replicas: Vec<u32>,
    /// Splits; empty: all. The losses of the others are left empty and are not read.
    pub splits: Vec<Split>,
    /// Steps, both ends included; none: all.
    pub steps: Option<RangeInclusive<u32>>,
    /// What tells trials of the same names apart.
    pub selection: Selection,
    /// Only trials with these identities; none: all.
    pub ids: Option<Arc<HashSet<TrialId>>>,
}

/// Chooses among trials of the same task, optimizer and replica. The default takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Optimizer mode; `none` for optimizers without modes.
    pub mode: Option<String>,
    /// Steps over which schedules run.
    pub schedule_steps: Option<u64>,
    /// How real the data are. Tasks without data are always chosen.
    pub data: Option<Origin>,
    /// The first digits of the data's digest. Tasks without data are always chosen.
    pub data_digest: Option<String>,
    /// Steps and evaluations.
    pub protocol: Option<Protocol>,
    /// The class of arithmetic.
    pub arithmetic: Option<Arithmetic>,
    /// A part of the column `revisions`, e.g. `"trainer":1` or `external:`.
    pub revisions: Option<String>,
    /// The first digits of the trial's identity.
    pub trial: Option<String>,
}

impl Selection {
    /// Whether a trial is chosen.
    pub fn matches(&self, spec: &TrialSpec) -> bool {
        self.matches_with(spec, &mut Identifier::default())
    }

    fn matches_with(&self, spec: &TrialSpec, ids: &mut Identifier) -> bool {
        // Taken apart completely, so that a new field cannot be forgotten.
        let Self { mode, schedule_steps, data, data_digest, protocol, arithmetic, revisions, trial } = self;
        let is = |wanted: &Option<String>, found: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| found.map_or("none", String::as_str) == wanted)
        };
        is(mode, spec.optimizer.mode.as_ref())
            && schedule_steps.is_none_or(|steps| spec.optimizer.schedule_steps == Some(steps))
            && (spec.task.data_digest.is_none() || data.is_none_or(|data| spec.task.origin == data))
            && data_digest.as_ref().is_none_or(|digits| {
                spec.task.data_digest.is_none_or(|digest| digest.to_string().starts_with(digits.as_str()))
            })
            && protocol.is_none_or(|protocol| spec.protocol == protocol)
            && arithmetic.is_none_or(|arithmetic| spec.arithmetic == arithmetic)
            && revisions.as_ref().is_none_or(|part| spec.revisions().contains(part.as_str()))
            && trial.as_ref().is_none_or(|digits| ids.id(spec).to_string().starts_with(digits.as_str()))
    }
}

/// All curves of a file or directory that a query chooses, sorted by task, optimizer and replica (see [`crate::open`]).
///
/// # Errors
/// [`Error::Pattern`] for a pattern that cannot be expanded; otherwise an [`Error`] naming the file that cannot be read.
pub fn query(path: &Path, query: &Query) -> Result<Vec<Curve>, Error> {
    crate::open(path)?.query(query)
}

/// A query whose patterns are compiled.
#[derive(Debug)]
pub(crate) struct Choice {
    query: Query,
    pub(crate) tasks: NamePatterns,
    pub(crate) optimizers: NamePatterns,
    pub(crate) columns: Columns,
}

impl Choice {
    pub(crate) fn new(query: &Query) -> Result<Self, Error> {
        // Whoever reads only some splits wants to be quick; whoever reads all of a file also has its identities compared.
        let columns =
            if query.splits.is_empty() { Columns::all() } else { Columns::new(&query.splits, false) };
        Ok(Self {
            tasks: NamePatterns::new(&query.tasks)?,
            optimizers: NamePatterns::new(&query.optimizers)?,
            columns,
            query: query.clone(),
        })
    }

    /// The same with all splits; none where they are read already.
    pub(crate) fn with_all_splits(&self) -> Result<Option<Self>, Error> {
        if self.columns.reads_all() {
            return Ok(None);
        }
        Self::new(&Query { splits: Vec::new(), ..self.query.clone() }).map(Some)
    }

    /// The same without losses.
    pub(crate) fn without_losses(self) -> Self {
        Self { columns: Columns::without_losses(), ..self }
    }

    /// Whether a curve of a wanted task and optimizer is chosen.
    pub(crate) fn matches(&self, spec: &TrialSpec, ids: &mut Identifier) -> bool {
        let Query { replicas, selection, ids: wanted, .. } = &self.query;
        (replicas.is_empty() || replicas.contains(&spec.replica))
            && selection.matches_with(spec, ids)
            && wanted.as_ref().is_none_or(|wanted| wanted.contains(&ids.id(spec)))
    }

    /// Whether curves are cut.
    pub(crate) fn cuts(&self) -> bool {
        self.query.steps.is_some()
    }

    /// Keeps the chosen steps of a curve. `known` remembers what was made of the last curve's steps: most curves share theirs.
    pub(crate) fn cut(&self, curve: &mut Curve, known: &mut Option<[Arc<[u32]>; 2]>) {
        let Some(range) = &self.query.steps else { return };
        // Steps rise.
        let first = curve.steps.partition_point(|step| step < range.start());
        let last = curve.steps.partition_point(|step| step <= range.end()).max(first);
        for losses in curve.losses.iter_mut().filter(|losses| !losses.is_empty()) {
            *losses = losses[first..last].to_vec();
        }
        let kept = match known {
            Some([whole, kept]) if Arc::ptr_eq(whole, &curve.steps) => Arc::clone(kept),
            _ => {
                let kept: Arc<[u32]> = curve.steps[first..last].into();
                *known = Some([Arc::clone(&curve.steps), Arc::clone(&kept)]);
                kept
            }
        };
        curve.steps = kept;
    }

    /// Whether a row group can hold a chosen task, by the bounds of its `task` column.
    pub(crate) fn may_be_in(&self, group: &RowGroupMetaData) -> bool {
        bounds(group).is_none_or(|(low, high)| self.tasks.may_match_between(low, high))
    }
}

/// The first and the last task of a row group, by its statistics.
pub(crate) fn bounds(group: &RowGroupMetaData) -> Option<(&[u8], &[u8])> {
    let column = group.columns().iter().find(|c| c.column_path().string() == schema::TASK)?;
    let statistics = column.statistics()?;
    Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?))
}

/// The only task of a row group, if its statistics say that there is only one.
pub(crate) fn only_task(group: &RowGroupMetaData) -> Option<&str> {
    let column = group.columns().iter().find(|c| c.column_path().string() == schema::TASK)?;
    let statistics = column.statistics()?;
    let (low, high) = (statistics.min_bytes_opt()?, statistics.max_bytes_opt()?);
    let exact = statistics.min_is_exact() && statistics.max_is_exact();
    (exact && low == high).then(|| std::str::from_utf8(low).ok()).flatten()
}
