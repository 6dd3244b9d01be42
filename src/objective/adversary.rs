//! Adversary: a domain discriminator that the encoder is trained against (Ganin et al. 2016; Liu et
//! al. 2017).
//!
//! loss = −Σ_i ln P(domain_i | x_i), divided by the number of examples. With `gradient = "reverse"`
//! the encoder receives −λ times the gradient with respect to x, and the discriminator itself is
//! trained with factor 1.
//!
//! Its success is measured not by the discriminator's accuracy, which is also low for a weak
//! discriminator, but by that of a fresh probe on the same vectors
//! ([`Probe`](crate::metric::Probe)): the goal is chance.

use std::collections::BTreeMap;

use candle_core::Result;

use super::{
    ConfigFault, Declared, EXAMPLE_TAP, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey, predictions_of,
};
use crate::{
    data::{Batch, Corpus, Fitted, Lexicon, Prediction, Vocabulary},
    kernel,
    keys::{Key, ValueType},
    metric::{Gold, Scorer, scorer::DomainScorer},
    model::{
        Rows,
        head::{Classes, Head},
    },
    protocol::event::Direction,
};

pub(super) struct Adversary;

const ATTRIBUTE: &str = "attribute";

const KEYS: &[Key] = &[Key::with_default(
    ATTRIBUTE,
    ValueType::Choice(&["domain", "language", "corpus"]),
    "\"domain\"",
    "corpus key that the discriminator predicts; a corpus without it is a class of its own",
)];

/// The key of the vocabulary of domains.
const DOMAINS: &str = "domains";

/// The domain of a corpus.
fn domain<'a>(attribute: &str, corpus: &'a Corpus) -> &'a str {
    let said = match attribute {
        "domain" => corpus.domain.as_deref(),
        "language" => corpus.language.as_deref(),
        _ => None,
    };
    said.unwrap_or(&corpus.name)
}

impl ObjectiveKind for Adversary {
    fn name(&self) -> &'static str {
        "adversary"
    }

    fn about(&self) -> &'static str {
        "domain discriminator behind gradient reversal (adversarial training)"
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
        if declared.n_corpora < 2 {
            let what = "an adversary needs at least two corpora";
            return Err(ConfigFault::Tap(what.to_owned()));
        }
        Ok(Box::new(Config { attribute: declared.values.text(ATTRIBUTE).to_owned() }))
    }
}

/// Its parsed options.
struct Config {
    attribute: String,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        let lower = |name| Metric { name, direction: Direction::Lower };
        vec![lower("probe_accuracy"), Metric { name: "accuracy", direction: Direction::Higher }]
    }

    fn output(&self) -> Output<'_> {
        Output::New
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let mut counts = BTreeMap::<&str, u64>::new();
        for corpus in corpora {
            let n = corpus.train.examples.len() as u64;
            *counts.entry(domain(&self.attribute, corpus)).or_default() += n;
        }
        Fitted::default().with_vocabulary(DOMAINS, Vocabulary::from_counts(counts, 0, None))
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let domains = setup.vocabulary(DOMAINS)?;
        let attribute = self.attribute.clone();
        let head = setup.head(Classes::of(domains.len()))?;
        Ok(Box::new(Discriminator { attribute, domains, head, attached: BTreeMap::new() }))
    }
}

struct Discriminator {
    attribute: String,
    domains: Vocabulary,
    head: Box<dyn Head>,
    /// The class of each corpus; `None` for a domain that does not occur in training.
    attached: BTreeMap<usize, Option<u32>>,
}

impl Discriminator {
    fn class(&self, batch: &Batch) -> Option<u32> {
        *self.attached.get(&batch.corpus).expect("the corpus has been attached")
    }
}

impl Objective for Discriminator {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.attached.insert(corpus_idx, self.domains.id(domain(&self.attribute, corpus)));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = vec![self.class(batch); packing.n_rows()];
        RawLoss::of(self.head.loss(x, &targets, packing)?)
    }

    /// The domain of each example; for the scorer, also the vectors.
    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let targets = vec![self.class(batch); packing.n_rows()];
        let evaluated = self.head.evaluate(x, &targets, packing)?;
        let gold: Vec<Gold> = targets.into_iter().map(Gold::class).collect();
        let width = x.dim(1)?;
        let vectors = kernel::to_vec(x)?;
        let vectors = vectors.chunks_exact(width).map(|row| Prediction::Vector(row.to_vec()));
        Ok(Evaluation {
            loss: RawLoss::of(evaluated.loss)?,
            predictions: predictions_of(packing, &evaluated.classes),
            scored_only: gold.iter().cloned().zip(vectors).collect(),
            gold,
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(DomainScorer::new(self.class_names()))
    }

    fn class_names(&self) -> Lexicon {
        self.domains.iter().map(|(domain, _)| domain).collect()
    }
}
