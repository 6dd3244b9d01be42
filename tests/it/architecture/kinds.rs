//! Nothing is compared with the name of a kind: what differs between kinds is a method of their
//! trait.

use std::collections::BTreeSet;

use super::reader::{files, sources};

/// The folders that implement the kinds of the tables.
const KINDS: &[&str] = &["objective/", "model/encoder/", "model/head/", "mixer/", "data/read/"];

/// Names with another meaning: a statistic, a key of the format `jsonl`, a shape of a schedule, and how a bag counts.
const ALSO: &[&str] = &["frequency", "relations", "cosine", "log"];

#[test]
fn nothing_compares_the_name_of_a_kind() {
    let (files, built) = (files("src"), sources());
    let is_built = |path: &str| built.iter().any(|file| file.path == path);
    let sources: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), without_tests(text)))
        .filter(|(path, _)| is_built(path))
        .collect();
    let kinds: BTreeSet<&str> = sources
        .iter()
        .filter(|(path, _)| KINDS.iter().any(|folder| path.starts_with(folder)))
        .filter_map(|(_, text)| name(text))
        .filter(|name| !ALSO.contains(name))
        .collect();
    assert!(kinds.len() > 25, "kinds have been found: {kinds:?}");
    let mut compared = Vec::new();
    for (path, text) in &sources {
        for (line, text) in (1..).zip(text.lines()) {
            for name in compared_with(text).into_iter().filter(|name| kinds.contains(name)) {
                compared.push(format!("src/{path}:{line}: {name:?}"));
            }
        }
    }
    assert!(compared.is_empty(), "{}", compared.join("\n"));
}

#[test]
fn comparisons_with_strings_are_found() {
    assert_eq!(compared_with(r#"if head == "crf" && x != Some("tag") {"#), ["crf", "tag"]);
    assert_eq!(compared_with(r#""pool" | "cnn" => f("embed"),"#), ["pool", "cnn"]);
    assert_eq!(compared_with(r#"find("crf"); [("tag", 1)]"#), Vec::<&str>::new());
}

/// The part of a file before its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

/// The name that a kind returns.
fn name(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("fn name(&self) -> &'static str {")?;
    after.trim_start().strip_prefix('"')?.split('"').next()
}

/// The strings that a line compares something with: beside `==` or `!=`, or as a pattern.
fn compared_with(line: &str) -> Vec<&str> {
    let parts: Vec<&str> = line.split('"').collect();
    let strings = (1..parts.len()).step_by(2).filter(|at| {
        let before = parts[at - 1].trim_end().trim_end_matches("Some(").trim_end();
        let after =
            parts.get(at + 1).map_or("", |after| after.trim_start_matches(')').trim_start());
        before.ends_with("==")
            || before.ends_with("!=")
            || after.starts_with("=>")
            || after == "|"
            || after.starts_with("| ")
    });
    strings.map(|at| parts[at]).collect()
}
