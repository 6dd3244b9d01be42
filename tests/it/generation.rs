//! Decoders and the objectives that generate with them: what a row has read, greedy texts, and the commands.

use auxdesk::{
    data::{Batch, Example, FieldValues, Prediction},
    metric::Gold,
    model::Mode,
    train::score,
};

use crate::{
    runs::{Exited, Here, finish},
    tiny::{Size, Tiny, gradients, numbers, shipped_tiny},
};

const SIZE: Size = Size { width: 6, examples: 12 };

fn rows(tiny: &Tiny, example: &Example) -> Vec<Vec<f32>> {
    let mut corpus = tiny.corpora[0].clone();
    corpus.train.examples[0] = example.clone();
    let batch = Batch::new(0, &corpus, &corpus.train, &[0]);
    tiny.system().taps(&[0], &batch, Mode::Trace).unwrap()[0][0].tensor.to_vec2().unwrap()
}

#[test]
fn a_row_has_read_the_target_before_it_and_the_whole_source() {
    let tiny = shipped_tiny("translation", SIZE, &[]);
    let corpus = &tiny.corpora[0];
    let whole = corpus.train.examples[0].clone();
    let before = rows(&tiny, &whole);
    for name in ["source", "north"] {
        let field = corpus.field(name).unwrap();
        let symbols = whole.symbols(field).unwrap().to_vec();
        for place in 0..symbols.len() {
            let mut changed = symbols.clone();
            changed[place] = (changed[place] + 1) % corpus.lexicons[field].len() as u32;
            let mut example = whole.clone();
            example.fields[field] = Some(FieldValues::Symbols(changed));
            let after = rows(&tiny, &example);
            for (row, (before, after)) in before.iter().zip(&after).enumerate() {
                let is_read = name == "source" || row > place;
                assert_eq!(before != after, is_read, "{name} {place}: row {row}");
            }
        }
    }
}

#[test]
fn an_evaluation_has_the_loss_of_training_the_targets_and_a_text_for_each_example() {
    let tiny = shipped_tiny("translation", SIZE, &[]);
    let system = tiny.system();
    let batch = tiny.batch(0, 6);
    let taps = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
    let evaluation = system.objective(0).evaluate(&taps, &batch).unwrap();
    let loss = evaluation.loss.unwrap();
    let field = tiny.corpora[0].field("north").unwrap();
    // One prediction for each word, and one for the end.
    assert_eq!(loss.count, batch.symbols(field).len() + 6);
    let trained = tiny.term(&system, 0, 6);
    assert_eq!(numbers(&loss.per_example), numbers(&trained.per_example));
    for (b, (gold, prediction)) in evaluation.gold.iter().zip(&evaluation.predictions).enumerate() {
        let (Gold::Texts(gold), Prediction::Texts(texts)) = (gold, prediction) else {
            panic!("{gold:?} {prediction:?}")
        };
        let example = &tiny.corpora[0].train.examples[batch.examples[b]];
        let words = example.symbols(field).unwrap().iter();
        let words: Vec<&str> =
            words.map(|&word| tiny.corpora[0].lexicons[field].get(word)).collect();
        assert_eq!(*gold, [words.join(" ")]);
        assert_eq!(texts.len(), 1);
        // The most words: twice those of the source, and 10.
        let n_source = example.len_of(0);
        assert!(texts[0].text.split(' ').count() <= 2 * n_source + 10);
    }
}

#[test]
fn a_text_is_generated_without_its_target() {
    let tiny = shipped_tiny("translation", SIZE, &[]);
    let system = tiny.system();
    let texts = |tiny: &Tiny| {
        let batch = tiny.batch(0, 4);
        let taps = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
        let evaluation = system.objective(0).evaluate(&taps, &batch).unwrap();
        (evaluation.predictions, evaluation.loss.is_some())
    };
    let (with, has_loss) = texts(&tiny);
    assert!(has_loss);
    let mut without = tiny;
    let field = without.corpora[0].field("north").unwrap();
    for example in &mut without.corpora[0].train.examples {
        example.fields[field] = None;
        example.sequences[1] = None;
    }
    assert_eq!(texts(&without), (with, false));
}

#[test]
fn scores_of_a_split_are_those_of_its_texts() {
    let tiny = shipped_tiny("translation", SIZE, &[]);
    let split = auxdesk::protocol::event::Split::Train;
    let scored = score(&tiny.recipe, &tiny.system(), &tiny.corpora, split, |_| true).unwrap();
    let (_, scores) = &scored.unwrap()[0];
    let names: Vec<&str> = scores.metrics.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["bleu", "chrf", "exact_match", "perplexity"]);
    let perplexity = scores.metrics[3].1;
    assert!((perplexity - scores.loss().unwrap().exp()).abs() < 1e-9);
}

