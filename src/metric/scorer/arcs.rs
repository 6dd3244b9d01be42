//! Attachment scores of dependency trees, equal to those of the CoNLL 2018 shared task (Nivre and Fang 2017;
//! Zeman et al. 2018).

use std::collections::BTreeMap;

use super::{Scorer, Scores};
use crate::{
    data::{Lexicon, Prediction, Symbol},
    metric::{Gold, percent},
};

/// `uas`, the share of tokens with the correct head, and `las`, with the correct head and relation.
/// As in the CoNLL 2018 shared task, every token counts, including punctuation, and only the part of
/// a relation before the colon is compared, so that `nsubj:pass` equals `nsubj`.
pub struct ArcScorer {
    relations: Lexicon,
    n_tokens: u64,
    n_heads: u64,
    n_labelled: u64,
}

impl ArcScorer {
    /// Of relations with these names.
    pub fn new(relations: Lexicon) -> Self {
        Self { relations, n_tokens: 0, n_heads: 0, n_labelled: 0 }
    }

    /// A relation without its subtype.
    fn universal(&self, label: Option<Symbol>) -> Option<&str> {
        self.relations.get(label?).split(':').next()
    }
}

impl Scorer for ArcScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Arcs(gold), Prediction::Arcs(predicted)) = (gold, prediction) else { return };
        let predicted: BTreeMap<u32, _> =
            predicted.iter().map(|arc| (arc.dependent, arc)).collect();
        for gold in gold {
            let found = predicted.get(&gold.dependent).filter(|arc| arc.head == gold.head);
            let is_labelled =
                found.is_some_and(|arc| self.universal(arc.label) == self.universal(gold.label));
            self.n_tokens += 1;
            self.n_heads += u64::from(found.is_some());
            self.n_labelled += u64::from(is_labelled);
        }
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_tokens > 0 {
            let uas = percent(self.n_heads, self.n_tokens);
            let las = percent(self.n_labelled, self.n_tokens);
            scores.metrics.extend([("uas", uas), ("las", las)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{
            Corpus, FieldValues,
            read::{Labels, Source, find},
            structure::GraphArc,
        },
        keys::{Located, Value, Values},
        metric::fixture,
    };

    fn finished(scorer: ArcScorer) -> Vec<(&'static str, f64)> {
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn a_correct_head_with_a_wrong_relation_counts_for_uas_only() {
        let arcs = |arcs: [(Option<u32>, u32); 4]| -> Vec<GraphArc> {
            let arcs = (0..).zip(arcs);
            arcs.map(|(dependent, (head, label))| GraphArc { head, dependent, label: Some(label) })
                .collect()
        };
        let names = || ["det", "root", "obj"].into_iter().collect();
        let gold = Gold::Arcs(arcs([(Some(1), 0), (None, 1), (Some(1), 2), (Some(2), 2)]));
        let mut scorer = ArcScorer::new(names());
        let predicted = arcs([(Some(1), 0), (None, 0), (Some(0), 2), (Some(2), 2)]);
        scorer.push(&gold, &Prediction::Arcs(predicted.clone()));
        scorer.push(&Gold::None, &Prediction::Arcs(predicted));
        assert_eq!(finished(scorer), [("uas", 75.0), ("las", 50.0)]);
        assert_eq!(finished(ArcScorer::new(names())), []);
    }

    /// The trees of a CoNLL-U file, their relations interned.
    fn trees(name: &str, relations: &mut Lexicon) -> Vec<Vec<GraphArc>> {
        let bytes = fixture::bytes(&format!("trees/{name}.conllu"));
        let source = Source { name: name.into(), bytes: bytes.into() };
        let encoding = Located::by_default(Value::Text("utf-8".to_owned()));
        let values = Values::new([("encoding".to_owned(), encoding)].into());
        let format = find("conllu").unwrap();
        let mut corpus = Corpus::of_schema(format.schema(&values));
        let read = format.read(&[source], &values, Labels::Required, &mut corpus);
        assert!(read.faults.is_empty(), "{name}: {:?}", read.faults);
        let [heads, deprel] = ["head", "deprel"].map(|field| corpus.field(field).unwrap());
        let of = |example: &crate::data::Example| {
            let Some(FieldValues::Arcs(arcs)) = &example.fields[heads] else { panic!("{name}") };
            let labels = example.symbols(deprel).unwrap();
            let labelled = arcs.iter().map(|arc| {
                let label = corpus.lexicons[deprel].get(labels[arc.dependent as usize]);
                GraphArc { label: Some(relations.intern(label)), ..*arc }
            });
            labelled.collect()
        };
        read.split.examples.iter().map(of).collect()
    }

    #[test]
    fn metrics_equal_the_conll_2018_scorers() {
        let fixture = fixture::read("trees.json");
        let cases = fixture["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let name = case["name"].as_str().unwrap();
            let mut relations = Lexicon::default();
            let [gold, system] =
                ["gold", "system"].map(|of| trees(&format!("{name}.{of}"), &mut relations));
            let mut scorer = ArcScorer::new(relations);
            for (gold, system) in gold.into_iter().zip(system) {
                scorer.push(&Gold::Arcs(gold), &Prediction::Arcs(system));
            }
            let counts = [scorer.n_tokens, scorer.n_heads, scorer.n_labelled].map(Some);
            let theirs = [&case["words"], &case["uas"]["correct"], &case["las"]["correct"]];
            assert_eq!(counts, theirs.map(serde_json::Value::as_u64), "{name}");
            for (metric, ours) in finished(scorer) {
                fixture::same(ours, &case[metric]["f1"], &format!("{name}: {metric}"));
            }
        }
    }
}
