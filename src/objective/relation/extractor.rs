//! The extractor: scores of pairs of entities, their loss, and the predicted relations.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use super::{Config, FieldIndices, Fields, TYPES, bounds};
use crate::{
    data::{
        Batch, Corpus, FieldValues, Lexicon, Packing, Prediction,
        structure::{SpanRelation, TokenSpan},
    },
    kernel,
    metric::{Gold, Scorer, TagScheme, scorer::RelationScorer},
    model::{
        Rows,
        head::{PairRows, PairScorer},
    },
    objective::{Evaluation, Objective, ObjectiveSetup, RawLoss},
};

/// The class of unrelated entities.
const NONE: u32 = 0;

/// The objective with its parameters.
pub(super) struct Extractor {
    fields: Fields,
    /// Scores of the classes of a pair: none, then each type from the earlier entity to the later one and back.
    pairs: PairScorer,
    n_types: u32,
    /// The types of train, then all others that the attached corpora have, and the types of entities.
    names: Lexicon,
    /// The objective that predicts the entities, and the encoding of their tags.
    entities: Box<dyn Objective>,
    scheme: TagScheme,
    attached: BTreeMap<usize, Attached>,
}

/// The fields of a corpus, and the name of each symbol of their labels.
struct Attached {
    fields: FieldIndices,
    relations: Vec<u32>,
    spans: Vec<u32>,
}

/// The gold entities of an example and their relations.
struct Labelled {
    entities: Vec<TokenSpan>,
    relations: Vec<SpanRelation>,
}

/// Pairs of entities of a batch, an earlier and a later one each.
#[derive(Default)]
struct Pairs {
    /// The rows of their last tokens.
    left: Vec<u32>,
    right: Vec<u32>,
    /// Their example.
    examples: Vec<u32>,
    spans: Vec<(TokenSpan, TokenSpan)>,
}

impl Pairs {
    /// Adds the pairs of an example's entities, whose tokens have these rows.
    fn add(&mut self, example: usize, rows: &[usize], entities: &[TokenSpan]) {
        let mut entities = entities.to_vec();
        entities.sort_by_key(|span| (span.end, span.start));
        let row = |span: TokenSpan| rows[span.end as usize - 1] as u32;
        for (at, &later) in entities.iter().enumerate() {
            for &earlier in &entities[..at] {
                self.left.push(row(earlier));
                self.right.push(row(later));
                self.examples.push(example as u32);
                self.spans.push((earlier, later));
            }
        }
    }
}

/// The gold pairs of a batch with their classes.
struct GoldPairs {
    pairs: Pairs,
    classes: Vec<u32>,
    /// The number of tokens of the examples with pairs.
    n_tokens: usize,
    n_examples: usize,
}

impl Extractor {
    pub(super) fn new(config: &Config, mut setup: ObjectiveSetup<'_>) -> Result<Self> {
        let vocabulary = setup.vocabulary(TYPES)?;
        let entities = setup.build_read(0)?;
        let Some(scheme) = setup.reads[0].config.typed_scheme() else {
            bail!("{:?} predicts no spans", config.entities)
        };
        let mut names: Lexicon = vocabulary.iter().map(|(name, _)| name).collect();
        for tag in entities.class_names().iter() {
            for span in scheme.spans(&[tag]) {
                names.intern(&span.kind);
            }
        }
        let (head, width) = (setup.pair_head(), setup.taps[0].width);
        let n_types = vocabulary.len();
        let pairs = head.build(&mut setup.scope.child("pair"), [width; 2], 1 + 2 * n_types)?;
        Ok(Self {
            fields: config.fields.clone(),
            pairs,
            n_types: n_types as u32,
            names,
            entities,
            scheme,
            attached: BTreeMap::new(),
        })
    }

