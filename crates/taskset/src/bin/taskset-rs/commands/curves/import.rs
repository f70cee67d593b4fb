//! `curves import`: the released curves, as curve files of this program.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::Context;
use taskset::curves;
use taskset::figures::counted;
use taskset::repro::Error;
use taskset::repro::released_archives::{self, Archives, KnownOptimizers};

use crate::failure::{Interrupted, Usage};
use crate::interrupt;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  taskset-rs curves import task_set_data --out released\n\n\
    A released file is TASK/SET_STEPS_replicaN.npz, for example \
    mlp_family_seed12/adam8p_wide_grid_1k_10000_replica5.npz. Folders are searched for such files. From each file, a file \
    TASK.SET.parquet is made. Its trials have mode upstream, and real data unless the released file says otherwise. Their column \
    `revisions` is external:task_set. The path gives the task, and the names inside the file decide to which optimizer a curve \
    belongs. A task or an optimizer that this program does not know is an error. Losses in double precision are rounded to \
    single precision.")]
pub(crate) struct Arguments {
    /// Files (.npz), or folders of them.
    #[arg(value_name = "SRC", required = true)]
    sources: Vec<PathBuf>,
    /// Directory for the new files. It is created if it does not exist. Older files of the same names are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let archives = Archives::find(&arguments.sources).map_err(|error| match error {
        Error::NotReleased { .. } => Usage(error.to_string()).into(),
        other => anyhow::Error::from(other),
    })?;
    let files: Vec<_> = archives.files().collect();
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    interrupt::keep(format!(
        "the files in {} are whole; the same command writes all of them again",
        out.display()
    ));
    let optimizers = KnownOptimizers::default();
    let (mut trials, mut diverged) = (0, 0);
    for (number, (path, name)) in files.iter().enumerate() {
        if interrupt::flag().load(Ordering::Relaxed) {
            let kept = counted(number as u64, "file");
            return Err(Interrupted(format!(
                "{kept} in {} are whole; the same command writes all of them again",
                out.display()
            ))
            .into());
        }
        let curves = released_archives::read(path, name, &optimizers)?;
        trials += curves.len() as u64;
        diverged += curves.iter().filter(|curve| curve.diverged_at.is_some()).count() as u64;
        curves::write(
            &out.join(format!("{}.{}.parquet", name.task, name.set)),
            &curves,
            &released_archives::metadata(),
        )?;
    }
    say!(
        "{} from {} written to {}; {diverged} of them with losses that are not finite",
        counted(trials, "trial"),
        counted(files.len() as u64, "file"),
        out.display()
    );
    Ok(())
}
