//! Bag of the rest: from each state of a decoder the words that it has still to generate, whatever their order (Weng et
//! al. 2017).
//!
//! The state at step j has read the words before y_j. With p_j the probabilities of the head there:
//! loss_j = −(Σ_{k≥j} ln p_j(y_k)) / (number of k ≥ j), and loss = Σ_j loss_j / steps, over the steps of all texts of the
//! batch that have a word to come; the step of the end has none. Weng et al. sum loss_j over the steps of a text, as they
//! sum the loss of the translation over its words, with weight 1. Here both are divided by their number of steps, which
//! differs by the ends only: `gain = 1` is that weight.
//!
//! The vocabulary is the decoder's. A word outside it does not count, as in `bag`.

use candle_core::{Result, bail};

use super::{
    ConfigFault, Declared, Evaluation, HeadSource, Metric, Objective, ObjectiveConfig,
    ObjectiveKind, ObjectiveSetup, Output, RawLoss, TapKey,
    bag::{K, RECALL, distinct},
    decoded,
    word_ids::FieldWords,
};
use crate::{
    data::{Batch, Corpus, Packing, Prediction},
    kernel::TargetBags,
    keys::{Key, MAX_WIDTH, Refers, ValueType},
    metric::{Gold, Scorer, scorer::RecallScorer},
    model::{
        RowKind, Rows,
        head::{BagEvaluation, BagHead},
    },
};

pub(super) struct BagRest;

const LABEL: &str = "label";
const TAP: &str = "tap";

const KEYS: &[Key] = &[
    Key::required(
        LABEL,
        ValueType::Name(Refers::Field),
        "field of the text whose words are predicted; it is also the field of the decoder",
    ),
    Key::optional(
        K,
        ValueType::Within(1, MAX_WIDTH),
        "number of words for recall_at_k; default: the distinct words to come",
    ),
];

const TAPS: &[TapKey] = &[TapKey { name: TAP, on: Some(RowKind::Step), selects: false }];

impl ObjectiveKind for BagRest {
    fn name(&self) -> &'static str {
        "bag-rest"
    }

    fn about(&self) -> &'static str {
        "the words still to come, whatever their order, from each state of a decoder"
    }

    fn keys(&self) -> &'static [Key] {
        KEYS
    }

    fn taps(&self) -> &'static [TapKey] {
        TAPS
    }

    fn head(&self) -> HeadSource {
        HeadSource::OneOf(&["bag"])
    }

    fn configure(
        &self,
        declared: &Declared<'_>,
    ) -> std::result::Result<Box<dyn ObjectiveConfig>, ConfigFault> {
        decoded::check(declared, TAP, LABEL)?;
        if decoded::word_field(declared, TAP).is_none() {
            let what = "expected a decoder of words, found one of subwords; remove its `subwords`";
            return Err(ConfigFault::Key(TAP, what.to_owned()));
        }
        let values = declared.values;
        Ok(Box::new(Config { label: values.text(LABEL).to_owned(), k: values.count_if_set(K) }))
    }
}

/// The parsed options.
struct Config {
    label: String,
    k: Option<usize>,
}

impl ObjectiveConfig for Config {
    fn metrics(&self) -> Vec<Metric> {
        vec![RECALL]
    }

    // A state depends on the words before it, which an input has not.
    fn output(&self) -> Output<'_> {
        Output::Nothing
    }

    fn has_class_labels(&self) -> bool {
        false
    }

    fn build(&self, mut setup: ObjectiveSetup<'_>) -> Result<Box<dyn Objective>> {
        let Some(decoder) = setup.decoders.first() else { bail!("expected the tap of a decoder") };
        let words = FieldWords::of(decoder.vocabulary().clone(), &self.label);
        let (head, width) = (setup.bag_head(), setup.taps[0].width);
        let head = head.build(&mut setup.scope, width, words.vocabulary().len())?;
        Ok(Box::new(WordsToCome { words, head, k: self.k }))
    }
}

struct WordsToCome {
    words: FieldWords,
    head: BagHead,
    k: Option<usize>,
}

impl WordsToCome {
    /// The words of the text of each sequence of the decoder's rows, by class.
    fn texts(&self, packing: &Packing, batch: &Batch) -> Vec<Vec<u32>> {
        let examples = packing.examples().into_iter();
        examples.map(|example| self.words.classes(batch, example as usize)).collect()
    }

    /// The bag of each row: the known words from its place in the text on.
    fn bags(&self, packing: &Packing, texts: &[Vec<u32>]) -> TargetBags {
        let n_words = self.words.vocabulary().len();
        let (mut classes, mut bags) = (Vec::new(), vec![0..0; packing.n_rows()]);
        for (text, b) in texts.iter().zip(0..) {
            let first = classes.len();
            let is_known = |&class: &u32| (class as usize) < n_words;
            classes.extend(text.iter().copied().filter(is_known));
            let mut start = first;
            for (t, &class) in text.iter().enumerate() {
                bags[packing.row(b, t)] = start..classes.len();
                start += usize::from(is_known(&class));
            }
        }
        TargetBags::new(classes, bags)
    }
}

impl Objective for WordsToCome {
    fn attach(&mut self, corpus_idx: usize, corpus: &Corpus) {
        self.words.attach(corpus_idx, corpus);
    }

    fn loss(&self, taps: &[Rows], batch: &Batch) -> Result<Option<RawLoss>> {
        let Rows { tensor: x, packing } = &taps[0];
        let bags = self.bags(packing, &self.texts(packing, batch));
        RawLoss::of(self.head.loss(x, &bags, packing)?)
    }

    fn evaluate(&self, taps: &[Rows], batch: &Batch) -> Result<Evaluation> {
        let Rows { tensor: x, packing } = &taps[0];
        let texts = self.texts(packing, batch);
        let bags = self.bags(packing, &texts);
        let to_come = |(b, t): (usize, usize)| distinct(&texts[b][t.min(texts[b].len())..]);
        let gold: Vec<Vec<u32>> = packing.positions().map(to_come).collect();
        let n_scored = |gold: &Vec<u32>| {
            if gold.is_empty() { 0 } else { self.k.unwrap_or(gold.len()) }
        };
        let n_words: Vec<usize> = gold.iter().map(n_scored).collect();
        let BagEvaluation { loss, words } = self.head.evaluate(x, &bags, packing, &n_words)?;
        let scored = gold.into_iter().zip(words).filter(|(gold, _)| !gold.is_empty());
        let scored =
            scored.map(|(gold, words)| (Gold::LabelSet(gold), Prediction::LabelSet(words)));
        Ok(Evaluation {
            scored_only: scored.collect(),
            ..Evaluation::of_loss(RawLoss::of(loss)?, batch.n_examples())
        })
    }

    fn scorer(&self) -> Box<dyn Scorer> {
        Box::new(RecallScorer::default())
    }
}

#[cfg(test)]
mod tests;
