//! Metrics of one tag per token, by span where the tags have a scheme. The accuracy of parts of speech is UPOS of the
//! CoNLL 2018 shared task, as the words are given.

use super::{Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction},
    metric::{Accuracy, FScore, Gold, SpanF1, TagScheme, Word},
};

/// Counts tags, and the spans that they encode.
pub struct TagScorer {
    names: Lexicon,
    /// Counts spans, if the tags encode spans.
    spans: Option<SpanF1>,
    /// Each name in the form that conlleval reads, if the tags encode spans.
    canonical: Vec<String>,
    /// The tag whose F0.5 is computed.
    positive: Option<String>,
    tags: FScore,
    accuracy: Accuracy,
}

impl TagScorer {
    /// For tags with these names, which encode spans if there is a scheme.
    pub fn new(names: Lexicon, scheme: Option<TagScheme>, positive: Option<String>) -> Self {
        let canonical = scheme.iter().flat_map(|scheme| {
            names.iter().map(|name| scheme.canonical(name).into_owned()).collect::<Vec<_>>()
        });
        Self {
            canonical: canonical.collect(),
            names,
            spans: scheme.map(|_| SpanF1::default()),
            positive,
            tags: FScore::default(),
            accuracy: Accuracy::default(),
        }
    }

    /// Whether metrics of single tags are needed.
    fn counts_tags(&self) -> bool {
        self.spans.is_none() || self.positive.is_some()
    }
}

impl Scorer for TagScorer {
    /// A token without a gold tag is not scored; in a sentence with one, no span is.
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Classes { classes, oov }, Prediction::Classes(predicted)) = (gold, prediction)
        else {
            return;
        };
        let counts_tags = self.counts_tags();
        for (at, (gold, predicted)) in classes.iter().zip(predicted).enumerate() {
            let Some(gold) = gold else { continue };
            let (gold, predicted) = (self.names.get(*gold), self.names.get(*predicted));
            let is_oov = oov.get(at).copied().unwrap_or_default();
            let word = if is_oov { Word::Unknown } else { Word::Known };
            self.accuracy.add(gold, predicted, word);
            if counts_tags {
                self.tags.add(gold, predicted);
            }
        }
        let name = |id: &u32| self.canonical[*id as usize].as_str();
        let gold: Option<Vec<&u32>> = classes.iter().map(Option::as_ref).collect();
        if let (Some(spans), Some(gold)) = (&mut self.spans, gold) {
            let gold: Vec<&str> = gold.into_iter().map(name).collect();
            let predicted: Vec<&str> = predicted.iter().map(name).collect();
            spans.add(&gold, &predicted);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        let Self { spans, positive, tags, accuracy, .. } = *self;
        let Some(all) = accuracy.accuracy() else { return };
        let metrics = &mut scores.metrics;
        metrics.extend(positive.map(|tag| ("f0.5", tags.f_beta(&tag, 0.5))));
        if let Some(spans) = &spans {
            let overall = spans.overall();
            metrics.extend([
                ("f1", overall.f1),
                ("precision", overall.precision),
                ("recall", overall.recall),
            ]);
        }
        metrics.push(("accuracy", all));
        metrics.extend(accuracy.accuracy_known().map(|known| ("accuracy_known", known)));
        metrics.extend(accuracy.accuracy_oov().map(|oov| ("accuracy_oov", oov)));
        scores.classes = match spans {
            Some(spans) => spans.by_class(),
            None => tags.by_class(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{
        Scheme,
        fixture::{read, same, words},
    };

    /// The cases of conlleval as ids, which is what an objective passes.
    #[test]
    fn metrics_from_ids_equal_conllevals() {
        for case in read("spans.json")["cases"].as_array().unwrap() {
            let mut names = Lexicon::default();
            let mut ids = |key: &str| -> Vec<Vec<u32>> {
                let sentences = case[key].as_array().unwrap().iter();
                let ids = |tags| words(tags).iter().map(|tag| names.intern(tag)).collect();
                sentences.map(ids).collect()
            };
            let (gold, predicted) = (ids("gold"), ids("predicted"));
            let mut scorer = Box::new(TagScorer::new(names, Some(Scheme::Iob2.into()), None));
            for (gold, predicted) in gold.into_iter().zip(predicted) {
                let classes = gold.into_iter().map(Some).collect();
                let gold = Gold::Classes { classes, oov: Vec::new() };
                scorer.push(&gold, &Prediction::Classes(predicted));
            }
            let mut scores = Scores::default();
            scorer.finish(&mut scores);
            let (theirs, name) = (&case["conlleval"], case["name"].as_str().unwrap());
            for (metric, ours) in
                scores.metrics.iter().filter(|(name, _)| !name.starts_with("accuracy_"))
            {
                same(*ours, &theirs[*metric], name);
            }
        }
    }

    #[test]
    fn a_token_that_lacks_a_tag_is_not_scored() {
        let names = ["N", "V"].into_iter().collect();
        let mut scorer = Box::new(TagScorer::new(names, None, Some("V".to_owned())));
        let gold = |classes: [Option<u32>; 2]| Gold::Classes {
            classes: classes.to_vec(),
            oov: vec![false, true],
        };
        scorer.push(&gold([Some(0), None]), &Prediction::Classes(vec![1, 1]));
        scorer.push(&gold([Some(0), Some(1)]), &Prediction::Classes(vec![1, 1]));
        let mut scores = Scores::default();
        scorer.finish(&mut scores);
        // V: P = 1/3, R = 1; F0.5 = 1.25·(1/3) / (1/4·1/3 + 1).
        let metrics: Vec<_> = scores.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(metrics, ["f0.5", "accuracy", "accuracy_known", "accuracy_oov"]);
        assert!((scores.metrics[0].1 - 500.0 / 13.0).abs() < 1e-9, "{:?}", scores.metrics[0]);
        assert_eq!((scores.metrics[2].1, scores.metrics[3].1), (0.0, 100.0));
    }
}
