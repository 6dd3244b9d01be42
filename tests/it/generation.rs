//! Decoders and the objectives that generate with them: what a row has read, greedy texts, and the commands.

use auxdesk::{
    data::{Batch, Example, FieldValues, Prediction, Symbol},
    metric::{Bleu, Chrf, Gold, Tokenization},
    model::{Mode, decoder::FIRST},
    recipe::System,
    train::score,
};
use candle_core::Tensor;

use crate::{
    objectives::reached,
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

/// The loss is over words and actions, gold and what is generated have the words alone.
#[test]
fn the_actions_of_a_parser_are_part_of_the_loss_and_not_of_texts() {
    let tiny = shipped_tiny("target-syntax", SIZE, &[]);
    let (system, batch) = (tiny.system(), tiny.batch(0, 6));
    let corpus = &tiny.corpora[0];
    let field = corpus.field("target").unwrap();
    let taps = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
    let evaluation = system.objective(0).evaluate(&taps, &batch).unwrap();
    assert_eq!(evaluation.loss.unwrap().count, batch.symbols(field).len() + 6);
    let is_action = |token: &&str| ["LEFT", "RIGHT"].contains(token);
    for (b, (gold, prediction)) in evaluation.gold.iter().zip(&evaluation.predictions).enumerate() {
        let (Gold::Texts(gold), Prediction::Texts(texts)) = (gold, prediction) else {
            panic!("{gold:?} {prediction:?}")
        };
        let tokens = corpus.train.examples[batch.examples[b]].symbols(field).unwrap().iter();
        let tokens: Vec<&str> = tokens.map(|&it| corpus.lexicons[field].get(it)).collect();
        assert!(tokens.iter().any(is_action));
        let words: Vec<&str> = tokens.into_iter().filter(|token| !is_action(token)).collect();
        assert_eq!(*gold, [words.join(" ")]);
        assert!(!texts[0].text.split(' ').any(|token| is_action(&token)), "{}", texts[0].text);
    }
    let untrained = shipped_tiny("target-syntax", SIZE, &["objective.target.actions=".to_owned()]);
    let taps = untrained.system().taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
    let of_all = untrained.system().objective(0).evaluate(&taps, &batch).unwrap();
    let Gold::Texts(gold) = &of_all.gold[0] else { panic!("a text") };
    assert!(gold[0].split(' ').any(|token| is_action(&token)));
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
    let (system, corpus) = (tiny.system(), &tiny.corpora[0]);
    let field = corpus.field("north").unwrap();
    let (mut bleu, mut chrf, mut n_exact) = (Bleu::default(), Chrf::default(), 0);
    for (at, example) in corpus.train.examples.iter().enumerate() {
        let batch = Batch::new(0, corpus, &corpus.train, &[at]);
        let taps = system.taps(&[0], &batch, Mode::Eval).unwrap().remove(0);
        let evaluation = system.objective(0).evaluate(&taps, &batch).unwrap();
        let Prediction::Texts(texts) = &evaluation.predictions[0] else { panic!("a text") };
        let words = example.symbols(field).unwrap().iter();
        let words: Vec<&str> = words.map(|&word| corpus.lexicons[field].get(word)).collect();
        let reference = [words.join(" ")];
        bleu.add(&texts[0].text, &reference, Tokenization::None);
        chrf.add(&texts[0].text, &reference);
        n_exact += usize::from(texts[0].text == reference[0]);
    }
    let split = auxdesk::protocol::event::Split::Train;
    let scored = score(&tiny.recipe, &system, &tiny.corpora, split, |_| true).unwrap();
    let (_, scores) = &scored.unwrap()[0];
    let exact = 100.0 * n_exact as f64 / corpus.train.examples.len() as f64;
    let wanted = [
        ("chrf", chrf.score()),
        ("bleu", bleu.score()),
        ("exact_match", exact),
        ("perplexity", scores.loss().unwrap().exp()),
    ];
    // Untrained, it shares characters with the references.
    assert!(wanted[0].1 > 1.0, "{wanted:?}");
    assert_eq!(scores.metrics.len(), wanted.len());
    for ((name, found), (wanted_name, wanted)) in scores.metrics.iter().zip(wanted) {
        assert_eq!(*name, wanted_name);
        assert!((found - wanted).abs() < 1e-9, "{name}: {found}, expected {wanted}");
    }
}

/// A translation whose decoder reads words of the target with this probability in training, and gives its first word a
/// probability of nearly 1 everywhere.
fn certain(teacher_forcing: &str) -> (Tiny, System, Symbol) {
    let set = format!("encoder.to-north.teacher_forcing={teacher_forcing}");
    let tiny = shipped_tiny("translation", SIZE, &[set]);
    let system = tiny.system();
    let mut parameters = system.parameters().all().iter();
    let bias = parameters.find(|parameter| parameter.name == "to-north.scores.bias").unwrap();
    let mut values = vec![0f32; bias.var.elem_count()];
    values[FIRST as usize] = 1e3;
    let values = Tensor::from_vec(values, bias.var.shape(), bias.var.device()).unwrap();
    bias.var.set(&values).unwrap();
    let words = tiny.fitted()["encoder.to-north"].vocabularies["words"].clone();
    let corpus = &tiny.corpora[0];
    let lexicon = &corpus.lexicons[corpus.field("north").unwrap()];
    let symbol = lexicon.iter().position(|word| word == words.item(0)).unwrap();
    (tiny, system, symbol as Symbol)
}

#[test]
fn without_teacher_forcing_a_step_reads_what_the_decoder_has_generated() {
    let rows = |(tiny, system, _): &(Tiny, System, Symbol), mode| -> Vec<Vec<f32>> {
        let taps = system.taps(&[0], &tiny.batch(0, 4), mode).unwrap().remove(0);
        taps[0].tensor.to_vec2().unwrap()
    };
    let train = Mode::Train { seed: 1, step: 3 };
    let sampled = certain("0");
    // All words of the targets are replaced by the one that is certain.
    let mut replaced = certain("1");
    let field = replaced.0.corpora[0].field("north").unwrap();
    for example in &mut replaced.0.corpora[0].train.examples {
        let n_words = example.symbols(field).unwrap().len();
        example.fields[field] = Some(FieldValues::Symbols(vec![replaced.2; n_words]));
    }
    let found = rows(&sampled, train);
    assert_eq!(found, rows(&replaced, train));
    assert_eq!(found, rows(&sampled, train), "draws are those of the step");
    // An evaluation reads the target, and so does a step that is certain to.
    let forced = certain("1");
    assert_eq!(rows(&sampled, Mode::Eval), rows(&forced, Mode::Eval));
    assert_eq!(rows(&forced, train), rows(&forced, Mode::Eval));
    assert_ne!(found, rows(&forced, train));
    // A schedule begins with the target.
    let ramp = r#"{ shape = "linear", from = 1, to = 0, steps = 6 }"#;
    let ramp = certain(ramp);
    assert_eq!(rows(&ramp, Mode::Train { seed: 1, step: 0 }), rows(&forced, train));
    assert_eq!(rows(&ramp, Mode::Train { seed: 1, step: 6 }), found);
    let half = rows(&ramp, train);
    assert!(half != found && half != rows(&forced, train));
}

#[test]
fn scheduled_sampling_trains_the_parameters_of_teacher_forcing() {
    let set = "encoder.to-north.teacher_forcing=0.5".to_owned();
    let reached = |sets: &[String]| {
        let tiny = shipped_tiny("translation", SIZE, sets);
        let system = tiny.system();
        let loss = tiny.term(&system, 0, 6).mean().unwrap();
        reached(&system, &gradients(&loss, system.parameters()))
    };
    assert_eq!(reached(&[set]), reached(&[]));
}

/// A run that translates each word and turns their order, with these options.
fn trained(here: &Here, sets: &[&str]) {
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
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", *set]).collect();
    let exited = finish(&mut here.auxdesk([&train[..], &sets].concat()));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

fn predict(here: &Here, more: &[&str]) -> Exited {
    let args = ["predict", "run", "input.txt", "--threads", "1"];
    finish(&mut here.auxdesk([&args[..], more].concat()))
}

#[test]
fn predict_writes_a_text_for_each_line_and_the_best_texts_with_scores() {
    let here = Here::new();
    trained(&here, &[]);
    here.write("input.txt", "a b c\n\nd e b\n");
    let greedy = predict(&here, &[]);
    assert_eq!((greedy.out.as_str(), greedy.code), ("C B A\n\nB E D\n", Some(0)), "{}", greedy.err);
    assert_eq!(predict(&here, &["--beam", "3"]).out, greedy.out);
    let best = predict(&here, &["--beam", "4", "--nbest", "2"]).out;
    let best: Vec<Vec<&str>> = best.lines().map(|line| line.split(" ||| ").collect()).collect();
    let places: Vec<&str> = best.iter().map(|line| line[0]).collect();
    assert_eq!(places, ["0", "0", "2", "2"]);
    assert_eq!((best[0][1], best[2][1]), ("C B A", "B E D"));
    let score = |line: usize| best[line][2].parse::<f32>().unwrap();
    assert!(score(0) > score(1) && score(2) > score(3), "{best:?}");

    let exited = predict(&here, &["--beam", "2", "--nbest", "3"]);
    assert_eq!(exited.code, Some(2));
    assert!(exited.err.contains("--nbest: expected at most 2, the value of --beam, found 3"));
    // A recipe has the same limit.
    for flag in ["--beam", "--nbest"] {
        let exited = predict(&here, &[flag, "101"]);
        assert_eq!(exited.code, Some(2));
        assert!(exited.err.contains("101 is not in 1..=100"), "{}", exited.err);
    }
    let set = ["check", "recipe.toml", "--set", "objective.text.beam=101"];
    let exited = finish(&mut here.auxdesk(set));
    assert!(exited.err.contains("a whole number between 1 and 100"), "{}", exited.err);
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

#[test]
fn a_text_is_generated_and_scored_character_by_character() {
    let here = Here::new();
    let sets = [
        "corpus.pairs.spelled=target",
        "encoder.writer.field=spelling",
        "objective.text.label=spelling",
        "objective.text.units=characters",
        "train.best=text.cer",
    ];
    trained(&here, &sets);
    here.write("input.txt", "a b c\nd e b\n");
    let predicted = predict(&here, &["--beam", "2"]);
    assert_eq!(
        (predicted.out.as_str(), predicted.code),
        ("C B A\nB E D\n", Some(0)),
        "{}",
        predicted.err
    );
    let summary = std::fs::read_to_string(here.path("run/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let dev = &summary["objectives"][0]["dev"];
    assert_eq!(
        (&dev["cer"], &dev["wer"]),
        (&serde_json::json!(0.0), &serde_json::json!(0.0)),
        "{summary}"
    );
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
