//! One prediction for everything: the most frequent label of train, of numbers their median, which has the least mean
//! absolute error, and of bags of words as many of the most frequent ones as a bag has.

use std::collections::{BTreeMap, BTreeSet};

use auxdesk::{
    data::{Corpus, Example, SplitData},
    recipe::{ObjectiveSpec, Recipe},
};

/// The `accuracy`, the `mae` or the `recall_at_k` of it on test, for each objective with such a metric and labels of its
/// own, by OBJECTIVE.METRIC.
pub(crate) fn scores(recipe: &Recipe, corpora: &[Corpus]) -> Vec<(String, f64)> {
    let of = |spec: &ObjectiveSpec| {
        let corpus = &corpora[spec.corpora[0]];
        let [train, test] =
            [&corpus.train, corpus.test.as_ref()?].map(|split| labels(spec, corpus, split));
        let metrics = spec.config.metrics();
        let has = |name: &str| metrics.iter().any(|metric| metric.name == name);
        let (metric, score) = match () {
            () if has("accuracy") => ("accuracy", accuracy(&train.concat(), &test.concat())),
            () if has("mae") => ("mae", error(&train.concat(), &test.concat())),
            () if has("recall_at_k") => ("recall_at_k", recall(&train, &test)),
            () => return None,
        };
        Some((format!("{}.{metric}", spec.name), score))
    };
    recipe.objectives.iter().filter(|spec| spec.share.is_none()).filter_map(of).collect()
}

/// The labels of each example of a split, where an objective has any.
fn labels<'a>(spec: &ObjectiveSpec, corpus: &'a Corpus, split: &SplitData) -> Vec<Vec<&'a str>> {
    let field = corpus.field(spec.values.text("label")).unwrap();
    let condition = spec.values.text_if_set("where").map(|name| {
        let field = corpus.field(name).unwrap();
        (field, corpus.lexicons[field].symbol(spec.values.text("equals")))
    });
    let of_example = |example: &Example| {
        let holds = |token: usize| {
            condition.is_none_or(|(field, label)| example.label_at(field, token) == label)
        };
        let symbols = match example.label(field) {
            Some(symbol) => vec![symbol],
            None => (0..example.len())
                .filter(|&token| holds(token))
                .filter_map(|token| example.label_at(field, token))
                .collect(),
        };
        symbols.into_iter().map(|symbol| corpus.lexicons[field].get(symbol)).collect::<Vec<_>>()
    };
    split.examples.iter().map(of_example).collect()
}

/// Different labels, from the most frequent on; equally frequent ones in alphabetical order.
fn by_frequency<'a>(labels: &[&'a str]) -> Vec<&'a str> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for label in labels {
        *counts.entry(label).or_default() += 1;
    }
    let mut labels: Vec<&str> = counts.keys().copied().collect();
    labels.sort_by_key(|label| std::cmp::Reverse(counts[label]));
    labels
}

/// In percent.
fn accuracy(train: &[&str], test: &[&str]) -> f64 {
    let most = by_frequency(train).first().copied();
    let n_correct = test.iter().filter(|label| Some(**label) == most).count();
    100.0 * n_correct as f64 / test.len() as f64
}

/// The mean over the bags of test, in percent.
fn recall(train: &[Vec<&str>], test: &[Vec<&str>]) -> f64 {
    let frequent = by_frequency(&train.concat());
    let bags = test.iter().map(|words| words.iter().copied().collect::<BTreeSet<_>>());
    let bags: Vec<BTreeSet<&str>> = bags.filter(|bag| !bag.is_empty()).collect();
    let of_bag = |bag: &BTreeSet<&str>| {
        let n_found = frequent.iter().take(bag.len()).filter(|word| bag.contains(*word)).count();
        n_found as f64 / bag.len() as f64
    };
    100.0 * bags.iter().map(of_bag).sum::<f64>() / bags.len() as f64
}

fn error(train: &[&str], test: &[&str]) -> f64 {
    let [mut train, test] =
        [train, test].map(|of| of.iter().map(|text| text.parse().unwrap()).collect::<Vec<f64>>());
    train.sort_by(f64::total_cmp);
    let median = f64::midpoint(train[(train.len() - 1) / 2], train[train.len() / 2]);
    test.iter().map(|number| (number - median).abs()).sum::<f64>() / test.len() as f64
}
