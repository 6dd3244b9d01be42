//! Attachment scores of dependency trees, equal to those of the CoNLL 2018 shared task (Nivre and Fang 2017;
//! Zeman et al. 2018).

use std::collections::BTreeMap;

use super::{Scorer, Scores, found::Found};
use crate::{
    data::{Lexicon, Prediction, Symbol, structure::GraphArc},
    metric::{Counts, Gold, percent},
};

/// Relations of content words, without subtypes: those that `clas` counts. The others are those of function words and
/// of punctuation.
const CONTENT: &[&str] = &[
    "nsubj",
    "obj",
    "iobj",
    "csubj",
    "ccomp",
    "xcomp",
    "obl",
    "vocative",
    "expl",
    "dislocated",
    "advcl",
    "advmod",
    "discourse",
    "nmod",
    "appos",
    "nummod",
    "acl",
    "amod",
    "conj",
    "fixed",
    "flat",
    "compound",
    "list",
    "parataxis",
    "orphan",
    "goeswith",
    "reparandum",
    "root",
    "dep",
];

/// `uas`, the share of tokens with the correct head, `las`, with the correct head and relation, and `clas`, the F1 of
/// tokens with the correct head and relation among those whose relation is one of content words.
/// As in the CoNLL 2018 shared task, every token counts for the first two, including punctuation, and only the part
/// of a relation before the colon is compared, so that `nsubj:pass` equals `nsubj`.
///
/// The classes are the relations without their subtypes, at the place of head and dependent.
pub struct ArcScorer {
    /// The relation without its subtype of each relation, as a symbol of `found`.
    universal: Vec<Symbol>,
    found: Found,
    n_tokens: u64,
    n_heads: u64,
}

impl ArcScorer {
    /// Of relations with these names.
    pub fn new(relations: &Lexicon) -> Self {
        let mut names = Lexicon::default();
        let without_subtype = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
        let universal = relations.iter().map(|name| names.intern(&without_subtype(name))).collect();
        Self { universal, found: Found::of(names), n_tokens: 0, n_heads: 0 }
    }

    /// The counts of tokens whose relation is one of content words.
    fn content(&self) -> Counts {
        let content = self.found.named().filter(|(relation, _)| CONTENT.contains(relation));
        content.fold(Counts::default(), |sum, (_, counts)| sum.plus(counts))
    }
}

impl Scorer for ArcScorer {
    fn push(&mut self, gold: &Gold, prediction: &Prediction) {
        let (Gold::Arcs(gold), Prediction::Arcs(predicted)) = (gold, prediction) else { return };
        let predicted: BTreeMap<u32, GraphArc> =
            predicted.iter().map(|arc| (arc.dependent, *arc)).collect();
        // Only the tokens that gold has.
        let predicted: Vec<GraphArc> =
            gold.iter().filter_map(|arc| predicted.get(&arc.dependent).copied()).collect();
        let heads: BTreeMap<u32, _> =
            predicted.iter().map(|arc| (arc.dependent, arc.head)).collect();
        let has_head = |arc: &&GraphArc| heads.get(&arc.dependent) == Some(&arc.head);
        self.n_tokens += gold.len() as u64;
        self.n_heads += gold.iter().filter(has_head).count() as u64;
        let Self { universal, found, .. } = self;
        found.add(gold, &predicted, |GraphArc { head, dependent, label }| {
            ((head, dependent), label.map(|label| universal[label as usize]))
        });
    }

    fn finish(self: Box<Self>, scores: &mut Scores) {
        if self.n_tokens > 0 {
            let uas = percent(self.n_heads, self.n_tokens);
            let las = percent(self.found.all().correct, self.n_tokens);
            scores.metrics.extend([("uas", uas), ("las", las)]);
        }
        let content = self.content();
        if content.gold + content.predicted > 0 {
            scores.metrics.push(("clas", content.f1()));
        }
        scores.classes = self.found.by_class();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{
            Corpus, FieldValues,
            read::{Labels, Source, find},
        },
        keys::{Located, Value, Values},
        metric::{fixture, scorer::TagScorer},
    };

    fn finished(scorer: ArcScorer) -> Vec<(&'static str, f64)> {
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        scores.metrics
    }

