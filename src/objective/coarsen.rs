//! Coarsen: an example's label by a map to coarser classes, as an auxiliary to the fine ones.
//!
//! loss = −Σ_i ln P(map(y_i) | x_i) over labelled examples, divided by their number.

use candle_core::Result;

use super::{
    Metric, Objective, ObjectiveKind, ObjectiveSetup, TapKey,
    classify::{Classifier, TAPS, metrics},
    labels,
};
use crate::{
    data::{Corpus, Vocabulary, read::ReadError},
    keys::{Key, ValueType, Values},
};

pub(super) struct Coarsen;

const MAP: &str = "map";

const KEYS: &[Key] = &[
    labels::LABEL,
    Key::required(
        MAP,
        ValueType::Map(&ValueType::Text),
        "coarser class of each label; a label without entry stays as it is",
    ),
];

impl ObjectiveKind for Coarsen {
    fn name(&self) -> &'static str {
        "coarsen"
    }

    fn about(&self) -> &'static str {
        "classification into coarser classes, to which a map assigns each label"
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

    fn check_corpus(&self, values: &Values, corpus: &Corpus) -> Vec<ReadError> {
        let mut faults = labels::check(values, corpus);
        faults.extend(labels::check_named(values, MAP, corpus));
        faults
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        labels::labels(values, corpora, labels::map(values, MAP).as_ref())
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let map = labels::map(setup.values, MAP);
        Ok(Box::new(Classifier::new(setup, map)?))
    }
}
