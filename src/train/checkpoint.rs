//! Checkpoints: written beside and renamed, so that a name always stands for a whole one.
//!
//! `.NAME.part` is written, synced, and becomes `.NAME.new`, which is whole for that reason; `NAME`
//! becomes `.NAME.old`, and `.NAME.new` becomes `NAME`. Killed between the last two, a run has no
//! `NAME` and a whole `.NAME.new`, which [`open`] then takes. `.NAME.old` stays until the next one is
//! written: the journal may not have come as far as `NAME` when a run is killed, and the run then goes on
//! from the one before ([`open_at`]).

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Optimizer, Progress};
use crate::{
    model::Parameters,
    protocol::Step,
    recipe::{FittedByOwner, Recipe},
};

/// The folder of a run that its checkpoints are in.
pub const FOLDER: &str = "checkpoints";

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimiser.safetensors";
const STATE: &str = "state.json";
const RECIPE: &str = "recipe.toml";

/// Everything of a checkpoint that is not a tensor. No clock, no path and no generator is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How far the run has come.
    pub progress: Progress,
    /// A digest of each corpus file, by its key in the recipe.
    pub corpora: BTreeMap<String, String>,
    /// What the system is fitted to: its vocabularies, and numbers such as bin edges.
    pub fitted: FittedByOwner,
}

impl State {
    /// Updates done.
    pub fn step(&self) -> Step {
        self.progress.counters.step
    }
}

/// What goes into a checkpoint.
pub struct Contents<'a> {
    /// All that is not a tensor.
    pub state: &'a State,
    /// The recipe, resolved.
    pub recipe: &'a Recipe,
    /// The parameters.
    pub parameters: &'a Parameters,
    /// The optimizer with its running values.
    pub optimizer: &'a Optimizer,
}

/// Writes a checkpoint of that name in a run's folder.
pub fn save(run: &Path, name: &str, contents: &Contents<'_>) -> Result<()> {
    let folder = run.join(FOLDER);
    let part = folder.join(format!(".{name}.part"));
    let written = remove(&folder.join(format!(".{name}.old")))
        .map_err(Into::into)
        .and_then(|()| write(&part, contents));
    if written.is_err() {
        // Half a checkpoint is of no use, and a full disk can do with the room.
        let _ = remove(&part);
    }
    let moved = written.and_then(|()| Ok(replace(&folder, name)?));
    // Named from the run's folder: the journal holds no path.
    moved.with_context(|| format!("{FOLDER}/{name}: cannot be written"))
}

fn write(part: &Path, contents: &Contents<'_>) -> Result<()> {
    let Contents { state, recipe, parameters, optimizer } = contents;
    remove(part)?;
    fs::create_dir_all(part)?;
    parameters.save(&part.join(MODEL))?;
    candle_core::safetensors::save(&optimizer.tensors(parameters)?, part.join(OPTIMIZER))?;
    fs::write(part.join(STATE), serde_json::to_vec(state)?)?;
    fs::write(part.join(RECIPE), recipe.resolved())?;
    for file in [MODEL, OPTIMIZER, STATE, RECIPE] {
        File::open(part.join(file))?.sync_all()?;
    }
    sync_folder(part)?;
    Ok(())
}

/// Has the names in a folder on the disk too, where the system knows how.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn replace(folder: &Path, name: &str) -> io::Result<()> {
    let (new, old) = (folder.join(format!(".{name}.new")), folder.join(format!(".{name}.old")));
    let place = folder.join(name);
    remove(&new)?;
    fs::rename(folder.join(format!(".{name}.part")), &new)?;
    remove(&old)?;
    if place.exists() {
        fs::rename(&place, &old)?;
    }
    fs::rename(&new, &place)?;
    sync_folder(folder)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A checkpoint on disk.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    /// Its state.
    pub state: State,
}

/// The checkpoint of that name of a run, if there is one.
pub fn open(run: &Path, name: &str) -> Result<Option<Checkpoint>> {
    let folders = [name.to_owned(), format!(".{name}.new")].map(|name| run.join(FOLDER).join(name));
    let folder = folders.into_iter().find(|folder| folder.join(STATE).is_file());
    folder.map(read).transpose()
}

/// The checkpoint of that name after so many updates, be it the last that was saved or the one before.
pub fn open_at(run: &Path, name: &str, step: Step) -> Result<Option<Checkpoint>> {
    let names = [name.to_owned(), format!(".{name}.new"), format!(".{name}.old")];
    let folders = names.map(|name| run.join(FOLDER).join(name));
    for folder in folders.into_iter().filter(|folder| folder.join(STATE).is_file()) {
        let checkpoint = read(folder)?;
        if checkpoint.state.step() == step {
            return Ok(Some(checkpoint));
        }
    }
    Ok(None)
}

/// Has `NAME` stand for the checkpoint of that name after so many updates, if there is one.
pub fn settle(run: &Path, name: &str, step: Step) -> Result<()> {
    let place = run.join(FOLDER).join(name);
    let Some(found) = open_at(run, name, step)?.filter(|found| found.folder != place) else {
        return Ok(());
    };
    // What stands there is of steps that the journal does not reach.
    remove(&place)?;
    Ok(fs::rename(&found.folder, &place)?)
}

fn read(folder: PathBuf) -> Result<Checkpoint> {
    let path = folder.join(STATE);
    let text = fs::read(&path).with_context(|| format!("{}: can't be read", path.display()))?;
    let state = serde_json::from_slice(&text)
        .with_context(|| format!("{}: not a checkpoint's state", path.display()))?;
    Ok(Checkpoint { folder, state })
}

impl Checkpoint {
    /// The recipe that it was trained by, resolved; a file.
    pub fn recipe(&self) -> PathBuf {
        self.folder.join(RECIPE)
    }

    /// The optimizer's running values, by `PARAMETER.first` and `PARAMETER.second`.
    pub fn running_values(&self) -> Result<HashMap<String, Tensor>> {
        Ok(candle_core::safetensors::load(self.folder.join(OPTIMIZER), &Device::Cpu)?)
    }

    /// Puts its values into the parameters.
    pub fn load(&self, parameters: &Parameters) -> Result<()> {
        Ok(parameters.load(&self.folder.join(MODEL))?)
    }
}
