//! Corpora in several files: a file for each class, line-aligned files, names of labels; word lists.

use crate::runs::{Exited, Here, finish, json};

const RECIPE: &str = "
name = 'layouts'
[train]
steps = 1
[[corpus]]
name = 'news'
format = 'columns'
columns = ['form', 'entity']
train = 'news/*.tsv'
faults = 'skip'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'form'
width = 2
min_count = 1
[[objective]]
name = 'entity'
role = 'main'
kind = 'tag'
corpus = 'news'
label = 'entity'
scheme = 'iob2'
tap = 'words'
";

fn here(recipe: &str, files: &[(&str, &str)]) -> Here {
    let here = Here::new();
    std::fs::create_dir(here.path("news")).unwrap();
    here.write("recipe.toml", recipe);
    for (name, text) in files {
        here.write(name, text);
    }
    here
}

fn checked(here: &Here, more: &[&str]) -> Exited {
    finish(&mut here.auxdesk([&["check", "recipe.toml"], more].concat()))
}

#[test]
fn a_fault_of_one_of_several_files_skips_examples_of_that_file_only() {
    let files = [
        ("news/a.tsv", "x\tX-PER\n\nann\tB-PER\nb\tO\n"),
        ("news/b.tsv", "bob\tB-PER\n\nc\tO\nd\tO\n"),
    ];
    let here = here(RECIPE, &files);
    let exited = checked(&here, &["--json"]);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let corpus = &json(&exited.out)["corpora"][0];
    assert_eq!(corpus["splits"][0]["examples"], 3, "{corpus}");
    // The fault names its own file.
    here.write("recipe.toml", RECIPE.replace("faults = 'skip'\n", ""));
    let exited = checked(&here, &[]);
    assert_eq!(exited.code, Some(2));
    assert!(exited.err.contains("news/a.tsv:1: expected an iob2 tag"), "{}", exited.err);
}

#[test]
fn partly_labelled_sentences_have_named_labels_too() {
    let recipe = RECIPE
        .replace("scheme = 'iob2'\n", "")
        .replace(
            "faults = 'skip'",
            "unlabelled = '_'\nnames = { entity = ['no', 'yes'] }\ndev = 'dev.tsv'",
        )
        .replace("news/*.tsv", "news/a.tsv");
    // The strings of dev are met in another order than those of train.
    let files = [("news/a.tsv", "x\t1\ny\t_\n\nz\t0\n"), ("dev.tsv", "z\t0\ny\t_\n\nx\t1\n")];
    let here = here(&recipe, &files);
    let exited = checked(&here, &["--json"]);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let labels = &json(&exited.out)["labels"][0]["labels"];
    assert_eq!((&labels["no"], &labels["yes"]), (&1.into(), &1.into()), "{labels}");
    assert!(!exited.out.contains("\"0\":"), "{}", exited.out);
}

#[test]
fn a_path_has_one_name_in_braces_and_a_folder_may_have_braces() {
    let recipe = RECIPE.replace("news/*.tsv", "{a}/{b}.tsv");
    let exited = checked(&here(&recipe, &[]), &[]);
    assert_eq!(exited.code, Some(2));
    assert!(
        exited.err.contains("expected one name in braces, found \"a\" and \"b\""),
        "{}",
        exited.err
    );
    let here = here(&RECIPE.replace("news/*.tsv", "{old}/a.tsv"), &[]);
    std::fs::create_dir(here.path("{old}")).unwrap();
    here.write("{old}/a.tsv", "x\tO\n");
    let exited = checked(&here, &["--json"]);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    assert_eq!(json(&exited.out)["corpora"][0]["splits"][0]["examples"], 1);
}

/// A corpus of documents by class, in which words of a list are looked for.
const DOCUMENTS: &str = "
name = 'documents'
[train]
steps = 1
[[corpus]]
name = 'pages'
format = 'document'
train = 'news/{label}-*'
[[encoder]]
name = 'words'
kind = 'embed'
field = 'text'
width = 2
min_count = 1
[[objective]]
name = 'topic'
role = 'main'
kind = 'classify'
corpus = 'pages'
label = 'label'
tap = 'words.mean'
[[objective]]
name = 'opinion'
kind = 'presence'
corpus = 'pages'
field = 'text'
words = 'opinion.txt'
tap = 'words.mean'
";

#[test]
fn pages_as_documents_are_refused_with_what_to_do() {
    let files = [
        ("news/a-1.txt", "good news\n"),
        ("news/b-1.html", "<!DOCTYPE html>\n<html><body>bad news</body></html>\n"),
        ("opinion.txt", "; Opinion words\n;\n;;;;;;;;\n\ngood\nbad\n"),
    ];
    let here = here(DOCUMENTS, &files);
    let exited = checked(&here, &[]);
    assert_eq!(exited.code, Some(2));
    let page = "news/b-1.html: expected text, found an HTML page; download the file itself; if pages are the \
                corpus, convert them to text first";
    assert!(exited.err.starts_with(page), "{}", exited.err);
    here.write("news/b-1.html", "bad news\n");
    let exited = checked(&here, &["--json"]);
    assert_eq!(exited.code, Some(0), "{}", exited.err);
    let labels = &json(&exited.out)["labels"][0]["labels"];
    assert_eq!(*labels, serde_json::json!({ "a": 1, "b": 1 }));
}

#[test]
fn the_header_of_a_word_list_has_no_words() {
    let text = ("news/a-1.txt", "good news\n");
    let here = here(DOCUMENTS, &[text, ("news/b-1.txt", "bad news\n")]);
    here.write("opinion.txt", "; Opinion words\n;\n;;;;;;;;\n\ngood\nbad\n");
    assert_eq!(checked(&here, &[]).code, Some(0));
    here.write("opinion.txt", "; Opinion words\n;;;;;;;;\n");
    let exited = checked(&here, &[]);
    assert_eq!(exited.code, Some(2));
    assert!(exited.err.contains("is empty; expected one word per line"), "{}", exited.err);
}
