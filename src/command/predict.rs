//! `auxdesk predict`: predicts the labels of a file with a run's best checkpoint, in the corpus's
//! own format.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;

use super::{Failure, print, progress::ProgressLine, saved::Saved};
use crate::{
    app::write_whole,
    cli::PredictArgs,
    data::{
        Batch, Prediction,
        load::{self, load_input},
        prediction::FieldPredictions,
        read::Source,
        stream::eval_batches,
    },
    model::Mode,
    objective::Output,
};

pub(super) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let Saved { recipe, mut system, .. } = Saved::open(&args.run, &[], args.device)?;
    let at = match &args.objective {
        None => recipe.main(),
        Some(name) => {
            let mut names = recipe.objectives.iter().map(|spec| spec.name.as_str());
            names.position(|other| other == name).ok_or_else(|| {
                let names: Vec<_> =
                    recipe.objectives.iter().map(|spec| spec.name.as_str()).collect();
                Failure::Request(format!(
                    "--objective: no objective named {name:?}; this run has {}",
                    names.join(", ")
                ))
            })?
        }
    };
    let spec = &recipe.objectives[at];
    let output = spec.config.output();
    if output == Output::Nothing {
        let (name, kind) = (&spec.name, spec.kind.name());
        return Err(Failure::Request(format!(
            "--objective: {name} is of kind {kind:?}, which predicts no labels; choose another"
        )));
    }
    let corpus_idx = spec.corpora[0];
    let corpus_spec = &recipe.corpora[corpus_idx];
    let source = input(&args.input)?;
    let load = corpus_spec.load();
    let (corpus, part) =
        load_input(&load, &source).map_err(|faults| Failure::Request(load::show(&faults)))?;
    let missing = recipe.missing_inputs([spec].into_iter(), corpus_idx, &corpus, &part);
    if !missing.is_empty() {
        return Err(Failure::Request(load::show(&missing)));
    }
    system.attach(corpus_idx, &corpus);
    let mut predictions = vec![Prediction::None; part.examples.len()];
    let mut waiting = ProgressLine::new(predictions.len());
    for examples in eval_batches(&part, recipe.batch_size(corpus_idx)) {
        waiting.next(examples.len());
        let batch = Batch::new(corpus_idx, &corpus, &part, &examples);
        let evaluation = system
            .taps(&[at], &batch, Mode::Eval)
            .and_then(|taps| system.objective(at).evaluate(&taps[0], &batch))
            .map_err(anyhow::Error::new)?;
        for (&example, prediction) in batch.examples.iter().zip(evaluation.predictions) {
            predictions[example] = prediction;
        }
    }
    let field = FieldPredictions {
        field: match output {
            Output::Field { name, .. } => name,
            Output::Nothing | Output::New => "",
        },
        names: &system.objective(at).class_names(),
        predictions: &predictions,
    };
    let written = corpus_spec
        .format
        .write(&source, &corpus_spec.values, &part.examples, &field)
        .map_err(|error| Failure::Request(error.to_string()))?;
    match &args.output {
        None => print(&written),
        Some(path) => {
            write_whole(path, &written)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn input(path: &Path) -> Result<Source, Failure> {
    let (name, bytes): (Arc<str>, _) = if path == Path::new("-") {
        let mut bytes = Vec::new();
        ("standard input".into(), io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (path.to_string_lossy().into(), fs::read(path))
    };
    let bytes = bytes.map_err(|error| Failure::Request(format!("{name}: {error}")))?;
    Ok(Source { name, bytes: bytes.into() })
}
