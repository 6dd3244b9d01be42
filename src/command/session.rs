//! A session of `train` or `continue`: trains, prints the result, and returns the exit code. At the desk
//! a run that has ended can be trained on; that is a session as `auxdesk continue` starts one, on the
//! same screen.

use std::{fmt::Write, path::Path, process::ExitCode};

use super::{
    Failure,
    continuation::Continuation,
    prepared::{Equipment, Prepared},
    print_json,
};
use crate::{
    app::{self, AfterRun, Outcome, RunFolder, Screen, Show, Stderr, memory},
    cli::LookArgs,
    journal::{self, Journal},
    kernel,
    printable::print_message,
    protocol::{
        ObjectiveId, Summary,
        event::{Ended, Reason},
    },
    recipe::Recipe,
    train::{Moves, checkpoint},
    tui::view::{DeskMode, Extension},
};

/// How a run is trained and shown.
pub(super) struct Session {
    pub(super) equipment: Equipment,
    pub(super) show: Show,
    /// Whether the summary is printed as JSON.
    pub(super) json: bool,
}

impl Session {
    /// Trains, unless the system does not fit into memory; only then is the folder taken.
    pub(super) fn train(
        self,
        prepared: Prepared,
        folder: impl FnOnce(&Recipe) -> Result<RunFolder, String>,
    ) -> Result<ExitCode, Failure> {
        let Self { equipment, show, json } = self;
        let Prepared { recipe, opened, fitted, .. } = &prepared;
        memory::fits(recipe, &opened.corpora, fitted).map_err(Failure::Request)?;
        kernel::start_threads()?;
        let job = prepared.job(&equipment)?;
        for note in job.warm_start.notes() {
            print_message(note);
        }
        let mut folder = folder(&job.recipe).map_err(Failure::Request)?;
        let mut screen = Screen::new(show, &folder)?;
        let mut outcome = app::train(job, &mut folder, &mut screen)?;
        loop {
            match screen.wait(outcome.reason) {
                AfterRun::Left(stderr) => return finish(outcome, (screen.signal(), stderr), json),
                AfterRun::TrainOn(extension) => {
                    match train_on(extension, &equipment, &mut folder, &mut screen) {
                        Ok(next) => outcome = next,
                        Err(failure) => screen.refuse(failure.to_string()),
                    }
                }
            }
        }
    }
}

/// Trains a run that has ended on. It has fitted into memory, which this process has kept, and nothing
/// is printed while the desk is there.
fn train_on(
    extension: Extension,
    equipment: &Equipment,
    folder: &mut RunFolder,
    screen: &mut Screen,
) -> Result<Outcome, Failure> {
    let continuation = Continuation::extended(folder.path(), extension)?;
    let prepared = continuation.prepare(None, &mut |_| {})?;
    Ok(app::train(prepared.job(equipment)?, folder, screen)?)
}

/// Prints the result of a finished run; returns the exit code.
fn finish(
    outcome: Outcome,
    (signal, stderr): (Option<i32>, Stderr),
    json: bool,
) -> Result<ExitCode, Failure> {
    let Outcome { summary, reason, disk, failure, moves } = outcome;
    if stderr == Stderr::Open {
        let disk = disk.as_ref().map(|error| format!("{error:#}"));
        let mut text = disk.or(failure).map(|why| why + "\n").unwrap_or_default();
        text += &summary
            .as_ref()
            .filter(|_| !json)
            .map(|summary| closing(summary, reason, &moves))
            .unwrap_or_default();
        if !text.is_empty() {
            print_message(&text);
        }
    }
    if let Some(summary) = summary.as_ref().filter(|_| json) {
        print_json(summary)?;
    }
    Ok(match signal {
        _ if disk.is_some() || reason.ended() == Ended::Failed => ExitCode::FAILURE,
        // A run that had ended before the signal arrived has succeeded.
        Some(signal) if reason == Reason::Signal => ExitCode::from(128 + signal as u8),
        _ => ExitCode::SUCCESS,
    })
}

/// The desk, unless there is no suitable terminal or lines were requested.
pub(super) fn show(is_headless: bool, observe: bool, look: LookArgs) -> Result<Show, Failure> {
    if is_headless || !super::look::fits_a_desk() {
        return Ok(Show::Lines);
    }
    let mode = if observe { DeskMode::Observe } else { DeskMode::Live };
    Ok(Show::Desk(Box::new(super::look::desk(look, mode)?)))
}

/// The changes to repeat, if a journal is given; their objectives must be in the recipe.
pub(super) fn moves(path: Option<&Path>, recipe: &Recipe) -> Result<Option<Moves>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let path = journal::locate(path);
    let Journal { events, left_out, .. } = Journal::read(&path)?;
    for note in left_out.notes() {
        print_message(&note);
    }
    let moves = Moves::of(&events);
    for (from, command) in moves.iter() {
        let known = |name: &ObjectiveId| recipe.objectives.iter().any(|spec| spec.name == *name);
        if let Some(objective) = command.strips().find(|name| !known(name)) {
            let (path, names) = (path.display(), names(recipe));
            return Err(Failure::Request(format!(
                "{path}: changes {objective} from step {from}, but the recipe has only {names}"
            )));
        }
    }
    Ok(Some(moves))
}

fn names(recipe: &Recipe) -> String {
    let names: Vec<_> = recipe.objectives.iter().map(|spec| spec.name.as_str()).collect();
    names.join(", ")
}

/// The maximum number of manual changes listed when a run is over.
const MOST_MOVES: usize = 8;

/// The closing message of a run: its best score, its manual changes, its folder, and what can be
/// done with it.
fn closing(summary: &Summary, reason: Reason, moves: &[String]) -> String {
    let Summary { run, main, .. } = summary;
    let mut text = String::new();
    for (split, value) in [("dev", main.dev), ("test", main.test)] {
        if let Some(value) = value {
            let at = main.best_step.map(|step| format!(" at step {step}")).unwrap_or_default();
            let (objective, metric) = (&main.objective, &main.metric);
            let _ = writeln!(text, "{objective} {metric} on {split}: {value:.2}{at}");
        }
    }
    if !moves.is_empty() {
        let _ = writeln!(text, "manual changes:");
        let n_left_out = moves.len().saturating_sub(MOST_MOVES);
        if n_left_out > 0 {
            let _ = writeln!(text, "  ({n_left_out} earlier ones are in the journal)");
        }
        for one in &moves[n_left_out..] {
            let _ = writeln!(text, "  {one}");
        }
    }
    if !Path::new(run).join(journal::FILE).is_file() {
        let _ =
            writeln!(text, "{run}: the run's files were deleted or moved while it was training");
        return text;
    }
    let _ = writeln!(text, "the run is in {run}\n  auxdesk replay {run}");
    let names = ["best", "last"].map(|name| Path::new(run).join(checkpoint::FOLDER).join(name));
    if matches!(reason, Reason::Signal | Reason::Disk) && names[1].is_dir() {
        let _ = writeln!(text, "  auxdesk continue {run}");
    }
    if names.iter().any(|checkpoint| checkpoint.is_dir()) {
        let _ = writeln!(text, "  auxdesk evaluate {run}\n  auxdesk predict {run} INPUT");
    }
    if !moves.is_empty() {
        let recipe = Path::new(run).join("recipe.toml");
        let _ = writeln!(text, "  auxdesk train {} --moves {run}", recipe.display());
    }
    text
}
