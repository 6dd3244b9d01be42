//! A run from start to end: its folder, its threads, and the files that it writes.
//!
//! Three threads: the trainer (with its thread pool), the recorder (which never drops an event),
//! and the screen (the desk or progress lines), which may miss events; at the end it is not waited
//! for if its output is blocked. A fourth thread waits for signals, and a fifth starts the command of
//! `--on-alert`, if there is one. Trainer and recorder are those of one session; the screen and the
//! signals are those of the process, which may train a run on that has ended.

mod alerts;
mod finish;
mod folder;
pub mod memory;
mod past;
mod show;
mod signals;
mod started;
mod trainer;
mod whole;

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::mpsc,
    thread,
};

use crate::{
    bus::{self, Bus, Channels},
    data::Corpus,
    feed::{Feed, SharedRun},
    journal::{self, VERSION, Writer},
    kernel::{self, Device, DeviceName},
    process_memory,
    protocol::{
        CommandId, Header, Summary,
        event::{Ended, Reason, RunEnded},
    },
    recipe::{self, FittedByOwner, Recipe, VectorsByEncoder},
    recorder::{Recorded, Recording, record},
    state::{Run, Totals, describe},
    train::{
        Counters, Moves, RequestedFailures, Trainer, WarmStart,
        checkpoint::{self, Checkpoint},
    },
    tui::desk::LiveRun,
};
use anyhow::{Context, Result, bail};

pub use folder::RunFolder;
pub use past::{Past, PastJournal};
pub use show::{AfterRun, DeskShown, Replayed, Screen, Show, replay};
pub use started::StartedWith;
use trainer::{TrainerParts, trainer};
use whole::remove_parts;
pub use whole::write_whole;

/// The environment variable that makes the trainer panic at a step: for the test of that row of the
/// table of exits in ARCHITECTURE.md.
const PANIC_AT: &str = "AUXDESK_PANIC_AT_STEP";

/// The same for a tensor operation that fails.
const ERROR_AT: &str = "AUXDESK_ERROR_AT_STEP";

/// The same for an allocation that fails.
const OUT_OF_MEMORY_AT: &str = "AUXDESK_OUT_OF_MEMORY_AT_STEP";

/// A requested session of a run, validated as far as possible before it starts.
pub struct Job {
    /// The recipe to train.
    pub recipe: Recipe,
    /// The recipe's corpora, loaded.
    pub corpora: Vec<Corpus>,
    /// The contents of the recipe's vectors files, or of those that the run has stored.
    pub vectors: VectorsByEncoder,
    /// A digest of each corpus file, by its key in the recipe.
    pub digests: BTreeMap<String, String>,
    /// What the system is fitted to: the corpora, or those that its checkpoint was.
    pub fitted: FittedByOwner,
    /// The run so far, if it is continued.
    pub past: Option<Past>,
    /// Changes to repeat from a journal, instead of those that are pending in the checkpoint.
    pub moves: Option<Moves>,
    /// The number of threads.
    pub threads: usize,
    /// The device of its tensors.
    pub device: Device,
    /// A shell command that is run on each alert.
    pub on_alert: Option<String>,
    /// First values of parameters from other runs.
    pub warm_start: WarmStart,
}

/// The result of a session.
pub struct Outcome {
    /// The summary; `None` if the run never started.
    pub summary: Option<Summary>,
    /// Why it ended.
    pub reason: Reason,
    /// The error in writing the journal or another file, if there was one.
    pub disk: Option<anyhow::Error>,
    /// Why the run failed, if only the desk has said so, which is gone.
    pub failure: Option<String>,
    /// Descriptions of the manual changes.
    pub moves: Vec<String>,
}

/// The state of standard error at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// Every line was written, or the other end is closed.
    Open,
    /// A write is blocked, for example by Ctrl-S; another one would be too.
    Blocked,
}

