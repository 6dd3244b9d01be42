//! The checkpoints of a run, by name.

use std::{collections::BTreeSet, fs, io, path::Path};

use super::{CheckpointError, FOLDER, STATE};

/// The names of the checkpoints of a run, in alphabetical order; none if the run has no folder for
/// them.
pub fn names(run: &Path) -> Result<Vec<String>, CheckpointError> {
    let is_saved = |name: &String| run.join(FOLDER).join(name).join(STATE).is_file();
    Ok(all(run)?.into_iter().filter(is_saved).collect())
}

/// These, and the names of those that were being saved.
pub(super) fn all(run: &Path) -> Result<BTreeSet<String>, CheckpointError> {
    let folder = run.join(FOLDER);
    let unreadable = |error| CheckpointError::unreadable(&folder, error);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?.file_name();
        let entry = entry.to_string_lossy();
        let name = match entry.strip_prefix('.') {
            Some(temporary) => temporary.rsplit_once('.').map(|(name, _)| name),
            None => Some(&*entry),
        };
        names.extend(name.map(str::to_owned));
    }
    Ok(names)
}
