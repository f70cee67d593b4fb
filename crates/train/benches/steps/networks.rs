//! The network of a task as text, and one of its minibatches with loss and gradients: what `networks.py` computes too.

use std::path::Path;

use taskset_nn::{NO_LABEL, Plan, Shape};
use taskset_rng::StreamId;
use taskset_tasks::{Body, NetworkBody};

use crate::workloads::task_of;

/// The network of a workload or task, and how its examples become minibatches.
fn network(name: &str) -> Result<NetworkBody, String> {
    let specification = taskset_tasks::specification(task_of(name)).map_err(|error| error.to_string())?;
    match specification.body {
        Ok(Body::Network(body)) => Ok(*body),
        Ok(Body::Objective(_)) => Err(format!("{name} is no network")),
        Err(infeasible) => Err(infeasible.0),
    }
}

/// Examples of a minibatch, and the network's description.
pub(crate) fn describe(name: &str) -> Result<String, String> {
    let body = network(name)?;
    Ok(format!("{} {}", body.examples.batch_size(), body.network.description()))
}

/// Writes one step of a network on random inputs to a folder, as little-endian numbers: `parameters.f32`, `features.f32` or
/// `tokens.u32`, `labels.u32`, `noise.f32` (all noise, in order), `gradients.f32`; answers loss and [`describe`].
pub(crate) fn sample(name: &str, folder: &Path) -> Result<String, String> {
    let NetworkBody { network, examples, .. } = network(name)?;
    let rows = examples.batch_size().min(16);
    let mut plan = Plan::<f32>::new(&network, rows).map_err(|error| error.to_string())?;
    let mut stream = StreamId::root("sample").child(name).stream();
    let mut params = vec![0.0; network.parameter_count()];
    network.init(&mut params, &mut stream);
    // Biases begin at zero: a mistake there would not be seen.
    params.iter_mut().for_each(|p| *p += 0.01 * (stream.unit_f32() - 0.5));
    let shapes = network.shapes().map_err(|error| error.to_string())?;
    let classes = match shapes.last() {
        Some(&Shape::Features(n)) => n,
        Some(&Shape::Sequence { width, .. }) => width,
        _ => 1,
    };
    let vocabulary = if let Shape::Tokens { vocabulary, .. } = network.input { vocabulary as u64 } else { 0 };
    let labels_per_row = network.labels_per_row();
    let batch = plan.batch_mut();
    batch.features.iter_mut().for_each(|x| *x = stream.unit_f32());
    batch.tokens.iter_mut().for_each(|token| *token = stream.below(vocabulary) as u16);
    for (i, label) in batch.labels.iter_mut().enumerate() {
        // Where a row has several labels, some positions have none.
        let none = labels_per_row > 1 && i % 7 == 3;
        *label = if none { NO_LABEL } else { stream.below(classes as u64) as u16 };
    }
    let (features, tokens, labels) = (batch.features.to_vec(), batch.tokens.to_vec(), batch.labels.to_vec());
    plan.draw_noise(0..rows, &mut stream);
    let noise: Vec<f32> = plan.noise().flatten().flatten().copied().collect();
    let mut gradients = vec![0.0; params.len()];
    let loss = plan.loss_and_gradients(&params, &mut gradients);
    let save = |file: &str, bytes: Vec<u8>| {
        std::fs::write(folder.join(file), bytes).map_err(|error| format!("{file}: {error}"))
    };
    let numbers = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let integers = |values: &[u16]| values.iter().flat_map(|&x| u32::from(x).to_le_bytes()).collect();
    save("parameters.f32", numbers(&params))?;
    save("features.f32", numbers(&features))?;
    save("tokens.u32", integers(&tokens))?;
    save("labels.u32", integers(&labels))?;
    save("noise.f32", numbers(&noise))?;
    save("gradients.f32", numbers(&gradients))?;
    Ok(format!("{loss:e} {rows} {}", network.description()))
}
