//! `curves info`.

use std::collections::BTreeMap;
use std::path::Path;

use taskset::curves;

use crate::output;

pub(super) fn run(path: &Path, json: bool) -> anyhow::Result<()> {
    super::note_left_out(&super::open(path)?);
    let info = curves::info(path)?;
    if json {
        return output::json(&info);
    }
    let few = |names: Vec<String>| match names.len() {
        0..=4 => names.join(", "),
        n => format!("{n}: {}, …, {}", names[..2].join(", "), names[n - 1]),
    };
    let names = |names: &mut dyn Iterator<Item = String>| few(names.collect());
    let files = if info.files == 1 { "1 file".to_owned() } else { format!("{} files", info.files) };
    let twice = info.rows - info.trials;
    let twice = if twice > 0 { format!("; {twice} rows repeat a trial") } else { String::new() };
    let mut lines = vec![
        format!("trials      {} in {files}, {} bytes, all as written{twice}", info.trials, info.bytes),
        format!("tasks       {}", names(&mut info.tasks.iter().cloned())),
        format!("optimizers  {}", counted(&info.families)),
        format!("replicas    {}", names(&mut info.replicas.iter().map(u32::to_string))),
        format!("protocol    {}", counted(&info.protocols)),
        format!("points      {}", names(&mut info.steps.iter().map(u32::to_string))),
        format!("mode        {}", counted(&info.modes)),
        format!("schedules   over steps: {}", counted(&info.schedule_steps)),
        format!("data        {}", counted(&info.origins)),
        format!("arithmetic  {}", counted(&info.arithmetic)),
        format!(
            "revisions   {}",
            names(&mut info.revisions.iter().map(|(revision, n)| format!("[{revision}] ({n})")))
        ),
        format!("diverged    {}", info.diverged),
    ];
    if info.ambiguous > 0 {
        lines.push(format!(
            "ambiguous   {} trials share task, optimizer and replica with another one; choose with --mode, --origin, …",
            info.ambiguous
        ));
    }
    for slice in &info.slices {
        lines.push(format!("slices      {slice}: not whole curves, so they cannot be scored"));
    }
    for metadata in &info.metadata {
        let curves::Metadata { program_version, machine, kernels, threads, .. } = metadata;
        let at_once = if *threads == 1 { "1 trial".to_owned() } else { format!("{threads} trials") };
        lines.push(format!(
            "written by  taskset-rs {program_version} on {machine}, {kernels} kernels, {at_once} at a time"
        ));
    }
    output::lines(lines)
}

/// Names with how often each occurs.
fn counted<K: std::fmt::Display, N: std::fmt::Display>(counts: &BTreeMap<K, N>) -> String {
    counts.iter().map(|(name, n)| format!("{name} ({n})")).collect::<Vec<_>>().join(", ")
}