    #[test]
    fn relations_are_scored_by_class_without_their_subtypes() {
        let arc = |head, dependent, label| GraphArc { head, dependent, label: Some(label) };
        let mut scorer =
            ArcScorer::new(&["nsubj", "nsubj:pass", "root", "obj"].into_iter().collect());
        let gold = vec![arc(Some(1), 0, 1), arc(None, 1, 2), arc(Some(1), 2, 3)];
        // A subtype is ignored, the object is taken for a subject, and the second token has a wrong head.
        let predicted = vec![arc(Some(1), 0, 0), arc(Some(0), 1, 2), arc(Some(1), 2, 0)];
        scorer.push(&Gold::Arcs(gold), &Prediction::Arcs(predicted));
        let mut scores = Scores::default();
        Box::new(scorer).finish(&mut scores);
        let by_class = scores.classes.unwrap();
        let names: Vec<&str> = by_class.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["nsubj", "obj", "root"]);
        let confusion = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]];
        assert_eq!(by_class.confusion.unwrap(), confusion, "the last is for no arc");
    }

    #[test]
    fn a_correct_head_with_a_wrong_relation_counts_for_uas_only() {
        let arcs = |arcs: [(Option<u32>, u32); 4]| -> Vec<GraphArc> {
            let arcs = (0..).zip(arcs);
            arcs.map(|(dependent, (head, label))| GraphArc { head, dependent, label: Some(label) })
                .collect()
        };
        let names = || -> Lexicon { ["det", "root", "obj:lvc"].into_iter().collect() };
        let gold = Gold::Arcs(arcs([(Some(1), 0), (None, 1), (Some(1), 2), (Some(2), 2)]));
        let mut scorer = ArcScorer::new(&names());
        let predicted = arcs([(Some(1), 0), (None, 0), (Some(0), 2), (Some(2), 2)]);
        scorer.push(&gold, &Prediction::Arcs(predicted.clone()));
        scorer.push(&Gold::None, &Prediction::Arcs(predicted));
        // Content words: tokens 2 to 4, predicted 3 and 4, of which the last is correct.
        assert_eq!(finished(scorer), [("uas", 75.0), ("las", 50.0), ("clas", 40.0)]);
        assert_eq!(finished(ArcScorer::new(&names())), []);
    }

    /// A sentence of a CoNLL-U file.
    struct Sentence {
        arcs: Vec<GraphArc>,
        upos: Vec<u32>,
    }

    /// The sentences of a CoNLL-U file, their relations and parts of speech interned.
    fn sentences(name: &str, [relations, tags]: [&mut Lexicon; 2]) -> Vec<Sentence> {
        let bytes = fixture::bytes(&format!("trees/{name}.conllu"));
        let source = Source::new(name, bytes);
        let encoding = Located::by_default(Value::Text("utf-8".to_owned()));
        let values = Values::new([("encoding".to_owned(), encoding)].into());
        let format = find("conllu").unwrap();
        let mut corpus = Corpus::of_schema(format.schema(&values));
        let read = format.read(&[source], &values, Labels::Required, &mut corpus);
        assert!(read.faults.is_empty(), "{name}: {:?}", read.faults);
        let [heads, deprel, upos] = ["head", "deprel", "upos"].map(|at| corpus.field(at).unwrap());
        let of = |example: &crate::data::Example| {
            let Some(FieldValues::Arcs(arcs)) = &example.fields[heads] else { panic!("{name}") };
            let labels = example.symbols(deprel).unwrap();
            let labelled = arcs.iter().map(|arc| {
                let label = corpus.lexicons[deprel].get(labels[arc.dependent as usize]);
                GraphArc { label: Some(relations.intern(label)), ..*arc }
            });
            let arcs = labelled.collect();
            let words = example.symbols(upos).unwrap().iter();
            let upos = words.map(|tag| tags.intern(corpus.lexicons[upos].get(*tag))).collect();
            Sentence { arcs, upos }
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
            let (mut relations, mut tags) = (Lexicon::default(), Lexicon::default());
            let [gold, system] = ["gold", "system"]
                .map(|of| sentences(&format!("{name}.{of}"), [&mut relations, &mut tags]));
            let mut scorer = ArcScorer::new(&relations);
            let mut upos = Box::new(TagScorer::new(tags, None, None));
            for (gold, system) in gold.into_iter().zip(system) {
                scorer.push(&Gold::Arcs(gold.arcs), &Prediction::Arcs(system.arcs));
                let classes = gold.upos.into_iter().map(Some).collect();
                let gold = Gold::Classes { classes, oov: Vec::new() };
                upos.push(&gold, &Prediction::Classes(system.upos));
            }
            let correct = scorer.content().correct;
            let counts =
                [scorer.n_tokens, scorer.n_heads, scorer.found.all().correct, correct].map(Some);
            let correct = |metric: &str| &case[metric]["correct"];
            let theirs = [&case["words"], correct("uas"), correct("las"), correct("clas")];
            assert_eq!(counts, theirs.map(serde_json::Value::as_u64), "{name}");
            let ours = finished(scorer);
            assert_eq!(ours.len(), 3, "{name}");
            for (metric, ours) in ours {
                fixture::same(ours, &case[metric]["f1"], &format!("{name}: {metric}"));
            }
            let mut scores = Scores::default();
            upos.finish(&mut scores);
            let (_, accuracy) =
                *scores.metrics.iter().find(|(metric, _)| *metric == "accuracy").unwrap();
            fixture::same(accuracy, &case["upos"]["f1"], &format!("{name}: upos"));
        }
    }
}
