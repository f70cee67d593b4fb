//! Trains the fixed tasks for some hundred steps and says whether they learn, or compares estimates of time with
//! measurements. `cargo xtask fixed-check` runs it.
//!
//! A task learns if its mean loss over the minibatches of all four splits falls by more than three standard errors.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod estimates;
mod record;
mod recorded;
#[expect(dead_code, reason = "the benches use more of it")]
#[path = "../../benches/timing/mod.rs"]
mod timing;
#[expect(dead_code, reason = "the benches use more of it")]
#[path = "../../benches/trials/mod.rs"]
mod trials;
mod verdict;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use taskset_datasets::{Datasets, Source};
use taskset_optim::{Configured, Mode, named};
use taskset_tasks::Description;
use taskset_train::{Protocol, Quiet, available_threads, configure, run_trial};

use record::{Record, header, table};
use recorded::Recorded;

const HELP: &str = "\
cargo xtask fixed-check [PATTERN…] [options]

PATTERN: fixed tasks to train, such as TwoD_* or fixed_mlp (default: all of them)

  --steps N          steps of a trial (default 300)
  --batches N        minibatches of each split in an evaluation (default 10)
  --rates R,…        learning rates of Adam, as powers of ten (default -3.00)
  --data DIR         real data instead of stand-ins
  --allow-partial    accept parts of data sets
  --datasets NAME,…  only tasks of these data sets, such as mnist,cifar10
  --min-gflop G      only tasks of more operations a step
  --max-gflop G      only tasks of at most so many operations a step
  --jobs N           threads (default: all cores)
  --out FILE         add a line of JSON for each finished trial; trials that the file has are not trained again
  --json             print lines of JSON
  --table FILE       train nothing: print the losses on the four splits in such a file as a table in Markdown
  --estimates        measure steps and evaluations, and compare them with the estimates of time
";

type Failure = Box<dyn Error + Send + Sync>;

/// What was asked for.
struct Options {
    patterns: Vec<String>,
    protocol: Protocol,
    rates: Vec<String>,
    data: Option<PathBuf>,
    allow_partial: bool,
    datasets: Option<Vec<String>>,
    least_flops: f64,
    most_flops: f64,
    jobs: usize,
    out: Option<PathBuf>,
    json: bool,
    table: Option<PathBuf>,
    estimates: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let options = match options(args.into_iter()) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        patterns: Vec::new(),
        protocol: Protocol { steps: 300, eval_every: 300, eval_batches: 10 },
        rates: vec!["-3.00".to_owned()],
        data: None,
        allow_partial: false,
        datasets: None,
        least_flops: -1.0,
        most_flops: f64::INFINITY,
        jobs: available_threads(),
        out: None,
        json: false,
        table: None,
        estimates: false,
    };
    let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        let mut number = || -> Result<u32, String> {
            let text = value()?;
            text.parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{name} {text}: not a positive number"))
        };
        match name.as_str() {
            "--steps" => {
                let steps = number()?;
                (options.protocol.steps, options.protocol.eval_every) = (steps, steps);
            }
            "--batches" => options.protocol.eval_batches = number()?,
            "--jobs" => options.jobs = number()? as usize,
            "--rates" => options.rates = list(value()?),
            "--data" => options.data = Some(value()?.into()),
            "--allow-partial" => options.allow_partial = true,
            "--datasets" => options.datasets = Some(list(value()?)),
            "--min-gflop" | "--max-gflop" => {
                let text = value()?;
                let gflop: f64 = text.parse().map_err(|_| format!("{name} {text}: not a number"))?;
                *(if name == "--min-gflop" { &mut options.least_flops } else { &mut options.most_flops }) =
                    gflop * 1e9;
            }
            "--out" => options.out = Some(value()?.into()),
            "--json" => options.json = true,
            "--table" => options.table = Some(value()?.into()),
            "--estimates" => options.estimates = true,
            option if option.starts_with('-') => return Err(format!("there is no option {option}")),
            _ => options.patterns.push(name),
        }
    }
    if options.patterns.is_empty() {
        options.patterns.push("fixed".to_owned());
    }
    Ok(options)
}

