//! Encoders that read what an objective predicts: `"labels:OBJECTIVE"`, and a mean weighted by `"probability:OBJECTIVE"`.

use std::collections::BTreeSet;

use auxdesk::recipe::{Overrides, RecipeSource, load};

use crate::{
    objectives::{assert_differences, reached},
    tiny::{Size, Tiny, gradients, loaded, numbers, text_tiny},
};

/// Chunks above the layer of the parts of speech and above their labels.
pub(crate) fn recipe(input: &str) -> String {
    format!(
        r#"name = "fed"
[train]
seed = 3
steps = 50
sampling = "all"
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
[[encoder]]
name = "lower"
kind = "birnn"
input = "words"
width = 3
[[encoder]]
name = "upper"
kind = "birnn"
input = {input}
width = 3
[[objective]]
name = "chunk"
role = "main"
kind = "tag"
corpus = "news"
label = "chunk"
scheme = "iob2"
tap = "upper"
[[objective]]
name = "pos"
kind = "tag"
corpus = "news"
label = "pos"
tap = "lower"
label_width = 5
"#
    )
}

const FED: &str = "[\"lower\", \"labels:pos\"]";

fn fed(sets: &[&str]) -> Tiny {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    text_tiny(&recipe(FED), Size { width: 4, examples: 8 }, &sets)
}

#[test]
fn the_labels_of_an_objective_are_an_input_and_their_gradient_reaches_its_head() {
    let tiny = fed(&["objective.pos.muted=true"]);
    let system = tiny.system();
    let names: BTreeSet<&str> =
        system.parameters().all().iter().map(|parameter| parameter.name.as_str()).collect();
    let heads: Vec<&&str> =
        names.iter().filter(|name| name.starts_with("objective.pos.")).collect();
    assert_eq!(heads, [&"objective.pos.output.bias", &"objective.pos.output.weight"]);
    assert!(names.contains("labels:pos.vectors.weight"), "{names:?}");
    let vectors =
        system.parameters().all().iter().find(|it| it.name == "labels:pos.vectors.weight");
    assert_eq!(vectors.unwrap().var.dims()[1], 5);
    // The loss of the chunks reaches the head of the muted objective.
    let loss = tiny.term(&system, 0, 8).mean().unwrap();
    let found = reached(&system, &gradients(&loss, system.parameters()));
    let all: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, all);
}

/// The length of a sentence, in bins, from the mean of its words, weighted by the probability that they are nouns.
fn weighted(sets: &[&str]) -> Tiny {
    let recipe = recipe("\"lower\"");
    let (below, _) = recipe.split_once("[[objective]]").unwrap();
    let text = format!(
        r#"{below}
[[encoder]]
name = "sentence"
kind = "pool"
pooling = "mean"
input = "upper"
weights = "probability:pos"
[[objective]]
name = "length"
role = "main"
kind = "statistic"
corpus = "news"
field = "form"
bins = 2
tap = "sentence"
[[objective]]
name = "pos"
kind = "tag"
corpus = "news"
label = "pos"
positive = "NOUN"
tap = "lower"
"#
    );
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    text_tiny(&text, Size { width: 4, examples: 8 }, &sets)
}

/// Also where the objective itself is muted.
#[test]
fn the_gradient_of_a_weighted_mean_reaches_the_head_that_gives_the_weights() {
    for sets in [&[][..], &["objective.pos.muted=true"]] {
        let tiny = weighted(sets);
        let system = tiny.system();
        let loss = tiny.term(&system, 0, 8).mean().unwrap();
        let found = reached(&system, &gradients(&loss, system.parameters()));
        let all = system.parameters().all().iter().map(|parameter| parameter.name.clone());
        assert_eq!(found, all.collect(), "{sets:?}");
    }
}

#[test]
fn a_recipe_with_weights_equals_its_resolved_form_and_has_no_other_parameters() {
    let tiny = weighted(&["train.steps=3"]);
    let text = tiny.recipe.resolved();
    assert!(
        text.contains("weights = \"probability:pos\"") && !text.contains("kind = \"probability\"")
    );
    let system = tiny.system();
    let names = system.parameters().all().iter().map(|parameter| parameter.name.as_str());
    let owners: BTreeSet<&str> = names.map(|name| name.rsplit_once('.').unwrap().0).collect();
    assert!(owners.iter().all(|owner| !owner.starts_with("probability")), "{owners:?}");
    assert_eq!(tiny.train(&[]).steps().len(), 3);
}

#[test]
fn gradients_through_labels_and_weights_match_finite_differences() {
    for tiny in [fed(&[]), weighted(&[])] {
        differences(&tiny);
    }
}

fn differences(tiny: &Tiny) {
    let system = tiny.system();
    let loss = tiny.term(&system, 0, 3).mean().unwrap();
    let by_parameter = gradients(&loss, system.parameters());
    let exact = || {
        let term = tiny.term(&system, 0, 3);
        let sum: f64 = numbers(&term.per_example).into_iter().map(f64::from).sum();
        sum / term.count as f64
    };
    for (parameter, gradient) in system.parameters().all().iter().zip(by_parameter) {
        let gradient = gradient.expect("every parameter has a gradient");
        assert_differences(parameter, &gradient, &[0.01, 0.002], &parameter.name, exact);
    }
}

/// Both the objective and the encoder of its labels use the head.
#[test]
fn the_gradient_of_a_shared_head_is_the_sum_of_both_losses() {
    let tiny = fed(&[]);
    let system = tiny.system();
    let of = |loss: &candle_core::Tensor| gradients(loss, system.parameters());
    let [chunk, pos] = [0, 1].map(|at| tiny.term(&system, at, 8).mean().unwrap());
    let both = of(&(&chunk + &pos).unwrap());
    let (by_chunk, by_pos) = (of(&chunk), of(&pos));
    let at =
        system.parameters().all().iter().position(|it| it.name == "objective.pos.output.weight");
    let at = at.unwrap();
    let [both, by_chunk, by_pos] =
        [both, by_chunk, by_pos].map(|mut all| all.swap_remove(at).unwrap());
    for ((sum, a), b) in both.iter().zip(&by_chunk).zip(&by_pos) {
        assert!((sum - a - b).abs() < 1e-6 + 1e-5 * sum.abs(), "{sum}, expected {a} + {b}");
    }
}

#[test]
fn a_recipe_with_labels_equals_its_resolved_form_and_its_checkpoint_has_the_label_vectors() {
    let tiny = fed(&["train.steps=6"]);
    let text = tiny.recipe.resolved();
    assert!(
        text.contains("input = [\"lower\", \"labels:pos\"]") && !text.contains("kind = \"labels\"")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, &text).unwrap();
    let again = load(&RecipeSource::File(path), &Overrides::default()).unwrap();
    assert_eq!(again.resolved(), text);
    let run = tiny.train(&[]);
    assert_eq!(run.steps().len(), 6);
    let saved = run.tensors("last", "model.safetensors");
    assert!(saved.iter().any(|(name, _)| name == "labels:pos.vectors.weight"));
}

/// The labels of an objective above the encoder that reads them.
#[test]
fn a_cycle_through_labels_is_a_fault() {
    let text = recipe("[\"lower\", \"labels:chunk\"]");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, text).unwrap();
    let faults = loaded(&RecipeSource::File(path), &[]).err().unwrap();
    assert!(faults.contains("encoders form a cycle: upper <- labels:chunk <- upper"), "{faults}");
}
