//! Encoders over the items of a list, and faults of combined rows that belong to different sequences.

use auxdesk::{
    data::Batch,
    model::{Mode, RowKind},
};

use super::{assert_gradients, pairs};
use crate::{encoders::probe, tiny::Tiny};

/// A query with candidates: each is pooled to a vector, and the vectors form a sequence.
const CANDIDATES: &str = "
name = 'candidates'
[train]
steps = 3
[[corpus]]
name = 'pairs'
format = 'jsonl'
text = ['query', 'other']
items = ['candidates']
tags = ['tags']
labels = ['judgement']
train = 'pairs.jsonl'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'query'
width = 3
min_count = 1
[[encoder]]
name = 'trunk'
kind = 'birnn'
input = 'words'
width = 2
[[encoder]]
name = 'each'
kind = 'pool'
input = 'candidates:trunk'
pooling = 'mean'
[[encoder]]
name = 'across'
kind = 'birnn'
input = 'each'
width = 2
[[objective]]
name = 'judgement'
role = 'main'
kind = 'classify'
corpus = 'pairs'
label = 'judgement'
tap = ['trunk.mean', 'each.mean', 'across.max']
";

const TEXTS: &str = "\
{\"query\": \"one two\", \"other\": \"six\", \"candidates\": [\"one two\"], \"tags\": [\"A\", \"B\"], \"judgement\": \"yes\"}
{\"query\": \"two\", \"other\": null, \"candidates\": [\"three\", \"two one four\"], \"tags\": [\"B\"], \"judgement\": \"no\"}
{\"query\": \"one one one\", \"other\": null, \"candidates\": [], \"judgement\": \"no\"}
{\"query\": \"two one\", \"other\": null, \"candidates\": [\"five five\", \"one\", \"two two two\"], \"judgement\": \"yes\"}
";

fn candidates(from: &str, to: &str) -> Result<Tiny, String> {
    assert!(CANDIDATES.contains(from), "{from}");
    pairs(&CANDIDATES.replace(from, to), TEXTS)
}

#[test]
fn an_encoder_runs_over_each_item_and_another_over_the_sequence_of_items() {
    let tiny = candidates("", "").unwrap();
    let on = |name: &str| {
        let spec = tiny.recipe.encoders.iter().find(|spec| spec.name == name).unwrap();
        (spec.signature.layers[0].on, spec.signature.layers[0].pooled)
    };
    assert_eq!(on("trunk"), (RowKind::Token, RowKind::Example));
    assert_eq!(on("each"), (RowKind::Item, RowKind::Example));
    assert_eq!(on("across"), (RowKind::Item, RowKind::Example));
    let system = tiny.system();
    let rows = |batch: &Batch, mode| system.taps(&[0], batch, mode).unwrap()[0][0].tensor.clone();
    let batch = tiny.batch(0, 4);
    let all = rows(&batch, Mode::Eval).to_vec2::<f32>().unwrap();
    for (row, &example) in all.iter().zip(&batch.examples) {
        let ([query, each], across) = ([&row[..4], &row[4..8]], &row[8..]);
        // The only candidate of the first example is its query; the third example has none.
        assert_eq!(query == each, example == 0, "{example}: {row:?}");
        assert_eq!(each.iter().all(|x| *x == 0.0), example == 2, "{example}: {row:?}");
        assert_eq!(across.iter().all(|x| *x == 0.0), example == 2, "{example}: {row:?}");
        let corpus = &tiny.corpora[0];
        let alone = rows(&Batch::new(0, corpus, &corpus.train, &[example]), Mode::Eval);
        for (alone, among) in alone.to_vec2::<f32>().unwrap()[0].iter().zip(row) {
            assert!((alone - among).abs() < 1e-6, "{example}: {alone} {among}");
        }
    }
    // The mean of each item has no parameters.
    let encoders = ["words", "trunk", "across"];
    assert_gradients(&system, &encoders, || probe(&rows(&batch, Mode::Trace)));
    let known = &tiny.fitted()["encoder.words"].vocabularies["words"];
    assert!(known.id("five").is_some() && known.id("six").is_none());
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
}

#[test]
fn an_encoder_of_a_list_field_has_one_row_per_item() {
    let bag =
        "[[encoder]]\nname = 'each'\nkind = 'bow'\nfield = 'candidates'\nwidth = 4\nmin_count = 1";
    let each =
        "[[encoder]]\nname = 'each'\nkind = 'pool'\ninput = 'candidates:trunk'\npooling = 'mean'";
    let tiny = candidates(each, bag).unwrap();
    let spec = tiny.recipe.encoders.iter().find(|spec| spec.name == "each").unwrap();
    assert_eq!(spec.signature.layers[0].on, RowKind::Item);
    let tensor =
        tiny.system().taps(&[0], &tiny.batch(0, 4), Mode::Eval).unwrap()[0][0].tensor.clone();
    assert_eq!(tensor.dims(), [4, 12]);
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 3, "{:?}", run.ended);
}

#[test]
fn invalid_inputs_from_a_list_are_rejected() {
    let reported = |from: &str, to: &str| candidates(from, to).err().unwrap_or_default();
    let tap = "tap = ['trunk.mean', 'each.mean', 'across.max']";
    for (from, to, wanted) in [
        (
            tap,
            "tap = 'each'",
            "\"each\" has one row per segment or item; expected one per example: add .mean",
        ),
        (
            tap,
            "tap = 'candidates:trunk.mean'",
            "has one row per segment or item; expected one per example",
        ),
        (
            tap,
            "tap = ['trunk.mean', 'each']",
            "it has one row per segment or item, the other one per example",
        ),
        (
            "input = 'each'",
            "input = 'each.mean'",
            "reads a sequence, and its `input` is one vector",
        ),
        (
            "pooling = 'mean'",
            "pooling = 'mean'\nsegment_by = 'candidates'",
            "not built yet: segments of the items of a list",
        ),
    ] {
        let faults = reported(from, to);
        assert!(faults.contains(wanted), "{to}: {faults}");
    }
    let of_list = CANDIDATES
        .replace("field = 'query'", "field = 'candidates'")
        .replace("candidates:trunk", "trunk")
        .replace("'trunk.mean'", "'query:trunk.mean'");
    let faults = pairs(&of_list, TEXTS).err().unwrap_or_default();
    assert!(faults.contains("it reads a list of texts, and \"query\" is one text"), "{faults}");
}

#[test]
fn a_field_is_a_list_in_every_corpus_or_in_none() {
    let other = "[[corpus]]\nname = 'others'\nformat = 'jsonl'\ntext = ['candidates']\n\
                 labels = ['judgement']\ntrain = 'pairs.jsonl'\n[[objective]]\nname = 'other'\n\
                 kind = 'classify'\ncorpus = 'others'\nlabel = 'judgement'\ntap = 'bag'\n\
                 [[encoder]]\nname = 'bag'\nkind = 'bow'\nfield = 'candidates'\nwidth = 2\n";
    let faults = pairs(&(CANDIDATES.to_owned() + other), TEXTS).err().unwrap_or_default();
    assert!(faults.contains("has one row per segment or item"), "{faults}");
    let mean = other.replace("'bag'\n[[", "'bag.mean'\n[[");
    let faults = pairs(&(CANDIDATES.to_owned() + &mean), TEXTS).err().unwrap_or_default();
    let wanted =
        "the field \"candidates\" of corpus \"others\" is one text, and a list of texts in another";
    assert!(faults.contains(wanted), "{faults}");
}

#[test]
fn rows_of_different_sequences_cannot_be_combined() {
    let others = "[[encoder]]\nname = 'others'\nkind = 'embed'\nfield = 'other'\nwidth = 3\nmin_count = 1\n\
                  [[encoder]]\nname = 'it'\n";
    let reported = |encoder: &str, objective: &str| {
        let recipe = CANDIDATES.to_owned() + others + encoder + objective;
        pairs(&recipe, TEXTS).err().unwrap_or_default()
    };
    let mean = "[[objective]]\nname = 'mean'\nkind = 'classify'\ncorpus = 'pairs'\nlabel = 'judgement'\n\
                tap = 'it.mean'\n";
    let tags = "[[objective]]\nname = 'tags'\nkind = 'tag'\ncorpus = 'pairs'\nlabel = 'tags'\nhead = 'softmax'\n";
    let frequency =
        "[[objective]]\nname = 'common'\nkind = 'frequency'\ncorpus = 'pairs'\nfield = 'query'\n";
    let dense = "kind = 'dense'\nwidth = 2\n";
    for (encoder, objective, wanted) in [
        (
            format!("{dense}input = ['words', 'others']\n"),
            mean.to_owned(),
            "\"others\" cannot be concatenated with \"words\" in corpus \"pairs\": they are rows of two sequences",
        ),
        (
            format!("{dense}input = ['words.mean', 'others.mean']\n"),
            mean.replace("it.mean", "it"),
            "",
        ),
        (
            format!("{dense}input = 'others'\n"),
            format!("{tags}tap = 'it'\n"),
            "\"tags\" reads the field \"tags\" of corpus \"pairs\" by the rows of its `tap`, which are of another",
        ),
        (format!("{dense}input = 'words'\n"), format!("{tags}tap = 'it'\n"), ""),
        (
            format!("{dense}input = 'words'\n"),
            format!("{tags}tap = 'other:words'\n"),
            "which are of another sequence",
        ),
        (
            format!("{dense}input = 'others'\n"),
            format!("{frequency}tap = 'it'\n"),
            "\"common\" reads the field \"query\"",
        ),
        (
            "kind = 'mask'\ninput = 'others'\nfield = 'query'\nwords = 'list.txt'\n".to_owned(),
            mean.to_owned(),
            "\"it\" reads the field \"query\" of corpus \"pairs\" by the rows of its input, which are of another",
        ),
        (
            "kind = 'pool'\ninput = 'others'\nsegment_by = 'tags'\n".to_owned(),
            mean.to_owned(),
            "\"it\" reads the field \"tags\" of corpus \"pairs\" by the rows of its input",
        ),
    ] {
        let faults = reported(&encoder, &objective);
        assert!(faults.contains(wanted), "{encoder}{objective}{faults}");
        assert_eq!(faults.is_empty(), wanted.is_empty(), "{encoder}{objective}{faults}");
    }
}
