//! Properties of every kind of encoder, including new ones: each runs above words and a recurrent
//! layer of a small recipe and is tapped by itself, whatever its rows are.

use std::{collections::BTreeSet, fs};

use auxdesk::{
    data::{Batch, Segments},
    keys::ValueType,
    model::{
        Mode, RowKind, Rows,
        encoder::{self, ENCODERS, RowSource},
    },
    recipe::{Opened, Overrides, RecipeSource, System, Tap, load},
};
use candle_core::{Device, Tensor};

use crate::{
    leaks::{declared, with_other_word},
    objectives::{assert_differences, below, reached},
    tiny::{Tiny, bits, gradients, numbers},
};

mod by_corpus;
mod by_hand;
mod frames;
mod pictures;
mod subwords;

/// Each kind with a set of keys; other values of its keys are tested separately.
const CASES: &[&str] = &[
    "kind = 'embed'\nfield = 'form'\nwidth = 3\nmin_count = 1\ncharacters = { width = 2, hidden = 2 }",
    "kind = 'embed'\nfield = 'form'\nwidth = 3\nmin_count = 2\nvectors = 'v.txt'\nbackoff = ['lowercase']",
    "kind = 'bow'\nfield = 'form'\nwidth = 3\nmin_count = 1",
    "kind = 'bow'\nfield = 'form'\nwidth = 3\nmin_count = 1\ncounts = 'log'\nfeatures = 'letter-trigrams'",
    "kind = 'birnn'\ninput = 'words'\nwidth = 2\nlayers = 2",
    "kind = 'dense'\ninput = ['words', 'trunk']\nwidth = 3",
    "kind = 'dense'\ninput = 'trunk.last'\nwidth = 3",
    "kind = 'mask'\ninput = 'words'\nfield = 'form'\nwords = 'hidden.txt'",
    "kind = 'concat'\ninput = ['words', 'trunk']",
    "kind = 'concat'\ninput = { news = 'trunk.mean' }",
    "kind = 'cnn'\ninput = 'words'\nwidths = [2, 3]\nfilters = 3",
    "kind = 'cnn'\ninput = ['trunk', 'words']\nwidths = [1, 9]\nfilters = 2",
    "kind = 'pool'\ninput = 'trunk'",
    "kind = 'pool'\ninput = 'words'\nhidden = 5",
    "kind = 'pool'\npooling = 'mean'\ninput = 'words'\nweights = 'probability:noun'\n[[objective]]\nname = 'noun'\n\
     kind = 'tag'\ncorpus = 'news'\nlabel = 'pos'\npositive = 'N'\ntap = 'trunk'",
    "kind = 'birnn'\ninput = 'words'\nwidth = 2\nlayers = 2\nsegment_by = 'part'",
    "kind = 'pool'\ninput = 'trunk'\nsegment_by = 'part'",
    "kind = 'cnn'\ninput = 'words'\nwidths = [2, 3]\nfilters = 3\nsegment_by = 'part'",
    "kind = 'dense'\ninput = 'words'\nwidth = 3\nsegment_by = 'part'",
    "kind = 'pool'\ninput = 'reader'\nsegment_by = 'part'\n[[encoder]]\nname = 'reader'\nkind = 'birnn'\n\
     input = 'words'\nwidth = 2\nsegment_by = 'part'",
    "kind = 'birnn'\ninput = 'parts'\nwidth = 2",
    "kind = 'pool'\ninput = 'parts'",
    "kind = 'cnn'\ninput = 'parts'\nwidths = [2, 3]\nfilters = 3",
    "kind = 'dense'\ninput = ['parts.max', 'trunk.last']\nwidth = 3",
    "kind = 'attend'\ninput = 'trunk'\nto = 'words'",
    "kind = 'attend'\ninput = 'words'\nto = 'words'\nhidden = 5",
    "kind = 'attend'\ninput = 'trunk.last'\nto = ['words', 'trunk']",
    "kind = 'attend'\ninput = 'parts'\nto = 'trunk'",
    "kind = 'attend'\ninput = ['words', 'trunk']\nto = 'parts'",
    "kind = 'decoder'\ninput = 'words'\nsummary = 'words.mean'\nfield = 'pos'\nembed = 3\nwidth = 3",
    "kind = 'decoder'\ninput = ['words', 'words']\nfield = 'pos'\nembed = 3\nwidth = 6\nattention = 'additive'\n\
     hidden = 2\ncell = 'gru'\ninput_feeding = false\ntied = false\ninitial = 'learned'",
    "kind = 'decoder'\ninput = 'words'\nsecond_input = 'trunk'\nsummary = 'words.mean'\nfield = 'pos'\nembed = 3\nwidth = 4\n\
     attention = 'multi-head'\nheads = 2\nhidden = 6",
    "kind = 'decoder'\ninput = 'words'\nsecond_input = 'words'\nfield = 'pos'\nembed = 3\nwidth = 3",
    "kind = 'halve'\ninput = 'trunk'",
    "kind = 'halve'\ninput = ['words', 'trunk']",
    "kind = 'prefix'\ninput = 'words'",
    "kind = 'prefix'\ninput = ['words', 'trunk']",
];

