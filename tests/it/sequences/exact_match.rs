//! Features of tokens that say whether another text of the example has them.

use auxdesk::{
    data::Batch,
    model::{Mode, Rows},
    recipe::System,
};

use super::{PAIRS, TEXTS, assert_gradients, pairs};
use crate::{
    encoders::probe,
    tiny::{bits, gradients},
};

/// [`PAIRS`] with these further keys of its embedding, and another tap of its first objective.
fn recipe(keys: &str, tap: &str) -> String {
    let recipe = PAIRS.replace("width = 3", &format!("width = 3\n{keys}"));
    recipe.replace("['trunk.max', 'b:trunk.max']", tap)
}

/// The rows that the first objective reads.
fn tapped(system: &System, batch: &Batch, mode: Mode) -> Rows {
    system.taps(&[0], batch, mode).unwrap().remove(0).remove(0)
}

/// The two features, after the three elements of the embedding, of each row of an example.
fn features(rows: &Rows, batch: &Batch, example: usize) -> Vec<[f32; 2]> {
    let place = batch.examples.iter().position(|&at| at == example).unwrap();
    let all = rows.tensor.to_vec2::<f32>().unwrap();
    let of = |row: usize| all[row][3..].try_into().unwrap();
    rows.packing.rows_of_example(place).into_iter().map(of).collect()
}

#[test]
fn the_features_follow_the_embedding_and_neither_dropout_nor_noise_affects_them() {
    let of_text = |text: &str, tap: &str| {
        let tags = recipe("exact_match = 'b'\nnoise = 0.1", tap).replace("'classify'", "'tag'");
        let tags = tags.replace("= 'judgement'\ntap", &format!("= '{text}'\ntap"));
        pairs(&tags, &TEXTS.replace("one two four three", "one Two four")).unwrap()
    };
    let (same, lower, other) = ([1.0, 1.0], [0.0, 1.0], [0.0, 0.0]);
    let tiny = of_text("a", "'words'");
    let (system, batch) = (tiny.system(), tiny.batch(0, 3));
    for mode in [Mode::Eval, Mode::Trace, Mode::Train { seed: 1, step: 4 }] {
        let rows = tapped(&system, &batch, mode);
        assert_eq!(rows.tensor.dims(), [6, 5]);
        assert_eq!(features(&rows, &batch, 0), [same, same, other]);
        assert_eq!(features(&rows, &batch, 1), [lower]);
        // The other text is null.
        assert_eq!(features(&rows, &batch, 2), [other, other]);
    }
    let train = |step| bits(&tapped(&system, &batch, Mode::Train { seed: 1, step }).tensor);
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
    // Over the other text they are those against the encoder's own field.
    let tiny = of_text("b", "'b:words'");
    let (system, batch) = (tiny.system(), tiny.batch(0, 3));
    let rows = tapped(&system, &batch, Mode::Eval);
    assert_eq!(features(&rows, &batch, 0), [same, same]);
    assert_eq!(features(&rows, &batch, 1), [other, lower, other]);
}

#[test]
fn the_key_appends_features_and_leaves_the_embedding_as_it_is() {
    let embedded = |keys: &str| {
        let tiny = pairs(&recipe(keys, "'words.max'"), TEXTS).unwrap();
        let train = Mode::Train { seed: 1, step: 1 };
        let rows = tapped(&tiny.system(), &tiny.batch(0, 3), train).tensor;
        let rows = rows.to_vec2::<f32>().unwrap().into_iter();
        rows.map(|row| row[..3].to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(embedded(""), embedded("exact_match = 'b'"));
}

#[test]
fn the_layer_above_learns_from_the_features() {
    let tiny = pairs(&recipe("exact_match = 'b'", "['trunk.max', 'b:trunk.max']"), TEXTS).unwrap();
    let (system, batch) = (tiny.system(), tiny.batch(0, 3));
    let scalar = || probe(&tapped(&system, &batch, Mode::Trace).tensor);
    assert_gradients(&system, &["words", "trunk"], scalar);
    let found = gradients(&scalar().0, system.parameters());
    let mut all = system.parameters().all().iter().zip(found);
    // A row for each of the three elements of the embedding, then one for each feature.
    let is_input = |name: &str| name.starts_with("trunk.") && name.ends_with("input.weight");
    let (parameter, gradient) = all.find(|(parameter, _)| is_input(&parameter.name)).unwrap();
    let &[n_inputs, n_columns] = parameter.var.dims() else { panic!("{:?}", parameter.var) };
    assert_eq!(n_inputs, 5);
    for row in gradient.unwrap().chunks_exact(n_columns).skip(3) {
        assert!(row.iter().any(|g| *g != 0.0), "{row:?}");
    }
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
}

#[test]
fn a_text_that_is_only_compared_with_adds_no_words_and_each_corpus_must_have_it() {
    let apart = PAIRS.find("[[objective]]\nname = 'apart'").unwrap();
    let whole = recipe("exact_match = 'b'", "'trunk.max'");
    let alone = &whole[..whole.len() - (PAIRS.len() - apart)];
    let tiny = pairs(alone, TEXTS).unwrap();
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
    // The fourth word is in the other text only.
    assert_eq!(tiny.fitted()["encoder.words"].vocabularies["words"].len(), 3);
    for (other, what) in [
        ("c", "no field named \"c\""),
        ("judgement", "has a string per example; expected one per token"),
        ("a", "found \"a\", which is of the same text"),
    ] {
        let key = format!("exact_match = '{other}'");
        let fault = pairs(&alone.replace("exact_match = 'b'", &key), TEXTS).err().unwrap();
        assert!(fault.contains(what) && fault.contains("`exact_match`"), "{fault}");
    }
}
