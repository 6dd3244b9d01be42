//! `auxdesk continue`: continues a run that was stopped, or extends a finished one, in its own
//! folder.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use super::{
    Failure,
    digests::is_unchanged,
    progress::reading,
    train::{self, Prepared, Session},
};
use crate::{
    app::{Past, RunFolder, StartedWith},
    cli::ContinueArgs,
    journal, kernel,
    printable::print_message,
    process_memory,
    protocol::{Step, event::Ended},
    recipe::{self, Length, Opened, Overrides, Recipe, RecipeSource},
    train::checkpoint::{Checkpoint, vectors},
};

pub(super) fn run(args: &ContinueArgs, threads: usize) -> Result<ExitCode, Failure> {
    let file = args.run.join("recipe.toml");
    if !file.is_file() {
        let (run, what) =
            (args.run.display(), "no recipe.toml in it; expected the folder of a run");
        return Err(Failure::Request(format!("{run}: {what}")));
    }
    // A folder in which somebody keeps a recipe has neither.
    if ["diagnostics.log", journal::FILE].iter().all(|name| !args.run.join(name).is_file()) {
        let (run, what) =
            (args.run.display(), "no journal.jsonl in it; expected the folder of a run");
        return Err(Failure::Request(format!("{run}: {what}")));
    }
    let folder = RunFolder::reopened(&args.run).map_err(Failure::Request)?;
    let overrides = Overrides { steps: args.steps, epochs: args.epochs, ..Overrides::default() };
    let past = Past::open(&args.run).map_err(Failure::Request)?;
    let source = RecipeSource::File(file);
    let recipe = match &past.checkpoint {
        // Pretrained vectors and word lists are stored in the run.
        Some(_) => recipe::load_without_files(&source, &overrides)?,
        None => recipe::load(&source, &overrides)?,
    };
    let digests = recipe.digests()?;
    if let Some(checkpoint) = &past.checkpoint {
        is_the_same(args, &recipe, &digests, (checkpoint.recipe(), &checkpoint.state.corpora))?;
        is_not_over(args, &recipe, &past, checkpoint)?;
    } else {
        if let Some(StartedWith { recipe: first, digests: were }) = &past.started_with {
            is_the_same(args, &recipe, &digests, (first.clone(), were))?;
        }
        let run = args.run.display();
        print_message(&format!("{run}: the journal records no checkpoint; continuing from step 0"));
    }
    let moves = train::moves(args.moves.as_deref(), &recipe)?;
    let step = past.checkpoint.as_ref().map_or(Step(0), |checkpoint| checkpoint.state.step());
    let moves = moves.map(|moves| moves.after(step));
    let show = train::show(args.headless || args.plain || args.json, args.observe, args.look)?;
    let device = args.device.open().map_err(Failure::Request)?;
    warn_if_kernel_differs(&past, kernel::name(&device));
    let opened = open(args, &recipe, &past)?;
    let fitted = match &past.checkpoint {
        Some(checkpoint) => checkpoint.state.fitted.clone(),
        None => recipe::fit(&recipe, &opened.corpora, &opened.vectors),
    };
    let (json, on_alert) = (args.json, args.on_alert.clone());
    let session = Session { threads, device, show, json, on_alert };
    let past = Some(past);
    Prepared { recipe, opened, digests, fitted, moves, past }.train(session, |_| Ok(folder))
}

/// The corpora, and the vectors that the run has stored; before its first checkpoint, those of the
/// files that it started with.
fn open(args: &ContinueArgs, recipe: &Recipe, past: &Past) -> Result<Opened, Failure> {
    if let Some(checkpoint) = &past.checkpoint {
        let vectors = vectors::load_all(&args.run, &checkpoint.state.vectors);
        let vectors = vectors.map_err(|error| Failure::Request(format!("{error:#}")))?;
        return Ok(Opened { corpora: recipe.open()?, vectors });
    }
    let opened = recipe.open_all(process_memory::available_bytes(), &mut reading())?;
    if let Some(started_with) = &past.started_with {
        is_unchanged(&recipe::vector_digests(&opened.vectors), &started_with.digests)?;
    }
    Ok(opened)
}

/// Refuses a recipe that was edited, or a corpus file that has changed: that would be another run.
fn is_the_same(
    args: &ContinueArgs,
    recipe: &Recipe,
    digests: &BTreeMap<String, String>,
    (saved, were): (PathBuf, &BTreeMap<String, String>),
) -> Result<(), Failure> {
    let source = RecipeSource::File(saved);
    let saved = recipe::load_without_files(&source, &Overrides::default())?;
    if let Some(difference) = saved.difference(recipe) {
        let file = args.run.join("recipe.toml");
        return Err(Failure::Request(format!(
            "{}: {difference}, and the run was trained with the former; put it back, or start a new run",
            file.display()
        )));
    }
    is_unchanged(digests, were)
}

/// Refuses a run that has nothing left to do.
fn is_not_over(
    args: &ContinueArgs,
    recipe: &Recipe,
    past: &Past,
    checkpoint: &Checkpoint,
) -> Result<(), Failure> {
    let progress = &checkpoint.state.progress;
    let main = &recipe.corpora[recipe.objectives[recipe.main()].corpora[0]].name;
    let epochs = progress.positions.get(main).map_or(0, |position| position.epoch);
    let (steps, without) = (progress.counters.step.0, progress.counters.evals_without_improvement);
    let done = match recipe.train.length {
        Length::Steps(all) if steps >= all => Some(format!("all {all} steps are done")),
        Length::Epochs(all) if epochs >= all => Some(format!("all {all} epochs are done")),
        _ => None,
    };
    let what = match (done, recipe.train.patience) {
        (Some(done), _) => format!("{done}; use --steps N or --epochs N to extend the run"),
        (None, Some(patience)) if without >= patience => format!(
            "early stopping: no improvement for {without} evaluations; raise `train.patience` in \
             recipe.toml to train on"
        ),
        _ if progress.faders.all_are_finished(steps) => {
            "every objective is finished: nothing is left to train".to_owned()
        }
        _ => return Ok(()),
    };
    // A run that was killed after its last step is still to be evaluated.
    if past.ended() == Some(Ended::Finished) {
        return Err(Failure::Request(format!("{}: {what}", args.run.display())));
    }
    Ok(())
}

/// Warns if the kernel differs, as results are reproducible bit for bit with one kernel only. The
/// number of threads does not matter.
fn warn_if_kernel_differs(past: &Past, kernel: &str) {
    let before = past.journal.as_ref().map(|journal| journal.header.kernel.as_str());
    if let Some(before) = before.filter(|before| *before != kernel) {
        print_message(&format!(
            "kernel {kernel}; the run began with {before}: results may not be equal bit for bit"
        ));
    }
}
