//! Statistic: a number of the example, by bins that hold equally many training examples.
//!
//! `length` is its tokens n; `distinct` its distinct words over n; `frequency` the mean of ln(1 + count) of
//! its words, by their counts in training. Bin k of K ends at the k/K quantile over training. loss =
//! −Σ_i ln P(bin_i | x_i), divided by the examples.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::Result;

use super::{
    Metric, Objective, ObjectiveKind, ObjectiveSetup, TapKey,
    bins::{BinClassifier, Bins, metrics},
    classify::TAPS,
};
use crate::{
    data::{Batch, Corpus, Symbol, Vocabulary, normalise::Normalise},
    keys::{Key, Refers, ValueType, Values},
};

pub(super) struct Statistic;

const STATISTIC: &str = "statistic";
const BINS: &str = "bins";

const KEYS: &[Key] = &[
    Key::with_default(
        "field",
        ValueType::Name(Refers::Field),
        "\"text\"",
        "field the statistic is computed from",
    ),
    Key::with_default(
        STATISTIC,
        ValueType::Choice(&["length", "distinct", "frequency"]),
        "\"length\"",
        "number of tokens, type-token ratio, or mean word frequency in training",
    ),
    Key::with_default(
        BINS,
        ValueType::Count(2),
        "4",
        "number of bins, with equally many training examples each",
    ),
];

/// The key of the vocabulary of bins: the largest number in each but the last, as text.
const ENDS: &str = "ends";

/// The key of the vocabulary of words.
const WORDS: &str = "words";

/// A statistic of an example's symbols, where `counts` has how often each is in training.
fn number(statistic: &str, symbols: &[Symbol], counts: &[u64]) -> f64 {
    let n = symbols.len().max(1) as f64;
    match statistic {
        "distinct" => symbols.iter().collect::<BTreeSet<_>>().len() as f64 / n,
        "frequency" => {
            symbols.iter().map(|&symbol| (1.0 + counts[symbol as usize] as f64).ln()).sum::<f64>()
                / n
        }
        _ => symbols.len() as f64,
    }
}

/// The largest number in each of so many bins but the last: quantiles, each once.
fn ends(mut numbers: Vec<f64>, n_bins: usize) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    let n = numbers.len();
    let quantile = |bin: usize| numbers.get((bin * n).div_ceil(n_bins).max(1) - 1).copied();
    let mut ends: Vec<f64> = (1..n_bins).filter_map(quantile).collect();
    ends.dedup();
    // A last bin that no example falls into is none.
    ends.retain(|end| numbers.last().is_some_and(|largest| end < largest));
    ends
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
        TAPS
    }

    fn heads(&self) -> &'static [&'static str] {
        &["softmax"]
    }

    fn metrics(&self, _values: &Values) -> Vec<Metric> {
        metrics()
    }

    fn vocabularies(
        &self,
        values: &Values,
        corpora: &[&Corpus],
    ) -> Vec<(&'static str, Vocabulary)> {
        let mut all = super::word_ids::count(values, corpora, Normalise::default(), None);
        let words = all[0].1.clone();
        let mut numbers = Vec::new();
        for corpus in corpora {
            let Some(field) = corpus.field(values.text("field")) else { continue };
            let counts = counts(&words, corpus, field);
            let examples = corpus.train.examples.iter();
            let symbols = examples.filter_map(|example| example.symbols(field));
            numbers.extend(symbols.map(|symbols| number(values.text(STATISTIC), symbols, &counts)));
        }
        let ends: Vec<String> =
            ends(numbers, values.count(BINS)).iter().map(f64::to_string).collect();
        let ends = ends.iter().map(|end| (end.as_str(), 1)).collect();
        all.push((ENDS, Vocabulary::from_counts(ends, 1, None)));
        all
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let ends = setup.vocabulary(ENDS);
        let numbers =
            ends.iter().map(|(end, _)| end.parse().expect("it was written from a number"));
        let mut ends: Vec<f64> = numbers.collect();
        ends.sort_by(f64::total_cmp);
        let statistics = Statistics {
            field: setup.values.text("field").to_owned(),
            statistic: setup.values.text(STATISTIC).to_owned(),
            words: setup.vocabulary(WORDS),
            ends,
            attached: BTreeMap::new(),
        };
        Ok(Box::new(BinClassifier::new(statistics, setup)?))
    }
}

/// How often each of a corpus's strings is in training.
fn counts(words: &Vocabulary, corpus: &Corpus, field: usize) -> Vec<u64> {
    corpus.lexicons[field].iter().map(|word| words.count(word)).collect()
}

struct Statistics {
    field: String,
    statistic: String,
    words: Vocabulary,
    ends: Vec<f64>,
    /// For each corpus, the place of the field and the count of each of its strings.
    attached: BTreeMap<usize, (usize, Vec<u64>)>,
}

impl Bins for Statistics {
    fn len(&self) -> usize {
        self.ends.len() + 1
    }

    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        let Some(field) = corpus.field(&self.field) else { return };
        self.attached.insert(corpus_idx, (field, counts(&self.words, corpus, field)));
    }

    fn targets(&self, batch: &Batch) -> Vec<Option<u32>> {
        let attached = self.attached.get(&batch.corpus);
        let Some((field, counts)) = attached else {
            return vec![None; batch.n_examples()];
        };
        let symbols = batch.symbols(*field);
        let bin = |b: usize| {
            let rows = batch.rows_of(*field, b).into_iter();
            let symbols: Option<Vec<Symbol>> = rows.map(|row| symbols[row]).collect();
            let number = number(&self.statistic, &symbols?, counts);
            Some(self.ends.partition_point(|end| *end < number) as u32)
        };
        (0..batch.n_examples()).map(bin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_by_hand() {
        let counts = [0, 3, 8];
        assert_eq!(number("length", &[2, 1, 2, 0], &counts), 4.0);
        assert_eq!(number("distinct", &[2, 1, 2, 0], &counts), 0.75);
        let frequency = number("frequency", &[1, 2], &counts);
        assert!((frequency - f64::midpoint(4f64.ln(), 9f64.ln())).abs() < 1e-12);
    }

    #[test]
    fn bins_hold_equally_many_and_none_is_empty() {
        assert_eq!(ends((1..=8).map(f64::from).collect(), 4), [2.0, 4.0, 6.0]);
        assert_eq!(ends(vec![5.0; 9], 3), [0.0; 0]);
        assert_eq!(ends(vec![1.0, 1.0, 1.0, 2.0], 2), [1.0]);
        assert_eq!(ends(Vec::new(), 2), [0.0; 0]);
    }
}
