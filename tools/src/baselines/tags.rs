//! Corpora with one label per word: sizes, unknown words, ambiguity, and the score of the most
//! frequent tag of each word.

mod endings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::{percent, read};

/// A column to score.
struct Column {
    name: &'static str,
    /// The column indices of the word and the label.
    fields: (usize, usize),
    /// The label predicted for words unseen in train.
    unknown: &'static str,
    /// Whether the labels are spans, scored by F1.
    spans: bool,
}

/// Words with their labels, by sentence.
type Split = Vec<Vec<(String, String)>>;

const fn column(name: &'static str, label: usize, unknown: &'static str, spans: bool) -> Column {
    Column { name, fields: (0, label), unknown, spans }
}

/// The statistics of all such corpora in a directory.
pub(super) fn report(out: &mut String, folder: &Path) -> std::io::Result<()> {
    let news = [
        column("pos", 1, "NOUN", false),
        column("chunk", 2, "I-NP", true),
        column("entity", 3, "O", true),
    ];
    let notes = [Column { fields: (1, 3), ..column("upos", 3, "NOUN", false) }];
    let languages = folder.join("languages");
    corpus(out, &folder.join("news"), "tsv", &news)?;
    corpus(out, &folder.join("field-notes"), "conllu", &notes)?;
    for language in ["north", "south", "isle"] {
        corpus(out, &languages.join(language), "tsv", &[column("pos", 1, "NOUN", false)])?;
    }
    endings::report(out, &languages)
}

fn corpus(
    out: &mut String,
    folder: &Path,
    ending: &str,
    columns: &[Column],
) -> std::io::Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut say = |what: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name} {what}");
    };
    for (place, column) in columns.iter().enumerate() {
        let mut splits = Vec::new();
        for split in ["train", "dev", "test"] {
            let path = folder.join(format!("{split}.{ending}"));
            // An auxiliary corpus has no test split.
            if split != "test" || path.exists() {
                splits.push((split, sentences(&read(&path)?, column.fields)));
            }
        }
        let train = splits[0].1.clone();
        let most = most_frequent(&train);
        for (split, of) in &splits {
            if place == 0 {
                say(format_args!("{split}: {}", sizes(of, &most)));
            }
            if column.spans {
                say(format_args!("{split}: {} {}", column.name, coverage(of, &train)));
            }
            if *split != "train" {
                let score = if column.spans { f1 } else { accuracy };
                let score = score(of, &most, column);
                say(format_args!("{split}: {} by most frequent tag: {score}", column.name));
            }
        }
        if !column.spans {
            // Train has annotation errors, which would count as ambiguity.
            let clean: Split = splits.drain(1..).flat_map(|(_, split)| split).collect();
            let share = ambiguous(&clean);
            let of = column.name;
            say(format_args!(
                "without train: {share:.1} % of tokens are of a word with several {of}"
            ));
        }
    }
    Ok(())
}

/// The words and labels of a text with one token a line; comments and ranges are left out.
fn sentences(text: &str, (word, label): (usize, usize)) -> Split {
    let sentence = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("# "))
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|row| row.len() > label && !(row.len() == 10 && row[label] == "_"))
            .map(|row| (row[word].to_owned(), row[label].to_owned()))
            .collect()
    };
    text.split_terminator("\n\n").map(sentence).collect()
}

/// The most frequent label of each word; of several, the first by the alphabet.
fn most_frequent(split: &Split) -> BTreeMap<&str, &str> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (word, label) in split.iter().flatten() {
        *counts.entry(word).or_default().entry(label).or_default() += 1;
    }
    let most = |labels: BTreeMap<&str, usize>| labels.values().copied().max().unwrap_or_default();
    counts
        .into_iter()
        .filter_map(|(word, labels)| {
            let most = most(labels.clone());
            Some((word, labels.into_iter().find(|(_, count)| *count == most)?.0))
        })
        .collect()
}

fn sizes(split: &Split, known: &BTreeMap<&str, &str>) -> String {
    let words: Vec<&str> = split.iter().flatten().map(|(word, _)| word.as_str()).collect();
    let types: BTreeSet<&str> = words.iter().copied().collect();
    let unknown = words.iter().filter(|word| !known.contains_key(*word)).count();
    let share = percent(unknown, words.len());
    let (n, n_types) = (words.len(), types.len());
    format!("{} sentences, {n} tokens, {n_types} types, {share:.1} % not in train", split.len())
}

