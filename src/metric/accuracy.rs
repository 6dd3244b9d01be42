//! Accuracy of tags, over all tokens and separately over known and out-of-vocabulary ones.
//!
//! accuracy = 100 · correct / tokens, as in part-of-speech tagging; the two parts are those of
//! Plank et al. (2016), where a token is out of vocabulary if its form does not occur in the
//! training split.

use super::percent;

/// Accumulates tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy {
    known: Part,
    unknown: Part,
}

/// Whether the word occurs in the training split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It does.
    Known,
    /// It does not: the word is out of vocabulary.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    n_tokens: u64,
    n_right: u64,
}

impl Accuracy {
    /// Adds a token's gold and predicted label.
    pub fn add<T: PartialEq + ?Sized>(&mut self, gold: &T, predicted: &T, word: Word) {
        self.add_times(gold, predicted, word, 1);
    }

    /// Adds a number of tokens with the same labels.
    pub fn add_times<T: PartialEq + ?Sized>(
        &mut self,
        gold: &T,
        predicted: &T,
        word: Word,
        times: u64,
    ) {
        let part = match word {
            Word::Known => &mut self.known,
            Word::Unknown => &mut self.unknown,
        };
        part.n_tokens += times;
        part.n_right += if gold == predicted { times } else { 0 };
    }

    /// Over all tokens, in percent; `None` without tokens.
    pub fn accuracy(&self) -> Option<f64> {
        let both = Part {
            n_tokens: self.known.n_tokens + self.unknown.n_tokens,
            n_right: self.known.n_right + self.unknown.n_right,
        };
        both.score()
    }

    /// Over tokens known from the training split; `None` without such tokens.
    pub fn accuracy_known(&self) -> Option<f64> {
        self.known.score()
    }

    /// Over out-of-vocabulary tokens; `None` without such tokens.
    pub fn accuracy_oov(&self) -> Option<f64> {
        self.unknown.score()
    }
}

impl Part {
    fn score(self) -> Option<f64> {
        (self.n_tokens > 0).then(|| percent(self.n_right, self.n_tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{read, same, words};
    use super::*;

    #[test]
    fn known_and_unknown_tokens_add_up_to_all() {
        let mut scorer = Accuracy::default();
        for (gold, predicted, word) in [
            ("NOUN", "NOUN", Word::Known),
            ("VERB", "NOUN", Word::Known),
            ("ADJ", "ADJ", Word::Known),
            ("ADV", "ADJ", Word::Unknown),
        ] {
            scorer.add(gold, predicted, word);
        }
        assert_eq!(scorer.accuracy(), Some(50.0));
        assert_eq!(scorer.accuracy_known(), Some(200.0 / 3.0));
        assert_eq!(scorer.accuracy_oov(), Some(0.0));
    }

    #[test]
    fn a_part_without_tokens_has_no_accuracy() {
        let mut scorer = Accuracy::default();
        assert_eq!(scorer.accuracy(), None);
        scorer.add(&1, &1, Word::Known);
        assert_eq!((scorer.accuracy(), scorer.accuracy_oov()), (Some(100.0), None));
    }

    #[test]
    fn metrics_equal_scikit_learns() {
        for case in read("classes.json")["cases"].as_array().unwrap() {
            let mut scorer = Accuracy::default();
            for (gold, predicted) in words(&case["gold"]).iter().zip(words(&case["predicted"])) {
                scorer.add(gold.as_str(), &predicted, Word::Known);
            }
            let name = case["name"].as_str().unwrap();
            same(scorer.accuracy().unwrap(), &case["accuracy"], name);
        }
    }
}
