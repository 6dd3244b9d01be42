//! Bags of words: what the states of a decoder have read when they predict words, and the commands.

use auxdesk::{
    data::{Batch, Corpus, FieldValues},
    model::Mode,
};

use crate::{
    runs::{Here, finish, json},
    tiny::{Size, Tiny, numbers, shipped_tiny},
};

const SIZE: Size = Size { width: 6, examples: 12 };

/// The index of an objective of the recipe `initial-state`.
const FIRST_WORDS: usize = 1;
const LATER_WORDS: usize = 2;

fn batch(corpus: &Corpus, examples: &[usize]) -> Batch {
    Batch::new(0, corpus, &corpus.train, examples)
}

fn rows(tiny: &Tiny, corpus: &Corpus, objective: usize) -> Vec<Vec<f32>> {
    let taps = tiny.system().taps(&[objective], &batch(corpus, &[0]), Mode::Trace).unwrap();
    taps[0][0].tensor.to_vec2().unwrap()
}

/// The corpus with another word at a place of a field of its first example.
fn with_other_word(corpus: &Corpus, field: usize, place: usize) -> Corpus {
    let mut corpus = corpus.clone();
    let mut symbols = corpus.train.examples[0].symbols(field).unwrap().to_vec();
    symbols[place] = (symbols[place] + 1) % corpus.lexicons[field].len() as u32;
    corpus.train.examples[0].fields[field] = Some(FieldValues::Symbols(symbols));
    corpus
}

#[test]
fn a_state_has_read_the_words_before_those_that_it_predicts_and_the_initial_state_none() {
    let tiny = shipped_tiny("initial-state", SIZE, &[]);
    let corpus = &tiny.corpora[0];
    let [source, target] = ["source", "target"].map(|name| corpus.field(name).unwrap());
    for objective in [FIRST_WORDS, LATER_WORDS] {
        let before = rows(&tiny, corpus, objective);
        let n_words = corpus.train.examples[0].symbols(target).unwrap().len();
        assert_eq!(before.len(), if objective == FIRST_WORDS { 1 } else { n_words + 1 });
        for place in 0..n_words {
            let after = rows(&tiny, &with_other_word(corpus, target, place), objective);
            for (row, (before, after)) in before.iter().zip(&after).enumerate() {
                // Row j predicts the words from place j on.
                assert_eq!(before != after, row > place, "{objective} {place}: row {row}");
            }
        }
        let after = rows(&tiny, &with_other_word(corpus, source, 0), objective);
        assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    }
}

#[test]
fn every_example_has_an_initial_state_in_the_order_of_the_batch_with_or_without_a_target() {
    let tiny = shipped_tiny("initial-state", SIZE, &[]);
    let system = tiny.system();
    let states = |corpus: &Corpus, examples: &[usize]| -> Vec<Vec<f32>> {
        let taps =
            system.taps(&[FIRST_WORDS], &batch(corpus, examples), Mode::Eval).unwrap().remove(0);
        taps[0].tensor.to_vec2().unwrap()
    };
    let mut corpus = tiny.corpora[0].clone();
    let together = states(&corpus, &[0, 1, 2, 3]);
    let in_order = batch(&corpus, &[0, 1, 2, 3]).examples;
    for (state, example) in together.iter().zip(&in_order) {
        assert_eq!(*state, states(&corpus, &[*example])[0], "example {example}");
    }
    let target = corpus.field("target").unwrap();
    for example in corpus.train.examples.iter_mut().skip(1) {
        example.fields[target] = None;
        example.sequences[1] = None;
    }
    assert_eq!(states(&corpus, &[0, 1, 2, 3]), together);
    // The loss is that of the only text.
    let batch = batch(&corpus, &[0, 1, 2, 3]);
    for objective in [FIRST_WORDS, LATER_WORDS] {
        let taps = system.taps(&[objective], &batch, Mode::Eval).unwrap().remove(0);
        let loss = system.objective(objective).loss(&taps, &batch).unwrap().unwrap();
        let n_with = numbers(&loss.per_example).iter().filter(|loss| **loss > 0.0).count();
        assert_eq!(n_with, 1);
        let n_steps = corpus.train.examples[0].symbols(target).unwrap().len();
        assert_eq!(loss.count, if objective == FIRST_WORDS { 1 } else { n_steps });
    }
}

/// A run in which the target has the words of the source in another order and in capitals, and nothing reads the text
/// between them.
fn trained(here: &Here) {
    let (mut source, mut target) = (String::new(), String::new());
    for n in 0..60_usize {
        let words = [n % 5, (n + 1 + n / 5 % 2) % 5, (n + 3 + n / 20) % 5];
        let line =
            |of: [&str; 5], order: [usize; 3]| order.map(|at| of[words[at]]).join(" ") + "\n";
        source += &line(["a", "b", "c", "d", "e"], [0, 1, 2]);
        target += &line(["A", "B", "C", "D", "E"], [2, 1, 0]);
    }
    here.write("source.txt", &source);
    here.write("target.txt", &target);
    here.write("note.txt", "x\n".repeat(60));
    here.write(
        "recipe.toml",
        r#"name = "words"
[train]
seed = 1
steps = 120
batch_size = 16
learning_rate = 0.01
best = "later.recall_at_k"
[[corpus]]
name = "pairs"
format = "parallel"
fields = ["target", "note", "source"]
train = ["target.txt", "note.txt", "source.txt"]
dev = ["target.txt", "note.txt", "source.txt"]
[[encoder]]
name = "words"
kind = "embed"
field = "source"
width = 12
[[encoder]]
name = "writer"
kind = "decoder"
input = "words"
summary = "words.mean"
field = "target"
embed = 8
width = 12
[[objective]]
name = "first"
role = "main"
kind = "bag"
corpus = "pairs"
label = "target"
tap = "writer.0"
[[objective]]
name = "later"
kind = "bag-rest"
corpus = "pairs"
label = "target"
tap = "writer"
[[objective]]
name = "own"
kind = "bag"
corpus = "pairs"
label = "source"
tap = "words.mean"
k = 2
"#,
    );
    let train = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(train));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn predict_writes_the_most_probable_words_and_evaluate_their_recall() {
    let here = Here::new();
    trained(&here);
    here.write("input.txt", "a b d\n\nc d a\n");
    let predict = |objective: &str| {
        let args = ["predict", "run", "input.txt", "--threads", "1", "--objective", objective];
        finish(&mut here.auxdesk(args))
    };
    let predicted = predict("first");
    let sets: Vec<Vec<&str>> = predicted
        .out
        .lines()
        .map(|line| {
            let mut words: Vec<&str> = line.split('|').collect();
            words.sort_unstable();
            words
        })
        .collect();
    assert_eq!(sets, [vec!["A", "B", "D"], vec![""], vec!["A", "C", "D"]], "{}", predicted.err);
    let own = predict("own").out;
    assert!(own.lines().next().unwrap().split('|').all(|word| "abd".contains(word)), "{own}");
    assert_eq!(own.lines().next().unwrap().split('|').count(), 2, "{own}");
    let refused = predict("later");
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("later is of kind \"bag-rest\""), "{}", refused.err);
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--json", "--threads", "1"])).out;
    let objectives = json(&evaluated)["objectives"].clone();
    for (at, least) in [(0, 99.0), (1, 90.0), (2, 60.0)] {
        let recall = objectives[at]["dev"]["metrics"]["recall_at_k"].as_f64().unwrap();
        assert!(recall > least, "{evaluated}");
    }
}
