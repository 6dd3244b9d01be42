//! The trainer of a run: its system, built or loaded from a checkpoint, and how its training begins.

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
};

use anyhow::{Result, anyhow};

use super::{Past, finish, requested_failures};
use crate::{
    data::Corpus,
    kernel::Device,
    model::encoder::FirstValues,
    protocol::Header,
    recipe::{self, FittedByOwner, Recipe, System, VectorsByEncoder},
    train::{Clock, Interrupt, Moves, Opening, Trainer, TrainerSetup, TrainingSession, WarmStart},
};

/// What a trainer is built from, except for the system.
pub(super) struct TrainerParts {
    pub(super) recipe: Recipe,
    pub(super) corpora: Vec<Corpus>,
    pub(super) digests: BTreeMap<String, String>,
    pub(super) fitted: FittedByOwner,
    pub(super) moves: Option<Moves>,
    pub(super) device: Device,
    pub(super) run: PathBuf,
    pub(super) interrupt: Interrupt,
    pub(super) warm_start: WarmStart,
}

/// The trainer of a run that starts, or that is continued from its checkpoint.
pub(super) fn trainer(
    parts: TrainerParts,
    vectors: &VectorsByEncoder,
    header: &Header,
    past: Option<&Past>,
) -> Result<Trainer> {
    let TrainerParts {
        recipe,
        corpora,
        digests,
        fitted,
        moves,
        device,
        run,
        interrupt,
        warm_start,
    } = parts;
    let checkpoint = past.and_then(|past| past.checkpoint.as_ref());
    let first_values = match checkpoint {
        Some(_) => FirstValues::Checkpoint,
        None => FirstValues::Recipe,
    };
    // The library that allocates tensors panics on a size beyond the address space.
    let make = || System::new(&recipe, &fitted, vectors, first_values, &device);
    let made = panic::catch_unwind(AssertUnwindSafe(make));
    let mut system = made.map_err(|panic| {
        anyhow!("cannot build the system: {}", finish::panic_text(panic.as_ref()))
    })??;
    if checkpoint.is_none() {
        warm_start.apply(system.parameters())?;
    }
    for (at, corpus) in corpora.iter().enumerate() {
        system.attach(at, corpus);
    }
    system.release_vectors();
    let coverage = recipe.coverage(&corpora, vectors);
    // A run that was killed before its first event starts again.
    let has_started =
        |past: &&Past| past.journal.as_ref().is_some_and(|journal| journal.run.has_started());
    let opening = match past.filter(has_started) {
        None => Opening::Started,
        Some(past) => Opening::Continued(TrainingSession {
            left_behind: past.left_behind(),
            auxdesk: header.auxdesk.clone(),
            threads: header.threads,
            device: header.device.clone(),
            kernel: header.kernel.clone(),
        }),
    };
    let clock = Clock::start_at(past.map_or(0, Past::at_ms));
    let setup = TrainerSetup {
        recipe,
        corpora,
        digests,
        fitted,
        system,
        vectors: recipe::vector_digests(vectors),
        coverage,
        warm_starts: warm_start.started().to_vec(),
        run,
        opening,
        moves,
        clock,
        interrupt,
        failures: requested_failures(),
    };
    match checkpoint {
        None => Ok(Trainer::new(setup)),
        Some(checkpoint) => Trainer::resume(setup, checkpoint),
    }
}
