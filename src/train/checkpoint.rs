//! Checkpoints: written to a temporary folder and renamed, so that a name always refers to a
//! complete one.
//!
//! `.NAME.part` is written, synced, and becomes `.NAME.new`, which is therefore complete; `NAME`
//! becomes `.NAME.old`, and `.NAME.new` becomes `NAME`. A run killed between the last two renames
//! has no `NAME` and a complete `.NAME.new`, which [`open`] then uses. `.NAME.old` is kept until
//! the next one is written: the journal of a killed run may not record `NAME` yet, and the run is then
//! continued from the previous one ([`open_where`]).

mod names;
mod tensor_bytes;
pub mod vectors;

pub use names::names;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use safetensors::serialize_to_file;
use serde::{Deserialize, Serialize};
use tensor_bytes::TensorBytes;
use thiserror::Error;

use super::{Counters, Optimizer, Progress};
use crate::{
    data::digest,
    model::parameters::{self, ParameterFileError},
    protocol::{Step, event::CheckpointSaved},
    recipe::{FittedByOwner, Recipe, System},
    regular_file,
};

/// The folder of a run that its checkpoints are in.
pub const FOLDER: &str = "checkpoints";

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimiser.safetensors";
const MEMORY: &str = "objectives.safetensors";
const WEIGHTING: &str = "weighting.safetensors";
const ACCUMULATED: &str = "accumulated.safetensors";
const STATE: &str = "state.json";
const RECIPE: &str = "recipe.toml";

/// The parts of a checkpoint other than tensors. It contains no clock, path or generator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The progress of the run.
    pub progress: Progress,
    /// A digest of each corpus file, by its key in the recipe.
    pub corpora: BTreeMap<String, String>,
    /// The values fitted to the training splits: vocabularies, and numbers such as bin edges.
    pub fitted: FittedByOwner,
    /// The digests of the stored vectors files, by their keys in the recipe: see [`vectors`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vectors: BTreeMap<String, String>,
    /// The names of the tensors that objectives remember; without any there is no file of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<String>,
    /// The names of the gradients of the step before that the weighting rule or a measurement keeps; without any there is no
    /// file of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weighting: Vec<String>,
    /// The names of the gradients that objectives have accumulated; without any there is no file of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accumulated: Vec<String>,
}

impl State {
    /// The number of updates.
    pub fn step(&self) -> Step {
        self.progress.counters.step
    }

    /// Whether that event reports the saving of it, whatever moves are pending.
    pub fn is_of(&self, saved: &CheckpointSaved) -> bool {
        let Counters { step, last_evaluation, best, .. } = self.progress.counters;
        (step, last_evaluation.step, best.map(|best| best.step))
            == (saved.step, saved.last_evaluation, saved.best)
    }
}

/// The contents of a checkpoint.
pub struct Contents<'a> {
    /// The gradients of the step before that its weighting rule or a measurement keeps, by name.
    pub weighting: &'a BTreeMap<String, Tensor>,
    /// The gradients that objectives have accumulated, by name.
    pub accumulated: &'a BTreeMap<String, Tensor>,
    /// Everything except tensors.
    pub state: &'a State,
    /// The recipe, resolved.
    pub recipe: &'a Recipe,
    /// The system with its parameters.
    pub system: &'a System,
    /// The optimizer with its moments.
    pub optimizer: &'a Optimizer,
}

/// Writes a checkpoint with that name to a run's folder.
pub fn save(run: &Path, name: &str, contents: &Contents<'_>) -> Result<()> {
    let folder = run.join(FOLDER);
    let part = folder.join(format!(".{name}.part"));
    let written = remove(&folder.join(format!(".{name}.old")))
        .map_err(Into::into)
        .and_then(|()| write(&part, contents));
    if written.is_err() {
        // Half a checkpoint is useless, and a full disk needs the space.
        let _ = remove(&part);
    }
    let moved = written.and_then(|()| Ok(replace(&folder, name)?));
    // Relative to the run's folder: the journal contains no path.
    moved.with_context(|| format!("{FOLDER}/{name}: cannot be written"))
}

