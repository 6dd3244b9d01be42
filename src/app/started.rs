//! What a run started with: its recipe and the digests of its corpus files. A run that is continued
//! before its first checkpoint is compared with it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{finish::write_json, whole::write_whole};
use crate::{regular_file, train::checkpoint};

const FOLDER: &str = "start";
const RECIPE: &str = "recipe.toml";
const DIGESTS: &str = "digests.json";

/// See the module.
#[derive(Debug)]
pub struct StartedWith {
    /// The path of the resolved recipe.
    pub recipe: PathBuf,
    /// A digest of each corpus file, by its key in the recipe.
    pub digests: BTreeMap<String, String>,
}

impl StartedWith {
    /// Reads it from a run's folder; `None` if the run has not started.
    pub(super) fn read(run: &Path) -> Result<Option<Self>> {
        let folder = run.join(checkpoint::FOLDER).join(FOLDER);
        let path = folder.join(DIGESTS);
        let text = match regular_file::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("{}: cannot be read", path.display()))?,
        };
        let digests = serde_json::from_slice(&text).with_context(|| {
            format!("{}: expected the digests of a run's corpora", path.display())
        })?;
        Ok(Some(Self { recipe: folder.join(RECIPE), digests }))
    }

    /// Writes it to a run's folder.
    pub(super) fn write(
        run: &Path,
        resolved: &str,
        digests: &BTreeMap<String, String>,
    ) -> Result<()> {
        let folder = run.join(checkpoint::FOLDER).join(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("{}: cannot be created", folder.display()))?;
        let path = folder.join(RECIPE);
        write_whole(&path, resolved.as_bytes())
            .with_context(|| format!("{}: cannot be written", path.display()))?;
        write_json(&folder.join(DIGESTS), digests)
    }
}
