//! A whole step against the same model with candle-nn's stock layers and the same initial values:
//! losses, gradients, and a training run.

#[path = "../../benches/step/plain.rs"]
mod layers;

use std::{fmt::Write, fs};

use auxdesk::{model::Mode, recipe::RecipeSource};
use candle_core::Tensor;

use crate::tiny::{Tiny, gradients, loaded, numbers};
use layers::{Batch, Plain, Sizes, Token};

const BATCH: usize = 3;
const LENGTH: usize = 5;

const RECIPE: &str = r#"
name = "plain"

[train]
seed = 3
steps = 12
batch_size = 3
optimizer = "adam"
learning_rate = 0.01
clip_norm = 0.5

[[corpus]]
name = "made"
format = "columns"
columns = ["form", "pos", "chunk"]
train = "TRAIN"

[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 6
characters = { width = 5, hidden = 4 }

[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 7

[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "made"
label = "pos"
tap = "trunk"

[[objective]]
name = "chunk"
kind = "tag"
corpus = "made"
label = "chunk"
tap = "trunk"

[[objective]]
name = "next-word"
kind = "next-word"
corpus = "made"
tap = "trunk.1"
hidden = 4
vocabulary = 20
gain = 0.2
"#;

/// Dimensions from the recipe; the others are derived.
const WIDTHS: Sizes = Sizes {
    words: 0,
    word_width: 6,
    characters: 0,
    character_width: 5,
    spelling: 4,
    trunk: 7,
    pos: 0,
    chunk: 0,
    hidden: 4,
    classes: 0,
};

/// The recipe with `n_sentences` sentences of 50 different words, spelled with 1 to 6 of 5 letters.
fn made(n_sentences: usize) -> Tiny {
    let mut text = String::new();
    for sentence in 0..n_sentences {
        for token in 0..LENGTH {
            let word = (sentence * sentence * 7 + token * (sentence + 3)) % 50;
            let letter = |digit: usize| char::from(b'a' + (word / digit % 5) as u8);
            let spelt: String = [1, 5, 25].into_iter().take(1 + word % 3).map(letter).collect();
            let spelt = spelt.repeat(1 + word % 2);
            writeln!(text, "{spelt}\tP{}\tC{}", word % 4, (word + token) % 6).unwrap();
        }
        text.push('\n');
    }
    let folder = tempfile::tempdir().unwrap();
    let train = folder.path().join("train.tsv");
    fs::write(&train, text).unwrap();
    let path = folder.path().join("recipe.toml");
    fs::write(&path, RECIPE.replace("TRAIN", train.to_str().unwrap())).unwrap();
    let recipe = loaded(&RecipeSource::File(path), &[]).unwrap();
    let corpora = recipe.open().unwrap_or_else(|faults| panic!("{faults}"));
    Tiny { recipe, corpora, vectors: auxdesk::recipe::VectorsByEncoder::new() }
}

/// The stock layers with our parameters, and the first sentences as their input.
fn plain(tiny: &Tiny) -> (Plain, Batch) {
    let all = tiny.fitted();
    let vocabulary = |owner: &str, key: &str| &all[owner].vocabularies[key];
    let words = vocabulary("encoder.words", "words");
    let characters = vocabulary("encoder.words", "characters");
    let pos = vocabulary("objective.pos", "labels");
    let chunk = vocabulary("objective.chunk", "labels");
    let predicted = vocabulary("objective.next-word", "words");
    let corpus = &tiny.corpora[0];
    let sentence = |at: usize| {
        let text = |name: &str, token: usize| {
            let field = corpus.field(name).unwrap();
            let symbols = corpus.train.examples[at].symbols(field).unwrap();
            corpus.lexicons[field].get(symbols[token])
        };
        let token = |at: usize| {
            let word = text("form", at);
            let character = |letter: char| characters.id(&letter.to_string());
            Token {
                word: words.id(word).map_or(0, |id| id + 1),
                spelling: word.chars().map(|c| character(c).map_or(0, |id| id + 1)).collect(),
                pos: pos.id(text("pos", at)).unwrap(),
                chunk: chunk.id(text("chunk", at)).unwrap(),
                class: predicted.id(word).map_or(0, |id| id + 2),
            }
        };
        (0..LENGTH).map(token).collect()
    };
    let sentences: Vec<Vec<Token>> = (0..BATCH).map(sentence).collect();
    let sizes = Sizes {
        words: words.len() + 1,
        characters: characters.len() + 1,
        pos: pos.len(),
        chunk: chunk.len(),
        classes: predicted.len() + 2,
        ..WIDTHS
    };
    let plain = Plain::new(sizes).unwrap();
    let vars = plain.vars();
    let mut n_set = 0;
    for parameter in tiny.system().parameters().all() {
        for (name, values) in stock(&parameter.name, &parameter.var) {
            let var = vars.get(&name).unwrap_or_else(|| panic!("no stock parameter {name}"));
            var.set(&values).unwrap();
            n_set += 1;
        }
    }
    assert_eq!(n_set, vars.len(), "every stock parameter has our values");
    (plain, Batch::new(&sentences).unwrap())
}

/// The prefixes of names, ours and those of the stock layers.
const NAMES: &[(&str, &str)] = &[
    ("words.table", "words.weight"),
    ("words.characters.table", "characters.weight"),
    ("words.characters.", "spelling."),
    ("trunk.1.", "trunk."),
    ("objective.pos.output.", "pos."),
    ("objective.chunk.output.", "chunk."),
    ("objective.next-word.forward.", "next."),
    ("objective.next-word.backward.", "previous."),
];

/// A parameter of ours, or its gradient, in the layout of the stock layers: weights are (outputs,
/// inputs), and each direction has its own.
fn stock(ours: &str, x: &Tensor) -> Vec<(String, Tensor)> {
    let (from, to) = NAMES.iter().find(|(from, _)| ours.starts_with(from)).unwrap();
    let name = ours.replacen(from, to, 1);
    let of_directions = |layer: &str, kind: &str, x: Tensor| {
        let directions = x.chunk(2, 0).unwrap();
        let names = [format!("{layer}{kind}_l0"), format!("{layer}{kind}_l0_reverse")];
        names.into_iter().zip(directions).collect()
    };
    if let Some(layer) = name.strip_suffix("input.weight") {
        of_directions(layer, "weight_ih", x.t().unwrap())
    } else if let Some(layer) = name.strip_suffix("input.bias") {
        of_directions(layer, "bias_ih", x.clone())
    } else if let Some(layer) = name.strip_suffix("recurrent.weight") {
        let x = x.transpose(1, 2).unwrap().flatten(0, 1).unwrap();
        of_directions(layer, "weight_hh", x)
    } else if ours.ends_with(".weight") {
        vec![(name, x.t().unwrap())]
    } else {
        vec![(name, x.clone())]
    }
}

fn assert_near(ours: f64, plain: f64, relative: f64, what: &str) {
    let most = 1e-6 + relative * plain.abs();
    assert!((ours - plain).abs() <= most, "{what}: {ours}, by stock layers {plain}");
}

#[test]
fn losses_and_gradients_agree_with_stock_layers() {
    let tiny = made(12);
    let (plain, stock_batch) = plain(&tiny);
    let (system, batch) = (tiny.system(), tiny.batch(0, BATCH));
    let taps = system.taps(&[0, 1, 2], &batch, Mode::Train { seed: 1, step: 0 }).unwrap();
    let ours: [Tensor; 3] = std::array::from_fn(|at| {
        let term = system.objective(at).loss(&taps[at], &batch).unwrap();
        term.unwrap().mean().unwrap()
    });
    let theirs = plain.losses(&stock_batch).unwrap();
    for (at, objective) in tiny.recipe.objectives.iter().enumerate() {
        let [ours, theirs] = [&ours[at], &theirs[at]].map(|loss| f64::from(numbers(loss)[0]));
        assert_near(ours, theirs, 1e-4, objective.name.as_str());
    }

    let ours = gradients(&layers::mixed(&ours).unwrap(), system.parameters());
    let theirs = layers::mixed(&theirs).unwrap().backward().unwrap();
    let vars = plain.vars();
    let mut n_compared = 0;
    for (parameter, ours) in system.parameters().all().iter().zip(ours) {
        let ours = ours.unwrap_or_else(|| panic!("nothing reaches {}", parameter.name));
        let ours = Tensor::from_vec(ours, parameter.var.shape(), parameter.var.device()).unwrap();
        for (name, ours) in stock(&parameter.name, &ours) {
            let theirs = numbers(theirs.get(&vars[&name]).unwrap());
            assert!(theirs.iter().any(|x| x.abs() > 1e-4), "{name} has gradients to compare");
            for (at, (ours, theirs)) in numbers(&ours).iter().zip(&theirs).enumerate() {
                let what = format!("gradient of {name} at {at}");
                assert_near((*ours).into(), (*theirs).into(), 1e-4, &what);
            }
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, vars.len());
}

#[test]
fn losses_of_a_run_agree_with_stock_layers() {
    // Each step's batch is the whole corpus.
    let tiny = made(BATCH);
    let run = tiny.train(&[]);
    let steps = run.steps();
    let (plain, batch) = plain(&tiny);
    let train = &tiny.recipe.train;
    let clip = train.clip_norm.unwrap();
    let mut adam = plain.adam(0.01).unwrap();
    let mut n_clipped = 0;
    for step in &steps {
        let number = step.step.0;
        let stepped = plain.step(&batch, &mut adam, clip).unwrap();
        for (name, theirs) in ["pos", "chunk", "next-word"].into_iter().zip(stepped.losses) {
            let ours = step.losses[name].get();
            assert_near(ours.into(), theirs.into(), 1e-3, &format!("{name} at step {number}"));
        }
        n_clipped += usize::from(stepped.norm > clip);
        assert_near(step.gradient_norm.into(), stepped.norm, 1e-3, &format!("norm {number}"));
    }
    assert_eq!(steps.len(), 12);
    assert!((1..12).contains(&n_clipped), "{n_clipped} steps are clipped, the others are not");
}
