//! What the rounds of a workload gave: medians, the best peer, ratios within rounds, lines to print.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Workload;
use super::worker::Answer;

/// Worker and variant.
pub(super) type Key = (String, String);

/// The answers of all rounds of a workload.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) answers: BTreeMap<Key, Vec<Answer>>,
    /// How long the first answer took: building, compiling and warming up, in wall time.
    pub(super) building: BTreeMap<Key, Duration>,
    /// Variants that could not be asked, and why.
    pub(super) missing: Vec<String>,
}

/// Ours beside the best peer.
pub(super) struct Beside<'a> {
    pub(super) ours: f64,
    pub(super) peer: f64,
    pub(super) ratio: f64,
    pub(super) smallest: f64,
    pub(super) largest: f64,
    pub(super) key: &'a Key,
    pub(super) building: Duration,
}

/// Whether a variant trains several at once.
fn at_once(key: &Key) -> bool {
    key.1.contains(":vmap")
}

impl Measured {
    fn micros(&self, key: &Key) -> Vec<f64> {
        self.answers.get(key).into_iter().flatten().map(|answer| answer.cpu_micros).collect()
    }

    /// Our fastest variant; with `several` also those that train several at once.
    fn ours(&self, several: bool) -> Vec<f64> {
        let all = self.answers.keys().filter(|key| key.0 == "ours" && key.1 != "PEAK");
        let all = all.filter(|key| several || !at_once(key)).map(|key| self.micros(key));
        all.min_by(|a, b| median(a.clone()).total_cmp(&median(b.clone()))).unwrap_or_default()
    }

    /// The fastest variant of the peers among those that train several at once, or among those that do not.
    fn best(&self, several: bool) -> Option<(&Key, f64)> {
        let peers = self.answers.keys().filter(|key| key.0 != "ours" && at_once(key) == several);
        peers.map(|key| (key, median(self.micros(key)))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether a peer's variant takes more than `times` the time of the best one of its kind. Ours never does.
    pub(super) fn is_slower_than_best(&self, key: &Key, times: f64) -> bool {
        let best = self.best(at_once(key));
        key.0 != "ours" && best.is_some_and(|(_, best)| median(self.micros(key)) > times * best)
    }

    /// Median over rounds of ours ÷ a peer's variant.
    fn ratio(&self, ours: &[f64], peer: &Key) -> f64 {
        median(ours.iter().zip(self.micros(peer)).map(|(ours, peer)| ours / peer).collect())
    }

    /// Ours and the best peer: medians in microseconds a step, and median, smallest and largest ratio within rounds; with the
    /// peer's worker and variant and what its first answer took.
    pub(super) fn beside_best(&self) -> Option<Beside<'_>> {
        let ours = self.ours(false);
        let (key, peer) = self.best(false)?;
        let ratios = || ours.iter().zip(self.micros(key)).map(|(ours, peer)| ours / peer);
        let building = self.building.get(key).copied().unwrap_or_default();
        (!ours.is_empty()).then(|| Beside {
            ours: median(ours.clone()),
            peer,
            ratio: self.ratio(&ours, key),
            smallest: ratios().fold(f64::INFINITY, f64::min),
            largest: ratios().fold(0.0, f64::max),
            key,
            building,
        })
    }

    /// Share of the peak in per cent, the median over rounds.
    fn share_of_peak(&self, workload: &Workload) -> f64 {
        let rates = |variant: &str| -> Vec<f64> {
            let key = ("ours".to_owned(), variant.to_owned());
            self.answers
                .get(&key)
                .into_iter()
                .flatten()
                .map(|answer| answer.flops / answer.cpu_micros)
                .collect()
        };
        median(
            rates(&workload.name).iter().zip(rates("PEAK")).map(|(rate, peak)| rate / peak * 100.0).collect(),
        )
    }

    /// Every variant of a workload, fastest first.
    pub(super) fn details(&self, workload: &Workload) -> String {
        let mut all: Vec<(f64, &Key)> =
            self.answers.keys().map(|key| (median(self.micros(key)), key)).collect();
        all.retain(|(_, key)| key.1 != "PEAK");
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rounds = |key: &Key| self.answers.get(key).map_or(0, Vec::len);
        let shown = all.iter().map(|(micros, key)| {
            format!("  {:<10} {:<10} {micros:>12.2} µs   {} rounds", key.0, key.1, rounds(key))
        });
        let missing = self.missing.iter().map(|reason| format!("  {reason}"));
        let ratio = self.beside_best().map(|beside| {
            let (smallest, largest) = (beside.smallest, beside.largest);
            format!("  ratio {:.2}, within rounds {smallest:.2} to {largest:.2}", beside.ratio)
        });
        let lines: Vec<String> = shown.chain(missing).chain(ratio).collect();
        format!("{}: {}\n{}", workload.name, workload.what, lines.join("\n"))
    }

    /// The row of the final table.
    pub(super) fn line(&self, workload: &Workload) -> String {
        let ours = self.ours(false);
        let number = |value: f64| if value.is_nan() { "-".to_owned() } else { format!("{value:.2}") };
        let peer = |several| {
            self.best(several).map_or(["-".to_owned(), "-".to_owned()], |(key, micros)| {
                [
                    format!("{} {} {}", number(micros), key.0, key.1),
                    number(self.ratio(&self.ours(several), key)),
                ]
            })
        };
        let share = self.share_of_peak(workload);
        let cells = [workload.name.clone(), workload.what.clone(), number(median(ours)), number(share)];
        let cells: Vec<String> = cells.into_iter().chain(peer(false)).chain(peer(true)).collect();
        format!("| {} |", cells.join(" | "))
    }
}

/// The middle of some values; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::super::workloads;
    use super::*;

    fn measured(rows: &[(&str, &str, &[f64])]) -> Measured {
        let answer = |&micros: &f64| Answer { wall_micros: micros, cpu_micros: micros, flops: 10.0 };
        let answers = rows.iter().map(|(worker, variant, micros)| {
            (((*worker).to_owned(), (*variant).to_owned()), micros.iter().map(answer).collect())
        });
        Measured { answers: answers.collect(), ..Measured::default() }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let m = measured(&[
            ("ours", "PEAK", &[1.0, 2.0, 1.0]),
            ("ours", "W0", &[2.0, 8.0, 4.0]),
            ("jax-1", "W0", &[4.0, 16.0, 8.0]),
            ("jax-2", "W0:vmap8", &[1.0, 1.0, 1.0]),
            ("torch", "W0", &[400.0, 1600.0]),
        ]);
        let line = m.line(&workloads()[0]);
        let expected = "| W0 | mlp 8-8-8-10, batch 4 | 4.00 | 25.00 | 8.00 jax-1 W0 | 0.50 | 1.00 jax-2 W0:vmap8 | 4.00 |";
        assert_eq!(line, expected);
        let key = |worker: &str, variant: &str| (worker.to_owned(), variant.to_owned());
        assert!(m.is_slower_than_best(&key("torch", "W0"), 3.0));
        for kept in [key("jax-1", "W0"), key("jax-2", "W0:vmap8"), key("ours", "W0")] {
            assert!(!m.is_slower_than_best(&kept, 1.5), "{kept:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let line = measured(&[("torch", "W3", &[5.0])]).line(&workloads()[3]);
        assert_eq!(line, "| W3 | conv 3-32-64-64, batch 64 | - | - | 5.00 torch W3 | - | - | - |");
    }
}