/// Trains a run in its folder, new and empty or reopened, until it ends, and shows its progress. The
/// screen stays: see [`Screen::wait`].
pub fn train(job: Job, folder: &mut RunFolder, screen: &mut Screen) -> Result<Outcome> {
    let Job {
        recipe,
        corpora,
        vectors,
        digests,
        fitted,
        past,
        moves,
        threads,
        device,
        on_alert,
        warm_start,
    } = job;
    let header = header(&recipe, threads, &device, folder.started());
    let is_fused = kernel::is_fused(&device);
    let resolved = recipe.resolved();
    let mut initial_digests = recipe::vector_digests(&vectors);
    initial_digests.extend(digests.clone());
    initial_digests.extend(warm_start.digests());
    let run = folder.path().to_owned();
    let parts = TrainerParts {
        recipe,
        corpora,
        digests,
        fitted,
        moves,
        device,
        run,
        interrupt: screen.interrupt(),
        warm_start,
    };
    // Until the trainer has been built, no file of a run to be continued is changed.
    let trainer = trainer(parts, &vectors, &header, past.as_ref())?;
    if screen.has_left() {
        bail!("the desk has closed");
    }
    let clock = trainer.clock();
    let path = folder.path().join(folder::RECIPE);
    write_whole(&path, resolved.as_bytes())
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    if let Some(checkpoint) = past.as_ref().and_then(|past| past.checkpoint.as_ref()) {
        settle(folder.path(), checkpoint)?;
    }
    remove_leftovers(folder.path())
        .with_context(|| format!("{}: cannot be cleared", folder.path().display()))?;
    let path = folder.path().join(journal::FILE);
    let journal = past.and_then(|past| past.journal);
    let writer = match &journal {
        Some(journal) => journal.writer(),
        None => Writer::begin(&path, &header),
    };
    let writer = writer.with_context(|| format!("{}: cannot be written", path.display()))?;
    std::fs::create_dir_all(folder.path().join(checkpoint::FOLDER))
        .with_context(|| format!("{}: cannot create a folder in it", folder.path().display()))?;
    checkpoint::vectors::save(folder.path(), &vectors)?;
    drop(vectors);
    if !journal.as_ref().is_some_and(|journal| journal.run.has_started()) {
        StartedWith::write(folder.path(), &resolved, &initial_digests)?;
    }
    requested_failures().fail_before_training();
    let (initial_run, totals, last_command) = match journal {
        Some(PastJournal { mut run, totals, last_command, .. }) => {
            // However the session before has ended, this one has not.
            run.ended = None;
            (run, totals, last_command)
        }
        None => (Run::new(Some(&header)), Totals::default(), CommandId(0)),
    };

    let Channels { mut bus, recorder, screen: events, commands } =
        bus::channels_after(last_command);
    let (shared, written) = (SharedRun::new(initial_run), bus.written());
    let trained = LiveRun { feed: Feed::new(events, shared.clone()), commands };
    let alerts = on_alert.map(alerts::start).transpose();
    let alerts = alerts.context("cannot start the thread of --on-alert")?;
    let (alerts, alerting) = alerts.unzip();
    // Every thread is there before the screen's takes the terminal, and the trainer waits for it.
    let (go, may_start) = mpsc::channel();
    let (recorded, ending) = thread::scope(|scope| -> Result<_> {
        // Dropped with an error here, so that the trainer does not wait for it.
        let go = go;
        let recorder = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn_scoped(scope, move || {
                record(recorder, Recording { writer, shared: &shared, totals, written, alerts })
            })
            .context("cannot start the recorder's thread")?;
        let thread = thread::Builder::new().name(TRAINER.to_owned());
        let thread = if is_fused { thread } else { thread.stack_size(DEEP) };
        let trainer = thread
            .spawn_scoped(scope, move || {
                may_start.recv().ok().map(|()| train_to_the_end(trainer, bus))
            })
            .context("cannot start the trainer's thread")?;
        screen.show(trained, clock)?;
        folder.has_begun();
        go.send(()).expect("the trainer waits for it");
        let ending = trainer.join().expect("the trainer's panics are caught within");
        let ending = ending.expect("it was started");
        Ok((recorder.join().expect("the recorder does not panic"), ending))
    })?;
    let reason = ending.reason;
    let moves = moves_by_hand(&recorded.run);
    let is_failure = screen.is_desk() && reason.ended() == Ended::Failed;
    let failure = is_failure.then(|| describe(&ending.clone().into(), &recorded.run).join("  "));
    // The files are written first, whatever happens to the screen.
    let RunFiles { summary, disk } = write_files(folder.path(), recorded, ending);
    if let Some(alerting) = alerting {
        alerting.wait();
    }
    Ok(Outcome { summary, reason, disk, failure, moves })
}

