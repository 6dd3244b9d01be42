//! Subwords: rows for the parts of words, decoders that generate them, and what may not be read with them.

use auxdesk::model::Mode;

use super::{Case, assert_differences, bits, gradients, probe, rows, tapped};
use crate::runs::{Here, finish};

const RECIPE: &str = "
name = 'subwords'
[train]
steps = 1
[[corpus]]
name = 'texts'
format = 'jsonl'
labels = ['kind']
tags = ['tag']
train = 'train.jsonl'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'text'
width = 2
min_count = 1
[[objective]]
name = 'kind'
role = 'main'
kind = 'classify'
corpus = 'texts'
label = 'kind'
tap = 'words.mean'
[[encoder]]
name = 'it'
";

/// Eight characters with the mark of a word; `ab` is frequent.
const TRAIN: &str = "{\"text\": \"ab abc\", \"kind\": \"x\", \"tag\": [\"p\", \"q\"]}\n\
                     {\"text\": \"ab d\", \"kind\": \"y\", \"tag\": [\"p\", \"q\"]}\n\
                     {\"text\": \"abc ab ab\", \"kind\": \"y\", \"tag\": [\"p\", \"q\", \"p\"]}\n";

fn case(keys: &str) -> Case {
    Case::new(&format!("{RECIPE}{keys}\n"), &[("train.jsonl", TRAIN)], &[])
}

#[test]
fn a_word_has_a_row_for_each_of_its_subwords() {
    // The merges: a b, then ▁ ab; c and d are alone.
    let it = case("kind = 'subwords'\nfield = 'text'\nwidth = 3\nsize = 7");
    let system = it.tiny.system();
    let found = tapped(&system, &it.batch(&[0, 1, 2]), Mode::Eval);
    // ▁ab ▁ab c; ▁ab ▁ d; ▁ab c ▁ab ▁ab.
    assert_eq!(found.packing.lengths(), [4, 3, 3]);
    let of = |example: usize| {
        let found = tapped(&system, &it.batch(&[example]), Mode::Eval).tensor;
        found.to_vec2::<f32>().unwrap()
    };
    let (first, third) = (of(0), of(2));
    assert_eq!((&first[0], &first[2]), (&first[1], &third[1]));
    assert_eq!(third[0], third[2]);
    assert_ne!(first[0], first[2]);
}

#[test]
fn subwords_and_a_layer_over_them_are_trained() {
    let tables = [
        "kind = 'subwords'\nfield = 'text'\nwidth = 3\nsize = 7",
        "kind = 'birnn'\ninput = 'parts'\nwidth = 2\n[[encoder]]\nname = 'parts'\nkind = 'subwords'\nfield = 'text'\n\
         width = 3\nsize = 7",
    ];
    for keys in tables {
        let it = case(keys);
        let (system, batch) = (it.tiny.system(), it.batch(&[0, 1, 2]));
        let scalar = || probe(&rows(&system, &batch, Mode::Trace));
        let found = gradients(&scalar().0, system.parameters());
        let mut n_trained = 0;
        for (parameter, gradient) in system.parameters().all().iter().zip(found) {
            let is_below = ["it.", "parts."].iter().any(|part| parameter.name.starts_with(part));
            assert_eq!(gradient.is_some(), is_below, "{}", parameter.name);
            let Some(gradient) = gradient else { continue };
            assert_differences(parameter, &gradient, &[0.002, 0.0005], keys, || scalar().1);
            n_trained += 1;
        }
        assert!(n_trained >= 1, "{keys}");
        let again = rows(&it.tiny.system(), &batch, Mode::Eval);
        assert_eq!(bits(&rows(&system, &batch, Mode::Eval)), bits(&again));
    }
}

