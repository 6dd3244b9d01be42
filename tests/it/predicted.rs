//! `predict` on inputs as users have them: with labels or without, with faults, and in the form that scoring
//! scripts read.

use crate::runs::{Exited, Here, finish, finish_with};

/// A run that tells `good` and `great` from `bad` and `awful`, with these corpus keys.
fn sentiment(here: &Here, keys: &str) {
    let separator = if keys.contains("space") { ' ' } else { '\t' };
    let line = |n: usize| {
        let (label, word) = [("1", "good"), ("0", "bad"), ("1", "great"), ("0", "awful")][n % 4];
        format!("{label}{separator}{word} film\n")
    };
    let text = (0..40).map(line).collect::<String>();
    here.write("train.txt", &text);
    here.write("recipe.toml", sentiment_recipe(keys));
    let train = ["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"];
    let exited = finish(&mut here.auxdesk(train));
    assert_eq!(exited.code, Some(0), "{}", exited.err);
}

fn sentiment_recipe(keys: &str) -> String {
    format!(
        r#"name = "sentiment"
[train]
seed = 1
steps = 40
batch_size = 4
learning_rate = 0.02
[[corpus]]
name = "films"
format = "table"
columns = ["label", "text"]
train = "train.txt"
dev = "train.txt"
{keys}
[[encoder]]
name = "words"
kind = "embed"
field = "text"
width = 16
min_count = 1
[[encoder]]
name = "trunk"
kind = "birnn"
input = "words"
width = 8
[[objective]]
name = "label"
role = "main"
kind = "classify"
corpus = "films"
label = "label"
tap = "trunk.max"
"#
    )
}

fn predict(here: &Here, input: &str, more: &[&str]) -> Exited {
    let args = ["predict", "run", "-", "--threads", "1"];
    finish_with(&mut here.auxdesk([&args[..], more].concat()), input)
}

/// The output and the diagnostics of a successful command.
#[track_caller]
fn predicted(here: &Here, input: &str, more: &[&str]) -> (String, String) {
    let exited = predict(here, input, more);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    (exited.out, exited.err)
}

#[track_caller]
fn refused(here: &Here, input: &str, more: &[&str]) -> String {
    let exited = predict(here, input, more);
    assert_eq!((exited.code, exited.out.as_str()), (Some(2), ""), "{}", exited.err);
    exited.err
}

#[test]
fn the_first_word_of_a_text_is_not_taken_for_its_label() {
    let here = Here::new();
    sentiment(&here, "separator = \"space\"");
    let (out, err) = predicted(&here, "good film\nbad film\n", &[]);
    assert_eq!(out, "good film 1\nbad film 0\n");
    assert!(
        err.starts_with("no line starts with a label of the run, so every line is read as a text")
    );
    // What can be either is decided by a flag only.
    let labelled = "0 good film\n1 bad film\n";
    assert_eq!(
        refused(&here, labelled, &[]),
        "standard input:1: starts with \"0\", as do 2 of 2 lines with a label of the run: it may be a \
         label or the first word of a text; pass --labelled or --unlabelled\n"
    );
    let wanted = "0 good film 1\n1 bad film 0\n".to_owned();
    assert_eq!(predicted(&here, labelled, &["--labelled"]), (wanted.clone(), String::new()));
    assert_eq!(predicted(&here, labelled, &["--unlabelled"]), (wanted, String::new()));
    let bare = "good\nbad\n";
    assert_eq!(predicted(&here, bare, &[]), ("good 1\nbad 0\n".to_owned(), String::new()));
    let exited = predict(&here, bare, &["--labelled", "--unlabelled"]);
    assert!(exited.err.contains("cannot be used with"), "{}", exited.err);
}

