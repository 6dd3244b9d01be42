//! The effect of auxiliaries on the sample data: every shipped recipe as it is, with all
//! auxiliaries muted, and the baseline of the most frequent training label; for graphs, that of the most
//! frequent arc, by its label and the distance to the head, into every token that can have it; for rankings,
//! the order of the file; for relations, the most frequent one for the types of each two neighbouring gold
//! entities; for extracted sentences, the first ones of each document; for answers, the most frequent one; for
//! translations, that of each word by itself; for captions, the most frequent one.
//!
//! `cargo bench --bench auxiliaries` prints the table of `docs/auxiliaries.md`: means over seeds
//! with their standard deviations. Options: `-- --seeds 3`, `--recipe NAME` for a single recipe.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic, and prints")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use auxdesk::{
    data::{
        Axis, Corpus, Example, FieldForm, FieldValues, Lexicon, Prediction, SplitData,
        prediction::ScoredText,
        structure::{GraphArc, TokenSpan},
    },
    metric::{
        Accuracy, Gold, MacroMae, Scorer, Scores, SpanF1, Tokenization, Word,
        scorer::{
            AnswerScorer, GenerationScorer, GraphScorer, RankingScorer, RelationScorer,
            TranscriptScorer,
        },
    },
    protocol::event::Role,
    recipe::{ObjectiveSpec, Overrides, Recipe, RecipeSource, load, shipped::RECIPES},
};
use serde_json::Value;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let given: BTreeMap<&str, &str> =
        args.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let seeds: u64 = given.get("--seeds").map_or(3, |seeds| seeds.parse().expect("a number"));
    println!(
        "| recipe | test score | most frequent | auxiliaries muted | with them | difference |"
    );
    println!("|---|---|---:|---:|---:|---:|");
    for (name, _) in RECIPES {
        if given.get("--recipe").is_none_or(|only| only == name) {
            rows(name, seeds);
        }
    }
}

/// A row for the main objective, and one for each objective that evaluates its parameters on other
/// data.
fn rows(name: &'static str, seeds: u64) {
    let recipe = load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap_or_else(|faults| panic!("{faults}"));
    // An objective that shares another's parameters is only evaluated, and keeps its corpus in the
    // vocabulary.
    let is_auxiliary = |spec: &&ObjectiveSpec| spec.role == Role::Auxiliary && !spec.is_another();
    let auxiliaries = recipe.objectives.iter().filter(is_auxiliary);
    let mute: Vec<String> =
        auxiliaries.map(|spec| format!("objective.{}.muted=true", spec.name)).collect();
    let main = &recipe.objectives[recipe.main()];
    // Without its auxiliaries nothing predicts the entities: relations are compared between the gold ones.
    let between_gold = "f1_gold_entities";
    let has_gold = main.config.metrics().iter().any(|metric| metric.name == between_gold);
    let metric = if has_gold { between_gold } else { recipe.train.best.metric.as_str() };
    let best = [format!("train.best={}.{metric}", main.name)];
    let best = if has_gold { &best } else { &[][..] };
    let runs = |sets: &[String]| {
        let sets = [best, sets].concat();
        (1..=seeds).map(|seed| run(name, seed, &sets)).collect::<Vec<_>>()
    };
    let (with, without) = (runs(&[]), runs(&mute));
    let lead = format!("lead_{metric}");
    for spec in &recipe.objectives {
        if spec.name != main.name && !(spec.is_another() && spec.share.as_ref() == Some(&main.name))
        {
            continue;
        }
        let of = |runs: &[Value]| -> Vec<f64> {
            runs.iter().map(|run| score(run, spec.name.as_str(), metric)).collect()
        };
        // Of extracted sentences the run itself scores the first ones.
        let has_lead = spec.config.metrics().iter().any(|metric| metric.name == lead);
        let frequent = if has_lead {
            score(&with[0], spec.name.as_str(), &lead)
        } else {
            most_frequent(&recipe, spec, &corpora, metric)
        };
        let (with, without) = (of(&with), of(&without));
        let by: Vec<f64> =
            with.iter().zip(&without).map(|(with, without)| with - without).collect();
        let digits = if metric == "macro_mae" { 2 } else { 1 };
        let show = |numbers: &[f64]| shown(numbers, digits);
        println!(
            "| {name} | {}.{metric} | {frequent:.digits$} | {} | {} | {} |",
            spec.name,
            show(&without),
            show(&with),
            shown_change(&by, digits)
        );
    }
}

