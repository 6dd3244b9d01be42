//! Corpora with one label per text: sizes, and the scores of the majority class and of naive Bayes.

mod bayes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::{percent, read};
use bayes::Bayes;

const DOMAINS: [&str; 4] = ["books", "kitchen", "music", "sports"];
const FINE: [&str; 5] = ["-2", "-1", "0", "1", "2"];
const COARSE: [&str; 3] = ["negative", "neutral", "positive"];

/// A text with its label; the label may be empty.
struct Text {
    label: String,
    words: Vec<String>,
}

/// The statistics of all such corpora in a directory.
pub(super) fn report(out: &mut String, folder: &Path) -> std::io::Result<()> {
    reviews(out, &folder.join("reviews"))?;
    for (name, order) in [("fine", &FINE[..]), ("coarse", &COARSE[..])] {
        sentiment(out, &folder.join("sentiment"), name, order)?;
    }
    Ok(())
}

fn reviews(out: &mut String, folder: &Path) -> std::io::Result<()> {
    let of = |domain: &str, split: &str| texts(&folder.join(domain).join(format!("{split}.tsv")));
    let pivots = read(&folder.join("pivots.txt"))?;
    let pivots: BTreeSet<&str> = pivots.lines().collect();
    let trains = DOMAINS.map(|domain| of(domain, "train"));
    let trains: Vec<Vec<Text>> = trains.into_iter().collect::<Result<_, _>>()?;
    for (place, domain) in DOMAINS.into_iter().enumerate() {
        let known = words(&trains[place]);
        for split in ["train", "dev", "test", "unlabelled"] {
            let texts = of(domain, split)?;
            let share = |of: &dyn Fn(&str) -> bool| {
                let found = |text: &&Text| text.words.iter().any(|word| of(word));
                percent(texts.iter().filter(found).count(), texts.len())
            };
            let pivot = share(&|word| pivots.contains(word));
            let name = share(&|word| word.starts_with(char::is_uppercase));
            say(out, domain, split, &sizes(&texts, &known));
            let holds = format!("{pivot:.1} % hold a shared word, {name:.1} % a name");
            say(out, domain, split, &format!("{}; {holds}", shares(&texts)));
        }
        let test = of(domain, "test")?;
        let most = most_frequent(&trains[place]);
        say(out, domain, "test", &format!("largest class: {:.1}", accuracy(&test, |_| most)));
        for (from, train) in DOMAINS.into_iter().zip(&trains) {
            bayes(out, (domain, from), &test, &[train]);
        }
        let others: Vec<&Vec<Text>> =
            trains.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, of)| of).collect();
        bayes(out, (domain, "the others"), &test, &others);
        bayes(out, (domain, "all"), &test, &trains.iter().collect::<Vec<_>>());
    }
    Ok(())
}

fn bayes(out: &mut String, (domain, from): (&str, &str), test: &[Text], trains: &[&Vec<Text>]) {
    let bayes = Bayes::learn(trains.iter().copied().flatten());
    let score = accuracy(test, |text| bayes.guess(&text.words));
    say(out, domain, "test", &format!("naive Bayes of {from}: {score:.1}"));
}

fn sentiment(out: &mut String, folder: &Path, name: &str, order: &[&str]) -> std::io::Result<()> {
    let of = |split: &str| texts(&folder.join(format!("{name}.{split}.tsv")));
    let train = of("train")?;
    let (known, most) = (words(&train), most_frequent(&train));
    let bayes = Bayes::learn(&train);
    for split in ["train", "dev", "test"] {
        let texts = of(split)?;
        say(out, name, split, &sizes(&texts, &known));
        say(out, name, split, &shares(&texts));
        if split != "train" {
            let score = |guess: &dyn Fn(&Text) -> String| {
                let error = macro_mae(&texts, order, guess);
                format!("{:.1}, macro MAE {error:.2}", accuracy(&texts, guess))
            };
            let largest = score(&|_| most.to_owned());
            let bayes = score(&|text| bayes.guess(&text.words).to_owned());
            say(out, name, split, &format!("largest class: {largest}; naive Bayes: {bayes}"));
        }
    }
    Ok(())
}

fn say(out: &mut String, corpus: &str, split: &str, what: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{corpus} {split}: {what}");
}

fn texts(path: &Path) -> std::io::Result<Vec<Text>> {
    let text = |line: &str| {
        let (label, text) = line.split_once('\t').unwrap_or(("", line));
        Text { label: label.to_owned(), words: text.split(' ').map(str::to_owned).collect() }
    };
    Ok(read(path)?.lines().map(text).collect())
}

fn words(texts: &[Text]) -> BTreeSet<&str> {
    texts.iter().flat_map(|text| &text.words).map(String::as_str).collect()
}

fn sizes(texts: &[Text], known: &BTreeSet<&str>) -> String {
    let all: Vec<&String> = texts.iter().flat_map(|text| &text.words).collect();
    let unknown = all.iter().filter(|word| !known.contains(word.as_str())).count();
    let unknown = percent(unknown, all.len());
    let (n_texts, n_types) = (texts.len(), words(texts).len());
    format!("{n_texts} texts, {} tokens, {n_types} types, {unknown:.1} % not in train", all.len())
}

/// The label distribution of a split.
fn shares(texts: &[Text]) -> String {
    let share = |(label, n): (&str, usize)| {
        let label = if label.is_empty() { "no label" } else { label };
        format!("{label} {:.1} %", percent(n, texts.len()))
    };
    counts(texts).into_iter().map(share).collect::<Vec<_>>().join(", ")
}

fn counts(texts: &[Text]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text.label.as_str()).or_default() += 1;
    }
    counts
}

fn most_frequent(texts: &[Text]) -> &str {
    counts(texts).into_iter().max_by_key(|(_, n)| *n).map_or("", |(label, _)| label)
}

fn accuracy<S: AsRef<str>>(texts: &[Text], guess: impl Fn(&Text) -> S) -> f64 {
    let right = texts.iter().filter(|text| guess(text).as_ref() == text.label).count();
    percent(right, texts.len())
}

/// The mean absolute difference between predicted and gold classes, macro-averaged over the gold
/// classes.
fn macro_mae(texts: &[Text], order: &[&str], guess: impl Fn(&Text) -> String) -> f64 {
    let place = |label: &str| order.iter().position(|other| *other == label);
    let labels = counts(texts);
    let errors = labels.iter().map(|(label, n)| {
        let error = |text: &Text| {
            let (gold, guess) = (place(label), place(&guess(text)));
            gold.zip(guess).map_or(0, |(gold, guess)| gold.abs_diff(guess))
        };
        let own = texts.iter().filter(|text| text.label == *label);
        own.map(error).sum::<usize>() as f64 / *n as f64
    });
    errors.sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_weighs_the_same_in_the_error() {
        let text = |label: &str| Text { label: label.to_owned(), words: Vec::new() };
        let texts = ["-2", "0", "0", "0", "1"].map(text);
        // Predicting 0 always is off by 2, 0 and 1.
        let error = macro_mae(&texts, &FINE, |_| "0".to_owned());
        assert!((error - 1.0).abs() < 1e-9, "{error}");
    }
}
