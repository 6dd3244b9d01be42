//! The lambda calculus of the ATIS test split with the variables of train and dev.
//!
//! There they are `$0`, `$1` and so on, in the order of their first occurrence in all forms but one; in the test split they
//! have other names, such as `$v0`. Forms that differ in the names of their variables are the same.

use std::{collections::BTreeMap, fs, path::Path};

const NAME: &str = "atis_lambda_test.tsv";

/// Converts the test split of a folder, which keeps its file name.
pub(crate) fn numbered(from: &Path, into: &Path) {
    let text = fs::read_to_string(from.join(NAME)).unwrap();
    let lines = text.lines().map(|line| {
        let (question, form) = line.split_once('\t').unwrap();
        format!("{question}\t{}\n", in_form(form))
    });
    let text: String = lines.collect();
    assert!(!text.contains("$v"), "a variable kept its name");
    fs::create_dir_all(into).unwrap();
    fs::write(into.join(NAME), text).unwrap();
}

fn in_form(form: &str) -> String {
    let mut numbers = BTreeMap::new();
    let token = |token| {
        if !str::starts_with(token, "$") {
            return token.to_owned();
        }
        let next = numbers.len();
        format!("${}", numbers.entry(token).or_insert(next))
    };
    form.split(' ').map(token).collect::<Vec<_>>().join(" ")
}
