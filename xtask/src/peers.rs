//! `cargo xtask bench --peers`: our training steps beside those of JAX and PyTorch, interleaved on one core; `--protocol`:
//! whole trainings.
//!
//! Every system is a worker process that answers one question a line (`benches/peers/README.md`); only one works at a
//! time. Rounds go through all variants of all systems in one order, then in the other, and ratios are taken within a
//! round, so that a slow moment of the machine falls on both sides.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use self::measured::Measured;
use self::worker::Worker;

mod measured;
mod whole_trainings;
mod worker;

/// What `cargo xtask bench --peers` takes.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    python: Option<PathBuf>,
    rounds: usize,
    core: usize,
    /// Whole trainings of tasks, not steps of workloads.
    protocol: bool,
    /// Steps of whole trainings, a multiple of the 100 that JAX takes at once; none means those of the tasks.
    steps: Option<u64>,
    /// Workloads or tasks; none means all.
    workloads: Vec<String>,
}

/// Rounds unless `--rounds` says otherwise; of whole trainings.
const ROUNDS: usize = 9;
const PROTOCOL_ROUNDS: usize = 5;
/// Microseconds that an answer should take.
const ANSWER_MICROS: f64 = 4e5;
/// After the first and after the second round, variants this much slower than the best are asked no more. One round alone
/// can be wrong by a half on a busy machine.
const HOPELESS: [f64; 2] = [3.0, 1.5];

/// A workload: its name, what it is, variants here, in JAX and in PyTorch. `vmap8` trains 8 at once and is compared apart.
struct Workload {
    name: String,
    what: String,
    ours: Vec<String>,
    jax: Vec<String>,
    torch: Vec<String>,
}

fn workload(name: &str, what: &str, ours: &[&str], jax: &[&str], torch: &[&str]) -> Workload {
    let [ours, jax, torch] =
        [ours, jax, torch].map(|variants| variants.iter().map(|&variant| variant.to_owned()).collect());
    Workload { name: name.to_owned(), what: what.to_owned(), ours, jax, torch }
}

/// The workloads. From W7 on they are tasks of ours, whose networks are described to JAX.
fn workloads() -> [Workload; 12] {
    let task =
        |name: &str, what: &str, jax: &[&str], torch: &[&str]| workload(name, what, &[name], jax, torch);
    [
        workload("W0", "mlp 8-8-8-10, batch 4", &["W0"], &["W0", "W0:vmap8"], &["W0"]),
        workload("W1", "mlp 784-32-32-10, batch 16", &["W1"], &["W1", "W1:vmap8"], &["W1"]),
        workload("W2", "mlp 3072-128x3-10, batch 128", &["W2"], &["W2", "W2:step"], &["W2"]),
        workload("W3", "conv 3-32-64-64, batch 64", &["W3"], &["W3:step"], &["W3", "W3cl"]),
        workload("W4", "byte LSTM 128, 64 steps", &["W4"], &["W4", "W4ox", "W4t"], &["W4"]),
        workload("W5", "quadratic, 100 dimensions", &["W5", "W5:vmap8"], &["W5", "W5:vmap8"], &["W5"]),
        workload("W6", "vae 784-64-32, batch 64", &["W6"], &["W6", "W6:step"], &["W6"]),
        task("W7", "conv vae, batch 128", &["W7:step", "W7.rbg:step"], &["W7", "W7cl"]),
        task("W8", "conv with batch norm, batch 128", &["W8:step"], &["W8", "W8cl"]),
        task("W9", "one-hot LSTM 128, 42 steps", &["W9", "W9.oh"], &["W9"]),
        task("W10", "text GRU 64, 32 steps", &["W10", "W10:step"], &["W10", "W10gru"]),
        task("W11", "nvp 784, 5 couplings, batch 64", &["W11", "W11.rbg", "W11:step"], &["W11"]),
    ]
}

/// A system to compare with. `threads` are those of its pool, all on one core.
struct Peer {
    name: &'static str,
    script: &'static str,
    threads: &'static str,
    /// Whether it is told to flush denormals.
    flushes: bool,
}

const JAX: &str = "jax_worker.py";
const TORCH: &str = "torch_worker.py";

