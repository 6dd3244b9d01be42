//! The systems that are measured: the data and the recipe of each.

use std::{fs, path::Path};

use super::{Options, data};

/// A system, by the option `--system`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeasuredSystem {
    /// Two tagging objectives and a language model.
    Reference,
    /// Translation by a recurrent decoder with attention.
    Translation,
    /// A dependency parser with biaffine scores.
    Parser,
}

/// The options that systems other than the reference have.
const OPTIONS: [&str; 6] = ["system", "steps", "threads", "evaluate", "spans", "rounds"];

impl MeasuredSystem {
    pub(crate) fn of(options: &Options) -> Self {
        let system = match options.given.get("system").map(String::as_str) {
            None | Some("reference") => return Self::Reference,
            Some("translation") => Self::Translation,
            Some("parser") => Self::Parser,
            Some(other) => panic!("--system reference, translation or parser, not {other}"),
        };
        let other = options.given.keys().find(|name| !OPTIONS.contains(&name.as_str()));
        assert!(other.is_none(), "--{} is an option of the reference only", other.unwrap());
        system
    }

    /// Writes its corpus into a folder.
    pub(crate) fn write_corpus(self, options: &Options, folder: &Path) {
        let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
        match self {
            Self::Reference => write("train.tsv", data::corpus(options.real_lengths())),
            Self::Translation => {
                for (split, n_pairs) in [("train", data::N_PAIRS), ("dev", data::N_DEV)] {
                    let [source, target] = data::pairs(n_pairs);
                    write(&format!("{split}.source"), source);
                    write(&format!("{split}.target"), target);
                }
            }
            Self::Parser => {
                for (split, n_trees) in [("train", data::N_TREES), ("dev", data::N_DEV)] {
                    write(&format!("{split}.conllu"), data::trees(n_trees));
                }
            }
        }
    }

    /// Its recipe, for a corpus in that folder.
    pub(crate) fn recipe(self, options: &Options, folder: &Path, n_steps: usize) -> String {
        match self {
            Self::Reference => reference(options, folder, n_steps),
            Self::Translation => translation(folder, n_steps),
            Self::Parser => parser(folder, n_steps),
        }
    }
}

/// The section of the training, without evaluations and measurements.
fn training(n_steps: usize, batch_size: usize, learning_rate: f64, clip_norm: f64) -> String {
    format!(
        r#"
[train]
seed = 7
steps = {n_steps}
batch_size = {batch_size}
optimizer = "adam"
learning_rate = {learning_rate}
clip_norm = {clip_norm:?}
evaluate_every = 1000000"#
    )
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// The sizes of docs/recipes/translation.toml with German alone; every word of train is in the vocabularies.
fn translation(folder: &Path, n_steps: usize) -> String {
    let [train, dev] = ["train", "dev"]
        .map(|split| ["source", "target"].map(|side| path(folder, &format!("{split}.{side}"))));
    let max_length = data::PAIR_LENGTH;
    let section = training(n_steps, 64, 0.001, 1.0);
    format!(
        r#"
name = "translation"
about = "translation by a recurrent decoder with attention"
{section}
measure_gradients_every = 0

[[corpus]]
name = "pairs"
format = "parallel"
fields = ["source", "target"]
train = {train:?}
dev = {dev:?}

[[encoder]]
name = "words"
kind = "embed"
field = "source"
width = 256
min_count = 1
dropout = 0.4

[[encoder]]
name = "reader"
kind = "birnn"
input = "words"
width = 256
dropout = 0.4

[[encoder]]
name = "writer"
kind = "decoder"
input = "reader"
summary = "reader.mean"
attention = "additive"
field = "target"
embed = 256
width = 256
tied = false
min_count = 1
dropout = 0.4

[[objective]]
name = "translation"
role = "main"
kind = "generate"
corpus = "pairs"
label = "target"
tap = "writer"
beam = 5
length_ratio = 0
extra_length = {max_length}
"#
    )
}

/// The encoder of Dozat and Manning (2017); the layers above it have 100 elements for arcs and for labels.
fn parser(folder: &Path, n_steps: usize) -> String {
    let [train, dev] = ["train", "dev"].map(|split| path(folder, &format!("{split}.conllu")));
    let section = training(n_steps, 32, 0.002, 5.0);
    format!(
        r#"
name = "parser"
about = "a dependency parser with biaffine scores"
{section}
measure_gradients_every = 0

[[corpus]]
name = "trees"
format = "conllu"
train = {train:?}
dev = {dev:?}

[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 100
min_count = 1
characters = {{ width = 50, hidden = 50 }}
dropout = 0.33

[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
layers = 3
width = 400
dropout = 0.33

[[objective]]
name = "arcs"
role = "main"
kind = "arcs"
corpus = "trees"
label = "head"
relation = "deprel"
tap = "trunk"
hidden = 100
"#
    )
}

fn reference(options: &Options, folder: &Path, n_steps: usize) -> String {
    let (layers, gradients) = (options.number("layers", 1), options.number("gradients", 0));
    let text = |name: &str, default: &'static str| {
        options.given.get(name).map_or(default, String::as_str).to_owned()
    };
    let (weighting, shadows) = (text("weighting", "equal"), text("shadows", "none"));
    let affinity = text("affinity", "0");
    let head = if options.is_on("crf", false) { "crf" } else { "softmax" };
    let train = path(folder, "train.tsv");
    let section = training(n_steps, 32, 0.001, 5.0);
    let mut text = format!(
        r#"
name = "step"
about = "the reference step"
{section}
measure_gradients_every = {gradients}
weighting = {weighting:?}
shadow_weightings = {shadows:?}
affinity_budget = {affinity}

[[corpus]]
name = "zipf"
format = "columns"
columns = ["form", "pos", "chunk"]
train = {train:?}

[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 100
characters = {{ width = 30, hidden = 25 }}

[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
layers = {layers}
width = 200

[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "zipf"
label = "pos"
tap = "trunk"

[[objective]]
name = "chunk"
kind = "tag"
corpus = "zipf"
label = "chunk"
head = "{head}"
tap = "trunk"
"#
    );
    if options.is_on("lm", true) {
        // A gain of 0.2 over the mean of both directions is 0.1 over each direction's mean.
        text += r#"
[[objective]]
name = "next-word"
kind = "next-word"
corpus = "zipf"
tap = "trunk.1"
hidden = 50
vocabulary = 7498
gain = 0.2
"#;
    }
    text
}
