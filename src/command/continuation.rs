//! A run to continue: compared with what it was, then prepared for the session that trains it on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Failure, digests::is_unchanged, prepared::Prepared};
use crate::{
    app::{Past, StartedWith},
    process_memory,
    protocol::{Step, event::Ended},
    recipe::{self, BytesRead, Length, Opened, Overrides, Recipe, RecipeSource},
    train::{
        Moves,
        checkpoint::{Checkpoint, vectors},
    },
    tui::view::Extension,
};

/// See the module.
pub(super) struct Continuation {
    run: PathBuf,
    pub(super) recipe: Recipe,
    digests: BTreeMap<String, String>,
    pub(super) past: Past,
}

impl Continuation {
    /// The run in a folder, with a recipe that differs from its own in these values. Refused if another
    /// recipe or other corpora are to be trained, or if nothing is left to do.
    pub(super) fn read(run: &Path, overrides: &Overrides) -> Result<Self, Failure> {
        Self::of(run, Past::open(run).map_err(Failure::Request)?, overrides)
    }

    /// A run that has ended, to be trained on for some time after its last checkpoint; an epoch that has begun is one of
    /// those done. One that early stopping has ended gets a longer patience: its own, after the evaluations without an
    /// improvement so far.
    pub(super) fn extended(run: &Path, extension: Extension) -> Result<Self, Failure> {
        let past = Past::open(run).map_err(Failure::Request)?;
        let mut overrides = Overrides::default();
        let (mut steps, mut epochs) = (0, 0);
        if let Some(checkpoint) = &past.checkpoint {
            let source = RecipeSource::File(run.join("recipe.toml"));
            let recipe = recipe::load_without_files(&source, &Overrides::default())?;
            let progress = &checkpoint.state.progress;
            let main = progress.positions.get(main_corpus(&recipe)).copied().unwrap_or_default();
            steps = progress.counters.step.0;
            epochs = main.epoch + u64::from(main.next > 0);
            let without = progress.counters.evals_without_improvement;
            if let Some(patience) = recipe.train.patience.filter(|patience| without >= *patience) {
                overrides.sets.push(format!("train.patience={}", without.saturating_add(patience)));
            }
        }
        match extension {
            Extension::Epochs(more) => overrides.epochs = Some(epochs.saturating_add(more)),
            Extension::Steps(more) => overrides.steps = Some(steps.saturating_add(more)),
        }
        Self::of(run, past, &overrides)
    }

    fn of(run: &Path, past: Past, overrides: &Overrides) -> Result<Self, Failure> {
        let source = RecipeSource::File(run.join("recipe.toml"));
        let recipe = match &past.checkpoint {
            // Pretrained vectors and word lists are stored in the run.
            Some(_) => recipe::load_without_files(&source, overrides)?,
            None => recipe::load(&source, overrides)?,
        };
        let digests = recipe.digests()?;
        let continuation = Self { run: run.to_owned(), recipe, digests, past };
        let Self { recipe, past, .. } = &continuation;
        if let Some(checkpoint) = &past.checkpoint {
            continuation.is_the_same((checkpoint.recipe(), &checkpoint.state.corpora))?;
            is_not_over(run, recipe, past, checkpoint)?;
        } else if let Some(StartedWith { recipe: first, digests: were }) = &past.started_with {
            continuation.is_the_same((first.clone(), were))?;
        }
        Ok(continuation)
    }

    /// The step that it is continued from.
    pub(super) fn step(&self) -> Step {
        self.past.checkpoint.as_ref().map_or(Step(0), |checkpoint| checkpoint.state.step())
    }

    /// The name of the kernel that the run began with.
    pub(super) fn kernel(&self) -> Option<&str> {
        self.past.journal.as_ref().map(|journal| journal.header.kernel.as_str())
    }

    /// Reads its corpora.
    pub(super) fn prepare(
        self,
        moves: Option<Moves>,
        progress: &mut dyn FnMut(BytesRead<'_>),
    ) -> Result<Prepared, Failure> {
        let opened = self.open(progress)?;
        let Self { recipe, digests, past, .. } = self;
        let fitted = match &past.checkpoint {
            Some(checkpoint) => checkpoint.state.fitted.clone(),
            None => recipe::fit(&recipe, &opened.corpora, &opened.vectors),
        };
        Ok(Prepared { recipe, opened, digests, fitted, moves, past: Some(past) })
    }

    /// The corpora, and the vectors that the run has stored; before its first checkpoint, those of the
    /// files that it started with.
    fn open(&self, progress: &mut dyn FnMut(BytesRead<'_>)) -> Result<Opened, Failure> {
        let Self { run, recipe, past, .. } = self;
        if let Some(checkpoint) = &past.checkpoint {
            let vectors = vectors::load_all(run, &checkpoint.state.vectors);
            let vectors = vectors.map_err(|error| Failure::Request(format!("{error:#}")))?;
            return Ok(Opened { corpora: recipe.open()?, vectors });
        }
        let opened = recipe.open_all(process_memory::available_bytes(), progress)?;
        if let Some(started_with) = &past.started_with {
            is_unchanged(&recipe::vector_digests(&opened.vectors), &started_with.digests)?;
        }
        Ok(opened)
    }

    /// Refuses a recipe that was edited, or a corpus file that has changed: that would be another run.
    fn is_the_same(
        &self,
        (saved, were): (PathBuf, &BTreeMap<String, String>),
    ) -> Result<(), Failure> {
        let source = RecipeSource::File(saved);
        let saved = recipe::load_without_files(&source, &Overrides::default())?;
        if let Some(difference) = saved.difference(&self.recipe) {
            let file = self.run.join("recipe.toml");
            return Err(Failure::Request(format!(
                "{}: {difference}, and the run was trained with the former; put it back, or start a new run",
                file.display()
            )));
        }
        is_unchanged(&self.digests, were)
    }
}

/// The name of the corpus whose epochs are the run's.
fn main_corpus(recipe: &Recipe) -> &str {
    &recipe.corpora[recipe.objectives[recipe.main()].corpora[0]].name
}

/// Refuses a run that has nothing left to do.
fn is_not_over(
    run: &Path,
    recipe: &Recipe,
    past: &Past,
    checkpoint: &Checkpoint,
) -> Result<(), Failure> {
    let progress = &checkpoint.state.progress;
    let epochs = progress.positions.get(main_corpus(recipe)).map_or(0, |position| position.epoch);
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
        return Err(Failure::Request(format!("{}: {what}", run.display())));
    }
    Ok(())
}