const PEERS: [Peer; 4] = [
    // Two threads in its pool change how XLA compiles; on one core that is usually its best.
    Peer { name: "jax-2", script: JAX, threads: "2", flushes: false },
    Peer { name: "jax-1", script: JAX, threads: "1", flushes: false },
    Peer { name: "torch", script: TORCH, threads: "1", flushes: false },
    Peer { name: "torch-ftz", script: TORCH, threads: "1", flushes: true },
];

impl Options {
    /// # Errors
    /// For options that do not exist, numbers that are none, and workloads that do not exist.
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let has = |name: &str| args.iter().any(|arg| arg == name);
        // `--same-loss` takes names of tasks, too.
        let (protocol, tasks) = (has("--protocol"), has("--protocol") || has("--same-loss"));
        let rounds = if protocol { PROTOCOL_ROUNDS } else { ROUNDS };
        let mut options =
            Self { python: None, rounds, core: 0, protocol, steps: None, workloads: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--peers" | "--protocol" | "--same-loss" => {}
                "--python" => options.python = Some(PathBuf::from(value()?)),
                "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
                "--steps" => options.steps = Some(value()?.parse().context("--steps takes a number")?),
                "--core" => options.core = value()?.parse().context("--core takes a number")?,
                name => {
                    let known = tasks && !name.starts_with("--")
                        || workloads().iter().any(|workload| workload.name == name);
                    anyhow::ensure!(
                        known,
                        "`{name}` is neither a workload (W0 to W11) nor an option of bench --peers"
                    );
                    options.workloads.push(name.to_owned());
                }
            }
        }
        anyhow::ensure!(options.rounds > 0, "--rounds must be at least 1");
        let whole = options.steps.is_none_or(|steps| steps > 0 && steps % 100 == 0);
        anyhow::ensure!(whole, "--steps takes a multiple of 100");
        Ok(options)
    }

    fn python(&self) -> PathBuf {
        self.python.clone().unwrap_or_else(|| PathBuf::from("python3"))
    }
}