fn write(part: &Path, contents: &Contents<'_>) -> Result<()> {
    let Contents { state, weighting, accumulated, recipe, system, optimizer } = contents;
    let parameters = system.parameters();
    remove(part)?;
    // Only these two: the folder of a run that was deleted is not created again.
    for folder in part.ancestors().take(2).collect::<Vec<_>>().into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    fs::write(part.join(STATE), serde_json::to_vec(state)?)?;
    fs::write(part.join(RECIPE), recipe.resolved())?;
    for file in [STATE, RECIPE] {
        File::open(part.join(file))?.sync_all()?;
    }
    write_tensors(&part.join(MODEL), |path| Ok(parameters.save(path)?))?;
    write_tensors(&part.join(OPTIMIZER), |path| {
        let moments = optimizer.moments(parameters);
        let moments =
            moments.map(|(name, values, shape)| (name, TensorBytes::numbers(values, shape)));
        Ok(serialize_to_file(moments, None, path)?)
    })?;
    let kept = [(MEMORY, &system.memory()), (WEIGHTING, *weighting), (ACCUMULATED, *accumulated)];
    for (name, tensors) in kept {
        if !tensors.is_empty() {
            let tensors: HashMap<&String, Tensor> =
                tensors.iter().map(|(name, tensor)| (name, tensor.clone())).collect();
            write_tensors(&part.join(name), |path| {
                Ok(candle_core::safetensors::save(&tensors, path)?)
            })?;
        }
    }
    sync_folder(part)?;
    Ok(())
}

/// Writes and syncs a file of tensors with the permissions of any new file: safetensors replaces it
/// by one that only its owner can read.
fn write_tensors(path: &Path, save: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let usual = File::create(path)?.metadata()?.permissions();
    save(path)?;
    fs::set_permissions(path, usual)?;
    Ok(File::open(path)?.sync_all()?)
}

/// Syncs the names in a folder to disk, where the system supports it.
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

/// Removes a checkpoint, its state first: if the program is killed in between, [`first_where`] does
/// not take the rest for a checkpoint.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(STATE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
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

/// Why a checkpoint was not opened.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("{path}: cannot be read: {error}", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// A file is missing or damaged.
    #[error("{path}: {what}; put it back, or start a new run", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        what: String,
    },
}

impl CheckpointError {
    fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), error }
    }
}

/// The checkpoint with that name, if the run has it.
pub fn open(run: &Path, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
    let names = [name.to_owned(), format!(".{name}.new")];
    first_where(run, names, |_| true)
}

/// The checkpoint with that name and such a state: the last one saved, or the previous one.
pub fn open_where(
    run: &Path,
    name: &str,
    is_wanted: impl Fn(&State) -> bool,
) -> Result<Option<Checkpoint>, CheckpointError> {
    let names = [name.to_owned(), format!(".{name}.new"), format!(".{name}.old")];
    first_where(run, names, is_wanted)
}

/// The first checkpoint of these names that has such a state.
fn first_where<const N: usize>(
    run: &Path,
    names: [String; N],
    is_wanted: impl Fn(&State) -> bool,
) -> Result<Option<Checkpoint>, CheckpointError> {
    for name in names {
        let folder = run.join(FOLDER).join(&name);
        // A temporary folder without a state is one whose removal a kill has interrupted.
        let there = if name.starts_with('.') { folder.join(STATE) } else { folder.clone() };
        if !there.try_exists().map_err(|error| CheckpointError::unreadable(&there, error))? {
            continue;
        }
        let checkpoint = read(folder)?;
        if is_wanted(&checkpoint.state) {
            return Ok(Some(checkpoint));
        }
    }
    Ok(None)
}

/// Makes `NAME` refer to that checkpoint.
pub fn settle(run: &Path, name: &str, checkpoint: &Checkpoint) -> Result<()> {
    let place = run.join(FOLDER).join(name);
    if checkpoint.folder == place {
        return Ok(());
    }
    // The one in its place is not recorded by the journal. It leaves its name whole.
    let part = run.join(FOLDER).join(format!(".{name}.part"));
    remove(&part)?;
    if place.exists() {
        fs::rename(&place, &part)?;
    }
    fs::rename(&checkpoint.folder, &place)?;
    Ok(remove(&part)?)
}

/// Removes what killed processes have left beside the checkpoints of a run: incomplete ones, and,
/// once [`settle`] has given a checkpoint its name, those under temporary names.
pub fn remove_leftovers(run: &Path) -> Result<()> {
    let folder = run.join(FOLDER);
    for name in names::all(run)? {
        let name = &name;
        let is_settled = folder.join(name).join(STATE).is_file();
        let temporary: &[&str] = if is_settled { &["part", "new", "old"] } else { &["part"] };
        for end in temporary {
            let leftover = folder.join(format!(".{name}.{end}"));
            remove(&leftover)
                .with_context(|| format!("{}: cannot be removed", leftover.display()))?;
        }
    }
    Ok(())
}

