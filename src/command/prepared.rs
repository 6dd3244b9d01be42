//! What a session trains, from the start of a run or from its checkpoint.

use std::collections::BTreeMap;

use super::{Failure, digests::is_unchanged};
use crate::{
    app::{Job, Past},
    kernel::Device,
    recipe::{FittedByOwner, Opened, Recipe},
    train::{Moves, WarmStart},
};

/// See the module.
pub(super) struct Prepared {
    pub(super) recipe: Recipe,
    pub(super) opened: Opened,
    /// A digest of each corpus file, by its key in the recipe.
    pub(super) digests: BTreeMap<String, String>,
    pub(super) fitted: FittedByOwner,
    /// Changes to repeat.
    pub(super) moves: Option<Moves>,
    /// The run so far, if it is continued.
    pub(super) past: Option<Past>,
}

/// With what it is trained.
pub(super) struct Equipment {
    pub(super) threads: usize,
    pub(super) device: Device,
    /// A shell command that is run on each alert.
    pub(super) on_alert: Option<String>,
}

impl Prepared {
    /// The session to start. The first values of parameters from other runs are read now.
    pub(super) fn job(self, equipment: &Equipment) -> Result<Job, Failure> {
        let Self { recipe, opened: Opened { corpora, vectors }, digests, fitted, moves, past } =
            self;
        let warm_start = match past.as_ref().and_then(|past| past.checkpoint.as_ref()) {
            Some(_) => WarmStart::default(),
            None => WarmStart::read(&recipe, &fitted).map_err(Failure::Request)?,
        };
        if let Some(were) = past.as_ref().and_then(|past| past.started_with.as_ref()) {
            is_unchanged(&warm_start.digests(), &were.digests)?;
        }
        Ok(Job {
            recipe,
            corpora,
            vectors,
            digests,
            fitted,
            past,
            moves,
            threads: equipment.threads,
            device: equipment.device.clone(),
            on_alert: equipment.on_alert.clone(),
            warm_start,
        })
    }
}
