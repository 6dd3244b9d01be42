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
    let text = (0..40).map(line).collect::<Vec<_>>().concat();
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
        refused(&here, "1\tbad\ngood\n", &[]).contains("labels must be in every line or in none")
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
    let skip_in_test = ["--set", "corpus.films.faults={ test = \"skip\" }"];
    assert_eq!(predicted(&here, input, &skip_in_test), (out.clone(), told.clone()));
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
fn integer_labels_have_names_in_the_program_and_stay_integers_in_files() {
    let here = Here::new();
    sentiment(&here, "names = { label = [\"negative\", \"positive\"] }");
    let evaluated = finish(&mut here.auxdesk(["evaluate", "run", "--classes"]));
    assert!(evaluated.out.contains("negative") && evaluated.out.contains("positive"));
    let (out, err) = predicted(&here, "1\tbad\n0\tgood\n", &[]);
    assert_eq!((out.as_str(), err.as_str()), ("1\tbad\t0\n0\tgood\t1\n", ""));
    assert_eq!(
        refused(&here, "1\tbad\n2\tgood\n", &[]),
        "standard input:2: label is \"2\", expected an integer from 0 to 1, which `names` has names for\n"
    );
    let set = "corpus.films.names={ lable = [\"a\"] }";
    let check = finish(&mut here.auxdesk(["check", "recipe.toml", "--set", set]));
    assert_eq!(
        (check.code, check.err.as_str()),
        (
            Some(2),
            "--set corpus.films.names: `corpus.films.names.lable`: no field of labels named \"lable\"; did you mean \
             \"label\"?\n"
        )
    );
}

#[test]
fn classes_are_the_names_of_files_or_of_folders() {
    let here = Here::new();
    let texts = ["good film\n", "bad film\n", "great film\n", "awful film\n"];
    for (at, text) in texts.iter().cycle().take(40).enumerate() {
        let class = ["pos", "neg"][at % 2];
        let folder = here.path(&format!("texts/{class}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{at}.txt")), text).unwrap();
    }
    here.write("films.pos", (texts[0].to_owned() + texts[2]).repeat(10));
    here.write("films.neg", (texts[1].to_owned() + texts[3]).repeat(10));
    let base = sentiment_recipe("");
    let columns = "format = \"table\"\ncolumns = [\"label\", \"text\"]\n";
    let lines = "format = \"table\"\ncolumns = [\"text\"]\n";
    for (run, format, train, wanted) in [
        ("lines", lines, "films.{label}", "bad film\tneg\n"),
        ("folders", "format = \"document\"\n", "texts/{label}/*.txt", "neg\n"),
    ] {
        let recipe = base.replace(columns, format).replace("train.txt", train);
        here.write("recipe.toml", recipe);
        let args = ["train", "recipe.toml", "--headless", "--run", run, "--threads", "1"];
        let trained = finish(&mut here.auxdesk(args));
        assert_eq!(trained.code, Some(0), "{}", trained.err);
        let predicted = finish_with(&mut here.auxdesk(["predict", run, "-"]), "bad film\n");
        assert_eq!((predicted.out.as_str(), predicted.err.as_str()), (wanted, ""));
        assert_eq!(finish(&mut here.auxdesk(["evaluate", run])).code, Some(0));
    }
    for (train, wanted) in [
        ("texts/{label}/*.md", "no file matches "),
        ("texts/{text}/*.txt", "`corpus.films.train`: the corpus has a field \"text\" already"),
    ] {
        here.write("recipe.toml", base.replace(columns, lines).replace("train.txt", train));
        let refused = finish(&mut here.auxdesk(["check", "recipe.toml"]));
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains(wanted), "{}", refused.err);
    }
}

#[test]
fn line_aligned_files_are_trained_on_and_predicted_for() {
    let here = Here::new();
    let lines = |column: usize| {
        let test = here.read("train.tsv");
        let sentence = |text: &str| {
            let rows = text.lines().map(|line| line.split('\t').nth(column).unwrap().to_owned());
            rows.collect::<Vec<_>>().join(" ") + "\n"
        };
        test.trim_end().split("\n\n").map(sentence).collect::<String>()
    };
    let (words, tags) = (lines(0), lines(1));
    here.write("words", &words);
    here.write("tags", &tags);
    let recipe = r#"name = "aligned"
[train]
steps = 30
batch_size = 8
learning_rate = 0.02
[[corpus]]
name = "news"
format = "parallel"
fields = ["tags", "words"]
tags = ["tags"]
train = ["tags", "words"]
dev = ["tags", "words"]
[[encoder]]
name = "embed"
kind = "embed"
field = "words"
width = 16
[[objective]]
name = "pos"
role = "main"
kind = "tag"
corpus = "news"
label = "tags"
tap = "embed"
"#;
    here.write("recipe.toml", recipe);
    let run = |args: &[&str]| finish(&mut here.auxdesk(args));
    let trained = run(&["train", "recipe.toml", "--headless", "--run", "run", "--threads", "1"]);
    assert_eq!(trained.code, Some(0), "{}", trained.err);
    let out = run(&["predict", "run", "words"]).out;
    assert_eq!(out.lines().count(), words.lines().count());
    for (predicted, text) in out.lines().zip(words.lines()) {
        assert_eq!(predicted.split(' ').count(), text.split(' ').count());
    }
    assert_eq!(run(&["predict", "run", "tags", "words"]).out, out);
    let labelled = run(&["predict", "run", "words", "--labelled"]);
    assert_eq!(
        (labelled.code, labelled.err.as_str()),
        (
            Some(2),
            "corpus \"news\": expected as many inputs as it has files: 2 (tags, words); found 1\n"
        )
    );
    here.write("recipe.toml", recipe.replace("train = [\"tags\", \"words\"]", "train = \"words\""));
    let refused = run(&["check", "recipe.toml"]);
    let wanted = "recipe.toml:11: `corpus.news.train`: expected an array of 2 files (tags, words), found 1 file\n";
    assert_eq!((refused.code, refused.err.as_str()), (Some(2), wanted));
    // A missing line would align all others wrongly, so it is never skipped.
    let (_, shorter) = words.split_once('\n').unwrap();
    here.write("short", shorter);
    let recipe = recipe
        .replace("dev = [\"tags\", \"words\"]", "dev = [\"tags\", \"short\"]\nfaults = \"skip\"");
    here.write("recipe.toml", recipe);
    let refused = run(&["check", "recipe.toml"]);
    let n = words.lines().count();
    let last = n - 1;
    let wanted = format!(
        "tags:{n}: expected as many lines in every file, found none in short after line {last}; align the files\n"
    );
    assert_eq!((refused.code, refused.err.as_str()), (Some(2), wanted.as_str()));
}

#[test]
fn conlleval_finds_as_many_columns_in_every_line_of_documents() {
    let here = Here::new();
    here.finished("run", 20, &[]);
    let test = here.read("test.tsv");
    let documents = |start: &str| {
        let sentences = test.split_inclusive("\n\n");
        sentences.map(|sentence| format!("{start}\n\n{sentence}")).collect::<Vec<_>>().concat()
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
