//! Checkpoints: written beside and renamed, so that a name always stands for a whole one.
//!
//! `.NAME.part` is written, synced, and becomes `.NAME.new`, which is whole for that reason; `NAME`
//! becomes `.NAME.old`, and `.NAME.new` becomes `NAME`. Killed between the last two, a run has no
//! `NAME` and a whole `.NAME.new`, which [`open`] then takes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::optimizer::Optimizer;
use crate::{
    data::stream::Position,
    mixer::WeightingMemory,
    model::Parameters,
    protocol::{ObjectiveId, Step},
    recipe::Vocabularies,
};

/// The folder of a run that its checkpoints are in.
pub const FOLDER: &str = "checkpoints";

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimiser.safetensors";
const STATE: &str = "state.json";

/// Everything of a run's state that is not a tensor. No clock, no path and no generator is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Updates done.
    pub step: Step,
    /// Where each corpus is, by name.
    pub positions: BTreeMap<String, Position>,
    /// The best value so far of the metric that chooses, and when.
    pub best: Option<BestSoFar>,
    /// Evaluations since then.
    pub without_gain: u64,
    /// What a plateau rule remembers; no such rule is built yet.
    pub plateau: Option<()>,
    /// The settings in force.
    pub settings: SettingsState,
    /// What the weighting rule remembers.
    pub weighting: WeightingMemory,
    /// Updates that each parameter has had, by name.
    pub counts: BTreeMap<String, u64>,
    /// Every vocabulary.
    pub vocabularies: VocabulariesState,
}

/// The best value of a metric so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// The value.
    pub value: f32,
    /// After how many updates.
    pub step: Step,
}

/// The live settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingsState {
    /// The learning rate of the next update.
    pub rate: f64,
    /// Steps between measurements of gradients; 0 for never.
    pub gradients: u64,
    /// How the next update chooses among the groups. Checkpoints from before it could be set don't say.
    #[serde(default)]
    pub sampling: Option<String>,
    /// The weighting rule of the next update. Checkpoints from before it could be set don't say.
    #[serde(default)]
    pub weighting: Option<String>,
    /// Each objective's fader.
    pub faders: BTreeMap<ObjectiveId, FaderState>,
}

/// A fader's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaderState {
    /// Gain of the next update.
    pub gain: f64,
    /// Whether a schedule of the recipe still moves it.
    pub scheduled: bool,
    /// Muted?
    pub muted: bool,
    /// Soloed?
    pub soloed: bool,
}

/// Vocabularies compare by what they are saved as.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VocabulariesState(pub Vocabularies);

impl PartialEq for VocabulariesState {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_string(self).ok() == serde_json::to_string(other).ok()
    }
}

/// Writes a checkpoint of that name in a run's folder.
pub fn save(
    run: &Path,
    name: &str,
    state: &State,
    parameters: &Parameters,
    optimizer: &Optimizer,
) -> Result<()> {
    let folder = run.join(FOLDER);
    let part = folder.join(format!(".{name}.part"));
    let written = write(&part, state, parameters, optimizer);
    if written.is_err() {
        // Half a checkpoint is of no use, and a full disk can do with the room.
        let _ = remove(&part);
    }
    let moved = written.and_then(|()| Ok(replace(&folder, name)?));
    // Named from the run's folder: the journal holds no path.
    moved.with_context(|| format!("{FOLDER}/{name}: can't be written"))
}

fn write(part: &Path, state: &State, parameters: &Parameters, optimizer: &Optimizer) -> Result<()> {
    remove(part)?;
    fs::create_dir_all(part)?;
    parameters.save(&part.join(MODEL))?;
    candle_core::safetensors::save(&optimizer.tensors(parameters)?, part.join(OPTIMIZER))?;
    fs::write(part.join(STATE), serde_json::to_vec(state)?)?;
    for file in [MODEL, OPTIMIZER, STATE] {
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
    sync_folder(folder)?;
    remove(&old)
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
    let Some(folder) = folders.into_iter().find(|folder| folder.join(STATE).is_file()) else {
        return Ok(None);
    };
    let path = folder.join(STATE);
    let text = fs::read(&path).with_context(|| format!("{}: can't be read", path.display()))?;
    let state = serde_json::from_slice(&text)
        .with_context(|| format!("{}: not a checkpoint's state", path.display()))?;
    Ok(Some(Checkpoint { folder, state }))
}

impl Checkpoint {
    /// Puts its values into the parameters.
    pub fn load(&self, parameters: &Parameters) -> Result<()> {
        Ok(parameters.load(&self.folder.join(MODEL))?)
    }
}
