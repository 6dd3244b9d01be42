//! Encoders that start from the checkpoint of another run: `from = RUN`.

use std::{collections::BTreeMap, path::Path};

use auxdesk::{
    protocol::{Event, Step},
    recipe::{FittedByOwner, System},
    train::WarmStart,
};
use candle_core::{DType, Device, safetensors};

use crate::{
    runs::{Exited, Here, finish, journal, start, wait_for, whole_checkpoint},
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

/// A translator of pairs of a split.
fn translator(split: &str, tied: bool, from: Option<&Path>) -> String {
    let from =
        from.map(|run| format!("from = {:?}\n", run.display().to_string())).unwrap_or_default();
    let files = ["source", "target"].map(|kind| format!("sample:phrases/north/{split}.{kind}"));
    format!(
        r#"name = "warm"
[train]
seed = 5
steps = 50
[[corpus]]
name = "c"
format = "parallel"
fields = ["source", "target"]
train = {files:?}
[[encoder]]
name = "words"
kind = "embed"
field = "source"
width = 4
{from}
[[encoder]]
name = "writer"
kind = "decoder"
input = "words"
field = "target"
embed = 4
width = 4
tied = {tied}
{from}
[[objective]]
name = "task"
role = "main"
kind = "generate"
corpus = "c"
label = "target"
tap = "writer"
"#
    )
}

/// The first indices are those of the unknown word and of the edge, then one for each word.
#[test]
fn the_classes_of_a_decoder_start_from_those_of_the_same_words() {
    let size = Size { width: 4, examples: 30 };
    for tied in [true, false] {
        let model =
            text_tiny(&translator("train", tied, None), size, &["train.steps=8".to_owned()]);
        let run = model.train(&[]);
        let saved: BTreeMap<String, Vec<u32>> =
            run.tensors("last", "model.safetensors").into_iter().collect();
        let other = text_tiny(&translator("dev", tied, Some(run.folder())), size, &[]);
        let system = other.system();
        let random = values(&system);
        let start = WarmStart::read(&other.recipe, &other.fitted()).unwrap();
        start.apply(system.parameters()).unwrap();
        let found = values(&system);
        let vocabulary =
            |fitted: &FittedByOwner| fitted["encoder.writer"].vocabularies["words"].clone();
        let (own, theirs) =
            (vocabulary(&other.fitted()), vocabulary(&run.checkpoint("last").fitted));
        let [n_own, n_theirs] = [own.len() + 2, theirs.len() + 2];
        assert_ne!(n_own, n_theirs);
        let words = own.iter().map(|(word, _)| theirs.id(word).map(|id| id as usize + 2));
        let there: Vec<Option<usize>> = [Some(0), Some(1)].into_iter().chain(words).collect();
        let n_known = there.iter().flatten().count();
        assert!(n_known > 3 && n_known < n_own, "{n_known} of {n_own}");
        let by_class: &[(&str, usize, bool)] = if tied {
            &[("writer.embedding", 4, false), ("writer.scores.bias", 1, false)]
        } else {
            &[
                ("writer.embedding", 4, false),
                ("writer.scores.bias", 1, false),
                ("writer.scores.weight", 4, true),
            ]
        };
        for &(name, width, in_columns) in by_class {
            let place = |class: usize, at: usize, n: usize| {
                if in_columns { at * n + class } else { class * width + at }
            };
            for (class, there) in there.iter().enumerate() {
                for at in 0..width {
                    let value = found[name][place(class, at, n_own)].to_bits();
                    let wanted = match there {
                        Some(there) => saved[name][place(*there, at, n_theirs)],
                        None => random[name][place(class, at, n_own)].to_bits(),
                    };
                    assert_eq!(value, wanted, "{name}: class {class}, {at}");
                }
            }
        }
        let others = found.iter().filter(|(name, _)| name.starts_with("writer.cell."));
        for (name, values) in others {
            let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
            assert_eq!(bits, saved[name], "{name}");
        }
        let notes = start.notes();
        let known = format!("; {} of {} rows", n_known - 2, n_own - 2);
        assert!(notes[1].contains(&known), "{notes:?}");
    }
}

/// Trains a recipe for two steps.
fn train(here: &Here, text: &str, sets: &[&str], run: &str) -> Exited {
    here.write("recipe.toml", text);
    let mut args = vec!["train", "recipe.toml", "--steps", "2", "--headless", "--run", run];
    for set in sets {
        args.extend(["--set", set]);
    }
    finish(&mut here.auxdesk(args))
}

/// Checks that a recipe is refused with such a message before its folder exists.
fn is_refused(here: &Here, text: &str, sets: &[&str], wanted: &str) {
    let exited = train(here, text, sets, "refused");
    assert_eq!(exited.code, Some(2), "{sets:?}: {}", exited.err);
    assert!(exited.err.contains(wanted), "{sets:?}: {}", exited.err);
    assert!(!here.path("refused").exists(), "{sets:?}");
}

#[test]
fn what_another_run_lacks_is_refused_before_a_folder_exists() {
    let here = Here::new();
    let model = recipe(NEWS, LANGUAGE_MODEL, None);
    assert_eq!(train(&here, &model, &[], "model").code, Some(0));
    let tagger = recipe(NOTES, TAGGER, None);
    let renamed = tagger.replace("trunk", "top");
    let dense = tagger.replace("birnn", "dense").replace("trunk.1", "trunk");
    let both = "[[encoder]]\nname = \"both\"\nkind = \"concat\"\ninput = [\"words\", \"trunk\"]\n[[objective]]";
    let both = tagger.replace("[[objective]]", both).replace("\"trunk.1\"", "\"both\"");
    let trunk = "encoder.trunk.from=model";
    let words = "encoder.words.from=model";
    for (text, sets, wanted) in [
        (
            &tagger,
            vec!["encoder.trunk.from=nowhere"],
            "expected the folder of a run, found none at nowhere",
        ),
        (
            &tagger,
            vec![trunk, "encoder.trunk.width=7"],
            "`encoder.trunk.from`: expected \"trunk.1.",
        ),
        (
            &tagger,
            vec![words, "encoder.words.width=7"],
            "`encoder.words.from`: expected \"words.table\" of shape [",
        ),
        (
            &tagger,
            vec![trunk, "encoder.trunk.layers=2"],
            "`encoder.trunk.from`: expected the parameter \"trunk.2.",
        ),
        (
            &tagger,
            vec![words, "encoder.words.lowercase=true"],
            "`encoder.words.from`: expected `lowercase` to be false, as in ",
        ),
        (&renamed, vec!["encoder.top.from=model"], "found words, trunk; name it as it is there"),
        (&dense, vec![trunk], "`encoder.trunk.from`: expected the kind \"birnn\", as in "),
        (
            &both,
            vec!["encoder.both.from=model"],
            "`encoder.both.from`: expected an encoder with parameters, found one of kind \"concat\"",
        ),
    ] {
        is_refused(&here, text, &sets, wanted);
    }
    let exited = train(&here, &tagger, &[trunk, words, "encoder.trunk.dropout=0.1"], "warm");
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let note = |encoder: &str| {
        let start = format!("encoder {encoder} starts from");
        exited.err.lines().find(|line| line.contains(&start)).unwrap().to_owned()
    };
    assert!(note("trunk").ends_with(", step 2; other values there: `dropout`"), "{}", exited.err);
    assert!(note("words").ends_with("known there"), "{}", exited.err);
}

#[test]
fn damaged_values_of_another_run_are_refused_before_a_folder_exists() {
    let here = Here::new();
    let model = recipe(NEWS, LANGUAGE_MODEL, None);
    assert_eq!(train(&here, &model, &[], "model").code, Some(0));
    let path = here.path("model/checkpoints/best/model.safetensors");
    let whole = safetensors::load(&path, &Device::Cpu).unwrap();
    let table = &whole["words.table"];
    let not_a_number = (table * f64::NAN).unwrap();
    for (damaged, wanted) in [
        (not_a_number, "expected finite values, found "),
        (table.to_dtype(DType::F16).unwrap(), "expected \"words.table\" of type f32, found f16"),
        (table.flatten_all().unwrap(), "expected \"words.table\" of shape ["),
    ] {
        let mut tensors = whole.clone();
        tensors.insert("words.table".to_owned(), damaged);
        safetensors::save(&tensors, &path).unwrap();
        let tagger = recipe(NOTES, TAGGER, None);
        is_refused(&here, &tagger, &["encoder.words.from=model"], wanted);
    }
}

#[test]
fn fixed_vectors_of_another_run_are_not_lost_without_a_word() {
    let here = Here::new();
    here.write("vectors.txt", "the 1 2 3 4\nharbour 4 3 2 1\n");
    let sets = ["encoder.words.vectors=vectors.txt", "encoder.words.fine_tune=none"];
    let exited = train(&here, &recipe(NEWS, LANGUAGE_MODEL, None), &sets, "model");
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let tagger = recipe(NOTES, TAGGER, None);
    let from = "encoder.words.from=model";
    is_refused(&here, &tagger, &[from], "`encoder.words.from`: expected `vectors`, as the encoder");
    let exited = train(&here, &tagger, &[from, sets[0], sets[1]], "warm");
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn a_run_knows_the_checkpoint_that_it_starts_from_and_is_not_continued_from_another() {
    let here = Here::new();
    let model = recipe(NEWS, LANGUAGE_MODEL, None);
    assert_eq!(train(&here, &model, &[], "model").code, Some(0));
    here.write("recipe.toml", recipe(NOTES, TAGGER, None));
    let args = ["train", "recipe.toml", "--headless", "--run", "warm", "--steps", "1000000"];
    let sets = ["encoder.words.from=model", "train.evaluate_every=1000000"];
    let sets = sets.into_iter().flat_map(|set| ["--set", set]);
    let mut warm = start(&mut here.auxdesk(args.into_iter().chain(sets)));
    wait_for(&here.path("warm"), "step_done");
    warm.child().kill().unwrap();
    warm.wait();
    let events = journal(&here.path("warm")).events;
    let started = events.iter().find_map(|event| match event {
        Event::RunStarted(started) => Some(&started.warm_starts),
        _ => None,
    });
    let [words] = &started.unwrap()[..] else { panic!("{started:?}") };
    assert_eq!((words.encoder.as_str(), words.step), ("words", Step(2)));
    assert!(words.run.ends_with("model"), "{}", words.run);
    let source = whole_checkpoint(&here.path("model"), "best");
    assert_eq!(words.digest, source.digest().unwrap());

    std::fs::remove_dir_all(here.path("model")).unwrap();
    assert_eq!(train(&here, &model, &["train.seed=6"], "model").code, Some(0));
    let exited = finish(&mut here.auxdesk(["continue", "warm", "--headless"]));
    assert_eq!(exited.code, Some(2), "{}", exited.err);
    let what = "`encoder.words.from`: what it names has changed since the run was started with it";
    assert!(exited.err.contains(what), "{}", exited.err);
}

#[test]
fn no_encoder_has_the_name_that_parameters_of_objectives_start_with() {
    let text = recipe(NOTES, TAGGER, None).replace("trunk", "objective");
    is_refused(&Here::new(), &text, &[], "reserved name \"objective\"");
}
