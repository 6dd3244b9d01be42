//! Counted elements by hand, and keys that refusals name.

use super::*;
use crate::{
    kernel::Device,
    model::encoder::FirstValues,
    recipe::{Overrides, RecipeSource, VectorsByEncoder, fit, load, shipped},
};

fn needs(name: &'static str, sets: &[&str]) -> MemoryNeeds {
    let sets = sets.iter().map(|&set| set.to_owned()).collect();
    let overrides = Overrides { sets, ..Overrides::default() };
    let recipe = load(&RecipeSource::Shipped(name), &overrides).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    MemoryNeeds::of(&recipe, &corpora, &fitted).unwrap()
}

#[test]
fn counted_parameters_are_those_that_are_created() {
    for (name, _) in shipped::RECIPES {
        let recipe = load(&RecipeSource::Shipped(name), &Overrides::default()).unwrap();
        let corpora = recipe.open().unwrap();
        let vectors = VectorsByEncoder::new();
        let fitted = fit(&recipe, &corpora, &vectors);
        let counted = System::parameter_sizes(&recipe, &fitted).unwrap();
        let system =
            System::new(&recipe, &fitted, &vectors, FirstValues::Recipe, &Device::Cpu).unwrap();
        let created: Vec<(String, u64)> = system
            .parameters()
            .shapes()
            .map(|(name, shape)| (name.to_owned(), shape.iter().map(|&n| n as u64).product()))
            .collect();
        assert_eq!(counted, created, "{name}");
        let n_bytes = 4 * system.parameters().n_elements() as u64;
        assert_eq!(needs(name, &[]).parameters, n_bytes, "every parameter has an owner");
    }
}

#[test]
fn pairs_and_characters_of_the_longest_examples_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = |n: usize, token: &str| format!("{token} N\n").repeat(n) + "\n";
    let text = lines(3, "ab") + &lines(5, "a") + &lines(1, &"x".repeat(100));
    std::fs::write(folder.path().join("train.txt"), text).unwrap();
    let recipe = |attend: &str, tap: &str| {
        let path = folder.path().join("recipe.toml");
        let text = format!(
            r#"name = "pairs"
[train]
seed = 1
steps = 1
batch_size = 2
[[corpus]]
name = "c"
format = "columns"
columns = ["form", "pos"]
train = "train.txt"
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 4
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 8
{attend}
[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "c"
label = "pos"
tap = "{tap}"
"#
        );
        std::fs::write(&path, text).unwrap();
        load(&RecipeSource::File(path), &Overrides::default()).unwrap()
    };
    let plain = recipe("", "trunk");
    let corpora = plain.open().unwrap();
    let size = longest_batch(&corpora[0], 2);
    let wanted = BatchSize {
        examples: 2,
        tokens: 8,
        characters: 106,
        pairs: 25 + 9,
        crossed: 8,
        item_pairs: 2,
        item_tokens: 8,
        documents: 0,
        evaluated: 0,
        transcribed: 101 + 5 * 10,
    };
    assert_eq!(size, wanted);
    let step = |recipe: &Recipe| {
        let fitted = fit(recipe, &corpora, &VectorsByEncoder::new());
        MemoryNeeds::of(recipe, &corpora, &fitted).unwrap().step
    };
    let attend = "[[encoder]]\nname = \"near\"\nkind = \"attend\"\ninput = \"trunk\"\n\
                  to = \"words\"\nhidden = 1000";
    let more = step(&recipe(attend, "near")) - step(&plain);
    assert!(more > size.pairs * 1000 * ELEMENT * 4, "{more}");
}

