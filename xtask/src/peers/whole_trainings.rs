//! `cargo xtask bench --protocol`: whole trainings with their evaluations, beside jitted scans in JAX.

use anyhow::Result;

use super::{Options, Workers, workload};

/// A task of each family and group with its steps, fewer for those that take minutes for a thousand. None is augmented.
pub(super) const TASKS: [(&str, u64); 23] = [
    ("mlp_family_seed57", STEPS),
    ("mlp_ae_family_seed0", STEPS),
    ("mlp_vae_family_seed35", STEPS),
    ("nvp_family_seed556", STEPS),
    ("maf_family_seed2", STEPS),
    ("conv_pooling_family_seed137", FEW_STEPS),
    ("conv_fc_family_seed30", STEPS),
    ("char_rnn_language_model_family_seed1", FEW_STEPS),
    ("word_rnn_language_model_family_seed1", FEW_STEPS),
    ("rnn_text_classification_family_seed1", STEPS),
    ("Associative_LSTM128_BS128_Pairs5_Tokens20", STEPS),
    ("Copy_LSTM128_BS128_Length5_Tokens10", STEPS),
    ("FixedImageConvAE_mnist_32x32x32x32x32_bs128", FEW_STEPS),
    ("FixedImageConvVAE_mnist_32x32x32x32x32_bs128", FEW_STEPS),
    ("FixedImageConv_cifar10_batchnorm_32x64x64_bs128", FEW_STEPS),
    ("Mnist_Conv_32x16x64_flatten_FC32_tanh_bs32", STEPS),
    ("FixedLM_lm1b_patch128_GRU64_embed64_avg_bs128", FEW_STEPS),
    ("FixedMAF_mnist_2layer_bs64", FEW_STEPS),
    ("FixedNVP_mnist_2layer_bs64", FEW_STEPS),
    ("FixedMLPAE_mnist_128x32x128_bs128", STEPS),
    ("FixedMLPVAE_mnist_128x64x32x64x128_bs64", STEPS),
    ("FixedMLP_mnist_ce_128x128x128_relu_bs128", STEPS),
    ("FixedTextRNNClassification_imdb_patch32_GRU64_avg_bs128", STEPS),
];

const STEPS: u64 = 1000;
const FEW_STEPS: u64 = 100;

/// Families and groups without networks, which the scripts cannot read.
const WITHOUT_PEER: [&str; 3] = ["quadratic_family", "losg_tasks_family", "fixed_two_d"];

/// The largest vocabulary whose table of tokens JAX also multiplies by one-hot vectors. The work of these products grows with
/// the vocabulary: for the 8,185 subwords of IMDB, one step would take longer than ten steps that gather rows.
const ONE_HOT_VOCABULARY: usize = 512;

/// The number of different tokens of a network's input; none if it reads no tokens.
fn vocabulary(description: &str) -> Option<usize> {
    let (_, rest) = description.split_once("vocabulary: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The variants in JAX that may be the fastest for a network.
fn variants(task: &str, description: &str) -> Vec<String> {
    let has = |words: &[&str]| words.iter().any(|word| description.contains(word));
    let mut variants = vec![format!("{task}:protocol")];
    if has(&["Latent", "GaussianNoise", "Dropout", "dequantize: Some"]) {
        variants.push(format!("{task}.rbg:protocol"));
    }
    if has(&["Embed", "OneHot"]) && vocabulary(description).is_none_or(|tokens| tokens <= ONE_HOT_VOCABULARY)
    {
        variants.push(format!("{task}.oh:protocol"));
    }
    if has(&["Conv"]) {
        variants = vec![format!("{task}:protocol-step")];
    }
    variants
}

/// Measures the wanted tasks and prints a line for each as soon as it is known.
pub(super) fn compare(options: &Options, workers: &mut Workers) -> Result<()> {
    println!(
        "whole trainings: four splits × 50 minibatches before the first step, every 200 and at the end; processor \
         seconds, medians of {} interleaved rounds; ratios within rounds; compile: wall time until JAX's first answer, which also \
         makes the data and takes 100 steps",
        options.rounds
    );
    println!(
        "| task | steps | ours, s | best JAX, s | ratio | smallest to largest | JAX's variant | compile, s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let steps_of = |task: &str| {
        let known = TASKS.iter().find(|(name, _)| *name == task).map(|(_, steps)| *steps);
        options.steps.or(known).unwrap_or(if task.starts_with("word_") { FEW_STEPS } else { STEPS })
    };
    let all = || TASKS.iter().map(|(task, _)| (*task).to_owned()).collect();
    let tasks: Vec<String> = if options.workloads.is_empty() { all() } else { options.workloads.clone() };
    let mut ratios = Vec::new();
    for task in &tasks {
        let description = match workers.describe(task) {
            Ok(description) => description,
            Err(reason) => {
                println!("| {task} | no peer: {reason} | | | | | | |");
                continue;
            }
        };
        workers.tell(task, &description)?;
        let steps = steps_of(task);
        let ours = format!("{task}:protocol");
        let variants = variants(task, &description);
        let jax: Vec<&str> = variants.iter().map(String::as_str).collect();
        let measured =
            workers.measure(&workload(task, task, &[&ours], &jax, &[]), options.rounds, Some(steps))?;
        let seconds = |micros: f64| micros * steps as f64 / 1e6;
        match measured.beside_best() {
            Some(beside) => {
                println!(
                    "| {task} | {steps} | {:.3} | {:.3} | {:.2} | {:.2} to {:.2} | {} {} | {:.1} |",
                    seconds(beside.ours),
                    seconds(beside.peer),
                    beside.ratio,
                    beside.smallest,
                    beside.largest,
                    beside.key.0,
                    beside.key.1.trim_start_matches(task.as_str()),
                    beside.building.as_secs_f64(),
                );
                ratios.push(beside.ratio);
            }
            None => println!("| {task} | {steps} | {} | | | | | |", measured.missing.join("; ")),
        }
    }
    ratios.sort_by(f64::total_cmp);
    if let (Some(middle), Some(last)) = (ratios.get(ratios.len() / 2), ratios.last()) {
        println!("\nmedian ratio {middle:.2}, largest {last:.2}, {} tasks", ratios.len());
    }
    println!("without a peer yet: {}", WITHOUT_PEER.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tables_are_not_multiplied_by_one_hot_vectors() {
        let network = |vocabulary: usize| {
            format!(
                "128 Network {{ input: Tokens {{ length: 32, vocabulary: {vocabulary} }}, layers: [Embed(Embed {{ width: 64 }})] }}"
            )
        };
        assert_eq!(vocabulary(&network(8185)), Some(8185));
        assert_eq!(vocabulary("64 Network { input: Features(784) }"), None);
        assert_eq!(variants("t", &network(8185)), ["t:protocol"]);
        assert_eq!(variants("t", &network(256)), ["t:protocol", "t.oh:protocol"]);
    }
}
