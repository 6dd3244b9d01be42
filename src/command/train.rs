//! `auxdesk train`: trains a recipe.

use std::{collections::BTreeMap, fmt::Write, path::Path, process::ExitCode};

use super::{Failure, digests::is_unchanged, print_json, progress::reading};
use crate::{
    app::{self, Job, Outcome, Past, RunFolder, Show, Stderr, memory},
    cli::{LookArgs, TrainArgs},
    journal::{self, Journal},
    kernel::{self, Device},
    printable::print_message,
    process_memory,
    protocol::{
        ObjectiveId, Summary,
        event::{Ended, Reason},
    },
    recipe::{self, FittedByOwner, Opened, Overrides, Recipe, RecipeSource},
    train::{Moves, WarmStart, checkpoint},
    tui::view::DeskMode,
};

pub(super) fn run(args: &TrainArgs, threads: usize) -> Result<ExitCode, Failure> {
    let source = RecipeSource::find(args.recipe.as_deref().unwrap_or("chunking"))?;
    let overrides = Overrides {
        sets: args.sets.clone(),
        seed: args.seed,
        steps: args.steps,
        epochs: args.epochs,
    };
    let recipe = recipe::load(&source, &overrides)?;
    let moves = moves(args.moves.as_deref(), &recipe)?;
    let show = show(args.headless || args.plain || args.json, args.observe, args.look)?;
    let device = args.device.open().map_err(Failure::Request)?;
    let (opened, digests) =
        (recipe.open_all(process_memory::available_bytes(), &mut reading())?, recipe.digests()?);
    let fitted = recipe::fit(&recipe, &opened.corpora, &opened.vectors);
    let folder = |recipe: &Recipe| match &args.run {
        Some(path) => RunFolder::given(path),
        None => RunFolder::made(&recipe.name),
    };
    let (json, on_alert) = (args.json, args.on_alert.clone());
    let session = Session { threads, device, show, json, on_alert };
    Prepared { recipe, opened, digests, fitted, moves, past: None }.train(session, folder)
}

/// What is trained, from the start or from a checkpoint.
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

/// How it is trained and shown.
pub(super) struct Session {
    pub(super) threads: usize,
    pub(super) device: Device,
    pub(super) show: Show,
    /// Whether the summary is printed as JSON.
    pub(super) json: bool,
    /// A shell command that is run on each alert.
    pub(super) on_alert: Option<String>,
}

impl Prepared {
    /// Trains it, unless the system does not fit into memory; only then is the folder taken.
    pub(super) fn train(
        self,
        session: Session,
        folder: impl FnOnce(&Recipe) -> Result<RunFolder, String>,
    ) -> Result<ExitCode, Failure> {
        let Self { recipe, opened: Opened { corpora, vectors }, digests, fitted, moves, past } =
            self;
        memory::fits(&recipe, &corpora, &fitted).map_err(Failure::Request)?;
        kernel::start_threads()?;
        let warm_start = match past.as_ref().and_then(|past| past.checkpoint.as_ref()) {
            Some(_) => WarmStart::default(),
            None => WarmStart::read(&recipe, &fitted).map_err(Failure::Request)?,
        };
        if let Some(were) = past.as_ref().and_then(|past| past.started_with.as_ref()) {
            is_unchanged(&warm_start.digests(), &were.digests)?;
        }
        for note in warm_start.notes() {
            print_message(note);
        }
        let folder = folder(&recipe).map_err(Failure::Request)?;
        let Session { threads, device, show, json, on_alert } = session;
        let job = Job {
            recipe,
            corpora,
            vectors,
            digests,
            fitted,
            folder,
            past,
            moves,
            threads,
            device,
            show,
            on_alert,
            warm_start,
        };
        finish(app::train(job)?, json)
    }
}

/// Prints the result of a finished run; returns the exit code.
fn finish(outcome: Outcome, json: bool) -> Result<ExitCode, Failure> {
    let Outcome { summary, reason, signal, disk, failure, moves, stderr } = outcome;
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
