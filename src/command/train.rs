//! `auxdesk train`: trains a recipe.

use std::process::ExitCode;

use super::{
    Failure,
    prepared::{Equipment, Prepared},
    progress::reading,
    session::{Session, moves, show},
};
use crate::{
    app::RunFolder,
    cli::TrainArgs,
    process_memory,
    recipe::{self, Overrides, Recipe, RecipeSource},
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
    let equipment = Equipment { threads, device, on_alert: args.on_alert.clone() };
    let prepared = Prepared { recipe, opened, digests, fitted, moves, past: None };
    Session { equipment, show, json: args.json }.train(prepared, folder)
}