/// Does what was asked, and returns whether everything was as expected.
fn run(options: &Options) -> Result<bool, Failure> {
    if let Some(path) = &options.table {
        print!("{}", table(&stored(Some(path))?));
        return Ok(true);
    }
    let mut tasks = Vec::new();
    for name in taskset_tasks::select(&options.patterns)? {
        let task = taskset_tasks::describe(&name)?;
        let size = task.flops_per_step > options.least_flops && task.flops_per_step <= options.most_flops;
        let data = |names: &Vec<String>| {
            let whole = task.dataset.as_deref().unwrap_or_default();
            let set = whole.split('/').next().unwrap_or_default();
            names.iter().any(|name| name == whole || name == set)
        };
        if size && options.datasets.as_ref().is_none_or(data) {
            tasks.push(task);
        }
    }
    // Cheapest first: whatever stops the program, most tasks are done.
    tasks.sort_by(|a, b| a.flops_per_step.total_cmp(&b.flops_per_step));
    let source = options.data.clone().map_or(Source::Synthetic, Source::Directory);
    let data = Datasets::new(source).allow_partial(options.allow_partial);
    if options.estimates {
        return estimates::compare(&tasks, &data);
    }
    let optimizer = |rate: &String| -> Result<Arc<Configured>, Failure> {
        Ok(Arc::new(configure(&named(&format!("adam_lr_{rate}"))?, Mode::Upstream, &options.protocol)?))
    };
    let optimizers = options.rates.iter().map(optimizer).collect::<Result<Vec<_>, _>>()?;
    let records = train_all(&tasks, &optimizers, &data, options)?;
    let unexpected = records.iter().filter(|record| !record.as_expected()).count();
    eprintln!("{} trials, {unexpected} did not learn that should", records.len());
    Ok(unexpected == 0)
}

/// The trials that a file has.
fn stored(path: Option<&Path>) -> Result<Vec<Record>, Failure> {
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(Vec::new()) };
    // A line that was cut off is trained again.
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Trains what is not stored, on many threads. Prints each trial when it is done.
fn train_all(
    tasks: &[Description],
    optimizers: &[Arc<Configured>],
    data: &Datasets,
    options: &Options,
) -> Result<Vec<Record>, Failure> {
    let before = stored(options.out.as_deref())?;
    let Protocol { steps, eval_batches, .. } = options.protocol;
    let mut records = Vec::new();
    let mut queue = Vec::new();
    for task in tasks {
        for optimizer in optimizers {
            let is = |record: &&Record| record.is(&task.name, optimizer.name(), steps, eval_batches);
            match before.iter().find(is) {
                Some(record) => records.push(record.clone()),
                None => queue.push((task, optimizer)),
            }
        }
    }
    let append = |path: &PathBuf| OpenOptions::new().create(true).append(true).open(path);
    let file: Option<File> = options.out.as_ref().map(append).transpose()?;
    if !options.json {
        println!("{}", header());
        records.iter().for_each(|record| println!("{}", record.line()));
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new((file, records)));
    let work = || -> Result<(), Failure> {
        while let Some((task, optimizer)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            let record = train(task, optimizer, data, &options.protocol)?;
            let json = serde_json::to_string(&record)?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(file) = &mut done.0 {
                writeln!(file, "{json}")?;
            }
            println!("{}", if options.json { json } else { record.line() });
            done.1.push(record);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).1)
}

/// One trial.
fn train(
    task: &Description,
    optimizer: &Configured,
    data: &Datasets,
    protocol: &Protocol,
) -> Result<Record, Failure> {
    let recorded = Recorded::new(taskset_tasks::build(&task.name, data)?);
    let origin = taskset_tasks::Task::origin(&recorded).name().to_owned();
    let curve = run_trial(&recorded, optimizer, 0, protocol, &mut Quiet, &AtomicBool::new(false))?;
    let notes = recorded.notes();
    let (first, last) = notes.first_and_last();
    let evaluated = if last.is_some() { 2.0 } else { 1.0 } * 4.0 * f64::from(protocol.eval_batches);
    Ok(Record {
        task: task.name.clone(),
        group: task.family.clone(),
        dataset: task.dataset.clone(),
        origin,
        optimizer: optimizer.name().to_owned(),
        steps: protocol.steps,
        batches: protocol.eval_batches,
        num_params: curve.num_params,
        first,
        last: last.unwrap_or_default(),
        diverged_at: curve.diverged_at,
        micros_per_step: notes.train_time.as_secs_f64() * 1e6 / f64::from(protocol.steps),
        micros_per_evaluation: notes.eval_time.as_secs_f64() * 1e6 / evaluated,
    })
}