/// The summary of a run.
fn run(name: &str, seed: u64, sets: &[String]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auxdesk"));
    command.args(["train", name, "--headless", "--json", "--seed", &seed.to_string(), "--run"]);
    command.arg(folder.path().join("run"));
    for set in sets {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn score(run: &Value, objective: &str, metric: &str) -> f64 {
    let objectives = run["objectives"].as_array().unwrap();
    let found = objectives.iter().find(|found| found["name"] == objective).unwrap();
    found["test"][metric].as_f64().unwrap_or_else(|| panic!("{objective} has no {metric} on test"))
}

/// Mean and standard deviation.
fn shown(numbers: &[f64], digits: usize) -> String {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
    format!("{mean:.digits$} ({deviation:.digits$})")
}

fn shown_change(numbers: &[f64], digits: usize) -> String {
    let shown = shown(numbers, digits);
    if shown.starts_with('-') { shown } else { format!("+{shown}") }
}

/// The test score of always predicting the most frequent training label.
fn most_frequent(recipe: &Recipe, spec: &ObjectiveSpec, corpora: &[Corpus], metric: &str) -> f64 {
    // An objective with shared parameters is trained with the other's labels.
    let owner = recipe.objectives.iter().find(|other| Some(&other.name) == spec.share.as_ref());
    let taught = &corpora[owner.unwrap_or(spec).corpora[0]];
    let field = |corpus: &Corpus| corpus.field(spec.values.text("label")).unwrap();
    if taught.fields[field(taught)].form == FieldForm::Arcs {
        return most_frequent_arc(taught, field(taught), metric);
    }
    if taught.fields[field(taught)].form == FieldForm::Relations {
        let spans = taught.field(spec.values.text("spans")).unwrap();
        return most_frequent_relation(taught, field(taught), spans);
    }
    if taught.fields[field(taught)].form == FieldForm::Answers {
        return most_frequent_answer(taught, field(taught), metric);
    }
    if taught.fields[0].form == FieldForm::Frames && metric == "bleu" {
        return most_frequent_caption(taught, field(taught), metric);
    }
    if metric == "bleu" {
        return word_by_word(taught, field(taught));
    }
    if taught.fields[field(taught)].form == FieldForm::Text {
        return most_frequent_text(taught, field(taught), metric);
    }
    if matches!(taught.fields[field(taught)].axis, Axis::Items(_)) {
        return in_given_order(taught, field(taught), metric);
    }
    let mut counts = BTreeMap::<&str, u64>::new();
    for labels in labels(taught, &taught.train, field(taught)) {
        for label in labels {
            *counts.entry(label).or_default() += 1;
        }
    }
    let most = *counts.iter().max_by_key(|(_, n)| **n).unwrap().0;
    let corpus = &corpora[spec.corpora[0]];
    let order = spec.values.texts("order").into_iter().map(str::to_owned).collect();
    let (mut accuracy, mut spans) = (Accuracy::default(), SpanF1::default());
    let mut mae = MacroMae::new(order);
    for gold in labels(corpus, corpus.test.as_ref().unwrap(), field(corpus)) {
        spans.add(&gold, &vec![most.to_owned(); gold.len()]);
        for label in gold {
            accuracy.add(label, most, Word::Known);
            mae.add(label, most);
        }
    }
    match metric {
        "f1" => spans.overall().f1,
        "macro_mae" => mae.macro_mae().unwrap(),
        _ => accuracy.accuracy().unwrap(),
    }
}

/// The test score of the most frequent arc of train, into every token.
fn most_frequent_arc(corpus: &Corpus, field: usize, metric: &str) -> f64 {
    let arcs = |example: &Example| match &example.fields[field] {
        Some(FieldValues::Arcs(arcs)) => Some(arcs.to_vec()),
        _ => None,
    };
    let offset = |arc: &GraphArc| Some(i64::from(arc.head?) - i64::from(arc.dependent));
    let mut counts = BTreeMap::new();
    for arc in corpus.train.examples.iter().filter_map(arcs).flatten() {
        *counts.entry((offset(&arc), arc.label)).or_insert(0) += 1;
    }
    let (offset, label) = *counts.iter().max_by_key(|(_, n)| **n).unwrap().0;
    let mut scorer: Box<dyn Scorer> = Box::new(GraphScorer::new(corpus.lexicons[field].clone()));
    for example in &corpus.test.as_ref().unwrap().examples {
        let Some(gold) = arcs(example) else { continue };
        let n = example.len() as i64;
        let arc = |dependent: i64| {
            let head = offset.map(|offset| dependent + offset);
            let exists = head.is_none_or(|head| (0..n).contains(&head));
            let head = head.map(|head| head as u32);
            exists.then_some(GraphArc { head, dependent: dependent as u32, label })
        };
        let predicted = (0..n).filter_map(arc).collect();
        scorer.push(&Gold::Arcs(gold), &Prediction::Arcs(predicted));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics.iter().find(|(name, _)| *name == metric).unwrap().1
}

/// The test score of the relation that is the most frequent in train for the types of two neighbouring entities,
/// between each two such.
fn most_frequent_relation(corpus: &Corpus, relations: usize, spans: usize) -> f64 {
    let mut classes: Lexicon = ["none"].into_iter().collect();
    // Of each pair of entities the types, if they are neighbours, and the class: a relation from the earlier one, or
    // back.
    let mut pairs = |example: &Example| -> Vec<(Option<[Option<u32>; 2]>, u32)> {
        let (Some(FieldValues::Relations(relations)), Some(FieldValues::Spans(spans))) =
            (&example.fields[relations], &example.fields[spans])
        else {
            panic!("relations between spans")
        };
        let bounds = |span: TokenSpan| (span.start, span.end);
        let mut pairs = Vec::new();
        for (at, &later) in spans.iter().enumerate() {
            for (before, &earlier) in spans[..at].iter().enumerate() {
                let class = relations.iter().find_map(|relation| {
                    let arguments = (bounds(relation.from), bounds(relation.to));
                    let is_back = arguments == (bounds(later), bounds(earlier));
                    let is_it = is_back || arguments == (bounds(earlier), bounds(later));
                    is_it.then(|| classes.intern(&format!("{} {is_back}", relation.label)))
                });
                let types = (before + 1 == at).then_some([earlier.label, later.label]);
                pairs.push((types, class.unwrap_or(0)));
            }
        }
        pairs
    };
    let mut counts = BTreeMap::<_, BTreeMap<u32, u64>>::new();
    for (types, class) in corpus.train.examples.iter().flat_map(&mut pairs) {
        if let (Some(types), true) = (types, class > 0) {
            *counts.entry(types).or_default().entry(class).or_default() += 1;
        }
    }
    let mut scorer: Box<dyn Scorer> = Box::new(RelationScorer::new(Lexicon::default()));
    for (types, gold) in corpus.test.as_ref().unwrap().examples.iter().flat_map(&mut pairs) {
        let of_types = types.and_then(|types| counts.get(&types));
        let most = of_types.and_then(|of| of.iter().max_by_key(|(_, n)| **n));
        let predicted = Prediction::Classes(vec![most.map_or(0, |(class, _)| *class)]);
        scorer.push(&Gold::class(Some(gold)), &predicted);
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics[0].1
}

/// The test score of the most frequent transcript of train.
fn most_frequent_text(corpus: &Corpus, field: usize, metric: &str) -> f64 {
    let text = |example: &Example| match &example.fields[field] {
        Some(FieldValues::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let mut counts = BTreeMap::<String, u64>::new();
    for text in corpus.train.examples.iter().filter_map(text) {
        *counts.entry(text).or_default() += 1;
    }
    let frequent = counts.into_iter().max_by_key(|(_, n)| *n).unwrap().0;
    let mut scorer: Box<dyn Scorer> = Box::new(TranscriptScorer::of_characters());
    for gold in corpus.test.as_ref().unwrap().examples.iter().filter_map(text) {
        let best = ScoredText { text: frequent.clone(), score: 0.0 };
        scorer.push(&Gold::Texts(vec![gold]), &Prediction::Texts(vec![best]));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics.iter().find(|(name, _)| *name == metric).unwrap().1
}

/// The test score of the most frequent answer of train, whatever the text.
fn most_frequent_answer(corpus: &Corpus, field: usize, metric: &str) -> f64 {
    let Axis::Sequence(sequence) = corpus.fields[field].axis else { panic!("answers of no text") };
    let words = corpus.field(&corpus.sequences[sequence].name).unwrap();
    let answers = |example: &Example| -> Vec<String> {
        let Some(FieldValues::Answers(answers)) = &example.fields[field] else { return Vec::new() };
        let symbols = example.strings(words).unwrap();
        let word = |symbol: &u32| corpus.lexicons[words].get(*symbol);
        let text = |start: u32, end: u32| {
            symbols[start as usize..end as usize].iter().map(word).collect::<Vec<_>>().join(" ")
        };
        answers.iter().map(|answer| text(answer.start, answer.end)).collect()
    };
    let mut counts = BTreeMap::<String, u64>::new();
    for answer in corpus.train.examples.iter().flat_map(answers) {
        *counts.entry(answer).or_default() += 1;
    }
    let text = counts.into_iter().max_by_key(|(_, n)| *n).unwrap().0;
    let mut scorer: Box<dyn Scorer> = Box::new(AnswerScorer::default());
    for example in &corpus.test.as_ref().unwrap().examples {
        let best = ScoredText { text: text.clone(), score: 0.0 };
        scorer.push(&Gold::Texts(answers(example)), &Prediction::Texts(vec![best]));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics.iter().find(|(name, _)| *name == metric).unwrap().1
}

/// The test BLEU of the words of the first text, each translated by the word with the largest Dice coefficient of the
/// sentences that have it.
fn word_by_word(corpus: &Corpus, field: usize) -> f64 {
    let words = |example: &Example, field: usize| -> Vec<u32> {
        example.strings(field).unwrap_or_default().to_vec()
    };
    let (mut of_source, mut of_target, mut of_both) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::<u32, BTreeMap<u32, u64>>::new());
    for example in &corpus.train.examples {
        let [source, target] =
            [0, field].map(|field| words(example, field).into_iter().collect::<BTreeSet<_>>());
        for &word in &target {
            *of_target.entry(word).or_insert(0_u64) += 1;
        }
        for &word in &source {
            *of_source.entry(word).or_insert(0_u64) += 1;
            for &other in &target {
                *of_both.entry(word).or_default().entry(other).or_default() += 1;
            }
        }
    }
    let translation = |word: u32| {
        let dice = |other: u32, both: u64| {
            2.0 * both as f64 / (of_source[&word] + of_target[&other]) as f64
        };
        let others = of_both.get(&word)?.iter().map(|(&other, &both)| (other, dice(other, both)));
        others.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(other, _)| other)
    };
    let text = |words: &mut dyn Iterator<Item = u32>| {
        words.map(|word| corpus.lexicons[field].get(word)).collect::<Vec<_>>().join(" ")
    };
    let mut scorer: Box<dyn Scorer> = Box::new(GenerationScorer::new(Tokenization::None));
    for example in &corpus.test.as_ref().unwrap().examples {
        let best = text(&mut words(example, 0).into_iter().filter_map(translation));
        let gold = text(&mut words(example, field).into_iter());
        let best = ScoredText { text: best, score: 0.0 };
        scorer.push(&Gold::Texts(vec![gold]), &Prediction::Texts(vec![best]));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics[0].1
}

/// The test score of the most frequent caption of train, the first of those in alphabetical order.
fn most_frequent_caption(corpus: &Corpus, field: usize, metric: &str) -> f64 {
    let captions = |part: &SplitData| {
        let captions = labels(corpus, part, field).into_iter();
        captions.map(|words| words.join(" ")).collect::<Vec<_>>()
    };
    let mut counts = BTreeMap::<String, u64>::new();
    for caption in captions(&corpus.train) {
        *counts.entry(caption).or_default() += 1;
    }
    let most = counts.values().max().copied();
    let frequent = counts.into_iter().find(|(_, n)| Some(*n) == most).unwrap().0;
    let mut scorer: Box<dyn Scorer> = Box::new(GenerationScorer::new(Tokenization::None));
    for gold in captions(corpus.test.as_ref().unwrap()) {
        let best = ScoredText { text: frequent.clone(), score: 0.0 };
        scorer.push(&Gold::Texts(vec![gold]), &Prediction::Texts(vec![best]));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics.iter().find(|(name, _)| *name == metric).unwrap().1
}

/// The test score of candidates in the order of the file.
fn in_given_order(corpus: &Corpus, field: usize, metric: &str) -> f64 {
    let names = &["ndcg", "mrr", "recall_at_10", "map", "ndcg_at_10"];
    let mut scorer: Box<dyn Scorer> = Box::new(RankingScorer::of(names));
    for relevance in labels(corpus, corpus.test.as_ref().unwrap(), field) {
        let relevance: Vec<f32> = relevance.iter().map(|label| label.parse().unwrap()).collect();
        let scores = vec![0.0; relevance.len()];
        scorer.push(&Gold::Relevance(relevance), &Prediction::Ranking(scores));
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores.metrics.iter().find(|(name, _)| *name == metric).unwrap().1
}

/// The labels of each example that has any.
fn labels<'a>(corpus: &'a Corpus, part: &SplitData, field: usize) -> Vec<Vec<&'a str>> {
    let examples = part.examples.iter().filter_map(|example| example.strings(field));
    let texts = |symbols: &[u32]| {
        symbols.iter().map(|&symbol| corpus.lexicons[field].get(symbol)).collect()
    };
    examples.map(texts).collect()
}