/// The faults of a recipe whose corpus is `train.jsonl` with these objects.
pub(crate) fn faults(recipe: &str, objects: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    fs::write(folder.path().join("train.jsonl"), objects).unwrap();
    let source = RecipeSource::File(folder.path().join("recipe.toml"));
    let faults = match load(&source, &Overrides::default()) {
        Err(faults) => faults,
        Ok(recipe) => recipe.open().unwrap_err(),
    };
    let folder = format!("{}/", folder.path().display());
    faults.to_string().replace(&folder, "")
}

/// Sentences of 5, 4, 1 and 1 words, without repeated words, in 2, 3, 1 and 1 segments.
const NEWS: &str = "The\tD\t1\nold\tA\t1\nsailor\tN\t2\nmends\tV\t2\nnets\tN\t2\n\n\
                    Nets\tN\t1\ndry\tV\t2\nhere\tR\t2\nslowly\tR\t3\n\n\
                    sailor\tN\t1\n\nold\tA\t1\n";

/// Of a frequent word, of rare ones, and of one that is absent.
const VECTORS: &str = "sailor 0.1 0.2 -0.3\nthe -0.4 0.5 0.1\nnets 0.7 -0.2 0.4\nmends 0.3 0.6 -0.5\n\
                       dry -0.2 -0.7 0.8\nslowly 0.9 0.2 0.3\nabsent 1 1 1\n";

const BELOW: &str = "
name = 'encoders'
[train]
steps = 1
[[corpus]]
name = 'news'
format = 'columns'
columns = ['form', 'pos', 'part']
train = 'news.tsv'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'form'
width = 3
min_count = 1
[[encoder]]
name = 'trunk'
kind = 'birnn'
input = 'words'
width = 2
[[encoder]]
name = 'parts'
kind = 'pool'
pooling = 'mean'
input = 'words'
segment_by = 'part'
[[objective]]
name = 'pos'
role = 'main'
kind = 'tag'
corpus = 'news'
label = 'pos'
tap = 'trunk'
[[encoder]]
name = 'it'
";

/// A recipe with its files, whose last encoder is the tap of its first objective.
pub(crate) struct Case {
    tiny: Tiny,
    at: usize,
}

impl Case {
    pub(crate) fn new(recipe: &str, files: &[(&str, &str)], sets: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files.iter().chain(&[("recipe.toml", recipe)]) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let source = RecipeSource::File(folder.path().join("recipe.toml"));
        let overrides = Overrides { sets: sets.to_vec(), ..Overrides::default() };
        let mut recipe = load(&source, &overrides).unwrap_or_else(|faults| panic!("{faults}"));
        let Opened { corpora, vectors } =
            recipe.open_all(None, &mut |_| ()).unwrap_or_else(|faults| panic!("{faults}"));
        let at = recipe.encoders.iter().position(|spec| spec.name == "it").unwrap();
        let spec = &recipe.encoders[at];
        let (layers, top) = (spec.signature.layers.len(), *spec.signature.layers.last().unwrap());
        let name: auxdesk::model::TapName = "it".parse().unwrap();
        let tap = Tap { view: name.view, name, encoder: at, layer: layers, field: None };
        // Whether this objective could learn from such rows does not matter.
        recipe.objectives[0].taps = vec![vec![tap]];
        recipe.objectives[0].layers = vec![top];
        for spec in &mut recipe.encoders {
            if spec.corpora.is_empty() {
                spec.corpora = (0..corpora.len()).collect();
            }
        }
        Self { tiny: Tiny { recipe, corpora, vectors }, at }
    }

    fn above_words(keys: &str, sets: &[String]) -> Self {
        let hidden = "old\nhere\nabsent\n";
        let files = [("news.tsv", NEWS), ("hidden.txt", hidden), ("v.txt", VECTORS)];
        Self::new(&format!("{BELOW}{keys}\n"), &files, sets)
    }

