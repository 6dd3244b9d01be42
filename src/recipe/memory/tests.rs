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

/// The rows of each run of an encoder, by its name, for the first examples of a corpus.
fn runs(
    recipe: &Recipe,
    corpora: &[Corpus],
    corpus_idx: usize,
    n: usize,
) -> Vec<(String, BatchSize, u64)> {
    let fitted = fit(recipe, corpora, &VectorsByEncoder::new());
    let corpus = &corpora[corpus_idx];
    let examples: Vec<usize> = (0..n).collect();
    let batch = Batch::new(corpus_idx, corpus, &corpus.train, &examples);
    let of = CorpusBatch { corpus, batch: &batch, n_documents: 0, is_evaluated: false };
    let objectives: Vec<&ObjectiveSpec> =
        recipe.objectives.iter().filter(|spec| spec.corpora.contains(&corpus_idx)).collect();
    let rows = BatchRows::new(recipe, &fitted, of, &objectives);
    let named = rows.runs.into_iter().map(|run| {
        let n_rows = run.layers.last().map_or(0, |(_, n_rows)| *n_rows);
        (recipe.encoders[run.encoder].name.clone(), run.size, n_rows)
    });
    named.collect()
}

fn from_text(folder: &std::path::Path, text: &str) -> Recipe {
    let path = folder.join("recipe.toml");
    std::fs::write(&path, text).unwrap();
    load(&RecipeSource::File(path), &Overrides::default()).unwrap()
}

#[test]
fn pairs_and_the_characters_of_distinct_words_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = |n: usize, token: &str| format!("{token} N\n").repeat(n) + "\n";
    std::fs::write(folder.path().join("train.txt"), lines(3, "ab") + &lines(5, "a")).unwrap();
    let recipe = |attend: &str, tap: &str| {
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
        from_text(folder.path(), &text)
    };
    let plain = recipe("", "trunk");
    let corpora = plain.open().unwrap();
    let size = BatchSize {
        examples: 2,
        tokens: 8,
        characters: 3,
        pairs: 25 + 9,
        crossed: 25 + 9,
        item_pairs: 25 + 9,
        item_tokens: 25 + 9,
        ..BatchSize::default()
    };
    let of_trunk = BatchSize { characters: 0, ..size };
    let wanted = [("words".to_owned(), size, 8), ("trunk".to_owned(), of_trunk, 8)];
    assert_eq!(runs(&plain, &corpora, 0, 2), wanted);
    let step = |recipe: &Recipe| {
        let fitted = fit(recipe, &corpora, &VectorsByEncoder::new());
        MemoryNeeds::of(recipe, &corpora, &fitted).unwrap().step
    };
    let attend = "[[encoder]]\nname = \"near\"\nkind = \"attend\"\ninput = \"trunk\"\n\
                  to = \"words\"\nhidden = 1000";
    let more = step(&recipe(attend, "near")) - step(&plain);
    assert!(more > size.pairs * 1000 * ELEMENT * 4, "{more}");
}

/// A story of two sentences, of 4 and 5 tokens, and a question of 3: each encoder has the rows of what it runs over.
#[test]
fn the_rows_of_items_are_those_that_attend_to_another_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = "1 Mary went home .\n2 John went to bed .\n3 Where is Mary?\thome\t1\n\
                4 Where is John?\tbed\t2\n";
    std::fs::write(folder.path().join("train"), text).unwrap();
    let stories = include_str!("../../../docs/recipes/stories.toml");
    let recipe = from_text(folder.path(), &stories.replace("FOLDER/train", "train"));
    let corpora = recipe.open().unwrap();
    let found = runs(&recipe, &corpora, 0, 1);
    let n_rows: Vec<(&str, u64)> = found.iter().map(|(name, _, n)| (name.as_str(), *n)).collect();
    let corpus = &corpora[0];
    let n_tokens = |name: &str| {
        corpus.train.examples[0].len_of(match corpus.fields[corpus.field(name).unwrap()].axis {
            crate::data::Axis::Sequence(at) => at,
            axis => panic!("{axis:?}"),
        }) as u64
    };
    let [question, story] = ["question", "story"].map(n_tokens);
    assert!(story > question && question > 2, "{story} and {question} tokens");
    let wanted = [
        ("words", question),
        ("words", story),
        ("reader", question),
        ("reader", story),
        ("sentences", 2),
        ("aware", 2),
        ("linked", 2),
        ("facts", 2),
    ];
    assert_eq!(n_rows[..wanted.len()], wanted);
    let size = |name: &str| found.iter().find(|(other, ..)| other == name).unwrap().1;
    assert_eq!(size("aware").item_tokens, 2 * question);
    assert_eq!(size("linked").item_pairs, 4);
}