#[test]
fn rows_of_subwords_are_not_labelled_by_words() {
    let faults = |tables: &str| {
        super::faults(&format!("{RECIPE}{tables}\n").replace("'words.mean'", "'it.mean'"), TRAIN)
    };
    let it = "kind = 'subwords'\nfield = 'text'\nwidth = 3\n";
    let tagged =
        "[[objective]]\nname = 'tags'\nkind = 'tag'\ncorpus = 'texts'\nlabel = 'tag'\ntap = 'it'";
    let both = "[[encoder]]\nname = 'both'\nkind = 'dense'\ninput = ['words', 'it']\nwidth = 2\n[[objective]]\nname = 'both'\n\
                kind = 'classify'\ncorpus = 'texts'\nlabel = 'kind'\ntap = 'both.mean'";
    let parts = "[[encoder]]\nname = 'others'\nkind = 'subwords'\nfield = 'text'\nwidth = 3\nsize = 5\n[[encoder]]\nname = 'two'\n\
                 kind = 'dense'\ninput = ['it', 'others']\nwidth = 2\n[[objective]]\nname = 'two'\nkind = 'classify'\n\
                 corpus = 'texts'\nlabel = 'kind'\ntap = 'two.mean'";
    let writer = "kind = 'decoder'\ninput = 'words'\nfield = 'tag'\nsubwords = 9\ncopy = 'text'";
    insta::assert_snapshot!([faults(&format!("{it}{tagged}")), faults(&format!("{it}{both}")),
            faults(&format!("{it}{parts}")), faults(writer)].join("\n"), @r#"
    recipe.toml:34: "tags" reads the field "tag" of corpus "texts" by the rows of its `tap`, which are of subwords or positions of a picture; tap an encoder of whole words or pictures
    recipe.toml:32: "it" cannot be concatenated with "words" in corpus "texts": one of them has rows of subwords or of positions of a picture that the other has not; add .mean, .max or .last
    recipe.toml:38: "others" cannot be concatenated with "it" in corpus "texts": one of them has rows of subwords or of positions of a picture that the other has not; add .mean, .max or .last
    recipe.toml:27: `encoder.it`: expected no `copy` beside `subwords`: words are copied whole; remove one of them
    "#);
}

/// Each word of the source has a translation of two parts, and the decoder writes subwords.
#[test]
fn a_text_is_read_and_generated_in_subwords() {
    let here = Here::new();
    let (mut source, mut target) = (String::new(), String::new());
    for n in 0..90_usize {
        let words = [n % 4, n / 4 % 4];
        let line = |of: [&str; 4]| words.map(|at| of[at]).join(" ") + "\n";
        source += &line(["luna", "sola", "lunasola", "ter"]);
        target += &line(["mond", "sonne", "mondsonne", "erde"]);
    }
    here.write("source.txt", &source);
    here.write("target.txt", &target);
    let recipe = r#"name = "parts"
[train]
seed = 1
steps = 300
batch_size = 16
learning_rate = 0.01
best = "text.exact_match"
[[corpus]]
name = "pairs"
format = "parallel"
fields = ["source", "target"]
train = ["source.txt", "target.txt"]
dev = ["source.txt", "target.txt"]
[[encoder]]
name = "parts"
kind = "subwords"
field = "source"
size = 18
width = 12
[[encoder]]
name = "reader"
kind = "birnn"
input = "parts"
width = 12
[[encoder]]
name = "writer"
kind = "decoder"
input = ["reader", "parts"]
attention = "additive"
field = "target"
subwords = 15
embed = 12
width = 24
[[objective]]
name = "text"
role = "main"
kind = "generate"
corpus = "pairs"
label = "target"
tap = "writer"
"#;
    here.write("recipe.toml", recipe);
    let args = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let trained = finish(&mut here.auxdesk(args));
    assert_eq!(trained.code, Some(0), "{}", trained.err);
    let state = here.read("run/checkpoints/best/state.json");
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let subwords = state["fitted"]["encoder.writer"]["vocabularies"]["subwords"].to_string();
    assert!(subwords.contains("▁mond") && !subwords.contains("mondsonne"), "{subwords}");
    here.write("input.txt", "luna ter\nlunasola sola\n");
    let args = ["predict", "run", "input.txt", "--beam", "2", "--threads", "1"];
    let predicted = finish(&mut here.auxdesk(args));
    let lines: Vec<&str> = predicted.out.lines().collect();
    assert_eq!(lines, ["mond erde", "mondsonne sonne"], "{}", predicted.err);
}