    fn batch(&self, examples: &[usize]) -> Batch {
        let corpus = &self.tiny.corpora[0];
        Batch::new(0, corpus, &corpus.train, examples)
    }

    fn all(&self) -> Batch {
        self.batch(&(0..self.tiny.corpora[0].train.examples.len()).collect::<Vec<_>>())
    }

    fn on(&self) -> RowKind {
        self.tiny.recipe.objectives[0].layers[0].on
    }
}

fn tapped(system: &System, batch: &Batch, mode: Mode) -> Rows {
    system.taps(&[0], batch, mode).unwrap()[0][0].clone()
}

fn rows(system: &System, batch: &Batch, mode: Mode) -> Tensor {
    tapped(system, batch, mode).tensor
}

/// A scalar function of all rows without symmetries, and its value in f64.
pub(crate) fn probe(rows: &Tensor) -> (Tensor, f64) {
    let factors: Vec<f32> =
        (0..rows.elem_count()).map(|at| (1.3 * at as f32 + 0.4).sin()).collect();
    let products = numbers(rows).into_iter().zip(&factors);
    let exact = products.map(|(x, factor)| f64::from(x) * f64::from(*factor)).sum();
    let factors = Tensor::from_vec(factors, rows.shape(), &Device::Cpu).unwrap();
    ((rows * factors).unwrap().sum_all().unwrap(), exact)
}

/// Every case, and every other value of each of its keys.
fn every(mut check: impl FnMut(&Case, &str)) {
    for keys in CASES {
        let plain = Case::above_words(keys, &[]);
        check(&plain, keys);
        let spec = &plain.tiny.recipe.encoders[plain.at];
        for key in spec.kind.keys() {
            let ValueType::Choice(choices) = key.takes else { continue };
            for choice in choices {
                let set = format!("encoder.it.{}={choice}", key.name);
                let is_other = spec.values.text_if_set(key.name) != Some(choice);
                // Hidden sizes, weights and summaries have no meaning beside other choices.
                let has_hidden = spec.values.count_if_set("hidden").is_some();
                let has = |key| spec.values.get(key).is_some();
                let has_meaning = match key.name {
                    "pooling" => !has_hidden && !has("weights"),
                    "attention" => !has_hidden,
                    "initial" => (*choice == "summary") == has("summary"),
                    _ => true,
                };
                if is_other && has_meaning {
                    let what = format!("{keys}\n{set}");
                    check(&Case::above_words(keys, &[set]), &what);
                }
            }
        }
    }
}

#[test]
fn every_kind_with_a_tap_has_a_case() {
    let mut kinds = BTreeSet::new();
    for keys in CASES {
        let case = Case::above_words(keys, &[]);
        kinds.insert(case.tiny.recipe.encoders[case.at].kind.name());
    }
    // Frames, pictures and labels are no words, and words have several rows of subwords: they have tests of their own.
    kinds.extend(["frames", "picture", "label", "subwords"]);
    for kind in ENCODERS.iter().filter(|kind| kind.source() != RowSource::Named) {
        assert!(kinds.contains(kind.name()), "{}", kind.name());
        assert!(!encoder::PLANNED.contains(&kind.name()), "{}", kind.name());
    }
}

#[test]
fn rows_have_the_declared_number_and_dimension() {
    every(|case, what| {
        let (system, batch) = (case.tiny.system(), case.all());
        let n_rows = match case.on() {
            RowKind::Token => {
                let reshaping = case.tiny.recipe.encoders[case.at].config.reshaping();
                batch.packing(0).lengths().iter().map(|length| reshaping.n_rows(*length)).sum()
            }
            RowKind::Item => Segments::new(batch.packing(2), batch.symbols(2)).n_segments(),
            RowKind::Example => batch.n_examples(),
            RowKind::Step => batch.packing(0).n_rows() + batch.n_examples(),
        };
        let layer = case.tiny.recipe.objectives[0].layers[0];
        let found = rows(&system, &batch, Mode::Eval);
        assert_eq!(found.dims(), [n_rows, layer.width], "{what}");
        assert!(numbers(&found).iter().all(|x| x.is_finite()), "{what}");
    });
}

#[test]
fn gradients_reach_all_parameters_below_and_match_finite_differences() {
    every(|case, what| {
        let (system, batch) = (case.tiny.system(), case.all());
        let scalar = || probe(&rows(&system, &batch, Mode::Trace));
        let found = gradients(&scalar().0, system.parameters());
        let taps = &case.tiny.recipe.objectives[0].taps[0];
        assert_eq!(reached(&system, &found), below(&case.tiny.recipe, 0, taps, &system), "{what}");
        for (parameter, gradient) in system.parameters().all().iter().zip(found) {
            if let Some(gradient) = gradient {
                let what = format!("{what}: {}", parameter.name);
                assert_differences(parameter, &gradient, &[0.002, 0.0005], &what, || scalar().1);
            }
        }
    });
}

