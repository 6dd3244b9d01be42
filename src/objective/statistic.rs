//! Statistic: a statistic of the example, in bins with equally many training examples.
//!
//! `length` is the number of tokens n; `distinct` the number of distinct words divided by n;
//! `frequency` the mean of ln(1 + count) over the words, with their counts in training. Bin k of K
//! ends at the k/K quantile over training. loss = −Σ_i ln P(bin_i | x_i), divided by the number of
//! examples.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::Result;

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey, bins,
    derived::{DerivedClassifier, DerivedLabels},
    word_ids::{self, WORDS},
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Packing, Symbol, Vocabulary, normalize::Normalize},
    keys::{Key, MAX_LAYERS, Refers, ValueType},
    metric::scorer::ClassFigure,
    model::head::Classes,
};

pub(super) struct Statistic;

const FIELD: &str = "field";
const STATISTIC: &str = "statistic";
const BINS: &str = "bins";

const KEYS: &[Key] = &[
    Key::with_default(
        FIELD,
        ValueType::Name(Refers::Field),
        "\"text\"",
        "field the statistic is computed from",
    ),
    Key::with_default(
        STATISTIC,
        ValueType::Choice(Measure::NAMES),
        "\"length\"",
        "number of tokens, type-token ratio, or mean word frequency in training",
    ),
    Key::with_default(
        BINS,
        ValueType::Within(2, MAX_LAYERS),
        "4",
        "number of bins, with equally many training examples each",
    ),
];

/// The key of the bin edges: the maximum of each bin but the last, in increasing order.
const BIN_EDGES: &str = "bin_edges";

/// The statistic to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Length,
    Distinct,
    Frequency,
}

impl Measure {
    const NAMES: &[&str] = &["length", "distinct", "frequency"];

    fn find(name: &str) -> Self {
        match name {
            "distinct" => Self::Distinct,
            "frequency" => Self::Frequency,
            _ => Self::Length,
        }
    }
}

/// A statistic of an example's symbols; `counts` holds the training count of each symbol.
fn number(measure: Measure, symbols: &[Symbol], counts: &[u64]) -> f64 {
    let n = symbols.len().max(1) as f64;
    match measure {
        Measure::Distinct => symbols.iter().collect::<BTreeSet<_>>().len() as f64 / n,
        Measure::Frequency => {
            symbols.iter().map(|&symbol| (1.0 + counts[symbol as usize] as f64).ln()).sum::<f64>()
                / n
        }
        Measure::Length => symbols.len() as f64,
    }
}

/// The maximum of each of `n_bins` bins but the last: quantiles, without duplicates.
fn bin_edges(mut numbers: Vec<f64>, n_bins: usize) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    let n = numbers.len();
    let quantile = |bin: usize| numbers.get((bin * n).div_ceil(n_bins).max(1) - 1).copied();
    let mut edges: Vec<f64> = (1..n_bins).filter_map(quantile).collect();
    edges.dedup();
    // A last bin without examples is dropped.
    edges.retain(|edge| numbers.last().is_some_and(|greatest| edge < greatest));
    edges
}

impl ObjectiveKind for Statistic {
    fn name(&self) -> &'static str {
        "statistic"
    }

    fn about(&self) -> &'static str {
        "a binned statistic of the example: length, type-token ratio or mean word frequency"
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
        let values = declared.values;
        Ok(Box::new(Config {
            field: values.text(FIELD).to_owned(),
            measure: Measure::find(values.text(STATISTIC)),
            n_bins: values.count(BINS),
        }))
    }
}

/// The options of the objective.
struct Config {
    field: String,
    measure: Measure,
    n_bins: usize,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        bins::metrics()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let fitted = word_ids::fit(&self.field, corpora, Normalize::default(), None);
        let words = &fitted.vocabularies[WORDS];
        let mut numbers = Vec::new();
        for corpus in corpora {
            let Some(field) = corpus.field(&self.field) else { continue };
            let counts = counts(words, corpus, field);
            let examples = corpus.train.examples.iter();
            let symbols = examples.filter_map(|example| example.symbols(field));
            numbers.extend(symbols.map(|symbols| number(self.measure, symbols, &counts)));
        }
        fitted.with_numbers(BIN_EDGES, bin_edges(numbers, self.n_bins))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let statistics = Statistics {
            field: self.field.clone(),
            measure: self.measure,
            words: setup.vocabulary(WORDS)?,
            bin_edges: setup.numbers(BIN_EDGES)?,
            attached: BTreeMap::new(),
        };
        let classes = Classes::of(statistics.n_bins());
        Ok(Box::new(DerivedClassifier::new(statistics, classes, setup)?))
    }
}

/// The training count of each of a corpus's strings.
fn counts(words: &Vocabulary, corpus: &Corpus, field: usize) -> Vec<u64> {
    corpus.lexicons[field].iter().map(|word| words.count(word)).collect()
}

struct Statistics {
    field: String,
    measure: Measure,
    words: Vocabulary,
    bin_edges: Vec<f64>,
    /// For each corpus, the field's index and the count of each of its strings.
    attached: BTreeMap<usize, (usize, Vec<u64>)>,
}

impl Statistics {
    fn n_bins(&self) -> usize {
        self.bin_edges.len() + 1
    }
}

impl DerivedLabels for Statistics {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        self.attached.insert(corpus_idx, (field, counts(&self.words, corpus, field)));
    }

    fn targets(&self, _packing: &Packing, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached.get(&batch.corpus);
        let Some((field, counts)) = attached else {
            return vec![None; batch.n_examples()];
        };
        let symbols = batch.symbols(*field);
        let bin = |b: usize| {
            let rows = batch.rows_of(*field, b).into_iter();
            let symbols: Option<Vec<Symbol>> = rows.map(|row| symbols[row]).collect();
            let number = number(self.measure, &symbols?, counts);
            Some(self.bin_edges.partition_point(|edge| *edge < number) as u32)
        };
        (0..batch.n_examples()).map(bin).collect()
    }

    fn names(&self) -> Lexicon {
        bins::names(self.n_bins())
    }

    fn figures(&self) -> Vec<ClassFigure> {
        bins::figures()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_by_hand() {
        let counts = [0, 3, 8];
        assert_eq!(number(Measure::Length, &[2, 1, 2, 0], &counts), 4.0);
        assert_eq!(number(Measure::Distinct, &[2, 1, 2, 0], &counts), 0.75);
        let frequency = number(Measure::Frequency, &[1, 2], &counts);
        assert!((frequency - f64::midpoint(4f64.ln(), 9f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn bins_have_equally_many_examples_and_none_is_empty() {
        assert_eq!(bin_edges((1..=8).map(f64::from).collect(), 4), [2.0, 4.0, 6.0]);
        assert_eq!(bin_edges(vec![5.0; 9], 3), [0.0; 0]);
        assert_eq!(bin_edges(vec![1.0, 1.0, 1.0, 2.0], 2), [1.0]);
        assert_eq!(bin_edges(Vec::new(), 2), [0.0; 0]);
    }
}
