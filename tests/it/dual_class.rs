//! A classifier and a decoder of texts given their class, in a whole system.

use std::collections::BTreeMap;

use auxdesk::{
    data::{Batch, Bigrams, Corpus, FieldValues},
    model::Mode,
};

use crate::{
    encoders::faults,
    tiny::{Size, Tiny, numbers, shipped_tiny, text_tiny},
};

const SIZE: Size = Size { width: 3, examples: 8 };

fn place(tiny: &Tiny, objective: &str) -> usize {
    let objectives = &tiny.recipe.objectives;
    objectives.iter().position(|spec| spec.name.as_str() == objective).unwrap()
}

/// −ln p of each example of a batch by an objective, summed over its words.
fn surprisals(tiny: &Tiny, objective: &str, batch: &Batch) -> Vec<f64> {
    let (system, at) = (tiny.system(), place(tiny, objective));
    let taps = system.taps(&[at], batch, Mode::Trace).unwrap();
    let loss = system.loss(at, &taps[0], batch, Mode::Trace).unwrap().unwrap();
    numbers(&loss.per_example).into_iter().map(f64::from).collect()
}

/// Without marginals, g of an example is the difference of the losses of the classifier and of the decoder, per word.
#[test]
fn the_gap_is_between_the_losses_of_the_classifier_and_of_the_decoder() {
    let tiny = shipped_tiny("dual-class", SIZE, &["objective.dual.marginals=none".to_owned()]);
    let batch = tiny.batch(0, 4);
    let (of_class, of_text) =
        (surprisals(&tiny, "class", &batch), surprisals(&tiny, "text", &batch));
    let found = surprisals(&tiny, "dual", &batch);
    for (b, found) in found.into_iter().enumerate() {
        let n_words = tiny.corpora[0].train.examples[batch.examples[b]].len_of(0) + 2;
        let gap = (of_class[b] - of_text[b]) / n_words as f64;
        assert!((found - gap * gap).abs() < 1e-4 * gap * gap, "{found}, expected {}", gap * gap);
    }
}

/// ln P of each text of train by a bigram model of these texts.
fn of_texts(corpus: &Corpus) -> Vec<f64> {
    const EDGE: u32 = 1;
    let text = corpus.field("text").unwrap();
    let mut ids = BTreeMap::new();
    let mut classes_of = |symbols: &[u32]| -> Vec<u32> {
        let mut id = |symbol: &u32| {
            let next = ids.len() as u32 + 2;
            *ids.entry(*symbol).or_insert(next)
        };
        let words: Vec<u32> = symbols.iter().map(&mut id).collect();
        [vec![EDGE], words, vec![EDGE]].concat()
    };
    let texts = corpus.train.examples.iter().map(|example| example.symbols(text).unwrap());
    let texts: Vec<Vec<u32>> = texts.map(&mut classes_of).collect();
    let mut counts = BTreeMap::new();
    for pair in texts.iter().flat_map(|text| text.windows(2)) {
        *counts.entry((pair[0], pair[1])).or_default() += 1;
    }
    let model = Bigrams::new(counts, ids.len() + 2);
    let of =
        |text: &Vec<u32>| text.windows(2).map(|pair| model.log_probability(pair[0], pair[1])).sum();
    texts.iter().map(of).collect()
}

/// With the marginals: by the shares of classes in train and a bigram model of its texts.
#[test]
fn marginals_are_of_the_other_part() {
    let tiny = shipped_tiny("dual-class", SIZE, &[]);
    let batch = tiny.batch(0, 4);
    let corpus = &tiny.corpora[0];
    let label = corpus.field("class").unwrap();
    let n_of = |class: u32| {
        let labels = corpus.train.examples.iter().filter_map(|example| example.label(label));
        labels.filter(|label| *label == class).count() as f64
    };
    let (of_class, of_text) =
        (surprisals(&tiny, "class", &batch), surprisals(&tiny, "text", &batch));
    let texts = of_texts(corpus);
    for (b, found) in surprisals(&tiny, "dual", &batch).into_iter().enumerate() {
        let example = &corpus.train.examples[batch.examples[b]];
        let n_words = (example.len_of(0) + 2) as f64;
        let prior = (n_of(example.label(label).unwrap()) / corpus.train.examples.len() as f64).ln();
        // ln P(y) + ln p(x | y), and ln P(x) + ln p(y | x).
        let joint = [prior - of_text[b], texts[batch.examples[b]] - of_class[b]];
        let gap = (joint[0] - joint[1]) / n_words;
        assert!((found - gap * gap).abs() < 1e-4 * gap * gap, "{found}, expected {}", gap * gap);
    }
}