/// How much of a split spans cover, and how many of them train doesn't have.
fn coverage(split: &Split, train: &Split) -> String {
    let of = |split: &Split| -> Vec<(String, usize)> {
        let words = |sentence: &[(String, String)]| {
            let tags: Vec<&str> = sentence.iter().map(|(_, label)| label.as_str()).collect();
            let text = |start: usize, end: usize| {
                sentence[start..end].iter().map(|(word, _)| format!(" {word}")).collect()
            };
            let spans = spans(&tags).into_iter();
            spans.map(|(start, end, _)| (text(start, end), end - start)).collect::<Vec<_>>()
        };
        split.iter().flat_map(|sentence| words(sentence)).collect()
    };
    let (found, known) = (of(split), of(train));
    let known: BTreeSet<String> = known.into_iter().map(|(text, _)| text).collect();
    let n_tokens = split.iter().flatten().count();
    let covered = percent(found.iter().map(|(_, n)| n).sum(), n_tokens);
    let new = found.iter().filter(|(text, _)| !known.contains(text)).count();
    let new = percent(new, found.len());
    format!("spans cover {covered:.1} % of tokens; {new:.1} % of spans are not in train")
}

fn accuracy(split: &Split, most: &BTreeMap<&str, &str>, column: &Column) -> String {
    let (mut known, mut unknown) = ((0, 0), (0, 0));
    for (word, label) in split.iter().flatten() {
        let group = if most.contains_key(word.as_str()) { &mut known } else { &mut unknown };
        group.1 += 1;
        group.0 += usize::from(most.get(word.as_str()).unwrap_or(&column.unknown) == label);
    }
    let all = percent(known.0 + unknown.0, known.1 + unknown.1);
    let (known, unknown) = (percent(known.0, known.1), percent(unknown.0, unknown.1));
    format!("accuracy {all:.1}, known words {known:.1}, unknown words {unknown:.1}")
}

fn f1(split: &Split, most: &BTreeMap<&str, &str>, column: &Column) -> String {
    let (mut n_gold, mut n_guessed, mut n_right) = (0, 0, 0);
    for sentence in split {
        let gold: Vec<&str> = sentence.iter().map(|(_, label)| label.as_str()).collect();
        let guess: Vec<&str> = sentence
            .iter()
            .map(|(word, _)| *most.get(word.as_str()).unwrap_or(&column.unknown))
            .collect();
        let (gold, guess) = (spans(&gold), spans(&guess));
        n_gold += gold.len();
        n_guessed += guess.len();
        n_right += gold.intersection(&guess).count();
    }
    format!("F1 {:.1}", percent(2 * n_right, n_gold + n_guessed))
}

/// Spans as conlleval reads them: an I- that goes on from nothing, or from another type, opens one.
fn spans<'a>(tags: &[&'a str]) -> BTreeSet<(usize, usize, &'a str)> {
    let mut spans = BTreeSet::new();
    let mut open: Option<(usize, &str)> = None;
    for (place, tag) in tags.iter().chain([&"O"]).enumerate() {
        let (prefix, kind) = tag.split_once('-').unwrap_or(("O", ""));
        let goes_on = prefix == "I" && open.is_some_and(|(_, before)| before == kind);
        if goes_on {
            continue;
        }
        spans.extend(open.take().map(|(start, kind)| (start, place, kind)));
        open = (prefix != "O").then_some((place, kind));
    }
    spans
}

/// The share of tokens whose word has more than one label somewhere in the split.
fn ambiguous(split: &Split) -> f64 {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (word, label) in split.iter().flatten() {
        labels.entry(word).or_default().insert(label);
    }
    let n = split.iter().flatten().count();
    let n_ambiguous =
        split.iter().flatten().filter(|(word, _)| labels[word.as_str()].len() > 1).count();
    percent(n_ambiguous, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAIN: &str = "a\tB-X\na\tB-X\na\tO\nb\tI-X\n\nc\tO\n\n";

    #[test]
    fn a_word_gets_its_most_frequent_tag_and_an_unknown_one_the_default() {
        let train = sentences(TRAIN, (0, 1));
        let most = most_frequent(&train);
        let test = sentences("a\tB-X\nb\tI-X\nc\tO\nd\tB-X\n\n", (0, 1));
        // Right: "a b". The default O leaves out the second span of two: 2 · 1 / (2 + 1).
        assert_eq!(f1(&test, &most, &column("", 1, "O", true)), "F1 66.7");
        let text = accuracy(&test, &most, &column("", 1, "O", false));
        assert_eq!(text, "accuracy 75.0, known words 100.0, unknown words 0.0");
    }

    #[test]
    fn an_inside_tag_after_nothing_opens_a_span() {
        let found = spans(&["O", "I-X", "I-Y", "B-Y", "I-Y"]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(1, 2, "X"), (2, 3, "Y"), (3, 5, "Y")]);
    }

    #[test]
    fn a_word_with_two_tags_is_ambiguous_wherever_it_stands() {
        // Three of five tokens are "a", once O and twice B-X.
        assert!((ambiguous(&sentences(TRAIN, (0, 1))) - 60.0).abs() < 1e-9);
    }
}
