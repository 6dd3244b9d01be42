//! Encoders that start from the checkpoint of another run: `from = RUN`.

use std::{collections::BTreeMap, path::Path};

use auxdesk::{
    recipe::{FittedByOwner, System},
    train::WarmStart,
};

use crate::{
    runs::{Here, finish},
    tiny::{Size, numbers, text_tiny},
};

const SIZE: Size = Size { width: 4, examples: 8 };

/// A tagger, or a language model, over a recurrent layer.
fn recipe(corpus: &str, objective: &str, from: Option<&Path>) -> String {
    let from =
        from.map(|run| format!("from = {:?}\n", run.display().to_string())).unwrap_or_default();
    format!(
        r#"name = "warm"
[train]
seed = 5
steps = 50
[[corpus]]
name = "c"
{corpus}
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 4
characters = {{ width = 3, hidden = 2 }}
{from}
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 3
{from}
[[objective]]
name = "task"
role = "main"
corpus = "c"
tap = "trunk.1"
{objective}
"#
    )
}

const NEWS: &str = "format = \"columns\"\ncolumns = [\"form\", \"pos\", \"_\", \"_\"]\n\
    train = \"sample:news/train.tsv\"\ndev = \"sample:news/dev.tsv\"";
const NOTES: &str = "format = \"conllu\"\ntrain = \"sample:field-notes/train.conllu\"\ndev = \"sample:field-notes/dev.conllu\"";
const LANGUAGE_MODEL: &str = "kind = \"next-word\"\nvocabulary = 20";
const TAGGER: &str = "kind = \"tag\"\nlabel = \"upos\"";

fn values(system: &System) -> BTreeMap<String, Vec<f32>> {
    let all = system.parameters().all().iter();
    all.map(|parameter| (parameter.name.clone(), numbers(&parameter.var))).collect()
}

#[test]
fn parameters_start_from_those_of_another_run_and_rows_of_words_by_their_strings() {
    let model = text_tiny(&recipe(NEWS, LANGUAGE_MODEL, None), SIZE, &["train.steps=8".to_owned()]);
    let run = model.train(&[]);
    let saved: BTreeMap<String, Vec<u32>> =
        run.tensors("best", "model.safetensors").into_iter().collect();
    let tagger = text_tiny(&recipe(NOTES, TAGGER, Some(run.folder())), SIZE, &[]);
    let system = tagger.system();
    let random = values(&system);
    let start = WarmStart::read(&tagger.recipe, &tagger.fitted()).unwrap();
    start.apply(system.parameters()).unwrap();
    let found = values(&system);
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let mut n_equal = 0;
    for (name, values) in &found {
        if name.starts_with("objective.") {
            assert_eq!(values, &random[name], "{name} is not the other run's");
        } else if !name.ends_with("table") {
            assert_eq!(bits(values), saved[name], "{name}");
            n_equal += 1;
        }
    }
    assert!(n_equal >= 6, "{:?}", found.keys());
    let vocabulary = |fitted: &FittedByOwner| fitted["encoder.words"].vocabularies["words"].clone();
    let (own, theirs) = (vocabulary(&tagger.fitted()), vocabulary(&run.checkpoint("best").fitted));
    let row = |values: &[f32], at: usize| bits(&values[4 * at..][..4]);
    let (table, before) = (&found["words.table"], &random["words.table"]);
    let (mut n_known, mut n_new) = (0, 0);
    for ((word, _), at) in own.iter().zip(1..) {
        if let Some(id) = theirs.id(word) {
            assert_eq!(
                row(table, at),
                saved["words.table"][4 * (id as usize + 1)..][..4],
                "{word}"
            );
            n_known += 1;
        } else {
            assert_eq!(row(table, at), row(before, at), "{word} keeps its random row");
            n_new += 1;
        }
    }
    assert!(n_known > 0 && n_new > 0, "{n_known} known, {n_new} new");
    assert!(
        start.notes()[0].contains("rows of embedding tables are known there"),
        "{:?}",
        start.notes()
    );
}

#[test]
fn what_another_run_lacks_is_refused_before_a_folder_exists() {
    let here = Here::new();
    let train = |text: &str, sets: &[&str], run: &str| {
        here.write("recipe.toml", text);
        let mut args = vec!["train", "recipe.toml", "--steps", "2", "--headless", "--run", run];
        for set in sets {
            args.extend(["--set", set]);
        }
        finish(&mut here.auxdesk(args))
    };
    let model = recipe(NEWS, LANGUAGE_MODEL, None);
    assert_eq!(train(&model, &[], "model").code, Some(0));
    let tagger = recipe(NOTES, TAGGER, None);
    for (sets, wanted) in [
        (vec!["encoder.trunk.from=nowhere"], "expected the folder of a run, found none at nowhere"),
        (vec!["encoder.trunk.from=model", "encoder.trunk.width=7"], "expected \"trunk.1."),
        (
            vec!["encoder.words.from=model", "encoder.words.width=7"],
            "expected \"words.table\" with",
        ),
        (
            vec!["encoder.trunk.from=model", "encoder.trunk.layers=2"],
            "expected the parameter \"trunk.2.",
        ),
    ] {
        let exited = train(&tagger, &sets, "refused");
        assert_eq!(exited.code, Some(2), "{sets:?}: {}", exited.err);
        assert!(exited.err.contains(wanted), "{sets:?}: {}", exited.err);
        assert!(exited.err.contains("encoder.") && exited.err.contains(".from"), "{}", exited.err);
        assert!(!here.path("refused").exists(), "{sets:?}");
    }
    let sets = ["encoder.trunk.from=model", "encoder.words.from=model"];
    let exited = train(&tagger, &sets, "warm");
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert!(exited.err.contains("encoder trunk starts from"), "{}", exited.err);
}
