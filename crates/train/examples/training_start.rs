//! Writes the start of a task's training, so that another framework can train the same: initial parameters, and which
//! examples each minibatch has.
//!
//! ```console
//! $ cargo run --release --package taskset-train --example training_start -- mlp_family_seed57 OUT --data DIR --replica 0
//! ```
//! Works for sampled tasks on images. `OUT/start.json` names the tensors, their shapes in order, and the minibatch; beside it lie
//! raw little-endian files: `parameters.f32`, the tensors one after the other; `training.u32`, `[steps, minibatch]`;
//! `train.u32`, `valid_inner.u32`, `valid_outer.u32` and `test.u32`, `[2 × evaluation minibatches, minibatch]`, for an
//! evaluation before the first step and one at the end. Examples are numbered through the training files, then the test file.
//! Where there is noise (latent samples, dequantisation), `training.f32`, `train.f32`, … hold that of each minibatch.
#![expect(clippy::print_stderr, reason = "a command-line program")]

use std::path::Path;
use std::process::ExitCode;

use taskset_datasets::{Datasets, Source};
use taskset_names::Split;
use taskset_tasks::{Feed, sampled_examples};
use taskset_train::{Protocol, replica_stream};

const HELP: &str = "\
start TASK OUT --data DIR [--replica R] [--steps N] [--eval-batches N] [--allow-partial true]";

fn main() -> ExitCode {
    match write(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}\n\n{HELP}");
            ExitCode::FAILURE
        }
    }
}

fn write(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let (Some(task), Some(out)) = (args.next(), args.next()) else {
        return Err("a task and a folder to write to are missing".to_owned());
    };
    let (mut data, mut replica, mut steps, mut eval_batches) = (None, 0, 2000, Protocol::PAPER.eval_batches);
    let mut partial = false;
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u32>().map_err(|_| format!("{name} {value}: not a whole number"));
        match name.as_str() {
            "--data" => data = Some(value),
            "--replica" => replica = number()?,
            "--steps" => steps = number()?,
            "--eval-batches" => eval_batches = number()?,
            "--allow-partial" => partial = value == "true",
            _ => return Err(format!("there is no option {name}")),
        }
    }
    let data = data.ok_or("--data is missing: the folder with the data sets")?;
    let data = Datasets::new(Source::Directory(data.into())).allow_partial(partial);
    let text = |error: &dyn std::error::Error| error.to_string();

    let description = taskset_tasks::describe(&task).map_err(|e| text(&e))?;
    let images = description.config.map(|config| config["dataset"].clone()).unwrap_or_default();
    let (Some(dataset), Some(batch)) = (images[0].as_str(), images[1]["bs"].as_u64()) else {
        return Err(format!("{task} does not take minibatches of images"));
    };
    let num_train = images[1]["num_train"].as_u64().map(|n| n as usize);
    let built = taskset_tasks::build(&task, &data).map_err(|e| text(&e))?;
    let id = replica_stream(&task, replica);

    let out = Path::new(&out);
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(out).map_err(|e| failed(out, e))?;
    let save = |name: &str, bytes: Vec<u8>| {
        let path = out.join(name);
        std::fs::write(&path, bytes).map_err(|e| failed(&path, e))
    };
    let (mut params, mut problem) = (vec![0f32; built.layout().len()], built.start(&id));
    problem.init(&mut params);
    save("parameters.f32", params.iter().flat_map(|x| x.to_le_bytes()).collect())?;
    let feeds = Split::ALL.map(|split| (split.name(), Feed::Evaluation(split), 2 * eval_batches));
    for (name, feed, batches) in feeds.into_iter().chain([("training", Feed::Training, steps)]) {
        let mut stream = sampled_examples(dataset, num_train, &data, &id, feed).map_err(|e| text(&e))?;
        let mut examples = vec![0u32; batch as usize * batches as usize];
        stream.next_batch(&mut examples);
        save(&format!("{name}.u32"), examples.iter().flat_map(|x| x.to_le_bytes()).collect())?;
        if !problem.noise().is_empty() {
            let mut noise = Vec::new();
            for _ in 0..batches {
                problem.next_batch(feed);
                noise.extend(problem.noise().into_iter().flatten().flat_map(|x| x.to_le_bytes()));
            }
            save(&format!("{name}.f32"), noise)?;
        }
    }
    let tensors = built.layout().tensors().iter();
    let tensors: Vec<_> =
        tensors.map(|tensor| serde_json::json!({ "name": tensor.name, "shape": tensor.shape })).collect();
    let start = serde_json::json!({
        "task": task, "replica": replica, "data": built.origin().name(), "batch_size": batch, "steps": steps,
        "tensors": tensors,
    });
    save("start.json", format!("{start:#}\n").into_bytes())
}
