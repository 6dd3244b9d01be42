//! Metrics of answers as SQuAD's official script computes them (version 1.1; Rajpurkar et al. 2016).
//!
//! Texts are compared in lower case, without ASCII punctuation and the articles a, an and the, and with single spaces.

use std::collections::BTreeMap;

use super::{Scorer, Scores};
use crate::{data::Prediction, metric::Gold};

/// Over examples with reference answers: `exact_match`, the share whose best text equals one of them; `f1`, the mean
/// of the best harmonic mean of precision and recall of words with any of them. Both in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerScorer {
    n_examples: u64,
    exact: f64,
    f1: f64,
}

impl Scorer for AnswerScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Texts(gold), Prediction::Texts(texts)) = (gold, prediction) else { return };
        if gold.is_empty() {
            return;
        }
        let found = texts.first().map_or("", |best| best.text.as_str());
        let is_exact = gold.iter().any(|gold| normalized(gold) == normalized(found));
        self.n_examples += 1;
        self.exact += f64::from(u8::from(is_exact));
        self.f1 += answer_f1(gold, found);
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_examples > 0 {
            let mean = |sum: f64| 100.0 * sum / self.n_examples as f64;
            scores.metrics.extend([("exact_match", mean(self.exact)), ("f1", mean(self.f1))]);
        }
    }
}

/// The best harmonic mean of precision and recall of words of a text with any reference answer, between 0 and 1.
pub fn answer_f1(gold: &[String], found: &str) -> f64 {
    let found = normalized(found);
    let of = |gold: &String| f1(&words(&normalized(gold)), &words(&found));
    gold.iter().map(of).fold(0.0, f64::max)
}

/// The words of a text, separated by what Python counts as white space.
fn words(text: &str) -> Vec<&str> {
    let is_space = |char: char| char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char);
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}

/// The text that is compared.
fn normalized(text: &str) -> String {
    let lower = text.to_lowercase();
    let bare: String = lower.chars().filter(|char| !char.is_ascii_punctuation()).collect();
    // An article stands between characters that are neither letters nor digits, as `\b` has it in Python.
    let mut kept = String::with_capacity(bare.len());
    let mut rest = bare.as_str();
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_alphanumeric();
        let end = rest.find(|char| is_word(char) != is_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = after;
    }
    words(&kept).join(" ")
}

/// The harmonic mean of precision and recall of words, each as often as it occurs.
fn f1(gold: &[&str], found: &[&str]) -> f64 {
    let mut remaining = BTreeMap::<&str, usize>::new();
    for word in gold {
        *remaining.entry(word).or_default() += 1;
    }
    let mut n_same = 0;
    for word in found {
        if let Some(n) = remaining.get_mut(word).filter(|n| **n > 0) {
            *n -= 1;
            n_same += 1;
        }
    }
    if n_same == 0 {
        return 0.0;
    }
    let n_same = f64::from(n_same);
    let (precision, recall) = (n_same / found.len() as f64, n_same / gold.len() as f64);
    2.0 * precision * recall / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::prediction::ScoredText,
        metric::fixture::{read, same},
    };

    fn scores(pairs: &[(Vec<String>, String)]) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(AnswerScorer::default());
        for (gold, found) in pairs {
            let best = ScoredText { text: found.clone(), score: 0.0 };
            scorer.push(&Gold::Texts(gold.clone()), &Prediction::Texts(vec![best]));
        }
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    fn pair(gold: &[&str], found: &str) -> (Vec<String>, String) {
        (gold.iter().map(|&gold| gold.to_owned()).collect(), found.to_owned())
    }

    #[test]
    fn case_punctuation_and_articles_do_not_count_and_any_answer_is_right() {
        assert_eq!(scores(&[pair(&["The U.S. Navy"], "us navy")])[0], ("exact_match", 100.0));
        // Two of two words are right, and two of three found.
        let found = scores(&[pair(&["a red boat", "in May"], "the small, red boat")]);
        assert_eq!(found[0], ("exact_match", 0.0));
        assert!((found[1].1 - 80.0).abs() < 1e-9, "{found:?}");
        // No answer is compared as an empty text, and examples without a reference are not scored.
        assert_eq!(scores(&[pair(&["May"], "")])[1], ("f1", 0.0));
        assert_eq!(scores(&[pair(&[], "May")]), []);
        let nothing = scores(&[pair(&["The"], "a")]);
        assert_eq!(nothing, [("exact_match", 100.0), ("f1", 0.0)], "no word in common");
    }

    #[test]
    fn exact_match_and_f1_equal_those_of_the_reference() {
        let fixture = read("answers.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            let texts = |value: &serde_json::Value| -> Vec<String> {
                let all = value.as_array().unwrap().iter();
                all.map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let gold = case["gold"].as_array().unwrap().iter().map(texts);
            let pairs: Vec<_> = gold.zip(texts(&case["found"])).collect();
            let (found, name) = (scores(&pairs), case["name"].as_str().unwrap());
            same(found[0].1, &case["exact_match"], name);
            same(found[1].1, &case["f1"], name);
        }
    }
}
