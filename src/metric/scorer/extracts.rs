//! Metrics of extracted sentences.

use super::{Scorer, Scores};
use crate::{
    data::{Prediction, prediction::ScoredText},
    metric::{Counts, Gold, rouge},
};

/// The class of sentences that are extracted.
const EXTRACTED: u32 = 1;

/// `f1`, `precision` and `recall` of the extracted sentences of all documents; `rouge_1`, `rouge_2` and `rouge_l`, the
/// means over documents with a reference, of the extracted sentences in their order. The same of the lead, the first
/// sentences of each document: `lead_f1`, `lead_rouge_1` and so on. All in percent.
pub struct ExtractScorer {
    /// The number of sentences of a lead.
    lead: usize,
    sentences: Counts,
    of_lead: Counts,
    texts: Rouge,
    lead_texts: Rouge,
}

/// Sums of ROUGE-1, ROUGE-2 and ROUGE-L.
#[derive(Clone, Copy, Debug, Default)]
struct Rouge {
    n_documents: u64,
    sums: [f64; 3],
}

impl Rouge {
    fn add(&mut self, reference: &[String], texts: &[&ScoredText]) {
        let text: Vec<String> = texts.iter().flat_map(|text| rouge::tokens(&text.text)).collect();
        let scores = [
            rouge::rouge_n(reference, &text, 1),
            rouge::rouge_n(reference, &text, 2),
            rouge::rouge_l(reference, &text),
        ];
        self.n_documents += 1;
        self.sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
    }

    fn means(self, names: [&'static str; 3]) -> impl Iterator<Item = (&'static str, f64)> {
        let mean = move |sum: f64| sum / self.n_documents as f64;
        let all = names.into_iter().zip(self.sums).map(move |(name, sum)| (name, mean(sum)));
        all.filter(move |_| self.n_documents > 0)
    }
}

/// The sentences that are extracted, by their scores in a document: those above 0, or else the one with the largest.
pub fn extracted(scores: &[f32]) -> Vec<bool> {
    let mut chosen: Vec<bool> = scores.iter().map(|&score| score > 0.0).collect();
    let largest = (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    if let Some(largest) = largest.filter(|_| !chosen.contains(&true)) {
        chosen[largest] = true;
    }
    chosen
}

/// The counts of one sentence.
fn one(gold: bool, predicted: bool) -> Counts {
    let [gold, predicted, correct] = [gold, predicted, gold && predicted].map(u64::from);
    Counts { gold, predicted, correct }
}

impl ExtractScorer {
    /// For leads of so many sentences.
    pub fn new(lead: usize) -> Self {
        let (counts, texts) = (Counts::default(), Rouge::default());
        Self { lead, sentences: counts, of_lead: counts, texts, lead_texts: texts }
    }
}

impl Scorer for ExtractScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        match (gold, prediction) {
            (Gold::Classes { classes, .. }, Prediction::Classes(predicted)) => {
                let sentences = classes.iter().zip(predicted).enumerate();
                for (at, (gold, predicted)) in sentences {
                    let Some(gold) = gold.map(|gold| gold == EXTRACTED) else { continue };
                    self.sentences = self.sentences.plus(one(gold, *predicted == EXTRACTED));
                    self.of_lead = self.of_lead.plus(one(gold, at < self.lead));
                }
            }
            (Gold::Texts(references), Prediction::Texts(sentences)) => {
                let Some(reference) = references.first() else { return };
                let reference = rouge::tokens(reference);
                let scores: Vec<f32> = sentences.iter().map(|sentence| sentence.score).collect();
                let chosen = sentences.iter().zip(extracted(&scores));
                let chosen: Vec<&ScoredText> =
                    chosen.filter(|(_, is_chosen)| *is_chosen).map(|(text, _)| text).collect();
                self.texts.add(&reference, &chosen);
                let lead: Vec<&ScoredText> = sentences.iter().take(self.lead).collect();
                self.lead_texts.add(&reference, &lead);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let Self { sentences, of_lead, texts, lead_texts, .. } = *self;
        if sentences.gold + sentences.predicted > 0 {
            scores.metrics.extend([
                ("f1", sentences.f1()),
                ("precision", sentences.precision()),
                ("recall", sentences.recall()),
                ("lead_f1", of_lead.f1()),
            ]);
        }
        scores.metrics.extend(texts.means(["rouge_1", "rouge_2", "rouge_l"]));
        let names = ["lead_rouge_1", "lead_rouge_2", "lead_rouge_l"];
        scores.metrics.extend(lead_texts.means(names));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(predicted: &[u32]) -> Prediction {
        Prediction::Classes(predicted.to_vec())
    }

    fn gold(classes: &[u32]) -> Gold {
        Gold::Classes { classes: classes.iter().copied().map(Some).collect(), oov: Vec::new() }
    }

    #[test]
    fn the_sentences_above_0_are_extracted_or_else_the_first_of_the_best() {
        assert_eq!(extracted(&[0.1, -0.1, 0.0, 2.0]), [true, false, false, true]);
        assert_eq!(extracted(&[-2.0, -1.0, -1.0]), [false, true, false]);
        assert_eq!(extracted(&[]), [false; 0]);
    }

    /// Leads of two: of the gold sentences 1, 2 and 3 they have one, and of the three predicted two are correct.
    #[test]
    fn a_worked_example() {
        let mut scorer = Box::new(ExtractScorer::new(2));
        scorer.push(&gold(&[0, 1, 1, 1]), &classes(&[0, 1, 1, 0]));
        scorer.push(&gold(&[0]), &classes(&[1]));
        let sentence = |(text, score): (&str, f32)| ScoredText { text: text.to_owned(), score };
        let sentences =
            [("Costs rose.", -1.0), ("The vote fell.", 2.0), ("Rain", 1.0)].map(sentence);
        let reference = Gold::Texts(vec!["the vote fell, rain".to_owned()]);
        scorer.push(&reference, &Prediction::Texts(sentences.into()));
        scorer.push(&Gold::None, &classes(&[1]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        let found: Vec<String> =
            scores.metrics.iter().map(|(name, score)| format!("{name} {score:.1}")).collect();
        // The lead has 5 tokens, of which 3 are in the reference of 4.
        let wanted = [
            "f1 66.7",
            "precision 66.7",
            "recall 66.7",
            "lead_f1 33.3",
            "rouge_1 100.0",
            "rouge_2 100.0",
            "rouge_l 100.0",
            "lead_rouge_1 66.7",
            "lead_rouge_2 57.1",
            "lead_rouge_l 66.7",
        ];
        assert_eq!(found, wanted);
    }
}
