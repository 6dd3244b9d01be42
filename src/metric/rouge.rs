//! ROUGE: the overlap of a text with a reference (Lin 2004), as Google's rouge-score computes it without stemming.
//!
//! Tokens are runs of ASCII letters and digits in lower case. ROUGE-N counts n-grams, each as often as both texts have
//! it; ROUGE-L is the longest common subsequence of tokens. The score is the harmonic mean of precision and recall, in
//! percent.

use std::collections::HashMap;

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let tokens = text.split(|char: char| !char.is_ascii_lowercase() && !char.is_ascii_digit());
    tokens.filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

/// ROUGE-N of tokens, for n-grams of n ≥ 1 tokens.
pub fn rouge_n(reference: &[String], text: &[String], n: usize) -> f64 {
    let mut counts: HashMap<&[String], u64> = HashMap::new();
    for ngram in reference.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    let mut common = 0;
    for ngram in text.windows(n) {
        if let Some(remaining) = counts.get_mut(ngram).filter(|remaining| **remaining > 0) {
            *remaining -= 1;
            common += 1;
        }
    }
    let n_ngrams = |tokens: &[String]| (tokens.len() + 1).saturating_sub(n);
    harmonic(common, n_ngrams(reference), n_ngrams(text))
}

/// ROUGE-L of tokens.
pub fn rouge_l(reference: &[String], text: &[String]) -> f64 {
    // The longest common subsequence with the text up to each token, for the reference so far.
    let mut longest = vec![0; text.len() + 1];
    for token in reference {
        let mut diagonal = 0;
        for (at, other) in text.iter().enumerate() {
            let above = longest[at + 1];
            longest[at + 1] = if token == other { diagonal + 1 } else { above.max(longest[at]) };
            diagonal = above;
        }
    }
    harmonic(longest[text.len()], reference.len(), text.len())
}

fn harmonic(common: usize, n_reference: usize, n_text: usize) -> f64 {
    if common == 0 {
        return 0.0;
    }
    let (precision, recall) = (common as f64 / n_text as f64, common as f64 / n_reference as f64);
    200.0 * precision * recall / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::fixture::{read, same};

    /// Common: the, cat twice of three times; bigrams the-cat; the subsequence the, cat.
    #[test]
    fn a_worked_example() {
        let (reference, text) = (tokens("The cat, the CAT cat"), tokens("a the-cat-a cat!"));
        assert_eq!(text, ["a", "the", "cat", "a", "cat"]);
        assert!((rouge_n(&reference, &text, 1) - 60.0).abs() < 1e-9);
        assert!((rouge_n(&reference, &text, 2) - 25.0).abs() < 1e-9);
        assert!((rouge_l(&reference, &text) - 60.0).abs() < 1e-9);
        assert_eq!(rouge_n(&reference, &[], 1), 0.0);
        assert_eq!(rouge_n(&reference, &text[..1], 2), 0.0);
        assert_eq!(rouge_l(&[], &text), 0.0);
    }

    #[test]
    fn scores_equal_those_of_rouge_score() {
        let fixture = read("rouge.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 8);
        for case in cases {
            let text = |key: &str| tokens(case[key].as_str().unwrap());
            let (reference, text) = (text("reference"), text("text"));
            let name = case["name"].as_str().unwrap();
            same(rouge_n(&reference, &text, 1), &case["rouge1"], name);
            same(rouge_n(&reference, &text, 2), &case["rouge2"], name);
            same(rouge_l(&reference, &text), &case["rougeL"], name);
        }
    }
}
