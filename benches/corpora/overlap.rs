//! Answers by the overlap of words: in the sentence that shares the most words with the question, the longest run of
//! words that are neither in the question nor function words; the first of equal ones. At most five words are taken.

use std::{collections::BTreeSet, fs, path::Path};

use auxdesk::{
    data::{Prediction, prediction::ScoredText},
    metric::{Gold, Scorer, Scores, scorer::AnswerScorer},
};
use serde_json::Value;

/// Words that are no answers by themselves.
const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "for",
    "from", "had", "has", "have", "he", "her", "his", "in", "is", "it", "its", "many", "much",
    "not", "of", "on", "or", "she", "that", "the", "their", "they", "this", "to", "was", "were",
    "what", "when", "where", "which", "who", "whom", "whose", "why", "how", "with", "would",
];

const MAX_WORDS: usize = 5;

/// The metrics of the questions of a file in SQuAD's JSON.
pub(crate) fn scores(file: &Path) -> Scores {
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let string = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let mut scorer = Box::<AnswerScorer>::default();
    for paragraph in list(&document, "data").iter().flat_map(|it| list(it, "paragraphs")) {
        let context = string(&paragraph, "context");
        for question in list(&paragraph, "qas") {
            let text = answer(&context, &string(&question, "question"));
            let gold = list(&question, "answers").iter().map(|it| string(it, "text")).collect();
            let found = Prediction::Texts(vec![ScoredText { text, score: 0.0 }]);
            scorer.push(&Gold::Texts(gold), &found);
        }
    }
    let mut scores = Scores::default();
    scorer.finish(&mut scores);
    scores
}

/// The predicted answer to a question.
pub(crate) fn answer(context: &str, question: &str) -> String {
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
