//! `auxdesk check`: all faults of a recipe and its corpora, then corpus statistics; with
//! `--config`, the user's keys and themes. Trains nothing.

use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use serde::Serialize;

use super::{Failure, print_json, print_text, progress::reading, write_irregularities};
use crate::{
    app::memory,
    cli::CheckArgs,
    data::{
        Corpus,
        statistics::{self, CorpusStatistics},
    },
    objective::{self, Output},
    printable::{print_message, printable},
    process_memory,
    protocol::event::{VectorCoverage, WordCount},
    recipe::{
        self, FittedByOwner, MemoryNeeds, Opened, Overrides, Recipe, RecipeSource, Warning, mib,
    },
    train::WarmStart,
    tui,
};

/// The statistics.
#[derive(Serialize)]
struct Checked {
    recipe: String,
    corpora: Vec<CorpusStatistics>,
    labels: Vec<LabelSet>,
    /// The coverage of the corpora by pretrained vectors.
    vectors: Vec<VectorCoverage>,
    warnings: Vec<Warning>,
    memory_mib: MemoryMib,
}

/// What training needs, in MiB.
#[derive(Serialize)]
struct MemoryMib {
    /// The program and the corpora, as they are in memory now.
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded: Option<u64>,
    parameters: u64,
    optimizer: u64,
    step: u64,
}

/// The labels of an objective in the training split, with their counts: as they are read, or as it trains them where it
/// trains others, such as boundaries without types and the characters of texts.
#[derive(Serialize)]
struct LabelSet {
    objective: String,
    field: String,
    labels: BTreeMap<String, u64>,
}

pub(super) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    if args.config {
        let report = tui::config::check(tui::actions()).map_err(Failure::Request)?;
        return print_text(&report);
    }
    let source = RecipeSource::find(args.recipe.as_deref().unwrap_or("chunking"))?;
    let overrides = Overrides { sets: args.sets.clone(), ..Overrides::default() };
    let recipe = recipe::load(&source, &overrides)?;
    let Opened { corpora, vectors } =
        recipe.open_all(process_memory::available_bytes(), &mut reading())?;
    let fitted = recipe::fit(&recipe, &corpora, &vectors);
    let loaded = process_memory::resident_bytes().map(mib);
    let needs = memory::fits(&recipe, &corpora, &fitted);
    let warm_start = WarmStart::read(&recipe, &fitted).map_err(Failure::Request)?;
    for note in warm_start.notes() {
        print_message(note);
    }
    let MemoryNeeds { parameters, optimizer, step, .. } = needs.map_err(Failure::Request)?;
    let [parameters, optimizer, step] = [parameters, optimizer, step].map(mib);
    let overlaps: Vec<_> = corpora.iter().map(statistics::overlaps).collect();
    let with_statistics = corpora.iter().zip(&overlaps);
    let checked = Checked {
        memory_mib: MemoryMib { loaded, parameters, optimizer, step },
        vectors: recipe.coverage(&corpora, &vectors),
        labels: label_sets(&recipe, &corpora, &fitted),
        warnings: recipe.warnings(&corpora, &overlaps),
        recipe: recipe.name,
        corpora: with_statistics
            .map(|(corpus, overlaps)| statistics::statistics(corpus, overlaps))
            .collect(),
    };
    if args.json { print_json(&checked) } else { print_text(&text(&checked)) }
}

