//! Naive Bayes over words, smoothed by one: log P(label) + Σ log P(word | label).

use std::collections::{BTreeMap, BTreeSet};

use super::Text;

#[derive(Default)]
pub(super) struct Bayes {
    classes: BTreeMap<String, Class>,
    n_texts: usize,
    types: BTreeSet<String>,
}

#[derive(Default)]
struct Class {
    n_texts: usize,
    n_words: usize,
    words: BTreeMap<String, usize>,
}

impl Bayes {
    pub(super) fn learn<'a>(texts: impl IntoIterator<Item = &'a Text>) -> Self {
        let mut bayes = Self::default();
        for text in texts {
            let class = bayes.classes.entry(text.label.clone()).or_default();
            class.n_texts += 1;
            class.n_words += text.words.len();
            bayes.n_texts += 1;
            for word in &text.words {
                *class.words.entry(word.clone()).or_default() += 1;
                bayes.types.insert(word.clone());
            }
        }
        bayes
    }

    /// The most likely label; words that were never learnt say nothing.
    pub(super) fn guess(&self, words: &[String]) -> &str {
        let known: Vec<&String> = words.iter().filter(|word| self.types.contains(*word)).collect();
        let score = |class: &Class| {
            let prior = class.n_texts as f64 / self.n_texts as f64;
            let of = |word: &&String| class.words.get(*word).copied().unwrap_or_default() + 1;
            let all = (class.n_words + self.types.len()) as f64;
            prior.ln() + known.iter().map(|word| (of(word) as f64 / all).ln()).sum::<f64>()
        };
        let best = self.classes.iter().max_by(|a, b| score(a.1).total_cmp(&score(b.1)));
        best.map_or("", |(label, _)| label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_for_the_class_that_has_it_more_often() {
        let text = |label: &str, words: &str| Text {
            label: label.to_owned(),
            words: words.split(' ').map(str::to_owned).collect(),
        };
        let texts = [text("x", "a a b"), text("y", "b c"), text("y", "c d")];
        let bayes = Bayes::learn(&texts);
        let guess = |words: &str| bayes.guess(&text("", words).words).to_owned();
        // x: 1/3 · 3/6; y: 2/3 · 1/7.
        assert_eq!(guess("a"), "x");
        // x: 1/3 · 2/6; y: 2/3 · 2/7.
        assert_eq!(guess("b"), "y");
        assert_eq!(guess("never"), "y");
    }
}
