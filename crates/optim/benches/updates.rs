//! Microseconds of one update, by family and number of parameters: as a rule on slices where the family is one, and as a run
//! behind the trait. Both are timed in turns in one process, and the best of several rounds is shown.
//!
//! `cargo bench -p taskset-optim --bench updates`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use taskset_optim::{Config, Error, Mode, Optimizer, Step, families};
use taskset_params::Layout;
use taskset_rng::StreamId;

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const ROUNDS: usize = 7;

/// About this many parameters in the matrices and biases of a multilayer perceptron.
fn layout(n: usize) -> Layout {
    let width = ((n / 4) as f64).sqrt() as usize;
    let mut layout = Layout::default();
    for _ in 0..4 {
        layout.push("w", &[width, width]);
        layout.push("b", &[width]);
    }
    layout
}

/// Microseconds of one call, of as many as take a few milliseconds.
fn time(calls: usize, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_secs_f64() * 1e6 / calls as f64
}

fn measure(config: &Config, n: usize) -> Result<(Option<f64>, f64), Error> {
    let layout = Arc::new(layout(n));
    let mut stream = StreamId::root("optim").child("updates").stream();
    let mut draw = || (0..layout.len()).map(|_| 0.01 * stream.normal() as f32).collect::<Vec<f32>>();
    let (gradients, mut params) = (draw(), draw());
    let rule = config.rule(Mode::Upstream, 10_000).ok();
    let mut state = rule.map(|rule| rule.init::<f32>(layout.len()));
    let optimizer = config.configured(Mode::Upstream, 10_000)?;
    let mut other = params.clone();
    let mut run = optimizer.start(&layout, &other, &StreamId::root("noise"))?;
    let mut best = [f64::INFINITY; 2];
    let mut calls = 1;
    for _ in 0..ROUNDS {
        if let (Some(rule), Some(state)) = (&rule, &mut state) {
            let spent = time(calls, || rule.update(&gradients, black_box(&mut params), state));
            best[0] = best[0].min(spent);
        }
        best[1] = best[1].min(time(calls, || run.update(Step::new(&gradients), black_box(&mut other))));
        calls = ((10_000.0 / best[1]) as usize).clamp(1, 100_000);
    }
    Ok((rule.map(|_| best[0]), best[1]))
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn main() -> Result<(), Error> {
    println!("{:<22}{:>11}{:>12}{:>12}{:>9}", "family", "parameters", "rule µs", "run µs", "ratio");
    for info in families() {
        let default = info.default_config().map(|(_, config)| config);
        let Some(config) = default.or_else(|| info.config(0)) else { continue };
        for n in SIZES {
            let (rule, run) = measure(&config, n)?;
            let [rule, ratio] =
                [rule.map(|us| format!("{us:.2}")), rule.map(|us| format!("{:.3}", run / us))]
                    .map(Option::unwrap_or_default);
            println!("{:<22}{n:>11}{rule:>12}{run:>12.2}{ratio:>9}", info.name);
        }
    }
    Ok(())
}