    /// The class of a relation from the earlier entity to the later one, or back. That of a type unseen in training
    /// is the number of classes, which is never trained and never predicted.
    fn class(&self, label: u32, is_forward: bool) -> u32 {
        1 + 2 * label.min(self.n_types) + u32::from(!is_forward && label < self.n_types)
    }

    /// The relation of a class between an earlier and a later entity; `None` for unrelated ones.
    fn relation(class: u32, (earlier, later): (TokenSpan, TokenSpan)) -> Option<SpanRelation> {
        let class = class.checked_sub(1)?;
        let (from, to) = if class % 2 == 0 { (earlier, later) } else { (later, earlier) };
        Some(SpanRelation { from, to, label: class / 2 })
    }

    /// The gold entities and relations of each example.
    fn gold(&self, batch: &Batch) -> Vec<Option<Labelled>> {
        let attached = self.attached.get(&batch.corpus);
        (0..batch.n_examples()).map(|example| attached?.gold(batch, example)).collect()
    }

    /// The pairs of gold entities.
    fn gold_pairs(&self, gold: &[Option<Labelled>], packing: &Packing) -> GoldPairs {
        let (mut pairs, mut classes, mut n_tokens) = (Pairs::default(), Vec::new(), 0);
        for (example, labelled) in gold.iter().enumerate() {
            let Some(labelled) = labelled else { continue };
            let rows = packing.rows_of_example(example);
            pairs.add(example, &rows, &labelled.entities);
            n_tokens += if labelled.entities.len() > 1 { rows.len() } else { 0 };
            for &(earlier, later) in &pairs.spans[classes.len()..] {
                let class = labelled.relations.iter().find_map(|relation| {
                    let arguments = [relation.from, relation.to].map(bounds);
                    let is = |pair: [TokenSpan; 2]| pair.map(bounds) == arguments;
                    match (is([earlier, later]), is([later, earlier])) {
                        (false, false) => None,
                        (is_forward, _) => Some(self.class(relation.label, is_forward)),
                    }
                });
                classes.push(class.unwrap_or(NONE));
            }
        }
        GoldPairs { pairs, classes, n_tokens, n_examples: gold.len() }
    }

    /// The scores of the classes of gold pairs: (pairs, classes); `None` without pairs.
    fn scores(&self, rows: &PairRows, gold: &GoldPairs) -> Result<Option<Tensor>> {
        let Pairs { left, right, .. } = &gold.pairs;
        if left.is_empty() {
            return Ok(None);
        }
        self.pairs.some(rows, left.clone(), right.clone()).map(Some)
    }

    /// The loss of gold pairs with these scores (pairs, classes); `None` if no pair has a class that training has.
    fn loss_of(&self, scores: &Tensor, gold: &GoldPairs) -> Result<Option<RawLoss>> {
        let n_classes = self.pairs.n_labels() as u32;
        let known = (0..).zip(&gold.classes).zip(&gold.pairs.examples);
        let known = known.filter(|((_, class), _)| **class < n_classes);
        let (targets, examples): (Vec<u32>, Vec<u32>) =
            known.map(|((at, class), example)| (at * n_classes + class, *example)).unzip();
        if targets.is_empty() {
            return Ok(None);
        }
        let log_p = kernel::log_softmax(scores)?.flatten_all()?; // (pairs · classes)
        let losses = kernel::gather(&log_p.unsqueeze(1)?, targets)?.flatten_all()?.neg()?; // (known pairs)
        let per_example = kernel::sum_by_group(&losses, examples, gold.n_examples)?;
        RawLoss::new(per_example, gold.n_tokens).map(Some)
    }

