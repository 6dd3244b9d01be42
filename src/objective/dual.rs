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

use std::{collections::BTreeMap, sync::Arc};

use candle_core::{Result, Tensor, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
    decoder_pair::{self, LEFT, RIGHT},
    text_bigrams,
};
use crate::{
    data::{Batch, Bigrams, Corpus, Fitted, Prediction},
    kernel,
    keys::{Key, ValueType},
    metric::{Gold, Scorer, scorer::GapScorer},
    model::{
        Decoder, Rows,
        decoder::{TargetIds, TargetRows},
    },
    protocol::event::Direction,
};

pub(super) struct Dual;

const SIDES: [&str; 2] = [LEFT, RIGHT];
const MARGINALS: &str = "marginals";

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
            Ok(Side {
                decoder: decoder.clone(),
                field: self.fields[at].clone(),
                marginal: marginal.transpose()?,
                attached: BTreeMap::new(),
            })
        };
        Ok(Box::new(DualGap { sides: [side(0, left)?, side(1, right)?] }))
    }
}

/// A decoder, with the model of its texts by themselves.
struct Side {
    decoder: Arc<dyn Decoder>,
    field: String,
    marginal: Option<Bigrams>,
    /// The index of the field in each corpus that has it, and the ids of its strings.
    attached: BTreeMap<usize, (usize, TargetIds)>,
}

/// What a side says about each text of a batch.
struct Scored {
    /// −ln p of the text given the other one: (examples).
    conditional: Tensor,
    /// ln P of the text by itself.
    marginal: Vec<f64>,
    /// The number of its words with its end; 0 for an example without it.
    n_words: Vec<usize>,
}

impl Side {
    /// `None` if no example has a text.
    fn score(&self, rows: &Rows, batch: &Batch) -> Result<Option<Scored>> {
        let Some((field, ids)) = self.attached.get(&batch.corpus) else { return Ok(None) };
        let packing = &rows.packing;
        let target = TargetRows::new(packing, batch, *field, ids);
        let (previous, targets) = (target.previous(), target.targets());
        if targets.is_empty() {
            return Ok(None);
        }
        let (mut marginal, mut n_words) =
            (vec![0.0; batch.n_examples()], vec![0; batch.n_examples()]);
        let examples = packing.examples_of_rows();
        for ((&example, &before), &class) in examples.iter().zip(&previous).zip(&targets) {
            let model = self.marginal.as_ref();
            marginal[example as usize] +=
                model.map_or(0.0, |model| model.log_probability(before, class));
            n_words[example as usize] += 1;
        }
        let per_row = self.decoder.cross_entropy(rows, targets, None)?;
        let conditional = kernel::sum_by_group(&per_row, examples, batch.n_examples())?;
        Ok(Some(Scored { conditional, marginal, n_words }))
    }
}

/// ln p of each pair, per word, by the left decoder and by the right one: (pairs) each, and the example of each pair.
struct Joint {
    left: Tensor,
    right: Tensor,
    pairs: Vec<u32>,
}

struct DualGap {
    sides: [Side; 2],
}

impl DualGap {
    /// `None` if no example has both texts.
    fn joint(&self, taps: &[Rows], batch: &Batch) -> Result<Option<Joint>> {
        let [left, right] = &self.sides;
        let (left, right) = (left.score(&taps[0], batch)?, right.score(&taps[1], batch)?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        let is_pair = |at: &usize| left.n_words[*at] > 0 && right.n_words[*at] > 0;
        let pairs: Vec<usize> = (0..batch.n_examples()).filter(is_pair).collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let examples: Vec<u32> = pairs.iter().map(|&at| at as u32).collect();
        let n_words = |at: &usize| (left.n_words[*at] + right.n_words[*at]) as f64;
        let per_word: Vec<f32> = pairs.iter().map(|at| (1.0 / n_words(at)) as f32).collect();
        let per_word = Tensor::from_vec(per_word, pairs.len(), left.conditional.device())?;
        // The marginal is of the text that the other decoder generates.
        let of = |scored: &Scored, marginal: &[f64]| -> Result<Tensor> {
            let marginal: Vec<f32> =
                pairs.iter().map(|at| (marginal[*at] / n_words(at)) as f32).collect();
            let marginal = Tensor::from_vec(marginal, pairs.len(), per_word.device())?;
            // (examples) to (pairs)
            let rows = scored.conditional.reshape((batch.n_examples(), 1))?;
            let conditional = kernel::gather(&rows, examples.clone())?.flatten_all()?;
            marginal - (conditional * &per_word)?
        };
        let (left, right) = (of(&left, &right.marginal)?, of(&right, &left.marginal)?);
        Ok(Some(Joint { left, right, pairs: examples }))
    }

    fn loss_of(joint: &Joint, batch: &Batch) -> Result<Option<RawLoss>> {
        let squares = (&joint.left - &joint.right)?.sqr()?;
        let per_example = kernel::sum_by_group(&squares, joint.pairs.clone(), batch.n_examples())?;
        RawLoss::new(per_example, joint.pairs.len()).map(Some)
    }
}

impl Objective for DualGap {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        for Side { decoder, field, attached, .. } in &mut self.sides {
            let Some(field) = corpus.field(field) else { continue };
            let ids = decoder.target_ids(&corpus.lexicons[field]);
            attached.insert(corpus_idx, (field, ids));
        }
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let joint = self.joint(taps, batch)?;
        joint.map_or(Ok(None), |joint| Self::loss_of(&joint, batch))
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Some(joint) = self.joint(taps, batch)? else {
            return Ok(Evaluation::of_loss(None, batch.n_examples()));
        };
        let loss = Self::loss_of(&joint, batch)?;
        let (left, right) = (kernel::to_vec(&joint.left)?, kernel::to_vec(&joint.right)?);
        let pair =
            (Gold::Numbers(right.into_iter().map(Some).collect()), Prediction::Numbers(left));
        let evaluation = Evaluation::of_loss(loss, batch.n_examples());
        Ok(Evaluation { scored_only: vec![pair], ..evaluation })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(GapScorer::default())
    }
}

#[cfg(test)]
mod tests;