/// Removes what a process that was killed while it wrote has left in a run's folder.
fn remove_leftovers(folder: &Path) -> Result<()> {
    remove_parts(folder, &[folder::RECIPE, "state.json", "summary.json"])?;
    checkpoint::remove_leftovers(folder)
}

/// Descriptions of the manual changes, as in the event list.
fn moves_by_hand(run: &Run) -> Vec<String> {
    run.log.moves().map(|entry| entry.text.clone()).collect()
}

/// The name of the trainer's thread: its panics are reported as events.
const TRAINER: &str = "trainer";

/// The trainer's stack size in bytes where candle's own operations compute: candle traverses its
/// graph by recursion, and they add dozens of nodes per token and layer to it, in sequence.
const DEEP: usize = 256 << 20;

fn header(recipe: &Recipe, threads: usize, device: &Device, started: &str) -> Header {
    Header {
        version: VERSION,
        auxdesk: env!("CARGO_PKG_VERSION").to_owned(),
        name: recipe.name.clone(),
        seed: recipe.train.seed,
        threads,
        device: DeviceName::of(device).to_string(),
        kernel: kernel::name(device).to_owned(),
        started: started.to_owned(),
        parent: None,
    }
}

/// The failures that a test has requested.
fn requested_failures() -> RequestedFailures {
    let [panic_at, error_at, out_of_memory_at] = [PANIC_AT, ERROR_AT, OUT_OF_MEMORY_AT]
        .map(|name| std::env::var(name).ok().and_then(|step| step.parse().ok()));
    RequestedFailures { panic_at, error_at, out_of_memory_at }
}

/// Makes `last`, `best` and the best ones of objectives name the checkpoints that the run is
/// continued from.
fn settle(folder: &Path, last: &Checkpoint) -> Result<()> {
    checkpoint::settle(folder, "last", last)?;
    let Counters { best, objectives, .. } = &last.state.progress.counters;
    let of_run = best.map(|best| ("best".to_owned(), best));
    let of_objectives = objectives
        .iter()
        .filter_map(|(name, counters)| Some((format!("best-{name}"), counters.best?)));
    for (name, best) in of_run.into_iter().chain(of_objectives) {
        let saved = checkpoint::open_where(folder, &name, |state| state.step() == best.step)?;
        if let Some(saved) = saved {
            checkpoint::settle(folder, &name, &saved)?;
        }
    }
    Ok(())
}

/// Trains; a panic ends the run. Returns the last event, which a recorder that failed could not
/// write.
fn train_to_the_end(mut trainer: Trainer, mut bus: Bus) -> RunEnded {
    // After a panic, only the step and the time are read.
    let trained = panic::catch_unwind(AssertUnwindSafe(|| trainer.train(&mut bus)));
    match trained {
        Ok(ending) => ending,
        Err(panic) => {
            let ending = RunEnded {
                at_ms: trainer.clock().ms(),
                step: trainer.step(),
                ended: Reason::Panic.ended(),
                reason: Reason::Panic,
                message: Some(finish::panic_text(panic.as_ref())),
            };
            bus.emit(ending.clone());
            ending
        }
    }
}

/// The files that a run writes beside its journal, and the error in writing them.
struct RunFiles {
    summary: Option<Summary>,
    disk: Option<anyhow::Error>,
}

fn write_files(folder: &Path, mut recorded: Recorded, ending: RunEnded) -> RunFiles {
    if recorded.run.ended.is_none() {
        // The recorder could not write it, but the report includes it.
        recorded.run.apply(&ending.into());
    }
    let name = folder.display().to_string();
    let summary = recorded.summary(&name, process_memory::peak_mib());
    let written =
        finish::write_json(&folder.join("state.json"), &recorded.report()).and_then(|()| {
            match &summary {
                Some(summary) => finish::write_json(&folder.join("summary.json"), summary),
                None => Ok(()),
            }
        });
    let journal = recorded.error.map(|error| {
        anyhow::Error::new(error)
            .context(format!("{}: cannot be written", folder.join(journal::FILE).display()))
    });
    RunFiles { summary, disk: journal.or(written.err()) }
}
