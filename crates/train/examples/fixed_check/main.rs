//! Trains the fixed tasks for some hundred steps and says whether they learn, or compares estimates of time with
//! measurements. `cargo xtask fixed-check` runs it.
//!
//! A task learns if its mean loss over the minibatches of all four splits falls by more than three standard errors.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod learning_record;
mod measured_costs;
mod recording_task;
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
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use taskset_datasets::{Datasets, Source};
use taskset_optim::{Configured, Mode, named};
use taskset_tasks::Description;
use taskset_train::{Protocol, Quiet, available_threads, configure, run_trial};

use learning_record::{Record, header, table};
use recording_task::Recorded;

type Failure = Box<dyn Error + Send + Sync>;

/// Trains the fixed tasks by Adam, the cheapest first, and says which of them learn. It fails if a task does not learn that
/// should.
#[derive(Parser)]
#[command(bin_name = "cargo xtask fixed-check")]
struct Options {
    /// Fixed tasks to train, such as TwoD_* or fixed_mlp.
    #[arg(value_name = "PATTERN", default_value = "fixed")]
    patterns: Vec<String>,
    /// Steps of a trial.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Minibatches of each split in an evaluation.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    batches: u32,
    /// Learning rates, as powers of ten, divided by commas.
    #[arg(
        long,
        value_name = "R,…",
        default_value = "-3.00",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    rates: Vec<String>,
    /// Real data instead of stand-ins.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Accept parts of data sets.
    #[arg(long, requires = "data")]
    allow_partial: bool,
    /// Only tasks on these data sets, such as mnist,cifar10.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    datasets: Option<Vec<String>>,
    /// Only tasks of more operations a step, in billions.
    #[arg(long, value_name = "G")]
    min_gflop: Option<f64>,
    /// Only tasks of at most so many operations a step, in billions.
    #[arg(long, value_name = "G")]
    max_gflop: Option<f64>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Add a line of JSON for each finished trial. Trials that the file has are not trained again.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print lines of JSON.
    #[arg(long)]
    json: bool,
    /// Train nothing: print the losses on the four splits in such a file as a table in Markdown.
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Measure steps and evaluations, and compare them with the estimates of time.
    #[arg(long)]
    estimates: bool,
}

impl Options {
    /// Two evaluations: before and behind all steps.
    fn protocol(&self) -> Protocol {
        Protocol { steps: self.steps, eval_every: self.steps, eval_batches: self.batches }
    }

    fn jobs(&self) -> usize {
        self.jobs.map_or_else(available_threads, NonZeroUsize::get)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
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
        let gflop = task.flops_per_step / 1e9;
        let size = options.min_gflop.is_none_or(|least| gflop > least)
            && options.max_gflop.is_none_or(|most| gflop <= most);
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
        return measured_costs::compare(&tasks, &data);
    }
    let optimizer = |rate: &String| -> Result<Arc<Configured>, Failure> {
        Ok(Arc::new(configure(&named(&format!("adam_lr_{rate}"))?, Mode::Upstream, &options.protocol())?))
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
    let Protocol { steps, eval_batches, .. } = options.protocol();
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
            let record = train(task, optimizer, data, &options.protocol())?;
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
        let threads: Vec<_> = (0..options.jobs()).map(|_| scope.spawn(work)).collect();
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
