//! Error rates of transcripts.

use super::{Scorer, Scores};
use crate::{
    data::Prediction,
    metric::{EditRate, Gold},
};

/// Of transcripts in characters, `cer` and `wer`: the character and the word error rate. Of transcripts in other tokens
/// with spaces between, `token_error_rate`, which for phonemes is the phoneme error rate. All are over the best text, no
/// text being an empty one, and a first reference; in percent, lower is better.
#[derive(Clone, Copy, Debug)]
pub struct TranscriptScorer {
    /// `None` for tokens.
    characters: Option<EditRate>,
    words: EditRate,
}

impl TranscriptScorer {
    /// For texts in characters.
    pub fn of_characters() -> Self {
        Self { characters: Some(EditRate::default()), words: EditRate::default() }
    }

    /// For texts in tokens with spaces between.
    pub fn of_tokens() -> Self {
        Self { characters: None, words: EditRate::default() }
    }
}

impl Scorer for TranscriptScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Texts(gold), Prediction::Texts(texts)) = (gold, prediction) else { return };
        let Some(reference) = gold.first() else { return };
        let best = texts.first().map_or("", |best| best.text.as_str());
        if let Some(characters) = &mut self.characters {
            characters.add_characters(reference, best);
        }
        self.words.add_words(reference, best);
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let characters = self.characters.map(|rate| ("cer", rate));
        let words = if characters.is_some() { "wer" } else { "token_error_rate" };
        let rates = characters.into_iter().chain([(words, self.words)]);
        scores.metrics.extend(rates.filter_map(|(name, rate)| Some((name, rate.rate()?))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::prediction::ScoredText;

    fn scored(scorer: TranscriptScorer, pairs: &[(&str, &[&str])]) -> Vec<(&'static str, f64)> {
        let mut scorer = Box::new(scorer);
        for (gold, texts) in pairs {
            let text = |text: &&str| ScoredText { text: (*text).to_owned(), score: 0.0 };
            let texts = texts.iter().map(text).collect();
            scorer.push(&Gold::Texts(vec![(*gold).to_owned()]), &Prediction::Texts(texts));
        }
        scorer.push(&Gold::None, &Prediction::Texts(Vec::new()));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn the_best_text_is_scored_and_no_text_is_an_empty_one() {
        let pairs: [(&str, &[&str]); 2] = [("ab cd", &["ab ce", "ab cd"]), ("x", &[])];
        // Two of six characters, and two of three words.
        let wanted = [("cer", 100.0 / 3.0), ("wer", 200.0 / 3.0)];
        assert_eq!(scored(TranscriptScorer::of_characters(), &pairs), wanted);
        let wanted = [("token_error_rate", 200.0 / 3.0)];
        assert_eq!(scored(TranscriptScorer::of_tokens(), &pairs), wanted);
        assert_eq!(scored(TranscriptScorer::of_characters(), &[]), []);
    }
}
