//! Opens a run's folder: its recipe, and a system with the parameters of a checkpoint, by default the
//! best one.

use std::{collections::BTreeMap, path::Path, thread, time::Duration};

use anyhow::anyhow;

use super::Failure;
use crate::{
    kernel::{Device, DeviceName},
    model::{encoder::FirstValues, parameters::ParameterFileError},
    protocol::Step,
    recipe::{self, Overrides, Recipe, RecipeSource, System, VectorsByEncoder},
    train::checkpoint::{self, Checkpoint, CheckpointError},
};

/// A saved run.
pub(super) struct Saved {
    pub(super) recipe: Recipe,
    pub(super) system: System,
    /// The step of the checkpoint.
    pub(super) step: Step,
}

impl Saved {
    /// Opens the checkpoint of a run with that name, by default the best one, or the last one of a
    /// run without dev. It includes what was read from the files that the recipe names; callers load
    /// the corpora that they need.
    pub(super) fn open(
        run: &Path,
        checkpoint: Option<&str>,
        sets: &[String],
        device: DeviceName,
    ) -> Result<Self, Failure> {
        let device = device.open().map_err(Failure::Request)?;
        let file = run.join("recipe.toml");
        if !file.is_file() {
            let (run, what) =
                (run.display(), "expected the folder of a run, found no recipe.toml in it");
            return Err(Failure::Request(format!("{run}: {what}")));
        }
        let overrides = Overrides { sets: sets.to_vec(), ..Overrides::default() };
        let source = RecipeSource::File(file);
        let recipe = recipe::load_without_files(&source, &overrides)?;
        let (system, step) = load_one(run, checkpoint, &recipe, &device)?;
        Ok(Self { recipe, system, step })
    }
}

/// Refuses `--set` of a key that is not a corpus's: the trained system is fixed, and only the data
/// that `verb` reads can change.
pub(super) fn check_sets(verb: &str, sets: &[String]) -> Result<(), Failure> {
    let Some(set) = sets.iter().find(|set| !set.starts_with("corpus.")) else { return Ok(()) };
    let key = set.split('=').next().unwrap_or_default();
    Err(Failure::Request(format!(
        "--set {key}: {verb} accepts only corpus keys; everything else is fixed by the run"
    )))
}

/// How often a checkpoint that is replaced while it is read is read.
const ATTEMPTS: u32 = 10;

/// The pause before it is read again: a run writes a checkpoint in that time.
const PAUSE: Duration = Duration::from_millis(100);

/// Loads one checkpoint, of which a run that is training may replace each file between two reads.
fn load_one(
    run: &Path,
    name: Option<&str>,
    recipe: &Recipe,
    device: &Device,
) -> Result<(System, Step), Failure> {
    let mut vectors = StoredVectors::default();
    let mut why = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        let opened = name.map_or_else(|| best_of(run), |name| named(run, name));
        let checkpoint = match opened {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                why = Some(error);
                continue;
            }
        };
        let system = vectors
            .of(run, &checkpoint)
            .and_then(|vectors| load(&checkpoint, vectors, recipe, device));
        if checkpoint.is_current() {
            return Ok((system?, checkpoint.state.step()));
        }
        why = None;
    }
    Err(why.unwrap_or_else(|| {
        let run = run.display();
        Failure::Request(format!(
            "{run}: expected a checkpoint that stays while it is read, found a new one in each of \
             {ATTEMPTS} attempts; try again, or when the run has ended"
        ))
    }))
}

/// The vectors that a run has stored, read once for all attempts.
#[derive(Default)]
struct StoredVectors {
    digests: BTreeMap<String, String>,
    vectors: VectorsByEncoder,
}

impl StoredVectors {
    fn of(&mut self, run: &Path, checkpoint: &Checkpoint) -> Result<&VectorsByEncoder, Failure> {
        let digests = &checkpoint.state.vectors;
        if self.digests != *digests {
            self.vectors = checkpoint::vectors::load_all(run, digests)?;
            self.digests.clone_from(digests);
        }
        Ok(&self.vectors)
    }
}

/// The checkpoint with that name.
fn named(run: &Path, name: &str) -> Result<Checkpoint, Failure> {
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    if is_name && let Some(checkpoint) = checkpoint::open(run, name)? {
        return Ok(checkpoint);
    }
    let saved = checkpoint::names(run)?.join(", ");
    let run = run.display();
    let saved = if saved.is_empty() { "none".to_owned() } else { saved };
    Err(Failure::Request(format!("{run}: found no checkpoint {name:?}; saved: {saved}")))
}

/// The best checkpoint, or the last one of a run without dev.
fn best_of(run: &Path) -> Result<Checkpoint, Failure> {
    if let Some(best) = checkpoint::open(run, "best")? {
        return Ok(best);
    }
    let run_folder = run.display();
    let Some(last) = checkpoint::open(run, "last")? else {
        let what = "no checkpoint yet; one is saved at every evaluation and at the end of the run";
        return Err(Failure::Request(format!("{run_folder}: {what}")));
    };
    match last.state.progress.counters.best {
        // It is the best one too: the run is about to save it under that name, or was killed before.
        Some(best) if best.step == last.state.step() => Ok(last),
        // The last one has other scores than the run reported.
        Some(best) => Err(Failure::Request(format!(
            "{run_folder}/checkpoints/best: expected the checkpoint of step {}, the best evaluation, \
             found none; put it back, or copy checkpoints/last there to use that of step {}",
            best.step,
            last.state.step()
        ))),
        None => Ok(last),
    }
}

fn load(
    checkpoint: &Checkpoint,
    vectors: &VectorsByEncoder,
    recipe: &Recipe,
    device: &Device,
) -> Result<System, Failure> {
    let advice = || {
        format!(
            "; if recipe.toml was edited after training, put {} in its place",
            checkpoint.recipe().display()
        )
    };
    let fitted = &checkpoint.state.fitted;
    let system = System::new(recipe, fitted, vectors, FirstValues::Checkpoint, device);
    let mut system = system.map_err(|error| {
        let file = checkpoint.state_file();
        Failure::Request(format!("{}: {error}{}", file.display(), advice()))
    })?;
    checkpoint.load(&mut system).map_err(|error| match error {
        ParameterFileError::Unreadable { .. } => Failure::Run(anyhow!(error)),
        ParameterFileError::Missing { .. } => Failure::Request(error.to_string()),
        ParameterFileError::Unfit { .. } => Failure::Request(format!("{error}{}", advice())),
    })?;
    Ok(system)
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Unreadable { .. } => Self::Run(anyhow!(error)),
            CheckpointError::Damaged { .. } => Self::Request(error.to_string()),
        }
    }
}
