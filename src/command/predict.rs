//! `auxdesk predict`: predicts the labels of a file with a run's best checkpoint, in the corpus's
//! own format.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;

use super::{
    Failure, print,
    progress::ProgressLine,
    saved::{Saved, check_sets},
};
use crate::{
    app::write_whole,
    cli::PredictArgs,
    data::{
        Batch, Example, Lexicon, Prediction, SplitData,
        load::{self, FaultPolicies, FaultPolicy, load_input},
        prediction::{FieldPredictions, ScoredText},
        read::{self, Format, KnownLabels, Labels, ReadError, Source, SourceFolder},
        stream::eval_batches,
    },
    kernel,
    model::Mode,
    objective::Output,
    printable::print_message,
    recipe::{CorpusSpec, Recipe, System},
    regular_file,
};

pub(super) fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    check_sets("predict", &args.sets)?;
    check_output_is_no_input(args)?;
    kernel::start_threads()?;
    let checkpoint = args.checkpoint.as_deref();
    let Saved { recipe, mut system, .. } =
        Saved::open(&args.run, checkpoint, &args.sets, args.device)?;
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
    set_search(&mut system, at, args)?;
    let name = match output {
        Output::Field { name, .. } => name,
        Output::Nothing | Output::New => "",
    };
    let sources = inputs(corpus_spec, &recipe.texts_read(spec, corpus_idx), args)?;
    let labels = if args.labelled {
        Labels::Required
    } else if args.unlabelled {
        Labels::Absent
    } else {
        find_labels(corpus_spec, &sources, &known_labels(&recipe, &system, corpus_idx))?
    };
    let (mut corpus, mut read) = load_input(&corpus_spec.load(), &sources, labels);
    for word in recipe.placeholders([spec].into_iter(), corpus_idx, &mut corpus) {
        word.fill(&mut read.split);
    }
    let mut missing = recipe.missing_inputs([spec].into_iter(), corpus_idx, &corpus, &read.split);
    missing.extend(recipe.missing_labels(spec, corpus_idx, &corpus, &read.split));
    let part = without_faults(corpus_spec, read, missing)?;
    system.attach(corpus_idx, &corpus);
    system.release_vectors();
    let mut predictions = vec![Prediction::None; part.examples.len()];
    let mut waiting = ProgressLine::new(predictions.len());
    for examples in eval_batches(&part, recipe.batch_size(corpus_idx)) {
        waiting.next(examples.len());
        let batch = Batch::for_evaluation(corpus_idx, &corpus, &part, &examples);
        let evaluation = system
            .taps(&[at], &batch, Mode::Eval)
            .and_then(|taps| system.evaluate(at, &taps[0], &batch))
            .map_err(anyhow::Error::new)?;
        for (&example, prediction) in batch.examples.iter().zip(evaluation.predictions) {
            predictions[example] = prediction;
        }
    }
    let names = names_in_file(corpus_spec, name, system.objective(at).class_names());
    let field = FieldPredictions { field: name, names: &names, predictions: &predictions, labels };
    let written = match args.nbest {
        Some(_) => n_best_lines(&part.examples, &predictions).into_bytes(),
        None => corpus_spec
            .format
            .write(&sources[0], &corpus_spec.values, &part.examples, &field)
            .map_err(|error| Failure::Request(error.to_string()))?,
    };
    match &args.output {
        None => print(&written),
        Some(path) => {
            write_whole(path, &written)
                .with_context(|| format!("{}: cannot be written", path.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Refuses to write the predictions over a file of the input, whatever its paths are.
fn check_output_is_no_input(args: &PredictArgs) -> Result<(), Failure> {
    // What does not exist yet is no input.
    let Some(output) = args.output.as_ref().and_then(|path| path.canonicalize().ok()) else {
        return Ok(());
    };
    let is_output = |input: &&PathBuf| input.canonicalize().is_ok_and(|input| input == output);
    match args.inputs.iter().find(is_output) {
        None => Ok(()),
        Some(input) => Err(Failure::Request(format!(
            "--output: {} is the input, which the predictions would replace; expected another file",
            input.display()
        ))),
    }
}

/// Sets the search as the command line says.
fn set_search(system: &mut System, at: usize, args: &PredictArgs) -> Result<(), Failure> {
    let (beam, n_best) = (args.beam.map(usize::from), args.nbest.map(usize::from));
    if let (Some(beam), Some(n_best)) = (beam, n_best)
        && n_best > beam
    {
        return Err(Failure::Request(format!(
            "--nbest: expected at most {beam}, the value of --beam, found {n_best}; raise --beam"
        )));
    }
    let is_set = beam.is_some() || n_best.is_some();
    if is_set && !system.set_search(at, beam, n_best.unwrap_or(1)) {
        let flag = if beam.is_some() { "--beam" } else { "--nbest" };
        let what = "expected an objective that generates texts; remove the flag, or choose another \
                    with --objective";
        return Err(Failure::Request(format!("{flag}: {what}")));
    }
    Ok(())
}

/// The texts of each example with their scores: the number of the example, the text and its score. The number is that of
/// its line in the file, from 0, so that blank and skipped lines count; that of the example if it has a file of its own.
fn n_best_lines(examples: &[Example], predictions: &[Prediction]) -> String {
    let mut lines = String::new();
    for ((at, example), prediction) in (0..).zip(examples).zip(predictions) {
        let Prediction::Texts(texts) = prediction else { continue };
        let example = if example.file.is_some() { at } else { example.line.saturating_sub(1) };
        for ScoredText { text, score } in texts {
            // Writing into a string cannot fail.
            let _ = writeln!(lines, "{example} ||| {text} ||| {score}");
        }
    }
    lines
}

/// The labels of a corpus that the run knows, as they are read.
fn known_labels(recipe: &Recipe, system: &System, corpus_idx: usize) -> KnownLabels {
    let mut known = KnownLabels::default();
    for (at, spec) in recipe.objectives.iter().enumerate() {
        let reads = spec.corpora.contains(&corpus_idx);
        if let (true, Output::Field { name, names_read: true, .. }) = (reads, spec.config.output())
        {
            let names = system.objective(at).class_names();
            known.add(name, names_in_file(&recipe.corpora[corpus_idx], name, names).iter());
        }
    }
    known
}

/// The names of classes as the corpus's files have them, unless two would be the same.
fn names_in_file(corpus: &CorpusSpec, field: &str, names: Lexicon) -> Lexicon {
    let in_file: Vec<String> = names.iter().map(|name| corpus.names.in_file(field, name)).collect();
    let in_file: Lexicon = in_file.iter().map(String::as_str).collect();
    if in_file.len() == names.len() { in_file } else { names }
}

/// The treatment of faulty examples of the input: they are skipped where the corpus skips those of
/// train or of test.
fn policy(corpus: &CorpusSpec) -> FaultPolicy {
    let FaultPolicies { train, test, .. } = corpus.faults;
    if [train, test].contains(&FaultPolicy::Skip) { FaultPolicy::Skip } else { FaultPolicy::Refuse }
}

/// Whether the input has labels; what could be otherwise is told.
fn find_labels(
    corpus: &CorpusSpec,
    sources: &[Source],
    known: &KnownLabels,
) -> Result<Labels, Failure> {
    let skips_faults = policy(corpus) == FaultPolicy::Skip;
    let found = corpus.format.find_labels(sources, &corpus.values, known, skips_faults);
    let found = found.map_err(|fault| Failure::Request(fault.to_string()))?;
    if let Some(note) = found.note {
        print_message(&note);
    }
    Ok(found.labels)
}

/// The examples of the input without a fault. The others are refused, or skipped and told, as the
/// run's recipe says.
fn without_faults(
    corpus: &CorpusSpec,
    mut read: read::Read,
    missing: Vec<ReadError>,
) -> Result<SplitData, Failure> {
    let n_examples = read.split.examples.len() as u64 + read.n_faulty;
    let lacking: HashSet<u32> = missing.iter().map(|fault| fault.line).collect();
    read.split.examples.retain(|example| !lacking.contains(&example.line));
    let mut faults = read.faults;
    faults.extend(missing);
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() {
        return Ok(read.split);
    }
    let shown = load::show(&faults);
    if read.is_unusable || policy(corpus) == FaultPolicy::Refuse {
        return Err(Failure::Request(shown));
    }
    let n_skipped = n_examples - read.split.examples.len() as u64;
    let nothing = match corpus.format.no_prediction() {
        "" => "empty",
        nothing => nothing,
    };
    print_message(&format!(
        "{shown}\n{}: skipped {n_skipped} of {n_examples} examples; their predictions are {nothing}",
        read.split.file
    ));
    Ok(read.split)
}

/// The largest input in bytes that is not a regular file.
const LARGEST: u64 = 1 << 30;

/// The files of the input: one, or those of each text that is read or of all fields, which are line-aligned.
fn inputs(
    corpus: &CorpusSpec,
    texts: &[String],
    args: &PredictArgs,
) -> Result<Vec<Source>, Failure> {
    let all = corpus.format.aligned(&corpus.values);
    let its_file = ["its file".to_owned()];
    let texts = if all.is_empty() { &its_file } else { texts };
    let choices = [(texts, args.labelled && !all.is_empty()), (&all, args.unlabelled)];
    let choices: Vec<&[String]> = choices
        .into_iter()
        .filter(|(files, is_excluded)| !files.is_empty() && !is_excluded)
        .map(|(files, _)| files)
        .collect();
    let Some(files) = choices.iter().find(|files| files.len() == args.inputs.len()) else {
        let wanted: Vec<String> =
            choices.iter().map(|files| format!("{} ({})", files.len(), files.join(", "))).collect();
        return Err(Failure::Request(format!(
            "corpus {:?}: expected as many inputs as it has files: {}; found {}",
            corpus.name,
            wanted.join(" or "),
            args.inputs.len()
        )));
    };
    let field = |field: &String| (!all.is_empty()).then(|| field.clone());
    let inputs = args.inputs.iter().zip(*files);
    inputs.map(|(path, file)| input(path, corpus.format, field(file))).collect()
}

fn input(path: &Path, format: &dyn Format, field: Option<String>) -> Result<Source, Failure> {
    let (name, bytes): (Arc<str>, _) = if path == Path::new("-") {
        ("standard input".into(), regular_file::read_at_most(io::stdin().lock(), LARGEST))
    } else {
        // A pipe is read once, as standard input is.
        let is_endless = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
        let bytes = if is_endless {
            File::open(path).and_then(|file| regular_file::read_at_most(file, LARGEST))
        } else {
            regular_file::read(path)
        };
        (path.to_string_lossy().into(), bytes)
    };
    let bytes = bytes.map_err(|error| error.to_string()).and_then(|bytes| format.decode(bytes));
    let bytes = bytes.map_err(|why| Failure::Request(format!("{name}: {why}")))?;
    // What standard input names is in the current folder.
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Source { name, bytes: bytes.into(), folder: SourceFolder::OnDisk(folder), field })
}
