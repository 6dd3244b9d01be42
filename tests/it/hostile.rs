//! Text of others never controls the terminal: escape sequences, C1 controls and bidirectional
//! overrides in labels, tokens, recipes, journals and file names, through every command.

use std::fs;

use auxdesk::{printable::is_unprintable, protocol::Header};

use crate::runs::{Exited, Here, finish, finish_with};

/// Clears the screen, sets the title, C1 CSI, a bell, DEL, an override, a zero-width space.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{7f}\u{202e}\u{200b}";

/// Everything that a command prints for people is printable lines, whatever its exit code.
fn assert_safe(what: &str, exited: &Exited) {
    for (output, text) in [("standard output", &exited.out), ("standard error", &exited.err)] {
        let unsafe_char = text.chars().find(|&c| c != '\n' && is_unprintable(c));
        assert_eq!(unsafe_char, None, "{what}, {output}: {text:?}");
    }
}

/// Its messages quote the hostile text, as an escape.
fn assert_quoted(what: &str, exited: &Exited) {
    assert_safe(what, exited);
    let shown = exited.out.contains("\\u{1b}") || exited.err.contains("\\u{1b}");
    assert!(shown, "{what}: {} {}", exited.out, exited.err);
}

const CLASSIFIER: &str = r#"
name = "mood"
[train]
steps = 4
batch_size = 4
evaluate_every = 2
[[corpus]]
name = "news"
format = "table"
columns = ["label", "text"]
train = "mood.tsv"
dev = "mood.tsv"
[[encoder]]
name = "words"
kind = "embed"
field = "text"
width = 4
[[objective]]
name = "mood"
role = "main"
kind = "classify"
corpus = "news"
label = "label"
tap = "words.max"
"#;

/// A folder with a classifier whose labels and tokens are hostile.
fn classifier() -> Here {
    let here = Here::new();
    here.write("mood.toml", CLASSIFIER);
    let line = |at: usize| match at % 3 {
        0 => format!("good{HOSTILE}\tfine {HOSTILE} day\n"),
        1 => "bad\tdull day\n".to_owned(),
        _ => "fair\tsome day\n".to_owned(),
    };
    here.write("mood.tsv", (0..24).map(line).collect::<String>());
    here
}

#[test]
fn hostile_labels_and_tokens_are_escaped_in_every_command() {
    let here = classifier();
    let run = |args: &[&str]| finish(&mut here.auxdesk(args));
    assert_quoted("check", &run(&["check", "mood.toml"]));
    assert_safe("check --json", &run(&["check", "mood.toml", "--json"]));
    let trained = run(&["train", "mood.toml", "--run", "run", "--headless"]);
    assert_eq!(trained.code, Some(0), "{}", trained.err);
    assert_safe("train", &trained);
    assert_quoted("evaluate", &run(&["evaluate", "run", "--classes"]));
    assert_safe("evaluate --json", &run(&["evaluate", "run", "--classes", "--json"]));
    for more in [&["--headless"][..], &["--json"], &["--screen", "120x40"]] {
        let args = [&["replay", "run"], more].concat();
        assert_safe(&args.join(" "), &run(&args));
    }
    // Predictions are data, in the bytes of the corpus.
    let predicted = finish_with(&mut here.auxdesk(["predict", "run", "-"]), "bad\tfine day\n");
    assert_eq!(predicted.code, Some(0), "{}", predicted.err);
    let refused = format!("a\tb\t{HOSTILE}\n");
    assert_safe("predict", &finish_with(&mut here.auxdesk(["predict", "run", "-"]), &refused));
}

#[test]
fn hostile_lines_of_a_corpus_are_escaped_in_faults() {
    let here = Here::new();
    for (name, line) in [
        ("columns", format!("{HOSTILE}\n\n")),
        ("tags", format!("word\tNN\t{HOSTILE}-X\n\nword\tNN\tI-{HOSTILE}\n\n")),
    ] {
        here.write("bad.tsv", line);
        let set = ["--set", "corpus.news.train=bad.tsv"];
        let exited = finish(&mut here.auxdesk([&["check", "chunking"], &set[..]].concat()));
        assert_safe(name, &exited);
        assert_ne!(exited.code, None);
    }
    let here = classifier();
    here.write("mood.tsv", format!("{HOSTILE}\n"));
    assert_safe("table", &finish(&mut here.auxdesk(["check", "mood.toml"])));
}

