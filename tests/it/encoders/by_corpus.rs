//! Inputs by corpus: which encoders run and are trained, and whose words are in the vocabulary.

use std::fs;

use auxdesk::{
    data::Batch,
    model::{Mode, encoder::FirstValues},
    recipe::{Overrides, Recipe, RecipeSource, System, load_without_files},
};

use super::{Case, bits, gradients, rows};

const RECIPE: &str = "
name = 'by-corpus'
[train]
steps = 1
[[corpus]]
name = 'small'
format = 'columns'
columns = ['form', 'pos']
train = 'small.tsv'
[[corpus]]
name = 'large'
format = 'columns'
columns = ['token', 'pos']
train = 'large.tsv'
[[encoder]]
name = 'small-words'
kind = 'embed'
field = 'form'
width = 4
min_count = 1
[[encoder]]
name = 'large-words'
kind = 'embed'
field = 'token'
width = 4
min_count = 1
[[encoder]]
name = 'small-trunk'
kind = 'birnn'
input = 'small-words'
width = 2
[[encoder]]
name = 'large-trunk'
kind = 'birnn'
input = 'large-words'
width = 2
[[encoder]]
name = 'it'
";

const OBJECTIVES: &str = "
[[objective]]
name = 'small'
role = 'main'
kind = 'tag'
corpus = 'small'
label = 'pos'
tap = 'it'
[[objective]]
name = 'large'
kind = 'tag'
corpus = 'large'
label = 'pos'
tap = 'it'
";

fn case(keys: &str, sets: &[String]) -> Case {
    let files = [
        ("small.tsv", "een\tx\ntwee\ty\n"),
        ("large.tsv", "one\tx\ntwo\ty\nthree\tx\n"),
        ("list.txt", "een\n"),
    ];
    Case::new(&format!("{RECIPE}{keys}\n{OBJECTIVES}"), &files, sets)
}

fn batch(case: &Case, corpus_idx: usize) -> Batch {
    let corpus = &case.tiny.corpora[corpus_idx];
    Batch::new(corpus_idx, corpus, &corpus.train, &[0])
}

#[test]
fn only_encoders_of_the_batchs_corpus_run_and_are_trained() {
    let input = "input = { small = 'small-words', large = 'large-words' }";
    for keys in ["kind = 'birnn'\nwidth = 2", "kind = 'dense'\nwidth = 3", "kind = 'concat'"] {
        let case = case(&format!("{keys}\n{input}"), &[]);
        let system = case.tiny.system();
        for (corpus_idx, own) in [(0, "small-words"), (1, "large-words")] {
            let rows = rows(&system, &batch(&case, corpus_idx), Mode::Trace);
            let found = gradients(&rows.sqr().unwrap().sum_all().unwrap(), system.parameters());
            for (parameter, gradient) in system.parameters().all().iter().zip(found) {
                let name = &parameter.name;
                let wanted = name.starts_with(own) || name.starts_with("it.");
                assert_eq!(gradient.is_some(), wanted, "{keys}: {name}");
            }
        }
    }
}

#[test]
fn concat_with_an_input_by_corpus_is_the_identity() {
    // Its inputs are tapped too, as rows per example suit neither objective.
    let sets = ["small", "large"].map(|name| format!("objective.{name}.tap={name}-trunk"));
    for view in ["", ".last", ".mean"] {
        let keys = format!(
            "kind = 'concat'\ninput = {{ small = 'small-trunk{view}', large = 'large-trunk{view}' }}"
        );
        let it = case(&keys, &sets);
        // The halves of a recurrent layer are still halves: `.last` has the end of each.
        let directions = it.tiny.recipe.objectives[0].layers[0].directions;
        assert_eq!(directions.is_some(), view.is_empty());
        for (corpus_idx, named) in [(0, "small-trunk"), (1, "large-trunk")] {
            let plain = case(&format!("kind = 'concat'\ninput = '{named}{view}'"), &sets);
            let batch = batch(&it, corpus_idx);
            let wanted = bits(&rows(&plain.tiny.system(), &batch, Mode::Eval));
            let found = bits(&rows(&it.tiny.system(), &batch, Mode::Eval));
            assert_eq!(found, wanted, "{named}{view}");
        }
    }
}

#[test]
fn a_vocabulary_has_only_words_of_corpora_that_reach_the_encoder() {
    let it = case("kind = 'concat'\ninput = { small = 'small-words', large = 'large-words' }", &[]);
    let encoders = &it.tiny.recipe.encoders;
    let corpora = |name: &str| &encoders.iter().find(|it| it.name == name).unwrap().corpora;
    assert_eq!(*corpora("small-words"), [0]);
    assert_eq!(*corpora("large-words"), [1]);
    assert_eq!(*corpora("it"), [0, 1]);
    let fitted = it.tiny.fitted();
    let words = |encoder: &str| {
        let words = &fitted[encoder].vocabularies["words"];
        words.iter().map(|(word, _)| word.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(words("encoder.small-words"), ["een", "twee"]);
    assert_eq!(words("encoder.large-words"), ["one", "three", "two"]);
}

/// The files of a finished run may be gone: what was read from them is in its checkpoint.
#[test]
fn a_run_with_inputs_by_corpus_and_masked_words_can_be_loaded_again() {
    let keys = "kind = 'dense'\nwidth = 3\ninput = { small = 'hidden', large = 'large-words' }\n\
                [[encoder]]\nname = 'hidden'\nkind = 'mask'\ninput = 'small-words'\nfield = 'form'\n\
                words = 'list.txt'";
    let sets = [
        "train.steps=20",
        "train.sampling=all",
        "encoder.small-words.word_dropout=0.2",
        "encoder.large-words.noise=0.2",
    ];
    let case = case(keys, &sets.map(str::to_owned));
    let run = case.tiny.train(&[]);
    assert_eq!(run.steps().len(), 20, "{:?}", run.ended);
    let path = run.folder().join("recipe.toml");
    fs::write(&path, case.tiny.recipe.resolved()).unwrap();
    let again = load_without_files(&RecipeSource::File(path), &Overrides::default());
    let again = again.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(again.resolved(), case.tiny.recipe.resolved());
    let inputs = |recipe: &Recipe| -> Vec<_> {
        recipe.encoders.iter().map(|spec| spec.inputs.clone()).collect()
    };
    assert_eq!(inputs(&again), inputs(&case.tiny.recipe));
    let fitted = run.checkpoint("last").fitted;
    assert!(fitted["encoder.hidden"].vocabularies["words"].iter().eq([("een", 1)]));
    let system = System::new(
        &again,
        &fitted,
        &case.tiny.vectors,
        FirstValues::Checkpoint,
        &candle_core::Device::Cpu,
    )
    .unwrap();
    let saved = run.folder().join("checkpoints/last/model.safetensors");
    system.parameters().load(&saved).unwrap();
}
