//! `auxdesk train`: a recipe, trained.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use super::{Failure, print_json};
use crate::{
    app::{self, Job, Outcome, RunFolder, Talk},
    cli::Train,
    journal::{self, Journal},
    protocol::{
        Command, Summary,
        event::{Ended, Reason},
    },
    recipe::{self, Overrides, Recipe, RecipeSource},
    train::{Moves, checkpoint},
};

pub(super) fn run(args: &Train, threads: usize) -> Result<ExitCode, Failure> {
    let source = RecipeSource::find(args.recipe.as_deref().unwrap_or("chunking"))?;
    let overrides = Overrides {
        sets: args.sets.clone(),
        seed: args.seed,
        steps: args.steps,
        epochs: args.epochs,
    };
    let recipe = recipe::load(&source, &overrides)?;
    let moves = moves(args, &recipe)?;
    let corpora = recipe.open()?;
    let folder = match &args.run {
        Some(path) => RunFolder::given(path),
        None => RunFolder::made(&recipe.name),
    };
    let folder = folder.map_err(Failure::Request)?;
    let Outcome { summary, reason, signal, disk, talk } =
        app::train(Job { recipe, corpora, folder, moves, threads })?;
    if talk == Talk::Flows {
        let mut text = disk.as_ref().map(|error| format!("{error:#}\n")).unwrap_or_default();
        text += &summary.as_ref().filter(|_| !args.json).map(closing).unwrap_or_default();
        let _ = io::stderr().write_all(text.as_bytes());
    }
    if let Some(summary) = summary.as_ref().filter(|_| args.json) {
        print_json(summary)?;
    }
    Ok(match signal {
        _ if disk.is_some() || reason.ended() == Ended::Failed => ExitCode::FAILURE,
        // A run that was over before the signal came has ended well.
        Some(signal) if reason == Reason::Signal => ExitCode::from(128 + signal as u8),
        _ => ExitCode::SUCCESS,
    })
}

/// The moves to make again, if their objectives are in the recipe.
fn moves(args: &Train, recipe: &Recipe) -> Result<Moves, Failure> {
    let Some(path) = &args.moves else { return Ok(Moves::default()) };
    let path = journal::locate(path);
    let Journal { events, left_out, .. } = Journal::read(&path)?;
    for note in left_out.notes() {
        let _ = writeln!(io::stderr(), "{note}");
    }
    let moves = Moves::of(&events);
    for (from, command) in moves.iter() {
        let (Command::SetGain { objective, .. }
        | Command::SetMuted { objective, .. }
        | Command::SetSoloed { objective, .. }) = command
        else {
            continue;
        };
        if recipe.objectives.iter().all(|spec| spec.name != *objective) {
            let (path, names) = (path.display(), names(recipe));
            return Err(Failure::Request(format!(
                "{path}: moves {objective} from step {from}, but the recipe has only {names}"
            )));
        }
    }
    Ok(moves)
}

fn names(recipe: &Recipe) -> String {
    let names: Vec<_> = recipe.objectives.iter().map(|spec| spec.name.as_str()).collect();
    names.join(", ")
}

/// What to say when a run is over: where it is, and what can be done with it.
fn closing(summary: &Summary) -> String {
    let Summary { run, main, .. } = summary;
    let mut text = String::new();
    for (split, value) in [("dev", main.dev), ("test", main.test)] {
        if let Some(value) = value {
            let _ = writeln!(text, "{} {} on {split}: {value:.2}", main.objective, main.metric);
        }
    }
    let _ = writeln!(text, "the run is in {run}\n  auxdesk replay {run}");
    let names = ["best", "last"].map(|name| Path::new(run).join(checkpoint::FOLDER).join(name));
    if names.iter().any(|checkpoint| checkpoint.is_dir()) {
        let _ = writeln!(text, "  auxdesk evaluate {run}\n  auxdesk predict {run} INPUT");
    }
    text
}
