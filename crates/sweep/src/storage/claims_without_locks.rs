//! Claims that end by time, for places that cannot lock files: object stores, some network file systems.
//!
//! The n-th claim on a shard is the file `claims/<shard>.lease<n>`. It is written only if there is none, so of several workers
//! one succeeds. It ends at the time that is written in it: usually several times as long as the work was estimated to take.
//! After that the next worker writes claim n + 1. If the first one lives after all, both do the same work, which does no harm: one of
//! the two equal shards is kept.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{CLAIMS, Claim, Claimant, Storage};
use crate::Error;

/// How much longer than estimated a claim holds.
const PATIENCE: f64 = 4.0;
/// What is added to that: starting, loading data.
const GRACE: Duration = Duration::from_secs(600);
/// No claim holds for longer than a year. Larger numbers would overflow.
const LONGEST: f64 = 365.0 * 86400.0;

/// How long a claim holds for work that is estimated to take so many seconds.
pub(crate) fn hold(seconds: f64) -> Duration {
    GRACE + Duration::from_secs_f64((PATIENCE * seconds).clamp(0.0, LONGEST))
}

const ENDING: &str = ".lease";

#[derive(Serialize, Deserialize)]
struct Lease {
    #[serde(flatten)]
    claimant: Claimant,
    /// Seconds since 1970 at which it ends.
    until: u64,
    /// Nanoseconds of the clock when it was written. Claims of workers with equal names differ by it.
    #[serde(default)]
    written: u64,
}

pub(crate) fn is_lease(name: &str) -> bool {
    name.contains(ENDING)
}

/// The shard of a claim, by its name, whatever kind of claim it is.
pub(crate) fn shard_of(name: &str) -> &str {
    name.split_once(ENDING).map_or(name, |(shard, _)| shard)
}

/// Shard and number of a claim, by its name.
fn parse(name: &str) -> Option<(&str, u64)> {
    let (shard, number) = name.split_once(ENDING)?;
    Some((shard, number.parse().ok()?))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The newest claim on each shard: number and content, if that can be read.
fn newest(storage: &dyn Storage, only: Option<&str>) -> Result<Vec<(String, u64, Option<Lease>)>, Error> {
    let names = storage.list(CLAIMS)?;
    let mut newest: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for (shard, number) in names.iter().filter_map(|name| parse(name)) {
        if only.is_none_or(|only| only == shard) {
            let known = newest.entry(shard).or_default();
            *known = (*known).max(number);
        }
    }
    let read = |(shard, number): (&str, u64)| {
        let bytes = storage.read(&format!("{CLAIMS}/{shard}{ENDING}{number}"))?;
        let lease = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok((shard.to_owned(), number, lease))
    };
    newest.into_iter().map(read).collect()
}

/// As [`Storage::claim`]. The claim is removed when it is given up.
pub(crate) fn claim<S: Storage + Clone + 'static>(
    storage: &S,
    shard: &str,
    claimant: &Claimant,
    hold: Duration,
) -> Result<Option<Claim>, Error> {
    let last = newest(storage, Some(shard))?.pop();
    let (number, lease) = last.map_or((0, None), |(_, number, lease)| (number, lease));
    if lease.is_some_and(|lease| lease.until > now()) {
        return Ok(None);
    }
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let until = (time + hold).as_secs();
    let lease = Lease { claimant: claimant.clone(), until, written: u64::from(time.subsec_nanos()) };
    let name = format!("{CLAIMS}/{shard}{ENDING}{}", number + 1);
    if !storage.write_new(&name, &serde_json::to_vec(&lease).unwrap_or_default())? {
        return Ok(None);
    }
    let storage = Arc::new(storage.clone());
    let shard = shard.to_owned();
    Ok(Some(Claim::new(move |_| {
        // The older ones first: the newest decides. What cannot be removed ends by time.
        for number in 1..=number + 1 {
            let _ = storage.remove(&format!("{CLAIMS}/{shard}{ENDING}{number}"));
        }
    })))
}

/// The claims that have not ended.
pub(crate) fn claims(storage: &dyn Storage) -> Result<Vec<(String, Claimant)>, Error> {
    let living = |(shard, _, lease): (String, u64, Option<Lease>)| {
        lease.filter(|lease| lease.until > now()).map(|lease| (shard, lease.claimant))
    };
    Ok(newest(storage, None)?.into_iter().filter_map(living).collect())
}