#[test]
fn the_parameters_that_an_anchor_copies_are_counted() {
    let encoders = |names: &str| format!("objective.steady.encoders={names}");
    let copies = |names: &str| needs("representation", &[&encoders(names)]);
    let [one, both] = [r#"["pos-layer"]"#, r#"["pos-layer", "words"]"#].map(copies);
    let heads = "objective.steady.heads=[\"pos\", \"chunk\"]";
    let with_heads = needs("representation", &[&encoders("[\"words\"]"), heads]);
    let recipe = load(&RecipeSource::Shipped("representation"), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    let sizes = System::parameter_sizes(&recipe, &fitted).unwrap();
    let bytes = |prefix: &str| -> u64 {
        let own = sizes.iter().filter(|(name, _)| name.starts_with(prefix));
        own.map(|(_, n)| 4 * n).sum()
    };
    assert_eq!(one.copies, bytes("pos-layer."));
    assert_eq!(both.copies, bytes("pos-layer.") + bytes("words."));
    assert_eq!(both.total() - one.total(), bytes("words."));
    let of_heads = bytes("objective.pos.") + bytes("objective.chunk.");
    assert_eq!(with_heads.copies, bytes("words.") + of_heads);
}

#[test]
fn the_scores_of_targets_and_of_open_hypotheses_are_counted() {
    let greedy = needs("translation", &[]);
    let step = |beam: u64| needs("translation", &[&format!("objective.north.beam={beam}")]).step;
    let recipe = load(&RecipeSource::Shipped("translation"), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    let sizes = Sizes::of(&recipe, &fitted).unwrap();
    let words = fitted["encoder.to-north"].vocabularies["words"].len() as u64;
    let batch = longest_batch(&corpora[0], recipe.train.batch_size);
    let spec = &recipe.objectives[0];
    let tap = &spec.taps[0][0];
    assert_eq!(sizes.n_classes[tap.encoder], words + 2);
    // 16 pairs in a step; an evaluation has 288 of the 300 texts of test in its largest batch.
    let n_steps = batch.tokens + batch.examples;
    assert_eq!(batch.evaluated, 288);
    assert_eq!(sizes.generated(spec, batch), n_steps.max(288) * (words + 2));
    assert_eq!(greedy.step, step(1));
    // With more hypotheses fewer examples are searched at once.
    let by_beam = |beam: u64| (step(beam) - greedy.step) as f64 / f64::from(1 << 20);
    assert!((5.0..100.0).contains(&by_beam(10)), "{} MiB", by_beam(10));
    assert!((50.0..100.0).contains(&by_beam(100)), "{} MiB", by_beam(100));
}

#[test]
fn the_scores_of_bags_of_words_are_counted_for_each_row() {
    let recipe = load(&RecipeSource::Shipped("initial-state"), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    let n_words = fitted["encoder.writer"].vocabularies["words"].len() as u64;
    let sizes = Sizes::of(&recipe, &fitted).unwrap();
    let batch = longest_batch(&corpora[0], recipe.train.batch_size);
    let step = |recipe: &Recipe| sizes.step(recipe, batch);
    for (name, rows) in
        [("first-words", batch.examples), ("later-words", batch.tokens + batch.examples)]
    {
        let mut without = recipe.clone();
        without.objectives.retain(|spec| spec.name.as_str() != name);
        let of_scores = step(&recipe) - step(&without);
        assert_eq!(of_scores, rows * n_words * PER_LOGIT * ELEMENT, "{name}");
    }
}

#[test]
fn the_largest_part_is_named_by_its_key() {
    let of_width = needs("chunking", &["encoder.trunk.width=50000"]);
    let refusal = of_width.refusal(8 << 30, "the machine has").unwrap();
    assert!(
        refusal.contains("and the machine has 8192 MiB; lower `encoder.trunk.width`"),
        "{refusal}"
    );
    let of_characters = needs("chunking", &["encoder.words.characters.hidden=50000"]);
    let refusal = of_characters.refusal(8 << 30, "the machine has").unwrap();
    assert!(refusal.contains("`encoder.words.characters.hidden`"), "{refusal}");
    let of_batch = needs("chunking", &["train.batch_size=100000", "encoder.trunk.width=64"]);
    let refusal = of_batch.refusal(1 << 20, "the machine has").unwrap();
    assert!(refusal.contains("`train.batch_size`"), "{refusal}");
    assert_eq!(needs("chunking", &[]).refusal(8 << 30, "the machine has"), None);
}
