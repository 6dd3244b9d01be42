//! Decoders that copy words of the source: names that no training text has.

use std::fmt::Write as _;

use crate::runs::{Here, finish};

const N_NAMES: usize = 60;

/// Names that occur once each, so that with `min_count = 2` none is in the vocabulary.
fn corpus(here: &Here, name: &str, names: std::ops::Range<usize>) {
    let (mut source, mut target) = (String::new(), String::new());
    for n in names {
        let (verb, of) = [("shows", "show"), ("hides", "hide"), ("finds", "find")][n % 3];
        writeln!(source, "it {verb} name{n} now").unwrap();
        writeln!(target, "{of} ( name{n} )").unwrap();
    }
    here.write(&format!("{name}.source"), &source);
    here.write(&format!("{name}.target"), &target);
}

const RECIPE: &str = r#"name = "copying"
[train]
seed = 1
steps = 200
batch_size = 12
learning_rate = 0.01
best = "form.exact_match"
[[corpus]]
name = "pairs"
format = "parallel"
fields = ["source", "target"]
train = ["train.source", "train.target"]
dev = ["dev.source", "dev.target"]
[[encoder]]
name = "words"
kind = "embed"
field = "source"
width = 12
min_count = 2
[[encoder]]
name = "reader"
kind = "birnn"
input = "words"
width = 12
[[encoder]]
name = "writer"
kind = "decoder"
input = "reader"
field = "target"
embed = 12
width = 16
min_count = 2
copy = "source"
[[objective]]
name = "form"
role = "main"
kind = "generate"
corpus = "pairs"
label = "target"
tap = "writer"
"#;

fn trained(here: &Here, recipe: &str) -> f64 {
    corpus(here, "train", 0..N_NAMES);
    corpus(here, "dev", N_NAMES..N_NAMES + 12);
    here.write("recipe.toml", recipe);
    let args = ["train", "recipe.toml", "--headless", "--json", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let summary: serde_json::Value = serde_json::from_str(&exited.out).unwrap();
    summary["main"]["dev"].as_f64().unwrap()
}

#[test]
fn a_name_that_no_training_text_has_is_copied() {
    let here = Here::new();
    assert_eq!(trained(&here, RECIPE), 100.0);
    here.write("input.txt", "it hides robin now\nit finds willow now\n");
    let predict = |more: &[&str]| {
        let args = ["predict", "run", "input.txt", "--threads", "1"];
        finish(&mut here.auxdesk([&args[..], more].concat()))
    };
    for more in [&[][..], &["--beam", "4"]] {
        let found = predict(more);
        assert_eq!(found.out, "hide ( robin )\nfind ( willow )\n", "{}", found.err);
    }
}

#[test]
fn without_copying_no_name_is_generated() {
    let here = Here::new();
    assert_eq!(trained(&here, &RECIPE.replace("copy = \"source\"\n", "")), 0.0);
}

#[test]
fn words_are_copied_from_the_text_that_the_memory_stands_on() {
    let here = Here::new();
    corpus(&here, "train", 0..N_NAMES);
    corpus(&here, "dev", 0..1);
    let fault = |recipe: &str| {
        here.write("recipe.toml", recipe);
        let exited = finish(&mut here.auxdesk(["check", "recipe.toml"]));
        assert_eq!(exited.code, Some(2), "{}", exited.out);
        exited.err
    };
    let own = fault(&RECIPE.replace("copy = \"source\"", "copy = \"target\""));
    assert!(own.contains("expected a field of another text than \"target\""), "{own}");
    let three = RECIPE
        .replace(
            "fields = [\"source\", \"target\"]",
            "fields = [\"source\", \"target\", \"other\"]",
        )
        .replace(".target\"]", ".target\", \"train.source\"]")
        .replace("copy = \"source\"", "copy = \"other\"");
    let other = fault(&three);
    assert!(other.contains("copies words of the field \"other\""), "{other}");
    let halved = RECIPE
        .replace("input = \"reader\"", "input = \"halved\"")
        .replace("[[encoder]]\nname = \"writer\"", "[[encoder]]\nname = \"halved\"\nkind = \"halve\"\ninput = \"reader\"\n[[encoder]]\nname = \"writer\"");
    let halved = fault(&halved);
    assert!(halved.contains("join 2 positions each"), "{halved}");
}
