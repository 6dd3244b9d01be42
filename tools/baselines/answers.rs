//! Answers by the overlap of words: in the sentence that shares the most words with the question, the longest run of
//! words that are neither in the question nor function words; the first of equal ones. At most five words are taken.
//!
//! Scores are those of SQuAD's script: texts in lower case, without ASCII punctuation and articles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::array;

/// Words that are no answers by themselves.
const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "for",
    "from", "had", "has", "have", "he", "her", "his", "in", "is", "it", "its", "many", "much",
    "not", "of", "on", "or", "she", "that", "the", "their", "they", "this", "to", "was", "were",
    "what", "when", "where", "which", "who", "whom", "whose", "why", "how", "with", "would",
];

const MAX_WORDS: usize = 5;

/// The mean scores over all questions, as JSON by OBJECTIVE.METRIC.
pub(crate) fn report(document: &Value) -> Result<String, String> {
    let (mut n, mut exact, mut sum) = (0u32, 0.0, 0.0);
    for article in array(document, "data")? {
        for paragraph in array(article, "paragraphs")? {
            let context = string(paragraph, "context")?;
            for question in array(paragraph, "qas")? {
                let found = normalized(answer(context, string(question, "question")?));
                let gold = array(question, "answers")?.iter().map(|answer| string(answer, "text"));
                let gold: Vec<String> =
                    gold.map(|text| text.map(normalized)).collect::<Result<_, _>>()?;
                n += 1;
                exact += f64::from(u8::from(gold.contains(&found)));
                sum += gold.iter().map(|gold| f1(gold, &found)).fold(0.0, f64::max);
            }
        }
    }
    let percent = |sum: f64| 100.0 * sum / f64::from(n.max(1));
    let report = json!({ "answer.f1": percent(sum), "answer.exact_match": percent(exact) });
    Ok(format!("{report:#}"))
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    let found = value.get(key).and_then(Value::as_str);
    found.ok_or_else(|| format!("expected a string {key:?}, found none"))
}

/// The predicted answer to a question.
fn answer(context: &str, question: &str) -> String {
    let asked: BTreeSet<String> = words(question).map(bare).collect();
    let shared = |sentence: &&&str| {
        let found: BTreeSet<String> = words(sentence).map(bare).collect();
        found.iter().filter(|word| asked.contains(*word) && !is_function_word(word)).count()
    };
    let sentences = sentences(context);
    let best = sentences.iter().rev().max_by_key(shared).copied().unwrap_or_default();
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    for word in words(best) {
        let plain = bare(word);
        let is_answer = !asked.contains(&plain) && !is_function_word(&plain) && !plain.is_empty();
        match runs.last_mut() {
            Some(run) if is_answer => run.push(word),
            _ => runs.push(Vec::new()),
        }
        if word.ends_with([',', ';', ':', ')', '.']) {
            runs.push(Vec::new());
        }
    }
    let longest = runs.iter().rev().max_by_key(|run| run.len().min(MAX_WORDS));
    longest.map_or(String::new(), |run| run[..run.len().min(MAX_WORDS)].join(" "))
}

/// The sentences of a text: each ends with a mark before white space.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices([' ', '\n']) {
        if text[..at].ends_with(['.', '?', '!']) {
            sentences.push(&text[start..at]);
            start = at + 1;
        }
    }
    sentences.push(&text[start..]);
    sentences
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word)
}

/// A word in lower case, without marks around it.
fn bare(word: &str) -> String {
    word.trim_matches(|char: char| !char.is_alphanumeric()).to_lowercase()
}

/// The text that is compared.
fn normalized(text: impl AsRef<str>) -> String {
    let lower = text.as_ref().to_lowercase();
    let plain: String = lower.chars().filter(|char| !char.is_ascii_punctuation()).collect();
    let kept = plain.split_whitespace().filter(|word| !["a", "an", "the"].contains(word));
    kept.collect::<Vec<_>>().join(" ")
}

/// The harmonic mean of precision and recall of words.
fn f1(gold: &str, found: &str) -> f64 {
    let mut left = BTreeMap::<&str, usize>::new();
    for word in words(gold) {
        *left.entry(word).or_default() += 1;
    }
    let mut n_same = 0u32;
    for word in words(found) {
        if let Some(n) = left.get_mut(word).filter(|n| **n > 0) {
            *n -= 1;
            n_same += 1;
        }
    }
    let n_words = (words(gold).count() + words(found).count()) as f64;
    if n_same == 0 { 0.0 } else { 2.0 * f64::from(n_same) / n_words }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "The mill stood by the river. Anna Hale bought the mill in May 1912, \
                           before the war. Nobody said a word.";

    #[test]
    fn the_answer_is_in_the_sentence_with_the_words_of_the_question() {
        assert_eq!(answer(CONTEXT, "Who bought the mill?"), "Anna Hale");
        assert_eq!(answer(CONTEXT, "When did Anna Hale buy the mill?"), "May 1912,");
        assert_eq!(answer("", "Who?"), "");
        assert_eq!(sentences("One. Two? Three"), ["One.", "Two?", "Three"]);
    }

    #[test]
    fn scores_are_those_of_normalized_texts() {
        assert_eq!(normalized("The U.S. (mill),"), "us mill");
        assert_eq!(f1("us mill", "us mill"), 1.0);
        assert_eq!(f1("us", "us mill"), 2.0 / 3.0);
        assert_eq!(f1("us", "mill"), 0.0);
        let question =
            |text: &str, answer: &str| json!({ "question": text, "answers": [{ "text": answer }] });
        let qas = [question("Who bought the mill?", "Anna Hale."), question("Who?", "Ivo")];
        let document = json!({ "data": [{ "paragraphs": [{ "context": CONTEXT, "qas": qas }] }] });
        let report: Value = serde_json::from_str(&report(&document).unwrap()).unwrap();
        assert_eq!(report["answer.exact_match"], 50.0);
        assert_eq!(report["answer.f1"], 50.0);
    }
}
