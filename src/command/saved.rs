//! Opens a run's folder: its recipe, and a system with the parameters of its best checkpoint.

use std::path::Path;

use anyhow::{Context, Result};

use super::Failure;
use crate::{
    kernel::{Device, DeviceName},
    model::encoder::FirstValues,
    protocol::Step,
    recipe::{self, Overrides, Recipe, RecipeSource, System},
    train::checkpoint,
};

/// A saved run.
pub(super) struct Saved {
    pub(super) recipe: Recipe,
    pub(super) system: System,
    /// The step of the checkpoint.
    pub(super) step: Step,
}

impl Saved {
    /// Opens the best checkpoint of a run, or the last one of a run without dev. It includes what
    /// was read from the files that the recipe names; callers load the corpora that they need.
    pub(super) fn open(run: &Path, sets: &[String], device: DeviceName) -> Result<Self, Failure> {
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
        let system = load(run, &recipe, &device).map_err(Failure::Run)?;
        let Some((system, step)) = system else {
            let what =
                "no checkpoint yet; one is saved at every evaluation and at the end of the run";
            return Err(Failure::Request(format!("{}: {what}", run.display())));
        };
        Ok(Self { recipe, system, step })
    }
}

fn load(run: &Path, recipe: &Recipe, device: &Device) -> Result<Option<(System, Step)>> {
    let best = checkpoint::open(run, "best")?;
    let checkpoint = match best {
        Some(best) => Some(best),
        None => checkpoint::open(run, "last")?,
    };
    let Some(checkpoint) = checkpoint else { return Ok(None) };
    let vectors = checkpoint::vectors::load_all(run, &checkpoint.state.vectors)?;
    let fitted = &checkpoint.state.fitted;
    let system = System::new(recipe, fitted, &vectors, FirstValues::Checkpoint, device)?;
    checkpoint.load(system.parameters()).context("the checkpoint does not fit the recipe")?;
    Ok(Some((system, checkpoint.state.step())))
}
