//! `data prepare`.

use taskset::datasets::manifest::manifests;
use taskset::datasets::prepared::{Preparation, PrepareEvent, PrepareProgress, prepare_images, prepare_text};
use taskset::names::Origin;

use super::{cache, directory, size, texts_of};
use crate::failure::Usage;
use crate::interrupt;
use crate::options::{self, DataOption};
use crate::progress::LineProgress;

pub(super) fn run(names: &[String], jobs: Option<u32>, data: &DataOption) -> anyhow::Result<()> {
    let Some(root) = directory(data) else {
        return Err(Usage(
            "the built-in stand-ins need no preparation; name a directory: --data DIR".to_owned(),
        )
        .into());
    };
    let cache = cache(data, &root);
    // A name that is misspelt is better known before the first long preparation.
    super::choose(names)?;
    let both = |name: &String| match texts_of(name).filter(|source| source.name == *name) {
        Some(source) => vec![source.bytes.clone(), source.subwords8k.clone()],
        None => vec![name.clone()],
    };
    let names: Vec<String> = names.iter().flat_map(both).collect();
    let threads = options::threads(jobs);
    let mut finished: Vec<&str> = Vec::new();
    for name in &names {
        interrupt::keep(match &finished[..] {
            [] => "no prepared copy was finished, so none was written".to_owned(),
            finished => format!("the finished copies are kept: {}", finished.join(", ")),
        });
        if manifests().iter().any(|manifest| manifest.name == *name) {
            let lines = std::cell::RefCell::new(LineProgress::new());
            let progress = |done: usize, of: usize| {
                lines.borrow_mut().show(|| format!("{name}: {done} of {of} images"));
            };
            let how = Preparation { allow_partial: data.allow_partial, threads, progress: &progress };
            let made = prepare_images(&root, name, &cache, &how)?;
            let verb = verb(made.up_to_date, made.origin);
            say!("{name} {verb}: {} images, {}, {}", made.examples, size(made.bytes), made.path.display());
        } else {
            let mut progress = TextProgress { name, lines: LineProgress::new() };
            let made = prepare_text(&root, name, &cache, data.allow_partial, &mut progress)?;
            let verb = verb(made.found, made.origin);
            say!(
                "{name} {verb}: {} tokens of {} in {} examples, {}",
                made.tokens,
                made.vocabulary,
                made.sizes.total(),
                made.path.display()
            );
        }
        finished.push(name);
    }
    Ok(())
}

/// What was done, and whether with the whole.
fn verb(found: bool, origin: Origin) -> &'static str {
    match (found, origin) {
        (true, Origin::Real) => "is prepared already",
        (false, Origin::Real) => "prepared",
        (true, _) => "is prepared already, in part",
        (false, _) => "prepared in part",
    }
}

struct TextProgress<'a> {
    name: &'a str,
    lines: LineProgress,
}

impl PrepareProgress for TextProgress<'_> {
    fn event(&mut self, event: PrepareEvent) {
        use PrepareEvent::{Counting, Tokenising, Tried};
        let name = self.name;
        match event {
            Counting { examples, files, of } => self
                .lines
                .show(|| format!("{name}: counting words: {examples} examples, {files} of {of} files")),
            Tried { threshold, vocabulary } => {
                say!("{name}: subwords that occur {threshold} times or more: {vocabulary} ids");
            }
            Tokenising { examples, files, of } => {
                self.lines.show(|| format!("{name}: tokenising: {examples} examples, {files} of {of} files"));
            }
            _ => {}
        }
    }
}
