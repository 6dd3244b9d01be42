//! Metrics of generated texts.

use super::{PerplexityScorer, Scorer, Scores, TextScorer};
use crate::{
    data::Prediction,
    metric::{Bleu, Chrf, Gold, Tokenization},
};

/// `chrf`, `bleu` and `exact_match` of the best texts, and `perplexity`. An example without a text counts as one with an
/// empty text.
pub struct GenerationScorer {
    tokenization: Tokenization,
    bleu: Bleu,
    chrf: Chrf,
    n_texts: usize,
    exact: TextScorer,
}

impl GenerationScorer {
    /// With that tokenization of BLEU.
    pub fn new(tokenization: Tokenization) -> Self {
        let (bleu, chrf, exact) = (Bleu::default(), Chrf::default(), TextScorer::default());
        Self { tokenization, bleu, chrf, n_texts: 0, exact }
    }
}

impl Scorer for GenerationScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let Gold::Texts(references) = gold else { return };
        let none = Prediction::Texts(Vec::new());
        let (best, prediction) = match prediction {
            Prediction::Texts(texts) => {
                (texts.first().map_or("", |best| best.text.as_str()), prediction)
            }
            _ => ("", &none),
        };
        self.bleu.add(best, references, self.tokenization);
        self.chrf.add(best, references);
        self.n_texts += 1;
        self.exact.push(gold, prediction);
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_texts > 0 {
            scores.metrics.push(("chrf", self.chrf.score()));
            scores.metrics.push(("bleu", self.bleu.score()));
        }
        Box::new(self.exact).finish(scores);
        Box::new(PerplexityScorer).finish(scores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prediction::ScoredText;

    #[test]
    fn the_best_text_of_each_example_is_scored() {
        let mut scorer = Box::new(GenerationScorer::new(Tokenization::None));
        let gold = |text: &str| Gold::Texts(vec![text.to_owned()]);
        let texts = |texts: &[&str]| {
            let text = |text: &&str| ScoredText { text: (*text).to_owned(), score: 0.0 };
            Prediction::Texts(texts.iter().map(text).collect())
        };
        scorer.push(&gold("a b c d"), &texts(&["a b c d", "e"]));
        scorer.push(&gold("a b c d e"), &texts(&["e d c b a f"]));
        scorer.push(&Gold::None, &texts(&["x"]));
        let mut scores = Scores { sum: 6.0, count: 3, ..Scores::default() };
        scorer.finish(&mut scores);
        let names: Vec<_> = scores.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["chrf", "bleu", "exact_match", "perplexity"]);
        let values: Vec<f64> = scores.metrics.iter().map(|(_, value)| *value).collect();
        // 9 of 10 words, 3 of 8 pairs, 2 of 6 and 1 of 4 match.
        let bleu = 100.0 * (0.9f64 * 0.375 / 3.0 * 0.25).powf(0.25);
        assert!((values[1] - bleu).abs() < 1e-9, "{values:?}");
        assert!((values[2] - 50.0).abs() < 1e-9 && (values[3] - 2f64.exp()).abs() < 1e-9);
        let mut nothing = Scores::default();
        Box::new(GenerationScorer::new(Tokenization::V13a)).finish(&mut nothing);
        assert_eq!(nothing.metrics, []);
    }

    #[test]
    fn texts_of_three_words_have_a_first_metric_although_their_bleu_is_0() {
        let mut scorer = Box::new(GenerationScorer::new(Tokenization::None));
        let text = || ScoredText { text: "a b c".to_owned(), score: 0.0 };
        scorer.push(&Gold::Texts(vec!["a b c".to_owned()]), &Prediction::Texts(vec![text()]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        let wanted = [("chrf", 100.0), ("bleu", 0.0), ("exact_match", 100.0)];
        assert_eq!(scores.metrics[..3], wanted);
    }

    #[test]
    fn an_example_without_a_text_counts_as_one_with_an_empty_text() {
        let scores = |prediction: Prediction| {
            let mut scorer = Box::new(GenerationScorer::new(Tokenization::None));
            let text = |text: &str| vec![ScoredText { text: text.to_owned(), score: 0.0 }];
            let gold = Gold::Texts(vec!["a b c d e".to_owned()]);
            scorer.push(&gold, &Prediction::Texts(text("a b c d e")));
            scorer.push(&gold, &prediction);
            let mut scores = Scores::default();
            scorer.finish(&mut scores);
            scores.metrics.into_iter().filter(|(name, _)| *name != "perplexity").collect::<Vec<_>>()
        };
        let empty = ScoredText { text: String::new(), score: 0.0 };
        let of_none = scores(Prediction::None);
        assert_eq!(of_none, scores(Prediction::Texts(vec![empty])));
        assert_eq!(of_none[2], ("exact_match", 50.0));
        // Half as many words as the references have: the brevity penalty is exp(1 - 2).
        assert!((of_none[1].1 - 100.0 * f64::exp(-1.0)).abs() < 1e-9, "{of_none:?}");
    }
}
