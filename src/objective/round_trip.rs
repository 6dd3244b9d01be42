//! Round trip: texts without a translation train a translator and its inverse (He et al. 2016).
//!
//! Of a text x the decoder `left` samples K translations y_k. Each has a reward, a mean over words:
//!
//! r_k = a·ln P(y_k) / (|y_k| + 1) + (1 − a)·ln p(x | y_k) / (|x| + 1),
//!
//! with a bigram model P of the target's texts in train ([`Bigrams`](crate::data::Bigrams)) and p(x | y_k) of the decoder
//! `right`. The left one learns by the policy gradient of Williams (1992), whose baseline b_k is the mean reward of the
//! other samples of x, the right one by the gradient of its own loss:
//!
//! loss = Σ_x (1/K) Σ_k [ −ln p(x | y_k) − (r_k − b_k)·ln p(y_k | x) ] / words, with |x| + 1 words of each x.
//!
//! The second term is a surrogate: only its gradient is used, and rewards are constants. What is reported is the first
//! term, so its exponential is a perplexity. An evaluation translates greedily instead, and reports that perplexity.
//!
//! Encoders run again on the sampled texts, which have the words of x and of y_k and no other field. A gradient at such rows
//! passes, stops or is reversed as at a tap.

mod made;
mod tripper;

use std::collections::BTreeMap;

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, HeadSource, LabelCheck, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, TapKey,
    decoder_pair::{self, LEFT},
    labels, text_bigrams,
};
use crate::{
    data::{Corpus, Fitted},
    keys::{Key, ValueType},
    protocol::event::Direction,
};
use tripper::RoundTripper;

pub(super) struct RoundTrip;

const SAMPLES: &str = "samples";
const LANGUAGE_MODEL: &str = "language_model";
const MAX_LENGTH: &str = "max_length";

const KEYS: &[Key] = &[
    Key::with_default(
        SAMPLES,
        ValueType::Within(2, 100),
        "2",
        "number of translations that are sampled of each text",
    ),
    Key::with_default(
        LANGUAGE_MODEL,
        ValueType::Number(0.0, 1.0),
        "0.1",
        "weight of the language model in a reward; the rest is that of the text given its translation",
    ),
    Key::with_default(
        MAX_LENGTH,
        ValueType::Within(1, 1000),
        "50",
        "maximum number of words of a sampled translation",
    ),
];

impl ObjectiveKind for RoundTrip {
    fn name(&self) -> &'static str {
        "round-trip"
    }

    fn about(&self) -> &'static str {
        "texts without a translation, translated by a decoder and back by another"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        decoder_pair::TAPS
    }

    fn head(&self) -> HeadSource {
        // The output layers are those of the decoders.
        HeadSource::None
    }

    fn makes_examples(&self) -> bool {
        true
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let values = declared.values;
        Ok(Box::new(Config {
            fields: decoder_pair::fields(declared)?,
            n_samples: values.count(SAMPLES),
            of_language_model: values.number(LANGUAGE_MODEL),
            max_length: values.count(MAX_LENGTH),
        }))
    }
}

/// The options of the objective.
#[derive(Clone)]
struct Config {
    /// The fields of y, which the left decoder generates, and of x.
    fields: [String; 2],
    /// K.
    n_samples: usize,
    /// a.
    of_language_model: f64,
    max_length: usize,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "perplexity", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn check_corpus(&self, corpus: &Corpus) -> LabelCheck {
        let mut check = LabelCheck::default();
        let has_text = |field: &String| {
            let field = corpus.field(field);
            let mut examples = corpus.train.examples.iter();
            field.is_none_or(|field| examples.any(|example| example.symbols(field).is_some()))
        };
        let [target, source] = &self.fields;
        if !has_text(source) {
            let what = format!("from here on no example of train has a {source:?} to translate");
            check.of_corpus.push(labels::fault(corpus, what));
        }
        if self.of_language_model > 0.0 && !has_text(target) {
            let what = format!(
                "from here on no example of train has a {target:?}, of which the language model is; add texts, or set \
                 `{LANGUAGE_MODEL} = 0`"
            );
            check.of_corpus.push(labels::fault(corpus, what));
        }
        check
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        if self.of_language_model == 0.0 {
            return Fitted::default();
        }
        text_bigrams::add_counts(Fitted::default(), LEFT, &self.fields[0], corpora)
    }

    fn n_repeats(&self) -> u64 {
        self.n_samples as u64
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let [left, right] = setup.decoders else { bail!("expected the taps of two decoders") };
        let language_model = (self.of_language_model > 0.0)
            .then(|| text_bigrams::model(setup.fitted, LEFT, left.vocabulary()));
        Ok(Box::new(RoundTripper {
            name: setup.name.to_owned(),
            config: self.clone(),
            left: left.clone(),
            right: right.clone(),
            language_model: language_model.transpose()?,
            attached: BTreeMap::new(),
        }))
    }
}