fn read(folder: PathBuf) -> Result<Checkpoint, CheckpointError> {
    let path = folder.join(STATE);
    let damaged = |what| CheckpointError::Damaged { path: path.clone(), what };
    let text = regular_file::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            damaged("expected the state of a checkpoint, found no such file".to_owned())
        }
        _ => CheckpointError::unreadable(&path, error),
    })?;
    let state = serde_json::from_slice(&text).map_err(|error| {
        damaged(format!("expected the state of a checkpoint, found something else ({error})"))
    })?;
    Ok(Checkpoint { folder, state })
}

impl Checkpoint {
    /// The path of the resolved recipe that it was trained with.
    pub fn recipe(&self) -> PathBuf {
        self.folder.join(RECIPE)
    }

    /// The path of its state, which has the vocabularies.
    pub fn state_file(&self) -> PathBuf {
        self.folder.join(STATE)
    }

    /// The optimizer's moments, by `PARAMETER.first` and `PARAMETER.second`.
    pub fn running_values(&self) -> Result<HashMap<String, Tensor>> {
        self.tensors(OPTIMIZER)
    }

    /// The gradients of the step before that its weighting rule or a measurement keeps, by name.
    pub fn weighting(&self) -> Result<HashMap<String, Tensor>> {
        self.gradients(WEIGHTING, &self.state.weighting)
    }

    /// The gradients that its objectives have accumulated, by name.
    pub fn accumulated(&self) -> Result<HashMap<String, Tensor>> {
        self.gradients(ACCUMULATED, &self.state.accumulated)
    }

    /// The tensors of a file, which has these if there are any.
    fn gradients(&self, file: &str, names: &[String]) -> Result<HashMap<String, Tensor>> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let tensors = self.tensors(file)?;
        let found: BTreeSet<&String> = tensors.keys().collect();
        if found != names.iter().collect() {
            let path = self.folder.join(file);
            bail!("{}: expected the tensors {names:?}, found {found:?}", path.display());
        }
        Ok(tensors)
    }

    fn tensors(&self, file: &str) -> Result<HashMap<String, Tensor>> {
        let path = self.folder.join(file);
        let read = || {
            let bytes = regular_file::read(&path)?;
            anyhow::Ok(candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?)
        };
        read().with_context(|| format!("{}: cannot be read", path.display()))
    }

    /// The values of its parameters, by name.
    pub fn values(&self) -> Result<BTreeMap<String, Tensor>, ParameterFileError> {
        parameters::read(&self.folder.join(MODEL))
    }

    /// A digest of the file of its parameters.
    pub fn digest(&self) -> Result<String> {
        let path = self.folder.join(MODEL);
        let bytes = regular_file::read(&path)
            .with_context(|| format!("{}: cannot be read", path.display()))?;
        Ok(digest::digest(&bytes))
    }

    /// Loads its values into a system's parameters, and restores what its objectives remember.
    pub fn load(&self, system: &mut System) -> Result<(), ParameterFileError> {
        system.parameters().load(&self.folder.join(MODEL))?;
        let path = self.folder.join(MEMORY);
        let memory = match self.state.memory.as_slice() {
            [] => BTreeMap::new(),
            names => {
                let memory = parameters::read(&path)?;
                if !memory.keys().eq(names) {
                    let what = format!("expected the tensors {names:?}, found {:?}", memory.keys());
                    return Err(ParameterFileError::Unfit { path, what });
                }
                memory
            }
        };
        let unfit =
            |error: candle_core::Error| ParameterFileError::Unfit { path, what: error.to_string() };
        system.restore(memory).map_err(unfit)
    }

    /// Whether its folder still has the state that was read from it. A run that goes on replaces its
    /// checkpoints: files that were read before this is true are of one checkpoint.
    pub fn is_current(&self) -> bool {
        read(self.folder.clone()).is_ok_and(|there| there.state == self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_checkpoint_is_removed_first() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("checkpoints/.last.old");
        // A folder in its place cannot be removed as a file.
        fs::create_dir_all(folder.join(STATE)).unwrap();
        fs::write(folder.join(MODEL), "").unwrap();
        assert!(remove(&folder).is_err());
        assert!(folder.join(MODEL).exists(), "nothing is removed before the state");

        fs::remove_dir(folder.join(STATE)).unwrap();
        let is_any = |_: &State| true;
        assert!(open_where(run.path(), "last", is_any).unwrap().is_none(), "half removed");
        remove(&folder).unwrap();
        assert!(!folder.exists());
        remove(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_state_that_is_a_device_is_not_read() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("checkpoints/last");
        fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join(STATE)).unwrap();
        let error = open(run.path(), "last").unwrap_err().to_string();
        assert!(
            error.contains("state.json: cannot be read: expected a file, found a device"),
            "{error}"
        );
    }
}
