//! Warnings of `check` and of a run's start: a recipe and corpora that are valid, and probably not what was meant.

use std::fmt::Write;

use serde_json::Value;

use crate::runs::{Here, finish, json};

/// A classifier of texts.
const CLASSIFIER: &str = r#"
name = "classifier"
[train]
steps = 2
batch_size = 4
[[corpus]]
name = "c"
format = "table"
columns = ["label", "text"]
train = "train.tsv"
[[encoder]]
name = "words"
kind = "embed"
field = "text"
width = 4
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 4
[[objective]]
name = "cls"
role = "main"
kind = "classify"
corpus = "c"
label = "label"
tap = "trunk.max"
"#;

/// Ten texts of two classes, none of them twice.
fn ordinary() -> String {
    (0..10).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{}\tfilm number {n}", ["good", "bad"][n % 2]);
        text
    })
}

fn classifier(train: &str) -> Here {
    let here = Here::new();
    here.write("train.tsv", train);
    here.write("recipe.toml", CLASSIFIER);
    here
}

/// The warnings of `check`, as text without `warning: `, and as JSON.
fn warnings(here: &Here, sets: &[&str]) -> (Vec<String>, Vec<Value>) {
    let mut args = vec!["check", "recipe.toml"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let text = finish(&mut here.auxdesk(&args));
    assert_eq!(text.code, Some(0), "{}", text.err);
    let lines = text.out.lines().filter_map(|line| line.strip_prefix("warning: "));
    args.push("--json");
    let found = json(&finish(&mut here.auxdesk(&args)).out)["warnings"].as_array().unwrap().clone();
    (lines.map(str::to_owned).collect(), found)
}

/// The single warning, whose kind in JSON is this one.
#[track_caller]
fn only(here: &Here, sets: &[&str], kind: &str) -> String {
    let (text, found) = warnings(here, sets);
    assert_eq!((text.len(), found.len()), (1, 1), "{text:?}");
    assert_eq!(found[0]["kind"], kind);
    text[0].clone()
}

#[test]
fn an_ordinary_corpus_gives_no_warning() {
    assert_eq!(warnings(&classifier(&ordinary()), &[]), (vec![], vec![]));
}

#[test]
fn labels_that_are_nearly_all_distinct() {
    let here = classifier(&ordinary());
    let sets = ["corpus.c.columns=[\"text\",\"label\"]", "corpus.c.text=text"];
    let said = only(&here, &sets, "distinct_labels");
    assert!(
        said.starts_with("objective cls: 10 of 10 labels in \"label\" are distinct; "),
        "{said}"
    );
}

#[test]
fn labels_of_dev_and_test_that_train_lacks() {
    let here = classifier(&ordinary());
    here.write("dev.tsv", "good\ta\nfair\tb\nfair\tc\n");
    let said = only(&here, &["corpus.c.dev=dev.tsv"], "unseen_labels");
    let wanted = "objective cls: dev has 1 label that train lacks, in 2 places, where every prediction is wrong: fair";
    assert_eq!(said, wanted);
}

#[test]
fn a_header_that_would_be_learnt_as_a_class() {
    let here = classifier(&format!("class\tsentence\n{}", ordinary()));
    let said = only(&here, &[], "header_as_label");
    let wanted =
        "objective cls: the label \"class\" occurs in the first line of train and nowhere else; ";
    assert!(said.starts_with(wanted), "{said}");
    assert_eq!(warnings(&here, &["corpus.c.header=skip"]), (vec![], vec![]));
}

#[test]
fn invisible_characters_in_labels() {
    let here = classifier(&format!("{}\u{feff}good\tfilm\n", ordinary()));
    let said = only(&here, &[], "invisible_in_label");
    assert!(
        said.starts_with("objective cls: the label \"\\u{feff}good\" (1 in train) has "),
        "{said}"
    );
}

#[test]
fn a_text_that_was_withheld() {
    let here = classifier("good\t_ _ _\nbad\t_ _\n");
    let said = only(&here, &[], "one_word");
    assert!(said.starts_with("corpus c: every token of \"text\" in train is \"_\"; "), "{said}");
}

#[test]
fn texts_of_test_that_are_also_in_train_are_counted() {
    let here = classifier(&ordinary());
    here.write("test.tsv", "good\tfilm number 3\nbad\tother\n");
    let said = only(&here, &["corpus.c.test=test.tsv"], "in_train");
    let wanted = "corpus c: 1 of 2 examples of test (50.0 %) have a text that is also in train; ";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn patience_without_a_dev_split() {
    let said = only(&classifier(&ordinary()), &["train.patience=3"], "patience_without_dev");
    assert!(said.starts_with("`train.patience` has no effect: "), "{said}");
}

#[test]
fn keys_of_an_objective_without_effect() {
    let here = classifier(&ordinary());
    let patience = only(&here, &["objective.cls.patience=2"], "without_effect");
    let expected = "`objective.cls.patience` has no effect: no corpus of the objective has a dev split; set `dev`";
    assert_eq!(patience, expected);
    let conflict = only(&here, &["objective.cls.guard={ conflict = 3 }"], "without_effect");
    let expected = "`objective.cls.guard.conflict` has no effect: it compares the other objectives with this one; \
                    remove it";
    assert_eq!(conflict, expected);
}

#[test]
fn a_main_corpus_that_few_steps_draw() {
    let here = classifier(&ordinary());
    here.write("other.tsv", ordinary().repeat(30));
    let more = "[[corpus]]\nname = \"other\"\nformat = \"table\"\ncolumns = [\"label\", \"text\"]\n\
                train = \"other.tsv\"\n[[objective]]\nname = \"aux\"\nkind = \"classify\"\ncorpus = \"other\"\n\
                label = \"label\"\ntap = \"trunk.max\"\n";
    here.write("recipe.toml", format!("{CLASSIFIER}{more}"));
    let said = only(&here, &["train.sampling=proportional"], "rare_main");
    assert!(said.starts_with("the main objective's corpus c is in 3.2 % of the steps; "), "{said}");
    assert_eq!(warnings(&here, &["train.sampling=uniform"]).0, [""; 0]);
}

/// A second corpus with an objective of its own, in a group of its own unless it has the name of another.
#[test]
fn a_rule_of_gradients_where_each_step_has_one() {
    let here = classifier(&ordinary());
    here.write("other.tsv", ordinary());
    let more = "[[corpus]]\nname = \"other\"\nformat = \"table\"\ncolumns = [\"label\", \"text\"]\n\
                train = \"other.tsv\"\n[[objective]]\nname = \"aux\"\nkind = \"classify\"\ncorpus = \"other\"\n\
                label = \"label\"\ntap = \"trunk.max\"\n";
    here.write("recipe.toml", format!("{CLASSIFIER}{more}"));
    let said = only(&here, &["train.weighting=upgrad"], "gradient_of_one");
    let wanted = "`train.weighting`: \"upgrad\" compares the gradients of a step, and each step has that of one \
                  objective, so that all shares are 1; set sampling = \"all\", or one `group` for several objectives";
    assert_eq!(said, wanted);
    for sets in [
        &["train.weighting=upgrad", "train.sampling=all"][..],
        &["train.weighting=upgrad", "objective.cls.group=both", "objective.aux.group=both"],
        &["train.weighting=upgrad", "objective.aux.muted=true"],
        &["train.weighting=uncertainty"],
    ] {
        assert_eq!(warnings(&here, sets).0, [""; 0], "{sets:?}");
    }
}

#[test]
fn a_rule_that_compares_with_the_main_objective_without_it() {
    let here = classifier(&ordinary());
    let more = "[[objective]]\nname = \"aux\"\nkind = \"classify\"\ncorpus = \"c\"\nlabel = \"label\"\n\
                tap = \"trunk.max\"\n";
    here.write("recipe.toml", format!("{CLASSIFIER}{more}"));
    let (out, muted) = ("objective.cls.by_rule=false", "objective.cls.muted=true");
    let said = |rule: &str, set: &str| only(&here, &[rule, set], "without_main");
    let wanted = "`train.weighting`: \"cosine-gate\" compares the other objectives with the main one, cls, which has by_rule = \
                  false, so that all shares are 1; set by_rule = true";
    assert_eq!(said("train.weighting=cosine-gate", out), wanted);
    let wanted = "`train.weighting`: \"ol-aux\" compares the other objectives with the main one, cls, which is muted or has a \
                  gain of 0, so that all shares are 1; unmute it and give it a gain";
    assert_eq!(said("train.weighting=ol-aux", muted), wanted);
    said("train.weighting=metabalance", out);
    said("train.weighting=metabalance", muted);
    for sets in [
        &["train.weighting=cosine-gate"][..],
        &["train.weighting=upgrad", out],
        &["train.weighting=ol-aux", out],
        &["train.weighting=metabalance", "objective.aux.by_rule=false"],
    ] {
        assert_eq!(warnings(&here, sets).0, [""; 0], "{sets:?}");
    }
}

#[test]
fn a_run_begins_with_its_warnings_and_its_journal_has_them() {
    let here = classifier(&ordinary());
    let args = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let run = finish(here.auxdesk(args).args(["--set", "train.patience=3"]));
    assert_eq!(run.code, Some(0), "{}", run.err);
    let printed = [run.out.as_str(), run.err.as_str()].concat();
    assert!(printed.contains("warning: `train.patience` has no effect"), "{printed}");
    let journal = here.read("run/journal.jsonl");
    assert!(journal.contains("\"warnings\":[\"`train.patience` has no effect"), "{journal}");
}