fn label_sets(recipe: &Recipe, corpora: &[Corpus], fitted: &FittedByOwner) -> Vec<LabelSet> {
    let mut sets = Vec::new();
    for objective in recipe.objectives.iter().filter(|objective| objective.has_class_labels()) {
        let Some(label) = objective.values.get("label").and_then(|value| value.value.as_text())
        else {
            continue;
        };
        let mut labels = BTreeMap::<String, u64>::new();
        for corpus in objective.corpora.iter().map(|&at| &corpora[at]) {
            let Some(field) = corpus.field(label) else { continue };
            for (label, count) in statistics::label_set(corpus, &corpus.train, field) {
                *labels.entry(label.to_owned()).or_default() += count;
            }
        }
        let is_read = matches!(objective.config.output(), Output::Field { names_read: true, .. });
        let of_objective = fitted.get(&objective::owner(objective.name.as_str()));
        let trained = of_objective.and_then(|fitted| fitted.vocabularies.get(objective::LABELS));
        if let Some(trained) = trained.filter(|_| labels.is_empty() || !is_read) {
            labels = trained.iter().map(|(label, count)| (label.to_owned(), count)).collect();
        }
        if labels.is_empty() {
            continue;
        }
        let objective = objective.name.as_str().to_owned();
        sets.push(LabelSet { objective, field: label.to_owned(), labels });
    }
    sets
}

/// A table of the coverage of a corpus, and a warning if it is low.
fn write_coverage(coverage: &VectorCoverage, out: &mut String) {
    let VectorCoverage { encoder, corpus, field, vectors, repeated, .. } = coverage;
    let field = printable(field);
    let _ = write!(out, "\nvectors of {encoder} ({corpus}, {field}): {vectors} words");
    if *repeated > 0 {
        let _ = write!(out, "; {repeated} lines repeat a word and are not used");
    }
    out.push('\n');
    for split in &coverage.splits {
        let _ = writeln!(
            out,
            "  {:<5} {:>6.2} % of {:>8} tokens  {:>6.2} % of {:>7} distinct words",
            split.split.name(),
            split.percent_of_tokens(),
            split.tokens,
            split.percent_of_words(),
            split.words
        );
        if !split.most_frequent_without.is_empty() {
            let _ = write!(out, "        without a vector:");
            for WordCount { word, count } in &split.most_frequent_without {
                let _ = write!(out, " {} {count}", printable(word));
            }
            out.push('\n');
        }
    }
    if let Some(warning) = coverage.warning() {
        let _ = writeln!(out, "  warning: {warning}");
    }
}

fn text(checked: &Checked) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "recipe {}: valid", checked.recipe);
    let MemoryMib { loaded, parameters, optimizer, step } = checked.memory_mib;
    let total = loaded.unwrap_or(0) + parameters + optimizer + step;
    let loaded = loaded.map(|loaded| format!("program and corpora {loaded}, ")).unwrap_or_default();
    let _ = writeln!(
        out,
        "memory about {total} MiB: {loaded}parameters {parameters}, gradients and optimizer {optimizer}, one step \
         or evaluation {step}"
    );
    for corpus in &checked.corpora {
        let _ = writeln!(out, "\ncorpus {}", corpus.name);
        for split in &corpus.splits {
            let name = split.split.name();
            let _ = write!(
                out,
                "  {name:<5} {:>8} examples {:>9} tokens",
                split.examples, split.tokens
            );
            if let Some(unknown) = split.unknown {
                let _ = write!(out, "  {unknown:>6.2} % out of vocabulary");
            }
            if let Some(overlap) = split.overlap.filter(|&overlap| overlap > 0) {
                let _ = write!(out, "  {overlap} examples also in train");
            }
            let _ = writeln!(out, "  {}", printable(&split.file));
        }
        write_irregularities(&mut out, &corpus.irregularities);
        for field in &corpus.fields {
            let name = printable(&field.name);
            let _ = writeln!(out, "  field {name:<12} {:>7} distinct in train", field.distinct);
        }
    }
    checked.vectors.iter().for_each(|coverage| write_coverage(coverage, &mut out));
    for set in &checked.labels {
        let (field, n_labels) = (printable(&set.field), set.labels.len());
        let _ = writeln!(out, "\nlabels of {} ({field}): {n_labels}", set.objective);
        for (label, count) in &set.labels {
            let label = printable(label);
            let _ = writeln!(out, "  {label:<16} {count:>8}");
        }
    }
    if !checked.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &checked.warnings {
        let _ = writeln!(out, "warning: {}", printable(&warning.to_string()));
    }
    out
}
