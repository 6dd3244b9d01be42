//! GeoQuery with classes in place of names, in questions and in logical forms, as Dong and Lapata (2016) train on it.
//!
//! The names and their classes are those of the FunQL forms of both splits, which stand for the database of places. In a
//! question the longest name at each word becomes its classes and a number, such as `state0`, or `city-state0` where the
//! database has both; the form of a question is not read for that. In its form the names that were found become the same
//! words, so that the form with its names follows from the question. A country is written in many ways and stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The classes of each name.
type Names = BTreeMap<String, BTreeSet<String>>;

/// Converts the tables of a folder, which keep their file names.
pub(crate) fn classes(from: &Path, into: &Path) {
    let text = |name: &str| fs::read_to_string(from.join(name)).unwrap();
    let mut names = Names::new();
    for name in ["geo_funql_train.tsv", "geo_funql_test.tsv"] {
        text(name).lines().for_each(|line| add_names(line, &mut names));
    }
    fs::create_dir_all(into).unwrap();
    for formalism in ["funql_train", "funql_test", "lambda_calculus_train", "lambda_calculus_test"]
        .into_iter()
        .chain(["prolog_train_fixed", "prolog_test_fixed"])
    {
        let name = format!("geo_{formalism}.tsv");
        let lines = text(&name);
        let lines = lines.lines().map(|line| {
            let (question, form) = line.split_once('\t').unwrap();
            let (question, found) = in_question(question, &names);
            format!("{question}\t{}\n", in_form(form, formalism.starts_with("funql"), &found))
        });
        fs::write(into.join(&name), lines.collect::<String>()).unwrap();
    }
}

/// Adds the names of a form in FunQL, such as `cityid('austin', _)`.
fn add_names(form: &str, names: &mut Names) {
    for (at, _) in form.match_indices("id('") {
        let class: String = form[..at].chars().rev().take_while(char::is_ascii_lowercase).collect();
        let class: String = class.chars().rev().collect();
        let name = form[at + 4..].split('\'').next().unwrap().to_owned();
        if class != "country" {
            names.entry(name).or_default().insert(class);
        }
    }
}

/// A question with words in place of its names, and these words.
fn in_question(question: &str, names: &Names) -> (String, BTreeMap<String, String>) {
    let words: Vec<&str> = question.split_whitespace().collect();
    let (mut written, mut found, mut at) = (Vec::new(), BTreeMap::new(), 0);
    while at < words.len() {
        let longest = (at + 1..=words.len()).rev().find_map(|end| {
            let name = words[at..end].join(" ");
            names.get(&name).map(|classes| (end, name, classes))
        });
        let Some((end, name, classes)) = longest else {
            written.push(words[at].to_owned());
            at += 1;
            continue;
        };
        let classes = classes.iter().map(String::as_str).collect::<Vec<_>>().join("-");
        let of =
            |word: &&String| word.trim_end_matches(|char: char| char.is_ascii_digit()) == classes;
        let n = found.values().filter(of).count();
        written.push(found.entry(name).or_insert_with(|| format!("{classes}{n}")).clone());
        at = end;
    }
    (written.join(" "), found)
}

/// A form in which the names of its question are words. In Prolog only names that have a space are in quotes, which the
/// words have not.
fn in_form(form: &str, is_funql: bool, found: &BTreeMap<String, String>) -> String {
    // Names, and what follows them: a quote, a comma or a bracket, or in lambda calculus a colon and a type.
    let is_of_name = |char: char| char.is_ascii_alphanumeric() || "_ .'".contains(char);
    let mut written = String::new();
    let mut rest = form;
    while let Some(start) = rest.find(['(', ' ']) {
        let (before, after) = rest.split_at(start + 1);
        written.push_str(before);
        let quoted = after.strip_prefix('\'').and_then(|quoted| quoted.find('\'')).map(|at| at + 2);
        let end = quoted.or_else(|| after.find(|char| !is_of_name(char) || char == ' '));
        let (constant, then) = after.split_at(end.unwrap_or(after.len()));
        let Some(word) = word_of(constant, then, found) else {
            rest = after;
            continue;
        };
        let quote = if constant.starts_with('\'') && is_funql { "'" } else { "" };
        written.extend([quote, word, quote]);
        rest = then;
    }
    written + rest
}

/// The word for a constant of a form, where it is a name of the question: that of a city in lambda calculus ends in its
/// state, that of a river in its kind.
fn word_of<'a>(constant: &str, then: &str, found: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let name = constant.trim_matches('\'').replace('_', " ");
    let is_typed = then.starts_with(':');
    if !(is_typed || then.starts_with([',', ')'])) {
        return None;
    }
    let shorter = name.rsplit_once(' ').filter(|_| is_typed).map(|(shorter, _)| shorter);
    let word = found.get(&name).or_else(|| found.get(shorter?));
    word.map(String::as_str)
}