/// Padding is not seen, and a sentence of one word in a batch of one works.
#[test]
fn the_rows_of_an_example_do_not_depend_on_its_batch() {
    every(|case, what| {
        let (system, together) = (case.tiny.system(), case.all());
        let tapped = tapped(&system, &together, Mode::Eval);
        let among = tapped.tensor.to_vec2::<f32>().unwrap();
        for (b, &example) in together.examples.iter().enumerate() {
            let batch = case.batch(&[example]);
            let alone = rows(&system, &batch, Mode::Eval).to_vec2::<f32>().unwrap();
            let rows = tapped.packing.rows_of_example(b);
            assert_eq!(rows.len(), alone.len(), "{what}: {example}");
            for (t, (alone, row)) in alone.iter().zip(rows).enumerate() {
                for (alone, among) in alone.iter().zip(&among[row]) {
                    assert!((alone - among).abs() < 1e-6, "{what}: {example} {t}");
                }
            }
        }
    });
}

#[test]
fn a_row_changes_only_with_words_in_its_context() {
    every(|case, what| {
        let system = case.tiny.system();
        let corpus = &case.tiny.corpora[0];
        let shown = |example| {
            let mut corpus = corpus.clone();
            corpus.train.examples[0] = example;
            let batch = Batch::new(0, &corpus, &corpus.train, &[0]);
            rows(&system, &batch, Mode::Trace).to_vec2::<f32>().unwrap()
        };
        let whole = corpus.train.examples[0].clone();
        let before = shown(whole.clone());
        let context = case.tiny.recipe.objectives[0].layers[0].context;
        let mut any = false;
        // Rows in front of those of the words.
        let in_front = before.len().saturating_sub(whole.len());
        for place in 0..whole.len() {
            let after = shown(with_other_word(&whole, place));
            for (row, (before, after)) in before.iter().zip(&after).enumerate() {
                let moved =
                    before.iter().zip(after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                let read = case.on() != RowKind::Token
                    || declared(context, row.saturating_sub(in_front), whole.len())
                        .contains(&place);
                assert!(
                    read || moved < 1e-6,
                    "{what}: row {row}, word {place} moved it by {moved}"
                );
                any |= moved > 1e-6;
            }
        }
        assert!(any, "{what}");
    });
}

#[test]
fn dropout_applies_in_training_only_and_depends_on_the_step() {
    every(|case, what| {
        let (system, batch) = (case.tiny.system(), case.all());
        let scored = bits(&rows(&system, &batch, Mode::Eval));
        assert!(!rows(&system, &batch, Mode::Eval).track_op(), "{what}");
        let train = |step| Mode::Train { seed: 1, step };
        assert_eq!(bits(&rows(&system, &batch, Mode::Trace)), scored, "{what}");
        assert_eq!(bits(&rows(&system, &batch, train(1))), scored, "{what}");
    });
    let drops = ["dropout", "word_dropout", "noise"];
    for keys in CASES {
        let plain = Case::above_words(keys, &[]);
        let kind = plain.tiny.recipe.encoders[plain.at].kind;
        for key in kind.keys().iter().filter(|key| drops.contains(&key.name)) {
            let what = format!("{keys}\n{}", key.name);
            let case = Case::above_words(keys, &[format!("encoder.it.{}=0.5", key.name)]);
            let (system, batch) = (case.tiny.system(), case.all());
            let scored = bits(&rows(&system, &batch, Mode::Eval));
            let train = |step| bits(&rows(&system, &batch, Mode::Train { seed: 1, step }));
            assert_eq!(bits(&rows(&system, &batch, Mode::Trace)), scored, "{what}");
            assert_ne!(train(1), scored, "{what}");
            assert_ne!(train(1), train(2), "{what}");
            assert_eq!(train(1), train(1), "{what}");
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    every(|case, what| {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let (system, batch) = (case.tiny.system(), case.all());
                let rows = rows(&system, &batch, Mode::Train { seed: 1, step: 0 });
                let by_parameter = gradients(&probe(&rows).0, system.parameters());
                let flat = by_parameter.into_iter().flatten().flatten().map(f32::to_bits);
                (bits(&rows), flat.collect::<Vec<_>>())
            })
        };
        assert!(on(1) == on(2), "{what}");
    });
}