/// Text with line breaks that reads like a message of the program.
const FORGED: &str = "B-\nFORGED: valid\rFORGED: valid\nFORGED";

#[test]
fn text_with_line_breaks_adds_no_line_to_a_message() {
    let assert_one_line = |what: &str, exited: &Exited| {
        assert_safe(what, exited);
        for text in [&exited.out, &exited.err] {
            let forged =
                text.split(['\n', '\r']).find(|line| line.trim_start().starts_with("FORGED"));
            assert_eq!(forged, None, "{what}: {text}");
        }
    };
    let here = Here::new();
    let field = serde_json::to_string(&format!("tags {FORGED}")).unwrap();
    let recipe = CLASSIFIER.replace(
        "\"table\"\ncolumns = [\"label\", \"text\"]",
        "\"jsonl\"\ntext = \"tokens\"\ntags = [TAGS]",
    );
    let recipe = recipe
        .replace("field = \"text\"", "field = \"tokens\"\nvectors = \"v.txt\"\nmin_count = 1");
    let recipe =
        recipe.replace("kind = \"classify\"", "kind = \"tag\"").replace("words.max", "words");
    let recipe = recipe.replace("label = \"label\"", "label = TAGS").replace("TAGS", &field);
    here.write("mood.toml", &recipe);
    here.write("v.txt", "other 1 2 3 4\n");
    let sentence = |tag: &str| {
        let token = format!("a{FORGED}");
        format!(
            "{}\n",
            serde_json::json!({ "tokens": [token, "b"], format!("tags {FORGED}"): [tag, "O"] })
        )
    };
    here.write("mood.tsv", sentence(FORGED).repeat(8));
    let run = |args: &[&str]| finish(&mut here.auxdesk(args));
    let checked = run(&["check", "mood.toml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert!(checked.out.contains("FORGED"), "{}", checked.out);
    assert_one_line("check", &checked);
    let trained = run(&["train", "mood.toml", "--run", "run", "--headless"]);
    assert_eq!(trained.code, Some(0), "{}", trained.err);
    assert_one_line("train", &trained);
    assert_one_line("evaluate", &run(&["evaluate", "run", "--classes"]));
    // A tag that the scheme does not have.
    here.write("mood.tsv", sentence(&format!("?{FORGED}")).repeat(8));
    let set = "objective.mood.scheme=iob2";
    let refused = run(&["check", "mood.toml", "--set", set]);
    assert_eq!(refused.code, Some(2), "{}", refused.out);
    assert!(refused.err.contains("FORGED"), "{}", refused.err);
    assert_one_line("check of tags", &refused);
    here.write("mood.tsv", sentence(FORGED).replace("\"O\"]", "\"O\", \"O\"]"));
    assert_one_line("check of lines", &run(&["check", "mood.toml"]));
    assert_one_line("predict", &run(&["predict", "run", "mood.tsv"]));
}

#[test]
fn hostile_recipes_and_settings_are_escaped_in_faults() {
    let here = Here::new();
    let recipes = [
        format!("name = \"x\"\n{HOSTILE} = 1\n"),
        format!("name = \"{HOSTILE}\"\n"),
        format!("name = 'x{HOSTILE}\n"),
        "name = \"a\\u001b[2J\\u009b\"\n[\"t\\u001b[2J\"]\nx = 1\n".to_owned(),
        CLASSIFIER.replace("kind = \"embed\"", "kind = \"em\\u001b[2Jbed\""),
        CLASSIFIER.replace("\"words.max\"", "\"wor\\u001b[2Jds.max\""),
        CLASSIFIER.replace("mood.tsv", "mo\\u001b[2J\\u202eod.tsv"),
        CLASSIFIER.replace("width = 4", "\"wi\\u001b[2Jdth\" = 4"),
    ];
    for recipe in recipes {
        here.write("bad.toml", &recipe);
        for command in ["check", "train"] {
            let exited = finish(&mut here.auxdesk([command, "bad.toml"]));
            assert_eq!(exited.code, Some(2), "{recipe}");
            assert_safe(command, &exited);
        }
    }
    for set in ["train.ste\u{1b}[2Jps=1", "name=\u{1b}[2J", "\u{1b}[2J"] {
        let exited = finish(&mut here.auxdesk(["check", "chunking", "--set", set]));
        assert_eq!(exited.code, Some(2), "{set:?}");
        assert_safe("--set", &exited);
    }
}

#[test]
fn hostile_journals_are_escaped_in_notes_errors_and_screens() {
    let here = Here::new();
    let run = here.finished("run", 10, &[]);
    let journal = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let (header, events) = journal.split_once('\n').unwrap();
    let text = serde_json::to_string(HOSTILE).unwrap();
    let inside = &text[1..text.len() - 1];
    let note = format!(
        "{{\"kind\":\"noted\",\"at_ms\":1,\"step\":1,\"text\":{text},\"by\":\"key\",\"command\":1}}\n"
    );
    let unknown = format!("{{\"kind\":{text}}}\n");
    let header_of_hostile = {
        let header = fs::read_to_string(run.join("journal.jsonl")).unwrap();
        let fields = header.lines().next().unwrap().replacen("\"kind\":\"journal\",", "", 1);
        let mut header: Header = serde_json::from_str(&fields).unwrap();
        header.name = HOSTILE.to_owned();
        let fields = serde_json::to_string(&header).unwrap();
        fields.replacen('{', "{\"kind\":\"journal\",", 1)
    };
    let journals = [
        ("a name", format!("{header_of_hostile}\n{events}")),
        ("names", journal.replace("\"pos\"", &format!("\"pos{inside}\""))),
        ("a note", format!("{header}\n{note}{events}")),
        ("unknown kinds", format!("{journal}{unknown}")),
        ("a bad line", format!("{journal}{HOSTILE}\n{events}")),
        ("a bad value", format!("{journal}{{\"kind\":\"noted\",\"at_ms\":{text}}}\n")),
        ("no journal", format!("{HOSTILE}\n")),
    ];
    for (what, journal) in journals {
        here.write("bad.jsonl", journal);
        for more in [&["--headless"][..], &["--json"], &["--screen", "120x40"]] {
            let args = [&["replay", "bad.jsonl"], more].concat();
            assert_safe(what, &finish(&mut here.auxdesk(args)));
        }
        let moved = finish(&mut here.tiny("moved", 2, &["--moves", "bad.jsonl"]));
        assert_safe(&format!("--moves with {what}"), &moved);
        let _ = fs::remove_dir_all(here.path("moved"));
        here.write("run/journal.jsonl", here.read("bad.jsonl"));
        let continued = finish(&mut here.auxdesk(["continue", "run", "--steps", "11"]));
        assert_safe(&format!("continue with {what}"), &continued);
    }
}

#[test]
fn hostile_file_names_are_escaped() {
    let here = Here::new();
    let name = "no\u{1b}[2J\u{202e}.x";
    for args in [
        &["check", name][..],
        &["train", name],
        &["train", "chunking", "--run", "recipe.toml/\u{1b}[2J", "--steps", "1"],
        &["train", "chunking", "--moves", name],
        &["continue", name],
        &["replay", name],
        &["evaluate", name],
        &["predict", name, "-"],
        &["show", name],
        &["list", "recipes", name],
    ] {
        here.write("recipe.toml", "");
        let exited = finish(&mut here.auxdesk(args));
        assert_eq!(exited.code, Some(2), "{args:?}: {}", exited.err);
        assert_safe(&args.join(" "), &exited);
    }
    let run = here.finished(name, 5, &[]);
    fs::create_dir(run.join("x")).unwrap();
    assert_safe("evaluate", &finish(&mut here.auxdesk(["evaluate", name])));
    assert_safe("replay", &finish(&mut here.auxdesk(["replay", name, "--headless"])));
    let predicted = finish(&mut here.auxdesk(["predict", name, name]));
    assert_safe("predict", &predicted);
}
