//! Minibatches a second on one core, by the way that the data goes, and their share of a training step.
//!
//! `cargo bench -p taskset-train --bench batches -- NAME…`; names as `taskset-rs tasks list` takes them. Data are the stand-ins,
//! whose shapes are those of the originals. A step is minibatch, loss, gradient and Adam of one trial trained alone; both
//! numbers are medians over rounds in which they take turns.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod timing;

use taskset_datasets::{Datasets, Source};
use taskset_nn::denormals::FlushGuard;
use taskset_optim::{Mode, named};
use taskset_tasks::{Feed, Task};
use taskset_train::{machine_description, replica_stream};

use timing::median;

/// Rounds, and seconds for each number in each.
const ROUNDS: usize = 7;
const SECONDS: f64 = 0.1;

/// What happens to the data of a minibatch, and tasks on which it does.
const PIPELINES: [(&str, &[&str]); 5] = [
    ("images", &["FixedMLP_mnist_ce_128x128x128_relu_bs128", "FixedMLP_cifar10_ce_128x128x128_relu_bs128"]),
    ("images, cropped and flipped", &["mlp_family_seed4", "conv_pooling_family_seed34"]),
    ("images, cropped or flipped, colours changed", &["mlp_family_seed5", "conv_pooling_family_seed11"]),
    ("bytes", &["char_rnn_language_model_family_seed2", "rnn_text_classification_family_seed0"]),
    ("subwords", &["word_rnn_language_model_family_seed0", "word_rnn_language_model_family_seed3"]),
];

fn main() {
    let patterns: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let data = Datasets::new(Source::Synthetic);
    let _flush = FlushGuard::new();
    println!("{}, one thread", machine_description());
    println!("{:<44} {:>10} {:>12} {:>10} {:>6}", "task", "batches/s", "µs a batch", "µs a step", "share");
    if patterns.is_empty() {
        for (pipeline, names) in PIPELINES {
            println!("{pipeline}");
            names.iter().for_each(|name| line(name, &data));
        }
    } else {
        match taskset_tasks::select(&patterns) {
            Ok(names) => names.iter().for_each(|name| line(name, &data)),
            Err(error) => println!("{error}"),
        }
    }
}

fn line(name: &str, data: &Datasets) {
    match taskset_tasks::build(name, data) {
        Ok(task) => {
            let [batch, step] = micros(&*task);
            let share = 100.0 * batch / step;
            println!("{name:<44} {:>10.0} {batch:>12.2} {step:>10.2} {share:>5.1}%", 1e6 / batch);
        }
        Err(error) => println!("{error}"),
    }
}

/// Microseconds a minibatch and a step.
fn micros(task: &dyn Task) -> [f64; 2] {
    let Ok(adam) = named("adam_lr_-4.00") else { return [f64::NAN; 2] };
    let Ok(rule) = adam.config.rule(Mode::Upstream, 10_000) else { return [f64::NAN; 2] };
    let mut problem = task.start(&replica_stream(task.name(), 0));
    let n = task.layout().len();
    let (mut params, mut gradients, mut state) = (vec![0.0; n], vec![0.0; n], rule.init::<f32>(n));
    problem.init(&mut params);
    let mut rounds = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        rounds[0].push(timed(|| problem.next_batch(Feed::Training)));
        rounds[1].push(timed(|| {
            problem.next_batch(Feed::Training);
            problem.loss_and_gradients(&params, &mut gradients);
            rule.update(&gradients, &mut params, &mut state);
        }));
    }
    rounds.map(|mut micros| median(&mut micros))
}

/// Microseconds a call, after one that is not counted.
fn timed(mut call: impl FnMut()) -> f64 {
    call();
    timing::micros(SECONDS, 1, &mut call)
}
