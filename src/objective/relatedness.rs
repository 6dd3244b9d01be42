//! Relatedness: a score of a pair of texts, as a distribution over bins (Tai, Socher and Manning 2015).
//!
//! K bins have equally spaced scores r_1 to r_K, the ends of the range. A gold score y between r_k and r_{k+1} is the
//! distribution q with q_{k+1} = (y − r_k) / (r_{k+1} − r_k) and q_k = 1 − q_{k+1}, whose expectation is y. With p the
//! softmax of the head's scores: loss = Σ_i Σ_k q_k ln(q_k / p_k), the Kullback-Leibler divergence, divided by the number
//! of scored pairs. The prediction is the expectation Σ_k p_k r_k.

mod bins;
mod scored;

use candle_core::Result;

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey, labels,
    pair_features::{self, PairFeatures},
};
use crate::{
    data::{Corpus, Example, FieldValues, Fitted, read::ReadError},
    keys::{Key, MAX_LAYERS, MAX_NUMBER, Refers, ValueType},
    protocol::event::Direction,
};
use bins::Bins;
use scored::ScoredPairs;

pub(super) struct Relatedness;

const LABEL: &str = "label";
const BINS: &str = "bins";
const RANGE: &str = "range";
const SMOOTHING: &str = "label_smoothing";

const KEYS: &[Key] = &[
    Key::required(LABEL, ValueType::Name(Refers::Numbers), "field of the score of each pair"),
    pair_features::key("[\"absolute-difference\", \"product\"]"),
    Key::with_default(
        BINS,
        ValueType::Within(2, MAX_LAYERS),
        "5",
        "number of bins, with equally spaced scores",
    ),
    Key::optional(
        RANGE,
        ValueType::List(&ValueType::Number(-MAX_NUMBER, MAX_NUMBER)),
        "lowest and highest score; default: those of train",
    ),
];

impl ObjectiveKind for Relatedness {
    fn name(&self) -> &'static str {
        "relatedness"
    }

    fn about(&self) -> &'static str {
        "a score of pairs of texts: relatedness, similarity, quality"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        pair_features::TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["softmax"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        if values.number(SMOOTHING) > 0.0 {
            let what = "expected no label smoothing, as a score is a distribution already; \
                        remove `label_smoothing`";
            return Err(ConfigFault::Key(SMOOTHING, what.to_owned()));
        }
        let range = match values.numbers(RANGE).as_slice() {
            [] => None,
            &[least, most] if least < most => Some([least, most]),
            other => {
                let found: Vec<String> = other.iter().map(f64::to_string).collect();
                let what = format!(
                    "`range`: expected the lowest and the highest score, such as [1, 5], found [{}]",
                    found.join(", ")
                );
                return Err(ConfigFault::Key(RANGE, what));
            }
        };
        Ok(Box::new(Config {
            field: values.text(LABEL).to_owned(),
            features: PairFeatures::of(declared)?,
            n_bins: values.count(BINS),
            range,
            is_alone: !declared.shares && declared.n_corpora == 1,
        }))
    }
}

/// The options of the objective.
struct Config {
    field: String,
    features: PairFeatures,
    n_bins: usize,
    range: Option<[f64; 2]>,
    /// Whether it has scores of its own, from a single corpus.
    is_alone: bool,
}

/// The score of an example, if it has exactly one.
fn score(example: &Example, field: usize) -> Option<f32> {
    match example.fields.get(field)?.as_ref()? {
        FieldValues::Numbers(numbers) if numbers.len() == 1 => numbers.first().copied(),
        _ => None,
    }
}

impl Config {
    /// The scores of train.
    fn scores<'a>(&self, corpus: &'a Corpus) -> impl Iterator<Item = f64> + use<'a> {
        let field = corpus.field(&self.field);
        let examples = field.into_iter().flat_map(|field| {
            corpus.train.examples.iter().filter_map(move |example| score(example, field))
        });
        examples.map(f64::from)
    }

    /// What is wrong with the score of an example.
    fn fault(&self, example: &Example, field: usize) -> Option<String> {
        let FieldValues::Numbers(numbers) = example.fields.get(field)?.as_ref()? else {
            return None;
        };
        let &[score] = numbers.as_ref() else {
            let n = numbers.len();
            return Some(format!("expected one score in {:?}, found {n} numbers", self.field));
        };
        let [least, most] = self.range?;
        (!(least..=most).contains(&f64::from(score)))
            .then(|| format!("expected a score from {least} to {most}, the `range`, found {score}"))
    }
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let higher = ["pearson", "spearman"].map(|name| (name, Direction::Higher));
        let all = higher.into_iter().chain([("mse", Direction::Lower)]);
        all.map(|(name, direction)| Metric { name, direction }).collect()
    }

    fn output(&self) -> Output<'_> {
        Output::Field { name: &self.field, as_read: false, names_read: false }
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let Some(field) = corpus.field(&self.field) else { return check };
        for (split, data) in corpus.splits() {
            for example in &data.examples {
                let Some(what) = self.fault(example, field) else { continue };
                let (file, line) = (data.file_of(example, &self.field), example.line);
                check.of_examples.push((split, ReadError { file, line, what }));
            }
        }
        let ends = ends(self.scores(corpus));
        let needed = match ends {
            None => Some(format!("no example of train has a {:?}", self.field)),
            Some([least, most]) if least == most && self.range.is_none() => {
                Some(format!("every {:?} of train is {least}", self.field))
            }
            Some(_) => None,
        };
        let needed = needed.filter(|_| self.is_alone);
        check.of_corpus.extend(needed.map(|what| {
            labels::fault(corpus, format!("from here on {what}; expected two scores at least"))
        }));
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let of_train = || ends(corpora.iter().flat_map(|corpus| self.scores(corpus)));
        let range = self.range.or_else(of_train).unwrap_or([0.0, 1.0]);
        Fitted::default().with_numbers(RANGE, range.to_vec())
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let range = setup.numbers(RANGE)?;
        let bins = Bins::new(&range, self.n_bins)?;
        Ok(Box::new(ScoredPairs::new(self.field.clone(), self.features.clone(), bins, setup)?))
    }
}

/// The lowest and the highest of some scores.
fn ends(scores: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    scores.fold(None, |ends, score| {
        let [least, most] = ends.unwrap_or([score; 2]);
        Some([least.min(score), most.max(score)])
    })
}

#[cfg(test)]
mod tests;
