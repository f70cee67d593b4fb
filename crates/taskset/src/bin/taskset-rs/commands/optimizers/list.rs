//! `optimizers list`: the families, their names and search spaces.

use serde::Serialize;
use taskset::optim;

use crate::output;

#[derive(Serialize)]
struct ListedDimension {
    name: &'static str,
    scale: &'static str,
    lo: f64,
    hi: f64,
    or_zero: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'static [&'static str]>,
}

#[derive(Serialize)]
struct ListedFamily {
    family: &'static str,
    names: String,
    set: Option<&'static str>,
    count: u32,
    default: Option<String>,
    summary: &'static str,
    space: Vec<ListedDimension>,
}

pub(super) fn run(json: bool) -> anyhow::Result<()> {
    let families: Vec<ListedFamily> = optim::families()
        .iter()
        .map(|info| {
            let mut names = info.names();
            let first = names.next().unwrap_or_default();
            let last = names.last();
            let space = info.space.iter().map(|d| ListedDimension {
                name: d.name,
                scale: scale_name(d.scale),
                lo: d.lo,
                hi: d.hi,
                or_zero: d.or_zero,
                choices: match d.scale {
                    optim::Scale::Choice(words) => Some(words),
                    _ => None,
                },
            });
            ListedFamily {
                family: info.name,
                names: last.map_or(first.clone(), |last| format!("{first} … {last}")),
                set: info.set(),
                count: info.len(),
                default: info.default_config().map(|(name, _)| name),
                summary: info.summary,
                space: space.collect(),
            }
        })
        .collect();
    if json {
        return output::json(&families);
    }
    let mut lines = Vec::new();
    for family in &families {
        lines.push(format!("{}  ({}: {})", family.family, family.count, family.names));
        let set = family.set.map(|set| format!(" Set: {set}.")).unwrap_or_default();
        let default = family.default.as_ref();
        let default = default.map(|name| format!(" Default: {name}.")).unwrap_or_default();
        lines.push(format!("    {}.{set}{default}", family.summary));
        lines.extend(family.space.iter().map(|d| format!("    {:<26} {}", d.name, d.words())));
    }
    output::lines(lines)
}

impl ListedDimension {
    /// How values are drawn, in words.
    fn words(&self) -> String {
        let is_fixed = self.lo.to_bits() == self.hi.to_bits();
        if let Some(words) = self.choices {
            let fixed = words.get(self.lo as usize).filter(|_| is_fixed);
            return fixed.map_or_else(
                || format!("one of {}", words.join(", ")),
                |word| format!("fixed at {word}; possible: {}", words.join(", ")),
            );
        }
        let scale = match self.scale {
            "true or false" if is_fixed => return format!("fixed at {}", self.lo > 0.5),
            "true or false" => return self.scale.to_owned(),
            _ if self.lo.to_bits() == self.hi.to_bits() => return format!("fixed at {}", bound(self.lo)),
            "log" => "log-uniform".to_owned(),
            "one minus log" if self.name.contains("beta") => "1 − β log-uniform".to_owned(),
            "one minus log" => format!("1 − {} log-uniform", self.name),
            "linear" => "uniform".to_owned(),
            other => other.to_owned(),
        };
        let zero = if self.or_zero { ", or 0" } else { "" };
        format!("{scale}, {} to {}{zero}", bound(self.lo), bound(self.hi))
    }
}

/// A bound as people write it: 1e-8, 0.001, 10.
fn bound(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

fn scale_name(scale: optim::Scale) -> &'static str {
    match scale {
        optim::Scale::Log => "log",
        optim::Scale::OneMinusLog => "one minus log",
        optim::Scale::Linear => "linear",
        optim::Scale::Switch => "true or false",
        optim::Scale::Choice(_) => "choice",
        _ => "other",
    }
}
