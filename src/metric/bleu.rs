//! BLEU (Papineni et al. 2002), as sacreBLEU 2.6.0 computes it (Post 2018).
//!
//! n-grams of 1 to 4 tokens, those of a text counted at most as often as in one of its references; the geometric mean
//! of the precisions over the corpus, times e^(1 − r/c) where the texts are shorter than their closest references.
//! Where no n-gram of a length matches, its precision is 1/2, 1/4, .. of one match (Chen and Cherry 2014, method 3).

use std::collections::HashMap;

use super::Tokenization;

/// The longest n-grams.
const ORDER: usize = 4;

/// Counts over a corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    matched: [u64; ORDER],
    total: [u64; ORDER],
    n_tokens: u64,
    n_reference: u64,
}

impl Bleu {
    /// Adds a text with its references, of which there is at least one.
    pub fn add(&mut self, text: &str, references: &[String], tokenization: Tokenization) {
        let tokens = tokenization.tokens(text);
        let references: Vec<Vec<String>> =
            references.iter().map(|reference| tokenization.tokens(reference)).collect();
        let n = tokens.len();
        let closest = references.iter().map(Vec::len);
        let closest = closest.min_by_key(|len| (len.abs_diff(n), *len)).unwrap_or(0);
        self.n_tokens += n as u64;
        self.n_reference += closest as u64;
        for order in 1..=ORDER {
            let mut most: HashMap<&[String], u64> = HashMap::new();
            for reference in &references {
                for (ngram, count) in counts(reference, order) {
                    let most = most.entry(ngram).or_default();
                    *most = count.max(*most);
                }
            }
            for (ngram, count) in counts(&tokens, order) {
                self.total[order - 1] += count;
                self.matched[order - 1] += count.min(most.get(ngram).copied().unwrap_or(0));
            }
        }
    }

    /// In percent; 0 where nothing matches.
    pub fn score(&self) -> f64 {
        if self.matched.iter().all(|&n| n == 0) {
            return 0.0;
        }
        let (c, r) = (self.n_tokens as f64, self.n_reference as f64);
        let brevity = if c < r { (1.0 - r / c).exp() } else { 1.0 };
        let (mut smoothing, mut sum) = (1.0, 0.0);
        for (&matched, &total) in self.matched.iter().zip(&self.total) {
            if total == 0 {
                return 0.0;
            }
            let precision = if matched == 0 {
                smoothing *= 2.0;
                100.0 / (smoothing * total as f64)
            } else {
                100.0 * matched as f64 / total as f64
            };
            sum += precision.ln();
        }
        brevity * (sum / ORDER as f64).exp()
    }
}

fn counts(tokens: &[String], order: usize) -> HashMap<&[String], u64> {
    let mut counts = HashMap::new();
    for ngram in tokens.windows(order) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Chrf, fixture};

    #[test]
    fn scores_equal_those_of_sacrebleu() {
        let cases = fixture::read("bleu.json");
        let cases = cases["cases"].as_array().unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let texts = fixture::words(&case["texts"]);
            let references: Vec<Vec<String>> =
                case["references"].as_array().unwrap().iter().map(fixture::words).collect();
            for name in ["none", "13a"] {
                let mut bleu = Bleu::default();
                for (text, references) in texts.iter().zip(&references) {
                    bleu.add(text, references, Tokenization::find(name));
                }
                let expected = case[name].as_f64().unwrap();
                assert!((bleu.score() - expected).abs() < 1e-9, "{name}: {case}, {}", bleu.score());
            }
            let mut chrf = Chrf::default();
            for (text, references) in texts.iter().zip(&references) {
                chrf.add(text, references);
            }
            let expected = case["chrf"].as_f64().unwrap();
            assert!((chrf.score() - expected).abs() < 1e-9, "chrF: {case}, {}", chrf.score());
        }
        let signatures = fixture::read("bleu.json");
        for name in ["none", "13a"] {
            let ours = Tokenization::find(name).signatures();
            assert_eq!(ours.to_vec(), fixture::words(&signatures["signatures"][name]));
        }
    }

    #[test]
    fn a_worked_example() {
        let mut bleu = Bleu::default();
        // 4 of 5 words, 3 of 4 pairs, 2 of 3 and 1 of 2 match; the reference has 6 words.
        let reference = ["a b c d f g".to_owned()];
        bleu.add("a b c d e", &reference, Tokenization::None);
        let mean = (0.8f64 * 0.75 * 2.0 / 3.0 * 0.5).powf(0.25);
        assert!((bleu.score() - 100.0 * mean * (1.0f64 - 6.0 / 5.0).exp()).abs() < 1e-9);
        assert!(Bleu::default().score().abs() < 1e-300);
    }
}
