//! chrF2 (Popović 2015), as sacreBLEU 2.6.0 computes it.
//!
//! n-grams of 1 to 6 characters, without white space. Precision and recall over the corpus, each the mean over the
//! lengths that both have, and their F-score with β = 2. Of several references the one with the best score counts.

use std::collections::HashMap;

use super::tokenization::is_space;

/// The longest n-grams.
const ORDER: usize = 6;

/// β².
const FACTOR: f64 = 4.0;

/// Counts of n-grams: of the text, of the reference, and of both.
type Counts = [[u64; 3]; ORDER];

/// Counts over a corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrf(Counts);

impl Chrf {
    /// Adds a text with its references.
    pub fn add(&mut self, text: &str, references: &[String]) {
        let text = characters(text);
        let mut best: Option<(f64, Counts)> = None;
        for reference in references {
            let counts = compare(&text, &characters(reference));
            let score = score(&counts);
            if best.is_none_or(|(best, _)| score > best) {
                best = Some((score, counts));
            }
        }
        let Some((_, counts)) = best else { return };
        for (sums, counts) in self.0.iter_mut().zip(counts) {
            for (sum, n) in sums.iter_mut().zip(counts) {
                *sum += n;
            }
        }
    }

    /// In percent.
    pub fn score(&self) -> f64 {
        score(&self.0)
    }
}

fn characters(text: &str) -> Vec<char> {
    text.chars().filter(|char| !is_space(*char)).collect()
}

fn compare(text: &[char], reference: &[char]) -> Counts {
    let mut all = Counts::default();
    for (order, counts) in (1..).zip(&mut all) {
        let mut remaining: HashMap<&[char], u64> = HashMap::new();
        for ngram in reference.windows(order) {
            *remaining.entry(ngram).or_default() += 1;
        }
        let mut n_matched = 0;
        for ngram in text.windows(order) {
            if let Some(remaining) = remaining.get_mut(ngram).filter(|remaining| **remaining > 0) {
                *remaining -= 1;
                n_matched += 1;
            }
        }
        let n_ngrams = |characters: &[char]| (characters.len() + 1).saturating_sub(order) as u64;
        // Those of the text do not count where the reference has none.
        let n_reference = n_ngrams(reference);
        let n_text = if n_reference > 0 { n_ngrams(text) } else { 0 };
        *counts = [n_text, n_reference, n_matched];
    }
    all
}

fn score(counts: &Counts) -> f64 {
    let (mut precision, mut recall, mut n) = (0.0, 0.0, 0.0);
    for &[n_text, n_reference, n_matched] in counts {
        if n_text > 0 && n_reference > 0 {
            precision += n_matched as f64 / n_text as f64;
            recall += n_matched as f64 / n_reference as f64;
            n += 1.0;
        }
    }
    if precision + recall > 0.0 {
        let (precision, recall) = (precision / n, recall / n);
        100.0 * (1.0 + FACTOR) * precision * recall / (FACTOR * precision + recall)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example() {
        let mut chrf = Chrf::default();
        // 2 of 3 letters and 1 of 2 pairs match, no triple; the reference has 2, 1 and 0.
        chrf.add("ab c", &["a b".to_owned()]);
        let (precision, recall) = (7.0 / 12.0, 1.0);
        let expected = 500.0 * precision * recall / (4.0 * precision + recall);
        assert!((chrf.score() - expected).abs() < 1e-9, "{}", chrf.score());
        assert!(Chrf::default().score().abs() < 1e-300);
    }
}
