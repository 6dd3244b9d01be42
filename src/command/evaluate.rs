//! `auxdesk evaluate`: scores a checkpoint of a run on dev and test, by default the best one.

mod classes;

use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use serde::Serialize;

use classes::Classes;

use super::{
    Failure, print_json, print_text,
    progress::ProgressLine,
    saved::{Saved, check_sets},
};
use crate::{
    cli::EvaluateArgs,
    data::{
        Corpus,
        load::{FaultPolicies, FaultPolicy},
    },
    kernel,
    printable::print_message,
    protocol::{
        Step,
        event::{Irregularity, Split},
    },
    recipe::Recipe,
    train::score,
};

/// The scores of a checkpoint.
#[derive(Serialize)]
struct Evaluated {
    run: String,
    step: Step,
    objectives: Vec<ObjectiveScores>,
    /// Lines of dev and test that were not used as they stand, by corpus.
    irregularities: BTreeMap<String, Vec<Irregularity>>,
}

#[derive(Serialize)]
struct ObjectiveScores {
    name: String,
    /// The versions and settings of its metrics, where a reference program prints them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<String>,
    #[serde(flatten)]
    splits: BTreeMap<&'static str, SplitScores>,
}

#[derive(Serialize)]
struct SplitScores {
    loss: Option<f32>,
    metrics: BTreeMap<&'static str, f32>,
    /// Only if requested, and if the scores are of classes.
    #[serde(flatten)]
    classes: Option<Classes>,
}

pub(super) fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    check_sets("evaluate", &args.sets)?;
    kernel::start_threads()?;
    let checkpoint = args.checkpoint.as_deref();
    let Saved { recipe, mut system, step } =
        Saved::open(&args.run, checkpoint, &args.sets, args.device)?;
    tell_of_train_only(&recipe, &args.sets);
    let corpora = recipe.open()?;
    for (at, corpus) in corpora.iter().enumerate() {
        system.attach(at, corpus);
    }
    system.release_vectors();
    let objectives = recipe.objectives.iter().enumerate().map(|(at, spec)| ObjectiveScores {
        name: spec.name.as_str().to_owned(),
        signatures: system.objective(at).signatures(),
        splits: BTreeMap::new(),
    });
    let of_held_out = |corpus: &Corpus| {
        let all = corpus.irregularities.iter().filter(|one| one.split != Split::Train);
        let all: Vec<Irregularity> = all.cloned().collect();
        (!all.is_empty()).then(|| (corpus.name.clone(), all))
    };
    let irregularities = corpora.iter().filter_map(of_held_out).collect();
    let run = args.run.display().to_string();
    let mut evaluated = Evaluated { run, step, objectives: objectives.collect(), irregularities };
    let splits = [Split::Dev, Split::Test];
    let parts = corpora.iter().flat_map(|corpus| splits.map(|split| corpus.split(split)));
    let mut waiting = ProgressLine::new(parts.flatten().map(|part| part.examples.len()).sum());
    for split in splits {
        let scored = score(&recipe, &system, &corpora, split, |n_examples| {
            waiting.next(n_examples);
            true
        });
        let scored = scored.map_err(anyhow::Error::new)?;
        for (at, scores) in scored.unwrap_or_default() {
            let metrics = scores.metrics.iter().map(|&(name, value)| (name, value as f32));
            let loss = scores.loss().map(|loss| loss as f32);
            let metrics = metrics.collect();
            let classes = scores.classes.filter(|_| args.classes).map(Classes::from);
            let scores = SplitScores { loss, metrics, classes };
            evaluated.objectives[at].splits.insert(split.name(), scores);
        }
    }
    if args.json { print_json(&evaluated) } else { print_text(&text(&evaluated)) }
}

/// Tells that `--set corpus.NAME.faults=skip` leaves dev and test as strict as they were.
fn tell_of_train_only(recipe: &Recipe, sets: &[String]) {
    for corpus in &recipe.corpora {
        let key = format!("corpus.{}.faults", corpus.name);
        let is_set = sets.iter().any(|set| set.split('=').next() == Some(key.as_str()));
        let FaultPolicies { train, dev, test } = corpus.faults;
        if is_set && train == FaultPolicy::Skip && [dev, test] == [FaultPolicy::Refuse; 2] {
            print_message(&format!(
                "--set {key}=skip is for train only; for the splits that evaluate scores, use \
                 {key}={{ dev = \"skip\", test = \"skip\" }}"
            ));
        }
    }
}

fn text(evaluated: &Evaluated) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} at step {}", evaluated.run, evaluated.step);
    for (corpus, irregularities) in &evaluated.irregularities {
        let _ = writeln!(out, "corpus {corpus}");
        super::write_irregularities(&mut out, irregularities);
    }
    for objective in &evaluated.objectives {
        for (split, scores) in &objective.splits {
            let _ = write!(out, "  {:<16} {split:<4}", objective.name);
            if let Some(loss) = scores.loss {
                let _ = write!(out, "  loss {loss:.4}");
            }
            for (metric, value) in &scores.metrics {
                let _ = write!(out, "  {metric} {value:.2}");
            }
            out.push('\n');
            if let Some(classes) = &scores.classes {
                classes.write(&mut out);
            }
        }
        for signature in objective.signatures.iter().filter(|_| !objective.splits.is_empty()) {
            let _ = writeln!(out, "  {:<16} {signature}", "");
        }
    }
    out
}