#[test]
fn the_rows_of_subwords_are_more_than_the_words() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.txt"), "ab abc\nb\n").unwrap();
    let text = r#"name = "subwords"
[train]
seed = 1
steps = 1
[[corpus]]
name = "c"
format = "table"
columns = ["text"]
train = "train.txt"
[[encoder]]
name = "words"
kind = "subwords"
field = "text"
width = 4
size = 1
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 8
[[objective]]
name = "length"
role = "main"
kind = "statistic"
corpus = "c"
statistic = "length"
tap = "trunk.last"
"#;
    let recipe = from_text(folder.path(), text);
    let corpora = recipe.open().unwrap();
    // Single characters, and the mark in front of each word.
    let n_rows: Vec<u64> = runs(&recipe, &corpora, 0, 2).into_iter().map(|(.., n)| n).collect();
    assert_eq!(n_rows, [3 + 4 + 2, 3 + 4 + 2]);
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
    let recipe = load(&RecipeSource::Shipped("translation"), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    let sizes = Sizes::of(&recipe, &fitted).unwrap();
    let words = fitted["encoder.to-north"].vocabularies["words"].len() as u64;
    let spec = &recipe.objectives[0];
    assert_eq!(sizes.n_classes[spec.taps[0][0].encoder], words + 2);
    // Scores of a step are computed for some rows at a time; an evaluation of 288 texts has one for each hypothesis.
    let batch = |tokens, evaluated| BatchSize { tokens, evaluated, ..BatchSize::default() };
    assert_eq!(sizes.searched(spec, batch(100, 0)), 100 * (words + 2));
    assert_eq!(sizes.searched(spec, batch(9000, 0)), ROWS_AT_ONCE * (words + 2));
    assert_eq!(sizes.searched(spec, batch(100, 288)), 288 * (words + 2));
    // With more hypotheses fewer examples are searched at once.
    let step = |beam: u64| needs("translation", &[&format!("objective.north.beam={beam}")]).step;
    let by_beam = |beam: u64| (step(beam) - step(1)) as f64 / f64::from(1 << 20);
    assert!((1.0..100.0).contains(&by_beam(10)), "{} MiB", by_beam(10));
    assert!((1.0..100.0).contains(&by_beam(100)), "{} MiB", by_beam(100));
}

#[test]
fn the_scores_of_bags_of_words_are_counted_for_each_row() {
    let recipe = load(&RecipeSource::Shipped("initial-state"), &Overrides::default()).unwrap();
    let corpora = recipe.open().unwrap();
    let fitted = fit(&recipe, &corpora, &VectorsByEncoder::new());
    let n_words = fitted["encoder.writer"].vocabularies["words"].len() as u64;
    let sizes = Sizes::of(&recipe, &fitted).unwrap();
    let batch = BatchSize { tokens: 1000, ..BatchSize::default() };
    for name in ["first-words", "later-words"] {
        let spec = recipe.objectives.iter().find(|spec| spec.name.as_str() == name).unwrap();
        assert_eq!(sizes.of_head(&recipe, spec, batch), 1000 * n_words, "{name}");
    }
}

/// Every step draws all groups, or one of them.
#[test]
fn a_step_has_the_batches_of_all_groups_that_it_draws() {
    let step = |sampling: &str| needs("sentiment", &[&format!("train.sampling={sampling}")]).step;
    let alone = |muted: &str| {
        let sets = [format!("objective.{muted}.muted=true"), "train.steps=9".to_owned()];
        needs("sentiment", &sets.each_ref().map(String::as_str)).step
    };
    assert_eq!(step("uniform"), alone("coarse").max(alone("fine")));
    assert!(step("all") > step("uniform"), "{} MiB", mib(step("all")));
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