/// The command: measures, and prints a line a workload. `ours` is the benchmark that can be a worker.
pub(crate) fn compare(options: &Options, ours: &Path) -> Result<()> {
    let mut workers = Workers::start(options, ours)?;
    println!("{}", machine());
    for worker in &workers.all {
        println!("  {:<10} {}", worker.name, worker.version);
    }
    if options.protocol {
        return whole_trainings::compare(options, &mut workers);
    }
    println!(
        "processor µs a step on one core, medians of {} interleaved rounds; ratio: median of ours ÷ peer within a round",
        options.rounds
    );
    let wanted = |w: &Workload| options.workloads.is_empty() || options.workloads.contains(&w.name);
    let mut lines = Vec::new();
    for workload in workloads().into_iter().filter(wanted) {
        // Those of the first workloads are written in the scripts.
        if let Ok(description) = workers.describe(&workload.name) {
            workers.tell(&workload.name, &description)?;
        }
        let measured = workers.measure(&workload, options.rounds, None)?;
        println!("\n{}", measured.details(&workload));
        lines.push(measured.line(&workload));
    }
    println!();
    println!("| | | ours, µs | % of peak | best peer, µs | ratio | 8 at once: best peer, µs | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// The command: whether JAX computes the same losses and gradients as we for the networks that are timed.
pub(crate) fn same_loss(options: &Options, ours: &Path) -> Result<()> {
    let python = options.python();
    let script = crate::root().join("benches").join("peers").join("losses_and_gradients.py");
    let tasks = whole_trainings::TASKS.iter().map(|(task, _)| (*task).to_owned());
    let all: Vec<String> =
        ["W7", "W8", "W9", "W10", "W11"].map(str::to_owned).into_iter().chain(tasks).collect();
    let tasks = if options.workloads.is_empty() { &all } else { &options.workloads };
    crate::run(std::process::Command::new(python).arg(script).arg(ours).args(tasks))
}

/// Our worker first, then the peers'.
struct Workers {
    all: Vec<Worker>,
}

impl Workers {
    fn start(options: &Options, ours: &Path) -> Result<Self> {
        let folder = crate::root().join("benches").join("peers");
        let python = options.python();
        let core = options.core.to_string();
        let mut all = vec![Worker::start("ours", ours, &["--worker", &core], &[])?];
        // The protocol is compared with JAX alone.
        for peer in PEERS.into_iter().filter(|peer| !options.protocol || peer.script == JAX) {
            let script = folder.join(peer.script);
            let environment: &[_] = if peer.flushes { &[("TFTZ", "1")] } else { &[] };
            let arguments = [&script.to_string_lossy(), peer.threads, &core];
            let worker = Worker::start(peer.name, &python, &arguments, environment).with_context(|| {
                format!(
                    "the peer `{}` does not start with {}; {} says how to make an environment with JAX and \
                     PyTorch, to be named by --python",
                    peer.name,
                    python.display(),
                    folder.join("README.md").display()
                )
            })?;
            all.push(worker);
        }
        Ok(Self { all })
    }

    /// The network of a task as our worker describes it.
    fn describe(&mut self, task: &str) -> Result<String> {
        self.all[0].describe(task)
    }

    /// Tells JAX what a name stands for.
    fn tell(&mut self, name: &str, description: &str) -> Result<()> {
        let jax = self.all.iter_mut().filter(|worker| worker.name.starts_with("jax"));
        jax.into_iter().try_for_each(|worker| worker.tell(&format!("describe {name} {description}")))
    }

    /// How many steps of a variant take [`ANSWER_MICROS`].
    fn steady_steps(&mut self, worker: usize, variant: &str) -> Result<u64> {
        let mut steps = 1;
        loop {
            let micros = self.all[worker].ask(variant, steps)?.wall_micros;
            if steps >= 64 || micros * steps as f64 > ANSWER_MICROS / 4.0 {
                return Ok((ANSWER_MICROS / micros).clamp(1.0, 1e7) as u64);
            }
            steps *= 8;
        }
    }

    /// Measures a workload in rounds, with so many steps in each, or as many as give steady numbers.
    fn measure(&mut self, workload: &Workload, rounds: usize, steps: Option<u64>) -> Result<Measured> {
        let mut entries = vec![(0, "PEAK".to_owned())];
        for (i, worker) in self.all.iter().enumerate() {
            let variants = match worker.name.as_str() {
                "ours" => &workload.ours,
                name if name.starts_with("jax") => &workload.jax,
                _ => &workload.torch,
            };
            entries.extend(variants.iter().map(|variant| (i, variant.clone())));
        }
        let mut measured = Measured::default();
        let mut runs = Vec::new();
        for (worker, variant) in entries {
            let key = (self.all[worker].name.clone(), variant.clone());
            // The first answer builds and warms up, the next ones tell how many steps a measurement needs.
            let start = Instant::now();
            let first = self.all[worker].ask(&variant, 1);
            measured.building.insert(key.clone(), start.elapsed());
            let steps = first.and_then(|_| match steps.filter(|_| variant != "PEAK") {
                Some(steps) => Ok(steps),
                None => self.steady_steps(worker, &variant),
            });
            match steps {
                Ok(steps) => runs.push((worker, variant, key, steps)),
                Err(error) => measured.missing.push(format!("{} {variant}: {error}", key.0)),
            }
        }
        for round in 0..rounds {
            let order: Vec<usize> =
                if round % 2 == 0 { (0..runs.len()).collect() } else { (0..runs.len()).rev().collect() };
            for i in order {
                let (worker, variant, key, steps) = &runs[i];
                let answer = self.all[*worker].ask(variant, *steps)?;
                measured.answers.entry(key.clone()).or_default().push(answer);
            }
            if let Some(&times) = HOPELESS.get(round) {
                runs.retain(|(_, _, key, _)| !measured.is_slower_than_best(key, times));
            }
        }
        Ok(measured)
    }
}

/// Model of the processor, where the system tells it.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let system = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    model.map_or(system.clone(), |(_, model)| format!("{} ({system})", model.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked() {
        let parse =
            |text: &str| Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let options = parse("--peers --rounds 3 --python venv/bin/python W1 W4").unwrap();
        let expected = Options {
            python: Some(PathBuf::from("venv/bin/python")),
            rounds: 3,
            core: 0,
            protocol: false,
            steps: None,
            workloads: vec!["W1".to_owned(), "W4".to_owned()],
        };
        assert_eq!(options, expected);
        for wrong in
            ["--rounds", "--rounds x", "--rounds 0", "W12", "--pythn x", "--protocol --pythn x", "--steps 50"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let options = parse("--protocol mlp_family_seed1").unwrap();
        assert_eq!(
            (options.rounds, options.workloads),
            (PROTOCOL_ROUNDS, vec!["mlp_family_seed1".to_owned()])
        );
    }
}
