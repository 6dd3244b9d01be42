//! Encoders that are not trained: `frozen = true`.

use std::collections::BTreeMap;

use auxdesk::{
    model::Mode,
    recipe::{EncoderSpec, RecipeSource},
};

use crate::tiny::{Run, Size, Tiny, bits, loaded, text_tiny, without};

const SIZE: Size = Size { width: 4, examples: 16 };

const PROBE: &str = r#"name = "probe"

[train]
steps = 50
clip_norm = 1000.0

[[corpus]]
name = "news"
format = "columns"
columns = ["form", "pos", "chunk", "_"]
train = "sample:news/train.tsv"
dev = "sample:news/dev.tsv"

[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 4
characters = { width = 3, hidden = 2 }

[[encoder]]
name = "one"
kind = "birnn"
input = "words"
width = 4

[[encoder]]
name = "other"
kind = "birnn"
input = "words"
width = 4

[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "news"
label = "pos"
tap = "one"

[[objective]]
name = "near"
kind = "tie"
corpus = "news"
encoder = "one"
to = "other"
gain = 0.1
"#;

fn probe(sets: &[&str]) -> Tiny {
    text_tiny(PROBE, SIZE, &sets.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>())
}

/// The names of the parameters that training has changed.
fn changed(tiny: &Tiny, run: &Run) -> Vec<String> {
    let after: BTreeMap<_, _> = run.tensors("last", "model.safetensors").into_iter().collect();
    let system = tiny.system();
    let all = system.parameters().all().iter();
    let names = all.filter(|it| bits(&it.var) != after[&it.name]).map(|it| it.name.clone());
    names.collect()
}

const FROZEN: [&str; 2] = ["encoder.words.frozen=true", "encoder.one.frozen=true"];

#[test]
fn frozen_encoders_keep_their_parameters_whoever_reads_them() {
    let tiny = probe(&FROZEN);
    let changed = changed(&tiny, &tiny.train(&[]));
    let is_trained = |name: &String| ["other.", "objective."].iter().any(|it| name.starts_with(it));
    assert!(changed.iter().all(is_trained), "{changed:?}");
    for trained in ["other.", "objective.pos."] {
        assert!(changed.iter().any(|name| name.starts_with(trained)), "{trained}: {changed:?}");
    }
    let parameters = |sets: &[&str]| probe(sets).system().parameters().n_elements();
    assert!(parameters(&FROZEN) < parameters(&[]));
}

/// Freezing below a tap is what stopping its gradient is, where nothing else trains the encoders, and
/// frozen ones have no dropout.
#[test]
fn a_frozen_encoder_equals_one_whose_gradient_is_stopped_and_has_no_dropout() {
    let muted = "objective.near.muted=true";
    let stopped = probe(&["objective.pos.gradient=stop", muted]).train(&[]);
    let frozen = probe(&[&FROZEN[..], &[muted]].concat()).train(&[]);
    let dropout = ["encoder.words.dropout=0.5", "encoder.words.word_dropout=0.2", muted];
    let with_dropout = probe(&[&FROZEN[..], &dropout].concat()).train(&[]);
    let losses = |run: &Run| -> Vec<u32> {
        run.steps().iter().map(|step| step.losses["pos"].get().to_bits()).collect()
    };
    assert_eq!(losses(&frozen), losses(&stopped));
    assert_eq!(losses(&frozen), losses(&with_dropout));
    assert_eq!(losses(&frozen).len(), 50);
}

#[test]
fn a_layer_without_parameters_above_frozen_ones_is_frozen_too() {
    let concatenated = without(PROBE, "near").replace(
        "name = \"one\"\nkind = \"birnn\"\ninput = \"words\"\nwidth = 4\n",
        "name = \"one\"\nkind = \"birnn\"\ninput = [\"words\", \"both\"]\nwidth = 4\nfrozen = true\n\n\
         [[encoder]]\nname = \"both\"\nkind = \"concat\"\ninput = [\"words\", \"words\"]\n",
    );
    let recipe = |sets: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, &concatenated).unwrap();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        loaded(&RecipeSource::File(path), &sets)
    };
    let frozen = |sets: &[&str]| -> Vec<String> {
        let recipe = recipe(sets).unwrap_or_else(|faults| panic!("{faults}"));
        recipe.encoders.into_iter().filter(|it| it.is_frozen).map(|it| it.name).collect()
    };
    assert_eq!(frozen(&["encoder.words.frozen=true"]), ["words", "both", "one"]);
    let faults = recipe(&[]).err().unwrap();
    assert!(faults.contains("expected frozen encoders below, found \"words\""), "{faults}");
}

/// Its vector is an embedding table without a vocabulary, so that it is no weight of a layer.
#[test]
fn a_mask_that_learns_its_vector_is_trained_above_frozen_encoders_and_one_of_zeros_is_frozen() {
    let masked = without(PROBE, "near").replace(
        "name = \"one\"\nkind = \"birnn\"\ninput = \"words\"\nwidth = 4\n",
        "name = \"one\"\nkind = \"mask\"\ninput = \"words\"\nfield = \"form\"\nwords = \"sample:reviews/pivots.txt\"\n",
    );
    let of = |fill: &str| {
        let sets = ["encoder.words.frozen=true".to_owned(), format!("encoder.one.fill={fill}")];
        let tiny = text_tiny(&masked, SIZE, &sets);
        let system = tiny.system();
        let all = system.parameters().all().iter();
        let own = all.filter(|it| it.name.starts_with("one.")).map(|it| it.is_frozen);
        let is_frozen = |it: &EncoderSpec| it.name == "one" && it.is_frozen;
        (own.collect::<Vec<_>>(), tiny.recipe.encoders.iter().any(is_frozen))
    };
    assert_eq!(of("learned"), (vec![false], false));
    assert_eq!(of("zeros"), (vec![], true));
}

#[test]
fn no_gradient_passes_through_a_frozen_encoder() {
    let is_computed = |sets: &[&str]| {
        let tiny = probe(sets);
        let batch = tiny.batch(0, 4);
        let taps = tiny.system().taps(&[0], &batch, Mode::Train { seed: 1, step: 0 }).unwrap();
        !taps[0][0].tensor.is_variable()
    };
    assert!(is_computed(&[]));
    assert!(!is_computed(&FROZEN));
}
