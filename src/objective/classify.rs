//! Classify: one of several classes for a whole example.
//!
//! loss = −Σ_i ln P(y_i | x_i) over labelled examples, divided by their number; with class weights each
//! example counts as its class weighs. Classes that have an order are also scored by the mean absolute
//! error, in places, averaged over the classes (Baccianella et al. 2009).

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    Evaluation, Metric, Objective, ObjectiveKind, ObjectiveSetup, RawLoss, TapKey,
    labels::{self, Labels},
    predictions_of,
};
use crate::{
    data::{Batch, Corpus, Lexicon, Vocabulary, read::ReadError},
    keys::{Key, ValueType, Values},
    metric::{
        Gold, Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{
        Rows,
        head::Head,
        tap::{LayerSpec, RowKind},
    },
    protocol::event::Direction,
};

pub(super) struct Classify;

const ORDER: Key = Key::optional(
    "order",
    ValueType::List(&ValueType::Text),
    "labels in ascending order, if they are ordinal: also scores macro_mae",
);

const KEYS: &[Key] = &[labels::LABEL, ORDER, labels::CLASS_WEIGHTS];

/// The tap of every objective over whole examples.
pub(super) const TAPS: &[TapKey] = &[TapKey { name: "tap", on: Some(RowKind::Example) }];

impl ObjectiveKind for Classify {
    fn name(&self) -> &'static str {
        "classify"
    }

    fn about(&self) -> &'static str {
        "classification of examples: sentiment, topic, question type"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["softmax"]
    }

    fn metrics(&self, values: &Values) -> Vec<Metric> {
        metrics(values)
    }

    fn check(&self, values: &Values, _taps: &[LayerSpec]) -> std::result::Result<(), String> {
        let order = values.texts("order");
        if let Some(at) = (0..order.len()).find(|&at| order[..at].contains(&order[at])) {
            return Err(format!("label {:?} appears twice in `order`", order[at]));
        }
        labels::check_values(values)
    }

    fn check_corpus(&self, values: &Values, corpus: &Corpus) -> Vec<ReadError> {
        let mut faults = labels::check(values, corpus);
        faults.extend(unordered(values, corpus));
        faults
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        labels::labels(values, corpora, None)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        Ok(Box::new(Classifier::new(setup, None)?))
    }
}

/// What a classifier reports.
pub(super) fn metrics(values: &Values) -> Vec<Metric> {
    let higher = ["accuracy", "macro_f1"].map(|name| Metric { name, direction: Direction::Higher });
    let mae = Metric { name: "macro_mae", direction: Direction::Lower };
    higher.into_iter().chain(values.get("order").map(|_| mae)).collect()
}

/// A fault for every example whose label is not in the order, if there is one.
fn unordered(values: &Values, corpus: &Corpus) -> Vec<ReadError> {
    let order = values.texts("order");
    let Some(field) = corpus.field(values.text("label")).filter(|_| !order.is_empty()) else {
        return Vec::new();
    };
    let examples =
        corpus.splits().flat_map(|part| part.examples.iter().map(move |example| (part, example)));
    examples
        .filter_map(|(part, example)| {
            let label = corpus.lexicons[field].get(example.label(field)?);
            let wanted = order.join(", ");
            (!order.contains(&label)).then(|| ReadError {
                file: part.file.clone(),
                line: example.line,
                what: format!("the label {label:?} is not in the order; expected one of {wanted}"),
            })
        })
        .collect()
}

/// A classifier of whole examples.
pub(super) struct Classifier {
    labels: Labels,
    order: Vec<String>,
    head: Box<dyn Head>,
}

impl Classifier {
    pub(super) fn new(
        setup: ObjectiveSetup<'_>,
        map: Option<BTreeMap<String, String>>,
    ) -> Result<Self> {
        let order = setup.values.texts("order").into_iter().map(str::to_owned).collect();
        let labels = Labels::new(&setup, map);
        let classes = labels::classes(setup.values, labels.vocabulary());
        Ok(Self { labels, order, head: setup.head(classes)? })
    }
}

impl Objective for Classifier {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.labels.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        RawLoss::of(self.head.loss(x, &self.labels.targets(batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let evaluated = self.head.evaluate(x, &self.labels.targets(batch), packing)?;
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold: self.labels.gold(batch).into_iter().map(Gold::class).collect(),
            predictions: predictions_of(packing, &evaluated.classes),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let mut figures = vec![ClassFigure::Accuracy, ClassFigure::MacroF1];
        if !self.order.is_empty() {
            figures.push(ClassFigure::MacroMae(self.order.clone()));
        }
        Box::new(ClassScorer::new(self.class_names(), figures))
    }

    fn class_names(&self) -> Lexicon {
        self.labels.names().clone()
    }
}