/// A run that translates each word and turns their order.
fn trained(here: &Here) {
    let (mut source, mut target) = (String::new(), String::new());
    for n in 0..90_usize {
        let words = [n % 5, n / 5 % 5, n / 25 + n % 2];
        let line =
            |of: [&str; 5], order: [usize; 3]| order.map(|at| of[words[at]]).join(" ") + "\n";
        source += &line(["a", "b", "c", "d", "e"], [0, 1, 2]);
        target += &line(["A", "B", "C", "D", "E"], [2, 1, 0]);
    }
    here.write("source.txt", &source);
    here.write("target.txt", &target);
    here.write(
        "recipe.toml",
        r#"name = "turned"
[train]
seed = 1
steps = 400
batch_size = 16
learning_rate = 0.01
best = "text.exact_match"
[[corpus]]
name = "pairs"
format = "parallel"
fields = ["source", "target"]
train = ["source.txt", "target.txt"]
dev = ["source.txt", "target.txt"]
[[encoder]]
name = "words"
kind = "embed"
field = "source"
width = 12
min_count = 1
[[encoder]]
name = "reader"
kind = "birnn"
input = "words"
width = 12
[[encoder]]
name = "writer"
kind = "decoder"
input = ["reader", "words"]
attention = "additive"
field = "target"
embed = 12
width = 24
[[objective]]
name = "text"
role = "main"
kind = "generate"
corpus = "pairs"
label = "target"
tap = "writer"
[[objective]]
name = "form"
kind = "next-word"
field = "source"
corpus = "pairs"
tap = "reader"
muted = true
"#,
    );
    let train = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(train));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

fn predict(here: &Here, more: &[&str]) -> Exited {
    let args = ["predict", "run", "input.txt", "--threads", "1"];
    finish(&mut here.auxdesk([&args[..], more].concat()))
}

#[test]
fn predict_writes_a_text_for_each_line_and_the_best_texts_with_scores() {
    let here = Here::new();
    trained(&here);
    here.write("input.txt", "a b c\n\nd e b\n");
    let greedy = predict(&here, &[]);
    assert_eq!((greedy.out.as_str(), greedy.code), ("C B A\n\nB E D\n", Some(0)), "{}", greedy.err);
    assert_eq!(predict(&here, &["--beam", "3"]).out, greedy.out);
    let best = predict(&here, &["--beam", "4", "--nbest", "2"]).out;
    let best: Vec<Vec<&str>> = best.lines().map(|line| line.split(" ||| ").collect()).collect();
    let places: Vec<&str> = best.iter().map(|line| line[0]).collect();
    assert_eq!(places, ["0", "0", "1", "1"]);
    assert_eq!((best[0][1], best[2][1]), ("C B A", "B E D"));
    let score = |line: usize| best[line][2].parse::<f32>().unwrap();
    assert!(score(0) > score(1) && score(2) > score(3), "{best:?}");

    let exited = predict(&here, &["--beam", "2", "--nbest", "3"]);
    assert_eq!(exited.code, Some(2));
    assert!(exited.err.contains("--nbest: expected at most 2, the value of --beam, found 3"));
    let exited = predict(&here, &["--beam", "2", "--objective", "form"]);
    assert_eq!(exited.code, Some(2));
    assert!(
        exited.err.contains("--beam: expected an objective that generates texts"),
        "{}",
        exited.err
    );

    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--threads", "1"])).out;
    let signature = "BLEU|nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0";
    assert!(evaluated.contains(signature), "{evaluated}");
    let json = finish(&mut here.auxdesk(["evaluate", "run", "--json", "--threads", "1"])).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["objectives"][0]["signatures"][0], signature);
    assert!(json["objectives"][1].get("signatures").is_none());
}

/// Captions of frames and entailed sentences are written by one decoder, from memories of their own.
#[test]
fn a_decoder_with_inputs_by_corpus_shares_its_parameters_and_its_words() {
    let tiny = shipped_tiny("grounding", SIZE, &[]);
    let system = tiny.system();
    for (name, own, other) in [("caption", "eye.", "reader."), ("entailed", "reader.", "eye.")] {
        let at = tiny.recipe.objectives.iter().position(|spec| spec.name.as_str() == name).unwrap();
        let loss = tiny.term(&system, at, 6).mean().unwrap();
        let found = gradients(&loss, system.parameters());
        for (parameter, gradient) in system.parameters().all().iter().zip(found) {
            let is = |part: &str| parameter.name.starts_with(part);
            if is("speaker.") || is(own) || is(other) {
                assert_eq!(gradient.is_some(), !is(other), "{name}: {}", parameter.name);
            }
        }
    }
    let fitted = tiny.fitted();
    let words = fitted["encoder.speaker"].vocabulary("words").unwrap();
    for corpus in &tiny.corpora {
        let Some(field) = corpus.field("caption") else { continue };
        let of_train = corpus.train.examples.iter().filter_map(|example| example.symbols(field));
        for &word in of_train.flatten() {
            let word = corpus.lexicons[field].get(word);
            assert!(words.id(word).is_some(), "{word}");
        }
    }
}