#[test]
fn an_example_without_a_class_has_no_row_and_no_loss() {
    let tiny = shipped_tiny("dual-class", SIZE, &[]);
    let system = tiny.system();
    let mut corpus = tiny.corpora[0].clone();
    let label = corpus.field("class").unwrap();
    corpus.train.examples[1].fields[label] = None;
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1, 2]);
    let without = batch.examples.iter().position(|at| *at == 1).unwrap();
    let at = place(&tiny, "dual");
    let taps = system.taps(&[at], &batch, Mode::Trace).unwrap();
    let loss = system.loss(at, &taps[0], &batch, Mode::Trace).unwrap().unwrap();
    assert_eq!((loss.count, numbers(&loss.per_example)[without]), (2, 0.0));
    // None has a class.
    for example in &mut corpus.train.examples {
        example.fields[label] = None;
    }
    let batch = Batch::new(0, &corpus, &corpus.train, &[0, 1]);
    let taps = system.taps(&[at], &batch, Mode::Trace).unwrap();
    assert!(system.loss(at, &taps[0], &batch, Mode::Trace).unwrap().is_none());
}

/// The outputs of the decoder change with the class, and with nothing else that it has not written.
#[test]
fn a_decoder_reads_the_class_of_its_text() {
    let tiny = shipped_tiny("dual-class", SIZE, &[]);
    let (system, at) = (tiny.system(), place(&tiny, "text"));
    let mut corpus = tiny.corpora[0].clone();
    let label = corpus.field("class").unwrap();
    let rows = |corpus: &Corpus| {
        let batch = Batch::new(0, corpus, &corpus.train, &[0]);
        let taps = system.taps(&[at], &batch, Mode::Trace).unwrap();
        numbers(&taps[0][0].tensor)
    };
    let before = rows(&corpus);
    let class = corpus.train.examples[0].label(label).unwrap();
    corpus.train.examples[0].fields[label] = Some(FieldValues::Label(1 - class));
    assert_ne!(rows(&corpus), before);
}

/// A decoder that reads another text of the example.
#[test]
fn a_decoder_that_does_not_read_the_class_is_refused() {
    let recipe = RECIPE
        .replace("format = \"table\"", "format = \"jsonl\"")
        .replace(
            "columns = [\"class\", \"text\"]",
            "text = [\"text\", \"title\"]\nlabels = [\"class\"]",
        )
        .replace("sample:reviews/books/train.tsv", "train.jsonl");
    let dual = "[[encoder]]\nname = \"titles\"\nkind = \"embed\"\nfield = \"title\"\nwidth = 4\n\
                [[encoder]]\nname = \"writer\"\nkind = \"decoder\"\ninput = \"titles\"\nfield = \"text\"\n\
                attention = \"dot\"\nwidth = 4\n\
                [[objective]]\nname = \"dual\"\nkind = \"dual-class\"\ncorpus = \"c\"\nlabel = \"class\"\n\
                classifier = \"class\"\nleft = \"writer\"\n";
    let objects = r#"{"class": "good", "text": "a fine book", "title": "spring"}"#;
    let found = faults(&format!("{recipe}{dual}"), objects);
    insta::assert_snapshot!(found, @r#"recipe.toml:46: `left`: expected a decoder that reads "class", found "writer", which does not; let it attend to an encoder of kind "label" of that field"#);
}

const RECIPE: &str = r#"
name = "of-class"
[train]
steps = 1
[[corpus]]
name = "c"
format = "table"
columns = ["class", "text"]
train = "sample:reviews/books/train.tsv"
[[encoder]]
name = "words"
kind = "embed"
field = "text"
width = 4
[[encoder]]
name = "of-class"
kind = "label"
field = "class"
width = 4
[[objective]]
name = "class"
role = "main"
kind = "classify"
corpus = "c"
label = "class"
tap = "words.mean"
"#;

#[test]
fn a_label_is_no_input_of_its_own_prediction() {
    let faults = |recipe: String| faults(&recipe, "");
    let read = faults(RECIPE.replace("words.mean", "of-class.mean"));
    let of_text = faults(
        RECIPE.replace("kind = \"label\"\nfield = \"class\"", "kind = \"label\"\nfield = \"text\""),
    );
    let attends = faults(format!(
        "{RECIPE}[[encoder]]\nname = \"writer\"\nkind = \"decoder\"\ninput = \"of-class\"\nfield = \"text\"\nattention = \"general\"\n"
    ));
    insta::assert_snapshot!([read, of_text, attends].join("\n"), @r#"
    recipe.toml:26: `tap`: expected rows that have not read "class", which the objective predicts, found "of-class" below them; tap encoders of the text
    recipe.toml:18: `field`: the field "text" of corpus "c" has a string per token; expected one per example
    recipe.toml:32: `encoder.writer.attention`: expected `attention = "dot"` where `input` is the one row of a label, as no parameter of another is trained, found "general"
    "#);
    // Read by nobody it is built all the same.
    let tiny = text_tiny(RECIPE, SIZE, &[]);
    assert_eq!(tiny.recipe.encoders.len(), 2);
}