    /// The relations of the entities that are predicted for each example.
    fn predict(&self, rows: &PairRows, taps: &[Rows], batch: &Batch) -> Result<Vec<Prediction>> {
        let tagged = self.entities.evaluate(&taps[1..], batch)?.predictions;
        let tag_names = self.entities.class_names();
        let mut pairs = Pairs::default();
        for (example, tags) in tagged.iter().enumerate() {
            let Prediction::Classes(tags) = tags else { continue };
            let tags: Vec<&str> = tags.iter().map(|&tag| tag_names.get(tag)).collect();
            let spans = self.scheme.spans(&tags).into_iter().map(|span| TokenSpan {
                start: span.start as u32,
                end: span.end as u32,
                label: self.names.symbol(&span.kind),
            });
            let rows = taps[0].packing.rows_of_example(example);
            pairs.add(example, &rows, &spans.collect::<Vec<_>>());
        }
        let mut found: Vec<Vec<SpanRelation>> = vec![Vec::new(); batch.n_examples()];
        if !pairs.left.is_empty() {
            let classes = self.pairs.best(rows, &pairs.left, &pairs.right)?;
            for ((class, &example), spans) in
                classes.into_iter().zip(&pairs.examples).zip(pairs.spans)
            {
                found[example as usize].extend(Self::relation(class, spans));
            }
        }
        Ok(found.into_iter().map(Prediction::Relations).collect())
    }
}

impl Attached {
    /// The gold entities and relations of an example; an argument has the type of its entity.
    fn gold(&self, batch: &Batch, example: usize) -> Option<Labelled> {
        let value = |field: usize| batch.values(field).get(example)?.as_ref();
        let FieldValues::Spans(spans) = value(self.fields.spans)? else { return None };
        let FieldValues::Relations(relations) = value(self.fields.relations)? else { return None };
        let name = |names: &[u32], symbol: u32| names[symbol as usize];
        let entity = |span: &TokenSpan| TokenSpan {
            label: span.label.map(|label| name(&self.spans, label)),
            ..*span
        };
        let entities: Vec<TokenSpan> = spans.iter().map(entity).collect();
        let argument = |argument: TokenSpan| {
            let is_it = |entity: &&TokenSpan| bounds(**entity) == bounds(argument);
            entities.iter().find(is_it).copied()
        };
        let relation = |relation: &SpanRelation| {
            Some(SpanRelation {
                from: argument(relation.from)?,
                to: argument(relation.to)?,
                label: name(&self.relations, relation.label),
            })
        };
        let relations = relations.iter().filter_map(relation).collect();
        Some(Labelled { entities, relations })
    }
}

impl Objective for Extractor {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.entities.attach(corpus_idx, corpus);
        let Some(fields) = self.fields.find(corpus) else { return };
        let mut names = |field: usize| -> Vec<u32> {
            corpus.lexicons[field].iter().map(|label| self.names.intern(label)).collect()
        };
        let (relations, spans) = (names(fields.relations), names(fields.spans));
        self.attached.insert(corpus_idx, Attached { fields, relations, spans });
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let gold = self.gold_pairs(&self.gold(batch), packing);
        let scores = self.scores(&self.pairs.rows(x, &[x])?, &gold)?;
        scores.map_or(Ok(None), |scores| self.loss_of(&scores, &gold))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let rows = self.pairs.rows(x, &[x])?;
        let labelled = self.gold(batch);
        let pairs = self.gold_pairs(&labelled, packing);
        let (mut loss, mut scored_only) = (None, Vec::new());
        if let Some(scores) = self.scores(&rows, &pairs)? {
            loss = self.loss_of(&scores, &pairs)?;
            let classes = pairs.classes.iter().copied().map(Some).collect();
            let predicted = Prediction::Classes(kernel::argmax(&scores)?);
            scored_only.push((Gold::Classes { classes, oov: Vec::new() }, predicted));
        }
        let of = |it: Option<Labelled>| it.map_or(Gold::None, |it| Gold::Relations(it.relations));
        Ok(Evaluation {
            loss,
            gold: labelled.into_iter().map(of).collect(),
            predictions: self.predict(&rows, taps, batch)?,
            scored_only,
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RelationScorer::new(self.names.clone()))
    }

    fn class_names(&self) -> Lexicon {
        self.names.clone()
    }
}

#[cfg(test)]
mod tests;
