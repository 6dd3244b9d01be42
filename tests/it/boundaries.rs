//! Boundaries of typed spans without their types (`types = false`): what `predict` writes, and what is scored.

use crate::runs::{Here, finish, finish_with, json};

/// A corpus of keyphrases in brat's annotation; the types follow from the words.
fn documents(here: &Here) {
    for at in 0..6 {
        here.write(&format!("{at}.txt"), "We cut steel by milling .\n");
        here.write(&format!("{at}.ann"), "T1\tMaterial 7 12\tsteel\nT2\tProcess 16 23\tmilling\n");
    }
}

/// The same in columns.
fn columns(here: &Here) {
    let sentence = "We\tO\ncut\tO\nsteel\tB-Material\nby\tO\nmilling\tB-Process\n.\tO\n\n";
    here.write("train.tsv", sentence.repeat(6));
}

const BRAT: &str = r#"format = "brat"
train = ["*.txt", "*.ann"]"#;

const COLUMNS: &str = r#"format = "columns"
columns = ["form", "entity"]
train = "train.tsv"
dev = "train.tsv""#;

fn recipe(corpus: &str, objective: &str) -> String {
    format!(
        r#"name = "boundaries"
[train]
seed = 1
steps = 60
batch_size = 2
learning_rate = 0.02
[[corpus]]
name = "c"
{corpus}
[[encoder]]
name = "words"
kind = "embed"
field = "form"
width = 8
min_count = 1
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 8
dropout = 0.2
[[objective]]
name = "boundaries"
role = "main"
kind = "tag"
corpus = "c"
label = "entity"
scheme = "iob2"
types = false
tap = "trunk"
{objective}
"#
    )
}

fn train(here: &Here) {
    let args = ["train", "recipe.toml", "--headless", "--threads", "1", "--run", "run"];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

#[test]
fn predictions_have_the_boundaries_of_spans_and_no_type() {
    for objective in ["", "head = \"crf\"", "encode = \"iobes\"", "encode = \"io\"\nhead = \"crf\""]
    {
        let here = Here::new();
        columns(&here);
        here.write("recipe.toml", recipe(COLUMNS, objective));
        train(&here);
        let args = ["predict", "run", "-", "--threads", "1"];
        let exited = finish_with(&mut here.auxdesk(args), "We\ncut\nsteel\nby\nmilling\n.\n");
        assert_eq!(exited.code, Some(0), "{objective}: {}", exited.err);
        let tags: Vec<&str> =
            exited.out.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert_eq!(tags, ["O", "O", "B", "O", "B", "O"], "{objective}: {}", exited.out);
    }
}

#[test]
fn an_annotation_of_boundaries_has_the_type_of_spans_without_one() {
    let here = Here::new();
    documents(&here);
    here.write("recipe.toml", recipe(BRAT, ""));
    train(&here);
    let args = ["predict", "run", "0.txt", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(args));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_eq!(exited.out, "T1\tEntity 7 12\tsteel\nT2\tEntity 16 23\tmilling\n");
}

#[test]
fn boundaries_are_scored_without_types() {
    let here = Here::new();
    columns(&here);
    // One type is not in train.
    here.write("other.tsv", "We\tO\ncut\tO\nsteel\tB-Task\nby\tO\nmilling\tB-Process\n.\tO\n");
    here.write("recipe.toml", recipe(&COLUMNS.replace("dev = \"train", "dev = \"other"), ""));
    train(&here);
    let exited = finish(&mut here.auxdesk(["evaluate", "run", "--threads", "1", "--json"]));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let dev = &json(&exited.out)["objectives"][0]["dev"]["metrics"];
    assert_eq!((dev["f1"].as_f64(), dev["accuracy"].as_f64()), (Some(100.0), Some(100.0)), "{dev}");
}
