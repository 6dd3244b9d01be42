//! Relation: directed, typed relations between the entities of a sentence.
//!
//! A pair head scores the last tokens of each two entities i before j (Katiyar and Cardie 2017, who let the last token
//! of an entity point at those of earlier ones). Its classes are `none`, and each type from i to j and from j to i.
//! With P their softmax, the loss of a sentence is −Σ_{i<j} ln P(y_ij | h_i, h_j), so that an entity may have any number
//! of relations. It is divided by the number of tokens of the sentences with two entities at least: its scale is that
//! of `tag`. Of two relations of one pair the first is trained.
//!
//! Training pairs the gold entities, which are spans of a field. Evaluations and `predict` pair the entities that
//! another objective decodes, a `tag` objective with spans, whose head is read without a gradient.

mod extractor;

use std::collections::{BTreeMap, BTreeSet};

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadRead, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, ReadView, TOKEN_TAP, TapKey, labels,
};
use crate::{
    data::{
        Corpus, Example, FieldValues, Fitted, Vocabulary,
        read::ReadError,
        structure::{SpanRelation, TokenSpan},
    },
    keys::{Key, Refers, ValueType},
    model::encoder::BatchSize,
    protocol::event::Direction,
};
use extractor::Extractor;

pub(super) struct Relation;

const LABEL: &str = "label";
const SPANS: &str = "spans";
const ENTITIES: &str = "entities";

/// The key of the vocabulary of types.
const TYPES: &str = "types";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Relations), "field of the relations"),
    Key::with_default(
        SPANS,
        ValueType::Name(Refers::Spans),
        "\"entities\"",
        "field of the gold entities, which have relations in training",
    ),
    Key::required(
        ENTITIES,
        ValueType::Name(Refers::Objective),
        "objective of kind tag, with a `scheme`, whose predicted entities have relations in evaluations",
    ),
];

impl ObjectiveKind for Relation {
    fn name(&self) -> &'static str {
        "relation"
    }

    fn about(&self) -> &'static str {
        "relations between the entities of a sentence, which another objective predicts"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TOKEN_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["pair"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        Ok(Box::new(Config::of(declared)))
    }
}

/// The fields that have the relations and the gold entities.
#[derive(Clone, Debug)]
struct Fields {
    relations: String,
    spans: String,
}

/// The indices of these fields in a corpus.
#[derive(Clone, Copy, Debug)]
struct FieldIndices {
    relations: usize,
    spans: usize,
}

impl Fields {
    /// The indices of the fields in a corpus, if it has them.
    fn find(&self, corpus: &Corpus) -> Option<FieldIndices> {
        Some(FieldIndices {
            relations: corpus.field(&self.relations)?,
            spans: corpus.field(&self.spans)?,
        })
    }
}

impl FieldIndices {
    /// The relations and the gold entities of an example, if it has both.
    fn of_example(self, example: &Example) -> Option<(&[SpanRelation], &[TokenSpan])> {
        let value = |field: usize| example.fields.get(field)?.as_ref();
        match (value(self.relations)?, value(self.spans)?) {
            (FieldValues::Relations(relations), FieldValues::Spans(spans)) => {
                Some((relations, spans))
            }
            _ => None,
        }
    }
}

/// The boundaries of a span.
fn bounds(span: TokenSpan) -> (u32, u32) {
    (span.start, span.end)
}

/// The options of the objective.
struct Config {
    fields: Fields,
    entities: String,
    /// Whether it has relations of its own, from a single corpus.
    is_alone: bool,
}

impl Config {
    fn of(declared: &Declared<'_>) -> Self {
        let text = |key| declared.values.text(key).to_owned();
        Self {
            fields: Fields { relations: text(LABEL), spans: text(SPANS) },
            entities: text(ENTITIES),
            is_alone: !declared.shares && declared.n_corpora == 1,
        }
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let names = [
            "f1",
            "precision",
            "recall",
            "macro_f1",
            "boundaries_f1",
            "boundaries_macro_f1",
            "relaxed_f1",
            "relaxed_macro_f1",
            "f1_gold_entities",
        ];
        names.map(|name| Metric { name, direction: Direction::Higher }).into()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.fields.relations, as_read: true, names_read: true }
    }

    /// Each two tokens once, at most.
    fn n_pairs(&self, batch: BatchSize) -> u64 {
        // Entities end at no more than every third token.
        batch.pairs / 9
    }

    fn reads(&self) -> Vec<HeadRead> {
        vec![HeadRead { key: ENTITIES, objective: self.entities.clone(), requires_grad: false }]
    }

    fn check_reads(&self, reads: &[ReadView<'_>]) -> std::result::Result<(), ConfigFault> {
        if reads.iter().all(|read| read.config.typed_scheme().is_some()) {
            return Ok(());
        }
        let what = format!(
            "`{ENTITIES}`: expected an objective that predicts spans with types, found {:?}; name one of kind \
             \"tag\" with a `scheme`, and without `types = false`",
            self.entities
        );
        Err(ConfigFault::Key(ENTITIES, what))
    }

    /// A relation of a span with itself or of spans that are no entities, and a corpus without relations.
    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(fields) = self.fields.find(corpus) else { return check };
        let Fields { relations: name, spans: entities } = &self.fields;
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let Some((relations, spans)) = fields.of_example(example) else { continue };
                let known: BTreeSet<(u32, u32)> = spans.iter().copied().map(bounds).collect();
                for SpanRelation { from, to, label } in relations {
                    if bounds(*from) != bounds(*to) {
                        continue;
                    }
                    let label = corpus.lexicons[fields.relations].get(*label);
                    let (start, end) = bounds(*from);
                    let what = format!(
                        "the relation {label:?} of {name:?} relates the tokens from {start} to {end} to themselves, \
                         expected two entities"
                    );
                    let line = example.line_of(start as usize);
                    let file = data.file_of(example, name);
                    check.of_examples.push((split, ReadError { file, line, what }));
                }
                let arguments = relations.iter().flat_map(|relation| {
                    [relation.from, relation.to].map(|argument| (relation.label, argument))
                });
                for (label, TokenSpan { start, end, .. }) in arguments {
                    if known.contains(&(start, end)) {
                        continue;
                    }
                    let label = corpus.lexicons[fields.relations].get(label);
                    let what = format!(
                        "the relation {label:?} of {name:?} has the tokens from {start} to {end}, expected an entity \
                         of {entities:?}"
                    );
                    let line = example.line_of(start as usize);
                    let file = data.file_of(example, name);
                    check.of_examples.push((split, ReadError { file, line, what }));
                }
            }
        }
        let has_relations = |example: &Example| {
            fields.of_example(example).is_some_and(|(relations, _)| !relations.is_empty())
        };
        // Of several corpora each may lack relations, and an objective that shares another's labels needs none.
        if self.is_alone && !corpus.train.examples.iter().any(has_relations) {
            let what = format!(
                "from here on no example of train has a relation in {name:?}; expected one at least"
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        for corpus in corpora {
            let Some(fields) = self.fields.find(corpus) else { continue };
            let lexicon = &corpus.lexicons[fields.relations];
            let of =
                |example| fields.of_example(example).map_or(&[][..], |(relations, _)| relations);
            for relation in corpus.train.examples.iter().flat_map(of) {
                *counts.entry(lexicon.get(relation.label)).or_default() += 1;
            }
        }
        Fitted::default().with_vocabulary(TYPES, Vocabulary::from_counts(counts, 1, None))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Extractor::new(self, setup)?))
    }
}
