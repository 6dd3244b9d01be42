//! Dual: a translator and its inverse should give a pair of texts one probability (Xia et al. 2017).
//!
//! With p(y | x) of the decoder `left` and p(x | y) of the decoder `right`, both P(x)·p(y | x) and P(y)·p(x | y) are the
//! probability of the pair (x, y). Of a pair with |x| and |y| words, and an end each,
//!
//! g = (ln P(x) + ln p(y | x) − ln P(y) − ln p(x | y)) / (|x| + |y| + 2), and loss = Σ g² / pairs.
//!
//! The logarithms are sums over words, so that without the division the squares of long texts would dominate. Dividing each
//! by its own length instead would give models of one joint distribution a gap. The gradient reaches both decoders and what
//! they read; P(x) and P(y) are constant: bigram models of the two fields in train ([`Bigrams`]), over the classes of the
//! decoders, or with `marginals = "none"` both 1. Pairs that lack a text have no loss.
//!
//! Its metric is `dual_gap`, the mean of |g|, in nats per word.

pub(super) mod gap;
pub(super) mod side;

use std::sync::Arc;

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
    decoder_pair::{self, LEFT, RIGHT},
    text_bigrams,
};
use crate::{
    data::{Batch, Corpus, Fitted},
    keys::{Key, ValueType},
    metric::{Scorer, scorer::GapScorer},
    model::{Decoder, Rows},
    protocol::event::Direction,
};
use gap::Joint;
use side::Side;

pub(super) struct Dual;

const SIDES: [&str; 2] = [LEFT, RIGHT];

/// The key of the probabilities of what the two models predict, by itself.
pub(super) const MARGINALS: &str = "marginals";

const KEYS: &[Key] = &[Key::with_default(
    MARGINALS,
    ValueType::Choice(&["bigram", "none"]),
    "\"bigram\"",
    "probabilities of the texts by themselves: bigram models of train, or none, as if all were equal",
)];

impl ObjectiveKind for Dual {
    fn name(&self) -> &'static str {
        "dual"
    }

    fn about(&self) -> &'static str {
        "one probability of a pair of texts by a decoder and its inverse"
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

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        let fields = decoder_pair::fields(declared)?;
        let has_marginals = declared.values.text(MARGINALS) == "bigram";
        Ok(Box::new(Config { fields, has_marginals }))
    }
}

/// The options of the objective.
struct Config {
    /// The fields that the two decoders generate.
    fields: [String; 2],
    has_marginals: bool,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![Metric { name: "dual_gap", direction: Direction::Lower }]
    }

    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn fit(&self, corpora: &[&Corpus]) -> Fitted {
        let sides = SIDES.into_iter().zip(&self.fields).filter(|_| self.has_marginals);
        sides.fold(Fitted::default(), |fitted, (side, field)| {
            text_bigrams::add_counts(fitted, side, field, corpora)
        })
    }

    fn build(&self, setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let [left, right] = setup.decoders else { bail!("expected the taps of two decoders") };
        let side = |at: usize, decoder: &Arc<dyn Decoder>| -> Result<Side> {
            let vocabulary = decoder.vocabulary();
            let marginal = self
                .has_marginals
                .then(|| text_bigrams::model(setup.fitted, SIDES[at], vocabulary));
            Ok(Side::new(decoder.clone(), self.fields[at].clone(), marginal.transpose()?))
        };
        Ok(Box::new(DualGap { sides: [side(0, left)?, side(1, right)?] }))
    }
}

struct DualGap {
    sides: [Side; 2],
}

impl DualGap {
    /// `None` if no example has both texts.
    fn joint(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Joint>> {
        let [left, right] = &self.sides;
        match (left.score(&taps[0], batch)?, right.score(&taps[1], batch)?) {
            (Some(left), Some(right)) => Joint::of(&left, &right),
            _ => Ok(None),
        }
    }
}

impl Objective for DualGap {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.sides.iter_mut().for_each(|side| side.attach(corpus_idx, corpus));
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        self.joint(taps, batch)?.map_or(Ok(None), |joint| joint.loss(batch))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        Joint::evaluate(self.joint(taps, batch)?.as_ref(), batch)
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(GapScorer::default())
    }
}

#[cfg(test)]
mod tests;
