//! Classify: one of several classes for a whole example.
//!
//! loss = −Σ_i ln P(y_i | x_i) over labelled examples, divided by their number, where each example
//! is multiplied by its class weight. Ordinal classes are also scored by the mean absolute error,
//! in ranks, averaged over the classes (Baccianella et al. 2009).

use candle_core::{Result, Tensor};

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, Evaluation, HeadSource, LABEL_WIDTH, LabelCheck, Metric,
    Objective, ObjectiveConfig, ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
    labels::{self, LabelConfig, Labels},
    pair_features::PairFeatures,
    predictions_of,
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, read::ReadError},
    keys::{Key, ValueType},
    metric::{
        Gold, Scorer,
        scorer::{ClassFigure, ClassScorer},
    },
    model::{Rows, encoder::LabelHead, head::Head},
    protocol::event::{Direction, Split},
};

pub(super) struct Classify;

/// The key of a map to coarser classes.
pub(super) const MAP: &str = "map";

const ORDER: Key = Key::optional(
    "order",
    ValueType::List(&ValueType::Text),
    "labels in ascending order, if they are ordinal: also scores macro_mae",
);

const DIRECTED: Key = Key::with_default(
    "directed",
    ValueType::Switch,
    "false",
    "labels name a relation and its direction, as in SemEval-2010 task 8: also scores directed_f1",
);

const KEYS: &[Key] = &[labels::LABEL, ORDER, DIRECTED, labels::CLASS_WEIGHTS, LABEL_WIDTH];

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
        EXAMPLE_TAP
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let order = declared.values.texts(ORDER.name);
        if let Some(at) = (0..order.len()).find(|&at| order[..at].contains(&order[at])) {
            let what = format!("label {:?} appears twice in `order`", order[at]);
            return Err(ConfigFault::Tap(what));
        }
        let order = order.into_iter().map(str::to_owned).collect();
        let labels = LabelConfig::of(declared, None)?;
        let is_directed = declared.values.switch(DIRECTED.name);
        Ok(Box::new(ClassifyConfig { labels, order, is_directed, features: None }))
    }
}

/// The parsed options of a classification.
pub(super) struct ClassifyConfig {
    pub(super) labels: LabelConfig,
    /// In ascending order, if they are ordinal.
    pub(super) order: Vec<String>,
    /// Whether labels name a relation and its direction.
    pub(super) is_directed: bool,
    /// What the head reads, if examples are pairs; otherwise the rows of the first tap.
    pub(super) features: Option<PairFeatures>,
}

impl ObjectiveConfig for ClassifyConfig {
    fn metrics(&self) -> Vec<Metric> {
        let direction = Direction::Higher;
        let higher = ["accuracy", "macro_f1"].map(|name| Metric { name, direction });
        let directed = self.is_directed.then_some(Metric { name: "directed_f1", direction });
        let mae = Metric { name: "macro_mae", direction: Direction::Lower };
        let mae = (!self.order.is_empty()).then_some(mae);
        directed.into_iter().chain(higher).chain(mae).collect()
    }

    fn output(&self) -> Output<'_> {
        let (name, as_read) = (&self.labels.field, self.labels.map.is_none());
        Output::Field { name, as_read, names_read: as_read }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut of_corpus = self.labels.check(corpus);
        if let Some(map) = &self.labels.map {
            of_corpus.extend(self.labels.check_named(MAP, map.keys(), corpus));
        }
        LabelCheck { of_examples: self.unordered(corpus), of_corpus, ..LabelCheck::default() }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        self.labels.fit(corpora)
    }

    /// The head of pairs reads more than the rows of a tap.
    fn has_label_head(&self) -> bool {
        self.features.is_none()
    }

    fn label_head(&self, setup: ObjectiveSetup<'_>) -> Result<Option<LabelHead>> {
        if !self.has_label_head() {
            return Ok(None);
        }
        let classes = self.labels.classes(Labels::new(&setup, &self.labels)?.vocabulary());
        setup.label_head(classes)
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let labels = Labels::new(&setup, &self.labels)?;
        let classes = self.labels.classes(labels.vocabulary());
        let width = match &self.features {
            Some(features) => features.width(setup.taps),
            None => setup.taps[0].width,
        };
        let (order, features) = (self.order.clone(), self.features.clone());
        let head = setup.head_of_width(width, classes)?;
        let is_directed = self.is_directed;
        Ok(Box::new(Classifier { labels, order, is_directed, features, head }))
    }
}

impl ClassifyConfig {
    /// A fault for every example whose label is not in the order, if there is one.
    fn unordered(&self, corpus: &Corpus) -> Vec<(Split, ReadError)> {
        let order = &self.order;
        let Some(field) = corpus.field(&self.labels.field).filter(|_| !order.is_empty()) else {
            return Vec::new();
        };
        let examples = corpus.splits().flat_map(|(split, part)| {
            part.examples.iter().map(move |example| (split, part, example))
        });
        examples
            .filter_map(|(split, part, example)| {
                let label = corpus.lexicons[field].get(example.label(field)?);
                let wanted = order.join(", ");
                if order.iter().any(|other| other == label) {
                    return None;
                }
                let what =
                    format!("the label {label:?} is not in the order; expected one of {wanted}");
                Some((
                    split,
                    ReadError {
                        file: part.file_of(example, &self.labels.field),
                        line: example.line,
                        what,
                    },
                ))
            })
            .collect()
    }
}

/// A classifier of whole examples.
struct Classifier {
    labels: Labels,
    order: Vec<String>,
    is_directed: bool,
    features: Option<PairFeatures>,
    head: Box<dyn Head>,
}

impl Classifier {
    /// What the head reads: (examples, width).
    fn input(&self, taps: &[Rows]) -> Result<Tensor> {
        match &self.features {
            Some(features) => features.of_rows(taps),
            None => Ok(taps[0].tensor.clone()),
        }
    }
}

impl Objective for Classifier {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.labels.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let (x, packing) = (self.input(taps)?, &taps[0].packing);
        RawLoss::of(self.head.loss(&x, &self.labels.targets(batch), packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let (x, packing) = (self.input(taps)?, &taps[0].packing);
        let evaluated = self.head.evaluate(&x, &self.labels.targets(batch), packing)?;
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            gold: self.labels.gold(batch).into_iter().map(Gold::class).collect(),
            predictions: predictions_of(packing, &evaluated.classes),
            scored_only: Vec::new(),
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        let mut figures = vec![ClassFigure::Accuracy, ClassFigure::MacroF1];
        if self.is_directed {
            figures.push(ClassFigure::DirectedF1);
        }
        if !self.order.is_empty() {
            figures.push(ClassFigure::MacroMae(self.order.clone()));
        }
        Box::new(ClassScorer::new(self.class_names(), figures))
    }

    fn class_names(&self) -> Lexicon {
        self.labels.names().clone()
    }
}