#[test]
fn a_column_of_labels_is_in_every_line_or_in_none() {
    let here = Here::new();
    sentiment(&here, "");
    let silent = |out: &str| (out.to_owned(), String::new());
    assert_eq!(
        predicted(&here, "bad film\ngood film\n", &[]),
        silent("bad film\t0\ngood film\t1\n")
    );
    assert_eq!(predicted(&here, "1\tbad\n0\tgood\n", &[]), silent("1\tbad\t0\n0\tgood\t1\n"));
    assert!(
        refused(&here, "1\tbad\ngood\n", &[]).contains("expected labels in every line or in none")
    );
    let set = ["--set", "corpus.films.header=skip"];
    let with_header = predicted(&here, "label\ttext\n1\tbad\n", &set);
    assert_eq!(with_header, silent("label\ttext\tpredicted_label\n1\tbad\t0\n"));
    let other = refused(&here, "bad\n", &["--set", "train.seed=2"]);
    assert_eq!(
        other,
        "--set train.seed: predict accepts only corpus keys; everything else is fixed by the run\n"
    );
}

#[test]
fn a_faulty_line_is_treated_as_the_runs_recipe_says() {
    let here = Here::new();
    sentiment(&here, "");
    let input = "1\tbad\nx\ty\tz\n0\t\n1\tgood\n";
    let faults = "standard input:2: 3 columns, expected 2 (label, text)\n\
                  standard input:3: the text (text) is empty; expected at least one token\n";
    assert_eq!(refused(&here, input, &[]), faults);
    let told = faults.to_owned()
        + "standard input: skipped 2 of 4 examples; their predictions are empty\n";
    let out = "1\tbad\t0\nx\ty\tz\t\n0\t\t\n1\tgood\t1\n".to_owned();
    let skip = ["--set", "corpus.films.faults=skip"];
    assert_eq!(predicted(&here, input, &skip), (out.clone(), told.clone()));
    here.write("run/recipe.toml", sentiment_recipe("faults = \"skip\"\nseparator = \"tab\""));
    assert_eq!(predicted(&here, input, &[]), (out, told));
}

#[test]
fn tokens_that_hold_a_space_are_read_where_the_separator_is_a_tab() {
    let here = Here::new();
    here.finished("run", 20, &[]);
    let input = "New York\nSan Marino\n";
    let refusal = refused(&here, input, &[]);
    assert!(
        refusal.starts_with("standard input:1: no value of column 2 (pos) is a label of the run")
    );
    assert!(refusal.contains("set separator = \"tab\" if tokens hold a space"), "{refusal}");
    let (out, err) = predicted(&here, input, &["--set", "corpus.news.separator=tab"]);
    assert_eq!(err, "");
    let forms: Vec<&str> = out.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(forms, ["New York", "San Marino"]);
    assert!(out.lines().all(|line| line.split('\t').count() == 2), "{out}");
}

#[test]
fn conlleval_finds_as_many_columns_in_every_line_of_documents() {
    let here = Here::new();
    here.finished("run", 20, &[]);
    let test = here.read("test.tsv");
    let documents = |start: &str| {
        let sentences = test.split_inclusive("\n\n");
        sentences.map(|sentence| format!("{start}\n\n{sentence}")).collect::<String>()
    };
    let (plain, _) = predicted(&here, &test, &[]);
    for start in ["-DOCSTART-\t-X-\tO\tO", "-DOCSTART-", "-DOCSTART-\tO"] {
        let (out, err) = predicted(&here, &documents(start), &[]);
        assert_eq!(err, "");
        let n_columns = plain.lines().next().unwrap().split('\t').count();
        let tokens = out.lines().filter(|line| !line.starts_with("-DOCSTART-") && !line.is_empty());
        let wanted = plain.lines().filter(|line| !line.is_empty());
        assert!(tokens.eq(wanted), "predictions of tokens are the same");
        for line in out.lines().filter(|line| line.starts_with("-DOCSTART-")) {
            assert_eq!(line.split('\t').count(), n_columns, "{line}");
            assert!(line.ends_with("\tO"), "{line}");
        }
    }
}
